"""The ingest worker: the readings of many gardens over one connection, judged and stored.

What happens to a message: route by topic, judge in the intake of each probe (on the loop), gather,
store within the second (on a thread, all gardens in one transaction), acknowledge to the broker.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from time import monotonic
from typing import Final

from kamerplanter_backend.bootstrap import Services
from kamerplanter_backend.common.clock import Clock
from kamerplanter_backend.common.commit_follower import CommitFollower
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.telemetry.broker.garden_link import GardenLink
from kamerplanter_backend.telemetry.broker.link_protocol import WINDOW
from kamerplanter_backend.telemetry.broker.settings import BrokerSettings
from kamerplanter_backend.telemetry.messages import field_meanings
from kamerplanter_backend.telemetry.probe.presence_notes import Said
from kamerplanter_backend.telemetry.worker.garden_directory import Directory, GardenDirectory
from kamerplanter_backend.telemetry.worker.garden_router import GardenRouter
from kamerplanter_backend.telemetry.worker.garden_topics import mark_topic
from kamerplanter_backend.telemetry.worker.live_garden import Taken
from kamerplanter_backend.telemetry.worker.metrics import Counts, Drop, Gauges, render, summary
from kamerplanter_backend.telemetry.worker.metrics_server import metrics_server
from kamerplanter_backend.telemetry.worker.recorder import Recorded, Recorder

_LOGGER = logging.getLogger(__name__)

FLUSH_AFTER_S: Final = 0.5
"""Below the second that a power cut may cost, so that what is derived shows within two. [s]"""
LOOK_EVERY_S: Final = 1.0
"""How soon new gardens and probes are heard. [s]"""
RETRY_AFTER_S: Final = 1.0
BATCH: Final = 50_000
"""So many readings do not wait for their time."""
REPORT_EVERY_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """What a worker needs to know."""

    broker: BrokerSettings
    prefix: str = "kamerplanter"
    session_s: int = 3600
    capacity: int = 50_000
    """Readings that may wait for the store."""
    metrics_port: int | None = None
    """None = no metrics; 0 = a free one."""
    metrics_path: str = "/metrics"
    stop_s: float = 10.0
    """How long the store may take for what is left at the stop. [s]"""
    first_pause_s: float = 1.0


class IngestWorker:
    """Listens for all gardens of a store.

    Args:
        store: Where gardens, probes and readings are.
        services: What can be done on it.
        feed: Tells of the commits of all processes.
        settings: Broker and limits.
        clock: Tells the time.
    """

    def __init__(
        self,
        store: DocumentStore,
        services: Services,
        feed: CommitFollower,
        settings: WorkerSettings,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._batch = min(BATCH, settings.capacity)
        self._clock = clock
        self._feed = feed
        started_at = clock()
        self._directory = GardenDirectory(store, services, feed, started_at)
        self._recorder = Recorder(services.telemetry, services.presence, self._directory)
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="ingest")
        self._left: dict[str, Taken] = {}
        """What the store did not take yet, by garden."""
        self._message_count = 0
        """Since the last batch."""
        self._waiting_since: float | None = None
        self._stored_since: float | None = None
        """When what is being stored began to wait."""
        self._due = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._is_full = False
        self._is_trouble_logged = False
        self._tasks: list[asyncio.Task[None]] = []
        self._around = AsyncExitStack()
        self.metrics_port: int | None = None
        self.counts = Counts()
        self.link = GardenLink(
            settings.broker,
            self,
            mark_topic=mark_topic(settings.prefix, settings.broker.client_id),
            session_s=settings.session_s,
            first_pause_s=settings.first_pause_s,
        )
        self._router = GardenRouter(settings.prefix, started_at, self.counts, self.link.leave)

    async def start(self) -> None:
        """Read the gardens, and begin to listen.

        Raises:
            UnavailableError: The store does not answer.
            OSError: The port of the metrics is taken.
        """
        settings = self._settings
        if settings.metrics_port is not None:
            self.metrics_port = await self._around.enter_async_context(
                metrics_server(settings.metrics_port, settings.metrics_path, self.metrics_text)
            )
        await self._on_thread(field_meanings.prepare)
        self._apply(await self._on_thread(self._look))
        self._tasks = [
            asyncio.create_task(self.link.run(), name="ingest link"),
            asyncio.create_task(self._store_forever(), name="ingest store"),
            asyncio.create_task(self._report_forever(), name="ingest report"),
        ]
        gauges = self.gauges()
        _LOGGER.info("Listening to %d topics of %d gardens", gauges.topics, gauges.gardens)

    async def stop(self) -> None:
        """Take nothing more in, store what was received, and say goodbye to the broker."""
        self.link.end()
        await _cancel(self._tasks[1:])
        if self._tasks:
            await self._store_rest()
        if lost := self._router.waiting:
            self.counts.dropped[Drop.LOST] += lost
            _LOGGER.warning(
                "%d readings were not stored before the stop; the broker keeps those that came "
                "with QoS 1, the others are lost",
                lost,
            )
        await _cancel(self._tasks[:1])
        self._directory.close()
        self._executor.shutdown()
        await self._around.aclose()
        _LOGGER.info("Stopped: %s", summary(self.counts, self.gauges()))

    async def _store_rest(self) -> None:
        deadline = monotonic() + self._settings.stop_s
        while not await self._flush():
            if monotonic() >= deadline:
                return
            await asyncio.sleep(RETRY_AFTER_S)

    async def _on_thread[R](self, work: Callable[[], R]) -> R:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    # --- What the connection tells ----------------------------------------------------------

    def on_message(self, topic: bytes, payload: bytes, *, retained: bool, is_replay: bool) -> None:
        """Take in one message."""
        router = self._router
        router.on_message(topic, payload, self._clock(), retained=retained, is_replay=is_replay)
        self._message_count += 1
        if self._message_count == 1:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(FLUSH_AFTER_S, self._due.set)
            if self._waiting_since is None:
                self._waiting_since = monotonic()
        elif self._message_count == WINDOW // 2:
            self._due.set()
        if router.waiting >= self._batch:
            self._due.set()
            if router.waiting >= self._settings.capacity and not self._is_full:
                self._is_full = True
                self.link.pause(paused=True)

    def on_connection(self, *, connected: bool) -> None:
        """Take in that the broker was lost or is back."""
        self._router.on_connection(connected=connected)

    def on_refused_topic(self, topic: str) -> None:
        """Take in that the broker does not let us hear a topic."""
        self._router.on_refused_topic(topic)

    # --- The store --------------------------------------------------------------------------

    def _look(self) -> Directory | None:
        self._feed.look()
        return self._directory.look(self._clock())

    def _apply(self, directory: Directory | None) -> None:
        if directory is not None:
            self._router.apply(directory, self._clock())
            self.link.set_topics(self._router.topics)

    async def _store_forever(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._due.wait()
            if not await self._flush():
                await asyncio.sleep(RETRY_AFTER_S)

    async def _flush(self) -> bool:
        """Store what was received up to now, and acknowledge it; tell whether that worked."""
        self._due.clear()
        self._message_count = 0
        if self._timer is not None:
            self._timer.cancel()
        receipt = self.link.take_unacknowledged()
        waiting = self._router.waiting
        batches = _joined(self._left, self._router.take())
        said = self._router.take_presences()
        self._left = {}
        self._stored_since, self._waiting_since = self._waiting_since, None
        is_stored = False
        try:
            directory, recorded = await self._on_thread(lambda: self._store(batches, said))
            said, is_stored = recorded.untold, True
        except Exception as error:  # noqa: BLE001 (said once; all is tried again)
            self._say_trouble(error)
            return False
        finally:
            if not is_stored:
                # Storing a reading twice is harmless, losing it is not.
                self._left = _joined(batches, self._left)
                self._waiting_since = self._stored_since
                self.link.give_back(receipt)
            self._router.give_back_presences(said)
            self._stored_since = None
        self._router.waiting -= waiting
        self.link.acknowledge(receipt)
        self._apply(directory)
        self._count(recorded)
        self._router.log_notices()
        if self._is_full and self._router.waiting <= self._settings.capacity // 2:
            self._is_full = False
            self.link.pause(paused=False)
        if self._is_trouble_logged:
            self._is_trouble_logged = False
            _LOGGER.info("The store takes readings again")
        return True

    def _store(
        self, batches: dict[str, Taken], said: dict[str, Said]
    ) -> tuple[Directory | None, Recorded]:
        """Look first, so that a garden that was suspended just now gets nothing; then store."""
        directory = self._look()
        return directory, self._recorder.store(batches, self._clock(), said)

    def _say_trouble(self, error: Exception) -> None:
        self.counts.store_failures += 1
        if self._is_trouble_logged:
            return
        if not isinstance(error, UnavailableError):
            self._is_trouble_logged = True
            _LOGGER.error("Readings wait, as they cannot be stored", exc_info=error)
        elif error.placeholders.get("reason") != "backup":
            # A backup holds writers for a while, which is nothing to worry about.
            self._is_trouble_logged = True
            _LOGGER.warning("Readings wait, as the store does not take them: %s", error)

    def _count(self, recorded: Recorded) -> None:
        counts = self.counts
        counts.batches += recorded.transactions
        for key, count in recorded.stored.items():
            if (garden := self._router.gardens.get(key)) is not None:
                counts.stored[garden.entry.slug] += count
        counts.dropped[Drop.REFUSED] += recorded.refused
        counts.dropped[Drop.SUSPENDED] += recorded.suspended

    # --- What it says of itself -------------------------------------------------------------

    def gauges(self) -> Gauges:
        """Return what is now."""
        gardens = self._router.gardens.values()
        waits = [at for at in (self._waiting_since, self._stored_since) if at is not None]
        return Gauges(
            is_connected=self.link.is_connected,
            connect_count=self.link.connect_count,
            gardens=len(gardens),
            probes=sum(len(garden.intakes) for garden in gardens),
            topics=len(self._router.topics),
            refused_topics=self._router.refused_count,
            queue_depth=self._router.waiting,
            lag_s=monotonic() - min(waits) if waits else 0.0,
        )

    def metrics_text(self) -> str:
        """Return the metrics for Prometheus."""
        return render(self.counts, self.gauges())

    async def _report_forever(self) -> None:
        while True:
            await asyncio.sleep(REPORT_EVERY_S)
            _LOGGER.info("%s", summary(self.counts, self.gauges()))


def _joined(first: dict[str, Taken], second: dict[str, Taken]) -> dict[str, Taken]:
    """Return what was judged in both, in this order."""
    return {
        key: [*first.get(key, ()), *second.get(key, ())] for key in first.keys() | second.keys()
    }


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
