"""Grouping what is heard into devices: any order, any garbage, bounded memory, ranked guesses."""

import json
import tracemalloc
from dataclasses import replace

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_backend.telemetry.discovery.hearing import (
    LONGEST_NAME,
    MAX_PLACES,
    MAX_TOPICS,
    Place,
    Smallest,
    is_bindable,
)
from kamerplanter_backend.telemetry.discovery.proposals import DeviceProposal, Discovery
from kamerplanter_backend.telemetry.discovery.unit_guess import guess_unit
from kamerplanter_backend.telemetry.messages.device_profiles import read_profiles
from kamerplanter_backend.telemetry.messages.name_reader import spelled
from kamerplanter_engines.models.telemetry import AIR_KINDS, SOIL_KINDS, TANK_KINDS, ChannelKind

MESSAGES = [
    ("tele/hydro1/SENSOR", b'{"EZO-1":{"pH":5.94},"EZO-2":{"EC":1413.00},"TempUnit":"C"}'),
    ("tele/hydro1/LWT", b"Online"),
    ("hydro-esp/sensor/tank_ec/state", b"1.85"),
    ("hydro-esp/sensor/tank_ec/state", b"1850"),
    ("hydro-esp/sensor/tank_ph/state", b"nan"),
    ("hydro-esp/sensor/tank_ph/state", b"6.0"),
    ("zigbee2mqtt/bed1", b'{"soil_moisture":34,"temperature":18.1}'),
    ("zigbee2mqtt/bed1/availability", b'{"state":"online"}'),
    ("home/OMG/BTtoMQTT/C4", b'{"fer":395}'),
    ("home/OMG/BTtoMQTT/C4", b'{"moi":17}'),
    ("rtl_433/attic/events", b'{"model":"A","id":1,"moisture":44}'),
    ("rtl_433/attic/events", b'{"model":"A","id":2,"moisture":41}'),
    ("tank/ec", b"1.8"),
    ("tank/ph", b"6.1"),
    ("tank/status", b"online"),
]


def discovery_of(*messages: tuple[str, bytes | str]) -> Discovery:
    discovery = Discovery(read_profiles())
    for topic, payload in messages:
        discovery.on_message(topic, payload)
    return discovery


def shape(device: DeviceProposal) -> DeviceProposal:
    """Return a proposal without the newest values."""
    bare = [replace(item, value_text="", value=None) for item in device.channels]
    return replace(device, channels=tuple(sorted(bare, key=lambda item: str(item.binding))))


def shapes(discovery: Discovery) -> set[str]:
    return {str(shape(device)) for device in discovery.propose(ChannelKind)}


@given(st.permutations(MESSAGES))
def test_the_order_of_messages_does_not_matter(messages: list[tuple[str, bytes]]) -> None:
    assert shapes(discovery_of(*messages)) == shapes(discovery_of(*MESSAGES))


@given(st.permutations(MESSAGES), st.integers(0, 3))
def test_hearing_something_again_changes_nothing(
    messages: list[tuple[str, bytes]], repeats: int
) -> None:
    again = messages + messages[:5] * repeats

    assert shapes(discovery_of(*again)) == shapes(discovery_of(*MESSAGES))


@given(
    st.lists(st.integers(0, 60), min_size=1, max_size=80),
    st.integers(1, 20),
    st.randoms(use_true_random=False),
)
def test_which_entries_are_kept_does_not_depend_on_the_order(
    numbers: list[int], limit: int, random: object
) -> None:
    shuffled = list(numbers)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    kept: list[dict[int, int]] = []
    for order in (numbers, shuffled):
        smallest: Smallest[int, list[int]] = Smallest(limit, lambda key: (key, ""))
        for number in order:
            entry = smallest.get(number, list)
            if entry is not None:
                entry.append(number)
        kept.append({key: len(entry) for key, entry in smallest})

    assert kept[0] == kept[1]
    assert kept[0] == {n: numbers.count(n) for n in sorted(set(numbers))[:limit]}


@given(
    st.lists(
        st.tuples(
            st.one_of(st.text(max_size=300), st.sampled_from([topic for topic, _ in MESSAGES])),
            st.one_of(
                st.binary(max_size=200),
                st.text(max_size=50),
                st.recursive(
                    st.one_of(st.none(), st.booleans(), st.floats(), st.integers(), st.text()),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
                    max_leaves=20,
                ).map(json.dumps),
            ),
        ),
        max_size=30,
    )
)
@settings(max_examples=60)
def test_garbage_never_raises_and_all_that_is_proposed_can_be_bound(
    messages: list[tuple[str, bytes | str]],
) -> None:
    discovery = discovery_of(*messages)

    for device in discovery.propose(ChannelKind):
        for item in device.channels:
            assert item.binding.topic is not None
            assert is_bindable(item.binding.topic)


