"""Logging in through a login provider, and linking one to an account."""

import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Final

from kamerplanter_backend.auth.addresses import comparable_email, safe_path
from kamerplanter_backend.auth.first_garden import FirstGarden
from kamerplanter_backend.auth.login_provider import OidcIdentity, ProviderSettings
from kamerplanter_backend.auth.policy import AuthPolicy, digest, keyed_digest
from kamerplanter_backend.auth.sessions import (
    Device,
    Login,
    SessionService,
    begin_session,
    is_living,
)
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    ForbiddenError,
    InvalidTokenError,
    UnauthorizedError,
)
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.models.identity import (
    LoginState,
    LoginStateFields,
    ProviderLink,
    ProviderLinkFields,
    Session,
    User,
    UserFields,
)
from kamerplanter_backend.domain.repositories.identity import (
    LoginStateRepository,
    ProviderLinkRepository,
    RefreshTokenRepository,
    SessionRepository,
    UserRepository,
)
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command
from kamerplanter_backend.domain.services.tenant_service import account_context
from kamerplanter_engines.errors import InvalidInputError

STATE_LIFE: Final = timedelta(minutes=10)
"""So long a person may take at the provider."""
UNNAMED: Final = "New gardener"
_COOKIE: Final = "login-cookie"
_MAX_NAME = 200
_MAX_SUBJECT = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """What a browser takes along to the provider."""

    state: str = field(repr=False)
    nonce: str = field(repr=False)
    code_verifier: str = field(repr=False)
    cookie: str = field(repr=False)
    """Stays in the browser: who comes back without it is somebody else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What came of it."""

    login: Login | None
    """None = a provider was linked; the session is the one that asked for it."""
    return_path: str


