"""The catalogue as it stands in the files of this version, checked value by value."""

from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files

from kamerplanter_engines.catalogue_engine import check_family, check_species
from kamerplanter_engines.models.base import Key, Model
from kamerplanter_engines.models.botanical_family import BotanicalFamilyFields
from kamerplanter_engines.models.cultivar import CultivarFields
from kamerplanter_engines.models.location_type import LocationTypeFields
from kamerplanter_engines.models.phase import PhaseSequenceFields
from kamerplanter_engines.models.species import SpeciesFields

FILES = (
    "location_types.yaml",
    "botanical_families.yaml",
    "phase_sequences.yaml",
    "species.yaml",
    "cultivars.yaml",
)


class Seed(Model):
    """One entry in a file."""

    key: Key


class LocationTypeSeed(Seed, LocationTypeFields):
    """One kind of location in the file."""


class FamilySeed(Seed, BotanicalFamilyFields):
    """One family in the file."""


class SequenceSeed(Seed, PhaseSequenceFields):
    """One sequence in the file."""


class SpeciesSeed(Seed, SpeciesFields):
    """One species in the file."""


class CultivarSeed(Seed, CultivarFields):
    """One cultivar in the file."""


class Catalogue(Model):
    """The content of the files."""

    location_types: tuple[LocationTypeSeed, ...]
    families: tuple[FamilySeed, ...]
    sequences: tuple[SequenceSeed, ...]
    species: tuple[SpeciesSeed, ...]
    cultivars: tuple[CultivarSeed, ...]


def read_contents() -> dict[str, str]:
    """Return the text of each file by its name."""
    folder = files("kamerplanter_backend.migrations") / "seed_data"
    return {name: (folder / name).read_text(encoding="utf-8") for name in FILES}


def digest_of(contents: Mapping[str, str]) -> str:
    """Return what tells one state of the files from another."""
    return sha256("\0".join(contents.values()).encode()).hexdigest()


def read_catalogue(contents: Mapping[str, str] | None = None) -> Catalogue:
    """Return what the files say, checked; none = read them.

    Raises:
        pydantic.ValidationError: A value is outside its range, or a field is unknown.
        InvalidInputError: The values of an entry contradict each other.
    """
    import yaml  # noqa: PLC0415 - a store that has this version's catalogue needs no parser

    # The parser in C is ten times as fast; the other one gives the same.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    merged: dict[str, object] = {}
    for text in (contents or read_contents()).values():
        merged |= yaml.load(text, loader)  # noqa: S506 - both loaders are safe ones
    catalogue = Catalogue.model_validate(merged)
    for family in catalogue.families:
        check_family(family)
    for species in catalogue.species:
        check_species(species)
    return catalogue
