"""Lets one transaction through at a time, and holds writers while a backup runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock

from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.data_access.sqlite.errors import closed_error


class _Turn:
    """One that waits."""

    def __init__(self, *, writes: bool) -> None:
        self.writes = writes
        self.is_granted = False
        self.called = Event()


class Gate:
    """A lock that can be paused, and that is given up on after some seconds.

    It is handed on in the order of coming: a plain lock may leave one thread waiting for ever
    while others take it again and again.

    Args:
        patience_s: How long a transaction waits for its turn. [s]
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._lock = Lock()
        self._waiting: list[_Turn] = []
        self._pauses = 0
        self._is_taken = False
        self._is_closed = False
        self._empty = Event()
        self._empty.set()

    @contextmanager
    def passage(self, *, writes: bool) -> Iterator[None]:
        """Hold the gate for the block.

        Args:
            writes: Whether a pause holds it back.

        Raises:
            UnavailableError: It took too long, or the gate is closed.
        """
        turn = _Turn(writes=writes)
        with self._lock:
            if self._is_closed:
                raise closed_error()
            self._waiting.append(turn)
            self._call_next()
        try:
            turn.called.wait(self._patience_s)
            with self._lock:
                if not turn.is_granted:
                    raise self._refusal()
            yield
        finally:
            with self._lock:
                if turn.is_granted:
                    self._is_taken = False
                elif turn in self._waiting:
                    self._waiting.remove(turn)
                self._call_next()

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Hold back new writers for the block; comes in once the present one is through."""
        with self._lock:
            self._pauses += 1
        try:
            # Once through, no writer is inside, and none enters before the pause ends.
            with self.passage(writes=False):
                pass
            yield
        finally:
            with self._lock:
                self._pauses -= 1
                self._call_next()

    def close(self) -> None:
        """Let nobody in any more; return when the last one is out."""
        with self._lock:
            self._is_closed = True
            for turn in self._waiting:
                turn.called.set()
            self._waiting.clear()
        self._empty.wait(self._patience_s)

    def _call_next(self) -> None:
        """Let the first one in that may enter; the lock is held."""
        if not self._is_taken and not self._is_closed:
            for turn in self._waiting:
                if not (turn.writes and self._pauses):
                    self._waiting.remove(turn)
                    self._is_taken = turn.is_granted = True
                    turn.called.set()
                    break
        if self._is_taken:
            self._empty.clear()
        else:
            self._empty.set()

    def _refusal(self) -> UnavailableError:
        if self._is_closed:
            return closed_error()
        reason = "backup" if self._pauses else "busy"
        holder = "a backup" if self._pauses else "another operation"
        return UnavailableError(
            f"Nothing was written: the store is held by {holder}. Try again.", reason=reason
        )
