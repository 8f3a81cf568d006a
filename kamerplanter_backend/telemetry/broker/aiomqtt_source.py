"""Our own connection to a broker, in Home Assistant and in the server."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from aiomqtt import MqttError

from kamerplanter_backend.telemetry.broker.connection import (
    CONNECT_TIMEOUT_S,
    KEEPALIVE_S,
    Connection,
    OnMessage,
)
from kamerplanter_backend.telemetry.broker.settings import (
    BrokerError,
    BrokerSettings,
    CertificateRefused,
    EndedEarlyError,
    LoginRefused,
    broker_error_of,
)

_LOGGER = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 60.0
"""With its jitter and `CONNECT_TIMEOUT_S`, a broker that is back is found within 82 s."""
STEADY_AFTER_S: Final = 20.0
"""A connection that held so long was a real one; the next pause starts small again."""
FLAPPING_COUNT: Final = 3
"""So many lost connections in a short time mean that somebody else uses our client id."""
FLAPPING_WINDOW_S: Final = 300.0
"""The short time; holds as many tries at the longest pause, so that a finding does not blink."""


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
    client = Connection(settings, client_id=client_id, keepalive_s=5)
    try:
        async with asyncio.timeout(timeout_s), client:
            pass
    except (MqttError, OSError, ValueError) as error:
        raise broker_error_of(error, settings) from error


async def listen_for(
    settings: BrokerSettings,
    topic_filter: str,
    on_message: OnMessage,
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
    client = Connection(settings, client_id=client_id, keepalive_s=KEEPALIVE_S, hand_on=on_message)
    try:
        async with client:
            await client.subscribe(topic_filter)
            with suppress(TimeoutError):
                async with asyncio.timeout(duration_s):
                    await client.until_lost()
    except (MqttError, OSError, ValueError) as error:
        raise broker_error_of(error, settings) from error


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
        on_message: OnMessage,
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
        self._client: Connection | None = None
        self._accepted_at: float | None = None
        self._losses: deque[float] = deque(maxlen=FLAPPING_COUNT)
        self._is_loss_logged = False
        self._is_refusal_logged = False
        self._is_failure_logged = False
        self._named: frozenset[str] = frozenset()
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
            self._name_refused(client)
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
        client = Connection(
            self._settings,
            client_id=self._settings.client_id,
            keepalive_s=KEEPALIVE_S,
            hand_on=self._deliver,
        )
        async with client:
            self._accepted_at = asyncio.get_running_loop().time()
            await client.follow(lambda: self._topics)
            self._client = client
            self.last_error = None
            self._is_refusal_logged = False
            if self._is_loss_logged:
                self._is_loss_logged = False
                _LOGGER.info("The broker %s is back", self._settings.host)
            self._name_refused(client)
            self._tell(connected=True)
            await client.until_lost()

    def _name_refused(self, client: Connection) -> None:
        """Say once of each topic that nothing will be heard of it."""
        if new := client.refused - self._named:
            _LOGGER.warning(
                "The broker %s does not let us listen to %s",
                self._settings.host,
                ", ".join(repr(topic) for topic in sorted(new)),
            )
        self._named = client.refused

    def _tell(self, *, connected: bool) -> None:
        try:
            self._on_connection(connected)
        except Exception:
            # Who only looks must not end the connection.
            _LOGGER.exception("A change of the connection could not be shown")

    def _deliver(self, topic: str, payload: bytes, retained: bool) -> None:
        try:
            self._on_message(topic, payload, retained)
        except Exception:
            # One message must not cost the next one, nor fill the log with its like.
            if not self._is_failure_logged:
                self._is_failure_logged = True
                _LOGGER.exception("A message on %s could not be taken in", topic)

    def _lost(self, error: Exception) -> None:
        self.last_error = broker_error_of(error, self._settings)
        if isinstance(error, EndedEarlyError):
            pass  # whoever takes our place may do so while we shake hands
        elif self._accepted_at is None:
            # Nobody takes our place at a broker that is not there.
            self._losses.clear()
        else:
            self._losses.append(asyncio.get_running_loop().time())
        # Who is refused has to do something, whatever was said before of the same loss.
        is_refusal = isinstance(self.last_error, CertificateRefused | LoginRefused)
        is_news = is_refusal and not self._is_refusal_logged
        if is_news or (not self._is_loss_logged and not self.is_flapping):
            self._is_loss_logged = True
            self._is_refusal_logged |= is_refusal
            _LOGGER.warning("No connection to the broker %s: %s", self._settings.host, error)
