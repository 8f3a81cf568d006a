"""Everything about accounts in one place, and how it is built."""

from dataclasses import dataclass
from datetime import timedelta
from secrets import token_bytes
from typing import TYPE_CHECKING

from pydantic import SecretStr

from kamerplanter_backend.auth.api_keys import ApiKeyService
from kamerplanter_backend.auth.csrf import CsrfGuard
from kamerplanter_backend.auth.deletion import DeletionService
from kamerplanter_backend.auth.first_garden import FirstGarden
from kamerplanter_backend.auth.full_auth_provider import FullAuthProvider
from kamerplanter_backend.auth.light_auth_provider import LightAuthProvider
from kamerplanter_backend.auth.login import LoginService
from kamerplanter_backend.auth.login_delays import LoginDelays
from kamerplanter_backend.auth.login_provider import ProviderSettings
from kamerplanter_backend.auth.mail_sender import MailSender
from kamerplanter_backend.auth.mailers import ConsoleMailer, FolderMailer, SmtpMailer
from kamerplanter_backend.auth.oidc_login import OidcLoginService
from kamerplanter_backend.auth.policy import MIN_SECRET_BYTES, AuthPolicy
from kamerplanter_backend.auth.principal import AuthProvider
from kamerplanter_backend.auth.profile import ProfileService
from kamerplanter_backend.auth.registration import RegistrationService
from kamerplanter_backend.auth.sessions import SessionService
from kamerplanter_backend.auth.tokens import AccessTokens
from kamerplanter_backend.auth.upkeep import UpkeepService
from kamerplanter_backend.auth.user_admin import UserAdminService
from kamerplanter_backend.config.oidc_provider import OidcProvider
from kamerplanter_backend.config.settings import MailerKind, Mode, Settings
from kamerplanter_backend.domain.interfaces.adapters import Mailer
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.services.membership_service import MembershipService
from kamerplanter_backend.domain.services.tenant_service import TenantService

if TYPE_CHECKING:  # it takes a while to load, and few servers have a login provider
    from kamerplanter_backend.auth.oidc import OidcProviderClient

CALLBACK = "/api/v1/auth/oauth/{slug}/callback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Accounts:
    """All that can be done about accounts, by subject."""

    policy: AuthPolicy
    provider: AuthProvider
    csrf: CsrfGuard
    registration: RegistrationService
    login: LoginService
    sessions: SessionService
    api_keys: ApiKeyService
    profile: ProfileService
    deletion: DeletionService
    oidc: OidcLoginService
    oidc_clients: dict[str, OidcProviderClient]
    """The login providers by slug, in the order of the settings."""
    upkeep: UpkeepService
    admin: UserAdminService
    mails: MailSender

    def close(self) -> None:
        """Send the mails that are waiting; harmless when done twice. Blocks."""
        self.mails.close()


def build_accounts(
    store: DocumentStore,
    settings: Settings,
    tenants: TenantService,
    members: MembershipService,
    *,
    mailer: Mailer | None = None,
) -> Accounts:
    """Build everything about accounts on a store.

    Args:
        store: Where they are kept.
        settings: What a person has set.
        tenants: Makes and deletes gardens.
        members: Ends memberships.
        mailer: Where mails go; none = as the settings say.
    """
    policy = policy_of(settings)
    tokens, csrf = AccessTokens(policy), CsrfGuard(policy)
    mails = MailSender(mailer or mailer_of(settings), close_s=settings.mail_close_s)
    delays, gardens = LoginDelays(store, policy), FirstGarden(store, policy, tenants)
    sessions = SessionService(store, policy, tokens, csrf)
    api_keys = ApiKeyService(store)
    profile = ProfileService(store, policy, delays)
    is_full = settings.mode is Mode.FULL
    return Accounts(
        policy=policy,
        provider=FullAuthProvider(store, tokens, api_keys) if is_full else LightAuthProvider(),
        csrf=csrf,
        registration=RegistrationService(store, policy, delays, mails),
        login=LoginService(store, policy, sessions, delays, gardens),
        sessions=sessions,
        api_keys=api_keys,
        profile=profile,
        deletion=DeletionService(store, profile, tenants, members),
        oidc=OidcLoginService(store, policy, sessions, gardens),
        oidc_clients=_oidc_clients(settings, policy),
        upkeep=UpkeepService(store, policy, delays),
        admin=UserAdminService(store),
        mails=mails,
    )


def policy_of(settings: Settings) -> AuthPolicy:
    """Return the rules that the settings mean."""
    # A server without accounts signs nothing that outlives it.
    secret = _secret(settings.secret_key) or token_bytes(MIN_SECRET_BYTES)
    return AuthPolicy(
        secret=secret,
        previous_secret=_secret(settings.previous_secret_key),
        access_token_life=timedelta(minutes=settings.access_token_minutes),
        refresh_token_life=timedelta(days=settings.refresh_token_days),
        bcrypt_rounds=settings.bcrypt_rounds,
        requires_verified_email=settings.require_verified_email,
        is_registration_open=settings.is_registration_open,
        is_cookie_secure=settings.cookie_secure,
        public_url=settings.public_url or "",
        time_zone=settings.time_zone,
    )


def mailer_of(settings: Settings) -> Mailer:
    """Return the mailer that the settings mean."""
    if settings.mailer is MailerKind.CONSOLE:
        return ConsoleMailer()
    if settings.mail_folder is not None:
        return FolderMailer(settings.mail_folder)
    return SmtpMailer(
        host=settings.smtp_host,
        port=settings.smtp_port,
        sender=settings.smtp_from or "",
        user=settings.smtp_user,
        password=(settings.smtp_password.get_secret_value() if settings.smtp_password else None),
        use_tls=settings.smtp_use_tls,
    )


def _oidc_clients(settings: Settings, policy: AuthPolicy) -> dict[str, OidcProviderClient]:
    if not settings.oidc_providers:
        return {}
    from kamerplanter_backend.auth.oidc import OidcProviderClient  # noqa: PLC0415 - as above

    return {
        provider.slug: OidcProviderClient(
            _provider(provider), policy.public_url + CALLBACK.format(slug=provider.slug)
        )
        for provider in settings.oidc_providers
    }


def _provider(provider: OidcProvider) -> ProviderSettings:
    return ProviderSettings(
        slug=provider.slug,
        display_name=provider.display_name,
        issuer=provider.issuer,
        client_id=provider.client_id,
        client_secret=provider.client_secret.get_secret_value(),
        scopes=provider.scopes,
        is_email_trusted=provider.is_email_trusted,
    )


def _secret(value: SecretStr | None) -> bytes | None:
    return None if value is None else value.get_secret_value().encode()
