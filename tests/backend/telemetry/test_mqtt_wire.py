"""The bytes of MQTT, against the standard's examples and whatever cuts a network makes."""

import asyncio
from itertools import pairwise
from typing import Any, override

import pytest
from hypothesis import given, settings, strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from kamerplanter_backend.telemetry import mqtt_wire as wire
from kamerplanter_backend.telemetry.link_protocol import LinkProtocol


class Heard:
    """Keeps what a connection hands on."""

    def __init__(self) -> None:
        self.messages: list[tuple[bytes, bytes, bool, bool]] = []
        self.refused: list[str] = []

    def on_message(self, topic: bytes, payload: bytes, *, retained: bool, is_replay: bool) -> None:
        self.messages.append((topic, payload, retained, is_replay))

    def on_connection(self, *, connected: bool) -> None:
        """Nothing to do."""

    def on_refused_topic(self, topic: str) -> None:
        self.refused.append(topic)


class Transport(asyncio.Transport):
    """Keeps what is sent."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.is_aborted = False

    @override
    def write(self, data: Any) -> None:
        self.sent += data

    @override
    def is_closing(self) -> bool:
        return False

    @override
    def abort(self) -> None:
        self.is_aborted = True


def connection(
    *, is_v5: bool = True, acknowledges: bool = False, packet_bytes: int = 1000
) -> tuple[LinkProtocol, Heard, Transport]:
    heard, transport = Heard(), Transport()
    protocol = LinkProtocol(
        heard,
        is_v5=is_v5,
        acknowledges_itself=acknowledges,
        packet_bytes=packet_bytes,
        ended=asyncio.get_running_loop().create_future(),
    )
    protocol.connection_made(transport)
    return protocol, heard, transport


def published(
    topic: str, payload: bytes, *, qos: int = 0, number: int = 1, v5: bool = True, retain: int = 0
) -> bytes:
    """Return a message as a broker sends it, with properties made by another library."""
    properties = b""
    if v5:
        made = Properties(PacketTypes.PUBLISH)
        made.UserProperty = ("who", "tank")
        made.ContentType = "x" * 130  # a length of two bytes
        properties = made.pack()
    identity = number.to_bytes(2) if qos else b""
    return wire.packet(0x30 | qos << 1 | retain, wire.text(topic), identity, properties, payload)


@pytest.mark.parametrize(
    ("value", "encoded"),
    # 1.5.5, table 1-1: the borders of each length.
    [
        (0, b"\x00"),
        (127, b"\x7f"),
        (128, b"\x80\x01"),
        (16_383, b"\xff\x7f"),
        (16_384, b"\x80\x80\x01"),
        (268_435_455, b"\xff\xff\xff\x7f"),
    ],
)
def test_numbers_take_as_many_bytes_as_they_need(value: int, encoded: bytes) -> None:
    assert wire.number(value) == encoded
    assert wire.read_number(encoded, 0) == (value, len(encoded))
    assert wire.read_number(encoded[:-1], 0) is None


def test_a_length_of_five_bytes_is_no_mqtt() -> None:
    with pytest.raises(wire.WireError):
        wire.read_number(b"\xff\xff\xff\xff\x7f", 0)


def test_we_come_as_the_standard_has_it() -> None:
    greeting = wire.Greeting(
        client_id="kp",
        username="u",
        password="p",
        keepalive_s=15,
        is_v5=True,
        is_clean=False,
        session_s=3600,
        receive_maximum=500,
    )

    # 3.1: MQTT, version 5, flags of user name and password, keep alive, session expiry 0x11,
    # receive maximum 0x21, then the texts.
    assert wire.connect(greeting) == (
        b"\x10\x1d\x00\x04MQTT\x05\xc0\x00\x0f\x08\x11\x00\x00\x0e\x10\x21\x01\xf4"
        b"\x00\x02kp\x00\x01u\x00\x01p"
    )


def test_what_the_broker_says_of_itself_is_read() -> None:
    made = Properties(PacketTypes.CONNACK)
    made.ServerKeepAlive = 60
    made.SessionExpiryInterval = 120
    made.AssignedClientIdentifier = "other"
    made.UserProperty = ("a", "b")

    accepted = wire.read_connack(b"\x01\x00" + made.pack(), is_v5=True)

    assert (accepted.code, accepted.has_session) == (0, True)
    assert accepted.numbers == {0x13: 60, 0x11: 120}


@settings(max_examples=60, deadline=None)
@given(data=st.binary(max_size=60))
def test_bytes_of_no_sense_end_a_connection_and_nothing_else(data: bytes) -> None:
    async def feed() -> None:
        protocol, _, transport = connection()
        protocol.data_received(data)
        assert not transport.is_aborted or protocol.accepted.done()

    asyncio.run(feed())


@settings(max_examples=60, deadline=None)
@given(cuts=st.lists(st.integers(0, 900), max_size=12), v5=st.booleans())
def test_messages_are_the_same_wherever_the_network_cuts_them(cuts: list[int], v5: bool) -> None:
    expected = [
        (b"t/1", b"6.0", False, False),
        (b"t/2", b"x" * 200, False, False),
        (b"t/3", b"", True, False),
        (b"t/4", b"6.1", False, False),
    ]
    data = b"".join(
        (
            published("t/1", b"6.0", v5=v5),
            published("t/2", b"x" * 200, qos=1, number=7, v5=v5),
            published("t/3", b"", retain=1, v5=v5),
            # Longer than anything of a probe: let go of, but acknowledged.
            published("t/long", b"y" * 2000, qos=1, number=8, v5=v5),
            published("t/4", b"6.1", qos=1, number=9, v5=v5),
        )
    )

    async def feed() -> None:
        protocol, heard, _ = connection(is_v5=v5)
        edges = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
        for start, end in pairwise(edges):
            protocol.data_received(data[start:end])
        assert heard.messages == expected
        assert protocol.unacknowledged == [b"\x00\x07", b"\x00\x08", b"\x00\x09"]

    asyncio.run(feed())


async def test_the_owner_acknowledges_or_the_connection_does_in_order() -> None:
    for acknowledges in (False, True):
        protocol, _, transport = connection(acknowledges=acknowledges)
        protocol.data_received(
            published("t", b"1", qos=1, number=5) + published("t", b"2", qos=1, number=3)
        )
        assert transport.sent == (b"\x40\x02\x00\x05\x40\x02\x00\x03" if acknowledges else b"")


async def test_what_stands_between_the_welcome_and_our_mark_is_a_replay() -> None:
    protocol, heard, transport = connection()
    # The broker answers that it has a session, and sends what waited in the same breath.
    protocol.data_received(b"\x20\x03\x01\x00\x00" + published("t", b"old", qos=1))
    protocol.mark("p/$ingest/me", b"now")
    protocol.data_received(published("p/$ingest/me", b"earlier", qos=1, number=2))
    protocol.data_received(published("t", b"old too"))
    protocol.data_received(published("p/$ingest/me", b"now", qos=1, number=3))
    protocol.data_received(published("t", b"live"))

    assert [(payload, is_replay) for _, payload, _, is_replay in heard.messages] == [
        (b"old", True),
        (b"earlier", True),
        (b"old too", True),
        (b"live", False),
    ]
    assert protocol.unacknowledged == [b"\x00\x01", b"\x00\x02", b"\x00\x03"]
    assert b"p/$ingest/me" in transport.sent


async def test_a_long_message_without_a_number_is_broken() -> None:
    protocol, heard, transport = connection()

    # It says that its topic is longer than all of it.
    protocol.data_received(wire.packet(0x32, b"\x0f\xff" + b"x" * 1500))

    assert transport.is_aborted
    assert (heard.messages, protocol.unacknowledged) == ([], [])


async def test_refused_topics_are_named() -> None:
    protocol, heard, _ = connection()
    protocol.subscribe(["a", "b", "c"])

    protocol.data_received(b"\x90\x06\x00\x01\x00\x01\x87\x00")

    assert heard.refused == ["b"]


async def test_a_mark_that_is_refused_is_waited_for_no_longer() -> None:
    protocol, _, _ = connection()
    protocol.data_received(b"\x20\x03\x01\x00\x00")
    protocol.mark("m", b"now")
    assert not protocol.waits_in_vain(10)

    protocol.data_received(b"\x40\x03\x00\x01\x87")

    assert protocol.waits_in_vain(10)


async def test_who_stops_hears_and_acknowledges_nothing_more() -> None:
    protocol, heard, _ = connection()
    protocol.is_deaf = True

    protocol.data_received(published("t", b"1", qos=1))

    assert (heard.messages, protocol.unacknowledged) == ([], [])


async def test_a_broker_that_ends_the_connection_says_why() -> None:
    protocol, _, transport = connection()

    protocol.data_received(b"\xe0\x01\x8e")

    assert transport.is_aborted
    with pytest.raises(wire.WireError, match="another client uses our id"):
        await protocol.accepted
