"""Tanks."""

from collections.abc import Mapping

from pydantic import JsonValue

from kamerplanter_backend.domain.consequences.open_tasks import resolve_tasks
from kamerplanter_backend.domain.repositories.tank import TankAlertRepository, TankRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, archive, command, create, live
from kamerplanter_engines.models.tank import Tank, TankFields
from kamerplanter_engines.tank_engine import check_limits


class TankService(Service):
    """Adds, changes and archives tanks."""

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
    def update(self, uow: UnitOfWork, key: str, patch: Mapping[str, JsonValue]) -> Tank:
        """Change what is given of a tank.

        Raises:
            NotFoundError: It does not exist, or is archived.
            InvalidInputError: A name is unknown or a value does not fit.
        """
        live(uow.of(TankRepository), key)
        tank = uow.of(TankRepository).patch(key, patch, TankFields)
        check_limits(tank)
        return tank

    @command(TankRepository, TankAlertRepository, TaskRepository)
    def archive(self, uow: UnitOfWork, key: str) -> Tank:
        """Take a tank out of sight with its alerts; its open tasks are over. Twice is harmless.

        Raises:
            NotFoundError: It does not exist.
        """
        alerts = uow.of(TankAlertRepository)
        for alert in alerts.of_tank(key):
            alerts.remove(alert.key)
        resolve_tasks(uow, uow.of(TaskRepository).open_of_tank(key))
        return archive(uow.of(TankRepository), uow.of(TankRepository).get(key), uow.context.now)
