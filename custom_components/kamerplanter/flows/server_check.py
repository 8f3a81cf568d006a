"""What a dialog asks a server before it believes in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from pydantic import BaseModel, TypeAdapter, ValidationError

from kamerplanter_backend.client.protocol import Caller
from kamerplanter_backend.client.requests import RecordReadings, UpdateTask
from kamerplanter_backend.client.rest import RestClient, ServerInfo
from kamerplanter_backend.client.transport import Transport, Waits
from kamerplanter_backend.client.wire import (
    CERTIFICATE,
    NO_CONNECTION,
    REDIRECTED,
    SERVER_ERROR,
    TIMEOUT,
)
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import (
    ForbiddenError,
    HostRefusedError,
    IncompatibleServerError,
    NotFoundError,
    RateLimitedError,
    TenantSuspendedError,
    UnauthorizedError,
    UnavailableError,
)
from kamerplanter_engines.errors import KamerplanterError

from ..const import CONF_API_KEY, CONF_SLUG, CONF_URL  # noqa: TID252 - the neighbours import alike

WAITS = Waits(connect_s=5, total_s=10, attempts=1)
"""Somebody sits before the screen."""
LIGHT: Final = "light"

_API_ROOT = "/api/v1"
_REASONS = {
    NO_CONNECTION: "server_cannot_connect",
    TIMEOUT: "server_timeout",
    CERTIFICATE: "server_tls_failed",
    REDIRECTED: "server_redirected",
    SERVER_ERROR: "server_trouble",
}
_KEYS: tuple[tuple[type[KamerplanterError], str], ...] = (
    (IncompatibleServerError, "server_incompatible"),
    (HostRefusedError, "server_host_refused"),
    (TenantSuspendedError, "server_garden_suspended"),
    (UnauthorizedError, "server_invalid_auth"),
    (ForbiddenError, "server_missing_scope"),
    (RateLimitedError, "server_busy"),
)
_PLACEHOLDERS = dict.fromkeys(("found", "known", "permission", "value", "message"), "?")


class ServerCheckError(Exception):
    """Something about a server, its address or a key is wrong.

    Args:
        key: Of the translated error.
        field: The input at fault; none = all of it.
        placeholders: What fills the text in.
    """

    def __init__(
        self, key: str, *, field: str = "base", placeholders: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(key)
        self.key = key
        self.field = field
        self.placeholders = _PLACEHOLDERS | dict(placeholders or {})


class GardenInfo(BaseModel):
    """A garden as the list of all says it."""

    key: str
    slug: str
    name: str
    role: Role
    is_suspended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerAccess:
    """A server that answered, and the gardens that are open to a key."""

    url: str
    session: aiohttp.ClientSession = field(repr=False)
    info: ServerInfo
    instance_id: str
    api_key: str | None = field(default=None, repr=False)
    gardens: tuple[GardenInfo, ...] = ()

    @property
    def is_light(self) -> bool:
        """Whether it knows no accounts, so that nobody needs a key."""
        return self.info.mode == LIGHT


def address_of(text: str) -> str:
    """Return an address as it is kept: scheme, host, port and path, without what is behind.

    What was copied from the page of its documentation is cut back to the address itself.

    Raises:
        ServerCheckError: It is no address of a server.
    """
    address = text.strip()
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise ServerCheckError("server_bad_address", field=CONF_URL) from error
    if (
        parts.scheme not in {"http", "https"}
        or not parts.hostname
        or any(char.isspace() for char in address)
        or parts.username is not None
        or parts.query
        or parts.fragment
        or port == 0
    ):
        raise ServerCheckError("server_bad_address", field=CONF_URL)
    path = parts.path.partition(_API_ROOT)[0].rstrip("/")
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


async def look_at(session: aiohttp.ClientSession, url: str) -> ServerAccess:
    """Ask a server what it is.

    Raises:
        ServerCheckError: It cannot be reached, is none, or is too far from our version.
    """
    client = RestClient(url, slug="none", session=session, waits=WAITS)
    try:
        info = await client.server_info()
    except KamerplanterError as error:
        raise check_error_of(error) from error
    finally:
        await client.close()
    if info.instance_id is None:
        raise ServerCheckError(
            "server_incompatible", placeholders={"found": info.version, "known": "?"}
        )
    return ServerAccess(url=url, session=session, info=info, instance_id=info.instance_id)


async def open_with(access: ServerAccess, api_key: str | None) -> ServerAccess:
    """Ask which gardens a key opens; a server without accounts wants none.

    Raises:
        ServerCheckError: The key is refused, or opens nothing.
    """
    transport = Transport(access.url, token=api_key, session=access.session, waits=WAITS)
    try:
        answer = await transport.send("GET", f"{_API_ROOT}/tenants")
        gardens = TypeAdapter(tuple[GardenInfo, ...]).validate_json(answer.body)
    except KamerplanterError as error:
        raise check_error_of(error, field=CONF_API_KEY if api_key else "base") from error
    except ValidationError as error:
        raise ServerCheckError("server_not_kamerplanter") from error
    finally:
        await transport.close()
    if not gardens:
        raise ServerCheckError("server_no_garden")
    return ServerAccess(
        url=access.url,
        session=access.session,
        info=access.info,
        instance_id=access.instance_id,
        api_key=api_key,
        gardens=gardens,
    )


async def check_rights(access: ServerAccess, slug: str) -> None:
    """Try what Home Assistant does all day: read, record readings, change a task.

    Nothing is written: no reading is sent, and the task does not exist.

    Raises:
        ServerCheckError: The key may not do it, or the garden is suspended or gone.
    """
    client = RestClient(
        access.url,
        slug=slug,
        token=access.api_key,
        session=access.session,
        waits=WAITS,
        instance_id=access.instance_id,
    )
    where = CONF_API_KEY if access.api_key else CONF_SLUG
    try:
        await client.snapshot()
        await client.call(RecordReadings(readings=()), Caller())
        try:
            await client.call(UpdateTask(key="may-i", patch={}), Caller())
        except NotFoundError as error:
            if error.placeholders.get("kind") == "tenants":
                raise
    except KamerplanterError as error:
        raise check_error_of(error, field=where) from error
    finally:
        await client.close()


def check_error_of(error: KamerplanterError, *, field: str = "base") -> ServerCheckError:
    """Return what a dialog says about an error of a server.

    Args:
        error: What the server, or the way to it, said.
        field: The input that a refusal of the key belongs to.
    """
    placeholders = error.placeholders | {"message": error.message}
    for kind, key in _KEYS:
        if isinstance(error, kind):
            is_key = key in {"server_invalid_auth", "server_missing_scope"}
            return ServerCheckError(
                key, field=field if is_key else "base", placeholders=placeholders
            )
    if isinstance(error, UnavailableError):
        key = _REASONS.get(error.placeholders.get("reason", ""), "server_not_kamerplanter")
        return ServerCheckError(key, placeholders=placeholders)
    if isinstance(error, NotFoundError):
        return ServerCheckError("server_garden_missing", placeholders=placeholders)
    return ServerCheckError("server_not_kamerplanter", placeholders=placeholders)
