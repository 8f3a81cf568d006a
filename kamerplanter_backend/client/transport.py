"""The one function that sends something to the server: timeouts, retries, errors as classes."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import SystemRandom
from typing import Literal

import aiohttp
from multidict import CIMultiDictProxy

from kamerplanter_backend.client.wire import (
    CERTIFICATE,
    CLOSED,
    NO_ADDRESS,
    NO_CONNECTION,
    REDIRECTED,
    SERVER_ERROR,
    TIMEOUT,
    UNREADABLE,
    error_of,
)
from kamerplanter_backend.common.exceptions import UnavailableError

MAX_ANSWER_BYTES = 64 * 1024 * 1024
"""Whatever sends more is no garden."""

_PASSING = frozenset({NO_CONNECTION, TIMEOUT, SERVER_ERROR})
"""Reasons that may be gone a moment later."""
_RANDOM = SystemRandom()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """How long a client waits for what; all in seconds."""

    connect_s: float = 5
    total_s: float = 30
    """For one attempt, from the first byte sent to the last one received."""
    answer_s: float = 6
    """So long a person waits for a silent server, all attempts together, where that loses nothing:
    the command is stored, the question can be asked again."""
    retry_s: float = 0.5
    """Before the second attempt; doubles with each further one."""
    attempts: int = 3
    silence_s: float = 45
    """A stream of changes without a sign of life for so long is dead; the server sends one
    every 15 s."""
    longest_pause_s: float = 60
    """Between attempts to open the stream, or to deliver what is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server said."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


def jittered(pause_s: float) -> float:
    """Return half to all of a pause, so that many clients do not come back at once. In seconds."""
    return pause_s * _RANDOM.uniform(0.5, 1)


class Transport:
    """Sends requests to one server.

    Args:
        base_url: `http(s)://host[:port][/path]` of the server.
        token: API key or access token; none = the server runs in light mode.
        session: Used and left open; none = an own one.
        waits: How long it waits.
    """

    def __init__(
        self,
        base_url: str,
        *,
        token: str | None,
        session: aiohttp.ClientSession | None,
        waits: Waits,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.waits = waits
        self.is_closed = False
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._session = session
        self._is_own = session is None
        self._running = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def send(
        self,
        method: Literal["GET", "POST"],
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        is_safe: bool = True,
    ) -> Answer:
        """Send a request and return what came back with a status below 400.

        Args:
            method: HTTP method.
            path: Below the address of the server, with a slash in front.
            body: JSON.
            headers: More than the usual ones.
            is_safe: Whether it may be sent again if nobody knows what became of it.

        Raises:
            UnavailableError: The server cannot be reached or cannot answer; `reason` says why.
            KamerplanterError: It refused.
        """
        self._running += 1
        self._idle.clear()
        try:
            pause_s = self.waits.retry_s
            for _ in range(self.waits.attempts - 1):
                try:
                    return await self._once(method, path, body, headers)
                except UnavailableError as error:
                    if not is_safe or error.placeholders.get("reason") not in _PASSING:
                        raise
                await asyncio.sleep(jittered(pause_s))
                pause_s *= 2
            return await self._once(method, path, body, headers)
        finally:
            self._running -= 1
            if not self._running:
                self._idle.set()

    @asynccontextmanager
    async def stream(
        self, path: str, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """Open an answer that goes on and on.

        Raises:
            UnavailableError: The server cannot be reached, or falls silent in the block.
            KamerplanterError: It refused.
        """
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=self.waits.connect_s, sock_read=self.waits.silence_s
        )
        async with (
            _network_errors(self.base_url),
            self._open_session().get(
                self.base_url + path,
                headers={**self._headers, **headers},
                timeout=timeout,
                allow_redirects=False,
            ) as response,
        ):
            if response.status != 200:  # noqa: PLR2004 - OK; nothing else is a stream
                raise _refusal(response, await _read(response))
            yield response.content

    async def close(self) -> None:
        """Wait a little for what is running, and let go of the connections."""
        self.is_closed = True
        try:
            async with asyncio.timeout(self.waits.connect_s):
                await self._idle.wait()
        except TimeoutError:
            pass  # the server is away: there is nothing to wait for
        if self._is_own and self._session is not None:
            await self._session.close()

    async def _once(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None
    ) -> Answer:
        timeout = aiohttp.ClientTimeout(total=self.waits.total_s, sock_connect=self.waits.connect_s)
        kind = {"Content-Type": "application/json"} if body is not None else {}
        async with (
            _network_errors(self.base_url),
            self._open_session().request(
                method,
                self.base_url + path,
                data=body,
                headers={**self._headers, **kind, **(headers or {})},
                timeout=timeout,
                allow_redirects=False,
            ) as response,
        ):
            content = await _read(response)
            if response.status >= 400 or response.status in _REDIRECTS:  # noqa: PLR2004 - errors
                raise _refusal(response, content)
            return Answer(status=response.status, headers=response.headers, body=content)

    def _open_session(self) -> aiohttp.ClientSession:
        if self.is_closed:
            raise UnavailableError("The connection to the server is closed.", reason=CLOSED)
        if self._session is None:
            self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        return self._session


_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@asynccontextmanager
async def _network_errors(address: str) -> AsyncIterator[None]:
    """Turn what goes wrong on the way into the one error that says so."""
    try:
        yield
    except TimeoutError as error:
        raise UnavailableError(
            f"{address} did not answer in time; check that the server runs.", reason=TIMEOUT
        ) from error
    except (aiohttp.ClientSSLError, ssl.SSLError) as error:
        raise UnavailableError(
            f"{address} cannot be trusted: {error}. Check its certificate.", reason=CERTIFICATE
        ) from error
    except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError) as error:
        raise UnavailableError(
            f"{address} is no address of a server; enter one like http://host:8075.",
            reason=NO_ADDRESS,
        ) from error
    except (aiohttp.ClientPayloadError, aiohttp.ClientResponseError) as error:
        raise UnavailableError(
            f"{address} answered with something that cannot be read: {error}.", reason=UNREADABLE
        ) from error
    except (aiohttp.ClientError, OSError) as error:
        raise UnavailableError(
            f"{address} cannot be reached; check address, network and server: {error}.",
            reason=NO_CONNECTION,
        ) from error


async def _read(response: aiohttp.ClientResponse) -> bytes:
    parts, size = [], 0
    async for part in response.content.iter_chunked(256 * 1024):
        parts.append(part)
        size += len(part)
        if size > MAX_ANSWER_BYTES:
            raise UnavailableError(
                f"The answer has more than {MAX_ANSWER_BYTES} bytes; check the address.",
                reason=UNREADABLE,
            )
    return b"".join(parts)


def _refusal(response: aiohttp.ClientResponse, content: bytes) -> Exception:
    if response.status in _REDIRECTS:
        target = response.headers.get("Location", "")[:200]
        # Following would hand the key to whoever answers there.
        return UnavailableError(
            f"The server sends us elsewhere ({target}); enter that address.", reason=REDIRECTED
        )
    return error_of(response.status, content)
