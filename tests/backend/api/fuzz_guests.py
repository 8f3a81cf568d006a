"""Accounts and logins that are made for one generated request, and the codes that it needs.

Whoever uses a code, ends a login or deletes an account does it to one of these; the person in whose
name the rest of the run asks stays in.
"""

import time
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx

from tests.backend.api.mailed_code import code_in

AUTH = "/api/v1/auth"
PROVIDER = "example"
LINK = f"/api/v1/users/me/providers/{PROVIDER}/link"

STRANGER = "anonymous"
"""Who comes in through the login provider: it gives no address, so no account of ours has it."""

LINKED = "linked"
"""Whom the provider knows the person of the run as."""

PATIENCE_S = 20
"""How long a mail may take. [s]"""


@dataclass(frozen=True, slots=True)
class Guest:
    """An account with a garden of its own, and a login of it."""

    key: str
    garden_key: str
    password: str
    token: str
    csrf_token: str
    slug: str

    @property
    def headers(self) -> dict[str, str]:
        """What a request of this person carries."""
        return {"Authorization": f"Bearer {self.token}"}


@dataclass(frozen=True, slots=True)
class Return:
    """How a browser comes back from the login provider."""

    query: dict[str, str]
    cookie: str
    issuer: str


class Guests:
    """Makes accounts by the routes that everybody has.

    Args:
        http: Asks the server, in nobody's name.
        mails: The folder in which the server keeps its mails.
        password: The one of all the accounts.
    """

    def __init__(self, http: httpx.Client, mails: Path, password: str) -> None:
        self._http = http
        self._mails = mails
        self._password = password
        self._read: set[str] = set()
        self._numbers = count(1)

    def guest(self) -> Guest:
        """Make an account whose address is confirmed, and log it in."""
        email = self._registered()
        self._post(f"{AUTH}/verify-email", {"token": self._code_for(email)})
        login = self._post(f"{AUTH}/login", {"email": email, "password": self._password})
        token = login.json()["access_token"]
        own = {"Authorization": f"Bearer {token}"}
        account = self._http.get("/api/v1/users/me", headers=own).raise_for_status().json()
        garden = self._http.get("/api/v1/tenants", headers=own).raise_for_status().json()[0]
        return Guest(
            account["key"],
            garden["key"],
            self._password,
            token,
            login.cookies["kp_csrf"],
            garden["slug"],
        )

    def verify_code(self) -> str:
        """Return a code that confirms the address of a new account."""
        return self._code_for(self._registered())

    def reset_code(self) -> str:
        """Return a code by which a new account gets a new password."""
        email = self._registered()
        self._code_for(email)
        self._post(f"{AUTH}/password-reset/request", {"email": email})
        return self._code_for(email)

    def come_back(self) -> Return:
        """Walk to the login provider and log in there, as one who wants to come in."""
        left = self._http.get(f"{AUTH}/oauth/{PROVIDER}")
        return _at_provider(left.headers["location"], left.cookies["kp_login"], STRANGER)

    def link(self, headers: dict[str, str]) -> None:
        """Link the login provider to the account of whoever has these headers."""
        left = self._http.post(LINK, json={}, headers=headers).raise_for_status()
        back = _at_provider(left.json()["authorization_url"], left.cookies["kp_login"], LINKED)
        done = self._http.get(
            f"{AUTH}/oauth/{PROVIDER}/callback",
            params=back.query,
            headers={"Cookie": f"kp_login={back.cookie}"},
        )
        assert done.is_redirect, done.text

    def _registered(self) -> str:
        """Make an account that has not confirmed its address; return the address."""
        email = f"guest-{next(self._numbers)}@example.org"
        body = {"email": email, "password": self._password, "display_name": "Guest"}
        self._post(f"{AUTH}/register", body)
        return email

    def _post(self, path: str, body: dict[str, str]) -> httpx.Response:
        return self._http.post(path, json=body).raise_for_status()

    def _code_for(self, email: str) -> str:
        """Return the code in the next mail to an address: it goes out behind the scenes."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for path in sorted(self._mails.glob("*.txt")):
                if path.name in self._read or not (text := path.read_text(encoding="utf-8")):
                    continue  # an empty one is just being written
                self._read.add(path.name)
                if text.startswith(f"To: {email}\n"):
                    return code_in(text)
            time.sleep(0.005)
        raise TimeoutError(f"no mail came to {email}")


def _at_provider(address: str, cookie: str, person: str) -> Return:
    """Log in at the provider; it sends the browser back to an address that is not followed."""
    answer = httpx.post(address, data={"sub": person})
    assert answer.is_redirect, answer.text
    place = urlsplit(address)
    query = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
    return Return(query, cookie, f"{place.scheme}://{place.netloc}")
