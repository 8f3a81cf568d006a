"""The conversation with one login provider: OpenID Connect, authorization code with PKCE.

Sources: OpenID Connect Core 1.0, sections 3.1 and 5.4; RFC 7636; RFC 9207.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from kamerplanter_backend.auth.login_provider import OidcIdentity, ProviderSettings
from kamerplanter_backend.common.exceptions import ExternalSourceError, InvalidTokenError

KEPT: Final = timedelta(hours=6)
"""How long what a provider says of itself is believed."""
KEYS_ASKED_EVERY: Final = timedelta(minutes=1)
"""How often a token may make us ask for keys that we do not have."""
LEEWAY_S: Final = 60
TIMEOUT: Final = httpx2.Timeout(15.0, connect=3.0)
ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
)
"""Signatures with a key that only the provider has; whatever it offers, no other one counts."""
KEY_KINDS: Final = ("RSA", "EC")


@dataclass(slots=True)
class _Known:
    """What the provider has said of itself, and when."""

    metadata: dict[str, Any]
    metadata_at: datetime
    keys: KeySet | None = None
    keys_at: datetime | None = None


class OidcProviderClient:
    """Talks to one provider.

    Args:
        settings: Which one.
        redirect_uri: Where it sends the browser back to; never taken from a request.
    """

    def __init__(self, settings: ProviderSettings, redirect_uri: str) -> None:
        self.settings = settings
        self._redirect_uri = redirect_uri
        self._known: _Known | None = None

    async def authorization_url(
        self, *, state: str, nonce: str, code_verifier: str, now: datetime
    ) -> str:
        """Return where to send the browser.

        Raises:
            ExternalSourceError: The provider does not answer, or not as it should.
        """
        metadata = await self._metadata(now)
        client = self._client()
        url, _ = client.create_authorization_url(
            metadata["authorization_endpoint"],
            state=state,
            code_verifier=code_verifier,
            nonce=nonce,
        )
        return str(url)

    async def identify(
        self, *, code: str, nonce: str, code_verifier: str, now: datetime
    ) -> OidcIdentity:
        """Exchange a code and return who it stands for.

        Raises:
            InvalidTokenError: The provider refuses the code, or its ID token does not hold.
            ExternalSourceError: The provider does not answer, or not as it should.
        """
        metadata = await self._metadata(now)
        async with self._talk() as client:
            token = await self._exchange(client, metadata, code, code_verifier)
            claims = await self._verified(token, nonce, now)
            if "email" not in claims and "email" in self.settings.scopes:
                claims = {**await self._userinfo(client, metadata, claims["sub"]), **claims}
        return _identity(self.settings.issuer, claims)

    # --- Within -----------------------------------------------------------------------------

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            client_id=self.settings.client_id,
            client_secret=self.settings.client_secret,
            scope=" ".join(self.settings.scopes),
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            timeout=TIMEOUT,
            follow_redirects=False,
        )

    @asynccontextmanager
    async def _talk(self) -> AsyncIterator[AsyncOAuth2Client]:
        """Open a connection; what goes wrong on it is the provider's failure."""
        try:
            async with self._client() as client:
                yield client
        except (httpx2.HTTPError, AuthlibBaseError, ValueError, KeyError, TypeError) as error:
            raise self._failed() from error

    def _failed(self) -> ExternalSourceError:
        name = self.settings.display_name
        return ExternalSourceError(
            f"The login provider {name} does not answer as it should; try again later.",
            source=self.settings.slug,
        )

    async def _metadata(self, now: datetime) -> dict[str, Any]:
        if self._known is None or abs(now - self._known.metadata_at) > KEPT:
            issuer = self.settings.issuer
            url = f"{issuer.rstrip('/')}/.well-known/openid-configuration"
            async with self._talk() as client:
                found = await _json(client, url)
            if found.get("issuer") != issuer or not self._has_sound_endpoints(found):
                raise self._failed()
            self._known = _Known(metadata=found, metadata_at=now)
        return self._known.metadata

    def _has_sound_endpoints(self, metadata: Mapping[str, Any]) -> bool:
        """Tell whether all addresses are there and none is less protected than the issuer's."""
        scheme = urlsplit(self.settings.issuer).scheme
        allowed = {"https"} if scheme == "https" else {"http", "https"}
        needed = ("authorization_endpoint", "token_endpoint", "jwks_uri")
        names = (*needed, "userinfo_endpoint") if "userinfo_endpoint" in metadata else needed
        return all(urlsplit(str(metadata.get(name, ""))).scheme in allowed for name in names)

    async def _exchange(
        self, client: AsyncOAuth2Client, metadata: Mapping[str, Any], code: str, code_verifier: str
    ) -> Mapping[str, Any]:
        try:
            token = await client.fetch_token(
                metadata["token_endpoint"],
                grant_type="authorization_code",
                code=code,
                code_verifier=code_verifier,
            )
        except AuthlibBaseError as error:
            raise _refused() from error
        if not isinstance(token.get("id_token"), str):
            raise _refused()
        return dict(token)

    async def _verified(
        self, token: Mapping[str, Any], nonce: str, now: datetime
    ) -> dict[str, Any]:
        """Return the claims of the ID token after signature and every claim was checked."""
        try:
            try:
                decoded = jwt.decode(
                    token["id_token"], await self._keys(now), algorithms=list(ALGORITHMS)
                )
            except InvalidKeyIdError:
                # The provider may have changed its keys since we asked.
                keys = await self._keys(now, older_than=KEYS_ASKED_EVERY)
                decoded = jwt.decode(token["id_token"], keys, algorithms=list(ALGORITHMS))
            claims = CodeIDToken(
                decoded.claims,
                decoded.header,
                {
                    "iss": {"essential": True, "value": self.settings.issuer},
                    "aud": {"essential": True, "value": self.settings.client_id},
                    "sub": {"essential": True},
                    "nonce": {"essential": True, "value": nonce},
                },
                {
                    "nonce": nonce,
                    "client_id": self.settings.client_id,
                    "access_token": token.get("access_token"),
                },
            )
            claims.validate(now=int(now.timestamp()), leeway=LEEWAY_S)
        except (JoseError, AuthlibBaseError, ValueError) as error:
            raise _refused() from error
        return dict(claims)

    async def _keys(self, now: datetime, older_than: timedelta = KEPT) -> KeySet:
        await self._metadata(now)
        known = self._known
        assert known is not None  # noqa: S101 - it has just been asked for
        is_fresh = known.keys_at is not None and abs(now - known.keys_at) <= older_than
        if known.keys is None or not is_fresh:
            async with self._talk() as client:
                found = await _json(client, known.metadata["jwks_uri"])
                keys = [
                    key
                    for key in found["keys"]
                    if key.get("kty") in KEY_KINDS and key.get("use", "sig") == "sig"
                ]
                known.keys = KeySet.import_key_set({"keys": keys})
            known.keys_at = now
        return known.keys

    async def _userinfo(
        self, client: AsyncOAuth2Client, metadata: Mapping[str, Any], subject: str
    ) -> dict[str, Any]:
        """Return what the provider knows of a person; of another one it is refused."""
        if "userinfo_endpoint" not in metadata:
            return {}
        response = await client.get(metadata["userinfo_endpoint"])
        response.raise_for_status()
        found = response.json()
        if not isinstance(found, dict) or found.get("sub") != subject:
            raise _refused()
        return found


def _identity(issuer: str, claims: Mapping[str, Any]) -> OidcIdentity:
    def text(name: str) -> str | None:
        value = claims.get(name)
        return value.strip() or None if isinstance(value, str) else None

    subject = text("sub")
    if subject is None:
        raise _refused()
    return OidcIdentity(
        issuer=issuer,
        subject=subject,
        email=text("email"),
        # Some providers send the word in place of the value.
        is_email_verified=claims.get("email_verified") in {True, "true"},
        name=text("name") or text("preferred_username"),
        locale=text("locale"),
    )


async def _json(client: AsyncOAuth2Client, url: str) -> dict[str, Any]:
    response = await client.request("GET", url, withhold_token=True)
    response.raise_for_status()
    found = response.json()
    if not isinstance(found, dict):
        raise TypeError("no JSON object")
    return found


def _refused() -> InvalidTokenError:
    return InvalidTokenError("The login at the provider did not succeed; begin again.")
