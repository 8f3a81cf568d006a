"""The dialog about a place."""

import pytest
from homeassistant.config_entries import ConfigSubentry
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from custom_components.kamerplanter import client_factory
from kamerplanter_backend.client.requests import ArchiveProbe, CreateProbe
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.home_assistant.dialog import Dialog, refusing
from tests.home_assistant.garden import Garden
from tests.home_assistant.listening import hear
from tests.home_assistant.served import BOTH_PLACES

pytestmark = BOTH_PLACES


TENT = {"name": "Tent", "base_temperature": 10}


def only(garden: Garden) -> ConfigSubentry:
    (subentry,) = garden.entry.subentries.values()
    return subentry


async def bind_air(dialog: Dialog) -> Dialog:
    await dialog.choose("value_air_temperature", "topic")
    await dialog.fill(topic="tent/air", path="temperature")
    await dialog.choose("value_air_humidity", "topic")
    return await dialog.fill(topic="tent/air", path="humidity")


async def remove(garden: Garden, key: str) -> None:
    garden.hass.config_entries.async_remove_subentry(garden.entry, garden.subentry(key).subentry_id)
    await garden.settle()
    await garden.derive()


async def test_a_new_place_without_values_is_only_a_place(garden: Garden) -> None:
    dialog = await Dialog.add(garden, "location")
    assert dialog.step == "new"
    assert dialog.suggested == {"base_temperature": 10}
    await dialog.fill(**TENT)
    assert (dialog.step, dialog.placeholders) == ("values", {"bound": "–"})

    await dialog.choose("finish")

    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    await garden.derive()
    (view,) = garden.snapshot.locations
    assert (view.location.name, view.location.base_temperature_c) == ("Tent", 10)
    assert view.location.site_key == garden.snapshot.home_site_key
    subentry = only(garden)
    assert (subentry.title, subentry.unique_id) == ("Tent", f"location-{view.location.key}")
    assert subentry.data == {"key": view.location.key, "bindings": {}}
    assert garden.snapshot.probes == ()
    device, hub = garden.device(view.location.key), garden.device("hub")
    assert device is not None
    assert hub is not None
    assert device.via_device_id == hub.id


async def test_a_place_with_topics_gets_a_probe_and_its_entities(garden: Garden) -> None:
    before = garden.entry.runtime_data
    dialog = await (await Dialog.add(garden, "location")).fill(**TENT)
    assert dialog.options == [
        "value_air_temperature",
        "value_air_humidity",
        "value_leaf_temperature",
        "value_ppfd",
        "value_battery",
        "value_signal",
        "finish",
    ]
    await bind_air(dialog)
    await dialog.choose("value_leaf_temperature", "topic")
    await dialog.fill(topic="tent/leaf", unit="°F")
    await dialog.choose("value_ppfd", "topic")
    await dialog.fill(topic="tent/lux", unit="µmol/m²/s", more={"factor": 0.0185})

    await dialog.choose("finish")
    await garden.derive()

    (probe,) = (view.probe for view in garden.snapshot.probes)
    key = only(garden).data["key"]
    assert (probe.name, probe.location_key, probe.tank_key) == ("Tent", key, None)
    assert only(garden).data["probe_key"] == probe.key
    light = probe.binding(ChannelKind.PPFD)
    assert light is not None
    assert (light.unit, light.factor) == ("µmol/m²/s", 0.0185)
    for row in ("air_temperature", "air_humidity", "leaf_temperature", "ppfd"):
        assert garden.state("sensor", key, row)
    for row in ("vpd", "dew_point", "dli_today", "measurement_quality"):
        assert garden.state("sensor", key, row)
    assert garden.entry.runtime_data is before, "the entry was reloaded"


