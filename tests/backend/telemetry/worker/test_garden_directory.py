"""What a worker learns of the gardens while it listens."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from kamerplanter_backend.common.commit_follower import CommitFollower
from kamerplanter_backend.domain.models.tenant import Tenant
from kamerplanter_backend.telemetry.batches.reading_desk import ReadingDesk, SentReading
from kamerplanter_backend.telemetry.worker.garden_directory import GardenDirectory
from kamerplanter_backend.telemetry.worker.garden_router import GardenRouter
from kamerplanter_backend.telemetry.worker.metrics import Counts
from kamerplanter_backend.telemetry.worker.recorder import Recorder
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Verdict
from tests.backend.telemetry.fleet import Fleet, message, topic_of

PH = ChannelKind.PH
START = datetime(2026, 5, 1, 10, tzinfo=UTC)


class World:
    """A worker's road from message to store, without a broker and with a clock of its own."""

    def __init__(self) -> None:
        self.now = START
        self.fleet = Fleet(None, lambda: self.now)
        # Without its thread it tells of each commit at once.
        self.feed = CommitFollower(self.fleet.store)
        fleet = self.fleet
        self.directory = GardenDirectory(fleet.store, fleet.services, self.feed, self.now)
        self.recorder = Recorder(fleet.services.telemetry, fleet.services.presence, self.directory)
        self.counts = Counts()
        self.router = GardenRouter("kamerplanter", self.now, self.counts, lambda _topic: None)
        self.desk = ReadingDesk(fleet.services.telemetry)

    def look(self) -> set[str]:
        """Follow the store; return the gardens that were read anew."""
        found = self.directory.look(self.now)
        if found is None:
            return set()
        self.router.apply(found, self.now)
        return set(found.read)

    def hear(self, garden: Tenant, value: float) -> None:
        topic = topic_of(garden).encode()
        self.router.on_message(topic, message(value), self.now, retained=False, is_replay=False)
        self.recorder.store(self.router.take(), self.now)

    def post(self, garden: Tenant, value: float) -> Verdict:
        probe = self.fleet.probes[garden.key][0]
        sent = SentReading(probe_key=probe.key, kind=PH, value=value)
        (result,) = self.desk.take(self.fleet.context(garden), [sent])
        return result.verdict


@pytest.fixture
def world() -> Iterator[World]:
    """Return a world without gardens."""
    made = World()
    yield made
    made.directory.close()
    made.feed.stop()
    made.fleet.close()


def test_what_was_posted_counts_for_what_a_device_says_next(world: World) -> None:
    garden = world.fleet.add_garden(1)
    world.look()
    world.hear(garden, 4.0)
    # Over four minutes somebody posts how it rose to 4.8; all is read anew every five.
    for step in range(1, 5):
        world.now += timedelta(minutes=1)
        assert world.post(garden, 4.0 + step / 5) is Verdict.GOOD
    assert world.look() == {garden.key}
    world.now += timedelta(seconds=30)

    world.hear(garden, 4.05)
    world.now += timedelta(seconds=30)
    world.hear(garden, 4.85)

    # By what the device itself has said, 4.05 would be good.
    assert [item.verdict for item in world.fleet.stored(garden)[-2:]] == [
        Verdict.SUSPECT,
        Verdict.GOOD,
    ]


def test_a_worker_does_not_read_what_it_has_stored_itself(world: World) -> None:
    garden, other = world.fleet.add_garden(1), world.fleet.add_garden(1)
    world.look()
    for step in range(3):
        world.now += timedelta(seconds=10)
        world.hear(garden, 6.0 + step / 100)
    assert world.look() == set()

    world.now += timedelta(seconds=10)
    world.hear(garden, 6.1)
    world.post(other, 6.0)
    assert world.look() == {other.key}
    world.now += timedelta(seconds=10)
    world.hear(garden, 6.12)
    world.now += timedelta(seconds=10)
    world.post(garden, 6.13)
    assert world.look() == {garden.key}
    assert world.look() == set()


def test_readings_of_a_garden_without_topics_are_nobody_s_concern(world: World) -> None:
    garden = world.fleet.add_garden(0)
    world.fleet.add_probe(garden, ChannelBinding(kind=PH))
    world.look()

    world.post(garden, 6.0)
    assert world.look() == set()
    world.fleet.add_probe(garden, ChannelBinding(kind=PH, topic="probe1", path="ph"))
    assert world.look() == {garden.key}
    world.now += timedelta(minutes=1)
    world.post(garden, 6.1)
    assert world.look() == {garden.key}
