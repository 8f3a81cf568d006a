"""Lends generated requests what no schema can say: keys that exist and revisions that are right.

Loaded by schemathesis. Only what fits the documentation is touched; what is meant to be refused
stays as it was made, but reaches things that exist.
"""

import os
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import httpx
import schemathesis
from schemathesis import AuthContext, Case, GenerationMode, HookContext, Response
from schemathesis.core.parameters import ParameterLocation

from kamerplanter_backend.client.wire import ROLE_HEADER
from tests.backend.api.fuzz_guests import PROVIDER, Guest, Guests

API = "/api/v1"
SLUG = os.environ["FUZZ_SLUG"]
ME = os.environ["FUZZ_ME"]
GARDEN = f"{API}/t/{SLUG}"
HEADERS = {"Authorization": f"Bearer {token}"} if (token := os.environ.get("FUZZ_TOKEN")) else {}

COLLECTIONS = {
    "plant_key": f"{GARDEN}/plants",
    "plant_keys": f"{GARDEN}/plants",
    "tank_key": f"{GARDEN}/tanks",
    "probe_key": f"{GARDEN}/probes",
    "task_key": f"{GARDEN}/tasks",
    "site_key": f"{GARDEN}/sites",
    "location_key": f"{GARDEN}/locations",
    "parent_key": f"{GARDEN}/locations",
    "run_key": f"{GARDEN}/planting-runs",
    "species_key": f"{API}/species",
    "family_key": f"{API}/botanical-families",
    "location_type_key": f"{API}/location-types",
}
"""Where the keys of a field are listed."""

CLOSED_TASK = f"{GARDEN}/tasks/{{key}}/reopen"
"""Not a list: each time a task is made whose plant is there."""

REQUESTED = {
    "ReopenTask": CLOSED_TASK,
    "ReleasePlant": f"{GARDEN}/planting-runs",
    "Location": f"{GARDEN}/locations",
    "Tank": f"{GARDEN}/tanks",
    "Plants": f"{GARDEN}/planting-runs",
    "Plant": f"{GARDEN}/plants",
    "Probe": f"{GARDEN}/probes",
    "Task": f"{GARDEN}/tasks",
    "Run": f"{GARDEN}/planting-runs",
    "Treatment": f"{GARDEN}/ipm/treatments",
    "Phase": f"{GARDEN}/plants",
    "Harvest": f"{GARDEN}/planting-runs",
    "Measurement": f"{GARDEN}/measurements",
    "Calibration": f"{GARDEN}/calibrations",
}
"""What the `key` in a request of the client interface means, by a part of its name."""

ELSEWHERE = {f"{GARDEN}/ipm/plants": f"{GARDEN}/plants"}
"""Where the things of a path are listed, if not there."""

MADE_AT = {
    f"{GARDEN}/measurements": (f"{GARDEN}/tanks", "measurements"),
    f"{GARDEN}/calibrations": (f"{GARDEN}/probes", "calibrations"),
}
"""Below which things others are made."""

LOGIN = f"{API}/auth/login"
LOGOUT_ALL = f"{API}/auth/logout-all"
CALLBACK = f"{API}/auth/oauth/{{provider}}/callback"
VERIFY = f"{API}/auth/verify-email"
RESET = f"{API}/auth/password-reset/confirm"
ME_AT = f"{API}/users/me"
PASSWORD = f"{ME_AT}/password"
SESSIONS = f"{ME_AT}/sessions"
LINKS = f"{ME_AT}/providers"
A_GARDEN = f"{API}/tenants/{{slug}}"
LEAVE = f"{A_GARDEN}/leave"
ACCEPT = f"{API}/tenants/invitations/accept"
WHO = {"email": os.environ.get("FUZZ_EMAIL"), "password": os.environ.get("FUZZ_PASSWORD")}

USES_A_LOGIN_UP = {
    ("POST", LOGOUT_ALL),
    ("POST", PASSWORD),
    ("DELETE", ME_AT),
    ("DELETE", A_GARDEN),
    ("POST", LEAVE),
}
"""What would make every later request of the run fail: each is called by an account of its own."""