async def test_a_sensor_of_home_assistant_fits_by_class_or_unit(garden: Garden) -> None:
    dialog = await (await Dialog.add(garden, "location")).fill(**TENT)
    offered = {}
    for kind in ("air_temperature", "air_humidity", "leaf_temperature", "ppfd"):
        await dialog.choose(f"value_{kind}", "entity")
        (offered[kind],) = dialog.selector("entity_id").config["filter"]
        garden.hass.states.async_set("sensor.lux", "4000", {"unit_of_measurement": "lx"})
        if kind == "ppfd":
            await dialog.fill(entity_id="sensor.lux")
            assert dialog.errors == {"entity_id": "unknown_unit"}
            await dialog.fill(entity_id="sensor.lux", unit="µmol/m²/s", more={"factor": 0.0185})
        else:
            await dialog.fill(entity_id=f"sensor.{kind}")

    assert {kind: item.get("device_class") for kind, item in offered.items()} == {
        "air_temperature": ["temperature"],
        "air_humidity": ["humidity"],
        "leaf_temperature": ["temperature"],
        "ppfd": None,
    }
    assert "μmol/s⋅m²" in offered["ppfd"]["unit_of_measurement"]
    await dialog.choose("finish")
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    await garden.derive()
    garden.hass.states.async_set("sensor.lux", "5000", {"unit_of_measurement": "lx"})
    await garden.settle()
    light = garden.state("sensor", only(garden).data["key"], "ppfd")
    assert float(light.state) == pytest.approx(5000 * 0.0185)


async def test_the_base_temperature_is_in_the_unit_of_the_person(garden: Garden) -> None:
    garden.hass.config.units = US_CUSTOMARY_SYSTEM
    dialog = await Dialog.add(garden, "location")
    assert dialog.suggested == {"base_temperature": 50}
    assert dialog.selector("base_temperature").config["unit_of_measurement"] == "°F"

    await dialog.fill(name="Tent", base_temperature=41)
    await dialog.choose("finish")
    await garden.derive()

    (view,) = garden.snapshot.locations
    assert view.location.base_temperature_c == pytest.approx(5)
    dialog = await Dialog.change(garden, only(garden))
    assert dialog.suggested == {"name": "Tent", "base_temperature": 41}


@pytest.mark.parametrize(
    ("changed", "errors"),
    [
        ({"name": " "}, {"name": "name_needed"}),
        ({"name": "x" * 201}, {"name": "text_too_long"}),
    ],
)
async def test_what_does_not_fit_is_said_where_it_stands(
    garden: Garden, changed: dict[str, object], errors: dict[str, str]
) -> None:
    dialog = await (await Dialog.add(garden, "location")).fill(**TENT | changed)
    assert dialog.errors == errors

    await dialog.fill(**TENT)
    assert dialog.step == "values"


@pytest.mark.parametrize("temperature", [-21, 41])
async def test_a_base_temperature_at_which_nothing_grows_is_refused(
    garden: Garden, temperature: float
) -> None:
    dialog = await Dialog.add(garden, "location")

    with pytest.raises(InvalidData):
        await dialog.fill(**TENT | {"base_temperature": temperature})


async def test_what_arrives_can_be_chosen_and_shows_at_once(mqtt_garden: Garden) -> None:
    dialog = await (await Dialog.add(mqtt_garden, "location")).fill(**TENT)
    assert dialog.options[0] == "discover"
    await dialog.choose("value_air_temperature", "listen")
    await hear(
        dialog,
        ("zigbee2mqtt/tent", b'{"humidity": 61.2, "temperature": 24.3, "linkquality": 90}'),
        ("zigbee2mqtt/tent/availability", b"online"),
    )
    assert dialog.step == "heard"
    (chosen,) = (key for key, label in dialog.labels("heard").items() if "temperature" in label)
    await dialog.fill(heard=chosen)
    assert dialog.suggested["path"] == "temperature"
    await dialog.fill(topic="zigbee2mqtt/tent", path="temperature")
    await dialog.choose("value_air_humidity", "heard")
    (chosen,) = (key for key, label in dialog.labels("heard").items() if "humidity" in label)
    await dialog.fill(heard=chosen)
    await dialog.fill(topic="zigbee2mqtt/tent", path="humidity")
    await dialog.choose("availability")
    assert dialog.suggested["topic"] == "zigbee2mqtt/tent/availability"
    await dialog.fill(topic="zigbee2mqtt/tent/availability")
    await dialog.choose("finish")
    await mqtt_garden.derive()

    async_fire_mqtt_message(
        mqtt_garden.hass, "zigbee2mqtt/tent", '{"humidity": 60, "temperature": 25}'
    )

    key = only(mqtt_garden).data["key"]
    assert float(mqtt_garden.state("sensor", key, "vpd").state) == pytest.approx(1.267, abs=0.001)
    async_fire_mqtt_message(mqtt_garden.hass, "zigbee2mqtt/tent/availability", "offline")
    assert mqtt_garden.state("sensor", key, "vpd").state == STATE_UNAVAILABLE


