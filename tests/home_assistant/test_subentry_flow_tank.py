"""The dialog about a tank."""

from collections.abc import Mapping

import pytest
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM

from kamerplanter_backend.client.requests import ArchiveTank, CreateProbe, ListObjects
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.home_assistant.dialog import Dialog, refusing
from tests.home_assistant.garden import Garden
from tests.home_assistant.served import BOTH_PLACES

pytestmark = BOTH_PLACES

TANK = {"name": "Tank A", "tank_type": "recirculation", "volume": 60}


async def bind_ec(dialog: Dialog, **more: object) -> Dialog:
    await dialog.choose("value_ec", "topic")
    return await dialog.fill(topic="tank/ec", **more)


async def fresh(garden: Garden) -> GardenSnapshot:
    """Return the garden as of now, not as of the last refresh."""
    return await garden.entry.runtime_data.client.snapshot()


async def stored(garden: Garden, kind: str) -> list[Mapping[str, object]]:
    return list((await garden.ask(ListObjects()))[kind])


async def test_a_tank_without_values_is_only_a_tank(garden: Garden) -> None:
    dialog = await Dialog.add(garden, "tank")
    assert dialog.step == "user"
    await dialog.fill(**TANK)
    assert (dialog.step, dialog.placeholders) == ("values", {"bound": "–"})

    await dialog.choose("finish")

    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    (subentry,) = garden.entry.subentries.values()
    (view,) = garden.snapshot.tanks
    assert subentry.title == view.tank.name == "Tank A"
    assert subentry.unique_id == f"tank-{view.tank.key}"
    assert subentry.data == {"key": view.tank.key, "bindings": {}}
    assert (view.tank.volume_l, view.tank.tank_type) == (60, "recirculation")
    assert garden.snapshot.probes == ()
    assert garden.device(view.tank.key)


async def test_a_tank_with_a_topic_gets_a_probe_and_its_entities(garden: Garden) -> None:
    before = garden.entry.runtime_data
    dialog = await (await Dialog.add(garden, "tank")).fill(**TANK)
    assert dialog.options == [
        "value_ec",
        "value_ph",
        "value_water_temperature",
        "value_level",
        "value_dissolved_oxygen",
        "value_orp",
        "value_battery",
        "value_signal",
        "finish",
    ]
    await bind_ec(dialog, path="EZO-1.EC", unit="µS/cm", decimal_comma=True)
    assert dialog.step == "values"
    assert dialog.placeholders["bound"] == "- Nutrient concentration (EC): `tank/ec → EZO-1.EC`"

    await dialog.choose("finish")

    (probe,) = (view.probe for view in garden.snapshot.probes)
    (subentry,) = garden.entry.subentries.values()
    binding = probe.binding(ChannelKind.EC)
    assert binding is not None
    assert (binding.topic, binding.path, binding.unit) == ("tank/ec", "EZO-1.EC", "µS/cm")
    assert binding.decimal_comma
    assert subentry.data["probe_key"] == probe.key
    assert subentry.data["bindings"] == {
        "channels": [
            {
                "kind": "ec",
                "topic": "tank/ec",
                "path": "EZO-1.EC",
                "unit": "µS/cm",
                "decimal_comma": True,
            }
        ]
    }
    assert garden.state("sensor", subentry.data["key"], "ec")
    assert garden.entry.runtime_data is before, "the entry was reloaded"


async def test_all_settings_of_a_value_arrive_in_the_store(garden: Garden) -> None:
    dialog = await (await Dialog.add(garden, "tank")).fill(**TANK)
    more = {
        "factor": 0.001,
        "guard_path": "ok",
        "time_path": "t",
        "max_age_min": 10,
        "rate_per_min": 0.2,
        "stuck_after_min": 120,
        "hold_min": 0.5,
    }
    await bind_ec(dialog, more=more)
    await dialog.choose("finish")

    binding = garden.snapshot.probes[0].probe.binding(ChannelKind.EC)

    assert binding is not None
    assert (binding.factor, binding.guard_path, binding.time_path) == (0.001, "ok", "t")
    assert (binding.max_age_s, binding.rate_per_min) == (600, 0.2)
    assert (binding.stuck_after_s, binding.hold_s) == (7200, 30)

    dialog = await Dialog.change(garden, next(iter(garden.entry.subentries.values())))
    await dialog.fill(**TANK)
    await dialog.choose("value_ec", "topic")
    assert more.items() <= dialog.suggested.items()


