"""The ingest worker as people run it: a process beside the server, or within it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from demo.ports import free_port
from kamerplanter_backend.common.clock import system_clock
from kamerplanter_backend.config.ingest_settings import IngestMode
from kamerplanter_backend.config.settings import Environment, Settings
from kamerplanter_backend.domain.models.tenant import Tenant
from kamerplanter_backend.ingesting import only_worker
from kamerplanter_backend.main import create_app, open_server
from tests.backend.telemetry.brokers import (
    HOST,
    PROCESS_PATIENCE_S,
    SAYS_WHO_SUBSCRIBES,
    mosquitto,
)
from tests.backend.telemetry.fleet import Fleet, message, send, topic_of, until
from tests.live_server import LiveServer

pytestmark = [pytest.mark.mosquitto, pytest.mark.usefixtures("socket_enabled")]

KEEPS_SESSIONS = (*SAYS_WHO_SUBSCRIBES, "max_queued_messages 0")


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Return a fleet without gardens, on a file."""
    fleet = Fleet(tmp_path / "garden.db")
    yield fleet
    fleet.close()


def environment(fleet: Fleet, port: int) -> dict[str, str]:
    """Return the variables that a person would set."""
    return {
        **os.environ,
        "KAMERPLANTER_STORE": f"sqlite:///{fleet.path}",
        "KAMERPLANTER_MQTT_HOST": HOST,
        "KAMERPLANTER_MQTT_PORT": str(port),
    }


COMMAND = (sys.executable, "-m", "kamerplanter_backend.cli", "ingest")


