"""Calibrations that were begun: what was measured is kept for a while when a dialog is closed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from homeassistant.core import HomeAssistant, callback
from homeassistant.util import dt as dt_util
from homeassistant.util.hass_dict import HassKey

from kamerplanter_backend.client.requests import Calibrate
from kamerplanter_backend.telemetry.calibration.draft import Draft
from kamerplanter_engines.models.telemetry import ChannelKind, Probe

from ..const import DOMAIN  # noqa: TID252 - the neighbours import alike

KEPT_FOR = timedelta(hours=1)
"""A dish with a solution is not measured again for one that was poured away longer ago."""


@dataclass
class OpenDraft(Draft):
    """A draft that somebody has tried to store, perhaps."""

    request: Calibrate | None = None
    """What stores it, once that was tried: trying again is the same command, and stores it once."""
    may_be_stored: bool = False
    """A try had no answer, so nobody knows."""


type _Kept = dict[tuple[str, ChannelKind], tuple[OpenDraft, datetime]]
_DRAFTS: HassKey[_Kept] = HassKey(f"{DOMAIN}_calibration_drafts")


@callback
def keep(hass: HomeAssistant, probe_key: str, draft: OpenDraft) -> None:
    """Keep what was measured so far, if anything was."""
    if draft.points:
        kept = hass.data.setdefault(_DRAFTS, {})
        kept[probe_key, draft.kind] = (draft, dt_util.utcnow())


@callback
def take(hass: HomeAssistant, probe: Probe, kind: ChannelKind) -> OpenDraft | None:
    """Take out what was kept lately of a channel, if it still fits; none = begin anew."""
    found = hass.data.get(_DRAFTS, {}).pop((probe.key, kind), None)
    if found is None or not found[0].fits(probe):
        return None
    draft, since = found
    return draft if timedelta() <= dt_util.utcnow() - since < KEPT_FOR else None
