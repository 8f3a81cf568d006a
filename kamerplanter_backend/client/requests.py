"""What may be asked or done, as data: one class per request, its answer as type argument."""

from datetime import date
from typing import ClassVar

from pydantic import Field, JsonValue

from kamerplanter_backend.client.protocol import Command, Request
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_engines.models.base import Instant, Key
from kamerplanter_engines.models.care import CareKind
from kamerplanter_engines.models.harvest import Harvest, HarvestFields
from kamerplanter_engines.models.ipm import HarvestVerdict, Treatment, TreatmentFields
from kamerplanter_engines.models.irrigation import Irrigation, IrrigationFields
from kamerplanter_engines.models.phase import PhaseEntry
from kamerplanter_engines.models.plant import Plant, PlantFields
from kamerplanter_engines.models.site import Site, SiteFields
from kamerplanter_engines.models.species import Species
from kamerplanter_engines.models.tank import Tank, TankFields
from kamerplanter_engines.models.task import Task, TaskFields
from kamerplanter_engines.models.telemetry import Probe, ProbeFields, Reading


class _Manage[R](Command[R]):
    permission: ClassVar[Permission] = Permission.MANAGE


class SetSite(_Manage[Site]):
    """Say where the garden is; makes it if it is new."""

    fields: SiteFields


class CreateTank(_Manage[Tank]):
    """Add a tank; with the key of an archived one it is taken out of the archive."""

    fields: TankFields
    key: Key | None = None


class UpdateTank(_Manage[Tank]):
    """Change what is given of a tank (JSON merge patch)."""

    key: Key
    patch: dict[str, JsonValue]


class ArchiveTank(_Manage[Tank]):
    """Take a tank out of sight; its history stays."""

    key: Key


class CreatePlant(_Manage[Plant]):
    """Add a plant; with the key of an archived one it is taken out of the archive."""

    fields: PlantFields
    key: Key | None = None


class UpdatePlant(_Manage[Plant]):
    """Change what is given of a plant (JSON merge patch)."""

    key: Key
    patch: dict[str, JsonValue]


class ArchivePlant(_Manage[Plant]):
    """Take a plant out of sight; its history and Karenz stay."""

    key: Key


class SetPhase(_Manage[Plant]):
    """Put a plant into a phase of its own sequence."""

    key: Key
    entry_id: str
    started_on: date | None = None
    """Local date; none = today."""


class CreateProbe(_Manage[Probe]):
    """Add a probe; with the key of an archived one it is taken out of the archive."""

    fields: ProbeFields
    key: Key | None = None


class UpdateProbe(_Manage[Probe]):
    """Change what is given of a probe (JSON merge patch)."""

    key: Key
    patch: dict[str, JsonValue]


class ArchiveProbe(_Manage[Probe]):
    """Take a probe out of sight; its readings stay."""

    key: Key


class RecordReadings(Command[int]):
    """Store judged readings; answers how many were new. Idempotent by channel and time."""

    readings: tuple[Reading, ...] = Field(max_length=2000)


class EvaluateGarden(Command[int]):
    """Look at all tanks and plants as of now; answers how many things changed."""


class AddTask(Command[Task]):
    """Add a task of one's own."""

    fields: TaskFields
    key: Key | None = None


class UpdateTask(Command[Task]):
    """Change title, description or due date (JSON merge patch)."""

    key: Key
    patch: dict[str, JsonValue]


class CompleteTask(Command[Task]):
    """Mark a task as done, with all that follows from its kind. Twice is harmless."""

    key: Key
    at: Instant | None = None
    """When it was done; none = now."""
    volume_l: float | None = Field(default=None, gt=0, le=10_000)


class ReopenTask(Command[Task]):
    """Take a completion back, with what it wrote."""

    key: Key


class DeleteTask(Command[Task]):
    """Delete one's own task; one that a rule made becomes skipped."""

    key: Key


class LogWatering(Command[Irrigation]):
    """Book a watering or feeding; completes the open task of that kind."""

    fields: IrrigationFields


class ConfirmCare(Command[Plant]):
    """Say that a care was done without a task."""

    plant_key: Key
    kind: CareKind
    at: Instant | None = None


class LogTreatment(Command[Treatment]):
    """Book an application; its waiting period starts at once."""

    fields: TreatmentFields


class LogHarvest(Command[Harvest]):
    """Book a harvest. Refused inside a waiting period."""

    queueable: ClassVar[bool] = False
    fields: HarvestFields


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


class ListIrrigation(Request[tuple[Irrigation, ...]]):
    """List the waterings of a plant, newest first."""

    plant_key: Key


class ListHarvests(Request[tuple[Harvest, ...]]):
    """List the harvests of a plant, newest first."""

    plant_key: Key


class ListReadings(Request[tuple[Reading, ...]]):
    """List stored readings of a channel within [from, until), oldest first."""

    probe_key: Key
    kind: str
    from_at: Instant
    until_at: Instant


class ListObjects(Request[dict[str, tuple[dict[str, JsonValue], ...]]]):
    """List tanks, plants and probes, the archived ones too, so that a new entry can offer them."""
