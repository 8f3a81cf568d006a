"""Sites: where a garden stands. The oldest one decides its local dates."""

from kamerplanter_backend.api.crud import Resource, add_crud_routes
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_engines.models.site import Site, SiteFields

router = Router(prefix="/sites", tags=["sites"])

SITE = Resource(
    name="site",
    entity=Site,
    fields=SiteFields,
    service=lambda services: services.site,
    create=Permission.SITE_CREATE,
    update=Permission.SITE_UPDATE,
    delete=Permission.SITE_DELETE,
    sort=("name", "created_at"),
    example={"name": "Allotment", "time_zone": "Europe/Berlin", "latitude_deg": 52.5},
)

add_crud_routes(router, SITE)
