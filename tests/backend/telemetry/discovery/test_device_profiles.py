"""Each device profile, with payloads as they are documented or were seen in the field."""

import json
from itertools import groupby

import pytest
from pydantic import ValidationError

from kamerplanter_backend.telemetry.discovery.proposals import DeviceProposal, Discovery
from kamerplanter_backend.telemetry.messages.device_profiles import (
    ChannelRule,
    DeviceProfile,
    ProfileTable,
    fill,
    matches,
    read_profiles,
    topic_pattern,
)
from kamerplanter_backend.telemetry.probe.presence import read_availability
from kamerplanter_engines.models.telemetry import (
    AIR_KINDS,
    SOIL_KINDS,
    TANK_KINDS,
    Availability,
    ChannelKind,
)
from tests.backend.telemetry.device import Device, values
from tests.backend.telemetry.profile_cases import CASES, SOIL_PROBE, TANK_PROBE, Case, Messages
from tests.backend.telemetry.profile_cases_bases import MORE_CASES

ALL_CASES = [*CASES, *MORE_CASES]
TOLD_BY_FIELDS = 70
"""From this rank down profiles look at any topic; fields or words tell whose it is."""


def hear(sent: Messages) -> Discovery:
    discovery = Discovery(read_profiles())
    for topic, payload in sent:
        discovery.on_message(topic, _bytes(payload))
    return discovery


def _bytes(payload: object) -> bytes | str:
    return payload if isinstance(payload, bytes | str) else json.dumps(payload)


def readings(proposal: DeviceProposal, sent: Messages) -> dict[str, float | None]:
    """Bind what is proposed and let the device send it again."""
    bindings = [item.binding for item in proposal.best().values()]
    device = Device(*bindings, availability=proposal.availability)
    found: dict[str, float | None] = {}
    for step, (topic, payload) in enumerate(sent):
        found |= values(device.send(_bytes(payload), 60 * step, topic=topic))
    return found


@pytest.mark.parametrize("case", ALL_CASES, ids=lambda case: f"{case.profile}-{case.sent[0][0]}")
def test_what_a_device_sends_becomes_the_right_readings(case: Case) -> None:
    (proposal,) = hear(case.sent).propose(case.kinds)

    assert proposal.profile_key == case.profile
    assert readings(proposal, case.sent) == case.expected
    found = proposal.availability
    assert (None if found is None else found.topic) == case.availability
    assert case.name in (None, proposal.name)
    paths = {item.binding.time_path for item in proposal.best().values()}
    assert paths == {case.time_path}


def test_each_profile_is_tried() -> None:
    assert {case.profile for case in ALL_CASES} == {item.key for item in read_profiles().profiles}


def looks_like(profile: DeviceProfile, topic: str) -> bool:
    found = topic_pattern(profile.topic).fullmatch(topic)
    return found is not None and all(
        matches(look, found[name]) for name, look in profile.where.items()
    )


@pytest.mark.parametrize("profile", read_profiles().profiles, ids=lambda item: item.key)
def test_no_topic_takes_long_to_look_at(profile: DeviceProfile) -> None:
    # Each placeholder of several levels multiplies the ways to read a hostile topic.
    assert profile.topic.count("...}") <= 2


@pytest.mark.parametrize("topic", sorted({topic for case in ALL_CASES for topic, _ in case.sent}))
def test_no_topic_looks_like_one_of_two_profiles_of_a_rank(topic: str) -> None:
    found = [item for item in read_profiles().profiles if looks_like(item, topic)]

    for rank, equals in groupby(found, key=lambda item: item.rank):
        keys = [item.key for item in equals]
        assert rank <= TOLD_BY_FIELDS or len(keys) == 1, keys


