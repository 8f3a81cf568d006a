"""Opens a server on its store, and makes the web application of it."""

import asyncio
import warnings
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from importlib import import_module

from fastapi import FastAPI
from pydantic.warnings import UnsupportedFieldAttributeWarning

import kamerplanter_engines
from kamerplanter_backend.api import docs
from kamerplanter_backend.api.admission import Admission
from kamerplanter_backend.api.body_limit import BodyLimit
from kamerplanter_backend.api.host_guard import HostGuard
from kamerplanter_backend.api.rate_limit import forget_calls
from kamerplanter_backend.api.request_log import RequestLog
from kamerplanter_backend.api.route_table import RouteIndex, add_flat
from kamerplanter_backend.api.security_headers import SecurityHeaders
from kamerplanter_backend.api.v1 import health
from kamerplanter_backend.api.v1.router import all_routers
from kamerplanter_backend.auth.accounts import build_accounts
from kamerplanter_backend.bootstrap import Options, build_services, open_seeded_store
from kamerplanter_backend.common.access_memory import AccessMemory
from kamerplanter_backend.common.change_hub import ChangeHub
from kamerplanter_backend.common.clock import Clock, system_clock
from kamerplanter_backend.common.commit_follower import CommitFollower
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.context_maker import ContextMaker
from kamerplanter_backend.common.dependencies import Server
from kamerplanter_backend.common.error_handlers import install_error_handlers
from kamerplanter_backend.config.ingest_settings import IngestMode
from kamerplanter_backend.config.settings import Mode, Settings
from kamerplanter_backend.domain.interfaces.adapters import Mailer
from kamerplanter_backend.domain.services.installation_service import InstallationService
from kamerplanter_backend.domain.services.membership_service import MembershipService
from kamerplanter_backend.domain.services.tenant_service import TenantService, account_context
from kamerplanter_backend.jobs.in_process import InProcessJobs
from kamerplanter_backend.jobs.job import run_due
from kamerplanter_backend.jobs.server_catalogue import SERVER_JOBS
from kamerplanter_backend.light_garden import open_light_garden
from kamerplanter_backend.telemetry.batches.reading_desk import ReadingDesk
from kamerplanter_engines.errors import KamerplanterError

JOB_ACTOR = "jobs"
SERVER_ACTOR = "server"

PASSWORD_THREADS = 2
"""Password checks at once; each takes a whole core for a good part of a second."""


def open_server(
    settings: Settings, *, clock: Clock = system_clock, mailer: Mailer | None = None
) -> Server:
    """Open the store with its catalogue, and build everything on it. Blocks.

    Args:
        settings: What a person has set.
        clock: Tells the time.
        mailer: Where mails go; none = as the settings say.

    Raises:
        UnavailableError: The store cannot be used (newer schema, damaged, read-only); it is left
            untouched.
        OSError: Its folder cannot be made.
    """
    now = clock()
    store = open_seeded_store(settings.store_path, now)
    try:
        services = build_services(store, Options(retention=settings.retention))
        tenants, members = TenantService(store), MembershipService(store)
        if settings.mode is Mode.LIGHT:
            open_light_garden(
                store,
                services,
                with_demo=settings.demo_garden,
                now=now,
                time_zone=settings.time_zone,
            )
        installation = InstallationService(store)
        known_by = installation.ensure(account_context(SERVER_ACTOR, now, role=Role.ADMIN))
        feed = CommitFollower(store)
        return Server(
            settings=settings,
            store=store,
            services=services,
            accounts=build_accounts(store, settings, tenants, members, mailer=mailer),
            tenants=tenants,
            members=members,
            installation=installation,
            clock=clock,
            executor=ThreadPoolExecutor(settings.worker_threads, thread_name_prefix="server"),
            password_executor=ThreadPoolExecutor(PASSWORD_THREADS, thread_name_prefix="password"),
            access=AccessMemory(feed, tenants),
            contexts=ContextMaker(feed, services.site, now),
            readings=ReadingDesk(services.telemetry),
            started_at=now,
            instance_id=known_by.key,
            feed=feed,
            hub=ChangeHub(feed),
        )
    except BaseException:
        store.close()
        raise


