"""Something of each garden for one thread at a time; gardens do not wait for each other."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

MAX_GARDENS_KEPT: Final = 1_000
"""Gardens of which something is kept; beyond that the one that was longest not used goes."""


@dataclass(slots=True)
class _Place[T]:
    """What is kept of one garden, and how many use it or wait for it."""

    item: T
    users: int = 0
    lock: Lock = field(default_factory=Lock)


class PerGarden[T]:
    """Keeps one thing of each garden, made when it is needed first.

    Args:
        make: Makes it.
        limit: Of so many gardens; what is in use does not go.
    """

    def __init__(self, make: Callable[[], T], *, limit: int = MAX_GARDENS_KEPT) -> None:
        self._make = make
        self._limit = limit
        self._lock = Lock()
        self._places: OrderedDict[str, _Place[T]] = OrderedDict()

    def __len__(self) -> int:
        """Return of how many gardens something is kept."""
        return len(self._places)

    @contextmanager
    def held(self, tenant_key: str) -> Iterator[T]:
        """Hold the garden's thing for the block; others of the same garden wait."""
        with self._lock:
            place = self._places.get(tenant_key)
            if place is None:
                place = self._places[tenant_key] = _Place(self._make())
            place.users += 1
            self._places.move_to_end(tenant_key)
            self._make_room()
        try:
            with place.lock:
                yield place.item
        finally:
            with self._lock:
                place.users -= 1

    def _make_room(self) -> None:
        if len(self._places) <= self._limit:
            return
        unused = [key for key, place in self._places.items() if not place.users]
        for key in unused[: len(self._places) - self._limit]:
            del self._places[key]
