"""Kamerplanter on a server, over HTTP: the same interface as in the same process."""

from collections.abc import Callable
from typing import Literal, override
from urllib.parse import quote
from uuid import uuid7

import aiohttp
from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError

from kamerplanter_backend.client.event_reader import EventReader
from kamerplanter_backend.client.listeners import Listeners
from kamerplanter_backend.client.protocol import (
    OLDEST_PROTOCOL,
    PROTOCOL,
    SINCE_PROTOCOL,
    Caller,
    Change,
    Command,
    KamerplanterClient,
    Request,
)
from kamerplanter_backend.client.transport import Answer, Transport, Waits
from kamerplanter_backend.client.views import GardenSnapshot
from kamerplanter_backend.client.wire import (
    CURSOR_HEADER,
    ROLE_HEADER,
    TAKEN_AT_HEADER,
    UNREADABLE,
    answer_type,
)
from kamerplanter_backend.common.exceptions import (
    IncompatibleServerError,
    OtherServerError,
    UnavailableError,
)
from kamerplanter_backend.common.meant_headers import GARDEN_HEADER, INSTANCE_HEADER

_MOMENT = TypeAdapter(AwareDatetime)


class ServerInfo(BaseModel):
    """What a server says of itself to anybody."""

    mode: Literal["full", "light"]
    version: str
    protocol: int
    """Number of the agreement between client and server."""
    instance_id: str | None = None
    """Stays the same for the life of its store; the `uuid` of its announcement."""


