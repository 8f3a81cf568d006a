"""Probes: calibrated, replaced, and what is on record of it."""

from typing import Any
from uuid import uuid4

from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.calibrate_request import calibrate_request
from kamerplanter_backend.client.protocol import Caller
from kamerplanter_backend.client.requests import (
    ListCalibrations,
    ReplaceProbe,
    WithdrawCalibration,
)
from kamerplanter_backend.client.views import ProbeView
from kamerplanter_backend.client.wire import CLOSED
from kamerplanter_backend.common.exceptions import NotFoundError, UnavailableError
from kamerplanter_engines.errors import InvalidInputError, KamerplanterError
from kamerplanter_engines.models.calibration import (
    Calibration,
    CalibrationFields,
    CalibrationPoint,
    CalibrationStatus,
    RawScale,
)
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Reason
from kamerplanter_engines.units import to_canonical

from ..channel_tap import ChannelTap  # noqa: TID252 - the neighbours import alike
from ..coordinator import KamerplanterConfigEntry  # noqa: TID252
from ..errors import moment_in  # noqa: TID252
from ..flows.calibration_words import raw_unit, reference_unit  # noqa: TID252
from ..numbers import ActionNumber  # noqa: TID252
from ..schema import vol  # noqa: TID252
from ..subjects import SubjectKind, name_of  # noqa: TID252
from ..targets import Target, loaded_entries, targets_of  # noqa: TID252
from ..telemetry.calibrating import OutOfPlace  # noqa: TID252
from .job import PAST, REASON, Answer, Data, iso, past
from .measurements import KIND, one_target

PROBES = frozenset({SubjectKind.PROBE, SubjectKind.TANK, SubjectKind.LOCATION})
LIVE_WITHIN_S = 60.0
"""Whoever reports more rarely is asked to say what the probe shows."""

_POINT = vol.Schema(
    {
        vol.Required("reference"): ActionNumber("reference"),
        vol.Optional("raw"): ActionNumber("raw"),
        vol.Optional("temperature_c"): ActionNumber("temperature_c"),
    }
)
CALIBRATE_SCHEMA = vol.Schema(
    {
        **cv.ENTITY_SERVICE_FIELDS,
        vol.Required("kind"): KIND,
        vol.Required("points"): vol.All(cv.ensure_list, vol.Length(min=1, max=3), [_POINT]),
        vol.Optional("unit"): cv.string,
        vol.Optional("scale", default=RawScale.VALUE): vol.Coerce(RawScale),
        vol.Optional("at"): cv.datetime,
    }
)
REPLACE_PROBE_SCHEMA = vol.Schema({**cv.ENTITY_SERVICE_FIELDS, **PAST})
LIST_CALIBRATIONS_SCHEMA = vol.Schema(cv.ENTITY_SERVICE_FIELDS)
WITHDRAW_CALIBRATION_SCHEMA = vol.Schema(
    {vol.Required("calibration_id"): cv.string, vol.Required("reason"): REASON}
)


async def calibrate(hass: HomeAssistant, data: Data, caller: Caller) -> Answer:
    """Put a channel right by what it shows in known solutions; answer what follows.

    Raises:
        NotFoundError: The probe does not exist (any more).
        InvalidInputError: The points make no calibration, a unit does not fit, or there is no
            reading to take.
        UnavailableError: The server is away, for which a calibration does not wait, or the garden
            was unloaded before a reading came.
    """
    kind: ChannelKind = data["kind"]
    entry, view = _probe(hass, data, kind)
    points = []
    for point in data["points"]:
        raw = point.get("raw")
        if raw is None:
            raw = await _live_raw(hass, entry, view, kind, count=len(data["points"]))
        elif data["scale"] is RawScale.VALUE:
            raw = to_canonical(kind, raw, data.get("unit"))
        points.append(
            CalibrationPoint(
                raw=raw,
                value=to_canonical(kind, point["reference"], data.get("unit")),
                temperature_c=point.get("temperature_c"),
            )
        )
    fields = CalibrationFields(
        kind=kind,
        points=tuple(points),
        scale=data["scale"],
        at=past(data) if "at" in data else None,
    )
    shown = entry.runtime_data.live.raw(view.probe.key, kind)
    request = calibrate_request(view, fields, shown, dt_util.utcnow())
    done = await entry.runtime_data.client.call(request, caller)
    await entry.runtime_data.coordinator.async_refresh()
    return {"probe": view.probe.name, "probe_id": view.probe.key, **_calibration(done)}


