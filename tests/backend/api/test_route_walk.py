"""Every route x everybody: who may, may; who may not, learns nothing and changes nothing."""

import json
from dataclasses import replace
from typing import Any

import httpx
import pytest

from kamerplanter_backend.common.auth import (
    AccessRule,
    Permitted,
    PlatformAdmin,
    Public,
    SignedIn,
    rules_of,
)
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.permissions import GRANTS, KeyScope
from tests.backend.api.harness import Person
from tests.backend.api.walk_calls import (
    Call,
    call_of,
    documented_answers_of,
    method_of,
    routes_of,
    same,
    send,
)
from tests.backend.api.walk_table_more import TABLE
from tests.backend.api.walk_world import ROLES, NoThings, Place, Things, World

RANK = (Role.VIEWER, Role.GROWER, Role.ADMIN)
SAFE = ("GET", "HEAD")
FORGED = {"Authorization": "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiJ9."}

IN_A_GARDEN = sorted(name for name, row in TABLE.items() if row.who.kind == "garden")
ALL = sorted(TABLE)
CHANGES = [name for name in ALL if "_update_" in name]


async def _refused(
    world: World,
    name: str,
    call: Call,
    caller: Person | dict[str, str] | None,
    status: int,
) -> httpx.Response:
    """Make sure that a call is refused, in the one form, and that nothing was written."""
    before = world.cursor()
    answer = await send(world, call, caller, TABLE[name])
    assert answer.status_code == status, f"{name}: {answer.status_code} {answer.text}"
    assert set(answer.json()) >= {"error_id", "error_code", "message", "details"}
    assert world.cursor() == before, f"{name} was refused and wrote something"
    return answer


async def _answered(
    world: World, name: str, call: Call, caller: Person | dict[str, str] | None
) -> None:
    answer = await send(world, call, caller, TABLE[name])
    assert answer.status_code in TABLE[name].answers, f"{name}: {answer.status_code} {answer.text}"
    documented = documented_answers_of(world).get(name, {}).get(str(answer.status_code))
    if answer.status_code in {200, 201} and documented is not None:
        told = {"ETag", "Location"} & documented.get("headers", {}).keys()
        sent = {header for header in ("ETag", "Location") if header in answer.headers}
        assert sent == told, f"{name} sends {sent}, its documentation tells of {told}"


# --- The table is complete, and says the same as the routes -----------------------------------


def test_every_route_is_in_the_table_of_the_walk(world: World) -> None:
    missing = sorted(set(routes_of(world)) - set(TABLE))
    gone = sorted(set(TABLE) - set(routes_of(world)))
    assert not missing, (
        f"New routes: {missing}. Add a row for each to tests/backend/api/walk_table*.py: who may "
        "call it by the permission matrix, and a request that succeeds."
    )
    assert not gone, f"Routes that are not there any more: {gone}. Take their rows out."


@pytest.mark.parametrize("name", ALL)
def test_a_route_declares_the_rule_that_the_matrix_asks_for(world: World, name: str) -> None:
    who = TABLE[name].who
    rules = rules_of(routes_of(world)[name].dependant)
    assert len(rules) == 1, f"{name} declares {len(rules)} access rules; it needs exactly one"

    declared: AccessRule = rules[0]
    if isinstance(declared, Permitted):
        grant = GRANTS[declared.permission]
        assert (who.kind, who.role, who.scope, who.reads) == (
            "garden",
            grant.role,
            grant.scope,
            grant.while_suspended,
        )
    elif isinstance(declared, SignedIn):
        assert (who.kind, who.scope) == ("account", declared.scope)
    else:
        kind = {Public: "public", PlatformAdmin: "platform"}[type(declared)]
        assert who.kind == kind


# --- A change changes what was sent ---------------------------------------------------------------


def test_every_merge_patch_is_among_the_changes(world: World) -> None:
    patches = {name for name, route in routes_of(world).items() if method_of(route) == "PATCH"}
    assert patches == set(CHANGES)


@pytest.mark.parametrize("name", CHANGES)
async def test_a_change_leaves_what_was_not_sent(world: World, name: str) -> None:
    row, home = TABLE[name], world.north
    is_of_platform = row.who.kind == "platform"
    actor = world.platform_admin if is_of_platform else home.members[Role.ADMIN]
    call = call_of(world, name, Things(world, home.tenant, actor))
    question = replace(call, method="GET", body=None)

    before = (await send(world, question, actor, row)).json()
    answer = (await send(world, call, actor, row)).json()
    after = (await send(world, question, actor, row)).json()

    (sent,) = call.body.items()
    assert answer == after
    assert sent in after.items()
    assert sent not in before.items()
    assert _without(after, sent[0]) == _without(before, sent[0])


