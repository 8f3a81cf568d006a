"""A login provider and whom it knows, without what it takes to talk to it."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """A provider as the server's settings describe it."""

    slug: str
    display_name: str
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    is_email_trusted: bool = False
    """Whether an address that it calls confirmed may stand for an account of ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcIdentity:
    """Whom a provider says it knows, after everything about it was checked."""

    issuer: str
    subject: str
    email: str | None
    is_email_verified: bool
    name: str | None
    locale: str | None
