"""Gardens as accounts see them: who owns one, who works in it, who may come, what was done."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field, JsonValue

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.domain.models.identity import Digest, MailAddress
from kamerplanter_engines.models.base import Entity, Instant, Key, Model, Name, plain_text

MAX_MEMBERS = 500
"""Most people of one garden."""


class TenantKind(StrEnum):
    """Why a garden exists."""

    PERSONAL = "personal"
    """Made with its owner's account."""
    ORGANISATION = "organisation"
    """Made by a person on purpose, for several."""
    PLATFORM = "platform"
    """The one garden of a server without accounts."""


class TenantFields(Model):
    """What an admin may say of a garden; its slug stays, whatever its name becomes."""

    name: Name
    description: Annotated[str, Field(max_length=2000), AfterValidator(plain_text)] | None = None
    max_members: int = Field(default=50, ge=1, le=MAX_MEMBERS)


class Tenant(Entity, TenantFields):
    """A garden that exists; everything in it carries its key."""

    slug: str = Field(min_length=1, max_length=60, pattern=r"^[a-z0-9][a-z0-9-]*$")
    kind: TenantKind = TenantKind.ORGANISATION
    owner_key: str | None = None
    """The user who made it."""
    suspended_at: Instant | None = None
    """Since then its members read and export, and write nothing."""
    demo_made_at: Instant | None = None
    """When the demo garden was laid out in it; it is not laid out again."""


class RetiredSlugFields(Model):
    """The slug of a garden that was deleted: its devices may still send to topics with it."""

    slug: str = Field(min_length=1, max_length=60, pattern=r"^[a-z0-9][a-z0-9-]*$")
    deleted_by: str
    """Who deleted the garden as a member, and may give the slug to another one of the own; `*` =
    nobody."""
    free_at: Instant
    """From then on it is for everybody."""


class RetiredSlug(Entity, RetiredSlugFields):
    """A slug that is kept free."""


class MembershipFields(Model):
    """That a user belongs to a garden."""

    garden_key: Key
    user_key: Key
    role: Role


class Membership(Entity, MembershipFields):
    """A membership that exists; `created_at` is when it began."""


class InvitationState(StrEnum):
    """Where an invitation stands; an open one may be past its end."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REVOKED = "revoked"


class InvitationFields(Model):
    """Whom an admin wants in the garden, and as what."""

    email: MailAddress | None = None
    """Only the account with this address may accept; none = whoever has the link."""
    role: Role = Role.VIEWER


class Invitation(Entity, InvitationFields):
    """An invitation that exists; its token is known to who got it alone."""

    garden_key: Key
    token_hash: Digest
    state: InvitationState = InvitationState.OPEN
    expires_at: Instant
    accepted_by: str | None = None


class AuditAction(StrEnum):
    """What is kept on record beside the documents themselves."""

    TENANT_CREATED = "tenant_created"
    TENANT_CHANGED = "tenant_changed"
    TENANT_SUSPENDED = "tenant_suspended"
    TENANT_RESUMED = "tenant_resumed"
    ACCOUNT_LOCKED = "account_locked"
    ACCOUNT_UNLOCKED = "account_unlocked"
    MEMBER_JOINED = "member_joined"
    MEMBER_LEFT = "member_left"
    MEMBER_REMOVED = "member_removed"
    ROLE_CHANGED = "role_changed"
    INVITATION_MADE = "invitation_made"
    INVITATION_REVOKED = "invitation_revoked"
    TREATMENT_LOGGED = "treatment_logged"
    TREATMENT_CORRECTED = "treatment_corrected"
    HARVEST_LOGGED = "harvest_logged"
    HARVEST_CHANGED = "harvest_changed"
    CALIBRATED = "calibrated"
    CALIBRATION_WITHDRAWN = "calibration_withdrawn"
    PROBE_REPLACED = "probe_replaced"
    TIME_ZONE_CHANGED = "time_zone_changed"
    ARCHIVED = "archived"
    DELETED = "deleted"
    IMPORTED = "imported"


class AuditEntryFields(Model):
    """One thing that was done, by `created_by` at `created_at`; never changed afterwards."""

    action: AuditAction
    subject_kind: str = Field(min_length=1, max_length=60)
    """The collection, e.g. `plants`."""
    subject: str = Field(min_length=1, max_length=100)
    details: dict[str, JsonValue] = Field(default_factory=dict)


class AuditEntry(Entity, AuditEntryFields):
    """An entry of the audit."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GardenAccess:
    """What somebody has to do with a garden."""

    tenant: Tenant
    role: Role


class Member(Model):
    """A member as the others see it."""

    key: Key
    """Of the membership."""
    user_key: Key
    display_name: str
    email: str | None
    """Shown to admins only."""
    role: Role
    joined_at: Instant
    revision: int


class Garden(Model):
    """A garden as one of its members sees it in the list of all."""

    key: Key
    slug: str
    name: str
    description: str | None
    kind: TenantKind
    max_members: int
    role: Role
    is_suspended: bool
    revision: int
