"""Gardens as accounts see them: which there are, who works in them, who may come."""

from typing import Annotated, Any

from fastapi import Body, Depends, Query as QueryParameter, Response
from pydantic import Field, JsonValue

from kamerplanter_backend.api.answer_headers import TAGGED, TAGGED_NEW
from kamerplanter_backend.api.crud import MERGE_PATCH, PathKey, patch_of
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.api.openapi import ErrorEnvelope
from kamerplanter_backend.api.pagination import (
    ListPage,
    ListParameters,
    list_parameters,
    page_of,
    query_of,
)
from kamerplanter_backend.auth.addresses import comparable_email
from kamerplanter_backend.auth.invitation_mail import invitation_mail
from kamerplanter_backend.common.auth import CurrentPrincipal, Permitted, SignedIn
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.dependencies import ExpectedRevision, ServerDep, etag
from kamerplanter_backend.common.permissions import KeyScope, Permission
from kamerplanter_backend.domain.models.tenant import (
    AuditAction,
    AuditEntry,
    Garden,
    Invitation,
    InvitationFields,
    InvitationState,
    Member,
    Membership,
    TenantFields,
)
from kamerplanter_backend.domain.services.tenant_service import garden_view
from kamerplanter_engines.models.base import Instant, Key, Model
from kamerplanter_engines.models.site import SiteFields

common_router = Router(prefix="/tenants", tags=["tenants"])
"""In every mode."""

router = Router(prefix="/tenants", tags=["tenants"])
"""Only where there are accounts."""


TOO_MANY: dict[int | str, dict[str, Any]] = {
    429: {"model": ErrorEnvelope, "description": "The caller has invited too many within a day."}
}
TOO_OLD: dict[int | str, dict[str, Any]] = {
    410: {"model": ErrorEnvelope, "description": "The invitation is too old."}
}


class NewGarden(TenantFields):
    """A garden to be made, and where it stands."""

    time_zone: str | None = Field(default=None, max_length=64, examples=["Europe/Berlin"])
    """IANA name of the zone of the place; none = that of the caller's account, else that of the
    server."""
    latitude_deg: float | None = Field(default=None, ge=-90, le=90)


class RoleBody(Model):
    """The role that a member is to have."""

    role: Role


class AcceptanceBody(Model):
    """The token of an invitation."""

    token: str = Field(min_length=20, max_length=200)


class MailedInvitation(Model):
    """An invitation that goes out by mail."""

    email: str = Field(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")
    role: Role = Role.VIEWER


class LinkInvitation(Model):
    """An invitation for whoever gets the link; it works for one person."""

    role: Role = Role.VIEWER


class InvitationView(Model):
    """An invitation as admins see it; nobody sees its token again."""

    key: Key
    email: str | None
    role: Role
    state: InvitationState
    expires_at: Instant
    created_at: Instant
    created_by: str | None
    accepted_by: str | None


class NewInvitation(InvitationView):
    """An invitation that was just made, with the token that accepts it."""

    token: str


class AuditFilters(ListParameters):
    """Filters of the audit."""

    action: AuditAction | None = None
    subject_kind: str | None = None
    subject: str | None = None
    created_by: str | None = None


class InvitationFilters(ListParameters):
    """Filters of the list of invitations."""

    state: InvitationState | None = None


class MemberFilters(ListParameters):
    """Filters of the list of members."""

    role: Role | None = None


AuditList = list_parameters("AuditList", AuditFilters, entity=AuditEntry)
InvitationList = list_parameters("InvitationList", InvitationFilters, entity=Invitation)
MemberList = list_parameters("MemberList", MemberFilters, entity=Membership)


@common_router.get("", summary="List one's own gardens")
async def list_gardens(
    server: ServerDep,
    principal: CurrentPrincipal,
    context: Annotated[Context, Depends(SignedIn(scope=KeyScope.READ))],
) -> tuple[Garden, ...]:
    """Return the gardens of the caller, with the role in each; to an API key only its own."""
    gardens = await server.ask(lambda: server.tenants.gardens_of(context))
    reach = principal.garden_key
    return tuple(garden for garden in gardens if reach in {None, garden.key})


@common_router.get("/{slug}", summary="Get one garden", responses=TAGGED)
async def get_garden(
    server: ServerDep,
    response: Response,
    context: Annotated[Context, Depends(Permitted(Permission.READ))],
) -> Garden:
    """Return a garden of the caller."""
    tenant = await server.ask(lambda: server.tenants.get(context))
    response.headers["ETag"] = etag(tenant.revision)
    return garden_view(tenant, context.role)


@common_router.patch(
    "/{slug}",
    summary="Change a garden",
    description="JSON merge patch: what is absent stays, what is null is cleared.",
    responses=TAGGED,
    openapi_extra=patch_of(TenantFields),
)
async def update_garden(
    server: ServerDep,
    response: Response,
    context: Annotated[Context, Depends(Permitted(Permission.TENANT_UPDATE))],
    expected: ExpectedRevision,
    patch: Annotated[dict[str, JsonValue], Body(media_type=MERGE_PATCH)],
) -> Garden:
    """Change name, description or limits of a garden; its slug stays."""
    tenant = await server.run(lambda: server.tenants.update(context, patch, expected))
    response.headers["ETag"] = etag(tenant.revision)
    return garden_view(tenant, context.role)


@common_router.get("/{slug}/audit", summary="List what is on record")
async def list_audit(
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.AUDIT_READ))],
    asked: Annotated[AuditList, QueryParameter()],  # type: ignore[valid-type]  # made above
) -> ListPage[AuditEntry]:
    """Return roles, treatments, harvests and deletions that were done, newest first."""
    page = await server.ask(lambda: server.tenants.audit(context, query_of(asked)))
    return page_of(page, asked)


