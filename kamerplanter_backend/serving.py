"""Runs the web application on a socket until somebody stops it."""

import asyncio
import errno
import gc
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from types import FrameType
from typing import Any, override

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from kamerplanter_backend.api.bare_answers import (
    HEAD_TOO_LARGE,
    NO_ROOM,
    NOT_READABLE,
    Refusal,
    bare_answer,
)
from kamerplanter_backend.common.dependencies import Server
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.config.settings import PREFIX, Settings
from kamerplanter_backend.main import create_app
from kamerplanter_engines.errors import KamerplanterError

KEEP_ALIVE_S = 30
"""How long an idle connection stays open. [s]"""

HEAD_S = 10.0
"""How long the head of a request may take to arrive, as its body may. [s]"""

READ_S = 30.0
"""How long a caller may take nothing of an answer; it still counts as a connection. [s]"""

MAX_HEAD_BYTES = 64 * 1024
"""How long the head of a request may be; ours have less than a tenth of that."""

MAX_HEAD_FIELDS = 200
"""How many fields it may have."""

SPARE_CONNECTIONS = 100
"""Idle ones, beyond the limit of requests under way."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


def serve(server: Server, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; requests under way are answered before it returns. Blocks.

    Args:
        server: An open server; it is closed afterwards.
        on_ready: Gets the address once connections are taken.

    Raises:
        UnavailableError: The address cannot be listened on, or readings cannot be taken in.
        InvalidInputError: A setting of what runs within cannot be used.
    """
    settings = server.settings
    try:
        sockets = _bound(settings)
    except BaseException:
        server.close()
        raise
    config = uvicorn.Config(
        create_app(server),
        host=settings.bind_host,
        port=settings.port,
        loop="uvloop",
        http=PromptHeads,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies) or None,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=settings.shutdown_s,
    )
    _Listener(config, server, on_ready).run(sockets)


def _bound(settings: Settings) -> list[socket.socket]:
    """Return a socket for each address of the host, as a name may have several."""
    host, port = settings.bind_host, settings.port
    bound: list[socket.socket] = []
    try:
        for family, kind, _, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            one = socket.socket(family, kind)
            bound.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind(address)
            one.setblocking(False)
    except OSError as error:
        for one in bound:
            one.close()
        raise UnavailableError(
            f"The server cannot listen on {host} port {port}: {error.strerror}. {_advice(error)}",
            reason="address",
        ) from error
    return bound


def _advice(error: OSError) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"Set {PREFIX}PORT or {PREFIX}HOST to others, or stop what listens there."
        case errno.EACCES:
            return f"Set {PREFIX}PORT to 1024 or more, which needs no rights."
        case _:
            return f"Set {PREFIX}HOST to an address or a name of this machine."


