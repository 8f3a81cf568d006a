"""How often an entity is written when its source sends faster than anybody reads."""

from collections.abc import Callable
from datetime import datetime

from homeassistant.core import CALLBACK_TYPE, HassJob, HassJobType, HomeAssistant, callback
from homeassistant.helpers.event import async_call_later

BURST = 10
"""So many writes are done at once, also if all come in the same moment."""
EACH_S = 0.5
"""After these two writes a second: a value has to be on the screen within a second of its message,
and half of that belongs to the way from the broker and to a machine that is busy."""


class PacedWrites:
    """Writes at once as long as there is a pace that one can follow, and else the newest in time.

    It goes by the clock of the loop, which nobody sets in a house that runs. One moment is all that
    it remembers: when nothing that was written counts any more. Each write moves it on by a pause.

    Args:
        hass: The house whose loop carries the timer.
        write: Writes what is to be shown at that moment.
        burst: So many writes are done without a pause.
    """

    def __init__(
        self, hass: HomeAssistant, write: Callable[[], None], *, burst: int = BURST
    ) -> None:
        self._hass = hass
        self._write = write
        self._burst_s = burst * EACH_S
        self._rested_at = 0.0
        self._job = HassJob(
            self._on_timer,
            "kamerplanter paced write",
            cancel_on_shutdown=True,
            job_type=HassJobType.Callback,
        )
        self._cancel: CALLBACK_TYPE | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether a write was put off, and comes within half a second."""
        return self._cancel is not None

    @callback
    def soon(self) -> None:
        """Write at once or, if too much has been written lately, after half a second at most."""
        if self.is_waiting:
            return
        wait_s = self._rested_at + EACH_S - self._burst_s - self._hass.loop.time()
        # It is never more than one pause, except where the clock of the loop was changed after all.
        if 0 < wait_s < 2 * EACH_S:
            self._cancel = async_call_later(self._hass, wait_s, self._job)
        else:
            self.now()

    @callback
    def now(self) -> None:
        """Write at once, whatever has been written lately."""
        self.stop()
        now = self._hass.loop.time()
        # What could not wait comes on top of the burst, and puts nothing off for longer.
        self._rested_at = min(max(self._rested_at, now) + EACH_S, now + self._burst_s)
        self._write()

    @callback
    def stop(self) -> None:
        """Put nothing off any more."""
        if self._cancel is not None:
            self._cancel()
            self._cancel = None

    @callback
    def _on_timer(self, _now: datetime) -> None:
        self._cancel = None
        self.now()
