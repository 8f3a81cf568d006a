"""What the routes about logins take and give."""

from typing import Annotated, Literal

from pydantic import Field, SecretStr

from kamerplanter_backend.auth.sessions import Login
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_backend.domain.models.identity import ApiKey
from kamerplanter_engines.models.base import Instant, Key, Label, Model, Name

EmailText = Annotated[str, Field(min_length=3, max_length=254, examples=["ada@example.org"])]
PasswordText = Annotated[
    SecretStr, Field(min_length=1, max_length=1000, examples=["correct horse battery"])
]
"""The rules (10 characters to 72 bytes in UTF-8) are checked where it is set, and named there."""
MailedToken = Annotated[SecretStr, Field(min_length=1, max_length=200)]
Locale = Annotated[str, Field(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", examples=["de"])]
Slug = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]


class RegisterBody(Model):
    """Who wants an account."""

    email: EmailText
    password: PasswordText
    """10 characters to 72 bytes in UTF-8."""
    display_name: Name
    locale: Locale | None = None
    """Language of mails; none = English."""
    time_zone: str | None = Field(default=None, max_length=64, examples=["Europe/Berlin"])
    """IANA name of the zone of the person and the own garden; none = where the server is."""


class LoginBody(Model):
    """Who wants to come in."""

    email: EmailText
    password: PasswordText
    remember_me: bool = True
    """Whether the session outlives the browser's window."""


class EmailBody(Model):
    """Whom to send a mail to, if there is reason to."""

    email: EmailText


class TokenBody(Model):
    """The code of a mail."""

    token: MailedToken


class ResetBody(Model):
    """The code of a mail, and the password that is to be."""

    token: MailedToken
    new_password: PasswordText
    """10 characters to 72 bytes in UTF-8."""


class Message(Model):
    """That something was done, in words."""

    message: str


class EndedSessions(Message):
    """How many sessions have been ended."""

    count: int


class TokenAnswer(Model):
    """An access token; the refresh token travels in a cookie that no script can read."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - a kind, no secret
    expires_in: int
    """How long it is valid. [s]"""

    @classmethod
    def of(cls, login: Login) -> TokenAnswer:
        """Return what somebody gets who has logged in."""
        return cls(
            access_token=login.access_token, expires_in=int(login.expires_in.total_seconds())
        )


class ProviderInfo(Model):
    """A login provider as a login page shows it."""

    slug: str
    display_name: str


class ProviderList(Model):
    """All login providers."""

    items: tuple[ProviderInfo, ...]


class ApiKeyBody(Model):
    """A key to be made."""

    label: Label = Field(examples=["Sensors on the balcony"])
    tenant_slug: Slug
    """The only garden that it opens."""
    scopes: frozenset[KeyScope] = Field(min_length=1, examples=[["read", "ingest"]])
    expires_at: Instant | None = None
    """None = when it is revoked."""


class ApiKeyView(Model):
    """A key as its owner sees it; nobody sees the key itself again."""

    key: Key
    label: str
    prefix: str
    """How it begins."""
    tenant_slug: str | None
    scopes: tuple[KeyScope, ...]
    created_at: Instant
    expires_at: Instant | None
    last_used_at: Instant | None
    """To the minute."""
    revoked_at: Instant | None

    @classmethod
    def of(cls, key: ApiKey, tenant_slug: str | None) -> ApiKeyView:
        """Return a key as its owner sees it."""
        return cls(
            key=key.key,
            label=key.label,
            prefix=key.prefix,
            tenant_slug=tenant_slug,
            scopes=key.scopes,
            created_at=key.created_at,
            expires_at=key.expires_at,
            last_used_at=key.last_used_at,
            revoked_at=key.revoked_at,
        )


class NewApiKeyView(ApiKeyView):
    """A key that was just made."""

    raw_key: str
    """What a machine sends as `Authorization: Bearer`; shown this once."""
