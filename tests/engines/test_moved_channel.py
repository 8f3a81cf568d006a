"""What a channel remembers when its probe came to another tank or pot."""

from copy import replace
from datetime import timedelta

import pytest

from kamerplanter_engines.freshness_engine import freshness_so_far
from kamerplanter_engines.models.telemetry import ChannelKind, Reason
from kamerplanter_engines.telemetry_engine import (
    ChannelState,
    Judged,
    Known,
    Sample,
    Shown,
    judge_message,
    of_new_place,
    restore,
)
from tests.engines.channel_bench import (
    GOOD,
    HOUR,
    PH,
    STALE,
    SUSPECT,
    T0,
    WATER,
    Bench,
    reading,
)

MOVED_S = 600
MOVED_AT = T0 + timedelta(seconds=MOVED_S)


def moved(bench: Bench) -> None:
    bench.states = {kind: of_new_place(state, MOVED_AT) for kind, state in bench.states.items()}


def shown(bench: Bench, at_s: float, kind: ChannelKind = PH) -> Shown:
    now = T0 + timedelta(seconds=at_s)
    return freshness_so_far(bench.states[kind], bench.rules[kind], now, None, MOVED_AT)


def late(bench: Bench, at_s: float, value: float) -> Judged:
    at, received_at = (T0 + timedelta(seconds=s) for s in (at_s, MOVED_S + 60))
    sample = Sample(kind=PH, raw=value, at=at, received_at=received_at, has_device_time=True)
    (judged,), bench.states = judge_message([sample], bench.states, bench.rules)
    return judged


def test_value_is_unknown_until_it_is_measured_here() -> None:
    bench = Bench(PH)
    bench.one(MOVED_S - 1, 6.1)

    moved(bench)

    before = shown(bench, MOVED_S)
    assert (before.value, before.at, before.verdict) == (None, None, STALE)
    assert before.reasons == (Reason.NEVER_MEASURED,)
    # 4.0 is far from 6.1, and is the first of this water.
    assert bench.one(MOVED_S, 4.0).verdict is GOOD
    assert shown(bench, MOVED_S).value == 4.0


@pytest.mark.parametrize("value", [6.1, 6.3, 9.9])
def test_what_was_measured_before_and_is_heard_later_is_none_of_here(value: float) -> None:
    bench = Bench(PH)
    bench.one(0, 6.1)
    moved(bench)

    judged = late(bench, MOVED_S - 60, value)

    # It is stored, and judged by its range alone.
    assert (judged.verdict, judged.value, judged.is_repeat) == (GOOD, value, False)
    assert shown(bench, MOVED_S + 60).value is None
    assert bench.one(MOVED_S + 61, 4.0).verdict is GOOD
    assert shown(bench, MOVED_S + 61).value == 4.0


def test_doubt_and_proof_of_the_old_place_are_forgotten() -> None:
    bench = Bench(PH)
    bench.one(0, 6.0)
    bench.one(60, 9.0)
    bench.one(120, 9.1)
    moved(bench)
    # As the first one of a new channel.
    assert bench.one(MOVED_S, 9.2).verdict is GOOD

    proved = Bench(PH)
    proved.states[PH] = of_new_place(
        ChannelState(
            good_value=2.5, good_at=T0, proved_side=Bench(PH).rules[PH].implausible_side(2.5)
        ),
        MOVED_AT,
    )
    assert proved.one(MOVED_S, 2.5).verdict is SUSPECT


def test_time_without_a_move_begins_anew() -> None:
    bench = Bench(PH, WATER)
    for hour in range(30):
        bench.message(hour * HOUR, ph=6.12, water_temperature=20.12)
    moved_s = 30 * HOUR
    bench.states = {
        kind: of_new_place(state, T0 + timedelta(seconds=moved_s))
        for kind, state in bench.states.items()
    }

    judged = bench.message(moved_s + 60, ph=6.12, water_temperature=20.12)

    assert judged["ph"].verdict is GOOD
    since = bench.states[PH].unchanged_since
    assert since == T0 + timedelta(seconds=moved_s + 60)


def test_how_finely_a_device_steps_stays_known() -> None:
    bench = Bench(PH)
    bench.one(0, 6.1)
    bench.one(60, 6.2)
    moved(bench)
    kept = bench.states[PH]

    assert (kept.finest_step, kept.has_moved) == (pytest.approx(0.1), True)
    known = Known(reading(PH, 60, 6.2), reading(PH, 60, 6.2), finest_step=0.1)
    assert restore(known, bench.rules[PH], None, MOVED_AT) == replace(kept, finest_step=0.1)


def test_what_was_measured_here_before_the_move_was_heard_of_stays() -> None:
    bench = Bench(PH)
    bench.one(0, 6.1)
    bench.one(MOVED_S + 1, 6.2)

    moved(bench)

    assert shown(bench, MOVED_S + 2).value == 6.2
    assert bench.states[PH].unchanged_since is None


def test_restart_brings_nothing_of_the_old_place_back() -> None:
    rules = Bench(PH).rules[PH]
    old, here = reading(PH, 0, 6.1), reading(PH, MOVED_S, 4.0)
    doubted = reading(PH, MOVED_S + 60, 9.0, SUSPECT, (Reason.RATE,))

    nothing = restore(Known(old, old), rules, None, MOVED_AT)
    assert nothing == ChannelState(at=MOVED_AT)
    assert restore(Known(), rules, None, MOVED_AT) == nothing
    of_here = restore(Known(here, here), rules, None, MOVED_AT)
    assert (of_here.good_value, of_here.at) == (4.0, MOVED_AT)
    only_doubted = restore(Known(old, doubted), rules, None, MOVED_AT)
    assert (only_doubted.good_value, only_doubted.value) == (None, 9.0)
    # It never moved, or an older version did not note it.
    assert restore(Known(old, old), rules).good_value == 6.1
