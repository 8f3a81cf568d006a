"""The step of a calibration that waits until the probe has come to rest."""

import asyncio
from datetime import timedelta
from typing import Any

from homeassistant.data_entry_flow import AbortFlow
from homeassistant.util import dt as dt_util

from ..texts import Texts  # noqa: TID252 - the neighbours import alike
from .calibrated_channel import CalibratedChannel, StepResult

LONGEST_WAIT = timedelta(minutes=5)
PAUSE_S = 1.0
"""A page that is shown anew more often than this cannot be read."""


class CalibrationWait(CalibratedChannel):
    """Waits, and shows each new number meanwhile."""

    wait_step = "calibration_steady"
    """Under which name the page is shown, and looks its header up."""
    _waiting: asyncio.Task[None] | None = None

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
        seen = self._samples(since)
        is_steady = draft.steadiness(seen).is_steady
        if is_steady or now - since >= LONGEST_WAIT:
            self._waiting = None
            return self.async_show_progress_done(next_step_id="calibration_reading")
        if self._waiting is None or self._waiting.done():
            left_s = (since + LONGEST_WAIT - now).total_seconds()
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
            | {"live": self._live_text(texts, seen), "count": str(len(seen))},
            progress_task=self._waiting,
        )

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
