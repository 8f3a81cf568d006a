"""Air and light on their way in: units, factors, and lux that nobody can convert alone."""

import pytest

from kamerplanter_backend.telemetry.messages.mapping import FieldReader
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    CurvePoint,
    Reason,
    Verdict,
)
from tests.backend.telemetry.device import T0, Device, bind, values

AIR, HUMIDITY, PPFD = ChannelKind.AIR_TEMPERATURE, ChannelKind.AIR_HUMIDITY, ChannelKind.PPFD
BATTERY = ChannelKind.BATTERY
LAMP = {"kind": PPFD, "unit": "µmol/m²/s", "factor": 0.0185}


def test_f_07_epoch_time_and_fahrenheit() -> None:
    device = Device(bind(AIR, "SI7021.Temperature", unit="°F"), bind(HUMIDITY, "SI7021.Humidity"))

    found = values(
        device.send(
            '{"Time":1777889632,"SI7021":{"Temperature":70.2,"Humidity":54.2},"TempUnit":"F"}'
        )
    )

    assert found == {"air_temperature": pytest.approx(21.2, abs=0.03), "air_humidity": 54.2}


def test_f_05_lux_are_photons_by_the_lamp_that_the_binding_knows() -> None:
    device = Device(bind(PPFD, "Illuminance", unit="µmol/m²/s", factor=0.0185))

    found = values(
        device.send(
            '{"Time":"2026-03-29T19:20:12","alias":"Flora1","mac":"c47c8d000001",'
            '"Temperature":24.4,"Illuminance":353,"Moisture":0,"Fertility":0,"RSSI":-91}'
        )
    )

    assert found == {"ppfd": pytest.approx(6.5305)}


def test_f_30_a_missing_board_says_nothing_of_the_air_and_of_its_battery() -> None:
    device = Device(
        bind(AIR, "plant.temp"), bind(HUMIDITY, "plant.humid"), bind(BATTERY, "plant.bat")
    )

    found = values(
        device.send(
            '{"plant":{"sensorname":"Chilli-1","date":"10-04","time":"17:31","lux":-2,'
            '"temp":null,"humid":null,"soil":65535,"soilTemp":0,"salt":0,"bat":-220}}'
        )
    )

    assert found == {"air_temperature": None, "air_humidity": None, "battery": None}


@pytest.mark.parametrize("field", ["lux", "light_lux", "lightLux", "Illuminance"])
@pytest.mark.parametrize("number", ["-2", "-1", "-2.0", "-1.00"])
def test_f_30_lux_below_nothing_are_no_light_whatever_else_is_bound(
    field: str, number: str
) -> None:
    device = Device(bind(PPFD, f"plant.{field}", unit="µmol/m²/s", factor=0.0185))

    (judged,) = device.send(f'{{"plant":{{"{field}":{number},"temp":null,"bat":-220}}}}')

    assert (judged.value, judged.verdict) == (None, Verdict.BAD)
    assert judged.reasons == (Reason.OUTSIDE_PHYSICAL,)


@pytest.mark.parametrize("topic", ["pot/lux", "pot/light_lux", "pot/sensor/illuminance/state"])
def test_lux_below_nothing_are_no_light_on_a_topic_of_their_own_either(topic: str) -> None:
    device = Device(bind(PPFD, topic=topic, factor=0.0185))

    assert values(device.send("-1", topic=topic)) == {"ppfd": None}


@pytest.mark.parametrize(
    ("field", "number"),
    [
        ("lux", "-0.4"),  # the last digits of a sum
        ("ppfd", "-2"),  # the zero of a quantum sensor is off
        ("light", "-2"),  # of nobody knows what
        ("luxury", "-2"),
    ],
)
def test_light_a_little_below_nothing_is_the_dark(field: str, number: str) -> None:
    device = Device(bind(PPFD, field, unit="µmol/m²/s", factor=0.0185))

    assert values(device.send(f'{{"{field}":{number}}}')) == {"ppfd": 0}


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


@pytest.mark.parametrize(("text", "unit"), [("-2", "lx"), ("-1 lux", None)])
def test_lux_below_nothing_are_no_light_of_an_entity_either(text: str, unit: str | None) -> None:
    reader = FieldReader(ChannelBinding.model_validate(LAMP))

    sample = reader.read_entity(text, unit, T0, T0)

    assert (sample.raw, sample.problem) == (None, Reason.OUTSIDE_PHYSICAL)


def test_volts_of_a_quantum_sensor_go_through_a_curve_that_ends_in_the_dark() -> None:
    curve = (CurvePoint(raw=0.01, value=0), CurvePoint(raw=2.5, value=2500))
    reader = FieldReader(ChannelBinding(kind=PPFD, topic="t", curve=curve))

    assert reader.read_text("0.0", T0).raw == 0
    assert reader.read_text("1.255", T0).raw == pytest.approx(1250)


def test_a_unit_that_is_said_counts_before_a_name_that_sounds_like_lux() -> None:
    named = {"kind": PPFD, "unit": "µmol/m²/s", "entity_id": "sensor.lux_meter_ppfd"}
    reader = FieldReader(ChannelBinding.model_validate(named))

    dark = reader.read_entity("-1.2", "µmol/m²/s", T0, T0)
    behind = reader.read_text("-1.2 µmol/m²/s", T0)
    bare = reader.read_text("-1.2", T0)

    assert (dark.raw, dark.problem) == (-1.2, None)
    assert (behind.raw, behind.problem) == (-1.2, None)
    assert bare.problem is Reason.OUTSIDE_PHYSICAL
