"""Becoming a user, confirming an address, and coming back after the password is forgotten."""

from collections.abc import Callable
from datetime import datetime

from kamerplanter_backend.auth.addresses import comparable_email
from kamerplanter_backend.auth.login_delays import LoginDelays, account_name
from kamerplanter_backend.auth.mail_sender import MailSender
from kamerplanter_backend.auth.mail_texts import MailKind, mail_of
from kamerplanter_backend.auth.one_time_tokens import issue_token, redeem_token
from kamerplanter_backend.auth.passwords import check_password_rules, hash_password
from kamerplanter_backend.auth.policy import AuthPolicy
from kamerplanter_backend.auth.sessions import end_sessions
from kamerplanter_backend.common.exceptions import ConflictError, ForbiddenError
from kamerplanter_backend.domain.interfaces.adapters import Mail
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.models.identity import SessionEnd, TokenPurpose, User, UserFields
from kamerplanter_backend.domain.repositories.identity import (
    ApiKeyRepository,
    LoginDelayRepository,
    OneTimeTokenRepository,
    ProviderLinkRepository,
    SessionRepository,
    UserRepository,
)
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.repositories.validation import validated
from kamerplanter_backend.domain.services.base import Service, command
from kamerplanter_backend.domain.services.tenant_service import account_context

_PURPOSES = {
    MailKind.VERIFY: TokenPurpose.VERIFY_EMAIL,
    MailKind.RESET: TokenPurpose.RESET_PASSWORD,
    MailKind.EXISTS: TokenPurpose.RESET_PASSWORD,
}


