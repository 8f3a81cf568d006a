"""Cases from the field whose outcome hangs on when something was measured, and for how long."""

from datetime import UTC, datetime, timedelta

import pytest
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.requests import ListReadings
from kamerplanter_engines.models.telemetry import ChannelKind, Reading
from tests.home_assistant.field_case import (
    add_device,
    alarms,
    bind,
    keep_sending,
    numbers_shown,
    quality_of,
    say,
    values,
)
from tests.home_assistant.garden import Garden

MAY_4 = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)


async def stored(garden: Garden, key: str, kind: ChannelKind) -> tuple[Reading, ...]:
    """Return all that the store holds of a channel."""
    data = garden.subentry(key).data
    return await garden.ask(
        ListReadings(
            probe_key=data.get("probe_key", key),
            kind=kind,
            from_at=datetime(1970, 1, 1, tzinfo=UTC),
            until_at=dt_util.utcnow() + timedelta(days=1),
        )
    )


async def test_f_08_clock_of_1970_gives_way_to_the_time_of_receipt(mqtt_garden: Garden) -> None:
    await mqtt_garden.jump_to(MAY_4 + timedelta(minutes=15))
    tank = await add_device(mqtt_garden, (bind("ec", "EZO.EC", unit="µS/cm"),))
    received_at = dt_util.utcnow()

    say(mqtt_garden, '{"Time":"1970-01-01T00:00:32","EZO":{"EC":1650.00}}')
    await mqtt_garden.derive()

    state = mqtt_garden.state("sensor", tank, "ec")
    assert state.state == "1.65"
    assert state.attributes["measured_at"] == received_at
    assert quality_of(mqtt_garden, tank, "ec") == ("good", [])
    (reading,) = await stored(mqtt_garden, tank, ChannelKind.EC)
    assert reading.at == received_at


async def test_f_09_the_repeated_hour_of_autumn(mqtt_garden: Garden) -> None:
    summer = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 in Berlin, and an hour later again
    await mqtt_garden.jump_to(summer)
    probe = await add_device(mqtt_garden, (bind("soil_temperature", "DS18B20.Temperature"),))
    say(mqtt_garden, '{"Time":"2026-10-25T02:30:00","DS18B20":{"Temperature":18.1}}')
    await mqtt_garden.derive()

    await mqtt_garden.jump_to(summer + timedelta(hours=1))
    say(mqtt_garden, '{"Time":"2026-10-25T02:30:00","DS18B20":{"Temperature":18.0}}')
    await mqtt_garden.derive()

    state = mqtt_garden.state("sensor", probe, "soil_temperature")
    assert state.state == "18.0"
    assert state.attributes["measured_at"] == summer + timedelta(hours=1)
    readings = await stored(mqtt_garden, probe, ChannelKind.SOIL_TEMPERATURE)
    assert [(reading.value, reading.at) for reading in readings] == [
        (18.1, summer),
        (18.0, summer + timedelta(hours=1)),
    ]


@pytest.mark.parametrize(
    "payload",
    [
        pytest.param('{"v":34,"last_seen":"2026-05-04T08:00:00.000Z"}', id="F-18 UTC"),
        pytest.param('{"v":34,"last_seen":"2026-05-04T10:00:00+02:00"}', id="F-18 local"),
        pytest.param('{"v":34,"last_seen":1777881600000}', id="F-18 milliseconds"),
        pytest.param('{"v":34,"timestamp":"1777881600000"}', id="F-29 milliseconds as text"),
        pytest.param('{"v":34,"Time":1777881600}', id="F-07 seconds"),
    ],
)
async def test_time_of_the_device_is_the_same_instant_in_each_form(
    mqtt_garden: Garden, payload: str
) -> None:
    await mqtt_garden.jump_to(MAY_4 + timedelta(minutes=5))
    probe = await add_device(mqtt_garden, (bind("soil_moisture", "v"),))

    say(mqtt_garden, payload)

    state = mqtt_garden.state("sensor", probe, "soil_moisture")
    assert state.state == "34.0"
    assert state.attributes["measured_at"] == MAY_4


