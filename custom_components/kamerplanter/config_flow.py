"""The dialogs that add a garden, change its sources and renew passwords and keys."""

import ssl
from collections.abc import Mapping
from typing import Any, override
from uuid import uuid4

from homeassistant.config_entries import (
    ConfigEntry,
    ConfigFlowResult,
    ConfigSubentryFlow,
)
from homeassistant.core import callback
from homeassistant.helpers.selector import (
    BooleanSelector,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)

from kamerplanter_backend.telemetry.aiomqtt_source import check_connection
from kamerplanter_backend.telemetry.broker import BrokerError

from .client_factory import is_on_server
from .const import (
    CONF_BROKER,
    CONF_CA,
    CONF_HOST,
    CONF_MODE,
    CONF_NAME,
    CONF_PASSWORD,
    CONF_PORT,
    CONF_READINGS,
    CONF_REAUTH,
    CONF_STORE_ID,
    CONF_TLS,
    CONF_USERNAME,
    CONF_VERIFY,
    DOMAIN,
    ENTRY_VERSION,
    MODE_EMBEDDED,
    REAUTH_BROKER,
    ReadingsSource,
)
from .flows.forms import labelled, number
from .flows.listen import MQTT_DOMAIN, broker_error_key
from .flows.server_steps import ServerSteps
from .schema import vol
from .stores import FoundStore, async_find_stores
from .subentry_flow import SUBENTRY_FLOWS
from .telemetry.broker_source import broker_settings

DEFAULT_PORT = 1883
_PASSWORD = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))


