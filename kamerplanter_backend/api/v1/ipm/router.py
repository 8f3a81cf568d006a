"""Plant protection: what was applied, and when treated plants may be harvested."""

from datetime import date
from typing import Annotated

from fastapi import Body, Depends, Query, Response
from pydantic import Field, JsonValue

from kamerplanter_backend.api.answer_headers import TAGGED
from kamerplanter_backend.api.crud import PathKey, Resource, add_crud_routes
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.pagination import Asked, Compare, ListParameters
from kamerplanter_backend.common.auth import Permitted
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ExpectedRevision, ServerDep, etag
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_engines.models.base import Key, Model, Reason
from kamerplanter_engines.models.ipm import ApplicationFields, HarvestVerdict, Treatment

router = Router(prefix="/ipm", tags=["ipm"])

treatments = Router(prefix="/ipm/treatments", tags=["ipm"])


class TreatmentFilters(ListParameters):
    """Filters of the list of applications."""

    plant_key: str | None = None
    since: Annotated[date | None, Compare("applied_on", ">=")] = None
    """Those of this local day and later ones."""
    voided: bool | None = None


TREATMENT = Resource(
    name="treatment",
    entity=Treatment,
    fields=ApplicationFields,
    service=lambda services: services.ipm,
    filters=TreatmentFilters,
    sort=("at", "created_at"),
)

add_crud_routes(treatments, TREATMENT, only=("list", "get"))


class TreatmentBody(Model):
    """An application, and the plants that it reached."""

    plant_keys: tuple[Key, ...] = Field(min_length=1, max_length=1000)
    application: ApplicationFields


class CorrectionBody(Model):
    """What a record should have said."""

    patch: dict[str, JsonValue] = Field(examples=[{"interval_d": 7}])
    """New values (JSON merge patch); `voided` = it was not done."""
    reason: Reason


@treatments.post("", status_code=201, summary="Book an application")
async def log_treatment(
    body: Annotated[
        TreatmentBody,
        Body(
            examples=[
                {
                    "plant_keys": ["demo-strawberry"],
                    "application": {
                        "product": "Neem oil",
                        "interval_d": 3,
                        "at": "2026-05-01T08:00:00Z",
                    },
                }
            ]
        ),
    ],
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.TREATMENT_CREATE))],
) -> tuple[Treatment, ...]:
    """Book an application on plants, all or none; its waiting period begins at once.

    The answer has one record for each plant, each with its own copy of product and interval.
    """
    return await server.run(
        lambda: server.services.ipm.log_treatment(context, body.plant_keys, body.application)
    )


@treatments.post(
    "/{key}/corrections", summary="Put a record of an application right", responses=TAGGED
)
async def correct_treatment(  # noqa: PLR0917 - FastAPI fills them in
    key: PathKey,
    body: CorrectionBody,
    response: Response,
    expected: ExpectedRevision,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.TREATMENT_CORRECT))],
) -> Treatment:
    """Correct or void a record; what it said before, who corrected it and why stay on it."""
    treatment = await server.run(
        lambda: server.services.ipm.correct_treatment(
            context, key, body.patch, body.reason, expected
        )
    )
    response.headers["ETag"] = etag(treatment.revision)
    return treatment


class HarvestDay(Asked):
    """The day that is asked about."""

    on: date | None = None
    """Local date; none = today."""


@router.get("/plants/{key}/harvest-check", summary="May a plant be harvested on a day?")
async def check_harvest(
    key: PathKey,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.READ))],
    asked: Annotated[HarvestDay, Query()],
) -> HarvestVerdict:
    """Return whether a waiting period forbids a harvest, which ones, and from when on it may be."""
    return await server.ask(lambda: server.services.ipm.check_harvest(context, key, asked.on))
