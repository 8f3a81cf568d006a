"""What the store knew of a channel at an earlier moment, to judge what comes late."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.snapshot.probe_views import channel_view
from kamerplanter_engines.models.telemetry import ChannelBinding, Probe, Reading
from kamerplanter_engines.telemetry_engine import Known

READ_ON = 2_000
"""Most readings that are read on from a moment: more than a day of one a minute."""


class Past(NamedTuple):
    """A channel as of a moment."""

    known: Known
    """What was measured before it, whenever that was heard."""
    readings: Sequence[Reading]
    """What was measured from then on, oldest first."""
    is_whole: bool
    """There is no more; else one has to ask again, as of a later moment."""


def past_of(
    uow: UnitOfWork, probe: Probe, binding: ChannelBinding, from_at: datetime, until_at: datetime
) -> Past:
    """Return what was known of a channel before a moment, and what it measured from then on.

    Args:
        uow: The unit of work.
        probe: The probe as it is now; what it measured elsewhere is not known.
        binding: One of its channels.
        from_at: The moment.
        until_at: What was measured from here on does not matter.
    """
    known = channel_view(uow, probe, binding, None, from_at, before=from_at).known
    found = uow.readings.range(probe.key, binding.kind, from_at, until_at, most=READ_ON)
    return Past(known, found, len(found) < READ_ON)
