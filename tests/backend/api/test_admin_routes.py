"""What platform admins see of accounts and do with them, over HTTP."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import ForbiddenError
from kamerplanter_backend.config.settings import Mode
from kamerplanter_backend.domain.interfaces.document_store import Query
from kamerplanter_backend.domain.repositories.unit_of_work import known_answer
from kamerplanter_backend.domain.services.tenant_service import account_context
from tests.backend.api.harness import Bench, Person

AUDIT = "/api/v1/admin/audit"


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


@pytest.mark.parametrize(("act", "value"), [("set_platform_admin", False), ("set_active", False)])
def test_two_admins_who_depose_each_other_at_once_leave_one(
    full: Bench, root: Person, act: str, value: bool
) -> None:
    other = full.person("rhea", is_platform_admin=True)
    service, now = full.server.accounts.admin, full.clock()
    # Both requests have passed the door before either of them is carried out.
    first, second = (account_context(who.key, now, role=Role.ADMIN) for who in (root, other))

    getattr(service, act)(first, other.key, value)
    with pytest.raises(ForbiddenError):
        getattr(service, act)(second, root.key, value)

    listed = service.list_page(first, Query(limit=10)).items
    left = [user.key for user in listed if user.is_platform_admin and user.is_active]
    assert left == [root.key]


def test_who_was_deposed_meanwhile_unlocks_nobody(full: Bench, root: Person) -> None:
    other, anna = full.person("rhea", is_platform_admin=True), full.person("anna")
    service, now = full.server.accounts.admin, full.clock()
    first, second = (account_context(who.key, now, role=Role.ADMIN) for who in (root, other))
    service.set_active(first, anna.key, False)
    service.set_platform_admin(first, other.key, False)

    with pytest.raises(ForbiddenError):
        service.set_active(second, anna.key, True)


async def test_no_account_is_kept_among_the_answers_of_commands(full: Bench, root: Person) -> None:
    anna = full.person("anna")
    headers = root.headers | {"Idempotency-Key": "once"}
    path = f"/api/v1/admin/users/{anna.key}/activation"

    async with full.client(headers=headers) as client:
        answers = [await client.put(path, json={"is_active": False}) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [200, 200]
    asked = replace(account_context(root.key, full.clock()), command_key="once")
    assert known_answer(full.server.store, asked) is None


async def test_what_was_done_to_the_installation_is_read_page_by_page(
    full: Bench, root: Person
) -> None:
    anna = full.person("anna")
    garden = full.garden(anna, "Allotment")
    user = f"/api/v1/admin/users/{anna.key}"
    async with (
        full.client(headers=root.headers) as admin,
        full.client(headers=anna.headers) as own,
    ):
        await admin.put(f"{user}/platform-admin", json={"is_platform_admin": True})
        await own.delete(f"/api/v1/tenants/{garden.slug}")
        await admin.put(f"{user}/activation", json={"is_active": False})

        first = (await admin.get(AUDIT, params={"limit": 2})).json()
        rest = (await admin.get(AUDIT, params={"limit": 2, "cursor": first["cursor"]})).json()
        locked = (await admin.get(AUDIT, params={"action": "account_locked"})).json()

    entries = [*first["items"], *rest["items"]]
    assert [
        (entry["action"], entry["subject_kind"], entry["subject"], entry["created_by"])
        for entry in entries
    ] == [
        ("account_locked", "users", anna.key, root.key),
        ("deleted", "tenants", garden.key, anna.key),
        ("role_changed", "users", anna.key, root.key),
    ]
    assert rest["cursor"] is None
    assert [entry["key"] for entry in locked["items"]] == [entries[0]["key"]]


async def test_what_happens_within_a_garden_is_not_told_to_platform_admins(
    full: Bench, root: Person
) -> None:
    anna = full.person("anna")
    full.garden(anna, "Allotment")

    async with full.client(headers=root.headers) as admin:
        listed = (await admin.get(AUDIT)).json()

    assert listed["items"] == []


async def test_the_installation_is_counted(full: Bench, root: Person) -> None:
    anna, ben, cara = (full.person(name) for name in ("anna", "ben", "cara"))
    shared, west = full.garden(anna, "Allotment"), full.garden(anna, "West")
    full.join(shared, ben, Role.GROWER)
    async with full.client(headers=root.headers) as admin:
        await admin.put(f"/api/v1/admin/tenants/{west.key}/suspension", json={"suspended": True})
        await admin.put(f"/api/v1/admin/users/{ben.key}/activation", json={"is_active": False})
        await admin.delete(f"/api/v1/admin/users/{cara.key}")

        answer = await admin.get("/api/v1/admin/stats")

    assert answer.json() == {
        "account_count": 3,
        "locked_account_count": 1,
        "platform_admin_count": 1,
        "garden_count": 2,
        "suspended_garden_count": 1,
        "membership_count": 3,
    }


async def test_the_members_of_one_garden_are_listed_page_by_page(full: Bench, root: Person) -> None:
    anna, ben = full.person("anna"), full.person("ben")
    north, south = full.garden(anna, "North"), full.garden(ben, "South")
    full.join(north, ben, Role.GROWER)
    path = f"/api/v1/admin/tenants/{north.key}/members"
    async with full.client(headers=root.headers) as admin:
        first = (await admin.get(path, params={"limit": 1})).json()
        rest = (await admin.get(path, params={"limit": 1, "cursor": first["cursor"]})).json()
        growers = (await admin.get(path, params={"role": "grower"})).json()
        other = (await admin.get(f"/api/v1/admin/tenants/{south.key}/members")).json()

    members = [*first["items"], *rest["items"]]
    assert (first["total"], rest["cursor"]) == (2, None)
    assert [(item["user_key"], item["email"], item["role"]) for item in members] == [
        (anna.key, anna.email, "admin"),
        (ben.key, ben.email, "grower"),
    ]
    assert [item["user_key"] for item in growers["items"]] == [ben.key]
    assert [item["user_key"] for item in other["items"]] == [ben.key]


async def test_a_garden_that_is_not_there_has_no_members(full: Bench, root: Person) -> None:
    async with full.client(headers=root.headers) as admin:
        answer = await admin.get("/api/v1/admin/tenants/nowhere/members")

    assert (answer.status_code, answer.json()["error_code"]) == (404, "TENANT_NOT_FOUND")


async def test_who_sees_the_members_of_a_garden_sees_nothing_in_it(
    full: Bench, root: Person
) -> None:
    garden = full.garden(full.person("anna"), "Allotment")
    async with full.client(headers=root.headers) as admin:
        seen = await admin.get(f"/api/v1/admin/tenants/{garden.key}/members")
        plants = await admin.get(f"/api/v1/t/{garden.slug}/plants")

    assert (seen.status_code, plants.status_code) == (200, 404)
