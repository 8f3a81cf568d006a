"""Answers one GET on the loopback interface: the metrics of a worker."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

HOST: Final = "127.0.0.1"
PATIENCE_S: Final = 5.0
"""A question must arrive in that time. [s]"""
LONGEST_HEAD_BYTES: Final = 8192
MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"


@asynccontextmanager
async def metrics_server(port: int, path: str, text: Callable[[], str]) -> AsyncIterator[int]:
    """Serve a text on a port of this machine for the block; gives the port.

    Args:
        port: 0 = one that is free.
        path: Where it is found.
        text: Makes it anew for each question.

    Raises:
        OSError: The port is taken.
    """

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(
            TimeoutError, OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
        ):
            async with asyncio.timeout(PATIENCE_S):
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(_response(head, path, text))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, HOST, port, limit=LONGEST_HEAD_BYTES)
    async with server:
        yield int(server.sockets[0].getsockname()[1])


def _response(head: bytes, path: str, text: Callable[[], str]) -> bytes:
    words = head.split(b"\r\n", 1)[0].split(b" ")
    asked = words[1].partition(b"?")[0] if len(words) == 3 else b""  # noqa: PLR2004
    if words[0] not in {b"GET", b"HEAD"}:
        return _reply("405 Method Not Allowed", b"", "Allow: GET, HEAD\r\n")
    if asked != path.encode():
        return _reply("404 Not Found", b"")
    body = text().encode()
    reply = _reply("200 OK", body)
    return reply if words[0] == b"GET" else reply[: len(reply) - len(body)]


def _reply(status: str, body: bytes, more: str = "") -> bytes:
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n"
        f"Cache-Control: no-store\r\nConnection: close\r\n{more}\r\n"
    )
    return head.encode() + body
