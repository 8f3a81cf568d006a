"""The calendar: events of the garden, and feeds that calendar programs subscribe to."""

from contextlib import suppress
from datetime import date, timedelta
from typing import Annotated
from urllib.parse import quote

from fastapi import Body, Depends, Query, Request, Response
from pydantic import JsonValue

from kamerplanter_backend.api.answer_headers import TAGGED
from kamerplanter_backend.api.crud import MERGE_PATCH, PathKey, patch_of
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.openapi import ErrorEnvelope
from kamerplanter_backend.api.pagination import (
    Asked,
    ListPage,
    ListParameters,
    list_parameters,
    page_of,
    query_of,
)
from kamerplanter_backend.api.rate_limit import FeedRateLimit
from kamerplanter_backend.common.auth import Permitted, Public
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.dependencies import ExpectedRevision, Server, ServerDep, etag
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.common.log_context import note_down
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_backend.domain.models.calendar import (
    CalendarFeed,
    CalendarFeedFields,
    FeedLanguage,
)
from kamerplanter_backend.domain.services.calendar_service import is_fetch_news
from kamerplanter_backend.domain.services.tenant_service import account_context
from kamerplanter_engines.calendar_engine import Window
from kamerplanter_engines.models.base import Instant, Key, Model
from kamerplanter_engines.models.calendar import CalendarCategory, CalendarEvent

router = Router(prefix="/calendar", tags=["calendar"])
public_router = Router(prefix="/calendar/feeds", tags=["calendar"])

FEED_BEFORE = timedelta(days=30)
FEED_AFTER = timedelta(days=90)
"""What a feed holds: that many days before and after today."""

MAX_TOKEN = 200
"""A longer token is none of ours. [characters]"""

Reader = Annotated[Context, Depends(Permitted(Permission.READ))]
Owner = Annotated[Context, Depends(Permitted(Permission.FEED_WRITE))]
FeedList = list_parameters("FeedList", ListParameters, entity=CalendarFeed, sort=("name",))


class FeedView(Model):
    """A feed as its owner sees it; its token is not shown again."""

    key: Key
    name: str
    categories: tuple[CalendarCategory, ...]
    language: FeedLanguage
    owner: str | None
    """Key of the account that made it."""
    last_fetched_at: Instant | None
    created_at: Instant
    revision: int


class MadeFeed(Model):
    """A feed with its address, which is shown this once."""

    feed: FeedView
    token: str
    address: str
    """For a calendar program; whoever has it can read the feed, so keep it to yourself."""


class EventsWindow(Asked):
    """Which events are asked for."""

    start: date
    """First local date."""
    end: date
    """The local date after the last; at most 400 days on."""
    category: list[CalendarCategory] | None = None
    """What to look for; none = everything."""


@router.get("/events", summary="List what happens on the days of a window")
async def list_events(
    server: ServerDep, context: Reader, asked: Annotated[EventsWindow, Query()]
) -> tuple[CalendarEvent, ...]:
    """Return due tasks, safe days of harvest, expected phases and planting runs, by day."""
    window = Window(asked.start, asked.end)
    return await server.run(
        lambda: server.services.calendar.events(context, window, asked.category or ())
    )


@router.get("/feeds", summary="List one's feeds")
async def list_feeds(
    server: ServerDep,
    context: Reader,
    asked: Annotated[FeedList, Query()],  # type: ignore[valid-type]  # made above
) -> ListPage[FeedView]:
    """Return one's own feeds; admins see those of all members, to be able to end them."""
    page = await server.ask(lambda: server.services.calendar.list_feeds(context, query_of(asked)))
    return page_of(page.shown_as(_view), asked)


@router.post("/feeds", status_code=201, summary="Make a feed")
async def create_feed(
    fields: Annotated[
        CalendarFeedFields, Body(examples=[{"name": "Garden", "categories": ["task"]}])
    ],
    request: Request,
    server: ServerDep,
    context: Owner,
) -> MadeFeed:
    """Make a feed and its address, which is shown this once."""
    feed, token = await server.run(lambda: server.services.calendar.create_feed(context, fields))
    return _made(request, server, feed, token)


