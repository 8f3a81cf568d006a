"""Stored gardens, memberships, invitations, and the audit of each garden."""

from datetime import datetime

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.domain.interfaces.document_store import Order, Where
from kamerplanter_backend.domain.models.tenant import (
    AuditEntry,
    Invitation,
    InvitationState,
    Membership,
    RetiredSlug,
    Tenant,
    TenantKind,
)
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import (
    Collection,
    OnDelete,
    Reference,
    Scope,
)


class TenantRepository(Repository[Tenant]):
    """All gardens of an installation."""

    collection = Collection(
        "tenants",
        Tenant,
        scope=Scope.SYSTEM,
        unique=(("slug",),),
        indexes=(("owner_key",),),
    )

    def by_slug(self, slug: str) -> Tenant | None:
        """Return the garden with a slug."""
        return self.first(Where("slug", "==", slug))

    def organisations_of(self, owner_key: str) -> int:
        """Return how many organisations a user has made."""
        return self.count(
            Where("owner_key", "==", owner_key), Where("kind", "==", TenantKind.ORGANISATION)
        )


class RetiredSlugRepository(Repository[RetiredSlug]):
    """The slugs of gardens that were deleted not long ago."""

    collection = Collection(
        "retired_slugs",
        RetiredSlug,
        scope=Scope.SYSTEM,
        unique=(("slug",),),
        indexes=(("free_at",),),
    )

    def of_slug(self, slug: str) -> RetiredSlug | None:
        """Return what is kept of a slug."""
        return self.first(Where("slug", "==", slug))

    def superfluous(self, now: datetime, most: int) -> list[RetiredSlug]:
        """Return those that are free by now, and the oldest ones beyond a number."""
        free = self.find(Where("free_at", "<=", now))
        too_many = self.count() - len(free) - most
        if too_many <= 0:
            return free
        later = Where("free_at", ">", now)
        return free + self.find(later, order=(Order("free_at"),), limit=too_many)


class MembershipRepository(Repository[Membership]):
    """Who belongs to which garden."""

    collection = Collection(
        "memberships",
        Membership,
        scope=Scope.SYSTEM,
        unique=(("garden_key", "user_key"),),
        indexes=(("user_key",), ("garden_key",)),
        references=(Reference("garden_key", "tenants", on_delete=OnDelete.CASCADE),),
    )

    def between(self, garden_key: str, user_key: str) -> Membership | None:
        """Return the membership of a user in a garden."""
        return self.first(Where("garden_key", "==", garden_key), Where("user_key", "==", user_key))

    def of_user(self, user_key: str) -> list[Membership]:
        """Return all memberships of a user."""
        return self.find(Where("user_key", "==", user_key))

    def of_garden(self, garden_key: str) -> list[Membership]:
        """Return all memberships of a garden."""
        return self.find(Where("garden_key", "==", garden_key))

    def admins_of(self, garden_key: str) -> list[Membership]:
        """Return the memberships of the admins of a garden."""
        return self.find(Where("garden_key", "==", garden_key), Where("role", "==", Role.ADMIN))


class InvitationRepository(Repository[Invitation]):
    """Invitations into gardens."""

    collection = Collection(
        "invitations",
        Invitation,
        scope=Scope.SYSTEM,
        unique=(("token_hash",),),
        indexes=(("garden_key",), ("expires_at",)),
        references=(Reference("garden_key", "tenants", on_delete=OnDelete.CASCADE),),
    )

    def by_token_hash(self, token_hash: str) -> Invitation | None:
        """Return the invitation that a token opens."""
        return self.first(Where("token_hash", "==", token_hash))

    def open_of(self, garden_key: str, user_key: str) -> list[Invitation]:
        """Return the open invitations into a garden that a user has made."""
        return self.find(
            Where("garden_key", "==", garden_key),
            Where("created_by", "==", user_key),
            Where("state", "==", InvitationState.OPEN),
        )


class AuditRepository(Repository[AuditEntry]):
    """What was done in a garden and must not be forgotten; only added to."""

    collection = Collection(
        "audit_entries",
        AuditEntry,
        indexes=(("subject_kind", "subject"), ("created_at",)),
    )
