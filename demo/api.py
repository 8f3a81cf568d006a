"""Home Assistant's REST and WebSocket API, as far as its own front end uses it."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any

import aiohttp

from demo.processes import ChildError

type Json = dict[str, Any]
"""An object that came over the wire; its shape is Home Assistant's."""

REQUEST_SECONDS = 60


class ApiError(Exception):
    """Home Assistant refused a request."""

    def __init__(self, what: str, status: int | str, text: str) -> None:
        super().__init__(f"{what}: {status}: {text}")
        self.status = status
        self.text = text


class Api:
    """A logged-in user: REST calls, config flows and one WebSocket connection."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.client_id = f"{address}/"
        self.tokens: Json = {}
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=REQUEST_SECONDS),
            # Home Assistant restarts under us: a kept connection would be a dead one.
            connector=aiohttp.TCPConnector(force_close=True),
        )
        self.socket: Socket | None = None

    async def close(self) -> None:
        """Close the connections."""
        await self.disconnect()
        await self._session.close()

    async def request(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - a JSON value
        """Send a JSON request and return the JSON answer.

        Raises:
            ApiError: The answer is not a success.
        """
        headers = {}
        if self.tokens:
            headers["Authorization"] = f"Bearer {self.tokens['access_token']}"
        async with self._session.request(
            method, f"{self.address}{path}", json=body, headers=headers
        ) as answer:
            text = await answer.text()
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise ApiError(f"{method} {path}", answer.status, text)
            return await answer.json() if text and "json" in answer.content_type else text

    async def get(self, path: str) -> Any:  # noqa: ANN401 - a JSON value
        """Read something."""
        return await self.request("GET", path)

    async def post(self, path: str, body: object = None) -> Any:  # noqa: ANN401 - a JSON value
        """Do something."""
        return await self.request("POST", path, {} if body is None else body)

    async def onboard(self, *, name: str, username: str, password: str) -> None:
        """Make the first user, and log in."""
        answer = await self.post(
            "/api/onboarding/users",
            {
                "name": name,
                "username": username,
                "password": password,
                "language": "en",
                "client_id": self.client_id,
            },
        )
        await self._fetch_tokens(answer["auth_code"])

    async def log_in(self, *, username: str, password: str) -> None:
        """Log in as the front end does."""
        self.tokens = {}
        flow = await self.post(
            "/auth/login_flow",
            {
                "client_id": self.client_id,
                "handler": ["homeassistant", None],
                "redirect_uri": self.client_id,
            },
        )
        answer = await self.post(
            f"/auth/login_flow/{flow['flow_id']}",
            {"client_id": self.client_id, "username": username, "password": password},
        )
        if answer["type"] != "create_entry":
            raise ApiError("log in", answer["type"], str(answer.get("errors")))
        await self._fetch_tokens(answer["result"])

    async def _fetch_tokens(self, code: str) -> None:
        form = {"grant_type": "authorization_code", "code": code, "client_id": self.client_id}
        async with self._session.post(f"{self.address}/auth/token", data=form) as answer:
            if answer.status != HTTPStatus.OK:
                raise ApiError("token", answer.status, await answer.text())
            self.tokens = await answer.json()

    async def connect(self) -> Socket:
        """Open the WebSocket connection and return it."""
        await self.disconnect()
        connection = await self._session.ws_connect(
            f"{self.address}/api/websocket", max_msg_size=0, heartbeat=30
        )
        self.socket = Socket(connection)
        await self.socket.authenticate(self.tokens["access_token"])
        return self.socket

    async def disconnect(self) -> None:
        """Close the WebSocket connection, if one is open."""
        if self.socket is not None:
            await self.socket.close()
            self.socket = None

    async def command(self, kind: str, **fields: object) -> Any:  # noqa: ANN401 - a JSON value
        """Send a WebSocket command and return its result."""
        if self.socket is None:
            raise ApiError(kind, "closed", "not connected")
        return await self.socket.command(kind, **fields)

    async def call_action(
        self, action: str, data: Mapping[str, object], *, answers: bool = False
    ) -> Any:  # noqa: ANN401 - a JSON value
        """Call an action such as `todo.update_item` over REST; with answers, return its response.

        Raises:
            ApiError: It was refused; the text is the translated reason.
        """
        domain, name = action.split(".")
        path = f"/api/services/{domain}/{name}{'?return_response' if answers else ''}"
        answer = await self.post(path, dict(data))
        return answer["service_response"] if answers else answer


class Socket:
    """One WebSocket connection: commands with answers, and subscriptions."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._listeners: dict[int, Callable[[Json], None]] = {}
        self._reader: asyncio.Task[None] | None = None
        self.closed = asyncio.Event()

    async def authenticate(self, token: str) -> None:
        """Say who we are, and begin to read."""
        await self._connection.receive_json()
        await self._connection.send_json({"type": "auth", "access_token": token})
        answer = await self._connection.receive_json()
        if answer["type"] != "auth_ok":
            raise ApiError("websocket", answer["type"], str(answer.get("message")))
        self._reader = asyncio.create_task(self._read())

    async def command(self, kind: str, **fields: object) -> Any:  # noqa: ANN401 - a JSON value
        """Send a command and return its result.

        Raises:
            ApiError: It was refused, or the connection ended.
        """
        number = next(self._numbers)
        return await self._send(number, kind, fields)

    async def subscribe(self, listener: Callable[[Json], None], kind: str, **fields: object) -> int:
        """Call the listener for each event of a subscription; return its number."""
        number = next(self._numbers)
        self._listeners[number] = listener
        await self._send(number, kind, fields)
        return number

    async def unsubscribe(self, subscription: int) -> None:
        """End a subscription."""
        fields = {"subscription": subscription}
        await self._send(next(self._numbers), "unsubscribe_events", fields)
        del self._listeners[subscription]

    async def _send(self, number: int, kind: str, fields: Mapping[str, object]) -> Any:  # noqa: ANN401
        if self.closed.is_set():
            raise ApiError(kind, "closed", "the connection ended")
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await self._connection.send_json({"id": number, "type": kind, **fields})
            message = await asyncio.wait_for(answer, REQUEST_SECONDS)
        except (TimeoutError, ConnectionError) as error:
            raise ApiError(kind, type(error).__name__, str(error)) from error
        finally:
            del self._waiting[number]
        if not message["success"]:
            raise ApiError(kind, message["error"]["code"], message["error"]["message"])
        return message["result"]

    async def _read(self) -> None:
        try:
            async for frame in self._connection:
                if frame.type is not aiohttp.WSMsgType.TEXT:
                    continue
                message = frame.json()
                for part in message if isinstance(message, list) else [message]:
                    self._dispatch(part)
        finally:
            self.closed.set()
            for answer in self._waiting.values():
                if not answer.done():
                    answer.set_exception(ConnectionError("the connection ended"))

    def _dispatch(self, message: Json) -> None:
        if message["type"] == "event" and (listener := self._listeners.get(message["id"])):
            listener(message["event"])
        elif message["type"] == "result":
            answer = self._waiting.get(message["id"])
            if answer is not None and not answer.done():
                answer.set_result(message)

    async def close(self) -> None:
        """End the connection."""
        await self._connection.close()
        if self._reader is not None:
            self._reader.cancel()
            with suppress(asyncio.CancelledError):
                await self._reader


async def wait_until_running(api: Api, is_alive: Callable[[], bool], seconds: float) -> None:
    """Wait until Home Assistant is up and has started everything.

    Raises:
        ChildError: It ended, or took too long.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        if not is_alive():
            raise ChildError("Home Assistant ended at its start")
        with suppress(aiohttp.ClientError, ApiError, TimeoutError):
            config = await api.get("/api/config")
            if config["state"] == "RUNNING":
                return
        await asyncio.sleep(0.1)
    raise ChildError(f"Home Assistant was not ready after {seconds:.0f} s")


async def wait_for_login(api: Api, is_alive: Callable[[], bool], seconds: float) -> bool:
    """Wait until one can log in, which is before everything has started.

    Returns:
        Whether the first user has to be made.

    Raises:
        ChildError: It ended, or took too long.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        if not is_alive():
            raise ChildError("Home Assistant ended at its start")
        with suppress(aiohttp.ClientError, TimeoutError):
            try:
                await api.get("/auth/providers")
            except ApiError as error:
                if "onboarding_required" in error.text:
                    return True
            else:
                return False
        await asyncio.sleep(0.1)
    raise ChildError(f"Home Assistant did not answer after {seconds:.0f} s")
