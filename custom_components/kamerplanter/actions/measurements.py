"""Measurements by hand, beside what the probes of the place show."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonValueType

from kamerplanter_backend.client.protocol import Caller
from kamerplanter_backend.client.requests import ListMeasurements, LogMeasurement, RemoveMeasurement
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.hand_measurement import (
    Comparison,
    HandMeasurement,
    HandMeasurementFields,
)
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.units import KNOWN_UNITS

from ..numbers import ActionNumber  # noqa: TID252 - the neighbours import alike
from ..queued import call_or_queue  # noqa: TID252
from ..schema import vol  # noqa: TID252
from ..subjects import SubjectKind  # noqa: TID252
from ..targets import Target, targets_of  # noqa: TID252
from .job import PAST, QUEUED, Answer, Data, iso, past

PLACES = frozenset({SubjectKind.TANK, SubjectKind.PLANT})
KIND = vol.Coerce(ChannelKind)

LOG_MEASUREMENT_SCHEMA = vol.Schema(
    {
        **cv.ENTITY_SERVICE_FIELDS,
        vol.Required("kind"): KIND,
        vol.Required("value"): ActionNumber("value"),
        vol.Optional("unit"): cv.string,
        vol.Optional("temperature_c"): ActionNumber("temperature_c"),
        vol.Optional("compensated", default=True): cv.boolean,
        **PAST,
    }
)

REMOVE_MEASUREMENT_SCHEMA = vol.Schema(
    {**cv.ENTITY_SERVICE_FIELDS, vol.Required("kind"): KIND, vol.Optional("at"): cv.datetime}
)


async def log_measurement(hass: HomeAssistant, data: Data, caller: Caller) -> Answer:
    """Keep what was measured by hand; answer its verdict, and how far the probes are from it.

    Raises:
        NotFoundError: The tank or plant does not exist (any more).
        InvalidInputError: Not just one tank or plant was chosen, the kind is not measured there,
            or a value or unit cannot be.
        FutureTimeError: It lies in the future.
    """
    target = one_target(targets_of(hass, data, PLACES), "tank or plant")
    key, is_tank = target.subject.key, target.subject.kind is SubjectKind.TANK
    fields = HandMeasurementFields(
        tank_key=key if is_tank else None,
        plant_key=None if is_tank else key,
        kind=data["kind"],
        value=data["value"],
        unit=data.get("unit") or _unit_of_house(hass, data["kind"]),
        temperature_c=data.get("temperature_c"),
        compensated=data["compensated"],
        at=past(data),
        note=data.get("note"),
    )
    runtime = target.entry.runtime_data
    kept = await call_or_queue(runtime.client, LogMeasurement(fields=fields), caller)
    if kept is None:
        return dict(QUEUED)
    await runtime.coordinator.async_refresh()
    garden = runtime.coordinator.data
    return {
        "measurement_id": kept.key,
        "kind": kept.kind,
        "value": kept.value,
        "unit": kept.unit,
        "at": iso(kept.measured_at),
        "verdict": kept.verdict,
        "reasons": list(kept.reasons),
        "probes": [_comparison(garden, item, kept.unit) for item in kept.comparisons],
    }


def _unit_of_house(hass: HomeAssistant, kind: ChannelKind) -> str | None:
    """Return the unit of a number that comes without one; none = the canonical one.

    Source: the project's decisions (the user sees the units that Home Assistant is set to).
    """
    unit = hass.config.units.temperature_unit
    return unit if unit in KNOWN_UNITS[kind][1:] else None


async def remove_measurement(hass: HomeAssistant, data: Data, caller: Caller) -> Answer:
    """Take a wrong measurement by hand out, the newest or one of a time; answer what it was.

    Raises:
        NotFoundError: The tank or plant does not exist (any more).
        InvalidInputError: Not just one tank or plant was chosen, or there is none of that kind and
            time.
        ForbiddenError: Somebody else wrote it.
        UnavailableError: The server is away, for which a removal does not wait.
    """
    target = one_target(targets_of(hass, data, PLACES), "tank or plant")
    key, is_tank = target.subject.key, target.subject.kind is SubjectKind.TANK
    runtime = target.entry.runtime_data
    listed = await runtime.client.call(
        ListMeasurements(tank_key=key if is_tank else None, plant_key=None if is_tank else key),
        caller,
    )
    gone = _of_time(listed, data["kind"], past(data) if "at" in data else None)
    await runtime.client.call(RemoveMeasurement(key=gone.key), caller)
    await runtime.coordinator.async_refresh()
    return {
        "measurement_id": gone.key,
        "kind": gone.kind,
        "value": gone.value,
        "unit": gone.unit,
        "at": iso(gone.measured_at),
        "note": gone.note,
    }


def _of_time(
    listed: Iterable[HandMeasurement], kind: ChannelKind, at: datetime | None
) -> HandMeasurement:
    """Return the newest measurement of a kind, or the one that is nearest to a moment.

    Raises:
        InvalidInputError: There is none, or none within a minute of it.
    """
    found = [item for item in listed if item.kind is kind]
    if at is not None:
        # People read and enter whole minutes.
        found = [item for item in found if abs(item.measured_at - at) <= timedelta(minutes=1)]
        found.sort(key=lambda item: abs(item.measured_at - at))
    if not found:
        raise InvalidInputError(
            f"No measurement by hand of {kind} is on record there at that time.",
            field="kind",
            problem="no_measurement",
            value=kind,
        )
    return found[0]


def _comparison(
    garden: GardenSnapshot, item: Comparison, unit: str | None
) -> dict[str, JsonValueType]:
    view = garden.probe(item.probe_key)
    return {
        "probe": None if view is None else view.probe.name,
        "probe_id": item.probe_key,
        "value": item.value,
        "unit": unit,
        "difference": item.difference,
    }


def one_target(targets: list[Target], what: str) -> Target:
    """Return the one thing that a call is about.

    Raises:
        InvalidInputError: There is none, or more than one.
    """
    if len(targets) != 1:
        raise InvalidInputError(
            f"{len(targets)} targets were chosen; choose one {what} for each call.",
            field="target",
            value=len(targets),
            allowed=1,
        )
    return targets[0]
