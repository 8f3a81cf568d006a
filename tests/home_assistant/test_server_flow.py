"""Connecting to a server: address, discovery, key, garden, and every way to fail."""

import asyncio
import json
import ssl
import threading
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, override

import pytest
from homeassistant.config_entries import (
    SOURCE_IGNORE,
    SOURCE_REAUTH,
    SOURCE_USER,
    SOURCE_ZEROCONF,
    ConfigEntryState,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers.service_info.zeroconf import ZeroconfServiceInfo
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.kamerplanter import client_factory
from custom_components.kamerplanter.const import DOMAIN
from custom_components.kamerplanter.flows import server_check
from custom_components.kamerplanter.flows.server_check import address_of
from custom_components.kamerplanter.flows.server_steps import may_move
from demo.ports import free_port
from kamerplanter_backend.client.protocol import PROTOCOL
from kamerplanter_backend.client.transport import Waits
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.permissions import KeyScope
from tests.backend.telemetry.brokers import HOST, certificate
from tests.home_assistant.flow_texts import TEXTS, check_texts
from tests.home_assistant.served import PATIENCE, HomeServer

pytestmark = pytest.mark.usefixtures("gardens_are_closed")

UUID = "0f0e0d0c0b0a09080706050403020100"
EMPTY_GARDEN = {
    "name": "G",
    "time_zone": "UTC",
    "taken_at": "2026-05-01T10:00:00Z",
    "today": "2026-05-01",
    "tanks": [],
    "plants": [],
    "probes": [],
    "tasks": [],
    "next_due_at": None,
}
MODE = {"mode": "light", "version": "2026.11.0", "protocol": PROTOCOL, "instance_id": UUID}
SENDER = f"X-Instance-Id: {UUID}\r\n"


@pytest.fixture(autouse=True)
def _prepare(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let sockets be used, and each question be asked once."""
    patient = Waits(connect_s=20, total_s=20, attempts=1)  # a busy machine is no silent server
    monkeypatch.setattr(server_check, "WAITS", patient)
    monkeypatch.setattr(client_factory, "SERVER_WAITS", PATIENCE)


@pytest.fixture
def light(tmp_path: Path) -> Iterator[HomeServer]:
    """Give a server without accounts."""
    server = HomeServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def make_full(tmp_path: Path) -> Iterator[Callable[..., HomeServer]]:
    """Give what makes a server with accounts."""
    servers: list[HomeServer] = []

    def make(**share: Any) -> HomeServer:
        server = HomeServer(tmp_path, is_full=True, **share)
        server.clock.is_going = True
        servers.append(server)
        return server

    yield make
    for server in servers:
        server.stop()


@contextmanager
def answering_with_tls(folder: Path) -> Iterator[str]:
    """Answer as a server without a garden, with a certificate that nobody knows.

    In a thread of its own, where a handshake that the other side breaks off harms nobody.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(MODE if self.path.endswith("/mode") else []).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, *_args: object) -> None:
            """Keep quiet."""

    class Quiet(ThreadingHTTPServer):
        @override
        def handle_error(self, *_args: object) -> None:
            """Keep quiet."""

    cert, key = certificate(folder, "server")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(cert, key)
    server = Quiet((HOST, 0), Handler)
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=lambda: server.serve_forever(0.05))
    thread.start()
    try:
        yield f"https://{HOST}:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def tls_url(tmp_path: Path, socket_enabled: None) -> Iterator[str]:
    """Give the address of a server whose certificate nobody knows."""
    with answering_with_tls(tmp_path) as url:
        yield url


@asynccontextmanager
async def answering(*answers: bytes, is_silent: bool = False) -> AsyncGenerator[str]:
    """Answer one request after the other with these bytes, the last one again and again."""
    left = list(answers)
    writers: list[asyncio.StreamWriter] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        try:
            await reader.readuntil(b"\r\n\r\n")
        except asyncio.IncompleteReadError:
            return
        if is_silent:
            return
        writer.write(left.pop(0) if len(left) > 1 else left[0])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0)
    try:
        yield f"http://{HOST}:{server.sockets[0].getsockname()[1]}"
    finally:
        for writer in writers:
            writer.close()
        server.close()
        await server.wait_closed()


