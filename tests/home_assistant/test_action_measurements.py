"""Measurements by hand and calibrations by actions, with the garden here and on a server."""

import time
from typing import Any

import pytest
from homeassistant.core import Context
from homeassistant.exceptions import ServiceValidationError
from homeassistant.util import dt as dt_util
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.kamerplanter.const import DOMAIN
from kamerplanter_backend.client.requests import CreateProbe, ListMeasurements
from kamerplanter_backend.common.exceptions import ForbiddenError
from kamerplanter_engines.models.telemetry import ProbeFields
from tests.home_assistant.calibrating import act
from tests.home_assistant.field_case import bind, say
from tests.home_assistant.garden import Garden
from tests.home_assistant.served import BOTH_PLACES

pytestmark = BOTH_PLACES


@pytest.fixture
def admin(hass_admin_user: MockUser) -> Context:
    return Context(user_id=hass_admin_user.id)


async def measure(garden: Garden, payload: str, topic: str = "tank/ec") -> None:
    say(garden, payload, topic=topic)
    await garden.derive()


async def tapped(garden: Garden) -> None:
    """Wait in real time until an action listens to a probe, and has begun to count the time."""
    for _ in range(4000):
        is_tapped = len(garden.entry.runtime_data.live.taps) > 0
        await garden.hass.async_add_executor_job(time.sleep, 0.005)
        if is_tapped:
            return
    raise AssertionError("nobody listens")


async def test_a_measurement_by_hand_is_kept_beside_the_probe(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic="tank/ec")])
    await measure(mqtt_garden, "1.9")

    kept_at = dt_util.utcnow()
    answer = await act(
        mqtt_garden, "log_measurement", tank, kind="ec", value=2100, unit="µS/cm", note="Meter"
    )

    probe = mqtt_garden.snapshot.probes[0].probe
    assert (answer["value"], answer["unit"], answer["verdict"]) == (2.1, "mS/cm", "good")
    assert answer["reasons"] == []
    assert answer["at"] == kept_at.isoformat()
    (compared,) = answer["probes"]
    assert (compared["probe"], compared["probe_id"]) == ("Tank A", probe.key)
    assert (compared["value"], compared["unit"]) == (pytest.approx(1.9), "mS/cm")
    assert compared["difference"] == pytest.approx(0.2)
    (kept,) = await mqtt_garden.ask(ListMeasurements(tank_key=tank))
    assert (kept.key, kept.note, kept.entered_unit) == (answer["measurement_id"], "Meter", "µS/cm")


async def test_a_soil_probe_stands_for_its_plant(mqtt_garden: Garden) -> None:
    plant = await mqtt_garden.add_plant()
    probe = await mqtt_garden.add_probe(plant)

    await act(mqtt_garden, "log_measurement", probe, kind="soil_moisture", value=33)

    (kept,) = await mqtt_garden.ask(ListMeasurements(plant_key=plant))
    assert kept.value == 33


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"kind": "ec", "value": 1, "unit": "furlong"}, "unknown_unit"),
        ({"kind": "ph", "value": 22}, "value_not_allowed"),
        ({"kind": "soil_moisture", "value": 22}, "value_not_allowed"),
        ({"kind": "ph", "value": 7, "at": "2026-05-01 13:00:00"}, "future_time"),
        # Clocks go from 2 to 3 in that night.
        ({"kind": "ph", "value": 7, "at": "2026-03-29 02:30:00"}, "no_such_time"),
    ],
)
async def test_a_measurement_that_cannot_be_is_refused(
    mqtt_garden: Garden, data: dict[str, Any], key: str
) -> None:
    tank = await mqtt_garden.add_tank()

    with pytest.raises(ServiceValidationError) as caught:
        await act(mqtt_garden, "log_measurement", tank, **data)

    assert caught.value.translation_domain == DOMAIN
    assert caught.value.translation_key == key
    assert await mqtt_garden.ask(ListMeasurements(tank_key=tank)) == ()


