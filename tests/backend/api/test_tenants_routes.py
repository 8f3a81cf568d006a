"""Gardens as a whole over HTTP: made, shared, handed over, suspended and deleted."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_backend.config.settings import Mode
from kamerplanter_backend.domain.models.tenant import Tenant
from tests.backend.api.harness import Bench, Person

TENANTS = "/api/v1/tenants"


class Town:
    """A server where Ada has a garden, Ben is a grower in it, and Cleo and Platon are not."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.ada, self.ben, self.cleo = (bench.person(name) for name in ("ada", "ben", "cleo"))
        self.platon = bench.person("platon", is_platform_admin=True)
        self.tenant: Tenant = bench.garden(self.ada, "Allotment")
        bench.join(self.tenant, self.ben, Role.GROWER)
        self.home = f"{TENANTS}/{self.tenant.slug}"
        self.inside = f"/api/v1/t/{self.tenant.slug}"

    async def call(
        self, who: Person | dict[str, str], method: str, path: str, **options: Any
    ) -> httpx.Response:
        headers = who.headers if isinstance(who, Person) else who
        async with self.bench.client() as client:
            return await client.request(
                method, path, headers=headers | options.pop("headers", {}), **options
            )

    async def get(self, who: Person, path: str) -> Any:
        answer = await self.call(who, "GET", path)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def member_key(self, person: Person) -> str:
        members = (await self.get(self.ada, f"{self.home}/members"))["items"]
        return next(item["key"] for item in members if item["user_key"] == person.key)

    async def actions(self) -> list[str]:
        """Return what is on record, oldest first."""
        entries = (await self.get(self.ada, f"{self.home}/audit"))["items"]
        return [entry["action"] for entry in reversed(entries)]


@pytest.fixture
def town(server_of: Callable[..., Bench]) -> Town:
    """Return a full server with people."""
    return Town(server_of(Mode.FULL))


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["error_code"]


async def test_who_makes_a_garden_is_its_admin_and_it_stands_where_they_say(town: Town) -> None:
    answer = await town.call(
        town.cleo,
        "POST",
        TENANTS,
        json={"name": "Küche & Höfe", "time_zone": "Europe/Lisbon", "latitude_deg": 38.7},
    )

    made = answer.json()
    assert answer.status_code == 201
    assert (made["slug"], made["role"], made["kind"]) == ("kueche-hoefe", "admin", "organisation")
    sites = (await town.get(town.cleo, f"/api/v1/t/{made['slug']}/sites"))["items"]
    assert [(site["name"], site["time_zone"], site["latitude_deg"]) for site in sites] == [
        ("Küche & Höfe", "Europe/Lisbon", 38.7)
    ]
    assert [garden["slug"] for garden in await town.get(town.cleo, TENANTS)] == ["kueche-hoefe"]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "A", "time_zone": "Mars/Olympus"}, "time_zone"),
        ({"name": "A", "latitude_deg": 91}, "latitude_deg"),
        ({"name": "A", "max_members": 0}, "max_members"),
        ({"name": "A", "slug": "mine"}, "slug"),
        ({"name": "A", "suspended_at": None}, "suspended_at"),
    ],
)
async def test_a_garden_that_cannot_be_is_not_made(
    town: Town, body: dict[str, object], field: str
) -> None:
    answer = await town.call(town.cleo, "POST", TENANTS, json=body)

    assert answer.status_code == 422
    assert answer.json()["details"].get("field", field) == field
    assert field in answer.text
    assert await town.get(town.cleo, TENANTS) == []


async def test_two_gardens_of_one_name_have_two_addresses(town: Town) -> None:
    answers = [await town.call(town.cleo, "POST", TENANTS, json={"name": "Bed"}) for _ in range(2)]

    assert [answer.json()["slug"] for answer in answers] == ["bed", "bed-2"]


async def test_a_garden_that_is_asked_for_again_after_a_lost_answer_is_made_once(
    town: Town,
) -> None:
    again = {"Idempotency-Key": "bed-1"}
    body = {"name": "Bed", "time_zone": "Europe/Lisbon"}

    first, second = [
        await town.call(town.cleo, "POST", TENANTS, json=body, headers=again) for _ in range(2)
    ]
    other = await town.call(town.cleo, "POST", TENANTS, json={"name": "Roof"}, headers=again)

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json() == second.json()
    assert first.headers["ETag"] == second.headers["ETag"]
    assert code(other) == (409, "IDEMPOTENCY_CONFLICT")
    assert [garden["slug"] for garden in await town.get(town.cleo, TENANTS)] == ["bed"]
    sites = (await town.get(town.cleo, "/api/v1/t/bed/sites"))["items"]
    assert [site["time_zone"] for site in sites] == ["Europe/Lisbon"]


