"""The part of MQTT that a subscriber speaks, as bytes: versions 3.1.1 and 5, QoS 0 and 1.

Sources: OASIS MQTT 3.1.1 and 5.0; section numbers below are those of 5.0.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, NamedTuple

from kamerplanter_backend.telemetry.broker import BrokerTimeout

LONGEST_TEXT_BYTES: Final = 65_535
"""1.5.4"""
REFUSED: Final = 0x80
"""Reason codes from here on say no (2.4)."""
PING: Final = b"\xc0\x00"
GOODBYE: Final = b"\xe0\x00"
_LENGTH_BYTES: Final = 4


class Kind(IntEnum):
    """What a packet is: the upper half of its first byte (2.1.2)."""

    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBACK = 9
    UNSUBACK = 11
    PINGRESP = 13
    DISCONNECT = 14


class Property(IntEnum):
    """Properties that we set or read (2.2.2.2)."""

    SESSION_EXPIRY_S = 0x11
    SERVER_KEEP_ALIVE_S = 0x13
    RECEIVE_MAXIMUM = 0x21
    MAXIMUM_PACKET_BYTES = 0x27


# How long a property is (2.2.2.2): bytes, or 0 for a length before it, -1 for two texts, -2 for a
# number of variable length.
_SIZES: Final[Mapping[int, int]] = {
    **dict.fromkeys((0x01, 0x17, 0x19, 0x24, 0x25, 0x28, 0x29, 0x2A), 1),
    **dict.fromkeys((0x13, 0x21, 0x22, 0x23), 2),
    **dict.fromkeys((0x02, 0x11, 0x18, 0x27), 4),
    **dict.fromkeys((0x03, 0x08, 0x09, 0x12, 0x15, 0x16, 0x1A, 0x1C, 0x1F), 0),
    0x26: -1,
    0x0B: -2,
}


class WireError(BrokerTimeout):
    """The other side does not speak MQTT as it should."""


class Publish(NamedTuple):
    """One message as it came."""

    topic: bytes
    payload: bytes
    is_retained: bool
    packet_id: bytes
    """Two bytes by which it is acknowledged; empty = QoS 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """What the broker said to our coming (3.2)."""

    code: int
    """0 = welcome."""
    has_session: bool
    numbers: Mapping[int, int] = field(default_factory=dict)
    """Properties that are numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Greeting:
    """How we come to a broker (3.1)."""

    client_id: str
    username: str | None
    password: str | None
    keepalive_s: int
    is_v5: bool
    is_clean: bool
    """What the broker kept for us is thrown away."""
    session_s: int = 0
    """How long it keeps what waits for us while we are away; version 5 only. [s]"""
    receive_maximum: int = 65_535
    """Messages that may be under way without an acknowledgement; version 5 only."""
    packet_bytes: int = 0
    """Longer ones the broker keeps to itself; 0 = send all; version 5 only."""


def text(value: str) -> bytes:
    """Return a text with its length before it.

    Raises:
        ValueError: It is too long, or holds half a surrogate pair.
    """
    encoded = value.encode()
    if len(encoded) > LONGEST_TEXT_BYTES:
        msg = f"a text of {len(encoded)} bytes is too long"
        raise ValueError(msg)
    return len(encoded).to_bytes(2) + encoded


def number(value: int) -> bytes:
    """Return a number in as many bytes as it needs, seven bits in each (1.5.5)."""
    encoded = bytearray()
    while True:
        value, low = value >> 7, value & 0x7F
        encoded.append(low | 0x80 if value else low)
        if not value:
            return bytes(encoded)


def packet(first: int, *parts: bytes) -> bytes:
    """Return a packet: first byte, length, and what is in it."""
    body = b"".join(parts)
    return bytes((first,)) + number(len(body)) + body


def connect(greeting: Greeting) -> bytes:
    """Return the packet by which we come."""
    flags = 0x02 if greeting.is_clean else 0
    words = [text(greeting.client_id)]
    if greeting.username is not None:
        flags |= 0x80
        words.append(text(greeting.username))
    if greeting.password is not None:
        flags |= 0x40
        words.append(text(greeting.password))
    properties = b""
    if greeting.is_v5:
        settings = bytes((Property.SESSION_EXPIRY_S,)) + greeting.session_s.to_bytes(4)
        settings += bytes((Property.RECEIVE_MAXIMUM,)) + greeting.receive_maximum.to_bytes(2)
        if greeting.packet_bytes:
            settings += bytes((Property.MAXIMUM_PACKET_BYTES,)) + greeting.packet_bytes.to_bytes(4)
        properties = number(len(settings)) + settings
    level = 5 if greeting.is_v5 else 4
    head = text("MQTT") + bytes((level, flags)) + greeting.keepalive_s.to_bytes(2)
    return packet(0x10, head, properties, *words)


def subscribe(packet_id: int, topics: Iterable[str], *, is_v5: bool) -> bytes:
    """Return the packet that asks for topics with QoS 1 (3.8)."""
    wanted = b"".join(text(topic) + b"\x01" for topic in topics)
    return packet(0x82, packet_id.to_bytes(2), b"\x00" if is_v5 else b"", wanted)


def unsubscribe(packet_id: int, topics: Iterable[str], *, is_v5: bool) -> bytes:
    """Return the packet that asks for topics no more (3.10)."""
    unwanted = b"".join(text(topic) for topic in topics)
    return packet(0xA2, packet_id.to_bytes(2), b"\x00" if is_v5 else b"", unwanted)


def publish(packet_id: int, topic: str, payload: bytes, *, is_v5: bool) -> bytes:
    """Return a message with QoS 1 (3.3)."""
    head = text(topic) + packet_id.to_bytes(2) + (b"\x00" if is_v5 else b"")
    return packet(0x32, head, payload)


def acknowledge(packet_ids: Iterable[bytes]) -> bytes:
    """Return the packets that acknowledge messages, in their order (3.4, 4.6)."""
    return b"".join([b"\x40\x02" + packet_id for packet_id in packet_ids])


def read_number(data: bytes, at: int) -> tuple[int, int] | None:
    """Return a number of variable length and where it ends; none = not all of it is there.

    Raises:
        WireError: It is longer than any.
    """
    value = 0
    for index in range(_LENGTH_BYTES):
        if at + index >= len(data):
            return None
        byte = data[at + index]
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:  # noqa: PLR2004 (the bit that says that more follows)
            return value, at + index + 1
    raise WireError("The broker sent a length of more than four bytes.")


def read_publish(first: int, body: bytes, *, is_v5: bool) -> Publish:
    """Return the message in a packet.

    Raises:
        WireError: The packet is broken.
    """
    end = 2 + (body[0] << 8 | body[1]) if len(body) > 1 else len(body) + 1
    topic = body[2:end]
    packet_id = b""
    if first & 0x06:
        packet_id = body[end : end + 2]
        end += 2
    if is_v5 and end < len(body):
        if body[end]:
            length, end = read_number(body, end) or (0, len(body) + 1)
            end += length
        else:
            end += 1
    if end > len(body) or first & 0x06 == 0x06:  # noqa: PLR2004 (both bits: no QoS at all)
        raise WireError("The broker sent a message that is broken.")
    return Publish(topic, body[end:], bool(first & 1), packet_id)


def read_connack(body: bytes, *, is_v5: bool) -> Accepted:
    """Return the answer to our coming.

    Raises:
        WireError: The packet is broken.
    """
    if len(body) < 2:  # noqa: PLR2004 (flags and code)
        raise WireError("The broker answered with half a packet.")
    numbers = _numbers(body, 2) if is_v5 and len(body) > 2 else {}  # noqa: PLR2004
    return Accepted(code=body[1], has_session=bool(body[0] & 1), numbers=numbers)


def read_answer(body: bytes, *, is_v5: bool) -> tuple[int, bytes]:
    """Return the number of the packet that is answered, and the codes for what stood in it.

    Raises:
        WireError: The packet is broken.
    """
    start = 2
    if is_v5 and len(body) > start:
        length, start = read_number(body, start) or (0, len(body) + 1)
        start += length
    if len(body) < start:
        raise WireError("The broker answered with half a packet.")
    return int.from_bytes(body[:2]), body[start:]


def _numbers(body: bytes, at: int) -> dict[int, int]:
    """Return the properties of a fixed length; the others are passed over."""
    found: dict[int, int] = {}
    length, at = read_number(body, at) or (0, len(body))
    end = at + length
    if end > len(body):
        raise WireError("The broker sent properties that are cut off.")
    while at < end:
        name = body[at]
        at += 1
        size = _SIZES.get(name)
        if size is None:
            raise WireError(f"The broker sent property {name:#x}, which no standard names.")
        if size > 0:
            found[name] = int.from_bytes(body[at : at + size])
        elif size == -2:  # noqa: PLR2004 (see above)
            size = (read_number(body, at) or (0, end + 1))[1] - at
        else:
            start = at
            for _ in range(2 if size == -1 else 1):
                at += 2 + int.from_bytes(body[at : at + 2])
            at, size = start, at - start
        at += size
    if at != end:
        raise WireError("The broker sent properties that are cut off.")
    return found
