"""Two people at once: only what a person changed is written, onto what the other one wrote."""

from typing import Any

import pytest
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir
from homeassistant.util.unit_system import US_CUSTOMARY_SYSTEM

from custom_components.kamerplanter.client_factory import Garden as OpenGarden
from custom_components.kamerplanter.const import DOMAIN
from custom_components.kamerplanter.meanwhile import Edit
from custom_components.kamerplanter.repairs import async_create_fix_flow
from kamerplanter_backend.client.requests import (
    ArchiveTank,
    ReplaceProbe,
    UpdateLocation,
    UpdatePlant,
    UpdateProbe,
    UpdateTank,
)
from kamerplanter_backend.common.exceptions import StaleRevisionError
from kamerplanter_engines.models.telemetry import ChannelKind, Probe
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.field_case import bind, say
from tests.home_assistant.garden import TOMATO, Garden
from tests.home_assistant.test_unit_issues import issues, send

EC_AND_PH = (bind("ec", topic="a/ec"), bind("ph", topic="a/ph"))
TANK = {"name": "Tank A", "tank_type": "nutrient"}


async def now(garden: Garden) -> Any:
    return await garden.entry.runtime_data.client.snapshot()


async def set_unit(garden: Garden, unit: str) -> None:
    """Set the unit of EC, as the other person does."""
    (view,) = (await now(garden)).probes
    channels = [
        item.model_copy(update={"unit": unit}) if item.kind is ChannelKind.EC else item
        for item in view.probe.channels
    ]
    patch: dict[str, Any] = {"channels": [item.model_dump(mode="json") for item in channels]}
    await garden.ask(UpdateProbe(key=view.probe.key, patch=patch))


async def probe_of(garden: Garden) -> Probe:
    (view,) = (await now(garden)).probes
    probe: Probe = view.probe
    return probe


def unit_of(probe: Probe, kind: ChannelKind = ChannelKind.EC) -> str | None:
    binding = probe.binding(kind)
    assert binding is not None
    return binding.unit


async def test_a_volume_that_is_changed_leaves_the_unit_that_another_one_set(
    garden: Garden,
) -> None:
    tank = await garden.add_tank(channels=EC_AND_PH)
    dialog = await Dialog.change(garden, garden.subentry(tank))
    await dialog.fill(**TANK, volume=80)
    await set_unit(garden, "µS/cm")
    await garden.ask(UpdateTank(key=tank, patch={"ph_low": 5.6, "name": "Basin"}))

    await dialog.choose("finish")

    assert dialog.result["reason"] == "reconfigure_successful"
    (view,) = (await now(garden)).tanks
    assert (view.tank.volume_l, view.tank.ph_low, view.tank.name) == (80, 5.6, "Basin")
    assert unit_of(await probe_of(garden)) == "µS/cm"
    subentry = garden.subentry(tank)
    assert subentry.title == "Basin"
    assert subentry.data["bindings"]["channels"][0]["unit"] == "µS/cm"


async def test_two_bindings_changed_by_two_people_are_both_kept(garden: Garden) -> None:
    tank = await garden.add_tank(channels=EC_AND_PH)
    dialog = await Dialog.change(garden, garden.subentry(tank))
    await dialog.fill(**TANK, volume=60)
    await dialog.choose("value_ph", "topic")
    await dialog.fill(topic="new/ph", decimal_comma=False, more={})
    await set_unit(garden, "µS/cm")

    await dialog.choose("finish")

    probe = await probe_of(garden)
    assert unit_of(probe) == "µS/cm"
    assert [item.topic for item in probe.channels] == ["a/ec", "new/ph"]


async def test_what_both_changed_is_said_by_name_and_asked_again(garden: Garden) -> None:
    tank = await garden.add_tank(channels=EC_AND_PH)
    dialog = await Dialog.change(garden, garden.subentry(tank))
    await dialog.fill(**TANK, volume=80)
    await dialog.choose("value_ec", "topic")
    await dialog.fill(topic="new/ec", decimal_comma=False, more={})
    await set_unit(garden, "µS/cm")
    await garden.ask(UpdateTank(key=tank, patch={"volume_l": 70}))
    revision = (await probe_of(garden)).revision

    await dialog.choose("finish")

    assert dialog.step == "values"
    said = dialog.placeholders["bound"]
    assert "Volume: 70; Nutrient concentration (EC): a/ec → µS/cm" in said
    (view,) = (await now(garden)).tanks
    assert (view.tank.volume_l, (await probe_of(garden)).revision) == (70, revision)

    await dialog.choose("finish")

    (view,) = (await now(garden)).tanks
    assert view.tank.volume_l == 80
    assert [item.topic for item in (await probe_of(garden)).channels] == ["new/ec", "a/ph"]


