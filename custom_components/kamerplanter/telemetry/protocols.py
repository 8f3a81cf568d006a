"""What the live readings need of others, and what they show."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from kamerplanter_engines.models.telemetry import ChannelKind, Hint, Reason, Verdict


class Shown(Protocol):
    """What a screen shows of a channel at one moment."""

    @property
    def value(self) -> float | None:
        """The last good value until its maximum age; then none. Canonical unit."""

    @property
    def at(self) -> datetime | None:
        """When the last good value was measured, even if it is too old to be shown."""

    @property
    def age_s(self) -> float | None:
        """How old it is."""

    @property
    def verdict(self) -> Verdict:
        """Of the newest message; stale for what is too old, restored or retained."""

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why it is not good."""


class Heard(Protocol):
    """What was judged of one channel of a message."""

    @property
    def kind(self) -> ChannelKind:
        """Which channel."""

    @property
    def verdict(self) -> Verdict:
        """How far it is to be trusted."""

    @property
    def hint(self) -> Hint | None:
        """What is probably wrong with the mapping."""


class MessageSource(Protocol):
    """Where messages of devices come from."""

    def start(self) -> None:
        """Begin to connect in the background of the entry."""

    async def set_topics(self, topics: frozenset[str]) -> None:
        """Listen to these topics and to no others."""

    async def stop(self) -> None:
        """Listen to nothing any more."""


type MakeSource = Callable[
    [Callable[[str, bytes, bool], None], Callable[[bool], None]], MessageSource | None
]
"""Makes the source from what to do with a message and with a change of the connection."""
