"""Each request has an id and a line in the log."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog
from structlog.testing import LogCapture

from kamerplanter_backend.common.log_context import noted, with_note
from kamerplanter_backend.config.logging import configure_logging
from kamerplanter_backend.config.settings import Environment, Mode
from tests.backend.api.browser import AUTH, EMAIL, ME, PASSWORD, Browser, register
from tests.backend.api.harness import GARDEN, Bench, settings_of

OWN = "0198a3c2-f7d8-4c52-a0b1-c2d3e4f50617"


@pytest.fixture
def log() -> Iterator[LogCapture]:
    """Return what is logged, with the context of each line."""
    capture, before = LogCapture(), structlog.get_config()
    structlog.configure(processors=[with_note, capture])
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
    assert (second["user_key"], second["tenant_slug"]) == (None, None)
    assert second["request_id"] not in {None, first["request_id"]}


async def test_lines_of_services_on_other_threads_belong_to_their_request(
    bench: Bench, log: LogCapture
) -> None:
    with noted("r1"):
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


HEAD = ["timestamp", "level", "event", "tenant_slug", "user_key", "request_id"]
"""What every line begins with."""


class Written:
    """What a process writes, line by line.

    Args:
        environment: Where it runs; only in production a line is JSON.
    """

    def __init__(self, environment: Environment = Environment.PRODUCTION) -> None:
        self.stream = io.StringIO()
        settings = settings_of(Mode.LIGHT).model_copy(update={"environment": environment})
        configure_logging(settings, self.stream)
        logging.getLogger("httpx").setLevel(logging.WARNING)

    def lines(self) -> list[dict[str, Any]]:
        """Return all lines so far; each has all that every line has, in that order."""
        lines = [json.loads(line) for line in self.stream.getvalue().splitlines()]
        for line in lines:
            assert list(line)[: len(HEAD)] == HEAD
            assert line["timestamp"].endswith("Z")
        return lines

    def line(self, event: str) -> dict[str, Any]:
        """Return the only line of an event."""
        (found,) = [line for line in self.lines() if line["event"] == event]
        return found


@pytest.fixture
def kept_logging() -> Iterator[None]:
    """Give the process its logging back."""
    root, httpx_level = logging.getLogger(), logging.getLogger("httpx").level
    handlers, level, before = list(root.handlers), root.level, structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("httpx").setLevel(httpx_level)
    structlog.configure(**before)


@pytest.mark.usefixtures("kept_logging")
class TestCompleteLines:
    """Each line says when, how grave, what, where, who and in which request."""

    async def test_of_somebody_who_is_known(self, server_of: Callable[..., Bench]) -> None:
        bench = server_of(Mode.FULL)
        ada = bench.person("ada")
        bench.garden(ada, "Tent")
        written = Written()

        async with bench.client(headers=ada.headers) as api:
            answer = await api.get("/api/v1/t/tent/plants")

        line = written.line("request")
        assert (line["tenant_slug"], line["user_key"]) == ("tent", ada.key)
        assert line["request_id"] == answer.headers["x-request-id"]
        assert (line["level"], line["status"], line["auth_kind"]) == ("info", 200, "jwt")
        assert line["logger"] == "kamerplanter_backend.access"

    @pytest.mark.parametrize(
        "headers",
        [
            pytest.param({}, id="anonymous"),
            pytest.param({"Authorization": "Bearer eyJhbGciOi.eyJzdWIiOi.c2ln"}, id="wrong token"),
            pytest.param({"Authorization": "Bearer kp_1a2b3c4d5e6f7g8h"}, id="wrong key"),
        ],
    )
    async def test_of_nobody(
        self, server_of: Callable[..., Bench], headers: dict[str, str]
    ) -> None:
        bench = server_of(Mode.FULL)
        bench.garden(bench.person("ada"), "Tent")
        written = Written()

        async with bench.client(headers=headers) as api:
            answer = await api.get("/api/v1/t/tent/plants")

        assert answer.status_code == 401
        for event in ("refused", "request"):
            line = written.line(event)
            assert (line["tenant_slug"], line["user_key"]) == (None, None)
            assert line["request_id"] == answer.headers["x-request-id"]
            assert line["status"] == 401
        secret = headers.get("Authorization", "Bearer nothing").removeprefix("Bearer ")
        assert secret not in written.stream.getvalue()

    async def test_of_somebody_in_front_of_a_garden_of_others(
        self, server_of: Callable[..., Bench]
    ) -> None:
        bench = server_of(Mode.FULL)
        bench.garden(bench.person("ada"), "Tent")
        ben = bench.person("ben")
        written = Written()

        async with bench.client(headers=ben.headers) as api:
            answer = await api.get("/api/v1/t/tent/plants")

        assert answer.status_code == 404
        for event in ("refused", "request"):
            line = written.line(event)
            # It is not said where either: for this caller there is no such garden.
            assert (line["tenant_slug"], line["user_key"]) == (None, ben.key)
            assert line["request_id"] == answer.headers["x-request-id"]

    async def test_of_somebody_who_logs_in_stays_and_leaves(
        self, server_of: Callable[..., Bench]
    ) -> None:
        bench = server_of(Mode.FULL)
        await register(bench)
        ada, stranger = Browser(bench), Browser(bench)
        written = Written()

        await stranger.log_in(password="wrong password")
        await ada.log_in()
        await ada.refresh()
        key = (await ada.get(ME)).json()["key"]
        await ada.post(f"{AUTH}/logout")

        lines = [line for line in written.lines() if line.get("method") == "POST"]
        assert [(line["route"].rpartition("/")[2], line["user_key"]) for line in lines] == [
            ("login", None),
            ("login", key),
            ("refresh", key),
            ("logout", key),
        ]
        for secret in (EMAIL, PASSWORD, "wrong password", ada.access_token):
            assert str(secret) not in written.stream.getvalue()

    async def test_of_an_address_that_is_none(self, api: httpx.AsyncClient) -> None:
        written = Written()

        answer = await api.get("/nothing/here")

        line = written.line("request")
        assert (line["status"], line["route"]) == (404, "unknown")
        assert (line["tenant_slug"], line["user_key"]) == (None, None)
        assert line["request_id"] == answer.headers["x-request-id"]

    async def test_of_a_mistake_of_ours(
        self, bench: Bench, api: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def fail(*_: object) -> None:
            raise RuntimeError("the mail of ada@example.org")

        monkeypatch.setattr(type(bench.server.services.tank), "get", fail)
        written = Written()

        answer = await api.get(f"{GARDEN}/tanks/x")

        assert answer.status_code == 500
        for event, level in (("unhandled_error", "error"), ("request", "info")):
            line = written.line(event)
            assert (line["level"], line["tenant_slug"]) == (level, "platform")
            assert line["user_key"] == "system"
            assert line["request_id"] == answer.headers["x-request-id"]
        assert "RuntimeError" in written.line("unhandled_error")["exception"]
        assert "ada@" not in written.stream.getvalue()

    async def test_of_a_service_on_another_thread_that_learns_who_calls(
        self, bench: Bench, api: httpx.AsyncClient
    ) -> None:
        written = Written()

        answer = await api.post(f"{GARDEN}/tanks", json={"name": "", "volume_l": 60})

        assert answer.status_code == 422
        assert {line["request_id"] for line in written.lines()} == {answer.headers["x-request-id"]}

    async def test_of_the_quiet_ones_below_the_level(
        self, bench: Bench, api: httpx.AsyncClient
    ) -> None:
        stream = io.StringIO()
        settings = settings_of(Mode.LIGHT).model_copy(
            update={"environment": Environment.PRODUCTION, "log_level": "warning"}
        )
        configure_logging(settings, stream)

        await api.get(f"{GARDEN}/tanks")

        assert stream.getvalue() == ""

    async def test_for_people_each_line_says_the_same(self, api: httpx.AsyncClient) -> None:
        written = Written(Environment.DEVELOPMENT)

        answer = await api.get(f"{GARDEN}/tanks")

        (line,) = written.stream.getvalue().splitlines()
        assert "tenant_slug=platform" in line
        assert "user_key=system" in line
        assert f"request_id={answer.headers['x-request-id']}" in line
