"""What a key may not do, and what happens when it may do nothing any more."""

from collections.abc import AsyncGenerator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntryState
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message
from pytest_homeassistant_custom_component.typing import MqttMockHAClient

from custom_components.kamerplanter import client_factory
from custom_components.kamerplanter.const import DOMAIN
from kamerplanter_backend.client.protocol import PROTOCOL
from kamerplanter_backend.client.requests import CreatePlant, ListReadings
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_engines.models.plant import PlantFields
from tests.home_assistant.dialog import Dialog
from tests.home_assistant.garden import STORE_ID, TOMATO
from tests.home_assistant.served import PATIENCE, HomeServer, ServedGarden, garden_at

TANK = {"name": "Tank", "tank_type": "recirculation", "volume": 60, "limits": {}}


@pytest.fixture
def share(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Give what the member and the key may do; everything, unless a test says otherwise."""
    return getattr(request, "param", {})


@pytest.fixture
def full(
    share: dict[str, Any],
    socket_enabled: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[HomeServer]:
    """Give a server with accounts."""
    monkeypatch.setattr(client_factory, "SERVER_WAITS", PATIENCE)
    server = HomeServer(tmp_path, is_full=True, **share)
    yield server
    server.stop()


@pytest.fixture
async def served(
    hass: HomeAssistant,
    full: HomeServer,
    mqtt_mock: MqttMockHAClient,
    berlin: FrozenDateTimeFactory,
) -> AsyncGenerator[ServedGarden]:
    """Give a loaded garden on it."""
    garden = await garden_at(hass, full, berlin, "mqtt")
    assert isinstance(garden, ServedGarden)
    yield garden
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done()


def issue(garden: ServedGarden, name: str) -> ir.IssueEntry | None:
    return ir.async_get(garden.hass).async_get_issue(DOMAIN, f"{name}_{STORE_ID}")


def reauths(garden: ServedGarden) -> list[str]:
    return [
        flow["step_id"]
        for flow in garden.hass.config_entries.flow.async_progress()
        if flow["context"]["source"] == SOURCE_REAUTH
    ]


async def test_what_is_written_here_is_there_under_the_account_of_the_key(
    served: ServedGarden,
) -> None:
    plant = await served.ask(CreatePlant(fields=PlantFields(name="Basil", species_key=TOMATO)))

    assert served.place.shared is not None
    assert plant.created_by == served.place.shared.member


async def test_a_revoked_key_asks_for_a_new_one_and_loses_nothing(served: ServedGarden) -> None:
    tank = await served.add_tank()
    began = served.snapshot.taken_at
    shared = served.place.shared
    assert shared is not None
    await served.hass.async_add_executor_job(shared.revoke_key)

    async_fire_mqtt_message(served.hass, "tank/ec", "1.85")
    await served.derive()

    assert reauths(served) == ["reauth_server"]
    assert served.state("sensor", tank, "ec").state == "1.85"
    assert served.state("binary_sensor", "hub", "server_connected").state == "off"
    assert served.entry.state is ConfigEntryState.LOADED

    _, raw = await served.hass.async_add_executor_job(shared.make_key)
    (flow,) = served.hass.config_entries.flow.async_progress()
    result = await served.hass.config_entries.flow.async_configure(
        flow["flow_id"], {"api_key": raw}
    )
    assert result["reason"] == "reauth_successful"
    await served.settle()
    await served.settle()

    assert served.state("binary_sensor", "hub", "server_connected").state == "on"
    queue = served.entry.runtime_data.server.queue
    await served.until(lambda: not queue.state.depth, "the reading is delivered")
    probe = served.subentry(tank).data["probe_key"]
    readings = await served.ask(
        ListReadings(
            probe_key=probe,
            kind="ec",
            from_at=began,
            until_at=served.snapshot.taken_at.replace(hour=23),
        )
    )
    assert [item.value for item in readings] == [1.85]


async def test_a_treatment_that_waits_closes_the_gate_without_a_key_too(
    served: ServedGarden,
) -> None:
    plant = await served.add_plant()
    shared = served.place.shared
    assert shared is not None
    await served.hass.async_add_executor_job(shared.revoke_key)
    await served.server_goes()
    await served.hass.services.async_call(
        DOMAIN,
        "log_treatment",
        {"device_id": served.device(plant).id, "product": "Neem", "interval_d": 7},
        blocking=True,
        return_response=True,
    )
    await served.hass.async_add_executor_job(served.place.come_back)

    await served.settle()

    assert reauths(served) == ["reauth_server"]
    assert served.state("binary_sensor", plant, "harvest_allowed").state == "off"
    assert served.state("binary_sensor", plant, "karenz_active").state == "on"
    await served.hass.config_entries.async_reload(served.entry.entry_id)
    await served.settle()
    assert served.state("binary_sensor", plant, "harvest_allowed").state == "off"


@pytest.mark.parametrize(
    ("wrong", "right", "words"),
    [
        ("revoke_key", None, "not valid any more"),
        ("put_out", None, "no garden allotment-7 for this API key|not valid any more"),
        ("suspend", "resume", "suspended"),
    ],
)
async def test_who_is_refused_hears_it_though_something_waits_already(
    served: ServedGarden, wrong: str, right: str | None, words: str
) -> None:
    plant = await served.add_plant()
    device, shared = served.device(plant), served.place.shared
    assert device is not None
    assert shared is not None
    await served.server_goes()
    neem = {"device_id": device.id, "product": "Neem", "interval_d": 7}
    answer = await served.hass.services.async_call(
        DOMAIN, "log_treatment", neem, blocking=True, return_response=True
    )
    assert answer is not None
    assert answer["plants"][0]["queued"] is True
    await served.hass.async_add_executor_job(
        served.place.come_back, lambda server: getattr(shared.at(server), wrong)()
    )
    queue = served.entry.runtime_data.server.queue
    await served.until(lambda: not isinstance(queue.state.trouble, UnavailableError), "it is heard")

    with pytest.raises(HomeAssistantError, match=words):
        await served.hass.services.async_call(
            DOMAIN, "add_task", {"title": "Later", "device_id": device.id}, blocking=True
        )

    await served.settle()
    assert [item.name for item in queue.waiting] == ["LogTreatment"]
    assert served.snapshot.tasks == ()
    assert served.state("binary_sensor", plant, "harvest_allowed").state == "off"
    if right is not None:
        await served.hass.async_add_executor_job(getattr(shared.at(served.place.server), right))
        await served.settle()
        await served.until(lambda: not queue.state.depth, "the treatment is delivered")
        assert queue.state.refused == ()


async def test_a_suspended_garden_is_shown_and_told(served: ServedGarden) -> None:
    plant = await served.add_plant()
    shared = served.place.shared
    assert shared is not None
    await served.hass.async_add_executor_job(shared.suspend)

    entity_id = served.entity_id("button", plant, "mark_watered")
    with pytest.raises(Exception, match="suspended"):
        await served.hass.services.async_call(
            "button", "press", target={"entity_id": entity_id}, blocking=True
        )

    await served.settle()
    assert issue(served, "garden_suspended") is not None
    assert served.snapshot.plant(plant) is not None
    assert served.state("binary_sensor", "hub", "server_connected").state == "on"
    assert served.state("sensor", "hub", "queue_depth").state == "0"

    await served.hass.async_add_executor_job(shared.resume)
    await served.hass.services.async_call(
        "button", "press", target={"entity_id": entity_id}, blocking=True
    )
    await served.settle()
    assert issue(served, "garden_suspended") is None


async def test_who_was_put_out_is_told_and_sees_what_was_known(served: ServedGarden) -> None:
    plant = await served.add_plant()
    shared = served.place.shared
    assert shared is not None
    await served.hass.async_add_executor_job(shared.put_out)

    await served.settle()

    assert reauths(served) == ["reauth_server"] or issue(served, "garden_gone") is not None
    assert served.snapshot.plant(plant) is not None
    assert served.subentry(plant) is not None


async def test_a_server_that_became_another_version_is_told(
    served: ServedGarden, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant = await served.add_plant()
    await served.server_goes()
    monkeypatch.setattr("kamerplanter_backend.api.v1.health.PROTOCOL", PROTOCOL + 1)
    await served.hass.async_add_executor_job(served.place.come_back)

    await served.settle()

    told = issue(served, "server_incompatible")
    assert told is not None
    assert "do not fit together" in told.translation_placeholders["reason"]
    assert served.snapshot.plant(plant) is not None
    assert served.state("sensor", plant, "phase").state == "germination"

    monkeypatch.undo()
    await served.settle()
    assert issue(served, "server_incompatible") is None


@pytest.mark.parametrize("share", [{"role": Role.VIEWER}], indirect=True)
async def test_who_only_looks_there_adds_nothing_here(served: ServedGarden) -> None:
    dialog = await Dialog.add(served, "tank")
    await dialog.fill(**TANK)
    await dialog.choose("finish")

    assert dialog.step == "values"
    assert "The server does not allow this: add tanks." in dialog.placeholders["bound"]
    assert served.snapshot.tanks == ()
    told = issue(served, "key_forbidden")
    assert told is not None
    assert told.translation_placeholders["permission"] == "add tanks"


@pytest.mark.parametrize(
    "share", [{"scopes": frozenset({KeyScope.READ, KeyScope.WRITE})}], indirect=True
)
async def test_readings_wait_for_a_key_that_may_send_them(served: ServedGarden) -> None:
    tank = await served.add_tank()

    async_fire_mqtt_message(served.hass, "tank/ec", "1.85")
    await served.derive()

    assert issue(served, "key_forbidden") is not None
    assert served.entry.runtime_data.live.pump.waiting == 1
    assert served.state("sensor", tank, "ec").state == "1.85"

    shared = served.place.shared
    assert shared is not None
    _, better = await served.hass.async_add_executor_job(shared.make_key)
    rest = served.entry.runtime_data.server.queue.inner
    rest._transport._headers = {"Authorization": f"Bearer {better}"}  # as if the server allowed it
    await served.pass_time(timedelta(seconds=11))
    assert served.entry.runtime_data.live.pump.waiting == 0
    assert issue(served, "key_forbidden") is None
