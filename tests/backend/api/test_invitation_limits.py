"""Invitations that must open nothing any more, and how many a person may send."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import pytest

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_backend.config.settings import Mode
from kamerplanter_backend.domain.models.tenant import InvitationFields, Tenant
from kamerplanter_backend.domain.repositories.identity import UserRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from tests.backend.api.harness import Bench, Person

TENANTS = "/api/v1/tenants"


class Club:
    """A garden of Ada and Ben, both admins; Cleo is outside."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.ada, self.ben, self.cleo = (bench.person(name) for name in ("ada", "ben", "cleo"))
        self.root = bench.person("root", is_platform_admin=True)
        self.tenant: Tenant = bench.garden(self.ada, "Club")
        bench.join(self.tenant, self.ben, Role.ADMIN)
        self.home = f"{TENANTS}/{self.tenant.slug}"

    async def call(self, who: Person, method: str, path: str, **options: Any) -> httpx.Response:
        async with self.bench.client(headers=who.headers) as client:
            return await client.request(method, path, **options)

    async def invited_by(self, who: Person, role: str = "admin") -> str:
        answer = await self.call(who, "POST", f"{self.home}/invitations/link", json={"role": role})
        assert answer.status_code == 201
        return str(answer.json()["token"])

    async def accept(self, who: Person, token: str) -> httpx.Response:
        path = f"{TENANTS}/invitations/accept"
        return await self.call(who, "POST", path, json={"token": token})

    async def member_key(self, person: Person) -> str:
        members = (await self.call(self.ada, "GET", f"{self.home}/members")).json()["items"]
        return next(item["key"] for item in members if item["user_key"] == person.key)

    async def suspend(self, suspended: bool) -> None:
        path = f"/api/v1/admin/tenants/{self.tenant.key}/suspension"
        answer = await self.call(self.root, "PUT", path, json={"suspended": suspended})
        assert answer.status_code == 200


@pytest.fixture
def club(server_of: Callable[..., Bench]) -> Club:
    return Club(server_of(Mode.FULL))


async def test_who_was_taken_out_does_not_come_back_with_the_used_token(club: Club) -> None:
    token = await club.invited_by(club.ada)
    assert (await club.accept(club.cleo, token)).status_code == 200
    key = await club.member_key(club.cleo)
    await club.call(club.ada, "DELETE", f"{club.home}/members/{key}")

    answer = await club.accept(club.cleo, token)

    assert (answer.status_code, answer.json()["error_code"]) == (404, "INVITATION_NOT_FOUND")
    assert (await club.call(club.cleo, "GET", club.home)).status_code == 404


async def _taken_out(club: Club) -> None:
    key = await club.member_key(club.ben)
    await club.call(club.ada, "DELETE", f"{club.home}/members/{key}")


async def _made_a_viewer(club: Club) -> None:
    key = await club.member_key(club.ben)
    await club.call(club.ada, "PUT", f"{club.home}/members/{key}/role", json={"role": "viewer"})


async def _gone(club: Club) -> None:
    await club.call(club.ben, "POST", f"{club.home}/leave")


@pytest.mark.parametrize("end", [_taken_out, _made_a_viewer, _gone])
async def test_the_invitations_of_who_is_no_admin_any_more_open_nothing(
    club: Club, end: Callable[[Club], Any]
) -> None:
    of_ben, of_ada = await club.invited_by(club.ben), await club.invited_by(club.ada)

    await end(club)

    refused, taken = await club.accept(club.cleo, of_ben), await club.accept(club.cleo, of_ada)
    assert (refused.status_code, taken.status_code) == (404, 200)
    shown = (await club.call(club.ada, "GET", f"{club.home}/invitations")).json()["items"]
    assert {item["created_by"]: item["state"] for item in shown} == {
        club.ben.key: "revoked",
        club.ada.key: "accepted",
    }


async def test_the_invitations_of_who_is_locked_out_open_nothing_meanwhile(club: Club) -> None:
    token = await club.invited_by(club.ben)
    path = f"/api/v1/admin/users/{club.ben.key}/activation"
    await club.call(club.root, "PUT", path, json={"is_active": False})

    refused = await club.accept(club.cleo, token)
    await club.call(club.root, "PUT", path, json={"is_active": True})

    assert (refused.status_code, refused.json()["error_code"]) == (404, "INVITATION_NOT_FOUND")
    assert (await club.accept(club.cleo, token)).status_code == 200


@pytest.mark.parametrize("role", [None, Role.GROWER])
async def test_an_invitation_that_outlived_the_role_of_its_maker_opens_nothing(
    club: Club, role: Role | None
) -> None:
    context = club.bench.server.contexts.make(
        club.tenant.key, actor=club.cleo.key, role=Role.ADMIN, now=club.bench.clock()
    )
    if role is not None:
        club.bench.join(club.tenant, club.cleo, role)
    _, token = club.bench.server.members.invite(context, InvitationFields(role=Role.ADMIN))

    refused = await club.accept(club.bench.person("dan"), token)

    assert (refused.status_code, refused.json()["error_code"]) == (404, "INVITATION_NOT_FOUND")


