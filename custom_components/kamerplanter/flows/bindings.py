"""The steps that bind the values of a device, one after the other."""

from abc import abstractmethod
from collections.abc import Iterable
from functools import partialmethod
from typing import Any, override

from homeassistant.config_entries import SubentryFlowResult
from pydantic import ValidationError

from kamerplanter_engines.models.base import Key
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    ProbeFields,
)

from ..const import (  # noqa: TID252 - the neighbours import alike
    CONF_AVAILABILITY,
    CONF_BINDINGS,
    CONF_CHANNELS,
    DOMAIN,
)
from ..schema import vol  # noqa: TID252
from ..texts import Texts  # noqa: TID252
from .base import FormError, form_error_of
from .binding_forms import (
    availability_from,
    availability_schema,
    binding_of_entity,
    binding_of_topic,
    binding_values,
    defaults_of,
    entity_schema,
    looks_like_comma,
    topic_schema,
)
from .device_steps import DeviceSteps

_PRESENCE_WORDS = frozenset({"online", "offline"})


class BindingSteps(DeviceSteps):
    """Collects where values come from; nothing is written before the last step."""

    def __init__(self) -> None:
        super().__init__()
        self._kind = ChannelKind.EC
        self._show_all = False

    @abstractmethod
    async def async_step_finish(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Write everything; each dialog has its own."""

    def take_over(self, probe: ProbeFields) -> None:
        """Begin with the bindings of a probe."""
        self.channels = {channel.kind: channel for channel in probe.channels}
        self.availability = probe.availability

    def probe_fields(
        self,
        name: str,
        *,
        tank_key: Key | None = None,
        plant_key: Key | None = None,
        location_key: Key | None = None,
    ) -> ProbeFields:
        """Return the probe that was put together.

        Raises:
            FormError: A value does not fit.
        """
        try:
            return ProbeFields(
                name=name,
                tank_key=tank_key,
                plant_key=plant_key,
                location_key=location_key,
                availability=self.availability,
                channels=self._ordered(),
            )
        except ValidationError as error:
            raise form_error_of(error) from error

    def bindings(self) -> dict[str, Any]:
        """Return the bindings as the data of a subentry holds them."""
        return {
            CONF_BINDINGS: self.probe_fields("-").model_dump(
                mode="json", include={CONF_CHANNELS, CONF_AVAILABILITY}, exclude_defaults=True
            )
        }

    def _ordered(self) -> tuple[ChannelBinding, ...]:
        return tuple(self.channels[kind] for kind in self.kinds if kind in self.channels)

    @override
    async def async_step_values(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Show what is bound and let a person choose what to bind next."""
        names = await self.kind_names()
        errors, placeholders = self.take_errors()
        options = [f"value_{kind}" for kind in self.kinds]
        if self.can_listen:
            known = ["devices"] if self.devices else []
            options = ["discover", *known, *options, "availability"]
        lines = [f"- {names[item.kind]}: `{_place(item)}`" for item in self._ordered()]
        # A menu cannot show an error, so what failed at the end stands in its text.
        failed = [f"**{await self.error_text(key, placeholders)}**" for key in errors.values()]
        return self.async_show_menu(
            step_id="values",
            menu_options=[*options, "finish"],
            description_placeholders={"bound": "\n".join([*failed, *lines]) or "–"},
        )

    async def error_text(self, key: str, placeholders: dict[str, str]) -> str:
        """Return the translated text of an error."""
        texts = await self.texts("config_subentries")
        prefix = f"component.{DOMAIN}.config_subentries.{self._subentry_type}.error"
        return texts[f"{prefix}.{key}"].format_map(placeholders)

    async def _choose(
        self, kind: ChannelKind, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        self._kind, self._show_all, self.picked = kind, False, None
        self.shows_devices = False
        return await self.async_step_source()

    async_step_value_ec = partialmethod(_choose, ChannelKind.EC)
    async_step_value_ph = partialmethod(_choose, ChannelKind.PH)
    async_step_value_water_temperature = partialmethod(_choose, ChannelKind.WATER_TEMPERATURE)
    async_step_value_level = partialmethod(_choose, ChannelKind.LEVEL)
    async_step_value_soil_moisture = partialmethod(_choose, ChannelKind.SOIL_MOISTURE)
    async_step_value_soil_temperature = partialmethod(_choose, ChannelKind.SOIL_TEMPERATURE)
    async_step_value_soil_ec = partialmethod(_choose, ChannelKind.SOIL_EC)
    async_step_value_dissolved_oxygen = partialmethod(_choose, ChannelKind.DISSOLVED_OXYGEN)
    async_step_value_orp = partialmethod(_choose, ChannelKind.ORP)
    async_step_value_air_temperature = partialmethod(_choose, ChannelKind.AIR_TEMPERATURE)
    async_step_value_air_humidity = partialmethod(_choose, ChannelKind.AIR_HUMIDITY)
    async_step_value_leaf_temperature = partialmethod(_choose, ChannelKind.LEAF_TEMPERATURE)
    async_step_value_ppfd = partialmethod(_choose, ChannelKind.PPFD)
    async_step_value_battery = partialmethod(_choose, ChannelKind.BATTERY)
    async_step_value_signal = partialmethod(_choose, ChannelKind.SIGNAL)

    async def async_step_source(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask where the chosen value comes from."""
        options = ["topic", "entity"]
        if self.can_listen:
            options = ["listen", *(["heard"] if self.heard else []), *options]
        if self._kind in self.channels:
            options.append("remove_value")
        return self.async_show_menu(
            step_id="source",
            menu_options=[*options, "values"],
            description_placeholders={"measurement": await self._kind_name()},
        )

    @override
    async def async_step_topic(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for topic and reading of a value that arrives by MQTT."""
        schema = topic_schema(self._kind)
        if user_input is not None:
            try:
                self.channels[self._kind] = binding_of_topic(self._kind, user_input)
            except FormError as error:
                self.note(error, schema.schema)
            else:
                return await self.async_step_values()
        shown = user_input or self._known_values("topic")
        if user_input is None and self.picked is not None:
            shown = shown | {
                "topic": self.picked.topic,
                "path": self.picked.path or "",
                "decimal_comma": looks_like_comma(self._kind, self.picked.value_text),
            }
        return await self._show_binding("topic", schema, shown)

    async def async_step_entity(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the sensor of Home Assistant that has the value."""
        if user_input is not None:
            wants_all = user_input.get("show_all", False)
            entity_id = user_input.get("entity_id")
            if wants_all == self._show_all or entity_id:
                state = None if entity_id is None else self.hass.states.get(entity_id)
                try:
                    self.channels[self._kind] = binding_of_entity(self._kind, user_input, state)
                except FormError as error:
                    fields = entity_schema(self.hass, self._kind, show_all=wants_all).schema
                    self.note(error, fields)
                else:
                    return await self.async_step_values()
            self._show_all = wants_all
        schema = entity_schema(self.hass, self._kind, show_all=self._show_all)
        shown = user_input or self._known_values("entity_id")
        return await self._show_binding("entity", schema, shown)

    async def async_step_remove_value(
        self, _user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Forget where the chosen value comes from."""
        self.channels.pop(self._kind, None)
        return await self.async_step_values()

    async def async_step_availability(
        self, user_input: dict[str, Any] | None = None
    ) -> SubentryFlowResult:
        """Ask for the topic on which the device says that it is there."""
        schema = availability_schema()
        if user_input is not None:
            try:
                self.availability = availability_from(user_input)
            except FormError as error:
                self.note(error, schema.schema)
            else:
                return await self.async_step_values()
        return self.show("availability", schema, user_input or self._known_availability())

    def _known_availability(self) -> dict[str, Any]:
        if self.availability is not None:
            return self.availability.model_dump(exclude_none=True)
        heard = (item for item in self.heard if item.value_text.casefold() in _PRESENCE_WORDS)
        first = next(heard, None)
        return {} if first is None else {"topic": first.topic, "path": first.path or ""}

    def _known_values(self, source: str) -> dict[str, Any]:
        binding = self.channels.get(self._kind)
        if binding is None or getattr(binding, source) is None:
            return {}
        return binding_values(binding)

    async def _kind_name(self) -> str:
        return (await self.kind_names())[self._kind]

    async def _show_binding(
        self, step_id: str, schema: vol.Schema, shown: dict[str, Any]
    ) -> SubentryFlowResult:
        words = {"measurement": await self._kind_name()}
        words |= defaults_of(self._kind, await Texts.async_load(self.hass))
        return self.show(step_id, schema, shown, words=words)


def _place(channel: ChannelBinding) -> str:
    if channel.entity_id is not None:
        return channel.entity_id
    return str(channel.topic) if channel.path is None else f"{channel.topic} → {channel.path}"


def labels_of(items: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return pairs of key and name, by name."""
    return sorted(items, key=lambda item: item[1].casefold())
