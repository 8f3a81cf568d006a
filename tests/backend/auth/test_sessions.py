"""The chain of refresh tokens: exchange, grace, theft, end."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from kamerplanter_backend.auth.policy import digest
from kamerplanter_backend.auth.sessions import MAX_SESSIONS, Login
from kamerplanter_backend.common.exceptions import (
    InvalidTokenError,
    NotFoundError,
    SessionReusedError,
)
from kamerplanter_backend.domain.interfaces.document_store import Query
from kamerplanter_backend.domain.models.identity import SessionEnd
from kamerplanter_backend.domain.repositories.identity import (
    RefreshTokenRepository,
    SessionRepository,
)
from kamerplanter_backend.domain.services.tenant_service import account_context
from tests.backend.accounts import PASSWORD, People


@pytest.fixture
def login(people: People) -> Login:
    people.join()
    return people.log_in()


def refresh(people: People, login: Login) -> Login:
    return people.accounts.sessions.refresh(login.refresh_token, people.now)


def authenticate(people: People, login: Login) -> str:
    header = f"Bearer {login.access_token}"
    return people.accounts.provider.authenticate(header, people.now).user_key


def test_token_is_64_random_bytes_of_which_a_hash_is_stored(people: People, login: Login) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{86}", login.refresh_token)
    [stored] = people.all(RefreshTokenRepository)
    assert stored.token_hash == digest(login.refresh_token)
    assert login.refresh_token not in stored.model_dump_json()


def test_each_exchange_gives_another_token_and_the_same_session(
    people: People, login: Login
) -> None:
    found = login
    seen = {login.refresh_token}
    for _ in range(5):
        people.wait(minutes=15)
        found = refresh(people, found)
        seen.add(found.refresh_token)
        assert found.session_key == login.session_key
        assert authenticate(people, found) == login.user_key

    assert len(seen) == 6


def test_two_tabs_at_once_stay_logged_in(people: People, login: Login) -> None:
    people.wait(minutes=15)
    first = refresh(people, login)
    people.wait(seconds=10)
    second = refresh(people, login)

    assert first.refresh_token != second.refresh_token
    people.wait(minutes=15)
    # The browser has one cookie: that of the answer which came last.
    later = refresh(people, second)
    assert authenticate(people, later) == login.user_key


def test_parallel_exchanges_all_succeed(people: People, login: Login) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: refresh(people, login), range(16)))

    assert len({answer.refresh_token for answer in found}) == 16
    assert authenticate(people, found[7]) == login.user_key
    [session] = people.all(SessionRepository)
    assert session.ended_at is None


def test_token_that_comes_again_later_ends_the_session(people: People, login: Login) -> None:
    people.wait(minutes=15)
    current = refresh(people, login)
    people.wait(seconds=10.001)

    with pytest.raises(SessionReusedError):
        refresh(people, login)

    with pytest.raises(InvalidTokenError):
        refresh(people, current)
    with pytest.raises(InvalidTokenError):
        authenticate(people, current)
    [session] = people.all(SessionRepository)
    assert (session.end, session.ended_at) == (SessionEnd.REUSED, people.now)


def test_token_of_many_exchanges_ago_ends_the_session_too(people: People, login: Login) -> None:
    current = login
    for _ in range(20):
        people.wait(hours=12)
        current = refresh(people, current)

    with pytest.raises(SessionReusedError):
        refresh(people, login)
    with pytest.raises(InvalidTokenError):
        refresh(people, current)


def test_thief_within_the_grace_is_found_when_both_go_on(people: People, login: Login) -> None:
    people.wait(minutes=15)
    owner = refresh(people, login)
    people.wait(seconds=5)
    thief = refresh(people, login)
    people.wait(minutes=15)
    owner = refresh(people, owner)
    people.wait(minutes=1)

    with pytest.raises(SessionReusedError):
        refresh(people, thief)
    with pytest.raises(InvalidTokenError):
        refresh(people, owner)


def test_late_tab_is_refused_and_ends_nothing_once_the_browser_went_on(
    people: People, login: Login
) -> None:
    people.wait(minutes=15)
    first = refresh(people, login)
    second = refresh(people, first)
    people.wait(seconds=5)

    with pytest.raises(InvalidTokenError) as refused:
        refresh(people, login)

    assert not isinstance(refused.value, SessionReusedError)
    people.wait(minutes=15)
    assert authenticate(people, refresh(people, second)) == login.user_key


def test_clock_that_was_set_back_does_not_stretch_the_grace(people: People, login: Login) -> None:
    people.wait(hours=1)
    refresh(people, login)
    people.wait(hours=-1)

    with pytest.raises(SessionReusedError):
        refresh(people, login)


def test_session_ends_after_30_days_without_an_exchange(people: People, login: Login) -> None:
    people.wait(days=30)

    with pytest.raises(InvalidTokenError):
        refresh(people, login)


def test_session_ends_after_90_days_however_often_it_is_used(people: People, login: Login) -> None:
    started_at = people.now
    for _ in range(89):
        people.wait(days=1)
        login = refresh(people, login)
    assert login.cookie_life == timedelta(days=1)
    assert people.all(SessionRepository)[0].expires_at == started_at + timedelta(days=90)
    people.wait(days=1)

    with pytest.raises(InvalidTokenError):
        refresh(people, login)


def test_session_of_a_window_ends_after_a_day_without_use(people: People) -> None:
    people.join()
    login = people.log_in(remember_me=False)
    assert login.cookie_life is None
    people.wait(hours=23)
    login = refresh(people, login)
    assert login.cookie_life is None
    people.wait(hours=24)

    with pytest.raises(InvalidTokenError):
        refresh(people, login)


@pytest.mark.parametrize("token", ["", "x", "x" * 10_000, "\0", "ä"])
def test_unknown_token_is_refused(people: People, token: str) -> None:
    with pytest.raises(InvalidTokenError):
        people.accounts.sessions.refresh(token, people.now)


def test_ended_session_is_over_at_once(people: People, login: Login) -> None:
    other = people.log_in()
    context = account_context(login.user_key, people.now)
    people.accounts.sessions.end(context, login.user_key, login.session_key, SessionEnd.LOGOUT)

    with pytest.raises(InvalidTokenError):
        refresh(people, login)
    with pytest.raises(InvalidTokenError):
        authenticate(people, login)
    assert authenticate(people, other) == login.user_key


def test_nobody_ends_the_session_of_somebody_else(people: People, login: Login) -> None:
    people.join("bob@example.org")
    bob = people.log_in("bob@example.org")
    context = account_context(bob.user_key, people.now)

    for key in (login.session_key, "nothing"):
        with pytest.raises(NotFoundError):
            people.accounts.sessions.end(context, bob.user_key, key, SessionEnd.ENDED)
    assert authenticate(people, login) == login.user_key


def test_all_sessions_end_together(people: People, login: Login) -> None:
    others = [people.log_in() for _ in range(3)]
    context = account_context(login.user_key, people.now)

    ended = people.accounts.sessions.end_all(context, login.user_key, SessionEnd.LOGOUT)

    assert ended == 4
    for found in (login, *others):
        with pytest.raises(InvalidTokenError):
            authenticate(people, found)


def test_list_holds_what_is_not_over(people: People, login: Login) -> None:
    second = people.log_in()
    context = account_context(login.user_key, people.now)
    people.accounts.sessions.end(context, login.user_key, login.session_key, SessionEnd.ENDED)

    page = people.accounts.sessions.list_page(context, login.user_key, Query(limit=10))

    assert [session.key for session in page.items] == [second.session_key]
    assert page.items[0].user_agent == "Firefox"


def test_oldest_session_makes_room(people: People, login: Login) -> None:
    for _ in range(MAX_SESSIONS):
        people.wait(seconds=1)
        newest = people.log_in()

    with pytest.raises(InvalidTokenError):
        authenticate(people, login)
    assert authenticate(people, newest) == login.user_key
    context = account_context(login.user_key, people.now)
    page = people.accounts.sessions.list_page(context, login.user_key, Query(limit=100))
    assert page.total == MAX_SESSIONS


def test_password_change_ends_what_was_begun_before(people: People, login: Login) -> None:
    people.accounts.profile.change_password(
        login.user_key,
        login.session_key,
        current_password=PASSWORD,
        new_password="a new one for today",
        now=people.now,
    )

    with pytest.raises(InvalidTokenError):
        refresh(people, login)
