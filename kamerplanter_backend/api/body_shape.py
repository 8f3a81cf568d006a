"""How deep a body may be nested and how much it may hold, beside its bytes.

Strangers can send bodies too, so looking at one must cost next to nothing whatever is in it, and
finding a mistake in each of its fields is dear.
"""

from typing import Final

from kamerplanter_engines.errors import InvalidInputError

MAX_DEPTH: Final = 32

MAX_MEMBERS: Final = 200
"""Most members of one object; no request of ours has more than 40."""

MAX_ALL_MEMBERS: Final = 20_000
"""Most members of all objects together: 2,000 readings have fewer."""

MAX_LEVELS: Final = 40_000
"""Most objects and lists together."""

MAX_QUOTES: Final = 200_000
"""Most quotation marks: as many members as there may be, all of texts, have 80,000."""

_SIGNS: Final = b"[]{}:"
_ALL_BUT_SIGNS_AND_QUOTES: Final = bytes(set(range(256)) - set(b'"' + _SIGNS))
_OPEN: Final = frozenset(b"[{")
_COLON: Final = ord(":")


def check_shape(body: bytes) -> None:
    """Make sure that a JSON text is neither too deep nor too much; whether it is JSON shows later.

    Raises:
        InvalidInputError: It is nested more than 32 levels deep, one object has more than 200
            members, or it holds more in all than any request of ours.
    """
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH and body.count(b":") <= MAX_MEMBERS:
        return
    if body.count(b'"') > MAX_QUOTES:
        raise _too_much()
    signs = _outside_of_texts(body)
    members = signs.count(b":")
    if members > MAX_ALL_MEMBERS or len(signs) - members > 2 * MAX_LEVELS:
        raise _too_much()
    _walk(signs)


def _outside_of_texts(body: bytes) -> bytes:
    """Return the brackets and colons that stand in no text; an open text reaches to the end."""
    # Twice a backslash is one, and a quotation mark behind a single one ends no text.
    plain = body.replace(rb"\\", b"").replace(rb"\"", b"")
    # Most texts have nothing left between their marks by now.
    marked = plain.translate(None, _ALL_BUT_SIGNS_AND_QUOTES).replace(b'""', b"")
    return b"".join(marked.split(b'"')[::2])


def _walk(signs: bytes) -> None:
    members = 0
    around: list[int] = []
    for sign in signs:
        if sign in _OPEN:
            around.append(members)
            members = 0
            if len(around) > MAX_DEPTH:
                raise InvalidInputError(
                    f"The body is nested more than {MAX_DEPTH} levels deep.", field="body"
                )
        elif sign == _COLON and around:
            members += 1
            if members > MAX_MEMBERS:
                raise InvalidInputError(
                    f"An object in the body has more than {MAX_MEMBERS} fields.", field="body"
                )
        elif sign != _COLON and around:
            members = around.pop()


def _too_much() -> InvalidInputError:
    return InvalidInputError(
        f"The body has more than {MAX_ALL_MEMBERS} fields; send less at once.", field="body"
    )
