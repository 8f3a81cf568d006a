"""Says of settings what they take, and of wrong ones what to do, in sentences."""

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from types import UnionType
from typing import Annotated, Literal, Union, get_args, get_origin

from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

MAX_SHOWN = 40
"""Letters of a wrong value that are repeated."""

FOR_TESTS = "TEST_"
"""Variables whose name goes on like this are not for the server."""


def setting_problems(error: ValidationError, model: type[BaseModel], prefix: str) -> list[str]:
    """Return what is wrong with settings, a sentence each: the variable, what it takes, what it is.

    A value is repeated only where it can be no secret: of numbers, switches and choices.

    Args:
        error: What was found.
        model: The settings.
        prefix: What variables begin with.
    """
    lines = []
    for problem in error.errors(include_url=False, include_context=False):
        message = problem["msg"].removeprefix("Value error, ")
        if prefix in message:
            lines += message.splitlines()
            continue
        where = problem["loc"]
        name = prefix + str(where[0]).upper() if where else prefix
        of, field = model, model.model_fields.get(str(where[0])) if where else None
        for step in where[1:]:
            if isinstance(step, int):
                name += f", entry {step + 1}"
                continue
            name += f", {step}"
            of = _inner(field) or of
            field = of.model_fields.get(str(step))
        lines.append(f"{name} {_complaint(problem['type'], problem['input'], field, of)}.")
    return lines


def _complaint(kind: str, value: object, field: FieldInfo | None, of: type[BaseModel]) -> str:
    if field is None:
        return f"is no setting; there are {', '.join(of.model_fields)}"
    if kind == "missing":
        return f"is missing; it must be {wanted(field)}"
    shown = f", not {_short(value)!r}" if _may_be_repeated(field) else ""
    return f"must be {wanted(field)}{shown}"


def wanted(field: FieldInfo) -> str:
    """Return what a setting takes, e.g. "a whole number from 1 to 65535"."""
    kind, limits = _unwrapped(field)
    low, high = _limit(limits, Ge, "ge"), _limit(limits, Le, "le")
    if field.examples:
        return f"like {field.examples[0]}"
    if choices := _choices(kind):
        return " or ".join((", ".join(choices[:-1]), choices[-1]))
    if kind is int:
        return f"a whole number from {low} to {high}"
    if get_origin(kind) is tuple:
        return "a list, written with commas or as JSON"
    if kind is str and (longest := _limit(limits, MaxLen, "max_length")) is not None:
        return f"a text of {_limit(limits, MinLen, 'min_length') or 0} to {longest} characters"
    return "true or false" if kind is bool else "the path of a file" if kind is Path else "a text"


def listed(value: object) -> object:
    """Return the entries of a list that is written as JSON, or with commas between them.

    Raises:
        ValueError: It begins as JSON and is none.
    """
    if not isinstance(value, str):
        return value
    text = value.strip()
    if text.startswith(("[", "{")):
        return from_json(text)
    return tuple(part.strip() for part in text.split(",")) if text else ()


def from_json(value: object) -> object:
    """Return what JSON says; what is no text stays, and an empty one is an empty list.

    Raises:
        ValueError: It is no JSON; the message does not repeat it.
    """
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value.strip() else ()
    except ValueError:
        raise ValueError("cannot be read") from None


def unknown_variables(
    environment: Mapping[str, str], model: type[BaseModel], prefix: str
) -> list[str]:
    """Return a sentence for each variable that looks like a setting and is none.

    Args:
        environment: All variables.
        model: The settings.
        prefix: What variables of settings begin with.
    """
    known = [name.upper() for name in model.model_fields]
    found = sorted(
        name.upper().removeprefix(prefix) for name in environment if name.upper().startswith(prefix)
    )
    lines = []
    for name in found:
        if name in known or name.startswith(FOR_TESTS):
            continue
        close = get_close_matches(name, known, n=1)
        hint = f"; did you mean {prefix}{close[0]}?" if close else "."
        lines.append(f"{prefix}{name} is no setting and changes nothing{hint}")
    return lines


def _unwrapped(field: FieldInfo) -> tuple[object, list[object]]:
    """Return the type of a field without "or none", and its limits, one by one."""
    kind: object = field.annotation
    limits: list[object] = list(field.metadata)
    while True:
        if get_origin(kind) in {Union, UnionType}:
            kind = next(one for one in get_args(kind) if one is not type(None))
        elif get_origin(kind) is Annotated:
            kind, *more = get_args(kind)
            for one in more:
                limits += one.metadata if isinstance(one, FieldInfo) else [one]
        else:
            return kind, limits


def _limit(limits: Iterable[object], of: type, name: str) -> int | None:
    return next((getattr(one, name) for one in limits if isinstance(one, of)), None)


def _choices(kind: object) -> list[str]:
    if get_origin(kind) is Literal:
        return [str(choice) for choice in get_args(kind)]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return [choice.value for choice in kind]
    return []


def _inner(field: FieldInfo | None) -> type[BaseModel] | None:
    """Return the model of the entries of a list."""
    if field is None:
        return None
    kinds = get_args(_unwrapped(field)[0])
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None)


def _may_be_repeated(field: FieldInfo) -> bool:
    kind, _ = _unwrapped(field)
    return kind in {int, bool} or bool(_choices(kind)) or (kind is str and bool(field.examples))


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
