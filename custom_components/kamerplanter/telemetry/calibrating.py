"""Which probes are being calibrated just now: for whoever judges readings, here and in the store.

Kept beside the entries: one that is loaded anew meanwhile must not take a buffer for the tank.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from kamerplanter_backend.client.requests import ReportSolution
from kamerplanter_backend.client.waiting_rule import is_passing
from kamerplanter_backend.telemetry.calibration.calibrating import SolutionTimes
from kamerplanter_engines.errors import KamerplanterError

from ..const import DOMAIN  # noqa: TID252 - the neighbours import alike

_LOGGER = logging.getLogger(__name__)


@dataclass(slots=True)
class _Known:
    times: SolutionTimes
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """An end must not be told before what it ends."""


_KNOWN: HassKey[dict[str, _Known]] = HassKey(f"{DOMAIN}_solution_times")


@callback
def solution_times(hass: HomeAssistant, probe_key: str) -> SolutionTimes:
    """Return when a probe was or is in a solution; the same object for all that ask."""
    return _known(hass, probe_key).times


@callback
def _known(hass: HomeAssistant, probe_key: str) -> _Known:
    return hass.data.setdefault(_KNOWN, {}).setdefault(probe_key, _Known(SolutionTimes(probe_key)))


@dataclass(frozen=True, slots=True)
class OutOfPlace:
    """Says for one dialog, or call of an action, where the probe is.

    It counts here at once. The store is told in the background, for a server that hears the probe
    by itself and for what comes late; while it does not answer it goes on here alone.
    """

    hass: HomeAssistant
    entry_id: str
    """The entry of the garden; after a restart it is still known whose dialogs were lost."""
    probe_key: str
    name: str
    """Of the dialog."""

    @callback
    def sign(self) -> None:
        """Say that the probe is in a solution, or still is."""
        self._say(SolutionTimes.sign)

    @callback
    def leave(self) -> None:
        """Say that the dialog is closed, and that nobody knows whether the probe is back."""
        self._say(SolutionTimes.leave)

    @callback
    def end(self) -> None:
        """Say that the probe is back."""
        self._say(SolutionTimes.end)

    def _say(self, said: Callable[[SolutionTimes, str, datetime], None]) -> None:
        known = _known(self.hass, self.probe_key)
        said(known.times, f"{self.entry_id}:{self.name}", dt_util.utcnow())
        if known.times.untold():
            self.hass.async_create_task(self._tell(known), "kamerplanter tells of a calibration")

    async def _tell(self, known: _Known) -> None:
        """Tell the store what it has not been told; what fails is told with the next sign."""
        async with known.lock:
            for said in known.times.untold():
                entry = self.hass.config_entries.async_get_entry(self.entry_id)
                if entry is None or entry.state is not ConfigEntryState.LOADED:
                    return
                request = ReportSolution(hold=said, said_at=dt_util.utcnow())
                try:
                    await entry.runtime_data.client.call(request)
                except KamerplanterError as error:
                    if is_passing(error):
                        _LOGGER.warning("Only this side knows of a calibration now: %s", error)
                        return
                    # An older server does not know of it, or the probe is not there any more.
                    _LOGGER.info("The store does not take when a probe is calibrated: %s", error)
                known.times.note_told(said)
