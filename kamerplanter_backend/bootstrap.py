"""The composition root: opens the store and builds the services on it."""

import os
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.common.retention import Retention
from kamerplanter_backend.data_access.sqlite import open_sqlite
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.services.botanical_family_service import BotanicalFamilyService
from kamerplanter_backend.domain.services.calendar_service import CalendarService
from kamerplanter_backend.domain.services.calibration_service import CalibrationService
from kamerplanter_backend.domain.services.care_service import CareService
from kamerplanter_backend.domain.services.catalogue_service import CatalogueService
from kamerplanter_backend.domain.services.climate_service import ClimateService
from kamerplanter_backend.domain.services.cultivar_service import CultivarService
from kamerplanter_backend.domain.services.hand_measurement_service import HandMeasurementService
from kamerplanter_backend.domain.services.harvest_service import HarvestService
from kamerplanter_backend.domain.services.home_service import HomeService
from kamerplanter_backend.domain.services.ipm_service import IpmService
from kamerplanter_backend.domain.services.irrigation_service import IrrigationService
from kamerplanter_backend.domain.services.location_service import LocationService
from kamerplanter_backend.domain.services.location_type_service import LocationTypeService
from kamerplanter_backend.domain.services.phase_service import PhaseService
from kamerplanter_backend.domain.services.plant_service import PlantService
from kamerplanter_backend.domain.services.planting_run_service import PlantingRunService
from kamerplanter_backend.domain.services.presence_service import PresenceService
from kamerplanter_backend.domain.services.probe_service import ProbeService
from kamerplanter_backend.domain.services.site_service import SiteService
from kamerplanter_backend.domain.services.solution_hold_service import SolutionHoldService
from kamerplanter_backend.domain.services.species_service import SpeciesService
from kamerplanter_backend.domain.services.tank_service import TankService
from kamerplanter_backend.domain.services.task_service import TaskService
from kamerplanter_backend.domain.services.telemetry_service import TelemetryService
from kamerplanter_backend.domain.services.transfer_service import TransferService
from kamerplanter_backend.domain.services.trend_service import TrendService
from kamerplanter_backend.migrations.seeds import seed_catalogue

LOCAL_TENANT = "local"
"""The garden of a store that holds only one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What whoever runs the garden may choose about its services."""

    retention: Retention = field(default_factory=Retention)
    """How long measurements are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """All that can be done, by subject."""

    site: SiteService
    location: LocationService
    catalogue: CatalogueService
    location_type: LocationTypeService
    botanical_family: BotanicalFamilyService
    species: SpeciesService
    cultivar: CultivarService
    plant: PlantService
    planting_run: PlantingRunService
    phase: PhaseService
    tank: TankService
    probe: ProbeService
    presence: PresenceService
    solution_hold: SolutionHoldService
    calibration: CalibrationService
    hand_measurement: HandMeasurementService
    trend: TrendService
    climate: ClimateService
    telemetry: TelemetryService
    task: TaskService
    irrigation: IrrigationService
    care: CareService
    ipm: IpmService
    harvest: HarvestService
    calendar: CalendarService
    home: HomeService
    transfer: TransferService


def open_store(path: Path | None) -> DocumentStore:
    """Open the store in a file, and make file and folder if they are new.

    Args:
        path: The file; none = in memory, gone when it is closed.

    Raises:
        UnavailableError: It cannot be used (newer schema, damaged, read-only); left untouched.
        OSError: The folder cannot be made.
    """
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise UnavailableError(
                f"{path} is a folder; name the file in it that is the store, such as "
                f"{path / 'garden.db'}.",
                reason="folder",
            )
        # A new file holds what is nobody else's business, and its companions get its rights. What
        # speaks against making it the store says better.
        with suppress(OSError):
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    return open_sqlite(path, [repository.collection for repository in REPOSITORIES])


def open_seeded_store(path: Path | None, now: datetime) -> DocumentStore:
    """Open the store as `open_store` does, with the catalogue of this version in it."""
    store = open_store(path)
    try:
        seed_catalogue(store, now)
    except BaseException:
        store.close()
        raise
    return store


def build_services(store: DocumentStore, options: Options | None = None) -> Services:
    """Build all services on a store.

    Args:
        store: What they work on.
        options: What was chosen; none = the defaults.
    """
    chosen = options or Options()
    return Services(
        site=SiteService(store),
        location=LocationService(store),
        catalogue=CatalogueService(store),
        location_type=LocationTypeService(store),
        botanical_family=BotanicalFamilyService(store),
        species=SpeciesService(store),
        cultivar=CultivarService(store),
        plant=PlantService(store),
        planting_run=PlantingRunService(store),
        phase=PhaseService(store),
        tank=TankService(store),
        probe=ProbeService(store),
        presence=PresenceService(store),
        solution_hold=SolutionHoldService(store),
        calibration=CalibrationService(store),
        hand_measurement=HandMeasurementService(store, chosen.retention.raw),
        trend=TrendService(store),
        climate=ClimateService(store),
        telemetry=TelemetryService(store, chosen.retention),
        task=TaskService(store),
        irrigation=IrrigationService(store),
        care=CareService(store),
        ipm=IpmService(store),
        harvest=HarvestService(store),
        calendar=CalendarService(store),
        home=HomeService(store),
        transfer=TransferService(store),
    )
