"""A case from the field, played to a garden: what a device sends, and what is shown then."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from homeassistant.const import STATE_UNKNOWN
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from kamerplanter_engines.models.telemetry import TANK_KINDS, Availability, ChannelBinding
from tests.home_assistant.garden import Garden
from tests.home_assistant.quality import told

TOPIC = "device/data"
PROBLEMS = ("ec_problem", "ph_problem", "temperature_problem", "level_low")
_NUMBER = re.compile(r"(?<![\w.:+-])-?\d+(?:\.\d+)?(?![\w.:+-])")
"""A number that is no part of a name, a date or a time."""
_TASK_RULES = ("tank_", "soil_moisture_low")


def bind(kind: str, path: str | None = None, **options: object) -> ChannelBinding:
    """Return a binding, on the one topic of the device unless another source is given."""
    source = {} if {"topic", "entity_id"} & set(options) else {"topic": TOPIC}
    return ChannelBinding.model_validate({"kind": kind, "path": path} | source | options)


def say(garden: Garden, payload: str | bytes, *, topic: str = TOPIC, retain: bool = False) -> None:
    """Send one message, as a broker delivers it."""
    async_fire_mqtt_message(garden.hass, topic, payload, retain=retain)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is bound, what comes, and what has to be seen after it."""

    number: str
    """As in the list of field cases, with a word that tells it from its likes."""
    channels: Sequence[ChannelBinding]
    sent: Sequence[str | bytes]
    """Payloads on the topic of the device, a minute from one to the next."""
    shown: Mapping[str, float | None]
    """Rows of the channels; none = unknown. Soil EC in µS/cm, as it is shown."""
    quality: Mapping[str, str] = field(default_factory=dict)
    """Verdicts of channels that are not good."""
    reasons: Mapping[str, Sequence[str]] = field(default_factory=dict)
    hints: Mapping[str, str] = field(default_factory=dict)
    is_battery_low: bool = False
    never: Sequence[float] = ()
    """Numbers of the messages that no entity may show, in its state or in an attribute."""


async def add_device(
    garden: Garden,
    channels: Sequence[ChannelBinding],
    *,
    name: str = "Device",
    availability: Availability | None = None,
) -> str:
    """Add a tank with a probe, or a plant with a soil probe; return whose entities show it."""
    if channels[0].kind in TANK_KINDS:
        return await garden.add_tank(name, channels=channels, ec_high_ms_cm=3.0)
    plant = await garden.add_plant(f"Plant of {name}", soil_moisture_low_pct=25)
    return await garden.add_probe(plant, name, channels=channels, availability=availability)


async def play(garden: Garden, case: Case) -> str:
    """Play a case and look at what is shown; return whose entities show it."""
    key = await add_device(garden, case.channels)
    for payload in case.sent:
        say(garden, payload)
        garden.freezer.tick(60)
    found = values(garden, key, case.shown)
    wanted = {
        row: None if value is None else pytest.approx(value, abs=0.006)
        for row, value in case.shown.items()
    }
    assert found == wanted, found
    quality = told(garden, key)
    good = dict.fromkeys((channel.kind for channel in case.channels), "good")
    assert quality.verdicts == good | dict(case.quality), quality
    for kind, reasons in case.reasons.items():
        assert quality.reasons[kind] == list(reasons), quality
    assert quality.hints == dict(case.hints), quality
    battery = ["battery_low"] if case.is_battery_low else None
    assert quality.warnings.get("battery") == battery, quality
    assert numbers_shown(garden).isdisjoint(case.never)
    return key


def numbers_shown(garden: Garden) -> set[float]:
    """Return each number that stands in a state or an attribute of any entity."""
    texts = (f"{state.state} {dict(state.attributes)}" for state in garden.hass.states.async_all())
    return {float(found) for text in texts for found in _NUMBER.findall(text)}


def values(garden: Garden, key: str, rows: Mapping[str, object]) -> dict[str, float | None]:
    """Return what sensors show as numbers; none = unknown."""
    texts = {row: garden.state("sensor", key, row).state for row in rows}
    return {row: None if text == STATE_UNKNOWN else float(text) for row, text in texts.items()}


def quality_of(garden: Garden, key: str, kind: str) -> tuple[str, list[str]]:
    """Return verdict and reasons of a channel, as the quality entity tells them."""
    quality = told(garden, key)
    return quality.verdicts[kind], quality.reasons.get(kind, [])


def alarms(garden: Garden) -> list[str]:
    """Return what cries: problems of tanks and plants, and the tasks that rules made of them."""
    found = [
        f"{subject.tank.name} {row}"
        for subject in garden.snapshot.tanks
        for row in PROBLEMS
        if garden.entity_id("binary_sensor", subject.tank.key, row) is not None
        and garden.state("binary_sensor", subject.tank.key, row).state == "on"
    ]
    found += [
        f"{subject.plant.name} needs attention"
        for subject in garden.snapshot.plants
        if garden.state("binary_sensor", subject.plant.key, "needs_attention").state == "on"
    ]
    rules = [task.rule for task in garden.snapshot.tasks if task.rule is not None]
    return found + [rule for rule in rules if rule.startswith(_TASK_RULES)]


async def keep_sending(garden: Garden, payload: str, *, minutes: int) -> None:
    """Repeat a message every five minutes, with all that follows from it."""
    for _ in range(0, minutes, 5):
        say(garden, payload)
        await garden.pass_time(timedelta(minutes=5))
