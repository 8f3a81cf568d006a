"""What is heard in another order than it was measured in leaves the same memory behind."""

from datetime import UTC, datetime, timedelta
from itertools import permutations

import pytest

from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Verdict
from kamerplanter_engines.telemetry_engine import ChannelState, Sample, judge_message, rules_for

WATER = ChannelKind.WATER_TEMPERATURE
RULES = {WATER: rules_for(ChannelBinding(kind=WATER, topic="water"))}
BEGIN = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)
HEARD = BEGIN + timedelta(hours=1)


def after(*said: tuple[float, float]) -> ChannelState:
    """Return the memory after temperatures, each with the minute in which it was measured."""
    states: dict[ChannelKind, ChannelState] = {}
    for minute, value in said:
        at = BEGIN + timedelta(minutes=minute)
        _, states = judge_message((Sample(WATER, at, HEARD, value),), states, RULES)
    return states[WATER]


@pytest.mark.parametrize(
    ("last", "verdict"), [((50.0, 20.1), Verdict.GOOD), ((50.0, 999.0), Verdict.BAD)]
)
def test_the_newest_decides_whether_a_channel_is_good_however_it_is_heard(
    last: tuple[float, float], verdict: Verdict
) -> None:
    said = [(0.0, 20.0), (20.0, 20.2), (30.0, -127.0), last]

    for order in permutations(said):
        memory = after(*order)

        assert memory.verdict is verdict, order
        assert (memory.reasons == ()) is (verdict is Verdict.GOOD), order


def test_a_good_value_from_before_a_refused_one_does_not_hide_it() -> None:
    memory = after((0, 15.0), (10, -127.0), (5, 15.3))

    assert memory.verdict is Verdict.BAD
    assert memory.refused_at == BEGIN + timedelta(minutes=10)
    # It is the newest good one all the same, as if it had come in time.
    assert memory.good_value == pytest.approx(15.3)


def test_what_is_good_later_takes_it_back() -> None:
    assert after((0, 15.0), (10, -127.0), (5, 15.3), (11, 15.4)).verdict is Verdict.GOOD
