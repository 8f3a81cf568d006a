"""A unit that does not fit: a repair issue with a hint, and a dialog that sets the unit."""

from typing import Any

import pytest
from homeassistant.const import STATE_UNKNOWN
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.helpers import issue_registry as ir

from custom_components.kamerplanter import unit_repair
from custom_components.kamerplanter.const import DOMAIN
from custom_components.kamerplanter.repairs import async_create_fix_flow
from custom_components.kamerplanter.unit_repair import UnitFlow
from kamerplanter_backend.client.requests import ArchiveProbe, UpdateProbe
from kamerplanter_backend.common.exceptions import (
    ForbiddenError,
    StaleRevisionError,
    UnavailableError,
)
from kamerplanter_engines.errors import KamerplanterError
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from tests.home_assistant.field_case import TOPIC, bind, say
from tests.home_assistant.flow_texts import TEXTS
from tests.home_assistant.garden import Garden


def issues(garden: Garden) -> list[ir.IssueEntry]:
    return [
        issue
        for (domain, key), issue in ir.async_get(garden.hass).issues.items()
        if domain == DOMAIN and key.startswith("unit_mismatch_")
    ]


def said_of_flow(issue: ir.IssueEntry) -> list[str]:
    """Return what a person reads of an issue and its dialog, in each language."""
    told = issue.translation_placeholders or {}
    return [
        text.format(**told)
        for texts in TEXTS.values()
        for part in [texts["issues"][issue.translation_key]]
        for text in (part["title"], *part["fix_flow"]["step"]["confirm"].values())
    ]


async def send(garden: Garden, *payloads: str) -> None:
    for payload in payloads:
        if garden.freezer is not None:
            garden.freezer.tick(60)
        say(garden, payload)
        await garden.settle()


async def add_tank(garden: Garden, *channels: ChannelBinding) -> str:
    return await garden.add_tank("Tank A", channels=channels or (bind("ec"),))


async def fix(garden: Garden) -> UnitFlow:
    """Begin the dialog of the only issue, as the front end would."""
    (issue,) = issues(garden)
    flow = await async_create_fix_flow(garden.hass, issue.issue_id, issue.data)
    assert isinstance(flow, UnitFlow)
    flow.hass, flow.handler, flow.issue_id = garden.hass, DOMAIN, issue.issue_id
    flow.flow_id, flow.context = "flow", {}
    shown: Any = await flow.async_step_init()
    assert shown["step_id"] == "confirm"
    for texts in TEXTS.values():
        part = texts["issues"]["unit_mismatch"]
        for text in (part["title"], *part["fix_flow"]["step"]["confirm"].values()):
            assert "µS/cm" in text.format(**shown["description_placeholders"])
    return flow


def bound_unit(garden: Garden) -> str | None:
    binding = garden.snapshot.probes[0].probe.binding(ChannelKind.EC)
    assert binding is not None
    return binding.unit


async def test_numbers_that_look_like_microsiemens_are_told_and_put_right(
    mqtt_garden: Garden,
) -> None:
    tank = await add_tank(mqtt_garden, bind("ec"), bind("ph", "ph"))
    await send(mqtt_garden, "1413", "1415")
    assert issues(mqtt_garden) == []

    await send(mqtt_garden, "1414")

    (issue,) = issues(mqtt_garden)
    assert issue.is_fixable
    assert issue.translation_key == "unit_mismatch"
    assert issue.translation_placeholders == {
        "probe": "Tank A",
        "measurement": "Nutrient concentration (EC)",
        "source": TOPIC,
        "unit": "µS/cm",
        "bound_unit": "mS/cm",
        "allowed": "mS/cm, µS/cm, dS/m, S/m, S/cm, mS/m, CF, ppm500, ppm640, ppm700",
    }
    assert mqtt_garden.state("sensor", tank, "ec").state == STATE_UNKNOWN

    flow = await fix(mqtt_garden)
    done: Any = await flow.async_step_confirm({})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await mqtt_garden.settle()
    await send(mqtt_garden, "1413")

    assert bound_unit(mqtt_garden) == "µS/cm"
    probe = mqtt_garden.snapshot.probes[0].probe
    assert probe.binding(ChannelKind.PH) == bind("ph", "ph")
    assert float(mqtt_garden.state("sensor", tank, "ec").state) == pytest.approx(1.413, abs=0.01)
    assert issues(mqtt_garden) == []


async def test_what_was_bound_to_another_source_meanwhile_gets_no_unit(
    mqtt_garden: Garden,
) -> None:
    await add_tank(mqtt_garden)
    await send(mqtt_garden, "1850", "1860", "1870")
    flow = await fix(mqtt_garden)

    channels: Any = [{"kind": "ec", "topic": "tank/new_meter"}]
    probe = mqtt_garden.snapshot.probes[0].probe
    await mqtt_garden.ask(UpdateProbe(key=probe.key, patch={"channels": channels}))
    await mqtt_garden.derive()
    done: Any = await flow.async_step_confirm({})
    await mqtt_garden.derive()

    assert done["reason"] == "bound_otherwise"
    for texts in TEXTS.values():
        for key in ("unit_mismatch", "decimal_comma"):
            assert texts["issues"][key]["fix_flow"]["abort"]["bound_otherwise"]
    assert bound_unit(mqtt_garden) is None


