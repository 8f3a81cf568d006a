"""A client that keeps commands for a server that is away, and delivers them in order, once.

What it promises:

- A command that raised `QueuedError` is on the disk. It is delivered when the server is back, in
  the order of the calls and with the moment at which it was called; after a restart too.
- Whoever calls waits some seconds for a silent server (`Waits.answer_s`), then it counts as away.
- A command that must not wait (`queueable` is false) is refused at once with `UnavailableError`,
  and never overtakes one that waits.
- A treatment that waits, or that the server refused, closes the gate of the harvest here.
- What the server refuses is taken out, kept with the reason and reported; the others go on.
- A server that is there and will not have us (key, membership, suspension) gets nothing new put
  aside for it: callers hear the reason, as `waiting_rule` says.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, override
from uuid import uuid7

from kamerplanter_backend.client.command_store import CommandStore, stored
from kamerplanter_backend.client.delivery import Delivery
from kamerplanter_backend.client.listeners import Listeners
from kamerplanter_backend.client.local_gate import LocalGate
from kamerplanter_backend.client.patience import is_cancelled, is_waited_for, within
from kamerplanter_backend.client.protocol import (
    Caller,
    Change,
    Command,
    KamerplanterClient,
    Request,
)
from kamerplanter_backend.client.queue_file import RefusedCommand, StoredCommand
from kamerplanter_backend.client.queue_state import QueueState, Seen
from kamerplanter_backend.client.requests import CheckHarvest, LogHarvest, LogTreatment
from kamerplanter_backend.client.rest import RestClient
from kamerplanter_backend.client.server_time import ServerTime
from kamerplanter_backend.client.transport import Waits
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.client.waiting_rule import (
    is_away,
    is_passing,
    may_wait,
    needs_a_person,
    passes_by_itself,
)
from kamerplanter_backend.client.wire import CLOSED
from kamerplanter_backend.common.clock import Clock, system_clock
from kamerplanter_backend.common.exceptions import (
    ForbiddenError,
    QueuedError,
    UnavailableError,
)
from kamerplanter_backend.common.permissions import is_permitted
from kamerplanter_engines.errors import KamerplanterError
from kamerplanter_engines.models.ipm import HarvestVerdict

_ANYTHING = Change(cursor=0, tenant_key="", collections=())
"""What is told when a view changes here, which no commit of the server tells."""


class QueueingClient(KamerplanterClient):
    """A client with a queue in front of it; made by `open_queue`."""

    def __init__(
        self,
        inner: KamerplanterClient,
        store: CommandStore,
        time: ServerTime,
        gate: LocalGate,
        *,
        clock: Clock,
        waits: Waits,
    ) -> None:
        self.inner = inner
        """The way to the server without the queue: for what must be answered now."""
        self._store = store
        self._clock = clock
        self._gate = gate
        self._time = time
        self._answer_s = waits.answer_s
        self._last: GardenSnapshot | None = None
        self._trouble: KamerplanterError | None = None
        self._away_since: datetime | None = None
        self._listeners = Listeners[Change]("changes")
        self._state_listeners = Listeners[QueueState]("the state of the queue")
        self._refused_listeners = Listeners[RefusedCommand]("refused commands")
        self._delivery = Delivery(
            store,
            inner,
            clock=clock,
            waits=waits,
            on_sent=self._note_sent,
            on_done=self._hold,
            on_refused=self._note_refused,
            on_lost=self._hold,
            on_taken_back=self._note_taken_back,
            on_trouble=self._note_trouble,
        )
        self._is_closed = False
        self._end_stream = (
            inner.on_stream(self._on_stream) if isinstance(inner, RestClient) else lambda: None
        )
        self._hold()

    @property
    def state(self) -> QueueState:
        """What waits, what was refused, and whether the server is there."""
        waiting = self._store.waiting
        return QueueState(
            depth=len(waiting),
            oldest_at=waiting[0].command.queued_at if waiting else None,
            away_since=self._away_since,
            trouble=self._trouble,
            refused=tuple(self._store.refused),
            dropped_readings_count=self._store.dropped_readings_count,
            damaged_file=self._store.damaged,
        )

    @property
    def waiting(self) -> tuple[StoredCommand, ...]:
        """What waits, in the order of delivery."""
        return tuple(item.command for item in self._store.waiting)

    def recall(self, known: GardenSnapshot) -> None:
        """Show this until the server has answered once: what it showed before the last stop."""
        self._last = self._last or known
        self._time.assume(known)

    @override
    async def snapshot(self) -> GardenSnapshot:
        """Return what `look` sees; raises what it raises."""
        return (await self.look()).snapshot

    async def look(self) -> Seen:
        """Return what the server shows; while it is away, what it showed last.

        What waits here closes the gate of the harvest in both.

        Raises:
            UnavailableError: The server is away, and has not been asked before.
            KamerplanterError: It refuses us.
        """
        number = self._gate.begin_snapshot()
        try:
            shown = await self.inner.snapshot()
        except KamerplanterError as error:
            self._note_trouble(error)
            if self._last is None or not is_away(error):
                raise
            return Seen(snapshot=await self.gated(self._last), is_fresh=False)
        await self._time.learn(shown)
        self._last = shown
        await self._gate.end_snapshot(number)
        self._note_trouble(None)
        if self._store.waiting:
            self._delivery.wake()
        return Seen(snapshot=await self.gated(shown), is_fresh=True)

    async def gated(self, shown: GardenSnapshot) -> GardenSnapshot:
        """Return a snapshot, of now or of earlier, with the gates closed that are closed here."""
        return self._gate.shown(shown, await self._time.zones_of(shown), self._time.now())

    @override
    async def call[R](self, request: Request[R], caller: Caller | None = None) -> R:
        """Ask or do one thing; a command waits while the server is away.

        Raises:
            QueuedError: The server is away; the command is stored and will be sent. No failure.
            UnavailableError: The server is away, and this cannot wait; nothing was written.
            KamerplanterError: It was refused; nothing was written.
        """
        who = caller or Caller()
        if not isinstance(request, Command):
            answer = await self._ask(request, who)
            if isinstance(request, CheckHarvest) and isinstance(answer, HarvestVerdict):
                zone_at = self._time.zone_at
                return await self._gate.verdict(answer, request.plant_key, zone_at)  # type: ignore[return-value]  # R is HarvestVerdict here
            return answer
        if request.command_key is None:
            request = request.model_copy(update={"command_key": str(uuid7())})
            # Only we send this key, so "now" can be written out at once and stays the same.
            request = await self._time.dated(request)
        if not request.queueable:
            return await self._call_now(request, who)
        if self._store.waiting:
            return await self._call_behind(request, who)
        try:
            answer = await self._ask(request, who)
        except KamerplanterError as error:
            if not may_wait(request, error):
                raise
            await self._queue(request, who, attempts=1)
            raise self._queued(request) from error
        await self._note_sent(request)
        return answer

    @override
    def changes(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call the listener after each commit, and when what waits here changes a view."""
        end_inner, end_own = self.inner.changes(listener), self._listeners.add(listener)

        def end() -> None:
            end_inner()
            end_own()

        return end

    def on_state(self, listener: Callable[[QueueState], None]) -> Callable[[], None]:
        """Call the listener on the event loop when `state` has changed; the result ends it."""
        return self._state_listeners.add(listener)

    def on_refused(self, listener: Callable[[RefusedCommand], None]) -> Callable[[], None]:
        """Call the listener when a stored command was given up; the result ends it."""
        return self._refused_listeners.add(listener)

    async def forget_refused(self, command_key: str) -> None:
        """Take a refused command off the list: a person has seen it, and it does not count."""
        await self._store.forget(command_key)
        self._hold()
        self._listeners.tell(_ANYTHING)

    async def send_again(self, command_key: str) -> bool:
        """Send a refused command once more, after all that waits; tell whether there was one.

        Raises:
            CommandExpiredError: The server may have done it, and would do it a second time.
        """
        found = await self._store.send_again(command_key, self._clock())
        self._hold()
        self._delivery.wake()
        return found

    @override
    async def close(self) -> None:
        """Let go of everything; what waits is delivered after the next start."""
        if self._is_closed:
            return
        self._is_closed = True
        self._end_stream()
        self._listeners.clear()
        self._state_listeners.clear()
        self._refused_listeners.clear()
        await self._delivery.stop()
        await self._store.close()
        await self.inner.close()

    async def _ask[R](self, request: Request[R], caller: Caller) -> R:
        try:
            asked = self.inner.call(request, caller)
            answer = await (within(self._answer_s, asked) if is_waited_for(request) else asked)
        except KamerplanterError as error:
            self._note_trouble(error if is_passing(error) else None)
            raise
        self._note_trouble(None)
        return answer

    async def _call_now[R](self, command: Command[R], caller: Caller) -> R:
        """Send a command that cannot wait, after all that waits."""
        self._check_open()
        await self._delivery.settled()
        if self._store.waiting:
            if self._trouble is not None and needs_a_person(self._trouble):
                raise self._trouble
            raise UnavailableError(
                f"{len(self._store.waiting)} commands wait for the server, and this one cannot; "
                "nothing was done.",
                reason="server away",
            )
        if isinstance(command, LogHarvest):
            await self._gate.check(command, self._time.zone_at)
        return await self._ask(command, caller)

    async def _call_behind[R](self, command: Command[R], caller: Caller) -> R:
        """Put a command behind those that wait; return its answer if it comes soon."""
        if self._is_waited_for():
            await self._queue(command, caller)
            raise self._queued(command)
        key = command.command_key or ""
        # Before it is stored, as it may be delivered before we hear that it is.
        answer = self._delivery.answer_of(key)
        try:
            await self._queue(command, caller)
            if self._store.find(key) is None and not answer.done():
                raise self._queued(command)  # readings that joined others
            await asyncio.wait({answer}, timeout=self._answer_s)
            if not answer.done():
                self._delivery.note_unheard(key)
                raise self._queued(command)
            result: R = await answer
        except asyncio.CancelledError:
            if answer.cancelled() and not is_cancelled():
                raise self._queued(command) from None
            self._delivery.note_unheard(key)  # it is stored, or is being stored
            raise
        except KamerplanterError:
            if self._store.find(key) is None:
                self._delivery.forget_answer(key)
            raise
        return result

    async def _queue(self, command: Command[Any], caller: Caller, *, attempts: int = 0) -> None:
        self._check_open()
        if not is_permitted(caller.role, command.permission):
            raise ForbiddenError(
                f"Role {caller.role} may not {command.permission}.",
                permission=command.permission.value,
            )
        dated = await self._time.dated(command)
        await self._store.add(stored(dated, caller, self._clock()), attempts=attempts)
        self._hold()
        if not self._is_waited_for() or len(self._store.waiting) == 1:
            self._delivery.wake()
        if isinstance(command, LogTreatment):
            self._listeners.tell(_ANYTHING)

    def _is_waited_for(self) -> bool:
        """Tell whether the server is known to take nothing now, which passes by itself."""
        return self._trouble is not None and passes_by_itself(self._trouble)

    def _check_open(self) -> None:
        if self._is_closed:
            raise UnavailableError("The garden is closed.", reason=CLOSED)

    def _queued(self, command: Command[Any]) -> QueuedError:
        depth = len(self._store.waiting)
        return QueuedError(
            f"The server is away; this was stored and will be sent ({depth} waiting).",
            key=command.command_key,
            found=depth,
        )

    def _hold(self) -> None:
        waiting = (item.command for item in self._store.waiting)
        refused = (item.command for item in self._store.refused)
        self._gate.hold((*waiting, *refused))
        self._state_listeners.tell(self.state)

    async def _note_sent(self, command: Command[Any]) -> None:
        if isinstance(command, LogTreatment):
            await self._gate.note_sent(command)

    def _note_taken_back(self, command: StoredCommand) -> None:
        self._hold()
        if command.name == LogTreatment.__name__:
            self._listeners.tell(_ANYTHING)  # it closes no gate any more

    def _note_refused(self, refusal: RefusedCommand) -> None:
        self._hold()
        self._refused_listeners.tell(refusal)

    def _note_trouble(self, error: KamerplanterError | None) -> None:
        was = self._trouble
        self._trouble = error
        if error is None:
            self._away_since = None
        elif self._away_since is None:
            self._away_since = self._clock()
        if type(was) is not type(error):
            self._state_listeners.tell(self.state)

    def _on_stream(self, is_open: bool) -> None:
        if is_open and self._store.waiting:
            self._delivery.wake()
        if is_open and self._away_since is not None:
            self._listeners.tell(_ANYTHING)  # it is back: nobody waits for the next poll


async def open_queue(
    inner: KamerplanterClient,
    path: Path,
    *,
    clock: Clock = system_clock,
    waits: Waits | None = None,
) -> QueueingClient:
    """Put a queue in front of a client, with all that still waits in a file.

    Args:
        inner: The client of the server; closed together with the queue.
        path: The file of the queue, made if it is new. One file belongs to one garden.
        clock: Tells the time.
        waits: Pauses between attempts to deliver.

    Raises:
        NewerSchemaError: A newer version wrote the file; it is left untouched.
        UnavailableError: The file cannot be used.
    """
    store = await CommandStore.open(path)
    time, gate = ServerTime(clock, store, inner), LocalGate(store)
    try:
        await time.recall()
        await gate.recall()
    except BaseException:
        await store.close()
        raise
    return QueueingClient(inner, store, time, gate, clock=clock, waits=waits or Waits())
