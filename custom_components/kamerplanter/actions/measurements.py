"""Measurements by hand, beside what the probes of the place show."""

from homeassistant.core import HomeAssistant
from homeassistant.helpers import config_validation as cv
from homeassistant.util.json import JsonValueType

from kamerplanter_backend.client.protocol import Caller
from kamerplanter_backend.client.requests import LogMeasurement
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.hand_measurement import Comparison, HandMeasurementFields
from kamerplanter_engines.models.telemetry import ChannelKind

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
        unit=data.get("unit"),
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
