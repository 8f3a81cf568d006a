"""What platform admins see of accounts, and do with them."""

from dataclasses import replace

from kamerplanter_backend.auth.sessions import end_sessions
from kamerplanter_backend.common.exceptions import ConflictError, ForbiddenError, NotFoundError
from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.interfaces.document_store import Page, Query, Where
from kamerplanter_backend.domain.models.identity import SessionEnd, User
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.identity import SessionRepository, UserRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import (
    Service,
    check_revision,
    command,
    query,
)


class UserAdminService(Service):
    """Accounts as a whole; works in the context of a platform admin's account."""

    @query()
    def list_page(self, uow: UnitOfWork, query: Query) -> Page[User]:
        """Return a page of the accounts that were not deleted."""
        living = Where("deleted_at", "is_null", True)
        return uow.of(UserRepository).page(replace(query, where=(*query.where, living)))

    @command(UserRepository, SessionRepository, AuditRepository)
    def set_active(
        self, uow: UnitOfWork, key: str, is_active: bool, expected_revision: int | None = None
    ) -> User:
        """Lock an account out, which ends its sessions and stops its keys, or let it in again.

        Raises:
            NotFoundError: There is no such account.
            ConflictError: It is one's own: so there is always a platform admin left.
            ForbiddenError: The actor is no platform admin any more.
            StaleRevisionError: It has another revision than expected.
        """
        users = uow.of(UserRepository)
        user = living(users, key)
        if user.is_active is is_active:
            return user
        _check_actor(uow)
        check_revision(user, expected_revision, "users")
        if not is_active:
            _keep_oneself_out(uow, user)
            end_sessions(uow, key, SessionEnd.DELETED)
        action = AuditAction.ACCOUNT_UNLOCKED if is_active else AuditAction.ACCOUNT_LOCKED
        record_audit(uow, action, "users", key)
        return users.change(user, is_active=is_active)

    @command(UserRepository, AuditRepository)
    def set_platform_admin(
        self,
        uow: UnitOfWork,
        key: str,
        is_platform_admin: bool,
        expected_revision: int | None = None,
    ) -> User:
        """Let an account look after the installation, or no longer.

        Raises:
            NotFoundError: There is no such account.
            ConflictError: It is one's own: so there is always one left.
            ForbiddenError: The actor is none any more.
            StaleRevisionError: It has another revision than expected.
        """
        users = uow.of(UserRepository)
        user = living(users, key)
        if user.is_platform_admin is is_platform_admin:
            return user
        _check_actor(uow)
        check_revision(user, expected_revision, "users")
        _keep_oneself_out(uow, user)
        record_audit(
            uow, AuditAction.ROLE_CHANGED, "users", key, is_platform_admin=is_platform_admin
        )
        return users.change(user, is_platform_admin=is_platform_admin)


def living(users: UserRepository, key: str) -> User:
    """Return an account that was not deleted.

    Raises:
        NotFoundError: There is none.
    """
    user = users.try_get(key)
    if user is None or user.deleted_at is not None:
        raise NotFoundError(f"No account {key!r}.", kind="users", key=key)
    return user


def _check_actor(uow: UnitOfWork) -> None:
    """Make sure that the actor is a platform admin still: two could depose each other at once.

    Raises:
        ForbiddenError: Somebody has taken that right away meanwhile.
    """
    actor = uow.of(UserRepository).try_get(uow.context.actor)
    if actor is None or not (actor.is_open and actor.is_platform_admin):
        raise ForbiddenError("Only a platform admin can do this.", permission="platform:admin")


def _keep_oneself_out(uow: UnitOfWork, user: User) -> None:
    """Refuse what would take the actor's own rights away.

    Raises:
        ConflictError: It would.
    """
    if user.key == uow.context.actor:
        raise ConflictError(
            "Nobody takes the own rights away: ask another platform admin.",
            kind="users",
            field="key",
            value=user.key,
        )
