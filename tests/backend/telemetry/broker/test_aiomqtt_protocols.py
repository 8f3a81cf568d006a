"""MQTT 5 and certificates of clients, against a real broker."""

import asyncio
import select
import socket
import ssl
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiomqtt import Client
from paho.mqtt import client as paho
from paho.mqtt.enums import MQTTErrorCode, _ConnectionState

from kamerplanter_backend.telemetry.broker.aiomqtt_source import (
    OwnBroker,
    check_connection,
    listen_for,
)
from kamerplanter_backend.telemetry.broker.connection import Connection
from kamerplanter_backend.telemetry.broker.settings import (
    BrokerError,
    BrokerSettings,
    CertificateRefused,
    LoginRefused,
    Protocol,
    TlsFailed,
)
from tests.backend.telemetry.brokers import (
    HOST,
    certificate,
    mosquitto,
    password_lines,
    publish_packet,
    tls_lines,
)
from tests.backend.telemetry.listener import publish

pytestmark = pytest.mark.usefixtures("socket_enabled")


def client_lines(server: tuple[Path, Path], client: tuple[Path, Path]) -> tuple[str, ...]:
    """Return the configuration of a broker that asks each client for its certificate."""
    return (*tls_lines(*server), f"cafile {client[0]}", "require_certificate true")


@pytest.mark.parametrize(("protocol", "level"), [(Protocol.V311, 4), (Protocol.V5, 5)])
async def test_the_protocol_that_was_chosen_is_spoken(protocol: Protocol, level: int) -> None:
    packets: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        packets.put_nowait(await reader.readexactly(10))
        writer.close()

    server = await asyncio.start_server(take, HOST, 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with suppress(BrokerError):
            await check_connection(
                BrokerSettings(host=HOST, port=port, protocol=protocol), timeout_s=2
            )

    packet = packets.get_nowait()
    # CONNECT: header of two bytes, the name with its length, level, flags with "clean" set.
    assert packet[2:8] == b"\x00\x04MQTT"
    assert packet[8] == level
    assert packet[9] & 0b10


@pytest.mark.mosquitto
async def test_messages_arrive_by_mqtt_5(tmp_path: Path) -> None:
    heard: asyncio.Queue[tuple[str, bytes, bool]] = asyncio.Queue()
    connected = asyncio.Event()
    async with mosquitto(tmp_path) as broker:
        settings = BrokerSettings(host=HOST, port=broker.port, protocol=Protocol.V5)
        await check_connection(settings)
        own = OwnBroker(
            settings,
            lambda *message: heard.put_nowait(message),
            lambda is_on: connected.set() if is_on else connected.clear(),
            topics=["tank/ec"],
            first_pause_s=0.05,
        )
        running = asyncio.create_task(own.run())
        try:
            async with asyncio.timeout(10):
                await connected.wait()
                await publish(broker.port, "tank/ec", b"1.8")
                assert await heard.get() == ("tank/ec", b"1.8", False)
                await broker.stop()
                while connected.is_set():  # noqa: ASYNC110 - the event is cleared, not set
                    await asyncio.sleep(0.01)
                await broker.start()
                await connected.wait()
                await own.set_topics(["tank/ph"])
                await publish(broker.port, "tank/ph", b"6.1")
                assert await heard.get() == ("tank/ph", b"6.1", False)
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running


@pytest.mark.mosquitto
async def test_a_wrong_password_is_said_in_mqtt_5_too(tmp_path: Path) -> None:
    async with mosquitto(tmp_path, *password_lines(tmp_path, "garden", "right")) as broker:
        settings = BrokerSettings(
            host=HOST, port=broker.port, username="garden", protocol=Protocol.V5
        )

        await check_connection(replace(settings, password="right"))
        with pytest.raises(LoginRefused):
            await check_connection(replace(settings, password="wrong"))


@pytest.mark.mosquitto
@pytest.mark.parametrize("protocol", list(Protocol))
async def test_a_broker_lets_in_who_has_the_certificate(tmp_path: Path, protocol: Protocol) -> None:
    server, client = certificate(tmp_path, "server"), certificate(tmp_path, "client")
    stranger = certificate(tmp_path, "stranger")
    async with mosquitto(tmp_path, *client_lines(server, client)) as broker:
        settings = BrokerSettings(
            host=HOST, port=broker.port, tls=True, ca_path=str(server[0]), protocol=protocol
        )
        known = replace(settings, certificate_path=str(client[0]), key_path=str(client[1]))

        await check_connection(known)
        # The broker says no when the encryption stands, and hangs up.
        for refused in (
            settings,
            replace(settings, certificate_path=str(stranger[0]), key_path=str(stranger[1])),
        ):
            with pytest.raises(CertificateRefused):
                await check_connection(refused, timeout_s=2)
        for unusable in (tmp_path / "gone.key", stranger[1]):
            with pytest.raises(TlsFailed):
                await check_connection(replace(known, key_path=str(unusable)))


@pytest.mark.mosquitto
async def test_messages_arrive_with_a_certificate_in_a_context(tmp_path: Path) -> None:
    server, client = certificate(tmp_path, "server"), certificate(tmp_path, "client")
    context = ssl.create_default_context(cafile=str(server[0]))
    context.load_cert_chain(*client)
    heard: list[tuple[str, bytes, bool]] = []
    async with mosquitto(tmp_path, *client_lines(server, client)) as broker:
        async with Client(HOST, broker.port, tls_context=context) as publisher:
            await publisher.publish("tank/ec", b"1.8", qos=1, retain=True)

        await listen_for(
            BrokerSettings(
                host=HOST, port=broker.port, tls=True, tls_context=context, protocol=Protocol.V5
            ),
            "tank/#",
            lambda *message: heard.append(message),
            duration_s=0.5,
        )

    assert heard == [("tank/ec", b"1.8", True)]


async def test_a_line_that_ends_before_it_is_watched_is_not_watched() -> None:
    """A broker that refuses us may be faster than the loop, which hears of a line one turn late."""
    told: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: told.append(context))
    ours, theirs = socket.socketpair()
    connection = Connection(BrokerSettings(host=HOST, port=1), client_id="kp", keepalive_s=10)
    library = connection._client
    number = ours.fileno()
    with theirs:
        library._sock = ours
        library._call_socket_register_write()
        library._sock_close()
        await asyncio.sleep(0)

    assert told == []
    assert not loop.remove_writer(number)