def said(body: object, status: str = "200 OK", headers: str = "") -> bytes:
    """Return an answer of HTTP."""
    text = body if isinstance(body, str) else json.dumps(body)
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}"
        f"Content-Length: {len(text.encode())}\r\nConnection: close\r\n\r\n{text}"
    ).encode()


def refused(code: str, status: str, **details: object) -> bytes:
    """Return an error in the envelope of a server."""
    return said({"error_code": code, "message": f"It is {code}.", "details": details}, status)


async def begin(hass: HomeAssistant) -> Any:
    flow = await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})
    assert flow["menu_options"] == ["garden", "server"]
    return await go_on(hass, flow, {"next_step_id": "server"})


async def go_on(hass: HomeAssistant, flow: Any, data: dict[str, Any]) -> Any:
    result = await hass.config_entries.flow.async_configure(flow["flow_id"], data)
    await hass.async_block_till_done()
    check_texts(result)
    return result


def address(url: str, *, verify_ssl: bool = True) -> dict[str, Any]:
    return {"url": url, "verify_ssl": verify_ssl}


async def to_server(hass: HomeAssistant, url: str, *, verify_ssl: bool = True) -> Any:
    return await go_on(hass, await begin(hass), address(url, verify_ssl=verify_ssl))


def suggested(flow: Any) -> dict[str, Any]:
    return {
        str(key): key.description["suggested_value"]
        for key in flow["data_schema"].schema
        if key.description and "suggested_value" in key.description
    }


# --- A server without accounts ----------------------------------------------------------------


async def test_a_light_server_is_connected_without_a_key(
    hass: HomeAssistant, light: HomeServer
) -> None:
    flow = await to_server(hass, light.url + "/api/v1/docs")
    assert (flow["type"], flow["step_id"]) == (FlowResultType.FORM, "server_readings")

    result = await go_on(hass, flow, {"readings": "none"})

    entry = result["result"]
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert (entry.title, entry.state) == ("Garden", ConfigEntryState.LOADED)
    assert entry.unique_id == f"{light.instance_id}:platform"
    store_id = entry.data["store_id"]
    assert entry.data == {
        "mode": "server",
        "url": light.url,
        "verify_ssl": True,
        "api_key": None,
        "slug": "platform",
        "garden_key": "platform",
        "instance_id": light.instance_id,
        "store_id": store_id,
        "name": "Garden",
        "readings": "none",
    }
    assert (Path(hass.config.path("kamerplanter", store_id)) / "queue.db").is_file()
    assert entry.runtime_data.coordinator.data.name == "Garden"


async def test_readings_of_an_own_broker_are_asked_for_as_elsewhere(
    hass: HomeAssistant, light: HomeServer
) -> None:
    flow = await to_server(hass, light.url)
    flow = await go_on(hass, flow, {"readings": "broker"})
    assert flow["step_id"] == "broker"

    again = await go_on(hass, flow, {"host": HOST, "port": free_port()})

    assert again["errors"] == {"base": "cannot_connect"}


async def test_the_same_garden_is_not_added_twice(hass: HomeAssistant, light: HomeServer) -> None:
    light.entry().add_to_hass(hass)

    flow = await to_server(hass, light.url)

    assert (flow["type"], flow["reason"]) == (FlowResultType.ABORT, "already_configured")


