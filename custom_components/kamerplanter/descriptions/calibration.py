"""Entities about the calibration of a probe."""

from datetime import datetime

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import PERCENTAGE, EntityCategory

from kamerplanter_backend.client.views import ProbeView
from kamerplanter_engines.models.calibration import DRIFTING_KINDS, CalibrationState
from kamerplanter_engines.models.telemetry import ChannelKind

from ..platform_setup import is_bound  # noqa: TID252 - the tables import alike
from .rows import Attributes, ProbeBinary, ProbeSensor

DRIFTED = "drifted"
"""A measurement by hand speaks against the probe, however old its calibration is."""
_LOST = frozenset(
    {CalibrationState.REPLACED, CalibrationState.REMAPPED, CalibrationState.WITHDRAWN}
)


def _drifts(_view: object, kinds: frozenset[ChannelKind]) -> bool:
    return not DRIFTING_KINDS.isdisjoint(kinds)


def _last_done_at(view: ProbeView) -> datetime | None:
    done = (item.done_at for item in view.calibration_statuses)
    return max((moment for moment in done if moment is not None), default=None)


def _slope_pct(view: ProbeView) -> float | None:
    """Return the weakest piece of a pH electrode against an ideal one, in percent."""
    of_device = (item for item in view.calibrations if item.replaced_at is None)
    newest = next((item for item in of_device if item.kind is ChannelKind.PH), None)
    ratio = None if newest is None else newest.fit.efficiency_ratio
    return None if ratio is None else ratio * 100


def _is_due(view: ProbeView) -> bool | None:
    return view.should_be_calibrated


def _channels(view: ProbeView) -> Attributes:
    """Return how it stands with each channel, one attribute for each thing, as people read it."""
    told: Attributes = {}
    for item in view.calibration_statuses:
        if item.state is CalibrationState.NOT_NEEDED:
            continue
        told[item.kind.value] = item.state
        for name in ("done_at", "due_at", "expires_at"):
            if (moment := getattr(item, name)) is not None:
                told[f"{item.kind}_{name}"] = moment
    for drift in view.drifts:
        # One that counts no more is told as that: what it differs by says nothing then.
        if drift.drifted and told.get(drift.kind.value) not in _LOST:
            told[drift.kind.value] = DRIFTED
    return told


CALIBRATION_SENSORS = (
    ProbeSensor(
        key="last_calibration",
        device_class=SensorDeviceClass.TIMESTAMP,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=_last_done_at,
        exists_fn=_drifts,
    ),
    ProbeSensor(
        key="slope",
        native_unit_of_measurement=PERCENTAGE,
        suggested_display_precision=0,
        state_class=SensorStateClass.MEASUREMENT,
        entity_category=EntityCategory.DIAGNOSTIC,
        entity_registry_enabled_default=False,
        value_fn=_slope_pct,
        exists_fn=is_bound(ChannelKind.PH),
    ),
)
CALIBRATION_DUE = ProbeBinary(
    key="calibration_due",
    device_class=BinarySensorDeviceClass.PROBLEM,
    entity_category=EntityCategory.DIAGNOSTIC,
    is_on_fn=_is_due,
    attributes_fn=_channels,
    exists_fn=_drifts,
)
