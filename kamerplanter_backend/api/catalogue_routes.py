"""The catalogue twice: shared by all for who looks after it, and as one garden sees it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Query as QueryParameter, Request, Response

from kamerplanter_backend.api.answer_headers import MADE
from kamerplanter_backend.api.crud import PathKey, Resource, spoken
from kamerplanter_backend.api.pagination import (
    ListPage,
    ListParameters,
    list_parameters,
    page_of,
    query_of,
)
from kamerplanter_backend.bootstrap import Services
from kamerplanter_backend.common.auth import PlatformAdmin, SignedIn
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import ServerDep, etag
from kamerplanter_backend.common.permissions import KeyScope, Permission
from kamerplanter_backend.domain.interfaces.document_store import Page, Query
from kamerplanter_engines.models.base import Entity, Model


class PageBelow(Protocol):
    """Returns a part of what belongs to one entry."""

    def __call__(self, context: Context, key: str, query: Query, /) -> Page[Any]:
        """Return it, for the entry with this key."""


def shared[E: Entity, F: Model](resource: Resource[E, F]) -> Resource[E, F]:
    """Return a noun of the catalogue as all gardens share it: a platform admin changes it."""
    return replace(
        resource,
        read=SignedIn(scope=KeyScope.READ),
        create=PlatformAdmin(),
        update=PlatformAdmin(),
        delete=PlatformAdmin(),
    )


def of_garden[E: Entity, F: Model](resource: Resource[E, F]) -> Resource[E, F]:
    """Return a noun of the catalogue as one garden has it: shared entries to read, and its own."""
    return replace(
        resource,
        read=Permission.READ,
        create=Permission.CATALOGUE_WRITE,
        update=Permission.CATALOGUE_WRITE,
        delete=Permission.CATALOGUE_WRITE,
    )


def add_copy_route[E: Entity, F: Model](router: APIRouter, resource: Resource[E, F]) -> None:
    """Add the route that makes a garden's own copy of an entry, which it may change then."""

    async def copy_one(
        key: PathKey,
        request: Request,
        response: Response,
        server: ServerDep,
        context: Annotated[Context, Depends(resource.rule("create"))],
    ) -> Any:  # noqa: ANN401 - the response model checks it
        service = resource.service(server.services)
        entity = await server.run(lambda: service.copy(context, key))
        above = request.url.path.removesuffix(f"/{key}/copy")
        response.headers["ETag"] = etag(entity.revision)
        response.headers["Location"] = f"{above}/{entity.key}"
        return entity

    router.add_api_route(
        "/{key}/copy",
        copy_one,
        methods=["POST"],
        status_code=201,
        name=f"copy_{resource.name}",
        summary=f"Make an own copy of one {spoken(resource.name)}",
        response_model=resource.entity,
        responses=MADE,
    )


def add_list_below[E: Entity, F: Model](
    router: APIRouter,
    resource: Resource[E, F],
    below: type[Entity],
    ask: Callable[[Services], PageBelow],
    *,
    name: str,
    sort: tuple[str, ...],
) -> None:
    """Add the list of what belongs to an entry, below its address.

    Args:
        router: Where it goes.
        resource: The noun of the entry.
        below: What the list holds.
        ask: Returns what answers with a part of the list.
        name: Plural of what the list holds; the last part of the address.
        sort: Fields to sort by.
    """
    title = "".join(part.capitalize() for part in (resource.name, name))
    parameters = list_parameters(f"{title}List", ListParameters, entity=below, sort=sort)
    page: Any = ListPage[below]  # type: ignore[valid-type]  # known at run time only

    async def list_below(
        key: PathKey,
        server: ServerDep,
        context: Annotated[Context, Depends(resource.rule("list"))],
        asked: Annotated[parameters, QueryParameter()],  # type: ignore[valid-type]  # as above
    ) -> Any:  # noqa: ANN401 - the response model checks it
        answer = ask(server.services)
        found = await server.ask(lambda: answer(context, key, query_of(asked)))
        return page_of(found, asked)

    router.add_api_route(
        f"/{{key}}/{name}",
        list_below,
        methods=["GET"],
        name=f"list_{name}_of_{resource.name}",
        summary=f"List the {name} of one {spoken(resource.name)}",
        response_model=page,
    )