# --- Addresses ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("http://garden.lan:8075", "http://garden.lan:8075"),
        (" https://Garden.Example/ ", "https://garden.example"),
        ("https://example.org/garden/api/v1/docs", "https://example.org/garden"),
        ("http://[fd00::1]:8075/", "http://[fd00::1]:8075"),
    ],
)
def test_an_address_is_kept_without_what_is_behind_it(typed: str, kept: str) -> None:
    assert address_of(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "garden.lan",
        "ftp://garden.lan",
        "http://",
        "http://anna:secret@garden.lan",
        "http://garden.lan?key=1",
        "http://garden.lan#top",
        "http://garden.lan:99999",
        "http://garden.lan:0",
        "http://gar den.lan",
        "http://[fd00",
    ],
)
async def test_what_is_no_address_is_said_at_its_field(hass: HomeAssistant, typed: str) -> None:
    flow = await to_server(hass, typed)

    assert flow["errors"] == {"url": "server_bad_address"}
    assert suggested(flow)["url"] == typed
    assert "garden.lan:8075" in flow["description_placeholders"]["example"]


# --- What can be wrong with a server --------------------------------------------------------------


async def test_nobody_there(hass: HomeAssistant) -> None:
    flow = await to_server(hass, f"http://{HOST}:{free_port()}")

    assert flow["errors"] == {"base": "server_cannot_connect"}


async def test_silence(hass: HomeAssistant, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_check, "WAITS", Waits(connect_s=20, total_s=0.3, attempts=1))
    async with answering(is_silent=True) as url:
        flow = await to_server(hass, url)

    assert flow["errors"] == {"base": "server_timeout"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(said("<html>"), "server_not_kamerplanter", id="a page"),
        pytest.param(said("no", "404 Not Found"), "server_not_kamerplanter", id="nothing there"),
        pytest.param(said({"mode": "other"}), "server_not_kamerplanter", id="something else"),
        pytest.param(said("", "502 Bad Gateway"), "server_trouble", id="a proxy without it"),
        pytest.param(
            said("", "302 Found", "Location: https://login.example/\r\n"),
            "server_redirected",
            id="elsewhere",
        ),
        pytest.param(said(MODE | {"protocol": 99}), "server_incompatible", id="too new"),
        pytest.param(said(MODE | {"instance_id": None}), "server_incompatible", id="too old"),
        pytest.param(
            refused("HOST_REFUSED", "403 Forbidden", value="garden.lan"),
            "server_host_refused",
            id="another name",
        ),
        pytest.param(
            refused("RATE_LIMITED", "429 Too Many Requests", retry_after_s=9),
            "server_busy",
            id="too often",
        ),
        pytest.param(refused("CONFLICT", "409 Conflict"), "server_not_kamerplanter", id="nonsense"),
    ],
)
async def test_each_trouble_has_its_own_words(
    hass: HomeAssistant, answer: bytes, error: str
) -> None:
    async with answering(answer) as url:
        flow = await to_server(hass, url)

    assert flow["errors"] == {"base": error}
    assert TEXTS["en"]["config"]["error"][error]


async def test_a_certificate_that_nobody_knows_fails_until_it_is_not_checked(
    hass: HomeAssistant, tls_url: str
) -> None:
    flow = await to_server(hass, tls_url)
    assert flow["errors"] == {"base": "server_tls_failed"}

    flow = await go_on(hass, flow, address(tls_url, verify_ssl=False))

    # It is reached now, and has no garden.
    assert flow["errors"] == {"base": "server_no_garden"}
    assert suggested(flow)["verify_ssl"] is False


async def test_a_list_of_gardens_that_is_none(hass: HomeAssistant) -> None:
    async with answering(said(MODE), said({"gardens": 5})) as url:
        flow = await to_server(hass, url)

    assert flow["errors"] == {"base": "server_not_kamerplanter"}


async def test_a_garden_that_vanishes_meanwhile(hass: HomeAssistant) -> None:
    gardens = said([{"key": "g", "slug": "g", "name": "G", "role": "admin"}])
    gone = refused("NOT_FOUND", "404 Not Found", kind="tenants", key="g")
    async with answering(said(MODE), gardens, said(MODE, headers=SENDER), gone) as url:
        flow = await to_server(hass, url)
    assert flow["errors"] == {"base": "server_garden_missing"}

    # One that vanishes between two questions is no better.
    shown, taken = said(EMPTY_GARDEN, headers=SENDER), said("0", headers=SENDER)
    async with answering(
        said(MODE), gardens, said(MODE, headers=SENDER), shown, taken, gone
    ) as url:
        flow = await go_on(hass, flow, address(url))
    assert flow["errors"] == {"base": "server_garden_missing"}


