"""The one connection to a broker over which a worker hears all gardens.

It differs from `aiomqtt_source` in what a worker needs and a garden of its own does not: messages
are acknowledged only when they are stored, the broker keeps what comes while we are away (MQTT 5),
and nothing is read while the store is behind. What waited at the broker is told from what is live.
"""

import asyncio
import logging
import random
from collections.abc import Iterable
from contextlib import suppress
from typing import Final, Protocol as Interface

from kamerplanter_backend.telemetry.broker.link_protocol import (
    CONNECT_TIMEOUT_S,
    LinkError,
    LinkProtocol,
)
from kamerplanter_backend.telemetry.broker.pauses import Pauses
from kamerplanter_backend.telemetry.broker.settings import (
    BrokerError,
    BrokerSettings,
    EndedEarlyError,
    Protocol,
    broker_error_of,
    needs_somebody,
)

_LOGGER = logging.getLogger(__name__)

TOPICS_AT_ONCE: Final = 200
MARK_TIMEOUT_S: Final = 10.0
"""Nothing came for so long, and our mark is not back: it never will be."""
BROKEN_REPLAYS: Final = 3
"""Some brokers hang up on who publishes what is not allowed; so often it is no accident."""
LOOK_S: Final = 0.5
"""How often we look whether the broker is there and the mark is back. [s]"""

type Receipt = tuple[object, list[int]]
"""Messages that are to be acknowledged, with the connection on which they came."""


class Hearing(Interface):
    """Who listens; called on the loop and never raises."""

    def on_message(self, topic: bytes, payload: bytes, *, retained: bool, is_replay: bool) -> None:
        """Take in a message; a replay is one that waited at the broker, nobody knows how long."""

    def on_connection(self, *, connected: bool) -> None:
        """Take in that the broker was lost or is back."""

    def on_refused_topic(self, topic: str) -> None:
        """Take in that the broker does not let us hear a topic."""


