"""Everything below /api/v1: one line for each subject."""

from collections.abc import Iterator

from fastapi import APIRouter

from kamerplanter_backend.api.v1 import health
from kamerplanter_backend.api.v1.admin.router import router as admin_router
from kamerplanter_backend.api.v1.auth.api_keys_router import router as api_keys_router
from kamerplanter_backend.api.v1.auth.oauth_router import router as oauth_router
from kamerplanter_backend.api.v1.auth.pages import router as auth_pages_router
from kamerplanter_backend.api.v1.auth.router import router as auth_router
from kamerplanter_backend.api.v1.botanical_families.router import router as families_router
from kamerplanter_backend.api.v1.calendar.router import public_router as feeds_router
from kamerplanter_backend.api.v1.cultivars.router import router as cultivars_router
from kamerplanter_backend.api.v1.location_types.router import router as location_types_router
from kamerplanter_backend.api.v1.species.router import router as species_router
from kamerplanter_backend.api.v1.tenant_scoped.router import (
    PREFIX as GARDEN_PREFIX,
    ROUTERS as GARDEN_ROUTERS,
)
from kamerplanter_backend.api.v1.tenants.router import common_router, router as tenants_router
from kamerplanter_backend.api.v1.users.router import (
    common_router as own_account_router,
    router as users_router,
)

PREFIX = "/api/v1"

# In every mode, in the order of the documentation.
ROUTERS: tuple[APIRouter, ...] = (
    health.router,
    own_account_router,
    common_router,
    families_router,
    species_router,
    cultivars_router,
    location_types_router,
    feeds_router,
)

# Only where there are accounts.
FULL_ROUTERS: tuple[APIRouter, ...] = (
    auth_router,
    oauth_router,
    api_keys_router,
    auth_pages_router,
    users_router,
    tenants_router,
    admin_router,
)


def all_routers(*, is_full: bool) -> Iterator[tuple[str, APIRouter]]:
    """Yield all routers, each with what stands before its paths.

    Args:
        is_full: Whether there are accounts.
    """
    for router in (*ROUTERS, *(FULL_ROUTERS if is_full else ())):
        yield PREFIX, router
    for router in GARDEN_ROUTERS:
        yield PREFIX + GARDEN_PREFIX, router
