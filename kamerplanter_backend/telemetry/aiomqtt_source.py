"""Our own connection to a broker, in Home Assistant and in the server."""

import asyncio
import logging
import random
import ssl
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Final, Self, override

from aiomqtt import Client, Message, MqttCodeError, MqttError, ProtocolVersion, TLSParameters

_LOGGER = logging.getLogger(__name__)
# The library reports each broken socket as an error of its own; we say it once.
_LIBRARY_LOGGER = _LOGGER.getChild("library")
_LIBRARY_LOGGER.setLevel(logging.CRITICAL)

CONNECT_TIMEOUT_S: Final = 10.0
KEEPALIVE_S: Final = 15
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
STEADY_AFTER_S: Final = 20.0
"""A connection that held so long was a real one; the next pause starts small again."""
FLAPPING_COUNT: Final = 3
"""So many lost connections in a short time mean that somebody else uses our client id."""
FLAPPING_WINDOW_S: Final = 300.0
"""The short time; holds as many tries at the longest pause, so that a finding does not blink."""
QOS: Final = 1
"""A busy broker may throw away what it hands on with 0."""
MAX_QUEUED: Final = 10_000
_LOGIN_CODES = frozenset({4, 5, 134, 135})
"""Bad user name or password, not authorised: MQTT 3.1.1 and MQTT 5."""


class BrokerError(Exception):
    """The broker cannot be used; `key` names why, for a translated text."""

    key: ClassVar[str] = "broker_error"


class HostUnreachable(BrokerError):  # noqa: N818 (names a finding of the check)
    """No such host, or nothing listens on the port."""

    key = "host_unreachable"


class LoginRefused(BrokerError):  # noqa: N818
    """User name or password is wrong, or the client is not authorised."""

    key = "login_refused"


class TlsFailed(BrokerError):  # noqa: N818
    """The two sides found no encryption, or the certificate is not trusted."""

    key = "tls_failed"


class BrokerTimeout(BrokerError):  # noqa: N818
    """Something is there, but it does not answer as a broker does."""

    key = "broker_timeout"


class Protocol(StrEnum):
    """The version of MQTT that is spoken."""

    V311 = "3.1.1"
    V5 = "5"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """How to reach a broker."""

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    tls_verify: bool = True
    """False: the certificate is not looked at."""
    ca_path: str | None = None
    """File with the certificates to trust; none = those of the system."""
    certificate_path: str | None = None
    """File with the certificate by which we prove who we are; only with `key_path`."""
    key_path: str | None = field(default=None, repr=False)
    """File with the private key of it, not encrypted."""
    tls_context: ssl.SSLContext | None = field(default=None, repr=False)
    """Made by the caller off the loop; wins over the settings above."""
    client_id: str = "kamerplanter"
    protocol: Protocol = Protocol.V311


def client_id_for(store_id: str) -> str:
    """Return the lasting client id of a garden, its own on every broker, of 23 letters at most."""
    return f"kamerplanter-{store_id[:10]}"


class _Connection(Client):
    """The library's client, which here knows its topics and lets go of a failed attempt's socket.

    The broker keeps nothing for us while we are away (`clean_session`). What waits there comes
    without the retain flag and mostly without a time: nobody could tell it from a live reading.
    So a broker has no session of a garden that is gone, and none with topics of the day before.
    """

    def __init__(self, settings: BrokerSettings, *, client_id: str, keepalive_s: int) -> None:
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
            max_queued_incoming_messages=MAX_QUEUED,
            tls_context=settings.tls_context if settings.tls else None,
            tls_params=tls_params,
            tls_insecure=True if tls_params is not None and not settings.tls_verify else None,
            logger=_LIBRARY_LOGGER,
        )
        self._subscribed: frozenset[str] = frozenset()
        self._topics_lock = asyncio.Lock()

    @override
    async def __aenter__(self) -> Self:
        try:
            return await super().__aenter__()
        except BaseException:
            # Else the socket stays on the loop until the other side ends it, and then raises.
            self._client.on_disconnect = None
            self._client.disconnect()
            raise

    async def follow(self, wanted: Callable[[], frozenset[str]]) -> None:
        """Subscribe until we hear what is wanted and nothing else.

        Raises:
            MqttError: The connection is lost, or the broker does not answer.
        """
        async with self._topics_lock:
            while (topics := wanted()) != self._subscribed:  # it may change while we wait
                if new := topics - self._subscribed:
                    await self.subscribe([(topic, QOS) for topic in sorted(new)])
                    self._subscribed |= new
                if old := self._subscribed - topics:
                    await self.unsubscribe(sorted(old))
                    self._subscribed -= old

    def hang_up(self) -> None:
        """End the connection; whoever waits for its messages gets an error."""
        self._client.disconnect()


