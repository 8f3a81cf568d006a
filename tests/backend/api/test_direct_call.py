"""Plain routes answer by a short way exactly as they would by the framework's own."""

from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any

import httpx
import pytest
from fastapi import Depends, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import ResponseValidationError
from fastapi.routing import APIRoute

from kamerplanter_backend.api.direct_call import direct_app
from kamerplanter_backend.api.late_route import LateRoute
from kamerplanter_backend.common.auth import Public
from kamerplanter_engines.models.base import Model
from tests.backend.api.harness import GARDEN, Bench

asked: list[str] = []


class Pot(Model):
    """Something to answer with."""

    name: str
    volume_l: float = 1.0


async def _gardener(request: Request) -> str:
    asked.append("gardener")
    return request.headers.get("x-gardener", "nobody")


async def _opened() -> AsyncIterator[str]:
    yield "opened"


Gardener = Annotated[str, Depends(_gardener)]


async def plain(key: str, request: Request, gardener: Gardener) -> Pot:
    """Answer with what the request says."""
    return Pot(name=f"{key} {gardener} {request.method}")


async def with_header(key: str, response: Response) -> Pot:
    """Say more beside the answer."""
    response.headers["ETag"] = f'"{key}"'
    response.headers.append("Vary", "Accept")
    response.headers.append("Vary", "Origin")
    response.status_code = 203
    return Pot(name=key)


async def with_own_answer(response: Response) -> Any:
    """Answer with something that is finished; what was said beside it does not count."""
    response.headers["X-Lost"] = "1"
    return Response("no pot", status_code=418, headers={"X-Kept": "1"})


async def with_mapping() -> Any:
    """Answer with what still has to become a pot."""
    return {"name": "mapped", "volume_l": 2}


async def with_nonsense() -> Any:
    """Answer with what is no pot."""
    return {"name": 5}


async def by_rule(_: Annotated[None, Depends(Public())]) -> Pot:
    """Ask for a rule whose answer is of no use."""
    return Pot(name="open")


PLAIN = [plain, with_header, with_own_answer, with_mapping, with_nonsense, by_rule]


def app_of(endpoint: Callable[..., object], *, direct: bool) -> FastAPI:
    """Return an application with one route, which goes the short way or the framework's."""
    app = FastAPI()
    app.add_api_route("/pots/{key}", endpoint, response_model=Pot)
    route = app.routes[-1]
    assert isinstance(route, APIRoute)
    if direct:
        short = direct_app(route)
        assert short is not None
        route.app = short
    return app


async def answer_of(app: FastAPI, **headers: str) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
        return await client.get("/pots/tent%20one", headers=headers)


class TestSame:
    @pytest.mark.parametrize("endpoint", [one for one in PLAIN if one is not with_nonsense])
    async def test_status_headers_and_body(self, endpoint: Callable[..., object]) -> None:
        short = await answer_of(app_of(endpoint, direct=True), **{"x-gardener": "ada"})
        framework = await answer_of(app_of(endpoint, direct=False), **{"x-gardener": "ada"})

        assert short.status_code == framework.status_code
        assert short.headers.raw == framework.headers.raw
        assert short.content == framework.content

    async def test_what_it_says(self) -> None:
        answer = await answer_of(app_of(plain, direct=True), **{"x-gardener": "ada"})

        assert answer.json() == {"name": "tent one ada GET", "volume_l": 1.0}

    @pytest.mark.parametrize("direct", [False, True])
    async def test_an_answer_that_is_none_is_a_mistake_of_ours(self, *, direct: bool) -> None:
        with pytest.raises(ResponseValidationError):
            await answer_of(app_of(with_nonsense, direct=direct))

    async def test_each_question_is_asked_once(self) -> None:
        asked.clear()

        await answer_of(app_of(plain, direct=True))

        assert asked == ["gardener"]


async def with_query(key: str, limit: Annotated[int, Query(le=5)] = 1) -> Pot:
    """Needs a check of its query."""
    return Pot(name=key)


async def with_checked_key(key: Annotated[str, Path(max_length=3)]) -> Pot:
    """Needs a check of its path."""
    return Pot(name=key)


async def with_number(key: int) -> Pot:
    """Needs its path as a number."""
    return Pot(name=str(key))


async def with_body(key: str, pot: Pot) -> Pot:
    """Needs a check of its body."""
    return pot


async def with_something_open(opened: Annotated[str, Depends(_opened)]) -> Pot:
    """Needs something closed afterwards."""
    return Pot(name=opened)


async def twice(first: Gardener, second: Gardener) -> Pot:
    """Asks the same thing twice, which is answered once."""
    return Pot(name=first + second)


async def _chief(gardener: Gardener) -> str:
    return gardener


async def at_depth(chief: Annotated[str, Depends(_chief)]) -> Pot:
    """Depends on something that depends on more."""
    return Pot(name=chief)


def blocking(key: str) -> Pot:
    """Has to run on a thread."""
    return Pot(name=key)


@pytest.mark.parametrize(
    "endpoint",
    [
        with_query,
        with_checked_key,
        with_number,
        with_body,
        with_something_open,
        twice,
        at_depth,
        blocking,
    ],
)
def test_whatever_needs_more_goes_the_way_of_the_framework(
    endpoint: Callable[..., object],
) -> None:
    route = APIRoute("/pots/{key}", endpoint, response_model=Pot)

    assert direct_app(route) is None


@pytest.mark.parametrize(
    "options",
    [
        {"response_model": None},
        {"response_model": Pot, "status_code": 201},
        {"response_model": Pot, "response_model_exclude_none": True},
        {"response_model": Pot, "response_model_include": {"name"}},
        {"response_model": Pot, "max_body_size": 10},
    ],
)
def test_so_does_an_answer_of_another_form(options: dict[str, Any]) -> None:
    assert direct_app(APIRoute("/pots/{key}", plain, **options)) is None


async def test_the_question_for_one_thing_of_a_garden_goes_the_short_way(
    bench: Bench, api: httpx.AsyncClient
) -> None:
    made = (await api.post(f"{GARDEN}/tanks", json={"name": "Tent", "volume_l": 60})).json()
    path = f"{GARDEN}/tanks/{made['key']}"
    (route,) = [
        route
        for route in bench.app.routes
        if isinstance(route, LateRoute) and route.operation_id == "tanks_get_tank"
    ]

    short = await api.get(path)
    same = await api.get(path, headers={"If-None-Match": short.headers["etag"]})
    missing = await api.get(f"{GARDEN}/tanks/nope")
    assert route.app.__module__ == direct_app.__module__  # not that of the framework
    route.app = APIRoute(route._written_at, route.endpoint, **route._options).app
    framework = await api.get(path)

    assert (short.status_code, short.json()) == (200, made)
    assert short.content == framework.content
    ids = {"x-request-id"}
    assert [pair for pair in short.headers.items() if pair[0] not in ids] == [
        pair for pair in framework.headers.items() if pair[0] not in ids
    ]
    assert (same.status_code, same.content, same.headers["etag"]) == (304, b"", '"1"')
    assert (missing.status_code, missing.json()["error_code"]) == (404, "TANK_NOT_FOUND")
