"""All kinds of stored documents, in one table."""

from typing import Any

from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.care import CareConfirmationRepository
from kamerplanter_backend.domain.repositories.harvest import HarvestRepository
from kamerplanter_backend.domain.repositories.ipm import TreatmentRepository
from kamerplanter_backend.domain.repositories.irrigation import IrrigationRepository
from kamerplanter_backend.domain.repositories.phase import PhaseSequenceRepository
from kamerplanter_backend.domain.repositories.plant import PlantAlertRepository, PlantRepository
from kamerplanter_backend.domain.repositories.site import SiteRepository
from kamerplanter_backend.domain.repositories.species import SpeciesRepository
from kamerplanter_backend.domain.repositories.system import JobRunRepository, SeedMarkRepository
from kamerplanter_backend.domain.repositories.tank import TankAlertRepository, TankRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository

REPOSITORIES: tuple[type[Repository[Any]], ...] = (
    # The catalogue, which all gardens share.
    PhaseSequenceRepository,
    SpeciesRepository,
    # What a garden has.
    SiteRepository,
    TankRepository,
    PlantRepository,
    ProbeRepository,
    # What happens in it.
    TankAlertRepository,
    PlantAlertRepository,
    TaskRepository,
    IrrigationRepository,
    CareConfirmationRepository,
    TreatmentRepository,
    HarvestRepository,
    # The system itself.
    JobRunRepository,
    SeedMarkRepository,
)
"""A kind that stands after another one may point to it (tasks and their results to each other)."""

__all__ = ["REPOSITORIES"]
