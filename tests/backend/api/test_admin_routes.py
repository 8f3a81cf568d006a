"""What platform admins see of accounts and do with them, over HTTP."""

from collections.abc import Callable

import pytest

from kamerplanter_backend.config.settings import Mode
from tests.backend.api.harness import Bench, Person


@pytest.fixture
def full(server_of: Callable[..., Bench]) -> Bench:
    return server_of(Mode.FULL)


@pytest.fixture
def root(full: Bench) -> Person:
    return full.person("root", is_platform_admin=True)


async def test_all_accounts_are_listed_without_secrets(full: Bench, root: Person) -> None:
    full.person("anna")

    async with full.client(headers=root.headers) as client:
        answer = await client.get("/api/v1/admin/users", params={"sort": "email"})

    listed = answer.json()
    assert listed["total"] == 2
    assert [item["is_platform_admin"] for item in listed["items"]] == [False, True]
    assert "password" not in answer.text
    assert "hash" not in answer.text


async def test_a_locked_account_is_out_at_once(full: Bench, root: Person) -> None:
    anna = full.person("anna")
    lock = f"/api/v1/admin/users/{anna.key}/activation"
    async with (
        full.client(headers=root.headers) as admin,
        full.client(headers=anna.headers) as own,
    ):
        before = await own.get("/api/v1/users/me")

        answer = await admin.put(lock, json={"is_active": False})
        during = await own.get("/api/v1/users/me")
        await admin.put(lock, json={"is_active": True})
        # The session ended for good: whoever is let in again logs in again.
        after = await own.get("/api/v1/users/me")

    assert answer.json()["is_active"] is False
    assert (before.status_code, during.status_code, after.status_code) == (200, 401, 401)


@pytest.mark.parametrize(
    ("path", "body"),
    [("activation", {"is_active": False}), ("platform-admin", {"is_platform_admin": False})],
)
async def test_nobody_takes_the_own_rights_away(
    full: Bench, root: Person, path: str, body: dict[str, bool]
) -> None:
    async with full.client(headers=root.headers) as client:
        answer = await client.put(f"/api/v1/admin/users/{root.key}/{path}", json=body)

    assert answer.status_code == 409
    assert answer.json()["details"]["kind"] == "users"


async def test_a_new_platform_admin_may_do_what_the_old_one_may(full: Bench, root: Person) -> None:
    anna = full.person("anna")
    async with (
        full.client(headers=root.headers) as admin,
        full.client(headers=anna.headers) as own,
    ):
        before = await own.get("/api/v1/admin/users")
        await admin.put(
            f"/api/v1/admin/users/{anna.key}/platform-admin", json={"is_platform_admin": True}
        )
        after = await own.get("/api/v1/admin/users")

    assert (before.status_code, after.status_code) == (403, 200)


async def test_an_unknown_account_is_not_found(full: Bench, root: Person) -> None:
    async with full.client(headers=root.headers) as client:
        answer = await client.put(
            "/api/v1/admin/users/nobody/activation", json={"is_active": False}
        )

    assert (answer.status_code, answer.json()["error_code"]) == (404, "USER_NOT_FOUND")
