"""Names of collections as people say them, and the error that something is not there."""

from kamerplanter_backend.common.exceptions import NotFoundError

_PLURALS = {"species": "species", "irrigation": "irrigation"}


def singular(kind: str) -> str:
    """Return the singular of the name of a collection: `tank_alerts` becomes `tank_alert`."""
    if kind in _PLURALS:
        return _PLURALS[kind]
    for plural, one in (("ies", "y"), ("sses", "ss"), ("s", "")):
        if kind.endswith(plural):
            return kind.removesuffix(plural) + one
    return kind


def not_found(kind: str, key: str) -> NotFoundError:
    """Return the error that a document of a collection does not exist, in words."""
    noun = singular(kind).replace("_", " ").capitalize()
    return NotFoundError(f"{noun} {key!r} does not exist.", kind=kind, key=key)
