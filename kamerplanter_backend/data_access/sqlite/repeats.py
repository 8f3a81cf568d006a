"""Which rows of a channel are new: one a moment, and of equal values within a second the first."""

from collections.abc import Iterable, Sequence
from operator import itemgetter

from kamerplanter_backend.data_access.sqlite.packing import Number, Row, unpacked
from kamerplanter_engines.telemetry_state_engine import SAME_READING_S

SAME_READING_US = round(SAME_READING_S * 1_000_000)

DENSE_PER_S = 4
"""From so many readings of a channel a second on, neighbours are looked up once for all of them."""

type Stored = tuple[int, Number]
"""Time and value of a row that is stored."""


def do_follow(rows: Sequence[Row], newest_us: int | None) -> bool:
    """Tell whether rows rise by a second or more, beginning after the newest one that is stored.

    None of these can be a repetition.
    """
    return _do_rise(rows, newest_us, SAME_READING_US)


def do_rise(rows: Sequence[Row], newest_us: int | None) -> bool:
    """Tell whether rows are in the order of time, after the newest one that is stored."""
    return _do_rise(rows, newest_us, 1)


def _do_rise(rows: Sequence[Row], newest_us: int | None, step_us: int) -> bool:
    earliest_us = rows[0][1] if newest_us is None else newest_us + step_us
    for row in rows:
        if row[1] < earliest_us:
            return False
        earliest_us = row[1] + step_us
    return True


def is_dense(rows: Sequence[Row]) -> bool:
    """Tell whether so many readings come close together that each is the neighbour of many."""
    times = [row[1] for row in rows]
    span_us = max(times) - min(times) + SAME_READING_US
    return len(rows) * SAME_READING_US > DENSE_PER_S * span_us


def new_of_rising(rows: Sequence[Row], before: Iterable[Stored]) -> list[Row]:
    """Return the new ones of rows that are in the order of time.

    Args:
        rows: The rows.
        before: What is stored of the second before them, in the order of time.
    """
    said_us = {unpacked(value): time_us for time_us, value in before}
    new = []
    for row in rows:
        value = unpacked(row[2])
        earlier_us = said_us.get(value)
        if earlier_us is None or row[1] - earlier_us >= SAME_READING_US:
            said_us[value] = row[1]
            new.append(row)
    return new


def new_of_any(rows: Sequence[Row], near: Iterable[Stored]) -> list[Row]:
    """Return the new ones of rows in whatever order, in the order of time.

    Args:
        rows: The rows.
        near: What is stored within a second of any of them.
    """
    taken = set()
    times_of: dict[float, list[int]] = {}
    for time_us, stored in near:
        taken.add(time_us)
        times_of.setdefault(unpacked(stored), []).append(time_us)
    new = []
    for row in rows:
        time_us = row[1]
        equal = times_of.setdefault(unpacked(row[2]), [])
        if time_us not in taken and not _is_beside(time_us, equal):
            equal.append(time_us)
            taken.add(time_us)
            new.append(row)
    return sorted(new, key=itemgetter(1))


def _is_beside(time_us: int, others: Sequence[int]) -> bool:
    return any(abs(time_us - other) < SAME_READING_US for other in others)