async def test_what_both_changed_alike_is_no_question(garden: Garden) -> None:
    tank = await garden.add_tank(channels=EC_AND_PH)
    dialog = await Dialog.change(garden, garden.subentry(tank))
    await dialog.fill(**TANK, volume=80)
    await garden.ask(UpdateTank(key=tank, patch={"volume_l": 80}))
    revision = (await now(garden)).tanks[0].tank.revision

    await dialog.choose("finish")

    assert dialog.result["reason"] == "reconfigure_successful"
    assert (await now(garden)).tanks[0].tank.revision == revision


async def test_a_dialog_in_which_nothing_was_changed_writes_nothing_in_any_unit(
    garden: Garden,
) -> None:
    garden.hass.config.units = US_CUSTOMARY_SYSTEM
    tank = await garden.add_tank(
        channels=EC_AND_PH, water_temperature_low_c=18.3, water_temperature_high_c=24.4
    )
    before = (await now(garden)).tanks[0].tank
    dialog = await Dialog.change(garden, garden.subentry(tank))
    shown = dialog.suggested
    names = ("water_temperature_low", "water_temperature_high")
    limits = {name: shown[name] for name in names}
    await dialog.fill(**TANK, volume=shown["volume"], plain_water=False, limits=limits)

    await dialog.choose("finish")

    assert dialog.result["reason"] == "reconfigure_successful"
    assert (await now(garden)).tanks[0].tank == before


async def test_a_probe_that_a_tank_got_meanwhile_is_the_one_that_is_bound(garden: Garden) -> None:
    tank = await garden.add_tank(channels=())
    dialog = await Dialog.change(garden, garden.subentry(tank))
    await dialog.fill(**TANK, volume=60)
    await dialog.choose("value_ph", "topic")
    await dialog.fill(topic="a/ph", decimal_comma=False, more={})
    other = await Dialog.change(garden, garden.subentry(tank))
    await other.fill(**TANK, volume=60)
    await other.choose("value_ec", "topic")
    await other.fill(topic="a/ec", decimal_comma=False, more={})
    await other.choose("finish")

    await dialog.choose("finish")

    assert [item.topic for item in (await probe_of(garden)).channels] == ["a/ec", "a/ph"]


