"""Takes gardens out of a store and into another one, as lines of text."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from kamerplanter_backend.common.context import Context
from kamerplanter_backend.common.exceptions import ConflictError
from kamerplanter_backend.common.permissions import Permission, is_permitted
from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.interfaces.archive import (
    ArchivedChannel,
    ArchivedDocument,
    ArchivedReadings,
    ArchivedRollups,
    ArchiveHead,
    ArchiveItem,
    archive_items,
    archive_lines,
)
from kamerplanter_backend.domain.interfaces.document_store import (
    Document,
    Query,
    Transaction,
    Where,
)
from kamerplanter_backend.domain.interfaces.encoding import encode
from kamerplanter_backend.domain.models.system import SeedMark
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.repositories.archived_series import (
    series_items,
    take_in_channel,
    take_in_rollups,
)
from kamerplanter_backend.domain.repositories.collection import SHARED_TENANT, Collection, Scope
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import READINGS, UnitOfWork, references
from kamerplanter_backend.domain.repositories.validation import validated
from kamerplanter_backend.domain.services.base import Service
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.telemetry import Probe, Reading

KEPT_SYSTEM = (
    "installations",
    "seed_marks",
    "users",
    "tenants",
    "memberships",
    "invitations",
    "provider_links",
    "api_keys",
    "retired_slugs",
)
"""What an archive of everything holds of the installation; logins under way are not part of it."""

ONE_OF_A_NAME = ("installations", "seed_marks")
"""What each store has of its own, until an archive of everything brings that of another one."""

LEFT_OUT = ("job_runs", "calendar_feeds")
"""Of a garden: what only the store that it came from can use."""

MADE_WITH_GARDEN = ("sites", "audit_entries", *LEFT_OUT)
"""What an empty garden has already."""

DOCUMENTS_AT_ONCE = 500
"""Documents are read in parts of so many, so that a large garden needs little memory."""

COLLECTIONS = {repository.collection.name: repository.collection for repository in REPOSITORIES}


@dataclass(slots=True, kw_only=True)
class TransferReport:
    """What an import has brought in."""

    document_count: int = 0
    reading_count: int = 0
    rollup_count: int = 0


class TransferService(Service):
    """Exports and imports one garden, or everything."""

    def export(self, garden_key: str | None, now: datetime) -> Iterator[str]:
        """Yield an archive line by line, as of one moment; the last line holds a checksum.

        The thread that takes the lines must not use the store in between.

        Args:
            garden_key: The garden; none = all of them, with users and the shared catalogue. Such
                an archive holds hashes of passwords and keys: keep it as safe as the store.
            now: The moment, aware; stands in the first line.

        Raises:
            UnavailableError: The store does not answer.
        """
        return archive_lines(self._items(garden_key, now))

    def export_of(self, context: Context) -> Iterator[str]:
        """Yield an archive of the garden of the context; the audit is part of it for admins.

        As `export`.
        """
        sees_audit = is_permitted(context.role, Permission.AUDIT_READ)
        without = () if sees_audit else (AuditRepository.collection.name,)
        return archive_lines(self._items(context.tenant_key, context.now, without))

    def restore(
        self, context: Context, lines: Iterable[str], *, everything: bool = False
    ) -> TransferReport:
        """Read an archive in: all of it, or nothing.

        Args:
            context: Who does it, in which garden; of the installation for an archive of all.
            lines: The archive.
            everything: Whether it is one of everything.

        Raises:
            ConflictError: The garden has something in it already, or a key is taken.
            InvalidInputError: The archive was changed or cut, is of another kind, or something in
                it does not fit; names the line or field.
            BrokenReferenceError: Something in it points to what is not there.
        """
        with self.store.begin(frozenset({*COLLECTIONS, READINGS})) as transaction:
            return _Restoring(transaction, context, everything=everything).run(lines)

    def _items(
        self, garden_key: str | None, now: datetime, without: Sequence[str] = ()
    ) -> Iterator[ArchiveItem]:
        yield ArchiveHead(content="all" if garden_key is None else "garden", exported_at=now)
        with self.store.begin(frozenset()) as transaction:
            for collection in COLLECTIONS.values():
                if collection.name in without:
                    continue
                if is_carried(collection, everything=garden_key is None):
                    for document in _documents(transaction, collection.name, garden_key):
                        # One that cannot be read has no garden; `check` tells of it.
                        if document["tenant_key"] is not None:
                            yield ArchivedDocument(collection=collection.name, document=document)
            for probe in _documents(transaction, "probes", garden_key):
                yield from series_items(transaction, str(probe["key"]))


def is_carried(collection: Collection, *, everything: bool) -> bool:
    """Tell whether documents of a collection are part of an archive."""
    if collection.scope is Scope.SYSTEM:
        return everything and collection.name in KEPT_SYSTEM
    return collection.name not in LEFT_OUT


class _Restoring:
    """One import, within one transaction."""

    def __init__(self, transaction: Transaction, context: Context, *, everything: bool) -> None:
        self._transaction = transaction
        self._context = context
        self._everything = everything
        # Keys only: all documents of a large garden at once would need much memory.
        self._written: dict[str, list[str]] = {}
        self._new_sites: dict[str, str] = {}
        self._probe_keys: set[str] = set()
        self._seeded: tuple[str, ...] = ()
        self._report = TransferReport()

    def run(self, lines: Iterable[str]) -> TransferReport:
        wanted = "all" if self._everything else "garden"
        old_sites = self._check_empty()
        for item in archive_items(lines):
            match item:
                case ArchiveHead() if item.content != wanted:
                    raise InvalidInputError(
                        f"This is an archive of {item.content}, not of {wanted}.", field="archive"
                    )
                case ArchivedDocument():
                    self._write(item)
                case ArchivedReadings():
                    self._append(item.readings)
                case ArchivedRollups():
                    self._check_probe(item.probe_key)
                    self._report.rollup_count += take_in_rollups(self._transaction, item)
                case ArchivedChannel():
                    self._check_probe(item.probe_key)
                    take_in_channel(self._transaction, item)
                case _:
                    pass
        self._replace_sites(old_sites)
        self._remove_what_was_deleted()
        self._check_references()
        self._put_on_record()
        return self._report

    def _check_empty(self) -> list[Document]:
        """Make sure that nothing is mixed up; return the sites that came with the gardens."""
        own = self._own()
        for collection in COLLECTIONS.values():
            if collection.scope is Scope.SYSTEM or collection.name in MADE_WITH_GARDEN:
                continue
            shared = Where("tenant_key", "!=", SHARED_TENANT)
            if count := self._transaction.count(collection.name, (*own, shared)):
                raise ConflictError(
                    f"The garden is not empty: it has {count} {collection.name}. Import into a "
                    "new one.",
                    kind=collection.name,
                    field="garden",
                    value=self._context.tenant_key,
                )
        return self._transaction.find("sites", Query(where=own))

    def _own(self) -> tuple[Where, ...]:
        return () if self._everything else (Where("tenant_key", "==", self._context.tenant_key),)

    def _write(self, item: ArchivedDocument) -> None:
        collection = COLLECTIONS.get(item.collection)
        if collection is None or not is_carried(collection, everything=self._everything):
            raise InvalidInputError(
                f"An archive of this kind has no {item.collection}.",
                field="collection",
                value=item.collection,
            )
        values = dict(item.document)
        if not self._everything:
            values["tenant_key"] = self._context.tenant_key
        entity = validated(collection.entity, values)
        document = cast("Document", encode(entity))
        if isinstance(entity, Probe):
            self._probe_keys.add(entity.key)
        if isinstance(entity, SeedMark):
            self._seeded += entity.loaded
        if collection.name in ONE_OF_A_NAME:
            self._make_room(collection.name, document)
        stored = self._transaction.get(collection.name, entity.key)
        if stored is None:
            self._transaction.insert(collection.name, document)
        elif self._may_replace(stored, document):
            revision = cast("int", stored["revision"])
            self._transaction.replace(collection.name, document, expected_revision=revision)
        else:
            raise ConflictError(
                f"This store has what the archive brings already ({collection.name} "
                f"{entity.key!r}): import it into another store, or a new one.",
                kind=collection.name,
                field="key",
                value=entity.key,
            )
        self._written.setdefault(collection.name, []).append(entity.key)
        if collection.name == "sites":
            self._new_sites[entity.key] = entity.tenant_key
        self._report.document_count += 1

    def _make_room(self, collection: str, document: Document) -> None:
        """Let what the archive brings take the place of what this store has made of itself."""
        same = Query(where=(Where("name", "==", document["name"]),))
        for stored in self._transaction.find(collection, same):
            if stored["key"] != document["key"]:
                self._transaction.remove(collection, str(stored["key"]))

    def _remove_what_was_deleted(self) -> None:
        """Take away what a new store has of the catalogue and a person has deleted over there."""
        for name in self._seeded:
            collection, _, key = name.partition("/")
            if key in self._written.get(collection, ()) or collection not in COLLECTIONS:
                continue
            stored = self._transaction.get(collection, key)
            if stored is not None and stored["tenant_key"] == SHARED_TENANT:
                self._transaction.remove(collection, key)

    def _may_replace(self, stored: Document, document: Document) -> bool:
        """Tell whether what is there is what every store has: its own users, gardens, species."""
        return self._everything and stored["tenant_key"] == document["tenant_key"] == SHARED_TENANT

    def _append(self, readings: tuple[Reading, ...]) -> None:
        for reading in readings:
            self._check_probe(reading.probe_key)
        self._report.reading_count += self._transaction.readings.append(readings)

    def _check_probe(self, probe_key: str) -> None:
        if probe_key not in self._probe_keys:
            raise InvalidInputError(
                f"The archive has readings of the probe {probe_key!r}, "
                "but not the probe before them.",
                field="probe_key",
                value=probe_key,
            )

    def _check_references(self) -> None:
        for name, keys in self._written.items():
            for start in range(0, len(keys), DOCUMENTS_AT_ONCE):
                part = keys[start : start + DOCUMENTS_AT_ONCE]
                for document in self._transaction.get_many(name, part):
                    references().check(self._transaction, COLLECTIONS[name], document, before={})

    def _replace_sites(self, old: list[Document]) -> None:
        """Take away the site that a new garden came with where the archive has brought its own."""
        gardens = set(self._new_sites.values())
        for site in old:
            if site["tenant_key"] in gardens and site["key"] not in self._new_sites:
                self._transaction.remove("sites", str(site["key"]))

    def _put_on_record(self) -> None:
        record_audit(
            UnitOfWork(self._transaction, self._context),
            AuditAction.IMPORTED,
            "tenants",
            self._context.tenant_key,
            documents=self._report.document_count,
            readings=self._report.reading_count,
        )
        for probe_key in sorted(self._probe_keys):
            probe = self._transaction.get("probes", probe_key)
            if probe is not None:
                self._transaction.note_change(READINGS, str(probe["tenant_key"]))


def _documents(
    transaction: Transaction, collection: str, garden_key: str | None
) -> Iterator[Document]:
    """Yield the documents of a kind, of one garden or of all."""
    where = () if garden_key is None else (Where("tenant_key", "==", garden_key),)
    cursor = None
    while True:
        query = Query(where=where, limit=DOCUMENTS_AT_ONCE, cursor=cursor)
        page = transaction.page(collection, query)
        yield from page.items
        cursor = page.cursor
        if cursor is None:
            return
