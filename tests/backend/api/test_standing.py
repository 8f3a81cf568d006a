"""What was taken away from a caller while its write waited for its turn counts for that write."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.dependencies import Server
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_backend.domain.repositories.tenant import MembershipRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.tenant_service import account_context
from tests.backend.api.harness import Person
from tests.backend.api.walk_calls import call_of, send
from tests.backend.api.walk_table_more import TABLE
from tests.backend.api.walk_world import Place, Things, World

WRITES = sorted(
    name for name, row in TABLE.items() if row.who.kind == "garden" and not row.who.reads
)
OF_THE_PLATFORM = sorted(
    name
    for name, row in TABLE.items()
    if row.who.kind == "platform" and not name.split("_", 1)[1].startswith(("list", "get"))
)
LOWER = {Role.ADMIN: Role.GROWER, Role.GROWER: Role.VIEWER}


@asynccontextmanager
async def _meanwhile(
    monkeypatch: pytest.MonkeyPatch, act: Callable[[], object], *, after: int
) -> AsyncIterator[None]:
    """Do something once a request was let in, and before its write has its turn.

    Args:
        monkeypatch: Puts it in between.
        act: What happens meanwhile.
        after: How much work the request hands to a thread before, to be let in.
    """
    run, done = Server.run, 0

    async def later(server: Server, work: Callable[[], Any]) -> Any:
        nonlocal done
        if done == after:
            act()
        done += 1
        return await run(server, work)

    with monkeypatch.context() as patch:
        patch.setattr(Server, "run", later)
        yield
    assert done > after, "the request was not let in, or does not write"


def _set_role(world: World, place: Place, person: Person, role: Role | None) -> None:
    """Give a member another role, or take it out."""
    context = account_context("test", world.bench.clock(), role=Role.ADMIN)
    with open_unit(world.bench.server.store, context, (MembershipRepository,)) as uow:
        members = uow.of(MembershipRepository)
        found = members.between(place.tenant.key, person.key)
        assert found is not None
        if role is None:
            members.remove(found.key)
        else:
            members.change(found, role=role)


async def _is_refused(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    caller: Person | dict[str, str],
    meanwhile: Callable[[], object],
) -> tuple[int, str]:
    """Send the call of a row; return status and code, and make sure that it wrote nothing."""
    call = call_of(world, name, Things(world, world.north.tenant, world.north.members[Role.ADMIN]))
    cursor = 0

    def act() -> None:
        nonlocal cursor
        meanwhile()
        cursor = world.cursor()

    # An API key is looked up on a thread, as its use is written down.
    after = 0 if isinstance(caller, Person) else 1
    async with _meanwhile(monkeypatch, act, after=after):
        answer = await send(world, call, caller, TABLE[name])
    assert world.cursor() == cursor, f"{name} wrote something: {answer.text}"
    return answer.status_code, answer.json()["error_code"]


def _member(world: World, role: Role) -> Person:
    person = world.newcomer()
    world.bench.join(world.north.tenant, person, role)
    return person


@pytest.mark.parametrize("name", WRITES)
async def test_who_was_taken_out_meanwhile_writes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    role = TABLE[name].who.role
    assert role is not None
    person = _member(world, role)

    refused = await _is_refused(
        world, monkeypatch, name, person, lambda: _set_role(world, world.north, person, None)
    )

    assert refused == (404, "TENANT_NOT_FOUND")


@pytest.mark.parametrize(
    "name",
    [
        "tenants_set_role",
        "tenants_invite_by_link",
        "tenants_invite_by_mail",
        "tenants_update_garden",
        "tenants_delete_garden",
        "tasks_create_task",
        "client_AddTask",
    ],
)
async def test_who_has_a_lower_role_meanwhile_writes_by_that_one(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    role = TABLE[name].who.role
    assert role is not None
    person = _member(world, role)

    refused = await _is_refused(
        world,
        monkeypatch,
        name,
        person,
        lambda: _set_role(world, world.north, person, LOWER[role]),
    )

    assert refused == (403, "FORBIDDEN")


async def test_a_demotion_is_not_undone_by_the_one_whom_it_hit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench, place = world.bench, world.north
    bob = _member(world, Role.ADMIN)
    ann = bench.server.contexts.make(
        place.tenant.key,
        actor=place.members[Role.ADMIN].key,
        role=Role.ADMIN,
        now=bench.clock(),
    )
    context = account_context("test", bench.clock())
    with open_unit(bench.server.store, context) as uow:
        membership = uow.of(MembershipRepository).between(place.tenant.key, bob.key)
    assert membership is not None

    def demote() -> None:
        bench.server.members.set_role(ann, membership.key, Role.VIEWER)

    async with _meanwhile(monkeypatch, demote, after=0), bench.client() as client:
        answer = await client.put(
            f"/api/v1/tenants/{place.tenant.slug}/members/{membership.key}/role",
            json={"role": "admin"},
            headers=bob.headers,
        )

    assert answer.status_code == 403
    with open_unit(bench.server.store, context) as uow:
        assert uow.of(MembershipRepository).get(membership.key).role is Role.VIEWER


async def test_a_key_that_was_revoked_meanwhile_writes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = _member(world, Role.ADMIN)
    headers = world.key_of(person, world.north.tenant, *KeyScope)
    accounts, now = world.bench.server.accounts, world.bench.clock()
    key = accounts.provider.authenticate(headers["Authorization"], now).api_key_key
    assert key is not None

    def revoke() -> None:
        accounts.api_keys.revoke(account_context(person.key, now), person.key, key)

    refused = await _is_refused(world, monkeypatch, "tasks_create_task", headers, revoke)

    assert refused == (401, "INVALID_TOKEN")


async def test_an_account_that_was_locked_meanwhile_writes_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("tasks_create_task", "tenants_create_garden", "auth_create_api_key"):
        person = _member(world, Role.ADMIN)
        context = world.platform_context()

        def lock(key: str = person.key) -> None:
            world.bench.server.accounts.admin.set_active(context, key, False)  # noqa: B023

        assert await _is_refused(world, monkeypatch, name, person, lock) == (401, "INVALID_TOKEN")


async def test_a_garden_that_was_suspended_meanwhile_stays_as_it_is(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenants, context = world.bench.server.tenants, world.platform_context()
    key = world.north.tenant.key
    try:
        refused = await _is_refused(
            world,
            monkeypatch,
            "tasks_create_task",
            world.north.members[Role.GROWER],
            lambda: tenants.suspend(context, key, suspended=True),
        )
    finally:
        tenants.suspend(context, key, suspended=False)

    assert refused == (403, "TENANT_SUSPENDED")


@pytest.mark.parametrize("name", OF_THE_PLATFORM)
async def test_who_looks_after_the_server_no_longer_writes_nothing_there(
    world: World, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    person = world.bench.person(f"was-{name}".replace("_", "-"), is_platform_admin=True)
    admin, context = world.bench.server.accounts.admin, world.platform_context()

    refused = await _is_refused(
        world,
        monkeypatch,
        name,
        person,
        lambda: admin.set_platform_admin(context, person.key, False),
    )

    assert refused == (403, "FORBIDDEN")
