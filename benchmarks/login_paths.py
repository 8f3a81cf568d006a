"""How much the time of a failed login tells: an address with an account against one without.

Usage: python -m benchmarks.login_paths [rounds]

Prints the ratio of the two times as median and range over rounds that are interleaved; 1.00 means
that nothing can be learned. The limits by address and name are out of the way, and each round has
names of its own, as an attacker would have to take.
"""

import statistics
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from kamerplanter_backend.auth.accounts import Accounts, build_accounts
from kamerplanter_backend.auth.sessions import Device
from kamerplanter_backend.bootstrap import open_store
from kamerplanter_backend.common.exceptions import UnauthorizedError
from kamerplanter_backend.config.settings import Environment, Mode, Settings
from kamerplanter_backend.domain.interfaces.adapters import Mail
from kamerplanter_backend.domain.services.membership_service import MembershipService
from kamerplanter_backend.domain.services.tenant_service import TenantService, account_context

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
SECRET = "kPz3uWq8-_yR5tE1vN7xM2cB9aL4sD6f"  # noqa: S105 - protects nothing
PASSWORD = "correct horse battery"  # noqa: S105
ROUNDS = 9
LOGINS = 5
"""Logins of each kind in a round."""


class Nowhere:
    """A mailer that forgets."""

    def __init__(self) -> None:
        self.last: Mail | None = None

    def send(self, mail: Mail) -> None:
        """Keep the newest mail."""
        self.last = mail


def main() -> None:
    """Measure and print."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with TemporaryDirectory() as folder:
        # In a file, because what is written to a disk takes time as well.
        _measure(Path(folder) / "garden.db", rounds)


def _measure(path: Path, rounds: int) -> None:
    store = open_store(path)
    settings = Settings(
        mode=Mode.FULL,
        environment=Environment.DEVELOPMENT,
        store="sqlite:///:memory:",
        secret_key=SECRET,  # type: ignore[arg-type]  # pydantic makes a secret of it
    )
    mailer = Nowhere()
    accounts = build_accounts(
        store, settings, TenantService(store), MembershipService(store), mailer=mailer
    )
    names = [f"person-{number}@example.org" for number in range(rounds * LOGINS)]
    for name in names:
        _join(accounts, mailer, name)
    print(f"{rounds} rounds of {LOGINS} logins each, bcrypt cost {settings.bcrypt_rounds}")
    _report("failed login, account / no account", _login_ratios(accounts, names, rounds))
    _report("register, address taken / new", _register_ratios(accounts, names, rounds))
    accounts.close()
    store.close()


def _join(accounts: Accounts, mailer: Nowhere, email: str) -> None:
    accounts.registration.register(email, PASSWORD, "Person", locale=None, now=NOW)
    accounts.mails.flush()
    assert mailer.last is not None
    token = mailer.last.text.partition("enter this code: ")[2].split()[0]
    accounts.registration.verify_email(account_context("benchmark", NOW), token)


def _login_ratios(accounts: Accounts, names: list[str], rounds: int) -> list[float]:
    def fail(email: str) -> None:
        try:
            accounts.login.log_in(
                email, "wrong password", remember_me=True, device=Device(), now=NOW
            )
        except UnauthorizedError:
            return
        raise AssertionError("a wrong password was taken")

    return _ratios(fail, names, "nobody-{}@example.org", rounds)


def _register_ratios(accounts: Accounts, names: list[str], rounds: int) -> list[float]:
    def register(email: str) -> None:
        accounts.registration.register(email, PASSWORD, "Person", locale=None, now=NOW)

    return _ratios(register, names, "new-{}@example.org", rounds)


def _ratios(
    act: Callable[[str], None], names: list[str], stranger: str, rounds: int
) -> list[float]:
    act(stranger.format("warm"))  # makes the hash that stands in for no account
    ratios = []
    for number in range(rounds):
        known = unknown = 0.0
        for place in range(number * LOGINS, (number + 1) * LOGINS):
            # Who goes first changes, so that the order cannot look like a difference.
            if place % 2:
                known += _time_s(act, names[place])
                unknown += _time_s(act, stranger.format(place))
            else:
                unknown += _time_s(act, stranger.format(place))
                known += _time_s(act, names[place])
        ratios.append(known / unknown)
    return ratios


def _time_s(act: Callable[[str], None], email: str) -> float:
    began = time.perf_counter()
    act(email)
    return time.perf_counter() - began


def _report(name: str, ratios: list[float]) -> None:
    middle = statistics.median(ratios)
    print(f"{name}: {middle:.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


if __name__ == "__main__":
    main()
