"""A worker tells the store which devices come and go."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.domain.models.tenant import Tenant
from kamerplanter_backend.telemetry.worker.garden_directory import GardenDirectory
from kamerplanter_backend.telemetry.worker.garden_router import GardenRouter
from kamerplanter_backend.telemetry.worker.recorder import Recorded, Recorder
from kamerplanter_engines.models.presence import ProbePresenceFields
from tests.backend.telemetry.fleet import topic_of
from tests.backend.telemetry.worker.test_garden_directory import World


class PresentWorld(World):
    """A world that also stores which devices came or went."""

    def crash(self) -> None:
        """Begin anew with what the store knows."""
        self.directory.close()
        fleet = self.fleet
        self.directory = GardenDirectory(fleet.store, fleet.services, self.feed, self.now)
        services = fleet.services
        self.recorder = Recorder(services.telemetry, services.presence, self.directory)
        self.router = GardenRouter("kamerplanter", self.now, self.counts, lambda _topic: None)

    def say(self, garden: Tenant, words: str, *, retained: bool = False) -> Recorded:
        """Let a device say something on the topic of its value, and store what comes of it."""
        topic = topic_of(garden).encode()
        self.router.on_message(topic, words.encode(), self.now, retained=retained, is_replay=False)
        return self.flush()

    def flush(self) -> Recorded:
        """Store as the worker does."""
        batches, said = self.router.take(), self.router.take_presences()
        recorded = self.recorder.store(batches, self.now, said)
        self.router.give_back_presences(recorded.untold)
        return recorded

    def gone_since(self, garden: Tenant) -> datetime | None:
        """Return since when the device of a garden is gone, as the store knows."""
        probe = self.fleet.probes[garden.key][0]
        found = self.fleet.services.telemetry.memories(self.fleet.context(garden), [probe.key])
        return found[probe.key].view.gone_since

    def wait(self, **span: float) -> datetime:
        """Move the clock on."""
        self.now += timedelta(**span)
        return self.now


@pytest.fixture
def world() -> Iterator[PresentWorld]:
    """Return a world without gardens."""
    made = PresentWorld()
    yield made
    made.directory.close()
    made.feed.stop()
    made.fleet.close()


def test_a_last_will_is_stored_in_its_own_garden_until_the_device_speaks(
    world: PresentWorld,
) -> None:
    garden, other = world.fleet.add_garden(1), world.fleet.add_garden(1)
    world.look()
    world.say(garden, '{"ph": 6.0}')
    gone_at = world.wait(minutes=1)

    world.say(garden, "offline")

    assert (world.gone_since(garden), world.gone_since(other)) == (gone_at, None)
    world.wait(minutes=1)
    world.say(garden, '{"ph": 6.1}')
    assert world.gone_since(garden) is None


def test_a_device_whose_value_is_bad_is_back_too(world: PresentWorld) -> None:
    garden = world.fleet.add_garden(1)
    world.look()
    world.say(garden, "offline")
    world.wait(minutes=1)

    world.say(garden, '{"ph": 99}')

    assert world.gone_since(garden) is None


def test_what_the_store_does_not_take_is_told_later(
    world: PresentWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    garden = world.fleet.add_garden(1)
    world.look()

    def refuse(*_args: object) -> int:
        raise UnavailableError("The store is locked.", reason="locked")

    with monkeypatch.context() as patched:
        patched.setattr(world.fleet.services.presence, "report", refuse)
        recorded = world.say(garden, "offline")
    assert list(recorded.untold) == [garden.key]
    assert world.gone_since(garden) is None
    gone_at = world.now
    world.wait(seconds=1)

    world.flush()

    assert world.gone_since(garden) == gone_at


def test_nothing_is_told_of_a_garden_that_is_suspended_or_of_a_probe_that_is_gone(
    world: PresentWorld, caplog: pytest.LogCaptureFixture
) -> None:
    garden, other = world.fleet.add_garden(1), world.fleet.add_garden(1)
    world.look()
    nobody = ProbePresenceFields(probe_key="nobody", is_online=False, since=world.now)
    admin = world.fleet.context(garden)
    world.fleet.tenants.suspend(admin, garden.key, suspended=True)
    world.look()
    probe = world.fleet.probes[garden.key][0]
    gone = nobody.model_copy(update={"probe_key": probe.key})

    world.recorder.store({}, world.now, {garden.key: (gone,), other.key: (nobody,)})

    assert world.gone_since(garden) is None
    assert caplog.text.count("came or went") == 1


def test_what_was_heard_before_a_garden_was_suspended_is_told_afterwards(
    world: PresentWorld,
) -> None:
    garden = world.fleet.add_garden(1)
    world.look()
    topic, gone_at = topic_of(garden).encode(), world.now
    world.router.on_message(topic, b"offline", gone_at, retained=False, is_replay=False)
    admin = world.fleet.context(garden)
    for is_suspended in (True, False):
        world.wait(seconds=1)
        world.fleet.tenants.suspend(admin, garden.key, suspended=is_suspended)
        world.look()
        assert world.gone_since(garden) is None
        world.flush()

    assert world.gone_since(garden) == gone_at


def test_after_a_crash_a_device_is_gone_until_it_is_heard(world: PresentWorld) -> None:
    garden = world.fleet.add_garden(1)
    world.look()
    world.say(garden, '{"ph": 6.0}')
    world.say(garden, "offline")
    world.crash()

    world.look()
    [intake] = world.router.gardens[garden.key].intakes.values()
    assert not intake.available
    world.wait(minutes=5)
    world.say(garden, '{"ph": 6.1}')

    assert intake.available
    assert world.gone_since(garden) is None


def test_what_others_heard_of_a_device_is_taken_over(world: PresentWorld) -> None:
    garden = world.fleet.add_garden(1)
    world.look()
    [intake] = world.router.gardens[garden.key].intakes.values()
    probe = world.fleet.probes[garden.key][0]
    gone = ProbePresenceFields(probe_key=probe.key, is_online=False, since=world.now)

    world.fleet.services.presence.report(world.fleet.context(garden), (gone,))
    world.look()

    assert not intake.available
