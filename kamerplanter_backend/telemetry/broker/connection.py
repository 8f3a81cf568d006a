"""One connection to a broker: the library's client, kept within bounds."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self, override

from aiomqtt import Client, MqttError, ProtocolVersion, TLSParameters
from paho.mqtt.client import MQTTMessage
from paho.mqtt.enums import LogLevel

from kamerplanter_backend.telemetry.broker.settings import (
    BrokerSettings,
    EndedEarlyError,
    Protocol,
    is_topic_filter,
)

# The library reports each broken socket as an error of its own; we say it once.
_LIBRARY_LOGGER = logging.getLogger(f"{__name__}.library")
_LIBRARY_LOGGER.setLevel(logging.CRITICAL)

CONNECT_TIMEOUT_S: Final = 10.0
KEEPALIVE_S: Final = 10
"""Silence after which the broker is asked for a sign; as much later the connection is given up.

So a broker that hangs, or a line that swallows all, is noticed after 22 s at most: twice this,
and twice the second in which the library looks again.
"""
_FAILED: Final = 128
"""Codes of a refused subscription begin here, in both versions of the protocol."""
QOS: Final = 1
"""A busy broker may throw away what it hands on with 0."""
MAX_PACKET_BYTES: Final = 1024 * 1024
"""Of a longer message the rest is thrown away while it arrives; nobody reads so much."""
_CHUNK_BYTES: Final = 64 * 1024
"""Read at once."""

type OnMessage = Callable[[str, bytes, bool], None]
"""Takes topic, payload and whether the broker had kept the message, on the loop."""


class Connection(Client):
    """The library's client, which here knows its topics and lets go of a failed attempt's socket.

    The broker keeps nothing for us while we are away (`clean_session`). What waits there comes
    without the retain flag and mostly without a time: nobody could tell it from a live reading.
    So a broker has no session of a garden that is gone, and none with topics of the day before.

    A message is handed on as it is read, one with each turn of the loop. What cannot be taken in
    so fast waits in the socket, where the broker sees it, and never in our memory.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        *,
        client_id: str,
        keepalive_s: int,
        hand_on: OnMessage | None = None,
    ) -> None:
        tls_params = None
        if settings.tls and settings.tls_context is None:
            # Certificates are read from disk; the library does that in its executor.
            tls_params = TLSParameters(
                ca_certs=settings.ca_path,
                certfile=settings.certificate_path,
                keyfile=settings.key_path,
                cert_reqs=ssl.CERT_REQUIRED if settings.tls_verify else ssl.CERT_NONE,
            )
        is_v5 = settings.protocol is Protocol.V5
        super().__init__(
            settings.host,
            settings.port,
            username=settings.username,
            password=settings.password,
            identifier=client_id,
            protocol=ProtocolVersion.V5 if is_v5 else ProtocolVersion.V311,
            # The newer protocol has another name for it and refuses the old one.
            clean_session=None if is_v5 else True,
            timeout=CONNECT_TIMEOUT_S,
            keepalive=keepalive_s,
            tls_context=settings.tls_context if settings.tls else None,
            tls_params=tls_params,
            tls_insecure=True if tls_params is not None and not settings.tls_verify else None,
            logger=_LIBRARY_LOGGER,
        )
        self.refused: frozenset[str] = frozenset()
        """What the broker, or the protocol, does not let us subscribe to."""
        self._hand_on = hand_on
        self._subscribed: frozenset[str] = frozenset()
        self._topics_lock = asyncio.Lock()
        self._last_words: list[str] = []
        self._is_dropped = False
        self._client.on_log = self._note_words
        self._receive = self._client._sock_recv  # noqa: SLF001 - no public way bounds a message
        self._client._sock_recv = self._receive_some  # type: ignore[method-assign]  # noqa: SLF001

    @override
    async def __aenter__(self) -> Self:
        try:
            await super().__aenter__()
            self._check_line()
        except BaseException:
            # Else the socket stays on the loop until the other side ends it, and then raises.
            self._drop()
            raise
        return self

    def _check_line(self) -> None:
        # The library forgets an end that comes before it looks at the beginning.
        if not self._client.is_connected():
            raise EndedEarlyError("ended right after the beginning")

    @override
    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        try:
            await super().__aexit__(exc_type, exc, tb)
        finally:
            # The library keeps the socket of a connection that ended by something unreadable.
            self._drop()

    @override
    def _client_connect(self) -> None:
        super()._client_connect()
        if self._is_dropped:
            # Whoever wanted it has left meanwhile; a thread cannot be stopped.
            with suppress(RuntimeError):  # so may the loop
                self._loop.call_soon_threadsafe(self._drop)

    def _drop(self) -> None:
        self._is_dropped = True
        self._client.on_disconnect = None
        # Behind what the library has put off to the next turn, which still needs the socket.
        self._loop.call_soon(self._client._sock_close)  # noqa: SLF001
        if self._connected.done() and not self._connected.cancelled():
            self._connected.exception()  # who waited for it may be gone

    def _note_words(self, _client: object, _userdata: object, level: int, text: str) -> None:
        """Remember what failed before there was a connection; the cause stands nowhere else."""
        if level == LogLevel.MQTT_LOG_ERR:
            self._last_words.append(text)

    def _receive_some(self, bufsize: int) -> bytes:
        """Read on, and forget what was read of a message that is far too long."""
        packet = self._client._in_packet  # noqa: SLF001
        if packet["remaining_length"] > MAX_PACKET_BYTES:
            del packet["packet"][MAX_PACKET_BYTES:]
        data = self._receive(min(bufsize, _CHUNK_BYTES))
        # Whoever says something is there. The answer to a ping may come behind more than can be
        # taken in within its time, and the library would hang up on a broker that is busy with us.
        self._client._ping_t = 0.0  # noqa: SLF001
        return data

    @override
    def _on_connect(self, *args: Any, **kwargs: Any) -> None:
        self._client.on_log = None  # it would be called for each message
        super()._on_connect(*args, **kwargs)

    @override
    def _on_socket_register_write(self, client: Any, userdata: Any, sock: Any) -> None:
        def write() -> None:
            try:
                client.loop_write()
            except Exception as error:  # noqa: BLE001 - as the library does: the line is lost
                if not self._disconnected.done():
                    self._disconnected.set_exception(error)

        def watch() -> None:
            # Before the loop comes to this, a broker that refuses us may have ended the
            # connection: its number would be nobody's, or somebody else's.
            if client._sock is sock and client._registered_write:  # noqa: SLF001
                self._loop.add_writer(sock.fileno(), write)

        self._loop.call_soon_threadsafe(watch)

    @override
    def _on_socket_close(self, client: Any, userdata: Any, sock: Any) -> None:
        super()._on_socket_close(client, userdata, sock)
        if not self._connected.done() and isinstance(sock, ssl.SSLSocket):
            # Writing fails first where the other side has refused us; why, is still to be read.
            try:
                sock.recv(1)
            except OSError as error:
                self._last_words.append(str(error))

    @override
    def _on_disconnect(self, *args: Any, **kwargs: Any) -> None:
        if self._connected.cancelled():
            return  # who waited has left in this very turn, and the library would raise that
        if not self._connected.done():
            # The library would wait for an answer until its time is over.
            self._connected.set_exception(
                EndedEarlyError("; ".join(["ended before an answer", *self._last_words]))
            )
        super()._on_disconnect(*args, **kwargs)
        if self._disconnected.done() and not self._disconnected.cancelled():
            self._disconnected.exception()  # nobody may ask for it any more

    @override
    def _on_message(self, client: Any, userdata: Any, message: MQTTMessage) -> None:
        if self._hand_on is None:
            return
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return  # the protocol forbids it, so nobody can have subscribed to it
        self._hand_on(topic, bytes(message.payload), message.retain)

    async def until_lost(self) -> None:
        """Wait until the connection ends.

        Raises:
            MqttError: It has ended.
        """
        await anext(self.messages)  # there is none, as each is handed on at once

    async def follow(self, wanted: Callable[[], frozenset[str]]) -> None:
        """Subscribe until we hear what is wanted and nothing else.

        Raises:
            MqttError: The connection is lost, or the broker does not answer.
        """
        async with self._topics_lock:
            while (topics := wanted()) != self._subscribed:  # it may change while we wait
                if new := sorted(topics - self._subscribed):
                    await self._or_lost(self._subscribe(new))
                    self._subscribed |= frozenset(new)
                if old := self._subscribed - topics:
                    if told := sorted(filter(is_topic_filter, old)):
                        await self._or_lost(self.unsubscribe(told))
                    self._subscribed -= old
                    self.refused -= old

    async def _or_lost(self, work: Coroutine[Any, Any, object]) -> None:
        """Wait for an answer of the broker, and no longer than there is a line to it.

        Raises:
            MqttError: The connection has ended, or the work failed.
        """
        task = asyncio.ensure_future(work)
        try:
            await asyncio.wait((task, self._disconnected), return_when=asyncio.FIRST_COMPLETED)
            is_lost = not task.done()
        finally:
            task.cancel()
        if is_lost:
            raise MqttError("The connection ended before an answer")
        task.result()

    async def _subscribe(self, topics: list[str]) -> None:
        # One that breaks the rules would cost the connection, and so all the others.
        usable = [topic for topic in topics if is_topic_filter(topic)]
        codes = await self.subscribe([(topic, QOS) for topic in usable]) if usable else []
        numbers = [code if isinstance(code, int) else code.value for code in codes]
        # A topic without an answer is not heard either.
        pairs = zip(usable, numbers, strict=False)
        heard = {topic for topic, number in pairs if number < _FAILED}
        self.refused |= frozenset(topics) - heard

    def hang_up(self) -> None:
        """End the connection; whoever waits for its end gets an error."""
        self._client.disconnect()
