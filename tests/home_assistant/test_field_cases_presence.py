"""Cases from the field whose outcome is that a device is there or gone."""

import pytest
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN

from kamerplanter_engines.models.telemetry import Availability
from tests.home_assistant.field_case import add_device, bind, say
from tests.home_assistant.garden import Garden
from tests.home_assistant.quality import refused

STATUS = "device/availability"


def shown(garden: Garden, key: str) -> str:
    return garden.state("sensor", key, "soil_moisture").state


@pytest.mark.parametrize(
    ("path", "offline", "online"),
    [
        pytest.param(None, "Offline", "Online", id="F-06 capital letter"),
        pytest.param(None, "offline", "ONLINE", id="F-06 all capitals"),
        pytest.param(None, '{"state":"offline"}', '{"state":"online"}', id="F-17 new form"),
        pytest.param("state", '{"state":"offline"}', '{"state":"online"}', id="F-17 by its path"),
        pytest.param(None, "offline", "online", id="F-17 old form"),
        pytest.param("state", "offline", "online", id="F-17 old form, path of the new one"),
        pytest.param(None, "false", "true", id="F-22 booleans"),
        pytest.param(None, '"false"', '"true"', id="F-22 booleans as words"),
        pytest.param("online", '{"online":false}', '{"online":true}', id="F-22 field of JSON"),
    ],
)
async def test_device_that_says_it_is_gone_is_unavailable_and_others_are_not(
    mqtt_garden: Garden, path: str | None, offline: str, online: str
) -> None:
    device = await add_device(
        mqtt_garden,
        (bind("soil_moisture", "moisture"), bind("soil_temperature", "temperature")),
        availability=Availability(topic=STATUS, path=path),
    )
    neighbour = await add_device(
        mqtt_garden,
        (bind("soil_moisture", topic="other/moisture"),),
        name="Neighbour",
        availability=Availability(topic="other/availability"),
    )
    say(mqtt_garden, '{"moisture": 41, "temperature": 18.5}')
    say(mqtt_garden, "37", topic="other/moisture")

    say(mqtt_garden, offline, topic=STATUS, retain=True)

    assert shown(mqtt_garden, device) == STATE_UNAVAILABLE
    gone = mqtt_garden.state("sensor", device, "soil_temperature")
    assert gone.state == STATE_UNAVAILABLE
    quality = mqtt_garden.state("sensor", device, "measurement_quality")
    assert quality.state == "stale"
    assert quality.attributes["soil_moisture_reasons"] == ["offline"]
    assert shown(mqtt_garden, neighbour) == "37.0"

    say(mqtt_garden, online, topic=STATUS)

    assert shown(mqtt_garden, device) == "41.0"
    assert mqtt_garden.state("sensor", device, "soil_temperature").state == "18.5"
    assert mqtt_garden.state("sensor", device, "measurement_quality").state == "good"


@pytest.mark.parametrize(
    ("offline", "online"),
    [
        pytest.param('{"state":"offline"}', '{"state":"online"}', id="F-17"),
        pytest.param("false", "true", id="F-22"),
    ],
)
async def test_device_that_comes_back_after_too_long_has_no_value(
    mqtt_garden: Garden, offline: str, online: str
) -> None:
    device = await add_device(
        mqtt_garden, (bind("soil_moisture"),), availability=Availability(topic=STATUS)
    )
    say(mqtt_garden, "41")
    say(mqtt_garden, offline, topic=STATUS)
    mqtt_garden.freezer.tick(8 * 3600 + 1)

    say(mqtt_garden, online, topic=STATUS)

    assert shown(mqtt_garden, device) == STATE_UNKNOWN


async def test_f_22_retained_last_will_before_the_first_value(mqtt_garden: Garden) -> None:
    device = await add_device(
        mqtt_garden, (bind("soil_moisture"),), availability=Availability(topic=STATUS)
    )

    say(mqtt_garden, "false", topic=STATUS, retain=True)
    assert shown(mqtt_garden, device) == STATE_UNAVAILABLE
    say(mqtt_garden, "true", topic=STATUS)
    assert shown(mqtt_garden, device) == STATE_UNKNOWN


async def test_f_40_last_will_of_one_device_leaves_the_next_alone(mqtt_garden: Garden) -> None:
    device = await add_device(mqtt_garden, (bind("soil_moisture"),))
    neighbour = await add_device(
        mqtt_garden, (bind("soil_moisture", topic="other/moisture"),), name="Neighbour"
    )
    say(mqtt_garden, "41")
    say(mqtt_garden, "37", topic="other/moisture")

    say(mqtt_garden, "offline")

    assert shown(mqtt_garden, device) == STATE_UNAVAILABLE
    assert shown(mqtt_garden, neighbour) == "37.0"
    assert refused(mqtt_garden, device) == {}
