"""How a reading stands in its row: nothing is written of what goes without saying.

Most readings are good, came when they were measured, and have a few digits; such a row holds its
channel, a time and a small whole number.
"""

from datetime import UTC, datetime, timedelta

from pydantic import BaseModel

from kamerplanter_backend.data_access.sqlite.times import EPOCH, MICROSECOND
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Reason, Verdict

ROW_EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
"""Times of readings count from here, as fewer digits take less room until the middle of 2034."""

ROW_EPOCH_US = (ROW_EPOCH - EPOCH) // MICROSECOND

STEPS_PER_UNIT = 1000
"""A value that is a whole number of thousandths is stored as that number."""

MOST_PACKED = 2_000_000.0
"""A larger value is stored as it is."""

COLUMNS = "channel, from_2030_us, value, delay_us, raw, judgement"
"""A time, a value, how much later it was received, what the probe showed, and verdict and reasons.

`value` and `raw` are whole numbers of thousandths or floating-point numbers. `delay_us` is null for
0, `raw` for the value itself, and `judgement` for good without a reason.
"""

GOOD = f"(judgement IS NULL OR judgement GLOB '{Verdict.GOOD.value} *')"
"""The condition that a row holds a good reading."""

VALUE = f"CASE WHEN typeof(value) = 'integer' THEN value / {float(STEPS_PER_UNIT)} ELSE value END"
"""The value of a row."""

type Number = int | float

type Row = tuple[int, int, Number, int | None, Number | None, str | None]
"""What a reading is stored as, in the order of `COLUMNS`."""

# All fields of a reading are set; the set is shared, as nothing adds to that of a frozen model.
_FIELDS = set(Reading.model_fields)
_PLAIN: tuple[Verdict, tuple[Reason, ...]] = (Verdict.GOOD, ())
_REASONS = {reason.value: reason for reason in Reason}
_VERDICTS = {verdict.value: verdict for verdict in Verdict}

# What pydantic keeps beside the values of an instance.
_set_values = object.__setattr__
_set_fields, _set_extra, _set_private = (
    BaseModel.__dict__[f"__pydantic_{name}__"].__set__
    for name in ("fields_set", "extra", "private")
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


def is_good(row: Row) -> bool:
    """Tell whether a row holds a good reading; as `GOOD`."""
    judgement = row[5]
    return judgement is None or judgement.startswith(f"{Verdict.GOOD.value} ")


def judgement_of(verdict: Verdict, reasons: tuple[Reason, ...]) -> str:
    """Return verdict and reasons as one text: `suspect rate,stuck`."""
    return f"{verdict.value} {','.join(reasons)}" if reasons else verdict.value


def condition_of(verdict: Verdict) -> str:
    """Return the condition that a row holds a reading of a verdict."""
    if verdict is Verdict.GOOD:
        return GOOD
    return f"(judgement = '{verdict.value}' OR judgement GLOB '{verdict.value} *')"


def readings_of(probe_key: str, kind: ChannelKind, rows: list[Row]) -> list[Reading]:
    """Return the readings of a channel from their rows.

    What was checked on the way in is not checked again: that would take four times as long.
    """
    new, model, from_timestamp = Reading.__new__, Reading, datetime.fromtimestamp
    made = []
    for _, since_us, value, delay_us, raw, judgement in rows:
        if -ROW_EPOCH_US <= since_us < _EXACT_UNTIL_US:
            at = from_timestamp((since_us + ROW_EPOCH_US) / 1e6, UTC)
        else:
            at = ROW_EPOCH + timedelta(0, 0, since_us)
        verdict, reasons = _PLAIN if judgement is None else _judged(judgement)
        reading = new(model)
        _set_values(
            reading,
            "__dict__",
            {
                "probe_key": probe_key,
                "kind": kind,
                "at": at,
                "received_at": at if delay_us is None else at + timedelta(0, 0, delay_us),
                "value": value / STEPS_PER_UNIT if type(value) is int else value,
                "verdict": verdict,
                "reasons": reasons,
                "raw": None if raw is None else unpacked(raw),
            },
        )
        _set_fields(reading, _FIELDS)
        _set_extra(reading, None)
        _set_private(reading, None)
        made.append(reading)
    return made


def _judged(judgement: str) -> tuple[Verdict, tuple[Reason, ...]]:
    verdict, _, reasons = judgement.partition(" ")
    # A reason that a newer version wrote is nothing to this one.
    known = tuple(_REASONS[name] for name in reasons.split(",") if name in _REASONS)
    return _VERDICTS[verdict], known
