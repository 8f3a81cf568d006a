"""Where the value of a channel is heading; asked for, as it takes a look at a day of readings."""

from kamerplanter_backend.domain.consequences.tank_alerts import band_for, bands_of
from kamerplanter_backend.domain.repositories.calibration import CalibrationRepository
from kamerplanter_backend.domain.repositories.tank import TankRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, query
from kamerplanter_backend.domain.snapshot.supply_views import supplies_of, supply_tasks
from kamerplanter_engines.drift_engine import trend
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.tank import Band, TankProblem
from kamerplanter_engines.models.telemetry import ChannelKind, Probe
from kamerplanter_engines.models.trust import Trend
from kamerplanter_engines.tables.trust import TREND_WINDOW

_PROBLEMS = {ChannelKind(problem.value): problem for problem in TankProblem}


class TrendService(Service):
    """Tells where values are heading."""

    @query()
    def of_channel(self, uow: UnitOfWork, probe_key: str, kind: ChannelKind) -> Trend:
        """Return where a channel is heading since its tank was last changed on purpose.

        The limits are those of the tank of the probe; a probe elsewhere has none.

        Raises:
            NotFoundError: The probe is not of this garden.
            InvalidInputError: It has no such channel.
        """
        probe = uow.of(ProbeRepository).get(probe_key)
        if probe.binding(kind) is None:
            known = ", ".join(channel.kind for channel in probe.channels) or "none"
            raise InvalidInputError(
                f"Probe {probe.name} does not measure {kind}; its channels: {known}.",
                field="kind",
                value=kind,
            )
        now = uow.context.now
        since = now - TREND_WINDOW
        done = supply_tasks(uow, {probe.tank_key} if probe.tank_key else (), since=since)
        recorded = uow.of(CalibrationRepository).of_probe(probe_key)
        changes = supplies_of(uow, probe, done, recorded, since=since).jumps_at
        return trend(
            kind,
            uow.readings.range(probe_key, kind, since, now),
            now=now,
            changed_at=max(changes, default=None),
            band=_band(uow, probe, kind),
        )


def _band(uow: UnitOfWork, probe: Probe, kind: ChannelKind) -> Band | None:
    problem = _PROBLEMS.get(kind)
    tank = None if probe.tank_key is None else uow.of(TankRepository).try_get(probe.tank_key)
    return None if tank is None or problem is None else band_for(bands_of(uow, tank), problem)
