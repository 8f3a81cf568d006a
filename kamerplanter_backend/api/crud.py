"""The five ordinary routes of a noun: list, get, create, change, delete."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

from fastapi import APIRouter, Body, Depends, Path, Query as QueryParameter, Request, Response
from pydantic import JsonValue

from kamerplanter_backend.api.answer_headers import CACHED, MADE, TAGGED, is_known
from kamerplanter_backend.api.pagination import (
    ListPage,
    ListParameters,
    list_parameters,
    page_of,
    query_of,
)
from kamerplanter_backend.bootstrap import Services
from kamerplanter_backend.common.auth import AccessRule, Permitted
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.dependencies import (
    ExpectedRevision,
    ServerDep,
    etag,
    server_of,
)
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_backend.domain.interfaces.document_store import Page, Query
from kamerplanter_engines.models.base import Entity, Model

type Verb = Literal["list", "get", "create", "update", "delete"]

ALL_VERBS: tuple[Verb, ...] = ("list", "get", "create", "update", "delete")

MERGE_PATCH = "application/merge-patch+json"

PathKey = Annotated[
    str, Path(description="Its lasting key.", examples=["0198a3c2f7d87c52a0b1c2d3e4f50617"])
]
"""The key in the path of a route."""


class Crud[E: Entity, F: Model](Protocol):
    """What a service offers to these routes; each method may be missing with its verb."""

    def list_page(self, context: Context, query: Query, /) -> Page[E]:
        """Return a part of the documents."""

    def get(self, context: Context, key: str, /) -> E:
        """Return a document."""

    def create(self, context: Context, fields: F, /) -> E:
        """Write a new document."""

    def update(
        self,
        context: Context,
        key: str,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
        /,
    ) -> E:
        """Change what is given (JSON merge patch)."""

    def remove(self, context: Context, key: str, expected_revision: int | None = None, /) -> object:
        """Delete it, or take it out of sight where the noun keeps its history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource[E: Entity, F: Model]:
    """A noun: what it is called, who may do what to it, and who does it.

    A rule is a permission of a garden, or a rule of `common.auth` for what belongs to all.
    """

    name: str
    """Singular, e.g. `tank`."""
    entity: type[E]
    fields: type[F]
    """What a person may say of it."""
    service: Callable[[Services], Any]
    """Returns the `Crud` of it; each service types its own methods."""
    read: Permission | AccessRule = Permission.READ
    create: Permission | AccessRule | None = None
    update: Permission | AccessRule | None = None
    delete: Permission | AccessRule | None = None
    filters: type[ListParameters] = ListParameters
    sort: tuple[str, ...] = ()
    changeable: frozenset[str] | None = None
    """The fields that a patch may name, for the documentation; none = all of them."""
    example: Mapping[str, JsonValue] | None = None
    """A sensible body for a new one; stands in the documentation and is checked."""
    plural: str | None = None
    """None = the name with an s."""

    def rule(self, verb: Verb) -> AccessRule:
        """Return who may do this.

        Raises:
            ValueError: Nobody has said.
        """
        rules = {"create": self.create, "update": self.update, "delete": self.delete}
        found = rules.get(verb, self.read)
        if found is None:
            raise ValueError(f"{self.name}: who may {verb} it?")
        return found if isinstance(found, AccessRule) else Permitted(found)

    @property
    def many(self) -> str:
        """The plural."""
        return self.plural or f"{self.name}s"


def add_crud_routes[E: Entity, F: Model](
    router: APIRouter, resource: Resource[E, F], only: tuple[Verb, ...] = ALL_VERBS
) -> None:
    """Add the ordinary routes of a noun to its router.

    Args:
        router: Where they go; its prefix is the noun's plural.
        resource: The noun.
        only: Which ones.

    Raises:
        ValueError: A verb has no rule, or a filter names no field.
    """
    adders = {
        "list": _add_list,
        "get": _add_get,
        "create": _add_create,
        "update": _add_update,
        "delete": _add_delete,
    }
    for verb in only:
        adders[verb](router, resource)


def spoken(name: str) -> str:
    """Return the name of a thing as people say it: `location_type` becomes `location type`."""
    return name.replace("_", " ")


