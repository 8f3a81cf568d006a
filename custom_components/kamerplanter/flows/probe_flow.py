"""The dialog about a probe in the soil of a plant."""

from typing import Any, ClassVar, override
from uuid import uuid4

from homeassistant.config_entries import SubentryFlowResult

from kamerplanter_backend.client.requests import CreateProbe, UpdateProbe
from kamerplanter_engines.models.telemetry import SOIL_KINDS, ChannelKind

from ..const import CONF_KEY, SUBENTRY_PROBE  # noqa: TID252 - the neighbours import alike
from .base import FormError
from .bindings import BindingSteps, labels_of
from .forms import name_of, probe_schema


class ProbeFlow(BindingSteps):
    """Adds or changes a soil probe."""

    kinds: ClassVar[tuple[ChannelKind, ...]] = SOIL_KINDS

    def __init__(self) -> None:
        super().__init__()
        self._name = ""
        self._plant_key: str | None = None
        self._shown: dict[str, Any] = {}
        self._key = uuid4().hex

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Ask what the probe is called and where it is."""
        return await self._ask_probe("user", user_input)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what the probe is called and where it is."""
        if user_input is None:
            self._key = self._get_reconfigure_subentry().data[CONF_KEY]
            if (view := (await self.snapshot()).probe(self._key)) is None:
                return self.async_abort(reason="not_in_garden")
            self.take_over(view.probe)
            self._shown = {"name": view.probe.name, "plant_key": view.probe.plant_key}
        return await self._ask_probe("reconfigure", user_input)

    async def _ask_probe(
        self, step_id: str, user_input: dict[str, Any] | None
    ) -> SubentryFlowResult:
        garden = await self.snapshot()
        plants = labels_of((view.plant.key, view.plant.name) for view in garden.plants)
        if not plants:
            return self.async_abort(reason="no_plants")
        schema = probe_schema(plants)
        if user_input is not None:
            self._shown = user_input
            try:
                self._name, self._plant_key = name_of(user_input), user_input["plant_key"]
                self.probe_fields(self._name)
            except FormError as error:
                self.note(error, schema.schema)
            else:
                return await self.async_step_values()
        errors, placeholders = self.take_errors()
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, self._shown),
            errors=errors,
            description_placeholders=placeholders,
            last_step=False,
        )

    @override
    async def async_step_finish(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Write the probe, then the subentry; a probe that measures nothing is no probe."""
        if not self.channels:
            self.note(FormError("nothing_bound"))
            return await self.async_step_values()
        fields = self.probe_fields(self._name, plant_key=self._plant_key)
        try:
            if self.is_new:
                await self.ask(CreateProbe(fields=fields, key=self._key))
            else:
                await self.ask(UpdateProbe(key=self._key, patch=fields.model_dump(mode="json")))
        except FormError as error:
            self.note(error)
            return await self.async_step_values()
        data = {CONF_KEY: self._key, **self.bindings()}
        if self.is_new:
            return self.async_create_entry(
                title=self._name, data=data, unique_id=f"{SUBENTRY_PROBE}-{self._key}"
            )
        return self.async_update_and_abort(
            self.entry, self._get_reconfigure_subentry(), title=self._name, data=data
        )