class GardenLink:
    """Keeps the connection and its subscriptions; `run` is one task of the owner.

    Args:
        settings: Where the broker is and who we are; `tls_context` where it is encrypted.
        hearing: Gets what arrives.
        mark_topic: A topic of our own that we may write to and hear.
        session_s: How long the broker keeps what waits for us; MQTT 5 only. [s]
        first_pause_s: Pause before the second try; doubles up to a minute. [s]
    """

    def __init__(
        self,
        settings: BrokerSettings,
        hearing: Hearing,
        *,
        mark_topic: str,
        session_s: int,
        first_pause_s: float = 1.0,
    ) -> None:
        self._settings = settings
        self._hearing = hearing
        self._mark_topic = mark_topic
        self._session_s = session_s if settings.protocol is Protocol.V5 else 0
        self._pauses = Pauses(first_pause_s)
        self._topics: frozenset[str] = frozenset()
        self._connection: LinkProtocol | None = None
        self._is_paused = False
        self._is_ended = False
        self._forgets_once = False
        self._broken_replays = 0
        """Connections in a row that ended before our mark was back."""
        self._told_losses: set[str] = set()
        """Why there is no connection, as far as the log says so; empty while there is one."""
        self.connect_count = 0
        """Connections that the broker has accepted."""
        self.last_error: BrokerError | None = None
        """Why there is no connection; none while there is one."""

    @property
    def is_connected(self) -> bool:
        """Whether the broker has accepted us."""
        return self._connection is not None

    def set_topics(self, topics: Iterable[str]) -> None:
        """Subscribe to these topics and to no others, now or with the next connection."""
        before, self._topics = self._topics, frozenset(topics)
        if self._connection is not None:
            self._ask(self._connection, self._topics - before)
            for part in _parts(before - self._topics):
                self._connection.unsubscribe(part)

    def leave(self, topic: bytes) -> None:
        """Hear a topic no more that nobody asked for: the broker remembers it from before."""
        if self._connection is not None:
            with suppress(UnicodeDecodeError):  # no topic at all, whatever the broker thinks
                self._connection.unsubscribe([topic.decode()])

    def take_unacknowledged(self) -> Receipt:
        """Hand over what came up to now, to be acknowledged once it is stored."""
        connection = self._connection
        if connection is None:
            return None, []
        taken, connection.unacknowledged = connection.unacknowledged, []
        return connection, taken

    def acknowledge(self, receipt: Receipt) -> None:
        """Tell the broker that it may forget messages; those of a lost connection come again."""
        connection, numbers = receipt
        if connection is self._connection and self._connection is not None and numbers:
            self._connection.acknowledge(numbers)

    def give_back(self, receipt: Receipt) -> None:
        """Take back what could not be stored yet."""
        connection, numbers = receipt
        if connection is self._connection and self._connection is not None:
            self._connection.unacknowledged[:0] = numbers

    def pause(self, *, paused: bool) -> None:
        """Read nothing while the store is behind: what comes then waits at the broker."""
        if paused != self._is_paused:
            self._is_paused = paused
            if self._connection is not None:
                self._connection.pause(paused=paused)

    def end(self) -> None:
        """Take in nothing more; what arrives from now on stays at the broker."""
        self._is_ended = True
        if self._connection is not None:
            self._connection.is_deaf = True

    async def run(self) -> None:
        """Connect, listen, and connect again until cancelled; never raises otherwise."""
        while True:
            try:
                await self._listen()
            except (BrokerError, EndedEarlyError, OSError, ValueError) as error:
                self._lost(error)
            finally:
                if self._connection is not None:
                    self._connection = None
                    self._hearing.on_connection(connected=False)
            await asyncio.sleep(self._pauses.next_s())

    async def _listen(self) -> None:
        protocol = LinkProtocol(
            self._hearing,
            self._settings,
            session_s=self._session_s,
            is_clean=not self._session_s or self._forgets_once,
        )
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            await protocol.open()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await protocol.accepted
            self._forgets_once = False
            self._welcome(protocol)
            await self._watch(protocol)
        finally:
            self._note_replay(protocol)
            protocol.close()

    def _note_replay(self, protocol: LinkProtocol) -> None:
        """Give up what waits at a broker where our mark never comes back: it stays in the way."""
        self._broken_replays = self._broken_replays + 1 if protocol.is_replaying else 0
        if self._broken_replays >= BROKEN_REPLAYS and not self._is_ended:
            self._broken_replays = 0
            self._forgets_once = True
            _LOGGER.warning(
                "The broker does not hand on what we send to %s: what waited there is left out. "
                "Allow us to write and to read this topic",
                self._mark_topic,
            )

    def _welcome(self, protocol: LinkProtocol) -> None:
        self.connect_count += 1
        self.last_error = None
        self._pauses.begin()
        if self._told_losses:
            self._told_losses.clear()
            _LOGGER.info("The broker %s is back", self._settings.host)
        self._connection = protocol
        protocol.is_deaf = self._is_ended
        if self._session_s:
            self._ask(protocol, [self._mark_topic])
        self._ask(protocol, self._topics)
        if protocol.is_replaying:
            # What waits comes in order: behind our own mark everything is live.
            protocol.mark(self._mark_topic, random.randbytes(8).hex().encode())  # noqa: S311
        self._hearing.on_connection(connected=True)
        if self._is_paused:
            protocol.pause(paused=True)

    def _ask(self, protocol: LinkProtocol, topics: Iterable[str]) -> None:
        for part in _parts(topics):
            protocol.subscribe(part)

    async def _watch(self, protocol: LinkProtocol) -> None:
        """Keep the connection alive until it ends."""
        while True:
            done, _ = await asyncio.wait({protocol.ended}, timeout=LOOK_S)
            if done:
                protocol.ended.result()
                return
            protocol.beat()
            if protocol.waits_in_vain(MARK_TIMEOUT_S):
                # Else old values would pass for new ones, or new ones for old.
                self._broken_replays = BROKEN_REPLAYS
                raise LinkError(f"Our mark on {self._mark_topic} does not come back.")

    def _lost(self, error: Exception) -> None:
        self.last_error = (
            error if isinstance(error, BrokerError) else broker_error_of(error, self._settings)
        )
        self._pauses.lost()
        # A broker that goes ends the connection first and cannot be reached then: that is one loss.
        # Whoever is refused has to do something, whatever was said before of the same loss.
        is_news = self.last_error.key not in self._told_losses
        if not self._told_losses or (is_news and needs_somebody(self.last_error)):
            self._told_losses.add(self.last_error.key)
            _LOGGER.warning("No connection to the broker %s: %s", self._settings.host, error)


def _parts(topics: Iterable[str]) -> Iterable[list[str]]:
    ordered = sorted(topics)
    for start in range(0, len(ordered), TOPICS_AT_ONCE):
        yield ordered[start : start + TOPICS_AT_ONCE]
