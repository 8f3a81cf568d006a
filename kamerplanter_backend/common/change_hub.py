"""Brings the changes of the store to those who listen on the server's event loop."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

from kamerplanter_backend.domain.interfaces.change_feed import ChangeFeed, StoredChange

type Listener = Callable[[StoredChange | None], None]
"""Gets each change of its garden, on the loop; none = the server stops, nothing more will come."""


@dataclass(frozen=True, slots=True)
class _Listening:
    """Who listens, to which garden, and where."""

    tenant_key: str
    owner: str | None
    loop: asyncio.AbstractEventLoop
    listener: Listener


class ChangeHub:
    """Spreads commits to any number of listeners; one subscription to the store for all.

    Args:
        feed: Where the changes come from.
    """

    def __init__(self, feed: ChangeFeed) -> None:
        self._lock = Lock()
        self._listeners: dict[object, _Listening] = {}
        self._is_stopped = False
        self._end = feed.subscribe(self._on_commit)

    def listen(
        self, tenant_key: str, listener: Listener, *, owner: str | None = None
    ) -> Callable[[], None]:
        """Call the listener on the running loop for each change of a garden; the result ends it.

        A listener that comes after `stop` is told at once that nothing will come.

        Args:
            tenant_key: The garden.
            listener: Gets the changes.
            owner: Whose it is, to be counted by.
        """
        loop = asyncio.get_running_loop()
        token = object()
        with self._lock:
            if self._is_stopped:
                loop.call_soon(listener, None)
                return _nothing
            self._listeners[token] = _Listening(tenant_key, owner, loop, listener)

        def end() -> None:
            with self._lock:
                self._listeners.pop(token, None)

        return end

    def stop(self) -> None:
        """Tell all listeners that the server stops; harmless when done twice, from any thread."""
        with self._lock:
            self._is_stopped = True
            waiting = list(self._listeners.values())
            self._listeners.clear()
        self._end()
        for one in waiting:
            _call(one.loop, one.listener, None)

    @property
    def listener_count(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    def count_of(self, owner: str) -> int:
        """Return how many of them are somebody's."""
        with self._lock:
            return sum(one.owner == owner for one in self._listeners.values())

    def _on_commit(self, change: StoredChange) -> None:
        with self._lock:
            listeners = list(self._listeners.values())
        for one in listeners:
            if one.tenant_key == change.tenant_key:
                _call(one.loop, one.listener, change)


def _call(loop: asyncio.AbstractEventLoop, listener: Listener, change: StoredChange | None) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody listens any more
        loop.call_soon_threadsafe(listener, change)


def _nothing() -> None:
    """End a subscription that never began."""
