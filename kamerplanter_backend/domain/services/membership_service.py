"""Who works in a garden: members, their roles, and how one becomes a member."""

from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from secrets import token_urlsafe

from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    EmailNotVerifiedError,
    InvitationExpiredError,
    NotFoundError,
    RateLimitedError,
    TenantSuspendedError,
)
from kamerplanter_backend.domain.consequences.audit import record_audit
from kamerplanter_backend.domain.consequences.ways_in import (
    INVITATIONS,
    WAYS_IN,
    end_ways_in_of,
    revoke_invitations_of,
)
from kamerplanter_backend.domain.interfaces.document_store import Order, Page, Query, Where
from kamerplanter_backend.domain.models.identity import User
from kamerplanter_backend.domain.models.tenant import (
    AuditAction,
    GardenAccess,
    Invitation,
    InvitationFields,
    InvitationState,
    Member,
    Membership,
    MembershipFields,
)
from kamerplanter_backend.domain.repositories.identity import UserRepository
from kamerplanter_backend.domain.repositories.tenant import (
    AuditRepository,
    InvitationRepository,
    MembershipRepository,
    TenantRepository,
)
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork, open_unit
from kamerplanter_backend.domain.services.base import Service, check_revision, command, query

INVITATION_LIFE = timedelta(days=7)
"""How long an invitation may be accepted."""

A_DAY = timedelta(days=1)
MAX_INVITATIONS_A_DAY = 100
"""Most invitations of one person: each may be a mail to a stranger."""


