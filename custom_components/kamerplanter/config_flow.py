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
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
)
from homeassistant.util import dt as dt_util

from kamerplanter_backend.telemetry.broker.aiomqtt_source import check_connection
from kamerplanter_backend.telemetry.broker.settings import BrokerError

from .client_factory import is_on_server
from .const import (
    CONF_BROKER,
    CONF_CA,
    CONF_CLIENT_CERTIFICATE,
    CONF_CLIENT_KEY,
    CONF_HOST,
    CONF_MODE,
    CONF_NAME,
    CONF_PASSWORD,
    CONF_READINGS,
    CONF_REAUTH,
    CONF_STORE_ID,
    CONF_USERNAME,
    DOMAIN,
    ENTRY_VERSION,
    MODE_EMBEDDED,
    REAUTH_BROKER,
    ReadingsSource,
)
from .errors import async_load_sentences
from .flows.base import FormError
from .flows.broker_forms import (
    broker_data,
    broker_schema,
    login_schema,
    shown_values,
    with_identity,
    with_known,
)
from .flows.forms import labelled
from .flows.listen import MQTT_DOMAIN, broker_error_key
from .flows.server_steps import ServerSteps
from .schema import vol
from .stores import FoundStore, async_find_stores
from .subentry_flow import SUBENTRY_FLOWS
from .telemetry.broker_source import REAUTH_STEP, broker_settings

_IDENTITY = (CONF_CLIENT_CERTIFICATE, CONF_CLIENT_KEY)


class KamerplanterConfigFlow(ServerSteps, domain=DOMAIN):
    """Adds a garden that runs on this Home Assistant or on a server."""

    VERSION = ENTRY_VERSION

    def __init__(self) -> None:
        super().__init__()
        self._found: list[FoundStore] = []
        self._store_id = uuid4().hex
        self._name: str | None = None
        self._client_key: str | None = None

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
        error: FormError | None = None
        if user_input is not None:
            try:
                broker = await self._tried(user_input, {}, self._store_id)
            except FormError as wrong:
                error = wrong
            else:
                return await self._create(broker_data(broker))
        return await self._show_broker("broker", user_input or {}, error)

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
        """Ask for the broker anew; an empty password or key is the one before."""
        entry = self._get_reconfigure_entry()
        known: Mapping[str, Any] = entry.data.get(CONF_BROKER) or {}
        error: FormError | None = None
        if user_input is not None:
            try:
                broker = await self._tried(user_input, known, entry.data[CONF_STORE_ID])
            except FormError as wrong:
                error = wrong
            else:
                return self.change_entry(entry, dict(entry.data) | broker_data(broker))
        return await self._show_broker("reconfigure_broker", user_input or known, error)

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
        error: FormError | None = None
        if user_input is not None:
            # What is left empty of these is meant to be empty, or is a secret of before.
            login = dict.fromkeys((CONF_USERNAME, *_IDENTITY), None) | user_input
            others = {k: v for k, v in known.items() if k not in (CONF_PASSWORD, *_IDENTITY)}
            try:
                broker = await self._tried(others | login, known, entry.data[CONF_STORE_ID])
            except FormError as wrong:
                error = wrong
            else:
                return self.change_entry(entry, dict(entry.data) | broker_data(broker))
        return self._show_form(
            REAUTH_STEP,
            login_schema(known),
            user_input or known,
            error,
            placeholders={"host": known[CONF_HOST]},
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

    async def _show_broker(
        self, step_id: str, shown: Mapping[str, Any], error: FormError | None
    ) -> ConfigFlowResult:
        await async_load_sentences(self.hass)
        return self._show_form(step_id, broker_schema(), shown, error)

    def _show_form(
        self,
        step_id: str,
        schema: vol.Schema,
        shown: Mapping[str, Any],
        error: FormError | None,
        *,
        placeholders: Mapping[str, str] | None = None,
    ) -> ConfigFlowResult:
        said = {} if error is None else error.placeholders
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, shown_values(shown)),
            errors=None if error is None else {error.field: error.error},
            description_placeholders={**(placeholders or {}), **said},
        )

    async def _tried(
        self, user_input: Mapping[str, Any], known: Mapping[str, Any], store_id: str
    ) -> Mapping[str, Any]:
        """Connect once; return the broker as it is kept.

        Raises:
            FormError: Something typed cannot be used, or the broker does not let us in.
        """
        # A key that was good is not asked for again because something else was wrong.
        known = {**known, CONF_CLIENT_KEY: self._client_key or known.get(CONF_CLIENT_KEY)}
        broker = await self.hass.async_add_executor_job(
            with_identity,
            with_known(user_input, known),
            dt_util.utcnow(),
            self.hass.config.language,
        )
        self._client_key = broker[CONF_CLIENT_KEY]
        try:
            settings = await self.hass.async_add_executor_job(broker_settings, broker, store_id)
        except (ssl.SSLError, ValueError) as error:
            raise FormError("bad_certificate", field=CONF_CA) from error
        try:
            await check_connection(settings)
        except BrokerError as error:
            raise FormError(broker_error_key(error)) from error
        return broker

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
