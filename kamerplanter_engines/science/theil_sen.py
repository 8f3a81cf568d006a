"""A slope that single wild values do not tilt, and how sure it is."""

from collections.abc import Sequence
from itertools import combinations, groupby
from math import sqrt
from statistics import median
from typing import NamedTuple

from kamerplanter_engines.checks import finite

Z_95 = 1.959963984540054
"""Two-sided 95 % of the normal distribution."""


class Slope(NamedTuple):
    """A slope with its interval of 95 %."""

    middle: float
    """Units of y for one unit of x."""
    low: float
    high: float

    @property
    def is_certain(self) -> bool:
        """Whether the interval leaves out 0, so that it does go up, or down."""
        return self.low > 0 or self.high < 0


def theil_sen(points: Sequence[tuple[float, float]]) -> Slope | None:
    """Return the median of the slopes between all pairs of points; none = no two differ in x.

    The work grows with the square of the number of points.

    Args:
        points: Pairs of x and y in any order.

    Raises:
        OutOfRangeError: A number is infinite or none.

    Source: [Sen1968]; equal values narrow the interval as there.
    """
    for x, y in points:
        finite("x", x)
        finite("y", y)
    slopes = sorted(
        (right_y - left_y) / (right_x - left_x)
        for (left_x, left_y), (right_x, right_y) in combinations(sorted(points), 2)
        if right_x > left_x
    )
    if not slopes:
        return None
    count = len(slopes)
    half = Z_95 * sqrt(_variance(points)) / 2
    low = max(round(count / 2 - half) - 1, 0)
    high = min(round(count / 2 + half), count - 1)
    return Slope(median(slopes), slopes[low], slopes[high])


def _variance(points: Sequence[tuple[float, float]]) -> float:
    """Return the variance of Kendall's score, with its correction for equal values."""

    def part(size: int) -> int:
        return size * (size - 1) * (2 * size + 5)

    total = part(len(points))
    for axis in (0, 1):
        values = sorted(point[axis] for point in points)
        total -= sum(part(len(list(same))) for _, same in groupby(values))
    return max(total, 0) / 18
