"""A server for tests: a clock that only a test moves, and a client without a socket."""

import atexit
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from threading import Barrier
from typing import Any

import httpx
import structlog
from fastapi import FastAPI

from kamerplanter_backend.api.rate_limit import forget_calls
from kamerplanter_backend.auth.passwords import hash_password
from kamerplanter_backend.auth.sessions import Device, begin_session
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.dependencies import Server
from kamerplanter_backend.common.log_context import with_note
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_backend.config.settings import Environment, Mode, Settings
from kamerplanter_backend.domain.interfaces.adapters import Mail
from kamerplanter_backend.domain.models.identity import UserFields
from kamerplanter_backend.domain.models.tenant import MembershipFields, Tenant, TenantFields
from kamerplanter_backend.domain.repositories.identity import (
    RefreshTokenRepository,
    SessionRepository,
    UserRepository,
)
from kamerplanter_backend.domain.repositories.tenant import MembershipRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.tenant_service import account_context
from kamerplanter_backend.main import PASSWORD_THREADS, create_app, open_server

# To where pytest captures: not onto the screen, and without the values of local variables.
structlog.configure(
    processors=[
        with_note,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(),
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
)

START = datetime(2026, 5, 1, 10, tzinfo=UTC)
"""Noon in Berlin."""

ADDRESS = "http://localhost"

SECRET = "kPz3uWq8-_yR5tE1vN7xM2cB9aL4sD6f"
"""Protects nothing."""

GARDEN = "/api/v1/t/platform"
"""The only garden of a light server."""


class Clock:
    """Tells the time that a test has set."""

    def __init__(self, now: datetime = START) -> None:
        self.now = now

    def __call__(self) -> datetime:
        """Return the present moment."""
        return self.now

    def wait(self, **span: float) -> datetime:
        """Move the clock on."""
        self.now += timedelta(**span)
        return self.now


def settings_of(mode: Mode = Mode.LIGHT, **values: Any) -> Settings:
    """Return settings that no environment variable touches, cheap enough for tests."""
    sound: dict[str, Any] = {
        "mode": mode,
        "environment": Environment.DEVELOPMENT,
        "store": "sqlite:///:memory:",
        "bcrypt_rounds": 4,
        "auth_rate_limit": "100000/minute",
        "demo_garden": False,
        "secret_key": SECRET if mode is Mode.FULL else None,
    }
    return Settings(**(sound | values))


class Outbox:
    """Keeps the mails that would be sent."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    def send(self, mail: Mail) -> None:
        """Keep a mail."""
        self.mails.append(mail)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with an account and a session."""

    key: str
    email: str
    access_token: str
    refresh_token: str
    csrf_token: str

    @property
    def headers(self) -> dict[str, str]:
        """What a request of this person carries."""
        return {"Authorization": f"Bearer {self.access_token}"}


class Bench:
    """One open server with its application; on a store of its own, unless one is named."""

    def __init__(self, mode: Mode = Mode.LIGHT, **values: Any) -> None:
        self.clock = Clock()
        self.outbox = Outbox()
        self._folder = TemporaryDirectory(prefix="kamerplanter-")
        if "store" not in values:
            path = Path(self._folder.name) / "garden.db"
            shutil.copy(_new_store(mode, demo_garden=values.get("demo_garden", False)), path)
            values["store"] = f"sqlite:///{path}"
        # Into the outbox, unless the settings name another way.
        mailer = None if "mailer" in values else self.outbox
        self.server: Server = open_server(
            settings_of(mode, **values), clock=self.clock, mailer=mailer
        )
        self.app: FastAPI = create_app(self.server)

    def client(self, **options: Any) -> httpx.AsyncClient:
        """Return a client of its own, with its own cookies."""
        transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
        return httpx.AsyncClient(transport=transport, **({"base_url": ADDRESS} | options))

    def close(self) -> None:
        """Close the server and take its store away."""
        self.server.close()
        self._folder.cleanup()
        forget_calls(self.app)

    def start_threads(self) -> None:
        """Begin all threads of the server now, those for passwords and mails too."""
        for executor, count in (
            (self.server.executor, self.server.settings.worker_threads),
            (self.server.password_executor, PASSWORD_THREADS),
        ):
            together = Barrier(count + 1)
            for _ in range(count):
                executor.submit(together.wait)
            together.wait()
        self.server.accounts.mails.flush()

    # --- People and gardens of a full server, made without a password check ---------------------

    def person(
        self, name: str, *, is_platform_admin: bool = False, password: str | None = None
    ) -> Person:
        """Make an account with a session."""
        accounts, now = self.server.accounts, self.clock()
        context = account_context("test", now, role=Role.ADMIN)
        writes = (UserRepository, SessionRepository, RefreshTokenRepository)
        with open_unit(self.server.store, context, writes) as uow:
            user = uow.of(UserRepository).add(
                UserFields(
                    email=f"{name}@example.org",
                    display_name=name.capitalize(),
                    is_email_verified=True,
                    is_platform_admin=is_platform_admin,
                    password_hash=None
                    if password is None
                    else hash_password(password, accounts.policy.bcrypt_rounds),
                )
            )
            session, refresh_token = begin_session(
                uow,
                accounts.policy,
                user.key,
                method="password",
                is_persistent=True,
                device=Device(),
            )
        login = accounts.sessions.login_of(session, refresh_token, now)
        return Person(
            key=user.key,
            email=f"{name}@example.org",
            access_token=login.access_token,
            refresh_token=refresh_token,
            csrf_token=login.csrf_token,
        )

    def garden(self, owner: Person, name: str) -> Tenant:
        """Make a garden whose admin is the owner."""
        context = account_context(owner.key, self.clock())
        return self.server.tenants.create_for(context, TenantFields(name=name))

    def join(self, tenant: Tenant, person: Person, role: Role) -> None:
        """Make somebody a member of a garden."""
        context = account_context("test", self.clock(), role=Role.ADMIN)
        with open_unit(self.server.store, context, (MembershipRepository,)) as uow:
            uow.of(MembershipRepository).add(
                MembershipFields(garden_key=tenant.key, user_key=person.key, role=role)
            )

    def api_key(self, person: Person, tenant: Tenant, *scopes: KeyScope) -> dict[str, str]:
        """Make an API key and return what a request with it carries."""
        made = self.server.accounts.api_keys.create(
            person.key,
            tenant_slug=tenant.slug,
            label="Test",
            scopes=frozenset(scopes),
            expires_at=None,
            now=self.clock(),
        )
        return {"Authorization": f"Bearer {made.raw}"}


@cache
def _new_store(mode: Mode, *, demo_garden: bool) -> Path:
    """Return the file of a store that a server has opened once: making it anew takes longest."""
    folder = Path(mkdtemp(prefix="kamerplanter-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    path = folder / "garden.db"
    settings = settings_of(mode, store=f"sqlite:///{path}", demo_garden=demo_garden)
    open_server(settings, clock=Clock()).close()
    return path
