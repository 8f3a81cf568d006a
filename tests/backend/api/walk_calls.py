"""The calls of the route walk: how they are made, sent and compared."""

import asyncio
import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
from fastapi.routing import APIRoute

from kamerplanter_backend.api.openapi import describe
from tests.backend.api.harness import Person
from tests.backend.api.walk_table import Row
from tests.backend.api.walk_table_more import TABLE
from tests.backend.api.walk_world import Things, World


@cache
def routes_of(world: World) -> dict[str, APIRoute]:
    found = [route for route in world.bench.app.routes if isinstance(route, APIRoute)]
    return {route.unique_id: route for route in found}


@cache
def documented_answers_of(world: World) -> dict[str, dict[str, Any]]:
    """Return what the documentation tells of the answers of each route, by status."""
    paths = describe(world.bench.app)["paths"]
    operations = [operation for item in paths.values() for operation in item.values()]
    return {operation["operationId"]: operation["responses"] for operation in operations}


def method_of(route: APIRoute) -> str:
    """Return the method of a route; each has one."""
    return min(route.methods or ())


@dataclass(frozen=True, slots=True)
class Call:
    """A request to a route, ready to be sent by anybody."""

    method: str
    path: str
    body: Any
    names: tuple[str, ...]
    """What differs between two calls that are to have the same answer."""


def call_of(world: World, name: str, things: Things, slug: str | None = None) -> Call:
    row, route = TABLE[name], routes_of(world)[name]
    named = row.key(things) if row.key is not None else {}
    parts = named if isinstance(named, dict) else {"key": named}
    parts["slug"] = slug or things.tenant.slug
    body = row.body(things) if row.body is not None else None
    path = route.path.format(**parts)
    return Call(method_of(route), path, body, (*things.keys, parts["slug"]))


async def send(
    world: World,
    call: Call,
    caller: Person | dict[str, str] | None,
    row: Row,
    **more: str,
) -> httpx.Response:
    """Send a call as somebody, with more headers if some are named."""
    headers = dict(more)
    if isinstance(caller, Person):
        headers |= caller.headers | {"X-CSRF-Token": caller.csrf_token}
    elif caller is not None:
        headers |= caller
    if row.is_stream:
        return await _opened(world, call, headers)
    content = None
    if call.body is not None:
        content = json.dumps(call.body)
        kind = "merge-patch+json" if call.method == "PATCH" else "json"
        headers = headers | {"Content-Type": f"application/{kind}"}
    async with world.bench.client() as client:
        return await client.request(
            call.method, call.path, params=row.query, headers=headers, content=content
        )


async def _opened(world: World, call: Call, headers: dict[str, str]) -> httpx.Response:
    """Return how a stream begins, and hang up."""
    is_open = asyncio.Event()
    begun: dict[str, Any] = {}
    parts: list[bytes] = []
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if asked:
            await is_open.wait()
            return {"type": "http.disconnect"}
        asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def take(message: Any) -> None:
        if message["type"] == "http.response.start":
            begun.update(message)
        else:
            parts.append(message.get("body", b""))
        is_open.set()

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": call.method,
        "scheme": "http",
        "path": call.path,
        "raw_path": call.path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"localhost"),
            *((name.lower().encode(), value.encode()) for name, value in headers.items()),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }
    async with asyncio.timeout(10):
        await world.bench.app(scope, receive, take)
    return httpx.Response(begun["status"], headers=begun["headers"], content=b"".join(parts))


def same(answer: httpx.Response, call: Call) -> tuple[int, str, frozenset[str]]:
    """Return an answer without what has to differ: number, time, and the names that were asked."""
    body = answer.json()
    assert body.pop("path") == call.path
    for name in ("error_id", "timestamp"):
        body.pop(name)
    text = json.dumps(body, sort_keys=True)
    for name in sorted(call.names, key=len, reverse=True):
        text = text.replace(name, "<name>")
    return answer.status_code, text, frozenset(answer.headers)
