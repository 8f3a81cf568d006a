"""The jobs of the installation: what they delete, and what they must not."""

from dataclasses import replace
from typing import Any

import pytest

from kamerplanter_backend.auth.addresses import coarse_address
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.exceptions import SessionReusedError, UnauthorizedError
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_backend.domain.models.identity import SessionEnd
from kamerplanter_backend.domain.models.tenant import InvitationFields, TenantFields
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.identity import (
    ApiKeyRepository,
    LoginDelayRepository,
    LoginStateRepository,
    OneTimeTokenRepository,
    RefreshTokenRepository,
    SessionRepository,
    UserRepository,
)
from kamerplanter_backend.domain.repositories.tenant import InvitationRepository
from kamerplanter_backend.domain.services.membership_service import MembershipService
from kamerplanter_backend.domain.services.tenant_service import account_context
from kamerplanter_backend.jobs.job import run_due
from kamerplanter_backend.jobs.server_catalogue import SERVER_JOBS
from tests.backend.accounts import EMAIL, PASSWORD, People


def jobs_context(people: People) -> Context:
    return account_context("jobs", people.now, role=Role.ADMIN)


def run(people: People) -> dict[str, int]:
    """Run what is due; return how much each job changed."""
    reports = run_due(
        SERVER_JOBS,
        people.accounts.upkeep,
        people.store,
        jobs_context(people),
        process="process-1",
    )
    assert [report.problem for report in reports] == [None] * len(reports)
    return {report.job: report.changed_count for report in reports}


def count(people: People, *repositories: type[Repository[Any]]) -> list[int]:
    return [len(people.all(repository)) for repository in repositories]


def test_each_job_runs_once_in_its_period(people: People) -> None:
    assert set(run(people)) == {
        "cleanup-expired-tokens",
        "auth-cleanup-unverified-daily",
        "auth-anonymize-ips-daily",
    }
    assert run(people) == {}
    people.wait(hours=1)
    assert run(people) == {"cleanup-expired-tokens": 0}


def test_evidence_against_a_thief_stays_while_the_session_lives(people: People) -> None:
    people.join()
    stolen = people.log_in()
    current = stolen
    for _ in range(3):
        people.wait(days=7)
        current = people.accounts.sessions.refresh(current.refresh_token, people.now)
        run(people)
    assert count(people, SessionRepository, RefreshTokenRepository) == [1, 4]

    with pytest.raises(SessionReusedError):
        people.accounts.sessions.refresh(stolen.refresh_token, people.now)


def test_what_is_over_goes(people: People) -> None:
    people.join()
    people.log_in()
    people.accounts.registration.request_reset(EMAIL, people.now)
    people.accounts.mails.flush()
    people.accounts.oidc.depart("example", return_path="/", now=people.now)
    with pytest.raises(UnauthorizedError):
        people.log_in(password="wrong password")
    kinds = (
        SessionRepository,
        RefreshTokenRepository,
        OneTimeTokenRepository,
        LoginStateRepository,
        LoginDelayRepository,
    )
    assert run(people)["cleanup-expired-tokens"] == 0
    assert count(people, *kinds) == [1, 1, 1, 1, 1]
    people.wait(hours=1)
    assert run(people)["cleanup-expired-tokens"] == 2  # the mail, the login at the provider
    people.wait(hours=23)
    assert run(people)["cleanup-expired-tokens"] == 1  # the failures
    people.wait(days=29)
    run(people)

    assert count(people, *kinds) == [0, 0, 0, 0, 0]
    assert count(people, UserRepository) == [1]


def test_ended_session_goes_with_its_tokens(people: People) -> None:
    people.join()
    ended, living = people.log_in(), people.log_in()
    context = account_context(ended.user_key, people.now)
    people.accounts.sessions.end(context, ended.user_key, ended.session_key, SessionEnd.LOGOUT)

    run(people)

    assert [session.key for session in people.all(SessionRepository)] == [living.session_key]
    [token] = people.all(RefreshTokenRepository)
    assert token.session_key == living.session_key


def test_revoked_key_stays_in_sight_for_90_days(people: People) -> None:
    user = people.join()
    people.log_in()
    made = people.accounts.api_keys.create(
        user.key,
        tenant_slug="ada-s-garden",
        label="x",
        scopes=frozenset({KeyScope.READ}),
        expires_at=None,
        now=people.now,
    )
    people.accounts.api_keys.revoke(account_context(user.key, people.now), user.key, made.key.key)
    people.wait(days=89)
    run(people)
    assert count(people, ApiKeyRepository) == [1]
    people.wait(days=1)
    run(people)

    assert count(people, ApiKeyRepository) == [0]


def test_unconfirmed_account_goes_after_a_week(people: People) -> None:
    people.join("ada@example.org")
    people.accounts.registration.register(
        "eve@example.org", PASSWORD, "Eve", locale=None, now=people.now
    )
    people.accounts.mails.flush()
    people.wait(days=7)
    assert run(people)["auth-cleanup-unverified-daily"] == 0
    people.wait(days=1)
    assert run(people)["auth-cleanup-unverified-daily"] == 1

    assert [user.email for user in people.all(UserRepository)] == ["ada@example.org"]


def test_unconfirmed_account_that_is_in_use_stays(people: People) -> None:
    strict = people.accounts
    people.accounts = people.build(require_verified_email=False)
    people.accounts.registration.register(EMAIL, PASSWORD, "Ada", locale=None, now=people.now)
    people.wait(days=30)
    assert run(people)["auth-cleanup-unverified-daily"] == 0
    people.log_in()
    people.accounts.close()
    people.accounts = strict
    people.wait(days=30)
    assert run(people)["auth-cleanup-unverified-daily"] == 0

    assert people.user() is not None


def test_network_addresses_become_coarse_after_a_week(people: People) -> None:
    people.join()
    login = people.log_in()
    people.wait(days=6, hours=23)
    run(people)
    assert people.all(SessionRepository)[0].address == "192.0.2.77"
    people.accounts.sessions.refresh(login.refresh_token, people.now)
    people.wait(days=1)
    assert run(people)["auth-anonymize-ips-daily"] == 1
    people.wait(days=1)
    assert run(people)["auth-anonymize-ips-daily"] == 0

    assert people.all(SessionRepository)[0].address == "192.0.2.0"


@pytest.mark.parametrize(
    ("address", "coarse"),
    [
        ("192.0.2.77", "192.0.2.0"),
        ("2001:db8:1234:5678::1", "2001:db8:1234::"),
        ("::1", "::"),
        (None, None),
        ("unix:", None),
    ],
)
def test_coarse_address(address: str | None, coarse: str | None) -> None:
    assert coarse_address(address) == coarse


def test_invitation_goes_a_month_after_its_end(people: People) -> None:
    ada = people.join()
    garden = people.tenants.create_for(
        account_context(ada.key, people.now), TenantFields(name="Allotment")
    )
    context = replace(account_context(ada.key, people.now), tenant_key=garden.key)
    MembershipService(people.store).invite(context, InvitationFields(email="bob@example.org"))

    people.wait(days=7 + 29)
    run(people)
    assert count(people, InvitationRepository) == [1]
    people.wait(days=1)
    run(people)

    assert count(people, InvitationRepository) == [0]
