"""Sessions: a login on one device, kept alive by refresh tokens that are exchanged each time."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from secrets import token_urlsafe

from kamerplanter_backend.auth.csrf import CsrfGuard
from kamerplanter_backend.auth.policy import AuthPolicy, digest
from kamerplanter_backend.auth.tokens import AccessTokens
from kamerplanter_backend.common.exceptions import (
    InvalidTokenError,
    NotFoundError,
    SessionReusedError,
)
from kamerplanter_backend.common.log_context import note_down
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore, Page, Query, Where
from kamerplanter_backend.domain.models.identity import (
    RefreshTokenFields,
    Session,
    SessionEnd,
    SessionFields,
)
from kamerplanter_backend.domain.repositories.identity import (
    RefreshTokenRepository,
    SessionRepository,
    UserRepository,
)
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command, query
from kamerplanter_backend.domain.services.tenant_service import account_context

TOKEN_BYTES = 64
MAX_SESSIONS = 50
"""Most sessions of one user; the oldest one ends when there would be more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What is known of where somebody logs in."""

    user_agent: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """What somebody gets who has logged in."""

    user_key: str
    session_key: str
    access_token: str = field(repr=False)
    expires_in: timedelta
    refresh_token: str = field(repr=False)
    csrf_token: str = field(repr=False)
    cookie_life: timedelta | None
    """How long the browser keeps the cookie; none = until its window is closed."""


class _Verdict(StrEnum):
    GOOD = "good"
    INVALID = "invalid"
    REUSED = "reused"


@dataclass(frozen=True, slots=True)
class _Exchange:
    verdict: _Verdict
    session: Session | None = None
    refresh_token: str = ""


class SessionService(Service):
    """Keeps sessions alive, lists and ends them."""

    def __init__(
        self, store: DocumentStore, policy: AuthPolicy, tokens: AccessTokens, csrf: CsrfGuard
    ) -> None:
        super().__init__(store)
        self._policy = policy
        self._tokens = tokens
        self._csrf = csrf

    def login_of(self, session: Session, refresh_token: str, now: datetime) -> Login:
        """Return what the owner of a session gets, who is known in the log from now on."""
        note_down(user_key=session.user_key)
        return Login(
            user_key=session.user_key,
            session_key=session.key,
            access_token=self._tokens.issue(session.user_key, session.key, now),
            expires_in=self._tokens.life,
            refresh_token=refresh_token,
            csrf_token=self._csrf.token_for(session.key),
            cookie_life=session.expires_at - now if session.is_persistent else None,
        )

    def refresh(self, refresh_token: str, now: datetime) -> Login:
        """Exchange a refresh token; the old one is worthless afterwards.

        Within ten seconds it may come again, from a tab that did not know: both go on. Later
        it can only be stolen, here or there: then the whole session ends.

        Raises:
            InvalidTokenError: It is unknown or expired, or the session is over.
            SessionReusedError: It had been exchanged before; the session has been ended.
        """
        found = self._exchange(account_context("refresh", now), digest(refresh_token))
        if found.verdict is _Verdict.REUSED:
            raise SessionReusedError(
                "This session was continued from two places, so it has been ended; log in again."
            )
        if found.session is None:
            raise _no_session()
        return self.login_of(found.session, found.refresh_token, now)

    def session_of(self, refresh_token: str, now: datetime) -> Session:
        """Return the session that a refresh token belongs to, whether exchanged or not.

        Raises:
            InvalidTokenError: It is unknown, or the session is over.
        """
        session = self._session_of(account_context("refresh", now), digest(refresh_token))
        if session is None:
            raise _no_session()
        note_down(user_key=session.user_key)
        return session

    @query()
    def list_page(self, uow: UnitOfWork, user_key: str, asked: Query) -> Page[Session]:
        """Return a page of the sessions of a user that are not over."""
        mine = (
            Where("user_key", "==", user_key),
            Where("ended_at", "is_null", True),
            Where("expires_at", ">", uow.context.now),
        )
        return uow.of(SessionRepository).page(
            Query(where=mine, order=asked.order, limit=asked.limit, cursor=asked.cursor)
        )

    @command(SessionRepository)
    def end(self, uow: UnitOfWork, user_key: str, session_key: str, reason: SessionEnd) -> None:
        """End a session; its access token is worthless from now on.

        Raises:
            NotFoundError: The user has no such session, or it is over.
        """
        sessions = uow.of(SessionRepository)
        session = sessions.try_get(session_key)
        if session is None or session.user_key != user_key or session.ended_at is not None:
            raise NotFoundError(f"No session {session_key!r}.", kind="sessions", key=session_key)
        sessions.change(session, ended_at=uow.context.now, end=reason)

    @command(SessionRepository)
    def end_all(self, uow: UnitOfWork, user_key: str, reason: SessionEnd) -> int:
        """End all sessions of a user; return how many."""
        return end_sessions(uow, user_key, reason)

    @query()
    def _session_of(self, uow: UnitOfWork, token_hash: str) -> Session | None:
        token = uow.of(RefreshTokenRepository).with_hash(token_hash)
        session = uow.of(SessionRepository).try_get(token.session_key) if token else None
        return session if session is not None and is_living(session, uow.context.now) else None

    @command(SessionRepository, RefreshTokenRepository)
    def _exchange(self, uow: UnitOfWork, token_hash: str) -> _Exchange:
        # Ending a session must be stored, so what is refused is an answer here and no exception.
        now, tokens, sessions = (
            uow.context.now,
            uow.of(RefreshTokenRepository),
            uow.of(SessionRepository),
        )
        token = tokens.with_hash(token_hash)
        session = sessions.try_get(token.session_key) if token is not None else None
        if token is None or session is None or not is_living(session, now):
            return _Exchange(_Verdict.INVALID)
        siblings = tokens.of_parent(token.parent_key) if token.parent_key is not None else []
        # Two tabs may get a successor each, but only one of them can become the browser's cookie.
        if any(self._is_spent(other.used_at, now) for other in (token, *siblings)):
            sessions.change(session, ended_at=now, end=SessionEnd.REUSED)
            return _Exchange(_Verdict.REUSED)
        if any(child.used_at is not None for child in tokens.of_parent(token.key)):
            # The browser has gone on from there: a third successor would end the session later.
            return _Exchange(_Verdict.INVALID)
        user = uow.of(UserRepository).try_get(session.user_key)
        if token.expires_at <= now or user is None or not user.is_open:
            return _Exchange(_Verdict.INVALID)
        if token.used_at is None:
            tokens.change(token, used_at=now)
        expires_at = _expiry(self._policy, session.is_persistent, session.until_at, now)
        session = sessions.change(session, last_used_at=now, expires_at=expires_at)
        text = _add_token(uow, session, parent_key=token.key)
        return _Exchange(_Verdict.GOOD, session, text)

    def _is_spent(self, used_at: datetime | None, now: datetime) -> bool:
        # A clock that was set back does not stretch the grace.
        return used_at is not None and abs(now - used_at) > self._policy.refresh_grace


def begin_session(
    uow: UnitOfWork,
    policy: AuthPolicy,
    user_key: str,
    *,
    method: str,
    is_persistent: bool,
    device: Device,
) -> tuple[Session, str]:
    """Begin a session within a transaction; return it with its first refresh token.

    Writes `SessionRepository` and `RefreshTokenRepository`.

    Args:
        uow: The unit of work.
        policy: How long it may last.
        user_key: Whose it is.
        method: How the user logged in.
        is_persistent: Whether it outlives the browser's window.
        device: From where.
    """
    now = uow.context.now
    sessions = uow.of(SessionRepository)
    for oldest in sessions.living(user_key, now)[MAX_SESSIONS - 1 :]:
        sessions.change(oldest, ended_at=now, end=SessionEnd.ENDED)
    until_at = now + policy.session_life
    session = sessions.add(
        SessionFields(
            user_key=user_key,
            method=method,
            is_persistent=is_persistent,
            user_agent=device.user_agent[:300] if device.user_agent else None,
            address=device.address[:60] if device.address else None,
            started_at=now,
            last_used_at=now,
            expires_at=_expiry(policy, is_persistent, until_at, now),
            until_at=until_at,
        )
    )
    return session, _add_token(uow, session, parent_key=None)


def end_sessions(uow: UnitOfWork, user_key: str, reason: SessionEnd) -> int:
    """End all sessions of a user within a transaction; return how many."""
    sessions = uow.of(SessionRepository)
    living = sessions.living(user_key, uow.context.now)
    for session in living:
        sessions.change(session, ended_at=uow.context.now, end=reason)
    return len(living)


def is_living(session: Session, now: datetime) -> bool:
    """Tell whether a session is not over."""
    return session.ended_at is None and now < session.expires_at


def _expiry(policy: AuthPolicy, is_persistent: bool, until_at: datetime, now: datetime) -> datetime:
    life = policy.refresh_token_life if is_persistent else policy.window_session_life
    return min(now + life, until_at)


def _add_token(uow: UnitOfWork, session: Session, *, parent_key: str | None) -> str:
    text = token_urlsafe(TOKEN_BYTES)
    uow.of(RefreshTokenRepository).add(
        RefreshTokenFields(
            session_key=session.key,
            token_hash=digest(text),
            parent_key=parent_key,
            expires_at=session.expires_at,
        )
    )
    return text


def _no_session() -> InvalidTokenError:
    return InvalidTokenError("The session is over; log in again.")
