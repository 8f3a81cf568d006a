"""How values look inside a document, and which fields a document has."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from types import UnionType
from typing import Union, get_args, get_origin

from pydantic import BaseModel, JsonValue
from pydantic_core import PydanticSerializationError, to_jsonable_python

from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.base import Entity, utc


def encode(value: object) -> JsonValue:
    """Return a value as it stands in a document.

    Moments get a fixed number of digits, so that their texts sort as they do.

    Raises:
        NaiveTimeError: A moment has no zone.
        InvalidInputError: JSON has no form for it.
    """
    plain: JsonValue
    match value:
        case Enum():
            plain = encode(value.value)
        case None | bool() | str() | int() | float():
            plain = value
        case datetime():
            plain = instant_text(value)
        case BaseModel():
            plain = encode(value.model_dump())
        case Mapping():
            plain = {str(name): encode(item) for name, item in value.items()}
        case list() | tuple() | set() | frozenset():
            plain = [encode(item) for item in value]
        case _:
            try:
                plain = to_jsonable_python(value)
            except PydanticSerializationError as error:
                kind = type(value).__name__
                raise InvalidInputError(f"A {kind} cannot be stored.", value=kind) from error
    return plain


def instant_text(moment: datetime) -> str:
    """Return an aware moment as text in UTC with six digits of a second."""
    return utc(moment).astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def check_path(entity: type[Entity], path: str) -> str:
    """Return the path if it names a field of the model, so that it may be used in a query.

    Raises:
        InvalidInputError: It names none.
    """
    model: type[BaseModel] | None = entity
    for name in path.split("."):
        field = model.model_fields.get(name) if model is not None else None
        if field is None:
            raise InvalidInputError(
                f"{path!r} is no field of {entity.__name__}.", field=path, value=path
            )
        model = _nested_model(field.annotation)
    return path


def _nested_model(annotation: object) -> type[BaseModel] | None:
    """Return the model that a field holds directly (not in a list), if it holds one."""
    is_optional = get_origin(annotation) in {Union, UnionType}
    for option in get_args(annotation) if is_optional else (annotation,):
        if isinstance(option, type) and issubclass(option, BaseModel):
            return option
    return None
