"""How finely a channel steps, by all that its device ever said."""

from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.telemetry import Probe, Reading
from kamerplanter_engines.stillness_engine import FINE_STEP, is_coarse_step, step_of


def finest_step(uow: UnitOfWork, probe: Probe, *newest: Reading) -> float:
    """Return the finest step of a channel; what is finer than 0.1 is not told more finely.

    A few numbers are not enough: each tenth one of a meter with two decimals ends in a zero.

    Args:
        uow: The unit of work.
        probe: The probe; what a device before the present one showed does not count.
        newest: Its newest readings of one channel that differ, at least one.

    Returns:
        Canonical unit.
    """
    step = step_of(*newest)
    if not is_coarse_step(step):
        return step
    fine_at = uow.readings.fine_at(probe.key, newest[0].kind)
    is_fine = fine_at is not None and (probe.replaced_at is None or fine_at >= probe.replaced_at)
    return FINE_STEP if is_fine else step
