"""People and machines that may call the server: accounts, sessions, keys, provider links."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, field_validator

from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_engines.models.base import Entity, Instant, Key, Label, Model, Name
from kamerplanter_engines.models.site import known_zone

Digest = Annotated[str, Field(min_length=64, max_length=64, pattern=r"^[0-9a-f]{64}$")]
"""A SHA-256 or HMAC-SHA-256 in hexadecimal; what it was made of is stored nowhere."""

MailAddress = Annotated[str, Field(min_length=3, max_length=254, pattern=r"^[^@\s]+@[^@\s]+$")]
"""An e-mail address in the spelling that accounts are compared by."""


class ProfileFields(Model):
    """What people may say of themselves, and change."""

    display_name: Name
    locale: str | None = Field(default=None, pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$")
    """Language of mails and texts, e.g. `de`; none = English."""
    time_zone: str | None = Field(default=None, max_length=64)
    """The person's own zone, e.g. `Europe/Berlin`; gardens have theirs."""
    avatar_url: str | None = Field(default=None, max_length=500, pattern=r"^https://[^\s]+$")

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, value: str | None) -> str | None:
        return None if value is None else known_zone(value)


class UserFields(ProfileFields):
    """An account."""

    email: MailAddress | None = None
    """None = no mail goes there, as with a deleted account."""
    password_hash: str | None = Field(default=None, max_length=100)
    """By bcrypt; none = logs in through a provider only."""
    is_email_verified: bool = False
    is_active: bool = True
    is_platform_admin: bool = False
    """Looks after the installation: catalogue, tenants, users."""
    has_garden: bool = False
    """The account's first garden has been made."""
    last_login_at: Instant | None = None
    invited_at: tuple[Instant, ...] = ()
    """When it invited somebody into any garden: the last time, and the day before that."""
    deleted_at: Instant | None = None
    """When the account was deleted; only its key is left, so that records keep their author."""


SYSTEM_USER_KEY: Final = "system"
"""The account that everybody is on a server without accounts."""


class User(Entity, UserFields):
    """An account that exists."""

    @property
    def is_open(self) -> bool:
        """Whether somebody may come in with it: nobody does as the user of light mode.

        That one looks after a server without accounts. On the same store with accounts, whoever
        reads the mails to its address would look after everybody's gardens.
        """
        return self.is_active and self.key != SYSTEM_USER_KEY


class ProviderLinkFields(Model):
    """That somebody at a login provider is one of our users."""

    user_key: Key
    provider: str = Field(min_length=1, max_length=50)
    """The provider's slug in the settings at that time; the issuer is what counts."""
    issuer: str = Field(min_length=1, max_length=500)
    subject: str = Field(min_length=1, max_length=255)
    """What the issuer calls the person; never used twice by one issuer."""
    email: str | None = Field(default=None, max_length=254)
    linked_at: Instant
    last_used_at: Instant | None = None


class ProviderLink(Entity, ProviderLinkFields):
    """A link that exists."""


class SessionEnd(StrEnum):
    """Why a session is over before its time."""

    LOGOUT = "logout"
    ENDED = "ended"
    """The user ended it from another session."""
    PASSWORD = "password"  # noqa: S105 - the reason, no secret
    """The password was changed or set anew."""
    REUSED = "reused"
    """A refresh token came back after it had been exchanged."""
    DELETED = "deleted"
    """The account was deleted or deactivated."""


class SessionFields(Model):
    """A login on one device, and the family of refresh tokens that follow each other."""

    user_key: Key
    method: str = Field(min_length=1, max_length=60)
    """`password`, or the provider's slug."""
    is_persistent: bool = False
    """Outlives the browser's window."""
    user_agent: str | None = Field(default=None, max_length=300)
    address: str | None = Field(default=None, max_length=60)
    started_at: Instant
    last_used_at: Instant
    expires_at: Instant
    """When it ends unless it is refreshed before."""
    until_at: Instant
    """When it ends however often it is refreshed."""
    ended_at: Instant | None = None
    end: SessionEnd | None = None


class Session(Entity, SessionFields):
    """A session that exists, or existed."""


class RefreshTokenFields(Model):
    """One link of a session's chain of refresh tokens."""

    session_key: Key
    token_hash: Digest
    parent_key: Key | None = None
    """The token that it was exchanged for; none = it came with the login."""
    expires_at: Instant
    used_at: Instant | None = None
    """When it was exchanged first. It stays as evidence while the session lives."""


class RefreshToken(Entity, RefreshTokenFields):
    """A refresh token that was handed out."""


class ApiKeyFields(Model):
    """A key for a machine."""

    user_key: Key
    """Whose rights it has, at most."""
    garden_key: Key
    """The only garden that it opens."""
    label: Label
    scopes: tuple[KeyScope, ...] = Field(min_length=1, max_length=4)
    key_hash: Digest
    prefix: str = Field(pattern=r"^kp_[A-Za-z0-9_-]{5}$")
    """How it begins, so that a person can tell which one it is."""
    expires_at: Instant | None = None
    """None = when it is revoked."""
    last_used_at: Instant | None = None
    """To the minute."""
    revoked_at: Instant | None = None


class ApiKey(Entity, ApiKeyFields):
    """A key that was handed out."""


class TokenPurpose(StrEnum):
    """What a token sent by mail is good for."""

    VERIFY_EMAIL = "verify_email"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - the purpose, no secret


class OneTimeTokenFields(Model):
    """A token that was sent by mail and works once."""

    user_key: Key
    purpose: TokenPurpose
    token_hash: Digest
    email: MailAddress
    """Where it was sent to; worthless when the account has another address by then."""
    expires_at: Instant


class OneTimeToken(Entity, OneTimeTokenFields):
    """A token that nobody has used yet."""


class LoginStateFields(Model):
    """A login at a provider that has begun and not ended."""

    provider: str = Field(min_length=1, max_length=50)
    state_hash: Digest
    browser_hash: Digest
    """Stands for the cookie of the browser that began it."""
    nonce: str = Field(pattern=r"^[A-Za-z0-9_-]{16,128}$")
    code_verifier: str = Field(pattern=r"^[A-Za-z0-9._~-]{43,128}$")
    return_path: str = Field(default="/", max_length=500)
    """Where the browser goes afterwards; a path of ours."""
    link_user_key: Key | None = None
    """Whom to link the provider to; none = it is a login."""
    link_session_key: Key | None = None
    """The session that asks for the link."""
    expires_at: Instant


class LoginState(Entity, LoginStateFields):
    """A login that waits for its provider."""


class LoginDelayFields(Model):
    """How often a login went wrong in a row for a name, whether it is an account or not."""

    name_hash: Digest
    failure_count: int = Field(default=0, ge=0)
    last_failed_at: Instant


class LoginDelay(Entity, LoginDelayFields):
    """A count that is kept."""
