"""Logging in with a password, and how little a failure tells."""

from concurrent.futures import ThreadPoolExecutor

import bcrypt
import pytest

from kamerplanter_backend.auth.passwords import hash_password
from kamerplanter_backend.auth.throttle import FREE_FAILURES
from kamerplanter_backend.common.exceptions import (
    EmailNotVerifiedError,
    RateLimitedError,
    UnauthorizedError,
)
from kamerplanter_backend.domain.models.tenant import TenantKind
from kamerplanter_backend.domain.repositories.identity import LoginDelayRepository, UserRepository
from kamerplanter_backend.domain.repositories.tenant import TenantRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.tenant_service import account_context
from tests.backend.accounts import EMAIL, PASSWORD, People

NOBODY = "nobody@example.org"


def change_user(people: People, **values: object) -> None:
    user = people.user()
    assert user is not None
    with open_unit(people.store, account_context("test", people.now), (UserRepository,)) as uow:
        uow.of(UserRepository).change(user, **values)


def fail(people: People, email: str, times: int) -> None:
    for _ in range(times):
        with pytest.raises(UnauthorizedError):
            people.log_in(email, "wrong password")


@pytest.mark.parametrize("spelling", [EMAIL, "ADA@EXAMPLE.ORG", "  Ada@example.org "])
def test_address_is_known_in_every_spelling(people: People, spelling: str) -> None:
    user = people.join()

    assert people.log_in(spelling).user_key == user.key


def test_first_login_makes_a_garden_and_the_next_one_none(people: People) -> None:
    user = people.join()
    assert people.all(TenantRepository) == []

    people.log_in()
    people.log_in()

    [garden] = people.all(TenantRepository)
    assert (garden.name, garden.kind, garden.owner_key) == (
        "Ada's garden",
        TenantKind.PERSONAL,
        user.key,
    )
    gardens = people.tenants.gardens_of(account_context(user.key, people.now))
    assert [(found.key, found.role) for found in gardens] == [(garden.key, "admin")]


def test_garden_that_a_crash_left_unmarked_is_not_made_twice(people: People) -> None:
    people.join()
    people.log_in()
    change_user(people, has_garden=False)

    people.log_in()

    assert len(people.all(TenantRepository)) == 1
    assert people.user().has_garden


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (EMAIL, "wrong password"),
        (EMAIL, ""),
        (EMAIL, "x" * 500),
        (EMAIL, PASSWORD + "\0"),
        (NOBODY, PASSWORD),
        ("no address at all", PASSWORD),
        ("", ""),
        ("x" * 5000, PASSWORD),
    ],
)
def test_failure_never_tells_why(
    people: People, monkeypatch: pytest.MonkeyPatch, email: str, password: str
) -> None:
    people.join()
    fail(people, "warm@example.org", 1)
    compared: list[bytes] = []
    compare = bcrypt.checkpw

    def counting(tried: bytes, against: bytes) -> bool:
        compared.append(against)
        return compare(tried, against)

    monkeypatch.setattr(bcrypt, "checkpw", counting)

    with pytest.raises(UnauthorizedError) as refused:
        people.log_in(email, password)

    assert type(refused.value) is UnauthorizedError
    assert refused.value.message == "E-mail address or password is wrong."
    assert (refused.value.field, refused.value.placeholders) == (None, {})
    assert len(compared) == 1


def test_closed_account_looks_like_none(people: People) -> None:
    people.join()
    change_user(people, is_active=False)

    with pytest.raises(UnauthorizedError, match="E-mail address or password is wrong"):
        people.log_in()


def test_account_without_a_password_looks_like_none(people: People) -> None:
    people.join()
    change_user(people, password_hash=None)

    with pytest.raises(UnauthorizedError, match="E-mail address or password is wrong"):
        people.log_in(password="")


def test_unconfirmed_address_is_named_after_the_right_password_only(people: People) -> None:
    people.accounts.registration.register(EMAIL, PASSWORD, "Ada", locale=None, now=people.now)

    with pytest.raises(UnauthorizedError, match="wrong") as refused:
        people.log_in(password="wrong password")
    assert not isinstance(refused.value, EmailNotVerifiedError)
    with pytest.raises(EmailNotVerifiedError):
        people.log_in()


def test_unconfirmed_address_is_enough_where_nobody_asks(people: People) -> None:
    people.accounts.registration.register(EMAIL, PASSWORD, "Ada", locale=None, now=people.now)
    relaxed = people.build(require_verified_email=False)
    people.accounts.close()
    people.accounts = relaxed

    assert people.log_in().user_key == people.user().key


@pytest.mark.parametrize("email", [EMAIL, NOBODY, "no address at all"])
def test_name_has_to_wait_after_five_failures_whether_it_is_an_account(
    people: People, email: str
) -> None:
    people.join()
    fail(people, email, FREE_FAILURES + 1)

    with pytest.raises(RateLimitedError) as refused:
        people.log_in(email, PASSWORD)

    assert refused.value.retry_after_s == 5
    assert refused.value.message == (
        "Too many failed attempts for this account; wait, or set a new password by mail."
    )


def test_wait_grows_with_each_failure_and_not_with_each_attempt(people: People) -> None:
    people.join()
    fail(people, EMAIL, FREE_FAILURES + 1)
    waits = []
    for _ in range(5):
        for _ in range(3):
            with pytest.raises(RateLimitedError) as refused:
                people.log_in()
        waits.append(refused.value.retry_after_s)
        people.wait(seconds=waits[-1])
        fail(people, EMAIL, 1)

    assert waits == [5, 10, 20, 40, 80]


def test_spellings_of_a_name_wait_together(people: People) -> None:
    people.join()
    fail(people, EMAIL.upper(), FREE_FAILURES)
    fail(people, f" {EMAIL}", 1)

    with pytest.raises(RateLimitedError):
        people.log_in()


def test_right_password_forgets_the_failures(people: People) -> None:
    people.join()
    fail(people, EMAIL, FREE_FAILURES)
    people.log_in()
    fail(people, EMAIL, FREE_FAILURES)

    assert people.log_in().user_key == people.user().key


def test_one_name_does_not_make_another_wait(people: People) -> None:
    people.join()
    fail(people, NOBODY, FREE_FAILURES + 1)

    assert people.log_in().user_key == people.user().key


def test_names_are_not_stored_in_clear(people: People) -> None:
    fail(people, NOBODY, 1)

    [delay] = people.all(LoginDelayRepository)
    assert "nobody" not in delay.model_dump_json()


def test_hash_of_an_older_cost_is_renewed_at_login(people: People) -> None:
    people.join()
    change_user(people, password_hash=hash_password(PASSWORD, 5))

    people.log_in()

    assert people.user().password_hash.startswith("$2b$04$")
    assert people.log_in().user_key == people.user().key


def test_attempts_at_the_same_moment_do_not_slip_through_together(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.join()
    compared: list[bytes] = []
    compare = bcrypt.checkpw

    def counting(tried: bytes, against: bytes) -> bool:
        compared.append(tried)
        return compare(tried, against)

    monkeypatch.setattr(bcrypt, "checkpw", counting)

    def guess(number: int) -> str:
        try:
            people.log_in(password=f"guess number {number}")
        except RateLimitedError:
            return "wait"
        except UnauthorizedError:
            return "wrong"
        return "in"

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(guess, range(64)))

    assert answers.count("wrong") == len(compared) == FREE_FAILURES + 1
    assert answers.count("wait") == 64 - FREE_FAILURES - 1