async def test_who_leaves_while_the_broker_hangs_up_is_no_error() -> None:
    """A garden that is unloaded while it connects gives up waiting; both happen in one turn."""
    told: list[object] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _loop, context: told.append(context))
    with socket.create_server((HOST, 0)) as broker:
        settings = BrokerSettings(host=HOST, port=broker.getsockname()[1])
        connection = Connection(settings, client_id="kp", keepalive_s=10)
        entering = asyncio.create_task(connection.__aenter__())
        line, _ = await asyncio.to_thread(broker.accept)
        await asyncio.to_thread(line.recv, 1)
        await asyncio.sleep(0.1)  # until it waits for the answer
        ours: Any = connection._client._sock
        line.close()
        # Without a turn of the loop in between, so that it finds both at once.
        assert select.select([ours], [], [], 5)[0] == [ours]
        loop.call_soon(entering.cancel)

        with pytest.raises(asyncio.CancelledError):
            await entering
        await asyncio.sleep(0)

    assert told == []


@pytest.mark.parametrize("says_something", [True, False])
async def test_a_broker_that_talks_need_not_answer_a_ping_at_once(
    monkeypatch: pytest.MonkeyPatch, says_something: bool
) -> None:
    now_s = 105.0
    monkeypatch.setattr(paho, "time_func", lambda: now_s)
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    connection = Connection(BrokerSettings(host=HOST, port=1), client_id="kp", keepalive_s=10)
    library = connection._client
    with ours, theirs:
        library._sock, library._state = ours, _ConnectionState.MQTT_CS_CONNECTED
        library._keepalive = 10
        library._ping_t = library._last_msg_in = library._last_msg_out = 100.0
        if says_something:
            theirs.sendall(publish_packet(b"tank/ec", b"1.8"))
            library.loop_read()
        now_s = 111.0

        still_there = library.loop_misc() == MQTTErrorCode.MQTT_ERR_SUCCESS

        assert still_there is says_something
        assert (library._sock is ours) is says_something
        library._sock_close()
