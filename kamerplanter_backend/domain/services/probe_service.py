"""Probes: measuring devices and where their values come from."""

from collections.abc import Mapping

from pydantic import JsonValue

from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.tank import TankRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import EntityService, archive, command, create, live
from kamerplanter_engines.models.telemetry import Probe, ProbeFields
from kamerplanter_engines.probe_engine import check_bindings


class ProbeService(EntityService[Probe]):
    """Adds, changes and archives probes; the bindings are part of the probe."""

    repository = ProbeRepository

    @command(ProbeRepository)
    def create(self, uow: UnitOfWork, fields: ProbeFields, key: str | None = None) -> Probe:
        """Add a probe, or take an archived one out of the archive with new fields.

        Raises:
            ConflictError: The key is in use.
            NotFoundError: Its tank or plant does not exist, or is archived.
            InvalidInputError: A unit, a topic or a curve could never give a value.
        """
        _check_place(uow, fields)
        probes = uow.of(ProbeRepository)
        check_bindings(fields, before=None if key is None else probes.try_get(key))
        return create(probes, fields, key)

    @command(ProbeRepository)
    def update(
        self,
        uow: UnitOfWork,
        key: str,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
    ) -> Probe:
        """Change what is given of a probe.

        Raises:
            NotFoundError: It does not exist, or is archived.
            InvalidInputError: A name is unknown, a value does not fit, or a changed unit, topic or
                curve could never give a value.
            StaleRevisionError: It has another revision than expected.
        """
        probes = uow.of(ProbeRepository)
        before = live(probes, key)
        probe = probes.patch(key, patch, ProbeFields, expected_revision=expected_revision)
        check_bindings(probe, before=before)
        if {"tank_key", "plant_key"} & patch.keys():
            _check_place(uow, probe)
        return probe

    @command(ProbeRepository, AuditRepository)
    def archive(self, uow: UnitOfWork, key: str, expected_revision: int | None = None) -> Probe:
        """Take a probe out of sight; its readings stay. Twice is harmless.

        Raises:
            NotFoundError: It does not exist.
            StaleRevisionError: It has another revision than expected.
        """
        return archive(uow, uow.of(ProbeRepository), key, expected_revision)

    remove = archive


def _check_place(uow: UnitOfWork, fields: ProbeFields) -> None:
    if fields.tank_key is not None:
        live(uow.of(TankRepository), fields.tank_key)
    if fields.plant_key is not None:
        live(uow.of(PlantRepository), fields.plant_key)
