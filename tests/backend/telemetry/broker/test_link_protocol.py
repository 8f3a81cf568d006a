"""What a worker says to a broker and takes from it, byte by byte; the broker is played."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from kamerplanter_backend.telemetry.broker import link_protocol
from kamerplanter_backend.telemetry.broker.link_client import PACKET_BYTES
from kamerplanter_backend.telemetry.broker.settings import Protocol
from tests.backend.telemetry.broker.test_garden_link import linked
from tests.backend.telemetry.brokers import HOST
from tests.backend.telemetry.fleet import until

pytestmark = pytest.mark.usefixtures("socket_enabled")

WELCOME = b"\x20\x03\x00\x00\x00"
"""CONNACK of MQTT 5: no session, welcome, no properties (3.2)."""
WELCOME_BACK = b"\x20\x03\x01\x00\x00"
"""The same with a session that was kept."""
MARK = b"\x32\x19\x00\x04mark"
"""How the message begins that is our mark: topic, then number, no properties, 16 letters."""


def published(
    topic: bytes,
    payload: bytes,
    number: int | None,
    *,
    properties: bytes = b"",
    is_retained: bool = False,
) -> bytes:
    """Return a message of MQTT 5 with QoS 1, or 0 where it has no number (3.3)."""
    identity = b"" if number is None else number.to_bytes(2)
    body = len(topic).to_bytes(2) + topic + identity + bytes([len(properties)]) + properties
    body += payload
    length, rest = b"", len(body)
    while rest or not length:
        rest, part = divmod(rest, 128)
        length += bytes([part | (128 if rest else 0)])
    return bytes([0x30 | (0 if number is None else 2) | is_retained]) + length + body


class Played:
    """What a played broker was told, and how it answers."""

    def __init__(self, welcome: bytes, answer: Callable[[bytes], bytes]) -> None:
        self.port = 0
        self.heard = b""
        self.visit_count = 0
        self._welcome = welcome
        self._answer = answer
        self._writers: list[asyncio.StreamWriter] = []

    async def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take a visitor in."""
        self._writers.append(writer)
        self.visit_count += 1
        self.heard += await reader.read(65536)
        writer.write(self._welcome)
        while data := await reader.read(65536):
            self.heard += data
            writer.write(self._answer(data))

    def say(self, data: bytes) -> None:
        """Say something to the last visitor."""
        self._writers[-1].write(data)

    def close(self) -> None:
        """Hang up."""
        for writer in self._writers:
            writer.close()


@asynccontextmanager
async def played(
    welcome: bytes, answer: Callable[[bytes], bytes] = lambda _: b""
) -> AsyncIterator[Played]:
    """Play a broker that welcomes and answers with these bytes."""
    broker = Played(welcome, answer)
    server = await asyncio.start_server(broker.take, HOST, 0)
    broker.port = server.sockets[0].getsockname()[1]
    try:
        yield broker
    finally:
        server.close()
        broker.close()
        await server.wait_closed()


async def test_we_come_with_a_session_a_window_and_a_limit() -> None:
    async with (
        played(WELCOME) as broker,
        linked(broker.port, protocol=Protocol.V5, username="u", password="p") as (link, _),
    ):
        await until(lambda: link.is_connected)

    # 3.1: MQTT, version 5, flags of user name and password, keep alive of 15 s, then properties:
    # session expiry 0x11 of 60 s, receive maximum 0x21 of 20,000, longest packet 0x27 of 256 KiB.
    head, _, rest = broker.heard.partition(b"\x00\x04MQTT\x05\xc0\x00\x0f")
    assert head == b"\x10\x27"  # 10 + 14 + 9 + 3 + 3 bytes
    assert rest.startswith(
        b"\x0d\x11\x00\x00\x00\x3c\x21\x4e\x20\x27\x00\x04\x00\x00\x00\x07kp-link\x00\x01u\x00\x01p"
    )
    assert broker.heard.endswith(b"\xe0\x00"), "no goodbye"


