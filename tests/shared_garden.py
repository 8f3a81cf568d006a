"""A garden with two people on a server with accounts: one who made it, and a member with a key."""

from copy import copy
from datetime import datetime
from typing import Self

from kamerplanter_backend.auth.sessions import Device, begin_session
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.dependencies import Server
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_backend.domain.interfaces.document_store import Query
from kamerplanter_backend.domain.models.tenant import InvitationFields, TenantFields
from kamerplanter_backend.domain.repositories.identity import (
    RefreshTokenRepository,
    SessionRepository,
)
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.tenant_service import account_context

ALL_SCOPES = frozenset(KeyScope)


class SharedGarden:
    """Made by its owner; the member has a role in it, and an API key.

    Args:
        server: A server with accounts.
        role: Of the member.
        scopes: Of the member's key.
    """

    def __init__(
        self, server: Server, role: Role = Role.ADMIN, *, scopes: frozenset[KeyScope] = ALL_SCOPES
    ) -> None:
        self.server = server
        self.owner, self.member = (self._person(name) for name in ("owner", "member"))
        self.tenant = server.tenants.create_for(
            self._account(self.owner), TenantFields(name="Allotment 7")
        )
        self.slug = self.tenant.slug
        _, token = server.members.invite(self._garden(self.owner), InvitationFields(role=role))
        server.members.accept(self._account(self.member), token)
        self.key_id, self.raw_key = self.make_key(scopes)

    def at(self, server: Server) -> Self:
        """Return the same garden on its server when that was opened anew."""
        again = copy(self)
        again.server = server
        return again

    def make_key(
        self, scopes: frozenset[KeyScope] = ALL_SCOPES, expires_at: datetime | None = None
    ) -> tuple[str, str]:
        """Return identity and text of a new API key of the member."""
        made = self.server.accounts.api_keys.create(
            self.member,
            tenant_slug=self.slug,
            label="Home Assistant",
            scopes=scopes,
            expires_at=expires_at,
            now=self.server.clock(),
        )
        return made.key.key, made.raw

    def access_token(self) -> str:
        """Return a new access token of the member."""
        accounts, context = self.server.accounts, self._account(self.member)
        with open_unit(
            self.server.store, context, (SessionRepository, RefreshTokenRepository)
        ) as uow:
            session, refresh_token = begin_session(
                uow,
                accounts.policy,
                self.member,
                method="password",
                is_persistent=True,
                device=Device(),
            )
        return accounts.sessions.login_of(session, refresh_token, context.now).access_token

    def another(self) -> str:
        """Return the slug of a garden to which only the owner belongs."""
        fields = TenantFields(name="Allotment 8")
        return self.server.tenants.create_for(self._account(self.owner), fields).slug

    def suspend(self) -> None:
        """Take the right to write from everybody."""
        self.server.tenants.suspend(
            self._account(self.owner, Role.ADMIN), self.tenant.key, suspended=True
        )

    def resume(self) -> None:
        """Give the right to write back."""
        self.server.tenants.suspend(
            self._account(self.owner, Role.ADMIN), self.tenant.key, suspended=False
        )

    def revoke_key(self) -> None:
        """Revoke the member's key."""
        self.server.accounts.api_keys.revoke(self._account(self.member), self.member, self.key_id)

    def put_out(self) -> None:
        """Take the member out of the garden."""
        context = self._garden(self.owner)
        members = self.server.members.members(context, Query()).items
        mine = next(item for item in members if item.user_key == self.member)
        self.server.members.remove_member(context, mine.key)

    def _person(self, name: str) -> str:
        return self.server.accounts.registration.create_admin(
            f"{name}@garden.example", "a sound password", name, self.server.clock()
        ).key

    def _account(self, user_key: str, role: Role = Role.VIEWER) -> Context:
        return account_context(user_key, self.server.clock(), role=role)

    def _garden(self, user_key: str) -> Context:
        return self.server.contexts.make(
            self.tenant.key, actor=user_key, role=Role.ADMIN, now=self.server.clock()
        )
