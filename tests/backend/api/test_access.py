"""Who may call what: the four rules, in the order in which they are asked."""

from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any, cast

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import APIRoute

from kamerplanter_backend.api.late_route import LateRoute, Router
from kamerplanter_backend.api.route_table import add_flat, subject_of
from kamerplanter_backend.common.auth import (
    AccessRule,
    Permitted,
    PlatformAdmin,
    Public,
    SignedIn,
    declared_rules,
    rules_of,
)
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.permissions import KeyScope, Permission
from kamerplanter_backend.config.settings import Mode
from kamerplanter_backend.domain.services.tenant_service import account_context
from tests.backend.api.harness import Bench


@pytest.fixture
def full(server_of: Callable[..., Bench]) -> Bench:
    """Return a server with accounts."""
    return server_of(Mode.FULL)


async def nobody() -> None:
    """Say nothing about who may call."""


async def in_annotation(context: Annotated[Context, Depends(SignedIn())]) -> None:
    """Declare it as all routes do."""


async def in_default(context: Context = Depends(SignedIn())) -> None:  # noqa: B008 - the older way
    """Declare it where a default value stands."""


async def in_keyword(*, context: Context = Depends(SignedIn())) -> None:  # noqa: B008 - as above
    """Declare it where the default value of a keyword stands."""


async def _below(context: Annotated[Context, Depends(SignedIn())]) -> Context:
    return context


async def at_depth(context: Annotated[Context, Depends(_below)]) -> None:
    """Leave it to what it depends on."""


class _Asker:
    def __init__(self, context: Annotated[Context, Depends(SignedIn())]) -> None:
        self.context = context


async def within_a_class(asker: Annotated[_Asker, Depends(_Asker)]) -> None:
    """Leave it to a class that it depends on."""


async def in_text(context: "Annotated[Context, Depends(SignedIn())]") -> None:  # noqa: UP037
    """Declare it in a text."""


@wraps(in_annotation)
async def wrapped(*values: object, **named: object) -> None:
    """Stand before a function that declares it."""


def with_rule(bench: Bench, path: str, rule: AccessRule, *methods: str) -> list[Context]:
    """Add a route with a rule; return the contexts that its calls get."""
    seen: list[Context] = []

    async def call(context: Annotated[Context, Depends(cast(Any, rule))]) -> str:
        seen.append(context)
        return "done"

    bench.app.router.add_api_route(path, call, methods=list(methods) or ["GET"])
    return seen


async def status(bench: Bench, path: str, headers: dict[str, str], method: str = "GET") -> int:
    async with bench.client(headers=headers) as client:
        return (await client.request(method, path)).status_code


