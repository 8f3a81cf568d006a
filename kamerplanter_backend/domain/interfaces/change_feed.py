"""What a commit tells those who listen."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChange:
    """What a commit touched in one garden."""

    cursor: int
    """Grows with each commit."""
    tenant_key: str
    collections: tuple[str, ...]
    """Names in alphabetical order."""


class ChangeFeed(ABC):
    """Tells of commits, at once and afterwards."""

    @abstractmethod
    def subscribe(self, listener: Callable[[StoredChange], None]) -> Callable[[], None]:
        """Call the listener after each commit, on the thread that committed.

        The listener must be quick and must not use the store. The result ends the subscription.
        """

    @abstractmethod
    def changes_since(self, cursor: int, tenant_key: str | None) -> tuple[StoredChange, ...] | None:
        """Return the changes of a garden, or with none of all, after a cursor, oldest first.

        None = the cursor is unknown or older than what is kept: everything must be read again.
        """

    @abstractmethod
    def last_cursor(self) -> int:
        """Return the cursor of the latest change; 0 = there was none."""
