"""Remembers what was heard on a broker, in bounded memory and in any order of messages."""

from bisect import insort
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

from kamerplanter_backend.telemetry.discovery.listening import Heard
from kamerplanter_backend.telemetry.messages.payload import needs_comma

MAX_TOPICS: Final = 300
"""More topics than anybody would look through; see `Smallest` for which of them are kept."""
MAX_PLACES: Final = 120
"""Fields that are kept of one topic."""
LONGEST_NAME: Final = 200
"""No topic and no path of a measurement is longer; the others are not remembered."""


class Smallest[K, V]:
    """A mapping that keeps the entries with the smallest ranks, whatever order they come in.

    What is thrown out never comes back, as the limit only falls: so an entry that is kept at
    the end was there from its first mention on.

    Args:
        limit: How many entries are kept.
        rank: The rank of a key; depends on the key alone and tells all keys apart.
    """

    def __init__(self, limit: int, rank: Callable[[K], tuple[int, str]]) -> None:
        self._limit = limit
        self._rank = rank
        self._entries: dict[K, V] = {}
        self._ranks: list[tuple[tuple[int, str], K]] = []

    def get(self, key: K, make: Callable[[], V]) -> V | None:
        """Return the entry of a key, made anew if need be; none = it does not belong here."""
        entry = self._entries.get(key)
        if entry is not None:
            return entry
        rank = self._rank(key)
        if len(self._ranks) >= self._limit:
            if rank > self._ranks[-1][0]:
                return None
            del self._entries[self._ranks.pop()[1]]
        insort(self._ranks, (rank, key), key=lambda item: item[0])
        entry = self._entries[key] = make()
        return entry

    def find(self, key: K) -> V | None:
        """Return the entry of a key; none = it is not here."""
        return self._entries.get(key)

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[tuple[K, V]]:
        """Yield keys and entries, the smallest first."""
        return ((key, self._entries[key]) for _, key in self._ranks)


@dataclass(slots=True)
class Place:
    """One place where values were heard: a field of a message, or a whole message."""

    text: str = ""
    """The newest one, as sent and shortened."""
    comma_text: str | None = None
    """The newest one that is a number only with a decimal comma; none = there was none."""
    is_constant: bool = True
    """Each message said the same here."""
    low: float | None = None
    """The least number that was heard; none = there was none."""
    high: float | None = None

    def take(self, item: Heard) -> None:
        """Remember one value."""
        if self.text and self.text != item.value_text:
            self.is_constant = False
        self.text = item.value_text
        if needs_comma(item.value_text):
            self.comma_text = item.value_text
        if item.number is not None:
            self.low = item.number if self.low is None else min(self.low, item.number)
            self.high = item.number if self.high is None else max(self.high, item.number)


def _by_path(path: str | None) -> tuple[int, str]:
    return (0, "") if path is None else (1, path)


@dataclass(slots=True)
class TopicHeard:
    """All that was heard on one topic."""

    places: Smallest[str | None, Place] = field(
        default_factory=lambda: Smallest(MAX_PLACES, _by_path)
    )
    """By path; none = the payload itself."""

    def take(self, items: Iterable[Heard]) -> None:
        """Remember the values of one message."""
        for item in items:
            if item.path is not None and not _is_name(item.path):
                continue
            place = self.places.get(item.path, Place)
            if place is not None:
                place.take(item)


def is_bindable(topic: str) -> bool:
    """Tell whether a topic can be bound; no honest broker hands on the others."""
    return _is_name(topic) and not set(topic) & {"#", "+"}


def _is_name(text: str) -> bool:
    return 0 < len(text) <= LONGEST_NAME and "\0" not in text
