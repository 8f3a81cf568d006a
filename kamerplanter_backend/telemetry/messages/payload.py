"""Reads what devices send: bytes to text or JSON, fields, numbers and times; never raises."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import isfinite
from typing import Final, NamedTuple, cast

from kamerplanter_engines.models.base import is_ahead
from kamerplanter_engines.models.telemetry import Reason
from kamerplanter_engines.tables.channels import DEVICE_TIME_S

MAX_PAYLOAD_BYTES: Final = 256 * 1024
"""No sensor sends more; longer messages are not even decoded."""
MAX_DEPTH: Final = 32
"""Nesting beyond this is refused."""
OLDEST_DEVICE_TIME: Final = timedelta(seconds=DEVICE_TIME_S)

type Json = dict[str, Json] | list[Json] | str | float | bool | None


class SentNumber(float):
    """A number of a JSON text that ends with zeros: they are digits that the device has shown."""

    __slots__ = ("decimals",)
    decimals: int


def _as_sent(text: str) -> float:
    if text[-1] != "0" or "e" in text or "E" in text:
        return float(text)
    number = SentNumber(text)
    number.decimals = len(text) - 1 - text.index(".")
    return number


_DECODER = json.JSONDecoder(parse_float=_as_sent)
_DECODER_OF_LONG_NUMBERS = json.JSONDecoder(parse_float=_as_sent, parse_int=float)
"""Slower where nothing is wrong."""
# A string without an end reaches to the end of the text, so that nothing is looked at twice.
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[{\]}]', re.DOTALL)
_NUMBER = re.compile(
    r"([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,4})?)\s*([^\s0-9.,+-].{0,19})?"
)
_GROUPED = re.compile(r"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+,")
_THOUSANDS = re.compile(r"[+-]?[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])")
_DIGITS = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,9})?")
_DECIMALS = re.compile(r"[.,]([0-9]+)(?![0-9.,eE])")
"""What stands behind the decimal point or comma of a number without an exponent."""
_LONGEST_NUMBER: Final = 64

OFFLINE_WORDS: Final = frozenset({"offline", "disconnected", "connection lost", "lost", "dead"})
ONLINE_WORDS: Final = frozenset({"online", "connected", "alive"})
"""What a last will or a birth message says, in any letter case."""
_ABSENT_WORDS = OFFLINE_WORDS | {"false", "0", "off", "no", "unavailable", "not_available", "down"}
_PRESENT_WORDS = ONLINE_WORDS | {"true", "1", "on", "yes", "available", "up"}
_STATE_NAMES = ("state", "status", "availability", "online", "available", "connected")
_TRUE_WORDS = frozenset({"true", "1", "on", "yes", "ok", "valid"})
_TIME_NAMES = (
    "timestamp",
    "time",
    "Time",
    "ts",
    "last_seen",
    "received_at",
    "measured_at",
    "datetime",
    "dateTime",
)
_STEPS = tuple(10.0**-count for count in range(20))
"""One more on the last digit, by the count of decimals; a float shows 17 digits at most."""
_READ_ERRORS = frozenset({"read", "out_of_range"})


class Missing:
    """Stands for a field that is not there, where none is a value of its own."""


MISSING: Final = Missing()


def decode(payload: bytes | bytearray | str) -> str | None:
    """Return a payload as text without surrounding space; none = too long or no UTF-8."""
    if len(payload) > MAX_PAYLOAD_BYTES:
        return None
    if isinstance(payload, str):
        return payload.strip("\ufeff \t\r\n\0")
    try:
        return payload.decode("utf-8").strip("\ufeff \t\r\n\0")
    except UnicodeDecodeError:
        return None


def parse_json(text: str) -> Json | Missing:
    """Return the object or list of a JSON text, bare NaN allowed; else `MISSING`."""
    if not text.startswith(("{", "[")) or _depth_exceeded(text):
        return MISSING
    try:
        document, end = _raw_decode(text)
    except ValueError, RecursionError:
        return MISSING
    return cast("Json", document) if end == len(text) else MISSING


def _raw_decode(text: str) -> tuple[object, int]:
    try:
        return _DECODER.raw_decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        # More digits than Python makes a whole number of; as a float it costs no other field.
        return _DECODER_OF_LONG_NUMBERS.raw_decode(text)


def _depth_exceeded(text: str) -> bool:
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return False
    depth = 0
    for match in _STRUCTURE.finditer(text):
        mark = match.group()
        if mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return True
        elif mark in "]}":
            depth -= 1
    return False


def find(document: Json, path: str) -> tuple[Json | Missing, Json]:
    """Return the field at a dotted path and the object that holds it.

    Names may contain dots themselves, and a number picks from a list.
    """
    if isinstance(document, dict):
        if path in document:
            return document[path], document
        head_end = path.find(".")
        while head_end > 0:
            head = path[:head_end]
            if head in document:
                value, holder = find(document[head], path[head_end + 1 :])
                if value is not MISSING:
                    return value, holder
            head_end = path.find(".", head_end + 1)
    elif isinstance(document, list):
        head, _, rest = path.partition(".")
        if _DIGITS.fullmatch(head) and "." not in head and int(head) < len(document):
            item = document[int(head)]
            return find(item, rest) if rest else (item, document)
    return MISSING, None


def read_number(field: Json, *, decimal_comma: bool = False) -> tuple[float | None, str | None]:
    """Return the finite number in a field, and the unit that stands behind it in text."""
    if type(field) is float and isfinite(field):  # as most are
        return field, None
    if isinstance(field, int | float) and not isinstance(field, bool):
        try:
            number = float(field)
        except OverflowError:
            return None, None
        return (number, None) if isfinite(number) else (None, None)
    if not isinstance(field, str) or len(field) > _LONGEST_NUMBER:
        return None, None
    text = field.strip().strip('"').strip().replace("\N{MINUS SIGN}", "-")
    if decimal_comma:
        if _GROUPED.match(text):
            text = text.replace(".", "")
        text = text.replace(",", ".", 1)
    match = _NUMBER.fullmatch(text)
    if match is None:
        return None, None
    number = float(match.group(1))
    return (number, match.group(2)) if isfinite(number) else (None, None)


def needs_comma(field: Json) -> bool:
    """Tell whether a field is a number only where a comma is a decimal one: `6,04`, `21,3 °C`."""
    return (
        isinstance(field, str)
        and "," in field
        and read_number(field)[0] is None
        and read_number(field, decimal_comma=True)[0] is not None
    )


def without_groups(text: str) -> str | None:
    """Return a text such as `1,234` with its comma left out, if it may group digits."""
    return text.replace(",", "") if _THOUSANDS.match(text.strip()) else None


def last_digit(number: float, sent: Json = None) -> float:
    """Return what one more on the last digit of a number is: 0.01 for 21.35, 1 for 25.

    Args:
        number: The number.
        sent: The field that it was read from; the zeros at the end of it are digits, too.
    """
    if type(sent) is SentNumber:
        return _STEPS[min(sent.decimals, len(_STEPS) - 1)]
    if type(sent) is str:
        found = _DECIMALS.search(sent)
        if found is not None:
            return _STEPS[min(len(found.group(1)), len(_STEPS) - 1)]
    mantissa, exponent = repr(number), ""
    if "e" in mantissa:
        mantissa, _, exponent = mantissa.partition("e")
    decimals = mantissa.partition(".")[2]
    count = 0 if decimals == "0" else len(decimals)
    return _STEPS[count] if not exponent else float(10.0 ** (int(exponent) - count))


def is_true(field: Json | Missing) -> bool:
    """Tell whether a guard field says yes."""
    if isinstance(field, bool):
        return field
    if isinstance(field, int | float):
        return field == 1
    return isinstance(field, str) and field.strip().casefold() in _TRUE_WORDS


def read_presence(field: Json) -> bool | None:
    """Return whether an availability field says that the device is there; none = it says neither.

    Objects are looked into by the usual names of such a field.
    """
    if isinstance(field, bool):
        return field
    if isinstance(field, dict):
        answers = (read_presence(field[name]) for name in _STATE_NAMES if name in field)
        return next((answer for answer in answers if answer is not None), None)
    if isinstance(field, int | float):
        return {0: False, 1: True}.get(int(field)) if field in (0, 1) else None
    if not isinstance(field, str):
        return None
    word = field.strip().strip('"').casefold()
    if word in _PRESENT_WORDS:
        return True
    return False if word in _ABSENT_WORDS else None


class Beside(NamedTuple):
    """What an object of a message says of all its fields."""

    moment: datetime | None = None
    """When they were measured; none = the device does not say, or cannot be believed."""
    number_problem: Reason | None = None
    """What the device says is wrong with those that are numbers."""
    word_problem: Reason | None = None
    """What it says is wrong with all others."""


NOTHING_BESIDE: Final = Beside()


def said_beside(document: Json, holder: Json, received_at: datetime) -> Beside:
    """Return what stands beside the fields of an object of a message, and counts for each."""
    moment = find_time(document, holder, received_at)
    errors = holder.get("errors") if isinstance(holder, dict) else None
    if not errors or not isinstance(errors, list):
        return NOTHING_BESIDE if moment is None else Beside(moment)
    names = {item for item in errors if isinstance(item, str)}
    # Beside a number only errors of reading matter; others may be about radio or power.
    of_numbers = Reason.DEVICE_ERROR if names & _READ_ERRORS else None
    return Beside(moment, of_numbers, Reason.DEVICE_ERROR)


def read_time(field: Json, received_at: datetime) -> datetime | None:
    """Return a device's time if it may be believed: with a zone or as an epoch, and near."""
    if isinstance(field, bool):
        return None
    if isinstance(field, str):
        text = field.strip()[:_LONGEST_NUMBER]
        if _DIGITS.fullmatch(text):
            field = float(text)
        else:
            return _within(_read_iso(text), received_at)
    if not isinstance(field, int | float):
        return None
    try:
        moment = datetime.fromtimestamp(_epoch_s(float(field)), UTC)
    except OverflowError, ValueError, OSError:
        return None
    return _within(moment, received_at)