async def test_limits_of_ones_own_are_kept_and_shown_again(garden: Garden) -> None:
    limits = {
        "ec_low": 1.0,
        "ec_high": 2.0,
        "ph_low": 5.6,
        "ph_high": 6.2,
        "water_temperature_low": 16,
        "water_temperature_high": 24,
        "level_low": 30,
    }
    dialog = await (await Dialog.add(garden, "tank")).fill(**TANK, limits=limits, plain_water=True)
    await dialog.choose("finish")

    (view,) = garden.snapshot.tanks
    assert view.tank.water_temperature_low_c == 16
    assert view.bands.ec.high == 2.0
    assert view.tank.plain_water
    dialog = await Dialog.change(garden, garden.subentry(view.tank.key))
    assert dialog.step == "reconfigure"
    assert dialog.suggested == {**TANK, **limits, "plain_water": True}


async def test_volume_and_temperature_are_those_of_the_person(garden: Garden) -> None:
    garden.hass.config.units = US_CUSTOMARY_SYSTEM
    dialog = await Dialog.add(garden, "tank")
    assert dialog.selector("volume").config["unit_of_measurement"] == "gal"

    await dialog.fill(**TANK | {"volume": 10}, limits={"water_temperature_high": 77})
    await dialog.choose("finish")

    (view,) = garden.snapshot.tanks
    assert view.tank.volume_l == pytest.approx(37.854, abs=0.001)
    assert view.tank.water_temperature_high_c == pytest.approx(25)
    dialog = await Dialog.change(garden, garden.subentry(view.tank.key))
    assert (dialog.suggested["volume"], dialog.suggested["water_temperature_high"]) == (10, 77)


@pytest.mark.parametrize(
    ("changed", "errors"),
    [
        ({"name": " "}, {"name": "name_needed"}),
        ({"name": "x" * 201}, {"name": "text_too_long"}),
        ({"volume": 0}, {"volume": "value_not_allowed"}),
        ({"limits": {"ec_low": 2, "ec_high": 1}}, {"base": "low_not_below_high"}),
        ({"limits": {"ph_low": 6, "ph_high": 6}}, {"base": "low_not_below_high"}),
    ],
)
async def test_what_does_not_fit_is_said_where_it_stands(
    garden: Garden, changed: dict[str, object], errors: dict[str, str]
) -> None:
    dialog = await (await Dialog.add(garden, "tank")).fill(**TANK | changed)
    assert dialog.errors == errors

    await dialog.fill(**TANK)
    assert dialog.step == "values"


async def test_a_volume_that_no_tank_has_is_refused_by_the_form(garden: Garden) -> None:
    dialog = await Dialog.add(garden, "tank")

    with pytest.raises(InvalidData):
        await dialog.fill(**TANK | {"volume": 100_001})


@pytest.mark.parametrize(
    ("form", "errors"),
    [
        ({"topic": "tank/#"}, {"topic": "bad_topic"}),
        ({"topic": "tank/+/ec"}, {"topic": "bad_topic"}),
        ({"topic": " "}, {"topic": "bad_topic"}),
        ({"topic": "a\0b"}, {"topic": "bad_topic"}),
        ({"topic": "tank/ec", "unit": "V"}, {"unit": "unknown_unit"}),
        ({"topic": "tank/ec", "unit": "ppm"}, {"unit": "unknown_unit"}),
        ({"topic": "tank/ec", "path": "p" * 501}, {"path": "text_too_long"}),
    ],
)
async def test_a_topic_that_cannot_work_is_asked_for_again(
    garden: Garden, form: dict[str, str], errors: dict[str, str]
) -> None:
    dialog = await (await Dialog.add(garden, "tank")).fill(**TANK)
    await dialog.choose("value_ec", "topic")

    await dialog.fill(**form)
    assert (dialog.step, dialog.errors) == ("topic", errors)
    assert dialog.suggested["topic"] == form["topic"]

    await dialog.fill(topic="tank/ec")
    assert dialog.step == "values"


async def test_an_unknown_unit_is_answered_with_the_known_ones(garden: Garden) -> None:
    dialog = await (await Dialog.add(garden, "tank")).fill(**TANK)
    await bind_ec(dialog, unit="ppm")

    assert dialog.placeholders["value"] == "ppm"
    assert "ppm500" in dialog.placeholders["allowed"]


async def test_changing_a_tank_changes_the_same_objects(garden: Garden) -> None:
    tank = await garden.add_tank("Tank A", tank_type="nutrient")
    probe_key = garden.subentry(tank).data["probe_key"]
    dialog = await Dialog.change(garden, garden.subentry(tank))
    await dialog.fill(name="Tank B", tank_type="irrigation", volume=80)
    await dialog.choose("value_level", "remove_value")
    await dialog.choose("value_ph", "topic")
    assert dialog.suggested["topic"] == "tank/ph"
    await dialog.fill(topic="tank/ph2")

    await dialog.choose("finish")

    assert (dialog.result["type"], dialog.result["reason"]) == (
        FlowResultType.ABORT,
        "reconfigure_successful",
    )
    await garden.derive()
    (view,) = garden.snapshot.tanks
    assert (view.tank.key, view.tank.name, view.tank.volume_l) == (tank, "Tank B", 80)
    (probe,) = (item.probe for item in garden.snapshot.probes)
    assert (probe.key, probe.name) == (probe_key, "Tank B")
    assert ChannelKind.LEVEL not in {channel.kind for channel in probe.channels}
    assert garden.subentry(tank).title == "Tank B"
    device = garden.device(tank)
    assert device is not None
    assert device.name == "Tank B"