async def test_f_13_a_cut_wire_that_repeats_its_last_value_is_stuck(mqtt_garden: Garden) -> None:
    twins = (
        bind("water_temperature", "temp1", topic="twin/data"),
        bind("soil_temperature", "temp2", topic="twin/data"),
    )
    twin = await mqtt_garden.add_tank("Twins", channels=twins)

    for minute in range(6 * 60 + 1):
        say(
            mqtt_garden,
            f'{{"temp1":21.375,"temp2":{20.9 + abs(minute % 14 - 7) / 10:.1f}}}',
            topic="twin/data",
        )
        mqtt_garden.freezer.tick(60)

    assert quality_of(mqtt_garden, twin, "water_temperature") == ("suspect", ["stuck"])
    assert quality_of(mqtt_garden, twin, "soil_temperature") == ("good", [])


@pytest.mark.parametrize(
    ("kind", "before"), [("water_temperature", 21.35), ("soil_temperature", 16.35)]
)
async def test_f_36_a_replaced_temperature_is_never_shown(
    mqtt_garden: Garden, kind: str, before: float
) -> None:
    device = await add_device(mqtt_garden, (bind(kind),))
    # A meter with two decimals ends in a zero now and then.
    for text in (f"{before:.2f}", f"{before - 0.05:.2f}", f"{before + 0.05:.2f}", f"{before:.2f}"):
        say(mqtt_garden, text)
        mqtt_garden.freezer.tick(10)
    say(mqtt_garden, "25.00")

    await keep_sending(mqtt_garden, "25.00", minutes=120)

    assert values(mqtt_garden, device, {kind: 0}) == {kind: before}
    assert quality_of(mqtt_garden, device, kind) == ("suspect", ["rate"])
    # 25 °C would be too warm for a tank.
    assert alarms(mqtt_garden) == []


async def test_f_36_nor_is_it_after_a_restart(mqtt_garden: Garden) -> None:
    tank = await add_device(mqtt_garden, (bind("water_temperature"),))
    for text in ("21.35", "21.37", "21.36", "21.30", "21.40"):
        say(mqtt_garden, text)
        mqtt_garden.freezer.tick(60)
    await mqtt_garden.derive()

    for _ in range(2):
        await mqtt_garden.unload()
        await mqtt_garden.set_up()
        await keep_sending(mqtt_garden, "25.00", minutes=40)

    assert values(mqtt_garden, tank, {"water_temperature": 0}) == {"water_temperature": 21.4}
    assert quality_of(mqtt_garden, tank, "water_temperature") == ("stale", ["restored", "rate"])
    assert alarms(mqtt_garden) == []


async def test_f_43_a_bridge_that_repeats_itself_is_stuck(mqtt_garden: Garden) -> None:
    frozen = {"ec": "1.5", "ph": "5.8", "water_temperature": "27.0"}
    tank = await add_device(mqtt_garden, [bind(kind, topic=f"bridge/{kind}") for kind in frozen])
    shown = {"ec": 1.5, "ph": 5.8, "water_temperature": 27.0}

    for minute in range(0, 24 * 60 + 11, 10):
        for kind, text in frozen.items():
            say(mqtt_garden, text, topic=f"bridge/{kind}")
        if minute == 10:
            assert values(mqtt_garden, tank, shown) == shown
            assert {quality_of(mqtt_garden, tank, kind)[0] for kind in frozen} == {"good"}
        mqtt_garden.freezer.tick(10 * 60)

    assert {kind: quality_of(mqtt_garden, tank, kind) for kind in frozen} == dict.fromkeys(
        frozen, ("suspect", ["stuck"])
    )
    # The last good value ages, whatever the bridge sends; 6 h is the longest of the three.
    for _ in range(37):
        for kind, text in frozen.items():
            say(mqtt_garden, text, topic=f"bridge/{kind}")
        await mqtt_garden.pass_time(timedelta(minutes=10))
    assert values(mqtt_garden, tank, shown) == dict.fromkeys(shown)


