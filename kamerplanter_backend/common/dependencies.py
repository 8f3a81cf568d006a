"""The running server as the routes see it: settings, services, and how to call them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, cast

from fastapi import Depends, Request

from kamerplanter_backend.auth.accounts import Accounts
from kamerplanter_backend.bootstrap import Services
from kamerplanter_backend.common.access_memory import AccessMemory
from kamerplanter_backend.common.change_hub import ChangeHub
from kamerplanter_backend.common.clock import Clock
from kamerplanter_backend.common.commit_follower import CommitFollower
from kamerplanter_backend.common.context_maker import ContextMaker
from kamerplanter_backend.config.settings import Settings
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.services.installation_service import InstallationService
from kamerplanter_backend.domain.services.membership_service import MembershipService
from kamerplanter_backend.domain.services.tenant_service import TenantService
from kamerplanter_backend.telemetry.batches.reading_desk import ReadingDesk
from kamerplanter_engines.errors import InvalidInputError

MAX_DIGITS = 18
"""Longest revision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Everything that one running server consists of; made by `main.open_server`."""

    settings: Settings
    store: DocumentStore
    services: Services
    accounts: Accounts
    """Who calls, and everything about users, sessions and keys."""
    tenants: TenantService
    members: MembershipService
    installation: InstallationService
    clock: Clock
    executor: ThreadPoolExecutor
    """For what blocks, except password checks: writes and long answers."""
    password_executor: ThreadPoolExecutor
    """For password checks: many logins at once must not hold up the writes of everybody else."""
    access: AccessMemory
    contexts: ContextMaker
    readings: ReadingDesk
    """Judges what scripts measure; remembers each channel."""
    started_at: datetime
    instance_id: str
    """Stays the same for the life of the store."""
    feed: CommitFollower
    """The commits of all processes on the store."""
    hub: ChangeHub

    async def run[R](self, work: Callable[[], R]) -> R:
        """Run work that writes or takes long on a thread; the log knows whose it is.

        A caller that is cancelled meanwhile only stops waiting: work that has begun ends.
        """
        return await _run(self.executor, work)

    async def run_password_check[R](self, work: Callable[[], R]) -> R:
        """Run work that checks or hashes a password on a thread for that; else as `run`."""
        return await _run(self.password_executor, work)

    async def ask[R](self, work: Callable[[], R]) -> R:
        """Run a short question to the store where it is: readers wait for nobody in there.

        Handing it to a thread would take several times as long as the answer itself.
        """
        return work()

    def close(self) -> None:
        """Finish what is running and let go of the store; harmless when done twice. Blocks."""
        self.hub.stop()
        self.feed.stop()
        self.password_executor.shutdown(wait=True)
        self.executor.shutdown(wait=True)
        self.accounts.close()
        self.store.close()


async def _run[R](executor: ThreadPoolExecutor, work: Callable[[], R]) -> R:
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(executor, copy_context().run, work)


def server_of(request: Request) -> Server:
    """Return the server that a request came to."""
    return cast("Server", request.app.state.server)


async def _server(request: Request) -> Server:
    # Dependencies that are plain functions would be sent to a thread, which costs more than they.
    return server_of(request)


ServerDep = Annotated[Server, Depends(_server)]
"""The running server."""


async def expected_revision(request: Request) -> int | None:
    """Return the revision that the caller saw; none = whatever it is now.

    Raises:
        InvalidInputError: The header is no ETag of ours.
    """
    if_match = request.headers.get("if-match")
    if if_match is None or if_match.strip() == "*":
        return None
    text = if_match.strip().removeprefix("W/").strip('"')
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS):
        raise InvalidInputError(
            'If-Match must be an ETag that this server sent, such as "3", or *.',
            field="If-Match",
            value=if_match[:100],
        )
    return int(text)


ExpectedRevision = Annotated[int | None, Depends(expected_revision)]
"""The revision of the `If-Match` header."""


def etag(revision: int) -> str:
    """Return the ETag of a revision."""
    return f'"{revision}"'


__all__ = [
    "ExpectedRevision",
    "Server",
    "ServerDep",
    "etag",
    "expected_revision",
    "server_of",
]
