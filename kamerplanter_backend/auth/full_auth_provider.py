"""Who calls a server with accounts: by access token or API key."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import override

from kamerplanter_backend.auth.api_keys import KEY_MARK, ApiKeyService
from kamerplanter_backend.auth.principal import AuthKind, AuthProvider, Principal
from kamerplanter_backend.auth.sessions import is_living
from kamerplanter_backend.auth.tokens import AccessClaims, AccessTokens
from kamerplanter_backend.common.exceptions import InvalidTokenError, UnauthorizedError
from kamerplanter_backend.domain.interfaces.change_feed import StoredChange
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.repositories.identity import SessionRepository, UserRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, query
from kamerplanter_backend.domain.services.tenant_service import account_context

DECISIVE = frozenset({UserRepository.collection.name, SessionRepository.collection.name})
"""What decides whether a token still counts."""
BELIEVED = timedelta(seconds=5)
"""How long an answer may be reused at most: another process on this store tells us nothing."""
MAX_KEPT = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    """A token that was looked up, and when."""

    claims: AccessClaims
    principal: Principal
    ends_at: datetime
    """When the session is over."""
    at: datetime


class FullAuthProvider(Service, AuthProvider):
    """Reads the `Authorization` header.

    A logout, a new password or a closed account counts at once: what was looked up is forgotten
    with the commit that touches an account or a session.
    """

    def __init__(self, store: DocumentStore, tokens: AccessTokens, keys: ApiKeyService) -> None:
        super().__init__(store)
        self._tokens = tokens
        self._keys = keys
        self._lock = Lock()
        self._known: dict[str, _Known] = {}
        self._commits = 0
        store.subscribe(self._on_commit)

    @override
    def authenticate(self, authorization: str | None, now: datetime) -> Principal:
        """Return who sent an `Authorization` header.

        Raises:
            UnauthorizedError: There is none, or it is no bearer token.
            InvalidTokenError: The token or key is not valid, or no longer.
        """
        scheme, _, credential = (authorization or "").strip().partition(" ")
        credential = credential.strip()
        if scheme.lower() != "bearer" or not credential:
            raise UnauthorizedError("Log in, or send an API key: Authorization: Bearer …")
        if credential.startswith(KEY_MARK):
            return self._keys.principal_of(credential, now)
        known = self._known.get(credential)
        if known is None or abs(now - known.at) > BELIEVED:
            known = self._look_up(credential, now)
        if not known.claims.is_valid(now) or now >= known.ends_at:
            raise InvalidTokenError("The session is over; log in again.")
        return known.principal

    def _look_up(self, token: str, now: datetime) -> _Known:
        commits = self._commits
        claims = self._tokens.read(token, now)
        found = self._find(account_context(claims.user_key, now), claims)
        if found is None:
            raise InvalidTokenError("The session is over; log in again.")
        principal, ends_at = found
        known = _Known(claims, principal, ends_at, now)
        with self._lock:
            # What changed while it was read is read again the next time.
            if self._commits == commits:
                if len(self._known) >= MAX_KEPT:
                    self._known.clear()
                self._known[token] = known
        return known

    @query()
    def _find(self, uow: UnitOfWork, claims: AccessClaims) -> tuple[Principal, datetime] | None:
        session = uow.of(SessionRepository).try_get(claims.session_key)
        if session is None or session.user_key != claims.user_key:
            return None
        user = uow.of(UserRepository).try_get(claims.user_key)
        if user is None or not user.is_open or not is_living(session, uow.context.now):
            return None
        principal = Principal(
            user_key=user.key,
            kind=AuthKind.JWT,
            is_platform_admin=user.is_platform_admin,
            session_key=session.key,
            expires_at=min(datetime.fromtimestamp(claims.expires_at_s, UTC), session.expires_at),
        )
        return principal, session.expires_at

    def _on_commit(self, change: StoredChange) -> None:
        if not DECISIVE.isdisjoint(change.collections):
            with self._lock:
                self._commits += 1
                self._known.clear()
