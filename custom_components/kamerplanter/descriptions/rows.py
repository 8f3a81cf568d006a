"""The types of rows: one for each platform and way of reading."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from homeassistant.components.binary_sensor import BinarySensorEntityDescription
from homeassistant.components.button import ButtonEntityDescription
from homeassistant.components.sensor import SensorEntityDescription
from homeassistant.helpers.entity import EntityDescription

from kamerplanter_backend.client.protocol import Command
from kamerplanter_backend.client.views import DailyClimateView, LocationView, ProbeView
from kamerplanter_backend.telemetry.probe.climate import AirState
from kamerplanter_engines.models.telemetry import ChannelKind

from ..platform_setup import OfDevice, always  # noqa: TID252 - the tables import alike
from ..server_client import ServerClient  # noqa: TID252

type Attributes = dict[str, object]
type Exists[V] = Callable[[V, frozenset[ChannelKind]], bool]


LASTS = timedelta(days=1)
"""What a garden plans does not change by the hour, and what is due tomorrow is another thing."""


def a_day(_view: object) -> timedelta | None:
    """Return how long most things are shown while a server does not answer."""
    return LASTS


def for_ever(_view: object) -> timedelta | None:
    """Return that something is shown whether or not the server answers."""
    return None


def has_device(_view: object, kinds: frozenset[ChannelKind]) -> bool:
    """Tell that a probe has its device here: it measures something."""
    return bool(kinds)


def no_attributes(_view: object) -> None:
    """Return that a row has no attributes of its own."""


@dataclass(frozen=True, kw_only=True)
class ViewSensor[V](SensorEntityDescription):
    """A sensor that shows an attribute of a view."""

    value_fn: Callable[[V], str | float | date | datetime | None]
    options_fn: Callable[[V], list[str]] | None = None
    attributes_fn: Callable[[V], Attributes | None] = no_attributes
    lasts_fn: Callable[[V], timedelta | None] = a_day
    exists_fn: Exists[V] = always


@dataclass(frozen=True, kw_only=True)
class ChannelSensor[V](SensorEntityDescription):
    """A sensor that shows a live value, as soon as it arrives."""

    channel: ChannelKind
    shown_fn: Callable[[float, V], float] = lambda value, _view: value
    """From the canonical value of the channel to the state."""
    is_derived: bool = False
    """It says in another unit what another sensor says: of many values in a second one is enough.
    """
    exists_fn: Exists[V]
    attributes_fn: Callable[[V], Attributes | None] = no_attributes
    lasts_fn: Callable[[V], timedelta | None] = a_day


@dataclass(frozen=True, kw_only=True)
class ClimateSensor(SensorEntityDescription):
    """A sensor that shows what live values of a place mean together, as soon as they arrive."""

    value_fn: Callable[[AirState], float | None]
    told_fn: Callable[[AirState], Attributes] = lambda _air: {}
    """From what is shown to attributes beside the state."""
    has_leaf: bool = False
    """It is about the leaf, so that its temperature or the light on it counts too."""
    exists_fn: Exists[object]
    attributes_fn: Callable[[object], Attributes | None] = no_attributes
    lasts_fn: Callable[[object], timedelta | None] = a_day


@dataclass(frozen=True, kw_only=True)
class DaySensor(SensorEntityDescription):
    """A sensor that shows what a day of a place has come to."""

    day_fn: Callable[[LocationView], DailyClimateView | None] = lambda view: view.today
    """Which day: the present one, so far, unless another is named."""
    value_fn: Callable[[DailyClimateView], float | None]
    told_fn: Callable[[DailyClimateView], Attributes]
    """From the day to attributes beside the state."""
    exists_fn: Exists[object]
    attributes_fn: Callable[[object], Attributes | None] = no_attributes
    lasts_fn: Callable[[object], timedelta | None] = a_day


@dataclass(frozen=True, kw_only=True)
class QualitySensor(SensorEntityDescription):
    """A sensor that says how far the worst channel is to be trusted."""

    exists_fn: Exists[object]
    attributes_fn: Callable[[object], Attributes | None] = no_attributes
    lasts_fn: Callable[[object], timedelta | None] = a_day


@dataclass(frozen=True, kw_only=True)
class ChannelQualitySensor(QualitySensor):
    """A sensor that says how far one channel is to be trusted."""

    channel: ChannelKind


@dataclass(frozen=True, kw_only=True)
class DeviceChannelSensor(OfDevice, ChannelSensor[Any]):
    """A sensor that shows what a probe says about itself."""


@dataclass(frozen=True, kw_only=True)
class RawSensor(OfDevice, SensorEntityDescription):
    """A sensor that shows what a probe sent, before it was put right or judged."""

    channel: ChannelKind
    exists_fn: Exists[object]
    attributes_fn: Callable[[object], Attributes | None] = no_attributes
    lasts_fn: Callable[[object], timedelta | None] = a_day


@dataclass(frozen=True, kw_only=True)
class IntervalSensor(OfDevice, SensorEntityDescription):
    """A sensor that says how often a probe reports."""

    exists_fn: Exists[object] = has_device
    attributes_fn: Callable[[object], Attributes | None] = no_attributes
    lasts_fn: Callable[[object], timedelta | None] = a_day


@dataclass(frozen=True, kw_only=True)
class ProbeSensor(OfDevice, SensorEntityDescription):
    """A sensor that shows what the snapshot says about a probe."""

    value_fn: Callable[[ProbeView], float | datetime | None]
    exists_fn: Exists[object]
    attributes_fn: Callable[[ProbeView], Attributes | None] = no_attributes
    lasts_fn: Callable[[object], timedelta | None] = a_day


@dataclass(frozen=True, kw_only=True)
class ProbeBinary(OfDevice, BinarySensorEntityDescription):
    """A binary sensor that shows what the snapshot says about a probe."""

    is_on_fn: Callable[[ProbeView], bool | None]
    exists_fn: Exists[object]
    attributes_fn: Callable[[ProbeView], Attributes | None] = no_attributes
    lasts_fn: Callable[[object], timedelta | None] = a_day


@dataclass(frozen=True, kw_only=True)
class LastSeenSensor(OfDevice, SensorEntityDescription):
    """A sensor that says when the newest good value was measured."""

    exists_fn: Exists[object] = has_device
    attributes_fn: Callable[[object], Attributes | None] = no_attributes
    lasts_fn: Callable[[object], timedelta | None] = a_day


@dataclass(frozen=True, kw_only=True)
class ViewBinary[V](BinarySensorEntityDescription):
    """A binary sensor that shows an attribute of a view."""

    is_on_fn: Callable[[V], bool | None]
    attributes_fn: Callable[[V], Attributes | None] = no_attributes
    lasts_fn: Callable[[V], timedelta | None] = a_day
    exists_fn: Exists[V] = always


@dataclass(frozen=True, kw_only=True)
class CommandButton[V](ButtonEntityDescription):
    """A button that does one thing, at the given moment."""

    command_fn: Callable[[V, datetime], Command[object]]
    attributes_fn: Callable[[V], Attributes | None] = no_attributes
    lasts_fn: Callable[[V], timedelta | None] = a_day
    exists_fn: Exists[V] = always


@dataclass(frozen=True, kw_only=True)
class TaskList[V](EntityDescription):
    """A to-do list."""

    attributes_fn: Callable[[V], Attributes | None] = no_attributes
    lasts_fn: Callable[[V], timedelta | None] = a_day
    exists_fn: Exists[V] = always


@dataclass(frozen=True, kw_only=True)
class LinkSensor(SensorEntityDescription):
    """A sensor that shows something of the connection to a server."""

    value_fn: Callable[[ServerClient], int | datetime | None]
    attributes_fn: Callable[[ServerClient], Attributes | None] = no_attributes
    lasts_fn: Callable[[object], timedelta | None] = for_ever
    exists_fn: Exists[object] = always


@dataclass(frozen=True, kw_only=True)
class LinkBinary(BinarySensorEntityDescription):
    """A binary sensor that shows something of the connection to a server."""

    is_on_fn: Callable[[ServerClient], bool]
    attributes_fn: Callable[[ServerClient], Attributes | None] = no_attributes
    lasts_fn: Callable[[object], timedelta | None] = for_ever
    exists_fn: Exists[object] = always
