"""A device that tells one time for several numbers: none of them is lost or made old."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from kamerplanter_backend.telemetry.probe.intake import ProbeIntake
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Reading,
    Reason,
    Verdict,
)
from tests.backend.garden import Garden

PH, EC = ChannelKind.PH, ChannelKind.EC


class Bench:
    """A probe in a garden, whose device says what a test wants at the time that it wants."""

    def __init__(self, garden: Garden) -> None:
        self.garden = garden
        channels = tuple(ChannelBinding(kind=kind, topic="t", path=kind.value) for kind in (PH, EC))
        self.probe: Probe = garden.probe(channels=channels)
        self.intake = ProbeIntake(self.probe, started_at=garden.now)

    def say(self, value: float, told_at: datetime | None, kind: ChannelKind = PH) -> None:
        time = "" if told_at is None else f', "time": "{told_at.isoformat()}"'
        payload = f'{{"{kind.value}": {value}{time}}}'
        self.intake.on_message("t", payload, retained=False, received_at=self.garden.now)
        self.garden.services.telemetry.record(self.garden.context(), self.intake.take_readings())

    def stored(self) -> list[tuple[datetime, float]]:
        week = timedelta(days=7)
        context, now = self.garden.context(), self.garden.now
        found: tuple[Reading, ...] = self.garden.services.telemetry.list_readings(
            context, self.probe.key, PH, now - week, now + week
        )
        return [(item.at, item.value) for item in found]

    @property
    def shown(self) -> tuple[float | None, Verdict, float | None]:
        shown = self.intake.shown(PH, self.garden.now)
        return shown.value, shown.verdict, shown.age_s

    @property
    def standing(self) -> int:
        return self.intake.counts[PH, Reason.CLOCK_STANDS_STILL]


@pytest.fixture
def bench() -> Iterator[Bench]:
    garden = Garden()
    yield Bench(garden)
    garden.store.close()


def test_two_numbers_of_one_second_are_two_readings(bench: Bench) -> None:
    second = bench.garden.now - timedelta(seconds=5)
    second = second.replace(second=17)

    bench.say(6.01, second)
    bench.garden.wait(seconds=0.3)
    bench.say(6.09, second)
    bench.garden.wait(seconds=0.1)
    bench.say(6.09, second)

    assert bench.stored() == [(second, 6.01), (second + timedelta(seconds=0.3), 6.09)]
    assert bench.shown[0] == 6.09
    assert bench.standing == 0
    # A clock that is behind goes on: the next second is later than both.
    bench.garden.wait(seconds=0.8)
    bench.say(6.05, second + timedelta(seconds=1))
    assert bench.shown[0] == 6.05


def test_numbers_that_come_at_once_keep_their_order(bench: Bench) -> None:
    second = bench.garden.now.replace(second=17) - timedelta(minutes=1)

    for value in (6.01, 6.03, 6.02):
        bench.say(value, second)

    assert [value for _, value in bench.stored()] == [6.01, 6.03, 6.02]
    assert len({at for at, _ in bench.stored()}) == 3


def test_the_same_number_of_the_same_time_is_one_reading(bench: Bench) -> None:
    told_at = bench.garden.now - timedelta(minutes=3)

    for _ in range(3):
        bench.say(6.01, told_at)
        bench.garden.wait(minutes=10)

    assert bench.stored() == [(told_at, 6.01)]
    assert bench.standing == 0


def test_a_device_that_leaves_out_the_seconds_has_no_broken_clock(bench: Bench) -> None:
    minute = bench.garden.now

    for number in range(8):
        told_at = minute + timedelta(minutes=number // 4)
        bench.say(6.01 + number / 100, told_at)
        bench.garden.wait(seconds=15)

    begins = [minute + timedelta(seconds=15 * number) for number in range(8)]
    assert [at for at, _ in bench.stored()] == begins
    assert bench.standing == 0


def test_a_clock_that_stands_still_makes_no_value_old(bench: Bench) -> None:
    standing = bench.garden.now.replace(second=17) - timedelta(hours=1)

    for number in range(8):
        bench.say(6.1 + number / 100, standing)
        bench.say(1.2 + number / 100, None, EC)
        assert bench.shown[:2] == (pytest.approx(6.1 + number / 100), Verdict.GOOD)
        if number:
            assert bench.shown[2] == 0
        bench.garden.wait(hours=1)

    assert len(bench.stored()) == 8
    assert bench.standing == 7
    told = [item for item in bench.intake.take_notices() if item.kind is PH]
    assert [(item.reason, item.source) for item in told] == [(Reason.CLOCK_STANDS_STILL, "t")]
    assert told[0].sentence == "the clock of t stands still, so the time of receipt counts"
    # Its numbers may repeat themselves now.
    bench.say(6.17, standing)
    assert bench.shown[2] == 0


def test_a_clock_that_runs_again_is_believed_once_it_is_ahead_of_what_was_given(
    bench: Bench,
) -> None:
    standing = bench.garden.now.replace(second=17) - timedelta(hours=1)
    bench.say(6.1, standing)
    bench.garden.wait(minutes=30)
    bench.say(6.11, standing)
    bench.garden.wait(minutes=10)

    bench.say(6.12, standing + timedelta(minutes=10))
    assert bench.shown == (6.12, Verdict.GOOD, 0)
    bench.garden.wait(minutes=10)
    told_at = bench.garden.now - timedelta(seconds=4)
    bench.say(6.13, told_at)

    assert bench.stored()[-1] == (told_at, 6.13)
    assert bench.standing == 2


def test_what_a_device_has_buffered_keeps_its_times(bench: Bench) -> None:
    times = [bench.garden.now - timedelta(minutes=10 * number) for number in range(6, 0, -1)]

    for number, told_at in enumerate(times):
        bench.say(6.1 + number / 100, told_at)

    assert [at for at, _ in bench.stored()] == times
    assert bench.standing == 0
