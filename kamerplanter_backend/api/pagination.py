"""Pages of lists: what may be asked for, and how it becomes a query to the store."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, override

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, create_model

from kamerplanter_backend.domain.interfaces.document_store import (
    Operator,
    Order,
    Page,
    Query,
    Where,
)
from kamerplanter_backend.domain.repositories.base import MAX_PAGE
from kamerplanter_engines.models.base import Entity
from kamerplanter_engines.models.exact import exact_dates

DEFAULT_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Compare:
    """Says what a filter compares its value with, where that is not "equal to the same field".

    Stands beside the type: `due_until: Annotated[date | None, Compare("due_on", "<=")] = None`.
    """

    path: str
    op: Operator | Literal["starts_with"] = "=="
    """`starts_with` compares texts character by character: upper and lower case differ."""


LAST_CHARACTER = "\U0010ffff"
"""Sorts behind every other one."""


class Asked(BaseModel):
    """What stands behind the question mark of an address; a name that is not known is refused."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, defer_build=True, use_attribute_docstrings=True
    )

    @classmethod
    @override
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler, /) -> Any:
        """Return how values are checked: no number is taken for a date."""
        return exact_dates(handler(source))


class ListParameters(Asked):
    """What every list takes. A subject derives its own filters from it; all default to none."""

    limit: Annotated[int, Field(ge=1, le=MAX_PAGE)] = DEFAULT_LIMIT
    """Most items of one page."""
    cursor: Annotated[str | None, Field(max_length=2000)] = None
    """The `cursor` of the page before; none = the first page."""


class ListPage[T](BaseModel):
    """A part of a list; items that come or go meanwhile neither repeat nor hide others."""

    model_config = ConfigDict(frozen=True, defer_build=True, use_attribute_docstrings=True)

    items: tuple[T, ...]
    total: int
    """How many there are on all pages together."""
    cursor: str | None
    """Ask for the next page with it; none = this is the last one."""
    limit: int
    """Most items of this page."""


def list_parameters[P: ListParameters](
    name: str, filters: type[P], *, entity: type[Entity], sort: tuple[str, ...] = ()
) -> type[P]:
    """Return the model of a list's query: its filters, what it sorts by, and the page.

    Args:
        name: Name of the model.
        filters: The filters.
        entity: What the list holds.
        sort: Fields to sort by; each also the other way round with a minus before it.

    Raises:
        ValueError: A field to sort or filter by is none of the entity.
    """
    for path in (*sort, *(compare.path for compare in _compares(filters).values())):
        if path.split(".")[0] not in entity.model_fields:
            raise ValueError(f"{name}: {path} is no field of {entity.__name__}")
    more: dict[str, Any] = {}
    if sort:
        choices = tuple(f"{sign}{field}" for field in sort for sign in ("", "-"))
        more["sort"] = (
            Literal[choices] | None,
            Field(default=None, description="What to sort by; with a minus, descending."),
        )
    if "archived_at" in entity.model_fields and "archived" not in filters.model_fields:
        more["archived"] = (
            Annotated[bool, Compare("archived_at", "is_null")],
            Field(default=False, description="Show the archived ones in place of the others."),
        )
    return create_model(name, __base__=filters, __doc__=filters.__doc__, **more)


def query_of(parameters: ListParameters) -> Query:
    """Return the query to the store that the parameters of a list mean."""
    where = []
    for name, compare in _compares(type(parameters)).items():
        value = getattr(parameters, name)
        if value is None:
            continue
        if name == "archived":
            value = not value
        if compare.op == "starts_with":
            where.append(Where(compare.path, ">=", value))
            where.append(Where(compare.path, "<", value + LAST_CHARACTER))
            continue
        where.append(Where(compare.path, compare.op, value))
    sort: str | None = getattr(parameters, "sort", None)
    order = (Order(sort.lstrip("-"), descending=sort.startswith("-")),) if sort else ()
    return Query(where=tuple(where), order=order, limit=parameters.limit, cursor=parameters.cursor)


def page_of[T](page: Page[T], parameters: ListParameters) -> ListPage[T]:
    """Return a page of the store as an answer."""
    return ListPage[T](
        items=page.items, total=page.total, cursor=page.cursor, limit=parameters.limit
    )


def _compares(parameters: type[ListParameters]) -> dict[str, Compare]:
    """Return what each filter compares with, by its name."""
    found = {}
    for name, field in parameters.model_fields.items():
        if name in ListParameters.model_fields or name == "sort":
            continue
        given = [item for item in field.metadata if isinstance(item, Compare)]
        found[name] = given[0] if given else Compare(name)
    return found


__all__ = [
    "Asked",
    "Compare",
    "ListPage",
    "ListParameters",
    "list_parameters",
    "page_of",
    "query_of",
]