@asynccontextmanager
async def process(fleet: Fleet, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run the worker; it has read the store when the block begins, and will subscribe soon."""
    started = await asyncio.create_subprocess_exec(
        *COMMAND,
        env=environment(fleet, port),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert started.stdout is not None
    async with asyncio.timeout(PROCESS_PATIENCE_S):
        assert (await started.stdout.readline()).startswith(b"Listening for ")
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()
        started._transport.close()  # type: ignore[attr-defined]


def timed(garden: Tenant, count: int, now: datetime) -> list[tuple[str, bytes]]:
    """Return messages of one a second up to now, each with its time."""
    return [
        (topic_of(garden), message(6 + index / 1e4, now - timedelta(seconds=count - index)))
        for index in range(count)
    ]


async def test_a_worker_that_is_killed_in_mid_flow_loses_and_doubles_nothing(
    tmp_path: Path, fleet: Fleet
) -> None:
    garden = fleet.add_garden(1)
    sent = timed(garden, 6000, system_clock())
    async with mosquitto(tmp_path, *KEEPS_SESSIONS) as broker:
        async with process(fleet, broker.port) as first:
            await broker.has_subscriber(topic_of(garden))
            sending = asyncio.create_task(send(broker.port, sent))
            await until(lambda: fleet.stored(garden))
            first.kill()
            await first.wait()
            killed_at = len(fleet.stored(garden))
            assert not sending.done(), "the test is too slow to kill anything in mid flow"
            await sending
        async with process(fleet, broker.port):
            await until(lambda: len(fleet.stored(garden)) == 6000)

    assert 0 < killed_at < 6000
    assert fleet.values(garden) == [pytest.approx(6 + index / 1e4) for index in range(6000)]


async def test_a_worker_that_is_told_to_stop_stores_what_it_has_received(
    tmp_path: Path, fleet: Fleet
) -> None:
    garden = fleet.add_garden(1)
    sent = timed(garden, 500, system_clock())
    async with mosquitto(tmp_path, *KEEPS_SESSIONS) as broker:
        async with process(fleet, broker.port) as worker:
            await broker.has_subscriber(topic_of(garden))
            await send(broker.port, sent)
            worker.send_signal(signal.SIGTERM)
            async with asyncio.timeout(PROCESS_PATIENCE_S):
                assert await worker.wait() == 0
        # What reached it after the signal waits at the broker, and nothing was acknowledged.
        async with process(fleet, broker.port):
            await until(lambda: len(fleet.stored(garden)) == 500)


async def refused(command: str, **variables: str) -> str:
    """Run a command of the server that ends at once; returns what it complains of."""
    ended = await asyncio.to_thread(
        subprocess.run,
        (*COMMAND[:-1], command),
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=PROCESS_PATIENCE_S,
    )
    assert ended.returncode == 1
    complaints = [line for line in ended.stderr.splitlines() if line.startswith("kamerplanter-")]
    assert len(complaints) == 1
    assert "Traceback" not in ended.stderr
    return complaints[0]


async def test_a_second_worker_on_the_same_store_is_refused(fleet: Fleet) -> None:
    variables = environment(fleet, free_port())
    within = {"KAMERPLANTER_INGEST": "in_process", "KAMERPLANTER_PORT": str(free_port())}
    with only_worker(fleet.path):
        beside, inside = await asyncio.gather(
            refused("ingest", **variables), refused("serve", **variables, **within)
        )

    assert "Another ingest worker" in beside
    assert "Another ingest worker" in inside
    assert "KAMERPLANTER_INGEST=off" in inside


async def test_a_port_of_the_metrics_that_is_taken_is_named_with_its_setting(fleet: Fleet) -> None:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        variables = {
            **environment(fleet, free_port()),
            "KAMERPLANTER_PORT": str(free_port()),
            "KAMERPLANTER_INGEST": "in_process",
            "KAMERPLANTER_INGEST_METRICS_PORT": port,
        }
        complaints = await asyncio.gather(
            *(refused(command, **variables) for command in ("ingest", "serve"))
        )

    for complaint in complaints:
        assert port in complaint
        assert "KAMERPLANTER_INGEST_METRICS_PORT" in complaint


async def test_a_server_takes_readings_in_itself_if_it_shall(tmp_path: Path) -> None:
    path = tmp_path / "garden.db"
    async with mosquitto(tmp_path, *SAYS_WHO_SUBSCRIBES) as broker:
        settings = Settings(
            store=f"sqlite:///{path}",
            ingest=IngestMode.IN_PROCESS,
            mqtt_host=HOST,
            mqtt_port=broker.port,
            environment=Environment.DEVELOPMENT,
            run_jobs=False,
        )
        server = await asyncio.to_thread(open_server, settings)
        (garden,) = [
            tenant for tenant in Fleet.tenants_of(server.store) if tenant.slug == "platform"
        ]
        live = await asyncio.to_thread(LiveServer, create_app(server))
        context = server.contexts.make(garden.key, actor="t", role=Fleet.ADMIN, now=system_clock())
        try:
            # The demo garden's tank probe has its pH on this topic.
            topic = "kamerplanter/platform/demo/tank/ph"
            await broker.has_subscriber(topic)
            await send(broker.port, [(topic, b"6.04")])

            def stored() -> list[float]:
                now = system_clock()
                (probe,) = Fleet.probes_of(server.store, context)
                return [
                    reading.value
                    for reading in server.services.telemetry.list_readings(
                        context, probe.key, "ph", now - timedelta(hours=1), now
                    )
                ]

            await until(lambda: stored() == [6.04])
        finally:
            await asyncio.to_thread(live.stop)


async def test_a_server_tells_its_listeners_what_a_worker_beside_it_has_stored(
    tmp_path: Path, fleet: Fleet
) -> None:
    garden = fleet.add_garden(1)
    settings = Settings(
        store=f"sqlite:///{fleet.path}",
        environment=Environment.DEVELOPMENT,
        demo_garden=False,
        run_jobs=False,
    )
    server = await asyncio.to_thread(open_server, settings)
    live = await asyncio.to_thread(LiveServer, create_app(server))
    heard: list[tuple[str, ...]] = []
    try:
        async with mosquitto(tmp_path, *SAYS_WHO_SUBSCRIBES) as broker, process(fleet, broker.port):
            server.hub.listen(
                garden.key, lambda change: heard.append(change.collections if change else ())
            )
            await broker.has_subscriber(topic_of(garden))
            await send(broker.port, [(topic_of(garden), message(6.0))])
            await until(lambda: heard)
    finally:
        await asyncio.to_thread(live.stop)

    assert "readings" in heard[0]
    assert fleet.values(garden) == [6.0]
