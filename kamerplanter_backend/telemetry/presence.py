"""Whether the device of a probe is there, as far as it says so itself."""

from kamerplanter_backend.telemetry.mapping import read_availability, read_last_will
from kamerplanter_engines.models.telemetry import Availability


class Presence:
    """What a device says of being there, and whether its broker can be reached."""

    def __init__(self) -> None:
        self.is_online = True
        self.is_connected = True

    def on_availability(
        self, topic: str, payload: bytes | str, availability: Availability | None
    ) -> None:
        """Take in what comes on the topic of the availability; other topics say nothing of it."""
        if availability is None or topic != availability.topic:
            return
        presence = read_availability(payload, availability)
        if presence is not None:
            self.is_online = presence

    def on_last_will(self, payload: bytes | str) -> bool:
        """Take in a last will or birth word; tell whether it was one.

        Some devices leave their last will on the topic of the value itself.
        """
        word = read_last_will(payload)
        if word is None:
            return False
        self.is_online = word
        return True
