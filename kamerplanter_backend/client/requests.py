"""What may be asked or done, as data: one class per request, its answer as type argument."""

from datetime import date, datetime
from typing import ClassVar, Self, override

from pydantic import Field, JsonValue

from kamerplanter_backend.client.location_requests import CreateLocation, UpdateLocation
from kamerplanter_backend.client.probe_requests import (
    ArchiveProbe,
    Calibrate,
    CreateProbe,
    GetTrend,
    ListCalibrations,
    ListMeasurements,
    ListReadings,
    LogMeasurement,
    RecordReadings,
    RemoveMeasurement,
    ReplaceProbe,
    ReportPresence,
    ReportSolution,
    UpdateProbe,
    WithdrawCalibration,
)
from kamerplanter_backend.client.protocol import Command, Request
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_engines.models.base import Instant, Key, Reason
from kamerplanter_engines.models.care import CareKind
from kamerplanter_engines.models.harvest import Harvest, HarvestFields
from kamerplanter_engines.models.ipm import ApplicationFields, HarvestVerdict, Treatment
from kamerplanter_engines.models.irrigation import Irrigation, WateringFields
from kamerplanter_engines.models.phase import PhaseChange, PhaseEntry
from kamerplanter_engines.models.plant import Plant, PlantFields
from kamerplanter_engines.models.planting_run import (
    MAX_RUN_PLANTS,
    PlantingRun,
    PlantingRunFields,
    PlantsAfterRun,
)
from kamerplanter_engines.models.site import Site, SiteFields
from kamerplanter_engines.models.species import Species
from kamerplanter_engines.models.tank import Tank, TankFields
from kamerplanter_engines.models.task import Task, TaskFields

__all__ = [
    "ArchiveProbe",
    "Calibrate",
    "CreateLocation",
    "CreateProbe",
    "GetTrend",
    "ListCalibrations",
    "ListMeasurements",
    "ListReadings",
    "LogMeasurement",
    "RecordReadings",
    "RemoveMeasurement",
    "ReplaceProbe",
    "ReportPresence",
    "ReportSolution",
    "UpdateLocation",
    "UpdateProbe",
    "WithdrawCalibration",
]
"""Those that stand in another module; the others stand below."""


class SetSite(Command[Site]):
    """Say where the garden is; makes it if it is new."""

    permission: ClassVar[Permission] = Permission.SITE_UPDATE
    fields: SiteFields


class CreateTank(Command[Tank]):
    """Add a tank; with the key of an archived one it is taken out of the archive."""

    permission: ClassVar[Permission] = Permission.TANK_CREATE
    fields: TankFields
    key: Key | None = None


class UpdateTank(Command[Tank]):
    """Change what is given of a tank (JSON merge patch)."""

    permission: ClassVar[Permission] = Permission.TANK_UPDATE
    key: Key
    patch: dict[str, JsonValue]
    expected_revision: int | None = Field(default=None, ge=1)
    """The revision that the person saw; none = whatever it is now."""


class ArchiveTank(Command[Tank]):
    """Take a tank out of sight; its history stays."""

    permission: ClassVar[Permission] = Permission.TANK_DELETE
    key: Key


class CreatePlant(Command[Plant]):
    """Add a plant; with the key of an archived one it is taken out of the archive."""

    permission: ClassVar[Permission] = Permission.PLANT_CREATE
    fields: PlantFields
    key: Key | None = None


class UpdatePlant(Command[Plant]):
    """Change what is given of a plant (JSON merge patch)."""

    permission: ClassVar[Permission] = Permission.PLANT_UPDATE
    key: Key
    patch: dict[str, JsonValue]


class ArchivePlant(Command[Plant]):
    """Take a plant out of sight; its history and Karenz stay."""

    permission: ClassVar[Permission] = Permission.PLANT_DELETE
    key: Key