async def test_what_stands_between_the_welcome_and_our_mark_is_a_replay() -> None:
    def answer(data: bytes) -> bytes:
        if MARK not in data:
            return b""
        word = data.partition(MARK)[2][3:19]
        return b"".join(
            (
                published(b"mark", b"earlier", 2),
                published(b"t", b"old too", 3),
                published(b"mark", word, 4),
                published(b"t", b"live", 5),
            )
        )

    # The broker answers that it has a session, and sends what waited in the same breath.
    async with (
        played(WELCOME_BACK + published(b"t", b"old", 1), answer) as broker,
        linked(broker.port, protocol=Protocol.V5) as (link, heard),
    ):
        await until(lambda: len(heard.messages) == 4)
        receipt = link.take_unacknowledged()
        assert b"\x40\x02" not in broker.heard
        link.give_back(receipt)
        link.acknowledge(link.take_unacknowledged())
        await until(lambda: broker.heard.endswith(b"\x40\x02\x00\x05"))

    assert [(payload, is_replay) for _, payload, _, is_replay in heard.messages] == [
        (b"old", True),
        (b"earlier", True),
        (b"old too", True),
        (b"live", False),
    ]
    # In their order (4.6), the mark among them.
    acknowledged = b"".join(b"\x40\x02" + number.to_bytes(2) for number in range(1, 6))
    assert acknowledged in broker.heard


async def test_many_acknowledgements_take_turns_and_all_arrive() -> None:
    count = 3 * link_protocol._ACKS_AT_ONCE + 7
    sent = b"".join(published(b"t", b"6.0", number) for number in range(1, count + 1))
    async with (
        played(WELCOME + sent) as broker,
        linked(broker.port, protocol=Protocol.V5) as (link, heard),
    ):
        await until(lambda: len(heard.messages) == count)
        link.acknowledge(link.take_unacknowledged())
        acknowledged = b"".join(b"\x40\x02" + n.to_bytes(2) for n in range(1, count + 1))
        await until(lambda: broker.heard.endswith(acknowledged))


async def test_a_mark_that_is_refused_is_waited_for_no_longer() -> None:
    def answer(data: bytes) -> bytes:
        number = data.partition(MARK)[2][:2]
        return b"\x40\x03" + number + b"\x87" if number else b""

    async with (
        played(WELCOME_BACK, answer) as broker,
        linked(broker.port, protocol=Protocol.V5) as (link, _),
    ):
        await until(lambda: link.last_error, patience_s=5)
        assert "does not come back" in str(link.last_error)


async def test_refused_topics_are_named() -> None:
    def answer(data: bytes) -> bytes:
        # Two subscriptions of one topic each: our mark is granted, the other one is not.
        return b"\x90\x04\x00\x01\x00\x01\x90\x04\x00\x02\x00\x87" if data[0] == 0x82 else b""

    async with (
        played(WELCOME, answer) as broker,
        linked(broker.port, protocol=Protocol.V5) as (_, heard),
    ):
        await until(lambda: heard.refused)

    assert heard.refused == ["t"]


async def test_what_is_too_long_is_passed_over_and_acknowledged_or_it_came_for_ever() -> None:
    # No topic (1.5.4) is passed over in the same way.
    sent = (
        published(b"t", b"x" * (3 * PACKET_BYTES), 1)
        + published(b"\xff\xfe", b"6.0", 2)
        + published(b"t", b"y" * (PACKET_BYTES - 10), 3)
    )
    async with (
        played(WELCOME + sent) as broker,
        linked(broker.port, protocol=Protocol.V5) as (link, heard),
    ):
        await until(lambda: heard.messages)
        _, numbers = link.take_unacknowledged()

    assert [payload for _, payload, _, _ in heard.messages] == [b"y" * (PACKET_BYTES - 10)]
    assert numbers == [1, 2, 3]


