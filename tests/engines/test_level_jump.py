"""A level has no rate: a bucket fills a tank in seconds, and one that runs empty must cry."""

import pytest

from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Reason, Verdict
from kamerplanter_engines.telemetry_engine import rules_for
from tests.engines.channel_bench import GOOD, HOUR, LEVEL, SUSPECT, Bench

MINUTE = 60


def verdicts(bench: Bench, *values: float, every_s: float = MINUTE) -> list[Verdict]:
    """Return the verdicts on levels that come one after the other."""
    return [bench.one(every_s * number, value).verdict for number, value in enumerate(values)]


@pytest.mark.parametrize("every_s", [1, MINUTE, HOUR])
@pytest.mark.parametrize(
    "values",
    [
        (80, 2, 2, 2),
        (80, 50, 20, 3, 0),
        (30, 58, 86, 100),
        (100, 0, 100, 0),
        (0, 33, 67, 100, 67, 0),
        (80, 10, 45, 5, 40),
    ],
    ids=["ran dry", "in steps", "a fill", "a switch", "three floats", "a bad echo"],
)
def test_each_level_is_believed_and_shown_at_once(
    values: tuple[float, ...], every_s: float
) -> None:
    bench = Bench(LEVEL)

    for number, value in enumerate(values):
        judged = bench.one(every_s * number, value)
        assert (judged.verdict, judged.value) == (GOOD, value)
        assert bench.states[LEVEL].good_value == value


@pytest.mark.parametrize("kind", [ChannelKind.DISSOLVED_OXYGEN, ChannelKind.ORP])
def test_other_kinds_without_a_rate_may_jump(kind: ChannelKind) -> None:
    assert verdicts(Bench(kind), 2, 12) == [GOOD, GOOD]


def test_a_rate_that_its_binding_sets_is_kept() -> None:
    bench = Bench(LEVEL)
    bench.rules[LEVEL] = rules_for(ChannelBinding(kind=LEVEL, topic="t", rate_per_min=5))

    assert verdicts(bench, 80, 71, 40) == [GOOD, GOOD, SUSPECT]
    assert bench.states[LEVEL].reasons == (Reason.RATE,)
