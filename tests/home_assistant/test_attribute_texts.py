"""Attributes as a person reads them: each has a name, and each code in them a word."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import pytest
from homeassistant.helpers import entity_registry as er
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from custom_components.kamerplanter.descriptions.calibration import DRIFTED
from custom_components.kamerplanter.quality_sensor import WARNINGS
from kamerplanter_backend.telemetry.probe.climate import ClimateReason
from kamerplanter_engines.models.calibration import CalibrationState
from kamerplanter_engines.models.tank import Side
from kamerplanter_engines.models.telemetry import (
    SOIL_KINDS,
    TANK_KINDS,
    ChannelBinding,
    ChannelKind,
    Hint,
    Reason,
    Verdict,
)
from tests.home_assistant.flow_texts import TEXTS
from tests.home_assistant.garden import AIR_CHANNELS, TANK_CHANNELS, Garden

OF_HOME_ASSISTANT = frozenset(
    {
        "device_class",
        "friendly_name",
        "icon",
        "options",
        "state_class",
        "supported_features",
        "unit_of_measurement",
    }
)
AGES = {*CalibrationState, DRIFTED} - {CalibrationState.NOT_NEEDED}
LEAF = ChannelBinding(kind=ChannelKind.LEAF_TEMPERATURE, topic="tent/leaf")
AIR = {
    "tent/air": '{"temperature": 25, "humidity": 60}',
    "tent/leaf": "16",
    "tent/light": "500",
}
DEVICE = (
    ChannelBinding(kind=ChannelKind.BATTERY, topic="tank/battery", unit="%"),
    ChannelBinding(kind=ChannelKind.SIGNAL, topic="tank/rssi"),
    ChannelBinding(kind=ChannelKind.DISSOLVED_OXYGEN, topic="tank/oxygen"),
    ChannelBinding(kind=ChannelKind.ORP, topic="tank/orp"),
)


def words(language: str, domain: str, row: str, attribute: str) -> dict[str, Any]:
    told: dict[str, Any] = TEXTS[language]["entity"][domain][row]["state_attributes"][attribute]
    return told


def parts(value: object) -> tuple[object, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


async def test_each_attribute_of_each_entity_has_a_name(mqtt_garden: Garden) -> None:
    await mqtt_garden.add_tank(channels=(*TANK_CHANNELS, *DEVICE))
    await mqtt_garden.add_probe(await mqtt_garden.add_plant())
    await mqtt_garden.add_location(channels=(*AIR_CHANNELS, LEAF))
    registry = er.async_get(mqtt_garden.hass)
    rows = er.async_entries_for_config_entry(registry, mqtt_garden.entry.entry_id)
    for row in rows:
        registry.async_update_entity(row.entity_id, disabled_by=None)
    await mqtt_garden.unload()
    await mqtt_garden.set_up()
    for channel in (*TANK_CHANNELS, *DEVICE):
        assert channel.topic is not None
        async_fire_mqtt_message(mqtt_garden.hass, channel.topic, "7")
    for topic, told in AIR.items():
        async_fire_mqtt_message(mqtt_garden.hass, topic, told)
    await mqtt_garden.derive()

    seen = set()
    for row in rows:
        state = mqtt_garden.hass.states.get(row.entity_id)
        assert state is not None, row.entity_id
        for name in set(state.attributes) - OF_HOME_ASSISTANT:
            seen.add(name)
            # A table is shown as code, with keys that nobody translates.
            assert not any(isinstance(part, Mapping) for part in parts(state.attributes[name]))
            assert row.translation_key is not None
            for language in TEXTS:
                assert words(language, row.domain, row.translation_key, name)["name"]
    assert {"measured_at", "worst", "reasons", "low_ms_cm", "safe_date", "next_phase"} <= seen
    assert {"ph", "ec_warnings", "battery_warnings"} <= seen
    assert {"air_temperature", "coverage_pct", "may_decide", "last_reset"} <= seen


@pytest.mark.parametrize(
    ("domain", "row", "attribute", "codes"),
    [
        ("sensor", "measurement_quality", "worst", ChannelKind),
        ("sensor", "measurement_quality", "worst_reasons", Reason),
        *(
            ("sensor", f"{kind}_quality", name, codes)
            for kind in ChannelKind
            if f"{kind}_quality" in TEXTS["en"]["entity"]["sensor"]
            for name, codes in (("reasons", Reason), ("warnings", WARNINGS))
        ),
        *(
            ("sensor", "measurement_quality", f"{kind}{ending}", codes)
            for kind in ChannelKind
            for ending, codes in (
                ("", Verdict),
                ("_reasons", Reason),
                ("_warnings", WARNINGS),
                ("_hint", Hint),
            )
        ),
        *(("binary_sensor", "calibration_due", kind, AGES) for kind in (*TANK_KINDS, *SOIL_KINDS)),
        *(
            ("binary_sensor", row, name, codes)
            for row in ("ec_problem", "ph_problem", "temperature_problem", "level_low")
            for name, codes in (("side", Side), ("reasons", (*Side, "no_data")))
        ),
        (
            "sensor",
            "leaf_vpd",
            "reasons",
            (ClimateReason.LEAF_ASSUMED, ClimateReason.CONDENSING),
        ),
        ("sensor", "ec_target", "source", ("override", "phase", "tank_type")),
        ("sensor", "phase", "next_phase", TEXTS["en"]["entity"]["sensor"]["phase"]["state"]),
        (
            "binary_sensor",
            "needs_attention",
            "reasons",
            (
                "soil_dry",
                "soil_wet",
                "no_data",
                "watering_overdue",
                "fertilising_overdue",
                "pest_check_overdue",
            ),
        ),
    ],
)
def test_each_code_of_an_attribute_has_a_word(
    domain: str, row: str, attribute: str, codes: type[StrEnum] | Iterable[str]
) -> None:
    for language in TEXTS:
        assert set(words(language, domain, row, attribute)["state"]) == {str(it) for it in codes}


@pytest.mark.parametrize("kind", [*TANK_KINDS, *SOIL_KINDS])
def test_each_date_of_a_calibration_has_a_name(kind: ChannelKind) -> None:
    for language in TEXTS:
        for name in ("done_at", "due_at", "expires_at"):
            assert words(language, "binary_sensor", "calibration_due", f"{kind}_{name}")["name"]
