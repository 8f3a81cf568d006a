"""The step of a calibration that waits until the probe has come to rest."""

import asyncio
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any

from homeassistant.data_entry_flow import AbortFlow
from homeassistant.util import dt as dt_util

from ..texts import Texts  # noqa: TID252 - the neighbours import alike
from .calibrated_channel import CalibratedChannel, StepResult
from .calibration_words import measured, raw_unit, with_unit

LONGEST_WAIT = timedelta(seconds=90)
"""A page that waits has no button, so it goes on by itself and asks."""
MEAN_OF = timedelta(seconds=30)
"""What a probe that trembles has shown for so long is taken together."""
PAUSE_S = 1.0
"""A page that is shown anew more often than this cannot be read."""


class CalibrationWait(CalibratedChannel):
    """Waits, and shows each new number meanwhile."""

    wait_step = "calibration_steady"
    """Under which name the page is shown, and looks its header up."""
    _waiting: asyncio.Task[None] | None = None
    _waits_until: datetime | None = None
    """When it goes on by itself; none = it does not wait."""

    async def async_step_calibration_steady(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Wait until the probe has come to rest, and show each new number meanwhile."""
        if self._waiting is not None and self._is_interrupted():
            self._waiting = None
            # Whoever waits may only be led to another step.
            return self.async_show_progress_done(next_step_id="calibration_interrupted")
        self._is_in_solution()
        draft, now = self._measured(), dt_util.utcnow()
        self._waits_since = since = self._waits_since or now
        self._waits_until = until = self._waits_until or now + LONGEST_WAIT
        seen = self._samples(since)
        is_steady = draft.steadiness(seen).is_steady
        if is_steady or now >= until:
            self._waiting = self._waits_until = None
            found = "calibration_reading" if is_steady else "calibration_unsteady"
            return self.async_show_progress_done(next_step_id=found)
        if self._waiting is None or self._waiting.done():
            left_s = (until - now).total_seconds()
            # In the background: a dialog that waits must hold up neither start nor stop.
            self._waiting = self.hass.async_create_background_task(
                self._channel_tap().async_next(pause_s=PAUSE_S, timeout_s=left_s),
                "kamerplanter waits for a steady probe",
                eager_start=False,
            )
        texts = await Texts.async_load(self.hass)
        return self.async_show_progress(
            step_id=self.wait_step,
            progress_action="calibration_steady",
            description_placeholders=await self._names()
            | {"live": self._waiting_text(texts, seen), "count": str(len(seen))},
            progress_task=self._waiting,
        )

    async def async_step_calibration_unsteady(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Ask how to go on with a probe that does not come to rest."""
        self._is_in_solution()
        seen, late = self._samples_of_solution(), self._late_numbers()
        texts, draft = await Texts.async_load(self.hass), self._measured()
        unit = raw_unit(draft.kind, draft.scale)
        trembles = ""
        if late:
            mean, spread = fmean(late), max(late) - min(late)
            trembles = texts.choice(
                "calibration_live",
                "mean",
                value=measured(texts, mean, unit),
                spread=with_unit(texts, spread, unit),
            )
        return self.async_show_menu(
            step_id="calibration_unsteady",
            menu_options=[
                "calibration_steady",
                "calibration_mean" if late else "calibration_reading",
                "calibration_solution",
            ],
            description_placeholders=await self._names()
            | {"live": self._live_text(texts, seen), "mean": trembles},
        )

    async def async_step_calibration_mean(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Take what the probe showed lately together, to be agreed with."""
        if late := self._late_numbers():
            self._mean = fmean(late)
        return await self.async_step_calibration_reading()

    def _late_numbers(self) -> list[float]:
        """Return what came in this solution within the last half minute, or the newest at least."""
        seen, since = self._samples_of_solution(), dt_util.utcnow() - MEAN_OF
        return [item.raw for item in seen if item.at > since] or [item.raw for item in seen[-1:]]

    async def async_step_calibration_interrupted(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """End, as the garden was unloaded meanwhile: nobody knows what came in since."""
        return self.async_abort(reason="calibration_interrupted")

    def _is_interrupted(self) -> bool:
        try:
            return self._tap is None or not self._tap.is_of(self.entry) or self._tap.is_ended
        except AbortFlow:
            return True
