"""The headers that every answer has."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import Depends

from kamerplanter_backend.common.auth import Public
from tests.backend.api.harness import Bench

EXPECTED = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "strict-origin-when-cross-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}

JSON = {"Content-Type": "application/json"}


async def boom() -> None:
    """Fail."""
    raise RuntimeError("boom")


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        pytest.param("GET", "/api/health", {}, 200, id="an answer"),
        pytest.param("GET", "/api/v1/docs", {}, 200, id="a page"),
        pytest.param("GET", "/nowhere", {}, 404, id="404"),
        pytest.param("PUT", "/api/health", {}, 405, id="405"),
        pytest.param("OPTIONS", "/api/health", {}, 405, id="a preflight"),
        pytest.param("GET", "/boom", {}, 500, id="500"),
        pytest.param(
            "POST",
            "/api/v1/t/platform/tanks",
            {"content": b" " * 1_100_000, "headers": JSON},
            413,
            id="413",
        ),
        pytest.param("POST", "/api/v1/t/platform/tanks", {"content": b"x"}, 415, id="415"),
        pytest.param("POST", "/api/v1/t/platform/tanks", {"json": {}}, 422, id="422"),
        pytest.param("GET", "/api/health", {"headers": {"Host": "evil.example"}}, 403, id="403"),
    ],
)
async def test_every_answer_has_them(
    *,
    bench: Bench,
    api: httpx.AsyncClient,
    method: str,
    path: str,
    options: dict[str, Any],
    status: int,
) -> None:
    bench.app.router.add_api_route("/boom", boom, dependencies=[Depends(Public())])

    answer = await api.request(method, path, **options)

    assert answer.status_code == status
    for name, value in EXPECTED.items():
        assert answer.headers.get_list(name) == [value]
    assert answer.headers["x-request-id"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "strict-transport-security" not in answer.headers


async def test_production_makes_browsers_use_https_only(server_of: Callable[..., Bench]) -> None:
    bench = server_of(environment="production", bcrypt_rounds=10)

    async with bench.client() as api:
        answer = await api.get("/nowhere")

    assert answer.headers["strict-transport-security"] == "max-age=63072000"


async def test_names_below_the_own_one_are_a_setting(server_of: Callable[..., Bench]) -> None:
    bench = server_of(environment="production", bcrypt_rounds=10, hsts_subdomains=True)

    async with bench.client() as api:
        answer = await api.get("/api/health")

    assert answer.headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"


async def test_answers_about_logins_are_kept_by_no_cache(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/auth/whatever")

    assert answer.headers["cache-control"] == "no-store"
