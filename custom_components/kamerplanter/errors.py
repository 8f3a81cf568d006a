"""Errors of the garden as Home Assistant shows them: translated once, at this border."""

from collections.abc import Iterator
from contextlib import contextmanager

from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from pydantic import ValidationError

from kamerplanter_backend.common.exceptions import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
)
from kamerplanter_engines.errors import (
    IllegalTransitionError,
    InvalidInputError,
    KamerplanterError,
    KarenzViolationError,
)

from .const import DOMAIN

REFUSALS: tuple[type[KamerplanterError], ...] = (
    ConflictError,
    ForbiddenError,
    IllegalTransitionError,
    InvalidInputError,
    KarenzViolationError,
    NotFoundError,
)
"""What the caller can put right; everything else is trouble of ours, with a trace in the log."""


_PLACEHOLDERS = dict.fromkeys(
    (
        "allowed",
        "date",
        "field",
        "found",
        "key",
        "kind",
        "known",
        "permission",
        "plant",
        "product",
        "reason",
        "unit",
        "value",
    ),
    "?",
)
"""A text whose placeholder is missing is not shown at all, so each has a value."""


_TASKS = frozenset({"task", "tasks"})
"""How a task is named that is not there, by this integration and by the store."""


def translation_of(error: KamerplanterError) -> tuple[str, dict[str, str]]:
    """Return the translation key of an error and what fills its text in."""
    own = {"message": error.message, "field": error.field or "?"} | error.placeholders
    key = error.code.lower()
    if isinstance(error, NotFoundError) and own.get("kind") in _TASKS:
        key = "not_found_task"
    return key, _PLACEHOLDERS | own


def as_home_assistant(error: KamerplanterError) -> HomeAssistantError:
    """Return the exception of Home Assistant that tells a person about an error."""
    key, placeholders = translation_of(error)
    kind = ServiceValidationError if isinstance(error, REFUSALS) else HomeAssistantError
    return kind(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of the garden that leave the block into translated ones.

    Raises:
        ServiceValidationError: The input was refused; nothing was written.
        HomeAssistantError: The garden could not do it; nothing was written.
    """
    try:
        yield
    except KamerplanterError as error:
        raise as_home_assistant(error) from error
    except ValidationError as error:
        raise as_home_assistant(_invalid(error)) from error


def _invalid(error: ValidationError) -> InvalidInputError:
    first = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "input"
    return InvalidInputError(
        f"{field}: {first['msg']}", field=field, value=str(first.get("input", ""))[:100]
    )
