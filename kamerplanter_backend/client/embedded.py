"""Kamerplanter in the same process: services on a thread of their own, for any event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import override
from zoneinfo import ZoneInfo

from kamerplanter_backend.bootstrap import (
    LOCAL_TENANT,
    Services,
    build_services,
    open_seeded_store,
)
from kamerplanter_backend.client.handlers import handle
from kamerplanter_backend.client.protocol import (
    Caller,
    Change,
    Command,
    KamerplanterClient,
    Request,
)
from kamerplanter_backend.client.requests import SetSite
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.common.clock import Clock, system_clock
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.domain.interfaces.change_feed import StoredChange
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore, Finding
from kamerplanter_backend.jobs.catalogue import GARDEN_JOBS
from kamerplanter_backend.jobs.job import JobReport, run_due, void_unfinished
from kamerplanter_backend.jobs.process_name import new_process_name
from kamerplanter_engines.evidence_engine import listening_since
from kamerplanter_engines.models.site import Site, SiteFields

DEFAULT_FILE = "garden.db"


class EmbeddedClient(KamerplanterClient):
    """The client that calls the services directly, one after the other."""

    def __init__(
        self,
        services: Services,
        store: DocumentStore,
        *,
        tenant_key: str,
        clock: Clock,
        started_at: datetime,
    ) -> None:
        self._services = services
        self._store = store
        self._tenant_key = tenant_key
        self._clock = clock
        self._started_at = started_at
        self._site: Site | None = None
        # One thread: commands come one after the other, in the order in which they were asked.
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kamerplanter")
        self._listeners: list[Callable[[], None]] = []
        self._is_closed = False

    @override
    async def snapshot(self) -> GardenSnapshot:
        return await self.run(
            lambda: self._services.home.snapshot(self.context(Caller(role=Role.VIEWER)))
        )

    @override
    async def call[R](self, request: Request[R], caller: Caller | None = None) -> R:
        return await self.run(lambda: self._handle(request, caller or Caller()))

    @override
    def changes(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        loop = asyncio.get_running_loop()
        is_active = True

        def tell(change: Change) -> None:
            # What was on its way when the subscription ended is not delivered any more.
            if is_active:
                listener(change)

        def on_commit(stored: StoredChange) -> None:
            if stored.tenant_key != self._tenant_key:
                return
            change = Change(
                cursor=stored.cursor,
                tenant_key=stored.tenant_key,
                collections=stored.collections,
            )
            with suppress(RuntimeError):  # the loop is closed: nobody listens any more
                loop.call_soon_threadsafe(tell, change)

        unsubscribe = self._store.subscribe(on_commit)

        def end() -> None:
            nonlocal is_active
            is_active = False
            unsubscribe()

        self._listeners.append(end)
        return end

    @override
    async def close(self) -> None:
        if self._is_closed:
            return
        for end in self._listeners:
            end()
        closing = self._executor.submit(self._store.close)
        self._is_closed = True
        try:
            await asyncio.wrap_future(closing)
        finally:
            # All work is done by now, so the thread ends at once.
            self._executor.shutdown(wait=closing.done())

    async def run[R](self, work: Callable[[], R]) -> R:
        """Run blocking work on the thread of this client, after what was asked before.

        A caller that is cancelled meanwhile only stops waiting: work that has begun ends.

        Raises:
            UnavailableError: The client is closed.
        """
        if self._is_closed:
            raise UnavailableError("The garden is closed.", reason="closed")
        return await asyncio.wrap_future(self._executor.submit(work))

    def context(
        self, caller: Caller, *, now: datetime | None = None, command_key: str | None = None
    ) -> Context:
        """Return the context of a call; blocking, on the thread of this client.

        Args:
            caller: Who asks.
            now: The moment of the call; none = what the clock says.
            command_key: Identity of the command.
        """
        moment = now or self._clock()
        self._started_at = listening_since(self._started_at, moment)
        context = Context(
            tenant_key=self._tenant_key,
            actor=caller.actor,
            role=caller.role,
            now=moment,
            zone=ZoneInfo("UTC"),
            started_at=self._started_at,
            command_key=command_key,
        )
        if self._site is None:
            self._site = self._services.site.find(context)
        if self._site is None:
            return context
        return Context(
            tenant_key=self._tenant_key,
            actor=caller.actor,
            role=caller.role,
            now=moment,
            zone=ZoneInfo(self._site.time_zone),
            latitude_deg=self._site.latitude_deg,
            started_at=self._started_at,
            command_key=command_key,
        )

    def _handle[R](self, request: Request[R], caller: Caller) -> R:
        key = request.command_key if isinstance(request, Command) else None
        answer = handle(self._services, self.context(caller, command_key=key), request)
        if isinstance(request, SetSite):
            self._site = None
        return answer


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedGarden:
    """A garden in a file, with all that a host needs: client, jobs and backup."""

    client: EmbeddedClient
    services: Services
    store: DocumentStore
    process: str
    """Name of this process among those that run jobs; changes with each start."""

    async def run_due(self, now: datetime) -> list[JobReport]:
        """Run the jobs whose period is open and not done; harmless when called often."""
        return await self.client.run(lambda: self._run_due(now))

    def pause_writes(self) -> AbstractContextManager[None]:
        """Hold back writers while a copy of the file is made. Blocks; for a worker thread."""
        return self.store.pause_writes()

    def check(self) -> list[Finding]:
        """Examine the file and every document in it. Blocks; for a worker thread."""
        return self.store.check()

    def _run_due(self, now: datetime) -> list[JobReport]:
        context = self.client.context(Caller(actor="jobs", role=Role.ADMIN), now=now)
        return run_due(GARDEN_JOBS, self.services, self.store, context, process=self.process)


def open_garden(
    path: Path | None,
    *,
    name: str,
    time_zone: str,
    latitude_deg: float | None = None,
    clock: Clock = system_clock,
) -> EmbeddedGarden:
    """Open the garden in a file, and make file and folder if they are new. Blocks.

    Args:
        path: The file (or a folder, then `garden.db` in it); none = in memory.
        name: What people call the garden.
        time_zone: Its zone, e.g. Europe/Berlin.
        latitude_deg: South negative; decides the seasons. [°], -90 to 90.
        clock: Tells the time.

    Raises:
        UnavailableError: The file cannot be used (newer schema, damaged, read-only, full disk);
            it is left untouched.
        OSError: The folder cannot be made.
        pydantic.ValidationError: Name, zone or latitude do not fit.
    """
    fields = SiteFields(name=name, time_zone=time_zone, latitude_deg=latitude_deg)
    if path is not None and path.is_dir():
        path /= DEFAULT_FILE
    now = clock()
    store = open_seeded_store(path, now)
    try:
        services = build_services(store)
        context = Context(
            tenant_key=LOCAL_TENANT,
            actor="setup",
            role=Role.ADMIN,
            now=now,
            zone=ZoneInfo(time_zone),
        )
        services.site.set(context, fields)
        # Whatever was running when the last process ended does not run any more.
        void_unfinished(store, context)
    except BaseException:
        store.close()
        raise
    client = EmbeddedClient(services, store, tenant_key=LOCAL_TENANT, clock=clock, started_at=now)
    return EmbeddedGarden(client=client, services=services, store=store, process=new_process_name())
