"""Consumers that store nothing: `python -m benchmarks.ingest_link SIDE PORT`.

- `reading`: receives by the worker's own connection, parses, converts units, looks at bounds.
- `judging`: the same, and judges as the worker does: rate, stuck, twin, healing.
- `aiomqtt-reading`, `aiomqtt-judging`: the same behind aiomqtt.

All of them run on the loop of asyncio, as the aiomqtt that only counts does.
"""

import asyncio
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from benchmarks.ingest_counters import run_aiomqtt
from benchmarks.ingest_side import FIELDS, TOPICS, Pass, orders_of, topic
from kamerplanter_backend.telemetry.broker.garden_link import GardenLink
from kamerplanter_backend.telemetry.broker.settings import BrokerSettings
from kamerplanter_backend.telemetry.messages.mapping import FieldReader, read_message
from kamerplanter_backend.telemetry.probe.intake import ProbeIntake
from kamerplanter_engines.models.telemetry import ChannelBinding, Probe

TAKEN_EACH = 2_000
"""After so many messages what was judged is taken away, as the worker does for the store."""


def bindings(side: str, number: int) -> tuple[ChannelBinding, ...]:
    """Return how the values of one probe are found in its messages."""
    return tuple(
        ChannelBinding.model_validate({"kind": kind, "topic": topic(side, number), "path": path})
        for kind, path in FIELDS.items()
    )


def reading(side: str) -> Callable[[str, bytes], object]:
    """Return what reads a message as the worker does, and judges nothing."""
    readers = {
        topic(side, number): [FieldReader(binding) for binding in bindings(side, number)]
        for number in range(TOPICS)
    }

    def handle(where: str, payload: bytes) -> None:
        samples = read_message(payload, readers[where], datetime.now(UTC))
        assert not [item for item in samples if item.problem or item.hint]

    return handle


def judging(side: str) -> Callable[[str, bytes], object]:
    """Return what reads and judges a message as the worker does."""
    now = datetime.now(UTC)
    intakes = {}
    for number in range(TOPICS):
        probe = Probe(
            key=f"p{number}",
            tenant_key="bench",
            created_at=now,
            updated_at=now,
            name="Bench",
            channels=bindings(side, number),
        )
        intakes[topic(side, number)] = ProbeIntake(probe, started_at=now)
    count = 0

    def handle(where: str, payload: bytes) -> None:
        nonlocal count
        intakes[where].on_message(where, payload, retained=False, received_at=datetime.now(UTC))
        count += 1
        if count % TAKEN_EACH == 0:
            for intake in intakes.values():
                intake.take_judged()

    return handle


class Ear:
    """Listens to the own connection."""

    def __init__(self, side: str, handle: Callable[[str, bytes], object]) -> None:
        self._handle = handle
        self._topics = {
            topic(side, number).encode(): topic(side, number) for number in range(TOPICS)
        }
        self.counted = Pass()
        self.is_done = asyncio.Event()

    def on_message(self, where: bytes, payload: bytes, *, retained: bool, is_replay: bool) -> None:
        """Take in a message."""
        assert not retained
        assert not is_replay
        self._handle(self._topics[where], payload)
        self.counted.note(payload)
        self.counted.count += 1
        if self.counted.count == self.counted.expected:
            self.is_done.set()

    def on_connection(self, *, connected: bool) -> None:
        """Take in that the broker is there or gone."""

    def on_refused_topic(self, where: str) -> None:
        """Take in that a topic cannot be heard."""
        raise AssertionError(where)


async def run_link(side: str, port: int, handle: Callable[[str, bytes], object]) -> None:
    """Receive with the worker's connection and hand each message on."""
    ear = Ear(side, handle)
    broker = BrokerSettings(host="127.0.0.1", port=port, client_id=f"bench-{side}")
    link = GardenLink(broker, ear, mark_topic=f"{side}/mark", session_s=0)
    link.set_topics(topic(side, number) for number in range(TOPICS))
    running = asyncio.create_task(link.run())
    await asyncio.sleep(2)
    assert link.is_connected
    print("READY", flush=True)
    while orders := await orders_of():
        ear.is_done.clear()
        ear.counted.begin(orders[0])
        await ear.is_done.wait()
        ear.counted.end(count=ear.counted.count)
    running.cancel()


def main(side: str, port: int) -> None:
    """Run one of them until there is no more to take."""
    handle = (reading if side.endswith("reading") else judging)(side)
    asyncio.run((run_aiomqtt if side.startswith("aiomqtt") else run_link)(side, port, handle))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
