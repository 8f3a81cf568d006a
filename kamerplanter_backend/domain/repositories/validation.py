"""Turns data into models, and what is wrong with it into errors that name the field."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from kamerplanter_engines.errors import InvalidInputError, OutOfRangeError

RANGE_PROBLEMS = frozenset(
    {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number"}
)

MAX_SHOWN = 200
"""Longest part of a wrong value that is repeated. [characters]"""

_OWN_WORDS = "Value error, "
"""What pydantic puts before the words of our own checks."""
_FIXES = {"timezone_aware": ", such as Z or +02:00 behind it"}
"""What the words of pydantic leave out of how to put it right, by its type of error."""


def said(problem: Mapping[str, Any]) -> str:
    """Return what is wrong with a value, as people read it.

    Args:
        problem: One of the errors of pydantic, or one in their form.
    """
    return str(problem["msg"]).removeprefix(_OWN_WORDS) + _FIXES.get(problem["type"], "")


def validated[M: BaseModel](model: type[M], data: Mapping[str, object]) -> M:
    """Return the data as a model.

    Raises:
        OutOfRangeError: A number lies outside its range.
        InvalidInputError: Anything else does not fit; names the first such field.
    """
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or None
        kind = OutOfRangeError if first["type"] in RANGE_PROBLEMS else InvalidInputError
        problem = f"{field or model.__name__}: {said(first)}"
        if first["type"] == "missing":
            raise kind(f"{problem}.", field=field, value="") from error
        given = first["input"]
        raise kind(
            f"{problem} (got {repr(given)[:MAX_SHOWN]}).", field=field, value=str(given)[:MAX_SHOWN]
        ) from error
