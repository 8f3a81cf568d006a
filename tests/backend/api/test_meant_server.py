"""A request that says which server and which garden it means is done there or nowhere."""

from collections.abc import Callable

import httpx
import pytest

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.config.settings import Mode
from tests.backend.api.harness import GARDEN, Bench
from tests.shared_garden import SharedGarden

type ServerOf = Callable[..., Bench]

TASK = {"fields": {"title": "Look at the roots"}}
ADD = "/client/requests/AddTask"
SERVER, PLACE = "X-Instance-Id", "X-Garden-Key"


@pytest.fixture
def bench(server_of: ServerOf) -> Bench:
    return server_of(run_jobs=False)


async def test_answers_say_which_server_gave_them(api: httpx.AsyncClient) -> None:
    shown = await api.get(f"{GARDEN}/client/snapshot")
    same = await api.get(
        f"{GARDEN}/client/snapshot", headers={"If-None-Match": shown.headers["ETag"]}
    )
    added = await api.post(GARDEN + ADD, json=TASK)
    about = (await api.get("/api/v1/mode")).json()

    assert [answer.status_code for answer in (shown, same, added)] == [200, 304, 200]
    assert {answer.headers[SERVER] for answer in (shown, same, added)} == {about["instance_id"]}
    assert {answer.headers[PLACE] for answer in (shown, same)} == {"platform"}


@pytest.mark.parametrize("path", ["/client/snapshot", "/client/changes", "/tanks"])
async def test_another_server_shows_nothing(api: httpx.AsyncClient, path: str) -> None:
    answer = await api.get(GARDEN + path, headers={SERVER: "another"})

    assert (answer.status_code, answer.json()["error_code"]) == (421, "SERVER_OTHER")
    assert answer.json()["details"] == {"reason": "another server"}


async def test_another_server_does_nothing(api: httpx.AsyncClient) -> None:
    refused = await api.post(GARDEN + ADD, json=TASK, headers={SERVER: "another"})
    right = (await api.get("/api/v1/mode")).json()["instance_id"]
    done = await api.post(GARDEN + ADD, json=TASK, headers={SERVER: right, PLACE: "platform"})

    assert (refused.status_code, done.status_code) == (421, 200)
    assert len((await api.get(f"{GARDEN}/client/snapshot")).json()["tasks"]) == 1


async def test_another_server_says_so_to_a_key_that_it_does_not_know(server_of: ServerOf) -> None:
    full = server_of(Mode.FULL, run_jobs=False)
    garden = SharedGarden(full.server, Role.ADMIN)
    said = {"Authorization": "Bearer kp_of_the_server_that_was_here", SERVER: "another"}

    async with full.client(headers=said) as api:
        answer = await api.get(f"/api/v1/t/{garden.slug}/client/snapshot")

    assert (answer.status_code, answer.json()["error_code"]) == (421, "SERVER_OTHER")


async def test_another_garden_of_the_same_name_is_none(server_of: ServerOf) -> None:
    full = server_of(Mode.FULL, run_jobs=False)
    garden = SharedGarden(full.server, Role.ADMIN)
    said = {"Authorization": f"Bearer {garden.raw_key}"}
    path = f"/api/v1/t/{garden.slug}"

    async with full.client(headers=said) as api:
        refused = await api.post(path + ADD, json=TASK, headers={PLACE: "of-another-time"})
        done = await api.post(path + ADD, json=TASK, headers={PLACE: garden.tenant.key})
        shown = await api.get(f"{path}/client/snapshot")

    assert (refused.status_code, refused.json()["error_code"]) == (404, "TENANT_NOT_FOUND")
    assert done.status_code == 200
    assert len(shown.json()["tasks"]) == 1