async def test_what_hides_who_answers_is_noticed_before_anything_is_kept(
    hass: HomeAssistant,
) -> None:
    gardens = said([{"key": "g", "slug": "g", "name": "G", "role": "admin"}])
    async with answering(said(MODE), gardens, said(MODE), said(EMPTY_GARDEN)) as url:
        flow = await to_server(hass, url)

    assert flow["errors"] == {"base": "server_incompatible"}


# --- A server with accounts -----------------------------------------------------------------------


async def test_a_key_opens_its_garden(
    hass: HomeAssistant, make_full: Callable[..., HomeServer]
) -> None:
    server = await hass.async_add_executor_job(make_full)
    flow = await to_server(hass, server.url)
    assert flow["step_id"] == "key"
    flow = await go_on(hass, flow, {"api_key": f" {server.key} "})
    assert flow["step_id"] == "server_readings"

    result = await go_on(hass, flow, {"readings": "none"})

    entry = result["result"]
    assert entry.state is ConfigEntryState.LOADED
    assert (entry.title, entry.data["slug"]) == ("Allotment 7", server.slug)
    assert entry.data["api_key"] == server.key
    assert entry.unique_id == f"{server.instance_id}:{server.slug}"


async def test_a_wrong_key_is_refused_and_never_shown(
    hass: HomeAssistant, make_full: Callable[..., HomeServer]
) -> None:
    server = await hass.async_add_executor_job(make_full)

    flow = await go_on(hass, await to_server(hass, server.url), {"api_key": "kp_wrong"})

    assert (flow["step_id"], flow["errors"]) == ("key", {"api_key": "server_invalid_auth"})
    assert suggested(flow) == {}


@pytest.mark.parametrize(
    ("share", "permission"),
    [
        ({"scopes": frozenset({KeyScope.WRITE, KeyScope.INGEST})}, None),
        ({"scopes": frozenset({KeyScope.READ})}, "ingest"),
        ({"scopes": frozenset({KeyScope.READ, KeyScope.INGEST})}, "write"),
        ({"role": Role.VIEWER}, None),
    ],
    ids=["no read", "no ingest", "no write", "a viewer"],
)
async def test_a_key_that_may_not_do_enough(
    hass: HomeAssistant,
    make_full: Callable[..., HomeServer],
    share: dict[str, Any],
    permission: str | None,
) -> None:
    server = await hass.async_add_executor_job(lambda: make_full(**share))

    flow = await go_on(hass, await to_server(hass, server.url), {"api_key": server.key})

    assert flow["errors"] == {"api_key": "server_missing_scope"}
    told = flow["description_placeholders"]
    assert permission is None or permission in told["permission"] + told["message"]


async def test_a_suspended_garden_says_so(
    hass: HomeAssistant, make_full: Callable[..., HomeServer]
) -> None:
    server = await hass.async_add_executor_job(make_full)
    assert server.shared is not None
    await hass.async_add_executor_job(server.shared.suspend)

    flow = await go_on(hass, await to_server(hass, server.url), {"api_key": server.key})

    assert flow["errors"] == {"base": "server_garden_suspended"}


