"""What was looked up is reused, and forgotten when it must be."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from kamerplanter_backend.auth.full_auth_provider import FullAuthProvider
from kamerplanter_backend.auth.sessions import Login
from kamerplanter_backend.common.exceptions import InvalidTokenError
from kamerplanter_backend.domain.models.identity import SessionEnd
from kamerplanter_backend.domain.repositories.identity import UserRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.tenant_service import account_context
from tests.backend.accounts import PASSWORD, People


@pytest.fixture
def login(people: People) -> Login:
    people.join()
    found = people.log_in()
    assert ask(people, found) == found.user_key
    return found


def ask(people: People, login: Login) -> str:
    header = f"Bearer {login.access_token}"
    return people.accounts.provider.authenticate(header, people.now).user_key


def log_out(people: People, login: Login) -> None:
    context = account_context(login.user_key, people.now)
    people.accounts.sessions.end(context, login.user_key, login.session_key, SessionEnd.LOGOUT)


def change_password(people: People, login: Login) -> None:
    people.accounts.profile.change_password(
        login.user_key,
        login.session_key,
        current_password=PASSWORD,
        new_password="another good one",
        now=people.now,
    )


def close_account(people: People, login: Login) -> None:
    context = account_context("test", people.now)
    with open_unit(people.store, context, (UserRepository,)) as uow:
        users = uow.of(UserRepository)
        users.change(users.get(login.user_key), is_active=False)


def delete_account(people: People, login: Login) -> None:
    people.accounts.deletion.delete(
        login.user_key, login.session_key, password=PASSWORD, now=people.now
    )


def count_looks(people: People, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    provider: Any = people.accounts.provider
    looks: list[str] = []
    look_up = provider._look_up

    def counting(token: str, now: datetime) -> Any:
        looks.append(token)
        return look_up(token, now)

    monkeypatch.setattr(provider, "_look_up", counting)
    return looks


@pytest.mark.parametrize("end", [log_out, change_password, close_account, delete_account])
def test_end_counts_within_the_same_moment(
    people: People, login: Login, end: Callable[[People, Login], None]
) -> None:
    end(people, login)

    with pytest.raises(InvalidTokenError):
        ask(people, login)


def test_store_is_asked_once_in_five_seconds(
    people: People, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = count_looks(people, monkeypatch)
    for _ in range(10):
        ask(people, login)
        people.wait(seconds=1)

    assert len(looks) == 1


def test_what_was_looked_up_does_not_outlive_the_token(people: People, login: Login) -> None:
    people.wait(minutes=15, seconds=2)
    assert ask(people, login) == login.user_key
    people.wait(seconds=3)

    with pytest.raises(InvalidTokenError):
        ask(people, login)


def test_clock_that_was_set_back_asks_again(
    people: People, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = count_looks(people, monkeypatch)
    people.wait(hours=-1)

    with pytest.raises(InvalidTokenError):
        ask(people, login)
    assert len(looks) == 1


def test_end_while_it_is_looked_up_is_not_missed(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    people.join()
    login = people.log_in()
    provider: Any = people.accounts.provider
    find = FullAuthProvider._find

    def find_then_end(service: Any, *asked: Any) -> Any:
        found = find(service, *asked)
        log_out(people, login)
        return found

    monkeypatch.setattr(FullAuthProvider, "_find", find_then_end)
    ask(people, login)
    monkeypatch.setattr(FullAuthProvider, "_find", find)

    assert provider._known == {}
    with pytest.raises(InvalidTokenError):
        ask(people, login)


def test_end_by_another_process_counts_after_five_seconds(tmp_path: Path) -> None:
    here = People(tmp_path / "garden.db")
    there = People(tmp_path / "garden.db")
    here.join()
    login = here.log_in()
    assert ask(here, login) == login.user_key

    log_out(there, login)
    here.wait(seconds=5.1)

    with pytest.raises(InvalidTokenError):
        ask(here, login)
    here.close()
    there.close()
