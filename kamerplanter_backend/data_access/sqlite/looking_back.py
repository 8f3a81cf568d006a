"""What is asked for after a start: what a channel said lately, and how it came to be doubted.

Numbers of equal readings are stored alike, so they are compared as they are stored.
"""

from itertools import permutations

from kamerplanter_backend.data_access.sqlite.packing import (
    GOOD,
    READ_COLUMNS,
    ROW_EPOCH_US,
    VALUE,
    judgement_of,
)
from kamerplanter_engines.doubt_engine import TAKEN_BACK
from kamerplanter_engines.models.base import CLOCK_TOLERANCE, MICROSECOND
from kamerplanter_engines.models.telemetry import Reason, Verdict
from kamerplanter_engines.stillness_engine import END_STOPS

NEWEST_GOOD = f"""
    SELECT from_2030_us FROM readings
    WHERE channel = ? AND from_2030_us BETWEEN ? AND ? AND {GOOD}
    ORDER BY from_2030_us DESC LIMIT 1
"""

_HEARD_US = "from_2030_us + coalesce(delay_us, 0)"

# Two steps in turn: to look at all that is newer for each of thousands that came late would take
# seconds. What came behind a reading that makes it late is passed over at once.
NEWEST_GOOD_HEARD = f"""
    SELECT {READ_COLUMNS} FROM readings
    WHERE channel = ? AND from_2030_us <= ? AND {GOOD} AND {_HEARD_US} <= ?
    ORDER BY from_2030_us DESC LIMIT 1
"""

# What was measured after a reading and heard before it cannot be further ahead than clocks are.
NEWER_HEARD_BEFORE = f"""
    SELECT from_2030_us, {_HEARD_US} AS heard_us FROM readings
    WHERE channel = ?1 AND from_2030_us > ?2
      AND from_2030_us < ?3 + {CLOCK_TOLERANCE // MICROSECOND} AND {_HEARD_US} < ?3
    ORDER BY heard_us LIMIT 1
"""

_DOUBTS = ", ".join(
    f"'{judgement_of(Verdict.SUSPECT, reasons)}'"
    for count in (1, 2, 3)
    for reasons in permutations((*sorted(TAKEN_BACK), Reason.STUCK), count)
    if not TAKEN_BACK.isdisjoint(reasons)
)

MOST_SEARCHED = 2_000
"""A dead probe may say 0 for months: so many of its readings are looked through at either end, in a
few milliseconds."""

_DOUBTED = f"""
    SELECT {READ_COLUMNS} FROM (
        SELECT {READ_COLUMNS} FROM readings
        WHERE channel = ? AND from_2030_us > ? AND from_2030_us <= ?
        ORDER BY from_2030_us {{order}} LIMIT {MOST_SEARCHED}
    ) WHERE judgement IN ({_DOUBTS}) LIMIT ?
"""

NEWEST_DOUBTED = _DOUBTED.format(order="DESC")

FIRST_DOUBTED = _DOUBTED.format(order="ASC")

_AT_END = " OR ".join(f"judgement GLOB '*{reason.value}*'" for reason in sorted(END_STOPS))
_TELLS = f"(judgement IS NULL OR NOT ({_AT_END}))"
"""The condition that a number lies at no end stop."""

NEWEST_TOLD = f"""
    SELECT {READ_COLUMNS} FROM readings
    WHERE channel = ? AND from_2030_us < ? AND from_2030_us >= ? AND {_TELLS}
    ORDER BY from_2030_us DESC LIMIT 1
"""

BEFORE_RUN = f"""
    SELECT {READ_COLUMNS} FROM readings
    WHERE channel = ?1 AND from_2030_us < ?2 AND from_2030_us >= ?3
      AND coalesce(raw, value) <> ?4 AND {_TELLS}
    ORDER BY from_2030_us DESC LIMIT 4
"""

RUN_START = """
    SELECT from_2030_us FROM readings
    WHERE channel = ? AND from_2030_us >= ? AND from_2030_us <= ? AND coalesce(raw, value) = ?
    ORDER BY from_2030_us LIMIT 1
"""

SPANS = f"""
    SELECT (from_2030_us + {ROW_EPOCH_US}) / ?4, min({VALUE}), max({VALUE}) FROM readings
    WHERE channel = ?1 AND from_2030_us >= ?2 AND from_2030_us < ?3 AND {GOOD}
    GROUP BY 1 ORDER BY 1
"""