class MembershipService(Service):
    """Members and invitations of the garden of the context."""

    @query()
    def members(self, uow: UnitOfWork, query: Query) -> Page[Member]:
        """Return a page of the members; e-mail addresses are for admins only."""
        walled = replace(
            query, where=(*query.where, Where("garden_key", "==", uow.context.tenant_key))
        )
        page = uow.of(MembershipRepository).page(walled)
        users = {
            user.key: user
            for user in uow.of(UserRepository).get_many({item.user_key for item in page.items})
        }
        shows_email = uow.context.role is Role.ADMIN

        def shown(item: Membership) -> Member:
            user = users.get(item.user_key)
            return Member(
                key=item.key,
                user_key=item.user_key,
                display_name=user.display_name if user else "",
                email=user.email if user and shows_email else None,
                role=item.role,
                joined_at=item.created_at,
                revision=item.revision,
            )

        return page.shown_as(shown)

    def members_of(self, context: Context, garden_key: str, query: Query) -> Page[Member]:
        """Return a page of the members of any garden, for a platform admin.

        Raises:
            NotFoundError: There is no such garden.
        """
        within = replace(context, tenant_key=garden_key)
        with open_unit(self.store, within) as uow:
            uow.of(TenantRepository).get(garden_key)
        return self.members(within, query)

    @command(MembershipRepository, *INVITATIONS)
    def set_role(
        self, uow: UnitOfWork, key: str, role: Role, expected_revision: int | None = None
    ) -> Membership:
        """Give a member another role; who is no admin any more, has invited nobody.

        Raises:
            NotFoundError: There is no such membership in this garden.
            ConflictError: The garden would be left without an admin.
            StaleRevisionError: It has another revision than expected.
        """
        members = uow.of(MembershipRepository)
        membership = self._own(uow, key)
        if membership.role is role:
            return membership
        _keep_an_admin(members, membership, role)
        revoke_invitations_of(uow, membership.user_key)
        record_audit(
            uow,
            AuditAction.ROLE_CHANGED,
            "memberships",
            key,
            user_key=membership.user_key,
            before=membership.role.value,
            after=role.value,
        )
        return members.patch(
            key, {"role": role.value}, MembershipFields, expected_revision=expected_revision
        )

    @command(MembershipRepository, *WAYS_IN)
    def remove_member(
        self, uow: UnitOfWork, key: str, expected_revision: int | None = None
    ) -> None:
        """Take somebody out of the garden, with all their ways into it: see `leave`.

        Raises:
            NotFoundError: There is no such membership in this garden.
            ConflictError: The garden would be left without an admin.
            StaleRevisionError: It has another revision than expected.
        """
        membership = self._own(uow, key)
        check_revision(membership, expected_revision, "memberships")
        self._end(uow, membership, AuditAction.MEMBER_REMOVED)

    @command(MembershipRepository, *WAYS_IN)
    def leave(self, uow: UnitOfWork, user_key: str | None = None) -> None:
        """Take the actor out of the garden, or a user whose account goes.

        Open invitations, API keys and calendar feeds of a member end with the membership, for
        good: who comes back makes new ones.

        Raises:
            NotFoundError: This is no member.
            ConflictError: The garden would be left without an admin.
        """
        members = uow.of(MembershipRepository)
        leaver = user_key or uow.context.actor
        membership = members.between(uow.context.tenant_key, leaver)
        if membership is None:
            raise NotFoundError("This is no member.", kind="memberships", key=leaver)
        is_own = leaver == uow.context.actor
        action = AuditAction.MEMBER_LEFT if is_own else AuditAction.MEMBER_REMOVED
        self._end(uow, membership, action)

    # --- Invitations ------------------------------------------------------------------------

    def invite(self, context: Context, fields: InvitationFields) -> tuple[Invitation, str]:
        """Make an invitation and the token that accepts it; only its hash is kept.

        Raises:
            ConflictError: Somebody with this address is a member already.
            EmailNotVerifiedError: The actor has not confirmed the own address.
            RateLimitedError: The actor has invited too many people within a day.
        """
        token = token_urlsafe(32)
        email = fields.email.strip().lower() if fields.email else None
        writes = (InvitationRepository, AuditRepository, UserRepository)
        with open_unit(self.store, context, writes) as uow:
            inviter = uow.of(UserRepository).try_get(context.actor)
            if inviter is not None:
                _count_invitation(uow, inviter)
            if email is not None:
                self._check_new(uow, email)
            invitation = uow.of(InvitationRepository).add(
                InvitationFields(email=email, role=fields.role),
                garden_key=context.tenant_key,
                token_hash=_hash(token),
                expires_at=context.now + INVITATION_LIFE,
            )
            record_audit(
                uow,
                AuditAction.INVITATION_MADE,
                "invitations",
                invitation.key,
                role=fields.role.value,
            )
        return invitation, token

    @query()
    def invitations(self, uow: UnitOfWork, query: Query) -> Page[Invitation]:
        """Return a page of the garden's invitations."""
        own = Where("garden_key", "==", uow.context.tenant_key)
        order = query.order or (Order("key", descending=True),)
        return uow.of(InvitationRepository).page(
            replace(query, where=(*query.where, own), order=order)
        )

    @command(InvitationRepository, AuditRepository)
    def revoke(self, uow: UnitOfWork, key: str) -> None:
        """Take an invitation back; twice is harmless, and an accepted one stays.

        Raises:
            NotFoundError: There is none in this garden.
        """
        invitations = uow.of(InvitationRepository)
        invitation = invitations.try_get(key)
        if invitation is None or invitation.garden_key != uow.context.tenant_key:
            raise NotFoundError(f"No invitation {key!r}.", kind="invitations", key=key)
        if invitation.state is InvitationState.OPEN:
            record_audit(uow, AuditAction.INVITATION_REVOKED, "invitations", key)
            invitations.change(invitation, state=InvitationState.REVOKED)

    def accept(self, context: Context, token: str) -> GardenAccess:
        """Make the actor of an account's context a member; accepting twice is harmless.

        Raises:
            NotFoundError: No invitation has this token, it was revoked, used by somebody else or
                by a member who is none any more, is for another address, or who made it is
                locked out or no admin of the garden any more: nobody learns which.
            InvitationExpiredError: It is too old.
            TenantSuspendedError: The garden is suspended; the invitation stays good.
            ConflictError: The garden is full.
        """
        with open_unit(self.store, context) as uow:
            invitation = uow.of(InvitationRepository).by_token_hash(_hash(token))
        if invitation is None:
            raise _no_invitation()
        within = replace(context, tenant_key=invitation.garden_key, command_key=None)
        writes = (InvitationRepository, MembershipRepository, AuditRepository)
        with open_unit(self.store, within, writes) as uow:
            invitations, members = uow.of(InvitationRepository), uow.of(MembershipRepository)
            invitation = invitations.get(invitation.key)
            tenant = uow.of(TenantRepository).get(invitation.garden_key)
            self._check_acceptable(uow, invitation)
            membership = members.between(tenant.key, context.actor)
            is_open = invitation.state is InvitationState.OPEN
            if is_open and tenant.suspended_at is not None:
                raise TenantSuspendedError("The garden is suspended: nobody can join it now.")
            if membership is None:
                if not is_open:
                    # Who was taken out, or has left, does not come back with an old token.
                    raise _no_invitation()
                if len(members.of_garden(tenant.key)) >= tenant.max_members:
                    raise ConflictError(
                        f"The garden is full with {tenant.max_members} members.",
                        kind="memberships",
                        field="max_members",
                        value=tenant.max_members,
                    )
                membership = members.add(
                    MembershipFields(
                        garden_key=tenant.key, user_key=context.actor, role=invitation.role
                    )
                )
                record_audit(
                    uow,
                    AuditAction.MEMBER_JOINED,
                    "memberships",
                    membership.key,
                    role=membership.role.value,
                )
            if is_open:
                invitations.change(
                    invitation, state=InvitationState.ACCEPTED, accepted_by=context.actor
                )
        return GardenAccess(tenant=tenant, role=membership.role)

    # --- Within -----------------------------------------------------------------------------

    @staticmethod
    def _own(uow: UnitOfWork, key: str) -> Membership:
        membership = uow.of(MembershipRepository).try_get(key)
        if membership is None or membership.garden_key != uow.context.tenant_key:
            raise NotFoundError(f"No member {key!r}.", kind="memberships", key=key)
        return membership

    @staticmethod
    def _end(uow: UnitOfWork, membership: Membership, action: AuditAction) -> None:
        members = uow.of(MembershipRepository)
        _keep_an_admin(members, membership, None)
        members.remove(membership.key)
        end_ways_in_of(uow, membership.user_key)
        record_audit(uow, action, "memberships", membership.key, user_key=membership.user_key)

    @staticmethod
    def _check_new(uow: UnitOfWork, email: str) -> None:
        user = uow.of(UserRepository).with_email(email)
        members = uow.of(MembershipRepository)
        if user is not None and members.between(uow.context.tenant_key, user.key) is not None:
            raise ConflictError(
                f"{email} is a member already.", kind="invitations", field="email", value=email
            )

    @staticmethod
    def _check_acceptable(uow: UnitOfWork, invitation: Invitation) -> None:
        is_own = invitation.accepted_by == uow.context.actor
        if invitation.state is not InvitationState.OPEN and not is_own:
            raise _no_invitation()
        if not is_own and not _may_invite(uow, invitation):
            # Who was put out comes back neither under another name nor through friends.
            raise _no_invitation()
        if invitation.email is not None:
            user = uow.of(UserRepository).try_get(uow.context.actor)
            if user is None or user.email != invitation.email or not user.is_email_verified:
                raise _no_invitation()
        if invitation.expires_at <= uow.context.now and not is_own:
            raise InvitationExpiredError("The invitation is too old; ask for a new one.")


