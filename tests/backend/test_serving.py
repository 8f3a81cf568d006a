"""Connections on which no request arrives, over a real socket."""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from fastapi import Depends

from kamerplanter_backend import serving
from kamerplanter_backend.common.auth import Public
from kamerplanter_backend.serving import PromptHeads
from tests.backend.api.harness import Bench
from tests.live_server import PATIENCE_S, LiveServer

pytestmark = pytest.mark.usefixtures("socket_enabled")

HEAD_S = 0.3
REQUEST = b"GET /api/v1/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
SLOW = b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def live(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveServer]:
    monkeypatch.setattr(serving, "HEAD_S", HEAD_S)
    bench = Bench()

    async def slow() -> str:
        await asyncio.sleep(3 * HEAD_S)
        return "done"

    bench.app.router.add_api_route("/slow", slow, dependencies=[Depends(Public())])
    server = LiveServer(bench.app, http=PromptHeads)
    yield server
    server.stop()
    bench.close()


def connected(live: LiveServer) -> socket.socket:
    return socket.create_connection(("127.0.0.1", live.port), timeout=PATIENCE_S)


def answered(connection: socket.socket, request: bytes, ending: bytes) -> bytes:
    """Send a request and return its answer, which is read up to its known ending."""
    connection.sendall(request)
    answer = b""
    while not answer.endswith(ending):
        part = connection.recv(4096)
        assert part, "the server has closed the connection"
        answer += part
    return answer


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nHost: loc", b"\r\n"])
def test_a_head_that_does_not_arrive_is_given_up(live: LiveServer, begun: bytes) -> None:
    with connected(live) as connection:
        connection.sendall(begun)

        assert connection.recv(100) == b""


def test_what_trickles_in_gets_no_more_time(live: LiveServer) -> None:
    with connected(live) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        connection.settimeout(HEAD_S / 6)
        ended = False
        for _ in range(100):
            try:
                connection.sendall(b"a")
                ended = connection.recv(100) == b""
            except TimeoutError:
                continue
            except ConnectionError:
                ended = True
            if ended:
                break

        assert ended


def test_the_second_request_of_a_connection_must_arrive_too(live: LiveServer) -> None:
    with connected(live) as connection:
        first = answered(connection, REQUEST, b"}")
        connection.sendall(b"GET ")

        assert first.startswith(b"HTTP/1.1 200")
        assert connection.recv(100) == b""


def test_an_answer_may_take_longer_than_a_head(live: LiveServer) -> None:
    with connected(live) as connection:
        assert answered(connection, SLOW, b'"done"').startswith(b"HTTP/1.1 200")
        assert answered(connection, REQUEST, b"}").startswith(b"HTTP/1.1 200")