async def test_a_tank_can_be_given_values_later(garden: Garden) -> None:
    tank = await garden.add_tank(channels=())
    dialog = await Dialog.change(garden, garden.subentry(tank))
    await dialog.fill(**TANK)
    await bind_ec(dialog)

    await dialog.choose("finish")
    await garden.derive()

    (probe,) = (item.probe for item in garden.snapshot.probes)
    assert (probe.tank_key, garden.subentry(tank).data["probe_key"]) == (tank, probe.key)
    assert garden.state("sensor", tank, "ec")


async def test_a_limit_that_is_cleared_is_gone(garden: Garden) -> None:
    tank = await garden.add_tank(ec_high_ms_cm=2.0)
    dialog = await Dialog.change(garden, garden.subentry(tank))
    await dialog.fill(**TANK, limits={})
    await dialog.choose("finish")
    await garden.derive()

    assert garden.snapshot.tanks[0].tank.ec_high_ms_cm is None


async def test_a_tank_that_is_gone_from_the_store_cannot_be_changed(garden: Garden) -> None:
    tank = await garden.add_tank()
    await garden.ask(ArchiveTank(key=tank))

    dialog = await Dialog.change(garden, garden.subentry(tank))

    assert dialog.result["reason"] == "not_in_garden"


async def test_a_tank_that_vanishes_meanwhile_is_said_and_nothing_is_changed(
    garden: Garden,
) -> None:
    tank = await garden.add_tank("Tank A")
    dialog = await Dialog.change(garden, garden.subentry(tank))
    await dialog.fill(**TANK | {"name": "Tank B"})
    await garden.ask(ArchiveTank(key=tank))

    await dialog.choose("finish")

    assert dialog.step == "values"
    assert tank in dialog.placeholders["bound"]
    assert garden.subentry(tank).title == "Tank A"


async def test_a_probe_that_fails_takes_its_tank_along_and_a_second_try_works(
    garden: Garden,
) -> None:
    other = await garden.add_tank("Other")
    dialog = await (await Dialog.add(garden, "tank")).fill(**TANK)
    await bind_ec(dialog)

    with refusing(CreateProbe, "disk full"):
        await dialog.choose("finish")

    assert dialog.step == "values"
    assert "disk full" in dialog.placeholders["bound"]
    assert [view.tank.key for view in (await fresh(garden)).tanks] == [other]
    assert len(garden.entry.subentries) == 1
    await dialog.choose("finish")
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    assert {view.tank.name for view in (await fresh(garden)).tanks} == {"Other", "Tank A"}
    assert len(await stored(garden, "tanks")) == 2


async def test_leaving_the_dialog_leaves_nothing_behind(garden: Garden) -> None:
    dialog = await (await Dialog.add(garden, "tank")).fill(**TANK)
    await bind_ec(dialog)

    garden.hass.config_entries.subentries.async_abort(dialog.result["flow_id"])
    await garden.settle()

    assert await garden.ask(ListObjects()) == {"tanks": (), "plants": (), "probes": ()}
    assert garden.entry.subentries == {}


@pytest.mark.parametrize("kind", ["tank", "plant", "probe"])
async def test_nothing_is_added_to_a_garden_that_is_not_loaded(garden: Garden, kind: str) -> None:
    await garden.unload()

    dialog = await Dialog.add(garden, kind)

    assert (dialog.result["type"], dialog.result["reason"]) == (
        FlowResultType.ABORT,
        "entry_not_loaded",
    )


@pytest.mark.parametrize("kind", ["plant", "probe"])
async def test_a_store_that_is_closed_ends_the_dialog(garden: Garden, kind: str) -> None:
    await garden.entry.runtime_data.client.close()

    dialog = await Dialog.add(garden, kind)

    assert dialog.result["reason"] == "store_unavailable"
    assert "closed" in dialog.placeholders["message"]


async def test_a_german_house_reads_german_menus(garden: Garden) -> None:
    garden.hass.config.language = "de"
    dialog = await (await Dialog.add(garden, "tank")).fill(**TANK)
    await bind_ec(dialog)

    assert dialog.placeholders["bound"] == "- Nährstoffkonzentration (EC): `tank/ec`"
