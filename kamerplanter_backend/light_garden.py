"""The one garden of a server without accounts: made at the first start, with a demo if wanted."""

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from kamerplanter_backend.bootstrap import Services
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.exceptions import BrokenReferenceError
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore, Query
from kamerplanter_backend.domain.models.identity import SYSTEM_USER_KEY, UserFields
from kamerplanter_backend.domain.models.tenant import TenantFields, TenantKind
from kamerplanter_backend.domain.repositories.identity import UserRepository
from kamerplanter_backend.domain.repositories.tenant import TenantRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.tenant_service import (
    PLATFORM_KEY,
    TenantService,
    account_context,
)
from kamerplanter_engines.models.ipm import ApplicationFields
from kamerplanter_engines.models.plant import Plant, PlantFields
from kamerplanter_engines.models.site import LocationFields
from kamerplanter_engines.models.tank import TankFields, TankType
from kamerplanter_engines.models.task import TaskFields
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, ProbeFields

_LOGGER = logging.getLogger(__name__)

DEMO_EMAIL = "demo@kamerplanter.local"
"""Address of the user that everybody is; nobody can log in with it (`User.is_open`)."""


def open_light_garden(
    store: DocumentStore,
    services: Services,
    *,
    with_demo: bool,
    now: datetime,
    time_zone: str = "UTC",
) -> None:
    """Make the user and the garden of light mode if they are new.

    Args:
        store: Where they are kept.
        services: On the same store.
        with_demo: Lay out a demo garden, once in the life of the store and only in an empty one.
        now: The moment of the start, aware.
        time_zone: Where the garden is when it is made.
    """
    account = account_context(SYSTEM_USER_KEY, now, role=Role.ADMIN)
    with open_unit(store, account, (UserRepository,)) as uow:
        if uow.of(UserRepository).try_get(SYSTEM_USER_KEY) is None:
            uow.of(UserRepository).add(
                UserFields(email=DEMO_EMAIL, display_name="Garden", is_platform_admin=True),
                key=SYSTEM_USER_KEY,
            )
    with open_unit(store, account) as uow:
        tenant = uow.of(TenantRepository).try_get(PLATFORM_KEY)
    if tenant is None:
        tenant = TenantService(store).create_for(
            account,
            TenantFields(name="Garden"),
            kind=TenantKind.PLATFORM,
            time_zone=time_zone,
            key=PLATFORM_KEY,
        )
    if with_demo and tenant.demo_made_at is None:
        context = replace(account, tenant_key=PLATFORM_KEY)
        if _is_empty(services, context):
            _lay_out(services, context)
        with open_unit(store, context, (TenantRepository,)) as uow:
            tenants = uow.of(TenantRepository)
            tenants.change(tenants.get(PLATFORM_KEY), demo_made_at=now)


def _is_empty(services: Services, context: Context) -> bool:
    """Tell whether nobody has anything in the garden, nor a start that was cut off."""
    asked = Query(limit=1)
    subjects = (services.location, services.tank, services.plant)
    return not any(subject.list_page(context, asked).items for subject in subjects)


def _lay_out(services: Services, context: Context) -> None:
    """Add a tent with a tank, a bed with a treated strawberry, and a houseplant."""
    home = services.site.find(context)
    if home is None:
        return
    tent = services.location.create(
        context, LocationFields(name="Tent", site_key=home.key, location_type_key="tent")
    )
    bed = services.location.create(
        context,
        LocationFields(name="Bed 1", site_key=home.key, location_type_key="bed", area_m2=3.6),
    )
    strawberry = _add_plant(
        services,
        context,
        PlantFields(name="Strawberry row", species_key="fragaria_x_ananassa", location_key=bed.key),
    )
    _add_plant(services, context, PlantFields(name="Ficus", species_key="ficus_lyrata"))
    if strawberry is not None:
        services.ipm.log_treatment(
            context,
            (strawberry.key,),
            ApplicationFields(
                product="Neem oil",
                ingredient="azadirachtin",
                interval_d=3,
                at=context.now - timedelta(hours=2),
            ),
        )
    services.task.add(context, TaskFields(title="Look at the roots", due_on=context.today))
    _set_up_tent(services, context, tent.key)


def _set_up_tent(services: Services, context: Context, location_key: str) -> None:
    tank = services.tank.create(
        context,
        TankFields(
            name="Tent tank",
            tank_type=TankType.RECIRCULATION,
            volume_l=60,
            location_key=location_key,
        ),
    )
    services.probe.create(
        context,
        ProbeFields(
            name="Tank probe",
            tank_key=tank.key,
            channels=tuple(
                ChannelBinding(kind=kind, topic=f"demo/tank/{kind}")
                for kind in (ChannelKind.EC, ChannelKind.PH)
            ),
        ),
    )
    _add_plant(
        services,
        context,
        PlantFields(
            name="Tomato in the tent",
            species_key="solanum_lycopersicum",
            tank_key=tank.key,
            location_key=location_key,
        ),
    )


def _add_plant(services: Services, context: Context, fields: PlantFields) -> Plant | None:
    """Add a plant, if its species is in the catalogue: a person's own may stand in its place."""
    try:
        return services.plant.create(context, fields)
    except BrokenReferenceError as error:
        _LOGGER.warning("The demo garden goes without %r: %s", fields.name, error.message)
        return None
