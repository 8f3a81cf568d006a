"""Fixtures of all tests that run inside a Home Assistant: real client, real file, no network."""

from collections.abc import AsyncGenerator, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from pytest_homeassistant_custom_component.typing import MqttMockHAClient
from syrupy.assertion import SnapshotAssertion

from custom_components.kamerplanter import client_factory
from custom_components.kamerplanter.const import DOMAIN
from tests.home_assistant.garden import Garden
from tests.home_assistant.served import EMBEDDED, PATIENCE, HomeServer, garden_at

START = datetime(2026, 5, 1, 10, 0, tzinfo=UTC)
"""A noon in spring in Berlin."""


@pytest.fixture(autouse=True)
def _our_integration_is_found(enable_custom_integrations: None) -> None:
    """Let Home Assistant load what lies in custom_components."""


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Give each test a configuration folder of its own, as the gardens keep files there."""
    return hass_tmp_config_dir


@pytest.fixture
def expected_lingering_timers(request: pytest.FixtureRequest) -> bool:
    """Home Assistant's own MQTT client leaves one behind in tests."""
    return "mqtt_mock" in request.fixturenames


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Compare as Home Assistant does, without ids that differ in each run."""
    return snapshot.use_extension(HomeAssistantSnapshotExtension)


@pytest.fixture
async def berlin(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> FrozenDateTimeFactory:
    """Put the house to Berlin, and stop its clock at the start."""
    await hass.config.async_update(
        time_zone="Europe/Berlin", latitude=52.52, longitude=13.4, country="DE"
    )
    freezer.move_to(START)
    # The stopped clock counts from 1970, where a float has no digits left for the nanosecond by
    # which a loop looks ahead: it would spin, holding up all threads, on a timer that is due now.
    loop: Any = hass.loop
    loop._clock_resolution = 1e-6
    return freezer


@pytest.fixture
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[HomeServer | None]:
    """Give the server on which the garden is; none, where a module does not ask for one.

    A module asks with `pytestmark = BOTH_PLACES`.
    """
    if getattr(request, "param", EMBEDDED) == EMBEDDED:
        yield None
        return
    request.getfixturevalue("socket_enabled")
    monkeypatch.setattr(client_factory, "SERVER_WAITS", PATIENCE)
    server = HomeServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
async def garden(
    hass: HomeAssistant, place: HomeServer | None, berlin: FrozenDateTimeFactory
) -> AsyncGenerator[Garden]:
    """Give a loaded garden without a source of messages."""
    garden = await garden_at(hass, place, berlin)
    yield garden
    await _leave(garden)


@pytest.fixture
async def mqtt_mock(mqtt_mock: MqttMockHAClient) -> AsyncGenerator[MqttMockHAClient]:
    """Give Home Assistant's MQTT, which leaves nothing of itself behind.

    It puts off what it says to the broker; on a slow machine that would begin after the test.
    """
    yield mqtt_mock
    client: Any = mqtt_mock._mock_wraps
    for put_off in (client._subscribe_debouncer, client._unsubscribe_debouncer):
        await put_off.async_cleanup()
        put_off.async_schedule = lambda: None  # the end of the house unsubscribes once more


@pytest.fixture
async def mqtt_garden(
    hass: HomeAssistant,
    place: HomeServer | None,
    mqtt_mock: MqttMockHAClient,
    berlin: FrozenDateTimeFactory,
) -> AsyncGenerator[Garden]:
    """Give a loaded garden that gets its readings by Home Assistant's own MQTT."""
    garden = await garden_at(hass, place, berlin, "mqtt")
    yield garden
    await _leave(garden)


@pytest.fixture
async def gardens_are_closed(hass: HomeAssistant) -> AsyncGenerator[None]:
    """Close the gardens that a test has opened itself, as by a dialog."""
    yield
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        await hass.config_entries.async_unload(entry.entry_id)
    await hass.async_block_till_done()


async def _leave(garden: Garden) -> None:
    """Close the data file and its thread, which a test must not leave behind."""
    for entry in garden.hass.config_entries.async_loaded_entries(garden.entry.domain):
        await garden.hass.config_entries.async_unload(entry.entry_id)
    await garden.settle()
