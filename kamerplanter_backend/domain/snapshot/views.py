"""The frozen read models of the snapshot; entities show their attributes and compute nothing."""

from datetime import date

from kamerplanter_engines.models.base import Instant, Model
from kamerplanter_engines.models.calibration import Calibration, CalibrationStatus
from kamerplanter_engines.models.hand_measurement import HandMeasurement
from kamerplanter_engines.models.ipm import Blocker
from kamerplanter_engines.models.phase import PhaseEntry
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.site import Location
from kamerplanter_engines.models.solution_hold import SolutionHold
from kamerplanter_engines.models.tank import Side, Tank, TankBands, TankProblem
from kamerplanter_engines.models.task import TaskKind, TaskState
from kamerplanter_engines.models.telemetry import (
    ChannelKind,
    Probe,
    QualityView,
    Reading,
    Reason,
)
from kamerplanter_engines.models.trust import Drift
from kamerplanter_engines.models.twin import KnownTwin
from kamerplanter_engines.telemetry_state_engine import Known

__all__ = [
    "AgreementView",
    "ChannelDoubt",
    "ChannelView",
    "DailyClimateView",
    "DriftView",
    "GardenSnapshot",
    "LocationView",
    "PlaceDayView",
    "PlantView",
    "ProbeView",
    "ProblemView",
    "QualityView",
    "TankView",
    "TaskView",
]


class ChannelView(Model):
    """One bound value: the last reading of each kind that the store knows."""

    kind: ChannelKind
    last_good: Reading | None
    """The newest good reading that did not come late; what a screen may show while it is not too
    old."""
    last: Reading | None
    """The newest reading of any verdict."""
    unchanged_since: Instant | None = None
    """Since when the device has said the number of the last reading, as far as one has to know to
    see that it has stuck; none = since that reading."""
    finest_step: float | None = None
    """The finest step that its device ever showed, or 0.01 for what is finer than 0.1; none = it
    has shown only one number lately, and one that does not tell."""
    twins: tuple[KnownTwin, ...] = ()
    """What others of its kind in its place have shown, if it has stood still for long."""
    doubted: tuple[Reading, ...] = ()
    """The newest readings since the last good one that are doubted for range or rate, oldest first:
    further ones may make them true."""
    doubted_since: Instant | None = None
    """When the first of all these was measured; none = not known, or nothing is doubted so."""
    told: Reading | None = None
    """Where the last reading lies at an end stop: the newest one that does not, as an end stop says
    nothing of whether a probe has stuck. None = the last one, or there is none lately."""

    @property
    def known(self) -> Known:
        """The same as it is remembered after a start."""
        return Known(
            self.last_good,
            self.last,
            self.unchanged_since,
            self.finest_step,
            self.doubted,
            self.doubted_since,
            self.told,
        )


DriftView = Drift
"""How far a channel of a probe is from what is measured by hand; the model of the engine."""


class AgreementView(Model):
    """How far the probes of one place agree on one kind of value; canonical unit."""

    kind: ChannelKind
    agrees: bool
    spread: float
    """Between the highest and the lowest of those that count."""
    limit: float
    """A larger spread is a disagreement."""
    probe_keys: tuple[str, ...]
    """Those that count: neither too old nor doubted."""
    value: float | None = None
    """Their mean by quality; the place itself goes by the probe that speaks for it."""
    may_decide_dose: bool = False
    reasons: tuple[Reason, ...] = ()
    """`probes_disagree` or nothing."""


class ChannelDoubt(Model):
    """What speaks against a channel beside its own readings: quality, not value."""

    kind: ChannelKind
    reasons: tuple[Reason, ...]
    """`probes_disagree`, `drifted` or `measure_again`, `remapped`."""