@pytest.mark.parametrize(
    ("topic", "payload", "profile"),
    [
        ("garden/devices/tent/humidity", "48", "generic_number"),
        ("garden/events", {"temperature_C": 21.0, "humidity": 48}, "generic_json"),
        ("garden/status/ds18:1", {"temperature": 21.0}, "generic_json"),
        ("garden/events/rpc", {"temperature": 21.0}, "generic_json"),
        ("garden/tent", {"tempf": 70.5, "tempc": 21.4, "hum": 52.9}, "generic_json"),
        ("garden/tent", {"temp": 21.4, "humidity": 52.9}, "generic_json"),
        ("garden/tent", {"temperature": 21.4, "link_quality": 91}, "generic_json"),
        ("garden/telemetry/SENSOR", {"temperature": 21.4}, "generic_json"),
        ("garden/zigbee2mqtt", {"temperature": 21.4}, "generic_json"),
        ("garden/BTtoMQTT", {"tempc": 21.4}, "generic_json"),
        ("homeassistant/sensor/tent_temperature/state", "21.4", "state_topics"),
    ],
)
def test_what_only_looks_a_little_like_a_device_is_not_taken_for_one(
    topic: str, payload: object, profile: str
) -> None:
    (device,) = hear([(topic, payload)]).propose(AIR_KINDS)

    assert device.profile_key == profile
    assert device.availability is None


@pytest.mark.parametrize(
    ("word", "is_online"),
    sorted(
        {
            (word, is_online)
            for profile in read_profiles().profiles
            for rule in profile.availability
            for words, is_online in ((rule.online, True), (rule.offline, False))
            for word in words
        }
    ),
)
def test_the_words_of_availability_are_understood(word: str, is_online: bool) -> None:
    assert read_availability(word, Availability(topic="t")) is is_online


def test_the_shelly_read_error_is_no_value() -> None:
    sent: Messages = [("s/status/temperature:100", {"id": 100, "tC": 21.3, "tF": 70.3})]
    (proposal,) = hear(sent).propose(TANK_KINDS)

    failed: Messages = [(sent[0][0], {"id": 100, "tC": None, "tF": None, "errors": ["read"]})]

    assert readings(proposal, failed) == {"water_temperature": None}


def test_f_28_a_second_probe_is_never_the_temperature_of_the_soil() -> None:
    decoded = {
        "Bat": "3.28 V",
        "TempC_DS18B20": "0.00 °C",
        "water_SOIL": "8.31 %",
        "temp_SOIL": "18.12 °C",
        "conduct_SOIL": "6300 uS/cm",
    }
    sent: Messages = [
        (
            "v3/farm@ttn/devices/bed1/up",
            {
                "received_at": "2026-05-04T08:00:00.123Z",
                "uplink_message": {"decoded_payload": decoded},
            },
        )
    ]
    (proposal,) = hear(sent).propose(SOIL_KINDS)

    assert readings(proposal, sent) == {
        "soil_moisture": 8.31,
        "soil_temperature": 18.12,
        "soil_ec": 6.3,
    }
    paths = [item.binding.path for item in proposal.channels]
    assert not [path for path in paths if path is not None and "DS18B20" in path]


def test_a_voltage_of_an_electrode_is_no_ph() -> None:
    sent: Messages = [
        ("hydro/sensor/ph_voltage/state", "1.52"),
        ("hydro/sensor/ph_mv/state", "-12.1"),
        ("hydro/sensor/orp_mv/state", "312"),
        ("hydro/sensor/ph/state", "6.1"),
    ]
    (proposal,) = hear(sent).propose(TANK_KINDS)

    topics = {item.kind.value: item.binding.topic for item in proposal.channels}
    assert topics == {"ph": "hydro/sensor/ph/state", "orp": "hydro/sensor/orp_mv/state"}


@pytest.mark.parametrize(
    "battery",
    [
        {"battery": 3.0},
        {"battery": "2.97"},
        {"battery": "2.97 V"},
        {"battery": {"value": 3, "unit": "V"}},
        {"battery_voltage": 2950},
        {"batteryVoltage": 3},
    ],
    ids=str,
)
def test_f_31_volts_are_proposed_as_no_percentage(battery: dict[str, object]) -> None:
    """Also of a device that is taken for a daemon by the names of its fields."""
    sent: Messages = [("garden/pot", {"moisture": 34, "conductivity": 410, **battery})]

    (proposal,) = hear(sent).propose([*SOIL_KINDS, ChannelKind.BATTERY])

    found = {item.kind: item.value for item in proposal.channels}
    assert found[ChannelKind.SOIL_MOISTURE] == 34
    assert found.get(ChannelKind.BATTERY) is None


