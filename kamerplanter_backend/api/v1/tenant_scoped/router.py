"""Everything of one garden, below its short name."""

from fastapi import APIRouter

from kamerplanter_backend.api.v1.botanical_families.router import (
    garden_router as families_router,
)
from kamerplanter_backend.api.v1.calendar.router import router as calendar_router
from kamerplanter_backend.api.v1.calibrations.router import router as calibrations_router
from kamerplanter_backend.api.v1.client.router import router as client_router
from kamerplanter_backend.api.v1.cultivars.router import garden_router as cultivars_router
from kamerplanter_backend.api.v1.export.router import router as export_router
from kamerplanter_backend.api.v1.harvest.router import router as harvest_router
from kamerplanter_backend.api.v1.ipm.router import router as ipm_router, treatments
from kamerplanter_backend.api.v1.irrigation.router import (
    log as irrigation_log,
    router as irrigation_router,
)
from kamerplanter_backend.api.v1.locations.router import router as locations_router
from kamerplanter_backend.api.v1.measurements.router import (
    measurements,
    router as measurements_router,
)
from kamerplanter_backend.api.v1.planting_runs.router import router as planting_runs_router
from kamerplanter_backend.api.v1.plants.router import router as plants_router
from kamerplanter_backend.api.v1.probes.router import router as probes_router
from kamerplanter_backend.api.v1.sites.router import router as sites_router
from kamerplanter_backend.api.v1.species.router import garden_router as species_router
from kamerplanter_backend.api.v1.tanks.router import router as tanks_router
from kamerplanter_backend.api.v1.tasks.router import router as tasks_router
from kamerplanter_backend.api.v1.telemetry.router import router as telemetry_router

PREFIX = "/t/{slug}"

# One line for each subject, in the order of the documentation.
ROUTERS: tuple[APIRouter, ...] = (
    sites_router,
    locations_router,
    plants_router,
    tanks_router,
    probes_router,
    calibrations_router,
    measurements,
    measurements_router,
    telemetry_router,
    planting_runs_router,
    tasks_router,
    irrigation_log,
    irrigation_router,
    treatments,
    ipm_router,
    harvest_router,
    calendar_router,
    families_router,
    species_router,
    cultivars_router,
    export_router,
    client_router,
)
