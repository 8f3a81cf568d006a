"""Loads the shared catalogue from checked YAML, once for each state of the files."""

from datetime import datetime
from hashlib import sha256
from importlib.resources import files
from zoneinfo import ZoneInfo

import yaml

from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.models.system import SeedMarkFields
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import SHARED_TENANT
from kamerplanter_backend.domain.repositories.phase import PhaseSequenceRepository
from kamerplanter_backend.domain.repositories.species import SpeciesRepository
from kamerplanter_backend.domain.repositories.system import SeedMarkRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork, open_unit
from kamerplanter_engines.models.base import Entity, Key, Model
from kamerplanter_engines.models.phase import PhaseSequenceFields
from kamerplanter_engines.models.species import SpeciesFields

CATALOGUE = "catalogue"
"""Name of the mark that says which state was loaded."""

_FILES = ("phase_sequences.yaml", "species.yaml")
# The parser in C is ten times as fast; the other one gives the same.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _SequenceSeed(PhaseSequenceFields):
    """One sequence in the file."""

    key: Key


class _SpeciesSeed(SpeciesFields):
    """One species in the file."""

    key: Key


class Catalogue(Model):
    """The content of the files."""

    sequences: tuple[_SequenceSeed, ...]
    species: tuple[_SpeciesSeed, ...]


def seed_catalogue(store: DocumentStore, now: datetime) -> bool:
    """Bring the shared catalogue to the state of this version; tell whether that was needed.

    What a newer file no longer names stays, because plants may point to it.

    Raises:
        UnavailableError: The store does not take it; nothing was written.
    """
    contents = _contents()
    digest = sha256("\0".join(contents).encode()).hexdigest()
    context = Context(
        tenant_key=SHARED_TENANT,
        actor="seeds",
        role=Role.ADMIN,
        now=now,
        zone=ZoneInfo("UTC"),
    )
    with open_unit(store, context) as uow:
        mark = uow.of(SeedMarkRepository).named(CATALOGUE)
    if mark is not None and mark.digest == digest:
        return False
    catalogue = read_catalogue(contents)
    writes = (PhaseSequenceRepository, SpeciesRepository, SeedMarkRepository)
    with open_unit(store, context, writes) as uow:
        for sequence in catalogue.sequences:
            _put(uow.of(PhaseSequenceRepository), sequence, sequence.key)
        for species in catalogue.species:
            _put(uow.of(SpeciesRepository), species, species.key)
        _mark(uow, digest)
    return True


def read_catalogue(contents: tuple[str, ...] | None = None) -> Catalogue:
    """Return what the files say, checked; none = read them.

    Raises:
        pydantic.ValidationError: A value is outside its range, or a field is unknown.
    """
    merged: dict[str, object] = {}
    for text in contents or _contents():
        merged |= yaml.load(text, _LOADER)  # noqa: S506 - both loaders are safe ones
    return Catalogue.model_validate(merged)


def _contents() -> tuple[str, ...]:
    folder = files("kamerplanter_backend.migrations") / "seed_data"
    return tuple((folder / name).read_text(encoding="utf-8") for name in _FILES)


def _put[E: Entity](repository: Repository[E], seed: Model, key: str) -> None:
    values = {name: value for name, value in seed if name != "key"}
    if (stored := repository.try_get(key)) is not None:
        repository.change(stored, **values)
        return
    fields = _SEED_FIELDS[type(seed)].model_validate(values)
    repository.add(fields, key=key)


_SEED_FIELDS: dict[type[Model], type[Model]] = {
    _SequenceSeed: PhaseSequenceFields,
    _SpeciesSeed: SpeciesFields,
}


def _mark(uow: UnitOfWork, digest: str) -> None:
    marks = uow.of(SeedMarkRepository)
    if (mark := marks.named(CATALOGUE)) is None:
        marks.add(SeedMarkFields(name=CATALOGUE, digest=digest))
    else:
        marks.change(mark, digest=digest)
