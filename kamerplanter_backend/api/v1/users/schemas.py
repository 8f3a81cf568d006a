"""What the routes about one's own account take and give."""

from pydantic import Field

from kamerplanter_backend.api.v1.auth.schemas import PasswordText
from kamerplanter_backend.domain.models.identity import (
    ProfileFields,
    ProviderLink,
    Session,
    User,
)
from kamerplanter_engines.models.base import Instant, Key, Model


class Profile(ProfileFields):
    """One's own account."""

    key: Key
    email: str | None
    is_email_verified: bool
    is_platform_admin: bool
    has_password: bool
    """Whether one can log in without a provider."""
    last_login_at: Instant | None
    created_at: Instant
    revision: int

    @classmethod
    def of(cls, user: User) -> Profile:
        """Return an account as its owner sees it."""
        shown = {name: getattr(user, name) for name in cls.model_fields if name != "has_password"}
        return cls(**shown, has_password=user.password_hash is not None)


class PasswordChange(Model):
    """A new password."""

    current_password: PasswordText | None = None
    """Needed if the account has one."""
    new_password: PasswordText
    """10 characters to 72 bytes in UTF-8."""


class AccountDeletion(Model):
    """The proof that it is the owner who wants to delete an account."""

    password: PasswordText | None = None
    """Needed if the account has one; else the login must be some minutes old at most."""


class SessionView(Model):
    """A login as its owner sees it."""

    key: Key
    method: str
    """`password`, or the provider's slug."""
    user_agent: str | None
    address: str | None
    """Shortened after 7 days."""
    started_at: Instant
    last_used_at: Instant
    expires_at: Instant
    is_persistent: bool
    is_current: bool
    """Whether it is the one that asks."""

    @classmethod
    def of(cls, session: Session, current_key: str | None) -> SessionView:
        """Return a session as its owner sees it."""
        shown = {name: getattr(session, name) for name in cls.model_fields if name != "is_current"}
        return cls(**shown, is_current=session.key == current_key)


class LinkView(Model):
    """A login provider that is linked to one's account."""

    key: Key
    provider: str
    email: str | None
    """The address that the provider gave."""
    linked_at: Instant
    last_used_at: Instant | None

    @classmethod
    def of(cls, link: ProviderLink) -> LinkView:
        """Return a link as its owner sees it."""
        return cls(**{name: getattr(link, name) for name in cls.model_fields})


class LinkBody(Model):
    """Where to go after a provider was linked."""

    return_to: str | None = Field(default=None, max_length=500)
    """Path on this server."""


class LinkDeparture(Model):
    """Where the browser has to go to link a provider."""

    authorization_url: str
