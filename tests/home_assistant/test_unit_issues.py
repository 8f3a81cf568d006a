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


@pytest.fixture
def expected_lingering_timers() -> bool:
    """Home Assistant's own MQTT client leaves one behind in tests."""
    return True


def issues(garden: Garden) -> list[ir.IssueEntry]:
    return [
        issue
        for (domain, key), issue in ir.async_get(garden.hass).issues.items()
        if domain == DOMAIN and key.startswith("unit_mismatch_")
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
