"""The connection of a worker: logins, encryption, versions, and brokers that say no."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiomqtt import Client

from demo.ports import free_port
from kamerplanter_backend.telemetry.broker import link_protocol
from kamerplanter_backend.telemetry.broker.garden_link import GardenLink
from kamerplanter_backend.telemetry.broker.link_client import PACKET_BYTES
from kamerplanter_backend.telemetry.broker.settings import (
    BrokerError,
    BrokerSettings,
    CertificateRefused,
    HostUnreachable,
    LoginRefused,
    Protocol,
    TlsFailed,
)
from tests.backend.telemetry.brokers import (
    HOST,
    certificate,
    line_to,
    mosquitto,
    password_lines,
    tls_lines,
)
from tests.backend.telemetry.fleet import send, until

pytestmark = [pytest.mark.mosquitto, pytest.mark.usefixtures("socket_enabled")]


class Heard:
    """Keeps what a connection hands on."""

    def __init__(self) -> None:
        self.messages: list[tuple[bytes, bytes, bool, bool]] = []
        self.refused: list[str] = []

    def on_message(self, topic: bytes, payload: bytes, *, retained: bool, is_replay: bool) -> None:
        self.messages.append((topic, payload, retained, is_replay))

    def on_connection(self, *, connected: bool) -> None:
        """Nothing to do."""

    def on_refused_topic(self, topic: str) -> None:
        self.refused.append(topic)


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


async def test_that_the_login_is_refused_after_a_loss_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="kamerplanter_backend")
    lines = password_lines(tmp_path, "worker", "right")
    async with (
        mosquitto(tmp_path, *lines) as broker,
        linked(broker.port, username="worker", password="right") as (link, _),
    ):
        await until(lambda: link.is_connected)
        await broker.stop()
        await until(lambda: isinstance(link.last_error, HostUnreachable))
        password_lines(tmp_path, "worker", "changed")
        await broker.start()
        await until(lambda: isinstance(link.last_error, LoginRefused))
        password_lines(tmp_path, "worker", "right")
        await broker.stop()
        await until(lambda: isinstance(link.last_error, HostUnreachable))
        await broker.start()
        await until(lambda: link.is_connected)

    told = [r.message for r in caplog.records if r.name.startswith("kamerplanter_backend")]
    assert [line.partition(": ")[0] for line in told] == [
        f"No connection to the broker {HOST}",
        f"No connection to the broker {HOST}",
        f"The broker {HOST} is back",
    ]
    assert "authori" in told[1]


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
        nameless = ssl.create_default_context(cafile=server)
        async with linked(broker.port, tls=True, tls_context=nameless) as (link, _):
            await until(lambda: link.last_error)
            assert isinstance(link.last_error, CertificateRefused)


async def test_all_of_a_burst_arrives_in_order_over_an_encrypted_line(tmp_path: Path) -> None:
    server, server_key = certificate(tmp_path, "server")
    plain = free_port()
    lines = (*tls_lines(server, server_key), f"listener {plain} {HOST}", "max_queued_messages 0")
    context = ssl.create_default_context(cafile=server)
    sent = [str(number).encode() for number in range(1000)]
    async with (
        mosquitto(tmp_path, *lines) as broker,
        linked(broker.port, tls=True, tls_context=context) as (link, heard),
    ):
        await until(lambda: link.is_connected)
        await asyncio.sleep(0.1)
        link.pause(paused=True)  # so that it comes at once, and stops in the middle of a record
        await send(plain, [("t", payload) for payload in sent])
        assert heard.messages == []
        link.pause(paused=False)
        await until(lambda: len(heard.messages) == 1000)

    assert [payload for _, payload, _, _ in heard.messages] == sent


@pytest.mark.parametrize("protocol", Protocol)
async def test_a_message_that_is_far_too_long_costs_the_others_nothing(
    tmp_path: Path, protocol: Protocol
) -> None:
    longest = PACKET_BYTES
    sizes = (8 * longest, longest - 10, longest + 1, 3)
    async with (
        mosquitto(tmp_path) as broker,
        linked(broker.port, protocol=protocol) as (link, heard),
    ):
        await until(lambda: link.is_connected)
        await asyncio.sleep(0.1)
        await send(broker.port, [("t", b"6" * size) for size in sizes])
        await until(lambda: len(heard.messages) == 2)
        assert link.connect_count == 1

    assert [len(payload) for _, payload, _, _ in heard.messages] == [longest - 10, 3]


async def test_a_line_that_swallows_all_is_given_up_and_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_protocol, "KEEPALIVE_S", 1)
    loop = asyncio.get_running_loop()
    async with (
        mosquitto(tmp_path) as broker,
        line_to(broker.port) as line,
        linked(line.port, protocol=Protocol.V5) as (link, _),
    ):
        await until(lambda: link.is_connected)
        line.is_dead = True
        dead_at = loop.time()
        await until(lambda: not link.is_connected)
        # A second until the broker is asked, another one for its answer, and half of one to look.
        assert loop.time() - dead_at <= 3.5
        line.is_dead = False
        await until(lambda: link.is_connected)
        assert link.connect_count == 2


async def test_who_reads_nothing_for_long_stays_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_protocol, "KEEPALIVE_S", 1)
    async with (
        mosquitto(tmp_path) as broker,
        linked(broker.port, protocol=Protocol.V5) as (link, heard),
    ):
        await until(lambda: link.is_connected)
        await asyncio.sleep(0.1)
        link.pause(paused=True)
        await send(broker.port, [("t", b"6.0")])
        # The broker would hang up after 1.5 s without a sign of us, we after 2 s without one of it.
        await asyncio.sleep(2.7)
        assert heard.messages == []
        link.pause(paused=False)
        await until(lambda: heard.messages)
        await asyncio.sleep(0.6)
        assert link.connect_count == 1


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
