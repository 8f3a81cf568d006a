"""The slope that single wild values do not tilt."""

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.science.theil_sen import theil_sen

VALUES = st.floats(-1000, 1000).map(lambda value: round(value, 3))


def test_five_points_by_hand() -> None:
    # Slopes by size: 0, 1, 1, 1, 1.5, 2, 2.25, 2.67, 3, 6.  Variance (5 4 15 - 2 1 9) / 18 = 15.67,
    # so the interval reaches 1.96 sqrt(15.67) / 2 = 3.88 places to each side of the middle.
    found = theil_sen([(4, 10), (0, 1), (1, 2), (3, 4), (2, 4)])

    assert found is not None
    assert (found.middle, found.low, found.high) == (1.75, 0, 6)
    assert not found.is_certain


def test_a_line_is_certain() -> None:
    found = theil_sen([(float(x), 3 - 0.5 * x) for x in range(12)])

    assert found is not None
    assert (found.middle, found.low, found.high) == (-0.5, -0.5, -0.5)
    assert found.is_certain


def test_one_wild_value_in_twelve_tilts_nothing() -> None:
    points = [(float(x), 2.0 * x) for x in range(12)]
    points[7] = (7.0, 500.0)

    found = theil_sen(points)

    assert found is not None
    assert found.middle == 2


@pytest.mark.parametrize("points", [[], [(1.0, 2.0)], [(1.0, 2.0), (1.0, 3.0)]])
def test_without_two_moments_there_is_no_slope(points: list[tuple[float, float]]) -> None:
    assert theil_sen(points) is None


@given(st.lists(st.tuples(VALUES, VALUES), min_size=2, max_size=20), st.randoms())
def test_order_does_not_matter_and_the_interval_holds_the_slope(
    points: list[tuple[float, float]], random: object
) -> None:
    found = theil_sen(points)
    shuffled = list(points)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis's own generator

    assert theil_sen(shuffled) == found
    if found is not None:
        assert found.low <= found.middle <= found.high


@given(st.lists(st.tuples(VALUES, VALUES), min_size=3, max_size=12))
def test_upside_down_it_falls_as_it_rose(points: list[tuple[float, float]]) -> None:
    found, mirrored = theil_sen(points), theil_sen([(x, -y) for x, y in points])

    if found is not None:
        assert mirrored is not None
        assert mirrored.middle == pytest.approx(-found.middle)
