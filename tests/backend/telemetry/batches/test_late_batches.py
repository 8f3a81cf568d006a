"""What comes late in a batch is judged as in its turn, and changes nothing of now."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_backend.common.context import Context
from kamerplanter_backend.domain.repositories.unit_of_work import Readings
from kamerplanter_backend.domain.snapshot import past_views
from kamerplanter_backend.domain.snapshot.past_views import Past
from kamerplanter_backend.telemetry.batches.reading_desk import ReadingDesk, SentReading
from kamerplanter_engines.models.rollup import (
    Bucket,
    RollupLevel,
    microseconds,
    moment_of,
    rollup_of,
)
from kamerplanter_engines.models.task import TaskFields, TaskKind
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Verdict,
)
from kamerplanter_engines.rollup_engine import roll_up
from tests.backend.garden import Garden

PH, WATER = ChannelKind.PH, ChannelKind.WATER_TEMPERATURE
EC = ChannelKind.EC
GOOD, SUSPECT = Verdict.GOOD, Verdict.SUSPECT
RATE = ("rate",)

type Said = tuple[float, ChannelKind, float]
"""After how many minutes, what, and how much."""


OPEN: list[Garden] = []


@pytest.fixture(autouse=True)
def _closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().store.close()


class Script:
    """Sends what one probe measured, by the minute; `now` is a day after the start."""

    def __init__(self, *kinds: ChannelKind, now_min: float = 1440, in_tank: bool = False) -> None:
        self.garden = Garden()
        OPEN.append(self.garden)
        self.start = self.garden.now
        tank_key = self.garden.tank().key if in_tank else None
        self.probe = self.garden.probe(*kinds, tank_key=tank_key)
        self.desk = ReadingDesk(self.garden.services.telemetry)
        self.garden.now = self.at(now_min)

    def at(self, minute: float) -> datetime:
        return self.start + timedelta(minutes=minute)

    def send(self, *said: Said) -> list[tuple[Verdict, tuple[str, ...]]]:
        sent = [
            SentReading(probe_key=self.probe.key, kind=kind, value=value, at=self.at(minute))
            for minute, kind, value in said
        ]
        found = self.desk.take(self.garden.context(), sent) if sent else ()
        self.garden.wait(seconds=1)
        return [(item.verdict, item.reasons) for item in found]

    def hour(self, kind: ChannelKind) -> tuple[float | None, float | None]:
        """Return mean and highest value of the first hour."""
        (found,) = self.garden.services.telemetry.list_rollups(
            self.garden.context(),
            self.probe.key,
            kind,
            RollupLevel.HOUR,
            self.start,
            self.at(60),
        )
        return found.mean, found.high

    def check_hours(self, until: float) -> None:
        """Compare each hour, summed up and stored before, with what its readings come to."""
        telemetry, context = self.garden.services.telemetry, self.garden.context()
        telemetry.roll_up(context)
        channels = [binding.kind for binding in self.probe.channels]
        for kind in channels:
            window = (self.probe.key, kind, self.at(-60), self.at(until + 180))
            points = [
                (microseconds(item.at), item.value, item.verdict is GOOD)
                for item in telemetry.list_readings(context, *window)
            ]
            hours = telemetry.list_rollups(
                context, self.probe.key, kind, RollupLevel.HOUR, *window[2:]
            )
            assert sum(hour.reading_count + hour.suspect_count for hour in hours) == len(points)
            for hour in hours:
                ends_us = hour.starts_us + round(hour.length_s * 1_000_000)
                bucket = Bucket(moment_of(hour.starts_us), moment_of(ends_us))
                inside = [item for item in points if hour.starts_us <= item[0] < ends_us]
                good = [item for item in points if item[0] < hour.starts_us and item[2]]
                assert (
                    rollup_of(
                        self.probe.key,
                        kind,
                        RollupLevel.HOUR,
                        bucket,
                        roll_up(inside, bucket, good),
                    )
                    == hour
                )

    def now(self) -> tuple[object, ...]:
        """Return what is shown of now, what alarms, what is to be done, and what is remembered."""
        view = self.garden.snapshot()
        (probe,) = [item for item in view.probes if item.probe.key == self.probe.key]
        channels = [(item.kind, item.last_good, item.last, item.doubted) for item in probe.channels]
        alerts = [item.kind for tank in view.tanks for item in tank.problems if item.is_on]
        states = self.desk._gardens
        with states.held(self.garden.context().tenant_key) as memories:
            remembered = dict(memories[self.probe.key].states)
        return channels, alerts, view.tasks, remembered


SPIKE = [(0, PH, 6.0), (1, PH, 9.5), (2, PH, 6.05), (3, PH, 6.1)]


def test_a_spike_is_doubted_in_its_turn() -> None:
    script = Script(PH)

    assert script.send(*SPIKE) == [(GOOD, ()), (SUSPECT, RATE), (GOOD, ()), (GOOD, ())]
    mean, high = script.hour(PH)
    assert (mean, high) == (pytest.approx(6.05, abs=0.001), 6.1)


@pytest.mark.parametrize("restarts", [False, True])
def test_a_spike_that_comes_late_is_doubted_too(*, restarts: bool) -> None:
    in_turn, script = Script(PH), Script(PH)
    in_turn.send(*SPIKE)
    script.send(SPIKE[0], *SPIKE[2:])
    before = script.now()
    known = slice(None)
    if restarts:
        # After a start what was said last is not known, only what it was.
        known = slice(3)
        script.desk = ReadingDesk(script.garden.services.telemetry)

    assert script.send(SPIKE[1]) == [(SUSPECT, RATE)]
    assert script.hour(PH) == in_turn.hour(PH)
    assert script.now()[known] == before[known]


def test_f_36_a_failed_thermometer_that_comes_late() -> None:
    # 3.65 K in ten seconds, then the same to the digit: it never heals.
    script = Script(WATER)
    script.send((0, WATER, 21.35), (60, WATER, 21.4))

    late = [(number / 6, WATER, 25.0) for number in range(1, 6)]

    assert script.send(*late) == [(SUSPECT, RATE)] * 5


def test_a_change_that_comes_late_proves_itself_across_batches() -> None:
    script = Script(PH)
    script.send((0, PH, 6.01), (60, PH, 6.02))

    # Twice 0.1 a minute is believed, which is 1.0 within five.
    assert script.send((5, PH, 8.01), (6, PH, 8.02)) == [(SUSPECT, RATE)] * 2
    # The third one that agrees with the first.
    assert script.send((7, PH, 8.03), (8, PH, 8.04)) == [(SUSPECT, RATE), (GOOD, ())]


def test_what_came_late_and_is_true_speaks_for_what_comes_later_still() -> None:
    script = Script(PH)
    script.send((0, PH, 6.01), (60, PH, 6.02))

    assert script.send((5, PH, 6.91)) == [(GOOD, ())]
    # 0.25 within the minute, though 1.15 since the first one would have been much less.
    assert script.send((5.5, PH, 7.16), (6, PH, 7.01)) == [(SUSPECT, RATE), (GOOD, ())]


def test_a_fill_before_it_excuses_a_jump_that_comes_late() -> None:
    script = Script(EC, now_min=65, in_tank=True)
    garden = script.garden
    task = garden.services.task.add(
        garden.context(), TaskFields(kind=TaskKind.TANK_EC, tank_key=script.probe.tank_key)
    )
    garden.services.task.complete(garden.context(), task.key)
    garden.wait(hours=3)
    script.send((60, EC, 0.81), (180, EC, 0.82))

    assert script.send((62, EC, 2.41), (66, EC, 2.42)) == [(SUSPECT, RATE), (GOOD, ())]


def test_one_that_stood_still_then_has_stuck_whatever_it_did_since() -> None:
    script = Script(WATER, PH, now_min=5 * 1440)
    # Both stand still for a day and an hour, and move again afterwards.
    hours = [hour * 60 for hour in range(26)]
    script.send(
        *[(minute, PH, 6.03) for minute in hours],
        *[(minute, WATER, 21.37) for minute in hours if minute != 1500],
        (1600, PH, 6.11),
        (1600, WATER, 21.52),
    )

    assert script.send((1500, WATER, 21.37)) == [(SUSPECT, ("stuck",))]


def test_a_late_one_of_the_old_device_is_judged_by_its_range_alone() -> None:
    script = Script(PH, now_min=10)
    script.send((0, PH, 6.01), (1, PH, 6.02))
    script.garden.services.probe.replace_device(
        script.garden.context(), script.probe.key, script.at(10)
    )
    script.garden.now = script.at(60)
    script.send((30, PH, 6.03), (50, PH, 6.04))

    assert script.send((0.5, PH, 9.01), (0.6, PH, 11.01)) == [
        (GOOD, ()),
        (SUSPECT, ("outside_plausible",)),
    ]
    assert script.send((31, PH, 9.02)) == [(SUSPECT, RATE)]


def test_a_late_one_is_not_compared_with_another_tank() -> None:
    script = Script(PH, now_min=10, in_tank=True)
    script.send((0, PH, 6.01), (9, PH, 6.02))
    other = script.garden.tank(name="Other")
    script.garden.services.probe.update(
        script.garden.context(), script.probe.key, {"tank_key": other.key}
    )
    script.garden.now = script.at(90)
    script.send((60, PH, 7.51))

    # The first of this tank; then one that is measured against it.
    assert script.send((40, PH, 7.52), (40.5, PH, 9.03)) == [(GOOD, ()), (SUSPECT, RATE)]
    assert script.send((9.5, PH, 9.04)) == [(GOOD, ())]


def test_nothing_is_alarmed_or_done_by_what_comes_late() -> None:
    script = Script(PH, in_tank=True)
    script.send((0, PH, 6.01), (119, PH, 6.02), (120, PH, 6.03))
    before = script.now()

    # It is far out of the band for an hour, and believed after three more.
    late = script.send(*[(minute + 1, PH, 8.01 + minute / 1000) for minute in range(0, 60, 2)])

    assert [verdict for verdict, _ in late] == [SUSPECT] * 3 + [GOOD] * 27
    assert script.now() == before


def test_what_was_measured_beside_a_late_one_belongs_to_its_message() -> None:
    script = Script(PH, WATER)
    script.send((0, PH, 6.01), (0, WATER, 21.37), (60, PH, 6.02), (60, WATER, 21.38))
    before = script.now()

    assert script.send((1, WATER, 25.01)) == [(SUSPECT, RATE)]
    assert script.send((1, PH, 9.51)) == [(SUSPECT, RATE)]
    assert script.now() == before


@pytest.mark.parametrize("read_on", [past_views.READ_ON, 3])
def test_the_store_is_asked_once_for_each_channel(
    read_on: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(past_views, "READ_ON", read_on)
    script = Script(PH, WATER)
    on_time = [(float(minute), PH, 6.01 + minute / 100) for minute in range(30)]
    script.send(*on_time, (40, WATER, 21.37))
    asked: list[ChannelKind] = []
    telemetry = script.garden.services.telemetry
    past = telemetry.past

    def noted(context: Context, probe: Probe, channel: ChannelBinding, *at: datetime) -> Past:
        asked.append(channel.kind)
        return past(context, probe, channel, *at)

    monkeypatch.setattr(telemetry, "past", noted)

    late = [(minute + 0.5, PH, 9.51) for minute in range(29)]

    assert script.send(*late) == [(SUSPECT, RATE)] * 29
    # The thermometer said nothing before, but it has said something since.
    assert asked.count(WATER) == 1
    assert (asked.count(PH) == 1) == (read_on > 30)


def test_what_comes_in_its_turn_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    script = Script(PH, WATER)

    def refuse(*_asked: object) -> Past:
        pytest.fail("asked for the past")

    monkeypatch.setattr(script.garden.services.telemetry, "past", refuse)

    script.send((0, PH, 6.01), (5, PH, 6.02))
    # Behind the other channel, not behind its own.
    assert script.send((3, WATER, 21.37)) == [(GOOD, ())]


@pytest.mark.parametrize("between", [0, 3, 9])
def test_what_is_stored_is_looked_up_by_channel(
    between: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = Script(PH)
    step = between + 1
    # So many lie between two that are looked up; each other one of these is stored.
    stored = [at for at in range(20 * step) if at % (2 * step) != step]
    script.send(*[(float(at), PH, 6.01 + at / 1000) for at in stored])
    asked: list[int] = []
    of_range = Readings.range

    def noted(*args: object, **options: object) -> object:
        asked.append(1)
        return of_range(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Readings, "range", noted)
    moments = [(script.probe.key, PH, script.at(at)) for at in range(0, 20 * step, step)]

    found = script.garden.services.telemetry.stored(script.garden.context(), moments)

    assert sorted(found) == moments[::2]
    assert [found[moment].at for moment in moments[::2]] == [item[2] for item in moments[::2]]
    # Nine between are more than is read at once.
    assert len(asked) == (21 if between == 9 else 1)


JUMPS = st.sampled_from([0.0, 0.0, 0.01, -0.02, 0.03, 2.51, -2.51, 3.64])
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.2, 1, 1, 3, 40, 180, 420]),
        st.sampled_from([PH, PH, WATER]),
        JUMPS,
        st.booleans(),
    ),
    min_size=2,
    max_size=40,
)


def series(steps: Sequence[tuple[float, ChannelKind, float, bool]]) -> list[tuple[Said, bool]]:
    """Return what was measured, and whether it comes late; each starts finely and on time."""
    minute, shown = 1.0, {PH: 6.01, WATER: 21.37}
    found: list[tuple[Said, bool]] = [((0, PH, 6.01), False), ((0.5, WATER, 21.37), False)]
    for pause, kind, jump, is_late in steps:
        minute = round(minute + pause, 1)
        value = shown[kind] = round(shown[kind] + jump, 2)
        if not 3 < value < 13.5 + 30 * (kind is WATER):
            value = shown[kind] = 6.53
        found.append(((minute, kind, value), is_late))
    # The newest ones come on time, or nothing would be late.
    end = [((minute + 1, PH, shown[PH]), False), ((minute + 1.5, WATER, shown[WATER]), False)]
    return found + end


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, parts=st.integers(1, 4))
def test_what_comes_late_gets_the_verdict_of_its_turn(
    steps: list[tuple[float, ChannelKind, float, bool]], parts: int
) -> None:
    said = series(steps)
    end = said[-1][0][0] + 5
    in_turn, script = Script(PH, WATER, now_min=end), Script(PH, WATER, now_min=end)
    expected = in_turn.send(*[item for item, _ in said])
    on_time = [item for item, is_late in said if not is_late]
    late = [item for item, is_late in said if is_late]

    seen = dict(zip(on_time, script.send(*on_time), strict=True))
    before = script.now()
    size = max(1, -(-len(late) // parts))
    for first in range(0, len(late), size):
        part = late[first : first + size]
        seen |= zip(part, script.send(*part), strict=True)

    assert script.now() == before
    script.check_hours(end)
    for (item, is_late), verdict in zip(said, expected, strict=True):
        if seen[item] != verdict:
            # What was judged without it stays as it was judged, and speaks for what follows it.
            assert not is_late, (item, seen[item], verdict)
            break
    while OPEN:
        OPEN.pop().store.close()
