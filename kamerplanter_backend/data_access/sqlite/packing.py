"""How a reading stands in its row: nothing is written of what goes without saying.

Most readings are good, came when they were measured, and have a few digits; such a row holds its
channel, a time and a small whole number.
"""

from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import repeat

from pydantic import BaseModel

from kamerplanter_backend.data_access.sqlite.times import EPOCH, microseconds
from kamerplanter_engines.models.base import MICROSECOND
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Reason, Verdict
from kamerplanter_engines.stillness_engine import COARSE_STEP

ROW_EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
"""Times of readings count from here, as fewer digits take less room until the middle of 2034."""

ROW_EPOCH_US = (ROW_EPOCH - EPOCH) // MICROSECOND

STEPS_PER_UNIT = 1000
"""A value that is a whole number of thousandths is stored as that number."""

MOST_PACKED = 2_000_000.0
"""A larger value is stored as it is."""

READ_COLUMNS = "from_2030_us, value, delay_us, raw, judgement"
"""What is read of the readings of one channel, as each column more takes its time."""

COLUMNS = f"channel, {READ_COLUMNS}"
"""A time, a value, how much later it was received, what the probe showed, and verdict and reasons.

`value` and `raw` are whole numbers of thousandths or floating-point numbers. `delay_us` is null for
0, `raw` for the value itself, and `judgement` for good without a reason.
"""

GOOD = f"(judgement IS NULL OR judgement GLOB '{Verdict.GOOD.value} *')"
"""The condition that a row holds a good reading."""

VALUE = f"CASE WHEN typeof(value) = 'integer' THEN value / {float(STEPS_PER_UNIT)} ELSE value END"
"""The value of a row."""

type Number = int | float

_COARSE_STEPS = round(COARSE_STEP * STEPS_PER_UNIT)

type Row = tuple[int, int, Number, int | None, Number | None, str | None]
"""What a reading is stored as, in the order of `COLUMNS`."""

type ReadRow = tuple[int, Number, int | None, Number | None, str | None]
"""What a reading is read as, in the order of `READ_COLUMNS`."""

# All fields of a reading are set; the set is shared, as nothing adds to that of a frozen model.
_FIELDS = set(Reading.model_fields)
_PLAIN = dict.fromkeys(Reading.model_fields) | {"verdict": Verdict.GOOD, "reasons": ()}
_REASONS = {reason.value: reason for reason in Reason}
_VERDICTS = {verdict.value: verdict for verdict in Verdict}

# What an instance of pydantic consists of.
_set_values = BaseModel.__dict__["__dict__"].__set__
_BESIDE_VALUES = tuple(
    (BaseModel.__dict__[f"__pydantic_{name}__"].__set__, content)
    for name, content in (("fields_set", _FIELDS), ("extra", None), ("private", None))
)

_EXACT_UNTIL_US = 4_000_000_000_000_000 - ROW_EPOCH_US
"""Until 2096 a floating-point number of seconds tells each microsecond."""


def packed(value: float) -> Number:
    """Return a number as it is stored; `unpacked` gives back the very same one."""
    if -MOST_PACKED < value < MOST_PACKED:
        steps = round(value * STEPS_PER_UNIT)
        if steps / STEPS_PER_UNIT == value:
            return steps
    return value


def unpacked(stored: Number) -> float:
    """Return the number that was stored."""
    return stored / STEPS_PER_UNIT if type(stored) is int else stored


def row_of(channel: int, reading: Reading) -> Row:
    """Return the row of a reading."""
    at, received_at, raw = reading.at, reading.received_at, reading.raw
    since = at - ROW_EPOCH
    is_plain = reading.verdict is Verdict.GOOD and not reading.reasons
    return (
        channel,
        (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds,
        packed(reading.value),
        None if received_at == at else (received_at - at) // MICROSECOND,
        None if raw is None else packed(raw),
        None if is_plain else judgement_of(reading.verdict, reading.reasons),
    )


def row_time(moment: datetime) -> int:
    """Return a moment as it stands in a row of a reading."""
    return microseconds(moment) - ROW_EPOCH_US


def is_good(row: Row) -> bool:
    """Tell whether a row holds a good reading; as `GOOD`."""
    judgement = row[5]
    return judgement is None or judgement.startswith(f"{Verdict.GOOD.value} ")


def is_fine(row: Row) -> bool:
    """Tell whether the number that the device sent is no multiple of `COARSE_STEP`."""
    number = row[2] if row[4] is None else row[4]
    return type(number) is not int or number % _COARSE_STEPS != 0


def judgement_of(verdict: Verdict, reasons: tuple[Reason, ...]) -> str:
    """Return verdict and reasons as one text: `suspect rate,stuck`."""
    return f"{verdict.value} {','.join(reasons)}" if reasons else verdict.value


def condition_of(verdict: Verdict) -> str:
    """Return the condition that a row holds a reading of a verdict."""
    if verdict is Verdict.GOOD:
        return GOOD
    return f"(judgement = '{verdict.value}' OR judgement GLOB '{verdict.value} *')"


def readings_of(probe_key: str, kind: ChannelKind, rows: Sequence[ReadRow]) -> list[Reading]:
    """Return the readings of a channel from their rows, which come in the order of time.

    What was checked on the way in is not checked again: that would take seven times as long. For
    the same reason what all have in common is copied, and loops run within the interpreter.
    """
    copied = (_PLAIN | {"probe_key": probe_key, "kind": kind}).copy
    contents = [copied() for _ in rows]
    for values, at, row in zip(contents, _moments(rows), rows, strict=True):
        _, value, delay_us, raw, judgement = row
        values["at"] = values["received_at"] = at
        values["value"] = value / STEPS_PER_UNIT if type(value) is int else value
        if delay_us is not None:
            values["received_at"] = at + timedelta(0, 0, delay_us)
        if raw is not None:
            values["raw"] = unpacked(raw)
        if judgement is not None:
            values["verdict"], values["reasons"] = _judged(judgement)
    made = list(map(Reading.__new__, repeat(Reading, len(rows))))
    deque(map(_set_values, made, contents, strict=True), maxlen=0)
    for set_content, content in _BESIDE_VALUES:
        deque(map(set_content, made, repeat(content)), maxlen=0)
    return made


def _moments(rows: Sequence[ReadRow]) -> list[datetime]:
    if rows and rows[0][0] >= -ROW_EPOCH_US and rows[-1][0] < _EXACT_UNTIL_US:
        seconds = [(row[0] + ROW_EPOCH_US) / 1e6 for row in rows]
        return list(map(datetime.fromtimestamp, seconds, repeat(UTC)))
    return [ROW_EPOCH + timedelta(0, 0, row[0]) for row in rows]


@lru_cache(maxsize=1024)
def _judged(judgement: str) -> tuple[Verdict, tuple[Reason, ...]]:
    verdict, _, reasons = judgement.partition(" ")
    # A reason that a newer version wrote is nothing to this one.
    known = tuple(_REASONS[name] for name in reasons.split(",") if name in _REASONS)
    return _VERDICTS[verdict], known
