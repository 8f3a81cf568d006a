"""The client interface over HTTP: snapshot, requests, and who may ask what."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from kamerplanter_backend.api.openapi import describe
from kamerplanter_backend.client.handlers import HANDLERS
from kamerplanter_backend.client.wire import answer_annotation
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_backend.config.settings import Mode
from tests.backend.api.harness import GARDEN, Bench
from tests.shared_garden import SharedGarden

CLIENT = f"{GARDEN}/client"
TASK = {"fields": {"title": "Look at the roots"}}

type ServerOf = Callable[..., Bench]


@pytest.fixture
def bench(server_of: ServerOf) -> Bench:
    return server_of(run_jobs=False)


def shared(server_of: ServerOf, role: Role, **said: Any) -> tuple[Bench, SharedGarden]:
    """Return a server with accounts, and a garden on it."""
    full = server_of(Mode.FULL, run_jobs=False)
    return full, SharedGarden(full.server, role, **said)


def with_key(full: Bench, garden: SharedGarden) -> httpx.AsyncClient:
    """Return a client that sends the member's key."""
    return full.client(headers={"Authorization": f"Bearer {garden.raw_key}"})


async def ask(api: httpx.AsyncClient, name: str, body: Any, **headers: str) -> httpx.Response:
    return await api.post(f"{CLIENT}/requests/{name}", json=body, headers=headers)


async def test_a_snapshot_is_known_again_by_its_etag(api: httpx.AsyncClient, bench: Bench) -> None:
    first = await api.get(f"{CLIENT}/snapshot")
    bench.clock.wait(seconds=30)

    same = await api.get(f"{CLIENT}/snapshot", headers={"If-None-Match": first.headers["ETag"]})

    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["ETag"] == first.headers["ETag"]
    assert same.headers["X-Taken-At"] == bench.clock().isoformat()
    assert first.json()["taken_at"] == "2026-05-01T10:00:00Z"


async def test_the_etag_changes_with_what_is_shown(api: httpx.AsyncClient, bench: Bench) -> None:
    tags = [(await api.get(f"{CLIENT}/snapshot")).headers["ETag"]]
    added = await ask(api, "AddTask", {"fields": {"title": "a", "due_on": "2026-05-01"}})
    tags.append((await api.get(f"{CLIENT}/snapshot")).headers["ETag"])
    bench.clock.wait(days=1)  # nothing is written, but the task is overdue now
    tags.append((await api.get(f"{CLIENT}/snapshot")).headers["ETag"])

    stale = await api.get(f"{CLIENT}/snapshot", headers={"If-None-Match": ", ".join(tags[:2])})

    assert added.status_code == 200
    assert len(set(tags)) == 3
    assert stale.status_code == 200
    assert stale.json()["tasks"][0]["is_overdue"] is True


async def test_each_request_has_a_route_of_its_own(api: httpx.AsyncClient) -> None:
    for kind in HANDLERS:
        answer = await ask(api, kind.__name__, {"no_such_field": 1})

        assert answer.status_code == 422, kind.__name__
        assert answer.json()["error_code"] == "VALIDATION_ERROR"
    unknown = await ask(api, "DropEverything", {})
    assert unknown.status_code == 404


async def test_a_key_in_the_body_and_one_in_the_header_both_make_it_act_once(
    api: httpx.AsyncClient,
) -> None:
    in_body = [await ask(api, "AddTask", TASK | {"command_key": "c-1"}) for _ in range(2)]
    in_header = [await ask(api, "AddTask", TASK, **{"Idempotency-Key": "c-2"}) for _ in range(2)]

    assert in_body[0].json() == in_body[1].json()
    assert in_header[0].json() == in_header[1].json()
    shown = (await api.get(f"{CLIENT}/snapshot")).json()
    assert len(shown["tasks"]) == 2


