"""Our own connection to a broker, against real brokers."""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import override

import pytest
from aiomqtt import MqttError

from demo.ports import free_port
from kamerplanter_backend.telemetry.broker.aiomqtt_source import check_connection, listen_for
from kamerplanter_backend.telemetry.broker.settings import (
    BrokerError,
    BrokerSettings,
    BrokerTimeout,
    HostUnreachable,
    LoginRefused,
    TlsFailed,
    broker_error_of,
    client_id_for,
)
from tests.backend.telemetry.brokers import (
    HOST,
    amqtt_broker,
    certificate,
    mosquitto,
    password_lines,
    tls_lines,
)
from tests.backend.telemetry.listener import Listener, listening, publish

pytestmark = pytest.mark.usefixtures("socket_enabled")


class TestListening:
    async def test_messages_arrive_with_topic_bytes_and_retain_flag(self) -> None:
        async with amqtt_broker() as port, listening(Listener(port, "a/b", "c/#")) as heard:
            assert await heard.next_connection() is True
            await publish(port, "a/b", b"\xff\x00")
            assert await heard.next_message() == ("a/b", b"\xff\x00", False)
            await publish(port, "c/d", b"", retain=False)
            assert await heard.next_message() == ("c/d", b"", False)
            assert heard.broker.is_connected

    async def test_topics_change_without_a_new_connection(self) -> None:
        async with amqtt_broker() as port, listening(Listener(port, "old")) as heard:
            await heard.next_connection()

            await heard.broker.set_topics(["new"])
            await publish(port, "old", b"1")
            await publish(port, "new", b"2")

            assert await heard.next_message() == ("new", b"2", False)
            assert heard.connections.empty()

    async def test_topics_set_before_the_connection_are_subscribed_with_it(self) -> None:
        async with amqtt_broker() as port:
            heard = Listener(port)
            await heard.broker.set_topics(["t"])
            async with listening(heard):
                await heard.next_connection()
                await publish(port, "t", b"1")
                assert (await heard.next_message())[1] == b"1"

    async def test_a_message_that_cannot_be_taken_in_does_not_cost_the_next(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with amqtt_broker() as port:
            heard = Listener(port, "t")
            take = heard.broker._on_message

            def fail_once(topic: str, payload: bytes, retained: bool) -> None:
                if payload == b"bad":
                    raise RuntimeError("no")
                take(topic, payload, retained)

            heard.broker._on_message = fail_once
            async with listening(heard):
                await heard.next_connection()
                await publish(port, "t", b"bad")
                await publish(port, "t", b"good")
                assert (await heard.next_message())[1] == b"good"
        assert "could not be taken in" in caplog.text

    async def test_who_fails_to_hear_of_the_connection_does_not_end_it(
        self, caplog: pytest.LogCaptureFixture, tmp_path: Path
    ) -> None:
        async with mosquitto(tmp_path) as broker:
            heard = Listener(broker.port, "t")
            tell = heard.broker._on_connection

            def fail(connected: bool) -> None:
                tell(connected)
                raise RuntimeError("no")

            heard.broker._on_connection = fail
            async with listening(heard):
                assert await heard.next_connection() is True
                await publish(broker.port, "t", b"1")
                assert (await heard.next_message())[1] == b"1"
                await broker.stop()
                assert await heard.next_connection() is False
                await broker.start()
                assert await heard.next_connection() is True
                await publish(broker.port, "t", b"2")
                assert (await heard.next_message())[1] == b"2"
        assert caplog.text.count("could not be shown") == 4

    async def test_owner_is_told_when_it_stops(self) -> None:
        async with amqtt_broker() as port:
            async with listening(Listener(port, "t")) as heard:
                assert await heard.next_connection() is True
            assert await heard.next_connection() is False
            assert not heard.broker.is_connected

    async def test_it_waits_for_a_broker_that_is_not_there_yet(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, logger="kamerplanter_backend")
        refused = _Said("No connection")
        port = free_port()
        async with listening(Listener(port, "t")) as heard:
            await refused.wait()
            assert isinstance(heard.broker.last_error, HostUnreachable)
            assert heard.connections.empty()
            async with amqtt_broker(port):
                assert await heard.next_connection() is True
                assert heard.broker.last_error is None
                assert caplog.text.count("No connection to the broker") == 1
                assert caplog.text.count("is back") == 1


class _Said(logging.Handler):
    """Waits for a line in the log."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text
        self._event = asyncio.Event()
        self._logger = logging.getLogger("kamerplanter_backend.telemetry")
        self._logger.addHandler(self)

    @override
    def emit(self, record: logging.LogRecord) -> None:
        if self._text in record.getMessage():
            self._event.set()

    async def wait(self) -> None:
        async with asyncio.timeout(10):
            await self._event.wait()
        self._logger.removeHandler(self)


class TestListeningForAWhile:
    async def test_it_hands_on_what_matches_and_ends(self) -> None:
        async with amqtt_broker() as port:
            await publish(port, "tele/a", b"1", retain=True)
            heard: list[tuple[str, bytes, bool]] = []

            await listen_for(
                BrokerSettings(host=HOST, port=port),
                "tele/#",
                lambda *message: heard.append(message),
                duration_s=0.3,
            )

        assert heard == [("tele/a", b"1", True)]

    async def test_it_says_why_it_cannot(self) -> None:
        with pytest.raises(HostUnreachable):
            await listen_for(BrokerSettings(host=HOST, port=free_port()), "#", print, duration_s=1)


class TestCheck:
    async def test_good_broker_passes(self) -> None:
        async with amqtt_broker() as port:
            await check_connection(BrokerSettings(host=HOST, port=port))

    async def test_nobody_listens(self) -> None:
        with pytest.raises(HostUnreachable):
            await check_connection(BrokerSettings(host=HOST, port=free_port()))

    async def test_silent_server(self) -> None:
        async with silent_server() as port:
            with pytest.raises(BrokerTimeout):
                await check_connection(BrokerSettings(host=HOST, port=port), timeout_s=0.3)

    @pytest.mark.mosquitto
    async def test_login(self, tmp_path: Path) -> None:
        lines = password_lines(tmp_path, "garden", "right")
        async with mosquitto(tmp_path, *lines) as broker:
            settings = BrokerSettings(host=HOST, port=broker.port, username="garden")

            await check_connection(replace(settings, password="right"))
            with pytest.raises(LoginRefused):
                await check_connection(replace(settings, password="wrong"))
            with pytest.raises(LoginRefused):
                await check_connection(replace(settings, username=None))

    @pytest.mark.mosquitto
    async def test_encryption(self, tmp_path: Path) -> None:
        own = certificate(tmp_path, "own")
        other = certificate(tmp_path, "other")
        async with mosquitto(tmp_path, *tls_lines(*own)) as broker:
            settings = BrokerSettings(host=HOST, port=broker.port, tls=True)

            await check_connection(replace(settings, ca_path=str(own[0])))
            await check_connection(replace(settings, tls_verify=False))
            context = ssl.create_default_context(cafile=str(own[0]))
            await check_connection(replace(settings, tls_context=context))
            with pytest.raises(TlsFailed):
                await check_connection(replace(settings, ca_path=str(other[0])))
            with pytest.raises(TlsFailed):
                await check_connection(settings)

    @pytest.mark.mosquitto
    async def test_certificate_of_another_host(self, tmp_path: Path) -> None:
        foreign = certificate(tmp_path, "foreign", address="192.0.2.1")
        async with mosquitto(tmp_path, *tls_lines(*foreign)) as broker:
            settings = BrokerSettings(
                host=HOST, port=broker.port, tls=True, ca_path=str(foreign[0])
            )
            with pytest.raises(TlsFailed):
                await check_connection(settings)

    @pytest.mark.mosquitto
    async def test_encryption_where_there_is_none(self, tmp_path: Path) -> None:
        async with mosquitto(tmp_path) as broker:
            with pytest.raises(TlsFailed):
                await check_connection(BrokerSettings(host=HOST, port=broker.port, tls=True))

    async def test_missing_certificate_file(self) -> None:
        settings = BrokerSettings(host=HOST, port=free_port(), tls=True, ca_path="/nowhere.pem")

        with pytest.raises(TlsFailed):
            await check_connection(settings)

    async def test_check_does_not_throw_out_the_running_connection(self) -> None:
        async with amqtt_broker() as port, listening(Listener(port, "t")) as heard:
            await heard.next_connection()

            await check_connection(BrokerSettings(host=HOST, port=port, client_id="kp-test"))

            assert heard.broker.is_connected
            assert heard.connections.empty()

    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            (socket.gaierror(-2, "Name or service not known"), HostUnreachable),
            (OSError(113, "No route to host"), HostUnreachable),
            (TimeoutError("timed out"), BrokerTimeout),
            (ssl.SSLCertVerificationError("self-signed"), TlsFailed),
            (MqttError("Operation timed out"), BrokerTimeout),
        ],
        ids=lambda item: getattr(item, "__name__", type(item).__name__),
    )
    def test_errors_have_their_meaning(self, error: Exception, expected: type[BrokerError]) -> None:
        assert type(broker_error_of(error, BrokerSettings(host="h"))) is expected


@asynccontextmanager
async def silent_server() -> AsyncIterator[int]:
    writers = []
    server = await asyncio.start_server(lambda _, writer: writers.append(writer), HOST, 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        for writer in writers:
            writer.close()
        server.close()
        await server.wait_closed()


def test_client_ids_differ_by_garden_and_last() -> None:
    first, second = "0123456789abcdef" * 2, "fedcba9876543210" * 2

    assert client_id_for(first) == client_id_for(first) != client_id_for(second)
    assert len(client_id_for(first)) <= 23  # what every MQTT 3.1.1 broker has to take


def test_passwords_are_not_printed() -> None:
    assert "secret" not in repr(BrokerSettings(host="h", password="secret"))