def test_a_topic_of_several_devices_is_not_proposed() -> None:
    other = {"model": "Acurite-Tower", "id": 11, "temperature_C": 20.1}
    topic = "rtl_433/attic/events"

    assert hear([(topic, other)]).propose(SOIL_KINDS)
    assert not hear([(topic, other), (topic, other | {"id": 12})]).propose(SOIL_KINDS)


def test_probes_of_one_message_are_devices_of_their_own() -> None:
    sent: Messages = [("ecowitt2mqtt/home", {"soilmoisture1": "41", "soilmoisture2": "17"})]

    found = hear(sent).propose(SOIL_KINDS)

    assert [(device.name, device.channels[0].value) for device in found] == [
        ("ecowitt2mqtt/home · 1", 41),
        ("ecowitt2mqtt/home · 2", 17),
    ]


def test_each_thermometer_of_a_weather_station_is_a_device_of_its_own() -> None:
    station = (
        b'{"tempinf":"70.3","humidityin":"48","tempf":"43.5","humidity":"91","dewpoint":40.9,'
        b'"feelslike":43.5,"temp1f":"75.2","humidity1":"61","soilmoisture1":"41"}'
    )

    found = hear([("ecowitt2mqtt/home", station)]).propose(AIR_KINDS)

    assert [
        (device.name, {kind.value: item.value for kind, item in device.best().items()})
        for device in found
    ] == [
        (
            "ecowitt2mqtt/home",
            {"air_temperature": pytest.approx(6.39, abs=0.01), "air_humidity": 91},
        ),
        ("ecowitt2mqtt/home · 1", {"air_temperature": pytest.approx(24.0), "air_humidity": 61}),
        (
            "ecowitt2mqtt/home · in",
            {"air_temperature": pytest.approx(21.28, abs=0.01), "air_humidity": 48},
        ),
    ]


@pytest.mark.parametrize(
    ("sent", "in_c"),
    [
        # ecowitt2mqtt as it comes: a room in °F tells of the cold outside
        ({"tempin": 70.3, "temp": 43.7, "tf_ch1": 42.8, "soil_ec_temp2": 41.0}, [6.5, 6.0, 5.0]),
        # all of it is cold: a barometer counts in inches of mercury
        (
            {"baromrel": 29.92, "tempin": 42.8, "temp": 43.7, "tf_ch1": 42.8, "soil_ec_temp2": 41},
            [6.5, 6.0, 5.0],
        ),
        (
            {"baromabs": 1013.2, "tempin": 6.0, "temp": 6.5, "tf_ch1": 6.0, "soil_ec_temp2": 5.0},
            [6.5, 6.0, 5.0],
        ),
        # told to be metric
        ({"tempin": 21.3, "temp": 6.5, "tf_ch1": 6.0, "soil_ec_temp2": 5.0}, [6.5, 6.0, 5.0]),
        # a gateway in the cold: its own names end with f
        (
            {"tempinf": "42.8", "tempf": "43.7", "tf_ch1": "42.8", "soil_ec_temp2": "41.0"},
            [6.5, 6.0, 5.0],
        ),
    ],
)
def test_all_thermometers_of_a_weather_station_are_in_one_unit(
    sent: dict[str, object], in_c: list[float]
) -> None:
    found = hear([("ecowitt2mqtt/home", sent)]).propose([*AIR_KINDS, *SOIL_KINDS])

    values_c = {
        item.binding.path: item.value for device in found for item in device.best().values()
    }
    outside = "tempf" if "tempf" in sent else "temp"
    assert [values_c[path] for path in (outside, "tf_ch1", "soil_ec_temp2")] == [
        pytest.approx(item, abs=0.01) for item in in_c
    ]


