"""paho's client as the connection of a worker needs it."""

import socket as socket_module
import ssl
from collections.abc import Iterable
from contextlib import suppress
from time import monotonic
from typing import Any, Final, Protocol, override

from paho.mqtt.client import PUBACK, Client
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion

PACKET_BYTES: Final = 256 * 1024
"""Longer messages are none of a probe: a broker of MQTT 5 keeps them, we pass over the others."""
_CHUNK_BYTES: Final = 64 * 1024
"""Asked of the socket at once."""
_QUICKACK: Final[int | None] = getattr(socket_module, "TCP_QUICKACK", None)
"""Linux has it."""
_RETAINED: Final = 0x01
_QOS: Final = 0x06
_QOS_1: Final = 0x02
"""In the first byte of a message (3.3.1)."""


class PlainMessage(Protocol):
    """Takes a message without properties."""

    def __call__(
        self, topic: bytes, payload: bytes, *, number: int | None, retained: bool
    ) -> object:
        """Take it; the number is for its acknowledgement, none = it wants none."""


class LinkClient(Client):
    """The library's client, which bounds what it keeps of a message and remembers what failed."""

    failure: OSError | None = None
    """Why the connection ended, if the socket says so; the library tells it to its log only."""
    on_plain_message: PlainMessage
    """Gets what would come as an object with twenty properties that were not sent."""
    _received: bytes = b""
    _taken_bytes: int = 0

    @override
    def _sock_recv(self, bufsize: int) -> bytes:
        """Return the next bytes. The library asks for a few at a time, the socket for many."""
        start = self._taken_bytes
        if start >= len(self._received):
            packet = self._in_packet
            if packet["remaining_length"] > PACKET_BYTES:
                # What is passed over is forgotten while it arrives, but for its head.
                del packet["packet"][PACKET_BYTES:]
            self._received, self._taken_bytes, start = b"", 0, 0
            try:
                self._received = super()._sock_recv(_CHUNK_BYTES)
            except OSError as error:
                self._note(error)
                raise
        data = self._received[start : start + bufsize]
        self._taken_bytes = start + len(data)
        return data

    @property
    def has_more(self) -> bool:
        """Whether something was received of which no socket tells any more."""
        if self._taken_bytes < len(self._received):
            return True
        socket = self.socket()
        return isinstance(socket, ssl.SSLSocket) and socket.pending() > 0

    @override
    def _sock_send(self, buf: Any) -> int:
        try:
            sent_bytes = super()._sock_send(buf)
        except OSError as error:
            self._note(error)
            raise
        self._want_no_delay()
        return sent_bytes

    def _note(self, error: OSError) -> None:
        if not isinstance(error, BlockingIOError):
            self.failure = self.failure or error

    def _want_no_delay(self) -> None:
        """Have the system confirm at once what arrives, which it leaves off when we have spoken.

        A broker that waits for that before it sends the next message (Nagle's algorithm, which
        mosquitto leaves on) would hold it back for up to 40 ms.
        """
        socket = self.socket()
        if _QUICKACK is not None and isinstance(socket, socket_module.socket):
            with suppress(OSError):  # it is a wish; what ails the socket shows where it is used
                socket.setsockopt(socket_module.IPPROTO_TCP, _QUICKACK, 1)

    @override
    def _handle_publish(self) -> MQTTErrorCode:
        """Hand on a message. The library takes ten times as long to make its properties."""
        head, packet = self._in_packet["command"], self._in_packet["packet"]
        qos = head & _QOS
        topic_end = 2 + int.from_bytes(packet[:2])
        topic = bytes(packet[2:topic_end])
        properties_at = topic_end + 2 if qos else topic_end
        if (
            self._protocol is MQTTProtocolVersion.MQTTv5
            and packet[properties_at : properties_at + 1] == b"\0"
            and (not qos or (qos == _QOS_1 and self._manual_ack))
            and topic.isascii()
        ):
            self.on_plain_message(
                topic,
                bytes(packet[properties_at + 1 :]),
                number=int.from_bytes(packet[topic_end:properties_at]) if qos else None,
                retained=bool(head & _RETAINED),
            )
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        return super()._handle_publish()

    def acknowledge(self, numbers: Iterable[int]) -> None:
        """Acknowledge messages of QoS 1 at once; the library would send each by itself."""
        packets = b"".join(PUBACK.to_bytes() + b"\2" + number.to_bytes(2) for number in numbers)
        if packets:
            self._packet_queue(PUBACK, packets, 0, 1)

    def farewell_code(self) -> int:
        """Return why the broker has ended it; the library passes over a code that stands alone."""
        body = self._in_packet["packet"]
        return body[0] if body else 0

    def follow_keepalive(self, seconds: int) -> None:
        """Speak as often as the broker wants, which the library does not look at (5.0, 3.2.2.3)."""
        self._keepalive = seconds

    def beat(self, *, is_reading: bool) -> None:
        """Do what is due, such as a ping. What has come since the last one is an answer to it."""
        if not is_reading:
            self._last_msg_in = monotonic()
        if self._last_msg_in > self._ping_t:
            self._ping_t = 0.0
        self.loop_misc()

    def drop(self) -> None:
        """Let go of the socket."""
        self._sock_close()
