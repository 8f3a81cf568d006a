"""The client interface over HTTP: a snapshot, a verb for each request, a stream of changes.

Each request class has a route of its own, with its own permission, body and answer; all of them
are rows of the table in `client/handlers.py`.
"""

from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any

from fastapi import Depends, Header, Response
from starlette.requests import Request as HttpRequest

from kamerplanter_backend.api.answer_headers import CACHED, is_known
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.v1.client.change_queue import MOST_LISTENERS, ChangeQueue
from kamerplanter_backend.api.v1.client.event_stream import (
    MEDIA_TYPE,
    Beginning,
    ChangeStream,
    StreamTimes,
)
from kamerplanter_backend.auth.principal import AuthKind
from kamerplanter_backend.client.handlers import HANDLERS, handle
from kamerplanter_backend.client.protocol import Command, Request
from kamerplanter_backend.client.requests import CheckHarvest, GetTreatment, ListPhases
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.client.wire import (
    CURSOR_HEADER,
    ROLE_HEADER,
    TAKEN_AT_HEADER,
    answer_annotation,
    answer_type,
)
from kamerplanter_backend.common.auth import (
    CurrentPrincipal,
    Permitted,
    Slug,
    garden_context,
)
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.dependencies import Server, ServerDep
from kamerplanter_backend.common.meant_headers import GARDEN_HEADER, INSTANCE_HEADER
from kamerplanter_backend.common.permissions import Permission, narrower
from kamerplanter_backend.config.settings import Mode
from kamerplanter_engines.errors import InvalidInputError, KamerplanterError

router = Router(prefix="/client", tags=["client"])

ReadContext = Annotated[Context, Depends(Permitted(Permission.READ))]

ActingRole = Annotated[
    Role | None,
    Header(
        alias=ROLE_HEADER,
        description="The role of the person for whom the caller acts, where that person comes "
        "from: it narrows what the caller may do, and never widens it.",
    ),
]

STREAM_TIMES = StreamTimes()

SHORTEST_KEY = 20
"""Of a key that a client chooses where there are several gardens; 26 are a ULID. [characters]"""

SHORT_QUESTIONS = frozenset({CheckHarvest, GetTreatment, ListPhases})
"""Their answers do not grow with the garden: they are given at once, without a thread."""


@router.get("/snapshot", response_model=GardenSnapshot, responses=CACHED)
async def snapshot(request: HttpRequest, server: ServerDep, context: ReadContext) -> Response:
    """Return all that screens show, as of now.

    The ETag changes with what is shown, not with the moment of looking. `X-Change-Cursor` is
    where a stream of changes begins that misses nothing.
    """
    cursor, shown, etag = await server.run(lambda: _looked(server, context))
    headers = {
        "ETag": etag,
        "Cache-Control": "private, no-cache",
        CURSOR_HEADER: str(cursor),
        TAKEN_AT_HEADER: shown.taken_at.isoformat(),
        INSTANCE_HEADER: server.instance_id,
        GARDEN_HEADER: context.tenant_key,
    }
    if is_known(request, etag):
        return Response(status_code=304, headers=headers)
    body = await server.run(shown.model_dump_json)
    return Response(body, media_type="application/json", headers=headers)


