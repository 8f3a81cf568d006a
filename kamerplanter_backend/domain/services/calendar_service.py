"""The calendar of a garden, and the feeds from which calendar programs read it."""

import hmac
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from hashlib import sha256
from secrets import token_urlsafe

from pydantic import JsonValue

from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.consequences.plant_facts import facts_of
from kamerplanter_backend.domain.consequences.site_days import SiteDays
from kamerplanter_backend.domain.interfaces.document_store import Page, Query, Where
from kamerplanter_backend.domain.models.calendar import CalendarFeed, CalendarFeedFields
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.calendar import CalendarFeedRepository
from kamerplanter_backend.domain.repositories.identity import UserRepository
from kamerplanter_backend.domain.repositories.ipm import TreatmentRepository
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.planting_run import PlantingRunRepository
from kamerplanter_backend.domain.repositories.tank import TankRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository, MembershipRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork, open_unit
from kamerplanter_backend.domain.services.base import Service, check_revision, command, query
from kamerplanter_engines.calendar_engine import (
    Window,
    in_order,
    karenz_events,
    phase_events,
    run_events,
    task_events,
)
from kamerplanter_engines.models.calendar import CalendarCategory, CalendarEvent
from kamerplanter_engines.models.ipm import Treatment
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.tank import Tank
from kamerplanter_engines.models.task import Task, TaskState

FETCH_NOTED_AFTER = timedelta(hours=1)
"""A feed is read every few minutes; that it was is written down so seldom."""

_NO_HASH = "0" * 64


class CalendarService(Service):
    """Computes the days of the calendar, and looks after its feeds."""

    @query()
    def events(
        self, uow: UnitOfWork, window: Window, categories: Collection[CalendarCategory] = ()
    ) -> tuple[CalendarEvent, ...]:
        """Return what happens on the days of a window, by day.

        Args:
            uow: The unit of work.
            window: The local dates.
            categories: What to look for; empty = everything.
        """
        wanted = frozenset(categories or CalendarCategory)
        events: list[CalendarEvent] = []
        if CalendarCategory.TASK in wanted:
            events += _task_events(uow, window)
        if CalendarCategory.PLANTING_RUN in wanted:
            for run in uow.of(PlantingRunRepository).find():
                events += run_events(run, window)
        if wanted & {CalendarCategory.KARENZ, CalendarCategory.PHASE}:
            events += [item for item in _plant_events(uow, window) if item.category in wanted]
        return in_order(events)

    # --- Feeds --------------------------------------------------------------------------------

    @query()
    def list_feeds(self, uow: UnitOfWork, query: Query) -> Page[CalendarFeed]:
        """Return a page of the actor's own feeds; admins see those of all members."""
        own = () if uow.context.role is Role.ADMIN else _own(uow)
        return uow.of(CalendarFeedRepository).page(replace(query, where=(*query.where, *own)))

    @query()
    def get_feed(self, uow: UnitOfWork, key: str) -> CalendarFeed:
        """Return one of the feeds that `list_feeds` shows.

        Raises:
            NotFoundError: There is none.
        """
        return _mine(uow, key)

    def create_feed(self, context: Context, fields: CalendarFeedFields) -> tuple[CalendarFeed, str]:
        """Make a feed and the token of its address; only the token's hash is kept.

        So the answer is kept nowhere either: a repeated command makes a second feed.
        """
        token = token_urlsafe(32)
        with open_unit(self.store, context, (CalendarFeedRepository,)) as uow:
            feed = uow.of(CalendarFeedRepository).add(fields, token_hash=_hash(token))
        return feed, token

    def renew_token(self, context: Context, key: str) -> tuple[CalendarFeed, str]:
        """Give a feed another token; the address with the old one is void at once.

        Raises:
            NotFoundError: There is no such feed, or it is somebody else's.
        """
        token = token_urlsafe(32)
        with open_unit(self.store, context, (CalendarFeedRepository,)) as uow:
            feed = _mine(uow, key)
            if feed.created_by != context.actor:
                # An admin may end the feed of another person, not read it in that one's place.
                raise _no_feed(key)
            feed = uow.of(CalendarFeedRepository).change(feed, token_hash=_hash(token))
        return feed, token

    @command(CalendarFeedRepository)
    def update_feed(
        self,
        uow: UnitOfWork,
        key: str,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
    ) -> CalendarFeed:
        """Change name, categories or language of a feed.

        Raises:
            NotFoundError: There is no such feed, or it is somebody else's.
            InvalidInputError: A name is unknown or a value does not fit.
            StaleRevisionError: It has another revision than expected.
        """
        _mine(uow, key)
        return uow.of(CalendarFeedRepository).patch(
            key, patch, CalendarFeedFields, expected_revision=expected_revision
        )

    @command(CalendarFeedRepository, AuditRepository)
    def remove_feed(self, uow: UnitOfWork, key: str, expected_revision: int | None = None) -> None:
        """Revoke a feed: nobody reads from its address any more.

        Raises:
            NotFoundError: There is no such feed, or it is somebody else's.
            StaleRevisionError: It has another revision than expected.
        """
        feed = _mine(uow, key)
        check_revision(feed, expected_revision, "calendar_feeds")
        uow.of(CalendarFeedRepository).remove(key)
        record_audit(uow, AuditAction.DELETED, "calendar_feeds", key, name=feed.name)

    @query()
    def open_feed(self, uow: UnitOfWork, key: str, token: str) -> CalendarFeed:
        """Return a feed of any garden to whoever has its token.

        Raises:
            NotFoundError: There is no such feed, the token is wrong, or its owner has left the
                garden: nobody learns which.
        """
        feed = uow.of(CalendarFeedRepository).of_any_garden(key)
        expected = feed.token_hash if feed else _NO_HASH
        is_right = hmac.compare_digest(expected, _hash(token))
        if feed is None or not is_right or not _is_member(uow, feed):
            raise _no_feed(key)
        return feed

    @command(CalendarFeedRepository)
    def note_fetch(self, uow: UnitOfWork, key: str) -> None:
        """Write down that a feed was read, unless that was done within the hour."""
        feeds = uow.of(CalendarFeedRepository)
        feed = feeds.try_get(key)
        if feed is not None and is_fetch_news(feed, uow.context.now):
            feeds.change(feed, last_fetched_at=uow.context.now)