class ProbeView(Model):
    """A probe with its bindings and last values."""

    probe: Probe
    channels: tuple[ChannelView, ...]
    jumps_at: tuple[Instant, ...] = ()
    """When it was calibrated or moved, its device exchanged, or water or feed given there, oldest
    first: jumps are natural then. Those of the last 8 days, as what a device dates itself may come
    7 days late; at most 200."""
    doses_at: tuple[Instant, ...] = ()
    """When water or feed was given where it stands; EC and pH have to move then. As above."""
    comparable_since: Instant | None = None
    """Since when it is what and where it is; none = since it was last written."""
    calibrations: tuple[Calibration, ...] = ()
    """Those that count for what may still come in, newest first."""
    raw_kinds: tuple[ChannelKind, ...] = ()
    """Whose numbers are volts or counts: doubted where no calibration counts, unless the device
    names a unit of the kind."""
    calibration_statuses: tuple[CalibrationStatus, ...] = ()
    """How old the calibration of each bound channel is."""
    should_be_calibrated: bool | None = None
    """Whether a person is asked to calibrate it now; None = never done here, so nobody knows."""
    drifts: tuple[DriftView, ...] = ()
    """One for each channel that was compared by hand since it was last put right."""
    doubts: tuple[ChannelDoubt, ...] = ()
    """One for each channel that something speaks against."""
    gone_since: Instant | None = None
    """When the device said goodbye, if it was not heard since; none = it is there."""
    solution_holds: tuple[SolutionHold, ...] = ()
    """When it was or is in the solution of a calibration, in the last 8 days, as above; what it
    measures there is at most suspect."""


class ProblemView(Model):
    """One problem of a tank: on, off or not known."""

    kind: TankProblem
    is_on: bool | None
    """None = no reading that may decide."""
    side: Side | None = None
    reasons: tuple[str, ...] = ()
    """`low`, `high`, `no_data`: machine-readable."""
    since: Instant | None = None
    value: float | None = None
    """The value that decided last, canonical unit."""
    deviation: float | None = None
    """Value minus target, or minus the limit beyond which it is if there is no target.

    Canonical unit; 0 within limits without a target, none without a band or value.
    """
    deviation_pct: float | None = None


class TankView(Model):
    """A tank with its bands, problems and open tasks."""

    tank: Tank
    bands: TankBands
    problems: tuple[ProblemView, ...]
    plant_keys: tuple[str, ...]
    open_task_keys: tuple[str, ...]
    agreements: tuple[AgreementView, ...] = ()
    """One for each kind of value that two or more of its probes measure."""
    hand_measurements: tuple[HandMeasurement, ...] = ()
    """The newest of each kind."""

    def problem(self, kind: TankProblem) -> ProblemView:
        """Return the problem of this kind."""
        return next(problem for problem in self.problems if problem.kind == kind)


class PlantView(Model):
    """A plant with what is due and what is forbidden."""

    plant: Plant
    species_name_en: str
    species_name_de: str
    scientific_name: str
    edible: bool
    phase: PhaseEntry
    phases: tuple[str, ...]
    """All phase keys of its sequence, in order."""
    phase_started_on: date
    days_in_phase: int
    next_phase: str | None
    next_phase_on: date | None
    next_watering_on: date
    last_watered_on: date | None
    next_fertilising_on: date | None
    next_pest_check_on: date | None
    soil_moisture_low_pct: float | None
    soil_moisture_high_pct: float | None
    has_treatment: bool
    """Any treatment on record: decides whether Karenz is shown for a plant that is not eaten."""
    karenz_active: bool
    safe_harvest_on: date | None
    """First permitted date; none = never treated, or unknown (see `blockers`)."""
    karenz_days_left: int
    harvest_allowed: bool
    blockers: tuple[Blocker, ...]
    needs_attention: bool | None
    """None = nobody knows: nothing is to be done so far, but no value of its soil has ever come."""
    attention_reasons: tuple[str, ...]
    """`soil_dry`, `watering_overdue`, `no_data`, ...: machine-readable."""
    open_task_keys: tuple[str, ...]
    agreements: tuple[AgreementView, ...] = ()
    """One for each kind of value that two or more of its probes measure."""
    hand_measurements: tuple[HandMeasurement, ...] = ()
    """The newest of each kind."""
    time_zone: str | None = None
    """IANA name of the zone whose days count for its waiting periods, which is that of its site;
    none = the garden's, as an older version told none."""


