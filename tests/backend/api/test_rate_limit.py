"""How often one address may call a login route, and how many requests there may be at once."""

import asyncio
from collections.abc import Callable

import httpx
import pytest
from fastapi import Depends, Request

from kamerplanter_backend.api.rate_limit import AuthRateLimit
from kamerplanter_backend.common.auth import Public
from kamerplanter_backend.config.settings import Mode
from tests.backend.api.harness import ADDRESS, GARDEN, Bench


def with_limit(bench: Bench, path: str, name: str) -> None:
    """Add a route whose calls are counted."""

    async def call() -> str:
        return "done"

    dependencies = [Depends(Public()), Depends(AuthRateLimit(name))]
    bench.app.router.add_api_route(path, call, methods=["POST"], dependencies=dependencies)


def client_at(bench: Bench, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(bench.app, client=(address, 1))
    return httpx.AsyncClient(transport=transport, base_url=ADDRESS)


async def test_one_call_too_many_is_refused_and_told_when_to_come_again(
    server_of: Callable[..., Bench],
) -> None:
    bench = server_of(Mode.FULL, auth_rate_limit="2/minute")
    with_limit(bench, "/in", "in")

    async with client_at(bench, "192.0.2.1") as api:
        answers = [await api.post("/in") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["error_code"] == "RATE_LIMITED"
    assert 1 <= int(answers[2].headers["retry-after"]) <= 61


async def test_addresses_and_routes_are_counted_apart(server_of: Callable[..., Bench]) -> None:
    bench = server_of(Mode.FULL, auth_rate_limit="1/minute")
    with_limit(bench, "/in", "in")
    with_limit(bench, "/reset", "reset")

    statuses = []
    for address, path in (
        ("192.0.2.1", "/in"),
        ("192.0.2.2", "/in"),
        ("192.0.2.1", "/reset"),
        ("192.0.2.1", "/in"),
    ):
        async with client_at(bench, address) as api:
            statuses.append((await api.post(path)).status_code)

    assert statuses == [200, 200, 200, 429]


@pytest.mark.parametrize(
    ("other", "status"),
    [("2001:db8:1:2:ffff::9", 429), ("2001:db8:1:3::1", 200), ("192.0.2.1", 200)],
)
async def test_all_addresses_of_one_ipv6_line_count_together(
    server_of: Callable[..., Bench], other: str, status: int
) -> None:
    bench = server_of(Mode.FULL, auth_rate_limit="1/minute")
    with_limit(bench, "/in", "in")

    async with client_at(bench, "2001:db8:1:2::1") as api:
        await api.post("/in")
    async with client_at(bench, other) as api:
        answer = await api.post("/in")

    assert answer.status_code == status


async def test_a_header_does_not_make_another_address(server_of: Callable[..., Bench]) -> None:
    bench = server_of(Mode.FULL, auth_rate_limit="1/minute")
    with_limit(bench, "/in", "in")

    async with client_at(bench, "192.0.2.1") as api:
        await api.post("/in")
        answer = await api.post("/in", headers={"X-Forwarded-For": "192.0.2.9"})

    assert answer.status_code == 429


async def test_another_application_counts_for_itself(server_of: Callable[..., Bench]) -> None:
    statuses = []
    for _ in range(2):
        bench = server_of(Mode.FULL, auth_rate_limit="1/minute")
        with_limit(bench, "/in", "in")
        async with client_at(bench, "192.0.2.1") as api:
            statuses.append((await api.post("/in")).status_code)

    assert statuses == [200, 200]


async def test_beyond_so_many_requests_at_once_it_asks_to_come_again(
    server_of: Callable[..., Bench],
) -> None:
    bench = server_of(max_connections=10)
    go_on = asyncio.Event()
    waiting = asyncio.Semaphore(0)

    async def hold(request: Request) -> str:
        waiting.release()
        await go_on.wait()
        return request.method

    bench.app.router.add_api_route("/hold", hold, dependencies=[Depends(Public())])

    async with bench.client() as api, asyncio.TaskGroup() as group:
        held = [group.create_task(api.get("/hold")) for _ in range(10)]
        for _ in held:
            await waiting.acquire()
        refused = await api.get("/api/v1/mode")
        go_on.set()
    async with bench.client() as api:
        afterwards = await api.get("/api/v1/mode")

    assert (refused.status_code, refused.json()["error_code"]) == (503, "UNAVAILABLE")
    assert int(refused.headers["retry-after"]) > 0
    assert {task.result().status_code for task in held} == {200}
    assert afterwards.status_code == 200


async def test_a_calendar_feed_is_read_so_often_by_one_address(
    server_of: Callable[..., Bench],
) -> None:
    bench = server_of(feed_rate_limit="2/minute")
    async with bench.client() as api:
        made = [
            (await api.post(f"{GARDEN}/calendar/feeds", json={"name": name})).json()["address"]
            for name in ("A", "B")
        ]
    first, second = (address.removeprefix(ADDRESS) for address in made)
    guessed = first.partition("?")[0] + "?token=guessed"

    statuses = []
    for address, path in (
        ("192.0.2.1", first),
        ("192.0.2.1", guessed),
        ("192.0.2.1", first),
        ("192.0.2.1", second),
        ("192.0.2.2", first),
    ):
        async with client_at(bench, address) as program:
            answer = await program.get(path)
        statuses.append(answer.status_code)
        if answer.status_code == 429:
            assert answer.json()["error_code"] == "RATE_LIMITED"
            assert 1 <= int(answer.headers["retry-after"]) <= 61

    # Another token counts as well: guessing is slow. Another feed or address is counted apart.
    assert statuses == [200, 404, 429, 200, 200]
