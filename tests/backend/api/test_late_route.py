"""A route is built when it is asked first, and is then what the framework would have made."""

from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI
from fastapi.routing import APIRoute

from kamerplanter_backend.api.late_route import LateRoute, Router
from kamerplanter_backend.api.route_table import RouteIndex, add_flat
from kamerplanter_backend.common import auth
from kamerplanter_backend.common.auth import Permitted, Public, SignedIn
from kamerplanter_backend.common.permissions import Permission
from tests.backend.api.harness import GARDEN, Bench


def late_routes(app: FastAPI) -> dict[str, LateRoute]:
    """Return the routes of an application by their lasting names."""
    return {route.operation_id or "": route for route in app.routes if isinstance(route, LateRoute)}


def is_built(route: LateRoute) -> bool:
    return "dependant" in vars(route)


def test_nothing_is_built_when_a_server_starts(bench: Bench) -> None:
    routes = late_routes(bench.app)

    assert len(routes) > 100
    assert [name for name, route in routes.items() if is_built(route)] == []


async def test_a_request_builds_its_own_route_alone(bench: Bench, api: httpx.AsyncClient) -> None:
    answer = await api.get(f"{GARDEN}/tanks")

    assert answer.status_code == 200
    built = [name for name, route in late_routes(bench.app).items() if is_built(route)]
    assert built == ["tanks_list_tanks"]


@pytest.mark.parametrize("path", ["mode", "t/platform/tanks/any/state"])
async def test_an_address_with_a_line_break_behind_it_is_another_one(
    api: httpx.AsyncClient, path: str
) -> None:
    answer = await api.get(f"/api/v1/{path}%0A")

    assert (answer.status_code, answer.json()["error_code"]) == (404, "NOT_FOUND")


def test_each_route_is_what_the_framework_makes_of_it(bench: Bench) -> None:
    for route in late_routes(bench.app).values():
        made = APIRoute(route._written_at, route.endpoint, **route._options)

        assert route.path.endswith(made.path)
        assert route.methods == made.methods
        assert (route.name, route.tags, route.dependencies) == (
            made.name,
            made.tags,
            made.dependencies,
        )
        assert (route.status_code, route.response_model) == (made.status_code, made.response_model)
        assert (route.include_in_schema, route.description) == (
            made.include_in_schema,
            made.description,
        )


def test_a_route_asks_for_no_other_rule_than_was_checked_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    router = Router()

    @router.get("/x", dependencies=[Depends(SignedIn())])
    async def x() -> None:
        """Do nothing."""

    (route,) = router.routes
    assert isinstance(route, LateRoute)
    monkeypatch.setattr(auth, "_rules_of_parameters", lambda _call: [Public()])

    with pytest.raises(RuntimeError, match="/x: its access rules are not those of the start"):
        route.dependant  # noqa: B018 - asking for it is what counts
    assert not is_built(route)


def test_what_a_route_never_has_is_missed_as_ever() -> None:
    router = Router()
    router.add_api_route("/x", test_nothing_is_built_when_a_server_starts)

    assert not hasattr(router.routes[0], "colour")


class TestIndex:
    @pytest.mark.parametrize("path", ["/api/v1/{subject}", "/api/v1/files/{name:path}"])
    def test_a_path_that_could_be_anywhere_stops_the_start(self, path: str) -> None:
        async def anything(context: Annotated[None, Depends(Public())]) -> None:
            """Do nothing."""

        router, app = Router(), FastAPI()
        router.add_api_route(path, anything)
        add_flat(app, "", router)

        with pytest.raises(RuntimeError, match="leaves its subject or length open"):
            RouteIndex(app.router)

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", f"{GARDEN}/tanks/nope", 404),
            ("GET", f"{GARDEN}/tanks/a/b/c/d", 404),
            ("GET", f"{GARDEN}/nonsense", 404),
            ("GET", "/", 404),
            ("GET", f"{GARDEN}/tanks/", 404),
            ("PUT", f"{GARDEN}/tanks", 405),
            ("HEAD", f"{GARDEN}/tanks", 405),
            ("POST", f"{GARDEN}/tanks/nope", 405),
        ],
    )
    async def test_what_is_not_there_is_said_in_the_form_of_all_errors(
        self, api: httpx.AsyncClient, method: str, path: str, status: int
    ) -> None:
        answer = await api.request(method, path)

        assert answer.status_code == status
        if method != "HEAD":
            assert answer.json()["path"] == path
        if status == 405:
            assert (
                answer.headers["allow"]
                == {
                    f"{GARDEN}/tanks": "GET, POST",
                    f"{GARDEN}/tanks/nope": "DELETE, GET, PATCH",
                }[path]
            )

    async def test_what_is_not_there_builds_nothing(
        self, bench: Bench, api: httpx.AsyncClient
    ) -> None:
        await api.get(f"{GARDEN}/nonsense")

        assert not any(is_built(route) for route in late_routes(bench.app).values())


def test_the_rule_of_a_route_in_a_garden_is_known_without_building_it(bench: Bench) -> None:
    route = late_routes(bench.app)["tanks_get_tank"]

    assert route.rules == [Permitted(Permission.READ)]
    assert not is_built(route)