async def test_a_message_is_the_same_with_and_without_properties() -> None:
    # 3.3.2.3: it expires after a minute; a pair of the sender's own; it is text.
    expiry, pair, text = b"\x02\x00\x00\x00\x3c", b"\x26\x00\x01a\x00\x01b", b"\x01\x01"
    sent = (
        published(b"t", b"6.0", 1)
        + published(b"t", b"6.1", 2, properties=expiry + pair)
        + published("Gewächshaus/pH".encode(), b"6.2", 3)
        + published(b"t", b"6.3", None, is_retained=True)
        + published(b"t", b"6.4", None, properties=text, is_retained=True)
        + published(b"t", b"", 4)
    )
    async with (
        played(WELCOME + sent) as broker,
        linked(broker.port, protocol=Protocol.V5) as (link, heard),
    ):
        await until(lambda: len(heard.messages) == 6)
        _, numbers = link.take_unacknowledged()

    assert [message[:3] for message in heard.messages] == [
        (b"t", b"6.0", False),
        (b"t", b"6.1", False),
        ("Gewächshaus/pH".encode(), b"6.2", False),
        (b"t", b"6.3", True),
        (b"t", b"6.4", True),
        (b"t", b"", False),
    ]
    assert numbers == [1, 2, 3, 4]


async def test_who_stops_hears_and_acknowledges_nothing_more() -> None:
    async with (
        played(WELCOME) as broker,
        linked(broker.port, protocol=Protocol.V5) as (link, heard),
    ):
        await until(lambda: link.is_connected)
        link.end()
        broker.say(published(b"t", b"6.0", 1))
        await asyncio.sleep(0.1)
        _, numbers = link.take_unacknowledged()

    assert (heard.messages, numbers) == ([], [])
    assert b"\x40\x02" not in broker.heard


async def test_a_broker_that_ends_the_connection_says_why(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # 3.14.2: the code alone, without properties behind it.
    async with (
        played(WELCOME + b"\xe0\x01\x8e") as broker,
        linked(broker.port, protocol=Protocol.V5),
    ):
        await until(lambda: broker.visit_count >= 2)

    assert "another client uses our id" in caplog.text


@pytest.mark.parametrize(
    "broken",
    [
        b"\x32\x05\x0f\xffabc",  # its topic is longer than all of it
        b"\x32\xff\xff\xff\xff\x7f",  # a length of five bytes
        b"\x00\x00",  # no kind of packet
        b"\x32\x06\x00\x01t\x00\x01\x09",  # properties that end before they begin
    ],
)
async def test_what_is_no_mqtt_ends_the_connection_and_nothing_else(
    caplog: pytest.LogCaptureFixture, broken: bytes
) -> None:
    async with (
        played(WELCOME + broken) as broker,
        linked(broker.port, protocol=Protocol.V5) as (_, heard),
    ):
        await until(lambda: broker.visit_count >= 2)

    assert "No connection to the broker" in caplog.text
    assert heard.messages == []


async def test_we_speak_as_often_as_the_broker_wants() -> None:
    # Server keep alive 0x13 (3.2.2.3.14): a second, where we would say nothing for fifteen.
    async with (
        played(b"\x20\x06\x00\x00\x03\x13\x00\x01", lambda _: b"") as broker,
        linked(broker.port, protocol=Protocol.V5) as (link, _),
    ):
        await until(lambda: link.is_connected)
        await until(lambda: broker.heard.endswith(b"\xc0\x00"), patience_s=2)


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="only Linux can be asked")
async def test_what_we_say_puts_no_message_off() -> None:
    # To answer a broker lets the system put off its confirmations, for which a broker may wait.
    async with (
        played(WELCOME) as broker,
        linked(broker.port, protocol=Protocol.V5) as (link, _),
    ):
        await until(lambda: link.is_connected)
        link.set_topics(["a/b"])
        await until(lambda: b"\x00\x03a/b" in broker.heard)

        line = link._connection._client.socket()
        assert isinstance(line, socket.socket)
        assert line.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK) == 1


async def test_who_stops_while_nobody_answers_waits_for_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(link_protocol, "KEEPALIVE_S", 1)  # so long the library would wait
    visits = []

    async def say_nothing(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        visits.append(writer)

    server = await asyncio.start_server(say_nothing, HOST, 0)
    port = server.sockets[0].getsockname()[1]
    loop = asyncio.get_running_loop()
    async with server:
        async with linked(port, tls=True):
            await until(lambda: visits)
            stopped_at = loop.time()
        assert loop.time() - stopped_at < 0.5
        for writer in visits:
            writer.close()