async def test_a_write_in_the_same_moment_is_seen_and_it_is_tried_once_more(
    garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    tank = await garden.add_tank(channels=EC_AND_PH)
    dialog = await Dialog.change(garden, garden.subentry(tank))
    await dialog.fill(**TANK, volume=80)
    call_now, asked = OpenGarden.call_now, []

    async def late(self: OpenGarden, request: Any, caller: Any) -> Any:
        if not asked:
            await garden.ask(UpdateTank(key=tank, patch={"ph_low": 5.6}))
        asked.append(request)
        return await call_now(self, request, caller)

    monkeypatch.setattr(OpenGarden, "call_now", late)

    await dialog.choose("finish")

    assert dialog.result["reason"] == "reconfigure_successful"
    assert [type(item) for item in asked] == [UpdateTank, UpdateTank]
    assert asked[1].expected_revision == asked[0].expected_revision + 1
    (view,) = (await now(garden)).tanks
    assert (view.tank.volume_l, view.tank.ph_low) == (80, 5.6)


async def test_a_tank_that_is_gone_is_said(garden: Garden) -> None:
    tank = await garden.add_tank(channels=EC_AND_PH)
    dialog = await Dialog.change(garden, garden.subentry(tank))
    await dialog.fill(**TANK, volume=80)
    await garden.ask(ArchiveTank(key=tank))

    await dialog.choose("finish")

    assert dialog.step == "values"
    assert tank in dialog.placeholders["bound"]


async def test_a_place_and_a_probe_of_its_own_are_written_alike(garden: Garden) -> None:
    place = await garden.add_location()
    dialog = await Dialog.change(garden, garden.subentry(place))
    await dialog.fill(name="Tent", base_temperature=7)
    await garden.ask(UpdateLocation(key=place, patch={"name": "Big tent"}))
    await dialog.choose("finish")
    view = (await now(garden)).location(place)
    assert (view.location.name, view.location.base_temperature_c) == ("Big tent", 7)

    plant = await garden.add_plant()
    soil = await garden.add_probe(plant)
    dialog = await Dialog.change(garden, garden.subentry(soil))
    await dialog.fill(name="Mine", place=f"plant:{plant}")
    await garden.ask(UpdateProbe(key=soil, patch={"name": "Theirs"}))
    await dialog.choose("finish")
    assert dialog.step == "values"
    assert "Name: Theirs" in dialog.placeholders["bound"]
    await dialog.choose("finish")
    assert (await now(garden)).probe(soil).probe.name == "Mine"


async def test_a_plant_keeps_what_others_changed_of_it(garden: Garden) -> None:
    plant = await garden.add_plant()
    before = (await now(garden)).plant(plant)
    dialog = await Dialog.change(garden, garden.subentry(plant))
    phase = {
        "phase_entry_id": before.phase.entry_id,
        "phase_started_on": before.phase_started_on.isoformat(),
    }
    await dialog.fill(name="Tomato", species_key=TOMATO, care={"watering_interval_d": 4})
    await garden.ask(UpdatePlant(key=plant, patch={"name": "Red one", "edible": False}))
    await dialog.fill(**phase)
    changed = (await now(garden)).plant(plant).plant
    assert (changed.name, changed.edible, changed.watering_interval_d) == ("Red one", False, 4)
    assert changed.phase_entry_id == before.plant.phase_entry_id

    dialog = await Dialog.change(garden, garden.subentry(plant))
    await dialog.fill(name="Red one", species_key=TOMATO, care={"edible": "no"})
    other = list(dialog.labels("phase_entry_id"))[1]
    await dialog.fill(phase_entry_id=other, phase_started_on=phase["phase_started_on"])
    changed = (await now(garden)).plant(plant).plant
    assert changed.phase_entry_id == other
    assert changed.phase_started_on == before.phase_started_on


async def test_another_device_leaves_what_others_bound(garden: Garden) -> None:
    tank = await garden.add_tank(channels=EC_AND_PH)
    dialog = await Dialog.manage(garden, garden.subentry(tank))
    await dialog.choose("replace")
    await dialog.fill(other_source=True)
    await dialog.fill(**TANK, volume=60)
    await dialog.choose("value_ph", "topic")
    await dialog.fill(topic="new/ph", decimal_comma=False, more={})
    await set_unit(garden, "µS/cm")

    await dialog.choose("finish")

    probe = await probe_of(garden)
    assert [item.topic for item in probe.channels] == ["a/ec", "new/ph"]
    assert (unit_of(probe), len(probe.replacements)) == ("µS/cm", 1)


async def test_a_revision_that_is_not_the_newest_is_refused_for_tank_and_probe(
    garden: Garden,
) -> None:
    tank = await garden.add_tank(channels=EC_AND_PH)
    probe = (await probe_of(garden)).key
    for stale in (
        UpdateTank(key=tank, patch={"volume_l": 1}, expected_revision=7),
        UpdateProbe(key=probe, patch={"name": "x"}, expected_revision=7),
        ReplaceProbe(probe_key=probe, expected_revision=7),
    ):
        with pytest.raises(StaleRevisionError):
            await garden.ask(stale)


async def test_two_repairs_directly_after_each_other_both_hold(mqtt_garden: Garden) -> None:
    warm = bind("water_temperature", topic="a/t")
    await mqtt_garden.add_tank(channels=(bind("ec"), warm))
    await send(mqtt_garden, "1413", "1414", "1415")
    for payload in ("70.1", "70.2", "70.3"):
        assert mqtt_garden.freezer is not None
        mqtt_garden.freezer.tick(60)
        say(mqtt_garden, payload, topic="a/t")
        await mqtt_garden.settle()
    flows = []
    for issue in issues(mqtt_garden):
        flow: Any = await async_create_fix_flow(mqtt_garden.hass, issue.issue_id, issue.data)
        flow.hass, flow.handler, flow.issue_id = mqtt_garden.hass, DOMAIN, issue.issue_id
        flow.flow_id, flow.context = "flow", {}
        await flow.async_step_init()
        flows.append(flow)
    assert len(flows) == 2

    for flow in flows:
        done = await flow.async_step_confirm({})  # what is shown does not follow in between
        assert done["type"] is FlowResultType.CREATE_ENTRY

    probe = await probe_of(mqtt_garden)
    assert (unit_of(probe), unit_of(probe, ChannelKind.WATER_TEMPERATURE)) == ("µS/cm", "°F")


async def test_an_issue_that_a_dialog_ended_comes_back_if_it_did_not_help(
    mqtt_garden: Garden,
) -> None:
    await mqtt_garden.add_tank(channels=(bind("ec"),))
    await send(mqtt_garden, "1413", "1414", "1415")
    (issue,) = issues(mqtt_garden)

    ir.async_delete_issue(mqtt_garden.hass, DOMAIN, issue.issue_id)  # as a finished dialog does
    await mqtt_garden.settle()
    await send(mqtt_garden, "1413", "1414")
    assert issues(mqtt_garden) == []
    await send(mqtt_garden, "1415")

    assert len(issues(mqtt_garden)) == 1


def test_a_part_taken_away_by_one_and_changed_by_the_other_is_a_clash() -> None:
    edit = Edit({"a": 1, "b": 2})

    assert edit.changes({"a": 1}, {"a": 1, "b": 3}) == ({"b": None}, {"b": 3})
    assert edit.changes({"a": 1}, {"a": 1, "b": 3}) == ({"b": None}, {})


def test_going_back_to_what_it_was_after_a_clash_is_wanted_too() -> None:
    edit = Edit({"a": 1})

    assert edit.changes({"a": 2}, {"a": 3}) == ({"a": 2}, {"a": 3})
    assert edit.changes({"a": 1}, {"a": 3}) == ({"a": 1}, {})


def test_an_untouched_field_is_not_written_though_rounding_changed_it() -> None:
    edit = Edit({"a": 18.304}, {"a": 18.3})

    assert edit.changes({"a": 18.3}, {"a": 20.0}) == ({}, {})