class RestClient(KamerplanterClient):
    """The client that asks a server. The account behind the token decides what is possible.

    The role of a caller narrows that, and never widens it.

    Args:
        base_url: `http(s)://host[:port][/path]` of the server.
        slug: The garden, as it stands in the addresses of the server.
        token: API key (`kp_...`) or access token; none = the server runs in light mode.
        session: Used and left open; none = an own one that `close` closes.
        waits: Timeouts and pauses.
        instance_id: Of the server that is meant; no other one gets anything from this client or
            is believed. None = whoever answers.
        garden_key: Of the garden that is meant; no other one of its name gets anything. None =
            whichever has the name.
        on_garden_key: Told the key of the garden whose snapshot came first, if none was given. From
            then on that garden is meant. None = it stays whichever has the name.
    """

    def __init__(
        self,
        base_url: str,
        *,
        slug: str,
        token: str | None = None,
        session: aiohttp.ClientSession | None = None,
        waits: Waits | None = None,
        instance_id: str | None = None,
        garden_key: str | None = None,
        on_garden_key: Callable[[str], None] | None = None,
    ) -> None:
        self._instance_id = instance_id
        self._on_garden_key = on_garden_key
        meant = {INSTANCE_HEADER: instance_id, GARDEN_HEADER: garden_key}
        # Said with each request, as another server may have taken its place since the last one.
        self._meant = {name: value for name, value in meant.items() if value is not None}
        self._transport = Transport(base_url, token=token, session=session, waits=waits or Waits())
        self._root = f"/api/v1/t/{quote(slug, safe='')}/client"
        self._listeners = Listeners[Change]("changes")
        self._stream_listeners = Listeners[bool]("the stream of changes")
        self._reader = EventReader(
            self._transport,
            f"{self._root}/changes",
            self._listeners.tell,
            self._note_stream,
            headers=self._meant,
        )
        self._known: GardenSnapshot | None = None
        self._etag: str | None = None
        self._cursor: str | None = None
        self._server: ServerInfo | None = None
        self.is_stream_open = False
        """Whether changes come in at once; else only what is asked for is known."""

    async def server_info(self) -> ServerInfo:
        """Return mode and version of the server, which needs no token.

        Raises:
            UnavailableError: It cannot be reached, or is no Kamerplanter server.
            IncompatibleServerError: It is too old or too new for this client.
            OtherServerError: It is not the one that is meant.
        """
        answer = await self._transport.send("GET", "/api/v1/mode")
        try:
            info = ServerInfo.model_validate_json(answer.body)
        except ValidationError as error:
            raise _unreadable(self._transport.base_url, error) from error
        if not OLDEST_PROTOCOL <= info.protocol <= PROTOCOL:
            older = "server" if info.protocol < OLDEST_PROTOCOL else "client"
            raise IncompatibleServerError(
                f"The server has version {info.version} and speaks protocol {info.protocol}; "
                f"this client speaks {OLDEST_PROTOCOL} to {PROTOCOL}. Update the {older}.",
                reason=f"{older} too old",
                found=info.version,
                known=PROTOCOL,
            )
        if self._instance_id not in {None, info.instance_id}:
            # What waits for one garden must not end up in another of the same name.
            raise self._other_server()
        if INSTANCE_HEADER not in answer.headers and self._instance_id is not None:
            raise self._nameless(info.version)
        self._server = info
        return info

    @override
    async def snapshot(self) -> GardenSnapshot:
        headers = {"If-None-Match": self._etag} if self._etag and self._known else {}
        answer = await self._ask("GET", "/snapshot", headers=headers)
        self._cursor = answer.headers.get(CURSOR_HEADER)
        known = self._known
        try:
            if answer.status == 304 and known is not None:  # noqa: PLR2004 - not modified
                taken_at = _MOMENT.validate_python(answer.headers.get(TAKEN_AT_HEADER))
                shown = known.model_copy(update={"taken_at": taken_at})
            else:
                shown = GardenSnapshot.model_validate_json(answer.body, extra="ignore")
        except ValidationError as error:
            raise _unreadable(self._transport.base_url, error) from error
        is_new = answer.status != 304  # noqa: PLR2004 - not modified
        self._known, self._etag = shown, answer.headers.get("ETag", None if is_new else self._etag)
        self._learn(answer.headers.get(GARDEN_HEADER))
        return shown

    def _learn(self, garden_key: str | None) -> None:
        """Mean the garden that answered from now on, if nobody has said which one is meant."""
        if garden_key is None or self._on_garden_key is None or GARDEN_HEADER in self._meant:
            return
        self._meant[GARDEN_HEADER] = garden_key
        self._on_garden_key(garden_key)

    @override
    async def call[R](self, request: Request[R], caller: Caller | None = None) -> R:
        if isinstance(request, Command) and request.command_key is None:
            # With a key the command acts once, however often it has to be sent.
            request = request.model_copy(update={"command_key": str(uuid7())})
        # What a listener does right after it began to listen shall be heard by it.
        await self._reader.tried()
        server = self._server or await self.server_info()
        lacking = {name for name, since in SINCE_PROTOCOL.items() if server.protocol < since}
        answer = await self._ask(
            "POST",
            f"/requests/{type(request).__name__}",
            # What nobody said is not sent, so that an older server is not told of what it lacks.
            body=request.model_dump_json(exclude_unset=True, exclude=lacking).encode(),
            headers={ROLE_HEADER: (caller or Caller()).role.value},
        )
        try:
            result: R = answer_type(type(request)).validate_json(answer.body, extra="ignore")
        except ValidationError as error:
            raise _unreadable(self._transport.base_url, error) from error
        return result

    @override
    def changes(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call the listener on the event loop after each commit; the result ends it.

        While the server is away nothing is heard. Afterwards what was missed is told, or a
        change without collections: everything must be read again.
        """
        end_own = self._listeners.add(listener)
        if not self._reader.is_running and not self._transport.is_closed:
            self._reader.start(self._cursor)

        def end() -> None:
            end_own()
            if not len(self._listeners):
                self._reader.stop()
                self._note_stream(is_open=False)

        return end

    def on_stream(self, listener: Callable[[bool], None]) -> Callable[[], None]:
        """Call the listener when the stream of changes opens (true) and ends (false)."""
        return self._stream_listeners.add(listener)

    @override
    async def close(self) -> None:
        self._listeners.clear()
        self._stream_listeners.clear()
        self._reader.stop()
        await self._transport.close()

    async def _ask(
        self,
        method: Literal["GET", "POST"],
        path: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str],
    ) -> Answer:
        if self._server is None:
            await self.server_info()
        try:
            answer = await self._transport.send(
                method, self._root + path, body=body, headers={**self._meant, **headers}
            )
            self._check_sender(answer)
        except UnavailableError:
            self._server = None
            raise
        return answer

    def _check_sender(self, answer: Answer) -> None:
        """Make sure that an answer is of the server that is meant.

        Raises:
            OtherServerError: It is another one.
            IncompatibleServerError: It does not say which one it is.
        """
        sender = answer.headers.get(INSTANCE_HEADER)
        if self._instance_id in {None, sender}:
            return
        if sender is not None:
            raise self._other_server()
        raise self._nameless("?" if self._server is None else self._server.version)

    def _nameless(self, version: str) -> IncompatibleServerError:
        return IncompatibleServerError(
            f"{self._transport.base_url} does not say which server it is ({INSTANCE_HEADER}): "
            "update it, or let what stands before it pass this header.",
            reason="server too old",
            found=version,
            known=PROTOCOL,
        )

    def _other_server(self) -> OtherServerError:
        return OtherServerError(
            f"At {self._transport.base_url} answers another server than the one that this "
            "garden is on; enter the right address, or restore the data of the server.",
            reason="another server",
        )

    def _note_stream(self, is_open: bool) -> None:
        if is_open == self.is_stream_open:
            return
        self.is_stream_open = is_open
        self._server = None  # it may come back as another version
        self._stream_listeners.tell(is_open)


def _unreadable(address: str, error: ValidationError) -> UnavailableError:
    first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return UnavailableError(
        f"{address} answered with something that cannot be read ({place}: {first['msg']}); "
        "check that it is a Kamerplanter server of a version that fits.",
        reason=UNREADABLE,
    )