@pytest.mark.parametrize("end", [_taken_out, _gone])
async def test_who_comes_back_finds_no_key_and_no_feed_of_before(
    club: Club, end: Callable[[Club], Any]
) -> None:
    inside = f"/api/v1/t/{club.tenant.slug}"
    elsewhere = club.bench.garden(club.ben, "Elsewhere")
    machine = club.bench.api_key(club.ben, club.tenant, KeyScope.READ)
    other_machine = club.bench.api_key(club.ben, elsewhere, KeyScope.READ)
    made = await club.call(club.ben, "POST", f"{inside}/calendar/feeds", json={"name": "Phone"})
    of_ada = await club.call(club.ada, "POST", f"{inside}/calendar/feeds", json={"name": "Wall"})

    await end(club)
    assert (await club.accept(club.ben, await club.invited_by(club.ada))).status_code == 200

    async with club.bench.client() as client:
        by_key = await client.get(f"{inside}/tanks", headers=machine)
        read = await client.get(made.json()["address"])
        assert (by_key.status_code, read.status_code) == (401, 404)
        beside = await client.get(f"/api/v1/t/{elsewhere.slug}/tanks", headers=other_machine)
        of_others = await client.get(of_ada.json()["address"])
        assert (beside.status_code, of_others.status_code) == (200, 200)


async def test_an_address_is_invited_in_the_spelling_of_its_account(club: Club) -> None:
    path = f"{club.home}/invitations/email"
    answer = await club.call(club.ada, "POST", path, json={"email": "\uff23leo@Example.org"})

    assert answer.json()["email"] == "cleo@example.org"
    club.bench.server.accounts.mails.flush()
    assert [mail.to for mail in club.bench.outbox.mails] == ["cleo@example.org"]


async def test_an_invitation_goes_to_one_address(club: Club) -> None:
    path = f"{club.home}/invitations/email"
    answer = await club.call(club.ada, "POST", path, json={"email": "x,cleo@example.org"})

    assert (answer.status_code, answer.json()["details"]["field"]) == (422, "email")
    club.bench.server.accounts.mails.flush()
    assert club.bench.outbox.mails == []


async def test_nobody_joins_a_suspended_garden_until_it_goes_on(club: Club) -> None:
    token = await club.invited_by(club.ada, "grower")
    await club.suspend(suspended=True)

    refused = await club.accept(club.cleo, token)
    seen = await club.call(club.cleo, "GET", club.home)
    await club.suspend(suspended=False)
    taken = await club.accept(club.cleo, token)

    assert (refused.status_code, refused.json()["error_code"]) == (403, "TENANT_SUSPENDED")
    assert (seen.status_code, taken.status_code) == (404, 200)


async def test_one_person_cannot_invite_the_whole_world(club: Club) -> None:
    for _ in range(100):
        await club.invited_by(club.ada)
    club.bench.clock.wait(minutes=10)

    other = club.bench.garden(club.ada, "Other")
    path = f"{TENANTS}/{other.slug}/invitations/email"
    refused = await club.call(club.ada, "POST", path, json={"email": "stranger@example.org"})

    assert (refused.status_code, refused.json()["error_code"]) == (429, "RATE_LIMITED")
    assert int(refused.headers["retry-after"]) == 24 * 3600 - 600
    club.bench.server.accounts.mails.flush()
    assert club.bench.outbox.mails == []
    await club.invited_by(club.ben)


async def test_a_garden_that_goes_takes_no_count_of_invitations_along(club: Club) -> None:
    other = club.bench.garden(club.ada, "Other")
    for number in range(100):
        club.home = f"{TENANTS}/{(other if number % 2 else club.tenant).slug}"
        await club.invited_by(club.ada)
    assert (await club.call(club.ada, "DELETE", f"{TENANTS}/{other.slug}")).status_code == 204
    again = club.bench.garden(club.ada, "Again")

    path = f"{TENANTS}/{again.slug}/invitations/email"
    refused = await club.call(club.ada, "POST", path, json={"email": "stranger@example.org"})

    assert (refused.status_code, refused.json()["error_code"]) == (429, "RATE_LIMITED")


async def test_invitations_are_possible_again_after_a_day(club: Club) -> None:
    context = club.bench.server.contexts.make(
        club.tenant.key, actor=club.ada.key, role=Role.ADMIN, now=club.bench.clock()
    )
    for _ in range(100):
        club.bench.server.members.invite(context, InvitationFields())
    # The access token is worthless by then, so the service is asked directly.
    later = replace(context, now=club.bench.clock.wait(days=1))

    club.bench.server.members.invite(later, InvitationFields())

    with open_unit(club.bench.server.store, later) as uow:
        user = uow.of(UserRepository).get(club.ada.key)
    assert user.invited_at == (later.now,)
