"""Whether the device behind a probe is there, as far as it says so itself."""

from typing import Final

from kamerplanter_engines.models.base import Entity, Instant, Key, Model

MOST_SAID: Final = 1000
"""Most devices of one report."""


class ProbePresenceFields(Model):
    """What a device says of itself: by its last will, by coming back, or by sending values."""

    probe_key: Key
    is_online: bool
    """False = it said goodbye, or its broker said so for it."""
    since: Instant
    """When that was heard, by the clock that also notes when readings are received."""


class ProbePresence(Entity, ProbePresenceFields):
    """What was last said of a probe."""
