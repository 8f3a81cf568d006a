"""Connections on which no request arrives, over a real socket."""

import asyncio
import errno
import json
import socket
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from uuid import UUID

import pytest
from fastapi import Depends, Request, Response

from kamerplanter_backend import serving
from kamerplanter_backend.api.bare_answers import NOT_READABLE, bare_answer
from kamerplanter_backend.common.auth import Public
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.serving import PromptHeads
from tests.backend.api.harness import Bench
from tests.backend.api.test_security_headers import EXPECTED as SECURITY_HEADERS
from tests.live_server import PATIENCE_S, LiveServer

pytestmark = pytest.mark.usefixtures("socket_enabled")

HEAD_S = 0.3
REQUEST = b"GET /api/v1/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE = 16_000_000
"""More than the buffers of any machine between two sockets hold. [bytes]"""
SLOW = b"GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n"


@pytest.fixture
def live(socket_enabled: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[LiveServer]:
    monkeypatch.setattr(serving, "HEAD_S", HEAD_S)
    bench = Bench(max_connections=10)

    async def slow() -> str:
        await asyncio.sleep(3 * HEAD_S)
        return "done"

    async def fields(request: Request) -> list[str]:
        await request.body()
        return request.headers.keys()

    async def large() -> Response:
        return Response(b"x" * LARGE)

    bench.app.router.add_api_route("/large", large, dependencies=[Depends(Public())])
    bench.app.router.add_api_route("/slow", slow, dependencies=[Depends(Public())])
    bench.app.router.add_api_route(
        "/fields", fields, methods=["POST"], dependencies=[Depends(Public())]
    )
    server = LiveServer(bench.app, http=PromptHeads)
    yield server
    server.stop()
    bench.close()


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (OSError(errno.EADDRINUSE, "taken"), "or stop what listens there."),
        (PermissionError(errno.EACCES, "denied"), "KAMERPLANTER_PORT to 1024 or more"),
        (OSError(errno.EADDRNOTAVAIL, "not ours"), "KAMERPLANTER_HOST to an address or a name"),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "KAMERPLANTER_HOST to an address or"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, error: OSError, advice: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    bench = Bench()
    try:
        with pytest.raises(UnavailableError, match=f"{error.strerror}.*{advice}"):
            serving.serve(bench.server, lambda _: None)
    finally:
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


@pytest.fixture
def patient(live: LiveServer, monkeypatch: pytest.MonkeyPatch) -> LiveServer:
    """A server on which it is not time that ends a connection."""
    monkeypatch.setattr(serving, "HEAD_S", 2 * PATIENCE_S)
    return live


@pytest.mark.parametrize("ending", [b"keep-alive", b"close"])
def test_who_never_reads_an_answer_does_not_keep_the_connection(
    patient: LiveServer, monkeypatch: pytest.MonkeyPatch, ending: bytes
) -> None:
    monkeypatch.setattr(serving, "READ_S", 0.2)
    with connected(patient) as connection:
        connection.sendall(
            b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: " + ending + b"\r\n\r\n"
        )
        assert connection.recv(20).startswith(b"HTTP/1.1 200")

        deadline = time.monotonic() + PATIENCE_S
        while patient.connections:
            assert time.monotonic() < deadline, "the connection was kept"
            time.sleep(0.01)


def test_who_reads_a_large_answer_gets_all_of_it(patient: LiveServer) -> None:
    with connected(patient) as connection:
        connection.sendall(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with connection.makefile("rb") as answer:
            head = list(iter(answer.readline, b"\r\n"))
            body = answer.read(LARGE)

        assert head[0].startswith(b"HTTP/1.1 200")
        assert body == b"x" * LARGE
        assert answered(connection, REQUEST, b"}").startswith(b"HTTP/1.1 200")


def check_refusal(answer: bytes, status: bytes, code: str) -> None:
    """Make sure that what never became a request is answered as everything else is."""
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.split(b"\r\n")
    parts = (line.decode().lower().partition(": ") for line in lines)
    headers = Counter((name, value) for name, _, value in parts)
    said = json.loads(body)

    assert first.startswith(b"HTTP/1.1 " + status + b" ")
    for name, value in SECURITY_HEADERS.items():
        assert headers[name, value.lower()] == 1
    assert headers["content-type", "application/json"] == 1
    assert headers["content-length", str(len(body))] == 1
    assert headers["connection", "close"] == 1
    assert any(name == "date" for name, _ in headers)
    assert UUID(said["error_id"])
    assert said["error_code"] == code
    assert said["message"]
    assert said.keys() == {
        "error_id",
        "error_code",
        "message",
        "details",
        "timestamp",
        "path",
        "method",
    }


def refusal(live: LiveServer, request: bytes) -> bytes:
    """Send what is too much, and return what comes back before the server has closed."""
    with connected(live) as connection:
        answer = b""
        # It may close while the rest is on its way.
        with suppress(ConnectionError):
            connection.sendall(request)
        with suppress(ConnectionError):
            while part := connection.recv(4096):
                answer += part
        return answer


@pytest.mark.parametrize(
    "request_",
    [
        b"GET /" + b"a" * 2_000_000,
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: " + b"a" * 2_000_000,
        b"GET / HTTP/1.1\r\n" + b"X-Many: a\r\n" * 200_000,
    ],
    ids=["address", "field", "fields"],
)
def test_a_head_that_goes_on_and_on_is_cut_off(patient: LiveServer, request_: bytes) -> None:
    refusal(patient, request_)

    with connected(patient) as connection:
        assert answered(connection, REQUEST, b"}").startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "more",
    [
        # One byte too many, so that none is left unread when the server closes.
        b"X-Long: ".ljust(serving.MAX_HEAD_BYTES + 1 - len(REQUEST) + len(b"\r\n"), b"a"),
        b"X-Many: a\r\n" * serving.MAX_HEAD_FIELDS + b"\r\n",
    ],
    ids=["bytes", "fields"],
)
def test_a_head_that_is_too_large_is_refused(patient: LiveServer, more: bytes) -> None:
    request = REQUEST.removesuffix(b"\r\n") + more

    check_refusal(refusal(patient, request), b"431", "PAYLOAD_TOO_LARGE")


@pytest.mark.parametrize(
    ("version", "hosts", "status"),
    [
        (b"1.1", b"", b"400"),
        (b"1.1", b"Host: localhost\r\nHost: evil.example\r\n", b"400"),
        (b"1.0", b"Host: localhost\r\nhost: localhost\r\n", b"400"),
        (b"1.0", b"", b"403"),  # well-formed, and without a login an unknown name
        (b"1.0", b"Host: localhost\r\n", b"200"),
    ],
)
def test_a_request_names_one_host(
    patient: LiveServer, version: bytes, hosts: bytes, status: bytes
) -> None:
    request = b"GET /api/v1/health/live HTTP/" + version + b"\r\n" + hosts + b"\r\n"

    answer = refusal(patient, request)

    assert answer.startswith(b"HTTP/1.1 " + status)
    if status == b"400":
        check_refusal(answer, status, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("codings", "status"),
    [
        ([b"chunked"], b"200"),
        ([b"Chunked"], b"200"),
        ([b"xchunked", b"chunked"], b"400"),
        ([b"gzip, chunked"], b"400"),
    ],
)
def test_a_body_is_coded_in_one_known_way(
    patient: LiveServer, codings: list[bytes], status: bytes
) -> None:
    head = b"".join(b"Transfer-Encoding: " + coding + b"\r\n" for coding in codings)
    request = (
        b"POST /fields HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Connection: close\r\n" + head + b"\r\n2\r\n{}\r\n0\r\n\r\n"
    )

    answer = refusal(patient, request)

    assert answer.startswith(b"HTTP/1.1 " + status)
    if status == b"400":
        check_refusal(answer, status, "BAD_REQUEST")


def test_what_is_no_request_is_refused(patient: LiveServer) -> None:
    check_refusal(refusal(patient, b"no request\r\n\r\n"), b"400", "BAD_REQUEST")


def test_a_body_that_is_none_is_refused(patient: LiveServer) -> None:
    request = (
        b"POST /fields HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nno number\r\n"
    )

    check_refusal(refusal(patient, request), b"400", "BAD_REQUEST")


def test_what_comes_behind_a_request_is_not_answered_in_its_place(patient: LiveServer) -> None:
    answer = refusal(patient, SLOW + b"no request\r\n\r\n")

    assert answer == b""


def test_browsers_use_https_only_after_a_refusal_too() -> None:
    bench = Bench(environment="production", bcrypt_rounds=10)
    try:
        answer = bare_answer(bench.app, NOT_READABLE)
    finally:
        bench.close()

    assert b"\r\nstrict-transport-security: max-age=63072000\r\n" in answer


def test_who_comes_when_there_are_too_many_connections_is_told_so(
    patient: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "SPARE_CONNECTIONS", 0)
    with ExitStack() as others:
        for _ in range(9):
            others.enter_context(connected(patient))
        deadline = time.monotonic() + PATIENCE_S
        while patient.connections < 9:
            assert time.monotonic() < deadline, "the server does not take connections"
            time.sleep(0.01)

        answer = refusal(patient, REQUEST)

    check_refusal(answer, b"503", "UNAVAILABLE")
    assert b"\r\nretry-after: 5\r\n" in answer


def test_a_large_body_is_no_large_head(patient: LiveServer) -> None:
    body = b'{"email": "' + b"a" * 500_000 + b'"}'
    head = (
        b"POST /fields HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % len(body)
    )

    with connected(patient) as connection:
        assert answered(connection, head + body, b"]").startswith(b"HTTP/1.1 200")


def test_what_follows_a_body_is_no_field_of_the_head(patient: LiveServer) -> None:
    with connected(patient) as connection:
        answer = answered(
            connection,
            b"POST /fields HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\nX-Early: a\r\n\r\n"
            b"2\r\n{}\r\n0\r\nAuthorization: Bearer a\r\n\r\n",
            b"]",
        )

    assert b'"x-early"' in answer
    assert b"authorization" not in answer


def test_a_trailer_that_goes_on_and_on_is_cut_off(patient: LiveServer) -> None:
    request = (
        b"POST /fields HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX-Long: " + b"a" * 2_000_000
    )

    assert refusal(patient, request) == b""
