"""Tanks, the bands that they should keep, and the alerts when they do not."""

from enum import StrEnum

from pydantic import Field

from kamerplanter_engines.models.base import Entity, Instant, Model, Name


class TankType(StrEnum):
    """What a tank is for; decides the default bands."""

    NUTRIENT = "nutrient"
    RECIRCULATION = "recirculation"
    IRRIGATION = "irrigation"
    RESERVOIR = "reservoir"
    STOCK_SOLUTION = "stock_solution"


class TankFields(Model):
    """A tank as a person describes it; a set limit wins over the computed one."""

    name: Name
    tank_type: TankType = TankType.NUTRIENT
    volume_l: float = Field(gt=0, le=100_000)
    ec_low_ms_cm: float | None = Field(default=None, ge=0, le=250)
    ec_high_ms_cm: float | None = Field(default=None, ge=0, le=250)
    ph_low: float | None = Field(default=None, ge=0, le=14)
    ph_high: float | None = Field(default=None, ge=0, le=14)
    level_low_pct: float | None = Field(default=None, ge=0, le=100)
    water_temperature_low_c: float | None = Field(default=None, ge=0, le=50)
    water_temperature_high_c: float | None = Field(default=None, ge=0, le=50)
    plain_water: bool = False
    """Holds tap, rain or reverse-osmosis water, where an EC of 0 is a real value."""
    location_key: str | None = None
    """Where it stands."""


class Tank(Entity, TankFields):
    """A tank that exists."""

    archived_at: Instant | None = None


class Band(Model):
    """What a value should keep within; none = no limit on that side. Canonical units."""

    low: float | None = None
    high: float | None = None
    target: float | None = None
    source: str = "tank_type"
    """`override`, `phase` or `tank_type`: where the limits come from."""


class TankBands(Model):
    """The bands of one tank at one moment."""

    ec: Band
    ph: Band
    water_temperature: Band
    level: Band


class TankProblem(StrEnum):
    """What can be wrong with a tank."""

    EC = "ec"
    PH = "ph"
    WATER_TEMPERATURE = "water_temperature"
    LEVEL = "level"


class Side(StrEnum):
    """On which side of its band a value lies."""

    LOW = "low"
    HIGH = "high"


class AlertState(StrEnum):
    """Where an alert stands: out of band for a moment, long enough, or over."""

    INACTIVE = "inactive"
    PENDING = "pending"
    ACTIVE = "active"


class TankAlertFields(Model):
    """The condition of one value of one tank."""

    tank_key: str
    kind: TankProblem
    state: AlertState = AlertState.INACTIVE
    side: Side | None = None
    since: Instant | None = None
    """When the value left its band (pending, active)."""
    raised_at: Instant | None = None
    out_of_band_count: int = Field(default=0, ge=0)
    """Readings out of band in a row; two are needed."""
    last_reading_at: Instant | None = None
    """The reading that was judged last, so that none is counted twice; while there is no problem it
    is written down seldom, as the stored readings tell it."""
    last_value: float | None = None
    task_silenced: bool = False
    """A person completed the task while the value was still out; no new one until it was back."""


class TankAlert(Entity, TankAlertFields):
    """An alert that is remembered."""