def create_app(server: Server) -> FastAPI:
    """Make the web application of an open server; it closes the server when it ends.

    Raises:
        RuntimeError: A route does not say who may call it, or says so twice.
    """
    # Our models are built when they are needed first: by then FastAPI does not hush this any more.
    warnings.filterwarnings("ignore", category=UnsupportedFieldAttributeWarning)
    app = FastAPI(
        title="Kamerplanter",
        version=kamerplanter_engines.__version__,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
        # Nobody collects it, and asking each time whether somebody does is not for nothing.
        telemetry={"tracing": False, "metrics": False, "logs": False},
        redirect_slashes=False,
    )
    app.state.server = server
    app.state.describing = asyncio.Lock()
    install_error_handlers(app)
    add_flat(app, "/api", health.root_router)
    for prefix, router in all_routers(is_full=server.settings.mode is Mode.FULL):
        add_flat(app, prefix, router)
    add_flat(app, "", docs.router)
    app.router.middleware_stack = RouteIndex(app.router)
    _add_middleware(app, server.settings)
    return app


def build_jobs(server: Server) -> InProcessJobs:
    """Return the scheduler of a server, not started yet."""

    def gardens() -> dict[str, str]:
        return server.tenants.active_slugs(account_context(JOB_ACTOR, server.clock()))

    def server_jobs(process: str) -> None:
        context = account_context(JOB_ACTOR, server.clock(), role=Role.ADMIN)
        run_due(SERVER_JOBS, server.accounts.upkeep, server.store, context, process=process)

    return InProcessJobs(
        server.services,
        server.store,
        gardens=gardens,
        context_of=lambda key: server.contexts.make(
            key, actor=JOB_ACTOR, role=Role.ADMIN, now=server.clock()
        ),
        clock=server.clock,
        tick_s=server.settings.job_tick_s,
        more=(server_jobs,) if server.settings.mode is Mode.FULL else (),
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    server: Server = app.state.server
    jobs = build_jobs(server)
    if server.settings.store_path is not None:
        server.feed.start()
    if server.settings.run_jobs:
        await asyncio.to_thread(jobs.start)
    if server.settings.mode is Mode.FULL:
        server.executor.submit(_load_for_logins)
    try:
        async with AsyncExitStack() as around:
            try:
                await around.enter_async_context(_ingesting(server))
            except KamerplanterError as error:
                app.state.refusal = error
                raise
            yield
    finally:
        await asyncio.to_thread(forget_calls, app)
        await asyncio.to_thread(jobs.stop)
        await asyncio.to_thread(server.close)


def _load_for_logins() -> None:
    """Load what the first login needs, lest it is loaded on the loop while others wait."""
    for name in ("joserfc.jwt", "limits", "slowapi.util"):
        import_module(name)


@asynccontextmanager
async def _ingesting(server: Server) -> AsyncIterator[None]:
    """Take readings of devices in for the block, if that is this process's task."""
    if server.settings.ingest is not IngestMode.IN_PROCESS:
        yield
        return
    from kamerplanter_backend.ingesting import working  # noqa: PLC0415 - seldom needed

    async with working(server.settings, server.store, server.services, server.feed, server.clock):
        yield


def _add_middleware(app: FastAPI, settings: Settings) -> None:
    """Put the layers around the routes; the one that is added last is outermost."""
    app.add_middleware(BodyLimit)
    app.add_middleware(Admission, limit=settings.max_connections)
    if settings.mode is Mode.LIGHT:
        app.add_middleware(HostGuard, hosts=settings.answered_hosts)
    app.add_middleware(RequestLog)
    app.add_middleware(
        SecurityHeaders,
        is_hsts=settings.is_production,
        hsts_subdomains=settings.hsts_subdomains,
    )
