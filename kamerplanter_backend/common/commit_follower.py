"""The commits of all processes on one store, as one feed in their order."""

import logging
from collections.abc import Callable
from threading import Event, Lock, Thread
from typing import Final, override

from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.domain.interfaces.change_feed import ChangeFeed, StoredChange

_LOGGER = logging.getLogger(__name__)

LOOK_EVERY_S: Final = 0.25
"""What another process has committed is known so much later at most. [s]"""
STOP_TIMEOUT_S: Final = 10.0


class CommitFollower(ChangeFeed):
    """Hands on the commits of this process at once, and looks for those of others.

    They come in the order of their cursors: who stopped listening after one has missed none
    before it. A commit of our own that comes behind one of another process waits for the next
    look, which it calls for at once.

    Args:
        feed: The store.
        look_every_s: How often to look. [s]
    """

    def __init__(self, feed: ChangeFeed, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._feed = feed
        self._look_every_s = look_every_s
        self._lock = Lock()
        self._listeners: list[Callable[[StoredChange], None]] = []
        self._told = feed.last_cursor()
        self._is_wanted = Event()
        self._is_ended = False
        self._thread: Thread | None = None
        self._end = feed.subscribe(self._on_commit)

    def start(self) -> None:
        """Begin to look for the commits of others, on a thread of its own."""
        self._thread = Thread(target=self._follow, name="commit-follower", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more; harmless when done twice. Blocks for a moment."""
        self._is_ended = True
        self._is_wanted.set()
        self._end()
        if self._thread is not None:
            self._thread.join(STOP_TIMEOUT_S)

    @override
    def subscribe(self, listener: Callable[[StoredChange], None]) -> Callable[[], None]:
        with self._lock:
            self._listeners.append(listener)

        def end() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return end

    @override
    def changes_since(self, cursor: int, tenant_key: str | None) -> tuple[StoredChange, ...] | None:
        return self._feed.changes_since(cursor, tenant_key)

    @override
    def last_cursor(self) -> int:
        return self._feed.last_cursor()

    def look(self) -> int:
        """Hand on what was committed since; return how many changes that were.

        Raises:
            UnavailableError: The store does not answer.
        """
        with self._lock:
            last = self._feed.last_cursor()
            if last <= self._told:
                return 0
            changes = self._feed.changes_since(self._told, None)
            if changes is None:
                _LOGGER.warning("Changes of other processes were missed; who listens looks again")
                self._told = last
                return 0
            for change in changes:
                self._tell(change)
            return len(changes)

    def _follow(self) -> None:
        while not self._is_ended:
            self._is_wanted.wait(self._look_every_s)
            self._is_wanted.clear()
            try:
                self.look()
            except UnavailableError as error:
                _LOGGER.debug("The store does not tell its changes: %s", error)

    def _on_commit(self, change: StoredChange) -> None:
        with self._lock:
            is_next = change.cursor == self._told + 1
            if is_next or self._thread is None:
                self._tell(change)
                return
        self._is_wanted.set()

    def _tell(self, change: StoredChange) -> None:
        """Hand on a change that was not yet; the lock is held."""
        if change.cursor <= self._told and self._thread is not None:
            return
        self._told = max(self._told, change.cursor)
        for listener in tuple(self._listeners):
            try:
                listener(change)
            except Exception:
                # One that fails must not keep the others from knowing.
                _LOGGER.exception("A listener failed on change %d", change.cursor)
