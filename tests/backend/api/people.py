"""A garden with people of each role, for tests of what is whose."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.config.settings import Mode
from kamerplanter_backend.domain.models.tenant import Tenant
from tests.backend.api.harness import Bench, Person


@dataclass(slots=True, kw_only=True)
class Crew:
    """A full server with one garden: an admin, two growers and a viewer, and a stranger."""

    bench: Bench
    tenant: Tenant
    people: dict[str, Person] = field(default_factory=dict)

    @property
    def root(self) -> str:
        """Where the garden is."""
        return f"/api/v1/t/{self.tenant.slug}"

    def key(self, name: str) -> str:
        """Return the key of somebody's account."""
        return self.people[name].key

    def client(self, name: str) -> httpx.AsyncClient:
        """Return a client of somebody."""
        return self.bench.client(headers=self.people[name].headers)

    async def call(self, name: str, method: str, path: str, **options: Any) -> httpx.Response:
        """Let somebody call something in the garden."""
        async with self.client(name) as client:
            return await client.request(method, self.root + path, **options)

    async def add(self, name: str, path: str, /, **body: Any) -> dict[str, Any]:
        """Let somebody add something; it must succeed."""
        answer = await self.call(name, "POST", path, json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def status(self, name: str, method: str, path: str, **options: Any) -> int:
        """Let somebody call something; return how it ended."""
        return (await self.call(name, method, path, **options)).status_code


def crew_of(server_of: Callable[..., Bench]) -> Crew:
    """Return a garden with its people."""
    bench = server_of(Mode.FULL)
    names = ("admin", "ann", "ben", "viewer", "stranger")
    people = {name: bench.person(name) for name in names}
    tenant = bench.garden(people["admin"], "Tent")
    for name in ("ann", "ben"):
        bench.join(tenant, people[name], Role.GROWER)
    bench.join(tenant, people["viewer"], Role.VIEWER)
    bench.garden(people["stranger"], "Elsewhere")
    return Crew(bench=bench, tenant=tenant, people=people)
