"""Odd numbers, names and characters in messages: each has a clear end, and none costs another."""

from datetime import UTC, datetime

import pytest

from kamerplanter_backend.telemetry.discovery.listening import describe_message
from kamerplanter_backend.telemetry.messages.mapping import FieldReader, read_message, read_payload
from kamerplanter_engines.models.telemetry import Reason
from tests.backend.telemetry.device import EC, PH, T0, bind

LONG = "1" * 5000
"""More digits than Python makes a whole number of."""

FIELDS = [
    ("1e999", None, Reason.NOT_A_NUMBER),
    ("-1e999", None, Reason.NOT_A_NUMBER),
    (f"1e{LONG}", None, Reason.NOT_A_NUMBER),
    (f"1e-{LONG}", 0.0, None),
    ("1" * 400, None, Reason.NOT_A_NUMBER),
    (LONG, None, Reason.NOT_A_NUMBER),
    (f"-{LONG}", None, Reason.NOT_A_NUMBER),
    ("1" * 200_000, None, Reason.NOT_A_NUMBER),
    (f'"{LONG}"', None, Reason.NOT_A_NUMBER),
    (f"6.{LONG}", 6.111111111, None),
    (f"6.{'0' * 200_000}", 6.0, None),
    (f"0.{'0' * 5000}1", 0.0, None),
    ("-0", 0.0, None),
    ("-0.0", 0.0, None),
    ("-0e5", 0.0, None),
    (r'"\ud800"', None, Reason.NOT_A_NUMBER),
    (r'"6 \udfff"', None, Reason.UNKNOWN_UNIT),
    (r'"6\ud83d"', None, Reason.UNKNOWN_UNIT),
    # Of a name that comes twice the last one counts, as nearly everywhere.
    ('7,"ph":6', 6.0, None),
    ('6,"ph":"lost"', None, Reason.NOT_A_NUMBER),
    (r'6,"\ud800":7', 6.0, None),
    (f'6,"more":{LONG}', 6.0, None),
    (f'6,"time":{LONG}', 6.0, None),
    ('6,"time":1e999', 6.0, None),
    ('6,"time":-0', 6.0, None),
    ('6,"time":1,"time":1777881600', 6.0, None),
]


@pytest.mark.parametrize(
    ("field", "ph", "problem"), FIELDS, ids=[f"{i} {row[0][:9]}" for i, row in enumerate(FIELDS)]
)
def test_an_odd_field_has_a_clear_end_and_costs_no_neighbour(
    field: str, ph: float | None, problem: Reason | None
) -> None:
    readers = [FieldReader(bind(PH, "ph")), FieldReader(bind(EC, "ec"))]

    first, second = read_message(f'{{"ec":1.2,"ph":{field}}}', readers, T0)

    assert (first.raw, first.problem) == (ph, problem)
    assert second.raw == 1.2
    assert str(first.raw) != "-0.0"


def test_the_last_of_two_times_counts() -> None:
    payload = '{"ph":6,"time":1,"time":1777881600}'

    assert read_payload(payload, bind(PH, "ph"), T0).at == datetime(2026, 5, 4, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["1e999", LONG, f"-{LONG}", "1" * 200_000, f"6.{'0' * 200_000}"],
    ids=["too much", "long", "negative", "longer", "zeros"],
)
def test_a_payload_that_is_nothing_but_an_endless_number_is_no_value(text: str) -> None:
    assert read_payload(text, bind(PH), T0).problem is Reason.NOT_A_NUMBER


def test_what_is_heard_can_be_shown_and_bound() -> None:
    payload = r'{"half\ud800":1,"text":"\udfff!","whole\ud83c\udf31":2}'

    heard = [(item.path, item.value_text) for item in describe_message("t", payload)]

    assert heard == [("text", "?!"), ("whole🌱", "2")]
