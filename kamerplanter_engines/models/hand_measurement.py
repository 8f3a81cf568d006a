"""Measurements that a person made by hand, beside what the probes of the place showed."""

from pydantic import Field

from kamerplanter_engines.models.base import Entity, Instant, Key, Model, Remark
from kamerplanter_engines.models.plant import PlantAlertFields
from kamerplanter_engines.models.tank import TankAlertFields
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Reason, Verdict


class HandMeasurementFields(Model):
    """What a person measured with a meter of their own, in a tank or at a plant.

    Exactly one of `tank_key` and `plant_key` is set.
    """

    tank_key: Key | None = None
    plant_key: Key | None = None
    kind: ChannelKind
    value: float
    """As the meter shows it, in `unit`."""
    unit: str | None = Field(default=None, max_length=20)
    """Any unit of the kind, such as `µS/cm` or `°F`; none = the canonical one."""
    temperature_c: float | None = Field(default=None, ge=-5, le=60)
    """Of what was measured; none = not measured."""
    compensated: bool = True
    """The meter tells conductivity as at 25 °C; false = as it is at its temperature."""
    at: Instant | None = None
    """When; none = now."""
    note: Remark | None = None


class Comparison(Model):
    """What a probe showed when somebody measured by hand beside it; canonical unit."""

    probe_key: Key
    value: float
    """What the probe showed."""
    difference: float
    """By hand minus by the probe."""
    channel: ChannelBinding | None = None
    """How the probe was bound then: of another binding it says nothing. None = of a version that
    did not note it."""


class HandMeasurement(Entity, HandMeasurementFields):
    """A measurement on record: value and unit are canonical, never changed afterwards."""

    measured_at: Instant
    """When it was measured, in any case."""
    verdict: Verdict = Verdict.GOOD
    """Good or suspect; what is physically impossible is refused."""
    reasons: tuple[Reason, ...] = ()
    entered_value: float | None = None
    """What the person wrote, where it was another unit. In `entered_unit`."""
    entered_unit: str | None = None
    comparisons: tuple[Comparison, ...] = ()
    """One for each probe of the place that showed a good value then."""
    alert_before: TankAlertFields | None = None
    """What was known of this value of the tank before, so that a wrong measurement can be taken
    out; none = nothing."""
    soil_before: PlantAlertFields | None = None
    """The same of the soil of a plant."""