@pytest.mark.parametrize("payload", [{"battery": 100, "humidity": 34, "temperature": 12.4}])
def test_air_humidity_is_not_taken_for_soil(payload: object) -> None:
    (device,) = hear([("zigbee2mqtt/pot", payload)]).propose(SOIL_KINDS)

    assert set(device.best()) == {ChannelKind.SOIL_TEMPERATURE}


def test_what_has_only_a_battery_is_no_probe() -> None:
    sent: Messages = [("zigbee2mqtt/door", {"battery": 88, "contact": True, "linkquality": 91})]

    assert hear(sent).propose(SOIL_PROBE) == ()
    assert hear(sent).propose(TANK_PROBE) == ()


def test_a_profile_that_knows_more_than_the_battery_is_preferred() -> None:
    sent: Messages = [("zigbee2mqtt/pot", {"battery": 88, "conductivity": 410})]

    (device,) = hear(sent).propose(SOIL_PROBE)

    assert device.profile_key == "generic_json"
    assert set(device.best()) == {ChannelKind.SOIL_EC}


def test_a_battery_on_a_topic_of_its_own_belongs_to_its_device() -> None:
    sent: Messages = [("pot/sensor/battery_level/state", "55"), ("pot/sensor/moisture/state", "41")]

    (device,) = hear(sent).propose(SOIL_PROBE)

    assert readings(device, sent) == {"battery": 55, "soil_moisture": 41}


@pytest.mark.parametrize(
    "payload",
    [
        {"soilmoisture1": "41", "soilbatt1": "1.66"},
        {"moisture": 41, "battery_mV": 3020},
        {"moisture": 41, "bat": 3.3},
        {"moisture": 41, "linkquality": 120},
    ],
)
def test_volts_and_link_quality_are_proposed_as_nothing(payload: object) -> None:
    (device,) = hear([("some/pot", payload)]).propose(SOIL_PROBE)

    assert set(device.best()) == {ChannelKind.SOIL_MOISTURE}


def test_a_guard_beside_a_value_is_proposed() -> None:
    sent: Messages = [("lora/bed", {"valid": False, "moisture": 0, "battery": 2.9})]

    (device,) = hear(sent).propose(SOIL_KINDS)

    assert device.best()[ChannelKind.SOIL_MOISTURE].binding.guard_path == "valid"
    assert readings(device, sent) == {"soil_moisture": None}


def test_a_template_finds_and_fills_its_placeholders() -> None:
    match = topic_pattern("a/{base...}/x.{device}").fullmatch("a/b/c/x.d")

    assert match is not None
    assert match.groupdict() == {"base": "b/c", "device": "d"}
    assert fill("{base}/{device}/on", match.groupdict()) == "b/c/d/on"
    assert topic_pattern("a/{device}").fullmatch("a/b/c") is None
    assert topic_pattern("a.c/{device}").fullmatch("abc/d") is None


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"topic": "a/b"}, "device"),
        ({"where": {"nobody": "x"}}, "nobody"),
        ({"availability": [{"topic": "{b}", "online": ["1"], "offline": ["0"]}]}, "placeholder b"),
        ({"words_in_name": True}, "placeholder name"),
        ({"requires": ["("]}, "regular expression"),
    ],
)
def test_a_profile_that_cannot_work_is_refused(wrong: dict[str, object], told: str) -> None:
    good = {"key": "k", "name": "K", "rank": 1, "topic": "a/{device}"}
    DeviceProfile.model_validate(good)

    with pytest.raises(ValidationError, match=told):
        DeviceProfile.model_validate(good | wrong)


def test_a_unit_of_another_kind_is_refused() -> None:
    with pytest.raises(ValidationError, match="does not belong to ph"):
        ChannelRule(kinds=(ChannelKind.PH,), unit="°C", score=1)


def test_two_profiles_of_one_key_are_refused() -> None:
    table = read_profiles()
    content = table.model_dump(mode="json") | {
        "profiles": [table.profiles[0].model_dump(mode="json")] * 2
    }

    with pytest.raises(ValidationError, match="same key"):
        ProfileTable.model_validate(content)
