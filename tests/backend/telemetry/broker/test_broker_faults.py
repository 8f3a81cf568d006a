"""What goes wrong with brokers and lines: each ends bounded, said once, and by itself."""

import asyncio
import json
import logging
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from typing import override

import pytest
from aiomqtt import Client

from demo.ports import free_port
from kamerplanter_backend.telemetry.broker import aiomqtt_source, connection as broker_connection
from kamerplanter_backend.telemetry.broker.aiomqtt_source import OwnBroker, check_connection
from kamerplanter_backend.telemetry.broker.connection import KEEPALIVE_S, MAX_PACKET_BYTES
from kamerplanter_backend.telemetry.broker.settings import (
    BrokerClosed,
    BrokerSettings,
    HostUnreachable,
    LoginRefused,
)
from kamerplanter_engines.models.telemetry import Reason
from tests.backend.telemetry.brokers import (
    HOST,
    flood,
    has_session,
    line_to,
    mosquitto,
    password_lines,
    publish_packet,
    scripted_broker,
)
from tests.backend.telemetry.device import EC, HOUR, PH, Device, bind
from tests.backend.telemetry.listener import Listener, listening, publish

pytestmark = pytest.mark.usefixtures("socket_enabled")

SHORT_KEEPALIVE_S = 1
NOTICED_S = 2 * (SHORT_KEEPALIVE_S + 1)
"""Twice the keep-alive, and twice the second in which the library looks again."""
SHORT_TIMEOUT_S = 0.5
FLOOD_COUNT = 20_000
LATEST_S = 10.0
"""A message of another topic is heard after this at most, however many others come at once."""


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up on a silent broker sooner."""
    monkeypatch.setattr(aiomqtt_source, "KEEPALIVE_S", SHORT_KEEPALIVE_S)
    monkeypatch.setattr(broker_connection, "CONNECT_TIMEOUT_S", SHORT_TIMEOUT_S)


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[str]]:
    """What we log; nothing of it is an error of asyncio."""
    caplog.set_level(logging.INFO, logger="kamerplanter_backend")
    said: list[str] = []

    class Keep(logging.Handler):
        @override
        def emit(self, record: logging.LogRecord) -> None:
            said.append(record.getMessage())

    keep = Keep()
    logging.getLogger("kamerplanter_backend").addHandler(keep)
    yield said
    logging.getLogger("kamerplanter_backend").removeHandler(keep)
    assert [item.getMessage() for item in caplog.records if item.name == "asyncio"] == []


def assert_lost_and_found(lines: list[str]) -> None:
    assert len(lines) == 2, lines
    assert lines[0].startswith("No connection to the broker")
    assert lines[1].endswith("is back")


async def says(heard: Listener, port: int, payload: bytes) -> None:
    """Check that a message arrives."""
    await publish(port, "t", payload)
    assert await heard.next_message() == ("t", payload, False)


@pytest.mark.mosquitto
class TestSilence:
    @pytest.mark.usefixtures("_impatient")
    async def test_a_broker_that_hangs_is_left_and_found_when_it_wakes(
        self, tmp_path: Path, lines: list[str]
    ) -> None:
        loop = asyncio.get_running_loop()
        async with mosquitto(tmp_path) as broker, listening(Listener(broker.port, "t")) as heard:
            assert await heard.next_connection() is True
            broker.send(signal.SIGSTOP)
            hung_at = loop.time()
            assert await heard.next_connection() is False
            assert loop.time() - hung_at <= NOTICED_S + 0.5
            # It still takes connections, as its machine does that for it; they time out.
            await asyncio.sleep(3 * SHORT_TIMEOUT_S)
            assert heard.connections.empty()
            broker.send(signal.SIGCONT)

            assert await heard.next_connection() is True
            await says(heard, broker.port, b"6.0")
            assert heard.connections.empty()
            assert not heard.broker.is_flapping
        assert_lost_and_found(lines)

    @pytest.mark.usefixtures("_impatient")
    async def test_a_line_that_swallows_all_is_left_and_found_when_it_carries_again(
        self, tmp_path: Path, lines: list[str]
    ) -> None:
        loop = asyncio.get_running_loop()
        async with (
            mosquitto(tmp_path) as broker,
            line_to(broker.port) as line,
            listening(Listener(line.port, "t", client_id="kp")) as heard,
        ):
            assert await heard.next_connection() is True
            await says(heard, broker.port, b"6.0")
            line.is_dead = True
            dead_at = loop.time()
            assert await heard.next_connection() is False
            assert loop.time() - dead_at <= NOTICED_S + 0.5
            line.is_dead = False

            assert await heard.next_connection() is True
            await says(heard, broker.port, b"6.1")
        assert_lost_and_found(lines)

    def test_the_numbers_in_the_texts_are_those_of_the_code(self) -> None:
        assert 2 * (KEEPALIVE_S + 1) == 22
        longest_s = 1.2 * aiomqtt_source.LONGEST_PAUSE_S + broker_connection.CONNECT_TIMEOUT_S
        assert longest_s == 82

    @pytest.mark.soak
    @pytest.mark.parametrize("way", ["hangs", "swallows"])
    async def test_silence_is_noticed_in_the_time_that_is_promised(
        self, tmp_path: Path, way: str
    ) -> None:
        loop = asyncio.get_running_loop()
        async with (
            mosquitto(tmp_path) as broker,
            line_to(broker.port) as line,
            listening(Listener(line.port, "t", client_id="kp")) as heard,
        ):
            assert await heard.next_connection() is True
            line.is_dead = way == "swallows"
            if way == "hangs":
                broker.send(signal.SIGSTOP)
            silent_at = loop.time()
            async with asyncio.timeout(30):
                assert await heard.connections.get() is False
            assert loop.time() - silent_at <= 22
            line.is_dead = False
            broker.send(signal.SIGCONT)
            async with asyncio.timeout(30):
                assert await heard.connections.get() is True


@pytest.mark.mosquitto
async def test_another_password_is_said_and_the_right_one_found_again(
    tmp_path: Path, lines: list[str]
) -> None:
    config = password_lines(tmp_path, "garden", "right")
    async with mosquitto(tmp_path, *config) as broker:
        heard = Listener(broker.port, "t")
        heard.broker._settings = BrokerSettings(
            host=HOST, port=broker.port, username="garden", password="right"
        )
        async with listening(heard):
            assert await heard.next_connection() is True
            await broker.stop()
            password_lines(tmp_path, "garden", "other")
            await broker.start()
            await heard.next_error(LoginRefused)
            await heard.next_error(LoginRefused)
            assert heard.connections.get_nowait() is False
            await broker.stop()
            password_lines(tmp_path, "garden", "right")
            await broker.start()
            assert await heard.next_connection() is True
            assert heard.broker.last_error is None

    assert len(lines) == 3, lines
    assert lines[0].startswith("No connection")
    assert "uthori" in lines[1], "who is refused has to do something, so it is said too"
    assert lines[2].endswith("is back")


@pytest.mark.mosquitto
class TestTooMuch:
    async def test_a_flood_on_one_topic_does_not_cost_the_others(
        self, tmp_path: Path, lines: list[str]
    ) -> None:
        loop = asyncio.get_running_loop()
        calm = [f"{6 + number / 100:.2f}".encode() for number in range(40)]
        sent_at: dict[bytes, float] = {}
        late_s: dict[bytes, float] = {}
        noisy, done = 0, asyncio.Event()
        device = Device(bind(EC, topic="noisy", unit="mS/cm"), bind(PH, topic="calm"))

        def take(topic: str, payload: bytes, _retained: bool) -> None:
            nonlocal noisy
            device.send(payload, loop.time(), topic=topic)
            if topic == "noisy":
                noisy += 1
            else:
                late_s[payload] = loop.time() - sent_at[payload]
            if noisy == FLOOD_COUNT and len(late_s) == len(calm):
                done.set()

        async with mosquitto(tmp_path) as broker:
            heard = Listener(broker.port, "noisy", "calm")
            heard.broker._on_message = take
            async with listening(heard), Client(HOST, broker.port) as quiet:
                assert await heard.next_connection() is True
                values = (f"{1.5 + number % 10 / 100}".encode() for number in range(FLOOD_COUNT))
                storm = asyncio.create_task(flood(broker.port, "noisy", values))
                for payload in calm:
                    sent_at[payload] = loop.time()
                    await quiet.publish("calm", payload, qos=1)
                    await asyncio.sleep(0.01)
                async with asyncio.timeout(60):
                    await storm
                    await done.wait()
                assert heard.connections.empty()

        assert list(late_s) == calm, "in the order in which they were sent"
        assert max(late_s.values()) < LATEST_S
        assert lines == []
        assert device.intake.pending_count <= 2000

    async def test_a_message_that_is_far_too_long_is_never_held_as_a_whole(
        self, tmp_path: Path, lines: list[str]
    ) -> None:
        device, sizes = Device(bind(PH)), []
        async with mosquitto(tmp_path) as broker:
            heard = Listener(broker.port, "t")
            take = heard.broker._on_message

            def judge(topic: str, payload: bytes, retained: bool) -> None:
                sizes.append(len(payload))
                device.send(payload, topic=topic)
                take(topic, payload, retained)

            heard.broker._on_message = judge
            async with listening(heard):
                assert await heard.next_connection() is True
                for size in (MAX_PACKET_BYTES, 8 * MAX_PACKET_BYTES):
                    await flood(broker.port, "t", [b"6" * size])
                    await heard.next_message()
                async with asyncio.timeout(1):
                    await says(heard, broker.port, b"6.0")

        assert sizes[0] == MAX_PACKET_BYTES
        assert sizes[1] <= MAX_PACKET_BYTES + broker_connection._CHUNK_BYTES
        assert device.intake.counts == {(PH, Reason.UNREADABLE): 2}
        assert device.shown(PH) == 6.0
        assert lines == []


WARM_UP_COUNT = 20_000
MEASURED_COUNT = 200_000
MAX_GROWTH_MIB = 32


@pytest.mark.mosquitto
async def test_memory_does_not_grow_with_the_count_of_messages(tmp_path: Path) -> None:
    async with mosquitto(tmp_path) as broker:
        listener = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.backend.telemetry.hear_many",
            *map(str, (broker.port, WARM_UP_COUNT, MEASURED_COUNT)),
            stdout=asyncio.subprocess.PIPE,
        )
        assert listener.stdout is not None
        assert await listener.stdout.readline() == b"connected\n"
        batch = [f"{1.5 + number % 100 / 1000:.3f}".encode() for number in range(2000)]
        for _ in range((WARM_UP_COUNT + MEASURED_COUNT) // len(batch)):
            await flood(broker.port, "t", batch)
        async with asyncio.timeout(300):
            before_mib, after_mib = json.loads(await listener.stdout.readline())
            assert await listener.wait() == 0

    assert after_mib - before_mib < MAX_GROWTH_MIB


RUBBISH = {
    "bytes": b"\xff\xfe1.\x00\x80",
    "nul": b"\x007\x005",
    "nul inside": b'{"ph": "6\x000"}',
    "deep": b'{"ph":' * 5000 + b"1" + b"}" * 5000,
    "deep list": b"[" * 100_000,
    "wildcards": b'{"#": 1, "+": 2, "ph/+": 3}',
    "huge number": b'{"ph":' + b"9" * 5000 + b"}",
    "surrogate": b'{"ph": "\\ud800"}',
    "300 kB": b"x" * 300_000,
}


@pytest.mark.mosquitto
async def test_rubbish_is_counted_and_the_next_value_is_taken(
    tmp_path: Path, lines: list[str]
) -> None:
    device = Device(bind(PH, "ph"))
    async with mosquitto(tmp_path) as broker:
        heard = Listener(broker.port, "t")
        take = heard.broker._on_message

        def judge(topic: str, payload: bytes, retained: bool) -> None:
            device.send(payload, topic=topic)
            take(topic, payload, retained)

        heard.broker._on_message = judge
        async with listening(heard), Client(HOST, broker.port) as publisher:
            assert await heard.next_connection() is True
            for name, payload in RUBBISH.items():
                for _ in range(3):
                    await publisher.publish("t", payload, qos=1)
                    await heard.next_message()
                async with asyncio.timeout(1):
                    await publisher.publish("t", json.dumps({"ph": 6.0}), qos=1)
                    await heard.next_message()
                assert device.shown(PH) == 6.0, name
            assert heard.connections.empty()

    assert device.intake.counts == {
        (PH, Reason.UNREADABLE): 18,
        (PH, Reason.MISSING_FIELD): 3,
        # A number without end is read as infinity; the surrogate is no number either.
        (PH, Reason.NOT_A_NUMBER): 6,
    }
    # One for each reason that is worth a line; a field that is not there is none.
    assert len(device.intake.take_notices()) == 2
    assert lines == []


class TestTopics:
    @pytest.mark.mosquitto
    async def test_topics_that_break_the_rules_cost_only_themselves(
        self, tmp_path: Path, lines: list[str]
    ) -> None:
        broken = ["a#", "b\0c", "x" * 65_536, "+x/y", "\ud800"]
        async with mosquitto(tmp_path) as broker:
            heard = Listener(broker.port, "t", *broken)
            async with listening(heard):
                assert await heard.next_connection() is True
                await says(heard, broker.port, b"1")
                await heard.broker.set_topics(["t", "b\0c", "d#"])
                await says(heard, broker.port, b"2")
                await heard.broker.set_topics(["t"])
                await says(heard, broker.port, b"3")
                assert heard.connections.empty()

        assert len(lines) == 2
        assert "does not let us listen to" in lines[0]
        assert "'a#'" in lines[0]
        assert lines[1].endswith("'d#'")

    async def test_a_topic_that_the_broker_refuses_is_named_once(self, lines: list[str]) -> None:
        # 0x80 is "failure"; the topics are asked for in their order.
        async with (
            scripted_broker(suback=b"\x01\x80") as port,
            listening(Listener(port, "a", "secret")) as heard,
        ):
            assert await heard.next_connection() is True
            await heard.broker.set_topics(["a", "secret"])

        assert [line for line in lines if "does not let" in line] == [
            f"The broker {HOST} does not let us listen to 'secret'"
        ]

    async def test_a_topic_that_is_no_text_is_passed_over(self, lines: list[str]) -> None:
        after = publish_packet(b"\xff\xfe", b"1") + publish_packet(b"a/#", b"2")
        async with (
            scripted_broker(after=after + publish_packet(b"t", b"3")) as port,
            listening(Listener(port, "t")) as heard,
        ):
            assert await heard.next_connection() is True
            assert await heard.next_message() == ("a/#", b"2", False)
            assert await heard.next_message() == ("t", b"3", False)
            assert heard.connections.empty()
        assert lines == []


class TestProtocol:
    @pytest.mark.parametrize(
        "after",
        [b"\x30\xff\xff\xff\xff\xff", b"\x30\x01\x00", b"\x00\x00", b"\xf0\x04rubb", b"\x90\x00"],
        ids=["length", "too short", "reserved", "unknown", "answer without a number"],
    )
    async def test_a_broker_that_talks_nonsense_is_left_and_tried_again(
        self, after: bytes, lines: list[str]
    ) -> None:
        async with (
            scripted_broker(after=after) as port,
            listening(Listener(port, "t")) as heard,
        ):
            # The nonsense may come before we have said that we are connected.
            states = [await heard.next_connection()]
            while states[-1] is False or len(lines) < 2:
                states.append(await heard.next_connection())
            assert heard.broker.is_connected

        assert all(left != right for left, right in pairwise(states))
        assert_lost_and_found(lines)

    async def test_who_hangs_up_before_an_answer_is_not_waited_for(self) -> None:
        async with scripted_broker(hangs_up=True) as port:
            async with asyncio.timeout(2):
                with pytest.raises(BrokerClosed):
                    await check_connection(BrokerSettings(host=HOST, port=port))

    async def test_a_fault_of_ours_is_said_once_however_many_messages(
        self, lines: list[str]
    ) -> None:
        after = b"".join(publish_packet(b"t", b"%d" % number) for number in range(100))
        async with scripted_broker(after=after) as port:
            heard = Listener(port, "t")
            take = heard.broker._on_message

            def fail(topic: str, payload: bytes, retained: bool) -> None:
                take(topic, payload, retained)
                raise RuntimeError("no")

            heard.broker._on_message = fail
            async with listening(heard):
                for _ in range(100):
                    await heard.next_message()
        assert lines == ["A message on t could not be taken in"]


@pytest.mark.mosquitto
async def test_a_clock_that_goes_back_an_hour_does_not_keep_new_values_out(tmp_path: Path) -> None:
    device, clock_s = Device(bind(PH)), float(HOUR)
    async with mosquitto(tmp_path) as broker:
        heard = Listener(broker.port, "t")
        take = heard.broker._on_message

        def judge(topic: str, payload: bytes, retained: bool) -> None:
            device.send(payload, clock_s, topic=topic)
            take(topic, payload, retained)

        heard.broker._on_message = judge
        async with listening(heard):
            assert await heard.next_connection() is True
            await says(heard, broker.port, b"6.0")
            assert device.shown(PH, clock_s) == 6.0
            clock_s = 0.0
            await says(heard, broker.port, b"6.1")
            assert device.shown(PH, clock_s) == 6.1
            assert heard.connections.empty(), "the connection asks no wall clock"


@pytest.mark.mosquitto
async def test_who_leaves_while_it_connects_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, began = threading.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    connect = socket.create_connection

    def slowly(*args: object, **kwargs: object) -> socket.socket:
        loop.call_soon_threadsafe(began.set)
        go.wait(5)
        return connect(*args, **kwargs)  # type: ignore[arg-type]

    async with mosquitto(tmp_path) as broker:
        monkeypatch.setattr(socket, "create_connection", slowly)
        own = OwnBroker(
            BrokerSettings(host=HOST, port=broker.port, client_id="kp"),
            lambda *_message: None,
            lambda _connected: None,
        )
        running = asyncio.create_task(own.run())
        await began.wait()
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running
        tasks = asyncio.all_tasks()
        go.set()
        await asyncio.sleep(0.3)

        assert asyncio.all_tasks() == tasks
        monkeypatch.undo()
        assert not await has_session(broker.port, "kp")


async def test_a_broker_that_never_comes_is_said_once(lines: list[str]) -> None:
    async with listening(Listener(free_port(), "t")) as heard:
        for _ in range(5):
            await heard.next_error(HostUnreachable)

    assert len(lines) == 1
    assert lines[0].startswith("No connection to the broker")