def _translated(error: BaseException, settings: BrokerSettings) -> BrokerError:
    """Return what an error of the library means; it hides the cause in its context."""
    cause: BaseException | None = error
    text = str(error) or type(error).__name__
    while cause is not None:
        if isinstance(cause, MqttCodeError):
            code = getattr(cause.rc, "value", cause.rc)
            return LoginRefused(text) if code in _LOGIN_CODES else BrokerTimeout(text)
        if isinstance(cause, ssl.SSLError | FileNotFoundError | PermissionError):
            return TlsFailed(text)  # the files are those of certificates
        if isinstance(cause, TimeoutError):
            return BrokerTimeout(text)
        if isinstance(cause, ConnectionResetError) and settings.tls:
            return TlsFailed(text)
        if isinstance(cause, OSError):
            return HostUnreachable(text)
        cause = cause.__cause__ or cause.__context__
    return BrokerTimeout(text)


async def check_connection(
    settings: BrokerSettings, *, timeout_s: float = CONNECT_TIMEOUT_S
) -> None:
    """Connect once and leave again.

    Raises:
        HostUnreachable: No such host, or nothing listens.
        LoginRefused: Wrong user name or password.
        TlsFailed: No common encryption, or an untrusted certificate.
        BrokerTimeout: Nobody answers as a broker does within the time.
    """
    # Another id than the running connection's, or the check would throw it out.
    client_id = f"kamerplanter-check-{random.randrange(16**4):04x}"  # noqa: S311
    client = _Connection(settings, client_id=client_id, keepalive_s=5)
    try:
        async with asyncio.timeout(timeout_s), client:
            pass
    except (MqttError, OSError, ValueError) as error:
        raise _translated(error, settings) from error


async def listen_for(
    settings: BrokerSettings,
    topic_filter: str,
    on_message: Callable[[str, bytes, bool], None],
    *,
    duration_s: float,
) -> None:
    """Connect, hand on what arrives for a while, and leave no trace at the broker.

    Args:
        settings: Where the broker is and who we are.
        topic_filter: What to subscribe to; may hold wildcards.
        on_message: Called on the loop with topic, payload and whether the broker had kept it.
        duration_s: How long to listen once connected. [s]

    Raises:
        BrokerError: The broker cannot be used, or was lost meanwhile.
    """
    client_id = f"{settings.client_id}-listen-{random.randrange(16**6):06x}"  # noqa: S311
    client = _Connection(settings, client_id=client_id, keepalive_s=KEEPALIVE_S)
    try:
        async with client:
            await client.subscribe(topic_filter)
            try:
                async with asyncio.timeout(duration_s):
                    async for message in client.messages:
                        payload = message.payload
                        if isinstance(payload, bytes | bytearray):
                            on_message(str(message.topic), bytes(payload), message.retain)
            except TimeoutError:
                pass
    except (MqttError, OSError, ValueError) as error:
        raise _translated(error, settings) from error


