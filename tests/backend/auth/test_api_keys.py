"""Keys for machines: one garden, some purposes, until they are revoked."""

import re
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from kamerplanter_backend.auth.api_keys import MAX_KEYS, NewApiKey
from kamerplanter_backend.auth.policy import digest
from kamerplanter_backend.auth.principal import AuthKind, Principal
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    InvalidTokenError,
    NotFoundError,
    UnauthorizedError,
)
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_backend.domain.interfaces.document_store import Query
from kamerplanter_backend.domain.repositories.identity import ApiKeyRepository, UserRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.tenant_service import account_context
from kamerplanter_engines.errors import InvalidInputError
from tests.backend.accounts import People

SCOPES = frozenset({KeyScope.READ, KeyScope.INGEST})


@pytest.fixture
def ada(people: People) -> str:
    key = people.join().key
    people.log_in()
    return key


def make(people: People, user_key: str, **values: Any) -> NewApiKey:
    said: dict[str, Any] = {
        "tenant_slug": "ada-s-garden",
        "label": "Balcony",
        "scopes": SCOPES,
        "expires_at": None,
    }
    return people.accounts.api_keys.create(user_key, **(said | values), now=people.now)


def authenticate(people: People, raw: str) -> Principal:
    return people.accounts.provider.authenticate(f"Bearer {raw}", people.now)


def stored(people: People) -> str:
    return "".join(key.model_dump_json() for key in people.all(ApiKeyRepository))


def test_key_is_32_random_bytes_of_which_a_hash_is_stored(people: People, ada: str) -> None:
    made = make(people, ada)

    assert re.fullmatch(r"kp_[A-Za-z0-9_-]{43}", made.raw)
    assert made.key.key_hash == digest(made.raw)
    assert made.key.prefix == made.raw[:8]
    assert made.raw not in stored(people)
    assert made.raw not in repr(made)


def test_key_speaks_for_its_user_in_one_garden_within_its_scopes(people: People, ada: str) -> None:
    made = make(people, ada)

    principal = authenticate(people, made.raw)

    assert principal == Principal(
        user_key=ada,
        kind=AuthKind.API_KEY,
        is_platform_admin=False,
        garden_key=made.key.garden_key,
        scopes=SCOPES,
        api_key_key=made.key.key,
    )


def test_key_of_a_platform_admin_is_no_platform_admin(people: People, ada: str) -> None:
    with open_unit(people.store, account_context("test", people.now), (UserRepository,)) as uow:
        users = uow.of(UserRepository)
        users.change(users.get(ada), is_platform_admin=True)

    principal = authenticate(people, make(people, ada, scopes=frozenset(KeyScope)).raw)

    assert not principal.is_platform_admin


def test_use_is_noted_once_a_minute(people: People, ada: str) -> None:
    made = make(people, ada)
    noted = []
    for _ in range(5):
        authenticate(people, made.raw)
        [key] = people.all(ApiKeyRepository)
        noted.append(((key.last_used_at - made.key.created_at).total_seconds(), key.revision))
        people.wait(seconds=25)

    assert noted == [(0, 2), (0, 2), (0, 2), (75, 3), (75, 3)]


def test_revoked_key_is_refused_at_once(people: People, ada: str) -> None:
    made = make(people, ada)
    context = account_context(ada, people.now)
    people.accounts.api_keys.revoke(context, ada, made.key.key)
    people.accounts.api_keys.revoke(context, ada, made.key.key)

    with pytest.raises(InvalidTokenError):
        authenticate(people, made.raw)
    [key] = people.all(ApiKeyRepository)
    assert key.revoked_at == people.now


def test_key_ends_when_it_was_said_to(people: People, ada: str) -> None:
    made = make(people, ada, expires_at=people.now + timedelta(days=1))
    people.wait(hours=23)
    assert authenticate(people, made.raw).user_key == ada
    people.wait(hours=1)

    with pytest.raises(InvalidTokenError):
        authenticate(people, made.raw)


