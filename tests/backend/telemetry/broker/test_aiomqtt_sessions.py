"""What is left of a connection at a broker, and who may take its place: against mosquitto."""

import asyncio
import gc
import logging
import signal
import socket
from pathlib import Path

import pytest
from aiomqtt import Client, MqttError

from kamerplanter_backend.telemetry.broker import aiomqtt_source
from kamerplanter_backend.telemetry.broker.connection import CONNECT_TIMEOUT_S, Connection
from kamerplanter_backend.telemetry.broker.settings import BrokerSettings, HostUnreachable
from tests.backend.telemetry.brokers import HOST, has_session, mosquitto
from tests.backend.telemetry.listener import FIRST_PAUSE_S, Listener, listening, publish, take_over

pytestmark = pytest.mark.usefixtures("socket_enabled")


@pytest.mark.mosquitto
class TestRealBroker:
    async def test_killed_broker_is_noticed_and_found_again_with_one_line_each(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, logger="kamerplanter_backend")
        async with (
            mosquitto(tmp_path) as broker,
            listening(Listener(broker.port, "t")) as heard,
        ):
            assert await heard.next_connection() is True
            await broker.stop(signal.SIGKILL)
            assert await heard.next_connection() is False
            assert heard.broker.last_error is not None
            await broker.start()
            assert await heard.next_connection() is True
            await publish(broker.port, "t", b"6.0")
            assert (await heard.next_message())[1] == b"6.0"

        ours = [r.message for r in caplog.records if r.name.startswith("kamerplanter_backend")]
        assert len(ours) == 2
        assert ours[0].startswith("No connection to the broker")
        assert ours[1].endswith("is back")

    async def test_what_comes_while_we_are_away_is_never_taken_for_live(
        self, tmp_path: Path
    ) -> None:
        async with mosquitto(tmp_path) as broker:
            async with listening(Listener(broker.port, "t")) as heard:
                await heard.next_connection()
            for payload in (b"1", b"2", b"3"):
                await publish(broker.port, "t", payload)
            async with listening(Listener(broker.port, "t")) as again:
                await again.next_connection()
                await publish(broker.port, "t", b"live")
                assert await again.next_message() == ("t", b"live", False)

    async def test_a_session_that_an_older_connection_left_is_emptied(self, tmp_path: Path) -> None:
        async with mosquitto(tmp_path) as broker:
            async with Client(HOST, broker.port, identifier="kp", clean_session=False) as older:
                await older.subscribe([("t", 1), ("forgotten", 1)])
            await publish(broker.port, "t", b"old")

            async with listening(Listener(broker.port, "t", client_id="kp")) as heard:
                await heard.next_connection()
                await publish(broker.port, "forgotten", b"1")
                await publish(broker.port, "t", b"live")
                assert await heard.next_message() == ("t", b"live", False)
                assert heard.messages.empty()

    @pytest.mark.parametrize("is_orderly", [True, False], ids=["stopped", "cut off"])
    async def test_the_broker_keeps_nothing_of_a_garden_that_left(
        self, tmp_path: Path, is_orderly: bool
    ) -> None:
        async with mosquitto(tmp_path) as broker:
            async with listening(Listener(broker.port, "t", client_id="kp")) as heard:
                await heard.next_connection()
                if not is_orderly:
                    assert heard.broker._client is not None
                    cut = heard.broker._client._client.socket()
                    assert isinstance(cut, socket.socket)
                    cut.shutdown(socket.SHUT_RDWR)
                    assert await heard.next_connection() is False

            assert not await has_session(broker.port, "kp")

    async def test_topics_dropped_while_disconnected_are_not_heard_again(
        self, tmp_path: Path
    ) -> None:
        async with (
            mosquitto(tmp_path) as broker,
            listening(Listener(broker.port, "old", "kept")) as heard,
        ):
            await heard.next_connection()
            await broker.stop()
            assert await heard.next_connection() is False
            await heard.broker.set_topics(["kept"])
            await broker.start()
            assert await heard.next_connection() is True

            await publish(broker.port, "old", b"1")
            await publish(broker.port, "kept", b"2")

            assert await heard.next_message() == ("kept", b"2", False)

    async def test_the_last_of_many_changes_of_topics_wins(self, tmp_path: Path) -> None:
        async with (
            mosquitto(tmp_path) as broker,
            listening(Listener(broker.port, "a")) as heard,
        ):
            await heard.next_connection()

            await asyncio.gather(*(heard.broker.set_topics([name]) for name in "baba"))
            await publish(broker.port, "b", b"1")
            await publish(broker.port, "a", b"2")

            assert await heard.next_message() == ("a", b"2", False)

    async def test_a_broker_that_answers_no_subscription_is_left_and_asked_anew(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with (
            mosquitto(tmp_path) as broker,
            listening(Listener(broker.port, "a")) as heard,
        ):
            await heard.next_connection()
            client = heard.broker._client
            assert client is not None
            monkeypatch.setattr(client._client, "on_subscribe", None)  # no answer comes through
            client.timeout = 0.1

            await heard.broker.set_topics(["b"])

            assert await heard.next_connection() is False
            assert await heard.next_connection() is True
            await publish(broker.port, "a", b"1")
            await publish(broker.port, "b", b"2")
            assert await heard.next_message() == ("b", b"2", False)

    async def test_retained_message_is_marked(self, tmp_path: Path) -> None:
        async with mosquitto(tmp_path) as broker:
            await publish(broker.port, "t", b"38", retain=True)
            async with listening(Listener(broker.port, "t")) as heard:
                assert await heard.next_message() == ("t", b"38", True)
                await publish(broker.port, "t", b"39", retain=True)
                assert await heard.next_message() == ("t", b"39", False)

    async def test_foreign_client_with_our_id_is_noticed_and_forgotten(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async with (
            mosquitto(tmp_path) as broker,
            listening(Listener(broker.port, "t", client_id="same")) as heard,
        ):
            for count in range(3):
                assert await heard.next_connection() is True
                assert not heard.broker.is_flapping, count
                await take_over(broker.port, "same")
                assert await heard.next_connection() is False
            assert heard.broker.is_flapping
            assert await heard.next_connection() is True

            # The time that is called short has passed.
            monkeypatch.setattr(aiomqtt_source, "FLAPPING_WINDOW_S", 0.0)

            assert not heard.broker.is_flapping
            assert heard.broker.is_connected

    async def test_f72_a_take_over_says_little_and_is_answered_ever_later(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO, logger="kamerplanter_backend")
        loop = asyncio.get_running_loop()
        async with (
            mosquitto(tmp_path) as broker,
            listening(Listener(broker.port, "t", client_id="same")) as heard,
        ):
            lost_at, pauses_s = 0.0, []
            for _ in range(6):
                assert await heard.next_connection() is True
                pauses_s.append(loop.time() - lost_at)
                lost_at = loop.time()  # or earlier than that: a pause may look longer only
                await take_over(broker.port, "same")
                assert await heard.next_connection() is False

        assert all(
            pause_s >= 0.8 * FIRST_PAUSE_S * 2**count for count, pause_s in enumerate(pauses_s[1:])
        )
        lines = [r.message for r in caplog.records if r.name.startswith("kamerplanter_backend")]
        assert [line.startswith("No connection") for line in lines] == [True, False, True, False]

    async def test_a_broker_that_restarts_is_no_foreign_client(self, tmp_path: Path) -> None:
        async with (
            mosquitto(tmp_path) as broker,
            listening(Listener(broker.port, "t")) as heard,
        ):
            for _ in range(3):
                assert await heard.next_connection() is True
                await broker.stop()
                assert await heard.next_connection() is False
                await heard.next_error(HostUnreachable)
                await broker.start()

            assert await heard.next_connection() is True
            assert not heard.broker.is_flapping


async def test_a_line_that_is_cut_right_after_the_welcome_is_lost_at_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """As another client with our id does that comes while we shake hands."""

    async def welcome_and_leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(bytes([0x20, 2, 0, 0]))
        writer.close()

    async def listen(settings: BrokerSettings) -> None:
        async with Connection(settings, client_id="kp", keepalive_s=5) as client:
            await client.follow(lambda: frozenset({"tank/ec"}))
            await client.until_lost()

    server = await asyncio.start_server(welcome_and_leave, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    settings = BrokerSettings(host=HOST, port=port, client_id="kp")
    for _ in range(20):
        with pytest.raises(MqttError):
            await asyncio.wait_for(listen(settings), CONNECT_TIMEOUT_S / 2)
    server.close()
    gc.collect()

    assert not [item for item in caplog.records if "never retrieved" in item.getMessage()]