class SetPhase(Command[Plant]):
    """Put a plant into a phase of its own sequence."""

    permission: ClassVar[Permission] = Permission.PLANT_UPDATE
    key: Key
    entry_id: str
    started_on: date | None = None
    """Local date; none = today."""
    reason: Reason | None = None
    """Why; needed to leave phases out and to go back."""

    @override
    def as_of(self, now: datetime, today: date) -> Self:
        """Return the command with its date."""
        return self.model_copy(update={"started_on": self.started_on or today})


class EvaluateGarden(Command[int]):
    """Look at all tanks and plants as of now; answers how many things changed."""

    permission: ClassVar[Permission] = Permission.READING_RECORD
    queueable: ClassVar[bool] = False


class AddTask(Command[Task]):
    """Add a task of one's own."""

    permission: ClassVar[Permission] = Permission.TASK_CREATE
    fields: TaskFields
    key: Key | None = None


class UpdateTask(Command[Task]):
    """Change title, description or due date (JSON merge patch)."""

    permission: ClassVar[Permission] = Permission.TASK_UPDATE
    key: Key
    patch: dict[str, JsonValue]


class CompleteTask(Command[Task]):
    """Mark a task as done, with all that follows from its kind. Twice is harmless."""

    permission: ClassVar[Permission] = Permission.TASK_UPDATE
    key: Key
    at: Instant | None = None
    """When it was done; none = now."""
    volume_l: float | None = Field(default=None, gt=0, le=10_000)

    @override
    def as_of(self, now: datetime, today: date) -> Self:
        """Return the command with its moment."""
        return self.model_copy(update={"at": self.at or now})


class ReopenTask(Command[Task]):
    """Take a completion back, with what it wrote."""

    permission: ClassVar[Permission] = Permission.TASK_UPDATE
    key: Key


class DeleteTask(Command[Task]):
    """Delete one's own task; one that a rule made becomes skipped."""

    permission: ClassVar[Permission] = Permission.TASK_DELETE
    key: Key


class LogWatering(Command[tuple[Irrigation, ...]]):
    """Book what plants got, all or none, one entry each; completes their tasks of that kind."""

    permission: ClassVar[Permission] = Permission.LOG_CREATE
    plant_keys: tuple[Key, ...] = Field(min_length=1, max_length=1000)
    fields: WateringFields
    task_key: Key | None = None
    """The task that it was, if it is about one of the plants."""


class ConfirmCare(Command[Plant]):
    """Say that a care was done without a task."""

    permission: ClassVar[Permission] = Permission.LOG_CREATE
    plant_key: Key
    kind: CareKind
    at: Instant | None = None

    @override
    def as_of(self, now: datetime, today: date) -> Self:
        """Return the command with its moment."""
        return self.model_copy(update={"at": self.at or now})


class LogTreatment(Command[tuple[Treatment, ...]]):
    """Book an application on plants, all or none, one record each; starts its waiting period."""

    permission: ClassVar[Permission] = Permission.TREATMENT_CREATE
    plant_keys: tuple[Key, ...] = Field(min_length=1, max_length=1000)
    fields: ApplicationFields


class CorrectTreatment(Command[Treatment]):
    """Put a record of an application right; what it said before stays on it."""

    permission: ClassVar[Permission] = Permission.TREATMENT_CORRECT
    queueable: ClassVar[bool] = False
    key: Key
    patch: dict[str, JsonValue]
    """New values by field of `TreatmentRecord` (JSON merge patch); `voided` = it was not done."""
    reason: Reason


class LogHarvest(Command[Harvest]):
    """Book a harvest. Refused inside a waiting period."""

    permission: ClassVar[Permission] = Permission.HARVEST_CREATE
    queueable: ClassVar[bool] = False
    fields: HarvestFields


class CreateRun(Command[PlantingRun]):
    """Plan a planting run; it has no plants yet."""

    permission: ClassVar[Permission] = Permission.RUN_CREATE
    queueable: ClassVar[bool] = False
    fields: PlantingRunFields
    key: Key | None = None


