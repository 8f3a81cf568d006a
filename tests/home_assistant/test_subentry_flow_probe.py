"""The dialog about a soil probe, and sensors of Home Assistant as a source."""

from typing import Any

import pytest
from homeassistant.data_entry_flow import FlowResultType

from kamerplanter_backend.client.requests import ArchivePlant, ArchiveProbe, UpdateProbe
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.garden import Garden
from tests.home_assistant.served import BOTH_PLACES

pytestmark = BOTH_PLACES

MOISTURE = "sensor.bed_moisture"
RAW = "sensor.bed_raw"


async def begin(garden: Garden) -> Dialog:
    plant = await garden.add_plant("Tomato 1")
    dialog = await Dialog.add(garden, "probe")
    assert dialog.labels("place")[f"plant:{plant}"] == "Tomato 1 (Plant)"
    return await dialog.fill(name="Soil sensor", place=f"plant:{plant}")


def binding(garden: Garden, kind: ChannelKind = ChannelKind.SOIL_MOISTURE) -> Any:
    return garden.snapshot.probes[0].probe.binding(kind)


async def test_of_several_places_none_is_chosen_before_a_person_chooses(garden: Garden) -> None:
    await garden.add_tank()
    await garden.add_plant()

    dialog = await Dialog.add(garden, "probe")

    assert dialog.suggested["place"] == ""


async def test_of_one_place_there_is_nothing_to_choose(garden: Garden) -> None:
    await garden.add_tank()

    dialog = await Dialog.add(garden, "probe")

    assert "place" not in dialog.suggested


async def test_without_a_tank_or_plant_there_is_no_place(garden: Garden) -> None:
    dialog = await Dialog.add(garden, "probe")

    assert dialog.result["reason"] == "no_places"


async def test_a_probe_needs_a_name_and_a_value(garden: Garden) -> None:
    plant = await garden.add_plant()
    dialog = await (await Dialog.add(garden, "probe")).fill(name=" ", place=f"plant:{plant}")
    assert dialog.errors == {"name": "name_needed"}
    await dialog.fill(name="x" * 201, place=f"plant:{plant}")
    assert dialog.errors == {"name": "text_too_long"}
    await dialog.fill(name="Soil sensor", place=f"plant:{plant}")

    await dialog.choose("finish")

    assert dialog.step == "values"
    assert dialog.placeholders["bound"] == "**Bind at least one value first.**"
    assert len(garden.entry.subentries) == 1


async def test_raw_values_get_a_curve(garden: Garden) -> None:
    dialog = await begin(garden)
    await dialog.choose("value_soil_moisture", "topic")
    assert "unit" not in dialog.fields
    await dialog.fill(topic="bed/raw", curve="3100:0, 1400:100")
    await dialog.choose("finish")

    (view,) = garden.snapshot.probes
    subentry = garden.subentry(view.probe.key)
    assert subentry.unique_id == f"probe-{view.probe.key}"
    assert [(point.raw, point.value) for point in binding(garden).curve] == [
        (3100, 0),
        (1400, 100),
    ]
    assert garden.state("sensor", view.probe.key, "soil_moisture")
    dialog = await (await Dialog.change(garden, subentry)).fill(
        name="Soil sensor", place=f"plant:{view.probe.plant_key}"
    )
    await dialog.choose("value_soil_moisture", "topic")
    assert dialog.suggested["curve"] == "3100:0, 1400:100"


@pytest.mark.parametrize(
    "text",
    [
        "3100",
        "3100:0",
        "dry:0, wet:100",
        "1:0, 1:100",
        "1:2:3, 4:5",
        "3100:0, 1400:1000",
        "3100:-1, 1400:100",
    ],
)
async def test_a_curve_that_is_none_is_asked_for_again(garden: Garden, text: str) -> None:
    dialog = await begin(garden)
    await dialog.choose("value_soil_moisture", "topic")

    await dialog.fill(topic="bed/raw", curve=text)

    assert dialog.errors == {"curve": "bad_curve"}


async def test_changing_a_probe_moves_it_to_another_plant(garden: Garden) -> None:
    first = await garden.add_plant("Tomato 1")
    second = await garden.add_plant("Tomato 2")
    probe = await garden.add_probe(first)
    dialog = await Dialog.change(garden, garden.subentry(probe))
    assert dialog.suggested == {"name": "Soil sensor", "place": f"plant:{first}"}
    await dialog.fill(name="Moved", place=f"plant:{second}")
    await dialog.choose("value_soil_ec", "remove_value")

    await dialog.choose("finish")
    await garden.derive()

    assert dialog.result["reason"] == "reconfigure_successful"
    (view,) = garden.snapshot.probes
    assert (view.probe.key, view.probe.name, view.probe.plant_key) == (probe, "Moved", second)
    assert binding(garden, ChannelKind.SOIL_EC) is None
    assert view.probe.availability is not None


async def test_a_probe_that_is_gone_from_the_store_cannot_be_changed(garden: Garden) -> None:
    probe = await garden.add_probe(await garden.add_plant())
    await garden.ask(ArchiveProbe(key=probe))

    dialog = await Dialog.change(garden, garden.subentry(probe))

    assert dialog.result["reason"] == "not_in_garden"