_MS_FROM: Final = 1e11
_US_FROM: Final = 1e14
_NS_FROM: Final = 1e17


def _epoch_s(number: float) -> float:
    """Return seconds of an epoch in s, ms, µs or ns; the size tells which for centuries."""
    if number >= _NS_FROM:
        return number / 1e9
    if number >= _US_FROM:
        return number / 1e6
    return number / 1e3 if number >= _MS_FROM else number


def _read_iso(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
        # Without a zone nobody knows the instant, least of all in the night the clocks change.
        return moment.astimezone(UTC) if moment.tzinfo else None
    except ValueError, OverflowError:
        return None


def _within(moment: datetime | None, received_at: datetime) -> datetime | None:
    if moment is None:
        return None
    is_old = moment < received_at - OLDEST_DEVICE_TIME
    return None if is_old or is_ahead(moment, received_at) else moment


def find_time(document: Json, holder: Json, received_at: datetime) -> datetime | None:
    """Return the time of measurement by its usual names: beside the value, else at the top."""
    for place in (holder, document) if holder is not document else (document,):
        if isinstance(place, dict):
            for name in _TIME_NAMES:
                if name in place:
                    moment = read_time(place[name], received_at)
                    if moment is not None:
                        return moment
    return None


def leaves(document: Json, prefix: str = "", *, limit: int = 200) -> Iterator[tuple[str, Json]]:
    """Yield path and value of the plain fields of a document, at most `limit`."""
    if limit <= 0:
        return
    named: Iterator[tuple[str, Json]] = iter(())
    if isinstance(document, dict):
        named = iter(document.items())
    elif isinstance(document, list):
        named = ((str(index), item) for index, item in enumerate(document))
    else:
        yield prefix, document
        return
    for name, item in named:
        path = f"{prefix}.{name}" if prefix else name
        for leaf in leaves(item, path, limit=limit):
            yield leaf
            limit -= 1
            if limit <= 0:
                return
