"""The rules and secrets that accounts work by, as plain values."""

import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import timedelta

MIN_SECRET_BYTES = 32
"""An HMAC-SHA-256 is as hard to guess as its key, up to this length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthPolicy:
    """How long things live and what is asked for.

    Raises:
        ValueError: A secret is too short.
    """

    secret: bytes = field(repr=False)
    """Signs everything new; at least 32 random bytes."""
    previous_secret: bytes | None = field(default=None, repr=False)
    """Still reads what it has signed, while the secret is being exchanged."""
    access_token_life: timedelta = timedelta(minutes=15)
    refresh_token_life: timedelta = timedelta(days=30)
    window_session_life: timedelta = timedelta(hours=24)
    """Of a session that ends with the browser's window: no refresh for so long ends it too."""
    session_life: timedelta = timedelta(days=90)
    """However often it is refreshed."""
    refresh_grace: timedelta = timedelta(seconds=10)
    """How long an exchanged refresh token may come again, from another tab."""
    bcrypt_rounds: int = 12
    requires_verified_email: bool = True
    is_registration_open: bool = True
    is_cookie_secure: bool = True
    public_url: str = ""
    """Where browsers reach the server, without a slash at the end; empty = nobody said."""

    time_zone: str = "UTC"
    """Where the gardens of people are who do not say it."""

    def __post_init__(self) -> None:
        for secret in (self.secret, self.previous_secret):
            if secret is not None and len(secret) < MIN_SECRET_BYTES:
                raise ValueError(f"a secret must have at least {MIN_SECRET_BYTES} bytes")

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """The secrets that signatures may come from, the present one first."""
        found = (self.secret, self.previous_secret)
        return tuple(secret for secret in found if secret is not None)


def derived_key(secret: bytes, purpose: str) -> bytes:
    """Return the key for one purpose, so that a signature for one is worthless for another.

    Args:
        secret: The server's secret.
        purpose: What is signed.
    """
    return hmac.digest(secret, f"kamerplanter/{purpose}".encode(), hashlib.sha256)


def keyed_digest(secret: bytes, purpose: str, text: str) -> str:
    """Return an HMAC-SHA-256 in hexadecimal."""
    return hmac.new(derived_key(secret, purpose), text.encode(), hashlib.sha256).hexdigest()


def digest(text: str) -> str:
    """Return the SHA-256 of a random token in hexadecimal: what is stored in its place."""
    return hashlib.sha256(text.encode()).hexdigest()