async def test_a_plant_that_vanishes_meanwhile_is_said_and_nothing_is_written(
    garden: Garden,
) -> None:
    dialog = await begin(garden)
    await dialog.choose("value_soil_moisture", "topic")
    await dialog.fill(topic="bed/soil")
    await garden.ask(ArchivePlant(key=garden.snapshot.plants[0].plant.key))

    await dialog.choose("finish")

    assert dialog.step == "values"
    assert "**" in dialog.placeholders["bound"]
    assert garden.snapshot.probes == ()


async def test_a_second_probe_of_a_tank_is_bound(garden: Garden) -> None:
    tank = await garden.add_tank("Tank A")
    await garden.add_plant("Tank A")
    dialog = await Dialog.add(garden, "probe")
    assert list(dialog.labels("place").values()) == ["Tank A (Plant)", "Tank A (Tank)"]

    await dialog.fill(name="Second meter", place=f"tank:{tank}")
    kinds = ["ec", "ph", "water_temperature", "level", "dissolved_oxygen", "orp"]
    assert dialog.options == [f"value_{kind}" for kind in (*kinds, "battery", "signal")] + [
        "finish"
    ]
    await dialog.choose("value_ec", "topic")
    await dialog.fill(
        topic="second/ec", more={"compensated": False, "temperature_coefficient_pct": 1.9}
    )
    await dialog.choose("value_battery", "topic")
    await dialog.fill(topic="second/battery", unit="fraction")
    await dialog.choose("finish")

    (view,) = (item for item in garden.snapshot.probes if item.probe.name == "Second meter")
    assert (view.probe.name, view.probe.tank_key, view.probe.plant_key) == (
        "Second meter",
        tank,
        None,
    )
    ec = view.probe.binding(ChannelKind.EC)
    assert ec is not None
    assert (ec.compensated, ec.temperature_coefficient_pct) == (False, 1.9)
    subentry = garden.subentry(view.probe.key)
    dialog = await Dialog.change(garden, subentry)
    assert dialog.suggested == {"name": "Second meter", "place": f"tank:{tank}"}
    await dialog.fill(name="Second meter", place=f"tank:{tank}")
    await dialog.choose("value_ec", "topic")
    assert dialog.suggested["compensated"] is False
    assert dialog.suggested["temperature_coefficient_pct"] == 1.9


async def test_a_probe_that_moves_from_soil_to_water_leaves_the_soil_behind(
    garden: Garden,
) -> None:
    tank = await garden.add_tank(channels=())
    probe = await garden.add_probe(await garden.add_plant())
    dialog = await Dialog.change(garden, garden.subentry(probe))
    await dialog.fill(name="Moved", place=f"tank:{tank}")
    await dialog.choose("value_ph", "topic")
    await dialog.fill(topic="tank/ph")

    await dialog.choose("finish")
    await garden.derive()

    (view,) = garden.snapshot.probes
    assert (view.probe.tank_key, view.probe.plant_key) == (tank, None)
    assert [item.kind for item in view.probe.channels] == [ChannelKind.PH]
    assert garden.entity_id("sensor", probe, "soil_moisture") is None
    assert garden.entity_id("sensor", probe, "ph") is not None


async def test_changing_a_probe_leaves_alone_what_the_dialog_does_not_ask(
    garden: Garden,
) -> None:
    plant = await garden.add_plant()
    probe = await garden.add_probe(plant)
    await garden.ask(UpdateProbe(key=probe, patch={"calibration_due_d": 7}))
    dialog = await Dialog.change(garden, garden.subentry(probe))
    await dialog.fill(name="Soil sensor", place=f"plant:{plant}")

    await dialog.choose("finish")
    await garden.derive()

    assert garden.snapshot.probes[0].probe.calibration_due_d == 7


@pytest.mark.parametrize(
    ("kind", "key", "wanted"),
    [
        ("dissolved_oxygen", "unit_of_measurement", ["mg/L"]),
        ("orp", "device_class", ["voltage"]),
        ("battery", "device_class", ["battery"]),
        ("signal", "device_class", ["signal_strength"]),
    ],
)
async def test_each_kind_offers_the_sensors_that_fit(
    garden: Garden, kind: str, key: str, wanted: list[str]
) -> None:
    tank = await garden.add_tank(channels=())
    dialog = await Dialog.add(garden, "probe")
    await dialog.fill(name="Meter", place=f"tank:{tank}")

    await dialog.choose(f"value_{kind}", "entity")

    (found,) = dialog.selector("entity_id").config["filter"]
    assert found[key] == wanted


async def test_a_battery_in_volts_is_refused(garden: Garden) -> None:
    garden.hass.states.async_set("sensor.pot_battery", "2.9", {"unit_of_measurement": "V"})
    dialog = await begin(garden)
    await dialog.choose("value_battery", "entity")

    await dialog.fill(entity_id="sensor.pot_battery", show_all=True)

    assert dialog.errors == {"entity_id": "unknown_unit"}
    assert dialog.placeholders["allowed"] == "%, fraction"


