"""Headers that a caller may send with a command, as they are described."""

from typing import Any, Final

IDEMPOTENCY_KEY: Final[dict[str, Any]] = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "description": "Chosen by the caller: the same key again answers again and acts once; "
    "with another content it is refused (409). Others may use the same one. Kept for 30 days.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": 100,
        "pattern": r"^[A-Za-z0-9_.:-]+$",
    },
}

_GONE = "Not looked at: what is deleted already is not found (404)."
_ONCE = "Not looked at: the answer holds a secret that is kept nowhere, so each call "
NOT_REMEMBERED = {
    "telemetry_send_readings": "Not looked at: a reading is stored once by its channel and `at`, "
    "however often it comes. One without `at` is of the moment at which it arrives.",
    "calendar_create_feed": f"{_ONCE}makes a feed.",
    "calendar_renew_feed": f"{_ONCE}makes a new address.",
    "tenants_delete_garden": _GONE,
    "admin_delete_tenant": _GONE,
    "admin_delete_user": _GONE,
    "tenants_invite_by_mail": "Not looked at: each call makes an invitation and sends a mail.",
    "tenants_invite_by_link": f"{_ONCE}makes an invitation.",
}
"""What the header means where answers are not kept, by operation."""

REMEMBERED = frozenset({"tenants_create_garden"})
"""What knows the header outside of gardens, by operation."""

IF_MATCH: Final[dict[str, Any]] = {
    "name": "If-Match",
    "in": "header",
    "required": False,
    "description": "The ETag that the caller saw; if there is a newer one, nothing is written "
    "(412).",
    "schema": {"type": "string", "pattern": r'^(\*|(W/)?"?[0-9]{1,18}"?)$', "examples": ['"3"']},
}
