"""What the store knew of a channel at an earlier moment, to judge what comes late."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.snapshot.probe_views import channel_view
from kamerplanter_engines.models.base import MICROSECOND
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Probe, Reading
from kamerplanter_engines.telemetry_engine import Known

READ_ON = 2_000
"""Most readings that are read on from a moment: more than a day of one a minute."""

READ_FOR_EACH = 4
"""So many readings are read at most for each moment that is looked up, before single questions
cost less. Own choice."""

type ChannelMoment = tuple[str, ChannelKind, datetime]
"""Probe, kind and time of measurement: what makes a reading one reading."""


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


def stored_at(uow: UnitOfWork, moments: Collection[ChannelMoment]) -> dict[ChannelMoment, Reading]:
    """Return those readings of these channels and times that are stored.

    A channel is asked once, unless far more lies between its times than is looked for.

    Raises:
        NotFoundError: A probe is not of this garden.
    """
    of_channels: defaultdict[tuple[str, ChannelKind], list[datetime]] = defaultdict(list)
    for probe_key, kind, at in moments:
        of_channels[probe_key, kind].append(at)
    found: dict[ChannelMoment, Reading] = {}
    for (probe_key, kind), times in of_channels.items():
        most = READ_FOR_EACH * len(times) + 1
        readings = uow.readings.range(
            probe_key, kind, min(times), max(times) + MICROSECOND, most=most
        )
        if len(readings) == most:
            readings = [
                reading
                for at in times
                for reading in uow.readings.range(probe_key, kind, at, at + MICROSECOND)
            ]
        wanted = set(times)
        found |= {(probe_key, kind, item.at): item for item in readings if item.at in wanted}
    return found