# --- Sensors of Home Assistant --------------------------------------------------------------


async def test_a_sensor_of_the_house_is_bound_and_shown(garden: Garden) -> None:
    garden.hass.states.async_set(MOISTURE, "41", {"unit_of_measurement": "%"})
    dialog = await begin(garden)
    await dialog.choose("value_soil_moisture", "entity")
    assert dialog.selector("entity_id").config["filter"] == [
        {
            "domain": ["sensor", "number", "input_number"],
            "device_class": ["moisture", "humidity"],
        }
    ]

    await dialog.fill(entity_id=MOISTURE)
    assert dialog.placeholders["bound"] == f"- Soil moisture: `{MOISTURE}`"
    await dialog.choose("finish")

    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    assert binding(garden).entity_id == MOISTURE
    key = garden.snapshot.probes[0].probe.key
    garden.hass.states.async_set(MOISTURE, "42", {"unit_of_measurement": "%"})
    await garden.settle()
    assert garden.state("sensor", key, "soil_moisture").state == "42.0"


async def test_a_level_is_looked_for_by_its_unit(garden: Garden) -> None:
    dialog = await (await Dialog.add(garden, "tank")).fill(
        name="Tank", tank_type="nutrient", volume=10
    )
    await dialog.choose("value_level", "entity")

    (wanted,) = dialog.selector("entity_id").config["filter"]
    assert wanted["unit_of_measurement"] == ["%"]


async def test_a_sensor_that_writes_commas_is_offered_and_read(garden: Garden) -> None:
    garden.hass.states.async_set(MOISTURE, "41,5")
    garden.hass.states.async_set("sensor.words", "dry, rather")
    dialog = await begin(garden)
    await dialog.choose("value_soil_moisture", "entity")
    await dialog.fill(show_all=True)
    offered = dialog.selector("entity_id").config["include_entities"]
    assert MOISTURE in offered
    assert "sensor.words" not in offered

    await dialog.fill(entity_id=MOISTURE, show_all=True, decimal_comma=True)
    await dialog.choose("finish")
    await garden.settle()

    assert binding(garden).decimal_comma
    key = garden.snapshot.probes[0].probe.key
    assert garden.entry.runtime_data.live.shown(key, ChannelKind.SOIL_MOISTURE).value == 41.5


async def test_all_sensors_with_numbers_can_be_shown_but_never_our_own(garden: Garden) -> None:
    tank = await garden.add_tank()
    ours = garden.entity_id("sensor", tank, "ec_target")
    assert ours is not None
    garden.hass.states.async_set(ours, "1.5", {"unit_of_measurement": "mS/cm"})
    garden.hass.states.async_set(RAW, "2210")
    garden.hass.states.async_set("sensor.away", "unavailable", {"unit_of_measurement": "%"})
    garden.hass.states.async_set("sensor.words", "many")
    garden.hass.states.async_set("light.lamp", "1")
    dialog = await begin(garden)
    await dialog.choose("value_soil_moisture", "entity")
    assert ours in dialog.selector("entity_id").config["exclude_entities"]

    await dialog.fill(show_all=True)
    assert (dialog.step, dialog.errors) == ("entity", {})
    assert dialog.selector("entity_id").config["include_entities"] == ["sensor.away", RAW]

    await dialog.fill(entity_id=RAW, show_all=True, curve="3100:0; 1400:100")
    assert dialog.step == "values"


async def test_the_list_can_be_made_short_again(garden: Garden) -> None:
    dialog = await begin(garden)
    await dialog.choose("value_soil_moisture", "entity")
    await dialog.fill(show_all=True)

    await dialog.fill(show_all=False)

    assert "filter" in dialog.selector("entity_id").config


async def test_a_sensor_has_to_be_chosen(garden: Garden) -> None:
    dialog = await begin(garden)
    await dialog.choose("value_soil_moisture", "entity")

    await dialog.fill()

    assert dialog.errors == {"entity_id": "entity_needed"}


async def test_a_sensor_in_a_wrong_unit_needs_the_right_one(garden: Garden) -> None:
    garden.hass.states.async_set(RAW, "640", {"unit_of_measurement": "ppm"})
    dialog = await begin(garden)
    await dialog.choose("value_soil_ec", "entity")
    await dialog.fill(entity_id=RAW)
    assert dialog.errors == {"entity_id": "unknown_unit"}
    assert "ppm500" in dialog.placeholders["allowed"]

    await dialog.fill(entity_id=RAW, unit="ppm640", more={"max_age_min": 30})
    assert dialog.step == "values"
    await dialog.choose("finish")

    assert binding(garden, ChannelKind.SOIL_EC).unit == "ppm640"
    view = garden.snapshot.probes[0]
    dialog = await (await Dialog.change(garden, garden.subentry(view.probe.key))).fill(
        name="Soil sensor", place=f"plant:{view.probe.plant_key}"
    )
    await dialog.choose("value_soil_ec", "entity")
    assert dialog.suggested["entity_id"] == RAW
    assert dialog.suggested["max_age_min"] == 30
