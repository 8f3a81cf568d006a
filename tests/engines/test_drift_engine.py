"""Where a value is heading, and how far a probe is from what is measured by hand."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.drift_engine import Compared, compared, drift, trend
from kamerplanter_engines.errors import NaiveTimeError
from kamerplanter_engines.models.hand_measurement import Comparison, HandMeasurement
from kamerplanter_engines.models.tank import Band, Side
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Reading, Verdict
from tests.factories import NOW, TENANT, example

PH, EC = ChannelKind.PH, ChannelKind.EC
BAND = Band(low=5.5, high=6.5)
HOUR = timedelta(hours=1)


def reading(hours_ago: float, value: float, verdict: Verdict = Verdict.GOOD) -> Reading:
    at = NOW - hours_ago * HOUR
    return example(Reading, kind=PH, at=at, received_at=at, value=value, verdict=verdict)


def rising(count: int, every_h: float, *, per_h: float = 0.05) -> list[Reading]:
    """Return readings up to now that rise to pH 6.0."""
    return [reading(n * every_h, 6.0 - per_h * n * every_h) for n in range(count)]


def test_a_rising_ph_reaches_its_limit() -> None:
    found = trend(PH, rising(13, 1), now=NOW, changed_at=None, band=BAND)

    assert (found.count, found.span_h) == (13, 12)
    assert found.change_per_h == pytest.approx(0.05)
    assert (found.side, found.limit) == (Side.HIGH, 6.5)
    # From 6.0 to 6.5 at 0.05 an hour.
    assert found.limit_at is not None
    assert found.limit_at - NOW == pytest.approx(10 * HOUR, abs=timedelta(seconds=1))


def test_a_falling_one_heads_for_the_lower_limit() -> None:
    found = trend(PH, rising(13, 1, per_h=-0.1), now=NOW, changed_at=None, band=BAND)

    assert (found.side, found.limit) == (Side.LOW, 5.5)
    assert found.limit_at is not None
    assert found.limit_at - NOW == pytest.approx(5 * HOUR, abs=timedelta(seconds=1))


def test_beyond_its_limit_it_is_there_now() -> None:
    found = trend(PH, rising(13, 1), now=NOW, changed_at=None, band=Band(high=5.9))

    assert found.limit_at == NOW


@pytest.mark.parametrize(
    ("count", "every_h", "says"),
    [(12, 0.55, True), (11, 1, False), (12, 0.54, False), (60, 0.1, False), (61, 0.1, True)],
)
def test_few_readings_or_a_short_time_say_nothing(
    count: int, every_h: float, *, says: bool
) -> None:
    found = trend(PH, rising(count, every_h), now=NOW, changed_at=None, band=BAND)

    assert (found.change_per_h is not None) is says
    assert (found.limit_at is not None) is says


@pytest.mark.parametrize(("bursts", "says"), [(2, False), (4, False), (5, True)])
def test_a_few_bursts_of_readings_are_no_certain_slope(bursts: int, *, says: bool) -> None:
    # Six readings within a minute speak as one: two or four such always lie on some line.
    readings = [
        reading(0.05 + burst * 8 / (bursts - 1) + n / 360, 6.0 - 0.05 * burst)
        for burst in range(bursts)
        for n in range(6)
    ]

    found = trend(PH, readings, now=NOW, changed_at=None, band=BAND)

    assert (found.limit_at is not None) is says


def test_what_goes_to_and_fro_reaches_no_limit() -> None:
    readings = [reading(n, 6.0 + 0.1 * (n % 2)) for n in range(14)]

    found = trend(PH, readings, now=NOW, changed_at=None, band=BAND)

    assert found.change_per_h is not None
    assert found.change_low_per_h is not None
    assert found.change_high_per_h is not None
    assert found.change_low_per_h <= 0 <= found.change_high_per_h
    assert (found.side, found.limit_at) == (None, None)


def test_only_what_came_since_the_last_dose_counts() -> None:
    before = [reading(n, 5.0) for n in range(9, 20)]

    found = trend(PH, [*rising(9, 1), *before], now=NOW, changed_at=NOW - 8 * HOUR, band=BAND)

    assert (found.count, found.since) == (9, NOW - 8 * HOUR)
    assert found.change_per_h is None


def test_doubted_and_old_readings_do_not_count() -> None:
    doubted = [reading(n + 0.5, 9.0, Verdict.SUSPECT) for n in range(13)]
    old = [reading(30, 3.0)]

    found = trend(PH, [*rising(13, 1), *doubted, *old], now=NOW, changed_at=None, band=BAND)

    assert found.count == 13
    assert found.change_per_h == pytest.approx(0.05)


def test_two_thousand_readings_are_thinned_and_say_the_same() -> None:
    readings = rising(2800, 0.0083)

    found = trend(PH, readings, now=NOW, changed_at=None, band=BAND)

    assert found.count == 2800
    assert found.change_per_h == pytest.approx(0.05)


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(NaiveTimeError):
        trend(PH, [], now=datetime(2026, 5, 1), changed_at=None)  # noqa: DTZ001 - the point


def beside(days_ago: float, difference: float, by_hand: float = 6.0) -> Compared:
    return Compared(NOW - timedelta(days=days_ago), by_hand, difference)


def test_never_compared_says_nothing() -> None:
    assert drift(PH, []) is None


@pytest.mark.parametrize(
    ("kind", "by_hand", "difference", "is_beyond"),
    [
        (PH, 6.0, 0.3, False),
        (PH, 6.0, -0.31, True),
        # 10 % of what the hand measured.
        (EC, 2.0, 0.2, False),
        (EC, 2.0, 0.21, True),
        (EC, 1.0, 0.11, True),
    ],
)
def test_one_comparison_beyond_its_limit_asks_for_another_and_two_are_a_drift(
    kind: ChannelKind, by_hand: float, difference: float, *, is_beyond: bool
) -> None:
    found = drift(kind, [beside(1, difference, by_hand)])
    twice = drift(kind, [beside(2, difference, by_hand), beside(1, difference, by_hand)])

    assert twice is not None
    assert (twice.drifted, twice.measure_again) == (is_beyond, False)
    assert found is not None
    assert (found.drifted, found.measure_again) == (False, is_beyond)
    assert (found.difference, found.count, found.change_per_d) == (difference, 1, None)
    assert found.measured_at == NOW - timedelta(days=1)


def test_one_slip_of_the_hand_among_three_decides_nothing() -> None:
    found = drift(PH, [beside(3, 0.1), beside(2, 2.0), beside(1, 0.1)])

    assert found is not None
    assert (found.difference, found.drifted) == (0.1, False)


@pytest.mark.parametrize(
    ("differences", "drifted", "measure_again"),
    [
        # pH 8.9 written for 5.9, and then the right one.
        ([3.0, 0.0], False, False),
        ([0.0, 3.0], False, True),
        # One above and one below: at least one of them is a slip.
        ([0.5, -0.5], False, True),
        ([0.5, -0.5, 0.5], True, False),
        ([0.5, 0.0, 0.5], True, False),
        ([0.5, 0.5, 0.0], True, False),
        ([0.5, 0.5, 0.0, 0.0], False, False),
        ([0.0, 0.0, -0.5, -0.5], True, False),
    ],
)
def test_two_of_the_newest_three_have_to_agree(
    differences: list[float], *, drifted: bool, measure_again: bool
) -> None:
    found = drift(PH, [beside(9 - day, value) for day, value in enumerate(differences)])

    assert found is not None
    assert (found.drifted, found.measure_again) == (drifted, measure_again)


def test_the_newest_three_decide_and_all_tell_how_fast() -> None:
    # 0, 0.1, ... 0.6 within six days.
    found = drift(PH, [beside(6 - day, 0.1 * day) for day in range(7)])

    assert found is not None
    assert found.difference == pytest.approx(0.5)
    assert found.change_per_d == pytest.approx(0.1)
    assert found.drifted


def test_comparisons_are_those_of_one_probe() -> None:
    measured = HandMeasurement(
        key="m-1",
        tenant_key=TENANT,
        created_at=NOW,
        updated_at=NOW,
        tank_key="tank-1",
        kind=PH,
        value=6.0,
        measured_at=NOW,
        comparisons=(
            Comparison(probe_key="a", value=5.9, difference=0.1),
            Comparison(probe_key="b", value=5.5, difference=0.5),
        ),
    )
    doubted = measured.model_copy(update={"verdict": Verdict.SUSPECT})

    binding = ChannelBinding(kind=PH, topic="t")

    found = compared([measured, doubted], "b", binding, written_at=NOW)

    assert found == [Compared(NOW, 6.0, 0.5)]


@given(st.lists(st.floats(-3, 3), min_size=1, max_size=8))
def test_drift_lies_between_its_comparisons(differences: list[float]) -> None:
    found = drift(PH, [beside(-day, value) for day, value in enumerate(differences)])

    assert found is not None
    newest = differences[-3:]
    assert min(newest) - 1e-9 <= found.difference <= max(newest) + 1e-9
    # Of three the median lies beyond the limit just where two of them do on one side.
    if len(newest) != 2:
        median_says = len(newest) == 3 and abs(found.difference) > 0.3 + 1e-9
        assert found.drifted is median_says
    assert not (found.drifted and found.measure_again)