def is_fetch_news(feed: CalendarFeed, now: datetime) -> bool:
    """Tell whether it is worth writing that a feed was read."""
    last = feed.last_fetched_at
    return last is None or abs(now - last) >= FETCH_NOTED_AFTER


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _own(uow: UnitOfWork) -> tuple[Where, ...]:
    return (Where("created_by", "==", uow.context.actor),)


def _mine(uow: UnitOfWork, key: str) -> CalendarFeed:
    feed = uow.of(CalendarFeedRepository).get(key)
    if uow.context.role is not Role.ADMIN and feed.created_by != uow.context.actor:
        raise _no_feed(key)
    return feed


def _no_feed(key: str) -> NotFoundError:
    return NotFoundError(f"No calendar feed {key!r}.", kind="calendar_feeds", key=key)


def _is_member(uow: UnitOfWork, feed: CalendarFeed) -> bool:
    owner = feed.created_by
    if owner is None or uow.of(MembershipRepository).between(feed.tenant_key, owner) is None:
        return False
    user = uow.of(UserRepository).try_get(owner)
    return user is not None and user.is_active


def _task_events(uow: UnitOfWork, window: Window) -> list[CalendarEvent]:
    tasks = {task.key: task for task in _tasks_of(uow, window)}
    plants = uow.of(PlantRepository).get_many({t.plant_key for t in tasks.values() if t.plant_key})
    tanks = uow.of(TankRepository).get_many({t.tank_key for t in tasks.values() if t.tank_key})
    subjects: dict[str, Plant | Tank] = {plant.key: plant for plant in plants}
    subjects |= {tank.key: tank for tank in tanks}
    return task_events(tasks.values(), subjects, window, uow.context.zone)


def _tasks_of(uow: UnitOfWork, window: Window) -> Iterator[Task]:
    listed = (
        Where("state", "in", (TaskState.OPEN, TaskState.COMPLETED)),
        Where("removed_at", "is_null", True),
    )
    start, end = (
        datetime.combine(day, time(), tzinfo=uow.context.zone).astimezone(UTC)
        for day in (window.start, window.end)
    )
    tasks = uow.of(TaskRepository)
    for path, since, until in (
        ("due_on", window.start, window.end),
        ("due_at", start, end),
    ):
        yield from tasks.find(*listed, Where(path, ">=", since), Where(path, "<", until))


def _plant_events(uow: UnitOfWork, window: Window) -> Iterator[CalendarEvent]:
    today, days = uow.context.today, SiteDays(uow)
    plants = uow.of(PlantRepository).living()
    treated: dict[str, list[Treatment]] = {}
    for treatment in uow.of(TreatmentRepository).find():
        treated.setdefault(treatment.plant_key, []).append(treatment)
    for plant in plants:
        if plant.key in treated:
            yield from karenz_events(plant, treated[plant.key], window, days.today_of(plant))
    for item in facts_of(uow, plants).values():
        yield from phase_events(
            item.plant,
            item.sequence,
            entry_id=item.entry.entry_id,
            started_on=item.phase_started_on,
            window=window,
            today=today,
        )
