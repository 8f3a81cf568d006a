"""The ingest worker against a real broker: many gardens on one connection."""

import asyncio
import logging
import signal
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import pytest
from aiomqtt import Client

from kamerplanter_backend.common.clock import system_clock
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.telemetry.worker import ingest_worker as worker
from kamerplanter_backend.telemetry.worker.metrics import Drop
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Reading,
    Reason,
    Verdict,
)
from tests.backend.log_notes import slugs_of_lines
from tests.backend.telemetry.brokers import HOST, mosquitto
from tests.backend.telemetry.fleet import Fleet, message, send, topic_of, until, worker_of

pytestmark = [pytest.mark.mosquitto, pytest.mark.usefixtures("socket_enabled")]

KEEPS_SESSIONS = ("allow_anonymous true", "max_queued_messages 0")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look and store more often than people need."""
    monkeypatch.setattr(worker, "LOOK_EVERY_S", 0.2)
    monkeypatch.setattr(worker, "FLUSH_AFTER_S", 0.1)
    monkeypatch.setattr(worker, "RETRY_AFTER_S", 0.1)


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Return a fleet without gardens, on a file."""
    fleet = Fleet(tmp_path / "garden.db")
    yield fleet
    fleet.close()


async def test_a_hundred_gardens_hear_exactly_their_own(tmp_path: Path, fleet: Fleet) -> None:
    gardens = [fleet.add_garden() for _ in range(100)]
    sent = [
        (topic_of(garden, index), message(5 + number / 100 + index / 1000))
        for number, garden in enumerate(gardens)
        for index in range(2)
    ]
    async with mosquitto(tmp_path) as broker, worker_of(fleet, broker.port) as live:
        await send(broker.port, sent)
        await until(lambda: live.counts.stored.total() == 200)
        connections = live.link.connect_count

    assert connections == 1
    for number, garden in enumerate(gardens):
        assert fleet.values(garden, 0) == [pytest.approx(5 + number / 100)]
        assert fleet.values(garden, 1) == [pytest.approx(5 + number / 100 + 0.001)]


class TestWhoseTopic:
    async def test_no_garden_hears_another_one_whatever_it_binds(
        self, tmp_path: Path, fleet: Fleet, caplog: pytest.LogCaptureFixture
    ) -> None:
        victim, curious = fleet.add_garden(1), fleet.add_garden(0)
        tried = (f"../{victim.slug}/probe0", "$share/g/probe0", "/probe0", "probe0")
        for topic in tried:
            fleet.add_probe(curious, ChannelBinding(kind=ChannelKind.PH, topic=topic, path="ph"))
        for wildcard in ("#", "+/probe0"):
            fleet.add_old_probe(curious, wildcard)
        literal = f"kamerplanter/{curious.slug}/../{victim.slug}/probe0"

        async with mosquitto(tmp_path) as broker, worker_of(fleet, broker.port) as live:
            await send(
                broker.port,
                [
                    (topic_of(victim), message(6.0)),
                    ("probe0", message(6.1)),
                    ("/probe0", message(6.2)),
                    (literal, message(6.3)),
                ],
            )
            await until(lambda: live.counts.stored.total() == 2)
            refused = live.gauges().refused_topics

        assert fleet.values(victim) == [6.0]
        # The path that would climb elsewhere in a file system is a topic like any other.
        assert [fleet.values(curious, index) for index in range(6)] == [[6.3], [], [], [], [], []]
        assert refused == 2
        assert "cannot be heard" in caplog.text