async def _live_raw(
    hass: HomeAssistant,
    entry: KamerplanterConfigEntry,
    view: ProbeView,
    kind: ChannelKind,
    *,
    count: int,
) -> float:
    """Return the next number of a channel, without the calibration in force."""
    if count > 1:
        raise InvalidInputError(
            "The live value is that of one solution; say for each point what the probe showed.",
            field="raw",
            value="",
        )
    binding = view.probe.binding(kind)
    if binding is None:
        raise _not_measured(view, kind)
    tap, since = ChannelTap(entry, view.probe.key, binding), dt_util.utcnow()
    out = OutOfPlace(hass, entry.entry_id, view.probe.key, uuid4().hex)
    out.sign()
    try:
        await tap.async_next(pause_s=0, timeout_s=LIVE_WITHIN_S)
        seen, is_ended = tap.samples(since), tap.is_ended
    finally:
        # It lies in the solution still, and a call can ask nobody to say when it is back.
        out.leave()
        tap.close()
    if is_ended:
        raise UnavailableError("The garden was unloaded meanwhile.", reason=CLOSED)
    if not seen:
        raise _silent(hass, entry, view, binding)
    return seen[-1].raw


def _silent(
    hass: HomeAssistant, entry: KamerplanterConfigEntry, view: ProbeView, binding: ChannelBinding
) -> InvalidInputError:
    """Return that no reading came, and why, as far as that is known."""
    live, name = entry.runtime_data.live, view.probe.name
    quality, reports = live.quality(view.probe.key), live.reports(view.probe.key)
    source = binding.topic or binding.entity_id
    heard_at = None if reports is None or source is None else reports.heard_at(source)
    last = "–" if heard_at is None else moment_in(hass.config.language, heard_at)
    if quality is not None and Reason.OFFLINE in quality.reasons:
        problem, why = "no_live_offline", "its device says that it is offline"
    elif binding.topic is not None and not live.is_connected:
        problem, why = "no_live_broker", "there is no connection to the broker"
    else:
        problem, why = "no_live_silent", f"the last one came at {last}"
    return InvalidInputError(
        f"Probe {name} sent no reading within {LIVE_WITHIN_S:g} s: {why}; say what it shows.",
        field="raw",
        problem=problem,
        found=name,
        limit=f"{LIVE_WITHIN_S:g}",
        date=last,
    )


async def replace_probe(hass: HomeAssistant, data: Data, caller: Caller) -> Answer:
    """Say that the device behind a probe was exchanged; entities and history stay.

    Raises:
        NotFoundError: The probe does not exist (any more).
        FutureTimeError: It lies in the future.
        UnavailableError: The server is away; it does not wait for it.
    """
    entry, view = _probe(hass, data, None)
    request = ReplaceProbe(probe_key=view.probe.key, at=past(data), note=data.get("note"))
    probe = await entry.runtime_data.client.call(request, caller)
    await entry.runtime_data.coordinator.async_refresh()
    return {
        "probe": probe.name,
        "probe_id": probe.key,
        "replaced_at": [item.at.isoformat() for item in probe.replacements],
    }


async def list_calibrations(hass: HomeAssistant, data: Data, caller: Caller) -> Answer:
    """Answer the calibrations of a probe, newest first, and how old they are.

    Raises:
        NotFoundError: The probe does not exist (any more).
    """
    entry, view = _probe(hass, data, None)
    known = await entry.runtime_data.client.call(ListCalibrations(probe_key=view.probe.key), caller)
    return {
        "probe": view.probe.name,
        "probe_id": view.probe.key,
        "channels": [_status(item) for item in known.statuses],
        "calibrations": [_calibration(item) for item in known.calibrations],
    }