async def test_of_two_who_agree_to_the_same_unit_the_later_one_is_right_too(
    mqtt_garden: Garden,
) -> None:
    await add_tank(mqtt_garden)
    await send(mqtt_garden, "1850", "1860", "1870")
    first, second = await fix(mqtt_garden), await fix(mqtt_garden)

    await first.async_step_confirm({})
    await mqtt_garden.derive()
    done: Any = await second.async_step_confirm({})

    assert done["type"] is FlowResultType.CREATE_ENTRY
    assert bound_unit(mqtt_garden) == "µS/cm"


async def test_one_odd_value_between_good_ones_is_no_issue(mqtt_garden: Garden) -> None:
    await add_tank(mqtt_garden)

    await send(mqtt_garden, "1413", "1413", "1.4", "1413", "1413", "1.41")

    assert issues(mqtt_garden) == []


async def test_a_value_that_fits_again_takes_the_issue_back(mqtt_garden: Garden) -> None:
    await add_tank(mqtt_garden)
    await send(mqtt_garden, "1413", "1413", "1413")
    assert len(issues(mqtt_garden)) == 1

    await send(mqtt_garden, "1.41")

    assert issues(mqtt_garden) == []


async def test_a_sensor_with_a_wrong_unit_of_its_own_cannot_be_put_right_here(
    garden: Garden,
) -> None:
    await add_tank(garden, ChannelBinding(kind=ChannelKind.EC, entity_id="sensor.ec"))
    for state in ("1413", "1414", "1415"):
        assert garden.freezer is not None
        garden.freezer.tick(60)
        garden.hass.states.async_set("sensor.ec", state, {"unit_of_measurement": "mS/cm"})
        await garden.settle()

    (issue,) = issues(garden)

    assert not issue.is_fixable
    assert issue.translation_key == "unit_mismatch_entity"
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["source"] == "sensor.ec"
    assert issue.translation_placeholders["bound_unit"] == "mS/cm"


async def report(garden: Garden, entity_id: str, unit: str | None, *states: str) -> None:
    for state in states:
        assert garden.freezer is not None
        garden.freezer.tick(60)
        attributes = {} if unit is None else {"unit_of_measurement": unit}
        garden.hass.states.async_set(entity_id, state, attributes)
        await garden.settle()


def said(issue: ir.IssueEntry) -> list[str]:
    """Return what a person reads, in each language."""
    return [
        "\n".join(texts["issues"][issue.translation_key].values()).format(
            **issue.translation_placeholders or {}
        )
        for texts in TEXTS.values()
    ]


async def test_a_decimal_comma_is_told_and_put_right(mqtt_garden: Garden) -> None:
    tank = await add_tank(mqtt_garden, bind("ec"), bind("ph", "ph"))
    await send(mqtt_garden, "1,41", "1,42", "1,43")

    (issue,) = issues(mqtt_garden)
    assert (issue.is_fixable, issue.translation_key) == (True, "decimal_comma")
    assert sum(TOPIC in text for text in said_of_flow(issue)) == len(TEXTS)
    quality = mqtt_garden.state("sensor", tank, "measurement_quality")
    assert quality.attributes["ec_hint"] == "looks_like_decimal_comma"

    flow: Any = await async_create_fix_flow(mqtt_garden.hass, issue.issue_id, issue.data)
    flow.hass, flow.handler, flow.issue_id = mqtt_garden.hass, DOMAIN, issue.issue_id
    flow.flow_id, flow.context = "flow", {}
    await flow.async_step_init()
    done = await flow.async_step_confirm({})
    assert done["type"] is FlowResultType.CREATE_ENTRY
    await mqtt_garden.settle()
    await send(mqtt_garden, "1,44")

    binding = mqtt_garden.snapshot.probes[0].probe.binding(ChannelKind.EC)
    assert binding is not None
    assert (binding.decimal_comma, binding.unit) == (True, None)
    assert float(mqtt_garden.state("sensor", tank, "ec").state) == pytest.approx(1.44)
    assert issues(mqtt_garden) == []


@pytest.mark.parametrize("bound_unit", [None, "µS/cm"])
async def test_ppm_without_a_scale_is_told_until_the_binding_names_it(
    garden: Garden, bound_unit: str | None
) -> None:
    tank = await add_tank(
        garden, ChannelBinding(kind=ChannelKind.EC, entity_id="sensor.tds", unit=bound_unit)
    )
    await report(garden, "sensor.tds", "ppm", "900", "901")
    assert issues(garden) == []

    await report(garden, "sensor.tds", "ppm", "902")

    (issue,) = issues(garden)
    assert (issue.is_fixable, issue.translation_key) == (False, "unit_without_scale")
    for text in said(issue):
        assert "sensor.tds" in text
        assert "ppm500, ppm640, ppm700" in text
    assert garden.state("sensor", tank, "ec").state == STATE_UNKNOWN

    probe = garden.snapshot.probes[0].probe
    scaled: dict[str, Any] = {"kind": "ec", "entity_id": "sensor.tds", "unit": "ppm500"}
    await garden.ask(UpdateProbe(key=probe.key, patch={"channels": [scaled]}))
    await garden.settle()
    await report(garden, "sensor.tds", "ppm", "900")

    assert issues(garden) == []
    assert float(garden.state("sensor", tank, "ec").state) == pytest.approx(1.8)