def _add_list[E: Entity, F: Model](router: APIRouter, resource: Resource[E, F]) -> None:
    title = "".join(part.capitalize() for part in resource.name.split("_"))
    parameters = list_parameters(
        f"{title}List", resource.filters, entity=resource.entity, sort=resource.sort
    )
    page: Any = ListPage[resource.entity]  # type: ignore[name-defined]  # known at run time only

    # The two routes that are asked most take the server from the request: a dependency more
    # costs as much as the question to the store.
    async def list_them(
        request: Request,
        context: Annotated[Context, Depends(resource.rule("list"))],
        asked: Annotated[parameters, QueryParameter()],  # type: ignore[valid-type]  # as above
    ) -> Any:  # noqa: ANN401 - the response model checks it
        server = server_of(request)
        service = resource.service(server.services)
        found = await server.ask(lambda: service.list_page(context, query_of(asked)))
        return page_of(found, asked)

    router.add_api_route(
        "",
        list_them,
        methods=["GET"],
        name=f"list_{resource.many}",
        summary=f"List {spoken(resource.many)}",
        response_model=page,
    )


def _add_get[E: Entity, F: Model](router: APIRouter, resource: Resource[E, F]) -> None:
    async def get_one(
        key: PathKey,
        request: Request,
        response: Response,
        context: Annotated[Context, Depends(resource.rule("get"))],
    ) -> Any:  # noqa: ANN401 - the response model checks it
        server = server_of(request)
        service = resource.service(server.services)
        entity = await server.ask(lambda: service.get(context, key))
        tag = etag(entity.revision)
        if is_known(request, tag):
            return Response(status_code=304, headers={"ETag": tag})
        response.headers["ETag"] = tag
        return entity

    router.add_api_route(
        "/{key}",
        get_one,
        methods=["GET"],
        name=f"get_{resource.name}",
        summary=f"Get one {spoken(resource.name)}",
        response_model=resource.entity,
        responses=CACHED,
    )


def _add_create[E: Entity, F: Model](router: APIRouter, resource: Resource[E, F]) -> None:
    examples = [dict(resource.example)] if resource.example is not None else None
    body: Any = Annotated[resource.fields, Body(examples=examples)]

    async def create_one(
        request: Request,
        response: Response,
        server: ServerDep,
        context: Annotated[Context, Depends(resource.rule("create"))],
        fields: body,
    ) -> Any:  # noqa: ANN401 - the response model checks it
        service = resource.service(server.services)
        entity = await server.run(lambda: service.create(context, fields))
        response.headers["ETag"] = etag(entity.revision)
        response.headers["Location"] = f"{request.url.path}/{entity.key}"
        return entity

    router.add_api_route(
        "",
        create_one,
        methods=["POST"],
        status_code=201,
        name=f"create_{resource.name}",
        summary=f"Add one {spoken(resource.name)}",
        response_model=resource.entity,
        responses=MADE,
    )


def _add_update[E: Entity, F: Model](router: APIRouter, resource: Resource[E, F]) -> None:
    async def update_one(  # noqa: PLR0917 - FastAPI fills them in
        key: PathKey,
        response: Response,
        server: ServerDep,
        context: Annotated[Context, Depends(resource.rule("update"))],
        expected: ExpectedRevision,
        patch: Annotated[dict[str, JsonValue], Body(media_type=MERGE_PATCH)],
    ) -> Any:  # noqa: ANN401 - the response model checks it
        service = resource.service(server.services)
        entity = await server.run(lambda: service.update(context, key, patch, expected))
        response.headers["ETag"] = etag(entity.revision)
        return entity

    router.add_api_route(
        "/{key}",
        update_one,
        methods=["PATCH"],
        name=f"update_{resource.name}",
        summary=f"Change one {spoken(resource.name)}",
        description="JSON merge patch: what is absent stays, what is null is cleared.",
        response_model=resource.entity,
        responses=TAGGED,
        openapi_extra=patch_of(resource.fields, resource.changeable),
    )


def _add_delete[E: Entity, F: Model](router: APIRouter, resource: Resource[E, F]) -> None:
    async def delete_one(
        key: PathKey,
        server: ServerDep,
        context: Annotated[Context, Depends(resource.rule("delete"))],
        expected: ExpectedRevision,
    ) -> None:
        service = resource.service(server.services)
        await server.run(lambda: service.remove(context, key, expected))

    router.add_api_route(
        "/{key}",
        delete_one,
        methods=["DELETE"],
        status_code=204,
        name=f"delete_{resource.name}",
        summary=f"Delete one {spoken(resource.name)}",
    )


def patch_of(fields: type[Model], changeable: frozenset[str] | None = None) -> dict[str, Any]:
    """Return the mark by which the documentation knows what a merge patch may hold.

    For `openapi_extra` of a PATCH route that is written by hand.

    Args:
        fields: The model of what a person may say.
        changeable: Which of its fields may change; none = all of them.
    """
    names = sorted(changeable or fields.model_fields)
    return {"x-patch-of": fields.__name__, "x-patch-fields": names}