async def test_of_several_gardens_one_is_chosen(hass: HomeAssistant) -> None:
    rows = [
        {"key": "e", "slug": "east", "name": "East", "role": "admin"},
        {"key": "w", "slug": "west", "name": "West", "role": "admin"},
    ]
    denied = refused("FORBIDDEN", "403 Forbidden", permission="garden:read")
    async with answering(said(MODE), said(rows), said(MODE, headers=SENDER), denied) as url:
        flow = await to_server(hass, url)
        assert flow["step_id"] == "server_garden"
        options = flow["data_schema"].schema["slug"].config["options"]
        assert [item["label"] for item in options] == ["East", "West"]

        flow = await go_on(hass, flow, {"slug": "west"})

    assert flow["errors"] == {"slug": "server_missing_scope"}
    assert suggested(flow) == {"slug": "west"}


# --- Discovery ------------------------------------------------------------------------------------


def announced(
    url: str, instance_id: str | None, *, told_url: str | None = None
) -> ZeroconfServiceInfo:
    port = int(url.rpartition(":")[2])
    properties = {"version": "2026.11.0", "protocol": "1", "mode": "light", "path": "/api/v1"}
    if instance_id is not None:
        properties["uuid"] = instance_id
    if told_url is not None:
        properties["url"] = told_url
    where = ip_address(HOST)
    return ZeroconfServiceInfo(
        ip_address=where,
        ip_addresses=[where],
        hostname="kamerplanter.local.",
        name="Kamerplanter 0f0e0d0c._kamerplanter._tcp.local.",
        port=port,
        type="_kamerplanter._tcp.local.",
        properties=properties,
    )


async def discover(hass: HomeAssistant, info: ZeroconfServiceInfo) -> Any:
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_ZEROCONF}, data=info
    )
    await hass.async_block_till_done()
    check_texts(result)
    return result


async def test_a_server_that_is_found_is_one_click_away(
    hass: HomeAssistant, light: HomeServer
) -> None:
    flow = await discover(hass, announced(light.url, light.instance_id))
    assert flow["step_id"] == "discovered"
    assert flow["description_placeholders"]["address"] == light.url
    (progress,) = hass.config_entries.flow.async_progress()
    assert progress["context"]["title_placeholders"] == {"name": "Kamerplanter 0f0e0d0c"}

    flow = await go_on(hass, flow, {})
    result = await go_on(hass, flow, {"readings": "none"})

    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["result"].unique_id == f"{light.instance_id}:platform"


async def test_a_server_is_found_once(hass: HomeAssistant, light: HomeServer) -> None:
    await discover(hass, announced(light.url, light.instance_id))

    again = await discover(hass, announced(light.url, light.instance_id))

    assert (again["type"], again["reason"]) == (FlowResultType.ABORT, "already_in_progress")


async def test_who_announces_another_server_is_found_out(
    hass: HomeAssistant, light: HomeServer
) -> None:
    flow = await discover(hass, announced(light.url, UUID))

    flow = await go_on(hass, flow, {})

    assert flow["errors"] == {"base": "server_other"}


@pytest.mark.parametrize(
    ("instance_id", "told_url"), [(None, None), (UUID, "gopher://garden"), ("", None)]
)
async def test_an_announcement_without_sense_is_passed_over(
    hass: HomeAssistant, instance_id: str | None, told_url: str | None
) -> None:
    info = announced(f"http://{HOST}:1", instance_id, told_url=told_url)

    flow = await discover(hass, info)

    assert (flow["type"], flow["reason"]) == (FlowResultType.ABORT, "server_not_kamerplanter")


async def test_a_server_that_a_person_ignores_stays_ignored(
    hass: HomeAssistant, light: HomeServer
) -> None:
    MockConfigEntry(
        domain=DOMAIN, version=2, unique_id=light.instance_id, source=SOURCE_IGNORE
    ).add_to_hass(hass)

    flow = await discover(hass, announced(light.url, light.instance_id))

    assert (flow["type"], flow["reason"]) == (FlowResultType.ABORT, "already_configured")


async def test_a_known_server_at_another_port_is_followed(
    hass: HomeAssistant, light: HomeServer
) -> None:
    entry = light.entry(url=f"http://{HOST}:{free_port()}")
    entry.add_to_hass(hass)

    flow = await discover(hass, announced(light.url, light.instance_id))
    await hass.async_block_till_done()

    assert flow["reason"] == "already_configured"
    assert entry.data["url"] == light.url
    assert entry.state is ConfigEntryState.LOADED


