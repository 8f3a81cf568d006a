"""Is the server there, is it ready, and what can it do."""

from collections.abc import Callable

import httpx

from kamerplanter_backend.config.settings import Mode
from tests.backend.api.harness import Bench


async def test_whoever_looks_for_a_server_finds_out_which_it_is(api: httpx.AsyncClient) -> None:
    answer = (await api.get("/api/health")).json()

    assert answer["status"] == "healthy"
    assert answer["mode"] == "light"
    assert answer["version"]


async def test_a_server_whose_store_answers_is_ready(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/health/ready")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ready", "dependencies": {"store": "ok"}}


async def test_one_whose_store_does_not_is_not_but_lives(
    bench: Bench, api: httpx.AsyncClient
) -> None:
    bench.server.store.close()

    ready, live = await api.get("/api/v1/health/ready"), await api.get("/api/v1/health/live")

    assert ready.status_code == 503
    assert ready.json() == {"status": "not_ready", "dependencies": {"store": "unavailable"}}
    assert int(ready.headers["retry-after"]) > 0
    assert (live.status_code, live.json()) == (200, {"status": "alive"})


async def test_the_mode_says_what_there_is(server_of: Callable[..., Bench]) -> None:
    features = {}
    for mode in Mode:
        async with server_of(mode).client() as api:
            features[mode] = (await api.get("/api/v1/mode")).json()["features"]

    assert features[Mode.LIGHT] == {"auth": False, "multi_tenant": False, "registration": False}
    assert features[Mode.FULL] == {"auth": True, "multi_tenant": True, "registration": True}


async def test_routes_of_accounts_are_not_there_without_accounts(api: httpx.AsyncClient) -> None:
    assert (await api.post("/api/v1/auth/login", json={})).status_code == 404


async def test_without_accounts_everybody_is_the_demo_user(api: httpx.AsyncClient) -> None:
    me = (await api.get("/api/v1/users/me")).json()

    assert (me["key"], me["email"]) == ("system", "demo@kamerplanter.local")
