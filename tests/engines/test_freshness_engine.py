"""What is shown of a channel, by its age alone."""

from datetime import timedelta

from kamerplanter_engines.models.telemetry import Reason
from kamerplanter_engines.telemetry_engine import (
    ChannelState,
    Sample,
    judge_message,
    keep_retained,
)
from tests.engines.channel_bench import EC, GOOD, HOUR, PH, STALE, SUSPECT, T0, Bench


def test_nothing_known_is_stale() -> None:
    shown = Bench(PH).shown(0)

    assert (shown.value, shown.verdict) == (None, STALE)
    assert shown.reasons == (Reason.NEVER_MEASURED,)


def test_last_good_value_is_shown_while_the_newest_message_is_doubted() -> None:
    bench = Bench(PH)
    bench.one(0, 6.0)
    bench.one(60, 9.0)

    shown = bench.shown(60)

    assert (shown.value, shown.verdict, shown.reasons) == (6.0, SUSPECT, (Reason.RATE,))


def test_missing_field_takes_nothing_away() -> None:
    bench = Bench(PH)
    bench.one(0, 6.0)
    assert bench.message(60, ph=Reason.MISSING_FIELD) == {}

    assert bench.shown(60).verdict is GOOD


def test_late_reading_is_stored_and_not_shown() -> None:
    bench = Bench(PH)
    bench.one(600, 6.0)
    received_at = T0 + timedelta(seconds=601)
    late = Sample(kind=PH, raw=6.5, at=T0, received_at=received_at, has_device_time=True)

    (judged,), bench.states = judge_message([late], bench.states, bench.rules)

    assert judged.verdict is GOOD
    assert bench.shown(601).value == 6.0


def test_retained_value_with_its_own_time_is_shown_as_stale() -> None:
    bench = Bench(EC)
    at = T0 - timedelta(hours=1)
    replay = Sample(kind=EC, raw=1.8, at=at, received_at=T0, has_device_time=True)

    bench.states = keep_retained([replay], {}, bench.rules)

    shown = bench.shown(0)
    assert (shown.value, shown.age_s, shown.verdict) == (1.8, HOUR, STALE)
    assert shown.reasons == (Reason.RETAINED,)


def test_retained_nonsense_changes_nothing() -> None:
    bench = Bench(EC)
    for raw in (99.0, 0.0, 9.0, None):
        replay = Sample(kind=EC, raw=raw, at=T0, received_at=T0, has_device_time=True)
        bench.states = keep_retained([replay], bench.states, bench.rules)

    assert bench.states.get(EC, ChannelState()).good_value is None
