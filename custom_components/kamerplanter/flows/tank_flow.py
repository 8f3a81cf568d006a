"""The dialog about a tank and what is measured in it."""

from typing import Any, override
from uuid import uuid4

from homeassistant.config_entries import SubentryFlowResult
from homeassistant.util.unit_system import UnitSystem

from kamerplanter_backend.client.protocol import Request
from kamerplanter_backend.client.requests import (
    ArchiveTank,
    CreateProbe,
    CreateTank,
    UpdateTank,
)
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_engines.models.tank import Tank, TankFields
from kamerplanter_engines.models.telemetry import DEVICE_KINDS, TANK_KINDS

from ..const import CONF_KEY, CONF_PROBE_KEY, SUBENTRY_TANK  # noqa: TID252 - as the neighbours
from ..meanwhile import Edit, Parts, check_clashes, found  # noqa: TID252
from .base import FormError
from .forms import LIMITS, tank_from, tank_schema, tank_values
from .manage_steps import ManageSteps

_ASKED = set(TankFields.model_fields) - {"location_key"}


class TankFlow(ManageSteps):
    """Adds or changes a tank."""

    kinds = TANK_KINDS + DEVICE_KINDS

    def __init__(self) -> None:
        super().__init__()
        self._tank: TankFields | None = None
        self._edit = Edit({})
        self._shown: dict[str, Any] = {}
        # Made once, so that trying again after a failure is about the same things.
        self._key = uuid4().hex
        self._probe_key: str | None = None

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what the tank is."""
        return await self._ask_tank("user", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask what to do with the tank, or take in what it is."""
        if user_input is None:
            data = self._get_reconfigure_subentry().data
            self._key, self._probe_key = data[CONF_KEY], data.get(CONF_PROBE_KEY)
            garden = await self.snapshot()
            if (view := garden.tank(self._key)) is None:
                return self.async_abort(reason="not_in_garden")
            units = self.hass.config.units
            self._shown = tank_values(view.tank, units)
            self._edit = Edit(_parts_of(view.tank), _filled_in(view.tank, units))
            probe = garden.probe(self._probe_key) if self._probe_key else None
            if probe is not None:
                self.take_over(probe.probe)
            return await self.manage(view.tank.name, None if probe is None else probe.probe)
        return await self._ask_tank("reconfigure", user_input)

    @override
    async def async_step_change(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what the tank is."""
        return await self._ask_tank("reconfigure", None)

    @property
    @override
    def calibrated_probe_key(self) -> str:
        return self._probe_key or ""

    async def _ask_tank(
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
        errors, placeholders = self.take_errors()
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, {LIMITS: {}} | self._shown),
            errors=errors,
            description_placeholders=placeholders,
            last_step=False,
        )

    @override
    async def async_step_finish(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Write the tank, then its probe, then the subentry."""
        assert self._tank is not None  # noqa: S101 - the first step set it
        try:
            tank = self._tank
            name = await (self._create(tank) if self.is_new else self._update(tank))
        except FormError as error:
            self.note(error)
            return await self.async_step_values()
        data = {CONF_KEY: self._key, **self.bindings()}
        if self._probe_key is not None:
            data[CONF_PROBE_KEY] = self._probe_key
        if self.is_new:
            return self.async_create_entry(
                title=name, data=data, unique_id=f"{SUBENTRY_TANK}-{self._key}"
            )
        return self.async_update_and_abort(
            self.entry, self._get_reconfigure_subentry(), title=name, data=data
        )

    async def _create(self, tank: TankFields) -> str:
        await self.ask(CreateTank(fields=tank, key=self._key))
        try:
            await self._write_probe(tank.name)
        except FormError:
            # Without its probe it is not what was asked for; trying again takes it back.
            await self.ask(ArchiveTank(key=self._key))
            raise
        return tank.name

    async def _update(self, tank: TankFields) -> str:
        """Write what the person changed, and return what the tank is called now."""
        units = self.hass.config.units
        if self._probe_key is None:
            # Somebody else may have given it one meanwhile.
            self._probe_key = self._get_reconfigure_subentry().data.get(CONF_PROBE_KEY)
        fields = self.probe_fields(tank.name, tank_key=self._key)

        def requests(garden: GardenSnapshot) -> list[Request[Any]]:
            now = found(garden.tank(self._key), "tanks", self._key).tank
            changes = self._edit.changes(_parts_of(tank), _parts_of(now), _filled_in(now, units))
            own: list[Request[Any]] = []
            if changes.parts:
                patch = dict(changes.parts)
                own = [UpdateTank(key=self._key, patch=patch, expected_revision=now.revision)]
            if self._probe_key is None:
                check_clashes(changes)
                return own
            probe = found(garden.probe(self._probe_key), "probes", self._probe_key).probe
            of_probe = self.probe_changes(fields, probe)
            check_clashes(changes, of_probe)
            return [*own, *self.change_requests(probe, of_probe)]

        def shown(garden: GardenSnapshot) -> dict[str, Any]:
            now = found(garden.tank(self._key), "tanks", self._key).tank
            values = tank_values(now, units)
            return {**values, **values[LIMITS]}

        answers = await self.write(requests, shown)
        if self._probe_key is None:
            await self._write_probe(tank.name)
        else:
            self.take_over_written(self._probe_key, answers)
        seen = self.seen.tank(self._key)
        named = [item for item in answers if isinstance(item, Tank)]
        return (named[0] if seen is None or named else seen.tank).name

    async def _write_probe(self, name: str) -> None:
        fields = self.probe_fields(name, tank_key=self._key)
        if fields.channels:
            probe = await self.ask(CreateProbe(fields=fields))
            self._probe_key = probe.key


def _parts_of(tank: TankFields) -> Parts:
    """Return what the form asks; where a tank stands is asked elsewhere."""
    return tank.model_dump(mode="json", include=_ASKED)


def _filled_in(tank: TankFields, units: UnitSystem) -> Parts:
    """Return a tank as the form gives it back when nobody touches it."""
    return _parts_of(tank_from(tank_values(tank, units), units))