async def test_a_slip_of_the_hand_is_taken_out_and_nothing_is_left_of_it(
    mqtt_garden: Garden,
) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ph", topic="tank/ph")])
    await measure(mqtt_garden, "6.0", "tank/ph")
    await act(mqtt_garden, "log_measurement", tank, kind="ph", value=6.1)
    mqtt_garden.freezer.tick(60)
    slip = await act(mqtt_garden, "log_measurement", tank, kind="ph", value=8.9, note="Meter")
    quality = mqtt_garden.state("sensor", tank, "measurement_quality")
    assert (quality.state, quality.attributes["ph_reasons"]) == ("suspect", ["measure_again"])
    assert mqtt_garden.state("binary_sensor", tank, "calibration_due").state != "on"

    gone = await act(mqtt_garden, "remove_measurement", tank, kind="ph")

    assert gone == {
        "measurement_id": slip["measurement_id"],
        "kind": "ph",
        "value": 8.9,
        "unit": slip["unit"],
        "at": slip["at"],
        "note": "Meter",
    }
    (left,) = await mqtt_garden.ask(ListMeasurements(tank_key=tank))
    assert left.value == 6.1
    await mqtt_garden.derive()
    assert mqtt_garden.state("sensor", tank, "measurement_quality").state == "good"


async def test_a_measurement_of_a_time_is_taken_out(mqtt_garden: Garden) -> None:
    plant = await mqtt_garden.add_plant()
    for moment, value in (("09:00:25", 31), ("09:01:10", 32), ("09:30:00", 33)):
        at = f"2026-05-01 {moment}"  # in Berlin
        await act(mqtt_garden, "log_measurement", plant, kind="soil_moisture", value=value, at=at)

    at = "2026-05-01 09:01:00"
    gone = await act(mqtt_garden, "remove_measurement", plant, kind="soil_moisture", at=at)

    assert (gone["value"], gone["at"]) == (32, "2026-05-01T07:01:10+00:00")
    too_late = {"kind": "soil_moisture", "at": "2026-05-01 09:10:00"}
    others: tuple[dict[str, Any], ...] = ({"kind": "soil_ec"}, too_late)
    for data in others:
        with pytest.raises(ServiceValidationError) as caught:
            await act(mqtt_garden, "remove_measurement", plant, **data)
        assert caught.value.translation_key == "no_measurement"
    left = await mqtt_garden.ask(ListMeasurements(plant_key=plant))
    assert [item.value for item in left] == [33, 31]


async def test_a_number_without_a_unit_is_one_of_the_house(mqtt_garden: Garden) -> None:
    mqtt_garden.hass.config.units = US_CUSTOMARY_SYSTEM
    tank = await mqtt_garden.add_tank()

    for data, celsius in (
        ({"value": 68}, 20.0),
        ({"value": 20, "unit": "°C"}, 20.0),
        ({"value": 293.15, "unit": "K"}, 20.0),
    ):
        kept = await act(mqtt_garden, "log_measurement", tank, kind="water_temperature", **data)
        assert (kept["value"], kept["unit"]) == (pytest.approx(celsius), "°C")
    with pytest.raises(ServiceValidationError) as caught:
        await act(mqtt_garden, "log_measurement", tank, kind="water_temperature", value=150)

    assert caught.value.translation_placeholders is not None
    assert caught.value.translation_placeholders["allowed"] == "32 – 122 °F"
    kept = await act(mqtt_garden, "log_measurement", tank, kind="ec", value=1.8)
    assert (kept["value"], kept["unit"]) == (1.8, "mS/cm")


async def test_one_place_for_each_call(mqtt_garden: Garden) -> None:
    first, second = await mqtt_garden.add_tank(), await mqtt_garden.add_tank("Tank B")
    devices = [mqtt_garden.device(key).id for key in (first, second)]

    with pytest.raises(ServiceValidationError) as caught:
        await mqtt_garden.hass.services.async_call(
            DOMAIN,
            "log_measurement",
            {"device_id": devices, "kind": "ph", "value": 7},
            blocking=True,
        )

    assert caught.value.translation_key == "one_target"
    assert caught.value.translation_placeholders is not None
    assert caught.value.translation_placeholders["value"] == "2"


async def test_a_probe_is_calibrated_in_the_units_of_the_bottle(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic="tank/ec")])

    answer = await act(
        mqtt_garden,
        "calibrate",
        tank,
        kind="ec",
        unit="µS/cm",
        points=[{"reference": 1413, "raw": 1570, "temperature_c": 25}],
    )

    # 1413 / 1570 = 0.9; the probe shows 111.1 % of what is true.
    assert answer["factor"] == pytest.approx(0.9)
    assert answer["offset"] == pytest.approx(0)
    assert answer["efficiency_percent"] == 111.1
    assert (answer["verdict"], answer["warnings"]) == ("good", [])
    assert answer["points"] == [{"raw": 1.57, "reference": 1.413, "temperature_c": 25.0}]
    assert (answer["unit"], answer["raw_unit"]) == ("mS/cm", "mS/cm")
    await measure(mqtt_garden, "2.0")
    shown = mqtt_garden.state("sensor", tank, "ec").state
    assert float(shown) == pytest.approx(1.8)


