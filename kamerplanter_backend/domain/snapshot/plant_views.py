"""What a screen shows of a plant."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from kamerplanter_backend.domain.consequences.care_dates import (
    care_due_of,
    last_watered_on,
    watering_due_of,
)
from kamerplanter_backend.domain.consequences.channels import Source
from kamerplanter_backend.domain.consequences.plant_facts import PlantFacts
from kamerplanter_backend.domain.consequences.site_days import SiteDays
from kamerplanter_backend.domain.consequences.soil_alerts import soil_source_of, soil_verdict
from kamerplanter_backend.domain.repositories.hand_measurement import HandMeasurementRepository
from kamerplanter_backend.domain.repositories.ipm import TreatmentRepository
from kamerplanter_backend.domain.repositories.plant import PlantAlertRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.snapshot.trust_views import agreement_views
from kamerplanter_backend.domain.snapshot.views import PlantView
from kamerplanter_engines.models.care import CareDue, CareKind
from kamerplanter_engines.models.plant import PlantAlertFields
from kamerplanter_engines.models.task import Task, TaskKind
from kamerplanter_engines.models.telemetry import Probe
from kamerplanter_engines.phase_transition_engine import phase_status
from kamerplanter_engines.safety_interval_engine import check_harvest
from kamerplanter_engines.soil_alert_engine import falls_silent_at
from kamerplanter_engines.task_engine import is_overdue

_OVERDUE_REASONS = {
    TaskKind.WATERING: "watering_overdue",
    TaskKind.FERTILISING: "fertilising_overdue",
    TaskKind.PEST_CHECK: "pest_check_overdue",
}


def plant_view(
    uow: UnitOfWork,
    facts: PlantFacts,
    days: SiteDays,
    open_tasks: Sequence[Task],
    probes: Sequence[Probe] = (),
) -> tuple[PlantView, list[datetime]]:
    """Return the view of a plant, and when it changes by time alone, the garden's midnight aside.

    Args:
        uow: The unit of work.
        facts: The plant.
        days: Those of the garden's sites.
        open_tasks: What is to be done about it.
        probes: The probes in its soil that are not archived.
    """
    plant, today = facts.plant, uow.context.today
    status = phase_status(facts.sequence, facts.entry.entry_id, facts.phase_started_on, today)
    treatments = uow.of(TreatmentRepository).of_plant(plant.key)
    harvest = check_harvest(treatments, days.today_of(plant))
    needs, reasons, moments = _attention(uow, facts, open_tasks)
    agreements, changes = agreement_views(uow, probes)
    view = PlantView(
        plant=plant,
        species_name_en=facts.species.name_en,
        species_name_de=facts.species.name_de,
        scientific_name=facts.species.scientific_name,
        edible=facts.edible,
        phase=facts.entry,
        phases=tuple(entry.phase for entry in facts.sequence.entries),
        phase_started_on=facts.phase_started_on,
        days_in_phase=status.days_in_phase,
        next_phase=status.next_entry.phase if status.next_entry else None,
        next_phase_on=status.due_on,
        next_watering_on=watering_due_of(uow, facts).due_on,
        last_watered_on=last_watered_on(uow, plant.key),
        next_fertilising_on=_day(care_due_of(uow, facts, CareKind.FERTILISING)),
        next_pest_check_on=_day(care_due_of(uow, facts, CareKind.PEST_CHECK)),
        soil_moisture_low_pct=facts.moisture_low_pct,
        soil_moisture_high_pct=facts.moisture_high_pct,
        has_treatment=bool(treatments),
        karenz_active=not harvest.allowed,
        safe_harvest_on=harvest.safe_on,
        karenz_days_left=harvest.days_left,
        harvest_allowed=harvest.allowed,
        blockers=harvest.blockers,
        needs_attention=needs,
        attention_reasons=reasons,
        open_task_keys=tuple(task.key for task in open_tasks),
        agreements=agreements,
        hand_measurements=uow.of(HandMeasurementRepository).newest_of_plant(plant.key),
        time_zone=days.zone_of(plant).key,
    )
    if harvest.days_left:
        moments.append(days.midnight_of(plant))
    return view, [*moments, *changes]


def _day(due: CareDue | None) -> date | None:
    return due.due_on if due else None


def _attention(
    uow: UnitOfWork, facts: PlantFacts, open_tasks: Sequence[Task]
) -> tuple[bool | None, tuple[str, ...], list[datetime]]:
    """Return whether a person should look, why, and when that changes by time alone.

    None = nobody knows, as the soil has a probe of which no good value has ever come.
    """
    alert: PlantAlertFields = uow.of(PlantAlertRepository).of_plant(
        facts.plant.key
    ) or PlantAlertFields(plant_key=facts.plant.key)
    reasons = ["soil_dry"] if alert.is_dry else []
    reasons += ["soil_wet"] if alert.is_wet else []
    moments = []
    is_unheard = False
    source = soil_source_of(uow, facts.plant.key)
    if source is not None:
        verdict = soil_verdict(uow, facts, alert, source, source.deciding)
        if reasons and "no_data" in verdict.reasons:
            # Dry or wet soil does not become moist because its probe fell silent.
            reasons.append("no_data")
        is_unheard = source.reading is None
        moments += _silence(uow, source, reasons)
        if alert.pending_since is not None and not alert.is_dry:
            moments.append(alert.pending_since + timedelta(seconds=source.hold_s))
        if alert.wet_pending_since is not None and not alert.is_wet:
            moments.append(alert.wet_pending_since + timedelta(seconds=source.hold_s))
    elif reasons:
        reasons.append("no_data")
    reasons += [
        reason
        for task in open_tasks
        if (reason := _OVERDUE_REASONS.get(task.kind))
        and is_overdue(task, uow.context.today, uow.context.now)
    ]
    if is_unheard:
        return (True if reasons else None), tuple(dict.fromkeys([*reasons, "no_data"])), moments
    return bool(reasons), tuple(dict.fromkeys(reasons)), moments


def _silence(uow: UnitOfWork, source: Source, reasons: list[str]) -> list[datetime]:
    """Add the reason of a probe that fell silent, or return when it will have."""
    if source.is_by_hand:
        return []
    silent_at = falls_silent_at(
        source.reading, started_at=uow.context.started_at, max_age_s=source.max_age_s
    )
    if silent_at is None:
        return []
    if silent_at > uow.context.now:
        return [silent_at]
    reasons.append("no_data")
    return []
