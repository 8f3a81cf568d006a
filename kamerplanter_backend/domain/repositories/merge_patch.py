"""JSON merge patch: change what is given, clear what is null, leave the rest."""

from collections.abc import Mapping

from pydantic import JsonValue

from kamerplanter_engines.errors import InvalidInputError

MAX_DEPTH = 32
"""Deeper nesting than any document has is refused."""


def merge_patch(
    target: Mapping[str, JsonValue], patch: Mapping[str, JsonValue], *, depth: int = 0
) -> dict[str, JsonValue]:
    """Return the target with the patch applied; neither is changed.

    Raises:
        InvalidInputError: The patch is nested more deeply than 32 levels.

    Source: RFC 7396, section 2.
    """
    if depth >= MAX_DEPTH:
        raise InvalidInputError(f"A patch may be nested {MAX_DEPTH} levels deep.", field="patch")
    merged = dict(target)
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        elif isinstance(value, Mapping):
            below = merged.get(name)
            merged[name] = merge_patch(
                below if isinstance(below, Mapping) else {}, value, depth=depth + 1
            )
        else:
            merged[name] = value
    return merged