async def test_two_people_with_one_idempotency_key_get_what_each_asked_for(town: Town) -> None:
    again = {"Idempotency-Key": "k-1"}
    bed, roof = [
        await town.call(who, "POST", TENANTS, json={"name": name}, headers=again)
        for who, name in ((town.cleo, "Bed"), (town.ada, "Roof"))
    ]
    tasks = f"/api/v1/t/{town.tenant.slug}/tasks"
    town.bench.join(town.tenant, town.cleo, Role.GROWER)
    first, second, repeated = [
        await town.call(who, "POST", tasks, json={"title": "Roots"}, headers=again)
        for who in (town.ada, town.cleo, town.cleo)
    ]

    assert (bed.json()["slug"], roof.json()["slug"]) == ("bed", "roof")
    assert [a.status_code for a in (first, second, repeated)] == [201, 201, 201]
    makers = [a.json()["created_by"] for a in (first, second)]
    assert makers == [town.ada.key, town.cleo.key]
    assert repeated.json() == second.json()
    assert (await town.get(town.ada, tasks))["total"] == 2


async def test_one_person_makes_ten_gardens_at_most(town: Town) -> None:
    for number in range(10):
        answer = await town.call(town.cleo, "POST", TENANTS, json={"name": f"Bed {number}"})
        assert answer.status_code == 201

    assert code(await town.call(town.cleo, "POST", TENANTS, json={"name": "One more"})) == (
        409,
        "CONFLICT",
    )


async def test_an_admin_changes_name_and_limits_and_an_old_view_changes_nothing(town: Town) -> None:
    seen = await town.call(town.ada, "GET", town.home)
    stale = {"If-Match": seen.headers["ETag"]}

    first = await town.call(
        town.ada, "PATCH", town.home, json={"name": "River beds"}, headers=stale
    )
    second = await town.call(town.ada, "PATCH", town.home, json={"name": "Lost"}, headers=stale)

    assert (first.json()["name"], first.json()["slug"]) == ("River beds", "allotment")
    assert code(second) == (412, "STALE_REVISION")
    assert (await town.get(town.ada, town.home))["name"] == "River beds"


async def test_fewer_members_than_there_are_cannot_be_allowed(town: Town) -> None:
    answer = await town.call(town.ada, "PATCH", town.home, json={"max_members": 1})

    assert answer.status_code == 422
    assert answer.json()["details"]["field"] == "max_members"


async def test_only_admins_see_addresses_of_members(town: Town) -> None:
    by_admin = (await town.get(town.ada, f"{town.home}/members"))["items"]
    by_grower = (await town.get(town.ben, f"{town.home}/members"))["items"]

    assert {item["email"] for item in by_admin} == {"ada@example.org", "ben@example.org"}
    assert {item["email"] for item in by_grower} == {None}
    assert {item["display_name"] for item in by_grower} == {"Ada", "Ben"}


async def test_a_role_counts_from_the_next_request_on(town: Town) -> None:
    before = await town.call(town.ben, "GET", f"{town.home}/audit")
    key = await town.member_key(town.ben)

    changed = await town.call(
        town.ada, "PUT", f"{town.home}/members/{key}/role", json={"role": "admin"}
    )
    after = await town.call(town.ben, "GET", f"{town.home}/audit")

    assert (before.status_code, changed.status_code, after.status_code) == (403, 204, 200)
    assert (await town.actions())[-1] == "role_changed"


async def test_the_last_admin_stays(town: Town) -> None:
    key = await town.member_key(town.ada)

    demoted = await town.call(
        town.ada, "PUT", f"{town.home}/members/{key}/role", json={"role": "viewer"}
    )
    removed = await town.call(town.ada, "DELETE", f"{town.home}/members/{key}")
    left = await town.call(town.ada, "POST", f"{town.home}/leave")

    assert [code(answer) for answer in (demoted, removed, left)] == [(409, "CONFLICT")] * 3
    assert (await town.get(town.ada, town.home))["role"] == "admin"


async def test_an_admin_may_go_when_there_is_another(town: Town) -> None:
    key = await town.member_key(town.ben)
    await town.call(town.ada, "PUT", f"{town.home}/members/{key}/role", json={"role": "admin"})

    left = await town.call(town.ada, "POST", f"{town.home}/leave")

    assert left.status_code == 204
    assert (await town.call(town.ada, "GET", town.home)).status_code == 404
    assert (await town.get(town.ben, town.home))["role"] == "admin"


