"""The garden on a server, as entities want it: always a snapshot, and how old it is."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, override

from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.command_queue import QueueingClient
from kamerplanter_backend.client.command_store import restored
from kamerplanter_backend.client.listeners import Listeners
from kamerplanter_backend.client.protocol import (
    Caller,
    Change,
    Command,
    KamerplanterClient,
    Request,
)
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.client.waiting_overlay import with_waiting
from kamerplanter_backend.common.exceptions import (
    ForbiddenError,
    HostRefusedError,
    RateLimitedError,
    TenantSuspendedError,
)
from kamerplanter_backend.common.permissions import Permission, is_permitted
from kamerplanter_engines.errors import InvalidInputError, KamerplanterError

from .snapshot_memory import SnapshotMemory

_LOGGER = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What turned out about the right to do something."""

    is_of_garden: bool
    """Whether the garden as a whole is meant, which may be suspended; else the key."""
    refusal: ForbiddenError | None
    """Why it was refused; none = what was refused before is possible again."""


class ServerClient(KamerplanterClient):
    """A queue in front of a server, and a memory of what the server showed last.

    Args:
        queue: The way to the server.
        memory: What was shown before the last stop.
    """

    def __init__(self, queue: QueueingClient, memory: SnapshotMemory) -> None:
        self.queue = queue
        self._memory = memory
        self._is_stale = True
        self._is_suspended = False
        self._forbidden: set[Permission] = set()
        self._rights_listeners = Listeners[Rights]("what the key may not do")
        if memory.snapshot is not None:
            queue.recall(memory.snapshot)

    @property
    def is_stale(self) -> bool:
        """Whether the newest snapshot is a memory, because the server does not answer us."""
        return self._is_stale

    @property
    def is_connected(self) -> bool:
        """Whether the server answers us, even if it takes nothing now."""
        state = self.queue.state
        return state.away_since is None or isinstance(
            state.trouble, TenantSuspendedError | RateLimitedError
        )

    @property
    def seen_at(self) -> datetime | None:
        """When the server answered last, by our clock; none = never."""
        return self._memory.seen_at

    @property
    def age(self) -> timedelta | None:
        """How long ago that was; none = nobody knows."""
        return self._memory.age(dt_util.utcnow())

    @override
    async def snapshot(self) -> GardenSnapshot:
        """Return what the server shows; while it does not answer, what it showed last.

        Raises:
            KamerplanterError: It does not answer or refuses us, and nothing is known of it.
        """
        asked_at = dt_util.utcnow()
        try:
            seen = await self.queue.look()
        except KamerplanterError:
            # A key that was withdrawn opens no gate: what was known stays, and grows old.
            if self._memory.snapshot is None:
                raise
            shown = await self.queue.gated(self._memory.snapshot)
            self._is_stale = True
        else:
            shown, self._is_stale = seen.snapshot, not seen.is_fresh
        if self._is_stale:
            shown = shown.model_copy(update={"next_due_at": None})
        else:
            await self._memory.keep(shown, asked_at)
            shown = _by_our_clock(shown, asked_at)
        return with_waiting(shown, self._waiting())

    @override
    async def call[R](self, request: Request[R], caller: Caller | None = None) -> R:
        """Ask or do one thing; a command waits while the server is away.

        Raises:
            QueuedError: The server is away; the command is stored and will be sent. No failure.
            KamerplanterError: It was refused; nothing was written.
        """
        return await self._noting_what_is_forbidden(self.queue, request, caller)

    async def call_now[R](self, request: Request[R], caller: Caller | None = None) -> R:
        """Ask or do one thing that makes no sense later; nothing of it is stored here.

        Raises:
            KamerplanterError: It was refused or could not be done; nothing was written.
        """
        return await self._noting_what_is_forbidden(self.queue.inner, request, caller)

    @override
    def changes(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        return self.queue.changes(listener)

    def on_rights(self, listener: Callable[[Rights], None]) -> Callable[[], None]:
        """Call the listener when the key may not do what Home Assistant's user may, or may again.

        The result ends it.
        """
        return self._rights_listeners.add(listener)

    async def remember(self) -> None:
        """Write down what is known now."""
        await self._memory.save()

    @override
    async def close(self) -> None:
        self._rights_listeners.clear()
        await self.remember()
        await self.queue.close()

    async def _noting_what_is_forbidden[R](
        self, client: KamerplanterClient, request: Request[R], caller: Caller | None
    ) -> R:
        permission = type(request).permission
        try:
            answer = await client.call(request, caller)
        except HostRefusedError:
            raise  # nothing is wrong with the key
        except TenantSuspendedError as error:
            self._is_suspended = True
            self._rights_listeners.tell(Rights(is_of_garden=True, refusal=error))
            raise
        except ForbiddenError as error:
            if is_permitted((caller or Caller()).role, permission):
                self._forbidden.add(permission)
                self._rights_listeners.tell(Rights(is_of_garden=False, refusal=error))
            raise
        if self._is_suspended and isinstance(request, Command):
            self._is_suspended = False
            self._rights_listeners.tell(Rights(is_of_garden=True, refusal=None))
        if permission in self._forbidden:
            self._forbidden.discard(permission)
            if not self._forbidden:
                self._rights_listeners.tell(Rights(is_of_garden=False, refusal=None))
        return answer

    def _waiting(self) -> Iterator[Command[Any]]:
        for stored in self.queue.waiting:
            if stored.is_readings:
                continue  # many and large, and no task hangs on them here
            try:
                yield restored(stored)
            except InvalidInputError:
                continue  # an older version's: it will be reported as refused


def _by_our_clock(shown: GardenSnapshot, now: datetime) -> GardenSnapshot:
    """Return the snapshot with the moment of the next look as our own clock will show it."""
    if shown.next_due_at is None:
        return shown
    ahead = shown.taken_at - now
    return shown.model_copy(update={"next_due_at": shown.next_due_at - ahead})
