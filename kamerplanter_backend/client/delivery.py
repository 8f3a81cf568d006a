"""Brings what waits to the server, in order, as soon as the server is there."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kamerplanter_backend.client.command_age import expired, is_too_old
from kamerplanter_backend.client.command_store import CommandStore, restored
from kamerplanter_backend.client.protocol import Command, KamerplanterClient
from kamerplanter_backend.client.queue_file import RefusedCommand, StoredCommand, WaitingCommand
from kamerplanter_backend.client.transport import Waits, jittered
from kamerplanter_backend.client.waiting_rule import is_passing, needs_a_person
from kamerplanter_backend.client.wire import SERVER_ERROR, UNREADABLE
from kamerplanter_backend.common.clock import Clock
from kamerplanter_backend.common.exceptions import RateLimitedError, UnavailableError
from kamerplanter_engines.errors import KamerplanterError

_LOGGER = logging.getLogger(__name__)

FIRST_PAUSE_S = 1.0
BREAKING_ATTEMPTS = 10
"""A command that broke a server which answers otherwise so often is given up."""
_OF_ONE_COMMAND = frozenset({SERVER_ERROR, UNREADABLE})
"""Reasons why a server that is there may not have taken one command, and will not ever."""


@dataclass(slots=True)
class _Expected:
    """An answer that somebody waits for."""

    answer: asyncio.Future[Any]
    is_heard: bool
    """Whether it is enough to tell the caller of a refusal: the caller still listens, and was not
    told before that the command waits."""


class Delivery:
    """The task that empties the queue.

    Args:
        store: The queue.
        client: The way to the server.
        clock: Tells the time.
        waits: Pauses between attempts.
        on_sent: Told of each command that the server has taken, before it is taken out here.
        on_done: Told when one was taken out.
        on_refused: Told of each command that was given up.
        on_lost: Told when readings were given up; nobody is asked about each of so many.
        on_taken_back: Told of each command that its caller is refused, as the server refuses us.
        on_trouble: Told why nothing can be delivered now; none = something was.
    """

    def __init__(
        self,
        store: CommandStore,
        client: KamerplanterClient,
        *,
        clock: Clock,
        waits: Waits,
        on_sent: Callable[[Command[Any]], Awaitable[None]],
        on_done: Callable[[], None],
        on_refused: Callable[[RefusedCommand], None],
        on_lost: Callable[[], None],
        on_taken_back: Callable[[StoredCommand], None],
        on_trouble: Callable[[KamerplanterError | None], None],
    ) -> None:
        self._store = store
        self._client = client
        self._clock = clock
        self._waits = waits
        self._on_sent = on_sent
        self._on_done = on_done
        self._on_refused = on_refused
        self._on_lost = on_lost
        self._on_taken_back = on_taken_back
        self._on_trouble = on_trouble
        self._wake = asyncio.Event()
        self._round_ended = asyncio.Event()
        self._answers: dict[str, _Expected] = {}
        self._broken = ("", 0)
        """The command that broke a living server last, and how often it did."""
        self._hindrance: KamerplanterError | None = None
        """Why the server took nothing more in the last round; none = another reason, or none."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def wake(self) -> None:
        """Try at once: the server may be there, or something new waits."""
        self._wake.set()

    async def settled(self) -> None:
        """Try at once, and wait until everything is delivered or the server is away."""
        if self._store.waiting:
            self._round_ended.clear()
            self.wake()
            await self._round_ended.wait()

    def answer_of(self, command_key: str) -> asyncio.Future[Any]:
        """Return what the server will answer to a command that is about to be stored.

        It is cancelled when nobody knows when the answer comes: the command waits. Where the
        server refuses it, or will not have us, it fails with the reason, and the command is taken
        out, unless somebody was told before that it waits.
        """
        known = self._answers.get(command_key)
        if known is None:
            answer = asyncio.get_running_loop().create_future()
            # A caller that gave up meanwhile is no reason for a warning.
            answer.add_done_callback(lambda done: done.cancelled() or done.exception())
            known = _Expected(answer, is_heard=self._store.find(command_key) is None)
            self._answers[command_key] = known
        return known.answer

    def forget_answer(self, command_key: str) -> None:
        """Expect no answer to a command: it is not stored, or as a part of another one."""
        known = self._answers.pop(command_key, None)
        if known is not None:
            known.answer.cancel()

    def note_unheard(self, command_key: str) -> None:
        """Take note that the caller of a command has given up waiting."""
        known = self._answers.get(command_key)
        if known is not None:
            known.is_heard = False

    async def stop(self) -> None:
        """Deliver nothing any more; what is under way is sent again with the next start."""
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        self._leave_unanswered()
        self._round_ended.set()

    async def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            if not self._store.waiting:
                await self._wake.wait()
            self._wake.clear()
            self._hindrance = None
            is_empty = False
            try:
                is_empty = await self._round()
                if not is_empty:
                    await self._answer_who_waits()
            except Exception:
                # Who ends here delivers nothing any more, and nobody would notice.
                _LOGGER.exception("What waits cannot be delivered now")
                self._leave_unanswered()
            self._round_ended.set()
            if is_empty:
                pause_s = FIRST_PAUSE_S
                continue
            wait_s = jittered(pause_s)
            if isinstance(self._hindrance, RateLimitedError):
                wait_s = max(wait_s, self._hindrance.retry_after_s)
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake.wait()
            pause_s = min(2 * pause_s, self._waits.longest_pause_s)

    async def _round(self) -> bool:
        """Deliver what can be delivered; tell whether that was everything."""
        while self._store.waiting:
            item = self._store.waiting[0]
            try:
                is_gone = await self._deliver(item)
            except UnavailableError as error:
                self._on_trouble(error)  # our own file: nothing is lost, but nothing goes on
                return False
            if not is_gone:
                return False
        return True

    async def _deliver(self, item: WaitingCommand) -> bool:
        """Deliver one command or give it up; tell whether the next one may follow."""
        key = item.command.command_key
        now = self._clock()
        if is_too_old(item.command, now):
            await self._expire(item)
            return True
        try:
            item = await self._store.begin(item)
            command = restored(item.command)
            answer = await self._client.call(command, item.command.caller)
        except KamerplanterError as error:
            return await self._fail(item, error)
        except Exception as error:
            _LOGGER.exception("Command %s cannot be sent", key)
            # Nobody knows whether it arrived; it must not hold up the others for ever.
            text = f"It cannot be sent: {type(error).__name__}."
            return await self._fail(item, UnavailableError(text, reason=SERVER_ERROR))
        await self._on_sent(command)
        await self._store.remove(item)
        self._on_trouble(None)
        self._on_done()
        waiting = self._answers.pop(key, None)
        if waiting is not None and not waiting.answer.done():
            waiting.answer.set_result(answer)
        return True

    async def _fail(self, item: WaitingCommand, error: KamerplanterError) -> bool:
        """Leave or give up what could not be sent; tell whether the next one may follow."""
        if await self._is_passing(error, item):
            self._hindrance = error
            self._on_trouble(error)
            return False
        await self._give_up(item, error)
        return True

    async def _expire(self, item: WaitingCommand) -> None:
        day = item.command.called_at.date().isoformat()
        if item.command.is_readings:
            # Kept as refused they would fill the disk of a house whose server never comes back.
            count = await self._store.lose(item)
            _LOGGER.warning("%d readings of %s are lost: the server was away", count, day)
            self._on_lost()
            return
        await self._give_up(item, expired(item.command))

    async def _give_up(self, item: WaitingCommand, error: KamerplanterError) -> None:
        key = item.command.command_key
        waiting = self._answers.get(key)
        if waiting is not None and waiting.is_heard and await self._take_back(item):
            self._answer_with(key, error)
            return
        refusal = await self._store.refuse(item, error, self._clock())
        _LOGGER.warning(
            "The server did not take the stored command %s (%s): %s",
            item.command.name,
            item.command.command_key,
            error.message,
        )
        self._on_refused(refusal)
        self._answer_with(key, error)

    def _answer_with(self, command_key: str, error: KamerplanterError) -> None:
        expected = self._answers.pop(command_key, None)
        if expected is not None and not expected.answer.done():
            expected.answer.set_exception(error)

    async def _is_passing(self, error: KamerplanterError, item: WaitingCommand) -> bool:
        """Tell whether a command may succeed later."""
        if not is_passing(error):
            return False
        if error.placeholders.get("reason") not in _OF_ONE_COMMAND:
            return True
        try:
            await self._client.snapshot()
        except KamerplanterError:
            return True
        key, count = item.command.command_key, 1
        if self._broken[0] == key:
            count += self._broken[1]
        self._broken = (key, count)
        return count < BREAKING_ATTEMPTS

    async def _answer_who_waits(self) -> None:
        """Tell those behind what could not be delivered what becomes of their commands."""
        error = self._hindrance
        if error is None or not needs_a_person(error):
            self._leave_unanswered()
            return
        for key, expected in tuple(self._answers.items()):
            item = self._store.find(key)
            if item is None:
                continue  # it is being stored now: the next round tells
            is_told = expected.is_heard and not item.command.is_readings
            if is_told and await self._take_back(item):
                self._answer_with(key, error)
            else:
                self.forget_answer(key)

    async def _take_back(self, item: WaitingCommand) -> bool:
        """Take out a command that nobody counts on yet; tell whether that was possible."""
        try:
            await self._store.remove(item)
        except UnavailableError:
            return False  # it stays, and will be sent
        self._on_taken_back(item.command)
        return True

    def _leave_unanswered(self) -> None:
        for expected in self._answers.values():
            expected.answer.cancel()
        self._answers.clear()
