"""Bindings that can never give a value are refused."""

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.errors import InvalidInputError, OutOfRangeError, UnknownUnitError
from kamerplanter_engines.models.telemetry import (
    Availability,
    ChannelBinding,
    ChannelKind,
    CurvePoint,
    ProbeFields,
)
from kamerplanter_engines.probe_engine import MAX_TOPIC_BYTES, check_bindings, is_topic
from kamerplanter_engines.units import READING_UNITS

EC, PH, MOISTURE = ChannelKind.EC, ChannelKind.PH, ChannelKind.SOIL_MOISTURE


def probe(*channels: ChannelBinding, there: str | None = None) -> ProbeFields:
    availability = None if there is None else Availability(topic=there)
    return ProbeFields(name="Probe", channels=channels, availability=availability)


def curve(*values: float) -> tuple[CurvePoint, ...]:
    return tuple(CurvePoint(raw=1000 + i, value=value) for i, value in enumerate(values))


def wide(*raws: float) -> tuple[CurvePoint, ...]:
    return tuple(CurvePoint(raw=raw, value=i) for i, raw in enumerate(raws))


@pytest.mark.parametrize(
    "text", ["a", "/", "tank/ec", "$SYS/x", "ä/ü", "a b/\ufdf0\ufffd", "a" * MAX_TOPIC_BYTES]
)
def test_a_name_of_one_topic_is_one(text: str) -> None:
    assert is_topic(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        "a/#",
        "a/+/b",
        "a#",
        "a\0b",
        "a\tb",
        "a\x7fb",
        "a\x85b",
        "a\ufdd0b",
        "a\ufffeb",
        "a\U0010ffffb",
        pytest.param("a" * (MAX_TOPIC_BYTES + 1), id="too long"),
        pytest.param("ä" * (MAX_TOPIC_BYTES // 2 + 1), id="too long in bytes"),
        pytest.param("a\ud800", id="half a character"),
    ],
)
def test_what_names_no_single_topic_is_none(text: str) -> None:
    assert not is_topic(text)


@pytest.mark.parametrize(
    ("kind", "unit"), [(k, u) for k, us in READING_UNITS.items() for u in us] + [("ph", "mv")]
)
def test_every_known_unit_is_taken(kind: str, unit: str) -> None:
    check_bindings(probe(ChannelBinding(kind=ChannelKind(kind), unit=unit)))


@pytest.mark.parametrize(
    ("binding", "error", "field", "value"),
    [
        pytest.param(
            ChannelBinding(kind=EC, unit="ppm"),
            UnknownUnitError,
            "channels.1.unit",
            "ppm",
            id="ppm without a scale",
        ),
        pytest.param(
            ChannelBinding(kind=EC, unit="°C"),
            UnknownUnitError,
            "channels.1.unit",
            "°C",
            id="unit of another kind",
        ),
        pytest.param(
            ChannelBinding(kind=MOISTURE, unit="mV"),
            UnknownUnitError,
            "channels.1.unit",
            "mV",
            id="volts of what has to be bound without a unit",
        ),
        pytest.param(
            ChannelBinding(kind=EC, topic="a/#"),
            InvalidInputError,
            "channels.1.topic",
            "a/#",
            id="wildcard",
        ),
        pytest.param(
            ChannelBinding(kind=MOISTURE, topic="t", curve=curve(0, 50, 1000)),
            OutOfRangeError,
            "channels.1.curve.2.value",
            "1000.0",
            id="more than all",
        ),
        pytest.param(
            ChannelBinding(kind=MOISTURE, topic="t", curve=curve(-0.1, 100)),
            OutOfRangeError,
            "channels.1.curve.0.value",
            "-0.1",
            id="less than nothing",
        ),
        pytest.param(
            ChannelBinding(kind=MOISTURE, topic="t", curve=wide(-1e308, 1e308)),
            OutOfRangeError,
            "channels.1.curve.0.raw",
            "-1e+308",
            id="more than a converter counts to",
        ),
        pytest.param(
            ChannelBinding(kind=EC, topic="t", temperature_coefficient_pct=3.1),
            OutOfRangeError,
            "channels.1.temperature_coefficient_pct",
            "3.1",
            id="more per kelvin than any solution",
        ),
    ],
)
def test_what_could_never_give_a_value_is_refused(
    binding: ChannelBinding, error: type[InvalidInputError], field: str, value: str
) -> None:
    with pytest.raises(error) as refused:
        check_bindings(probe(ChannelBinding(kind=PH, topic="ph"), binding))

    assert (refused.value.field, refused.value.placeholders["value"]) == (field, value)


def test_the_topic_of_the_availability_is_one_topic_too() -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_bindings(probe(there="tele/+/LWT"))

    assert refused.value.field == "availability.topic"


def test_a_curve_from_nothing_to_all_is_taken() -> None:
    check_bindings(probe(ChannelBinding(kind=MOISTURE, topic="t", curve=curve(0, 100))))


def test_what_is_stored_already_is_not_looked_at_again() -> None:
    odd = ChannelBinding(kind=EC, unit="ppm", temperature_coefficient_pct=5)
    before = probe(odd, there="a/#")

    check_bindings(before.model_copy(update={"name": "Renamed"}), before)
    with pytest.raises(UnknownUnitError):
        check_bindings(probe(odd.model_copy(update={"unit": "TDS"}), there="a/#"), before)
    with pytest.raises(InvalidInputError, match="availability"):
        check_bindings(probe(odd, there="b/#"), before)


@given(st.text(max_size=60))
def test_a_refused_topic_is_named_in_a_message_that_can_be_sent(text: str) -> None:
    try:
        check_bindings(probe(there=text or "#"))
    except InvalidInputError as error:
        error.message.encode()
        assert not is_topic(text or "#")
    else:
        assert is_topic(text)
