"""When a probe is out of its tank or pot to be calibrated, so that nothing follows from it."""

from datetime import timedelta
from typing import Final

from kamerplanter_engines.models.base import Entity, Instant, Key, Model

LONGEST_AHEAD: Final = timedelta(hours=2)
"""How far ahead a hold may reach: whoever goes on calibrating says so in time, and who was lost
must not hold for ever. Twice as long as a dialog may be silent."""
REMEMBERED: Final = timedelta(days=8)
"""So long a hold is kept when it is over: what a device dates itself comes up to 7 days late."""
MOST_KEPT: Final = 50
"""Most holds of one probe; of more the oldest go."""


class SolutionHoldFields(Model):
    """From when to when a probe is in a solution, as one dialog says."""

    probe_key: Key
    dialog: Key
    """Who says so: the same one again extends or ends it, and others stay as they are."""
    since: Instant
    """When the probe was taken out of its place."""
    until: Instant
    """When it ends by itself, or has ended."""


class SolutionHold(Entity, SolutionHoldFields):
    """What one dialog said last."""
