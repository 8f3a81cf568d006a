"""Whether a caller may still do what it was let in for, seen from within the transaction."""

from typing import TYPE_CHECKING

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import (
    ForbiddenError,
    InvalidTokenError,
    NotFoundError,
    TenantSuspendedError,
)
from kamerplanter_backend.common.permissions import GRANTS, Permission, is_permitted, narrower
from kamerplanter_backend.common.warrant import Warrant
from kamerplanter_backend.domain.repositories.identity import (
    ApiKeyRepository,
    SessionRepository,
    UserRepository,
)
from kamerplanter_backend.domain.repositories.tenant import MembershipRepository, TenantRepository

if TYPE_CHECKING:  # a unit of work asks here before it is handed out
    from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork


def present_role(uow: UnitOfWork, warrant: Warrant) -> Role:
    """Return the role in which a caller goes on: never a higher one than it was let in with.

    Args:
        uow: The unit of work, before anything was written.
        warrant: What was true when the request came.

    Raises:
        InvalidTokenError: The account is closed, or the session or the API key is over.
        NotFoundError: The garden is gone, or the account does not belong to it any more.
        TenantSuspendedError: The garden was suspended.
        ForbiddenError: The account looks after the installation no longer, or its role in the
            garden does not permit this any more.
    """
    _check_account(uow, warrant)
    if warrant.garden_key is None:
        return uow.context.role
    tenant = uow.of(TenantRepository).try_get(warrant.garden_key)
    member = uow.of(MembershipRepository).between(warrant.garden_key, warrant.user_key)
    if tenant is None or member is None:
        raise NotFoundError("There is no such garden any more.", kind="tenants", key="slug")
    if warrant.permission is not None:
        if tenant.suspended_at is not None and not GRANTS[warrant.permission].while_suspended:
            raise suspended(warrant.permission)
        check_role(member.role, warrant.permission)
    return narrower(member.role, uow.context.role)


def check_role(role: Role, permission: Permission) -> None:
    """Make sure that a role holds a permission.

    Raises:
        ForbiddenError: It does not.
    """
    if not is_permitted(role, permission):
        raise ForbiddenError(f"Role {role} may not {permission}.", permission=permission.value)


def suspended(permission: Permission) -> TenantSuspendedError:
    """Return what is said to who wants to write in a suspended garden."""
    return TenantSuspendedError(
        "The garden is suspended: it can be read and exported, but not changed.",
        permission=permission.value,
    )


def _check_account(uow: UnitOfWork, warrant: Warrant) -> None:
    now = uow.context.now
    user = uow.of(UserRepository).try_get(warrant.user_key)
    if user is None or not user.is_open:
        raise InvalidTokenError("The session is over; log in again.")
    if warrant.session_key is not None:
        session = uow.of(SessionRepository).try_get(warrant.session_key)
        if session is None or session.ended_at is not None or session.expires_at <= now:
            raise InvalidTokenError("The session is over; log in again.")
    if warrant.api_key_key is not None:
        key = uow.of(ApiKeyRepository).try_get(warrant.api_key_key)
        is_over = key is not None and key.expires_at is not None and key.expires_at <= now
        if key is None or key.revoked_at is not None or is_over:
            raise InvalidTokenError("The API key is not valid, or no longer; make a new one.")
    if warrant.is_platform_admin and not user.is_platform_admin:
        raise ForbiddenError("Only a platform admin can do this.", permission="platform:admin")
