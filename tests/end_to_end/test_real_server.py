"""A real server process on a real socket: start, limits of the wire, orderly end."""

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.server_process import PATIENCE_S, Process

pytestmark = [pytest.mark.e2e, pytest.mark.usefixtures("socket_enabled")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Return a running server with the demo garden, which nobody stops."""
    process = Process(tmp_path_factory.mktemp("server"))
    yield process
    process.kill()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Process]:
    """Return a running server for one test alone."""
    process = Process(tmp_path)
    yield process
    process.kill()


def test_it_says_where_it_is_and_shows_the_demo_garden(server: Process) -> None:
    assert server.said[1] == f"Documentation: {server.address}/api/v1/docs\n"
    assert server.call("/api/v1/health/ready")["status"] == "ready"
    assert len(server.call("/api/v1/t/platform/plants")["items"]) == 3


def test_every_line_of_its_log_is_json_and_the_web_server_is_quiet_about_addresses(
    own: Process,
) -> None:
    own.call("/api/v1/t/platform/plants?limit=7")
    own.stop()

    lines = own.lines()
    assert [line["route"] for line in lines if line["event"] == "request"] == [
        "/api/v1/t/{slug}/plants"
    ]
    assert "limit=7" not in own.log.read_text()


def test_it_does_not_tell_what_it_is_made_of(server: Process) -> None:
    with urllib.request.urlopen(f"{server.address}/api/health", timeout=PATIENCE_S) as answer:  # noqa: S310
        assert answer.headers["Server"] is None
        assert answer.headers["X-Powered-By"] is None


def test_a_stop_answers_what_is_under_way_and_ends_open_streams(
    own: Process, tmp_path: Path
) -> None:
    stream = own.connect()
    stream.sendall(b"GET /api/v1/t/platform/client/changes HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert stream.recv(15) == b"HTTP/1.1 200 OK"
    written: list[str] = []
    refused = threading.Event()

    def write() -> None:
        while not refused.is_set():
            try:
                name = f"Tank {len(written)}"
                own.call("/api/v1/t/platform/tanks", {"name": name, "volume_l": 1})
                written.append(name)
            except OSError:
                refused.set()

    writer = threading.Thread(target=write)
    writer.start()
    while len(written) < 20:
        time.sleep(0.01)

    code = own.stop()
    refused.wait(PATIENCE_S)
    writer.join(PATIENCE_S)
    stream.close()

    assert code == 0
    again = Process(tmp_path)
    try:
        total = again.call("/api/v1/t/platform/tanks?limit=1")["total"]
        found: set[str] = set()
        cursor = ""
        while cursor is not None:
            page = again.call(f"/api/v1/t/platform/tanks?limit=200{cursor and f'&cursor={cursor}'}")
            found |= {tank["name"] for tank in page["items"]}
            cursor = page["cursor"]
    finally:
        again.kill()
    assert set(written) <= found
    assert total == len(found)


def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(server: Process) -> None:
    with server.connect() as wire:
        wire.sendall(
            b"POST /api/v1/t/platform/tanks HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 999999999\r\n\r\n"
        )
        answer = _read_all(wire)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"error_code":"PAYLOAD_TOO_LARGE"' in answer
    assert b"x-frame-options: DENY" in answer


def test_a_body_that_stops_coming_is_given_up_after_ten_seconds(server: Process) -> None:
    with server.connect() as wire:
        wire.sendall(
            b"POST /api/v1/t/platform/tanks HTTP/1.1\r\nHost: localhost\r\n"
            b'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"name":'
        )
        answer = _read_all(wire)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"error_code":"REQUEST_TIMEOUT"' in answer


def test_a_port_that_is_taken_ends_it_with_a_reason(server: Process, tmp_path: Path) -> None:
    (tmp_path / "second").mkdir()
    own = os.environ | {
        "KAMERPLANTER_STORE": f"sqlite:///{tmp_path}/second/garden.db",
        "KAMERPLANTER_PORT": str(server.port),
    }

    done = subprocess.run(
        [sys.executable, "-m", "kamerplanter_backend.cli", "serve"],
        env=own,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert done.returncode != 0
    assert "Address already in use" in done.stderr


def _read_all(wire: socket.socket) -> bytes:
    parts = []
    while part := wire.recv(65536):
        parts.append(part)
    return b"".join(parts)