class TestChanges:
    async def test_gardens_and_probes_come_and_go_without_a_restart(
        self, tmp_path: Path, fleet: Fleet
    ) -> None:
        first = fleet.add_garden(1)
        other = Fleet(fleet.path)  # another process on the same store
        async with mosquitto(tmp_path) as broker, worker_of(fleet, broker.port) as live:
            other.gardens = list(fleet.gardens)
            second = other.add_garden(2)
            await until(lambda: live.gauges().topics == 3)
            await asyncio.sleep(0.1)
            await send(broker.port, [(topic_of(second), message(6.0))])
            await until(lambda: live.counts.stored.total() == 1)

            probe = fleet.probes[first.key][0]
            other.services.probe.archive(other.context(first), probe.key)
            await until(lambda: live.gauges().topics == 2)
            await send(broker.port, [(topic_of(first), message(6.0))])
            await send(broker.port, [(topic_of(second, 1), message(6.1))])
            await until(lambda: live.counts.stored.total() == 2)
        other.close()

        assert fleet.values(first) == []
        fleet.probes[second.key] = other.probes[second.key]
        assert fleet.values(second) == [6.0]

    async def test_nothing_of_a_suspended_garden_is_stored_until_it_is_resumed(
        self, tmp_path: Path, fleet: Fleet
    ) -> None:
        garden, free = fleet.add_garden(1), fleet.add_garden(1)
        admin = fleet.context(garden)
        async with mosquitto(tmp_path) as broker, worker_of(fleet, broker.port) as live:
            fleet.tenants.suspend(admin, garden.key, suspended=True)
            # At once: what is judged meanwhile is stopped at the store.
            await send(broker.port, [(topic_of(garden), message(6.0))])
            await until(lambda: live.counts.dropped[Drop.SUSPENDED] == 1)
            await send(
                broker.port, [(topic_of(garden), message(6.1)), (topic_of(free), message(6.2))]
            )
            await until(lambda: live.counts.dropped[Drop.SUSPENDED] == 2)
            await until(lambda: live.counts.stored.total() == 1)
            fleet.tenants.suspend(admin, garden.key, suspended=False)
            await until(lambda: not next(iter(live._router.gardens.values())).entry.is_suspended)
            await send(broker.port, [(topic_of(garden), message(6.3))])
            await until(lambda: live.counts.stored.total() == 2)

        assert fleet.values(garden) == [6.3]
        assert fleet.values(free) == [6.2]


