"""What the README tells an automation to ask before it acts on a number, at all that may be wrong.

Whatever speaks against a value has to be seen by the one condition, as nobody writes ten of them.
"""

import re
from datetime import timedelta
from pathlib import Path

from homeassistant.helpers.template import Template
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.requests import CreateProbe
from kamerplanter_engines.models.telemetry import ProbeFields
from tests.home_assistant.calibrating import act
from tests.home_assistant.field_case import bind, say
from tests.home_assistant.garden import Garden
from tests.home_assistant.test_calibrating import dialog_of
from tests.home_assistant.test_restart import restart

README = Path(__file__).parents[2] / "README.md"
CONDITION = re.compile(r"```jinja\n(.*?)```", re.DOTALL)
BUFFERS = [{"reference": 7.0, "raw": 7.0}, {"reference": 4.01, "raw": 4.01}]


def may_decide(garden: Garden, tank: str) -> bool:
    """Return what the condition of the README says of the pH of a tank."""
    (text,) = CONDITION.findall(README.read_text(encoding="utf-8"))
    quality = garden.entity_id("sensor", tank, "measurement_quality")
    value = garden.entity_id("sensor", tank, "ph")
    assert quality is not None
    assert value is not None
    assert "sensor.tank_a_measurement_quality" in text
    text = text.replace("sensor.tank_a_measurement_quality", quality)
    answer = Template(text.replace("sensor.tank_a_ph", value), garden.hass).async_render()
    assert isinstance(answer, bool)
    return answer


async def hear(garden: Garden, *payloads: str, topic: str = "tank/ph") -> None:
    """Let a probe report twice a minute."""
    for payload in payloads:
        say(garden, payload, topic=topic)
        await garden.pass_time(timedelta(seconds=30))


async def calibrated_tank(garden: Garden) -> str:
    """Add a tank whose pH may decide."""
    tank = await garden.add_tank(channels=[bind("ph", topic="tank/ph")])
    await hear(garden, "6.01", "6.02")
    await act(garden, "calibrate", tank, kind="ph", points=BUFFERS)
    # For a quarter of an hour after it a jump is none.
    await garden.pass_time(timedelta(minutes=16))
    await hear(garden, "6.01", "6.02")
    assert may_decide(garden, tank)
    return tank


async def test_a_value_of_now_by_a_calibrated_probe_may_decide(mqtt_garden: Garden) -> None:
    tank = await mqtt_garden.add_tank(channels=[bind("ph", topic="tank/ph")])
    found = [may_decide(mqtt_garden, tank)]

    await hear(mqtt_garden, "6.01", "6.02")
    found.append(may_decide(mqtt_garden, tank))
    await act(mqtt_garden, "calibrate", tank, kind="ph", points=BUFFERS)
    await hear(mqtt_garden, "6.01", "6.02")
    found.append(may_decide(mqtt_garden, tank))

    assert found == [False, False, True]


async def test_what_is_no_value_or_doubted_decides_nothing(mqtt_garden: Garden) -> None:
    tank = await calibrated_tank(mqtt_garden)

    for payload in ("nan", "unavailable", "15", "8.4", "0", "14"):
        say(mqtt_garden, payload, topic="tank/ph")
        await mqtt_garden.derive()
        assert not may_decide(mqtt_garden, tank), payload
        await hear(mqtt_garden, "6.02", "6.01")
        assert may_decide(mqtt_garden, tank), payload


async def test_what_is_older_than_six_minutes_decides_nothing(mqtt_garden: Garden) -> None:
    tank = await calibrated_tank(mqtt_garden)

    await mqtt_garden.pass_time(timedelta(minutes=6, seconds=1))
    assert not may_decide(mqtt_garden, tank)
    say(mqtt_garden, "6.03", topic="tank/ph", retain=True)
    await mqtt_garden.derive()
    assert not may_decide(mqtt_garden, tank)

    await hear(mqtt_garden, "6.03")
    assert may_decide(mqtt_garden, tank)


async def test_nothing_decides_after_a_restart_before_it_is_measured(mqtt_garden: Garden) -> None:
    tank = await calibrated_tank(mqtt_garden)

    await restart(mqtt_garden)
    assert not may_decide(mqtt_garden, tank)

    await hear(mqtt_garden, "6.03")
    assert may_decide(mqtt_garden, tank)


async def test_a_calibration_decides_for_as_long_as_it_holds(mqtt_garden: Garden) -> None:
    tank = await calibrated_tank(mqtt_garden)
    done_at = dt_util.utcnow()
    found = []

    for days in (15, 27, 29):
        await mqtt_garden.jump_to(done_at + timedelta(days=days))
        await hear(mqtt_garden, "6.01", "6.02")
        found.append(may_decide(mqtt_garden, tank))

    assert found == [True, True, False]


async def test_another_meter_that_differs_takes_the_decision_away(mqtt_garden: Garden) -> None:
    tank = await calibrated_tank(mqtt_garden)

    await act(mqtt_garden, "log_measurement", tank, kind="ph", value=6.9)
    await hear(mqtt_garden, "6.01")
    assert not may_decide(mqtt_garden, tank)
    await act(mqtt_garden, "remove_measurement", tank, kind="ph")
    await hear(mqtt_garden, "6.02")
    assert may_decide(mqtt_garden, tank)

    fields = ProbeFields(name="Second", tank_key=tank, channels=(bind("ph", topic="second/ph"),))
    await mqtt_garden.ask(CreateProbe(fields=fields))
    await mqtt_garden.derive()
    await hear(mqtt_garden, "6.61", "6.62", topic="second/ph")
    await hear(mqtt_garden, "6.02")
    assert not may_decide(mqtt_garden, tank)


async def test_a_probe_that_lies_in_a_buffer_decides_nothing(mqtt_garden: Garden) -> None:
    tank = await calibrated_tank(mqtt_garden)

    await dialog_of(mqtt_garden, tank)
    await hear(mqtt_garden, "6.03")

    assert not may_decide(mqtt_garden, tank)
