"""Carries judged readings to the store in batches."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

from kamerplanter_backend.client.protocol import KamerplanterClient
from kamerplanter_backend.client.requests import RecordReadings
from kamerplanter_backend.common.exceptions import (
    ForbiddenError,
    PayloadTooLargeError,
    QueuedError,
    RateLimitedError,
    UnauthorizedError,
    UnavailableError,
)
from kamerplanter_backend.telemetry.probe.batching import BATCH_SIZE, ReadingBatch
from kamerplanter_engines.errors import InvalidInputError, KamerplanterError
from kamerplanter_engines.models.telemetry import Reading

_LOGGER = logging.getLogger(__name__)

FLUSH_AFTER_S = 0.5
"""Below the second that a power cut may cost, so that what is derived shows within two."""
RETRY_AFTER_S = 10.0

WAITS_FOR_A_PERSON = (ForbiddenError, RateLimitedError, UnauthorizedError)
"""Not the fault of a reading."""

FAULT_OF_SOME = (InvalidInputError, PayloadTooLargeError)
"""A batch that is refused so may be taken in parts."""

type OnTrouble = Callable[[UnavailableError | None], None]
"""Told of the first error and, with none, of the end of the trouble."""


class ReadingPump:
    """Owns the timer of the batch; one batch is under way at a time.

    Args:
        client: Takes the batches.
        on_trouble: Told when the store stops taking readings, and when it takes them again.
        collect: Hands over what `expect` has announced.
    """

    def __init__(
        self,
        hass: HomeAssistant,
        client: KamerplanterClient,
        on_trouble: OnTrouble,
        collect: Callable[[], Iterable[Reading]] = tuple,
    ) -> None:
        self._hass = hass
        self._collect = collect
        self._on_trouble = on_trouble
        self._client = client
        self._batch = ReadingBatch()
        self._lock = asyncio.Lock()
        self._job = HassJob(self._on_timer, "kamerplanter reading pump", cancel_on_shutdown=True)
        self._cancel_timer: CALLBACK_TYPE | None = None
        self._is_retry = False
        """The timer waits for a store that took nothing."""
        self._is_stopped = False
        self._is_loss_logged = False
        self._refused_count = 0

    @property
    def waiting(self) -> int:
        """How many readings are not stored yet, with those that were only announced."""
        self._batch.add(self._collect())
        return len(self._batch)

    @property
    def dropped(self) -> int:
        """How many readings were lost because the store was away for too long, or refused them."""
        return self._batch.dropped_count + self._refused_count

    @callback
    def add(self, readings: Iterable[Reading]) -> None:
        """Take readings in and store them within the second."""
        self._batch.add(readings)
        if self._is_stopped or not len(self._batch):
            return
        if self._batch.is_full and not self._lock.locked() and not self._is_retry:
            self._hass.async_create_task(self._flush(BATCH_SIZE), "kamerplanter full batch")
        elif self._cancel_timer is None:
            self._start_timer(FLUSH_AFTER_S)

    @callback
    def expect(self) -> None:
        """Collect and store within the second; readings are cheaper to make many at a time."""
        if self._cancel_timer is None and not self._is_stopped:
            self._start_timer(FLUSH_AFTER_S)

    def _start_timer(self, delay_s: float, *, is_retry: bool = False) -> None:
        self._is_retry = is_retry
        self._cancel_timer = async_call_later(self._hass, delay_s, self._job)

    def _stop_timer(self) -> None:
        self._is_retry = False
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None

    async def _on_timer(self, _now: datetime) -> None:
        self._cancel_timer = None
        self._is_retry = False
        await self.flush()

    async def flush(self) -> None:
        """Store all that has been read until now."""
        await self._flush(1)

    async def _flush(self, least: int) -> None:
        """Store what waits as long as it is so much; the rest waits for a timer of its own.

        What the store does not take now stays for a later try. What comes in meanwhile waits too:
        a transaction for the few readings of a moment costs as much as one for half a second.
        """
        left: tuple[Reading, ...] = ()
        self._batch.add(self._collect())
        self._stop_timer()
        async with self._lock:
            waiting = len(self._batch)
            while (waiting >= least or self._is_stopped) and (batch := self._batch.take()):
                waiting -= len(batch)
                left = batch
                try:
                    left = await self._store(batch)
                finally:
                    # Whatever went wrong: storing a reading twice is harmless, losing it is not.
                    self._batch.give_back(left)
                if left:
                    break
        if len(self._batch) and not self._is_stopped and self._cancel_timer is None:
            self._start_timer(RETRY_AFTER_S if left else FLUSH_AFTER_S, is_retry=bool(left))

    async def _store(self, batch: tuple[Reading, ...]) -> tuple[Reading, ...]:
        """Store a batch; return what has to wait for a later try.

        A batch that is refused is halved until only the readings at fault are lost.
        """
        parts = [batch]
        refused: int = 0
        reason: KamerplanterError | None = None
        while parts:
            part = parts.pop()
            try:
                await self._client.call(RecordReadings(readings=part))
            except QueuedError:
                pass  # on our own disk until the server is back
            except (UnavailableError, *WAITS_FOR_A_PERSON) as error:
                self._wait_because(error)
                parts.append(part)
                break
            except KamerplanterError as error:
                if isinstance(error, FAULT_OF_SOME) and len(part) > 1:
                    half = len(part) // 2
                    parts += [part[half:], part[:half]]
                else:
                    refused, reason = refused + len(part), error
        if refused:
            self._refused_count += refused
            _LOGGER.error("%d readings were refused and are lost", refused, exc_info=reason)
        if self._is_loss_logged and not parts:
            self._is_loss_logged = False
            _LOGGER.info("The store takes readings again")
            self._on_trouble(None)
        return tuple(reading for part in reversed(parts) for reading in part)

    def _wait_because(self, error: KamerplanterError) -> None:
        """Say once why readings wait."""
        # A backup holds writers for a while, which is nothing to worry about.
        if self._is_loss_logged or error.placeholders.get("reason") == "backup":
            return
        self._is_loss_logged = True
        if isinstance(error, UnavailableError):
            _LOGGER.warning("Readings wait, as the store does not take them: %s", error)
            self._on_trouble(error)
        else:
            # A new key or a right brings them to the server; a repair issue says so meanwhile.
            _LOGGER.warning("Readings wait, as the server refuses us: %s", error)

    async def stop(self) -> None:
        """Store what is left; nothing is stored afterwards, and what could not be is said."""
        self._is_stopped = True
        try:
            await self.flush()
        finally:
            if len(self._batch):
                _LOGGER.warning(
                    "%d readings are lost, as the store did not take them before the stop",
                    len(self._batch),
                )
