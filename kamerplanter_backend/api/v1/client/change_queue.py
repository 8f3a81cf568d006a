"""What one listener has not taken yet: bounded, so that a slow one costs no memory."""

import asyncio
from collections import deque
from contextlib import suppress

from kamerplanter_backend.common.change_hub import ChangeHub
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.domain.interfaces.change_feed import StoredChange

QUEUE_SIZE = 256
"""Changes that wait for one listener; whoever falls further behind reads everything again."""
MOST_LISTENERS = 400
"""Open streams of a server; the rest of its connections is for everything else."""
LEAST_OF_ONE = 10
"""So many streams of one person are possible on the smallest server too."""


class ChangeQueue:
    """Waits on the event loop between the store and one listener.

    Args:
        hub: Where the changes come from.
        tenant_key: The garden.
        size: Changes that may wait.
        most_listeners: Listeners that the server may have; a quarter of them may be one person's.
        owner: Whose it is; none = of nobody who could be told from others.

    Raises:
        UnavailableError: Too many listen already.
    """

    def __init__(
        self,
        hub: ChangeHub,
        tenant_key: str,
        *,
        size: int = QUEUE_SIZE,
        most_listeners: int,
        owner: str | None = None,
    ) -> None:
        if hub.listener_count >= most_listeners:
            raise UnavailableError(
                f"{most_listeners} listeners are connected, more are not possible; try again.",
                reason="too many listeners",
            )
        if owner is not None and hub.count_of(owner) >= max(LEAST_OF_ONE, most_listeners // 4):
            raise UnavailableError(
                "This account has as many listeners connected as it may; close some.",
                reason="too many listeners",
            )
        self._waiting: deque[StoredChange] = deque()
        self._size = size
        self._woken = asyncio.Event()
        self.has_lost = False
        """It was too slow: what waited was dropped, and no more comes."""
        self.is_ended = False
        """Nothing comes any more."""
        self._leave = hub.listen(tenant_key, self._put, owner=owner)

    async def next(self, timeout_s: float) -> StoredChange | None:
        """Return the next change; none = none came in time, or it has ended."""
        if not self._waiting and not self.is_ended:
            self._woken.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._woken.wait()
        return self._waiting.popleft() if self._waiting else None

    def end(self) -> None:
        """Hear nothing any more; harmless when called again."""
        self.is_ended = True
        self._leave()
        self._woken.set()

    def _put(self, change: StoredChange | None) -> None:
        """Take a change from the hub; none = the server stops."""
        if self.is_ended:
            return
        if change is None:
            self.end()
        elif len(self._waiting) < self._size:
            self._waiting.append(change)
            self._woken.set()
        else:
            self._waiting.clear()
            self.has_lost = True
            self.end()
