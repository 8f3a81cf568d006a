"""Who speaks for a place in each hour, and what that makes of its day."""

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.models.rollup import Figures
from kamerplanter_engines.speaking_engine import Hour, figures_of_place, speaking

HOUR_S = 3600.0


def heard(minutes: float, value: float) -> Figures:
    """Return a constant value over so many minutes."""
    return Figures(1, value, minutes * 60, value * minutes * 60, value, value)


@pytest.mark.parametrize(
    ("minutes", "over_min", "number"),
    [
        ((60, 60), 60, 0),
        ((48, 60), 60, 0),  # 80 % are enough
        ((47, 60), 60, 1),
        ((47, 30), 60, 0),  # nobody has enough: who measured most
        ((30, 47), 60, 1),
        ((20, 40, 50), 60, 2),
        ((20, 50, 60), 60, 1),
        ((24, 30), 30, 0),  # half of the hour is over
        ((23, 30), 30, 1),
        ((0, 0), 60, 0),
    ],
)
def test_the_oldest_with_enough_of_the_hour_speaks(
    minutes: tuple[float, ...], over_min: float, number: int
) -> None:
    figures = [heard(length, 100 + index) for index, length in enumerate(minutes)]

    assert speaking(figures, over_min * 60) == figures[number]


def test_one_value_that_holds_for_no_time_yet_counts() -> None:
    first = heard(0, 7)

    assert speaking([Figures(), first], 0) == first
    assert speaking([], HOUR_S) is None


def test_a_day_is_that_of_its_hours() -> None:
    # The oldest one is silent in the second of three hours, and has a third of the last one.
    hours = [
        Hour(HOUR_S, HOUR_S, [heard(60, 10), heard(60, 30)]),
        Hour(HOUR_S, HOUR_S, [Figures(), heard(60, 30)]),
        Hour(HOUR_S, HOUR_S, [heard(20, 5), heard(40, 31)]),
    ]

    day = figures_of_place(hours, is_sum=True)

    assert day.integral == pytest.approx(10 * 3600 + 30 * 3600 + 31 * 2400)
    assert day.covered_s == 2 * 3600 + 2400
    assert (day.low, day.high) == (10, 31)
    assert figures_of_place([], is_sum=True) == Figures()


@pytest.mark.parametrize(
    ("minutes", "over_min", "minutes_x_value"),
    [
        # Bright 800 is the older one, 300 the younger one.
        ((25, 25), 25, 25 * 300),  # the older one may fall silent now
        ((47, 47), 47, 47 * 300),
        ((48, 48), 48, 48 * 800),  # it has enough of the whole hour
        ((25, 40), 40, 40 * 300),
        ((0, 10), 10, 0),  # the older one may be heard yet
        ((0, 31), 31, 31 * 300),  # it cannot have more any more
        ((10, 0), 10, 0),
        ((31, 0), 31, 31 * 800),
    ],
)
def test_light_of_the_hour_that_goes_on_is_a_lower_limit(
    minutes: tuple[float, float], over_min: float, minutes_x_value: float
) -> None:
    hour = Hour(HOUR_S, over_min * 60, [heard(minutes[0], 800), heard(minutes[1], 300)])

    assert figures_of_place([hour], is_sum=True).integral == pytest.approx(60 * minutes_x_value)
    said = speaking(hour.figures, hour.over_s)
    assert figures_of_place([hour], is_sum=False) == said


COVERED = st.lists(st.sampled_from([0, 10, 29, 47, 48, 50, 60]), min_size=24, max_size=24)


@given(st.lists(COVERED, min_size=1, max_size=3), COVERED)
def test_a_further_probe_never_lowers_the_coverage(
    known: list[list[int]], added: list[int]
) -> None:
    def day(probes: list[list[int]]) -> float:
        hours = [
            Hour(HOUR_S, HOUR_S, [heard(min_, 5) for min_ in of_hour])
            for of_hour in zip(*probes, strict=True)
        ]
        return figures_of_place(hours, is_sum=True).covered_s

    assert day([*known, added]) >= day(known)
    # One that missed nothing makes a whole day of it, as far as the others leave it the word.
    assert day([*known, [60] * 24]) >= 0.8 * 86_400


MINUTE = st.tuples(st.booleans(), st.sampled_from([0.0, 100.0, 300.0, 900.0]))


@given(st.lists(st.lists(MINUTE, min_size=60, max_size=60), min_size=1, max_size=3))
def test_light_never_falls_as_time_passes(probes: list[list[tuple[bool, float]]]) -> None:
    """Each probe measures or is silent in each minute, whatever it sees."""
    before = 0.0
    for over_min in range(1, 61):
        figures = []
        for minutes in probes:
            said = [value for is_heard, value in minutes[:over_min] if is_heard]
            figures.append(
                Figures(len(said), sum(said), 60.0 * len(said), 60.0 * sum(said), None, None)
            )
        now = figures_of_place([Hour(HOUR_S, over_min * 60.0, figures)], is_sum=True).integral
        assert now >= before
        before = now
