"""One use case: one garden, one moment, one transaction."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.exceptions import IdempotencyConflictError, NotFoundError
from kamerplanter_backend.domain.interfaces.document_store import (
    CommandResult,
    DocumentStore,
    Transaction,
    Where,
    declared_by_name,
)
from kamerplanter_backend.domain.interfaces.encoding import encode
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.repositories.base import Access, Repository
from kamerplanter_backend.domain.repositories.collection import SHARED_TENANT
from kamerplanter_backend.domain.repositories.recall import Memory, Recall
from kamerplanter_backend.domain.repositories.references import References
from kamerplanter_backend.domain.repositories.rollups import Rollups
from kamerplanter_backend.domain.repositories.standing import present_role
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_engines.models.base import CLOCK_TOLERANCE
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from kamerplanter_engines.models.twin import Span

READINGS = "readings"
"""The name of the measurements among the collections that a transaction may write."""


class Readings:
    """The measurements of the probes of one garden."""

    def __init__(
        self, transaction: Transaction, probes: ProbeRepository, tenant_key: str, now: datetime
    ) -> None:
        self._transaction = transaction
        self._probes = probes
        self._tenant_key = tenant_key
        self._until_at = now + CLOCK_TOLERANCE
        self._known: set[str] = set()

    def append(self, readings: Sequence[Reading]) -> int:
        """Store readings; return how many were new (one per channel and moment).

        Raises:
            NotFoundError: A probe is not of this garden; nothing was stored.
        """
        self.check({reading.probe_key for reading in readings})
        added = self._transaction.readings.append(readings)
        if added:
            self._transaction.note_change(READINGS, self._tenant_key)
        return added

    def revise(self, readings: Sequence[Reading]) -> int:
        """Replace what is stored of these channels and moments; return how many there were.

        Raises:
            NotFoundError: A probe is not of this garden; nothing was changed.
        """
        self.check({reading.probe_key for reading in readings})
        changed = self._transaction.readings.revise(readings)
        if changed:
            self._transaction.note_change(READINGS, self._tenant_key)
        return changed

    def range(
        self,
        probe_key: str,
        kind: ChannelKind,
        from_at: datetime,
        until_at: datetime,
        *,
        most: int | None = None,
    ) -> list[Reading]:
        """Return the readings of a channel within [from, until), oldest first, `most` at most.

        Raises:
            NotFoundError: The probe is not of this garden.
        """
        self.check({probe_key})
        return self._transaction.readings.range(probe_key, kind, from_at, until_at, most=most)

    def latest(
        self,
        probe_key: str,
        kind: ChannelKind,
        verdict: Verdict | None = None,
        *,
        until_at: datetime | None = None,
        in_order: bool = False,
    ) -> Reading | None:
        """Return the newest reading of a channel, of one verdict if given, until a moment or now.

        What lies ahead of now, because the clock went back, does not hide what lies before. In
        order, a good one that came late is left out.

        Raises:
            NotFoundError: The probe is not of this garden.
        """
        self.check({probe_key})
        return self._transaction.readings.latest(
            probe_key, kind, verdict, until_at=until_at or self._until_at, in_order=in_order
        )

    def fine_at(self, probe_key: str, kind: ChannelKind) -> datetime | None:
        """Return when a channel last said a number finer than `COARSE_STEP`; none = never.

        Raises:
            NotFoundError: The probe is not of this garden.
        """
        self.check({probe_key})
        return self._transaction.readings.fine_at(probe_key, kind)

    def run_of(self, last: Reading, from_at: datetime) -> tuple[datetime, list[Reading]]:
        """Return since when a device says the number of a reading, and other numbers before that.

        It looks back no further than to `from_at`; of the others come the newest four.

        Raises:
            NotFoundError: The probe is not of this garden.
        """
        self.check({last.probe_key})
        return self._transaction.readings.run_of(last, from_at)

    def told(self, last: Reading, from_at: datetime) -> Reading | None:
        """Return the newest reading before another one that does not lie at an end stop.

        Raises:
            NotFoundError: The probe is not of this garden.
        """
        self.check({last.probe_key})
        return self._transaction.readings.told(last, from_at)

    def doubted(
        self, last: Reading, after: datetime | None, most: int
    ) -> tuple[list[Reading], datetime | None]:
        """Return the newest readings doubted for range or rate, and when the first one was.

        Raises:
            NotFoundError: The probe is not of this garden.
        """
        self.check({last.probe_key})
        return self._transaction.readings.doubted(last, after, most)

    def spans(
        self,
        probe_key: str,
        kind: ChannelKind,
        from_at: datetime,
        until_at: datetime,
        span: timedelta,
    ) -> list[Span]:
        """Return between which values good readings within [from, until) lay, span by span.

        Raises:
            NotFoundError: The probe is not of this garden.
        """
        self.check({probe_key})
        return self._transaction.readings.spans(probe_key, kind, from_at, until_at, span)

    def prune(self, before: datetime) -> int:
        """Delete what was measured before a moment; return how many readings went."""
        probe_keys = [probe.key for probe in self._probes.find()]
        removed = self._transaction.readings.prune(before, probe_keys)
        if removed:
            self._transaction.note_change(READINGS, self._tenant_key)
        return removed

    def check(self, probe_keys: set[str]) -> None:
        """Make sure that probes are of this garden.

        Raises:
            NotFoundError: One is not.
        """
        unknown = sorted(probe_keys - self._known)
        if not unknown:
            return
        self._known |= {probe.key for probe in self._probes.known(unknown)}
        if not (unknown := sorted(probe_keys - self._known)):
            return
        # Counting reads no documents; the one that is missing has to be named.
        wanted = (Where("tenant_key", "==", self._tenant_key), Where("key", "in", unknown))
        if self._transaction.count(self._probes.collection.name, wanted) == len(unknown):
            self._known |= probe_keys
            return
        self._known |= {probe.key for probe in self._probes.get_many(unknown)}
        missing = sorted(probe_keys - self._known)
        if missing:
            raise NotFoundError(
                f"No probe {missing[0]!r} in this garden.", kind="probes", key=missing[0]
            )


class UnitOfWork:
    """What a use case works with; made by `open_unit`."""

    def __init__(
        self, transaction: Transaction, context: Context, recall: Recall | None = None
    ) -> None:
        self.context = context
        """Who asks, for which garden, when."""
        self._transaction = transaction
        self._recall = recall
        self._access = Access(
            transaction=transaction, context=context, references=references(), recall=recall
        )
        self._repositories: dict[type[Repository[Any]], Repository[Any]] = {}
        self.readings = Readings(
            transaction, self.of(ProbeRepository), context.tenant_key, context.now
        )
        """The measurements of this garden."""
        self.rollups = Rollups(transaction, context.tenant_key, self.readings.check)
        """The measurements of this garden, summed up; written with `Readings`."""

    def of[R: Repository[Any]](self, repository: type[R]) -> R:
        """Return the repository of a kind, bound to this transaction and garden."""
        found = self._repositories.get(repository)
        if not isinstance(found, repository):
            found = repository(self._access)
            self._repositories[repository] = found
        return found

    def beside(self, context: Context) -> UnitOfWork:
        """Return a unit that works in the same transaction for another garden."""
        return UnitOfWork(self._transaction, context, self._recall)

    def for_installation(self) -> UnitOfWork:
        """Return a unit that works in the same transaction for the installation as a whole."""
        return self.beside(replace(self.context, tenant_key=SHARED_TENANT))

    def forget_answers(self) -> None:
        """Forget what the commands of this garden have answered."""
        self._transaction.forget_commands(self.context.tenant_key)

    def answer[T](self, result: T) -> T:
        """Remember the result as the answer of the command, in the same transaction; return it.

        Does nothing for a context without a command key. When the command comes again,
        `known_answer` finds it.

        Raises:
            ConflictError: The command has been here before.
        """
        key = self.context.command_key
        if key is not None:
            self._transaction.remember_command(
                self.context.tenant_key,
                _own_key(self.context.actor, key),
                CommandResult(answer=encode(result), digest=self.context.command_digest),
                at=self.context.now,
            )
        return result


def known_answer(store: DocumentStore, context: Context) -> CommandResult | None:
    """Return what the command of this context answered before, or none if it is new.

    Raises:
        IdempotencyConflictError: Its key was used for a command with another content.
    """
    key = context.command_key
    if key is None:
        return None
    with store.begin(frozenset()) as transaction:
        seen = transaction.seen_command(context.tenant_key, _own_key(context.actor, key))
        if seen is None and _AFTER_ACTOR not in key:
            # Up to a month old: keys were common to a garden then. Whoever sends the same again
            # gets that answer; what has another content is taken for somebody else's.
            common = transaction.seen_command(context.tenant_key, key)
            return common if common and common.digest == context.command_digest else None
    if seen is not None and seen.digest != context.command_digest:
        raise IdempotencyConflictError(
            f"The command key {key!r} was used for something else; use a new one.",
            field="command_key",
            kind="command",
            value=key,
        )
    return seen


_AFTER_ACTOR = "\n"
"""Stands between actor and key; no actor has it in its name."""


def _own_key(actor: str, command_key: str) -> str:
    """Return under which key a command is remembered: two people may choose the same one."""
    return f"{actor}{_AFTER_ACTOR}{command_key}"


@cache
def references() -> References:
    """Return who points to whom among all repositories."""
    collections = [repository.collection for repository in REPOSITORIES]
    return References(declared_by_name(collections))


@contextmanager
def open_unit(
    store: DocumentStore,
    context: Context,
    writes: tuple[type[Repository[Any] | Readings], ...] = (),
    *,
    memory: Memory | None = None,
) -> Iterator[UnitOfWork]:
    """Open a unit of work; it is committed at the end of the block, or not at all.

    One that writes looks at the warrant of its context first: whoever lost a right while the
    write waited for its turn has lost it for this write too.

    Args:
        store: Where it works.
        context: For which garden.
        writes: What it writes: repositories, and `Readings`; empty = it only reads. What a
            deletion clears or takes along need not be named.
        memory: Keeps what is read by keys from one unit to the next; none = all is read.

    Raises:
        UnavailableError: The store cannot answer; nothing was written.
        UndeclaredWriteError: Something else was written.
        KamerplanterError: The caller may not do this any more; see `present_role`.
    """
    repositories = [kind for kind in writes if issubclass(kind, Repository)]
    declared = references().written_with(
        frozenset(repository.collection.name for repository in repositories)
    )
    if Readings in writes or ProbeRepository in repositories:
        declared |= {READINGS}
    if memory is None:
        with store.begin(declared) as transaction:
            yield _admitted(UnitOfWork(transaction, context), declared)
        return
    with memory.lent() as recall, store.begin(declared) as transaction:
        recall.follow(transaction)
        yield _admitted(UnitOfWork(transaction, context, recall), declared)


def _admitted(unit: UnitOfWork, writes: frozenset[str]) -> UnitOfWork:
    """Return a unit in which its caller has the rights of this very moment."""
    warrant = unit.context.warrant
    if warrant is None or not writes:
        return unit
    role = present_role(unit, warrant)
    return unit if role is unit.context.role else unit.beside(replace(unit.context, role=role))
