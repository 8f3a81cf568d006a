"""One connection of a worker to a broker: paho's client, driven by our loop."""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import TYPE_CHECKING, Final

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from kamerplanter_backend.telemetry.broker.link_client import PACKET_BYTES, LinkClient
from kamerplanter_backend.telemetry.broker.settings import (
    BrokerSettings,
    BrokerTimeout,
    EndedEarlyError,
    LoginRefused,
    Protocol,
)

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

    from kamerplanter_backend.telemetry.broker.garden_link import Hearing

CONNECT_TIMEOUT_S: Final = 10.0
KEEPALIVE_S: Final = 15
"""Silence after which the broker is asked for a sign; as much later the connection is given up."""
WINDOW: Final = 20_000
"""Messages of QoS 1 that the broker may send before we have stored the first of them (MQTT 5)."""
_PACKETS_AT_ONCE: Final = 100
"""Read before others on the loop get their turn."""
_ACKS_AT_ONCE: Final = 500
"""Written before others get it."""
_QOS: Final = 1
_REFUSED_LOGIN: Final = frozenset({134, 135, 138})
"""Bad user name or password, not authorised, banned; the library tells those of 3.1.1 so too."""
_DISCONNECT_CODES: Final = {0x8E: "another client uses our id", 0x95: "a packet was too large"}


class LinkError(BrokerTimeout):
    """The other side does not speak MQTT as it should, or wants no more of it."""