class TestPermitted:
    async def test_the_context_says_who_where_and_when(self, full: Bench) -> None:
        ada = full.person("ada")
        tenant = full.garden(ada, "Tent")
        seen = with_rule(full, "/t/{slug}/x", Permitted(Permission.TANK_UPDATE), "POST")

        found = await status(
            full, "/t/tent/x", ada.headers | {"Idempotency-Key": "k1"}, method="POST"
        )

        assert found == 200
        (context,) = seen
        assert (context.tenant_key, context.actor, context.role) == (
            tenant.key,
            ada.key,
            Role.ADMIN,
        )
        assert context.now == full.clock.now
        assert context.zone.key == "UTC"
        assert context.command_key == "k1"
        assert context.started_at == full.server.started_at

    async def test_the_zone_is_that_of_the_site_also_after_it_changed(self, full: Bench) -> None:
        ada = full.person("ada")
        full.garden(ada, "Tent")
        seen = with_rule(full, "/t/{slug}/x", Permitted(Permission.READ))
        async with full.client(headers=ada.headers) as client:
            await client.get("/t/tent/x")
            (site,) = (await client.get("/api/v1/t/tent/sites")).json()["items"]
            await client.patch(
                f"/api/v1/t/tent/sites/{site['key']}",
                json={"time_zone": "America/Lima", "latitude_deg": -12},
            )
            await client.get("/t/tent/x")

        assert [(context.zone.key, context.latitude_deg) for context in seen] == [
            ("UTC", None),
            ("America/Lima", -12),
        ]

    async def test_a_stranger_learns_nothing_about_gardens(self, full: Bench) -> None:
        ada, eve = full.person("ada"), full.person("eve")
        full.garden(ada, "Tent")
        with_rule(full, "/t/{slug}/x", Permitted(Permission.READ))

        async with full.client(headers=eve.headers) as client:
            there = (await client.get("/t/tent/x")).json()
            not_there = (await client.get("/t/nowhere/x")).json()

        assert there["error_code"] == not_there["error_code"] == "TENANT_NOT_FOUND"
        assert there["message"].replace("tent", "nowhere") == not_there["message"]

    async def test_without_a_login_nobody_gets_as_far(self, full: Bench) -> None:
        with_rule(full, "/t/{slug}/x", Permitted(Permission.READ))

        assert await status(full, "/t/nowhere/x", {}) == 401

    @pytest.mark.parametrize(
        ("role", "permission", "expected"),
        [
            (Role.VIEWER, Permission.READ, 200),
            (Role.VIEWER, Permission.PLANT_CREATE, 403),
            (Role.GROWER, Permission.PLANT_CREATE, 200),
            (Role.GROWER, Permission.PLANT_DELETE, 403),
            (Role.ADMIN, Permission.PLANT_DELETE, 200),
        ],
    )
    async def test_the_role_decides(
        self, full: Bench, role: Role, permission: Permission, expected: int
    ) -> None:
        ada, bob = full.person("ada"), full.person("bob")
        full.join(full.garden(ada, "Tent"), bob, role)
        with_rule(full, "/t/{slug}/x", Permitted(permission))

        assert await status(full, "/t/tent/x", bob.headers) == expected

    @pytest.mark.parametrize(
        ("scope", "permission", "expected"),
        [
            (KeyScope.READ, Permission.READ, 200),
            (KeyScope.READ, Permission.TANK_UPDATE, 403),
            (KeyScope.WRITE, Permission.TANK_UPDATE, 200),
            (KeyScope.WRITE, Permission.MEMBER_WRITE, 403),
            (KeyScope.INGEST, Permission.READING_RECORD, 200),
            (KeyScope.INGEST, Permission.READ, 403),
        ],
    )
    async def test_an_api_key_also_needs_the_scope(
        self, full: Bench, scope: KeyScope, permission: Permission, expected: int
    ) -> None:
        ada = full.person("ada")
        key = full.api_key(ada, full.garden(ada, "Tent"), scope)
        with_rule(full, "/t/{slug}/x", Permitted(permission))

        assert await status(full, "/t/tent/x", key) == expected

    async def test_an_api_key_reaches_its_own_garden_only(self, full: Bench) -> None:
        ada = full.person("ada")
        key = full.api_key(ada, full.garden(ada, "Tent"), KeyScope.READ)
        full.garden(ada, "Bed")
        with_rule(full, "/t/{slug}/x", Permitted(Permission.READ))

        assert await status(full, "/t/bed/x", key) == 404
        assert await status(full, "/t/bed/x", ada.headers) == 200

    async def test_a_suspended_garden_is_read_and_not_written(self, full: Bench) -> None:
        ada, root = full.person("ada"), full.person("root", is_platform_admin=True)
        tenant = full.garden(ada, "Tent")
        with_rule(full, "/t/{slug}/read", Permitted(Permission.READ))
        with_rule(full, "/t/{slug}/write", Permitted(Permission.TANK_UPDATE))
        full.server.tenants.suspend(
            account_context(root.key, full.clock()), tenant.key, suspended=True
        )

        async with full.client(headers=ada.headers) as client:
            read, write = await client.get("/t/tent/read"), await client.get("/t/tent/write")

        assert read.status_code == 200
        assert (write.status_code, write.json()["error_code"]) == (403, "TENANT_SUSPENDED")

    async def test_a_slug_of_any_form_is_just_unknown(self, full: Bench) -> None:
        ada = full.person("ada")
        with_rule(full, "/t/{slug}/x", Permitted(Permission.READ))

        for slug in ("..", "TENT", "a" * 5000, "%27%20OR%201=1", "%00"):
            assert await status(full, f"/t/{slug}/x", ada.headers) == 404


class TestTheOthers:
    async def test_signed_in_needs_an_account(self, full: Bench) -> None:
        seen = with_rule(full, "/me", SignedIn())
        ada = full.person("ada")

        assert await status(full, "/me", {}) == 401
        assert await status(full, "/me", {"Authorization": "Bearer nonsense"}) == 401
        assert await status(full, "/me", ada.headers) == 200
        assert (seen[0].tenant_key, seen[0].actor) == ("*", ada.key)

    async def test_an_api_key_is_no_account(self, full: Bench) -> None:
        ada = full.person("ada")
        tenant = full.garden(ada, "Tent")
        with_rule(full, "/me", SignedIn())
        with_rule(full, "/species", SignedIn(scope=KeyScope.READ))
        reader = full.api_key(ada, tenant, KeyScope.READ)
        writer = full.api_key(ada, tenant, KeyScope.WRITE)

        assert await status(full, "/me", reader) == 403
        assert await status(full, "/species", reader) == 200
        assert await status(full, "/species", writer) == 403

    async def test_a_platform_admin_is_somebody_of_its_own(self, full: Bench) -> None:
        ada, root = full.person("ada"), full.person("root", is_platform_admin=True)
        seen = with_rule(full, "/admin", PlatformAdmin())
        key = full.api_key(root, full.garden(root, "Tent"), *KeyScope)

        assert await status(full, "/admin", {}) == 401
        assert await status(full, "/admin", ada.headers) == 403
        assert await status(full, "/admin", key) == 403
        assert await status(full, "/admin", root.headers) == 200
        assert seen[0].role is Role.ADMIN


