"""What a screen shows of a tank."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from kamerplanter_backend.domain.consequences.channels import Source, source_of
from kamerplanter_backend.domain.consequences.tank_alerts import band_for
from kamerplanter_backend.domain.repositories.hand_measurement import HandMeasurementRepository
from kamerplanter_backend.domain.repositories.tank import TankAlertRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.snapshot.trust_views import agreement_views
from kamerplanter_backend.domain.snapshot.views import ProblemView, TankView
from kamerplanter_engines.models.phase import PhaseEntry
from kamerplanter_engines.models.tank import (
    AlertState,
    Band,
    Tank,
    TankAlertFields,
    TankProblem,
)
from kamerplanter_engines.models.telemetry import ChannelKind, Probe
from kamerplanter_engines.tank_engine import deviation, problem_state, target_bands


def tank_view(
    uow: UnitOfWork,
    tank: Tank,
    probes: Sequence[Probe],
    phases: Sequence[tuple[str, PhaseEntry]],
    open_task_keys: tuple[str, ...],
) -> tuple[TankView, list[datetime]]:
    """Return the view of a tank, and when it changes by time alone.

    Args:
        uow: The unit of work.
        tank: The tank.
        probes: The probes in it that are not archived.
        phases: Key and present phase of each plant that it feeds.
        open_task_keys: What is to be done about it.
    """
    bands = target_bands(tank, [entry for _, entry in phases])
    alerts = {alert.kind: alert for alert in uow.of(TankAlertRepository).of_tank(tank.key)}
    problems: list[ProblemView] = []
    moments: list[datetime] = []
    for problem in TankProblem:
        source = source_of(uow, probes, ChannelKind(problem.value), tank_key=tank.key)
        alert = alerts.get(problem) or TankAlertFields(tank_key=tank.key, kind=problem)
        problems.append(_problem_view(uow, alert, band_for(bands, problem), source))
        moments += _moments(alert, source)
    agreements, changes = agreement_views(uow, probes)
    moments += changes
    view = TankView(
        tank=tank,
        bands=bands,
        problems=tuple(problems),
        plant_keys=tuple(key for key, _ in phases),
        open_task_keys=open_task_keys,
        agreements=agreements,
        hand_measurements=uow.of(HandMeasurementRepository).newest_of_tank(tank.key),
    )
    return view, moments


def _problem_view(
    uow: UnitOfWork, alert: TankAlertFields, band: Band, source: Source | None
) -> ProblemView:
    state = problem_state(
        alert,
        band,
        source.deciding if source else None,
        now=uow.context.now,
        max_age_s=source.max_age_s if source else 1,
        started_at=uow.context.started_at,
    )
    value = source.reading.value if source and source.reading else None
    away = None if value is None else deviation(value, band)
    return ProblemView(
        kind=alert.kind,
        is_on=state.is_on,
        side=alert.side if alert.state is AlertState.ACTIVE else None,
        reasons=state.reasons,
        since=alert.since if alert.state is AlertState.ACTIVE else None,
        value=value,
        deviation=away.absolute if away else None,
        deviation_pct=away.relative_pct if away else None,
    )


def _moments(alert: TankAlertFields, source: Source | None) -> list[datetime]:
    if source is None:
        return []
    moments = []
    if alert.state is AlertState.PENDING and alert.since is not None:
        moments.append(alert.since + timedelta(seconds=source.hold_s))
    if source.reading is not None:
        moments.append(source.reading.at + timedelta(seconds=source.max_age_s))
    return moments