class OidcLoginService(Service):
    """Remembers who left for which provider, and knows whom they are when they come back."""

    def __init__(
        self,
        store: DocumentStore,
        policy: AuthPolicy,
        sessions: SessionService,
        gardens: FirstGarden,
    ) -> None:
        super().__init__(store)
        self._policy = policy
        self._sessions = sessions
        self._gardens = gardens

    def depart(
        self,
        provider: str,
        *,
        return_path: str | None,
        link_user_key: str | None = None,
        link_session_key: str | None = None,
        now: datetime,
    ) -> Departure:
        """Begin a login.

        Args:
            provider: Slug of the provider.
            return_path: Where the browser goes afterwards; only a path of ours is taken.
            link_user_key: Whom to link the provider to; none = it is a login.
            link_session_key: The session of theirs that asks for it.
            now: The present moment.
        """
        mark = token_urlsafe(32)
        departure = Departure(
            state=token_urlsafe(32),
            nonce=token_urlsafe(32),
            code_verifier=token_urlsafe(64),
            cookie=f"{mark}.{keyed_digest(self._policy.secret, _COOKIE, mark)}",
        )
        fields = LoginStateFields(
            provider=provider,
            state_hash=digest(departure.state),
            browser_hash=digest(mark),
            nonce=departure.nonce,
            code_verifier=departure.code_verifier,
            return_path=safe_path(return_path),
            link_user_key=link_user_key,
            link_session_key=link_session_key,
            expires_at=now + STATE_LIFE,
        )
        self._remember(account_context("oidc", now), fields)
        return departure

    def come_back(self, provider: str, state: str, cookie: str | None, now: datetime) -> LoginState:
        """Return the login that a browser began; it cannot be ended a second time.

        Raises:
            InvalidTokenError: There is none, it took too long, another provider sent the browser
                back, or it is another browser.
        """
        found = self._take(account_context("oidc", now), digest(state))
        mark = self._mark_of(cookie)
        if (
            found is None
            or mark is None
            or not hmac.compare_digest(digest(mark), found.browser_hash)
            or found.provider != provider
            or found.expires_at <= now
        ):
            raise InvalidTokenError(
                "This login was not begun in this browser, or took too long; begin again."
            )
        return found

    def finish(
        self,
        state: LoginState,
        identity: OidcIdentity,
        provider: ProviderSettings,
        *,
        device: Device,
        now: datetime,
    ) -> Arrival:
        """Let in whom the provider knows, or link the provider.

        Raises:
            ConflictError: The address belongs to an account that the provider cannot speak for,
                or the person there is somebody else's already.
            ForbiddenError: This server takes nobody new.
            InvalidTokenError: The session that asked for a link is over.
            UnauthorizedError: The account is closed.
        """
        context = account_context("oidc", now)
        if state.link_user_key is not None:
            self._link(context, state, identity, provider)
            return Arrival(login=None, return_path=state.return_path)
        user, session, token = self._enter(context, identity, provider, device)
        self._gardens.make_for(user, now)
        login = self._sessions.login_of(session, token, now)
        return Arrival(login=login, return_path=state.return_path)

    @command(LoginStateRepository)
    def _remember(self, uow: UnitOfWork, fields: LoginStateFields) -> None:
        uow.of(LoginStateRepository).add(fields)

    @command(LoginStateRepository)
    def _take(self, uow: UnitOfWork, state_hash: str) -> LoginState | None:
        states = uow.of(LoginStateRepository)
        found = states.with_hash(state_hash)
        if found is not None:
            states.remove(found.key)
        return found

    def _mark_of(self, cookie: str | None) -> str | None:
        """Return what a cookie of ours says; none = it is not of ours."""
        mark, _, signature = (cookie or "").partition(".")
        expected = [keyed_digest(secret, _COOKIE, mark) for secret in self._policy.secrets]
        sent = signature.encode()
        matches = [hmac.compare_digest(sent, good.encode()) for good in expected]
        return mark if any(matches) else None

    @command(ProviderLinkRepository)
    def _link(
        self,
        uow: UnitOfWork,
        state: LoginState,
        identity: OidcIdentity,
        provider: ProviderSettings,
    ) -> None:
        session = uow.of(SessionRepository).try_get(state.link_session_key or "")
        if session is None or not is_living(session, uow.context.now):
            # Whoever has thrown a thief out must not find a way in of his afterwards.
            raise InvalidTokenError("The session that asked for this is over; log in again.")
        user = uow.of(UserRepository).get(session.user_key)
        if not user.is_open:
            raise _closed()
        known = uow.of(ProviderLinkRepository).of_identity(identity.issuer, identity.subject)
        if known is None:
            _add_link(uow, user, identity, provider)
        elif known.user_key != user.key:
            raise ConflictError(
                f"This person at {provider.display_name} is linked to another account.",
                kind="provider_links",
                field="provider",
                value=provider.slug,
            )

    @command(UserRepository, ProviderLinkRepository, SessionRepository, RefreshTokenRepository)
    def _enter(
        self, uow: UnitOfWork, identity: OidcIdentity, provider: ProviderSettings, device: Device
    ) -> tuple[User, Session, str]:
        now, links, users = uow.context.now, uow.of(ProviderLinkRepository), uow.of(UserRepository)
        link = links.of_identity(identity.issuer, identity.subject)
        if link is None:
            user = self._user_for(uow, identity, provider)
            link = _add_link(uow, user, identity, provider)
        user = users.get(link.user_key)
        if not user.is_open:
            raise _closed()
        links.change(link, last_used_at=now)
        user = users.change(user, last_login_at=now)
        session, token = begin_session(
            uow,
            self._policy,
            user.key,
            method=provider.slug,
            is_persistent=True,
            device=device,
        )
        return user, session, token

    def _user_for(
        self, uow: UnitOfWork, identity: OidcIdentity, provider: ProviderSettings
    ) -> User:
        """Return the account of somebody who comes for the first time; makes one if there is none.

        Only an address that the provider confirmed, and whose word we take, stands for a person:
        else anybody could name somebody else's address there. What it did not confirm is not even
        looked up: whether an account has it is nobody's business.
        """
        users = uow.of(UserRepository)
        address = _address_of(identity) if identity.is_email_verified else None
        is_proven = identity.is_email_verified and provider.is_email_trusted
        known = users.with_email(address) if address is not None else None
        if known is not None:
            if is_proven and known.is_email_verified:
                return known
            raise ConflictError(
                f"There is an account with the address that {provider.display_name} gave, and it "
                "is not certain that it is yours: log in as before, then link the provider.",
                kind="users",
                field="email",
                value=provider.slug,
            )
        if not self._policy.is_registration_open:
            raise ForbiddenError(
                "This server takes no new accounts; ask its administrator.", permission="register"
            )
        return users.add(
            UserFields(
                display_name=(identity.name or UNNAMED)[:_MAX_NAME],
                email=address if is_proven else None,
                is_email_verified=is_proven and address is not None,
            )
        )


def _add_link(
    uow: UnitOfWork, user: User, identity: OidcIdentity, provider: ProviderSettings
) -> ProviderLink:
    if len(identity.subject) > _MAX_SUBJECT:
        raise InvalidTokenError("The login at the provider did not succeed; begin again.")
    return uow.of(ProviderLinkRepository).add(
        ProviderLinkFields(
            user_key=user.key,
            provider=provider.slug,
            issuer=identity.issuer,
            subject=identity.subject,
            email=_address_of(identity),
            linked_at=uow.context.now,
        )
    )


def _address_of(identity: OidcIdentity) -> str | None:
    """Return the address that a provider gave; none = it gave none that can be used."""
    try:
        return comparable_email(identity.email) if identity.email is not None else None
    except InvalidInputError:
        return None


def _closed() -> UnauthorizedError:
    return UnauthorizedError("This account is closed.")