async def test_a_device_that_was_heard_is_bound_as_a_whole(mqtt_garden: Garden) -> None:
    dialog = await (await Dialog.add(mqtt_garden, "location")).fill(**TENT)
    await dialog.choose("discover")
    await hear(
        dialog,
        ("zigbee2mqtt/tent", b'{"battery": 81, "humidity": 61.2, "temperature": 24.3}'),
        ("zigbee2mqtt/tent/availability", b"online"),
        ("zigbee2mqtt/bed", b'{"soil_moisture": 41, "battery": 80}'),
    )
    assert dialog.step == "devices"
    (label,) = dialog.labels("device").values()
    assert label == "zigbee2mqtt/tent (Zigbee2MQTT): 24.3 °C, 61.2 %"
    await dialog.fill(device="0")
    assert dialog.fields == ["air_temperature", "air_humidity", "battery", "availability"]
    await dialog.fill(**dialog.suggested, availability=True)
    await dialog.choose("finish")
    await mqtt_garden.derive()

    (probe,) = (view.probe for view in mqtt_garden.snapshot.probes)
    assert {channel.kind: channel.path for channel in probe.channels} == {
        ChannelKind.AIR_TEMPERATURE: "temperature",
        ChannelKind.AIR_HUMIDITY: "humidity",
        ChannelKind.BATTERY: "battery",
    }
    key = only(mqtt_garden).data["key"]
    async_fire_mqtt_message(
        mqtt_garden.hass, "zigbee2mqtt/tent", '{"battery": 81, "humidity": 60, "temperature": 25}'
    )
    assert float(mqtt_garden.state("sensor", key, "vpd").state) == pytest.approx(1.267, abs=0.001)
    assert mqtt_garden.state("sensor", key, "battery").state == "81.0"


# --- A place that the garden has ------------------------------------------------------------


async def test_a_place_of_the_garden_is_chosen_and_kept(garden: Garden) -> None:
    tent = await garden.add_location("Tent", channels=(), is_shown=False, base_temperature_c=6)
    await garden.add_location("Shown", channels=())
    dialog = await Dialog.add(garden, "location")
    assert (dialog.step, dialog.options) == ("user", ["known", "new"])
    await dialog.choose("known")
    # Of one place there is nothing to choose.
    assert (dialog.labels("location"), dialog.suggested) == ({tent: "Tent"}, {})
    await dialog.fill(location=tent)
    assert dialog.step == "details"
    assert dialog.suggested == {"name": "Tent", "base_temperature": 6}
    await dialog.fill(name="Big tent", base_temperature=8)
    await bind_air(dialog)

    await dialog.choose("finish")
    await garden.derive()

    view = garden.snapshot.location(tent)
    assert view is not None
    assert (view.location.name, view.location.base_temperature_c) == ("Big tent", 8)
    assert garden.subentry(tent).title == "Big tent"
    assert garden.state("sensor", tent, "vpd")
    assert len(garden.snapshot.locations) == 2


async def test_of_several_places_one_has_to_be_chosen_and_what_is_around_is_said(
    garden: Garden,
) -> None:
    first = await garden.add_location("Tent 1", channels=(), is_shown=False)
    second = await garden.add_location("Tent 2", channels=(), is_shown=False)
    shelves = [
        await garden.add_location("Shelf", channels=(), is_shown=False, parent_key=tent)
        for tent in (first, second)
    ]
    dialog = await (await Dialog.add(garden, "location")).choose("known")

    assert dialog.labels("location") == {
        first: "Tent 1",
        second: "Tent 2",
        shelves[0]: "Shelf (Tent 1)",
        shelves[1]: "Shelf (Tent 2)",
    }
    assert dialog.suggested == {"location": ""}


async def test_a_new_place_can_be_named_beside_those_of_the_garden(garden: Garden) -> None:
    await garden.add_location("Tent", channels=(), is_shown=False)
    dialog = await (await Dialog.add(garden, "location")).choose("new")
    await dialog.fill(name="Bed", base_temperature=4)
    await dialog.choose("finish")
    await garden.derive()

    assert {view.location.name for view in garden.snapshot.locations} == {"Tent", "Bed"}
    assert only(garden).title == "Bed"