class LinkProtocol:
    """Hears and says on one connection; made anew for each.

    Args:
        hearing: Gets the messages.
        settings: Where the broker is and who we are.
        session_s: How long the broker keeps what waits for us while we are away; 0 = messages are
            acknowledged as they come, else the owner does it. [s]
        is_clean: What the broker kept for us is thrown away.
    """

    def __init__(
        self, hearing: Hearing, settings: BrokerSettings, *, session_s: int, is_clean: bool
    ) -> None:
        self._hearing = hearing
        self._settings = settings
        self._is_v5 = settings.protocol is Protocol.V5
        self._session_s = session_s
        self._is_clean = is_clean
        self._loop = asyncio.get_running_loop()
        self._is_open = False
        self._is_paused = False
        self._asked: dict[int, Sequence[str]] = {}
        self._stored: deque[int] = deque()
        """Numbers of messages that may be acknowledged."""
        self._mark: tuple[bytes, bytes] | None = None
        self._is_mark_refused = False
        self._message_at = monotonic()
        self.accepted: asyncio.Future[bool] = self._loop.create_future()
        """Whether the broker has kept a session for us, once it has let us in."""
        self.ended: asyncio.Future[None] = self._loop.create_future()
        """Gets the reason for which the connection has ended."""
        self.unacknowledged: list[int] = []
        """Numbers of the messages that wait for the owner, in their order."""
        self.is_deaf = False
        """Messages are neither handed on nor acknowledged any more."""
        self.is_replaying = False
        """What comes now has waited at the broker; it ends with our own mark."""
        self._client = self._new_client()

    def _new_client(self) -> LinkClient:
        settings = self._settings
        client = LinkClient(
            CallbackAPIVersion.VERSION2,
            settings.client_id,
            clean_session=None if self._is_v5 else self._is_clean,
            protocol=MQTTProtocolVersion.MQTTv5 if self._is_v5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
            manual_ack=self._session_s > 0,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        if settings.username is not None:
            client.username_pw_set(settings.username, settings.password)
        if settings.tls:
            client.tls_set_context(settings.tls_context)
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_plain_message = self._hear
        return client

    # --- The socket -------------------------------------------------------------------------

    async def open(self) -> None:
        """Connect, and ask to be let in.

        Raises:
            OSError: There is no broker, or no encryption with it.
            ValueError: The name of the host cannot be one.
        """
        connecting = self._loop.run_in_executor(None, self._connect)
        try:
            await asyncio.shield(connecting)
        except asyncio.CancelledError:
            # A thread cannot be stopped; what it brings is let go of.
            connecting.add_done_callback(self._let_go)
            raise
        self._is_open = True
        if (socket := self._client.socket()) is not None:
            self._loop.add_reader(socket.fileno(), self._read)
            self._loop.add_writer(socket.fileno(), self._write)

    def _connect(self) -> None:
        host, port = self._settings.host, self._settings.port
        if not self._is_v5:
            self._client.connect(host, port, KEEPALIVE_S)
            return
        wishes = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wishes.SessionExpiryInterval = self._session_s
        wishes.ReceiveMaximum = WINDOW
        wishes.MaximumPacketSize = PACKET_BYTES
        self._client.connect(host, port, KEEPALIVE_S, clean_start=self._is_clean, properties=wishes)

    def _let_go(self, connecting: asyncio.Future[None]) -> None:
        if not connecting.cancelled():
            connecting.exception()  # who waited for it has left
        self._client.drop()

    def close(self) -> None:
        """Say goodbye; what the broker keeps for us stays there."""
        self._acknowledge_some(len(self._stored))
        self._client.disconnect()
        self._client.loop_write()
        self._client.drop()

    def pause(self, *, paused: bool) -> None:
        """Leave what comes in the socket, or take it again."""
        self._is_paused = paused
        self._message_at = monotonic()
        if (socket := self._client.socket()) is None:
            return
        if paused:
            self._loop.remove_reader(socket.fileno())
        else:
            self._loop.add_reader(socket.fileno(), self._read)
            self._loop.call_soon(self._read)

    def _read(self) -> None:
        client = self._client
        try:
            for _ in range(_PACKETS_AT_ONCE):
                if self._is_paused or client.loop_read() or not client.has_more:
                    return
        except Exception as error:  # noqa: BLE001 (the library raises whatever broken bytes cause)
            self._end_broken(error)
        else:
            self._loop.call_soon(self._read)

    def _write(self) -> None:
        try:
            self._client.loop_write()
        except Exception as error:  # noqa: BLE001 (as above)
            self._end_broken(error)
        if not self._client.want_write():
            self._acknowledge_some(_ACKS_AT_ONCE)

    def _end_broken(self, error: Exception) -> None:
        self._end(LinkError(f"The broker sent what is no MQTT ({error!r})."))
        self._client.drop()

    def _end(self, reason: Exception) -> None:
        for waiting in (self.ended, self.accepted):
            if not waiting.done():
                waiting.set_exception(reason)
                waiting.exception()  # whoever waits gets it; nobody need

    def _on_socket_close(self, _client: Client, _userdata: object, socket: SocketLike) -> None:
        if self._is_open:
            self._loop.remove_reader(socket.fileno())
            self._loop.remove_writer(socket.fileno())

    def _on_register_write(self, _client: Client, _userdata: object, socket: SocketLike) -> None:
        if self._is_open:  # before that, it is a thread that calls
            self._loop.add_writer(socket.fileno(), self._write)

    def _on_unregister_write(self, _client: Client, _userdata: object, socket: SocketLike) -> None:
        if self._is_open:
            self._loop.remove_writer(socket.fileno())

    # --- What we say ------------------------------------------------------------------------

    def subscribe(self, topics: Sequence[str]) -> None:
        """Ask for topics; those that the broker refuses are told to the one who hears."""
        _, number = self._client.subscribe([(topic, _QOS) for topic in topics])
        if number is not None:
            self._asked[number] = topics

    def unsubscribe(self, topics: Sequence[str]) -> None:
        """Ask for topics no more."""
        self._client.unsubscribe(list(topics))

    def mark(self, topic: str, word: bytes) -> None:
        """Take what comes for a replay until this word comes back on this topic, behind it."""
        self._mark = (topic.encode(), word)
        self._message_at = monotonic()
        self._client.publish(topic, word, _QOS)

    def waits_in_vain(self, patience_s: float) -> bool:
        """Tell whether our mark will not come back: refused, or nothing came for so long."""
        is_quiet = monotonic() - self._message_at >= patience_s and not self._is_paused
        return self.is_replaying and (self._is_mark_refused or is_quiet)

    def acknowledge(self, numbers: Iterable[int]) -> None:
        """Let the broker forget messages, in their order."""
        self._stored.extend(numbers)
        self._acknowledge_some(_ACKS_AT_ONCE)

    def _acknowledge_some(self, limit: int) -> None:
        count = min(limit, len(self._stored))
        self._client.acknowledge([self._stored.popleft() for _ in range(count)])

    def beat(self) -> None:
        """Say that we are there, and notice when the broker is not; called every second or so."""
        self._client.beat(is_reading=not self._is_paused)

    # --- What we hear -----------------------------------------------------------------------

    def _on_connect(
        self,
        _client: Client,
        _userdata: object,
        flags: ConnectFlags,
        code: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if self.accepted.done():
            return
        if code.is_failure:
            text = f"The broker refuses the connection ({code}, code {code.value})."
            self._end(LoginRefused(text) if code.value in _REFUSED_LOGIN else LinkError(text))
            return
        if wanted_s := getattr(properties, "ServerKeepAlive", 0):
            self._client.follow_keepalive(wanted_s)
        # At once: what waited may stand right behind this answer.
        self.is_replaying = flags.session_present
        self.accepted.set_result(flags.session_present)

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            code = self._client.farewell_code()
            why = _DISCONNECT_CODES.get(code, f"code {code}")
            self._end(LinkError(f"The broker ends the connection ({why})."))
        else:
            self._end(self._client.failure or EndedEarlyError(f"the connection ended: {reason}"))

    def _on_subscribe(
        self,
        _client: Client,
        _userdata: object,
        number: int,
        codes: Sequence[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        for topic, code in zip(self._asked.pop(number, ()), codes, strict=False):
            if code.is_failure:
                self._hearing.on_refused_topic(topic)

    def _on_publish(
        self,
        _client: Client,
        _userdata: object,
        _number: int,
        code: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        """Take in the answer to our mark, which is all that we publish."""
        self._is_mark_refused = code.is_failure

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        try:
            topic = message.topic.encode()
        except UnicodeDecodeError:
            topic = b""  # no topic at all: nobody can have asked for it
        number = message.mid if message.qos else None
        self._hear(topic, message.payload, number=number, retained=message.retain)

    def _hear(self, topic: bytes, payload: bytes, *, number: int | None, retained: bool) -> None:
        if self.is_deaf:
            return
        if number is not None and self._session_s:
            self.unacknowledged.append(number)
        # A longer one is passed over; it is acknowledged, or it would come for ever.
        if not topic or len(topic) + len(payload) > PACKET_BYTES:
            return
        if self.is_replaying:
            self._message_at = monotonic()
            if (topic, payload) == self._mark:
                self.is_replaying = False
                return
        self._hearing.on_message(topic, payload, retained=retained, is_replay=self.is_replaying)
