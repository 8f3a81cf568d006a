"""A 0 or a full scale is doubtful in bad company, also where that is bound to nothing."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kamerplanter_backend.telemetry.messages.bystanders import MOST_SHAPES
from kamerplanter_backend.telemetry.probe.intake import ProbeIntake
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Reason, Verdict
from tests.backend.telemetry.brokers import mosquitto
from tests.backend.telemetry.device import probe as make_probe
from tests.backend.telemetry.fleet import Fleet, send, until, worker_of

NOW = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)
MOISTURE, LEVEL = ChannelKind.SOIL_MOISTURE, ChannelKind.LEVEL
F_05 = {
    "Time": "2026-03-29T19:20:12",
    "alias": "Flora1",
    "mac": "c47c8d000001",
    "Temperature": 24.4,
    "Illuminance": 353,
    "Moisture": 0,
    "Fertility": 0,
    "RSSI": -91,
}


def verdict(payload: dict[str, Any], kind: ChannelKind, path: str, **bound: str) -> Verdict:
    """Return the verdict on one channel of a message; the others are bound as well."""
    channels = {kind: path, **{ChannelKind(name): field for name, field in bound.items()}}
    probe = make_probe(
        *(ChannelBinding(kind=item, topic="device", path=field) for item, field in channels.items())
    )
    judged = ProbeIntake(probe, started_at=NOW).on_message(
        "device", json.dumps(payload), retained=False, received_at=NOW + timedelta(hours=1)
    )
    [found] = [item for item in judged if item.kind is kind]
    if found.verdict is Verdict.SUSPECT:
        assert Reason.BAD_COMPANY in found.reasons
    return found.verdict


@pytest.mark.parametrize("bound", [{}, {"soil_temperature": "Temperature"}], ids=["alone", "both"])
def test_f_05_a_plant_sensor_in_the_air_is_doubted_whatever_is_bound(bound: dict[str, str]) -> None:
    assert verdict(F_05, MOISTURE, "Moisture", **bound) is Verdict.SUSPECT


@pytest.mark.parametrize(
    ("payload", "kind", "path"),
    [
        ({"soil_moisture": 0, "temperature": -127}, MOISTURE, "soil_moisture"),
        ({"soil_moisture": 0, "temperature": "-127.00"}, MOISTURE, "soil_moisture"),
        ({"soil_moisture": 100, "temperature": -127.0}, MOISTURE, "soil_moisture"),
        ({"level": 0, "temp": -127}, LEVEL, "level"),
        ({"level": 0, "temp": -196.6}, LEVEL, "level"),
        ({"level": 100, "temp_c": 85.0}, LEVEL, "level"),
        ({"level": 0, "ec": 0}, LEVEL, "level"),
        ({"level": 0, "pH": "0.00"}, LEVEL, "level"),
        ({"level": 0, "ec_us_cm": 0, "pump": 1}, LEVEL, "level"),
        ({"level": 0, "water_temperature": 0}, LEVEL, "level"),
        ({"level": 0, "ph": -1}, LEVEL, "level"),
        ({"soil_moisture": 0, "ph": 14}, MOISTURE, "soil_moisture"),
        ({"bed1_moisture": 0, "bed1_ec": 0}, MOISTURE, "bed1_moisture"),
        ({"soil_ec_hum1": "0", "soil_ec1": "0"}, MOISTURE, "soil_ec_hum1"),
        ({"Uid": "a", "Wa": 0, "Te": 215, "Us": 0}, MOISTURE, "Wa"),
        ({"plants": {"a": {"moisture": 0, "conductivity": 0}}}, MOISTURE, "plants.a.moisture"),
    ],
)
def test_what_cannot_be_is_bad_company(
    payload: dict[str, Any], kind: ChannelKind, path: str
) -> None:
    assert verdict(payload, kind, path) is Verdict.SUSPECT


@pytest.mark.parametrize(
    "beside",
    [
        {},
        {"temperature": 21.4, "conductivity": 353, "battery": 0, "rssi": 0, "linkquality": 0},
        # A counter, a flag, a setting, the dark.
        {"alarm": 0, "rain": 0, "error": 0, "uptime": 0, "lux": 0, "light_level": 0, "ppfd": 0},
        {"temperature_offset": 0, "soil_moisture_min": 0, "ec_calibration": 0},
        {"ph_down": 0, "pump_ph": 0, "ph_pump": 0, "ec_error": 0, "water_temp_ok": 0},
        {"moisture_alarm": 0, "soil_ec_batt1": "0", "ph_dose_ml": 0, "dosing_ec": 0},
        # The same in other words, and that of another pot.
        {"moisture": 0, "soil_humidity": 0, "soil_moisture_pct": 0},
        {"soil_ec2": 0, "bed2_ec": 0, "fertility_7": 0},
        # Words, flags and nothing.
        {"ph": False, "ec": None, "fertility": "", "conductivity": "error", "orp": [0]},
        # 85 may be °F, and 185 tenths of a °C.
        {"temperature": 85.0, "temp": 85, "soil_temp": 185},
        # Counts, tenths and a number without a unit are large.
        {"ph": 74, "ec": 65535, "conductivity": 15, "humidity": 543},
        # Where it freezes it is a measurement.
        {"soil_temperature": 0.0, "air_temperature": 0.0, "temperature": 0},
        # Numbers whose unit nobody knows; a sensor that is not fitted.
        {"conductivity": 1413, "temperature": 70.1, "humidity": None, "ph": "n/a"},
        {"other": {"conductivity": 0, "temperature": -127}},
    ],
)
@pytest.mark.parametrize("moisture", [0, 100])
def test_a_healthy_device_may_say_0_and_100(beside: dict[str, Any], moisture: int) -> None:
    """It is suspect at 100 by itself, as the end stop of its circuit, but in no bad company."""
    payload = {"soil_moisture": moisture, **beside}
    probe = make_probe(ChannelBinding(kind=MOISTURE, topic="device", path="soil_moisture"))

    [judged] = ProbeIntake(probe, started_at=NOW).on_message(
        "device", json.dumps(payload), retained=False, received_at=NOW + timedelta(hours=1)
    )

    assert Reason.BAD_COMPANY not in judged.reasons
    assert moisture == 100 or judged.verdict is Verdict.GOOD


@pytest.mark.parametrize("ec", [0, 1413])
def test_water_from_a_filter_conducts_nothing(ec: int) -> None:
    channel = ChannelBinding(kind=LEVEL, topic="device", path="level")
    intake = ProbeIntake(make_probe(channel), started_at=NOW, plain_water=True)

    [judged] = intake.on_message(
        "device", json.dumps({"level": 100, "ec": ec}), retained=False, received_at=NOW
    )

    assert judged.verdict is Verdict.GOOD


def test_what_the_broker_kept_is_not_shown_in_bad_company() -> None:
    """Its time is that of the device, so it would be shown with its age."""
    channel = ChannelBinding(kind=MOISTURE, topic="device", path="Moisture")
    intake = ProbeIntake(make_probe(channel), started_at=NOW)
    payload = F_05 | {"Time": NOW.isoformat()}

    intake.on_message("device", json.dumps(payload), retained=True, received_at=NOW)
    assert intake.shown(MOISTURE, NOW).value is None

    payload |= {"Fertility": 120}
    intake.on_message("device", json.dumps(payload), retained=True, received_at=NOW)
    assert intake.shown(MOISTURE, NOW).value == 0


def test_messages_of_many_shapes_are_each_looked_at() -> None:
    channel = ChannelBinding(kind=MOISTURE, topic="device", path="Moisture")
    intake = ProbeIntake(make_probe(channel), started_at=NOW)

    for number in range(3 * MOST_SHAPES):
        at = NOW + timedelta(minutes=number)
        payload = json.dumps({f"counter{number}": 0} | F_05)
        [judged] = intake.on_message("device", payload, retained=False, received_at=at)
        assert judged.reasons == (Reason.BAD_COMPANY,)


F_30 = {
    "sensorname": "Chilli-1",
    "lux": -2,
    "temp": None,
    "humid": None,
    "soil": 65535,
    "soilTemp": 0,
    "salt": 0,
    "bat": -220,
}


def test_f_30_light_below_nothing_is_none_where_all_else_has_failed() -> None:
    """Also where nobody says that it is counted in lux."""
    probe = make_probe(
        ChannelBinding(kind=ChannelKind.PPFD, topic="t", path="plant.light", factor=0.0185),
        ChannelBinding(kind=ChannelKind.AIR_TEMPERATURE, topic="t", path="plant.temp"),
        ChannelBinding(kind=ChannelKind.AIR_HUMIDITY, topic="t", path="plant.humid"),
        ChannelBinding(kind=ChannelKind.BATTERY, topic="t", path="plant.bat"),
    )
    intake = ProbeIntake(probe, started_at=NOW)

    payload = json.dumps({"plant": F_30 | {"light": -2}})
    judged = intake.on_message("t", payload, retained=False, received_at=NOW)

    assert [(item.value, item.verdict) for item in judged] == [(None, Verdict.BAD)] * 4
    assert judged[0].reasons == (Reason.BAD_COMPANY,)


def test_another_number_beside_it_is_as_good_as_ever() -> None:
    payload = {"soil_moisture": 34, "temperature": -127}

    assert verdict(payload, MOISTURE, "soil_moisture") is Verdict.GOOD


def test_what_is_no_object_has_no_company() -> None:
    probe = make_probe(ChannelBinding(kind=MOISTURE, topic="device"))

    [judged] = ProbeIntake(probe, started_at=NOW).on_message(
        "device", "0", retained=False, received_at=NOW + timedelta(hours=1)
    )

    assert judged.verdict is Verdict.GOOD


@pytest.mark.mosquitto
@pytest.mark.usefixtures("socket_enabled")
async def test_the_worker_doubts_as_home_assistant_does(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path / "garden.db")
    garden = fleet.add_garden(0)
    fleet.add_probe(garden, ChannelBinding(kind=MOISTURE, topic="flora", path="Moisture"))
    topic = f"kamerplanter/{garden.slug}/flora"

    async with mosquitto(tmp_path) as broker, worker_of(fleet, broker.port) as live:
        await send(broker.port, [(topic, json.dumps(F_05).encode())])
        await until(lambda: live.counts.verdicts.total() == 1)
    fleet.close()

    assert live.counts.reasons == {(Verdict.SUSPECT, Reason.BAD_COMPANY): 1}