async def test_a_place_that_was_removed_comes_back_with_its_probe(garden: Garden) -> None:
    tent = await garden.add_location("Tent")
    probe = garden.subentry(tent).data["probe_key"]
    entity_id = garden.entity_id("sensor", tent, "vpd")
    await remove(garden, tent)
    # The place stays, as beds and plants hang on it; only its probe is put away.
    assert [view.location.key for view in garden.snapshot.locations] == [tent]
    assert garden.snapshot.probes == ()
    assert garden.device(tent) is None

    dialog = await (await Dialog.add(garden, "location")).choose("known")
    await dialog.fill(location=tent)
    await dialog.fill(**TENT)
    assert "tent/air → humidity" in dialog.placeholders["bound"]
    await dialog.choose("finish")
    await garden.derive()

    assert [view.probe.key for view in garden.snapshot.probes] == [probe]
    assert garden.subentry(tent).data["probe_key"] == probe
    assert garden.entity_id("sensor", tent, "vpd") == entity_id


async def test_of_several_old_probes_that_of_the_place_comes_back(garden: Garden) -> None:
    tent = await garden.add_location("Tent")
    own = garden.subentry(tent).data["probe_key"]
    other = await garden.add_probe(
        None,
        "Corner",
        location_key=tent,
        channels=garden.snapshot.probes[0].probe.channels,
        availability=None,
    )
    await remove(garden, tent)
    garden.freezer.tick(60)
    await remove(garden, other)

    dialog = await (await Dialog.add(garden, "location")).choose("known")
    await dialog.fill(location=tent)
    await dialog.fill(**TENT)
    await dialog.choose("finish")
    await garden.derive()

    assert [view.probe.key for view in garden.snapshot.probes] == [own]


async def test_what_is_no_more_bound_brings_no_probe_back(garden: Garden) -> None:
    tent = await garden.add_location("Tent")
    await remove(garden, tent)
    dialog = await (await Dialog.add(garden, "location")).choose("known")
    await dialog.fill(location=tent)
    await dialog.fill(**TENT)
    for kind in ("air_temperature", "air_humidity", "ppfd"):
        await dialog.choose(f"value_{kind}", "remove_value")

    await dialog.choose("finish")
    await garden.derive()

    assert garden.snapshot.probes == ()
    assert "probe_key" not in garden.subentry(tent).data


async def test_a_place_that_was_shown_meanwhile_is_not_offered_any_more(garden: Garden) -> None:
    tent = await garden.add_location("Tent", channels=(), is_shown=False)
    first = await (await Dialog.add(garden, "location")).choose("known")
    second = await (await Dialog.add(garden, "location")).choose("known")
    third = await (await Dialog.add(garden, "location")).choose("known")
    fourth = await Dialog.add(garden, "location")
    await third.fill(location=tent)
    await third.fill(**TENT)
    await first.fill(location=tent)
    await first.fill(**TENT)
    await first.choose("finish")
    assert first.result["type"] is FlowResultType.CREATE_ENTRY

    await second.fill(location=tent)
    assert second.step == "new"
    await third.choose("finish")
    assert (third.result["type"], third.result["reason"]) == (
        FlowResultType.ABORT,
        "already_configured",
    )
    await fourth.choose("known")
    assert fourth.step == "new"
    assert len(garden.entry.subentries) == 1


# --- Changed --------------------------------------------------------------------------------


async def test_changing_a_place_changes_the_same_objects(garden: Garden) -> None:
    tent = await garden.add_location("Tent")
    probe = garden.subentry(tent).data["probe_key"]
    dialog = await Dialog.manage(garden, garden.subentry(tent))
    # Nothing of the air is calibrated in a solution.
    assert dialog.options == ["change", "replace"]
    await dialog.choose("change")
    await dialog.fill(name="House", base_temperature=5)
    await dialog.choose("value_ppfd", "remove_value")

    await dialog.choose("finish")

    assert dialog.result["reason"] == "reconfigure_successful"
    await garden.derive()
    view = garden.snapshot.location(tent)
    assert view is not None
    assert (view.location.name, view.location.base_temperature_c) == ("House", 5)
    (changed,) = (item.probe for item in garden.snapshot.probes)
    assert (changed.key, changed.name, changed.location_key) == (probe, "House", tent)
    assert garden.entity_id("sensor", tent, "dli_today") is None
    device = garden.device(tent)
    assert device is not None
    assert device.name == "House"


async def test_a_place_can_be_given_values_later(garden: Garden) -> None:
    tent = await garden.add_location("Tent", channels=())
    dialog = await Dialog.change(garden, garden.subentry(tent))
    assert dialog.step == "reconfigure"
    await dialog.fill(**TENT)
    await bind_air(dialog)
    await dialog.choose("finish")
    await garden.derive()

    (probe,) = (item.probe for item in garden.snapshot.probes)
    assert (probe.location_key, garden.subentry(tent).data["probe_key"]) == (tent, probe.key)
    assert garden.state("sensor", tent, "vpd")