async def test_a_loaded_garden_follows_by_its_own_listener(
    hass: HomeAssistant, light: HomeServer
) -> None:
    entry = light.entry(url=light.url.replace(HOST, "127.0.0.1") + "/")
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    before = entry.runtime_data

    await discover(hass, announced(light.url, light.instance_id))
    await hass.async_block_till_done()

    assert entry.data["url"] == light.url
    assert entry.runtime_data is not before


async def test_whoever_only_says_that_it_is_a_known_server_is_not_followed(
    hass: HomeAssistant, light: HomeServer
) -> None:
    old = f"http://{HOST}:{free_port()}"
    entry = light.entry(url=old)
    entry.add_to_hass(hass)
    async with answering(said(MODE)) as liar:
        flow = await discover(hass, announced(liar, light.instance_id))

    assert flow["reason"] == "already_configured"
    assert entry.data["url"] == old


@pytest.mark.parametrize(
    ("old", "new", "may"),
    [
        ("http://192.0.2.1:8075", "http://192.0.2.9:8075", True),
        ("http://192.0.2.1:8075", "https://garden.example", True),
        ("http://garden.lan:8075", "http://192.0.2.9:8075", False),
        ("http://garden.lan:8075", "https://garden.example", True),
        ("https://garden.example", "http://192.0.2.9:8075", False),
        ("https://garden.example", "https://other.example", False),
    ],
)
def test_an_announcement_never_weakens_a_way(old: str, new: str, may: bool) -> None:
    assert may_move(old, new) is may


async def test_the_same_address_changes_nothing(hass: HomeAssistant, light: HomeServer) -> None:
    entry = light.entry()
    entry.add_to_hass(hass)

    flow = await discover(hass, announced(light.url, light.instance_id))

    assert flow["reason"] == "already_configured"
    assert entry.state is ConfigEntryState.NOT_LOADED


async def test_ipv6_is_written_as_addresses_want_it(hass: HomeAssistant) -> None:
    info = announced("http://x:8075", UUID)
    info.ip_address = ip_address("fd00::9")

    flow = await discover(hass, info)

    assert flow["description_placeholders"]["address"] == "http://[fd00::9]:8075"


# --- Changing and renewing ------------------------------------------------------------------------


async def reconfigure(hass: HomeAssistant, entry: MockConfigEntry, choice: str) -> Any:
    flow = await entry.start_reconfigure_flow(hass)
    check_texts(flow)
    assert flow["menu_options"] == ["reconfigure_server", "reconfigure_readings"]
    return await go_on(hass, flow, {"next_step_id": choice})


async def test_a_new_address_of_the_same_server_is_tried_and_kept(
    hass: HomeAssistant, make_full: Callable[..., HomeServer]
) -> None:
    server = await hass.async_add_executor_job(make_full)
    old = f"http://{HOST}:{free_port()}"
    entry = server.entry(url=old, garden_key=None)
    entry.add_to_hass(hass)
    flow = await reconfigure(hass, entry, "reconfigure_server")
    assert suggested(flow) == {"url": old, "verify_ssl": True}
    again = await go_on(hass, flow, address(old))
    assert again["errors"] == {"base": "server_cannot_connect"}

    result = await go_on(hass, again, address(server.url))

    assert (result["type"], result["reason"]) == (FlowResultType.ABORT, "reconfigure_successful")
    assert (entry.data["url"], entry.data["api_key"]) == (server.url, server.key)
    assert entry.data["garden_key"] == server.tenant_key, "known from now on"
    assert entry.state is ConfigEntryState.LOADED


