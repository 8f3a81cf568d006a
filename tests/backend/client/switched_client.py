"""A client whose server a test takes away and gives back."""

import asyncio
from collections.abc import Callable
from typing import Any, override

from kamerplanter_backend.client.embedded import EmbeddedClient
from kamerplanter_backend.client.protocol import (
    Caller,
    Change,
    Command,
    KamerplanterClient,
    Request,
)
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_engines.errors import KamerplanterError


def away(reason: str = "no connection") -> UnavailableError:
    """Return the error of a server that cannot be reached."""
    return UnavailableError("The server is away.", reason=reason)


class SwitchedClient(KamerplanterClient):
    """Asks a garden in the same process, if the way there is open."""

    def __init__(self, garden: EmbeddedClient) -> None:
        self.garden = garden
        self.trouble: KamerplanterError | None = None
        """What every call raises; none = the way is open."""
        self.loses_answers = False
        """Whether commands arrive, but their answers do not."""
        self.refusals: dict[str, KamerplanterError] = {}
        """By title of a task: what the server says to it."""
        self.breaks_at: str | None = None
        """Title of a task that a mistake of ours meets on its way."""
        self.sent: list[Command[Any]] = []
        """Commands that were tried, in order."""
        self.gate = asyncio.Event()
        """Holds commands while it is not set."""
        self.gate.set()

    @override
    async def snapshot(self) -> GardenSnapshot:
        if self.trouble:
            raise self.trouble
        return await self.garden.snapshot()

    @override
    async def call[R](self, request: Request[R], caller: Caller | None = None) -> R:
        if self.trouble:
            raise self.trouble
        if isinstance(request, Command):
            self.sent.append(request)
            await self.gate.wait()
            title = str(getattr(getattr(request, "fields", None), "title", ""))
            if title == self.breaks_at:
                raise ZeroDivisionError
            if title in self.refusals:
                raise self.refusals[title]
        answer = await self.garden.call(request, caller)
        if self.loses_answers and isinstance(request, Command):
            raise away("timeout")
        return answer

    @override
    def changes(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        return self.garden.changes(listener)

    @override
    async def close(self) -> None:
        """Leave the garden open: it belongs to the test."""