def test_key_of_a_closed_account_is_refused(people: People, ada: str) -> None:
    made = make(people, ada)
    with open_unit(people.store, account_context("test", people.now), (UserRepository,)) as uow:
        users = uow.of(UserRepository)
        users.change(users.get(ada), is_active=False)

    with pytest.raises(InvalidTokenError):
        authenticate(people, made.raw)


@pytest.mark.parametrize("change", ["x", "kp_", "cut", "longer", "case"])
def test_similar_key_is_refused(people: People, ada: str, change: str) -> None:
    raw = make(people, ada).raw
    tried = {
        "x": "kp_" + "x" * 43,
        "kp_": "kp_",
        "cut": raw[:-1],
        "longer": raw + "A" * 1000,
        "case": "kp_" + raw[3:].swapcase(),
    }[change]

    with pytest.raises(InvalidTokenError) as refused:
        authenticate(people, tried)
    assert tried not in refused.value.message


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Basic YTpi", "kp_abc", "Token kp_abc"]
)
def test_header_that_is_no_bearer_token_is_refused(people: People, header: str | None) -> None:
    with pytest.raises(UnauthorizedError):
        people.accounts.provider.authenticate(header, people.now)


def test_garden_of_others_cannot_be_opened(people: People, ada: str) -> None:
    bob = people.join("bob@example.org", name="Bob").key
    people.log_in("bob@example.org")

    for slug in ("ada-s-garden", "nothing"):
        with pytest.raises(NotFoundError) as refused:
            make(people, bob, tenant_slug=slug)
        assert refused.value.message == f"No garden {slug!r}."
    assert people.all(ApiKeyRepository) == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"scopes": frozenset()}, "scopes"),
        ({"label": ""}, "label"),
        ({"label": "x" * 101}, "label"),
    ],
)
def test_bad_input_makes_no_key(
    people: People, ada: str, values: dict[str, object], field: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        make(people, ada, **values)

    assert refused.value.field == field
    assert people.all(ApiKeyRepository) == []


def test_key_that_has_ended_already_is_not_made(people: People, ada: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        make(people, ada, expires_at=people.now)

    assert refused.value.field == "expires_at"


def test_one_user_has_so_many_keys_and_revoking_makes_room(people: People, ada: str) -> None:
    keys = [make(people, ada) for _ in range(MAX_KEYS)]
    with pytest.raises(ConflictError):
        make(people, ada)
    people.accounts.api_keys.revoke(account_context(ada, people.now), ada, keys[0].key.key)

    make(people, ada)
    context = account_context(ada, people.now)
    page = people.accounts.api_keys.list_page(context, ada, Query(limit=100))
    assert page.total == MAX_KEYS + 1


def test_nobody_sees_or_revokes_keys_of_others(people: People, ada: str) -> None:
    made = make(people, ada)
    bob = people.join("bob@example.org").key
    context = account_context(bob, people.now)

    assert people.accounts.api_keys.list_page(context, bob, Query(limit=10)).total == 0
    with pytest.raises(NotFoundError):
        people.accounts.api_keys.revoke(context, bob, made.key.key)
    assert authenticate(people, made.raw).user_key == ada


def test_key_goes_with_its_garden(people: People, ada: str) -> None:
    made = make(people, ada)
    context = account_context(ada, people.now)
    [garden] = people.tenants.gardens_of(context)
    people.tenants.remove(replace(context, tenant_key=garden.key))

    with pytest.raises(InvalidTokenError):
        authenticate(people, made.raw)


@pytest.mark.parametrize("is_verified", [True, False])
def test_who_registered_a_foreign_address_keeps_no_key_after_its_owners_reset(
    people: People, ada: str, is_verified: bool
) -> None:
    raw = make(people, ada).raw
    with open_unit(people.store, account_context("test", people.now), (UserRepository,)) as uow:
        users = uow.of(UserRepository)
        users.change(users.get(ada), is_email_verified=is_verified)
    people.accounts.registration.request_reset("ada@example.org", people.now)
    people.accounts.mails.flush()
    people.accounts.registration.confirm_reset(
        people.outbox.last_token(), "a new good one", people.now
    )

    if is_verified:
        assert authenticate(people, raw).user_key == ada
    else:
        with pytest.raises((UnauthorizedError, InvalidTokenError)):
            authenticate(people, raw)
