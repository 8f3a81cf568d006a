"""Logging in with a password."""

from datetime import datetime

from kamerplanter_backend.auth.first_garden import FirstGarden
from kamerplanter_backend.auth.login_delays import LoginDelays, account_name
from kamerplanter_backend.auth.passwords import check_password, hash_password
from kamerplanter_backend.auth.policy import AuthPolicy
from kamerplanter_backend.auth.sessions import Device, Login, SessionService, begin_session
from kamerplanter_backend.common.exceptions import EmailNotVerifiedError, UnauthorizedError
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.models.identity import Session, User
from kamerplanter_backend.domain.repositories.identity import (
    LoginDelayRepository,
    RefreshTokenRepository,
    SessionRepository,
    UserRepository,
)
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command, query
from kamerplanter_backend.domain.services.tenant_service import account_context

PASSWORD_METHOD = "password"  # noqa: S105 - a kind, no secret


class LoginService(Service):
    """Lets people in who know their password."""

    def __init__(
        self,
        store: DocumentStore,
        policy: AuthPolicy,
        sessions: SessionService,
        delays: LoginDelays,
        gardens: FirstGarden,
    ) -> None:
        super().__init__(store)
        self._policy = policy
        self._sessions = sessions
        self._delays = delays
        self._gardens = gardens

    def log_in(
        self, email: str, password: str, *, remember_me: bool, device: Device, now: datetime
    ) -> Login:
        """Begin a session. Blocks for one password check on every path but a refusal to try.

        Args:
            email: The account name, in any spelling.
            password: The password.
            remember_me: Whether the session outlives the browser's window.
            device: From where.
            now: The present moment.

        Raises:
            UnauthorizedError: There is no such account, the password is wrong, or the account is
                closed; the message does not tell which.
            EmailNotVerifiedError: The password is right and the address not confirmed.
            RateLimitedError: Too many attempts for this name, whether it is an account or not.
        """
        name = account_name(email)
        self._delays.admit(name, now)
        context = account_context("login", now)
        user = self._account(context, name)
        rounds = self._policy.bcrypt_rounds
        check = check_password(password, user.password_hash if user else None, rounds)
        if user is None or not check.is_right or not user.is_open:
            raise UnauthorizedError("E-mail address or password is wrong.")
        if self._policy.requires_verified_email and not user.is_email_verified:
            self._forgive(context, name)
            raise EmailNotVerifiedError(
                "Confirm your e-mail address first: open the link that was sent to you, "
                "or ask for a new one."
            )
        new_hash = hash_password(password, rounds) if check.is_outdated else user.password_hash
        session, refresh_token = self._begin(
            account_context(user.key, now), user, new_hash, is_persistent=remember_me, device=device
        )
        self._gardens.make_for(user, now)
        return self._sessions.login_of(session, refresh_token, now)

    @query()
    def _account(self, uow: UnitOfWork, name: str) -> User | None:
        return uow.of(UserRepository).with_email(name)

    @command(LoginDelayRepository)
    def _forgive(self, uow: UnitOfWork, name: str) -> None:
        self._delays.forgive(uow, name)

    @command(UserRepository, SessionRepository, RefreshTokenRepository, LoginDelayRepository)
    def _begin(
        self,
        uow: UnitOfWork,
        checked: User,
        new_hash: str | None,
        *,
        is_persistent: bool,
        device: Device,
    ) -> tuple[Session, str]:
        users = uow.of(UserRepository)
        user = users.get(checked.key)
        if user.password_hash != checked.password_hash or not user.is_open:
            # Between the check and now the password was changed or the account closed.
            raise UnauthorizedError("E-mail address or password is wrong.")
        self._delays.forgive(uow, user.email or "")
        users.change(user, password_hash=new_hash, last_login_at=uow.context.now)
        return begin_session(
            uow,
            self._policy,
            user.key,
            method=PASSWORD_METHOD,
            is_persistent=is_persistent,
            device=device,
        )
