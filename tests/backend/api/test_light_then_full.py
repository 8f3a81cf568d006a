"""A store that began without accounts, and goes on with them: nobody inherits its user."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from kamerplanter_backend.auth.one_time_tokens import issue_token
from kamerplanter_backend.auth.passwords import hash_password
from kamerplanter_backend.auth.sessions import Device, begin_session
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.config.settings import Mode
from kamerplanter_backend.domain.models.identity import SYSTEM_USER_KEY, TokenPurpose
from kamerplanter_backend.domain.repositories.identity import (
    OneTimeTokenRepository,
    RefreshTokenRepository,
    SessionRepository,
    UserRepository,
)
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.tenant_service import account_context
from kamerplanter_backend.light_garden import DEMO_EMAIL, open_light_garden
from tests.backend.api.browser import AUTH, PASSWORD, Browser
from tests.backend.api.harness import Bench


@pytest.fixture
def full(server_of: Callable[..., Bench]) -> Bench:
    """Return a server with accounts on the store of one without."""
    bench = server_of(Mode.FULL)
    open_light_garden(bench.server.store, bench.server.services, with_demo=False, now=bench.clock())
    return bench


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("password-reset/request", {"email": DEMO_EMAIL}),
        ("verify-email/request", {"email": DEMO_EMAIL}),
        ("register", {"email": DEMO_EMAIL, "password": PASSWORD, "display_name": "Mallory"}),
    ],
)
async def test_no_code_goes_to_its_address(full: Bench, path: str, body: dict[str, str]) -> None:
    async with full.client() as client:
        answer = await client.post(f"{AUTH}/{path}", json=body)
    full.server.accounts.mails.flush()

    assert answer.status_code == 202
    assert full.outbox.mails == []


async def test_who_had_taken_it_over_is_out(full: Bench) -> None:
    accounts, now = full.server.accounts, full.clock()
    context = account_context("test", now, role=Role.ADMIN)
    writes = (UserRepository, SessionRepository, RefreshTokenRepository, OneTimeTokenRepository)
    with open_unit(full.server.store, context, writes) as uow:
        users = uow.of(UserRepository)
        user = users.change(
            users.get(SYSTEM_USER_KEY),
            password_hash=hash_password(PASSWORD, 4),
            is_email_verified=True,
        )
        code = issue_token(uow, user, TokenPurpose.RESET_PASSWORD)
        session, refresh_token = begin_session(
            uow, accounts.policy, user.key, method="password", is_persistent=True, device=Device()
        )
    login = accounts.sessions.login_of(session, refresh_token, now)
    browser = Browser(full)
    async with full.client() as client:
        entered = await browser.log_in(DEMO_EMAIL)
        seen = await client.get(
            "/api/v1/users/me", headers={"Authorization": f"Bearer {login.access_token}"}
        )
        reset = await client.post(
            f"{AUTH}/password-reset/confirm", json={"token": code, "new_password": PASSWORD}
        )

    assert (entered.status_code, seen.status_code, reset.status_code) == (401, 401, 401)


def test_it_stays_for_the_day_when_the_server_goes_on_without_accounts(full: Bench) -> None:
    context = account_context("jobs", full.clock() + timedelta(days=30), role=Role.ADMIN)

    full.server.accounts.upkeep.remove_unverified(context)

    with open_unit(full.server.store, context) as uow:
        assert uow.of(UserRepository).try_get(SYSTEM_USER_KEY) is not None
