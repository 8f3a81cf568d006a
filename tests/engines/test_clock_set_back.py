"""A memory that lies ahead of now is of unknown age: it is not shown and holds nothing up."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_engines.evidence_engine import decides, is_recent, listening_since
from kamerplanter_engines.models.base import is_ahead
from kamerplanter_engines.models.tank import (
    AlertState,
    Band,
    Side,
    TankAlertFields,
    TankProblem,
)
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Reason
from kamerplanter_engines.tank_engine import judge_alert, problem_state
from kamerplanter_engines.telemetry_engine import (
    ChannelState,
    Sample,
    expires_at,
    freshness,
    judge_message,
    keep_retained,
    rules_for,
    without_future,
)
from kamerplanter_engines.watering_schedule_engine import MoistureVerdict, judge_moisture
from tests.engines.channel_bench import (
    EC,
    GOOD,
    HOUR,
    MOISTURE,
    PH,
    STALE,
    SUSPECT,
    T0,
    WATER,
    Bench,
    reading,
)

TOLERATED_S = 120
RULES = {kind: rules_for(ChannelBinding(kind=kind, topic="t")) for kind in ChannelKind}


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("ahead_s", "expected"), [(-HOUR, False), (0, False), (120, False), (120.001, True)]
)
def test_two_minutes_ahead_are_a_difference_of_clocks(ahead_s: float, *, expected: bool) -> None:
    assert is_ahead(at(ahead_s), T0) is expected
    assert is_recent(at(ahead_s), now=T0, max_age_s=60) is (ahead_s >= -60 and not expected)


class TestShown:
    @pytest.mark.parametrize(
        ("ahead_s", "value"), [(0, 6.1), (120, 6.1), (121, None), (HOUR, None)]
    )
    @pytest.mark.parametrize("origin", ["live", "restored"])
    def test_value_from_ahead_is_not_shown(
        self, ahead_s: float, value: float | None, origin: str
    ) -> None:
        bench = Bench(PH)
        if origin == "live":
            bench.one(ahead_s, 6.1)
        else:
            bench.restore(reading(PH, ahead_s, 6.1), reading(PH, ahead_s, 6.1))

        shown = bench.shown(0)

        assert shown.value == value
        if value is None:
            assert (shown.verdict, shown.reasons) == (STALE, (Reason.CLOCK_WAS_AHEAD,))
            assert (shown.at, shown.age_s) == (None, None)

    def test_value_from_before_is_shown_though_newer_ones_lie_ahead(self) -> None:
        bench = Bench(PH)
        bench.restore(reading(PH, -600, 6.1), reading(PH, HOUR, 9.9, SUSPECT))

        shown = bench.shown(0)

        assert (shown.value, shown.age_s, shown.verdict) == (6.1, 600, STALE)

    def test_nothing_from_ahead_becomes_too_old_later(self) -> None:
        state = without_future(ChannelState(good_value=6.1, good_at=at(HOUR)), T0)

        assert expires_at(state, RULES[PH], T0) is None

    def test_heard_ahead_is_not_heard_since_the_start(self) -> None:
        # The device knew the time and the host did not; then the host restarted with the right one.
        heard = reading(PH, -60, 6.1).model_copy(update={"received_at": at(HOUR)})
        bench = Bench(PH)
        bench.restore(heard, heard)

        shown = bench.shown(10)

        assert (shown.value, shown.verdict, shown.reasons) == (6.1, STALE, (Reason.RESTORED,))
        assert not decides(heard, now=at(10), started_at=T0, max_age_s=HOUR)


class TestNextReading:
    @pytest.mark.parametrize("value", [6.1, 6.3, 8.9])
    def test_it_counts_at_once(self, value: float) -> None:
        bench = Bench(PH)
        bench.one(HOUR, 6.1)

        judged = bench.one(0, value)

        assert judged.verdict is GOOD
        shown = bench.shown(0)
        assert (shown.value, shown.age_s, shown.verdict) == (value, 0, GOOD)

    def test_within_the_tolerance_it_is_late_and_changes_nothing(self) -> None:
        bench = Bench(PH)
        bench.one(TOLERATED_S, 6.1)

        assert bench.one(0, 6.3).verdict is GOOD
        assert bench.shown(0).value == 6.1

    def test_one_of_the_past_is_compared_with_the_past(self) -> None:
        bench = Bench(PH)
        bench.restore(reading(PH, -60, 6.1), reading(PH, HOUR, 9.9, SUSPECT))

        assert bench.one(0, 9.1).reasons == (Reason.RATE,)
        assert bench.one(60, 6.15).verdict is GOOD

    def test_retained_value_with_its_time_is_shown(self) -> None:
        bench = Bench(PH)
        bench.one(HOUR, 6.1)
        kept = Sample(kind=PH, raw=6.4, at=at(-60), received_at=T0, has_device_time=True)

        bench.states = keep_retained([kept], bench.states, bench.rules)

        assert (bench.shown(0).value, bench.shown(0).age_s) == (6.4, 60)


class TestDoubt:
    """What speaks against a value does not go with the clock."""

    def test_stuck_stays_stuck_until_the_value_changes(self) -> None:
        bench = Bench(WATER)
        stuck = reading(WATER, HOUR, 21.375, SUSPECT, (Reason.STUCK,))
        bench.restore(None, stuck)

        assert bench.one(0, 21.375).reasons == (Reason.STUCK,)
        assert bench.one(60, 21.4).verdict is GOOD

    def test_a_cut_probe_does_not_heal_by_the_clock(self) -> None:
        bench = Bench(PH)
        bench.one(0, 6.0)
        jump = [bench.one(seconds, 9.123).verdict for seconds in range(180, 600, 10)]

        # The clock goes back; an hour later a pH could have moved that far.
        after = [bench.one(seconds, 9.123).verdict for seconds in range(30, HOUR, 30)]

        assert {*jump, *after} == {SUSPECT}

    def test_standing_still_is_counted_from_now(self) -> None:
        bench = Bench(EC, PH)
        bench.message(HOUR, ec=1.5, ph=5.8)

        verdicts = [bench.message(600 * i, ec=1.5, ph=5.8)["ph"].verdict for i in range(145)]

        assert verdicts == [GOOD] * 144 + [SUSPECT]


@st.composite
def broken_clocks(draw: st.DrawFn) -> list[Sample]:
    """Values of a pH in the order of arrival, by a clock that jumps by hours either way."""
    seconds, sent = 0.0, []
    for _ in range(draw(st.integers(1, 30))):
        seconds += draw(st.sampled_from([1, 10, 60, 600]))
        seconds += draw(st.sampled_from([0, 0, 0, -HOUR, HOUR, -26 * HOUR]))
        value = draw(st.one_of(st.floats(0, 14), st.sampled_from([6.0, 6.01, 6.1, 9.0, 0.0])))
        sent.append(Sample(kind=PH, raw=value, at=at(seconds), received_at=at(seconds)))
    return sent


@given(broken_clocks())
@settings(deadline=None)
def test_whatever_the_clock_did_a_good_reading_is_shown(sent: list[Sample]) -> None:
    states: dict[ChannelKind, ChannelState] = {}
    for sample in sent:
        (judged,), states = judge_message([sample], states, RULES)
        shown = freshness(states[PH], RULES[PH], sample.at, None)
        if judged.verdict is GOOD and not judged.is_repeat:
            assert (shown.value, shown.at, shown.verdict) == (judged.value, sample.at, GOOD)
        moments = (states[PH].good_at, states[PH].at, states[PH].doubted_at)
        assert not any(is_ahead(moment, sample.at) for moment in moments if moment is not None)


@given(broken_clocks(), st.integers(-30 * HOUR, 30 * HOUR))
@settings(deadline=None)
def test_what_is_forgotten_is_all_and_only_what_lies_ahead(
    sent: list[Sample], seconds: int
) -> None:
    states: dict[ChannelKind, ChannelState] = {}
    for sample in sent:
        _, states = judge_message([sample], states, RULES)
    before, now = states[PH], at(seconds)

    after = without_future(before, now)

    lies_ahead = before.good_at is not None and is_ahead(before.good_at, now)
    assert after.good_at == (None if lies_ahead else before.good_at)
    assert after.is_stuck == before.is_stuck
    assert after.doubted_value == before.doubted_value
    assert without_future(after, now) is after


HIGH = Band(high=2.0)


def alert(state: AlertState, last_s: float, since_s: float = 0) -> TankAlertFields:
    is_off = state is AlertState.INACTIVE
    return TankAlertFields(
        tank_key="t",
        kind=TankProblem.EC,
        state=state,
        side=None if is_off else Side.HIGH,
        since=None if is_off else at(since_s),
        raised_at=at(since_s) if state is AlertState.ACTIVE else None,
        out_of_band_count=0 if is_off else 3,
        last_reading_at=at(last_s),
        last_value=2.3,
    )


def judge(before: TankAlertFields, value: float | None, at_s: float) -> TankAlertFields:
    return judge_alert(
        before,
        HIGH,
        None if value is None else reading(EC, at_s, value),
        now=at(at_s),
        started_at=None,
        max_age_s=6 * HOUR,
        hold_s=300,
    )


class TestTankAlert:
    @pytest.mark.parametrize(
        ("last_s", "value", "expected"),
        [
            pytest.param(HOUR, 1.6, AlertState.INACTIVE, id="an hour ahead ends"),
            pytest.param(121, 1.6, AlertState.INACTIVE, id="just not tolerated ends"),
            pytest.param(120, 1.6, AlertState.ACTIVE, id="tolerated is older than the last one"),
            pytest.param(HOUR, 1.95, AlertState.ACTIVE, id="inside the margin stays"),
            pytest.param(HOUR, 2.4, AlertState.ACTIVE, id="out of band stays"),
        ],
    )
    def test_next_reading_may_end_a_problem(
        self, last_s: float, value: float, expected: AlertState
    ) -> None:
        after = judge(alert(AlertState.ACTIVE, last_s, since_s=-600), value, 0)

        assert after.state is expected

    def test_problem_that_began_ahead_is_raised_anew_after_the_hold_time(self) -> None:
        state = judge(alert(AlertState.PENDING, HOUR, since_s=HOUR), 2.3, 0)
        assert (state.state, state.since) == (AlertState.PENDING, T0)
        assert judge(state, 2.3, 299).state is AlertState.PENDING

        assert judge(state, 2.3, 300).state is AlertState.ACTIVE

    def test_problem_stays_on_by_the_clock_alone_and_began_now(self) -> None:
        state = judge(alert(AlertState.ACTIVE, HOUR, since_s=HOUR), None, 0)

        assert (state.state, state.since, state.last_reading_at) == (AlertState.ACTIVE, T0, None)

    def test_reading_from_ahead_decides_nothing(self) -> None:
        calm = alert(AlertState.INACTIVE, -60)
        ahead = reading(EC, HOUR, 1.0)

        after = judge_alert(
            calm, HIGH, ahead, now=T0, started_at=None, max_age_s=6 * HOUR, hold_s=0
        )

        assert after == calm
        assert problem_state(calm, HIGH, ahead, now=T0, max_age_s=6 * HOUR).is_on is None


class TestSoil:
    @pytest.mark.parametrize(("since_s", "dry"), [(HOUR, False), (-HOUR, True)])
    def test_wait_that_began_ahead_begins_now(self, since_s: float, *, dry: bool) -> None:
        def look(seconds: float, pending_since: datetime | None) -> MoistureVerdict:
            return judge_moisture(
                20,
                60,
                reading(MOISTURE, seconds, 12),
                now=at(seconds),
                started_at=None,
                max_age_s=8 * HOUR,
                hold_s=1800,
                pending_since=pending_since,
            )

        first = look(0, at(since_s))

        assert first.is_dry is dry
        assert first.pending_since == (at(since_s) if dry else T0)
        assert look(1800, first.pending_since).is_dry is True


@pytest.mark.parametrize(
    ("started_s", "expected_s"),
    [
        pytest.param(-HOUR, -HOUR, id="before now"),
        pytest.param(120, 120, id="clocks differ"),
        pytest.param(HOUR, -120, id="the clock went back"),
    ],
)
def test_a_start_that_lies_ahead_is_now(started_s: float, expected_s: float) -> None:
    assert listening_since(at(started_s), T0) == at(expected_s)