DELETED_BY_ADMINS = {f"{API}/admin/tenants/{{key}}", f"{API}/admin/users/{{key}}"}
"""Where an admin deletes what is somebody's: each time it is a guest, whom nobody needs."""

GIVEN = {"species_key": "solanum_lycopersicum", "tenant_slug": SLUG}

_http = httpx.Client(
    base_url=os.environ["FUZZ_URL"],
    headers=HEADERS,
    # A kept line may be ended by the server at the very moment of the next question.
    limits=httpx.Limits(max_keepalive_connections=0),
)
_guests = Guests(
    httpx.Client(base_url=os.environ["FUZZ_URL"], limits=httpx.Limits(max_keepalive_connections=0)),
    Path(os.environ["FUZZ_MAILS"]),
    os.environ["FUZZ_PASSWORD"],
)
_spare: dict[tuple[str, str], Any] = {}
"""What was made for a request and was not used up by it, by method and path."""
_keys: dict[str, str | None] = {}
_lent: set[str] = set()
_bodies: dict[str, Any] = {}


if HEADERS:

    @schemathesis.auth(refresh_interval=None)
    class Login:
        """The login of the person in whose name the run asks."""

        def get(self, _case: Case[Any], _context: AuthContext) -> str:
            """Return what every request carries."""
            return HEADERS["Authorization"]

        def set(self, case: Case[Any], data: str, _context: AuthContext) -> None:
            """Put it into a request."""
            case.headers["Authorization"] = data


@schemathesis.hook
def before_call(_context: HookContext, case: Case[Any], _kwargs: dict[str, Any]) -> None:
    """Put keys that exist into a request."""
    _lent.clear()
    if (case.method, case.path) in USES_A_LOGIN_UP and HEADERS:
        _lend_account(case)
    if _is_sound(case, ParameterLocation.PATH):
        for name in case.path_parameters:
            _lend_path(case, name)
    if case.path.endswith(".ics") and _is_sound(case, ParameterLocation.QUERY):
        _lend_feed(case)
    if case.path == CALLBACK and (case.meta is None or case.meta.generation.mode.is_positive):
        _lend_return(case)
    if _is_sound(case, ParameterLocation.HEADER):
        _lend_headers(case)
    if case.path.endswith("/auth/refresh") and _is_sound(case, ParameterLocation.HEADER):
        _lend_session(case)
    if isinstance(case.body, dict | list) and _is_sound(case, ParameterLocation.BODY):
        _lend_keys(case.body, _meant_by(case.path))
        _lend_revision(case)
        _lend_proof(case)


@schemathesis.hook
def after_call(_context: HookContext, case: Case[Any], response: Response) -> None:
    """Forget the keys of things that are gone, or may be."""
    is_gone = case.method == "DELETE" or response.status_code == httpx.codes.NOT_FOUND
    if is_gone or re.search(r"/(Archive|Delete|Remove|Release)|/cancel$|/complete$", case.path):
        for place in _lent:
            _keys.pop(place, None)
    if response.status_code != httpx.codes.UNPROCESSABLE_ENTITY:
        _spare.pop((case.method, case.path), None)


def _is_sound(case: Case[Any], location: ParameterLocation) -> bool:
    if case.meta is None:
        return True  # an example of the documentation
    found = case.meta.components.get(location, case.meta.generation)
    return found.mode is GenerationMode.POSITIVE


def _lend_account(case: Case[Any]) -> None:
    """Let somebody ask whom nobody needs afterwards, in a garden of their own."""
    if case.headers.get("Authorization") != HEADERS["Authorization"]:
        return  # it is meant to come without a login
    guest: Guest = _kept(case, _guests.guest)
    case.headers.update(guest.headers)
    if case.path == LOGOUT_ALL and _is_sound(case, ParameterLocation.HEADER):
        case.headers["X-CSRF-Token"] = guest.csrf_token
    elif case.path == A_GARDEN and _is_sound(case, ParameterLocation.PATH):
        case.path_parameters["slug"] = guest.slug
    elif case.path == LEAVE:
        _http.post(ACCEPT, json={"token": _invitation()}, headers=guest.headers)