class TestDeclaring:
    def test_a_route_without_a_rule_stops_the_start(self) -> None:
        router = Router()

        @router.get("/open")
        async def nothing() -> None:
            """Say nothing about who may call."""

        with pytest.raises(RuntimeError, match="/open has 0 access rules"):
            add_flat(FastAPI(), "", router)

    def test_so_does_one_with_two(self) -> None:
        router = Router(dependencies=[Depends(Public())])

        @router.get("/both", dependencies=[Depends(SignedIn())])
        async def both() -> None:
            """Say it twice."""

        with pytest.raises(RuntimeError, match="/both has 2 access rules"):
            add_flat(FastAPI(), "", router)

    def test_a_router_whose_routes_are_built_at_once_stops_it_too(self) -> None:
        router = APIRouter()
        router.add_api_route("/early", nobody)

        with pytest.raises(RuntimeError, match=r"late_route\.Router"):
            add_flat(FastAPI(), "", router)

    @pytest.mark.parametrize("mode", list(Mode))
    def test_every_route_of_a_server_has_one(
        self, server_of: Callable[..., Bench], mode: Mode
    ) -> None:
        routes = [route for route in server_of(mode).app.routes if isinstance(route, LateRoute)]

        assert len(routes) > 20
        assert {len(rules_of(route.dependant)) for route in routes} == {1}
        assert all(rules_of(route.dependant) == route.rules for route in routes)

    @pytest.mark.parametrize(
        "endpoint",
        [
            pytest.param(lambda: in_annotation, id="annotation"),
            pytest.param(lambda: in_default, id="default value"),
            pytest.param(lambda: in_keyword, id="default value of a keyword"),
            pytest.param(lambda: at_depth, id="within another dependency"),
            pytest.param(lambda: within_a_class, id="within a class"),
            pytest.param(lambda: in_text, id="annotation as a text"),
            pytest.param(lambda: wrapped, id="behind a decorator"),
        ],
    )
    def test_a_rule_is_seen_wherever_the_framework_sees_it(
        self, endpoint: Callable[[], Callable[..., object]]
    ) -> None:
        router = Router()
        router.add_api_route("/somewhere", endpoint())
        (route,) = router.routes
        assert isinstance(route, LateRoute)

        assert route.rules == [SignedIn()]
        assert rules_of(route.dependant) == [SignedIn()]

    def test_of_two_marks_of_one_parameter_none_is_overlooked(self) -> None:
        async def twice(
            context: Annotated[Context, Depends(Public()), Depends(SignedIn())],
        ) -> None:
            """Say two things of one parameter, of which the framework hears the last."""

        assert declared_rules(twice) == [Public(), SignedIn()]

    def test_what_lies_in_a_garden_asks_for_a_permission_in_it(self, full: Bench) -> None:
        wrong = [
            route.path
            for route in full.app.routes
            if isinstance(route, APIRoute)
            and ("/t/{slug}" in route.path) != isinstance(rules_of(route.dependant)[0], Permitted)
            and "/tenants/{slug}" not in route.path
            and not isinstance(rules_of(route.dependant)[0], Public)
        ]

        assert wrong == []


class TestRouteTable:
    @pytest.mark.parametrize(
        ("path", "subject"),
        [
            ("/api/v1/t/tent/tanks", "t/tanks"),
            ("/api/v1/t/tent/tanks/x/state", "t/tanks"),
            ("/api/v1/t/{slug}/tanks/{key}", "t/tanks"),
            ("/api/v1/species/x", "species"),
            ("/api/v1/t/tent", "t/"),
            ("/api/health", ""),
            ("/", ""),
            ("", ""),
        ],
    )
    def test_a_path_and_its_pattern_have_the_same_subject(self, path: str, subject: str) -> None:
        assert subject_of(path) == subject

    async def test_a_route_that_came_later_is_found_too(
        self, bench: Bench, api: httpx.AsyncClient
    ) -> None:
        with_rule(bench, "/api/v1/t/{slug}/tanks/later/on", Permitted(Permission.READ))

        answer = await api.get("/api/v1/t/platform/tanks/later/on")

        assert answer.json() == "done"
