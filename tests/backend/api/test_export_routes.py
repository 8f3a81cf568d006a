"""A garden to take along, over HTTP: whole, its own, and readable by the import."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.domain.models.tenant import TenantFields
from kamerplanter_backend.domain.services.tenant_service import account_context
from tests.backend.api.harness import Bench
from tests.backend.api.people import Crew, crew_of


@pytest.fixture
def crew(server_of: Callable[..., Bench]) -> Crew:
    return crew_of(server_of)


def collections(text: str) -> set[str]:
    lines = [json.loads(line) for line in text.splitlines()]
    return {line["collection"] for line in lines if "collection" in line}


async def test_what_is_exported_can_be_imported(crew: Crew) -> None:
    tank = await crew.add("ann", "/tanks", name="Tent tank", volume_l=60)
    answer = await crew.call("admin", "GET", "/export")
    server = crew.bench.server
    stranger = account_context(crew.key("stranger"), crew.bench.clock(), role=Role.ADMIN)
    other = server.tenants.create_for(stranger, TenantFields(name="New"))
    within = replace(stranger, tenant_key=other.key)

    # The old garden has to go first: keys are unique.
    server.tenants.remove(replace(stranger, tenant_key=crew.tenant.key))
    report = server.services.transfer.restore(within, answer.text.splitlines(keepends=True))

    assert answer.headers["content-type"] == "application/jsonl"
    assert report.document_count > 0
    assert server.services.tank.get(within, tank["key"]).name == "Tent tank"


async def test_only_admins_take_the_audit_along(crew: Crew) -> None:
    for_admin = (await crew.call("admin", "GET", "/export")).text
    for_viewer = (await crew.call("viewer", "GET", "/export")).text

    assert collections(for_admin) - collections(for_viewer) == {"audit_entries"}


async def test_nothing_of_another_garden_is_in_it(crew: Crew) -> None:
    bench = crew.bench
    other = bench.garden(crew.people["stranger"], "Elsewhere")
    async with bench.client(headers=crew.people["stranger"].headers) as client:
        made = await client.post(
            f"/api/v1/t/{other.slug}/tanks", json={"name": "Foreign tank", "volume_l": 9}
        )
        refused = await client.get(f"{crew.root}/export")

    text = (await crew.call("admin", "GET", "/export")).text

    assert made.status_code == 201
    assert refused.status_code == 404
    assert "Foreign tank" not in text
    assert "password_hash" not in text


async def test_members_of_a_suspended_garden_export_it(crew: Crew) -> None:
    root = account_context("root", crew.bench.clock(), role=Role.ADMIN)
    crew.bench.server.tenants.suspend(root, crew.tenant.key, suspended=True)

    assert await crew.status("viewer", "GET", "/export") == 200
    assert await crew.status("admin", "POST", "/tanks", json={"name": "T", "volume_l": 1}) == 403
