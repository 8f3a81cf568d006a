"""Who may call a route: each route declares exactly one of the four rules of this module.

How a route declares its rule and gets its context at once:

    ReadContext = Annotated[Context, Depends(Permitted(Permission.READ))]

    @router.get("/{key}")
    async def get_tank(key: str, server: ServerDep, context: ReadContext) -> Tank: ...

A route that needs no context declares its rule beside its path:

    @router.get("/health", dependencies=[Depends(Public())])

- `Public()`: everybody; no context.
- `SignedIn()`: everybody with an account, API keys only with the scope that is named; context of
  the installation (tenant `*`).
- `PlatformAdmin()`: who looks after the installation, no API keys; context of the installation
  with the role admin.
- `Permitted(permission)`: who holds the permission in the garden `{slug}`; context of the garden.

`Permitted` asks in this order: is this the server that is meant (421); who is it (401); does it
belong to the garden, is its API key made for it and is it the garden that is meant (404, as for a
garden that does not exist); has the key the scope (403); may anything be written there (403); is
the role high enough (403).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from types import FunctionType
from typing import Annotated, Any, cast

from fastapi import Depends, Path, Request, params
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import get_dependant

from kamerplanter_backend.auth.principal import AuthKind, Principal
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.dependencies import Server, server_of
from kamerplanter_backend.common.exceptions import (
    ForbiddenError,
    NotFoundError,
    OtherServerError,
)
from kamerplanter_backend.common.log_context import note_down
from kamerplanter_backend.common.meant_headers import GARDEN_HEADER, INSTANCE_HEADER
from kamerplanter_backend.common.permissions import GRANTS, KeyScope, Permission
from kamerplanter_backend.common.warrant import Warrant
from kamerplanter_backend.domain.repositories.standing import check_role, suspended
from kamerplanter_backend.domain.services.tenant_service import account_context
from kamerplanter_engines.errors import InvalidInputError

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})

API_KEY_MARK = "kp_"
"""What API keys begin with."""

MAX_COMMAND_KEY = 100

Slug = Annotated[
    str,
    Path(
        description="The garden's short name in addresses; it never changes.",
        examples=["platform"],
    ),
]
"""Not checked any further: a name that cannot be is unknown like any other (404)."""


class AccessRule:
    """Says who may call a route; used as a dependency of it."""


@dataclass(frozen=True, slots=True)
class Public(AccessRule):
    """Everybody may call it, without logging in."""

    async def __call__(self) -> None:
        """Let everybody pass."""


@dataclass(frozen=True, slots=True)
class SignedIn(AccessRule):
    """Everybody with an account may call it."""

    scope: KeyScope | None = None
    """What an API key needs for it; none = API keys may not call it."""

    async def __call__(self, request: Request) -> Context:
        """Return the context of the account: tenant `*`, the user as actor.

        Raises:
            UnauthorizedError: Nobody knows who calls.
            ForbiddenError: An API key is not made for this.
        """
        principal = await principal_of(request)
        if principal.scopes is not None and self.scope not in principal.scopes:
            raise ForbiddenError(
                "An API key cannot do this; log in.", permission=self.scope or "account"
            )
        return _account_context(request, principal, Role.VIEWER)


@dataclass(frozen=True, slots=True)
class PlatformAdmin(AccessRule):
    """Only who looks after the whole installation may call it."""

    async def __call__(self, request: Request) -> Context:
        """Return the context of the installation: tenant `*`, role admin.

        Raises:
            UnauthorizedError: Nobody knows who calls.
            ForbiddenError: It is somebody else, or an API key.
        """
        principal = await principal_of(request)
        if principal.scopes is not None or not principal.is_platform_admin:
            raise ForbiddenError("Only a platform admin can do this.", permission="platform:admin")
        return _account_context(request, principal, Role.ADMIN, is_platform_admin=True)


@dataclass(frozen=True, slots=True)
class Permitted(AccessRule):
    """Who holds a permission in the garden of the path may call it."""

    permission: Permission

    async def __call__(self, request: Request) -> Context:
        """Return the context of the garden.

        Raises:
            OtherServerError: The request is meant for another server.
            UnauthorizedError: Nobody knows who calls.
            NotFoundError: There is no such garden for this caller, or another one is meant.
            ForbiddenError: The API key's scope or the role does not permit it.
            TenantSuspendedError: The garden is suspended, and this would write.
            InvalidInputError: The `Idempotency-Key` cannot be used.
        """
        # Read as it is, and documented beside: a parameter of each rule would be checked anew
        # for each of them, at the start and at every request.
        return await garden_context(request, request.path_params["slug"], self.permission)


async def garden_context(request: Request, slug: str, permission: Permission) -> Context:
    """Return the context in which a request may do something in a garden.

    For routes whose permission depends on the body; others declare `Permitted`.

    Raises:
        As `Permitted`.
    """
    server = server_of(request)
    _check_server(request, server)  # first: another server knows nobody who calls
    principal = await principal_of(request)
    now = server.clock()
    access = await server.ask(
        lambda: server.access.resolve(account_context(principal.user_key, now), slug)
    )
    tenant = access.tenant
    meant = request.headers.get(GARDEN_HEADER, tenant.key)
    if meant != tenant.key or principal.garden_key not in {None, tenant.key}:
        raise NotFoundError(f"No garden {slug!r}.", kind="tenants", key=slug)
    note_down(tenant_slug=tenant.slug)
    grant = GRANTS[permission]
    if principal.scopes is not None and grant.scope not in principal.scopes:
        raise ForbiddenError(
            f"This API key lacks the scope {grant.scope}.", permission=permission.value
        )
    if tenant.suspended_at is not None and not grant.while_suspended:
        raise suspended(permission)
    check_role(access.role, permission)
    warrant = _warrant_of(principal, garden_key=tenant.key, permission=permission)
    return await server.ask(
        lambda: server.contexts.make(
            tenant.key,
            actor=principal.user_key,
            role=access.role,
            now=now,
            command_key=command_key_of(request),
            request_id=request_id_of(request),
            warrant=warrant,
        )
    )


def _check_server(request: Request, server: Server) -> None:
    meant = request.headers.get(INSTANCE_HEADER)
    if meant is not None and meant != server.instance_id:
        raise OtherServerError(
            "This is another server than the one that the request is meant for; nothing was done. "
            "Enter the right address, or restore the data of the server.",
            reason="another server",
        )


async def principal_of(request: Request) -> Principal:
    """Return who calls; asked once for each request.

    Raises:
        UnauthorizedError: Nobody knows.
    """
    # What `request.state` is made of; that itself takes longer than all the rest here.
    state = request.scope.setdefault("state", {})
    known: Principal | None = state.get("principal")
    if known is not None:
        return known
    server = server_of(request)
    authorization = request.headers.get("authorization")
    now = server.clock()
    # The use of an API key is written down, and writing may have to wait.
    call = server.run if authorization and API_KEY_MARK in authorization else server.ask
    principal = await call(lambda: server.accounts.provider.authenticate(authorization, now))
    state["principal"] = principal
    note_down(user_key=principal.user_key, auth_kind=principal.kind.value)
    return principal


CurrentPrincipal = Annotated[Principal, Depends(principal_of)]
"""Who calls; beside the rule of a route, not in place of it."""


def command_key_of(request: Request) -> str | None:
    """Return the `Idempotency-Key` of a request that writes.

    Raises:
        InvalidInputError: It is empty, too long or has other characters than letters, digits
            and `_.:-`.
    """
    key = request.headers.get("idempotency-key")
    if key is None or request.method in SAFE_METHODS:
        return None
    plain = key.replace("_", "").replace(".", "").replace(":", "").replace("-", "")
    if not 1 <= len(key) <= MAX_COMMAND_KEY or not plain.isascii() or not plain.isalnum():
        raise InvalidInputError(
            f"Idempotency-Key takes 1 to {MAX_COMMAND_KEY} letters, digits and _ . : -",
            field="Idempotency-Key",
            value=key[:MAX_COMMAND_KEY],
        )
    return key


def request_id_of(request: Request) -> str | None:
    """Return the id that the request has in the log."""
    found: str | None = request.scope.get("state", {}).get("request_id")
    return found


def not_kept(context: Context) -> Context:
    """Return the context of something whose answer must not lie among the answers of commands.

    For what may be asked twice without harm, and tells of an account.
    """
    return replace(context, command_key=None)


def declared_rules(
    endpoint: Callable[..., object], dependencies: Iterable[params.Depends] = ()
) -> list[AccessRule]:
    """Return the rules that `rules_of` will find, before the framework has built the route.

    Args:
        endpoint: The function of a route.
        dependencies: What the route depends on beside its parameters.
    """
    found = [rule for depends in dependencies for rule in _rules_of_call(depends.dependency)]
    return [*found, *_rules_of_parameters(endpoint)]


def _rules_of_call(call: object) -> list[AccessRule]:
    return [*([call] if isinstance(call, AccessRule) else []), *_rules_of_parameters(call)]


def _rules_of_parameters(call: object) -> list[AccessRule]:
    """Return the rules among the parameters of what a route or one of its dependencies calls."""
    function = call if isinstance(call, FunctionType) else vars(type(call)).get("__call__")
    if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
        # Whatever it is: the framework knows how to read it, if slowly.
        return rules_of(get_dependant(path="/", call=cast("Callable[..., Any]", call)))
    hints = function.__annotations__
    if any(isinstance(hint, str) for hint in hints.values()):
        return rules_of(get_dependant(path="/", call=cast("Callable[..., Any]", call)))
    marks = [mark for hint in hints.values() for mark in getattr(hint, "__metadata__", ())]
    defaults = [*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]
    return [
        rule
        for mark in (*marks, *defaults)
        if isinstance(mark, params.Depends)
        for rule in _rules_of_call(mark.dependency)
    ]


def rules_of(dependant: Dependant) -> list[AccessRule]:
    """Return the rules that a route declares, at any depth of its dependencies."""
    call: object = dependant.call
    own = [call] if isinstance(call, AccessRule) else []
    return [*own, *(rule for below in dependant.dependencies for rule in rules_of(below))]


def _warrant_of(
    principal: Principal,
    *,
    garden_key: str | None = None,
    permission: Permission | None = None,
    is_platform_admin: bool = False,
) -> Warrant | None:
    """Return what the writes of a caller look at once more; none = nobody can take it away."""
    if principal.kind is AuthKind.LIGHT:
        return None
    return Warrant(
        user_key=principal.user_key,
        session_key=principal.session_key,
        api_key_key=principal.api_key_key,
        is_platform_admin=is_platform_admin,
        garden_key=garden_key,
        permission=permission,
    )


def _account_context(
    request: Request, principal: Principal, role: Role, *, is_platform_admin: bool = False
) -> Context:
    server = server_of(request)
    context = account_context(principal.user_key, server.clock(), role=role)
    return Context(
        tenant_key=context.tenant_key,
        actor=context.actor,
        role=context.role,
        now=context.now,
        zone=context.zone,
        command_key=command_key_of(request),
        request_id=request_id_of(request),
        warrant=_warrant_of(principal, is_platform_admin=is_platform_admin),
    )
