"""Fixtures of all tests that run inside a Home Assistant: real client, real file, no network."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import pytest
from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from pytest_homeassistant_custom_component.typing import MqttMockHAClient
from syrupy.assertion import SnapshotAssertion

from tests.home_assistant.garden import Garden, new_entry

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
    return freezer


@pytest.fixture
async def garden(hass: HomeAssistant, berlin: FrozenDateTimeFactory) -> AsyncGenerator[Garden]:
    """Give a loaded garden without a source of messages."""
    garden = Garden(hass, new_entry(), berlin)
    await garden.set_up()
    yield garden
    await _leave(garden)


@pytest.fixture
async def mqtt_garden(
    hass: HomeAssistant, mqtt_mock: MqttMockHAClient, berlin: FrozenDateTimeFactory
) -> AsyncGenerator[Garden]:
    """Give a loaded garden that gets its readings by Home Assistant's own MQTT."""
    garden = Garden(hass, new_entry("mqtt"), berlin)
    await garden.set_up()
    yield garden
    await _leave(garden)


async def _leave(garden: Garden) -> None:
    """Close the data file and its thread, which a test must not leave behind."""
    for entry in garden.hass.config_entries.async_loaded_entries(garden.entry.domain):
        await garden.hass.config_entries.async_unload(entry.entry_id)
    await garden.settle()
