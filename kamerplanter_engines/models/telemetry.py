"""Probes, what they measure, and how far a measurement is to be trusted."""

from enum import StrEnum

from pydantic import Field, model_validator

from kamerplanter_engines.models.base import Entity, Instant, Model, Name, Remark


class ChannelKind(StrEnum):
    """What a channel measures; the value decides unit, ranges and judgement."""

    EC = "ec"
    PH = "ph"
    WATER_TEMPERATURE = "water_temperature"
    LEVEL = "level"
    SOIL_MOISTURE = "soil_moisture"
    SOIL_TEMPERATURE = "soil_temperature"
    SOIL_EC = "soil_ec"
    DISSOLVED_OXYGEN = "dissolved_oxygen"
    ORP = "orp"
    """Redox potential against the probe's own reference electrode."""
    AIR_TEMPERATURE = "air_temperature"
    AIR_HUMIDITY = "air_humidity"
    """Relative humidity."""
    LEAF_TEMPERATURE = "leaf_temperature"
    PPFD = "ppfd"
    """Photosynthetic photon flux density: the light that plants use, as it falls on a surface."""
    BATTERY = "battery"
    SIGNAL = "signal"
    """Strength of the radio signal (RSSI)."""


TANK_KINDS = (
    ChannelKind.EC,
    ChannelKind.PH,
    ChannelKind.WATER_TEMPERATURE,
    ChannelKind.LEVEL,
    ChannelKind.DISSOLVED_OXYGEN,
    ChannelKind.ORP,
)
SOIL_KINDS = (ChannelKind.SOIL_MOISTURE, ChannelKind.SOIL_TEMPERATURE, ChannelKind.SOIL_EC)
AIR_KINDS = (
    ChannelKind.AIR_TEMPERATURE,
    ChannelKind.AIR_HUMIDITY,
    ChannelKind.LEAF_TEMPERATURE,
    ChannelKind.PPFD,
)
"""The climate of a place."""
DEVICE_KINDS = (ChannelKind.BATTERY, ChannelKind.SIGNAL)
"""What a probe says about itself, wherever it is."""


class Verdict(StrEnum):
    """How far a reading may be believed."""

    GOOD = "good"
    SUSPECT = "suspect"
    BAD = "bad"
    STALE = "stale"


class Reason(StrEnum):
    """Why a reading is not good; stable keys that screens translate."""

    NOT_A_NUMBER = "not_a_number"
    OUTSIDE_PHYSICAL = "outside_physical"
    STARTUP_SIGNATURE = "startup_signature"
    DISCONNECT_SIGNATURE = "disconnect_signature"
    DEVICE_ERROR = "device_error"
    GUARD_FAILED = "guard_failed"
    UNREADABLE = "unreadable"
    MISSING_FIELD = "missing_field"
    UNKNOWN_UNIT = "unknown_unit"
    OUTSIDE_PLAUSIBLE = "outside_plausible"
    RATE = "rate"
    STUCK = "stuck"
    EXACT_ZERO = "exact_zero"
    FULL_SCALE = "full_scale"
    OUT_OF_CURVE = "out_of_curve"
    BAD_COMPANY = "bad_company"
    """A zero or full scale in a message beside another such or bad field."""
    TOO_OLD = "too_old"
    NEVER_MEASURED = "never_measured"
    RETAINED = "retained"
    RESTORED = "restored"
    OFFLINE = "offline"
    CLOCK_WAS_AHEAD = "clock_was_ahead"
    """The clock went back since it was measured, so nobody knows how old it is."""
    CLOCK_STANDS_STILL = "clock_stands_still"
    """The device tells one time again and again, so that of receipt counts; no reason to doubt."""
    UNCOMPENSATED = "uncompensated"
    """Conductivity as it is at a temperature that nobody knows, so not that at 25 °C."""
    UNCALIBRATED = "uncalibrated"
    """A raw number, volts or counts, whose calibration does not count any more."""
    CALIBRATING = "calibrating"
    """Its probe was being calibrated, so it is of a solution and not of the tank or pot."""
    PROBES_DISAGREE = "probes_disagree"
    """Another probe of the same place shows something else."""
    DRIFTED = "drifted"
    """Measured by hand it is something else; the probe should be calibrated."""
    MEASURE_AGAIN = "measure_again"
    """Measured by hand once it is something else; which of the two is wrong shows the next time."""
    REMAPPED = "remapped"
    """Its calibration belongs to another unit, factor, field or compensation of the channel."""


class Hint(StrEnum):
    """What is probably wrong with a mapping, said beside a refused value."""

    LOOKS_LIKE_US_CM = "looks_like_us_cm"
    LOOKS_LIKE_FAHRENHEIT = "looks_like_fahrenheit"
    LOOKS_LIKE_DECIMAL_COMMA = "looks_like_decimal_comma"


MAX_TEMPERATURE_COEFFICIENT_PCT = 3.0
"""No nutrient solution changes its conductivity by more per kelvin (ours). [% of that at 25 °C]"""


class CurvePoint(Model):
    """One known pair of a raw sensor value and what it means."""

    raw: float
    value: float


