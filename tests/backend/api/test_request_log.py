"""Each request has an id and a line in the log."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog
from structlog.testing import LogCapture

from kamerplanter_backend.config.settings import Mode
from tests.backend.api.harness import GARDEN, Bench

OWN = "0198a3c2-f7d8-4c52-a0b1-c2d3e4f50617"


@pytest.fixture
def log() -> Iterator[LogCapture]:
    """Return what is logged, with the context of each line."""
    capture, before = LogCapture(), structlog.get_config()
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, capture])
    yield capture
    structlog.configure(**before)


def requests(log: LogCapture) -> list[dict[str, Any]]:
    return [dict(entry) for entry in log.entries if entry["event"] == "request"]


async def test_a_uuid_of_the_caller_is_taken_over(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/mode", headers={"X-Request-ID": OWN.upper()})

    assert answer.headers["x-request-id"] == OWN


@pytest.mark.parametrize("own", ["", "1", "x" * 36, OWN + "\u00e4", f"{OWN} evil", OWN + OWN])
async def test_anything_else_is_not(api: httpx.AsyncClient, own: str) -> None:
    answer = await api.get("/api/v1/mode", headers={b"X-Request-ID": own.encode()})

    assert answer.headers["x-request-id"] != own
    assert str(UUID(answer.headers["x-request-id"])) == answer.headers["x-request-id"]


async def test_a_line_tells_who_asked_what_and_how_it_ended(
    server_of: Callable[..., Bench], log: LogCapture
) -> None:
    bench = server_of(Mode.FULL)
    ada = bench.person("ada")
    tenant = bench.garden(ada, "Tent")

    async with bench.client(headers=ada.headers) as api:
        answer = await api.get(f"/api/v1/t/{tenant.slug}/plants/xyz?cursor=geheim")

    (line,) = requests(log)
    assert line.pop("duration_ms") >= 0
    assert line == {
        "event": "request",
        "log_level": "info",
        "method": "GET",
        "route": "/api/v1/t/{slug}/plants/{key}",
        "status": 404,
        "tenant_slug": "tent",
        "user_key": ada.key,
        "auth_kind": "jwt",
        "request_id": answer.headers["x-request-id"],
    }


async def test_the_next_request_does_not_inherit_the_caller(
    bench: Bench, api: httpx.AsyncClient, log: LogCapture
) -> None:
    await api.get(f"{GARDEN}/plants")
    await api.get("/api/v1/mode")

    first, second = requests(log)
    assert first["user_key"] == "system"
    assert "user_key" not in second
    assert "tenant_slug" not in second


async def test_lines_of_services_on_other_threads_belong_to_their_request(
    bench: Bench, log: LogCapture
) -> None:
    with structlog.contextvars.bound_contextvars(request_id="r1"):
        await bench.server.run(lambda: structlog.get_logger("service").info("deep"))

    assert log.entries[-1]["request_id"] == "r1"


async def test_an_unknown_address_is_not_written(api: httpx.AsyncClient, log: LogCapture) -> None:
    await api.get("/calendar/feeds/s3cret.ics")

    (line,) = requests(log)
    assert line["route"] == "unknown"
    assert "s3cret" not in str(log.entries)


async def test_whoever_asks_for_health_every_second_is_not_in_the_log(
    api: httpx.AsyncClient, log: LogCapture
) -> None:
    await api.get("/api/health")
    await api.get("/api/v1/health/ready")

    assert requests(log) == []
