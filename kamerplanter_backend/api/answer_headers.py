"""What answers say beside their content, as the documentation tells it."""

from typing import Any

from starlette.requests import Request

_ETAG = {
    "ETag": {
        "description": "The revision, which `If-Match` takes.",
        "schema": {"type": "string", "examples": ['"3"']},
    }
}

_LOCATION = {"Location": {"description": "Where it is from now on.", "schema": {"type": "string"}}}

type Responses = dict[int | str, dict[str, Any]]

TAGGED: Responses = {200: {"headers": _ETAG}}
"""For `responses` of a route that answers with the ETag of a document."""

TAGGED_NEW: Responses = {201: {"headers": _ETAG}}
"""As before, where a document is made."""

MADE: Responses = {201: {"headers": _ETAG | _LOCATION}}
"""Where a document is made that has an address of its own."""

CACHED: Responses = {
    200: {"headers": _ETAG},
    304: {"description": "The caller has it already.", "headers": _ETAG},
}
"""Where nothing is sent that the caller has; `is_known` tells."""

IF_NONE_MATCH: dict[str, Any] = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "ETags that the caller has; if one of them is right, the answer is empty (304).",
    "schema": {"type": "string", "examples": ['"3"']},
}


def is_known(request: Request, tag: str) -> bool:
    """Tell whether the caller has what an ETag stands for, by its `If-None-Match`."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    # Proxies that pack an answer mark its ETag as a weak one.
    known = {item.strip().removeprefix("W/") for item in given.split(",")}
    return tag in known or "*" in known