async def test_who_is_taken_out_is_out_at_once_with_their_keys(town: Town) -> None:
    machine = town.bench.api_key(town.ben, town.tenant, KeyScope.READ)
    tanks = f"{town.inside}/tanks"
    assert (await town.call(machine, "GET", tanks)).status_code == 200
    key = await town.member_key(town.ben)

    removed = await town.call(town.ada, "DELETE", f"{town.home}/members/{key}")

    assert removed.status_code == 204
    assert (await town.call(town.ben, "GET", tanks)).status_code == 404
    assert (await town.call(machine, "GET", tanks)).status_code in {401, 404}


async def test_a_grower_manages_nobody(town: Town) -> None:
    key = await town.member_key(town.ada)

    answers = [
        await town.call(
            town.ben, "PUT", f"{town.home}/members/{key}/role", json={"role": "viewer"}
        ),
        await town.call(town.ben, "DELETE", f"{town.home}/members/{key}"),
        await town.call(town.ben, "POST", f"{town.home}/invitations/link", json={}),
        await town.call(town.ben, "GET", f"{town.home}/invitations"),
        await town.call(town.ben, "GET", f"{town.home}/audit"),
        await town.call(town.ben, "DELETE", town.home),
    ]

    assert [code(answer) for answer in answers] == [(403, "FORBIDDEN")] * 6


# --- Invitations -------------------------------------------------------------------------------


async def _invited(town: Town, role: str = "grower") -> dict[str, Any]:
    answer = await town.call(town.ada, "POST", f"{town.home}/invitations/link", json={"role": role})
    assert answer.status_code == 201
    made: dict[str, Any] = answer.json()
    return made


async def _accept(town: Town, who: Person, token: str) -> httpx.Response:
    return await town.call(who, "POST", f"{TENANTS}/invitations/accept", json={"token": token})


async def test_a_link_makes_one_person_a_member(town: Town) -> None:
    made = await _invited(town)

    accepted = await _accept(town, town.cleo, made["token"])
    again = await _accept(town, town.cleo, made["token"])
    other = await _accept(town, town.platon, made["token"])

    assert (accepted.status_code, accepted.json()["role"]) == (200, "grower")
    assert again.status_code == 200
    assert code(other) == (404, "INVITATION_NOT_FOUND")
    assert (await town.get(town.cleo, f"{town.inside}/plants"))["items"] == []
    shown = (await town.get(town.ada, f"{town.home}/invitations"))["items"]
    assert [(item["state"], item["accepted_by"]) for item in shown] == [("accepted", town.cleo.key)]
    assert made["token"] not in str(shown)


