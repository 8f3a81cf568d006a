"""Loads the shared catalogue from its files, once for each state of them.

What a person has changed, added or deleted in the catalogue stays as that person wants it.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.exceptions import ConflictError
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore, Where
from kamerplanter_backend.domain.models.system import SeedMark, SeedMarkFields
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.botanical_family import BotanicalFamilyRepository
from kamerplanter_backend.domain.repositories.collection import SHARED_TENANT
from kamerplanter_backend.domain.repositories.cultivar import CultivarRepository
from kamerplanter_backend.domain.repositories.location_type import LocationTypeRepository
from kamerplanter_backend.domain.repositories.phase import PhaseSequenceRepository
from kamerplanter_backend.domain.repositories.species import SpeciesRepository
from kamerplanter_backend.domain.repositories.system import SeedMarkRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork, open_unit
from kamerplanter_backend.migrations.seed_files import (
    Catalogue,
    Seed,
    digest_of,
    read_catalogue,
    read_contents,
)
from kamerplanter_engines.models.base import CatalogueEntity, Model
from kamerplanter_engines.models.botanical_family import BotanicalFamilyFields
from kamerplanter_engines.models.cultivar import CultivarFields
from kamerplanter_engines.models.location_type import LocationTypeFields
from kamerplanter_engines.models.phase import PhaseSequenceFields
from kamerplanter_engines.models.species import SpeciesFields

_LOGGER = logging.getLogger(__name__)

CATALOGUE = "catalogue"
"""Name of the mark that says which state was loaded."""

SEEDER = "seeds"
"""Who made what the files brought."""


@dataclass(frozen=True, slots=True)
class _Part:
    """One kind of entry."""

    repository: type[Repository[Any]]
    fields: type[Model]
    seeds: Callable[[Catalogue], Sequence[Seed]]

    @property
    def name(self) -> str:
        return self.repository.collection.name


# A kind stands after those that it points to.
_PARTS = (
    _Part(LocationTypeRepository, LocationTypeFields, lambda found: found.location_types),
    _Part(BotanicalFamilyRepository, BotanicalFamilyFields, lambda found: found.families),
    _Part(PhaseSequenceRepository, PhaseSequenceFields, lambda found: found.sequences),
    _Part(SpeciesRepository, SpeciesFields, lambda found: found.species),
    _Part(CultivarRepository, CultivarFields, lambda found: found.cultivars),
)


def seed_catalogue(store: DocumentStore, now: datetime) -> bool:
    """Bring the shared catalogue to the state of this version; tell whether that was needed.

    Entries that nobody touched follow the files; those that the files no longer name go, unless
    something points to them. An entry that collides with one of a person is left out and logged.

    Raises:
        UnavailableError: The store does not take it; nothing was written.
    """
    contents = read_contents()
    digest = digest_of(contents)
    context = Context(
        tenant_key=SHARED_TENANT,
        actor=SEEDER,
        role=Role.ADMIN,
        now=now,
        zone=ZoneInfo("UTC"),
    )
    with open_unit(store, context) as uow:
        if _is_loaded(_mark(uow), digest):
            return False
    catalogue = read_catalogue(contents)
    writes = (*(part.repository for part in _PARTS), SeedMarkRepository)
    with open_unit(store, context, writes) as uow:
        mark = _mark(uow)
        # Another process may have been faster.
        if _is_loaded(mark, digest):
            return False
        _load(uow, catalogue, mark, digest)
    return True


def _load(uow: UnitOfWork, catalogue: Catalogue, mark: SeedMark | None, digest: str) -> None:
    before = frozenset(mark.loaded if mark is not None else ())
    loaded = [
        name
        for part in _PARTS
        for seed in part.seeds(catalogue)
        if _put(uow.of(part.repository), part, seed, before, name := f"{part.name}/{seed.key}")
    ]
    for part in reversed(_PARTS if mark is not None else ()):
        named = {seed.key for seed in part.seeds(catalogue)}
        _withdraw(uow.of(part.repository), named)
    marks = uow.of(SeedMarkRepository)
    if mark is None:
        marks.add(SeedMarkFields(name=CATALOGUE, digest=digest, loaded=tuple(loaded)))
    else:
        marks.change(mark, digest=digest, loaded=tuple(loaded))


def _put(
    repository: Repository[Any], part: _Part, seed: Seed, before: frozenset[str], name: str
) -> bool:
    """Write an entry unless a person has decided about it; tell whether it has ever been there."""
    values = {field: value for field, value in seed if field != "key"}
    stored: CatalogueEntity | None = repository.try_get(seed.key)
    try:
        if stored is not None:
            _follow(repository, stored, values)
        elif name not in before:
            fields = part.fields.model_validate(values)
            repository.add(fields, key=seed.key, seed_revision=1)
    except ConflictError as error:
        _LOGGER.warning("Left %s of the catalogue as it is: %s", name, error.message)
        return stored is not None
    return True


def _follow(repository: Repository[Any], stored: CatalogueEntity, values: dict[str, Any]) -> None:
    if not _is_untouched(stored):
        return
    is_equal = all(getattr(stored, field) == value for field, value in values.items())
    if not is_equal or stored.seed_revision is None:
        repository.change(stored, **values, seed_revision=stored.revision + 1)


def _is_untouched(stored: CatalogueEntity) -> bool:
    if stored.seed_revision is None:
        # The first release wrote no such mark, and had no way for a person to change an entry.
        return stored.created_by in {None, SEEDER}
    return stored.seed_revision == stored.revision


def _withdraw(repository: Repository[Any], named: set[str]) -> None:
    for stored in repository.find(Where("seed_revision", "is_null", False)):
        if stored.key in named or not _is_untouched(stored):
            continue
        if repository.is_pointed_to(stored.key):
            _LOGGER.info("Kept %s: it is in use", stored.key)
        else:
            repository.remove(stored.key)


def _is_loaded(mark: SeedMark | None, digest: str) -> bool:
    return mark is not None and mark.digest == digest


def _mark(uow: UnitOfWork) -> SeedMark | None:
    return uow.of(SeedMarkRepository).named(CATALOGUE)
