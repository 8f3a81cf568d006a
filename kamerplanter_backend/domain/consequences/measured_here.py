"""What a probe measured where it is now; what it measured elsewhere says nothing of there."""

from datetime import datetime

from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.telemetry import ChannelKind, Probe, Reading, Verdict
from kamerplanter_engines.stay_engine import here_since, is_of_place


def is_here(uow: UnitOfWork, probe: Probe, reading: Reading) -> bool:
    """Tell whether a reading of a probe is of the place where it is now."""
    return is_of_place(reading.at, here_since(probe, reading.kind, uow.context.now))


def newest_here(
    uow: UnitOfWork,
    probe: Probe,
    kind: ChannelKind,
    verdict: Verdict | None = None,
    *,
    until_at: datetime | None = None,
    in_order: bool = False,
) -> Reading | None:
    """Return the newest reading of a channel of the place where its probe is now.

    Args:
        uow: The unit of work.
        probe: The probe.
        kind: What it measures.
        verdict: Only readings of this one; none = of any.
        until_at: The latest moment of measurement; none = now.
        in_order: A good one that came late is left out.
    """
    # If the newest one is of another place, all before it are.
    found = uow.readings.latest(probe.key, kind, verdict, until_at=until_at, in_order=in_order)
    return found if found is not None and is_here(uow, probe, found) else None
