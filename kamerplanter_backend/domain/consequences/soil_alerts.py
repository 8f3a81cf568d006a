"""Judges the soil moisture of a plant, and makes the watering task that follows."""

from collections.abc import Sequence

from kamerplanter_backend.domain.consequences.channels import Source, new_readings, source_of
from kamerplanter_backend.domain.consequences.open_tasks import open_task, resolve_tasks
from kamerplanter_backend.domain.consequences.plant_facts import PlantFacts
from kamerplanter_backend.domain.repositories.plant import PlantAlertRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.models.hand_measurement import HandMeasurement
from kamerplanter_engines.models.plant import PlantAlertFields
from kamerplanter_engines.models.task import TaskFields, TaskKind
from kamerplanter_engines.models.telemetry import ChannelKind, Reading
from kamerplanter_engines.soil_alert_engine import judge_soil_run
from kamerplanter_engines.watering_schedule_engine import MoistureVerdict, judge_moisture

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


def evaluate_soil(uow: UnitOfWork, facts: PlantFacts, readings: Sequence[Reading] = ()) -> int:
    """Judge the soil of a plant as of now; return how many alerts and tasks changed.

    Soil that is moist again, by rain or by somebody who booked nothing, needs no water: the task
    that this rule made is closed. It stays where only the probe is gone, which wets nothing, and
    so does the task of another rule or of a person.

    Args:
        uow: The unit of work, allowed to write plant alerts and tasks.
        facts: A plant that is not archived.
        readings: What has just been stored, of any probe.
    """
    key = facts.plant.key
    source = soil_source_of(uow, key)
    alerts = uow.of(PlantAlertRepository)
    stored = alerts.of_plant(key)
    if source is None:
        # Nobody measures it any more, so dry soil could never end by itself.
        if stored is None or not (stored.is_dry or stored.pending_since):
            return 0
        alerts.change(stored, is_dry=False, pending_since=None)
        return 1
    before: PlantAlertFields = stored or PlantAlertFields(plant_key=key)
    after = judge_soil_run(
        before,
        facts.moisture_low_pct,
        facts.moisture_high_pct,
        new_readings(readings, source, ChannelKind.SOIL_MOISTURE),
        now=uow.context.now,
        started_at=uow.context.started_at,
        max_age_s=source.max_age_s,
        hold_s=None if source.is_by_hand else source.hold_s,
    )
    if stored is not None:
        names = PlantAlertFields.model_fields
        alerts.change(stored, **{name: getattr(after, name) for name in names})
    elif after != before:
        alerts.add(after)
    return int(after.is_dry != before.is_dry) + _follow(uow, before, after)


def forget_measured_soil(uow: UnitOfWork, measurement: HandMeasurement) -> None:
    """Take back what followed from a measurement by hand that was wrong; look at the soil then."""
    if measurement.plant_key is None or measurement.kind is not ChannelKind.SOIL_MOISTURE:
        return
    alerts = uow.of(PlantAlertRepository)
    alert = alerts.of_plant(measurement.plant_key)
    if alert is None or alert.last_reading_at != measurement.measured_at:
        return
    after = PlantAlertFields(plant_key=measurement.plant_key)
    alerts.change(alert, **dict(after))
    _follow(uow, alert, after)


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
