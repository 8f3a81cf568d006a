"""What a kind of document declares about itself: names, limits and references."""

from dataclasses import dataclass
from enum import StrEnum

from kamerplanter_engines.models.base import Entity


class Scope(StrEnum):
    """Who owns the documents of a collection."""

    TENANT = "tenant"
    """One garden each; nobody else sees them."""
    CATALOGUE = "catalogue"
    """Shared ones (tenant `*`) are read by all gardens; a garden may add its own."""
    SYSTEM = "system"
    """The installation as a whole (tenant `*`)."""


class OnDelete(StrEnum):
    """What happens to a document when the one that it points to is deleted."""

    RESTRICT = "restrict"
    """The deletion is refused."""
    CLEAR = "clear"
    """The reference is emptied."""
    CASCADE = "cascade"
    """It is deleted as well."""


SHARED_TENANT = "*"
"""Owner of what all gardens share."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A field that holds the key of another document."""

    field: str
    collection: str
    on_delete: OnDelete = OnDelete.RESTRICT


@dataclass(frozen=True, slots=True)
class Collection:
    """A kind of document.

    Raises:
        ValueError: A declaration names something that is no field of the entity, or would empty
            a field that must have a value.
    """

    name: str
    entity: type[Entity]
    scope: Scope = Scope.TENANT
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    references: tuple[Reference, ...] = ()

    def __post_init__(self) -> None:
        fields = self.entity.model_fields
        named = [name for group in (*self.unique, *self.indexes) for name in group]
        named += [reference.field for reference in self.references]
        unknown = sorted(set(named) - fields.keys())
        if unknown:
            raise ValueError(f"{self.name}: {', '.join(unknown)} is no field of the entity")
        for reference in self.references:
            if reference.on_delete is OnDelete.CLEAR and fields[reference.field].is_required():
                raise ValueError(f"{self.name}: {reference.field} cannot be emptied")
