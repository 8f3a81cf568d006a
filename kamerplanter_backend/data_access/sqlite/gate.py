"""Lets one transaction through at a time, and holds writers while a backup runs."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition

from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.data_access.sqlite.errors import closed_error


class Gate:
    """A lock that can be paused, and that is given up on after some seconds.

    Args:
        patience_s: How long a transaction waits for its turn. [s]
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._condition = Condition()
        self._is_taken = False
        self._pauses = 0
        self._is_closed = False

    @contextmanager
    def passage(self, *, writes: bool) -> Iterator[None]:
        """Hold the gate for the block.

        Args:
            writes: Whether a pause holds it back.

        Raises:
            UnavailableError: It took too long, or the gate is closed.
        """
        with self._condition:
            self._condition.wait_for(
                lambda: self._is_closed or not (self._is_taken or (writes and self._pauses)),
                timeout=self._patience_s,
            )
            if self._is_closed:
                raise closed_error()
            if self._is_taken or (writes and self._pauses):
                reason = "backup" if self._pauses else "busy"
                holder = "a backup" if self._pauses else "another operation"
                raise UnavailableError(
                    f"Nothing was written: the store is held by {holder}. Try again.",
                    reason=reason,
                )
            self._is_taken = True
        try:
            yield
        finally:
            with self._condition:
                self._is_taken = False
                self._condition.notify_all()

    @contextmanager
    def pause(self) -> Iterator[None]:
        """Hold back new writers for the block; comes in once the present one is through."""
        with self._condition:
            self._pauses += 1
        try:
            # Once through, no writer is inside, and none enters before the pause ends.
            with self.passage(writes=False):
                pass
            yield
        finally:
            with self._condition:
                self._pauses -= 1
                self._condition.notify_all()

    def close(self) -> None:
        """Let nobody in any more; return when the last one is out."""
        with self._condition:
            self._is_closed = True
            self._condition.notify_all()
            self._condition.wait_for(lambda: not self._is_taken, timeout=self._patience_s)