class KamerplanterConfigFlow(ServerSteps, domain=DOMAIN):
    """Adds a garden that runs on this Home Assistant or on a server."""

    VERSION = ENTRY_VERSION

    def __init__(self) -> None:
        super().__init__()
        self._found: list[FoundStore] = []
        self._store_id = uuid4().hex
        self._name: str | None = None

    @classmethod
    @callback
    @override
    def async_get_supported_subentry_types(
        cls, config_entry: ConfigEntry
    ) -> dict[str, type[ConfigSubentryFlow]]:
        """Return the dialogs about the things of a garden."""
        return SUBENTRY_FLOWS

    @override
    async def async_step_user(self, _user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask where the garden is; the data file of a removed one is offered, if there is one."""
        self._found = await async_find_stores(self.hass)
        here = ["garden", "existing"] if self._found else ["garden"]
        return self.async_show_menu(step_id="user", menu_options=[*here, "server"])

    async def async_step_existing(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Let a person choose which data file to go on with."""
        if user_input is not None:
            self._store_id = user_input[CONF_STORE_ID]
            self._name = next(s.name for s in self._found if s.store_id == self._store_id)
            return await self.async_step_garden()
        options = [(store.store_id, _store_label(store)) for store in self._found]
        return self.async_show_form(
            step_id="existing",
            data_schema=vol.Schema(
                {vol.Required(CONF_STORE_ID, default=options[0][0]): labelled(options)}
            ),
        )

    async def async_step_garden(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the name of the garden and where readings come from."""
        errors: dict[str, str] = {}
        if user_input is not None:
            self._name = user_input[CONF_NAME].strip()
            if self._name:
                if user_input[CONF_READINGS] == ReadingsSource.BROKER:
                    return await self.async_step_broker()
                return await self._create({CONF_READINGS: user_input[CONF_READINGS]})
            errors[CONF_NAME] = "name_needed"
        shown = {CONF_NAME: self._name or self.hass.config.location_name}
        schema = vol.Schema({vol.Required(CONF_NAME): TextSelector(), **self._readings_field()})
        return self.async_show_form(
            step_id="garden",
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
        )

    @override
    async def async_step_server_readings(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask where readings come from; the server gets them from here."""
        self._name = self.server_garden_name
        if user_input is None:
            return self.async_show_form(
                step_id="server_readings", data_schema=vol.Schema(self._readings_field())
            )
        if user_input[CONF_READINGS] == ReadingsSource.BROKER:
            return await self.async_step_broker()
        return await self._create({CONF_READINGS: user_input[CONF_READINGS]})

    async def async_step_broker(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for a broker and try it."""
        errors: dict[str, str] = {}
        if user_input is not None:
            errors = await self._try_broker(user_input, self._store_id)
            if not errors:
                return await self._create(_broker_data(user_input))
        return self._show_broker("broker", user_input or {}, errors)

    async def async_step_reconfigure(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask anew where readings come from, and where the server is."""
        entry = self._get_reconfigure_entry()
        if user_input is None and is_on_server(entry):
            return await self.async_step_reconfigure_choice()
        return await self.async_step_reconfigure_readings(user_input)

    async def async_step_reconfigure_readings(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask anew where readings come from."""
        entry = self._get_reconfigure_entry()
        if user_input is not None:
            if user_input[CONF_READINGS] == ReadingsSource.BROKER:
                return await self.async_step_reconfigure_broker()
            kept = {key: value for key, value in entry.data.items() if key != CONF_BROKER}
            return self.change_entry(entry, kept | {CONF_READINGS: user_input[CONF_READINGS]})
        return self.async_show_form(
            step_id="reconfigure",
            data_schema=vol.Schema(self._readings_field(entry.data.get(CONF_READINGS))),
        )

    async def async_step_reconfigure_broker(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the broker anew; an empty password is the one before."""
        entry = self._get_reconfigure_entry()
        known: Mapping[str, Any] = entry.data.get(CONF_BROKER) or {}
        errors: dict[str, str] = {}
        if user_input is not None:
            same_user = user_input.get(CONF_USERNAME) == known.get(CONF_USERNAME)
            if same_user and not user_input.get(CONF_PASSWORD) and CONF_PASSWORD in known:
                user_input = user_input | {CONF_PASSWORD: known[CONF_PASSWORD]}
            errors = await self._try_broker(user_input, entry.data[CONF_STORE_ID])
            if not errors:
                return self.change_entry(entry, dict(entry.data) | _broker_data(user_input))
        return self._show_broker("reconfigure_broker", user_input or known, errors)

    async def async_step_reauth(self, entry_data: Mapping[str, Any]) -> ConfigFlowResult:
        """Ask for what was refused: the key of the server or the login of the broker."""
        is_broker = entry_data.get(CONF_REAUTH) == REAUTH_BROKER
        if is_on_server(self._get_reauth_entry()) and not is_broker:
            return await self.async_step_reauth_server()
        return await self.async_step_reauth_confirm()

    async def async_step_reauth_confirm(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the login of the broker and try it."""
        entry = self._get_reauth_entry()
        known: Mapping[str, Any] = entry.data[CONF_BROKER]
        errors: dict[str, str] = {}
        if user_input is not None:
            broker = {**known, CONF_USERNAME: None, **user_input}
            errors = await self._try_broker(broker, entry.data[CONF_STORE_ID])
            if not errors:
                return self.change_entry(entry, dict(entry.data) | _broker_data(broker))
        schema = vol.Schema(
            {
                vol.Optional(CONF_USERNAME): TextSelector(),
                vol.Required(CONF_PASSWORD): _PASSWORD,
            }
        )
        shown = {CONF_USERNAME: (user_input or known).get(CONF_USERNAME) or ""}
        return self.async_show_form(
            step_id="reauth_confirm",
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
            description_placeholders={"host": known[CONF_HOST]},
        )

    def _readings_field(self, known: str | None = None) -> dict[Any, Any]:
        options = [source.value for source in ReadingsSource]
        if not self.hass.config_entries.async_entries(MQTT_DOMAIN):
            options.remove(ReadingsSource.MQTT)
        default = known if known in options else options[0]
        if known is None and ReadingsSource.MQTT not in options:
            default = ReadingsSource.NONE.value
        selector = SelectSelector(
            SelectSelectorConfig(
                options=options, translation_key="readings", mode=SelectSelectorMode.LIST
            )
        )
        return {vol.Required(CONF_READINGS, default=default): selector}

    def _show_broker(
        self, step_id: str, shown: Mapping[str, Any], errors: dict[str, str]
    ) -> ConfigFlowResult:
        schema = vol.Schema(
            {
                vol.Required(CONF_HOST): TextSelector(),
                vol.Required(CONF_PORT, default=DEFAULT_PORT): number(1, 65535, step=1),
                vol.Optional(CONF_USERNAME): TextSelector(),
                vol.Optional(CONF_PASSWORD): _PASSWORD,
                vol.Optional(CONF_TLS, default=False): BooleanSelector(),
                vol.Optional(CONF_VERIFY, default=True): BooleanSelector(),
                vol.Optional(CONF_CA): TextSelector(TextSelectorConfig(multiline=True)),
            }
        )
        # A stored password never goes back to the browser.
        values = {k: v for k, v in shown.items() if k != CONF_PASSWORD and v is not None}
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, values),
            errors=errors,
        )

    async def _try_broker(self, broker: Mapping[str, Any], store_id: str) -> dict[str, str]:
        """Connect once; return what is wrong by field."""
        try:
            settings = await self.hass.async_add_executor_job(broker_settings, broker, store_id)
        except ssl.SSLError, ValueError:
            return {CONF_CA: "bad_certificate"}
        try:
            await check_connection(settings)
        except BrokerError as error:
            return {"base": broker_error_key(error)}
        return {}

    async def _create(self, readings: Mapping[str, Any]) -> ConfigFlowResult:
        assert self._name is not None  # noqa: S101 - the step before set it
        if self.server_garden_name is None:
            await self.async_set_unique_id(self._store_id)
            place: dict[str, Any] = {CONF_MODE: MODE_EMBEDDED}
        else:
            place = self.server_data()
        self._abort_if_unique_id_configured()
        return self.async_create_entry(
            title=self._name,
            data={
                **place,
                CONF_STORE_ID: self._store_id,
                CONF_NAME: self._name,
                **readings,
            },
        )


def _store_label(store: FoundStore) -> str:
    return f"{store.name} ({store.store_id[:8]})"


def _broker_data(user_input: Mapping[str, Any]) -> dict[str, Any]:
    broker = {
        CONF_HOST: user_input[CONF_HOST].strip(),
        CONF_PORT: int(user_input[CONF_PORT]),
        CONF_USERNAME: user_input.get(CONF_USERNAME) or None,
        CONF_PASSWORD: user_input.get(CONF_PASSWORD) or None,
        CONF_TLS: user_input.get(CONF_TLS, False),
        CONF_VERIFY: user_input.get(CONF_VERIFY, True),
        CONF_CA: user_input.get(CONF_CA) or None,
    }
    return {CONF_READINGS: ReadingsSource.BROKER.value, CONF_BROKER: broker}
