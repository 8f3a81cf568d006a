"""Turns queries into SQL: paths are checked against the model, values are always bound."""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from kamerplanter_backend.data_access.sqlite.schema import column
from kamerplanter_backend.domain.interfaces.document_store import (
    Declared,
    Order,
    Query,
    Scalar,
    Where,
)
from kamerplanter_backend.domain.interfaces.encoding import check_path, encode
from kamerplanter_engines.errors import InvalidInputError

MAX_CHOICES = 10_000
"""Most values of an `in` condition; SQLite binds 32,766."""

_COMPARISONS = frozenset({"<", "<=", ">", ">="})
_MAX_INTEGER = 2**63


@dataclass(frozen=True, slots=True)
class Sql:
    """A piece of SQL and the values that are bound in it."""

    text: str
    values: tuple[Scalar, ...] = ()


def scalar(value: object, field: str) -> Scalar:
    """Return a value as it is bound.

    Raises:
        InvalidInputError: It is no single value, or the store cannot hold it.
    """
    plain = encode(value)
    match plain:
        case int() if not -_MAX_INTEGER <= plain < _MAX_INTEGER:
            usable = False
        case float():
            usable = isfinite(plain)
        case str():
            usable = plain.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in plain)
        case list() | dict():
            usable = False
        case _:
            usable = True
    if not usable or isinstance(plain, list | dict):
        raise InvalidInputError(
            f"{field}: {value!r:.200} cannot be compared with.",
            field=field,
            value=repr(value)[:200],
        )
    return plain


def conditions(collection: Declared, where: Sequence[Where]) -> Sql:
    """Return the conditions for a WHERE clause; without any it is true.

    Raises:
        InvalidInputError: A path is no field, an operator unknown, or a value cannot be used.
    """
    parts = [_condition(collection, condition) for condition in where]
    return Sql(
        " AND ".join(part.text for part in parts) or "TRUE",
        tuple(value for part in parts for value in part.values),
    )


def ordering(collection: Declared, order: Sequence[Order]) -> str:
    """Return the terms of an ORDER BY clause; the key comes last and decides ties."""
    terms = [
        f"{column(check_path(collection.entity, part.path))}{' DESC' if part.descending else ''}"
        for part in order
    ]
    return ", ".join([*terms, "key"])


def order_columns(collection: Declared, order: Sequence[Order]) -> str:
    """Return the columns that a cursor is made of."""
    columns = [column(check_path(collection.entity, part.path)) for part in order]
    return ", ".join([*columns, "key"])


def cursor_text(query: Query, values: Sequence[Scalar]) -> str:
    """Return where a page ended, as text that a caller hands back unread."""
    packed = json.dumps([_order_mark(query), *values], separators=(",", ":"))
    return urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def after_cursor(collection: Declared, query: Query) -> Sql:
    """Return the condition for what follows the cursor of a query.

    Raises:
        InvalidInputError: The cursor is not one of such a query.
    """
    if query.cursor is None:
        return Sql("TRUE")
    values = _cursor_values(query)
    terms = [
        (column(check_path(collection.entity, part.path)), part.descending) for part in query.order
    ]
    alternatives = []
    bound: list[Scalar] = []
    for position, (term, descending) in enumerate([*terms, ("key", False)]):
        beyond = _beyond(term, values[position], descending=descending)
        if beyond is None:
            continue
        same = [f"{earlier} IS ?" for earlier, _ in terms[:position]]
        alternatives.append(f"({' AND '.join([*same, beyond.text])})")
        bound += [*values[:position], *beyond.values]
    return Sql(f"({' OR '.join(alternatives)})", tuple(bound))


def _condition(collection: Declared, condition: Where) -> Sql:
    name = column(check_path(collection.entity, condition.path))
    operator, value = condition.op, condition.value
    if operator == "in":
        if isinstance(value, str | bytes) or not isinstance(value, list | tuple | set | frozenset):
            raise InvalidInputError(
                f"{condition.path}: 'in' takes a list.", field=condition.path, value=repr(value)
            )
        if len(value) > MAX_CHOICES:
            raise InvalidInputError(
                f"{condition.path}: at most {MAX_CHOICES} values.",
                field=condition.path,
                value=len(value),
            )
        choices = tuple(scalar(choice, condition.path) for choice in value)
        return Sql(f"{name} IN ({', '.join('?' * len(choices))})", choices)
    if operator == "is_null":
        return Sql(f"{name} IS {'' if value else 'NOT '}NULL")
    bound = scalar(value, condition.path)
    if operator == "==":
        return Sql(f"{name} IS NULL") if bound is None else Sql(f"{name} = ?", (bound,))
    if operator == "!=":
        return Sql(f"{name} IS NOT ?", (bound,))
    if operator in _COMPARISONS:
        return Sql(f"{name} {operator} ?", (bound,))
    raise InvalidInputError(
        f"{condition.path}: {operator!r} is no comparison.", field=condition.path, value=operator
    )


def _beyond(term: str, value: Scalar, *, descending: bool) -> Sql | None:
    """Return the condition for what comes after a value; none = nothing does."""
    if not descending:
        return Sql(f"{term} IS NOT NULL") if value is None else Sql(f"{term} > ?", (value,))
    if value is None:
        return None  # missing values come last here
    return Sql(f"({term} < ? OR {term} IS NULL)", (value,))


def _order_mark(query: Query) -> str:
    return ",".join(f"{part.path}{'-' if part.descending else '+'}" for part in query.order)


def _cursor_values(query: Query) -> list[Scalar]:
    cursor = query.cursor or ""
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        content = json.loads(urlsafe_b64decode(padded))
    except ValueError, RecursionError:
        content = None
    if (
        not isinstance(content, list)
        or len(content) != len(query.order) + 2
        or content[0] != _order_mark(query)
        or not isinstance(content[-1], str)
    ):
        raise InvalidInputError("The cursor does not belong to this list.", field="cursor")
    return [scalar(value, "cursor") for value in content[1:]]
