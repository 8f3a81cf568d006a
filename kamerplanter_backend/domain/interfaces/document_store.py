"""Documents in transactions: what every store offers, whatever it is built on."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from pydantic import JsonValue

from kamerplanter_backend.domain.interfaces.change_feed import ChangeFeed
from kamerplanter_backend.domain.interfaces.rollup_store import RollupStore
from kamerplanter_backend.domain.interfaces.series_store import SeriesStore
from kamerplanter_engines.models.base import Entity

type Document = dict[str, JsonValue]
"""An entity as JSON data, its key, tenant and revision among the fields."""

type Scalar = str | int | float | bool | None
"""What a condition compares with; dates and times as the text that is stored."""

type Operator = Literal["==", "!=", "<", "<=", ">", ">=", "in", "is_null"]


class UndeclaredWriteError(RuntimeError):
    """A transaction wrote a collection that it did not declare: a mistake in the program."""


@dataclass(frozen=True, slots=True)
class Where:
    """One condition; all conditions of a query must hold.

    A missing value equals none only (`==` and `!=` take it), differs from every other value,
    and is neither less nor greater than anything. `in` takes a sequence, `is_null` a bool.
    """

    path: str
    """A field, or a field of a nested model: `availability.topic`."""
    op: Operator
    value: object


@dataclass(frozen=True, slots=True)
class Order:
    """A field to sort by; missing values come first, equal ones are sorted by key."""

    path: str
    descending: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to find, in which order, and which part of it."""

    where: tuple[Where, ...] = ()
    order: tuple[Order, ...] = ()
    limit: int | None = None
    """Most documents to return, at least 1; none = all."""
    cursor: str | None = None
    """Where an earlier page of the same query ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page[T]:
    """A part of what a query found."""

    items: tuple[T, ...]
    cursor: str | None
    """Start of the next page; none = this is the last one."""
    total: int
    """How many documents meet the conditions, on all pages together."""

    def shown_as[V](self, view: Callable[[T], V]) -> Page[V]:
        """Return the same part with each item as something else."""
        return Page(items=tuple(map(view, self.items)), cursor=self.cursor, total=self.total)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandResult:
    """What a command answered the first time."""

    answer: JsonValue
    digest: str | None
    """Tells whether the same key came with the same content."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that an examination of the store found."""

    collection: str | None
    """None = the file as a whole."""
    key: str | None
    problem: str


class Declared(Protocol):
    """What a store has to know of a kind of documents."""

    @property
    def name(self) -> str:
        """The name of the collection: lower case letters and underscores."""

    @property
    def entity(self) -> type[Entity]:
        """The model that says which fields there are."""

    @property
    def unique(self) -> tuple[tuple[str, ...], ...]:
        """Groups of fields that no two living documents of a tenant share.

        Archived documents, and those that miss one of the values, collide with nothing.
        """

    @property
    def indexes(self) -> tuple[tuple[str, ...], ...]:
        """Groups of fields that are asked for often."""