async def test_a_loaded_garden_is_loaded_again_with_what_was_changed(
    hass: HomeAssistant, light: HomeServer
) -> None:
    entry = light.entry()
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    before = entry.runtime_data

    flow = await reconfigure(hass, entry, "reconfigure_server")
    await go_on(hass, flow, address(light.url, verify_ssl=False))

    assert (entry.data["verify_ssl"], entry.data["api_key"]) == (False, None)
    assert entry.state is ConfigEntryState.LOADED
    assert entry.runtime_data is not before


async def test_another_server_is_another_garden(hass: HomeAssistant, light: HomeServer) -> None:
    entry = light.entry()
    entry.add_to_hass(hass)
    async with answering(said(MODE)) as url:
        flow = await reconfigure(hass, entry, "reconfigure_server")
        flow = await go_on(hass, flow, address(url))

    assert flow["errors"] == {"base": "server_other"}
    assert entry.data["url"] == light.url


async def test_a_server_that_has_accounts_now_wants_a_key(
    hass: HomeAssistant, light: HomeServer
) -> None:
    entry = light.entry(instance_id=UUID)
    entry.add_to_hass(hass)
    async with answering(said(MODE | {"mode": "full"})) as url:
        flow = await reconfigure(hass, entry, "reconfigure_server")
        flow = await go_on(hass, flow, address(url))

    assert flow["errors"] == {"api_key": "server_key_needed"}


@pytest.mark.parametrize(
    "of_other",
    [{"slug": "somewhere-else"}, {"garden_key": "of one that was deleted"}],
    ids=["another name", "the name of a deleted one"],
)
async def test_a_key_of_another_garden_does_not_fit(
    hass: HomeAssistant, make_full: Callable[..., HomeServer], of_other: dict[str, str]
) -> None:
    server = await hass.async_add_executor_job(make_full)
    entry = server.entry(**of_other)
    entry.add_to_hass(hass)

    flow = await reconfigure(hass, entry, "reconfigure_server")
    flow = await go_on(hass, flow, address(server.url) | {"api_key": server.key})

    assert flow["errors"] == {"base": "server_garden_missing"}


async def test_the_source_of_readings_is_changed_apart(
    hass: HomeAssistant, light: HomeServer
) -> None:
    entry = light.entry("broker", broker={"host": HOST, "port": 1})
    entry.add_to_hass(hass)

    flow = await reconfigure(hass, entry, "reconfigure_readings")
    assert flow["step_id"] == "reconfigure"
    result = await go_on(hass, flow, {"readings": "none"})

    assert result["reason"] == "reconfigure_successful"
    assert entry.data["readings"] == "none"
    assert "broker" not in entry.data
    assert entry.data["url"] == light.url


async def test_a_new_key_is_tried_and_kept(
    hass: HomeAssistant, make_full: Callable[..., HomeServer]
) -> None:
    server = await hass.async_add_executor_job(make_full)
    entry = server.entry(api_key="kp_old")
    entry.add_to_hass(hass)
    assert not await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.SETUP_ERROR
    (flow,) = hass.config_entries.flow.async_progress()
    assert (flow["context"]["source"], flow["step_id"]) == (SOURCE_REAUTH, "reauth_server")

    again = await go_on(hass, flow, {"api_key": "kp_wrong"})
    assert again["errors"] == {"api_key": "server_invalid_auth"}
    told = again["description_placeholders"]
    assert (told["name"], told["address"]) == ("Garden", server.url)
    result = await go_on(hass, again, {"api_key": server.key})

    assert result["reason"] == "reauth_successful"
    assert entry.data["api_key"] == server.key
    assert entry.state is ConfigEntryState.LOADED


async def test_a_refused_broker_asks_for_its_own_login(
    hass: HomeAssistant, light: HomeServer
) -> None:
    entry = light.entry("broker", broker={"host": HOST, "port": 1})
    entry.add_to_hass(hass)

    entry.async_start_reauth(hass, data={"reauth": "broker"})
    await hass.async_block_till_done()

    (flow,) = hass.config_entries.flow.async_progress()
    assert flow["step_id"] == "reauth_confirm"