@router.post("", status_code=201, summary="Make a garden", responses=TAGGED_NEW)
async def create_garden(
    body: NewGarden,
    server: ServerDep,
    response: Response,
    context: Annotated[Context, Depends(SignedIn())],
) -> Garden:
    """Make a garden; the caller is its first admin."""
    fields = TenantFields(
        name=body.name, description=body.description, max_members=body.max_members
    )
    zone = body.time_zone
    if zone is None:
        user = await server.ask(lambda: server.accounts.profile.get(context, context.actor))
        zone = user.time_zone or server.settings.time_zone
    place = SiteFields(name=body.name, time_zone=zone, latitude_deg=body.latitude_deg)
    tenant = await server.run(
        lambda: server.tenants.create_for(
            context, fields, time_zone=place.time_zone, latitude_deg=place.latitude_deg
        )
    )
    response.headers["ETag"] = etag(tenant.revision)
    return garden_view(tenant, Role.ADMIN)


@router.delete("/{slug}", status_code=204, summary="Delete a garden with everything in it")
async def delete_garden(
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.TENANT_DELETE))],
    expected: ExpectedRevision,
) -> None:
    """Delete a garden; there is no way back."""
    await server.run(lambda: server.tenants.remove(context, expected_revision=expected))


@router.get("/{slug}/members", summary="List the members")
async def list_members(
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.MEMBER_READ))],
    asked: Annotated[MemberList, QueryParameter()],  # type: ignore[valid-type]  # made above
) -> ListPage[Member]:
    """Return the members of a garden; only admins see e-mail addresses."""
    page = await server.ask(lambda: server.members.members(context, query_of(asked)))
    return page_of(page, asked)


@router.put("/{slug}/members/{key}/role", status_code=204, summary="Change a member's role")
async def set_role(
    key: PathKey,
    body: RoleBody,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.MEMBER_WRITE))],
    expected: ExpectedRevision,
) -> None:
    """Give a member another role; the last admin stays one."""
    await server.run(lambda: server.members.set_role(context, key, body.role, expected))


@router.delete("/{slug}/members/{key}", status_code=204, summary="Take a member out")
async def remove_member(
    key: PathKey,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.MEMBER_WRITE))],
    expected: ExpectedRevision,
) -> None:
    """Take somebody out of the garden; not the last admin."""
    await server.run(lambda: server.members.remove_member(context, key, expected))


@router.post("/{slug}/leave", status_code=204, summary="Leave a garden")
async def leave(
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.TENANT_LEAVE))],
) -> None:
    """Take the caller out of the garden; not the last admin."""
    await server.run(lambda: server.members.leave(context))


@router.get("/{slug}/invitations", summary="List the invitations")
async def list_invitations(
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.INVITATION_READ))],
    asked: Annotated[InvitationList, QueryParameter()],  # type: ignore[valid-type]  # made above
) -> ListPage[InvitationView]:
    """Return the invitations into a garden, newest first."""
    page = await server.ask(lambda: server.members.invitations(context, query_of(asked)))
    return page_of(page.shown_as(_view), asked)


@router.post(
    "/{slug}/invitations/email", status_code=201, summary="Invite by mail", responses=TOO_MANY
)
async def invite_by_mail(
    body: MailedInvitation,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.MEMBER_WRITE))],
) -> InvitationView:
    """Send an invitation; only the verified account with this address can accept it."""
    address = comparable_email(body.email)
    fields = InvitationFields(email=address, role=body.role)
    invitation, token = await server.run(lambda: server.members.invite(context, fields))
    garden = await server.ask(lambda: server.tenants.get(context))
    server.accounts.mails.post(
        lambda: invitation_mail(
            to=address,
            garden=garden.name,
            token=token,
            public_url=server.accounts.policy.public_url,
        )
    )
    return _view(invitation)


@router.post(
    "/{slug}/invitations/link",
    status_code=201,
    summary="Make a link to invite with",
    responses=TOO_MANY,
)
async def invite_by_link(
    body: LinkInvitation,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.MEMBER_WRITE))],
) -> NewInvitation:
    """Make an invitation for whoever gets its token, which is shown this once."""
    fields = InvitationFields(role=body.role)
    invitation, token = await server.run(lambda: server.members.invite(context, fields))
    return NewInvitation(**dict(_view(invitation)), token=token)


@router.delete("/{slug}/invitations/{key}", status_code=204, summary="Take an invitation back")
async def revoke_invitation(
    key: PathKey,
    server: ServerDep,
    context: Annotated[Context, Depends(Permitted(Permission.MEMBER_WRITE))],
) -> None:
    """Take an invitation back, so that its token opens nothing."""
    await server.run(lambda: server.members.revoke(context, key))


@router.post("/invitations/accept", summary="Accept an invitation", responses=TOO_OLD)
async def accept_invitation(
    body: AcceptanceBody,
    server: ServerDep,
    context: Annotated[Context, Depends(SignedIn())],
) -> Garden:
    """Make the caller a member of the garden of an invitation."""
    access = await server.run(lambda: server.members.accept(context, body.token))
    return garden_view(access.tenant, access.role)


def _view(invitation: Invitation) -> InvitationView:
    return InvitationView(
        **{name: getattr(invitation, name) for name in InvitationView.model_fields}
    )
