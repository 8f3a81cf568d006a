"""What waits for the server, on the disk and in memory alike; lives on the event loop."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from kamerplanter_backend.client import requests
from kamerplanter_backend.client.command_age import expired, is_forgotten
from kamerplanter_backend.client.protocol import Caller, Command
from kamerplanter_backend.client.queue_file import (
    QueueFile,
    RefusedCommand,
    StoredCommand,
    WaitingCommand,
)
from kamerplanter_backend.client.requests import RecordReadings
from kamerplanter_backend.client.wire import CLOSED
from kamerplanter_backend.common.exceptions import ConflictError, UnavailableError
from kamerplanter_engines.errors import InvalidInputError, KamerplanterError

MOST_COMMANDS = 2000
"""Commands of people that may wait; one more is refused."""
MOST_BATCHES = 5000
"""Batches of readings that may wait; for one more the oldest is dropped."""
BATCH_SIZE = 200
"""Readings of small batches are put together up to this number."""


def stored(command: Command[Any], caller: Caller, at: datetime) -> StoredCommand:
    """Return a command as it waits; it has its key."""
    return StoredCommand(
        command_key=command.command_key or "",
        name=type(command).__name__,
        body=command.model_dump_json(exclude_unset=True),
        caller=caller,
        queued_at=at,
    )


def restored(item: StoredCommand) -> Command[Any]:
    """Return the command that was stored.

    Raises:
        InvalidInputError: This version knows no such command, or refuses its content.
    """
    kind = getattr(requests, item.name, None)
    if not (isinstance(kind, type) and issubclass(kind, Command)):
        raise InvalidInputError(
            f"There is no command {item.name!r} in this version.", field="name", value=item.name
        )
    try:
        command: Command[Any] = kind.model_validate_json(item.body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise InvalidInputError(f"{field}: {first['msg']}", field=field, value="") from error
    return command


class CommandStore:
    """The queue itself: bounded, in order, each command once; made by `open`."""

    def __init__(self, file: QueueFile, executor: ThreadPoolExecutor) -> None:
        self._file = file
        self._executor = executor
        self._lock = asyncio.Lock()
        self._is_closed = False
        self.waiting: list[WaitingCommand] = []
        """In the order of delivery."""
        self.refused: list[RefusedCommand] = []
        """Oldest first."""
        self.dropped_readings_count = 0
        """Readings lost since the start, because too many waited or they waited too long."""
        self.damaged = file.damaged
        """Where an unreadable file was put aside; none = all is well."""

    @classmethod
    async def open(cls, path: Path) -> Self:
        """Open the file, and make it if it is new.

        Raises:
            UnavailableError: It cannot be used.
        """
        # One thread: what is stored comes one after the other, in the order of the calls.
        executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kamerplanter-queue")
        loop = asyncio.get_running_loop()
        try:
            file = await loop.run_in_executor(executor, QueueFile, path)
            store = cls(file, executor)
            store.waiting = await store.run(file.waiting)
            store.refused = await store.run(file.refused)
        except BaseException:
            executor.shutdown(wait=False)
            raise
        return store

    def find(self, command_key: str | None) -> WaitingCommand | None:
        """Return the waiting command with this key."""
        return next((w for w in self.waiting if w.command.command_key == command_key), None)

    async def add(self, command: StoredCommand, *, attempts: int = 0) -> None:
        """Store a command at the end; the same one twice waits once.

        Args:
            command: What is to be sent.
            attempts: How often it may have been sent already.

        Raises:
            ConflictError: Its key stands for something else.
            UnavailableError: Too many wait, or the disk does not take it.
        """
        # Shielded: a caller that gives up must not leave disk and memory apart.
        await asyncio.shield(self._add(command, attempts))

    async def begin(self, item: WaitingCommand) -> WaitingCommand:
        """Note that a command is sent now, and return it as it is sent: it changes no more."""
        async with self._lock:
            place = next((n for n, w in enumerate(self.waiting) if w.seq == item.seq), None)
            if place is None:
                return item
            await self.run(lambda: self._file.note_attempt(item.seq))
            found = self.waiting[place]
            begun = found.model_copy(update={"attempts": found.attempts + 1})
            self.waiting[place] = begun
            return begun

    async def remove(self, item: WaitingCommand) -> None:
        """Forget a command that was delivered."""
        await self.run(lambda: self._file.remove(item.seq))
        self.waiting = [w for w in self.waiting if w.seq != item.seq]

    async def lose(self, item: WaitingCommand) -> int:
        """Forget readings that nobody will get any more; return how many."""
        try:
            command = restored(item.command)
        except InvalidInputError:
            command = RecordReadings(readings=())  # an older version's
        await self.remove(item)
        count = len(command.readings) if isinstance(command, RecordReadings) else 0
        self.dropped_readings_count += count
        return count

    async def refuse(
        self, item: WaitingCommand, error: KamerplanterError, at: datetime
    ) -> RefusedCommand:
        """Take a command out of the queue, and keep it with the reason."""
        refusal = RefusedCommand(
            command=item.command,
            refused_at=at,
            code=error.code,
            message=error.message,
            field=error.field,
            placeholders=error.placeholders,
        )
        await self.run(lambda: self._file.refuse(item, refusal))
        self.waiting = [w for w in self.waiting if w.seq != item.seq]
        key = item.command.command_key
        others = (r for r in self.refused if r.command.command_key != key)
        self.refused = [*others, refusal]
        return refusal

    async def forget(self, command_key: str) -> None:
        """Take a command off the list of what was refused."""
        await self.run(lambda: self._file.forget_refused(command_key))
        self.refused = [r for r in self.refused if r.command.command_key != command_key]

    async def send_again(self, command_key: str, at: datetime) -> bool:
        """Put a refused command back to the end of the queue; tell whether there was one.

        Raises:
            CommandExpiredError: The server may have done it, and would do it a second time.
        """
        # Shielded: a dialog that is closed must not leave disk and memory apart.
        return await asyncio.shield(self._send_again(command_key, at))

    async def _send_again(self, command_key: str, at: datetime) -> bool:
        async with self._lock:
            found = next((r for r in self.refused if r.command.command_key == command_key), None)
            if found is None:
                return False
            if is_forgotten(found.command, at):
                raise expired(found.command)
            again = await self.run(lambda: self._file.send_again(found, at))
            self.refused = [r for r in self.refused if r is not found]
            self.waiting = [*self.waiting, again]
            return True

    async def recall(self, name: str) -> str | None:
        """Return what was remembered under a name."""
        return await self.run(lambda: self._file.recall(name))

    async def remember(self, name: str, value: str) -> None:
        """Keep a value under a name."""
        await self.run(lambda: self._file.remember(name, value))

    async def run[R](self, work: Callable[[], R]) -> R:
        """Run blocking work on the thread of the file.

        Raises:
            UnavailableError: The file is closed.
        """
        if self._is_closed:
            raise UnavailableError("The garden is closed.", reason=CLOSED)
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    async def close(self) -> None:
        """Finish what is being stored, and let go of the file."""
        async with self._lock:
            await self.run(self._file.close)
            self._is_closed = True
        self._executor.shutdown(wait=True)

    async def _add(self, command: StoredCommand, attempts: int) -> None:
        async with self._lock:
            known = self.find(command.command_key)
            if known is not None:
                _check_same(known.command, command)
                return
            if command.is_readings:
                if not attempts and await self._merged(command):
                    return
                await self._make_room()
            elif self._count(is_reading=False) >= MOST_COMMANDS:
                raise UnavailableError(
                    f"{MOST_COMMANDS} commands wait for the server already; "
                    "this one was not stored.",
                    reason="too many waiting commands",
                )
            added = await self.run(lambda: self._file.add(command, attempts=attempts))
            self.waiting = [*self.waiting, added]

    async def _merged(self, command: StoredCommand) -> bool:
        """Put readings to the last ones that wait, if they fit there; tell whether they did."""
        last = self.waiting[-1] if self.waiting else None
        if last is None or last.attempts or not last.command.is_readings:
            return False
        before = RecordReadings.model_validate_json(last.command.body)
        more = RecordReadings.model_validate_json(command.body)
        readings = before.readings + more.readings
        if len(readings) > BATCH_SIZE or last.command.caller != command.caller:
            return False
        body = before.model_copy(update={"readings": readings}).model_dump_json()
        joined = last.command.model_copy(update={"body": body})
        await self.run(lambda: self._file.replace(last.seq, joined))
        self.waiting = [*self.waiting[:-1], last.model_copy(update={"command": joined})]
        return True

    async def _make_room(self) -> None:
        while self._count(is_reading=True) >= MOST_BATCHES:
            # The first of the queue may be on its way.
            oldest = next(w for w in self.waiting[1:] if w.command.is_readings)
            await self.lose(oldest)

    def _count(self, *, is_reading: bool) -> int:
        return sum(w.command.is_readings is is_reading for w in self.waiting)


def _check_same(known: StoredCommand, command: StoredCommand) -> None:
    if (known.name, known.body) != (command.name, command.body):
        raise ConflictError(
            f"The command key {command.command_key!r} was used for something else; use a new one.",
            field="command_key",
            kind="command",
            value=command.command_key,
        )
