"""What the log says of a reading that is not good: from where it came, why, and what was said."""

import pytest

from tests.backend.telemetry.device import EC, PH, Device, bind


def sentences(device: Device) -> list[str]:
    return [notice.sentence for notice in device.intake.take_notices()]


@pytest.mark.parametrize(
    ("payload", "why", "said"),
    [
        ("nan", "not_a_number", "'nan'"),
        ("5 bananas", "unknown_unit", "'5 bananas'"),
        ("1413", "outside_physical, looks_like_us_cm", "'1413'"),
        (b"\xff\xfe1.", "unreadable", "'\ufffd\ufffd1.'"),
        # No line of the log can be forged, nor be without an end.
        ("1\nERROR all is lost", "unknown_unit", r"'1\nERROR all is lost'"),
        ("x" * 300_000, "unreadable", "'" + "x" * 80 + "'"),
    ],
)
def test_a_notice_tells_what_was_said(payload: str | bytes, why: str, said: str) -> None:
    device = Device(bind(EC))

    device.send(payload)
    device.send(payload, 60)

    assert sentences(device) == [
        f"readings from t are not good ({why}), such as {said}; further ones are only counted"
    ]


def test_a_notice_of_a_field_shows_its_message() -> None:
    device = Device(bind(EC, "ec"), bind(PH, "ph"))

    device.send('{"ec": "lost", "ph": 6.1}')

    (said,) = sentences(device)
    assert """such as '{"ec": "lost", "ph": 6.1}';""" in said


def test_a_notice_of_an_entity_shows_state_and_unit() -> None:
    device = Device(bind(EC, entity_id="sensor.ec"))

    device.report("sensor.ec", "640", unit="furlong")

    (said,) = sentences(device)
    assert said.startswith("readings from sensor.ec are not good (unknown_unit)")
    assert "such as '640 furlong';" in said
