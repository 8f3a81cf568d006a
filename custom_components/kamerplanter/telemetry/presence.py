"""Tells the store which devices come and go, so that it decides by those that are there."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime

from homeassistant.core import CALLBACK_TYPE, HassJob, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.protocol import KamerplanterClient
from kamerplanter_backend.client.requests import ReportPresence
from kamerplanter_backend.client.waiting_rule import is_passing
from kamerplanter_backend.telemetry.probe.intake import ProbeIntake
from kamerplanter_backend.telemetry.probe.presence_notes import PresenceNotes
from kamerplanter_engines.errors import FutureTimeError, KamerplanterError
from kamerplanter_engines.models.presence import MOST_SAID

from .pump import FLUSH_AFTER_S, RETRY_AFTER_S, WAITS_FOR_A_PERSON

_LOGGER = logging.getLogger(__name__)


class PresenceTeller:
    """Owns the timer; what cannot be told now is told as it is then, and never queued.

    Args:
        hass: Where it runs.
        client: Takes what is told.
        flush: Stores the readings that came before: what a device said last counts.
    """

    def __init__(
        self, hass: HomeAssistant, client: KamerplanterClient, flush: Callable[[], Awaitable[None]]
    ) -> None:
        self._hass = hass
        self._client = client
        self._flush = flush
        self._lock = asyncio.Lock()
        self._job = HassJob(self._on_timer, "kamerplanter presence", cancel_on_shutdown=True)
        self._cancel_timer: CALLBACK_TYPE | None = None
        self._is_stopped = False
        self._is_clock_logged = False
        self._notes = PresenceNotes()

    @callback
    def note(self, intake: ProbeIntake, at: datetime) -> None:
        """Take in whether a device is there; the store hears of it within the second."""
        is_news = self._notes.note(intake.probe.key, at, online=intake.available)
        if is_news and self._notes.has_news:
            self._start_timer(FLUSH_AFTER_S)

    @callback
    def follow(self, intake: ProbeIntake, gone_since: datetime | None) -> bool:
        """Take over what others have heard of a device, or the store knew before we began.

        Returns:
            Whether it came or went by that.
        """
        probe = intake.probe
        is_there = self._notes.follow(probe.key, gone_since, probe.exchanged_at)
        if is_there is not None:
            intake.on_availability(online=is_there)
        self.note(intake, dt_util.utcnow())
        return is_there is not None

    @callback
    def forget(self, probe_key: str) -> None:
        """Tell nothing of a probe that is not listened to any more."""
        self._notes.forget(probe_key)

    def _start_timer(self, delay_s: float) -> None:
        if self._cancel_timer is None and not self._is_stopped:
            self._cancel_timer = async_call_later(self._hass, delay_s, self._job)

    async def _on_timer(self, _now: datetime) -> None:
        self._cancel_timer = None
        await self._tell()

    async def _tell(self) -> None:
        async with self._lock:
            await self._flush()
            while said := self._notes.take(MOST_SAID):
                untold = said
                try:
                    await self._client.call(ReportPresence(said=said))
                    untold = ()
                except KamerplanterError as error:
                    if _may_be_taken_later(error):
                        self._wait_because(error)
                        break
                    # An older server does not know of it, and goes by the age of readings.
                    _LOGGER.info("The store does not take which devices came or went: %s", error)
                    untold = ()
                finally:
                    self._notes.give_back(untold)
        if self._notes.has_news:
            self._start_timer(RETRY_AFTER_S)

    def _wait_because(self, error: KamerplanterError) -> None:
        """Say once that it waits by a clock; for other reasons readings wait, and say so."""
        if isinstance(error, FutureTimeError) and not self._is_clock_logged:
            self._is_clock_logged = True
            _LOGGER.warning("Which devices came or went waits, as a clock differs: %s", error)

    async def stop(self) -> None:
        """Tell what is left; nothing is told afterwards."""
        self._is_stopped = True
        if self._cancel_timer is not None:
            self._cancel_timer()
            self._cancel_timer = None
        if self._notes.has_news:
            await self._tell()


def _may_be_taken_later(error: KamerplanterError) -> bool:
    """Tell whether the reason passes; a clock that is ahead of an older server's does so, too."""
    return is_passing(error) or isinstance(error, (FutureTimeError, *WAITS_FOR_A_PERSON))
