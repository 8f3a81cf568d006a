"""Probes: measuring devices and where their values come from."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.consequences.soil_alerts import end_soil_waits
from kamerplanter_backend.domain.consequences.tank_alerts import end_waits
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.calibration import CalibrationRepository
from kamerplanter_backend.domain.repositories.plant import PlantAlertRepository, PlantRepository
from kamerplanter_backend.domain.repositories.presence import ProbePresenceRepository
from kamerplanter_backend.domain.repositories.site import LocationRepository
from kamerplanter_backend.domain.repositories.tank import TankAlertRepository, TankRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import (
    EntityService,
    archive,
    check_revision,
    command,
    create,
    live,
)
from kamerplanter_engines.models.base import utc_past
from kamerplanter_engines.models.telemetry import Probe, ProbeFields, Replacement
from kamerplanter_engines.probe_engine import check_bindings
from kamerplanter_engines.raw_mapping_engine import is_same_mapping, mapping_of
from kamerplanter_engines.stay_engine import moved

PLACES = ("tank_key", "plant_key", "location_key")
"""The fields that say where a probe is."""
_WRITES = (
    ProbeRepository,
    CalibrationRepository,
    ProbePresenceRepository,
    TankAlertRepository,
    PlantAlertRepository,
)
"""What a change of a probe writes."""


class ProbeService(EntityService[Probe]):
    """Adds, changes and archives probes; the bindings are part of the probe."""

    repository = ProbeRepository

    @command(*_WRITES)
    def create(self, uow: UnitOfWork, fields: ProbeFields, key: str | None = None) -> Probe:
        """Add a probe, or take an archived one out of the archive with new fields.

        Raises:
            ConflictError: The key is in use.
            NotFoundError: Its tank, plant or location does not exist, or is archived.
            InvalidInputError: A unit, a topic or a curve could never give a value.
        """
        _check_place(uow, fields)
        probes = uow.of(ProbeRepository)
        before = None if key is None else probes.try_get(key)
        check_bindings(fields, before=before)
        if before is not None:
            _keep_mappings(uow, before, fields)
            uow.of(ProbePresenceRepository).begin_anew(before.key)
        places = {name: getattr(fields, name) for name in PLACES}
        return create(probes, fields, key, **_placed(uow, before, places))

    @command(*_WRITES)
    def update(
        self,
        uow: UnitOfWork,
        key: str,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
    ) -> Probe:
        """Change what is given of a probe.

        A channel that reads its numbers in another way has to be calibrated anew, until that is
        taken back.

        Raises:
            NotFoundError: It does not exist, or is archived.
            InvalidInputError: A name is unknown, a value does not fit, or a changed unit, topic or
                curve could never give a value.
            StaleRevisionError: It has another revision than expected.
        """
        probes = uow.of(ProbeRepository)
        before = live(probes, key)
        placed = _placed(uow, before, patch)
        probe = probes.patch(key, patch, ProbeFields, expected_revision=expected_revision, **placed)
        check_bindings(probe, before=before)
        _keep_mappings(uow, before, probe)
        _forget_goodbye(uow, before, probe)
        _take_place(uow, before, probe, patch)
        return probe

    @command(*_WRITES, AuditRepository)
    def replace_device(
        self,
        uow: UnitOfWork,
        key: str,
        at: datetime | None = None,
        note: str | None = None,
        expected_revision: int | None = None,
        *,
        patch: Mapping[str, JsonValue] | None = None,
    ) -> Probe:
        """Say that the device behind a probe was exchanged; name, bindings and history stay.

        What was calibrated before that moment counts for nothing measured from then on.

        Args:
            uow: The unit of work.
            key: The probe.
            at: Since when the new one measures; none = now.
            note: Such as its serial number.
            expected_revision: The revision that the person saw; none = whatever it is now.
            patch: What else changes with it, such as the topics of the new one.

        Raises:
            NotFoundError: It does not exist, or is archived.
            InvalidInputError: A name or value of the patch is none, as in `update`.
            FutureTimeError: The moment has not come yet.
            StaleRevisionError: It has another revision than expected.
        """
        probes, now = uow.of(ProbeRepository), uow.context.now
        probe = live(probes, key)
        check_revision(probe, expected_revision, probes.collection.name)
        swap = Replacement(
            at=utc_past(at or now, now), recorded_at=now, by=uow.context.actor, note=note
        )
        uow.of(CalibrationRepository).end_before(key, swap.at)
        uow.of(ProbePresenceRepository).begin_anew(key)
        record_audit(
            uow, AuditAction.PROBE_REPLACED, "probes", key, at=swap.at.isoformat(), note=note
        )
        swaps = sorted((*probe.replacements, swap), key=lambda item: (item.at, item.recorded_at))
        if patch is None:
            return probes.change(probe, replacements=tuple(swaps))
        placed = _placed(uow, probe, patch)
        after = probes.patch(key, patch, ProbeFields, replacements=tuple(swaps), **placed)
        check_bindings(after, before=probe)
        _keep_mappings(uow, probe, after)
        _take_place(uow, probe, after, patch)
        return after

    @command(ProbeRepository, ProbePresenceRepository, AuditRepository)
    def archive(self, uow: UnitOfWork, key: str, expected_revision: int | None = None) -> Probe:
        """Take a probe out of sight; its readings stay. Twice is harmless.

        Raises:
            NotFoundError: It does not exist.
            StaleRevisionError: It has another revision than expected.
        """
        probe = archive(uow, uow.of(ProbeRepository), key, expected_revision)
        uow.of(ProbePresenceRepository).begin_anew(key)
        return probe

    remove = archive


def _keep_mappings(uow: UnitOfWork, before: Probe, after: ProbeFields) -> None:
    """Remember for calibrations that do not say so by which mapping they were made.

    Those of an older version do not; while nothing changes, it is the present one.
    """
    for binding in before.channels:
        now = after.binding(binding.kind)
        if now is None or not is_same_mapping(mapping_of(binding), mapping_of(now)):
            uow.of(CalibrationRepository).note_mapping(before.key, binding)


def _forget_goodbye(uow: UnitOfWork, before: Probe, after: ProbeFields) -> None:
    """Know nothing of a device any more that tells in another place whether it is there."""
    if before.availability != after.availability or (
        after.availability is None and _places_heard(before) != _places_heard(after)
    ):
        uow.of(ProbePresenceRepository).begin_anew(before.key)


def _places_heard(probe: ProbeFields) -> set[tuple[str | None, str | None]]:
    return {(item.topic, item.entity_id) for item in probe.channels}


def _check_place(uow: UnitOfWork, fields: ProbeFields) -> None:
    if fields.tank_key is not None:
        live(uow.of(TankRepository), fields.tank_key)
    if fields.plant_key is not None:
        live(uow.of(PlantRepository), fields.plant_key)
    if fields.location_key is not None:
        uow.of(LocationRepository).get(fields.location_key)


def _take_place(
    uow: UnitOfWork, before: Probe, after: Probe, patch: Mapping[str, JsonValue]
) -> None:
    """Make sure that the places are there, and let nothing wait for the probe in those it left."""
    if not patch.keys().isdisjoint(PLACES):
        _check_place(uow, after)
    if before.tank_key is not None and before.tank_key != after.tank_key:
        end_waits(uow, before.tank_key, {channel.kind for channel in before.channels})
    if before.plant_key is not None and before.plant_key != after.plant_key:
        end_soil_waits(uow, before.plant_key)


def _placed(
    uow: UnitOfWork, before: Probe | None, patch: Mapping[str, JsonValue]
) -> dict[str, Any]:
    """Return what a probe notes of where it is since when, and of the locations before."""
    if before is None:
        return {}
    # What is no key is refused with the rest of the patch.
    keys = {
        name: value if isinstance(value, str) else None
        for name in PLACES
        for value in (patch.get(name, getattr(before, name)),)
    }
    newest = (uow.readings.latest(before.key, channel.kind) for channel in before.channels)
    heard_at = max((reading.at for reading in newest if reading is not None), default=None)
    placed_at, stays = moved(
        before,
        keys["location_key"],
        uow.context.now,
        tank_key=keys["tank_key"],
        plant_key=keys["plant_key"],
        heard_at=heard_at,
    )
    return {"placed_at": placed_at, "stays": stays}