async def test_the_device_of_a_place_is_replaced(garden: Garden) -> None:
    tent = await garden.add_location("Tent")
    dialog = await Dialog.manage(garden, garden.subentry(tent))
    await dialog.choose("replace")
    await dialog.fill(note="SHT45")

    assert dialog.result["reason"] == "probe_replaced"
    await garden.derive()
    (probe,) = (item.probe for item in garden.snapshot.probes)
    assert [item.note for item in probe.replacements] == ["SHT45"]


async def test_a_place_that_the_garden_does_not_have_cannot_be_changed(garden: Garden) -> None:
    tent = await garden.add_location("Tent", channels=())
    garden.hass.config_entries.async_update_subentry(
        garden.entry, garden.subentry(tent), data={"key": "gone"}
    )

    dialog = await Dialog.manage(garden, only(garden))

    assert dialog.result["reason"] == "not_in_garden"


# --- What goes wrong ------------------------------------------------------------------------


async def test_a_probe_that_fails_is_said_and_a_second_try_is_about_the_same_place(
    garden: Garden,
) -> None:
    dialog = await (await Dialog.add(garden, "location")).fill(**TENT)
    await bind_air(dialog)

    with refusing(CreateProbe, "disk full"):
        await dialog.choose("finish")

    assert dialog.step == "values"
    assert "disk full" in dialog.placeholders["bound"]
    assert len(garden.entry.subentries) == 0
    await dialog.choose("finish")
    assert dialog.result["type"] is FlowResultType.CREATE_ENTRY
    await garden.derive()
    assert [view.location.name for view in garden.snapshot.locations] == ["Tent"]
    assert len(garden.snapshot.probes) == 1


async def test_a_probe_that_others_archived_comes_back_with_the_next_change(
    garden: Garden,
) -> None:
    tent = await garden.add_location("Tent")
    probe = garden.subentry(tent).data["probe_key"]
    await garden.ask(ArchiveProbe(key=probe))
    await garden.derive()
    assert garden.snapshot.probes == ()
    dialog = await Dialog.change(garden, garden.subentry(tent))
    assert dialog.step == "reconfigure"
    await dialog.fill(**TENT)
    assert "tent/air → humidity" in dialog.placeholders["bound"]

    await dialog.choose("finish")
    await garden.derive()

    assert dialog.result["reason"] == "reconfigure_successful"
    assert [view.probe.key for view in garden.snapshot.probes] == [probe]
    assert garden.state("sensor", tent, "vpd")


async def test_a_probe_that_vanishes_meanwhile_is_said(garden: Garden) -> None:
    tent = await garden.add_location("Tent")
    probe = garden.subentry(tent).data["probe_key"]
    dialog = await Dialog.change(garden, garden.subentry(tent))
    await dialog.fill(**TENT)
    await garden.ask(ArchiveProbe(key=probe))

    await dialog.choose("finish")

    assert dialog.step == "values"
    assert probe in dialog.placeholders["bound"]


async def test_leaving_the_dialog_leaves_nothing_behind(garden: Garden) -> None:
    dialog = await (await Dialog.add(garden, "location")).fill(**TENT)
    await bind_air(dialog)

    garden.hass.config_entries.subentries.async_abort(dialog.result["flow_id"])
    await garden.settle()

    assert garden.snapshot.locations == ()
    assert garden.entry.subentries == {}


async def test_a_garden_without_a_site_has_no_places(
    garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = garden.snapshot.model_copy(update={"home_site_key": None})

    async def of_an_older_server(_garden: object) -> object:
        return snapshot

    monkeypatch.setattr(client_factory.Garden, "snapshot_now", of_an_older_server)

    dialog = await Dialog.add(garden, "location")

    assert dialog.result["reason"] == "no_site"


async def test_nothing_is_added_to_a_garden_that_is_not_loaded(garden: Garden) -> None:
    await garden.unload()

    dialog = await Dialog.add(garden, "location")

    assert dialog.result["reason"] == "entry_not_loaded"


async def test_a_store_that_is_closed_ends_the_dialog(garden: Garden) -> None:
    await garden.entry.runtime_data.client.close()

    dialog = await Dialog.add(garden, "location")

    assert dialog.result["reason"] == "store_unavailable"
