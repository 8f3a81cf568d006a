"""Measurements by hand: kept beside what the probes showed, and judged where no probe speaks."""

from datetime import datetime, timedelta

from kamerplanter_backend.common.permissions import Permission
from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.consequences.measured_here import newest_here
from kamerplanter_backend.domain.consequences.plant_facts import facts_of
from kamerplanter_backend.domain.consequences.soil_alerts import (
    evaluate_soil,
    forget_measured_soil,
    known_of_soil,
)
from kamerplanter_backend.domain.consequences.tank_alerts import (
    evaluate_tank,
    forget_measured,
    known_of,
)
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.calibration import CalibrationRepository
from kamerplanter_backend.domain.repositories.hand_measurement import HandMeasurementRepository
from kamerplanter_backend.domain.repositories.plant import PlantAlertRepository, PlantRepository
from kamerplanter_backend.domain.repositories.presence import ProbePresenceRepository
from kamerplanter_backend.domain.repositories.tank import TankAlertRepository, TankRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import (
    EntityService,
    check_own,
    check_revision,
    command,
    live,
    query,
)
from kamerplanter_engines.alert_run_engine import taken_back
from kamerplanter_engines.binding_options_engine import max_age_of
from kamerplanter_engines.calibration_in_force_engine import put_right_at
from kamerplanter_engines.evidence_engine import is_recent
from kamerplanter_engines.hand_measurement_engine import (
    canonical_unit,
    check_one_place,
    check_place,
    compare,
    judge_hand_value,
)
from kamerplanter_engines.models.base import EARLIEST, utc_past
from kamerplanter_engines.models.hand_measurement import HandMeasurement, HandMeasurementFields
from kamerplanter_engines.models.plant import PlantAlertFields
from kamerplanter_engines.models.tank import Tank, TankAlertFields, TankType
from kamerplanter_engines.models.telemetry import ChannelBinding, Probe, Reading, Verdict
from kamerplanter_engines.soil_alert_engine import taken_back as soil_taken_back

_ALERT_WRITES = (TankAlertRepository, PlantAlertRepository, TaskRepository)


class HandMeasurementService(EntityService[HandMeasurement]):
    """Takes measurements by hand in, lists them, and takes wrong ones out.

    Args:
        store: Where they are kept.
        kept_for: How long single readings are kept; what was measured before is too old.
    """

    repository = HandMeasurementRepository

    def __init__(self, store: DocumentStore, kept_for: timedelta) -> None:
        super().__init__(store)
        self._kept_for = kept_for

    @command(HandMeasurementRepository, *_ALERT_WRITES)
    def log(self, uow: UnitOfWork, fields: HandMeasurementFields) -> HandMeasurement:
        """Keep what a person measured, beside what each probe of the place showed then.

        Raises:
            NotFoundError: The tank or plant does not exist, or is archived.
            InvalidInputError: The kind is not measured there, or the unit does not belong to it.
            OutOfRangeError: The value is physically impossible.
            FutureTimeError: The moment has not come yet.
            InvalidInputError: The moment is older than single readings are kept.
        """
        check_place(fields)
        tank = _place(uow, fields)
        judged = judge_hand_value(
            fields,
            plain_water=tank is not None and tank.plain_water,
            stock_solution=tank is not None and tank.tank_type is TankType.STOCK_SOLUTION,
        )
        now = uow.context.now
        # As for readings: what is older is of hours and days that are summed up for good.
        at = utc_past(fields.at or now, now, max(now - self._kept_for, EARLIEST))
        unit = canonical_unit(fields.kind)
        is_as_entered = fields.value == judged.value and fields.unit in {None, unit}
        measurement = uow.of(HandMeasurementRepository).add(
            fields,
            value=judged.value,
            unit=unit,
            measured_at=at,
            verdict=judged.verdict,
            reasons=judged.reasons,
            entered_value=None if is_as_entered else fields.value,
            entered_unit=None if is_as_entered else fields.unit,
            comparisons=compare(judged.value, _shown_then(uow, fields, at)),
            alert_before=fields.tank_key and known_of(uow, fields.tank_key, fields.kind),
            soil_before=fields.plant_key and known_of_soil(uow, fields.plant_key, fields.kind),
        )
        _evaluate_place(uow, measurement)
        return measurement

    @command(HandMeasurementRepository, AuditRepository, *_ALERT_WRITES)
    def remove(self, uow: UnitOfWork, key: str, expected_revision: int | None = None) -> None:
        """Take a wrong measurement out, on record; what followed from it is judged anew.

        Raises:
            NotFoundError: There is no such measurement.
            ForbiddenError: Somebody else wrote it.
            StaleRevisionError: It has another revision than expected.
        """
        measurements = uow.of(HandMeasurementRepository)
        measurement = measurements.get(key)
        check_own(uow, Permission.LOG_UPDATE, measurement)
        check_revision(measurement, expected_revision, measurements.collection.name)
        measurements.remove(key)
        _hand_on(measurements, measurement)
        forget_measured(uow, measurement)
        forget_measured_soil(uow, measurement)
        record_audit(
            uow,
            AuditAction.DELETED,
            measurements.collection.name,
            key,
            kind=measurement.kind.value,
            value=measurement.value,
            at=measurement.measured_at.isoformat(),
            tank_key=measurement.tank_key,
            plant_key=measurement.plant_key,
        )
        _evaluate_place(uow, measurement)

    @query()
    def list_of_place(
        self, uow: UnitOfWork, tank_key: str | None = None, plant_key: str | None = None
    ) -> tuple[HandMeasurement, ...]:
        """Return what was measured by hand in a tank or at a plant, newest first.

        Raises:
            InvalidInputError: It names not exactly one place.
            NotFoundError: The tank or plant does not exist.
        """
        check_one_place(tank_key, plant_key)
        measurements = uow.of(HandMeasurementRepository)
        if tank_key is not None:
            uow.of(TankRepository).get(tank_key)
            return tuple(measurements.of_tank(tank_key))
        uow.of(PlantRepository).get(plant_key or "")
        return tuple(measurements.of_plant(plant_key or ""))