async def test_the_role_of_a_caller_narrows_and_never_widens(
    api: httpx.AsyncClient, server_of: ServerOf
) -> None:
    as_viewer = await ask(api, "AddTask", TASK, **{"X-Acting-Role": "viewer"})
    as_grower = await ask(api, "AddTask", TASK, **{"X-Acting-Role": "grower"})
    as_nobody = await ask(api, "AddTask", TASK, **{"X-Acting-Role": "emperor"})
    full, garden = shared(server_of, Role.VIEWER)
    async with with_key(full, garden) as viewer:
        widened = await viewer.post(
            f"/api/v1/t/{garden.slug}/client/requests/AddTask",
            json=TASK,
            headers={"X-Acting-Role": "admin"},
        )

    assert (as_viewer.status_code, as_grower.status_code) == (403, 200)
    assert as_nobody.status_code == 422
    assert widened.status_code == 403
    assert widened.json()["details"]["permission"] == "task:create"


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        (KeyScope.READ, {"CheckHarvest"}),
        (KeyScope.WRITE, {"AddTask"}),
        (KeyScope.INGEST, {"RecordReadings", "EvaluateGarden"}),
        (KeyScope.ADMIN, set[str]()),
    ],
)
async def test_a_key_does_what_its_scope_says(
    server_of: ServerOf, scope: KeyScope, allowed: set[str]
) -> None:
    full, garden = shared(server_of, Role.ADMIN, scopes=frozenset({scope}))
    bodies: dict[str, Any] = {
        "CheckHarvest": {"plant_key": "p"},
        "AddTask": TASK,
        "RecordReadings": {"readings": []},
        "EvaluateGarden": {},
    }

    async with with_key(full, garden) as api:
        answers = {
            name: await api.post(f"/api/v1/t/{garden.slug}/client/requests/{name}", json=body)
            for name, body in bodies.items()
        }
        snapshot = await api.get(f"/api/v1/t/{garden.slug}/client/snapshot")

    assert {name for name, answer in answers.items() if answer.status_code != 403} == allowed
    assert snapshot.status_code == (200 if scope is KeyScope.READ else 403)


async def test_a_suspended_garden_is_read_and_not_written(server_of: ServerOf) -> None:
    full, garden = shared(server_of, Role.ADMIN)
    garden.suspend()

    async with with_key(full, garden) as api:
        shown = await api.get(f"/api/v1/t/{garden.slug}/client/snapshot")
        asked = await api.post(f"/api/v1/t/{garden.slug}/client/requests/ListObjects", json={})
        written = await api.post(f"/api/v1/t/{garden.slug}/client/requests/AddTask", json=TASK)

    assert (shown.status_code, asked.status_code, written.status_code) == (200, 200, 403)
    assert written.json()["error_code"] == "TENANT_SUSPENDED"


async def test_another_garden_is_not_there(server_of: ServerOf) -> None:
    full, garden = shared(server_of, Role.ADMIN)
    other = garden.another()

    async with with_key(full, garden) as api:
        for path in ("snapshot", "changes"):
            answer = await api.get(f"/api/v1/t/{other}/client/{path}")
            assert answer.status_code == 404
        written = await api.post(f"/api/v1/t/{other}/client/requests/AddTask", json=TASK)
    async with full.client() as nobody:
        unknown = await nobody.get(f"/api/v1/t/{garden.slug}/client/snapshot")

    assert written.status_code == 404
    assert unknown.status_code == 401


async def test_each_request_is_documented_with_its_answer(api: httpx.AsyncClient) -> None:
    paths = (await api.get("/api/v1/openapi.json")).json()["paths"]

    for kind in HANDLERS:
        route = paths[f"/api/v1/t/{{slug}}/client/requests/{kind.__name__}"]["post"]
        body = route["requestBody"]["content"]["application/json"]["schema"]
        answer = route["responses"]["200"]["content"]["application/json"]["schema"]
        assert body["$ref"].endswith(f"/{kind.__name__}")
        assert answer or answer_annotation(kind) is None, kind.__name__
    treat = paths["/api/v1/t/{slug}/client/requests/CorrectTreatment"]["post"]
    answer = treat["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer["$ref"].endswith("/Treatment")
    stream = paths["/api/v1/t/{slug}/client/changes"]["get"]["responses"]["200"]
    assert set(stream["content"]) == {"text/event-stream"}


@pytest.mark.parametrize(
    "name", ["CreateTank", "CreatePlant", "CreateProbe", "AddTask", "CreateRun"]
)
async def test_a_key_that_can_be_guessed_is_refused_where_there_are_several_gardens(
    server_of: Callable[..., Bench], name: str
) -> None:
    bench = server_of(Mode.FULL)
    person = bench.person("ada")
    slug = bench.garden(person, "Allotment").slug
    path = f"/api/v1/t/{slug}/client/requests/{name}"
    document = describe(bench.app)
    body = document["paths"][path.replace(slug, "{slug}")]["post"]["requestBody"]
    (example,) = body["content"]["application/json"]["schema"]["examples"]

    async with bench.client(headers=person.headers) as api:
        short = await api.post(path, json=example | {"key": "tank-1"})
        long = await api.post(path, json=example | {"key": "01jvwz3m8ha4t5n6r7s8x9y0zq"})

    assert (short.status_code, short.json()["details"]["field"]) == (422, "key")
    assert "leave it out" in short.json()["message"]
    assert (long.status_code, long.json()["key"]) == (200, "01jvwz3m8ha4t5n6r7s8x9y0zq")
