"""Gathers judged readings into batches for the store; the caller owns the timer.

A power cut may cost the open batch, an orderly stop costs nothing: the caller takes what is left.
"""

from collections import deque
from collections.abc import Iterable

from kamerplanter_engines.models.telemetry import Reading

BATCH_SIZE = 2_000
"""A batch is due when it holds so many readings; a call of the store takes no more."""
BATCH_AGE_S = 1.0
"""A batch is due when its first reading has waited so long. [s]"""
CAPACITY = 20_000
"""Readings kept while the store is away: half a day of a garden with 30 values a minute."""


class ReadingBatch:
    """A bounded queue in order of arrival; when it is full, the oldest readings are lost."""

    def __init__(self, *, size: int = BATCH_SIZE, capacity: int = CAPACITY) -> None:
        self._size = size
        self._queue: deque[Reading] = deque(maxlen=capacity)
        self.dropped_count = 0
        """Readings lost because the store was away for too long."""

    def __len__(self) -> int:
        """Return how many readings wait."""
        return len(self._queue)

    @property
    def is_full(self) -> bool:
        """Whether a batch is due by its size."""
        return len(self._queue) >= self._size

    def add(self, readings: Iterable[Reading]) -> None:
        """Append readings; beyond the capacity the oldest are dropped and counted."""
        before = len(self._queue)
        new = tuple(readings)
        self._queue.extend(new)
        self.dropped_count += before + len(new) - len(self._queue)

    def take(self) -> tuple[Reading, ...]:
        """Take out the next batch, oldest first; empty = nothing waits."""
        if len(self._queue) <= self._size:
            batch = tuple(self._queue)
            self._queue.clear()
            return batch
        return tuple(self._queue.popleft() for _ in range(self._size))

    def give_back(self, batch: tuple[Reading, ...]) -> None:
        """Put a batch that could not be stored back to the front.

        What does not fit any more is dropped, oldest first.
        """
        room = (self._queue.maxlen or 0) - len(self._queue)
        kept = batch[max(0, len(batch) - room) :]
        self.dropped_count += len(batch) - len(kept)
        self._queue.extendleft(reversed(kept))
