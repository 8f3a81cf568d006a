"""Comparing a value with a limit as far as a meter can tell them apart."""

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.science.thresholds import is_above, is_below, release_margin


@pytest.mark.parametrize(
    ("value", "limit", "above", "below"),
    [
        pytest.param(6.504, 6.5, False, False, id="less than a step above"),
        pytest.param(6.496, 6.5, False, False, id="less than a step below"),
        pytest.param(6.51, 6.5, True, False, id="a step above"),
        pytest.param(6.49, 6.5, False, True, id="a step below"),
    ],
)
def test_difference_counts_from_one_step_on(
    value: float, limit: float, *, above: bool, below: bool
) -> None:
    assert is_above(value, limit, resolution=0.01) is above
    assert is_below(value, limit, resolution=0.01) is below


def test_limit_itself_can_be_outside() -> None:
    assert is_above(22.0, 22, resolution=0.1, limit_is_outside=True)
    assert is_below(15.0, 15, resolution=0.1, limit_is_outside=True)
    assert not is_above(21.9, 22, resolution=0.1, limit_is_outside=True)
    assert not is_below(15.1, 15, resolution=0.1, limit_is_outside=True)


@pytest.mark.parametrize(
    ("wanted", "width", "expected"),
    [(0.1, 1.0, 0.1), (0.1, 0.2, 0.05), (0.5, -3.0, 0.0), (0.0, 3.0, 0.0)],
)
def test_margin_is_a_quarter_of_the_band_at_most(
    wanted: float, width: float, expected: float
) -> None:
    margin = release_margin(wanted=wanted, width=width, most_ratio=0.25)

    assert margin == pytest.approx(expected)


@given(st.floats(-100, 100), st.floats(-100, 100), st.sampled_from([0.01, 0.1, 1.0]))
def test_value_is_never_above_and_below(value: float, limit: float, resolution: float) -> None:
    above = is_above(value, limit, resolution=resolution)
    below = is_below(value, limit, resolution=resolution)

    assert not (above and below)
    assert above or below or abs(value - limit) <= resolution * 1.01
