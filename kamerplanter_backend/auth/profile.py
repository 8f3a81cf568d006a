"""What people see and change of their own account."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import JsonValue

from kamerplanter_backend.auth.login_delays import LoginDelays
from kamerplanter_backend.auth.passwords import (
    check_password,
    check_password_rules,
    hash_password,
)
from kamerplanter_backend.auth.policy import AuthPolicy
from kamerplanter_backend.auth.sessions import end_sessions
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    NotFoundError,
    UnauthorizedError,
)
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore, Page, Query, Where
from kamerplanter_backend.domain.models.identity import (
    ProfileFields,
    ProviderLink,
    Session,
    SessionEnd,
    TokenPurpose,
    User,
)
from kamerplanter_backend.domain.repositories.identity import (
    LoginDelayRepository,
    OneTimeTokenRepository,
    ProviderLinkRepository,
    SessionRepository,
    UserRepository,
)
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command, query
from kamerplanter_backend.domain.services.tenant_service import account_context

RECENT_LOGIN = timedelta(minutes=10)
"""Who has no password proves who it is by having logged in so shortly before."""


class ProfileService(Service):
    """One's own profile, password and ways to log in."""

    def __init__(self, store: DocumentStore, policy: AuthPolicy, delays: LoginDelays) -> None:
        super().__init__(store)
        self._policy = policy
        self._delays = delays

    @query()
    def get(self, uow: UnitOfWork, user_key: str) -> User:
        """Return an account.

        Raises:
            NotFoundError: There is none.
        """
        return uow.of(UserRepository).get(user_key)

    @command(UserRepository)
    def update(
        self,
        uow: UnitOfWork,
        user_key: str,
        patch: Mapping[str, JsonValue],
        expected_revision: int | None = None,
    ) -> User:
        """Change name, language, zone or picture: a JSON merge patch.

        Raises:
            InvalidInputError: Another field is named, or a value does not fit.
            StaleRevisionError: The account has another revision than expected.
        """
        return uow.of(UserRepository).patch(
            user_key, patch, ProfileFields, expected_revision=expected_revision
        )

    def change_password(
        self,
        user_key: str,
        session_key: str,
        *,
        current_password: str | None,
        new_password: str,
        now: datetime,
    ) -> None:
        """Set a new password; all sessions end, also the one that asks. API keys stay.

        Args:
            user_key: The account.
            session_key: The session that asks.
            current_password: Needed if the account has one.
            new_password: 10 characters to 72 bytes.
            now: The present moment.

        Raises:
            InvalidInputError: The new password cannot be used.
            UnauthorizedError: The current one is wrong or missing; without one, the last login
                is too long ago.
            RateLimitedError: Too many wrong ones.
        """
        check_password_rules(new_password, field="new_password")
        user = self.confirm_identity(user_key, session_key, current_password, now)
        hashed = hash_password(new_password, self._policy.bcrypt_rounds)
        self._set_password(account_context(user_key, now), user, hashed)

    def confirm_identity(
        self, user_key: str, session_key: str, password: str | None, now: datetime
    ) -> User:
        """Make sure that it is the owner who sits there, before something that is hard to undo.

        Raises:
            UnauthorizedError: The password is wrong or missing; for an account without one, the
                last login is too long ago.
            RateLimitedError: Too many wrong ones.
        """
        context = account_context(user_key, now)
        user, session = self._user_and_session(context, user_key, session_key)
        if user.password_hash is None:
            if session is None or now - session.started_at > RECENT_LOGIN:
                minutes = int(RECENT_LOGIN.total_seconds() // 60)
                raise UnauthorizedError(
                    f"Log in again first: this works within {minutes} minutes of a login."
                )
            return user
        name = user.email or user.key
        self._delays.admit(name, now)
        check = check_password(password or "", user.password_hash, self._policy.bcrypt_rounds)
        if not check.is_right:
            raise UnauthorizedError("The current password is wrong.", field="current_password")
        self._forgive(context, name)
        return user

    @query()
    def list_links(self, uow: UnitOfWork, user_key: str, asked: Query) -> Page[ProviderLink]:
        """Return a page of the login providers that a user has linked."""
        mine = (Where("user_key", "==", user_key),)
        return uow.of(ProviderLinkRepository).page(
            Query(where=mine, order=asked.order, limit=asked.limit, cursor=asked.cursor)
        )

    @command(ProviderLinkRepository)
    def unlink(self, uow: UnitOfWork, user_key: str, link_key: str) -> None:
        """Remove a way to log in.

        Raises:
            NotFoundError: The user has no such link.
            ConflictError: It is the last way to log in.
        """
        links = uow.of(ProviderLinkRepository)
        link = links.try_get(link_key)
        if link is None or link.user_key != user_key:
            raise NotFoundError(
                f"No provider link {link_key!r}.", kind="provider_links", key=link_key
            )
        user = uow.of(UserRepository).get(user_key)
        if user.password_hash is None and len(links.of_user(user_key)) == 1:
            raise ConflictError(
                "This is the only way to log in; set a password or link another provider first.",
                kind="provider_links",
                field="key",
                value=link_key,
            )
        links.remove(link_key)

    @query()
    def _user_and_session(
        self, uow: UnitOfWork, user_key: str, session_key: str
    ) -> tuple[User, Session | None]:
        return uow.of(UserRepository).get(user_key), uow.of(SessionRepository).try_get(session_key)

    @command(LoginDelayRepository)
    def _forgive(self, uow: UnitOfWork, name: str) -> None:
        self._delays.forgive(uow, name)

    @command(UserRepository, SessionRepository, OneTimeTokenRepository)
    def _set_password(self, uow: UnitOfWork, checked: User, password_hash: str) -> None:
        users, tokens = uow.of(UserRepository), uow.of(OneTimeTokenRepository)
        user = users.get(checked.key)
        if user.password_hash != checked.password_hash:
            raise UnauthorizedError("The password was changed meanwhile; log in again.")
        users.change(user, password_hash=password_hash)
        end_sessions(uow, user.key, SessionEnd.PASSWORD)
        for token in tokens.of_user(user.key, TokenPurpose.RESET_PASSWORD):
            tokens.remove(token.key)
