"""Accounts on a store in memory, without HTTP."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from kamerplanter_backend.auth.accounts import Accounts, build_accounts
from kamerplanter_backend.auth.sessions import Device, Login
from kamerplanter_backend.bootstrap import open_store
from kamerplanter_backend.config.settings import Environment, Mode, Settings
from kamerplanter_backend.domain.interfaces.adapters import Mail
from kamerplanter_backend.domain.models.identity import User
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.identity import UserRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.membership_service import MembershipService
from kamerplanter_backend.domain.services.tenant_service import TenantService, account_context
from kamerplanter_engines.models.base import Entity

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
SECRET = "kPz3uWq8-_yR5tE1vN7xM2cB9aL4sD6f"
OTHER_SECRET = "Zt6yHn4bGv2fRc8dEx0sWq1a-Lo9kIj7"
EMAIL = "ada@example.org"
PASSWORD = "correct horse battery"
DEVICE = Device(user_agent="Firefox", address="192.0.2.77")


class Outbox:
    """A mailer that keeps what it gets."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    def send(self, mail: Mail) -> None:
        """Keep a mail."""
        self.mails.append(mail)

    def last_token(self) -> str:
        """Return the code of the newest mail."""
        found = re.search(r"[Cc]ode(?: ein)?:? (\S+)\n", self.mails[-1].text)
        assert found is not None
        return found.group(1)


def settings_of(**values: Any) -> Settings:
    """Return settings of a full server, cheap enough for tests."""
    sound: dict[str, Any] = {
        "mode": Mode.FULL,
        "environment": Environment.DEVELOPMENT,
        "store": "sqlite:///:memory:",
        "bcrypt_rounds": 4,
        "secret_key": SECRET,
    }
    return Settings(**(sound | values))


class People:
    """An installation with accounts, in memory or in a file."""

    def __init__(self, path: Path | None = None, **values: Any) -> None:
        self.store = open_store(path)
        self.tenants, self.members = TenantService(self.store), MembershipService(self.store)
        self.outbox = Outbox()
        self.now = NOW
        self.accounts: Accounts = self.build(**values)

    def build(self, **values: Any) -> Accounts:
        """Return accounts with other settings on the same store."""
        return build_accounts(
            self.store, settings_of(**values), self.tenants, self.members, mailer=self.outbox
        )

    def wait(self, **span: float) -> datetime:
        """Move the clock on."""
        self.now += timedelta(**span)
        return self.now

    def join(self, email: str = EMAIL, password: str = PASSWORD, name: str = "Ada") -> User:
        """Register somebody and confirm the address."""
        self.accounts.registration.register(email, password, name, locale=None, now=self.now)
        self.accounts.mails.flush()
        context = account_context("test", self.now)
        return self.accounts.registration.verify_email(context, self.outbox.last_token())

    def log_in(
        self, email: str = EMAIL, password: str = PASSWORD, *, remember_me: bool = True
    ) -> Login:
        """Log somebody in."""
        return self.accounts.login.log_in(
            email, password, remember_me=remember_me, device=DEVICE, now=self.now
        )

    def user(self, email: str = EMAIL) -> User | None:
        """Return an account."""
        with open_unit(self.store, account_context("test", self.now)) as uow:
            return uow.of(UserRepository).with_email(email)

    def all[E: Entity](self, repository: type[Repository[E]]) -> list[E]:
        """Return all documents of a kind of the installation."""
        with open_unit(self.store, account_context("test", self.now)) as uow:
            return uow.of(repository).find()

    def close(self) -> None:
        """Close everything."""
        self.accounts.close()
        self.store.close()