async def withdraw_calibration(hass: HomeAssistant, data: Data, caller: Caller) -> Answer:
    """Take a wrong calibration out of force; it stays on record.

    Raises:
        NotFoundError: No garden that is loaded has it.
        ForbiddenError: The caller may not.
        UnavailableError: No garden that answers has it, and one does not answer.
    """
    request = WithdrawCalibration(key=data["calibration_id"], reason=data["reason"])
    trouble: KamerplanterError | None = None
    for entry in loaded_entries(hass):
        try:
            done = await entry.runtime_data.client.call(request, caller)
        except NotFoundError:
            continue
        except KamerplanterError as error:
            # Another garden may have it; only if none has, this one matters.
            trouble = trouble or error
            continue
        await entry.runtime_data.coordinator.async_refresh()
        return {"probe_id": done.probe_key, **_calibration(done)}
    raise trouble or NotFoundError(
        f"Calibration {request.key} does not exist.",
        field="calibration_id",
        kind="calibration",
        key=request.key,
    )


def _probe(
    hass: HomeAssistant, data: Data, kind: ChannelKind | None
) -> tuple[KamerplanterConfigEntry, ProbeView]:
    """Return the one probe that a call is about; where it measures may stand for it.

    The probe that came with a tank or place has no device but theirs, so that means it also where
    others measure there.

    Raises:
        InvalidInputError: It is not clear which one.
    """
    target = one_target(targets_of(hass, data, PROBES), "probe")
    coordinator = target.entry.runtime_data.coordinator
    keys = coordinator.probe_keys(target.subject, kind)
    own = coordinator.own_probe(target.subject)
    if own is not None and own.key in keys:
        keys = (own.key,)
    if target.subject.kind is not SubjectKind.PROBE and len(keys) > 1:
        raise InvalidInputError(
            f"{len(keys)} probes measure there; choose the device of one of them as target.",
            field="target",
            value=len(keys),
            problem="several_probes",
        )
    view = coordinator.data.probe(keys[0]) if keys else None
    if view is None:
        raise _no_probe(target, kind)
    return target.entry, view


def _no_probe(target: Target, kind: ChannelKind | None) -> KamerplanterError:
    """Return that there is no such probe, in the words of what was chosen."""
    found = target.view
    if found is None:
        key = target.subject.key
        return NotFoundError(
            f"{key} is not in this garden.", field="target", kind=target.subject.kind, key=key
        )
    if isinstance(found, ProbeView) and kind is not None:
        return _not_measured(found, kind)
    name = name_of(found)
    if kind is None:
        return InvalidInputError(
            f"{name} has no probe.", field="target", problem="no_probe", found=name
        )
    return InvalidInputError(
        f"{name} has no probe that measures {kind}.",
        field="kind",
        value=kind,
        problem="no_probe_of_kind",
        found=name,
    )


def _not_measured(view: ProbeView, kind: ChannelKind) -> InvalidInputError:
    known = ", ".join(channel.kind for channel in view.probe.channels)
    return InvalidInputError(
        f"Probe {view.probe.name} does not measure {kind}; its channels: {known}.",
        field="kind",
        value=kind,
        allowed=known,
    )


def _calibration(item: Calibration) -> dict[str, Any]:
    """Return a calibration with the units of its numbers; soil probes show plain ones.

    `unit` is that of `reference` and `offset`, `raw_unit` that of `raw`.
    """
    fitted = item.fit
    return {
        "calibration_id": item.key,
        "kind": item.kind,
        "at": item.done_at.isoformat(),
        "unit": reference_unit(item.kind),
        "raw_unit": raw_unit(item.kind, item.scale),
        "factor": fitted.factor,
        "offset": fitted.offset,
        "slope_mv_ph": fitted.slope_mv_ph,
        "zero_shift": fitted.zero_shift,
        "efficiency_percent": (
            None if fitted.efficiency_ratio is None else round(100 * fitted.efficiency_ratio, 1)
        ),
        "verdict": "doubtful" if fitted.warnings else "good",
        "warnings": list(fitted.warnings),
        "points": [
            {"raw": point.raw, "reference": point.value, "temperature_c": point.temperature_c}
            for point in item.points
        ],
        "withdrawn_at": iso(item.withdrawn_at),
        "withdrawn_reason": item.withdrawn_reason,
        "replaced_at": iso(item.replaced_at),
    }


def _status(item: CalibrationStatus) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "state": item.state,
        "done_at": iso(item.done_at),
        "due_at": iso(item.due_at),
        "expires_at": iso(item.expires_at),
        "may_dose": item.may_dose,
    }
