"""Whether the device of a probe is there, as far as it says so itself."""

from collections.abc import Iterable

from kamerplanter_backend.telemetry.mapping import read_availability, read_last_will
from kamerplanter_engines.models.telemetry import Availability, Reason
from kamerplanter_engines.telemetry_engine import Sample

_NO_VALUES = frozenset({Reason.NOT_A_NUMBER, Reason.MISSING_FIELD, Reason.UNREADABLE})
"""A bridge says `unavailable` for a device that is gone, and a broken line says anything."""


class Presence:
    """What a device says of being there, and whether its broker can be reached."""

    def __init__(self) -> None:
        self.is_online = True
        self.is_connected = True

    def on_availability(
        self, topic: str, payload: bytes | str, availability: Availability | None
    ) -> bool:
        """Take in what comes on the topic of the availability; tell whether it says "gone"."""
        if availability is None or topic != availability.topic:
            return False
        presence = read_availability(payload, availability)
        if presence is not None:
            self.is_online = presence
        return presence is False

    def on_values(self, samples: Iterable[Sample]) -> None:
        """Take in that values came: whoever sends them is there, whatever an old last will says.

        Values that the device itself marks as failed are some; words are none.
        """
        if not self.is_online:
            self.is_online = any(sample.problem not in _NO_VALUES for sample in samples)

    def on_last_will(self, payload: bytes | str) -> bool:
        """Take in a last will or birth word; tell whether it was one.

        Some devices leave their last will on the topic of the value itself.
        """
        word = read_last_will(payload)
        if word is None:
            return False
        self.is_online = word
        return True
