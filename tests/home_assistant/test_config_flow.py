"""Adding a garden, changing its source of readings, renewing a broker's password."""

import asyncio
import threading
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from amqtt.broker import Broker
from homeassistant.config_entries import (
    SOURCE_REAUTH,
    SOURCE_USER,
    ConfigEntryState,
    ConfigFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from pwdlib.hashers.argon2 import Argon2Hasher
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import MqttMockHAClient

from custom_components.kamerplanter import config_flow
from custom_components.kamerplanter.const import DOMAIN
from custom_components.kamerplanter.stores import async_find_stores, store_folder, write_marker
from demo.ports import free_port
from kamerplanter_backend.telemetry.broker.aiomqtt_source import check_connection
from kamerplanter_backend.telemetry.broker.settings import BrokerSettings
from tests.backend.telemetry.brokers import HOST, amqtt_broker, certificate
from tests.home_assistant.flow_texts import check_texts
from tests.home_assistant.garden import STORE_ID, Garden, new_entry

pytestmark = pytest.mark.usefixtures("gardens_are_closed")

NO_CERTIFICATE = "-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----"


@pytest.fixture
def _quick_timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on a silent server after a quarter of a second."""

    async def check(settings: BrokerSettings) -> None:
        await check_connection(settings, timeout_s=0.25)

    monkeypatch.setattr(config_flow, "check_connection", check)


@asynccontextmanager
async def broker_apart(
    plugin: str = "AnonymousAuthPlugin", options: Mapping[str, Any] | None = None, **listener: Any
) -> AsyncGenerator[int]:
    """Run amqtt on a loop of its own, as it lets errors of a handshake fall there; gives its port.

    Args:
        plugin: Who may log in.
        options: The settings of the plugin.
        listener: More settings of its listener.
    """
    port, ready, leave = free_port(), threading.Event(), threading.Event()
    config = {
        "listeners": {"default": {"type": "tcp", "bind": f"{HOST}:{port}", **listener}},
        "plugins": {f"amqtt.plugins.authentication.{plugin}": options or {}},
    }

    async def serve() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        broker = Broker(config)
        await broker.start()
        ready.set()
        await asyncio.to_thread(leave.wait)
        with suppress(TimeoutError):
            # It waits for ever for clients that it has refused.
            await asyncio.wait_for(broker.shutdown(), 0.5)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    await asyncio.to_thread(ready.wait, 10)
    try:
        yield port
    finally:
        leave.set()
        await asyncio.to_thread(thread.join)


@asynccontextmanager
async def broker_with_login(folder: Path, name: str, password: str) -> AsyncGenerator[int]:
    """Run amqtt with one account; gives its port."""
    path = folder / "accounts"
    path.write_text(f"{name}:{Argon2Hasher().hash(password)}\n")
    async with broker_apart("FileAuthPlugin", {"password_file": str(path)}) as port:
        yield port


@asynccontextmanager
async def silent_server() -> AsyncGenerator[int]:
    """Accept connections and say nothing; gives the port."""
    writers: list[asyncio.StreamWriter] = []

    def accept(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)

    server = await asyncio.start_server(accept, HOST, 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        for writer in writers:
            writer.close()
        server.close()
        await server.wait_closed()


async def begin(hass: HomeAssistant) -> ConfigFlowResult:
    result = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    check_texts(result)
    return result


async def begin_here(hass: HomeAssistant) -> ConfigFlowResult:
    """Begin a garden that runs on this Home Assistant."""
    return await go_on(hass, await begin(hass), {"next_step_id": "garden"})


async def go_on(hass: HomeAssistant, flow: ConfigFlowResult, data: dict[str, Any]) -> Any:
    result = await hass.config_entries.flow.async_configure(flow["flow_id"], data)
    await hass.async_block_till_done()
    check_texts(result)
    return result


async def to_broker(hass: HomeAssistant) -> Any:
    flow = await begin_here(hass)
    return await go_on(hass, flow, {"name": "Garden", "readings": "broker"})


def broker_input(port: int, **more: Any) -> dict[str, Any]:
    return {"host": HOST, "port": port, **more}


def default_of(flow: Any, name: str) -> Any:
    key = next(key for key in flow["data_schema"].schema if str(key) == name)
    return key.default()


def suggested(flow: Any) -> dict[str, Any]:
    return {
        str(key): key.description["suggested_value"]
        for key in flow["data_schema"].schema
        if key.description and "suggested_value" in key.description
    }


def readings_options(flow: Any) -> list[str]:
    schema = flow["data_schema"].schema
    key = next(key for key in schema if str(key) == "readings")
    return list(schema[key].config["options"])


# --- Adding -------------------------------------------------------------------------------


async def test_a_garden_without_readings_is_added_and_loaded(hass: HomeAssistant) -> None:
    flow = await begin_here(hass)
    assert (flow["type"], flow["step_id"]) == (FlowResultType.FORM, "garden")

    result = await go_on(hass, flow, {"name": " Balcony ", "readings": "none"})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    entry = result["result"]
    assert (entry.title, entry.version, entry.state) == ("Balcony", 2, ConfigEntryState.LOADED)
    assert entry.data == {
        "mode": "embedded",
        "store_id": entry.unique_id,
        "name": "Balcony",
        "readings": "none",
    }
    assert (store_folder(hass, entry.unique_id) / "garden.db").is_file()


async def test_without_mqtt_it_is_not_offered_and_none_is_the_default(hass: HomeAssistant) -> None:
    flow = await begin_here(hass)

    assert readings_options(flow) == ["broker", "none"]
    assert default_of(flow, "readings") == "none"


async def test_with_mqtt_it_is_the_default(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient
) -> None:
    flow = await begin_here(hass)
    assert readings_options(flow) == ["mqtt", "broker", "none"]
    assert default_of(flow, "readings") == "mqtt"

    result = await go_on(hass, flow, {"name": "Garden", "readings": "mqtt"})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].data["readings"] == "mqtt"


async def test_the_name_of_the_house_is_suggested(hass: HomeAssistant) -> None:
    await hass.config.async_update(location_name="At home")

    assert suggested(await begin_here(hass))["name"] == "At home"


async def test_a_blank_name_is_asked_for_again(hass: HomeAssistant) -> None:
    flow = await begin_here(hass)

    again = await go_on(hass, flow, {"name": "  ", "readings": "none"})
    assert again["errors"] == {"name": "name_needed"}

    result = await go_on(hass, again, {"name": "Garden", "readings": "none"})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_two_gardens_live_side_by_side(hass: HomeAssistant) -> None:
    first = await go_on(hass, await begin_here(hass), {"name": "One", "readings": "none"})
    second = await go_on(hass, await begin_here(hass), {"name": "Two", "readings": "none"})

    assert first["result"].unique_id != second["result"].unique_id
    assert second["result"].state is ConfigEntryState.LOADED


# --- Data of a removed garden ---------------------------------------------------------------


async def test_the_data_of_a_removed_garden_is_offered_and_taken_over(
    garden: Garden, issue_registry: ir.IssueRegistry
) -> None:
    hass = garden.hass
    tank = await garden.add_tank("Tank A")
    await hass.config_entries.async_remove(garden.entry.entry_id)
    await garden.settle()
    assert issue_registry.async_get_issue(DOMAIN, f"data_kept_{STORE_ID}")

    flow = await begin(hass)
    assert flow["type"] is FlowResultType.MENU
    assert flow["menu_options"] == ["garden", "existing", "server"]
    flow = await go_on(hass, flow, {"next_step_id": "existing"})
    assert flow["step_id"] == "existing"
    flow = await go_on(hass, flow, {"store_id": STORE_ID})
    assert suggested(flow)["name"] == "Garden"
    result = await go_on(hass, flow, {"name": "Garden", "readings": "none"})

    entry = result["result"]
    assert entry.data["store_id"] == STORE_ID
    assert [item.data["key"] for item in entry.subentries.values()] == [tank]
    assert issue_registry.async_get_issue(DOMAIN, f"data_kept_{STORE_ID}") is None


async def test_a_new_garden_can_be_begun_beside_old_data(hass: HomeAssistant) -> None:
    folder = store_folder(hass, STORE_ID)
    write_marker(folder, "Old")
    (folder / "garden.db").touch()

    flow = await go_on(hass, await begin(hass), {"next_step_id": "garden"})
    result = await go_on(hass, flow, {"name": "New", "readings": "none"})

    assert result["result"].unique_id != STORE_ID
    assert [store.name for store in await async_find_stores(hass)] == ["Old"]


async def test_the_same_data_is_never_used_twice(hass: HomeAssistant) -> None:
    folder = store_folder(hass, STORE_ID)
    write_marker(folder, "Old")
    (folder / "garden.db").touch()
    flow = await go_on(hass, await begin(hass), {"next_step_id": "existing"})
    flow = await go_on(hass, flow, {"store_id": STORE_ID})
    MockConfigEntry(domain=DOMAIN, version=2, unique_id=STORE_ID).add_to_hass(hass)

    result = await go_on(hass, flow, {"name": "Garden", "readings": "none"})

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "already_configured")


@pytest.mark.parametrize("text", ["", "[]", '{"name": 5}', '{"name": " "}', "{}"])
async def test_data_with_a_broken_marker_is_called_by_its_id(
    hass: HomeAssistant, text: str
) -> None:
    folder = store_folder(hass, STORE_ID)
    write_marker(folder, "Old")
    (folder / "garden.db").touch()
    (folder / "garden.json").write_text(text)
    (folder.parent / "something else").mkdir()

    assert [store.name for store in await async_find_stores(hass)] == [STORE_ID]


async def test_a_folder_without_a_data_file_is_no_garden(hass: HomeAssistant) -> None:
    write_marker(store_folder(hass, STORE_ID), "Empty")

    assert await async_find_stores(hass) == []


# --- A broker of one's own ------------------------------------------------------------------


@pytest.mark.usefixtures("socket_enabled")
async def test_an_own_broker_is_tried_and_kept(hass: HomeAssistant) -> None:
    async with amqtt_broker() as port:
        flow = await to_broker(hass)
        assert flow["step_id"] == "broker"

        result = await go_on(hass, flow, broker_input(port))

        assert result["type"] is FlowResultType.CREATE_ENTRY
        assert result["result"].data["broker"] == {
            "host": HOST,
            "port": port,
            "username": None,
            "password": None,
            "tls": False,
            "verify_certificate": True,
            "ca_certificate": None,
            "protocol": "3.1.1",
            "client_certificate": None,
            "client_key": None,
        }
        await hass.config_entries.async_unload(result["result"].entry_id)


@pytest.mark.usefixtures("socket_enabled")
async def test_a_port_where_nobody_listens_cannot_be_reached(hass: HomeAssistant) -> None:
    flow = await go_on(hass, await to_broker(hass), broker_input(free_port()))

    assert flow["errors"] == {"base": "cannot_connect"}
    assert suggested(flow)["host"] == HOST


@pytest.mark.usefixtures("socket_enabled")
async def test_a_wrong_password_is_refused_and_the_right_one_taken(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    async with broker_with_login(tmp_path, "anna", "rose") as port:
        flow = await to_broker(hass)
        flow = await go_on(hass, flow, broker_input(port, username="anna", password="tulip"))
        assert flow["errors"] == {"base": "invalid_auth"}
        assert "password" not in suggested(flow)

        result = await go_on(hass, flow, broker_input(port, username="anna", password="rose"))

        assert result["type"] is FlowResultType.CREATE_ENTRY
        await hass.config_entries.async_unload(result["result"].entry_id)


@pytest.mark.usefixtures("socket_enabled")
async def test_what_answers_without_encryption_fails_with_tls(hass: HomeAssistant) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, HOST, 0)
    port = server.sockets[0].getsockname()[1]

    flow = await go_on(hass, await to_broker(hass), broker_input(port, tls=True))

    assert flow["errors"] == {"base": "tls_failed"}
    server.close()
    await server.wait_closed()


@pytest.mark.usefixtures("socket_enabled")
async def test_an_unknown_certificate_fails_until_its_authority_is_given(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    certificate_path, key_path = certificate(tmp_path, "broker")
    files = {"certfile": str(certificate_path), "keyfile": str(key_path)}
    async with broker_apart(options={"allow_anonymous": True}, ssl=True, **files) as port:
        flow = await go_on(hass, await to_broker(hass), broker_input(port, tls=True))
        assert flow["errors"] == {"base": "tls_failed"}

        data = broker_input(port, tls=True, ca_certificate=certificate_path.read_text())
        result = await go_on(hass, flow, data)
        assert result["type"] is FlowResultType.CREATE_ENTRY
        await hass.config_entries.async_remove(result["result"].entry_id)


@pytest.mark.usefixtures("socket_enabled")
async def test_a_certificate_that_is_not_checked_may_be_any(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    certificate_path, key_path = certificate(tmp_path, "broker")
    files = {"certfile": str(certificate_path), "keyfile": str(key_path)}
    async with broker_apart(options={"allow_anonymous": True}, ssl=True, **files) as port:
        data = broker_input(port, tls=True, verify_certificate=False)
        result = await go_on(hass, await to_broker(hass), data)

        assert result["type"] is FlowResultType.CREATE_ENTRY
        await hass.config_entries.async_unload(result["result"].entry_id)


@pytest.mark.usefixtures("socket_enabled", "_quick_timeouts")
async def test_a_silent_server_runs_out_of_time(hass: HomeAssistant) -> None:
    async with silent_server() as port:
        flow = await go_on(hass, await to_broker(hass), broker_input(port))

    assert flow["errors"] == {"base": "timeout"}


@pytest.mark.parametrize("text", [NO_CERTIFICATE, "rubbish"])
async def test_a_text_that_is_no_certificate_is_said_at_its_field(
    hass: HomeAssistant, text: str
) -> None:
    data = broker_input(8883, tls=True, ca_certificate=text)

    flow = await go_on(hass, await to_broker(hass), data)

    assert flow["errors"] == {"ca_certificate": "bad_certificate"}


# --- Reconfigure ----------------------------------------------------------------------------


async def test_reconfiguring_to_mqtt_reloads_the_garden_once(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient, garden: Garden
) -> None:
    flow = await garden.entry.start_reconfigure_flow(hass)
    assert flow["step_id"] == "reconfigure"
    assert default_of(flow, "readings") == "none"
    before = garden.entry.runtime_data

    result = await go_on(hass, flow, {"readings": "mqtt"})

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert garden.entry.data["readings"] == "mqtt"
    assert garden.entry.state is ConfigEntryState.LOADED
    assert garden.entry.runtime_data is not before


@pytest.mark.usefixtures("socket_enabled")
async def test_reconfiguring_keeps_the_password_that_is_not_typed_again(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    async with broker_with_login(tmp_path, "anna", "rose") as port:
        known = {"host": HOST, "port": port, "username": "anna", "password": "rose", "tls": False}
        entry = new_entry("broker", broker=known)
        entry.add_to_hass(hass)

        flow = await entry.start_reconfigure_flow(hass)
        flow = await go_on(hass, flow, {"readings": "broker"})
        assert flow["step_id"] == "reconfigure_broker"
        assert suggested(flow) == {"host": HOST, "port": port, "username": "anna", "tls": False}
        refused = await go_on(hass, flow, broker_input(port, username="bert"))
        assert refused["errors"] == {"base": "invalid_auth"}
        result = await go_on(hass, refused, broker_input(port, username="anna"))

        assert result["reason"] == "reconfigure_successful"
        assert entry.data["broker"]["password"] == "rose"
        await hass.config_entries.async_unload(entry.entry_id)


async def test_reconfiguring_to_none_forgets_the_broker(hass: HomeAssistant) -> None:
    entry = new_entry("broker", broker={"host": HOST, "port": 1})
    entry.add_to_hass(hass)

    flow = await entry.start_reconfigure_flow(hass)
    await go_on(hass, flow, {"readings": "none"})

    assert entry.data["readings"] == "none"
    assert "broker" not in entry.data


# --- Reauth ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("socket_enabled")
async def test_a_new_password_of_the_broker_is_tried_and_kept(
    hass: HomeAssistant, tmp_path: Path
) -> None:
    async with broker_with_login(tmp_path, "anna", "rose") as port:
        known = {"host": HOST, "port": port, "username": "anna", "password": "tulip"}
        entry = new_entry("broker", broker=known)
        entry.add_to_hass(hass)
        entry.async_start_reauth(hass)
        await hass.async_block_till_done()
        (flow,) = hass.config_entries.flow.async_progress()
        assert flow["context"]["source"] == SOURCE_REAUTH
        assert flow["step_id"] == "reauth_confirm"

        again = await go_on(hass, flow, {"username": "anna", "password": "lily"})
        assert again["errors"] == {"base": "invalid_auth"}
        assert again["description_placeholders"] == {"host": HOST, "name": "Garden"}
        result = await go_on(hass, again, {"username": "anna", "password": "rose"})

        assert result["reason"] == "reauth_successful"
        assert entry.data["broker"]["password"] == "rose"
        assert entry.data["broker"]["host"] == HOST
        await hass.config_entries.async_unload(entry.entry_id)


# --- Entries of others ----------------------------------------------------------------------


async def test_an_entry_of_the_older_integration_is_refused_untouched(
    hass: HomeAssistant, caplog: pytest.LogCaptureFixture
) -> None:
    foreign = {"url": "http://192.0.2.1", "api_key": "secret"}
    entry = MockConfigEntry(domain=DOMAIN, version=1, title="Old", data=foreign)
    entry.add_to_hass(hass)

    assert not await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.MIGRATION_ERROR
    assert entry.data == foreign
    assert "remove it and" in caplog.text
    assert await async_find_stores(hass) == []