class Transaction(ABC):
    """All or nothing: what is read is of one moment, what is written comes at the end.

    Every method may raise `UnavailableError` or one of its subclasses. Writing raises
    `UndeclaredWriteError` for a collection that was not named at the beginning.
    """

    @property
    @abstractmethod
    def readings(self) -> SeriesStore:
        """The measurements, within the same transaction (declared as `readings`)."""

    @property
    @abstractmethod
    def rollups(self) -> RollupStore:
        """The measurements summed up, within the same transaction (declared as `readings`)."""

    @abstractmethod
    def get(self, collection: str, key: str) -> Document | None:
        """Return a document."""

    @abstractmethod
    def get_many(self, collection: str, keys: Sequence[str]) -> list[Document]:
        """Return those documents that exist, in the order of the keys."""

    @abstractmethod
    def find(self, collection: str, query: Query) -> list[Document]:
        """Return the documents that meet all conditions.

        Raises:
            InvalidInputError: A path is no field, or a value or cursor cannot be used.
        """

    @abstractmethod
    def page(self, collection: str, query: Query) -> Page[Document]:
        """Return a part of the documents, and where the next part begins.

        Pages follow the order and the key, not a count: documents that come or go in between
        neither repeat nor hide others.

        Raises:
            InvalidInputError: As in `find`, or the query has no limit.
        """

    @abstractmethod
    def count(self, collection: str, where: Sequence[Where] = ()) -> int:
        """Return how many documents meet all conditions."""

    @abstractmethod
    def insert(self, collection: str, document: Document) -> None:
        """Write a new document.

        Raises:
            ConflictError: Its key or a unique value is taken; names field and value.
        """

    @abstractmethod
    def insert_if_new(self, collection: str, document: Document) -> bool:
        """Write a document unless its key is taken; tell whether it was written.

        Raises:
            ConflictError: A unique value is taken.
        """

    @abstractmethod
    def replace(self, collection: str, document: Document, *, expected_revision: int) -> None:
        """Write a new state of a document.

        Raises:
            NotFoundError: It does not exist.
            StaleRevisionError: What is stored has another revision.
            ConflictError: A unique value is taken.
        """

    @abstractmethod
    def remove(self, collection: str, key: str) -> bool:
        """Delete a document; tell whether it was there."""

    @abstractmethod
    def note_change(self, collection: str, tenant_key: str) -> None:
        """Make the change feed name a collection; writes of documents do so by themselves."""

    @abstractmethod
    def has_written(self, collection: str, tenant_key: str) -> bool:
        """Tell whether this transaction itself has written to a collection of a garden."""

    @abstractmethod
    def last_cursor(self) -> int:
        """Return the cursor of the latest commit that this transaction sees; 0 = none.

        It sees all commits before that one, too.
        """

    @abstractmethod
    def touched_since(self, cursor: int) -> Mapping[str, frozenset[str]] | None:
        """Return to which collections of which gardens was committed after a cursor.

        It tells what this transaction sees, without what it writes itself. None = the cursor is
        unknown or older than what is kept: everything must be read again.
        """

    @abstractmethod
    def seen_command(self, tenant_key: str, command_key: str) -> CommandResult | None:
        """Return what a command answered when it came for the first time."""

    @abstractmethod
    def remember_command(
        self, tenant_key: str, command_key: str, result: CommandResult, *, at: datetime
    ) -> None:
        """Keep the answer of a command for 30 days. Allowed in every writing transaction.

        Raises:
            ConflictError: The command has been here before.
        """

    @abstractmethod
    def forget_commands(self, tenant_key: str) -> None:
        """Forget the answers of all commands of a garden. Allowed in every writing transaction."""


class DocumentStore(ChangeFeed):
    """A place where documents, readings and changes are kept."""

    @abstractmethod
    def begin(self, writes: frozenset[str]) -> AbstractContextManager[Transaction]:
        """Open a transaction; it is committed at the end of the block.

        An exception in the block takes everything back. Transactions of one thread must not be
        nested.

        Args:
            writes: The collections that it will write; empty = it only reads.
        """

    @abstractmethod
    def pause_writes(self) -> AbstractContextManager[None]:
        """Hold back writers while a copy of the files is made; the files are complete meanwhile.

        May be entered and left on different threads. Writers wait for some seconds, then get
        `UnavailableError`.
        """

    @abstractmethod
    def check(self) -> list[Finding]:
        """Examine the whole store: its files, and every document against its model."""

    @abstractmethod
    def close(self) -> None:
        """Let go of all files; harmless when done twice."""


def declared_by_name[D: Declared](collections: Sequence[D]) -> Mapping[str, D]:
    """Return the declarations by name.

    Raises:
        ValueError: Two collections share a name.
    """
    by_name = {collection.name: collection for collection in collections}
    if len(by_name) != len(collections):
        raise ValueError("two collections share a name")
    return by_name
