"""A level that jumps decides nothing before it has proved itself: alerts, tasks, all roads."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_engines.models.tank import AlertState, Tank, TankProblem
from kamerplanter_engines.models.task import TaskKind, TaskState
from kamerplanter_engines.models.telemetry import ChannelKind, Reason, Verdict
from tests.backend.garden import Garden
from tests.backend.telemetry.roads import (
    House,
    Said,
    Story,
    Worker,
    hear,
    late,
    on_time,
    over_http,
)
from tests.backend.telemetry.test_roads import FILLS, ROADS

LEVEL = ChannelKind.LEVEL
GOOD, JUMPED = (Verdict.GOOD, ()), (Verdict.SUSPECT, (Reason.RATE.value,))

type Make = type[Worker | House]


@pytest.fixture
def garden() -> Iterator[Garden]:
    """Return a garden in memory."""
    made = Garden()
    yield made
    made.store.close()


@pytest.fixture(params=[Worker, House])
def make(request: pytest.FixtureRequest) -> Make:
    """Return who listens."""
    found: Make = request.param
    return found


class Filled:
    """A tank that is too low below 25 %, with a sensor that reports each minute."""

    def __init__(self, garden: Garden, make: Make) -> None:
        self._garden, self._make = garden, make
        self.tank: Tank = garden.tank(level_low_pct=25)
        garden.probe(
            key="float",
            name="Float",
            tank_key=self.tank.key,
            channels=(Story(LEVEL, ()).binding("float"),),
        )
        self.restart()

    def restart(self) -> None:
        """Listen anew, as another process would."""
        self._listener = self._make(self._garden, self._garden.now)
        self._intake = self._listener.sync()["float"]

    def say(self, *values: float, every_min: float = 1) -> list[object]:
        """Return the verdicts."""
        found: list[object] = []
        for value in values:
            self._garden.wait(minutes=every_min)
            found.append(hear(self._garden, self._intake, self._garden.now, value))
            self._garden.services.telemetry.evaluate(self._garden.context())
        return found

    def log_fill(self) -> None:
        """Complete the task that the low level has made."""
        task = self._garden.only_task(TaskKind.TANK_LEVEL)
        self._garden.services.task.complete(self._garden.context(), task.key)
        self._intake = self._listener.sync()["float"]

    @property
    def is_low(self) -> bool:
        alerts = self._garden.services.tank.alerts(self._garden.context(), self.tank.key)
        found = [alert for alert in alerts if alert.kind is TankProblem.LEVEL]
        return bool(found) and found[0].state is AlertState.ACTIVE

    @property
    def has_task(self) -> bool:
        return any(
            task.kind is TaskKind.TANK_LEVEL and task.state is TaskState.OPEN
            for task in self._garden.snapshot().tasks
        )


def test_a_false_echo_makes_no_task(garden: Garden, make: Make) -> None:
    tank = Filled(garden, make)
    tank.say(80, 80)

    for _ in range(4):
        assert tank.say(10, 80) == [JUMPED, GOOD]

    # Two that are wrong in a row, six minutes apart, would have been a problem by themselves.
    assert tank.say(10, 10, 80, every_min=6) == [JUMPED, JUMPED, GOOD]
    assert not tank.is_low
    assert not tank.has_task


def test_a_tank_that_ran_dry_is_told_once_three_readings_agree(garden: Garden, make: Make) -> None:
    tank = Filled(garden, make)
    tank.say(80)

    assert tank.say(5, 5, 5, 5) == [JUMPED, JUMPED, JUMPED, GOOD]
    assert not tank.is_low
    # And from then on for as long as every problem is held back.
    tank.say(5, 5, 5, 5)
    assert not tank.is_low
    tank.say(5)

    assert tank.is_low
    assert tank.has_task


def dried_out(garden: Garden, make: Make) -> Filled:
    tank = Filled(garden, make)
    tank.say(*range(40, 10, -3))
    tank.say(*[12] * 8)
    assert tank.is_low
    assert tank.has_task
    return tank


def test_a_false_echo_ends_no_problem(garden: Garden, make: Make) -> None:
    tank = dried_out(garden, make)

    assert tank.say(95, 12, 95, 95, 12) == [JUMPED, GOOD, JUMPED, JUMPED, GOOD]

    assert tank.is_low
    assert tank.has_task


def test_a_fill_that_nobody_logs_ends_it_with_the_third_further_reading(
    garden: Garden, make: Make
) -> None:
    tank = dried_out(garden, make)

    assert tank.say(95, 95, 95) == [JUMPED] * 3
    assert tank.has_task
    assert tank.say(95) == [GOOD]

    assert not tank.is_low
    assert not tank.has_task


@pytest.mark.parametrize("is_before", [True, False])
def test_a_fill_that_is_logged_ends_it_at_once(
    garden: Garden, make: Make, *, is_before: bool
) -> None:
    tank = dried_out(garden, make)
    if not is_before:
        assert tank.say(95) == [JUMPED]

    tank.log_fill()

    assert tank.say(95) == [GOOD]
    assert not tank.is_low


def test_doubt_goes_on_after_a_restart(garden: Garden, make: Make) -> None:
    tank = dried_out(garden, make)
    tank.say(95)

    tank.restart()

    assert tank.say(95, 95, 95) == [JUMPED, JUMPED, GOOD]
    assert not tank.is_low


@pytest.mark.parametrize(
    ("pause_min", "expected"), [(60, JUMPED), (240, GOOD)], ids=["hourly", "each four hours"]
)
def test_a_sleepy_sensor_is_not_doubted_for_half_a_day(
    garden: Garden, make: Make, pause_min: int, expected: object
) -> None:
    tank = Filled(garden, make)
    tank.say(80)

    assert tank.say(20, every_min=pause_min) == [expected]


def test_the_same_on_every_road() -> None:
    values = [80, 10, 80, 80, 20, 21, 20, 20, 20, 95, 95, 20, 20, 95, 80]
    said: list[Said] = [(number * 5, "left", value) for number, value in enumerate(values)]
    story = Story(LEVEL, said, fills=[44])

    found = {name: list(road(story).values()) for name, road in ROADS.items()}

    expected = [GOOD, JUMPED, GOOD, GOOD, JUMPED, JUMPED, JUMPED, GOOD, GOOD]
    # Filled and logged; within a quarter of an hour it may go down again, and not up after it.
    expected += [GOOD, GOOD, GOOD, GOOD, JUMPED, JUMPED]
    assert found["worker"] == expected
    unbroken = {name: item for name, item in found.items() if "restarts" not in name}
    assert unbroken == dict.fromkeys(unbroken, expected)


@settings(max_examples=5, deadline=None)
@given(
    values=st.lists(st.sampled_from([5, 20, 24, 49, 80, 100]), min_size=6, max_size=24),
    pace_min=st.sampled_from([1, 5, 50]),
    fills=FILLS,
    size=st.integers(1, 30),
)
def test_no_verdict_depends_on_the_road_or_on_where_batches_end(
    values: list[int], pace_min: int, fills: set[int], size: int
) -> None:
    said: list[Said] = [(number * pace_min, "left", value) for number, value in enumerate(values)]
    # Not within the two minutes by which clocks differ.
    filled = sorted(minute for minute in fills if pace_min != 1 and minute <= said[-1][0])
    story, delay = Story(LEVEL, said, filled), timedelta(hours=3)

    expected = on_time(Worker)(story)

    assert over_http(size, delay)(story) == expected
    assert late(House, delay)(story) == expected
