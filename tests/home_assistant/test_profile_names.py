"""What "listen now" calls the devices that it recognises."""

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from custom_components.kamerplanter.const import DOMAIN
from kamerplanter_backend.telemetry.messages.device_profiles import read_profiles

NAMES = frozenset(
    {
        "SenseCAP OpenStream",
        "The Things Stack (LoRaWAN)",
        "ChirpStack (LoRaWAN)",
        "Shelly (Gen1)",
        "Shelly H&T (Gen1)",
        "OpenMQTTGateway",
        "rtl_433",
        "Tasmota",
        "Zigbee2MQTT",
        "ESPHome",
        "Atlas Scientific EZO",
        "Ecowitt (ecowitt2mqtt)",
        "JSON",
    }
)
"""What is called the same in every language."""


@pytest.mark.parametrize("language", ["en", "de"])
async def test_what_is_no_name_has_a_word(hass: HomeAssistant, language: str) -> None:
    texts = await async_get_translations(hass, language, "selector", [DOMAIN])
    prefix = f"component.{DOMAIN}.selector.device_profile.options."
    words = {key.removeprefix(prefix) for key in texts if key.startswith(prefix)}

    profiles = {profile.key: profile.name for profile in read_profiles().profiles}

    assert words == {key for key, name in profiles.items() if name not in NAMES}