class TestOneGardensFault:
    async def test_garbage_and_a_crash_stay_in_their_garden(
        self, tmp_path: Path, fleet: Fleet, caplog: pytest.LogCaptureFixture
    ) -> None:
        broken, crashing, sound = (fleet.add_garden(1) for _ in range(3))

        def crash(*_args: object, **_more: object) -> NoReturn:
            raise RuntimeError("a fault of ours")

        with slugs_of_lines(caplog) as lines:
            async with mosquitto(tmp_path) as broker, worker_of(fleet, broker.port) as live:
                (intake,) = live._router.gardens[crashing.key].intakes.values()
                intake.on_message = crash  # type: ignore[method-assign]
                garbage = [b"\xff\xfe", b"{", b'{"ph": "wet"}', b'{"ph": 99}', b"[" * 10_000]
                await send(
                    broker.port,
                    [
                        *((topic_of(broken), payload) for payload in garbage),
                        (topic_of(crashing), message(6.0)),
                        (topic_of(crashing), message(6.1)),
                        (topic_of(sound), message(6.2)),
                    ],
                )
                await until(lambda: live.counts.stored.total() == 1)

        assert fleet.values(sound) == [6.2]
        assert live.counts.verdicts == {Verdict.BAD: 5, Verdict.GOOD: 1}
        assert live.counts.reasons[Verdict.BAD, Reason.OUTSIDE_PHYSICAL] == 1
        assert live.counts.dropped[Drop.CRASHED] == 2
        assert caplog.text.count("could not be judged") == 1
        assert [slug for text, slug in lines if f"garden {crashing.slug}" in text] == [
            crashing.slug
        ]

    async def test_readings_that_the_store_refuses_cost_no_other_garden_anything(
        self, tmp_path: Path, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        poisoned, sound = fleet.add_garden(1), fleet.add_garden(1)
        record_all = fleet.services.telemetry.record_all

        def refuse(batches: Sequence[tuple[Context, Sequence[Reading]]]) -> tuple[int, ...]:
            if any(reading.value == 6.66 for _, readings in batches for reading in readings):
                raise RuntimeError("a fault of ours")
            return record_all(batches)

        monkeypatch.setattr(fleet.services.telemetry, "record_all", refuse)
        async with mosquitto(tmp_path) as broker, worker_of(fleet, broker.port) as live:
            sent = [(topic_of(poisoned), message(value)) for value in (6.6, 6.66, 6.7)]
            await send(broker.port, [*sent, (topic_of(sound), message(6.2))])
            await until(lambda: live.counts.stored.total() == 3)

        assert live.counts.dropped[Drop.REFUSED] == 1
        assert fleet.values(poisoned) == [6.6, 6.7]
        assert fleet.values(sound) == [6.2]


class TestStoreAndBroker:
    async def test_a_locked_store_costs_nothing_and_what_waits_stays_bounded(
        self, tmp_path: Path, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kamerplanter_backend.data_access.sqlite.connection.BUSY_TIMEOUT_MS", 1)
        garden = fleet.add_garden(1)
        assert fleet.path is not None
        now = system_clock()
        sent = [
            (
                topic_of(garden),
                message(6 + index / 1e4, now - timedelta(seconds=1200 - index), pad_bytes=1000),
            )
            for index in range(1200)
        ]
        async with (
            mosquitto(tmp_path, *KEEPS_SESSIONS) as broker,
            worker_of(fleet, broker.port, capacity=500) as live,
        ):
            other = sqlite3.connect(fleet.path, isolation_level=None)
            other.execute("BEGIN IMMEDIATE")
            sending = asyncio.create_task(send(broker.port, sent))
            await until(lambda: live.gauges().queue_depth >= 500)
            await until(lambda: live.gauges().lag_s > 1)
            # The broker has more, and what waits here is no more for that.
            deepest = live.gauges().queue_depth
            assert live.counts.stored.total() == 0
            other.execute("ROLLBACK")
            other.close()
            await sending
            await until(lambda: live.counts.stored.total() == 1200)

        assert deepest == 500
        assert len(fleet.stored(garden)) == 1200

    async def test_a_broker_that_comes_back_is_found_and_heard(
        self, tmp_path: Path, fleet: Fleet, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        garden = fleet.add_garden(1)
        async with mosquitto(tmp_path) as broker, worker_of(fleet, broker.port) as live:
            await send(broker.port, [(topic_of(garden), message(6.0))])
            await until(lambda: live.counts.stored.total() == 1)
            await broker.stop(signal.SIGKILL)
            await until(lambda: not live.link.is_connected)
            await asyncio.sleep(0.2)
            await broker.start()
            await until(lambda: live.link.is_connected)
            await asyncio.sleep(0.1)
            await send(broker.port, [(topic_of(garden), message(6.1))])
            await until(lambda: live.counts.stored.total() == 2)
            assert "kamerplanter_ingest_reconnects_total 1\n" in live.metrics_text()

        assert fleet.values(garden) == [6.0, 6.1]
        assert caplog.text.count("No connection to the broker") == 1
        assert caplog.text.count("is back") == 1


class TestTime:
    async def test_what_waited_at_the_broker_counts_only_with_a_time_of_its_own(
        self, tmp_path: Path, fleet: Fleet
    ) -> None:
        garden = fleet.add_garden(1)
        measured_at = system_clock() - timedelta(minutes=10)
        async with mosquitto(tmp_path, *KEEPS_SESSIONS) as broker:
            async with worker_of(fleet, broker.port):
                pass
            await send(
                broker.port,
                [
                    (topic_of(garden), message(6.0, measured_at)),
                    (topic_of(garden), message(6.1)),
                ],
            )
            async with worker_of(fleet, broker.port) as live:
                await until(lambda: live.counts.stored.total() == 1)
                await send(broker.port, [(topic_of(garden), message(6.2))])
                await until(lambda: live.counts.stored.total() == 2)

        first, second = fleet.stored(garden)
        assert (first.value, second.value) == (6.0, 6.2)
        assert first.at == measured_at
        assert second.at - first.received_at < timedelta(seconds=10)
        assert live.counts.dropped[Drop.REPLAYED] == 1

    async def test_a_retained_value_is_never_stored(self, tmp_path: Path, fleet: Fleet) -> None:
        garden = fleet.add_garden(2)
        async with mosquitto(tmp_path) as broker:
            async with Client(HOST, broker.port) as client:
                await client.publish(topic_of(garden), message(6.0), qos=1, retain=True)
            async with worker_of(fleet, broker.port) as live:
                await until(lambda: live.counts.messages.total() == 1)
                await send(broker.port, [(topic_of(garden, 1), message(6.1))])
                await until(lambda: live.counts.stored.total() == 1)

        assert fleet.values(garden, 0) == []

    async def test_after_a_restart_a_jump_is_judged_by_what_was_stored(
        self, tmp_path: Path, fleet: Fleet
    ) -> None:
        garden = fleet.add_garden(1)
        async with mosquitto(tmp_path) as broker:
            async with worker_of(fleet, broker.port) as live:
                await send(broker.port, [(topic_of(garden), message(6.0))])
                await until(lambda: live.counts.stored.total() == 1)
            async with worker_of(fleet, broker.port) as live:
                # pH moves by 0.1 a minute at most, twice that is believed.
                await send(broker.port, [(topic_of(garden), message(7.0))])
                await until(lambda: live.counts.stored.total() == 1)

        _, second = fleet.stored(garden)
        assert (second.verdict, second.reasons) == (Verdict.SUSPECT, (Reason.RATE,))

    async def test_without_our_mark_nothing_that_waited_is_taken_for_new(
        self, tmp_path: Path, fleet: Fleet, caplog: pytest.LogCaptureFixture
    ) -> None:
        garden = fleet.add_garden(1)
        access = tmp_path / "access"
        access.write_text(f"topic readwrite kamerplanter/{garden.slug}/#\n")
        lines = (*KEEPS_SESSIONS, f"acl_file {access}")
        async with mosquitto(tmp_path, *lines) as broker:
            async with worker_of(fleet, broker.port):
                pass
            await send(broker.port, [(topic_of(garden), message(6.1))])
            async with worker_of(fleet, broker.port) as live:
                # This broker hangs up on who publishes what is not allowed; others say no.
                await until(lambda: "Allow us to write" in caplog.text and live.link.is_connected)
                await asyncio.sleep(0.1)
                await send(broker.port, [(topic_of(garden), message(6.2))])
                await until(lambda: live.counts.stored.total() == 1)

        assert fleet.values(garden) == [6.2]


async def test_what_was_received_before_the_stop_is_stored(
    tmp_path: Path, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "FLUSH_AFTER_S", 60)
    monkeypatch.setattr(worker, "LOOK_EVERY_S", 60)
    garden = fleet.add_garden(1)
    async with mosquitto(tmp_path) as broker, worker_of(fleet, broker.port) as live:
        now = system_clock()
        sent = [
            (topic_of(garden), message(6 + index / 1e4, now - timedelta(seconds=index)))
            for index in range(300, 0, -1)
        ]
        await send(broker.port, sent)
        await until(lambda: live.counts.verdicts[Verdict.GOOD] == 300)
        assert live.gauges().queue_depth == 300
        assert fleet.stored(garden) == []

    assert len(fleet.stored(garden)) == 300


async def test_metrics_tell_what_happened(tmp_path: Path, fleet: Fleet) -> None:
    garden = fleet.add_garden(2)
    async with mosquitto(tmp_path) as broker, worker_of(fleet, broker.port, metrics_port=0) as live:
        await send(
            broker.port,
            [(topic_of(garden), message(6.0)), (topic_of(garden, 1), message(15.0))],
        )
        await until(lambda: live.counts.stored.total() == 1)
        assert live.metrics_port is not None
        found = await ask(live.metrics_port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        lost = await ask(live.metrics_port, b"GET /other HTTP/1.1\r\n\r\n")
        written = await ask(live.metrics_port, b"POST /metrics HTTP/1.1\r\n\r\n")

    lines = found.decode().splitlines()
    assert lines[0] == "HTTP/1.1 200 OK"
    for line in (
        "# TYPE kamerplanter_ingest_messages_total counter",
        f'kamerplanter_ingest_messages_total{{garden="{garden.slug}"}} 2',
        'kamerplanter_ingest_readings_total{verdict="good"} 1',
        'kamerplanter_ingest_readings_total{verdict="bad"} 1',
        'kamerplanter_ingest_flaws_total{verdict="bad",reason="outside_physical"} 1',
        f'kamerplanter_ingest_stored_readings_total{{garden="{garden.slug}"}} 1',
        'kamerplanter_ingest_dropped_total{reason="suspended"} 0',
        "kamerplanter_ingest_batches_total 1",
        "kamerplanter_ingest_connected 1",
        "kamerplanter_ingest_gardens 1",
        "kamerplanter_ingest_probes 2",
        "kamerplanter_ingest_queue_depth 0",
        "kamerplanter_ingest_lag_seconds 0",
    ):
        assert line in lines
    assert lost.startswith(b"HTTP/1.1 404 ")
    assert written.startswith(b"HTTP/1.1 405 ")


async def ask(port: int, question: bytes) -> bytes:
    """Return the whole answer of a server."""
    reader, writer = await asyncio.open_connection(HOST, port)
    writer.write(question)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    return answer