def _kept(case: Case[Any], make: Callable[[], Any]) -> Any:
    """Return what is left of an earlier request of this kind, or something new."""
    call = case.method, case.path
    if call not in _spare:
        _spare[call] = make()
    return _spare[call]


def _lend_proof(case: Case[Any]) -> None:
    """Put in a body what proves that one may do this."""
    if case.path == ACCEPT:
        case.body["token"] = _invitation()
    elif case.path == LOGIN:
        case.body |= WHO
    elif case.path == VERIFY:
        case.body["token"] = _kept(case, _guests.verify_code)
    elif case.path == RESET:
        case.body["token"] = _kept(case, _guests.reset_code)
    elif case.path == PASSWORD:
        case.body["current_password"] = WHO["password"]
    elif case.path == ME_AT and case.method == "DELETE":
        case.body["password"] = WHO["password"]


def _invitation() -> str:
    """Return the code of a new invitation: who has accepted one uses it up."""
    made = _http.post(f"{API}/tenants/{SLUG}/invitations/link", json={}).raise_for_status()
    return str(made.json()["token"])


def _lend_return(case: Case[Any]) -> None:
    """Come back from the login provider; what the tool made up cannot stand for that."""
    back = _guests.come_back()
    case.query |= back.query
    if "iss" in case.query:
        case.query["iss"] = back.issuer
    case.cookies["kp_login"] = back.cookie


def _lend_path(case: Case[Any], name: str) -> None:
    before, _, after = case.path.partition(f"{{{name}}}")
    if name == "slug" or after == ".ics":
        return
    if name == "provider":
        case.path_parameters[name] = PROVIDER
        return
    if case.method == "DELETE" and case.path in DELETED_BY_ADMINS:
        guest: Guest = _kept(case, _guests.guest)
        case.path_parameters[name] = guest.garden_key if "tenants" in case.path else guest.key
        return
    if case.path.replace("{slug}", SLUG) == CLOSED_TASK:
        case.path_parameters[name] = _closed_task()
        return
    place = before.rstrip("/").replace("{slug}", SLUG)
    for other, value in case.path_parameters.items():
        place = place.replace(f"{{{other}}}", str(value))
    key = _existing(ELSEWHERE.get(place, place))
    if key is not None:
        case.path_parameters[name] = key


def _lend_feed(case: Case[Any]) -> None:
    feeds = f"{GARDEN}/calendar/feeds"
    made = _http.post(feeds, json=_example(feeds)).json()
    case.path_parameters["key"] = made["feed"]["key"]
    case.query["token"] = made["token"]


def _lend_session(case: Case[Any]) -> None:
    made = _http.post(LOGIN, json=WHO)
    case.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in made.cookies.items())
    case.headers["X-CSRF-Token"] = made.cookies["kp_csrf"]


def _lend_headers(case: Case[Any]) -> None:
    for name in case.headers:
        if name.lower() == "if-match":
            key = str(case.path_parameters.get("key", ""))
            before, found, _ = case.formatted_path.partition(f"/{key}")
            who = {"Authorization": str(case.headers.get("Authorization", ""))} if HEADERS else {}
            seen = _http.get(f"{before}{found}", headers=who)
            case.headers[name] = seen.headers.get("etag", "*")
        elif name.lower() == ROLE_HEADER.lower():
            case.headers[name] = "admin"


def _lend_keys(part: Any, meant: str | None) -> None:
    if isinstance(part, list):
        for item in part:
            _lend_keys(item, None)
        return
    if not isinstance(part, dict):
        return
    for name, value in part.items():
        place = meant if name == "key" else COLLECTIONS.get(name)
        key = GIVEN.get(name) or (place and _existing(place))
        if key and isinstance(value, str):
            part[name] = key
        elif key and isinstance(value, list) and value:
            part[name] = [key]
        else:
            _lend_keys(value, None)