def _without(document: dict[str, Any], sent: str) -> dict[str, Any]:
    """Return a document without what was sent and what tells that something was.

    Since when a probe is in its place follows from the place, and from nothing else.
    """
    follows = {"placed_at"} if sent in {"tank_key", "plant_key", "location_key"} else set()
    return {
        field: value
        for field, value in document.items()
        if field not in {sent, "revision", "updated_at", *follows}
    }


# --- Gardens ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", IN_A_GARDEN)
async def test_in_a_garden_everybody_gets_what_the_role_permits(world: World, name: str) -> None:
    row, home = TABLE[name], world.north
    for role in RANK:
        place = world.place("Own") if row.own_garden else home
        member = place.members[role]
        if row.own_garden:
            world.bench.join(place.tenant, world.newcomer(), Role.ADMIN)
        call = call_of(world, name, Things(world, place.tenant, member))
        if RANK.index(role) >= RANK.index(row.who.role):
            await _answered(world, name, call, member)
        else:
            answer = await _refused(world, name, call, member, 403)
            assert answer.json()["error_code"] == "FORBIDDEN"


@pytest.mark.parametrize("name", IN_A_GARDEN)
async def test_who_does_not_belong_to_a_garden_cannot_tell_that_it_exists(
    world: World, name: str
) -> None:
    home = world.north.tenant
    everywhere = world.key_of(world.both, world.south.tenant, *KeyScope)
    outsiders: list[Person | dict[str, str]] = [
        world.stranger,
        world.platform_admin,
        world.south.members[Role.ADMIN],
        everywhere,
    ]
    call = call_of(world, name, Things(world, home, world.north.members[Role.ADMIN]))
    nowhere = call_of(world, name, NoThings(world, home, world.stranger), slug="nowhere")

    await _refused(world, name, call, None, 401)
    await _refused(world, name, call, FORGED, 401)
    for outsider in outsiders:
        found = same(await _refused(world, name, call, outsider, 404), call)
        unknown = same(await _refused(world, name, nowhere, outsider, 404), nowhere)
        assert found == unknown


@pytest.mark.parametrize("name", IN_A_GARDEN)
async def test_an_api_key_needs_the_scope_and_its_owner_the_role(world: World, name: str) -> None:
    row = TABLE[name]
    place = world.place("Own") if row.own_garden else world.north
    if row.own_garden:
        world.bench.join(place.tenant, world.newcomer(), Role.ADMIN)
    admin, scope = place.members[Role.ADMIN], row.who.scope
    without = world.key_of(admin, place.tenant, *(set(KeyScope) - {scope}))
    call = call_of(world, name, Things(world, place.tenant, admin))
    await _refused(world, name, call, without, 403)

    below = [role for role in RANK if RANK.index(role) < RANK.index(row.who.role)]
    for role in below:
        key = world.key_of(place.members[role], place.tenant, *KeyScope)
        await _refused(world, name, call, key, 403)

    assert scope is not None
    right = world.key_of(admin, place.tenant, scope)
    call = call_of(world, name, Things(world, place.tenant, admin))
    await _answered(world, name, call, right)


def _names_things(name: str) -> bool:
    """Tell whether a request of a row carries keys of documents; asked without a world."""

    class Asked(NoThings):
        def __init__(self) -> None:
            self.keys = []

    asked = Asked()
    row = TABLE[name]
    if row.who.kind != "garden" or name == "tenants_accept_invitation":
        return False
    for make in (row.key, row.body):
        if make is not None:
            make(asked)
    return bool(asked.keys)


@pytest.mark.parametrize("name", [name for name in IN_A_GARDEN if _names_things(name)])
async def test_a_key_of_another_garden_is_as_unknown_as_one_that_never_was(
    world: World, name: str
) -> None:
    row = TABLE[name]
    slug = world.north.tenant.slug
    foreign = call_of(world, name, Things(world, world.south.tenant, world.both), slug=slug)
    unknown = call_of(world, name, NoThings(world, world.south.tenant, world.both), slug=slug)

    before = world.cursor()
    answers = [await send(world, call, world.both, row) for call in (foreign, unknown)]

    if name in SHARED_IS_FOUND:
        assert answers[0].is_success
        assert answers[1].status_code == 404
        return
    if name in NOT_FOUND_ONE_BY_ONE:
        assert {answer.status_code for answer in answers} == {200}
        assert answers[0].json() == _with_names(answers[1].json(), unknown, foreign)
    else:
        assert same(answers[0], foreign) == same(answers[1], unknown)
        assert answers[0].status_code in {404, 409, 422}
    assert world.cursor() == before