@router.get("/feeds/{key}", summary="Get one feed", responses=TAGGED)
async def get_feed(
    key: PathKey, response: Response, server: ServerDep, context: Reader
) -> FeedView:
    """Return one of the feeds of the list."""
    feed = await server.ask(lambda: server.services.calendar.get_feed(context, key))
    response.headers["ETag"] = etag(feed.revision)
    return _view(feed)


@router.patch(
    "/feeds/{key}",
    summary="Change one feed",
    responses=TAGGED,
    openapi_extra=patch_of(CalendarFeedFields),
)
async def update_feed(  # noqa: PLR0917 - FastAPI fills them in
    key: PathKey,
    patch: Annotated[dict[str, JsonValue], Body(media_type=MERGE_PATCH)],
    expected: ExpectedRevision,
    response: Response,
    server: ServerDep,
    context: Owner,
) -> FeedView:
    """Change name, categories or language; the address stays."""
    feed = await server.run(
        lambda: server.services.calendar.update_feed(context, key, patch, expected)
    )
    response.headers["ETag"] = etag(feed.revision)
    return _view(feed)


@router.delete("/feeds/{key}", status_code=204, summary="Revoke a feed")
async def delete_feed(
    key: PathKey, expected: ExpectedRevision, server: ServerDep, context: Owner
) -> None:
    """End a feed: nobody reads from its address any more."""
    await server.run(lambda: server.services.calendar.remove_feed(context, key, expected))


@router.post("/feeds/{key}/token", summary="Give a feed another address")
async def renew_feed(key: PathKey, request: Request, server: ServerDep, context: Owner) -> MadeFeed:
    """Make a new token; the address with the old one is void at once."""
    feed, token = await server.run(lambda: server.services.calendar.renew_token(context, key))
    return _made(request, server, feed, token)


@public_router.get(
    "/{key}.ics",
    summary="Read a feed",
    dependencies=[Depends(Public()), Depends(FeedRateLimit())],
    response_class=Response,
    responses={
        200: {"content": {"text/calendar": {"schema": {"type": "string"}}}},
        429: {"model": ErrorEnvelope, "description": "This address has read it too often."},
    },
)
async def read_feed(
    key: PathKey,
    server: ServerDep,
    token: Annotated[str, Query(description="The token of the feed's address.")] = "",
) -> Response:
    """Return the feed as an iCalendar file, 30 days back and 90 ahead; needs no login."""
    content = await server.run(lambda: _content(server, key, token[:MAX_TOKEN]))
    headers = {
        "Cache-Control": "private, no-cache",
        "Content-Disposition": 'inline; filename="kamerplanter.ics"',
        "Referrer-Policy": "no-referrer",
    }
    return Response(content, media_type="text/calendar; charset=utf-8", headers=headers)


def _content(server: Server, key: str, token: str) -> bytes:
    # Its library takes half as long to load as the whole web framework; most servers have no feed.
    from kamerplanter_backend.api.v1.calendar.ical_file import ical_file  # noqa: PLC0415

    calendar, now = server.services.calendar, server.clock()
    feed = calendar.open_feed(account_context("feed", now), key, token)
    owner = feed.created_by or ""
    context = server.contexts.make(feed.tenant_key, actor=owner, role=Role.VIEWER, now=now)
    window = Window(context.today - FEED_BEFORE, context.today + FEED_AFTER + timedelta(days=1))
    events = calendar.events(context, window, feed.categories)
    garden = server.tenants.get(context)
    note_down(tenant_slug=garden.slug, user_key=owner)
    if garden.suspended_at is None and is_fetch_news(feed, now):
        # Its events can be read where nothing can be written.
        with suppress(UnavailableError):
            calendar.note_fetch(context, key)
    return ical_file(feed, events, context.zone.key)


def _view(feed: CalendarFeed) -> FeedView:
    names = FeedView.model_fields.keys() - {"owner"}
    return FeedView(**{name: getattr(feed, name) for name in names}, owner=feed.created_by)


def _made(request: Request, server: Server, feed: CalendarFeed, token: str) -> MadeFeed:
    base = (server.settings.public_url or str(request.base_url)).rstrip("/")
    address = f"{base}/api/v1/calendar/feeds/{feed.key}.ics?token={quote(token)}"
    return MadeFeed(feed=_view(feed), token=token, address=address)
