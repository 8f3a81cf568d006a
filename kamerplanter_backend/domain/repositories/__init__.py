"""All kinds of stored documents, in one table."""

from typing import Any

from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.botanical_family import BotanicalFamilyRepository
from kamerplanter_backend.domain.repositories.calendar import CalendarFeedRepository
from kamerplanter_backend.domain.repositories.calibration import CalibrationRepository
from kamerplanter_backend.domain.repositories.care import CareConfirmationRepository
from kamerplanter_backend.domain.repositories.cultivar import CultivarRepository
from kamerplanter_backend.domain.repositories.hand_measurement import HandMeasurementRepository
from kamerplanter_backend.domain.repositories.harvest import HarvestRepository
from kamerplanter_backend.domain.repositories.identity import (
    ApiKeyRepository,
    LoginDelayRepository,
    LoginStateRepository,
    OneTimeTokenRepository,
    ProviderLinkRepository,
    RefreshTokenRepository,
    SessionRepository,
    UserRepository,
)
from kamerplanter_backend.domain.repositories.ipm import TreatmentRepository
from kamerplanter_backend.domain.repositories.irrigation import IrrigationRepository
from kamerplanter_backend.domain.repositories.location_type import LocationTypeRepository
from kamerplanter_backend.domain.repositories.phase import (
    PhaseChangeRepository,
    PhaseSequenceRepository,
)
from kamerplanter_backend.domain.repositories.plant import PlantAlertRepository, PlantRepository
from kamerplanter_backend.domain.repositories.planting_run import PlantingRunRepository
from kamerplanter_backend.domain.repositories.presence import ProbePresenceRepository
from kamerplanter_backend.domain.repositories.site import LocationRepository, SiteRepository
from kamerplanter_backend.domain.repositories.solution_hold import SolutionHoldRepository
from kamerplanter_backend.domain.repositories.species import SpeciesRepository
from kamerplanter_backend.domain.repositories.system import (
    InstallationRepository,
    JobRunRepository,
    SeedMarkRepository,
)
from kamerplanter_backend.domain.repositories.tank import TankAlertRepository, TankRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.tenant import (
    AuditRepository,
    InvitationRepository,
    MembershipRepository,
    RetiredSlugRepository,
    TenantRepository,
)

REPOSITORIES: tuple[type[Repository[Any]], ...] = (
    # The catalogue, which all gardens share.
    LocationTypeRepository,
    BotanicalFamilyRepository,
    PhaseSequenceRepository,
    SpeciesRepository,
    CultivarRepository,
    # What a garden has.
    SiteRepository,
    LocationRepository,
    TankRepository,
    PlantingRunRepository,
    PlantRepository,
    ProbeRepository,
    # What happens in it.
    ProbePresenceRepository,
    SolutionHoldRepository,
    CalibrationRepository,
    HandMeasurementRepository,
    TankAlertRepository,
    PlantAlertRepository,
    PhaseChangeRepository,
    TaskRepository,
    IrrigationRepository,
    CareConfirmationRepository,
    TreatmentRepository,
    HarvestRepository,
    CalendarFeedRepository,
    AuditRepository,
    # Gardens, and who works in them.
    TenantRepository,
    RetiredSlugRepository,
    MembershipRepository,
    InvitationRepository,
    # Who may call the server.
    UserRepository,
    ProviderLinkRepository,
    SessionRepository,
    RefreshTokenRepository,
    ApiKeyRepository,
    OneTimeTokenRepository,
    LoginStateRepository,
    LoginDelayRepository,
    # The system itself.
    JobRunRepository,
    SeedMarkRepository,
    InstallationRepository,
)
"""A kind that stands after another one may point to it (tasks and their results to each other)."""

__all__ = ["REPOSITORIES"]