class UpdateRun(Command[PlantingRun]):
    """Change what is given of a planting run (JSON merge patch)."""

    permission: ClassVar[Permission] = Permission.RUN_UPDATE
    queueable: ClassVar[bool] = False
    key: Key
    patch: dict[str, JsonValue]


class DeleteRun(Command[None]):
    """Delete a planting run that is only planned."""

    permission: ClassVar[Permission] = Permission.RUN_DELETE
    queueable: ClassVar[bool] = False
    key: Key


class StartRun(Command[PlantingRun]):
    """Begin a planting run: take over the named plants, and add the others that it plans."""

    permission: ClassVar[Permission] = Permission.RUN_UPDATE
    queueable: ClassVar[bool] = False
    key: Key
    planted_on: date | None = None
    """Local date; none = today."""
    plant_keys: tuple[Key, ...] = Field(default=(), max_length=MAX_RUN_PLANTS)


class AdoptPlants(Command[tuple[Plant, ...]]):
    """Take plants that exist into a planting run that goes on, all or none."""

    permission: ClassVar[Permission] = Permission.RUN_UPDATE
    queueable: ClassVar[bool] = False
    key: Key
    plant_keys: tuple[Key, ...] = Field(min_length=1, max_length=MAX_RUN_PLANTS)


class ReleasePlant(Command[Plant]):
    """Take a plant out of a planting run; it goes on by itself."""

    permission: ClassVar[Permission] = Permission.RUN_UPDATE
    queueable: ClassVar[bool] = False
    key: Key
    plant_key: Key


class BeginHarvest(Command[PlantingRun]):
    """Say that the harvest of a planting run has begun."""

    permission: ClassVar[Permission] = Permission.RUN_UPDATE
    queueable: ClassVar[bool] = False
    key: Key


class CompleteRun(Command[PlantingRun]):
    """End a planting run that has come to its end; archiving its plants is for admins."""

    permission: ClassVar[Permission] = Permission.RUN_UPDATE
    queueable: ClassVar[bool] = False
    key: Key
    plants: PlantsAfterRun = PlantsAfterRun.KEEP


class CancelRun(Command[PlantingRun]):
    """Give a planting run up; archiving its plants is for admins."""

    permission: ClassVar[Permission] = Permission.RUN_UPDATE
    queueable: ClassVar[bool] = False
    key: Key
    plants: PlantsAfterRun = PlantsAfterRun.KEEP


class ListRuns(Request[tuple[PlantingRun, ...]]):
    """List all planting runs, the ended ones too, oldest first."""


class ListRunPlants(Request[tuple[Plant, ...]]):
    """List the plants of a planting run, the archived ones too."""

    key: Key


class CheckHarvest(Request[HarvestVerdict]):
    """Ask whether a plant may be harvested on a date."""

    plant_key: Key
    on: date | None = None


class ListSpecies(Request[tuple[Species, ...]]):
    """List all species, by scientific name."""


class ListPhases(Request[tuple[PhaseEntry, ...]]):
    """List the phases that plants of a species go through, in order."""

    species_key: Key


class ListTreatments(Request[tuple[Treatment, ...]]):
    """List the applications on a plant, newest first."""

    plant_key: Key


class GetTreatment(Request[Treatment]):
    """Return the record of one application, with its corrections."""

    key: Key


class ListPhaseChanges(Request[tuple[PhaseChange, ...]]):
    """List the changes of phase of a plant, newest first."""

    plant_key: Key


class ListIrrigation(Request[tuple[Irrigation, ...]]):
    """List the waterings of a plant, newest first."""

    plant_key: Key


class ListHarvests(Request[tuple[Harvest, ...]]):
    """List the harvests of a plant, newest first."""

    plant_key: Key


class ListObjects(Request[dict[str, tuple[dict[str, JsonValue], ...]]]):
    """List tanks, plants and probes, the archived ones too, so that a new entry can offer them."""
