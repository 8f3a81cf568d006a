"""The connection of a worker: logins, encryption, versions, and brokers that say no."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiomqtt import Client

from kamerplanter_backend.telemetry.broker import (
    BrokerError,
    BrokerSettings,
    HostUnreachable,
    LoginRefused,
    Protocol,
    TlsFailed,
)
from kamerplanter_backend.telemetry.garden_link import GardenLink
from tests.backend.telemetry.brokers import (
    HOST,
    certificate,
    free_port,
    mosquitto,
    password_lines,
    tls_lines,
)
from tests.backend.telemetry.fleet import until
from tests.backend.telemetry.test_mqtt_wire import Heard

pytestmark = [pytest.mark.mosquitto, pytest.mark.usefixtures("socket_enabled")]


@asynccontextmanager
async def linked(port: int, **settings: Any) -> AsyncIterator[tuple[GardenLink, Heard]]:
    """Run a link that hears the topic `t`."""
    heard = Heard()
    broker = BrokerSettings(host=HOST, port=port, client_id="kp-link", **settings)
    link = GardenLink(broker, heard, mark_topic="mark", session_s=60, first_pause_s=0.05)
    link.set_topics(["t"])
    task = asyncio.create_task(link.run())
    try:
        yield link, heard
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize("protocol", Protocol)
async def test_both_versions_log_in_and_hear(tmp_path: Path, protocol: Protocol) -> None:
    lines = password_lines(tmp_path, "worker", "right")
    async with (
        mosquitto(tmp_path, *lines) as broker,
        linked(broker.port, protocol=protocol, username="worker", password="right") as (
            link,
            heard,
        ),
    ):
        await until(lambda: link.is_connected)
        await asyncio.sleep(0.1)
        async with Client(HOST, broker.port, username="worker", password="right") as client:
            await client.publish("t", b"6.0", qos=1)
        await until(lambda: heard.messages)

    assert heard.messages == [(b"t", b"6.0", False, False)]


@pytest.mark.parametrize("protocol", Protocol)
async def test_a_wrong_password_is_told_from_a_broker_that_is_away(
    tmp_path: Path, protocol: Protocol
) -> None:
    lines = password_lines(tmp_path, "worker", "right")
    async with (
        mosquitto(tmp_path, *lines) as broker,
        linked(broker.port, protocol=protocol, username="worker", password="no") as (link, _),
    ):
        await until(lambda: link.last_error)
        assert isinstance(link.last_error, LoginRefused)
    async with linked(free_port(), protocol=protocol) as (link, _):
        await until(lambda: link.last_error)
        assert isinstance(link.last_error, HostUnreachable)


async def test_encrypted_with_a_certificate_of_our_own(tmp_path: Path) -> None:
    server, server_key = certificate(tmp_path, "server")
    ours, our_key = certificate(tmp_path, "worker")
    lines = (*tls_lines(server, server_key), f"cafile {ours}", "require_certificate true")
    context = ssl.create_default_context(cafile=server)
    context.load_cert_chain(ours, our_key)
    async with mosquitto(tmp_path, *lines) as broker:
        async with linked(broker.port, tls=True, tls_context=context) as (link, _):
            await until(lambda: link.is_connected)
        strangers = ssl.create_default_context()
        async with linked(broker.port, tls=True, tls_context=strangers) as (link, _):
            await until(lambda: link.last_error)
            assert isinstance(link.last_error, TlsFailed)


async def test_what_nobody_asked_for_is_left_and_what_is_no_text_passed_over(
    tmp_path: Path,
) -> None:
    async with mosquitto(tmp_path) as broker, linked(broker.port) as (link, heard):
        await until(lambda: link.is_connected)
        await asyncio.sleep(0.1)
        link.leave(b"\xff\xfe")
        link.leave(b"t")
        await asyncio.sleep(0.1)
        async with Client(HOST, broker.port) as client:
            await client.publish("t", b"6.0", qos=1)
        link.set_topics(["t", "u"])
        await asyncio.sleep(0.1)
        async with Client(HOST, broker.port) as client:
            await client.publish("u", b"6.1", qos=1)
        await until(lambda: heard.messages)

    assert heard.messages == [(b"u", b"6.1", False, False)]


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"\x20\x02\x00\x03", b"\xff" * 50]
)
async def test_whatever_answers_in_place_of_a_broker_is_tried_again(answer: bytes) -> None:
    calls = 0

    async def reply(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal calls
        calls += 1
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(reply, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    async with server, linked(port) as (link, _):
        await until(lambda: calls >= 2)
        assert isinstance(link.last_error, BrokerError)
        assert not link.is_connected
