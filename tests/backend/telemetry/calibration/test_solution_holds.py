"""What a server hears or is sent of a probe in a solution is doubted, also when it comes late."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from kamerplanter_backend.domain.models.tenant import Tenant
from kamerplanter_backend.telemetry.batches.reading_desk import SentReading
from kamerplanter_engines.models.solution_hold import SolutionHoldFields
from kamerplanter_engines.models.telemetry import ChannelKind, Verdict
from tests.backend.telemetry.worker.test_garden_directory import START, World

GOOD, SUSPECT = Verdict.GOOD, Verdict.SUSPECT


@pytest.fixture
def world() -> Iterator[World]:
    """Return a world without gardens."""
    made = World()
    yield made
    made.directory.close()
    made.feed.stop()
    made.fleet.close()


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def hold(world: World, garden: Tenant, since: float, until: float) -> None:
    probe = world.fleet.probes[garden.key][0]
    said = SolutionHoldFields(
        probe_key=probe.key, dialog="dialog", since=at(since), until=at(until)
    )
    world.fleet.services.solution_hold.report(world.fleet.context(garden), said)


def verdicts(world: World, garden: Tenant) -> list[tuple[float, Verdict]]:
    return [(item.value, item.verdict) for item in world.fleet.stored(garden)]


def test_the_worker_takes_no_buffer_for_the_tank(world: World) -> None:
    garden, other = world.fleet.add_garden(1), world.fleet.add_garden(1)
    world.look()
    world.hear(garden, 6.0)
    world.hear(other, 6.0)
    world.now = at(1)
    hold(world, garden, 1, 16)
    assert world.look() == {garden.key}

    world.now = at(2)
    world.hear(garden, 6.1)
    world.hear(other, 6.1)
    world.now = at(3)
    hold(world, garden, 1, 3)
    world.look()
    world.now = at(3.5)
    world.hear(garden, 6.05)

    assert verdicts(world, garden) == [(6.0, GOOD), (6.1, SUSPECT), (6.05, GOOD)]
    assert world.fleet.stored(garden)[1].reasons == ("calibrating",)
    assert verdicts(world, other) == [(6.0, GOOD), (6.1, GOOD)]


def test_a_worker_that_begins_anew_knows_of_it(world: World) -> None:
    garden = world.fleet.add_garden(1)
    hold(world, garden, 0, 15)
    world.look()
    world.now = at(1)
    world.hear(garden, 7.0)
    assert verdicts(world, garden) == [(7.0, SUSPECT)]


@pytest.mark.parametrize(
    ("measured", "expected"),
    [(0.9, GOOD), (1, SUSPECT), (9.9, SUSPECT), (10, GOOD)],
)
def test_what_a_script_sends_days_later_counts_by_when_it_was_measured(
    world: World, measured: float, expected: Verdict
) -> None:
    garden = world.fleet.add_garden(1)
    probe = world.fleet.probes[garden.key][0]
    world.now = at(1)
    hold(world, garden, 1, 10)
    world.now = START + timedelta(days=7)
    sent = SentReading(probe_key=probe.key, kind=ChannelKind.PH, value=6.0, at=at(measured))

    (result,) = world.desk.take(world.fleet.context(garden), [sent])

    assert result.verdict is expected
    assert ("calibrating" in result.reasons) == (expected is SUSPECT)


def test_what_a_script_sends_without_a_time_is_of_now(world: World) -> None:
    garden = world.fleet.add_garden(1)
    hold(world, garden, 0, 15)
    assert world.post(garden, 7.0) is SUSPECT
    world.now = at(15)
    assert world.post(garden, 6.0) is GOOD
