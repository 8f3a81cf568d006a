"""A level that jumps is believed at once: a tank that runs empty cries, on all roads."""

from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_engines.models.tank import AlertState, Tank, TankProblem
from kamerplanter_engines.models.task import TaskKind, TaskState
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.backend.garden import Garden
from tests.backend.telemetry.roads import (
    FILLS,
    GOOD,
    House,
    Make,
    Said,
    Story,
    Worker,
    all_roads,
    hear,
    late,
    on_time,
    over_http,
)

LEVEL = ChannelKind.LEVEL
ROADS = all_roads(restart_each=5, batch=7)


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

    def be_silent(self, minutes: int) -> None:
        """Let time pass in which nothing is heard."""
        for _ in range(minutes):
            self._garden.wait(minutes=1)
            self._garden.services.telemetry.evaluate(self._garden.context())

    @property
    def shown(self) -> float | None:
        """What a screen says now."""
        return self._intake.shown(LEVEL, self._garden.now).value

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


def test_a_tank_that_ran_dry_shows_it_at_once_and_cries_after_the_hold_time(
    garden: Garden, make: Make
) -> None:
    tank = Filled(garden, make)
    tank.say(80, 80)

    assert tank.say(2) == [GOOD]
    assert tank.shown == 2
    assert tank.say(2, 2, 2, 2) == [GOOD] * 4
    assert not tank.is_low
    # Five minutes after the first reading below its limit, as any problem.
    assert tank.say(2) == [GOOD]
    assert tank.is_low
    assert tank.has_task


@pytest.mark.parametrize("every_min", [1 / 3, 1, 30])
def test_a_sensor_that_speaks_only_when_the_level_changes_and_then_is_silent(
    garden: Garden, make: Make, every_min: float
) -> None:
    tank = Filled(garden, make)
    tank.say(80)

    for value in (50, 20, 3, 0):
        assert tank.say(value, every_min=every_min) == [GOOD]
        assert tank.shown == value

    tank.be_silent(minutes=6)
    assert tank.is_low
    assert tank.has_task


@pytest.mark.parametrize("every_min", [15, 60])
def test_who_reports_seldom_raises_it_with_the_second_reading(
    garden: Garden, make: Make, every_min: float
) -> None:
    tank = Filled(garden, make)

    tank.say(80, 2, 2, every_min=every_min)

    assert tank.is_low


@pytest.mark.parametrize("every_min", [1 / 6, 1])
def test_a_fast_fill_is_followed(garden: Garden, make: Make, every_min: float) -> None:
    tank = Filled(garden, make)
    tank.say(30)

    for value in (58, 86, 100):
        assert tank.say(value, every_min=every_min) == [GOOD]
        assert tank.shown == value


def test_a_fill_that_nobody_logs_ends_the_problem(garden: Garden, make: Make) -> None:
    tank = Filled(garden, make)
    tank.say(80, *[12] * 6)
    assert tank.is_low

    assert tank.say(95) == [GOOD]

    tank.be_silent(minutes=6)
    tank.say(95)
    assert not tank.is_low
    assert not tank.has_task


def test_a_restart_in_between_changes_nothing(garden: Garden, make: Make) -> None:
    tank = Filled(garden, make)
    tank.say(80, 2)

    tank.restart()

    assert tank.shown == 2
    assert tank.say(2, 2, 2, 2, 2) == [GOOD] * 5
    assert tank.is_low


def test_the_same_on_every_road() -> None:
    values = [80, 10, 80, 80, 20, 21, 20, 20, 20, 95, 95, 20, 20, 95, 80]
    said: list[Said] = [(number * 5, "left", value) for number, value in enumerate(values)]
    story = Story(LEVEL, said, fills=[44])

    found = {name: list(road(story).values()) for name, road in ROADS.items()}

    assert found == dict.fromkeys(ROADS, [GOOD] * len(values))


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
