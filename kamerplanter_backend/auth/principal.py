"""Who a request comes from, and what has to be able to tell."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kamerplanter_backend.common.permissions import KeyScope


class AuthKind(StrEnum):
    """How a caller proved who it is."""

    JWT = "jwt"
    API_KEY = "api_key"
    LIGHT = "light"
    """Not at all: the server runs in light mode."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """A caller that is known."""

    user_key: str
    kind: AuthKind
    is_platform_admin: bool = False
    garden_key: str | None = None
    """The only garden that an API key reaches; none = all gardens of the user."""
    scopes: frozenset[KeyScope] | None = None
    """What an API key was made for; none = everything that the user may do."""
    session_key: str | None = None
    """The session that an access token belongs to."""
    api_key_key: str | None = None
    """The API key that was sent."""
    expires_at: datetime | None = None
    """When the token ends, aware; none = it does not end by time. Ends an event stream too."""


class AuthProvider(ABC):
    """Finds out who calls."""

    @abstractmethod
    def authenticate(self, authorization: str | None, now: datetime) -> Principal:
        """Return who sent an `Authorization` header; reads the store, so it blocks.

        Args:
            authorization: The header's value; none = it was not sent.
            now: The moment of the call, aware.

        Raises:
            UnauthorizedError: The caller is not known, or no longer.
            InvalidTokenError: What it sent is no valid token or key.
        """
