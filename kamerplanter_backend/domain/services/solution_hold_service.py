"""Which probes are out of their tanks and pots, to be calibrated."""

from datetime import datetime, timedelta

from kamerplanter_backend.domain.repositories.solution_hold import SolutionHoldRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command, live
from kamerplanter_engines.errors import FutureTimeError, InvalidInputError, OutOfRangeError
from kamerplanter_engines.models.base import CLOCK_TOLERANCE, is_ahead
from kamerplanter_engines.models.solution_hold import (
    LONGEST_AHEAD,
    SolutionHold,
    SolutionHoldFields,
)


class SolutionHoldService(Service):
    """Takes in when probes are in the solutions of a calibration, for all that judge readings."""

    @command(SolutionHoldRepository)
    def report(
        self, uow: UnitOfWork, said: SolutionHoldFields, said_at: datetime | None = None
    ) -> SolutionHold:
        """Write down that a probe is, or was, in a solution; what is stored stays as it is.

        The same dialog again extends the hold or ends it, by the end that it says last.

        Args:
            uow: The unit of work.
            said: What the dialog says.
            said_at: The present moment by the clock of whoever says it. Where that is another one
                than ours the hold is moved by as much; none = it is ours.

        Raises:
            NotFoundError: The probe does not exist, or is archived.
            FutureTimeError: It begins in the future.
            OutOfRangeError: It reaches further ahead than `LONGEST_AHEAD`.
            InvalidInputError: It ends before it begins.
        """
        live(uow.of(ProbeRepository), said.probe_key)
        now = uow.context.now
        told = _by_our_clock(said, timedelta() if said_at is None else now - said_at)
        if is_ahead(told.since, now):
            raise FutureTimeError(
                f"since {told.since.isoformat()} lies in the future; it is {now.isoformat()}.",
                field="since",
                value=told.since.isoformat(),
            )
        if told.until < told.since:
            raise InvalidInputError(
                f"until {told.until.isoformat()} lies before since {told.since.isoformat()}.",
                field="until",
                value=told.until.isoformat(),
            )
        if told.until > now + LONGEST_AHEAD:
            raise OutOfRangeError(
                f"until {told.until.isoformat()} is too far ahead; it may be at most "
                f"{LONGEST_AHEAD.total_seconds() / 60:g} minutes from now, and be said again.",
                field="until",
                value=told.until.isoformat(),
            )
        return uow.of(SolutionHoldRepository).note(told)


def _by_our_clock(said: SolutionHoldFields, behind: timedelta) -> SolutionHoldFields:
    if abs(behind) <= CLOCK_TOLERANCE:
        return said
    return said.model_copy(update={"since": said.since + behind, "until": said.until + behind})
