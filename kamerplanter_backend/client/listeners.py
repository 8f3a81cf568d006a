"""Who wants to be told of something; one that fails harms neither the others nor the teller."""

import logging
from collections.abc import Callable

_LOGGER = logging.getLogger(__name__)


class Listeners[T]:
    """Functions that take one value, on the event loop."""

    def __init__(self, subject: str) -> None:
        self._subject = subject
        self._listeners: list[Callable[[T], None]] = []

    def __len__(self) -> int:
        """Return how many listen."""
        return len(self._listeners)

    def add(self, listener: Callable[[T], None]) -> Callable[[], None]:
        """Add a listener; the result takes it away, once or more."""
        self._listeners.append(listener)

        def end() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return end

    def tell(self, value: T) -> None:
        """Call all listeners."""
        for listener in tuple(self._listeners):
            try:
                listener(value)
            except Exception:
                _LOGGER.exception("A listener to %s failed", self._subject)

    def clear(self) -> None:
        """Forget all listeners."""
        self._listeners.clear()