async def test_a_unit_of_something_else_is_told_with_those_that_fit(garden: Garden) -> None:
    warmth = ChannelBinding(kind=ChannelKind.WATER_TEMPERATURE, entity_id="sensor.odd", unit="°C")
    await add_tank(garden, warmth)

    await report(garden, "sensor.odd", "%", "21", "22", "23")

    (issue,) = issues(garden)
    assert (issue.is_fixable, issue.translation_key) == (False, "unit_unknown")
    for text in said(issue):
        assert "sensor.odd" in text
        assert "%" in text
        assert "°C, °F, K" in text
    await report(garden, "sensor.odd", "L", "24")
    (changed,) = issues(garden)
    assert (changed.translation_placeholders or {})["unit"] == "L"
    await report(garden, "sensor.odd", "°C", "22")
    assert issues(garden) == []


async def test_volts_of_a_battery_are_told_and_a_doubt_without_a_unit_is_not(
    garden: Garden,
) -> None:
    battery = ChannelBinding(kind=ChannelKind.BATTERY, entity_id="sensor.battery")
    await add_tank(garden, battery)

    await report(garden, "sensor.battery", None, "2.91", "2.92", "2.93", "2.94")
    assert issues(garden) == []
    await report(garden, "sensor.battery", "V", "2.91", "2.92", "2.93")

    (issue,) = issues(garden)
    assert (issue.translation_placeholders or {})["unit"] == "V"


async def test_an_issue_goes_with_its_probe(mqtt_garden: Garden) -> None:
    await add_tank(mqtt_garden)
    await send(mqtt_garden, "1413", "1413", "1413")
    flow = await fix(mqtt_garden)

    probe = mqtt_garden.snapshot.probes[0].probe.key
    await mqtt_garden.ask(ArchiveProbe(key=probe))
    await mqtt_garden.derive()

    assert issues(mqtt_garden) == []
    gone: Any = await flow.async_step_confirm({})
    assert gone["reason"] == "not_in_garden"
    await mqtt_garden.unload()
    away: Any = await flow.async_step_confirm({})
    assert away["reason"] == "entry_not_loaded"


async def test_an_unload_takes_the_issue_back(mqtt_garden: Garden) -> None:
    await add_tank(mqtt_garden)
    await send(mqtt_garden, "1413", "1413", "1413")
    assert len(issues(mqtt_garden)) == 1

    await mqtt_garden.unload()

    assert issues(mqtt_garden) == []


@pytest.mark.parametrize(
    ("error", "is_on_server", "told"),
    [
        (UnavailableError("away", reason="closed"), False, "being closed"),
        (ForbiddenError("No.", permission="probe:update"), False, "a permission that is missing"),
        (ForbiddenError("No.", permission="probe:update"), True, "whose API key is used"),
        (StaleRevisionError("Changed.", kind="probe", key="p"), False, "changed"),
    ],
)
async def test_why_it_was_refused_is_said_and_nothing_is_changed(
    mqtt_garden: Garden,
    monkeypatch: pytest.MonkeyPatch,
    error: KamerplanterError,
    *,
    is_on_server: bool,
    told: str,
) -> None:
    await add_tank(mqtt_garden)
    await send(mqtt_garden, "1413", "1413", "1413")
    flow = await fix(mqtt_garden)
    asked: list[object] = []

    async def refuse(_garden: object, request: object, _caller: object) -> None:
        asked.append(request)
        raise error

    monkeypatch.setattr(type(mqtt_garden.entry.runtime_data.garden), "call_now", refuse)
    monkeypatch.setattr(unit_repair, "is_on_server", lambda _entry: is_on_server)

    failed: Any = await flow.async_step_confirm({})

    assert failed["reason"] == "unit_refused"
    for texts in TEXTS.values():
        text = texts["issues"]["unit_mismatch"]["fix_flow"]["abort"]["unit_refused"]
        assert told in text.format(**failed["description_placeholders"])
    assert isinstance(asked[0], UpdateProbe)
    assert bound_unit(mqtt_garden) is None


async def test_an_electrode_that_tells_millivolts_has_no_wrong_unit(garden: Garden) -> None:
    electrode = ChannelBinding(kind=ChannelKind.PH, entity_id="sensor.electrode", unit="mV")
    await add_tank(garden, electrode)

    await report(garden, "sensor.electrode", "mV", "21", "22", "23")
    assert issues(garden) == []

    await report(garden, "sensor.electrode", "A", "0.1", "0.2", "0.3")
    (issue,) = issues(garden)
    assert issue.translation_placeholders is not None
    assert issue.translation_placeholders["allowed"] == "pH, mV, V"