@pytest.mark.parametrize(
    "topic", ["", "a/#", "+/ec", "tank/e\0c", "#", "t/" * 101, "x" * (LONGEST_NAME + 1)]
)
def test_a_topic_that_cannot_be_bound_is_not_remembered(topic: str) -> None:
    discovery = discovery_of((topic, "1.8"))

    assert discovery.topic_count == 0
    assert discovery.propose(ChannelKind) == ()


@pytest.mark.parametrize(
    "payload",
    [
        b"\xff\xfe1.",
        b"\x00" * 100,
        b"1" * 1_000_000,
        b'{"ec": ' * 200_000,
        b'{"ec":' * 40 + b"1" + b"}" * 40,
        json.dumps({"ec": "x" * 1_000_000}).encode(),
        b"",
    ],
    ids=["binary", "nul", "1 MB", "1 MB of JSON", "deep", "1 MB of text", "empty"],
)
def test_a_message_nobody_can_read_proposes_nothing(payload: bytes) -> None:
    discovery = discovery_of(("tank/ec", payload))

    assert discovery.propose(ChannelKind) == ()
    discovery.on_message("tank/ec", b"1.8")
    (device,) = discovery.propose(TANK_KINDS)
    assert device.best()[ChannelKind.EC].value == 1.8


def test_memory_is_bounded_by_topics_and_by_fields() -> None:
    discovery = Discovery(read_profiles())
    many = json.dumps({f"field_{number:04}_{'x' * 150}": number for number in range(500)}).encode()
    for number in range(MAX_TOPICS + 50):
        discovery.on_message(f"device/{number:05}", many)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(3_000):
        discovery.on_message(f"flood/{number}/{'y' * 150}", b'{"a":1,"b":"text"}')
        discovery.on_message("device/00001", f'{{"new_{number}": 1}}')
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert discovery.topic_count == MAX_TOPICS
    assert discovery.place_count <= MAX_TOPICS * MAX_PLACES
    assert grown < 1_000_000


def test_a_flood_does_not_push_out_a_known_device() -> None:
    flood = [(f"a/{number}", b"1") for number in range(MAX_TOPICS + 10)]

    discovery = discovery_of(*flood, *MESSAGES[:2])

    assert [device.name for device in discovery.propose(TANK_KINDS)] == ["tele/hydro1"]


def test_the_device_with_the_most_values_comes_first() -> None:
    discovery = discovery_of(
        ("a/level", "80"),
        ("tank/ec", "1.8"),
        ("tank/ph", "6.1"),
        ("z/sensor/ec/state", "1.8"),
        ("z/sensor/ph/state", "6.1"),
        ("dead/sensor/ec/state", "-1"),
    )

    names = [device.name for device in discovery.propose(TANK_KINDS)]

    # As many values: the profile that is surer. A value that cannot be one counts least.
    assert names == ["z", "tank", "a", "dead"]


def test_of_several_fields_the_surest_possible_one_is_proposed_and_the_others_stay() -> None:
    discovery = discovery_of(
        ("tank/box", json.dumps({"temp": 21.0, "water_temp": -127.0, "temperature_f": 69.8})),
    )

    (device,) = discovery.propose([ChannelKind.WATER_TEMPERATURE])

    assert [(item.binding.path, item.binding.unit, item.value) for item in device.channels] == [
        ("temp", None, 21.0),
        ("temperature_f", "°F", pytest.approx(21.0)),
        ("water_temp", None, None),
    ]


def test_a_place_and_a_kind_decide_what_is_proposed() -> None:
    discovery = discovery_of(("box/data", '{"ec": 640, "temp": 18.0}'))

    (tank,) = discovery.propose(TANK_KINDS)
    (soil,) = discovery.propose(SOIL_KINDS)

    assert set(tank.best()) == {ChannelKind.EC, ChannelKind.WATER_TEMPERATURE}
    assert set(soil.best()) == {ChannelKind.SOIL_EC, ChannelKind.SOIL_TEMPERATURE}
    assert tank.best()[ChannelKind.EC].binding.unit == "µS/cm"
    assert not discovery.propose([ChannelKind.LEVEL])


