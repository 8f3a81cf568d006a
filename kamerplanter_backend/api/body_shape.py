"""How much a body may hold, beside its bytes: finding a mistake in each of its members is dear."""

import re

from kamerplanter_engines.errors import InvalidInputError

MAX_MEMBERS = 200
"""Most members of one object; no request of ours has more than 40."""

MAX_ALL_MEMBERS = 20_000
"""Most members of all objects together: 2,000 readings have fewer."""

# Possessive, so that no text makes it try twice; an open string reaches to the end.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)
_OBJECT = re.compile(rb"\{:*\}")
_ALL_BUT_SIGNS = bytes(set(range(256)) - set(b"{}:"))


def check_members(body: bytes) -> None:
    """Make sure that a JSON text has not too many members; whether it is JSON shows later.

    Raises:
        InvalidInputError: One object has more than 200 members, or all have more than 20,000.
    """
    if body.count(b":") <= MAX_MEMBERS:
        return
    signs = _STRING.sub(b"", body).translate(None, _ALL_BUT_SIGNS)
    if signs.count(b":") > MAX_ALL_MEMBERS:
        raise InvalidInputError(
            f"The body has more than {MAX_ALL_MEMBERS} fields; send less at once.", field="body"
        )
    # Each round takes the innermost objects away, and counts their members by their colons.
    while _OBJECT.search(signs):
        if any(len(found) - 2 > MAX_MEMBERS for found in _OBJECT.findall(signs)):
            raise InvalidInputError(
                f"An object in the body has more than {MAX_MEMBERS} fields.", field="body"
            )
        signs = _OBJECT.sub(b"", signs)
