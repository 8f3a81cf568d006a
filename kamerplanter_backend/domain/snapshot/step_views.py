"""How finely a channel steps, by all that its device ever said."""

from collections.abc import Sequence

from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.telemetry import ChannelKind, Probe, Reading
from kamerplanter_engines.raw_mapping_engine import CONDUCTIVITIES
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
    # Compensated values move with the temperature too, so they do not tell what a digit means.
    step = step_of(*newest, is_scaled=not _follows_temperature(probe, newest[0].kind))
    if not is_coarse_step(step):
        return step
    fine_at = uow.readings.fine_at(probe.key, newest[0].kind)
    is_fine = fine_at is not None and (probe.replaced_at is None or fine_at >= probe.replaced_at)
    return FINE_STEP if is_fine else step


def known_step(
    uow: UnitOfWork, probe: Probe, said: Reading, others: Sequence[Reading]
) -> float | None:
    """Return the finest step of a channel as far as it tells something.

    That it is fine one number tells, or one that was said long ago. That it is coarse is known of
    one that has moved only.

    Args:
        uow: The unit of work.
        probe: The probe.
        said: What its channel said last.
        others: What it said before, in other numbers; may be empty.

    Returns:
        Canonical unit; none = it may be coarse or not.
    """
    step = finest_step(uow, probe, said, *others)
    return step if others or not is_coarse_step(step) else None


def _follows_temperature(probe: Probe, kind: ChannelKind) -> bool:
    binding = probe.binding(kind)
    return binding is not None and kind in CONDUCTIVITIES and not binding.compensated
