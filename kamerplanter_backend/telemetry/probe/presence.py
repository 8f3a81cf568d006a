"""Whether the device of a probe is there, as far as it says so itself."""

from collections.abc import Iterable

from kamerplanter_backend.telemetry.messages.payload import (
    OFFLINE_WORDS,
    ONLINE_WORDS,
    Missing,
    decode,
    find,
    parse_json,
    read_presence,
)
from kamerplanter_engines.models.telemetry import Availability, Reason
from kamerplanter_engines.telemetry_engine import Sample

_NO_VALUES = frozenset({Reason.NOT_A_NUMBER, Reason.MISSING_FIELD, Reason.UNREADABLE})
"""A bridge says `unavailable` for a device that is gone, and a broken line says anything."""
_LONGEST_WILL = max(map(len, OFFLINE_WORDS | ONLINE_WORDS)) + 2
"""The longest last will or birth word in quotation marks. [bytes]"""


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


def read_last_will(payload: bytes | str) -> bool | None:
    """Return whether a data topic carries a last will (false) or birth word (true)."""
    if len(payload) > _LONGEST_WILL:
        return None
    word = (decode(payload) or "").strip('"').casefold()
    if word in OFFLINE_WORDS:
        return False
    return True if word in ONLINE_WORDS else None


def read_availability(payload: bytes | str, availability: Availability) -> bool | None:
    """Return whether a device says that it is there; none = the message does not tell."""
    text = decode(payload)
    if text is None:
        return None
    document = parse_json(text)
    if isinstance(document, Missing):
        return read_presence(text)
    if availability.path is None:
        return read_presence(document)
    field = find(document, availability.path)[0]
    return None if isinstance(field, Missing) else read_presence(field)
