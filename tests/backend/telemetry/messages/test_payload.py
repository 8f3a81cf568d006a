"""Payloads of any kind: numbers, times, paths, and bytes that mean nothing."""

import json
import math
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_backend.telemetry.discovery.listening import MAX_FIELDS, describe_message
from kamerplanter_backend.telemetry.messages.mapping import read_curve, read_payload
from kamerplanter_backend.telemetry.messages.payload import (
    MAX_DEPTH,
    MISSING,
    find,
    last_digit,
    parse_json,
    read_number,
    read_time,
)
from kamerplanter_engines.models.telemetry import (
    Availability,
    ChannelBinding,
    ChannelKind,
    CurvePoint,
)
from tests.backend.telemetry.device import EC, MOISTURE, PH, T0, Device, bind

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["a", "a.b", "b", "valid", "time", "errors", "state"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
PAYLOADS = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200),
    JSON.map(json.dumps),
    st.floats().map(str),
    st.integers().map(str),
)
BINDINGS = st.builds(
    bind,
    st.sampled_from(ChannelKind),
    st.sampled_from([None, "a", "a.b", "a.b.0", "b"]),
    unit=st.sampled_from([None, "°F", "%", "µS/cm", "nonsense"]),
    factor=st.sampled_from([1.0, 0.1, 1e6]),
    decimal_comma=st.booleans(),
    guard_path=st.sampled_from([None, "valid"]),
    time_path=st.sampled_from([None, "time", "b"]),
    curve=st.sampled_from([(), ({"raw": 3100, "value": 0}, {"raw": 1400, "value": 100})]),
)


@given(payloads=st.lists(PAYLOADS, max_size=8), binding=BINDINGS, retained=st.booleans())
@settings(deadline=None)
def test_no_payload_raises_or_shows_what_cannot_be(
    payloads: list[Any], binding: ChannelBinding, retained: bool
) -> None:
    device = Device(binding, availability=Availability(topic="t", path="state"))

    for second, payload in enumerate(payloads):
        device.send(payload, second, retained=retained)
        describe_message("t", payload)
        shown = device.shown(binding.kind, second)
        rules = device.intake.rules[binding.kind]
        assert shown is None or (
            math.isfinite(shown) and rules.physical_low <= shown <= rules.physical_high
        )

    assert len(device.intake.counts) <= 40
    for reading in device.intake.take_readings():
        assert math.isfinite(reading.value)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (5, (5.0, None)),
        ("5.94", (5.94, None)),
        (" 5.94 \r\n", (5.94, None)),
        ("+5.", (5.0, None)),
        (".5", (0.5, None)),
        ("\N{MINUS SIGN}3", (-3.0, None)),
        ("1e3", (1000.0, None)),
        ('"6.1"', (6.1, None)),
        ("8.31 %", (8.31, "%")),
        ("18.12°C", (18.12, "°C")),
        ("6300 uS/cm", (6300.0, "uS/cm")),
        ("960 ppm 640", (960.0, "ppm 640")),
        ("5,1", (None, None)),
        ("1.2.3", (None, None)),
        ("", (None, None)),
        ("-", (None, None)),
        ("1" * 400, (None, None)),
        ("1e999", (None, None)),
        ("٣", (None, None)),
        (True, (None, None)),
        (None, (None, None)),
        (float("nan"), (None, None)),
        (10**400, (None, None)),
        ([1], (None, None)),
    ],
    ids=repr,
)
def test_number(field: object, expected: tuple[float | None, str | None]) -> None:
    assert read_number(field) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5,1", 5.1), ("1.413,5", 1413.5), ("5.1", 5.1), ("5,1,2", None), ("5,1 °C", 5.1)],
)
def test_decimal_comma(text: str, expected: float | None) -> None:
    assert read_number(text, decimal_comma=True)[0] == expected


@pytest.mark.parametrize(
    ("number", "digit"), [(21.35, 0.01), (25.0, 1), (1413.0, 1), (5.8, 0.1), (1e-7, 1e-7)]
)
def test_last_digit(number: float, digit: float) -> None:
    assert last_digit(number) == pytest.approx(digit)


@pytest.mark.parametrize(
    ("sent", "digit"),
    [
        ("25.00", 0.01),
        ("21.50 °C", 0.01),
        ('"25.0"', 0.1),
        ("25", 1),
        ("1413µS/cm", 1),
        ("1.234,50", 0.01),
        ("5,1", 0.1),
        ("6.30e1", 1),
        (25.0, 1),
    ],
)
def test_zeros_at_the_end_of_a_text_are_digits(sent: str | float, digit: float) -> None:
    number, _ = read_number(sent, decimal_comma=True)
    assert number is not None
    assert last_digit(number, sent) == pytest.approx(digit)


@pytest.mark.parametrize(
    ("sent", "digit"),
    [
        ("21.50", 0.01),
        ("-0.50", 0.01),
        ("1413.00", 0.01),
        ("0.0", 0.1),
        ("25", 1),
        ("21.35", 0.01),
        ("6.30e1", 1),
        ("0.10E0", 0.1),
        ("1.0000000000000000000000000", 1e-19),
    ],
)
def test_zeros_at_the_end_of_a_json_number_are_digits(sent: str, digit: float) -> None:
    document = parse_json(f'{{"v":{sent} }}')
    field, _ = find(document, "v")  # type: ignore[arg-type]
    number, _ = read_number(field)  # type: ignore[arg-type]

    assert number == float(sent)
    assert type(number) is float
    assert last_digit(number, field) == pytest.approx(digit)  # type: ignore[arg-type]