SHARED_IS_FOUND = {
    "garden_botanical_families_copy_botanical_family",
    "garden_species_copy_species",
    "garden_cultivars_copy_cultivar",
}
"""They copy what all gardens share, so that it is found from everywhere."""

NOT_FOUND_ONE_BY_ONE = {"telemetry_send_readings"}
"""A batch of readings is judged one by one; the report names the ones that lead nowhere."""


def _with_names(body: Any, old: Call, new: Call) -> Any:
    text = json.dumps(body)
    for before, after in zip(old.names, new.names, strict=True):
        text = text.replace(before, after)
    return json.loads(text)


@pytest.mark.parametrize("name", IN_A_GARDEN)
async def test_a_suspended_garden_is_read_and_never_written(world: World, name: str) -> None:
    row, place = TABLE[name], world.suspended
    admin = place.members[Role.ADMIN]
    call = call_of(world, name, Things(world, place.tenant, admin))
    route = routes_of(world)[name]
    is_question = method_of(route) in SAFE or name.removeprefix("client_").startswith(
        ("List", "Get", "Check")
    )
    assert row.who.reads is is_question

    callers: list[Person | dict[str, str]] = [
        admin,
        world.key_of(admin, place.tenant, *KeyScope),
    ]
    for caller in callers:
        if is_question:
            await _answered(world, name, call, caller)
            continue
        answer = await _refused(world, name, call, caller, 403)
        assert answer.json()["error_code"] == "TENANT_SUSPENDED"


# --- Accounts and the installation -------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in ALL if TABLE[name].who.kind == "account"])
async def test_a_route_of_accounts_is_for_everybody_with_one(world: World, name: str) -> None:
    row, home = TABLE[name], world.north.tenant
    owner = world.newcomer()
    call = call_of(world, name, Things(world, home, owner))
    await _refused(world, name, call, None, 401)
    await _refused(world, name, call, FORGED, 401)

    admin = world.north.members[Role.ADMIN]
    needed = set() if row.who.scope is None else {row.who.scope}
    without = world.key_of(admin, home, *(set(KeyScope) - needed))
    await _refused(world, name, call, without, 403)
    if needed:
        await _answered(world, name, call, world.key_of(admin, home, *needed))

    await _answered(world, name, call, owner)


@pytest.mark.parametrize(
    "name", ["auth_revoke_api_key", "users_end_session", "users_unlink_provider"]
)
async def test_what_belongs_to_another_account_is_not_there(world: World, name: str) -> None:
    owner, other = world.newcomer(), world.newcomer()
    call = call_of(world, name, Things(world, world.north.tenant, owner))
    unknown = call_of(world, name, NoThings(world, world.north.tenant, owner))

    found = await _refused(world, name, call, other, 404)
    nothing = await _refused(world, name, unknown, other, 404)

    assert same(found, call) == same(nothing, unknown)


@pytest.mark.parametrize("name", [name for name in ALL if TABLE[name].who.kind == "platform"])
async def test_the_installation_is_for_its_admins_alone(world: World, name: str) -> None:
    call = call_of(world, name, Things(world, world.north.tenant, world.platform_admin))
    await _refused(world, name, call, None, 401)
    await _refused(world, name, call, FORGED, 401)
    for place in (world.north, world.south):
        for role in ROLES.values():
            await _refused(world, name, call, place.members[role], 403)
    await _refused(world, name, call, world.platform_key, 403)

    await _answered(world, name, call, world.platform_admin)


@pytest.mark.parametrize("name", [name for name in ALL if TABLE[name].who.kind == "public"])
async def test_what_is_public_answers_everybody_alike(world: World, name: str) -> None:
    things = Things(world, world.north.tenant, world.stranger)
    for caller in (None, FORGED, world.stranger):
        await _answered(world, name, call_of(world, name, things), caller)


async def test_a_feed_without_its_token_is_not_there(world: World) -> None:
    place: Place = world.north
    call = call_of(world, "calendar_read_feed", Things(world, place.tenant, world.both))
    unknown = call_of(world, "calendar_read_feed", NoThings(world, place.tenant, world.both))

    found = await _refused(world, "calendar_read_feed", call, None, 404)
    nothing = await _refused(world, "calendar_read_feed", unknown, None, 404)

    assert same(found, call) == same(nothing, unknown)
