"""Deleting an account: its person is forgotten, its key stays as the author of records."""

from dataclasses import replace
from datetime import datetime

from kamerplanter_backend.auth.profile import ProfileService
from kamerplanter_backend.auth.user_admin import living
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.exceptions import ConflictError
from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore, Where
from kamerplanter_backend.domain.models.identity import TokenPurpose, User
from kamerplanter_backend.domain.models.tenant import AuditAction, Membership
from kamerplanter_backend.domain.repositories.identity import (
    ApiKeyRepository,
    OneTimeTokenRepository,
    ProviderLinkRepository,
    SessionRepository,
    UserRepository,
)
from kamerplanter_backend.domain.repositories.tenant import (
    AuditRepository,
    MembershipRepository,
    TenantRepository,
)
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import (
    Service,
    check_revision,
    command,
    query,
)
from kamerplanter_backend.domain.services.membership_service import MembershipService
from kamerplanter_backend.domain.services.tenant_service import (
    TenantService,
    account_context,
    check_not_suspended,
)

DELETED_NAME = "Deleted account"


class DeletionService(Service):
    """Forgets people who ask for it, or whom a platform admin puts out."""

    def __init__(
        self,
        store: DocumentStore,
        profile: ProfileService,
        tenants: TenantService,
        members: MembershipService,
    ) -> None:
        super().__init__(store)
        self._profile = profile
        self._tenants = tenants
        self._members = members

    def delete(
        self,
        user_key: str,
        session_key: str,
        *,
        password: str | None,
        now: datetime,
        expected_revision: int | None = None,
    ) -> None:
        """Delete an account for good.

        Gardens where nobody else works go with everything in them. In the others what the user
        wrote stays, under a key without a person. If it is interrupted it can be repeated.

        Args:
            user_key: The account.
            session_key: The session that asks.
            password: Needed if the account has one.
            now: The present moment.
            expected_revision: That of the account as the caller saw it; none = whatever it is now.

        Raises:
            UnauthorizedError: It is not proven that the owner asks.
            StaleRevisionError: The account has another revision than expected.
            RateLimitedError: Too many wrong passwords.
            ConflictError: A garden with other members would be left without an admin; names it.
                Or the server would be left without a platform admin.
            TenantSuspendedError: A garden that would go is suspended; names it. One with others
                stays as it is, so whoever works there too may be forgotten.
        """
        self._profile.confirm_identity(user_key, session_key, password, now)
        self._erase(account_context(user_key, now), user_key, expected_revision)

    def delete_other(
        self, context: Context, user_key: str, expected_revision: int | None = None
    ) -> None:
        """Delete somebody else's account for a platform admin, by the rules of `delete`.

        Raises:
            NotFoundError: There is no such account.
            ConflictError: It is the own one, or one that `delete` would refuse.
            StaleRevisionError: The account has another revision than expected.
            TenantSuspendedError: As for `delete`: such a garden is deleted by itself before.
        """
        if user_key == context.actor:
            raise ConflictError(
                "This is your own account: delete it by DELETE /api/v1/users/me, or ask another "
                "platform admin.",
                kind="users",
                field="key",
                value=user_key,
            )
        self._erase(context, user_key, expected_revision)

    def _erase(self, context: Context, user_key: str, expected_revision: int | None) -> None:
        self._check_seen(context, user_key, expected_revision)
        lonely, shared = self._gardens(context, user_key)
        for garden_key in shared:
            self._members.leave(_within(context, garden_key), user_key)
        for garden_key in lonely:
            self._tenants.remove(_within(context, garden_key), if_only=user_key)
        self._forget(context, user_key)

    @query()
    def _check_seen(self, uow: UnitOfWork, user_key: str, expected_revision: int | None) -> None:
        # Before anything goes: a view that is too old must not cost a garden.
        user = living(uow.of(UserRepository), user_key)
        check_revision(user, expected_revision, "users")
        _check_successor(uow, user)

    @query()
    def _gardens(self, uow: UnitOfWork, user_key: str) -> tuple[list[str], list[str]]:
        """Return the gardens where the user is alone, and those with other members."""
        members = uow.of(MembershipRepository)
        lonely, shared = [], []
        for membership in members.of_user(user_key):
            if len(members.of_garden(membership.garden_key)) == 1:
                check_not_suspended(uow.of(TenantRepository).get(membership.garden_key))
                lonely.append(membership.garden_key)
            else:
                _check_handed_over(uow, membership)
                shared.append(membership.garden_key)
        return lonely, shared

    @command(
        UserRepository,
        SessionRepository,
        ApiKeyRepository,
        ProviderLinkRepository,
        OneTimeTokenRepository,
        AuditRepository,
    )
    def _forget(self, uow: UnitOfWork, user_key: str) -> None:
        if uow.of(MembershipRepository).of_user(user_key):
            raise ConflictError(
                "The account joined a garden meanwhile; try again.",
                kind="users",
                field="key",
                value=user_key,
            )
        user = uow.of(UserRepository).get(user_key)
        _check_successor(uow, user)
        of_user = Where("user_key", "==", user_key)
        sessions, keys = uow.of(SessionRepository), uow.of(ApiKeyRepository)
        links, tokens = uow.of(ProviderLinkRepository), uow.of(OneTimeTokenRepository)
        for session in sessions.find(of_user):
            sessions.remove(session.key)
        for key in keys.find(of_user):
            keys.remove(key.key)
        for link in links.of_user(user_key):
            links.remove(link.key)
        for purpose in TokenPurpose:
            for token in tokens.of_user(user_key, purpose):
                tokens.remove(token.key)
        record_audit(uow, AuditAction.DELETED, "users", user_key)
        uow.of(UserRepository).change(
            user,
            email=None,
            display_name=DELETED_NAME,
            password_hash=None,
            locale=None,
            time_zone=None,
            avatar_url=None,
            last_login_at=None,
            invited_at=(),
            is_active=False,
            is_email_verified=False,
            is_platform_admin=False,
            deleted_at=uow.context.now,
        )


def _check_successor(uow: UnitOfWork, user: User) -> None:
    """Make sure that somebody looks after the installation when an account is gone.

    Raises:
        ConflictError: It is the last one that does.
    """
    if not user.is_platform_admin:
        return
    admins = uow.of(UserRepository).find(Where("is_platform_admin", "==", True))
    if not any(admin.is_open and admin.key != user.key for admin in admins):
        raise ConflictError(
            "This is the last platform admin: make somebody else one before the account is "
            "deleted.",
            kind="users",
            field="is_platform_admin",
            value=user.key,
        )


def _check_handed_over(uow: UnitOfWork, membership: Membership) -> None:
    admins = uow.of(MembershipRepository).admins_of(membership.garden_key)
    if [admin.key for admin in admins] != [membership.key]:
        return
    garden = uow.of(TenantRepository).get(membership.garden_key)
    raise ConflictError(
        f"There is no other admin of {garden.name!r}, where others work too: make one of them "
        "an admin, or delete the garden, before the account is deleted.",
        kind="tenants",
        field="slug",
        value=garden.slug,
    )


def _within(context: Context, garden_key: str) -> Context:
    return replace(context, tenant_key=garden_key, role=Role.ADMIN)