class ChannelBinding(Model):
    """Where one value comes from and how its text becomes a number.

    `topic` (MQTT) or `entity_id` (a sensor of Home Assistant) is set, never both; with none of them
    the values come over the HTTP interface alone, which also takes values of the other channels.
    """

    kind: ChannelKind
    topic: str | None = Field(default=None, min_length=1, max_length=65535)
    path: str | None = Field(default=None, max_length=500)
    """Dotted path into a JSON payload, e.g. `EZO-1.pH`; none = the payload is the number."""
    entity_id: str | None = Field(default=None, max_length=255)
    unit: str | None = Field(default=None, max_length=20)
    """The unit that the device sends; none = the usual one of the kind."""
    factor: float = Field(default=1.0, gt=0, le=1_000_000)
    """The raw number is multiplied by this before the unit is applied."""
    decimal_comma: bool = False
    """The device writes 5,1 for five point one."""
    compensated: bool = True
    """The device tells conductivity as at 25 °C; false = as it is at its temperature, which the
    same probe measures, else another one in the same tank or pot."""
    temperature_coefficient_pct: float = Field(default=2.0, ge=0, le=5)
    """Change of an uncompensated conductivity per kelvin, of that at 25 °C; at most 3, more only
    where an older version stored it. [% per K]"""
    guard_path: str | None = Field(default=None, max_length=500)
    """A field of the same message that must be true for the value to count."""
    time_path: str | None = Field(default=None, max_length=500)
    """A field of the same message with the moment of measurement; none = well-known names."""
    curve: tuple[CurvePoint, ...] = Field(default=(), max_length=20)
    """For raw values of soil or a battery: at least two points from raw to percent. Where they turn
    volts or counts into it, a value that comes with a unit of the kind is ready, and left as it
    is."""
    max_age_s: float | None = Field(default=None, gt=0)
    """A value older than this is not shown; none = the default of the kind. [s]"""
    rate_per_min: float | None = Field(default=None, gt=0)
    """Fastest believable change, in the canonical unit per minute; none = default."""
    stuck_after_s: float | None = Field(default=None, gt=0)
    """Time without any change after which a value is suspect; none = default. [s]"""
    hold_s: float | None = Field(default=None, ge=0)
    """How long a value is out of band before it is a problem; none = default. [s]"""

    @model_validator(mode="after")
    def _one_source(self) -> ChannelBinding:
        if self.topic is not None and self.entity_id is not None:
            msg = "give either a topic or an entity, not both"
            raise ValueError(msg)
        if self.curve and (
            len(self.curve) < 2 or len({point.raw for point in self.curve}) != len(self.curve)  # noqa: PLR2004
        ):
            msg = "a curve needs at least two points with different raw values"
            raise ValueError(msg)
        return self


class Availability(Model):
    """Where a device says whether it is there (MQTT last will)."""

    topic: str = Field(min_length=1, max_length=65535)
    path: str | None = Field(default=None, max_length=500)


class ProbeFields(Model):
    """A measuring device and its channels, on a tank, in the soil of a plant, or in a location."""

    name: Name
    tank_key: str | None = None
    plant_key: str | None = None
    location_key: str | None = None
    """The location whose air and light it measures; then it is at no tank and no plant."""
    availability: Availability | None = None
    channels: tuple[ChannelBinding, ...] = Field(default=(), max_length=20)
    calibration_due_d: float = Field(default=14, ge=1, le=60)
    """An older calibration is due. [d]"""
    calibration_stop_d: float = Field(default=28, ge=1, le=60)
    """With an older calibration nothing is dosed automatically. [d]"""

    @model_validator(mode="after")
    def _one_place(self) -> ProbeFields:
        if self.location_key is not None and (self.tank_key or self.plant_key) is not None:
            msg = "location_key excludes tank_key and plant_key; empty the one or the others"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _due_comes_first(self) -> ProbeFields:
        if self.calibration_stop_d < self.calibration_due_d:
            msg = "calibration_stop_d must not be below calibration_due_d"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _channels_differ(self) -> ProbeFields:
        kinds = [channel.kind for channel in self.channels]
        if len(set(kinds)) != len(kinds):
            msg = "each kind of value can be bound once per probe"
            raise ValueError(msg)
        return self

    def binding(self, kind: ChannelKind) -> ChannelBinding | None:
        """Return where a kind of value comes from, if it is bound."""
        return next((channel for channel in self.channels if channel.kind == kind), None)


class Replacement(Model):
    """That the device behind a probe was exchanged for another one of its kind."""

    at: Instant
    """Since when the new one measures."""
    recorded_at: Instant
    """When it was said."""
    by: str | None = None
    note: Remark | None = None


class Stay(Model):
    """A time in which a probe was in a location."""

    location_key: str
    from_at: Instant | None = None
    """None = it was nowhere before."""
    until_at: Instant


MOST_STAYS = 50
"""So many places where a probe was are kept."""


class Probe(Entity, ProbeFields):
    """A probe that exists."""

    archived_at: Instant | None = None
    placed_at: Instant | None = None
    """Since when it is in its tank, pot or location, if it was elsewhere before: what it measured
    then is of another place. None = it never moved, or an older version did not note it."""
    stays: tuple[Stay, ...] = Field(default=(), max_length=MOST_STAYS)
    """In which locations it was before, the newest ones, oldest first: what it measured then is of
    those."""
    replacements: tuple[Replacement, ...] = ()
    """Oldest first; name, bindings and history stay when the device is exchanged."""

    @property
    def replaced_at(self) -> Instant | None:
        """Since when the present device measures; none = it is the first one."""
        return max((item.at for item in self.replacements), default=None)

    @property
    def exchanged_at(self) -> Instant | None:
        """When an exchange was last said, whenever that was; none = it is the first device."""
        return max((item.recorded_at for item in self.replacements), default=None)


class Reading(Model):
    """One measurement of one channel, in the canonical unit of its kind, with its verdict."""

    probe_key: str
    kind: ChannelKind
    at: Instant
    """When it was measured; the time of receipt where the device's own time cannot be trusted."""
    received_at: Instant
    value: float
    verdict: Verdict
    reasons: tuple[Reason, ...] = ()
    raw: float | None = None
    """What the probe showed; none = the value itself, as no calibration was in force."""


class QualityView(Model):
    """How far a value or a probe is to be trusted now (made by the live intake)."""

    verdict: Verdict
    reasons: tuple[str, ...] = ()
