"""Entities of a plant."""

from datetime import datetime, timedelta
from typing import Any

from homeassistant.components.binary_sensor import BinarySensorDeviceClass
from homeassistant.components.sensor import SensorDeviceClass, SensorStateClass
from homeassistant.const import UnitOfTime

from kamerplanter_backend.client.protocol import Command
from kamerplanter_backend.client.requests import LogWatering
from kamerplanter_backend.client.views import PlantView
from kamerplanter_engines.models.irrigation import WateringFields
from kamerplanter_engines.models.telemetry import ChannelKind

from .rows import Attributes, CommandButton, ViewBinary, ViewSensor


def _has_karenz(view: PlantView, _kinds: frozenset[ChannelKind]) -> bool:
    """Tell whether harvest matters: the plant is eaten, or something was applied to it."""
    return view.edible or view.has_treatment


def _karenz(view: PlantView) -> Attributes:
    first = view.blockers[0] if view.blockers else None
    return {
        "product": None if first is None else first.product,
        "ingredient": None if first is None else first.ingredient,
        "safe_date": None if first is None else first.safe_on,
        "treatment_id": None if first is None else first.treatment_key,
    }


PERMISSION_LASTS = timedelta(minutes=15)
"""Somebody else may have treated the plant since the server was heard last."""


def _forbidden_for_ever(view: PlantView) -> timedelta | None:
    """Return that what forbids a harvest stays, and what permits it does not last."""
    return PERMISSION_LASTS if view.harvest_allowed else None


def _water_now(view: PlantView, at: datetime) -> Command[Any]:
    return LogWatering(plant_keys=(view.plant.key,), fields=WateringFields(at=at))


PLANT_SENSORS = (
    ViewSensor[PlantView](
        key="phase",
        device_class=SensorDeviceClass.ENUM,
        value_fn=lambda view: view.phase.phase,
        options_fn=lambda view: list(dict.fromkeys((*view.phases, view.phase.phase))),
        attributes_fn=lambda view: {"next_phase": view.next_phase},
    ),
    ViewSensor[PlantView](
        key="days_in_phase",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.DAYS,
        suggested_display_precision=0,
        state_class=SensorStateClass.MEASUREMENT,
        value_fn=lambda view: view.days_in_phase,
    ),
    ViewSensor[PlantView](
        key="phase_started",
        device_class=SensorDeviceClass.DATE,
        entity_registry_enabled_default=False,
        value_fn=lambda view: view.phase_started_on,
    ),
    ViewSensor[PlantView](
        key="next_phase_date",
        device_class=SensorDeviceClass.DATE,
        entity_registry_enabled_default=False,
        value_fn=lambda view: view.next_phase_on,
    ),
    ViewSensor[PlantView](
        key="next_watering",
        device_class=SensorDeviceClass.DATE,
        value_fn=lambda view: view.next_watering_on,
        attributes_fn=lambda view: {"last_watered": view.last_watered_on},
    ),
    ViewSensor[PlantView](
        key="next_fertilising",
        device_class=SensorDeviceClass.DATE,
        entity_registry_enabled_default=False,
        value_fn=lambda view: view.next_fertilising_on,
    ),
    ViewSensor[PlantView](
        key="safe_harvest_date",
        device_class=SensorDeviceClass.DATE,
        value_fn=lambda view: view.safe_harvest_on,
        lasts_fn=_forbidden_for_ever,
        exists_fn=_has_karenz,
    ),
    ViewSensor[PlantView](
        key="karenz_days_left",
        device_class=SensorDeviceClass.DURATION,
        native_unit_of_measurement=UnitOfTime.DAYS,
        suggested_display_precision=0,
        state_class=SensorStateClass.MEASUREMENT,
        entity_registry_enabled_default=False,
        value_fn=lambda view: view.karenz_days_left,
        lasts_fn=_forbidden_for_ever,
        exists_fn=_has_karenz,
    ),
)

PLANT_BINARY_SENSORS = (
    # Not of class "safety": there, on would mean unsafe hardware.
    ViewBinary[PlantView](
        key="karenz_active",
        is_on_fn=lambda view: view.karenz_active,
        attributes_fn=_karenz,
        lasts_fn=_forbidden_for_ever,
        exists_fn=_has_karenz,
    ),
    ViewBinary[PlantView](
        key="harvest_allowed",
        is_on_fn=lambda view: view.harvest_allowed,
        lasts_fn=_forbidden_for_ever,
        exists_fn=_has_karenz,
    ),
    ViewBinary[PlantView](
        key="needs_attention",
        device_class=BinarySensorDeviceClass.PROBLEM,
        is_on_fn=lambda view: view.needs_attention,
        attributes_fn=lambda view: {"reasons": list(view.attention_reasons)},
    ),
)

PLANT_BUTTONS = (CommandButton[PlantView](key="mark_watered", command_fn=_water_now),)
