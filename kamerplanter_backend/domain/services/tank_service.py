"""Tanks."""

from collections.abc import Mapping

from pydantic import JsonValue

from kamerplanter_backend.domain.consequences.open_tasks import resolve_tasks
from kamerplanter_backend.domain.consequences.tank_alerts import alerts_of
from kamerplanter_backend.domain.repositories.tank import TankAlertRepository, TankRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import (
    EntityService,
    archive,
    command,
    create,
    live,
    query,
)
from kamerplanter_engines.models.tank import Tank, TankAlert, TankFields
from kamerplanter_engines.tank_limits_engine import check_limits


class TankService(EntityService[Tank]):
    """Adds, changes and archives tanks."""

    repository = TankRepository

    @command(TankRepository)
    def create(self, uow: UnitOfWork, fields: TankFields, key: str | None = None) -> Tank:
        """Add a tank, or take an archived one out of the archive with new fields.

        Raises:
            ConflictError: The key or the name is in use.
            InvalidInputError: A lower limit lies above its upper one.
        """
        check_limits(fields)
        return create(uow.of(TankRepository), fields, key)

    @command(TankRepository)
    def update(
        self,
        uow: UnitOfWork,
        key: str,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
    ) -> Tank:
        """Change what is given of a tank.

        Raises:
            NotFoundError: It does not exist, or is archived.
            InvalidInputError: A name is unknown or a value does not fit.
            StaleRevisionError: It has another revision than expected.
        """
        live(uow.of(TankRepository), key)
        tank = uow.of(TankRepository).patch(
            key, patch, TankFields, expected_revision=expected_revision
        )
        check_limits(tank)
        return tank

    @command(TankRepository, TankAlertRepository, TaskRepository, AuditRepository)
    def archive(self, uow: UnitOfWork, key: str, expected_revision: int | None = None) -> Tank:
        """Take a tank out of sight with its alerts; its open tasks are over. Twice is harmless.

        Raises:
            NotFoundError: It does not exist.
            StaleRevisionError: It has another revision than expected.
        """
        tanks, alerts = uow.of(TankRepository), uow.of(TankAlertRepository)
        for alert in alerts.of_tank(key):
            alerts.remove(alert.key)
        resolve_tasks(uow, uow.of(TaskRepository).open_of_tank(key))
        return archive(uow, tanks, key, expected_revision)

    remove = archive

    @query()
    def alerts(self, uow: UnitOfWork, key: str) -> tuple[TankAlert, ...]:
        """Return the condition of each value of a tank that was ever judged.

        Raises:
            NotFoundError: It does not exist.
        """
        uow.of(TankRepository).get(key)
        return alerts_of(uow, key)
