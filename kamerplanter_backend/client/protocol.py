"""What a client offers: read all, ask or do one thing, hear of changes, close."""

from collections.abc import Callable
from typing import ClassVar, Protocol

from pydantic import Field

from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_engines.models.base import Model


class Request[R](Model):
    """A question; `R` is the type of its answer. May be repeated freely."""

    permission: ClassVar[Permission] = Permission.READ


class Command[R](Request[R]):
    """Changes something. The same `command_key` twice answers twice and acts once."""

    permission: ClassVar[Permission] = Permission.WORK
    queueable: ClassVar[bool] = True
    """May wait while a server is away; a gate such as a harvest may not."""
    command_key: str | None = Field(default=None, max_length=100)


class Change(Model):
    """What a commit touched: enough to know what to read again."""

    cursor: int
    tenant_key: str
    collections: tuple[str, ...]


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
