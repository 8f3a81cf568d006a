"""Judges the soil moisture of a plant, and makes the watering task that follows from dry soil."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched
from typing import Final

from kamerplanter_backend.domain.consequences.channels import (
    Fresh,
    Source,
    fresh_of,
    heard_just_now,
    last_judged_at,
    new_readings,
    only_probe,
    source_of,
)
from kamerplanter_backend.domain.consequences.open_tasks import open_task, resolve_tasks
from kamerplanter_backend.domain.consequences.plant_facts import PlantFacts
from kamerplanter_backend.domain.repositories.plant import PlantAlertRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.hand_measurement import HandMeasurement
from kamerplanter_engines.models.plant import PlantAlert, PlantAlertFields
from kamerplanter_engines.models.task import TaskFields, TaskKind
from kamerplanter_engines.models.telemetry import ChannelKind, Probe, Reading
from kamerplanter_engines.soil_alert_engine import (
    is_news,
    is_settled,
    judge_soil_run,
    keeps_moist,
    taken_back,
    without_wait,
)
from kamerplanter_engines.watering_schedule_engine import MoistureVerdict, judge_moisture

PLANTS_AT_ONCE: Final = 500
"""Of so many plants what is known is read at once."""
RULE_SOIL_MOISTURE_LOW = "soil_moisture_low"


def soil_source_of(uow: UnitOfWork, plant_key: str) -> Source | None:
    """Return who speaks for the soil of a plant."""
    probes = uow.of(ProbeRepository).of_plant(plant_key)
    return source_of(uow, probes, ChannelKind.SOIL_MOISTURE, plant_key=plant_key)


def soil_verdict(
    uow: UnitOfWork,
    facts: PlantFacts,
    alert: PlantAlertFields,
    source: Source,
    reading: Reading | None,
) -> MoistureVerdict:
    """Judge the soil of a plant by one reading, as of now."""
    return judge_moisture(
        facts.moisture_low_pct,
        facts.moisture_high_pct,
        reading,
        now=uow.context.now,
        started_at=uow.context.started_at,
        max_age_s=source.max_age_s,
        hold_s=None if source.is_by_hand else source.hold_s,
        pending_since=alert.pending_since,
        was_dry=alert.is_dry,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    """What is known of the soil of a plant before it is judged, read at once for many plants."""

    facts: PlantFacts
    probes: Sequence[Probe]
    alert: PlantAlert | None
    fresh: Fresh


def evaluate_soil(uow: UnitOfWork, facts: PlantFacts) -> int:
    """Judge the soil of a plant as of now; return how many alerts and tasks changed."""
    return evaluate_soils(uow, [facts], {})


def evaluate_soils(
    uow: UnitOfWork, plants: Iterable[PlantFacts], readings: Mapping[str, Sequence[Reading]]
) -> int:
    """Judge the soil of plants as of now; return how many alerts and tasks changed.

    Soil that is moist again, by rain or by somebody who booked nothing, needs no water: the task
    that this rule made is closed. It stays where only the probe is gone, which wets nothing, and
    so does the task of another rule or of a person. An alert is written when its condition changes,
    as that of a tank is.

    Args:
        uow: The unit of work, allowed to write plant alerts and tasks.
        plants: Plants that are not archived.
        readings: What has just been stored, of any probe, by key of the plant.
    """
    return sum(
        _evaluate(uow, case)
        for part in batched(plants, PLANTS_AT_ONCE, strict=False)
        for case in _cases(uow, part, readings)
    )


def _cases(
    uow: UnitOfWork, plants: Sequence[PlantFacts], readings: Mapping[str, Sequence[Reading]]
) -> list[_Case]:
    keys = [facts.plant.key for facts in plants]
    alerts = {alert.plant_key: alert for alert in uow.of(PlantAlertRepository).of_plants(keys)}
    probes: dict[str, list[Probe]] = {}
    for probe in uow.of(ProbeRepository).of_plants(keys):
        probes.setdefault(probe.plant_key or "", []).append(probe)
    return [
        _Case(
            facts=facts,
            probes=probes.get(facts.plant.key, ()),
            alert=alerts.get(facts.plant.key),
            fresh=fresh_of(readings.get(facts.plant.key, ())),
        )
        for facts in plants
    ]


def _evaluate(uow: UnitOfWork, case: _Case) -> int:
    facts, stored = case.facts, case.alert
    key = facts.plant.key
    if stored is not None and _stays_quiet(uow, case, stored):
        return 0
    source = source_of(uow, case.probes, ChannelKind.SOIL_MOISTURE, plant_key=key)
    alerts = uow.of(PlantAlertRepository)
    if source is None:
        # Nobody measures it any more, so dry soil could never end by itself.
        if stored is None or is_settled(stored):
            return 0
        settled = {"pending_since": None, "is_wet": False, "wet_pending_since": None}
        alerts.change(stored, is_dry=False, **settled)
        return 1
    before: PlantAlertFields = stored or PlantAlertFields(plant_key=key)
    probe = only_probe(case.probes, ChannelKind.SOIL_MOISTURE)
    readings = new_readings(case.fresh, source, ChannelKind.SOIL_MOISTURE)
    after = judge_soil_run(
        before if probe is None else _reminded(uow, before, probe, source, readings),
        facts.moisture_low_pct,
        facts.moisture_high_pct,
        readings,
        now=uow.context.now,
        started_at=uow.context.started_at,
        max_age_s=source.max_age_s,
        hold_s=None if source.is_by_hand else source.hold_s,
    )
    if stored is None:
        if after != before:
            alerts.add(after)
    elif probe is None or source.is_by_hand or is_news(stored, after):
        alerts.change(stored, **dict(_fields(after)))
    changed = int(after.is_dry != before.is_dry) + int(after.is_wet != before.is_wet)
    return changed + _follow(uow, before, after)


def _stays_quiet(uow: UnitOfWork, case: _Case, alert: PlantAlert) -> bool:
    """Tell without a look at the store that fresh readings change nothing worth writing down."""
    if not is_settled(alert):
        return False
    kind = ChannelKind.SOIL_MOISTURE
    heard = heard_just_now(uow, case.probes, kind, case.fresh, alert.last_reading_at)
    facts = case.facts
    return bool(heard) and keeps_moist(facts.moisture_low_pct, facts.moisture_high_pct, heard)


def _reminded(
    uow: UnitOfWork,
    alert: PlantAlertFields,
    probe: Probe,
    source: Source,
    readings: Sequence[Reading | None],
) -> PlantAlertFields:
    """Return an alert that knows by which reading it was judged last, while nothing is wrong."""
    if not is_settled(alert):
        return alert
    judged_at = last_judged_at(uow, probe, source, readings, alert.last_reading_at)
    return alert.model_copy(update={"last_reading_at": judged_at})


def known_of_soil(uow: UnitOfWork, plant_key: str, kind: ChannelKind) -> PlantAlertFields | None:
    """Return what is known of the soil of a plant; none = nothing, or no problem comes of it."""
    if kind is not ChannelKind.SOIL_MOISTURE:
        return None
    alert = uow.of(PlantAlertRepository).of_plant(plant_key)
    return None if alert is None else _fields(alert)


def forget_measured_soil(uow: UnitOfWork, measurement: HandMeasurement) -> None:
    """Take back what followed from a measurement by hand that was wrong; look at the soil then."""
    if measurement.plant_key is None or measurement.kind is not ChannelKind.SOIL_MOISTURE:
        return
    alerts = uow.of(PlantAlertRepository)
    alert = alerts.of_plant(measurement.plant_key)
    if alert is None or alert.last_reading_at != measurement.measured_at:
        return
    nothing = PlantAlertFields(plant_key=measurement.plant_key)
    after = taken_back(measurement.soil_before or nothing, alert)
    alerts.change(alert, **dict(after))
    _follow(uow, alert, after)


def end_soil_waits(uow: UnitOfWork, plant_key: str) -> None:
    """Let hold times of soil begin anew that may count readings of a probe that leaves it."""
    alerts = uow.of(PlantAlertRepository)
    alert = alerts.of_plant(plant_key)
    if alert is not None and (after := without_wait(alert)) != alert:
        alerts.change(alert, **dict(_fields(after)))


def _fields(alert: PlantAlertFields) -> PlantAlertFields:
    names = PlantAlertFields.model_fields
    return PlantAlertFields(**{name: getattr(alert, name) for name in names})


def _follow(uow: UnitOfWork, before: PlantAlertFields, after: PlantAlertFields) -> int:
    """Open the task about dry soil, or close it; return how many changed."""
    key = after.plant_key
    if after.is_dry and not after.task_silenced:
        fields = TaskFields(
            kind=TaskKind.WATERING,
            plant_key=key,
            due_on=uow.context.today,
            rule=RULE_SOIL_MOISTURE_LOW,
        )
        return int(open_task(uow, fields) is not None)
    if before.is_dry and not after.is_dry:
        tasks = uow.of(TaskRepository).open_of_plant(key, TaskKind.WATERING)
        return resolve_tasks(uow, [task for task in tasks if task.rule == RULE_SOIL_MOISTURE_LOW])
    return 0