async def test_nobody_learns_why_an_invitation_does_not_work(town: Town) -> None:
    revoked = await _invited(town)
    await town.call(town.ada, "DELETE", f"{town.home}/invitations/{revoked['key']}")
    used = await _invited(town)
    await _accept(town, town.cleo, used["token"])

    answers = [
        await _accept(town, town.platon, token)
        for token in (revoked["token"], used["token"], "x" * 43)
    ]

    bodies = [
        {name: answer.json()[name] for name in ("error_code", "message", "details")}
        for answer in answers
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert bodies[0] == bodies[1] == bodies[2]


async def test_an_invitation_ends_after_a_week(town: Town) -> None:
    made = await _invited(town)
    town.bench.clock.wait(days=7)
    later = town.bench.person("dora")

    assert code(await _accept(town, later, made["token"])) == (410, "INVITATION_EXPIRED")


async def test_a_full_garden_takes_nobody(town: Town) -> None:
    await town.call(town.ada, "PATCH", town.home, json={"max_members": 2})
    made = await _invited(town)

    assert code(await _accept(town, town.cleo, made["token"])) == (409, "CONFLICT")
    assert await town.get(town.cleo, TENANTS) == []


async def test_an_invitation_of_another_garden_cannot_be_revoked(town: Town) -> None:
    made = await _invited(town)
    other = town.bench.garden(town.cleo, "Other")

    answer = await town.call(
        town.cleo, "DELETE", f"{TENANTS}/{other.slug}/invitations/{made['key']}"
    )

    assert code(answer) == (404, "INVITATION_NOT_FOUND")
    assert (await _accept(town, town.platon, made["token"])).status_code == 200


async def test_a_mailed_invitation_is_for_its_address_alone(town: Town) -> None:
    answer = await town.call(
        town.ada,
        "POST",
        f"{town.home}/invitations/email",
        json={"email": "cleo@example.org", "role": "viewer"},
    )
    town.bench.server.accounts.mails.flush()
    (mail,) = town.bench.outbox.mails
    words = mail.text.replace("=", " ").split()
    token = max((word for word in words if "@" not in word), key=len)

    assert answer.status_code == 201
    assert "token" not in answer.json()
    assert mail.to == "cleo@example.org"
    assert code(await _accept(town, town.platon, token)) == (404, "INVITATION_NOT_FOUND")
    assert (await _accept(town, town.cleo, token)).json()["role"] == "viewer"


# --- Record, suspension, end -------------------------------------------------------------------


async def test_what_was_done_with_members_is_on_record(town: Town) -> None:
    made = await _invited(town)
    await _accept(town, town.cleo, made["token"])
    key = await town.member_key(town.cleo)
    await town.call(town.ada, "PUT", f"{town.home}/members/{key}/role", json={"role": "viewer"})
    await town.call(town.cleo, "POST", f"{town.home}/leave")

    assert await town.actions() == [
        "tenant_created",
        "invitation_made",
        "member_joined",
        "role_changed",
        "member_left",
    ]
    entries = (await town.get(town.ada, f"{town.home}/audit?action=role_changed"))["items"]
    assert [entry["created_by"] for entry in entries] == [town.ada.key]
    assert (entries[0]["details"]["before"], entries[0]["details"]["after"]) == (
        "grower",
        "viewer",
    )


async def test_a_platform_admin_sees_that_a_garden_is_there_and_not_what_is_in_it(
    town: Town,
) -> None:
    listed = (await town.get(town.platon, "/api/v1/admin/tenants"))["items"]

    found = next(item for item in listed if item["slug"] == "allotment")
    assert (found["member_count"], found["suspended_at"]) == (2, None)
    assert (await town.call(town.platon, "GET", town.home)).status_code == 404
    assert (await town.call(town.platon, "GET", f"{town.inside}/plants")).status_code == 404


async def test_a_suspended_garden_is_read_and_goes_on_when_it_is_let(town: Town) -> None:
    switch = f"/api/v1/admin/tenants/{town.tenant.key}/suspension"
    plants, site = f"{town.inside}/plants", {"name": "Field", "time_zone": "UTC"}

    await town.call(town.platon, "PUT", switch, json={"suspended": True})
    read = await town.call(town.ada, "GET", plants)
    refused = await town.call(town.ada, "POST", f"{town.inside}/sites", json=site)
    inactive = (await town.get(town.platon, "/api/v1/admin/tenants?is_active=false"))["items"]
    await town.call(town.platon, "PUT", switch, json={"suspended": False})
    allowed = await town.call(town.ada, "POST", f"{town.inside}/sites", json=site)

    assert read.status_code == 200
    assert code(refused) == (403, "TENANT_SUSPENDED")
    assert [item["slug"] for item in inactive] == ["allotment"]
    assert allowed.status_code == 201
    assert (await town.actions())[-2:] == ["tenant_suspended", "tenant_resumed"]


async def test_a_garden_that_is_not_there_cannot_be_suspended(town: Town) -> None:
    answer = await town.call(
        town.platon, "PUT", "/api/v1/admin/tenants/nowhere/suspension", json={"suspended": True}
    )

    assert code(answer) == (404, "TENANT_NOT_FOUND")


async def test_a_deleted_garden_leaves_nothing_and_its_name_is_free(town: Town) -> None:
    machine = town.bench.api_key(town.ben, town.tenant, KeyScope.READ)
    tank = {"name": "Tank", "volume_l": 10}
    made = await town.call(town.ada, "POST", f"{town.inside}/tanks", json=tank)
    other = town.bench.garden(town.cleo, "Other")
    kept = await town.call(town.cleo, "POST", f"/api/v1/t/{other.slug}/tanks", json=tank)

    gone = await town.call(town.ada, "DELETE", town.home)

    assert gone.status_code == 204
    for who in (town.ada, town.ben, machine):
        assert (await town.call(who, "GET", f"{town.inside}/tanks")).status_code in {401, 404}
    again = await town.call(town.ada, "POST", TENANTS, json={"name": "Allotment"})
    assert again.json()["slug"] == "allotment"
    found = await town.call(town.ada, "GET", f"{town.inside}/tanks/{made.json()['key']}")
    assert code(found) == (404, "TANK_NOT_FOUND")
    still = await town.call(town.cleo, "GET", f"/api/v1/t/{other.slug}/tanks/{kept.json()['key']}")
    assert still.status_code == 200
