"""The dialog about a tank and what is measured in it."""

from typing import Any, override

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.util.unit_system import UnitSystem

from kamerplanter_backend.client.requests import (
    ArchiveTank,
    CreateTank,
    UpdateTank,
)
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_engines.models.tank import Tank, TankFields
from kamerplanter_engines.models.telemetry import DEVICE_KINDS, TANK_KINDS

from ..const import CONF_PROBE_KEY  # noqa: TID252 - as the neighbours
from ..meanwhile import Changes, Edit, Parts, found  # noqa: TID252
from .base import FormError
from .forms import LIMITS, tank_from, tank_schema, tank_values
from .own_probe import OwnProbeFlow

_ASKED = set(TankFields.model_fields) - {"location_key"}


class TankFlow(OwnProbeFlow):
    """Adds or changes a tank."""

    kinds = TANK_KINDS + DEVICE_KINDS

    def __init__(self) -> None:
        super().__init__()
        self._tank: TankFields | None = None

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what the tank is."""
        return await self.ask_thing("user", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what to do with the tank, or take in what it is."""
        if user_input is not None:
            return await self.ask_thing("reconfigure", user_input)
        garden = await self.garden_around()
        if (view := garden.tank(self.key)) is None:
            return self.async_abort(reason="not_in_garden")
        units = self.hass.config.units
        self._shown = tank_values(view.tank, units)
        self._edit = Edit(_parts_of(view.tank), _filled_in(view.tank, units))
        return await self.manage(view.tank.name, self.own_probe(garden))

    @override
    async def ask_thing(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        _ = self.entry  # leaves the dialog if the garden is not loaded
        units = self.hass.config.units
        schema = tank_schema(units)
        if user_input is not None:
            self._shown = user_input
            try:
                self._tank = tank_from(user_input, units)
            except FormError as error:
                self.note(error, schema.schema)
            else:
                return await self.async_step_values()
        return self.show(step_id, schema, {LIMITS: {}} | self._shown)

    @override
    async def write_all(self) -> str:
        assert self._tank is not None  # noqa: S101 - the first step set it
        return await (self._create(self._tank) if self.is_new else self._update(self._tank))

    async def _create(self, tank: TankFields) -> str:
        await self.ask(CreateTank(fields=tank, key=self.key))
        try:
            await self.add_probe(self.probe_fields(tank.name, tank_key=self.key))
        except FormError:
            # Without its probe it is not what was asked for; trying again takes it back.
            await self.ask(ArchiveTank(key=self.key))
            raise
        return tank.name

    async def _update(self, tank: TankFields) -> str:
        """Write what the person changed, and return what the tank is called now."""
        units = self.hass.config.units
        if self._probe_key is None:
            # Somebody else may have given it one meanwhile.
            self._probe_key = self._get_reconfigure_subentry().data.get(CONF_PROBE_KEY)

        def change(garden: GardenSnapshot) -> tuple[Changes, UpdateTank]:
            now = self._now(garden)
            changes = self._edit.changes(_parts_of(tank), _parts_of(now), _filled_in(now, units))
            patch = dict(changes.parts)
            return changes, UpdateTank(key=self.key, patch=patch, expected_revision=now.revision)

        def shown(garden: GardenSnapshot) -> dict[str, Any]:
            values = tank_values(self._now(garden), units)
            return {**values, **values[LIMITS]}

        fields = self.probe_fields(tank.name, tank_key=self.key)
        written = await self.write_changes(change, fields, shown)
        return next((it for it in written if isinstance(it, Tank)), self._now(self.seen)).name

    def _now(self, garden: GardenSnapshot) -> Tank:
        return found(garden.tank(self.key), "tanks", self.key).tank


def _parts_of(tank: TankFields) -> Parts:
    """Return what the form asks; where a tank stands is asked elsewhere."""
    return tank.model_dump(mode="json", include=_ASKED)


def _filled_in(tank: TankFields, units: UnitSystem) -> Parts:
    """Return a tank as the form gives it back when nobody touches it."""
    return _parts_of(tank_from(tank_values(tank, units), units))