def _may_invite(uow: UnitOfWork, invitation: Invitation) -> bool:
    """Tell whether who made an invitation is still an admin of its garden, and not locked out."""
    maker = invitation.created_by or ""
    user = uow.of(UserRepository).try_get(maker)
    membership = uow.of(MembershipRepository).between(invitation.garden_key, maker)
    is_open = user is None or user.is_open
    return is_open and membership is not None and membership.role is Role.ADMIN


def _keep_an_admin(
    members: MembershipRepository, membership: Membership, role: Role | None
) -> None:
    """Refuse what would leave a garden without an admin.

    Raises:
        ConflictError: This is the last one.
    """
    if membership.role is not Role.ADMIN or role is Role.ADMIN:
        return
    if len(members.admins_of(membership.garden_key)) == 1:
        raise ConflictError(
            "This is the last admin of the garden; make somebody else an admin first.",
            kind="memberships",
            field="role",
            value=membership.key,
        )


def _count_invitation(uow: UnitOfWork, inviter: User) -> None:
    """Make sure that somebody may invite, and not the whole world.

    It is counted with the account: an invitation goes with its garden, and a garden is soon made.

    Raises:
        EmailNotVerifiedError: The own address is not confirmed.
        RateLimitedError: There were as many within a day as one may make.
    """
    if not inviter.is_email_verified:
        raise EmailNotVerifiedError("Confirm your own e-mail address before you invite.")
    now = uow.context.now
    # What lies ahead, because the clock went back, counts as well.
    recent = tuple(moment for moment in inviter.invited_at if now - moment < A_DAY)
    if len(recent) >= MAX_INVITATIONS_A_DAY:
        raise RateLimitedError(
            f"One person may make {MAX_INVITATIONS_A_DAY} invitations a day; go on tomorrow.",
            retry_after_s=(min(recent) + A_DAY - now).total_seconds(),
        )
    uow.of(UserRepository).change(inviter, invited_at=(*recent, now))


def _no_invitation() -> NotFoundError:
    return NotFoundError("No such invitation.", kind="invitations", key="token")


def _hash(token: str) -> str:
    return sha256(token.encode()).hexdigest()