class PromptHeads(HttpToolsProtocol):
    """Closes connections on which nothing moves, or the head of a request never ends.

    Otherwise a few hundred that never finish a head, or never read their answer, would keep
    everybody else out for good, and one head that goes on and on would fill the memory: the
    parser below keeps all of it.
    """

    _waiting: asyncio.TimerHandle | None = None
    _watching: asyncio.TimerHandle | None = None
    _unfinished_bytes = 0
    """What has come since the last head, part of a body or request was complete."""
    _is_head = True
    """Whether fields belong to the head; what follows a body is its trailer."""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait()

    @override
    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        self._unfinished_bytes += len(data)
        super().data_received(data)
        if self._unfinished_bytes > MAX_HEAD_BYTES:
            self._refuse(HEAD_TOO_LARGE)
        elif self._is_answering():
            self._wait_no_more()
        else:
            self._wait()

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_head = True

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        # A trailer is nothing that we know; among the fields of the head it would get past
        # whoever in front of us has checked those.
        if self._is_head:
            super().on_header(name, value)

    @override
    def on_headers_complete(self) -> None:
        self._is_head = False
        if len(self.headers) > MAX_HEAD_FIELDS or (
            self._unfinished_bytes > MAX_HEAD_BYTES and self._head_bytes() > MAX_HEAD_BYTES
        ):
            self._refuse(HEAD_TOO_LARGE)
            raise ValueError("the head is too large")  # ends the parsing
        self._check_unambiguous()
        self._check_room()
        self._unfinished_bytes = 0
        super().on_headers_complete()

    @override
    def on_body(self, body: bytes) -> None:
        self._unfinished_bytes = 0
        super().on_body(body)

    @override
    def on_message_complete(self) -> None:
        self._unfinished_bytes = 0
        super().on_message_complete()

    @override
    def send_400_response(self, msg: str) -> None:
        cycle: RequestResponseCycle | None = self.cycle
        # A body that cannot be read belongs to the request that waits for it.
        is_body = cycle is not None and cycle.more_body and not cycle.response_started
        self._refuse(NOT_READABLE, is_body=is_body)

    @override
    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch()

    @override
    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._watch_no_more()

    @override
    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._watch()

    @override
    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self._watch()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        self._watch_no_more()
        super().connection_lost(exc)

    def _is_answering(self) -> bool:
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is not None and not cycle.response_complete

    def _check_unambiguous(self) -> None:
        """Make sure that whoever stands in front of us reads the same out of a head as we do.

        Source: RFC 9112, sections 3.2 and 6.1.

        Raises:
            ValueError: It names no host or several, or a coding that we do not know. Ends the
                parsing, which is answered by 400.
        """
        hosts = 0
        for name, value in self.headers:
            if name == b"host":
                hosts += 1
            elif name == b"transfer-encoding" and value.strip().lower() != b"chunked":
                raise ValueError("the coding of the body is unknown")
        if hosts > 1 or (hosts == 0 and self.parser.get_http_version() == "1.1"):
            raise ValueError("the head must name one host")

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _check_room(self) -> None:
        """Make sure that there are not too many connections.

        What comes behind another request on its connection is counted there, among the requests.

        Raises:
            ValueError: There are, which has been answered. Ends the parsing.
        """
        app: Any = self.config.app
        limit = app.state.server.settings.max_connections + SPARE_CONNECTIONS
        if len(self.connections) >= limit and not self._is_answering():
            self._refuse(NO_ROOM)
            raise ValueError("there are too many connections")

    def _refuse(self, refusal: Refusal, *, is_body: bool = False) -> None:
        if self.transport.is_closing():
            return
        # Behind a request that is being answered it would be taken for the answer to that.
        if is_body or not self._is_answering():
            app: Any = self.config.app
            self.transport.write(bare_answer(app, refusal, self.server_state.default_headers))
        self.transport.close()
        self._watch()

    def _watch(self) -> None:
        """See to it that the caller takes what is written, as closing waits for that."""
        if self._watching is None:
            left = self.transport.get_write_buffer_size()
            self._watching = self.loop.call_later(READ_S, self._look_again, left)

    def _look_again(self, left_before: int) -> None:
        self._watching = None
        left = self.transport.get_write_buffer_size()
        if 0 < left < left_before:
            self._watch()
        elif left:
            self.transport.abort()

    def _watch_no_more(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            self._watching = None

    def _wait(self) -> None:
        # What trickles in does not begin the time anew.
        if self._waiting is None:
            self._waiting = self.loop.call_later(HEAD_S, self.timeout_keep_alive_handler)

    def _wait_no_more(self) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None


class _Listener(uvicorn.Server):
    """Tells where it listens, ends open streams when it is to stop, and then ends quietly."""

    def __init__(
        self, config: uvicorn.Config, server: Server, on_ready: Callable[[str], None]
    ) -> None:
        super().__init__(config)
        self._server = server
        self._on_ready = on_ready
        self._loop: asyncio.AbstractEventLoop | None = None
        self._announcing = AsyncExitStack()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        log = logging.getLogger("uvicorn.error")
        log.addFilter(self._is_worth_a_line)
        try:
            await super().startup(sockets)
        except SystemExit:
            if (refusal := self._refusal()) is not None:
                raise refusal from None
            raise
        finally:
            log.removeFilter(self._is_worth_a_line)
        self._loop = asyncio.get_running_loop()
        # What was made by now stays: the collector need not look at it again.
        gc.collect()
        gc.freeze()
        if self.started:
            self._on_ready(self._address())
            await self._announce()

    def _refusal(self) -> KamerplanterError | None:
        """Return why the application does not start, if a person can do something about it."""
        app: Any = self.config.app
        return getattr(app.state, "refusal", None)

    def _is_worth_a_line(self, _record: logging.LogRecord) -> bool:
        """Leave the traceback out of a refusal: it is said in a sentence by whoever asked."""
        return self._refusal() is None

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._announcing.aclose()
        await super().shutdown(sockets)

    @override
    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._loop is not None:
            # A stream of changes never ends by itself.
            self._loop.call_soon_threadsafe(self._server.hub.stop)
        super().handle_exit(sig, frame)

    @override
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        before = {number: signal.signal(number, self.handle_exit) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    async def _announce(self) -> None:
        if not self._server.settings.announce:
            return
        # It takes a while to load: connections are taken by now.
        from kamerplanter_backend.announce import announced, announcement_of  # noqa: PLC0415

        announcement = announcement_of(
            self._server.settings, self._server.instance_id, self._port()
        )
        if announcement is not None:
            await self._announcing.enter_async_context(announced(announcement))

    def _port(self) -> int:
        port = self._server.settings.port
        for listener in self.servers:
            for bound in listener.sockets:
                port = bound.getsockname()[1]
        return port

    def _address(self) -> str:
        port = self._port()
        host = self._server.settings.host
        return f"http://{f'[{host}]' if ':' in host else host}:{port}"
