"""Which probes are being calibrated just now, known to the dialogs and to whoever judges readings.

Kept beside the entries: one that is loaded anew meanwhile must not take a buffer for the tank.
"""

from homeassistant.core import HomeAssistant, callback
from homeassistant.util.hass_dict import HassKey

from kamerplanter_backend.telemetry.calibrating import SolutionTimes

from ..const import DOMAIN  # noqa: TID252 - the neighbours import alike

_TIMES: HassKey[dict[str, SolutionTimes]] = HassKey(f"{DOMAIN}_solution_times")


@callback
def solution_times(hass: HomeAssistant, probe_key: str) -> SolutionTimes:
    """Return when a probe was or is in a solution; the same object for all that ask."""
    return hass.data.setdefault(_TIMES, {}).setdefault(probe_key, SolutionTimes())
