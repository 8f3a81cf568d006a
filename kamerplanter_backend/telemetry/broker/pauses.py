"""How long to wait before a lost broker is tried again."""

import random
from time import monotonic
from typing import Final

LONGEST_S: Final = 60.0
STEADY_AFTER_S: Final = 20.0
"""A connection that held so long was a real one; the next pause starts small again. [s]"""


class Pauses:
    """Pauses that double up to a minute, and start small after a connection that held.

    Args:
        first_s: The first one. [s]
    """

    def __init__(self, first_s: float) -> None:
        self._first_s = first_s
        self._next_s = first_s
        self._began_at: float | None = None

    def begin(self) -> None:
        """Note that a connection was made."""
        self._began_at = monotonic()

    def lost(self) -> None:
        """Note that it was lost, or never made."""
        if self._began_at is not None and monotonic() - self._began_at >= STEADY_AFTER_S:
            self._next_s = self._first_s
        self._began_at = None

    def next_s(self) -> float:
        """Return how long to wait now, with some jitter: several knock at different moments."""
        now_s = self._next_s
        self._next_s = min(2 * now_s, LONGEST_S)
        return now_s * random.uniform(0.8, 1.2)  # noqa: S311
