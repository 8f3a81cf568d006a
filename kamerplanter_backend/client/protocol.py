"""What a client offers: read all, ask or do one thing, hear of changes, close."""

from collections.abc import Callable
from datetime import date, datetime
from typing import ClassVar, Protocol, Self

from pydantic import Field

from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_engines.models.base import Model

PROTOCOL = 3
"""Number of the agreement between client and server; grows when an older side cannot follow.

2: each answer says which server it is of; views know fills and doses of the last days.
3: probes measure air and light, kinds of values that an older client cannot read; changes may
name the revision that they were made for."""
OLDEST_PROTOCOL = 2
"""The oldest server that this client understands; one of 2 has no places to show."""
SINCE_PROTOCOL = {"expected_revision": 3}
"""Fields of requests that servers before this number refuse, so they are not sent to them."""


class Request[R](Model):
    """A question; `R` is the type of its answer. May be repeated freely."""

    permission: ClassVar[Permission] = Permission.READ


class Command[R](Request[R]):
    """Changes something. The same `command_key` twice answers twice and acts once."""

    queueable: ClassVar[bool] = True
    """May wait while a server is away; a gate such as a harvest may not."""
    command_key: str | None = Field(default=None, max_length=100)

    def as_of(self, now: datetime, today: date) -> Self:  # noqa: ARG002 - for those that override
        """Return the command with "now" and "today" written out, so that it may wait.

        Args:
            now: The present moment, aware.
            today: The local date at the site.
        """
        return self


class Change(Model):
    """What a commit touched: enough to know what to read again."""

    cursor: int
    tenant_key: str
    collections: tuple[str, ...]
    """Names in alphabetical order; empty = nobody knows, everything must be read again."""


class Caller(Model):
    """Who is behind a call."""

    actor: str = "home-assistant"
    role: Role = Role.GROWER


class KamerplanterClient(Protocol):
    """The four methods; in process and over HTTP alike."""

    async def snapshot(self) -> GardenSnapshot:
        """Return all that screens show, as of now."""

    async def call[R](self, request: Request[R], caller: Caller | None = None) -> R:
        """Ask or do one thing.

        Raises:
            KamerplanterError: It was refused; nothing was written.
        """

    def changes(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call the listener on the event loop after each commit; the result ends it."""

    async def close(self) -> None:
        """Finish what is running and let go of files and threads."""