class DailyClimateView(Model):
    """What the light and the warmth of one local day come to in a place."""

    day: date
    """At the site of the place."""
    dli_mol_m2: float | None
    """Daily light integral, at least so much: what was not measured counts as nothing. None where
    no light was measured. [mol/m²]"""
    dli_coverage_ratio: float
    """Share of the whole day in which light was measured, 0 to 1."""
    dli_may_decide: bool
    """Whether enough of the day was measured for anything to follow from it."""
    degree_days_c_d: float | None
    """Warmth above the base temperature of the place; none where no air was measured. Of today it
    is that of the hours so far, which may fall until the day is over. [°C d]"""
    degree_days_coverage_ratio: float
    """Share of the whole day in which the air was measured, 0 to 1."""
    degree_days_may_decide: bool
    """Whether enough of the day was measured for anything to follow from it."""


class PlaceDayView(DailyClimateView):
    """One local day of a place, with the temperature of its air."""

    air_low_c: float | None
    """Lowest good reading; none where the air was not measured. [°C]"""
    air_mean_c: float | None
    """Weighted by time. [°C]"""
    air_high_c: float | None
    """Highest good reading. [°C]"""


class LocationView(Model):
    """A place with its climate."""

    location: Location
    time_zone: str
    """IANA name of the zone whose days count: that of its site."""
    today: DailyClimateView | None
    """Today up to the newest reading; none where no probe measures light or air temperature."""
    yesterday: DailyClimateView | None
    """The whole day before; none as above."""
    agreements: tuple[AgreementView, ...] = ()
    """One for each kind of value that two or more of its probes measure."""
    hand_measurements: tuple[HandMeasurement, ...] = ()
    """None so far: nothing is measured by hand in a place."""


class TaskView(Model):
    """A task as a list shows it."""

    key: str
    kind: TaskKind
    state: TaskState
    title: str | None
    subject_name: str | None
    """Name of the plant or tank."""
    plant_key: str | None
    tank_key: str | None
    due_on: date | None
    due_at: Instant | None
    description: str | None
    assignee_key: str | None = None
    """The member who is to do it; none = every grower may."""
    rule: str | None
    is_overdue: bool
    is_due_today: bool
    closed_at: Instant | None


class GardenSnapshot(Model):
    """All that screens show, as of one moment."""

    name: str
    time_zone: str
    taken_at: Instant
    today: date
    tanks: tuple[TankView, ...]
    plants: tuple[PlantView, ...]
    probes: tuple[ProbeView, ...]
    tasks: tuple[TaskView, ...]
    """Open ones, and those closed within 14 days."""
    next_due_at: Instant | None
    """When something becomes due by time alone, so that the reader looks again."""
    locations: tuple[LocationView, ...] = ()
    """Oldest first; empty as well if an older version told none."""
    home_site_key: str | None = None
    """The first site of the garden; none = there is none yet, or an older version told none."""

    def tank(self, key: str) -> TankView | None:
        """Return the tank with this key."""
        return next((view for view in self.tanks if view.tank.key == key), None)

    def plant(self, key: str) -> PlantView | None:
        """Return the plant with this key."""
        return next((view for view in self.plants if view.plant.key == key), None)

    def probe(self, key: str) -> ProbeView | None:
        """Return the probe with this key."""
        return next((view for view in self.probes if view.probe.key == key), None)

    def location(self, key: str) -> LocationView | None:
        """Return the location with this key."""
        return next((view for view in self.locations if view.location.key == key), None)
