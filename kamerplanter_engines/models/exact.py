"""No value is taken for another one: `true` is no number, and a number or `20260501` no date.

Pydantic would make 1.0 of the first and a day in 1970 of the others. What fits without a guess
stays possible: 7.0 for a whole number, and the values of enumerations as text.
"""

from collections.abc import Callable
from typing import Any

EXACT_KINDS = frozenset({"bool", "float"})
DATED_KINDS = frozenset({"date", "datetime"})

_INNER = (
    "schema",
    "schemas",
    "items_schema",
    "keys_schema",
    "values_schema",
    "extras_schema",
    "json_schema",
    "python_schema",
    "lax_schema",
    "strict_schema",
    "fields",
    "choices",
    "steps",
    "definitions",
)
"""Where schemas of pydantic's core hold other schemas."""

_YEAR_END = 4


def written(value: object) -> object:
    """Let a date or moment pass unless it is a number, which pydantic would count from 1970.

    Raises:
        ValueError: It is a number, or a text that is one.
    """
    is_number = isinstance(value, int | float) or (
        isinstance(value, str) and value[_YEAR_END : _YEAR_END + 1] != "-"
    )
    if is_number:
        msg = "write it as text with the year first, such as 2026-05-01"
        raise ValueError(msg)
    return value


def whole(value: object) -> object:
    """Let a whole number pass unless it is `true`, `false` or text.

    Raises:
        ValueError: It is one of these.
    """
    if isinstance(value, bool | str):
        msg = "must be a whole number"
        raise ValueError(msg)  # noqa: TRY004 - as pydantic wants to hear it
    return value


def exact(schema: Any) -> Any:  # noqa: ANN401 - schemas of pydantic's core are nested dicts
    """Return a schema of pydantic's core in which nothing is taken for something else."""
    return _with_guards(schema, _guarded)


def exact_dates(schema: Any) -> Any:  # noqa: ANN401 - as above
    """Return a schema in which no number is taken for a date; for addresses, which are all text."""
    return _with_guards(schema, _dated)


def without(schema: Any, checks: tuple[Callable[[str], str], ...]) -> Any:  # noqa: ANN401 - as above
    """Return a schema of pydantic's core that leaves out checks which follow on others."""

    def unwrapped(found: dict[str, Any]) -> Any:  # noqa: ANN401 - as above
        is_check = found.get("type") == "function-after" and found["function"]["function"] in checks
        return found["schema"] if is_check else found

    return _with_guards(schema, unwrapped)


_GUARDS = (written, whole)


def _with_guards(schema: Any, guard: Callable[[dict[str, Any]], Any]) -> Any:  # noqa: ANN401
    if isinstance(schema, list | tuple):
        return type(schema)(_with_guards(part, guard) for part in schema)
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") == "function-before" and schema["function"]["function"] in _GUARDS:
        return schema
    inside = {
        name: {key: _with_guards(part, guard) for key, part in value.items()}
        if name in {"fields", "choices"} and isinstance(value, dict)
        else _with_guards(value, guard)
        for name, value in schema.items()
        if name in _INNER
    }
    return guard({**schema, **inside})


def _guarded(schema: dict[str, Any]) -> dict[str, Any]:
    if schema.get("type") in EXACT_KINDS:
        return {**schema, "strict": True}
    return _before(whole, schema) if schema.get("type") == "int" else _dated(schema)


def _dated(schema: dict[str, Any]) -> dict[str, Any]:
    return _before(written, schema) if schema.get("type") in DATED_KINDS else schema


def _before(guard: Callable[[object], object], schema: dict[str, Any]) -> dict[str, Any]:
    function = {"type": "no-info", "function": guard}
    return {"type": "function-before", "function": function, "schema": schema}