@pytest.mark.parametrize(
    ("kind", "more", "points", "units"),
    [
        ("ph", {}, ((7.0, 7.1), (4.01, 4.1)), ("pH", "pH")),
        ("ph", {"scale": "millivolt"}, ((7.0, -5), (4.01, 170)), ("pH", "mV")),
        ("soil_moisture", {}, ((0, 3000), (100, 1500)), ("%", "")),
        ("soil_ec", {"unit": "µS/cm"}, ((1413, 1350),), ("mS/cm", "mS/cm")),
    ],
)
async def test_each_number_of_a_calibration_has_its_unit(
    mqtt_garden: Garden,
    kind: str,
    more: dict[str, Any],
    points: tuple[tuple[float, float], ...],
    units: tuple[str, str],
) -> None:
    plant = await mqtt_garden.add_plant()
    probe = await mqtt_garden.add_probe(plant, channels=[bind(kind, topic="p")], availability=None)
    said = [{"reference": reference, "raw": raw} for reference, raw in points]

    await act(mqtt_garden, "calibrate", probe, kind=kind, points=said, **more)

    (listed,) = (await act(mqtt_garden, "list_calibrations", probe))["calibrations"]
    assert (listed["unit"], listed["raw_unit"]) == units


async def test_a_raw_value_that_is_left_out_is_the_next_reading(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic="tank/ec")])
    await measure(mqtt_garden, "0.8")
    call = mqtt_garden.hass.async_create_task(
        act(mqtt_garden, "calibrate", tank, kind="ec", points={"reference": 1.413})
    )
    await tapped(mqtt_garden)
    assert mqtt_garden.freezer is not None
    mqtt_garden.freezer.tick(1)
    say(mqtt_garden, "1.3", topic="tank/ec")

    answer = await call

    assert answer["points"][0]["raw"] == 1.3
    assert len(mqtt_garden.entry.runtime_data.live.taps) == 0


async def test_the_live_value_is_that_of_one_solution(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ph", topic="tank/ph")])

    with pytest.raises(ServiceValidationError) as caught:
        await act(
            mqtt_garden,
            "calibrate",
            tank,
            kind="ph",
            points=[{"reference": 7.0, "raw": 7.1}, {"reference": 4.01}],
        )

    assert caught.value.translation_key == "value_missing"
    assert caught.value.translation_placeholders is not None
    assert caught.value.translation_placeholders["field"] == "What the probe shows"


async def test_points_that_make_no_calibration_are_refused_in_words(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ph", topic="tank/ph")])
    points = [{"reference": 7.0, "raw": 7.1}, {"reference": 4.01, "raw": 5.0}]

    with pytest.raises(ServiceValidationError) as caught:
        await act(mqtt_garden, "calibrate", tank, kind="ph", points=points)

    assert caught.value.translation_key == "calibration_slope"
    assert caught.value.translation_placeholders is not None
    # (7.1 - 5.0) / 2.99 = 70 %
    assert caught.value.translation_placeholders["shown"] == "70"
    listed = await act(mqtt_garden, "list_calibrations", tank)
    assert listed["calibrations"] == []
    assert [(item["kind"], item["state"]) for item in listed["channels"]] == [("ph", "never")]


async def test_a_channel_that_is_not_there_is_refused(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ph", topic="tank/ph")])

    with pytest.raises(ServiceValidationError) as caught:
        await act(mqtt_garden, "calibrate", tank, kind="ec", points={"reference": 1.413})

    assert caught.value.translation_key == "no_probe_of_kind"


async def test_a_tank_stands_for_its_own_probe_also_beside_another_one(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic="tank/ec")])
    own = mqtt_garden.snapshot.probes[0].probe.key
    channels = (bind("ec", topic="second/ec"), bind("ph", topic="second/ph"))
    fields = ProbeFields(name="Second", tank_key=tank, channels=channels)
    second = await mqtt_garden.ask(CreateProbe(fields=fields))
    await mqtt_garden.derive()

    # Its own one has no other device that could be chosen.
    point = {"reference": 1.413, "raw": 1.4}
    of_both = await act(mqtt_garden, "calibrate", tank, kind="ec", points=point)
    points = [{"reference": 7.0, "raw": 7.1}, {"reference": 4.01, "raw": 4.1}]
    of_second = await act(mqtt_garden, "calibrate", tank, kind="ph", points=points)
    replaced = await act(mqtt_garden, "replace_probe", tank)

    assert (of_both["probe"], of_both["probe_id"]) == ("Tank A", own)
    assert (of_second["probe"], of_second["probe_id"]) == ("Second", second.key)
    assert of_second["verdict"] == "doubtful"
    assert of_second["warnings"] == ["temperature_unknown"]
    assert replaced["probe_id"] == own


async def test_of_several_probes_with_devices_of_their_own_one_has_to_be_chosen(
    mqtt_garden: Garden,
) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ph", topic="tank/ph")])
    for name, topic in (("First", "first/ec"), ("Second", "second/ec")):
        fields = ProbeFields(name=name, tank_key=tank, channels=(bind("ec", topic=topic),))
        await mqtt_garden.ask(CreateProbe(fields=fields))
    await mqtt_garden.derive()

    with pytest.raises(ServiceValidationError) as caught:
        await act(
            mqtt_garden, "calibrate", tank, kind="ec", points={"reference": 1.413, "raw": 1.4}
        )

    assert caught.value.translation_key == "several_probes"
    assert caught.value.translation_placeholders is not None
    assert caught.value.translation_placeholders["value"] == "2"


async def test_a_soil_probe_without_that_channel_says_what_it_measures(
    mqtt_garden: Garden,
) -> None:
    plant = await mqtt_garden.add_plant()
    probe = await mqtt_garden.add_probe(plant)

    with pytest.raises(ServiceValidationError) as caught:
        await act(mqtt_garden, "calibrate", probe, kind="ph", points={"reference": 7})

    assert caught.value.translation_key == "value_not_allowed"
    assert caught.value.translation_placeholders is not None
    assert "Soil moisture" in caught.value.translation_placeholders["allowed"]


async def test_a_probe_that_is_silent_has_no_live_value(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic="tank/ec")])
    call = mqtt_garden.hass.async_create_task(
        act(mqtt_garden, "calibrate", tank, kind="ec", points={"reference": 1.413})
    )
    await tapped(mqtt_garden)
    assert mqtt_garden.freezer is not None
    mqtt_garden.freezer.tick(61)

    with pytest.raises(ServiceValidationError) as caught:
        await call

    assert caught.value.translation_key == "no_live_silent"
    assert len(mqtt_garden.entry.runtime_data.live.taps) == 0


