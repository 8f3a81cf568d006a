"""Every route that changes or deletes: an old view writes nothing, what is gone is on record."""

from dataclasses import replace
from typing import Any

import pytest

from kamerplanter_backend.api.openapi import describe
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.domain.interfaces.document_store import Where
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.collection import SHARED_TENANT
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from tests.backend.api.harness import Person
from tests.backend.api.walk_calls import Call, call_of, method_of, routes_of, send
from tests.backend.api.walk_table_more import TABLE
from tests.backend.api.walk_world import Place, Things, World

OLD = '"99999"'
"""A revision that nothing has."""

NOT_ON_RECORD = {
    "auth_revoke_api_key",
    "users_end_session",
    "users_unlink_provider",
    "planting_runs_release_plant",
}
"""Ways in that somebody closes for oneself, and what deletes nothing."""

CLIENT_DELETES = ("client_Archive", "client_Delete", "client_Remove")

RECORDED = {
    "tenants_remove_member": AuditAction.MEMBER_REMOVED,
    "tenants_revoke_invitation": AuditAction.INVITATION_REVOKED,
}
"""What stands on record under a name of its own."""


def _prepared(world: World, name: str) -> tuple[Call, Person, Place]:
    """Return a call that would succeed, who makes it, and in which garden."""
    row = TABLE[name]
    place = world.place("Own") if row.own_garden else world.north
    caller = {
        "account": world.newcomer,
        "platform": lambda: world.platform_admin,
        "garden": lambda: place.members[Role.ADMIN],
    }[row.who.kind]()
    return call_of(world, name, Things(world, place.tenant, caller)), caller, place


# --- What has a revision takes If-Match ---------------------------------------------------------


def _shows_revision(document: dict[str, Any], operation: dict[str, Any]) -> bool:
    """Tell whether the answer of an operation is something with a revision, or several."""
    answer = operation["responses"].get("200", {})
    if "ETag" in answer.get("headers", {}):
        return True
    schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
    while True:
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            schema = document["components"]["schemas"][name]
        elif "items" in schema:
            schema = schema["items"]
        elif "items" in schema.get("properties", {}):
            schema = schema["properties"]["items"]
        else:
            return "revision" in schema.get("properties", {})


def _has_revision(document: dict[str, Any], path: str, operation: dict[str, Any]) -> bool:
    """Tell whether what a path names has a revision, by this answer or the nearest question."""
    if _shows_revision(document, operation):
        return True
    above = path
    while "get" not in document["paths"].get(above, {}):
        above = above.rpartition("/")[0]
        if not above:
            return False
    return _shows_revision(document, document["paths"][above]["get"])


def _taking(document: dict[str, Any]) -> set[str]:
    """Return the ids of the operations that take If-Match."""
    return {
        operation["operationId"]
        for item in document["paths"].values()
        for operation in item.values()
        if any(found["name"] == "If-Match" for found in operation.get("parameters", ()))
    }


def test_what_has_a_revision_takes_if_match_where_it_changes_or_goes(world: World) -> None:
    document = describe(world.bench.app)
    needed = {
        operation["operationId"]
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in {"patch", "put", "delete"} and _has_revision(document, path, operation)
    }

    assert {"tanks_delete_tank", "tenants_set_role", "admin_activate_user"} <= needed
    assert not needed - _taking(document)


async def test_an_old_view_changes_and_deletes_nothing(world: World) -> None:
    for name in sorted(_taking(describe(world.bench.app))):
        call, caller, _ = _prepared(world, name)
        before = world.cursor()

        answer = await send(world, call, caller, TABLE[name], **{"If-Match": OLD})

        assert answer.status_code == 412, f"{name}: {answer.status_code} {answer.text}"
        assert world.cursor() == before, f"{name} refused an old view and wrote something"


def test_making_a_garden_tells_that_it_can_be_repeated(world: World) -> None:
    making = describe(world.bench.app)["paths"]["/api/v1/tenants"]["post"]

    assert "Idempotency-Key" in [parameter["name"] for parameter in making["parameters"]]


# --- What is deleted is on record ---------------------------------------------------------------


def _subject(call: Call, caller: Person, place: Place, name: str) -> str:
    """Return the key of what a call deletes."""
    if name == "users_delete_me":
        return caller.key
    if name == "tenants_delete_garden":
        return place.tenant.key
    if name.startswith(CLIENT_DELETES):
        return str(call.body["key"])
    return call.path.rpartition("/")[2]


def _deletes(name: str) -> bool:
    # The name of a row says the method: it is asked before there is a server.
    return name.startswith(CLIENT_DELETES) or any(
        f"_{verb}_" in name for verb in ("delete", "remove", "revoke")
    )


def test_no_route_that_deletes_is_left_out(world: World) -> None:
    routes = {name for name, route in routes_of(world).items() if method_of(route) == "DELETE"}
    clients = {name for name in TABLE if name.startswith(CLIENT_DELETES)}

    assert routes | clients == {name for name in TABLE if _deletes(name)} | NOT_ON_RECORD


@pytest.mark.parametrize(
    "name", sorted(name for name in TABLE if _deletes(name) and name not in NOT_ON_RECORD)
)
async def test_what_is_deleted_stands_on_record_once(world: World, name: str) -> None:
    call, caller, place = _prepared(world, name)
    subject = _subject(call, caller, place, name)

    answer = await send(world, call, caller, TABLE[name])

    assert answer.status_code in {200, 204}, answer.text
    entries = []
    for garden in (place.tenant.key, SHARED_TENANT):
        within = replace(world.platform_context(), tenant_key=garden)
        with open_unit(world.bench.server.store, within) as uow:
            entries += uow.of(AuditRepository).find(Where("subject", "==", subject))
    ends = {AuditAction.ARCHIVED, AuditAction.DELETED, RECORDED.get(name)}
    (entry,) = [entry for entry in entries if entry.action in ends]
    assert entry.created_by == caller.key