def _lend_revision(case: Case[Any]) -> None:
    """Name the revision that the thing of a request of the client interface has."""
    body = case.body
    if not isinstance(body, dict) or body.get("expected_revision") is None:
        return
    name = "key" if "key" in body else "probe_key"
    place = _meant_by(case.path) if name == "key" else COLLECTIONS[name]
    seen = _http.get(f"{place}/{body.get(name)}")
    if seen.is_success:
        body["expected_revision"] = seen.json()["revision"]


def _meant_by(path: str) -> str | None:
    """Return where the things are that a request of the client interface names by `key`."""
    name = path.rpartition("/requests/")[2]
    if "Create" in name or "Add" in name or "/requests/" not in path:
        return None
    return next((place for part, place in REQUESTED.items() if part in name), None)


def _existing(place: str) -> str | None:
    """Return the key of something that may be changed there, made if there is nothing."""
    _lent.add(place)
    if place == CLOSED_TASK:
        return _closed_task()
    if place not in _keys:
        _keys[place] = _listed(place) or _made(place)
    return _keys[place]


def _listed(place: str) -> str | None:
    found = _http.get(place)
    if found.is_error:
        return None
    body = found.json()
    rows = body["items"] if isinstance(body, dict) and "items" in body else body
    # Neither what all gardens share, nor what the rest of the run needs.
    return next((str(row["key"]) for row in rows if "key" in row and _is_ours(place, row)), None)


def _is_ours(place: str, row: Mapping[str, Any]) -> bool:
    """Tell what all gardens share, and what the rest of the run needs, from everything else."""
    is_needed = row.get("is_current") or row["key"] == ME or row.get("slug") == SLUG
    is_shared = place.startswith(GARDEN) and row.get("tenant_key") == "*"
    return not (is_needed or is_shared)


def _made(place: str) -> str | None:
    if place == SESSIONS:
        _http.post(LOGIN, json=WHO).raise_for_status()
        return _listed(place)
    if place == LINKS:
        _guests.link(HEADERS)
        return _listed(place)
    if place in MADE_AT:
        above, name = MADE_AT[place]
        body, place = _example(f"{above}/{{key}}/{name}"), f"{above}/{_existing(above)}/{name}"
    else:
        body = _example(place)
    if body is None:
        return None
    body = deepcopy(body)
    _lend_keys(body, None)
    if place == f"{GARDEN}/harvests":
        # The plants that are there may be in a waiting period.
        body["plant_key"] = _made(f"{GARDEN}/plants")
    made = _http.post(place, json=body)
    if made.is_error:
        return None
    answer = made.json()
    return str((answer[0] if isinstance(answer, list) else answer).get("key"))


def _closed_task() -> str:
    """Return the key of a task that is done and whose plant is there."""
    tasks, plants = f"{GARDEN}/tasks", f"{GARDEN}/plants"
    plant = _keys.get(CLOSED_TASK) or _made(plants)
    made = _http.post(tasks, json=_example(tasks) | {"plant_key": plant, "tank_key": None})
    if made.is_error:  # the plant of the last one is archived by now
        plant = _made(plants)
        made = _http.post(tasks, json=_example(tasks) | {"plant_key": plant, "tank_key": None})
    _keys[CLOSED_TASK] = plant
    key = made.raise_for_status().json()["key"]
    _http.post(f"{tasks}/{key}/complete").raise_for_status()
    return str(key)


def _example(place: str) -> Any:
    if not _bodies:
        document = _http.get(f"{API}/openapi.json").json()
        for path, item in document["paths"].items():
            content = item.get("post", {}).get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema", {})
            if schema.get("examples"):
                _bodies[path.replace("{slug}", SLUG)] = schema["examples"][0]
    return _bodies.get(place)
