"""One connection of a worker to a broker: bytes in, messages out."""

import asyncio
from collections.abc import Sequence
from time import monotonic
from typing import TYPE_CHECKING, Final, cast, override

from kamerplanter_backend.telemetry import mqtt_wire as wire
from kamerplanter_backend.telemetry.broker import EndedEarlyError
from kamerplanter_backend.telemetry.mqtt_wire import Kind, Property, WireError

if TYPE_CHECKING:
    from kamerplanter_backend.telemetry.garden_link import Hearing

_HEAD_BYTES: Final = 2 + wire.LONGEST_TEXT_BYTES + 2
"""So much of a message holds its topic and its number."""
_MOST_PACKET_IDS: Final = 0xFFFF
_DISCONNECT_CODES: Final = {0x8E: "another client uses our id", 0x95: "a packet was too large"}


class LinkProtocol(asyncio.Protocol):
    """Speaks MQTT on one connection.

    Args:
        hearing: Gets the messages.
        is_v5: Which version.
        acknowledges_itself: Messages are acknowledged as they come; else the owner does it.
        packet_bytes: Longer messages are passed over.
        ended: Set when the connection has ended, with the reason if there is one.
    """

    def __init__(
        self,
        hearing: Hearing,
        *,
        is_v5: bool,
        acknowledges_itself: bool,
        packet_bytes: int,
        ended: asyncio.Future[None],
    ) -> None:
        self._hearing = hearing
        self._is_v5 = is_v5
        self._acknowledges_itself = acknowledges_itself
        self._packet_bytes = packet_bytes
        self._ended = ended
        self._transport: asyncio.Transport | None = None
        self._rest = b""
        self._skip_bytes = 0
        self._packet_id = 0
        self._asked: dict[int, Sequence[str]] = {}
        self._mark: tuple[bytes, bytes] | None = None
        self._is_mark_refused = False
        self._heard_at = self._sent_at = self._message_at = monotonic()
        self._is_paused = False
        self.accepted: asyncio.Future[wire.Accepted] = asyncio.get_running_loop().create_future()
        self.unacknowledged: list[bytes] = []
        """Numbers of the messages that wait for the owner, in their order."""
        self.is_deaf = False
        """Messages are neither handed on nor acknowledged any more."""
        self.is_replaying = False
        """What comes now has waited at the broker; it ends with our own mark."""

    # --- The socket -------------------------------------------------------------------------

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._end(exc or EndedEarlyError("the broker closed the connection"))

    def _end(self, reason: Exception) -> None:
        if not self._ended.done():
            self._ended.set_exception(reason)
            self._ended.exception()  # whoever waits gets it; nobody need
        if not self.accepted.done():
            self.accepted.set_exception(reason)
            self.accepted.exception()

    def close(self) -> None:
        """Say goodbye; what the broker keeps for us stays there."""
        if self._transport is not None:
            if not self._transport.is_closing():
                self._transport.write(wire.GOODBYE)
            self._transport.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._sent_at = monotonic()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def pause(self, *, paused: bool) -> None:
        """Leave what comes in the socket, or take it again."""
        self._is_paused = paused
        self._heard_at = self._message_at = monotonic()
        if self._transport is None or self._transport.is_closing():
            return
        if paused:
            self._transport.pause_reading()
        else:
            self._transport.resume_reading()

    # --- What we say ------------------------------------------------------------------------

    def subscribe(self, topics: Sequence[str]) -> None:
        """Ask for topics; those that the broker refuses are told to the one who hears."""
        number = self._next_id()
        self._asked[number] = topics
        self.send(wire.subscribe(number, topics, is_v5=self._is_v5))

    def unsubscribe(self, topics: Sequence[str]) -> None:
        """Ask for topics no more."""
        self.send(wire.unsubscribe(self._next_id(), topics, is_v5=self._is_v5))

    def mark(self, topic: str, word: bytes) -> None:
        """Take what comes for a replay until this word comes back on this topic, behind it."""
        self._mark = (topic.encode(), word)
        self._message_at = monotonic()
        self.send(wire.publish(self._next_id(), topic, word, is_v5=self._is_v5))

    def waits_in_vain(self, patience_s: float) -> bool:
        """Tell whether our mark will not come back: refused, or nothing came for so long."""
        is_quiet = monotonic() - self._message_at >= patience_s and not self._is_paused
        return self.is_replaying and (self._is_mark_refused or is_quiet)

    def keepalive_s(self, asked_s: float) -> float:
        """Return how often the broker wants to hear from us, in seconds."""
        numbers = self.accepted.result().numbers
        return numbers.get(Property.SERVER_KEEP_ALIVE_S) or asked_s

    def beat(self, *, every_s: float, silence_s: float) -> None:
        """Say that we are there, if we have said nothing for a while.

        Raises:
            EndedEarlyError: The broker has not answered for so long.
        """
        now = monotonic()
        if now - self._heard_at > silence_s and not self._is_paused:
            raise EndedEarlyError("the broker says nothing any more")
        if now - self._sent_at >= every_s:
            self.send(wire.PING)

    def _next_id(self) -> int:
        self._packet_id = self._packet_id % _MOST_PACKET_IDS + 1
        return self._packet_id

    # --- What we hear -----------------------------------------------------------------------

    @override
    def data_received(self, data: bytes) -> None:
        self._heard_at = monotonic()
        try:
            self._read(data)
        except WireError as error:
            self._end(error)
            if self._transport is not None:
                self._transport.abort()
        if self._acknowledges_itself and self.unacknowledged:
            self.send(wire.acknowledge(self.unacknowledged))
            self.unacknowledged = []

    def _read(self, data: bytes) -> None:
        if self._skip_bytes:
            skipped = min(self._skip_bytes, len(data))
            self._skip_bytes -= skipped
            data = data[skipped:]
        data = self._rest + data if self._rest else data
        at, end = 0, len(data)
        while end - at > 1:
            length = data[at + 1]
            start = at + 2
            if length > 0x7F:  # noqa: PLR2004 (the bit that says that more follows)
                found = wire.read_number(data, at + 1)
                if found is None:
                    break
                length, start = found
            if length > self._packet_bytes:
                if end - start < min(length, _HEAD_BYTES):
                    break
                self._pass_over(data[at], data[start : start + _HEAD_BYTES])
                self._skip_bytes = max(0, length - (end - start))
            elif start + length > end:
                break
            else:
                self._take(data[at], data[start : start + length])
            at = start + length
        self._rest = data[at:]

    def _take(self, first: int, body: bytes) -> None:
        kind = first >> 4
        if kind == Kind.PUBLISH:
            self._take_message(wire.read_publish(first, body, is_v5=self._is_v5))
        elif kind == Kind.CONNACK and not self.accepted.done():
            accepted = wire.read_connack(body, is_v5=self._is_v5)
            # At once: what waited may stand right behind this answer.
            self.is_replaying = accepted.has_session
            self.accepted.set_result(accepted)
        elif kind == Kind.SUBACK:
            self._take_answer(*wire.read_answer(body, is_v5=self._is_v5))
        elif kind == Kind.PUBACK and len(body) > 2 and body[2] >= wire.REFUSED:  # noqa: PLR2004
            self._is_mark_refused = True
        elif kind == Kind.DISCONNECT:
            code = body[0] if body else 0
            why = _DISCONNECT_CODES.get(code, f"code {code}")
            raise WireError(f"The broker ends the connection ({why}).")

    def _take_message(self, message: wire.Publish) -> None:
        if self.is_deaf:
            return
        topic, payload, is_retained, packet_id = message
        if packet_id:
            self.unacknowledged.append(packet_id)
        if self.is_replaying:
            self._message_at = self._heard_at
            if (topic, payload) == self._mark:
                self.is_replaying = False
                return
        self._hearing.on_message(topic, payload, retained=is_retained, is_replay=self.is_replaying)

    def _take_answer(self, number: int, codes: bytes) -> None:
        for topic, code in zip(self._asked.pop(number, ()), codes, strict=False):
            if code >= wire.REFUSED:
                self._hearing.on_refused_topic(topic)

    def _pass_over(self, first: int, head: bytes) -> None:
        """Let go of a message that is too long; it is acknowledged, or it would come for ever."""
        if first >> 4 == Kind.PUBLISH and first & 0x06 and not self.is_deaf:
            end = 2 + (head[0] << 8 | head[1])
            packet_id = head[end : end + 2]
            if len(packet_id) < 2:  # noqa: PLR2004 (the bytes of a number)
                raise WireError("The broker sent a message that is broken.")
            self.unacknowledged.append(packet_id)
