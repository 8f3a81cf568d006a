"""Air and light on their way in: units, factors, and lux that nobody can convert alone."""

import pytest

from kamerplanter_backend.telemetry.mapping import FieldReader
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, CurvePoint, Reason
from tests.backend.telemetry.device import T0, Device, bind, values

AIR, HUMIDITY, PPFD = ChannelKind.AIR_TEMPERATURE, ChannelKind.AIR_HUMIDITY, ChannelKind.PPFD
LAMP = {"kind": PPFD, "unit": "µmol/m²/s", "factor": 0.0185}


def test_f_07_epoch_time_and_fahrenheit() -> None:
    device = Device(bind(AIR, "SI7021.Temperature", unit="°F"), bind(HUMIDITY, "SI7021.Humidity"))

    found = values(
        device.send(
            '{"Time":1777889632,"SI7021":{"Temperature":70.2,"Humidity":54.2},"TempUnit":"F"}'
        )
    )

    assert found == {"air_temperature": pytest.approx(21.2, abs=0.03), "air_humidity": 54.2}


@pytest.mark.parametrize(
    ("fields", "text", "unit", "value"),
    [
        pytest.param({"kind": PPFD}, "412", None, 412, id="bare"),
        pytest.param({"kind": PPFD}, "412", "µmol/(m²·s)", 412, id="of the entity"),
        pytest.param(LAMP, "20000", "lx", 370, id="lux, and the binding knows the lamp"),
        pytest.param(LAMP, "20000 lx", None, 370, id="lux behind the number"),
        pytest.param({"kind": PPFD}, "20000", "lx", None, id="lux without a factor"),
        pytest.param(
            {"kind": PPFD, "factor": 0.0185},
            "20000",
            "lx",
            None,
            id="a factor of nobody knows what",
        ),
        pytest.param(LAMP, "20000", "W/m²", None, id="no light that is counted"),
        pytest.param({"kind": HUMIDITY}, "54.2", "%", 54.2, id="humidity"),
        pytest.param({"kind": AIR}, "70.7", "°F", 21.5, id="air"),
    ],
)
def test_state_of_an_entity(
    fields: dict[str, object], text: str, unit: str | None, value: float | None
) -> None:
    reader = FieldReader(ChannelBinding.model_validate(fields))

    sample = reader.read_entity(text, unit, T0, T0)

    assert sample.raw == (None if value is None else pytest.approx(value))
    assert sample.problem is (Reason.UNKNOWN_UNIT if value is None else None)


def test_volts_of_a_quantum_sensor_go_through_a_curve_that_ends_in_the_dark() -> None:
    curve = (CurvePoint(raw=0.01, value=0), CurvePoint(raw=2.5, value=2500))
    reader = FieldReader(ChannelBinding(kind=PPFD, topic="t", curve=curve))

    assert reader.read_text("0.0", T0).raw == 0
    assert reader.read_text("1.255", T0).raw == pytest.approx(1250)
