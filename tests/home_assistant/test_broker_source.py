"""A garden with a connection of its own to a broker: real sockets, real time."""

import asyncio
from collections.abc import Callable

import pytest
from aiomqtt import Client
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import Event, EventStateChangedData, HomeAssistant, State, callback
from homeassistant.helpers.event import async_track_state_change_event
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.kamerplanter.const import DOMAIN
from kamerplanter_backend.telemetry.aiomqtt_source import LoginRefused
from tests.backend.telemetry.brokers import HOST, amqtt_broker, free_port
from tests.home_assistant.garden import Garden, new_entry

pytestmark = pytest.mark.usefixtures("socket_enabled")


def broker_data(port: int) -> dict[str, object]:
    return {"host": HOST, "port": port, "tls": False, "verify_certificate": True}


async def until(
    hass: HomeAssistant, entity_id: str, holds: Callable[[State], bool], act: Callable[[], object]
) -> State:
    """Return the first state of an entity for which something holds, after having acted."""
    found: asyncio.Future[State] = hass.loop.create_future()

    @callback
    def look(event: Event[EventStateChangedData]) -> None:
        state = event.data["new_state"]
        if state is not None and holds(state) and not found.done():
            found.set_result(state)

    stop = async_track_state_change_event(hass, [entity_id], look)
    try:
        async with asyncio.timeout(20):
            result = act()
            if asyncio.iscoroutine(result):
                await result
            return await found
    finally:
        stop()


async def publish(port: int, topic: str, payload: str) -> None:
    async with Client(HOST, port) as client:
        await client.publish(topic, payload, qos=1)


async def connected(garden: Garden, entity_id: str) -> None:
    """Wait until the garden listens, which makes its entities available."""
    if garden.hass.states.get(entity_id).state == STATE_UNAVAILABLE:
        await until(
            garden.hass, entity_id, lambda state: state.state != STATE_UNAVAILABLE, lambda: None
        )


async def test_a_message_of_the_own_broker_is_a_state(hass: HomeAssistant) -> None:
    async with amqtt_broker() as port:
        garden = Garden(hass, new_entry("broker", broker=broker_data(port)), None)
        await garden.set_up()
        try:
            tank = await garden.add_tank()
            entity_id = garden.entity_id("sensor", tank, "ec")
            await connected(garden, entity_id)
            state = await until(
                hass,
                entity_id,
                lambda state: state.state == "1.85",
                lambda: publish(port, "tank/ec", "1.85"),
            )
            assert state.attributes["unit_of_measurement"] == "mS/cm"
        finally:
            # The broker waits for its clients to leave.
            await garden.unload()


async def test_without_a_broker_the_garden_loads_and_values_are_unavailable(
    hass: HomeAssistant,
) -> None:
    garden = Garden(hass, new_entry("broker", broker=broker_data(free_port())), None)

    await garden.set_up()
    tank = await garden.add_tank()

    assert garden.state("sensor", tank, "ec").state == STATE_UNAVAILABLE
    assert garden.state("sensor", tank, "ec_target").state != STATE_UNAVAILABLE
    await garden.unload()


async def test_a_refused_login_asks_for_a_new_one(hass: HomeAssistant) -> None:
    entry: MockConfigEntry = new_entry("broker", broker=broker_data(free_port()))
    garden = Garden(hass, entry, None)
    await garden.set_up()
    source = entry.runtime_data.live._messages
    while source._broker is None:
        await hass.async_add_executor_job(int)

    source._broker.last_error = LoginRefused("bad user name or password")
    source._look(garden.snapshot.taken_at)
    await garden.settle()

    flows = hass.config_entries.flow.async_progress_by_handler(DOMAIN)
    assert [flow["context"]["source"] for flow in flows] == [SOURCE_REAUTH]
    await garden.unload()
