"""A browser as the login routes see one: cookies by path, and the header that repeats one."""

from copy import copy
from http.cookiejar import CookieJar
from typing import Any

import httpx

from tests.backend.api.harness import Bench
from tests.backend.api.mailed_code import code_in

AUTH = "/api/v1/auth"
ME = "/api/v1/users/me"
EMAIL = "ada@example.org"
PASSWORD = "correct horse battery"


class Browser:
    """One browser with its own cookies, on a page of the server."""

    def __init__(self, bench: Bench, origin: str | None = "https://localhost") -> None:
        self.bench = bench
        # A cookie that is marked as secure comes back over HTTPS only, here too.
        self.http = bench.client(base_url="https://localhost")
        self.origin = origin
        self.access_token: str | None = None

    @property
    def jar(self) -> CookieJar:
        """The cookies."""
        return self.http.cookies.jar

    def cookie(self, name: str) -> str | None:
        """Return a cookie."""
        return next((cookie.value for cookie in self.jar if cookie.name == name), None)

    def plant(self, name: str, value: str, path: str) -> None:
        """Put a cookie into the browser, as somebody would who has stolen it."""
        self.http.cookies.set(name, value, domain="localhost.local", path=path)

    def steal(self, victim: Browser) -> None:
        """Take the cookies of another browser."""
        for cookie in victim.jar:
            self.jar.set_cookie(copy(cookie))

    def headers(self, **more: str | None) -> dict[str, str]:
        """Return what the page sends along; none takes a header out."""
        found = {"Origin": self.origin, "X-CSRF-Token": self.cookie("kp_csrf")}
        if self.access_token is not None:
            found["Authorization"] = f"Bearer {self.access_token}"
        found |= {name.replace("_", "-"): value for name, value in more.items()}
        return {name: value for name, value in found.items() if value is not None}

    async def post(self, path: str, body: Any = None, **more: str | None) -> httpx.Response:
        """Send a request that does something."""
        return await self.http.post(path, json=body, headers=self.headers(**more))

    async def get(self, path: str, **parameters: str) -> httpx.Response:
        """Ask for something."""
        return await self.http.get(path, params=parameters, headers=self.headers())

    async def log_in(
        self, email: str = EMAIL, password: str = PASSWORD, **more: Any
    ) -> httpx.Response:
        """Log in and keep the access token."""
        answer = await self.post(f"{AUTH}/login", {"email": email, "password": password, **more})
        if answer.status_code == 200:
            self.access_token = answer.json()["access_token"]
        return answer

    async def refresh(self, **more: str | None) -> httpx.Response:
        """Get a new access token."""
        answer = await self.post(f"{AUTH}/refresh", **more)
        if answer.status_code == 200:
            self.access_token = answer.json()["access_token"]
        return answer

    async def is_in(self) -> bool:
        """Tell whether the access token is taken."""
        return (await self.get(ME)).status_code == 200


async def register(bench: Bench, email: str = EMAIL, password: str = PASSWORD) -> None:
    """Make an account whose address is confirmed."""
    browser = Browser(bench)
    body = {"email": email, "password": password, "display_name": "Ada"}
    assert (await browser.post(f"{AUTH}/register", body)).status_code == 202
    token = last_code(bench)
    answer = await browser.post(f"{AUTH}/verify-email", {"token": token})
    assert answer.status_code == 200, answer.text


def last_code(bench: Bench) -> str:
    """Return the code of the newest mail."""
    bench.server.accounts.mails.flush()
    return code_in(bench.outbox.mails[-1].text)
