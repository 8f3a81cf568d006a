"""The steps of the entry's dialog that are about a server: which, with what key, which garden."""

from abc import abstractmethod
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any, override
from urllib.parse import urlsplit

from homeassistant.config_entries import ConfigEntry, ConfigFlow, ConfigFlowResult
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo

from ..const import (  # noqa: TID252 - the neighbours import alike
    CONF_API_KEY,
    CONF_GARDEN_KEY,
    CONF_INSTANCE_ID,
    CONF_MODE,
    CONF_SLUG,
    CONF_URL,
    CONF_VERIFY_SSL,
    DOMAIN,
    MODE_SERVER,
)
from ..schema import vol  # noqa: TID252
from .forms import labelled
from .server_check import (
    GardenInfo,
    ServerAccess,
    ServerCheckError,
    address_of,
    check_rights,
    look_at,
    open_with,
)

SECRET = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))
EXAMPLE = "http://garden.lan:8075"


class ServerSteps(ConfigFlow):
    """Finds a server, gets in, and chooses a garden."""

    def __init__(self) -> None:
        self._url = ""
        self._verify_ssl = True
        self._access: ServerAccess | None = None
        self._garden: GardenInfo | None = None
        self._discovered_id: str | None = None

    # --- What the whole dialog does with it -------------------------------------------------

    @abstractmethod
    async def async_step_server_readings(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask where readings come from; the dialog as a whole knows."""

    def server_data(self) -> dict[str, Any]:
        """Return what an entry holds of the server that was chosen."""
        access, garden = self._access, self._garden
        assert access is not None  # noqa: S101 - the steps before set both
        assert garden is not None  # noqa: S101
        return {
            CONF_MODE: MODE_SERVER,
            CONF_URL: access.url,
            CONF_VERIFY_SSL: self._verify_ssl,
            CONF_API_KEY: access.api_key,
            CONF_SLUG: garden.slug,
            CONF_GARDEN_KEY: garden.key,
            CONF_INSTANCE_ID: access.instance_id,
        }

    @property
    def server_garden_name(self) -> str | None:
        """Return the name of the garden that was chosen on a server; none = none was."""
        return None if self._garden is None else self._garden.name

    # --- Adding -----------------------------------------------------------------------------

    async def async_step_server(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for the address of a server and look at it."""
        error: ServerCheckError | None = None
        if user_input is not None:
            try:
                await self._look(user_input[CONF_URL], verify_ssl=user_input[CONF_VERIFY_SSL])
                return await self._enter()
            except ServerCheckError as found:
                error = found
        shown = user_input or {CONF_URL: self._url, CONF_VERIFY_SSL: self._verify_ssl}
        return self._show("server", _address_schema(), error, shown)

    @override
    async def async_step_zeroconf(self, discovery_info: ZeroconfServiceInfo) -> ConfigFlowResult:
        """Take in that a server has announced itself in the network."""
        told = discovery_info.properties
        instance_id = told.get("uuid")
        if not instance_id:
            return self.async_abort(reason="server_not_kamerplanter")
        await self.async_set_unique_id(instance_id)
        self._abort_if_unique_id_configured()
        try:
            self._url = address_of(told.get("url") or _address_of(discovery_info))
        except ServerCheckError:
            return self.async_abort(reason="server_not_kamerplanter")
        known = [
            entry
            for entry in self.hass.config_entries.async_entries(DOMAIN, include_ignore=False)
            if entry.data.get(CONF_INSTANCE_ID) == instance_id
        ]
        for entry in known:
            await self._follow_move(entry)
        if known:
            return self.async_abort(reason="already_configured")
        self._discovered_id = instance_id
        self.context["title_placeholders"] = {"name": discovery_info.name.partition(".")[0]}
        return await self.async_step_discovered()

    async def async_step_discovered(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask whether to connect to the server that was found."""
        error: ServerCheckError | None = None
        if user_input is not None:
            try:
                await self._look(self._url, verify_ssl=True, instance_id=self._discovered_id)
                return await self._enter()
            except ServerCheckError as found:
                error = found
        return self._show("discovered", vol.Schema({}), error, {})

    async def async_step_key(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for an API key of a server with accounts."""
        error: ServerCheckError | None = None
        if user_input is not None:
            try:
                return await self._choose(user_input[CONF_API_KEY].strip())
            except ServerCheckError as found:
                error = found
        return self._show("key", vol.Schema({vol.Required(CONF_API_KEY): SECRET}), error, {})

    async def async_step_server_garden(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask which garden, where there are several."""
        assert self._access is not None  # noqa: S101 - the step before set it
        gardens = {garden.slug: garden for garden in self._access.gardens}
        error: ServerCheckError | None = None
        if user_input is not None:
            try:
                return await self._use(gardens[user_input[CONF_SLUG]])
            except ServerCheckError as found:
                error = found
        options = [(slug, garden.name) for slug, garden in gardens.items()]
        schema = vol.Schema({vol.Required(CONF_SLUG, default=options[0][0]): labelled(options)})
        return self._show("server_garden", schema, error, user_input or {})

    async def _enter(self) -> ConfigFlowResult:
        """Go on to the gardens, by way of the key where one is needed."""
        assert self._access is not None  # noqa: S101 - set right before
        return await self._choose(None) if self._access.is_light else await self.async_step_key()

    async def _choose(self, api_key: str | None) -> ConfigFlowResult:
        assert self._access is not None  # noqa: S101 - the step before set it
        self._access = await open_with(self._access, api_key)
        if len(self._access.gardens) == 1:
            return await self._use(self._access.gardens[0])
        return await self.async_step_server_garden()

    async def _use(self, garden: GardenInfo) -> ConfigFlowResult:
        assert self._access is not None  # noqa: S101 - the step before set it
        await self.async_set_unique_id(
            unique_id_of(self._access.instance_id, garden.slug), raise_on_progress=False
        )
        self._abort_if_unique_id_configured()
        await check_rights(self._access, garden.slug)
        self._garden = garden
        return await self.async_step_server_readings()

    # --- Changing ---------------------------------------------------------------------------

    async def async_step_reconfigure_choice(
        self, _user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask what is to be changed."""
        return self.async_show_menu(
            step_id="reconfigure_choice",
            menu_options=["reconfigure_server", "reconfigure_readings"],
        )

    async def async_step_reconfigure_server(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for the address and the key anew; an empty key is the one before."""
        entry = self._get_reconfigure_entry()
        error: ServerCheckError | None = None
        if user_input is not None:
            api_key = (user_input.get(CONF_API_KEY) or "").strip() or entry.data[CONF_API_KEY]
            try:
                changes = await self._check_entry(
                    entry, user_input[CONF_URL], user_input[CONF_VERIFY_SSL], api_key
                )
                return self.change_entry(entry, {**entry.data, **changes})
            except ServerCheckError as found:
                error = found
        schema = _address_schema().extend({vol.Optional(CONF_API_KEY): SECRET})
        shown = {key: (user_input or entry.data)[key] for key in (CONF_URL, CONF_VERIFY_SSL)}
        return self._show("reconfigure_server", schema, error, shown)

    async def async_step_reauth_server(
        self, user_input: dict[str, Any] | None = None
    ) -> ConfigFlowResult:
        """Ask for a new API key."""
        entry = self._get_reauth_entry()
        error: ServerCheckError | None = None
        if user_input is not None:
            url, verify_ssl = entry.data[CONF_URL], entry.data[CONF_VERIFY_SSL]
            try:
                changes = await self._check_entry(
                    entry, url, verify_ssl, user_input[CONF_API_KEY].strip()
                )
                return self.change_entry(entry, {**entry.data, **changes})
            except ServerCheckError as found:
                error = found
        schema = vol.Schema({vol.Required(CONF_API_KEY): SECRET})
        return self._show("reauth_server", schema, error, {}, {"address": entry.data[CONF_URL]})

    def change_entry(self, entry: ConfigEntry, data: Mapping[str, Any]) -> ConfigFlowResult:
        """Save what was changed of an entry, and end the dialog."""
        if entry.update_listeners:
            # The listener of a loaded entry follows the change itself.
            return self.async_update_and_abort(entry, data=data)
        return self.async_update_reload_and_abort(entry, data=data)

    async def _check_entry(
        self, entry: ConfigEntry, url: str, verify_ssl: bool, api_key: str | None
    ) -> dict[str, Any]:
        """Return what changes in an entry, after trying it: the garden stays the same."""
        await self._look(url, verify_ssl=verify_ssl, instance_id=entry.data[CONF_INSTANCE_ID])
        assert self._access is not None  # noqa: S101 - set right before
        if self._access.is_light:
            api_key = None
        elif api_key is None:
            raise ServerCheckError("server_key_needed", field=CONF_API_KEY)
        access = await open_with(self._access, api_key)
        slug, known_key = entry.data[CONF_SLUG], entry.data.get(CONF_GARDEN_KEY)
        garden = next((item for item in access.gardens if item.slug == slug), None)
        if garden is None or known_key not in {None, garden.key}:
            raise ServerCheckError("server_garden_missing")
        await check_rights(access, slug)
        return {
            CONF_URL: access.url,
            CONF_VERIFY_SSL: verify_ssl,
            CONF_API_KEY: api_key,
            CONF_GARDEN_KEY: garden.key,
        }

    # --- Both -------------------------------------------------------------------------------

    async def _look(self, url: str, *, verify_ssl: bool, instance_id: str | None = None) -> None:
        self._url, self._verify_ssl = address_of(url), verify_ssl
        session = async_get_clientsession(self.hass, verify_ssl=verify_ssl)
        access = await look_at(session, self._url)
        if instance_id is not None and access.instance_id != instance_id:
            raise ServerCheckError("server_other")
        self._access = access

    async def _follow_move(self, entry: ConfigEntry) -> None:
        """Take the new address of a known server over, if it is one and the way is as safe."""
        if self._url == entry.data[CONF_URL] or not may_move(entry.data[CONF_URL], self._url):
            return
        try:
            await self._look(
                self._url,
                verify_ssl=entry.data[CONF_VERIFY_SSL],
                instance_id=entry.data[CONF_INSTANCE_ID],
            )
        except ServerCheckError:
            return  # whoever announced it: it does not answer as that server
        data = {**entry.data, CONF_URL: self._url}
        self.hass.config_entries.async_update_entry(entry, data=data)
        if not entry.update_listeners:
            self.hass.config_entries.async_schedule_reload(entry.entry_id)

    def _show(
        self,
        step_id: str,
        schema: vol.Schema,
        error: ServerCheckError | None,
        shown: Mapping[str, Any],
        placeholders: Mapping[str, str] | None = None,
    ) -> ConfigFlowResult:
        errors: dict[str, str] = {}
        if error is not None:
            fields = {str(key) for key in schema.schema}
            errors[error.field if error.field in fields else "base"] = error.key
        told = ServerCheckError("").placeholders if error is None else error.placeholders
        return self.async_show_form(
            step_id=step_id,
            data_schema=self.add_suggested_values_to_schema(schema, shown),
            errors=errors,
            description_placeholders={
                "address": self._url,
                "example": EXAMPLE,
                **told,
                **(placeholders or {}),
            },
        )


def unique_id_of(instance_id: str, slug: str) -> str:
    """Return the identity of a garden on a server, whatever the address is."""
    return f"{instance_id}:{slug}"


def may_move(old: str, new: str) -> bool:
    """Tell whether an announcement may replace an address.

    Anybody in the network can announce anything: nobody is led from an encrypted way to an open
    one, and a name that a person typed gives way to another name or number only where the key
    is in the open already.
    """
    before, after = urlsplit(old), urlsplit(new)
    if before.scheme == "https":
        return False  # its certificate stands for the name
    return after.scheme == "https" or _is_number(before.hostname)


def _is_number(host: str | None) -> bool:
    try:
        ip_address(host or "")
    except ValueError:
        return False
    return True


def _address_of(info: ZeroconfServiceInfo) -> str:
    address = info.ip_address
    host = f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004 - IPv6
    return f"http://{host}:{info.port}"


def _address_schema() -> vol.Schema:
    return vol.Schema(
        {
            vol.Required(CONF_URL): TextSelector(TextSelectorConfig(type=TextSelectorType.URL)),
            vol.Required(CONF_VERIFY_SSL, default=True): BooleanSelector(),
        }
    )
