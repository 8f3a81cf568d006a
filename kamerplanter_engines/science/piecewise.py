"""Straight lines through known points, and on beyond their ends."""

from collections.abc import Sequence

from kamerplanter_engines.checks import finite


def along(points: Sequence[tuple[float, float]], x: float) -> float:
    """Return y at x: straight between the points, and beyond them as the last piece goes.

    Args:
        points: At least two pairs of x and y, by rising x; no x twice.
        x: Where.

    Raises:
        OutOfRangeError: x is infinite or not a number.

    Source: own rule; a piece of a line is what two measured points support.
    """
    (left_x, left_y), (right_x, right_y) = _piece(points, x)
    share = (x - left_x) / (right_x - left_x)
    return left_y + share * (right_y - left_y)


def steepness(points: Sequence[tuple[float, float]], x: float) -> float:
    """Return how much y changes for one unit of x at a place.

    Args:
        points: As in `along`.
        x: Where.

    Raises:
        OutOfRangeError: x is infinite or not a number.
    """
    (left_x, left_y), (right_x, right_y) = _piece(points, x)
    return (right_y - left_y) / (right_x - left_x)


def _piece(
    points: Sequence[tuple[float, float]], x: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    finite("x", x)
    upper = next((i for i, point in enumerate(points) if x <= point[0]), len(points) - 1)
    right = max(upper, 1)
    return points[right - 1], points[right]