INSTANT = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        (1777881600, INSTANT),
        (1777881600.5, INSTANT + timedelta(seconds=0.5)),
        ("1777881600", INSTANT),
        (1777881600000, INSTANT),
        ("1777881600000", INSTANT),
        (1777881600000000, INSTANT),
        (1777881600000000000, INSTANT),
        ("2026-05-04T08:00:00Z", INSTANT),
        ("2026-05-04 10:00:00+0200", INSTANT),
        ("2026-05-04T08:00:00", None),
        ("2026-05-04", None),
        ("17:31", None),
        (0, None),
        (-1, None),
        (float("nan"), None),
        (10**30, None),
        (True, None),
        (None, None),
        ("", None),
        ("9999-12-31T23:59:59-23:59", None),
    ],
    ids=repr,
)
def test_device_time(field: object, expected: datetime | None) -> None:
    assert read_time(field, T0) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("age", "is_believed"),
    [
        (timedelta(days=7), True),
        (timedelta(days=7, seconds=1), False),
        (timedelta(minutes=-2), True),
        (timedelta(minutes=-2, seconds=-1), False),
    ],
)
def test_device_time_is_believed_within_a_week_and_two_minutes(
    age: timedelta, is_believed: bool
) -> None:
    assert (read_time((T0 - age).isoformat(), T0) is not None) == is_believed


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("plain", 1),
        ("EZO-1.pH", 2),
        ("with.dots", 3),
        ("a.b.c", 4),
        ("list.1.x", 5),
        ("temperature:100.tC", 6),
        ("nothing", MISSING),
        ("plain.more", MISSING),
        ("list.9", MISSING),
        ("list.x", MISSING),
        ("", MISSING),
        ("a.", MISSING),
    ],
)
def test_path(path: str, expected: object) -> None:
    document = {
        "plain": 1,
        "EZO-1": {"pH": 2},
        "with.dots": 3,
        "a": {},
        "a.b": {"c": 4},
        "list": [0, {"x": 5}],
        "temperature:100": {"tC": 6},
    }

    assert find(document, path)[0] == expected  # type: ignore[arg-type]


def test_time_path_of_the_binding_wins() -> None:
    payload = json.dumps({"ph": 6, "time": "2026-05-04T08:00:00Z", "probe_time": 1777881000})

    sample = read_payload(payload, bind(PH, "ph", time_path="probe_time"), T0)

    assert sample.at == datetime(2026, 5, 4, 7, 50, tzinfo=UTC)


def test_nesting_has_a_limit() -> None:
    def nested(depth: int) -> str:
        return "[" * depth + "1" + "]" * depth

    assert parse_json(nested(MAX_DEPTH)) is not MISSING
    assert parse_json(nested(MAX_DEPTH + 1)) is MISSING
    assert parse_json(json.dumps(["[{" * 100])) == ["[{" * 100]
    assert parse_json(json.dumps([[i] for i in range(100)])) is not MISSING


@pytest.mark.parametrize(
    ("raw", "expected", "is_far"),
    [
        (3100, 0, False),
        (1400, 100, False),
        (2250, 50, False),
        (3200, 0, False),
        (1300, 100, False),
        (4095, 0, True),
        (0, 100, True),
    ],
)
def test_curve_is_limited_and_says_when_it_is_far_outside(
    raw: float, expected: float, is_far: bool
) -> None:
    curve = (CurvePoint(raw=3100, value=0), CurvePoint(raw=1400, value=100))

    assert read_curve(curve, raw) == (expected, is_far)


def test_curve_with_three_points_and_open_ends() -> None:
    curve = (
        CurvePoint(raw=1000, value=90),
        CurvePoint(raw=2000, value=50),
        CurvePoint(raw=3000, value=20),
    )

    assert read_curve(curve, 1500) == (70, False)
    assert read_curve(curve, 2500) == (35, False)
    assert read_curve(curve, 3100) == (17, False)
    assert read_curve(curve, 900) == (94, False)


def test_what_was_heard_names_path_and_number() -> None:
    heard = describe_message("t", b'{"EZO-1":{"pH":5.94},"list":["8.31 %"],"name":"x","ok":true}')

    assert [(item.path, item.value_text, item.number) for item in heard] == [
        ("EZO-1.pH", "5.94", 5.94),
        ("list.0", "8.31 %", 8.31),
        ("name", "x", None),
        ("ok", "True", None),
    ]
    assert [(h.path, h.number) for h in describe_message("t", "1.85")] == [(None, 1.85)]
    assert describe_message("t", b"\xff") == ()
    assert describe_message("t", b"") == ()


def test_what_was_heard_is_bounded() -> None:
    wide = json.dumps({f"k{i}": {"x": list(range(50))} for i in range(100)})

    assert len(describe_message("t", wide)) == MAX_FIELDS
    assert len(describe_message("t", "x" * 10_000)[0].value_text) <= 80


def test_guard_that_is_missing_is_not_true() -> None:
    device = Device(bind(MOISTURE, "m", guard_path="valid"))

    assert device.send({"m": 40})[0].value is None


def test_error_of_the_device_about_something_else_costs_nothing() -> None:
    device = Device(bind(EC, "ec"))

    assert device.send({"ec": 1.8, "errors": ["wifi"]})[0].value == 1.8
    assert device.send({"ec": 1.8, "errors": ["out_of_range"]}, 60)[0].value is None
