"""Writes at a pace: each at once, and in a flood the newest twice a second."""

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

from homeassistant.core import HomeAssistant
from hypothesis import given, strategies as st

from custom_components.kamerplanter.write_pace import EACH_S, PacedWrites

BURST = 10
ROUNDING_S = 1e-6
pauses = st.one_of(st.just(0.0), st.floats(0.0001, 0.01), st.floats(0.01, 30))


@dataclass
class Loop:
    """As much of a loop and a house as a timer needs, with a clock that is set by hand."""

    now: float = 1000.0
    timers: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, action: Callable[..., None], *args: object) -> Any:
        timer = (when, lambda: action(*args))
        self.timers.append(timer)
        return SimpleNamespace(cancel=lambda: self.timers.remove(timer))

    def pass_time(self, delay_s: float) -> None:
        end = self.now + delay_s
        while due := [timer for timer in self.timers if timer[0] <= end]:
            timer = min(due, key=lambda item: item[0])
            self.timers.remove(timer)
            self.now = max(self.now, timer[0])
            timer[1]()
        self.now = end

    @property
    def house(self) -> HomeAssistant:
        def run(job: Any, now: object) -> None:
            job.target(now)

        return cast("HomeAssistant", SimpleNamespace(loop=self, async_run_hass_job=run))


class Sensor:
    """Something with a value that is written somewhere."""

    def __init__(self, burst: int = BURST) -> None:
        self.loop = Loop()
        self.value: object = None
        self.written: list[tuple[float, object]] = []
        self.writes = PacedWrites(self.loop.house, self._write, burst=burst)

    def _write(self) -> None:
        self.written.append((self.loop.now, self.value))

    def say(self, value: object) -> None:
        self.value = value
        self.writes.soon()

    @property
    def shown(self) -> object:
        return self.written[-1][1]


@given(st.lists(st.tuples(st.integers(0, 3), pauses), min_size=1), st.integers(1, BURST))
def test_the_newest_is_written_within_half_a_second_and_never_too_much(
    sent: list[tuple[int, float]], burst: int
) -> None:
    sensor = Sensor(burst)
    said: list[tuple[float, int]] = []
    for number, (value, pause_s) in enumerate(sent):
        said.append((sensor.loop.now, number))
        sensor.say((number, value))
        sensor.loop.pass_time(pause_s)
    sensor.loop.pass_time(EACH_S)

    assert sensor.shown == (len(sent) - 1, sent[-1][0])
    assert sensor.loop.timers == []
    moments = [at for at, _ in sensor.written]
    for first, begin in enumerate(moments):
        for count, end in enumerate(moments[first:], start=1):
            assert count <= burst + (end - begin) / EACH_S + ROUNDING_S
    # Whatever was said is written, or something newer, within half a second.
    for at, number in said:
        assert any(
            at <= when <= at + EACH_S + ROUNDING_S and cast("tuple[int, int]", what)[0] >= number
            for when, what in sensor.written
        )


@given(st.lists(st.tuples(st.booleans(), pauses), min_size=1))
def test_what_may_not_wait_is_written_at_once_and_nothing_follows_it(
    sent: list[tuple[bool, float]],
) -> None:
    sensor = Sensor()
    for number, (may_wait, pause_s) in enumerate(sent):
        sensor.value = number
        if may_wait:
            sensor.writes.soon()
        else:
            sensor.writes.now()
            assert sensor.written[-1] == (sensor.loop.now, number)
            assert sensor.loop.timers == []
        sensor.loop.pass_time(pause_s)
    sensor.loop.pass_time(EACH_S)

    assert sensor.shown == len(sent) - 1
    assert sensor.loop.timers == []


def test_a_source_that_sends_twice_a_second_is_never_put_off() -> None:
    sensor = Sensor()
    for number in range(100):
        sensor.say(number)
        assert sensor.written[-1] == (sensor.loop.now, number)
        sensor.loop.pass_time(0.5)


def test_four_times_a_second_is_shown_each_time_at_first_and_then_twice_a_second() -> None:
    sensor = Sensor()
    for number in range(60):
        sensor.say(number)
        sensor.loop.pass_time(0.25)

    moments = [at - 1000 for at, _ in sensor.written]
    # A write takes half a second of the five and gets a quarter back: after 18 of them half a
    # second is left, which is the nineteenth.
    assert moments[:19] == [number / 4 for number in range(19)]
    assert {later - at for at, later in pairwise(moments[18:])} == {0.5}
    assert sensor.shown == 59


def test_after_a_flood_a_pause_gives_the_burst_back() -> None:
    sensor = Sensor()
    for _ in range(1000):
        sensor.say("flood")
    sensor.loop.pass_time(60)
    sensor.written.clear()

    for number in range(BURST):
        sensor.say(number)

    assert [what for _, what in sensor.written] == list(range(BURST))


def test_what_was_written_at_once_does_not_put_the_next_value_off_for_longer() -> None:
    sensor = Sensor()
    for _ in range(100):
        sensor.writes.now()
    sensor.say("value")
    assert len(sensor.written) == 100

    sensor.loop.pass_time(EACH_S)

    assert sensor.shown == "value"


def test_who_is_stopped_writes_nothing_more() -> None:
    sensor = Sensor()
    for number in range(50):
        sensor.say(number)

    sensor.writes.stop()
    sensor.loop.pass_time(60)

    assert len(sensor.written) == BURST
    assert sensor.loop.timers == []


def test_a_clock_that_goes_back_puts_nothing_off_for_longer() -> None:
    sensor = Sensor()
    for number in range(BURST):
        sensor.say(number)
    sensor.loop.now -= 500

    sensor.say("after")

    assert sensor.shown == "after"