@router.get(
    "/changes",
    response_class=ChangeStream,
    status_code=200,
    responses={
        200: {
            "description": "Events `change` (what a commit touched), `ready` (nothing more was "
            "missed) and `reset` (read everything again); the id of each can be sent back.",
            "content": {MEDIA_TYPE: {"schema": {"type": "string"}}},
        }
    },
)
async def changes(
    *,
    request: HttpRequest,
    server: ServerDep,
    context: ReadContext,
    principal: CurrentPrincipal,
    slug: Slug,
    last_event_id: Annotated[
        str | None,
        Header(description="Id of the last event that was read; what came since is told first."),
    ] = None,
) -> ChangeStream:
    """Tell of each change from now on, as server-sent events.

    The stream ends with the token, soon after the caller's access is taken away, and when the
    caller reads too slowly.
    """
    was_suspended = server.tenants.get(context).suspended_at is not None
    # Streams stay open: some connections must be left for everything else.
    most = min(MOST_LISTENERS, server.settings.max_connections * 4 // 5)
    owner = None if principal.kind is AuthKind.LIGHT else principal.user_key
    listening = ChangeQueue(server.hub, context.tenant_key, most_listeners=most, owner=owner)
    try:
        beginning = await server.run(lambda: _beginning(server, context, last_event_id))
    except BaseException:
        listening.end()
        raise

    async def may_listen() -> float | None:
        request.state.principal = None  # asked anew, not remembered from the beginning
        try:
            now_allowed = await garden_context(request, slug, Permission.READ)
            tenant = await server.ask(lambda: server.tenants.get(now_allowed))
        except KamerplanterError:
            return None
        if tenant.suspended_at is not None and not was_suspended:
            return None
        return _rest_s(principal.expires_at, server.clock())

    return ChangeStream(listening, beginning, may_listen, STREAM_TIMES)


def _looked(server: Server, context: Context) -> tuple[int, GardenSnapshot, str]:
    """Return the snapshot, the latest change before it, and its ETag."""
    cursor = server.store.last_cursor()
    shown = server.services.home.snapshot(context)
    content = shown.model_dump_json(exclude={"taken_at"}).encode()
    return cursor, shown, f'"{sha256(content).hexdigest()[:32]}"'


def _beginning(server: Server, context: Context, last_event_id: str | None) -> Beginning:
    # Asked first: what is committed in between is told twice rather than never.
    latest = server.store.last_cursor()
    if last_event_id is None:
        return Beginning(cursor=latest, missed=())
    if not (last_event_id.isascii() and last_event_id.isdigit() and len(last_event_id) < 19):  # noqa: PLR2004 - 63 bits
        return Beginning(cursor=latest, missed=None)
    missed = server.store.changes_since(int(last_event_id), context.tenant_key)
    return Beginning(cursor=latest, missed=missed)


def _rest_s(expires_at: datetime | None, now: datetime) -> float | None:
    """Return how long a token is still valid. [s]; none = not any more."""
    if expires_at is None:
        return STREAM_TIMES.check_s
    rest_s = (expires_at - now).total_seconds()
    return rest_s if rest_s > 0 else None


def _check_chosen_key(key: str | None) -> None:
    """Make sure that nobody guesses it: keys are unique among all gardens of a server.

    Raises:
        InvalidInputError: It is too short.
    """
    if key is not None and len(key) < SHORTEST_KEY:
        raise InvalidInputError(
            f"key: {key!r} can be guessed; take {SHORTEST_KEY} random letters and digits or more, "
            "such as a UUID or ULID, or leave it out.",
            field="key",
            value=key,
        )


def _add_route(kind: type[Request[Any]]) -> None:
    """Add the route of a kind of request; what it may be asked by is what its class says."""
    is_key_chosen = {"key", "fields"} <= kind.model_fields.keys()

    async def answer_request(
        body: kind,  # type: ignore[valid-type]  # FastAPI wants the class itself
        server: ServerDep,
        context: Annotated[Context, Depends(Permitted(kind.permission))],
        role: ActingRole = None,
    ) -> Response:
        asked: Request[Any] = body
        if is_key_chosen and server.settings.mode is Mode.FULL:
            _check_chosen_key(getattr(asked, "key", None))
        context = replace(context, role=narrower(context.role, role))
        if isinstance(asked, Command) and asked.command_key is not None:
            context = replace(context, command_key=asked.command_key)

        def work() -> bytes:
            answer = handle(server.services, context, asked)
            return answer_type(kind).dump_json(answer)

        content = await (server.ask(work) if kind in SHORT_QUESTIONS else server.run(work))
        headers = {INSTANCE_HEADER: server.instance_id}
        return Response(content, media_type="application/json", headers=headers)

    router.add_api_route(
        f"/requests/{kind.__name__}",
        answer_request,
        methods=["POST"],
        name=kind.__name__,
        description=kind.__doc__,
        response_model=answer_annotation(kind),
    )


for _kind in HANDLERS:
    _add_route(_kind)
