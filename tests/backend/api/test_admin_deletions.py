"""Gardens and accounts that a platform admin deletes, over HTTP."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kamerplanter_backend.bootstrap import build_services
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import ConflictError
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_backend.config.settings import Mode
from kamerplanter_backend.domain.models.tenant import Tenant
from kamerplanter_backend.domain.services.tenant_service import account_context
from kamerplanter_backend.light_garden import open_light_garden
from tests.backend.api.harness import Bench, Person

ADMIN = "/api/v1/admin"


@pytest.fixture
def full(server_of: Callable[..., Bench]) -> Bench:
    return server_of(Mode.FULL)


@pytest.fixture
def root(full: Bench) -> Person:
    return full.person("root", is_platform_admin=True)


def garden_at(garden: Tenant) -> str:
    return f"{ADMIN}/tenants/{garden.key}"


def account_at(person: Person) -> str:
    return f"{ADMIN}/users/{person.key}"


async def listed(client: httpx.AsyncClient, what: str, **asked: Any) -> list[dict[str, Any]]:
    answer = await client.get(f"{ADMIN}/{what}", params=asked)
    items: list[dict[str, Any]] = answer.raise_for_status().json()["items"]
    return items


def record(entry: dict[str, Any]) -> tuple[str, str, str, str]:
    return entry["action"], entry["subject_kind"], entry["subject"], entry["created_by"]


class TestGardens:
    @pytest.mark.parametrize("suspended", [False, True])
    async def test_a_garden_goes_with_everything_and_the_others_stay(
        self, full: Bench, root: Person, suspended: bool
    ) -> None:
        anna, ben = full.person("anna"), full.person("ben")
        gone, other = full.garden(anna, "Allotment"), full.garden(anna, "Balcony")
        full.join(gone, ben, Role.GROWER)
        async with (
            full.client(headers=root.headers) as admin,
            full.client(headers=anna.headers) as own,
        ):
            for garden in (gone, other):
                tank = {"name": "Tank", "volume_l": 40}
                await own.post(f"/api/v1/t/{garden.slug}/tanks", json=tank)
            if suspended:
                await admin.put(f"{garden_at(gone)}/suspension", json={"suspended": True})

            answer = await admin.delete(garden_at(gone))
            again = await admin.delete(garden_at(gone))
            left = await listed(admin, "tenants")
            audit = await listed(admin, "audit", subject=gone.key)
            lost = await own.get(f"/api/v1/t/{gone.slug}/tanks")
            kept = await own.get(f"/api/v1/t/{other.slug}/tanks")

        assert (answer.status_code, answer.content) == (204, b"")
        assert (again.status_code, again.json()["error_code"]) == (404, "TENANT_NOT_FOUND")
        assert [item["key"] for item in left] == [other.key]
        assert [record(entry) for entry in audit] == [("deleted", "tenants", gone.key, root.key)]
        assert audit[0]["details"] == {"slug": "allotment"}
        assert lost.status_code == 404
        assert kept.json()["total"] == 1
        full.server.accounts.mails.flush()
        assert full.outbox.mails == []

    async def test_its_name_is_for_nobody_for_a_while_not_even_for_who_deleted_it(
        self, full: Bench, root: Person
    ) -> None:
        anna = full.person("anna")
        gone = full.garden(anna, "Allotment")
        async with full.client(headers=root.headers) as admin:
            await admin.delete(garden_at(gone))

        # The devices of its members go on sending to topics with it.
        assert full.garden(root, "Allotment").slug == "allotment-2"
        assert full.garden(anna, "Allotment").slug == "allotment-3"
        full.clock.wait(days=90)
        assert full.garden(anna, "Allotment").slug == "allotment"

    async def test_an_old_view_of_it_deletes_nothing(self, full: Bench, root: Person) -> None:
        garden = full.garden(full.person("anna"), "Allotment")
        async with full.client(headers=root.headers) as admin:
            seen = (await listed(admin, "tenants"))[0]["revision"]
            changed = await admin.put(f"{garden_at(garden)}/suspension", json={"suspended": True})

            old = await admin.delete(garden_at(garden), headers={"If-Match": f'"{seen}"'})
            left = await listed(admin, "tenants")
            headers = {"If-Match": changed.headers["etag"]}
            new = await admin.delete(garden_at(garden), headers=headers)

        assert old.status_code == 412
        assert [item["key"] for item in left] == [garden.key]
        assert new.status_code == 204

    async def test_the_garden_of_a_server_without_accounts_stays(
        self, full: Bench, root: Person
    ) -> None:
        store = full.server.store
        open_light_garden(store, build_services(store), with_demo=False, now=full.clock())
        async with full.client(headers=root.headers) as admin:
            answer = await admin.delete(f"{ADMIN}/tenants/platform")
            left = await listed(admin, "tenants")

        assert answer.status_code == 409
        assert answer.json()["message"] == "The garden of the server itself cannot be deleted."
        assert [item["slug"] for item in left] == ["platform"]

    async def test_no_admin_of_the_garden_does_it_here(self, full: Bench) -> None:
        anna = full.person("anna")
        garden = full.garden(anna, "Allotment")
        async with full.client(headers=anna.headers) as own:
            answer = await own.delete(garden_at(garden))
            left = await own.get(f"/api/v1/tenants/{garden.slug}")

        assert (answer.status_code, left.status_code) == (403, 200)


class TestAccounts:
    async def test_an_account_goes_with_the_gardens_where_nobody_else_works(
        self, full: Bench, root: Person
    ) -> None:
        anna, ben = full.person("anna"), full.person("ben")
        lonely, shared = full.garden(anna, "Balcony"), full.garden(ben, "Allotment")
        full.join(shared, anna, Role.GROWER)
        key = full.api_key(anna, shared, KeyScope.READ)
        async with (
            full.client(headers=root.headers) as admin,
            full.client(headers=anna.headers) as own,
            full.client(headers=ben.headers) as other,
        ):
            answer = await admin.delete(account_at(anna))
            again = await admin.delete(account_at(anna))
            gardens = await listed(admin, "tenants")
            accounts = await listed(admin, "users", sort="email")
            audit = await listed(admin, "audit")
            within = (await other.get(f"/api/v1/tenants/{shared.slug}/audit")).json()["items"]
            outs = [
                await own.get("/api/v1/users/me"),
                await own.get("/api/v1/users/me", headers=key),
            ]

        assert (answer.status_code, answer.content) == (204, b"")
        assert (again.status_code, again.json()["error_code"]) == (404, "USER_NOT_FOUND")
        assert [(item["key"], item["member_count"]) for item in gardens] == [(shared.key, 1)]
        assert [item["key"] for item in accounts] == [ben.key, root.key]
        assert [record(entry) for entry in audit] == [
            ("deleted", "users", anna.key, root.key),
            ("deleted", "tenants", lonely.key, root.key),
        ]
        # Anna did not leave by herself, and those who stay can read that.
        assert (within[0]["action"], within[0]["created_by"]) == ("member_removed", root.key)
        assert within[0]["details"] == {"user_key": anna.key}
        assert [out.status_code for out in outs] == [401, 401]
        # The devices of that garden send to topics with it still.
        assert full.garden(root, "Balcony").slug == "balcony-2"

    async def test_a_locked_account_can_be_deleted(self, full: Bench, root: Person) -> None:
        anna = full.person("anna")
        async with full.client(headers=root.headers) as admin:
            await admin.put(f"{account_at(anna)}/activation", json={"is_active": False})
            answer = await admin.delete(account_at(anna))

        assert answer.status_code == 204

    async def test_another_platform_admin_can_be_deleted_and_the_last_one_not(
        self, full: Bench, root: Person
    ) -> None:
        rhea = full.person("rhea", is_platform_admin=True)
        async with full.client(headers=root.headers) as admin:
            first = await admin.delete(account_at(rhea))
            last = await admin.delete(account_at(root))
            left = await listed(admin, "users", is_platform_admin=True)

        assert first.status_code == 204
        assert last.status_code == 409
        assert [item["key"] for item in left] == [root.key]

    async def test_nobody_deletes_the_own_account_here(self, full: Bench, root: Person) -> None:
        full.person("rhea", is_platform_admin=True)
        garden = full.garden(root, "Allotment")
        async with full.client(headers=root.headers) as admin:
            answer = await admin.delete(account_at(root))
            gardens = await listed(admin, "tenants")

        assert answer.status_code == 409
        assert "DELETE /api/v1/users/me" in answer.json()["message"]
        assert [item["key"] for item in gardens] == [garden.key]

    async def test_the_last_admin_of_others_has_to_hand_over_first(
        self, full: Bench, root: Person
    ) -> None:
        anna, ben = full.person("anna"), full.person("ben")
        lonely, shared = full.garden(anna, "Balcony"), full.garden(anna, "Allotment")
        full.join(shared, ben, Role.GROWER)
        async with full.client(headers=root.headers) as admin:
            answer = await admin.delete(account_at(anna))
            gardens = await listed(admin, "tenants", sort="name")
            audit = await listed(admin, "audit")

        assert answer.status_code == 409
        assert "'Allotment'" in answer.json()["message"]
        assert (
            answer.json()["details"] | {"kind": "tenants", "value": shared.slug}
            == (answer.json()["details"])
        )
        assert [item["key"] for item in gardens] == [shared.key, lonely.key]
        assert audit == []

    async def test_a_suspended_garden_is_deleted_by_its_own_name_only(
        self, full: Bench, root: Person
    ) -> None:
        anna = full.person("anna")
        garden = full.garden(anna, "Allotment")
        async with full.client(headers=root.headers) as admin:
            await admin.put(f"{garden_at(garden)}/suspension", json={"suspended": True})

            refused = await admin.delete(account_at(anna))
            await admin.delete(garden_at(garden))
            done = await admin.delete(account_at(anna))

        assert (refused.status_code, refused.json()["error_code"]) == (403, "TENANT_SUSPENDED")
        assert "'Allotment'" in refused.json()["message"]
        assert done.status_code == 204

    async def test_an_old_view_of_it_deletes_nothing(self, full: Bench, root: Person) -> None:
        anna = full.person("anna")
        garden = full.garden(anna, "Allotment")
        async with full.client(headers=root.headers) as admin:
            seen = (await listed(admin, "users", email=anna.email))[0]["revision"]
            locked = await admin.put(f"{account_at(anna)}/activation", json={"is_active": False})

            old = await admin.delete(account_at(anna), headers={"If-Match": f'"{seen}"'})
            gardens = await listed(admin, "tenants")
            headers = {"If-Match": locked.headers["etag"]}
            new = await admin.delete(account_at(anna), headers=headers)

        assert old.status_code == 412
        assert [item["key"] for item in gardens] == [garden.key]
        assert new.status_code == 204

    def test_two_platform_admins_who_delete_each_other_at_once_leave_one(
        self, full: Bench, root: Person
    ) -> None:
        rhea = full.person("rhea", is_platform_admin=True)
        deletion, now = full.server.accounts.deletion, full.clock()
        # Both requests have passed the door before either of them is carried out.
        first, second = (account_context(who.key, now, role=Role.ADMIN) for who in (root, rhea))

        deletion.delete_other(first, rhea.key)
        with pytest.raises(ConflictError, match="last platform admin"):
            deletion.delete_other(second, root.key)

        counts = full.server.installation.counts(first)
        assert (counts.account_count, counts.platform_admin_count) == (1, 1)