@pytest.mark.parametrize(
    ("kind", "numbers", "unit"),
    [
        (ChannelKind.EC, (1413.0,), "µS/cm"),
        (ChannelKind.EC, (1.4,), "mS/cm"),
        (ChannelKind.EC, (0.0,), None),
        (ChannelKind.SOIL_EC, (3.0,), None),
        (ChannelKind.SOIL_EC, (0.3, 318.0), "µS/cm"),
        (ChannelKind.WATER_TEMPERATURE, (70.2,), "°F"),
        (ChannelKind.WATER_TEMPERATURE, (20.3, 85.0), None),
        (ChannelKind.WATER_TEMPERATURE, (85.0,), None),
        (ChannelKind.LEVEL, (80.0,), None),
        (ChannelKind.EC, (), None),
    ],
)
def test_the_size_of_numbers_tells_the_unit(
    kind: ChannelKind, numbers: tuple[float, ...], unit: str | None
) -> None:
    place = Place(
        low=min(numbers, default=None),
        high=max(numbers, default=None),
    )

    assert guess_unit(kind, place) == unit


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("EZO-2.EC", "ec"),
        ("soilTemp", "soil_temp"),
        ("TempC_DS18B20", "temp_c_ds18b20"),
        ("soil_moisture.value", "soil_moisture"),
        ("value", "value"),
        ("Tank pH", "tank_p_h"),
    ],
)
def test_names_are_spelled_alike(path: str, name: str) -> None:
    assert spelled(path) == name


@pytest.mark.parametrize("field", ["ec_max", "ec_min", "tds", "battery", "soil_moisture_raw"])
def test_settings_twins_and_raw_values_are_no_proposal(field: str) -> None:
    assert not discovery_of(("box/data", json.dumps({field: 12}))).propose(ChannelKind)


def test_a_changing_unit_field_proposes_no_unit() -> None:
    topic = "tele/box/SENSOR"
    one = '{"DS18B20":{"Temperature":20.5},"TempUnit":"C"}'
    other = '{"DS18B20":{"Temperature":68.9},"TempUnit":"F"}'

    (device,) = discovery_of((topic, one), (topic, other)).propose(TANK_KINDS)

    assert device.channels[0].binding.unit is None


@pytest.mark.parametrize("kinds", [SOIL_KINDS, TANK_KINDS, (*SOIL_KINDS, *TANK_KINDS)])
def test_f_19_humidity_is_proposed_for_no_pot_and_no_tank(kinds: tuple[ChannelKind, ...]) -> None:
    soil = {"battery": 100, "humidity": 34, "linkquality": 105, "temperature": 12.4}
    air = {"air_temperature": 22.5, "room_temp": 21, "leaf_temp": 20, "ppfd": 300, "rh": 50}
    discovery = discovery_of(("zigbee2mqtt/Pot", json.dumps(soil)), ("tent/data", json.dumps(air)))

    found = discovery.propose(kinds)

    assert {item.binding.path for device in found for item in device.channels} == {"temperature"}


@pytest.mark.parametrize(
    "name",
    [
        *("illuminance", "lux", "light_lux", "soil_humidity", "humidity_soil", "soil_hum1"),
        *("dew_point_temperature", "humidity_max", "absolute_humidity", "parent", "air_pressure"),
        *("room_voltage", "leaf_wetness", "bodenfeuchte"),
    ],
)
def test_what_is_no_climate_of_a_place(name: str) -> None:
    assert not discovery_of(("tent/data", json.dumps({name: 21.5}))).propose(AIR_KINDS)


def test_how_warm_a_shelly_itself_is_is_no_proposal() -> None:
    heard = [
        ("shellies/shelly1-a1/temperature", "55.04"),
        ("shellies/shelly1-a1/temperature_f", "131.07"),
        ("shellies/shelly1-a1/overtemperature", "0"),
    ]
    assert not discovery_of(*heard).propose(ChannelKind)

    (device,) = discovery_of(*heard, ("shellies/shelly1-a1/ext_temperature/0", "19.9")).propose(
        TANK_KINDS
    )
    assert [item.binding.topic for item in device.channels] == [
        "shellies/shelly1-a1/ext_temperature/0"
    ]


def test_each_conductivity_of_a_gateway_can_be_chosen_and_the_likelier_one_comes_first() -> None:
    topic = "/device_sensor_data/1/2CF7F1/0/vs/"
    discovery = discovery_of(
        *(
            (f"{topic}{name}", json.dumps({"value": value}))
            for name, value in (("4123", 1420), ("4108", 1.4))
        )
    )

    for kind, names in (
        (ChannelKind.SOIL_EC, ["4108", "4123"]),
        (ChannelKind.EC, ["4123", "4108"]),
    ):
        (device,) = discovery.propose([kind])
        assert [str(item.binding.topic)[-4:] for item in device.channels] == names