async def test_who_may_not_withdraw_is_told_so(
    mqtt_garden: Garden, monkeypatch: pytest.MonkeyPatch, admin: Context
) -> None:
    await mqtt_garden.add_tank()

    async def refuse(_client: object, _request: object, _caller: object) -> None:
        raise ForbiddenError("no", permission="probe:update")

    with monkeypatch.context() as patch:
        patch.setattr(type(mqtt_garden.entry.runtime_data.client), "call", refuse)
        with pytest.raises(ServiceValidationError) as caught:
            await act(
                mqtt_garden, "withdraw_calibration", None, admin, calibration_id="x", reason="y"
            )

    assert caught.value.translation_key == "forbidden"


async def test_a_wrong_calibration_is_withdrawn(mqtt_garden: Garden, admin: Context) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic="tank/ec")])
    made = await act(
        mqtt_garden, "calibrate", tank, kind="ec", points={"reference": 1.413, "raw": 1.57}
    )

    answer = await act(
        mqtt_garden,
        "withdraw_calibration",
        None,
        admin,
        calibration_id=made["calibration_id"],
        reason="Wrong bottle",
    )

    assert answer["withdrawn_reason"] == "Wrong bottle"
    assert answer["withdrawn_at"] is not None
    await measure(mqtt_garden, "2.0")
    assert float(mqtt_garden.state("sensor", tank, "ec").state) == pytest.approx(2.0)
    with pytest.raises(ServiceValidationError) as caught:
        await act(
            mqtt_garden, "withdraw_calibration", None, admin, calibration_id="none", reason="x"
        )
    assert caught.value.translation_key == "not_found"


async def test_a_probe_is_replaced_by_an_action(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ec", topic="tank/ec")])
    await act(mqtt_garden, "calibrate", tank, kind="ec", points={"reference": 1.413, "raw": 1.57})
    assert mqtt_garden.freezer is not None
    mqtt_garden.freezer.tick(60)

    answer = await act(mqtt_garden, "replace_probe", tank, note="New one")

    assert answer["replaced_at"] == ["2026-05-01T10:01:00+00:00"]
    listed = await act(mqtt_garden, "list_calibrations", tank)
    assert listed["calibrations"][0]["replaced_at"] == "2026-05-01T10:01:00+00:00"
    assert listed["channels"][0]["state"] == "replaced"