def _place(uow: UnitOfWork, fields: HandMeasurementFields) -> Tank | None:
    """Return the tank, or none for a plant; make sure that it is there."""
    if fields.tank_key is not None:
        return live(uow.of(TankRepository), fields.tank_key)
    live(uow.of(PlantRepository), fields.plant_key or "")
    return None


def _probes(uow: UnitOfWork, fields: HandMeasurementFields) -> list[Probe]:
    probes = uow.of(ProbeRepository)
    if fields.tank_key is not None:
        return probes.of_tank(fields.tank_key)
    return probes.of_plant(fields.plant_key or "")


def _shown_then(
    uow: UnitOfWork, fields: HandMeasurementFields, at: datetime
) -> list[tuple[Reading, ChannelBinding]]:
    """Return what each probe of the place showed at a moment, as it has been put right since.

    What it showed before its calibration, its exchange or its move here says nothing of how it is
    now, nor does what came in before it was last changed, which may have been bound in another way.
    One that had said goodbye showed nothing.
    """
    found = []
    gone = uow.of(ProbePresenceRepository).gone()
    for probe in _probes(uow, fields):
        binding = probe.binding(fields.kind)
        if binding is None or (probe.key in gone and gone[probe.key] <= at):
            continue
        reading = newest_here(uow, probe, fields.kind, Verdict.GOOD, until_at=at)
        max_age_s = max_age_of(binding)
        if reading is None or not is_recent(reading.at, now=at, max_age_s=max_age_s):
            continue
        if reading.received_at < probe.updated_at:
            continue
        calibrations = uow.of(CalibrationRepository).of_probe(probe.key)
        swaps = [item.at for item in probe.replacements if item.at <= at]
        put_right = put_right_at(calibrations, fields.kind, at)
        changed_at = max((*swaps, *([put_right] if put_right else [])), default=None)
        if changed_at is None or reading.at >= changed_at:
            found.append((reading, binding))
    return found


def _hand_on(measurements: HandMeasurementRepository, gone: HandMeasurement) -> None:
    """Let the measurement after one that is gone know what was before both."""
    if gone.tank_key is not None:
        for item in measurements.of_tank(gone.tank_key, gone.kind):
            known = item.alert_before
            if known is not None and known.last_reading_at == gone.measured_at:
                nothing = TankAlertFields(tank_key=known.tank_key, kind=known.kind)
                before = taken_back(gone.alert_before or nothing, known)
                measurements.change(item, alert_before=before)
        return
    for item in measurements.of_plant(gone.plant_key or "", gone.kind):
        soil = item.soil_before
        if soil is not None and soil.last_reading_at == gone.measured_at:
            moist = PlantAlertFields(plant_key=soil.plant_key)
            before_soil = soil_taken_back(gone.soil_before or moist, soil)
            measurements.change(item, soil_before=before_soil)


def _evaluate_place(uow: UnitOfWork, measurement: HandMeasurement) -> None:
    """Judge the place anew; one that was archived meanwhile is judged no more."""
    if measurement.tank_key is not None:
        tank = uow.of(TankRepository).get(measurement.tank_key)
        if tank.archived_at is None:
            evaluate_tank(uow, tank)
        return
    plant = uow.of(PlantRepository).get(measurement.plant_key or "")
    if plant.archived_at is None:
        for facts in facts_of(uow, [plant]).values():
            evaluate_soil(uow, facts)