@pytest.mark.parametrize(
    ("kind", "zero"),
    [
        ("water_temperature", ["exact_zero", "outside_plausible", "rate"]),
        ("soil_temperature", ["exact_zero", "rate"]),
    ],
)
async def test_f_21_what_an_unplugged_probe_says_is_no_frost(
    mqtt_garden: Garden, kind: str, zero: list[str]
) -> None:
    device = await add_device(mqtt_garden, (bind(kind),))
    expected = (
        ("19.94", "good", []),
        ("999.0", "bad", ["outside_physical"]),
        ("85.00", "bad", ["startup_signature"]),
        ("0", "suspect", zero),
    )

    for text, verdict, reasons in expected:
        say(mqtt_garden, text)
        assert quality_of(mqtt_garden, device, kind) == (verdict, reasons)
        assert values(mqtt_garden, device, {kind: 0}) == {kind: 19.94}
        mqtt_garden.freezer.tick(15)

    await keep_sending(mqtt_garden, "0", minutes=60)
    assert values(mqtt_garden, device, {kind: 0}) == {kind: 19.94}
    assert alarms(mqtt_garden) == []


async def test_f_21_a_zero_after_a_restart_and_a_long_silence_is_no_frost(
    mqtt_garden: Garden,
) -> None:
    device = await add_device(mqtt_garden, (bind("soil_temperature"),))
    say(mqtt_garden, "19.94")
    await mqtt_garden.derive()
    await mqtt_garden.unload()
    await mqtt_garden.pass_time(timedelta(hours=3))
    await mqtt_garden.set_up()

    await keep_sending(mqtt_garden, "0", minutes=30)

    # By the rate alone 108 K would be possible meanwhile.
    quality = quality_of(mqtt_garden, device, "soil_temperature")
    assert quality == ("stale", ["restored", "exact_zero"])
    assert values(mqtt_garden, device, {"soil_temperature": 0}) == {"soil_temperature": 19.94}


async def test_f_25_a_telegram_that_comes_twice_is_one_reading(mqtt_garden: Garden) -> None:
    channels = (bind("soil_moisture", "moisture"), bind("battery", "battery_ok", unit="fraction"))
    probe = await add_device(mqtt_garden, channels)
    telegram = (
        '{"time":"2026-06-02 19:51:23.%s","model":"Fineoffset-WH51","id":"0d0001",'
        '"battery_ok":0.889,"battery_mV":1500,"moisture":44,"boost":0,"ad_raw":237,"mic":"CRC"}'
    )

    say(mqtt_garden, telegram % "239424")
    mqtt_garden.freezer.tick(0.036)
    say(mqtt_garden, telegram % "275304")
    await mqtt_garden.derive()

    assert mqtt_garden.state("sensor", probe, "soil_moisture").state == "44.0"
    readings = await stored(mqtt_garden, probe, ChannelKind.SOIL_MOISTURE)
    assert [reading.value for reading in readings] == [44]
    shown = values(mqtt_garden, probe, {"soil_moisture": 0, "battery": 0})
    assert shown == {"soil_moisture": 44, "battery": pytest.approx(88.9)}
    assert numbers_shown(mqtt_garden).isdisjoint({0.889, 237, 1500})


async def test_f_44_an_output_that_is_switched_off_is_no_ph(mqtt_garden: Garden) -> None:
    tank = await add_device(mqtt_garden, (bind("ph"),))
    say(mqtt_garden, "6.042")
    await mqtt_garden.pass_time(timedelta(minutes=1))

    await keep_sending(mqtt_garden, "0", minutes=60)

    assert values(mqtt_garden, tank, {"ph": 0}) == {"ph": 6.042}
    assert quality_of(mqtt_garden, tank, "ph")[0] == "suspect"
    assert "exact_zero" in quality_of(mqtt_garden, tank, "ph")[1]
    assert alarms(mqtt_garden) == []
