"""A store that counts what it is asked."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class Counted:
    """Counts what is asked of a transaction and of its readings."""

    def __init__(self, inner: Any, calls: Counter[str]) -> None:
        self._inner = inner
        self._calls = calls

    @property
    def readings(self) -> Counted:
        return Counted(self._inner.readings, self._calls)

    @property
    def rollups(self) -> Any:
        return self._inner.rollups

    def has_written(self, collection: str, tenant_key: str) -> bool:
        """Answer what is no question to the store: the transaction knows what it did."""
        return bool(self._inner.has_written(collection, tenant_key))

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self._calls[name] += 1
            return method(*args, **kwargs)

        return counted


class CountingStore:
    """A store whose transactions count."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.calls: Counter[str] = Counter()

    @contextmanager
    def begin(self, writes: frozenset[str]) -> Iterator[Counted]:
        with self._store.begin(writes) as transaction:
            yield Counted(transaction, self.calls)