class RegistrationService(Service):
    """Makes accounts. Nothing that strangers can call tells whether an address has one."""

    def __init__(
        self, store: DocumentStore, policy: AuthPolicy, delays: LoginDelays, mails: MailSender
    ) -> None:
        super().__init__(store)
        self._policy = policy
        self._delays = delays
        self._mails = mails

    def register(
        self,
        email: str,
        password: str,
        display_name: str,
        *,
        locale: str | None,
        now: datetime,
        time_zone: str | None = None,
    ) -> None:
        """Make an account and send a mail to confirm its address.

        If the address has an account, its owner gets a mail that says so; the caller sees no
        difference, and the same work is done.

        Args:
            email: The address.
            password: 10 characters to 72 bytes.
            display_name: How the person wants to be called.
            locale: Language of the mails, e.g. `de`; none = English.
            now: The present moment.
            time_zone: Where the person is, e.g. `Europe/Berlin`; none = where the server is.

        Raises:
            ForbiddenError: This server takes nobody new.
            InvalidInputError: Address, password, name or zone cannot be used; names the field.
        """
        if not self._policy.is_registration_open:
            raise ForbiddenError(
                "This server takes no new accounts; ask its administrator.", permission="register"
            )
        fields = self._fields(email, password, display_name, locale, time_zone)
        mail = self._register(account_context("registration", now), fields)
        self._mails.post(lambda: mail)

    def create_admin(self, email: str, password: str, display_name: str, now: datetime) -> User:
        """Make an account that looks after the installation, its address taken as confirmed.

        Raises:
            ConflictError: The address has an account.
            InvalidInputError: Address, password or name cannot be used.
        """
        fields = self._fields(email, password, display_name).model_copy(
            update={"is_email_verified": True, "is_platform_admin": True}
        )
        return self._create_admin(account_context("create-admin", now), fields)

    @command(UserRepository, OneTimeTokenRepository)
    def verify_email(self, uow: UnitOfWork, token: str) -> User:
        """Confirm the address of an account by the token that was sent to it.

        Raises:
            InvalidTokenError: It is unknown, used or expired.
        """
        user = redeem_token(uow, token, TokenPurpose.VERIFY_EMAIL)
        return uow.of(UserRepository).change(user, is_email_verified=True)

    def request_verification(self, email: str, now: datetime) -> None:
        """Send the mail that confirms an address once more, if there is reason to."""
        self._post_later(email, MailKind.VERIFY, lambda user: not user.is_email_verified, now)

    def request_reset(self, email: str, now: datetime) -> None:
        """Send a mail with which a new password can be set, if the address has an account."""
        self._post_later(email, MailKind.RESET, lambda _: True, now)

    def confirm_reset(self, token: str, new_password: str, now: datetime) -> None:
        """Set a new password by the token that was sent; ends all sessions of the user.

        Who got the mail owns the address, so it is confirmed as well. API keys stay.

        Raises:
            InvalidTokenError: The token is unknown, used or expired.
            InvalidInputError: The password cannot be used; the token stays good.
        """
        check_password_rules(new_password, field="new_password")
        hashed = hash_password(new_password, self._policy.bcrypt_rounds)
        self._confirm_reset(account_context("password-reset", now), token, hashed)

    def _fields(
        self,
        email: str,
        password: str,
        display_name: str,
        locale: str | None = None,
        time_zone: str | None = None,
    ) -> UserFields:
        """Return a new account's fields, its password hashed; refuses what cannot be used."""
        address = comparable_email(email)
        check_password_rules(password)
        said = {"display_name": display_name, "locale": locale, "time_zone": time_zone}
        fields = validated(UserFields, said | {"email": address})
        hashed = hash_password(password, self._policy.bcrypt_rounds)
        return fields.model_copy(update={"password_hash": hashed})

    @command(UserRepository, OneTimeTokenRepository)
    def _register(self, uow: UnitOfWork, fields: UserFields) -> Mail | None:
        users = uow.of(UserRepository)
        known = users.with_email(fields.email or "")
        if known is None:
            return self._mail(uow, users.add(fields), MailKind.VERIFY)
        return self._mail(uow, known, MailKind.EXISTS) if known.is_open else None

    @command(UserRepository)
    def _create_admin(self, uow: UnitOfWork, fields: UserFields) -> User:
        users = uow.of(UserRepository)
        if users.with_email(fields.email or "") is not None:
            raise ConflictError(
                f"{fields.email} has an account already.",
                kind="users",
                field="email",
                value=fields.email,
            )
        return users.add(fields)

    @command(
        UserRepository,
        OneTimeTokenRepository,
        SessionRepository,
        ApiKeyRepository,
        ProviderLinkRepository,
        LoginDelayRepository,
    )
    def _confirm_reset(self, uow: UnitOfWork, token: str, password_hash: str) -> None:
        user = redeem_token(uow, token, TokenPurpose.RESET_PASSWORD)
        uow.of(UserRepository).change(user, password_hash=password_hash, is_email_verified=True)
        end_sessions(uow, user.key, SessionEnd.PASSWORD)
        if not user.is_email_verified:
            # Whoever registered this address before its owner came keeps no way in.
            keys, links = uow.of(ApiKeyRepository), uow.of(ProviderLinkRepository)
            for key in keys.living(user.key):
                keys.change(key, revoked_at=uow.context.now)
            for link in links.of_user(user.key):
                links.remove(link.key)
        self._delays.forgive(uow, user.email or "")

    def _post_later(
        self, email: str, kind: MailKind, is_wanted: Callable[[User], bool], now: datetime
    ) -> None:
        """Look the address up on the mail thread, so that the answer takes the same time."""
        context, name = account_context("mail", now), account_name(email)
        self._mails.post(lambda: self._mail_to(context, name, kind, is_wanted))

    @command(OneTimeTokenRepository)
    def _mail_to(
        self, uow: UnitOfWork, name: str, kind: MailKind, is_wanted: Callable[[User], bool]
    ) -> Mail | None:
        user = uow.of(UserRepository).with_email(name)
        if user is None or not user.is_open or not is_wanted(user):
            return None
        return self._mail(uow, user, kind)

    def _mail(self, uow: UnitOfWork, user: User, kind: MailKind) -> Mail | None:
        token = issue_token(uow, user, _PURPOSES[kind])
        if token is None or user.email is None:
            return None
        return mail_of(
            kind,
            to=user.email,
            name=user.display_name,
            token=token,
            locale=user.locale,
            public_url=self._policy.public_url,
        )
