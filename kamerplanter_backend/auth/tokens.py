"""Access tokens: short-lived, signed, and read with one algorithm only."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from kamerplanter_backend.auth.policy import AuthPolicy, derived_key, keyed_digest
from kamerplanter_backend.common.exceptions import InvalidTokenError

if TYPE_CHECKING:  # it takes a while to load: the first token is early enough for that
    from joserfc.jwk import KeySet, OctKey
    from joserfc.jws import JWSRegistry
    from joserfc.jwt import Token

ALGORITHMS: Final = ("HS256",)
"""Whatever a token says of itself, no other one is tried."""
ISSUER: Final = "kamerplanter"
AUDIENCE: Final = "kamerplanter-api"
HEADER_TYPE: Final = "at+jwt"
"""Media type of an access token. Source: RFC 9068, section 2.1."""
TOKEN_TYPE: Final = "access"  # noqa: S105 - a kind, no secret
LEEWAY: Final = timedelta(seconds=5)
"""How far clocks of several servers may differ."""
LATEST_S: Final = 253_402_300_799
"""The end of the year 9999, beyond which there are no moments. Since the epoch. [s]"""
MAX_LENGTH: Final = 2000
"""A token of ours has about 400 characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessClaims:
    """What an access token says."""

    user_key: str
    session_key: str
    valid_from_s: int
    """Since the epoch. [s]"""
    expires_at_s: int
    """Since the epoch. [s]"""

    def is_valid(self, now: datetime) -> bool:
        """Tell whether a moment lies within its time."""
        now_s, leeway_s = now.timestamp(), LEEWAY.total_seconds()
        return self.valid_from_s - leeway_s <= now_s < self.expires_at_s + leeway_s


class AccessTokens:
    """Makes and reads access tokens."""

    def __init__(self, policy: AuthPolicy) -> None:
        self._policy = policy

    @property
    def life(self) -> timedelta:
        """How long a token is valid."""
        return self._policy.access_token_life

    def issue(self, user_key: str, session_key: str, now: datetime) -> str:
        """Return a token for a session; it names keys, no address and no name."""
        from joserfc import jwt  # noqa: PLC0415 - as above

        issued_at = int(now.timestamp())
        return jwt.encode(
            {"alg": ALGORITHMS[0], "typ": HEADER_TYPE, "kid": self._key.kid},
            {
                "iss": ISSUER,
                "aud": AUDIENCE,
                "sub": user_key,
                "sid": session_key,
                "type": TOKEN_TYPE,
                "jti": str(uuid4()),
                "iat": issued_at,
                "nbf": issued_at,
                "exp": issued_at + int(self.life.total_seconds()),
            },
            self._key,
            algorithms=list(ALGORITHMS),
        )

    def read(self, text: str, now: datetime) -> AccessClaims:
        """Return what a token says.

        Raises:
            InvalidTokenError: It is not ours, was changed, is made for something else, is over
                or not yet valid; the message does not tell which.
        """
        if len(text) > MAX_LENGTH:
            raise _refused()
        from joserfc import jwt  # noqa: PLC0415 - as above
        from joserfc.errors import JoseError  # noqa: PLC0415

        try:
            token = jwt.decode(text, self._keys, registry=self._registry)
        except (JoseError, ValueError) as error:
            raise _refused() from error
        claims = _checked(token)
        if claims is None or not claims.is_valid(now):
            raise _refused()
        return claims

    @cached_property
    def _key(self) -> OctKey:
        return _signing_key(self._policy.secret)

    @cached_property
    def _keys(self) -> KeySet:
        from joserfc.jwk import KeySet  # noqa: PLC0415 - as above

        return KeySet([_signing_key(secret) for secret in self._policy.secrets])

    @cached_property
    def _registry(self) -> JWSRegistry:
        from joserfc.jws import JWSRegistry  # noqa: PLC0415 - as above

        return JWSRegistry(algorithms=list(ALGORITHMS))


def _checked(token: Token) -> AccessClaims | None:
    """Return the claims of a token that is signed; none = it is not made for this."""
    header, claims = token.header, token.claims
    texts = [claims.get(name) for name in ("sub", "sid", "jti")]
    times = [claims.get(name) for name in ("iat", "nbf", "exp")]
    if (
        header.get("typ") != HEADER_TYPE
        or "kid" not in header
        or claims.get("iss") != ISSUER
        or claims.get("aud") != AUDIENCE
        or claims.get("type") != TOKEN_TYPE
        or not all(isinstance(text, str) for text in texts)
        or not all(type(moment) is int and 0 <= moment <= LATEST_S for moment in times)
    ):
        return None
    return AccessClaims(
        user_key=claims["sub"],
        session_key=claims["sid"],
        valid_from_s=max(claims["iat"], claims["nbf"]),
        expires_at_s=claims["exp"],
    )


def _signing_key(secret: bytes) -> OctKey:
    from joserfc.jwk import OctKey  # noqa: PLC0415 - as above

    kid = keyed_digest(secret, "key-id", "access")[:16]
    return OctKey.import_key(derived_key(secret, "access-token"), {"kid": kid, "use": "sig"})


def _refused() -> InvalidTokenError:
    return InvalidTokenError("The access token is not valid, or no longer; refresh it or log in.")