class OwnBroker:
    """Keeps a connection and its subscriptions; `run` is one background task of the owner.

    Args:
        settings: Where the broker is and who we are.
        on_message: Called on the loop with topic, payload and whether the broker had kept it.
        on_connection: Called on the loop when the connection is made or lost.
        topics: What to subscribe to at first.
        first_pause_s: Pause before the second try; doubles up to a minute.
    """

    def __init__(
        self,
        settings: BrokerSettings,
        on_message: Callable[[str, bytes, bool], None],
        on_connection: Callable[[bool], None],
        *,
        topics: Iterable[str] = (),
        first_pause_s: float = FIRST_PAUSE_S,
    ) -> None:
        self._settings = settings
        self._on_message = on_message
        self._on_connection = on_connection
        self._topics = frozenset(topics)
        self._first_pause_s = first_pause_s
        self._client: _Connection | None = None
        self._accepted_at: float | None = None
        self._losses: deque[float] = deque(maxlen=FLAPPING_COUNT)
        self._is_loss_logged = False
        self.last_error: BrokerError | None = None
        """Why there is no connection; none while there is one."""

    @property
    def is_connected(self) -> bool:
        """Whether the broker is connected and the topics are subscribed."""
        return self._client is not None

    @property
    def is_flapping(self) -> bool:
        """Whether the broker ends one connection after the other: another client uses our id.

        Not so for a broker that cannot be reached. Ends by itself, minutes after the last loss.
        """
        if len(self._losses) < FLAPPING_COUNT:
            return False
        return asyncio.get_running_loop().time() - self._losses[0] <= FLAPPING_WINDOW_S

    async def set_topics(self, topics: Iterable[str]) -> None:
        """Subscribe to these topics and to no others, now or with the next connection."""
        self._topics = frozenset(topics)
        client = self._client
        if client is None:
            return
        try:
            await client.follow(lambda: self._topics)
        except MqttError:
            # Half a list of topics would look like a silent device: begin anew.
            _LOGGER.debug("The topics are set with the next connection")
            client.hang_up()

    async def run(self) -> None:
        """Connect, listen, and connect again until cancelled; never raises otherwise."""
        loop = asyncio.get_running_loop()
        pause_s = self._first_pause_s
        while True:
            try:
                await self._listen()
            except (MqttError, OSError, ValueError) as error:
                self._lost(error)
            finally:
                if self._client is not None:
                    self._client = None
                    self._tell(connected=False)
            accepted_at = self._accepted_at
            if accepted_at is not None and loop.time() - accepted_at >= STEADY_AFTER_S:
                pause_s = self._first_pause_s
            # Jitter keeps several gardens from knocking at the same moment.
            await asyncio.sleep(pause_s * random.uniform(0.8, 1.2))  # noqa: S311
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def _listen(self) -> None:
        self._accepted_at = None
        client = _Connection(
            self._settings, client_id=self._settings.client_id, keepalive_s=KEEPALIVE_S
        )
        async with client:
            self._accepted_at = asyncio.get_running_loop().time()
            await client.follow(lambda: self._topics)
            self._client = client
            self.last_error = None
            if self._is_loss_logged:
                self._is_loss_logged = False
                _LOGGER.info("The broker %s is back", self._settings.host)
            self._tell(connected=True)
            async for message in client.messages:
                self._deliver(message)

    def _tell(self, *, connected: bool) -> None:
        try:
            self._on_connection(connected)
        except Exception:
            # Who only looks must not end the connection.
            _LOGGER.exception("A change of the connection could not be shown")

    def _deliver(self, message: Message) -> None:
        payload = message.payload
        if not isinstance(payload, bytes | bytearray):
            payload = str(payload or "").encode()
        try:
            self._on_message(str(message.topic), bytes(payload), message.retain)
        except Exception:
            # One message must not cost the next one.
            _LOGGER.exception("A message on %s could not be taken in", message.topic)

    def _lost(self, error: Exception) -> None:
        self.last_error = _translated(error, self._settings)
        if self._accepted_at is None:
            # Nobody takes our place at a broker that is not there.
            self._losses.clear()
        else:
            self._losses.append(asyncio.get_running_loop().time())
        if not self._is_loss_logged and not self.is_flapping:
            self._is_loss_logged = True
            _LOGGER.warning("No connection to the broker %s: %s", self._settings.host, error)
