"""Brings the changes of the store to those who listen on the server's event loop."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Lock

from kamerplanter_backend.domain.interfaces.change_feed import ChangeFeed, StoredChange

type Listener = Callable[[StoredChange | None], None]
"""Gets each change of its garden, on the loop; none = the server stops, nothing more will come."""


class ChangeHub:
    """Spreads commits to any number of listeners; one subscription to the store for all.

    Args:
        feed: Where the changes come from.
    """

    def __init__(self, feed: ChangeFeed) -> None:
        self._lock = Lock()
        self._listeners: dict[object, tuple[str, asyncio.AbstractEventLoop, Listener]] = {}
        self._is_stopped = False
        self._end = feed.subscribe(self._on_commit)

    def listen(self, tenant_key: str, listener: Listener) -> Callable[[], None]:
        """Call the listener on the running loop for each change of a garden; the result ends it.

        A listener that comes after `stop` is told at once that nothing will come.
        """
        loop = asyncio.get_running_loop()
        token = object()
        with self._lock:
            if self._is_stopped:
                loop.call_soon(listener, None)
                return _nothing
            self._listeners[token] = (tenant_key, loop, listener)

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
        for _, loop, listener in waiting:
            _call(loop, listener, None)

    @property
    def listener_count(self) -> int:
        """How many listen now."""
        return len(self._listeners)

    def _on_commit(self, change: StoredChange) -> None:
        with self._lock:
            listeners = list(self._listeners.values())
        for tenant_key, loop, listener in listeners:
            if tenant_key == change.tenant_key:
                _call(loop, listener, change)


def _call(loop: asyncio.AbstractEventLoop, listener: Listener, change: StoredChange | None) -> None:
    with suppress(RuntimeError):  # the loop is closed: nobody listens any more
        loop.call_soon_threadsafe(listener, change)


def _nothing() -> None:
    """End a subscription that never began."""
