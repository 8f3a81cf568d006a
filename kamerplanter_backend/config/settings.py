"""What a person may set by environment variables; unsafe combinations are refused at start."""

import os
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import NoDecode, SettingsConfigDict

from kamerplanter_backend.config import ingest_settings
from kamerplanter_backend.config.addresses import (
    address_of,
    check_host_names,
    check_public_url,
    check_sender,
    is_closed,
    is_loopback,
    is_public,
)
from kamerplanter_backend.config.oidc_provider import EXAMPLE, OidcProvider
from kamerplanter_backend.config.proxies import check_proxies
from kamerplanter_backend.config.retention_settings import RetentionSettings
from kamerplanter_backend.config.setting_words import from_json, listed
from kamerplanter_engines.models.site import known_zone

PREFIX = ingest_settings.PREFIX

SQLITE = "sqlite:///"
IN_MEMORY = ":memory:"

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
"""Names by which a machine calls itself."""

MIN_SECRET_BYTES = 32
MIN_SECRET_SYMBOLS = 10
"""Different characters that 32 random bytes have at least, in whatever notation."""
MIN_BCRYPT_ROUNDS = 10
"""Cheaper password checks are for tests."""

Minutes = Annotated[int, Field(ge=1, le=60)]
Days = Annotated[int, Field(ge=1, le=90)]
Rate = Annotated[str, Field(pattern=r"^[1-9]\d*/(second|minute|hour|day)$", examples=["20/minute"])]
Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(listed)]
"""Our own reading of lists: that of the library ends a process with a trace of itself."""


class Mode(StrEnum):
    """Who may use the server."""

    FULL = "full"
    """People with accounts, in many gardens."""
    LIGHT = "light"
    """Whoever reaches it, in one garden; for a closed network."""


class Environment(StrEnum):
    """Where the server runs."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class MailerKind(StrEnum):
    """Where mails go."""

    CONSOLE = "console"
    """Onto the screen of whoever started the server."""
    FOLDER = "folder"
    """Into files beside the store, for whoever looks after a server that can send none."""
    SMTP = "smtp"


class Settings(ingest_settings.IngestSettings, RetentionSettings):
    """All settings, by environment variable: `KAMERPLANTER_` and the name in capitals.

    Lists are written with commas, or as JSON.

    Raises:
        pydantic.ValidationError: A value cannot be used, or is not safe; the message names the
            variable and what to do, never the value.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        # As Compose hands on what nobody has set.
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        validate_default=True,
    )

    mode: Mode = Mode.LIGHT
    """`light`: no login, one garden, for this machine or a closed network; `full`: accounts and
    gardens."""
    environment: Environment = Environment.PRODUCTION
    """`development` is for a developer's desk: a log to read, logins without HTTPS, mails on the
    screen."""
    store: str = Field(default_factory=lambda: SQLITE + str(default_store_path()))
    """`sqlite:///` and an absolute path, or `sqlite:///:memory:`."""

    time_zone: Annotated[
        str, Field(max_length=64, examples=["Europe/Berlin"]), AfterValidator(known_zone)
    ] = "UTC"
    """Where new gardens are if nobody says it; their days are those of this zone."""

    # --- Where it listens -----------------------------------------------------------------
    host: str = "127.0.0.1"
    """Address or name of this machine on which it listens."""
    port: Annotated[int, Field(ge=0, le=65535)] = 8075
    """0 = one that is free."""
    listen_everywhere: bool = False
    """Listen on all addresses of the machine, in place of `host`; in light mode `allowed_hosts` is
    needed then."""
    public_url: str | None = None
    """How browsers reach the server, e.g. https://garden.example; stands in mails and logins."""
    allowed_hosts: Names = ()
    """Names under which it answers in light mode, beside localhost and those of `host` and
    `public_url`, e.g. garden.lan."""
    trusted_proxies: Names = ()
    """Addresses or networks whose `X-Forwarded-*` headers are believed."""
    max_connections: Annotated[int, Field(ge=10, le=10_000)] = 500
    """Requests that may be under way at once, open streams among them; others are told to come
    back."""
    shutdown_s: Annotated[int, Field(ge=1, le=120)] = 10
    """How long requests may take to end when the server stops. [s]"""
    hsts_subdomains: bool = False
    """Whether browsers shall use HTTPS for the names below the server's own as well."""

    # --- Who may come in ------------------------------------------------------------------
    secret_key: SecretStr | None = None
    """At least 32 random bytes; signs logins. Needed in full mode."""
    previous_secret_key: SecretStr | None = None
    """The secret before this one; what it has signed stays good while it is set."""
    cookie_secure: bool = True
    """Send the login cookie over HTTPS only."""
    require_verified_email: bool = True
    """Whether people confirm their address before their first login."""
    is_registration_open: bool = True
    """Whether strangers may make an account, by themselves or through a login provider."""
    access_token_minutes: Minutes = 15
    """How long a login goes without being renewed, which happens by itself. [min]"""
    refresh_token_days: Days = 30
    """After so long away a person logs in again. [d]"""
    bcrypt_rounds: Annotated[int, Field(ge=4, le=16)] = 12
    """Cost of a password check: each one more doubles it; in production 10 or more."""
    auth_rate_limit: Rate = "20/minute"
    """Calls of each login route that one address may make."""
    feed_rate_limit: Rate = "30/minute"
    """How often one address may read a calendar feed."""
    oidc_providers: Annotated[
        tuple[OidcProvider, ...],
        NoDecode,
        BeforeValidator(from_json),
        Field(examples=[EXAMPLE]),
    ] = ()
    """Login providers (OpenID Connect); if wanted also with `scopes` (a list of texts) and
    `is_email_trusted` (whether an address that it calls verified may be joined with an account)."""

    # --- Mail -----------------------------------------------------------------------------
    mailer: MailerKind = MailerKind.CONSOLE
    """`smtp` sends mails; `folder` keeps them in the folder `mails` beside the store, where only
    the server's user can read them; `console` shows them, which only `development` or light mode
    may do: they hold codes."""
    smtp_host: str = "localhost"
    """The mail server."""
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    """465 = TLS from the first byte."""
    smtp_user: str | None = None
    """Its login, if it wants one."""
    smtp_password: SecretStr | None = None
    """The password of it."""
    smtp_from: str | None = None
    """The sender, e.g. garden@garden.example; needed for `smtp`."""
    smtp_use_tls: bool = True
    """Whether mails go out encrypted, to a server whose certificate is checked; full mode in
    production may do without only if the mail server is on this machine: mails hold codes."""
    mail_close_s: Annotated[int, Field(ge=1, le=120)] = 10
    """How long mails that wait may hold up the end of the server; the rest is dropped. [s]"""

    # --- How it runs ----------------------------------------------------------------------
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least important lines that are written."""
    announce: bool = False
    """Make it known in the local network (zeroconf)."""
    demo_garden: bool = True
    """Lay out a garden to look at, in light mode, when there is none."""
    run_jobs: bool = True
    """Run what is due in this process."""
    job_tick_s: Annotated[int, Field(ge=1, le=3600)] = 60
    """How often it looks for what is due. [s]"""
    worker_threads: Annotated[int, Field(ge=1, le=32)] = 4
    """Threads for what must not hold up other requests, above all writes; passwords are checked on
    two of their own."""

    @property
    def store_path(self) -> Path | None:
        """The file of the store; none = in memory."""
        path = self.store.removeprefix(SQLITE)
        return None if path == IN_MEMORY else Path(path)

    @property
    def mail_folder(self) -> Path | None:
        """The folder that keeps mails; none = they go elsewhere."""
        path = self.store_path
        return path.with_name("mails") if path and self.mailer is MailerKind.FOLDER else None

    @property
    def is_production(self) -> bool:
        """Whether this is no developer's desk."""
        return self.environment is Environment.PRODUCTION

    @property
    def bind_host(self) -> str:
        """The address to listen on."""
        return "0.0.0.0" if self.listen_everywhere else self.host  # noqa: S104 - asked for

    @property
    def answered_hosts(self) -> frozenset[str]:
        """All names under which the server answers, in lower case."""
        names = {*LOCAL_HOSTS, self.host, *self.allowed_hosts}
        if self.public_url is not None:
            names.add(urlsplit(self.public_url).hostname or "")
        return frozenset(name.lower().strip("[]") for name in names if name)

    # --- What each value must be ------------------------------------------------------------

    @field_validator("store")
    @classmethod
    def _check_store(cls, value: str) -> str:
        if value.startswith("arangodb+"):
            raise ValueError(
                f"{PREFIX}STORE: this version keeps its data in SQLite only; "
                f"use {SQLITE}/path/to/garden.db"
            )
        path = value.removeprefix(SQLITE)
        if path == value or not (path == IN_MEMORY or Path(path).is_absolute()):
            raise ValueError(
                f"{PREFIX}STORE must be {SQLITE} with an absolute path behind it "
                f"(so four slashes), or {SQLITE}{IN_MEMORY}"
            )
        return value

    @field_validator("secret_key", "previous_secret_key")
    @classmethod
    def _check_secret(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return None
        secret = value.get_secret_value()
        if len(secret.encode()) < MIN_SECRET_BYTES or len(set(secret)) < MIN_SECRET_SYMBOLS:
            raise ValueError(
                f"{PREFIX}{str(info.field_name).upper()} must be at least {MIN_SECRET_BYTES} "
                "random bytes; make one with: "
                "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
        return value

    @field_validator("public_url")
    @classmethod
    def _check_public_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        return check_public_url(value, f"{PREFIX}PUBLIC_URL")

    @field_validator("allowed_hosts")
    @classmethod
    def _check_hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return check_host_names(value, f"{PREFIX}ALLOWED_HOSTS")

    @field_validator("smtp_from")
    @classmethod
    def _check_smtp_from(cls, value: str | None) -> str | None:
        return None if value is None else check_sender(value, f"{PREFIX}SMTP_FROM")

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return check_proxies(value, f"{PREFIX}TRUSTED_PROXIES")

    # --- What must not come together --------------------------------------------------------

    @model_validator(mode="after")
    def _check_safe(self) -> Self:
        problems = (
            *self._address_problems(),
            *self._login_problems(),
            *self._mail_problems(),
        )
        if problems:
            raise ValueError("\n".join(problems))
        return self

    def _address_problems(self) -> list[str]:
        problems = []
        is_local = is_loopback(self.host)
        if address_of(self.host) in {IPv4Address(0), IPv6Address(0)} and not self.listen_everywhere:
            problems.append(
                f"{PREFIX}HOST: to listen on all addresses set {PREFIX}LISTEN_EVERYWHERE=true"
            )
        elif self.mode is Mode.LIGHT and is_public(self.host):
            problems.append(
                f"{PREFIX}HOST: light mode has no login, so it must not listen on a public "
                f"address; set {PREFIX}MODE=full"
            )
        elif self.mode is Mode.LIGHT and not (is_local or self.listen_everywhere):
            problems.append(
                f"{PREFIX}HOST: light mode has no login, so it stays on this machine; set "
                f"{PREFIX}MODE=full, or {PREFIX}LISTEN_EVERYWHERE=true in a closed network"
            )
        if self.mode is Mode.LIGHT and self.listen_everywhere and not self.allowed_hosts:
            problems.append(
                f"{PREFIX}ALLOWED_HOSTS must name the hosts under which a light server in a "
                f"network answers, because {PREFIX}LISTEN_EVERYWHERE is set"
            )
        outside = urlsplit(self.public_url).hostname if self.public_url is not None else None
        if self.mode is Mode.LIGHT and outside is not None and not is_closed(outside):
            problems.append(
                f"{PREFIX}PUBLIC_URL: light mode has no login, so {outside} must not lead to it; "
                f"set {PREFIX}MODE=full, or a name of your own network such as garden.lan"
            )
        return problems

    def _login_problems(self) -> list[str]:
        problems = []
        if self.mode is Mode.FULL and self.secret_key is None:
            problems.append(
                f"{PREFIX}SECRET_KEY is needed in full mode; make one with: "
                "python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
        if self.is_production and not self.cookie_secure:
            problems.append(
                f"{PREFIX}COOKIE_SECURE=false sends logins in clear text; it is allowed with "
                f"{PREFIX}ENVIRONMENT=development only"
            )
        if self.is_production and self.bcrypt_rounds < MIN_BCRYPT_ROUNDS:
            problems.append(
                f"{PREFIX}BCRYPT_ROUNDS must be at least {MIN_BCRYPT_ROUNDS} in production"
            )
        slugs = [provider.slug for provider in self.oidc_providers]
        if len(slugs) != len(set(slugs)):
            problems.append(f"{PREFIX}OIDC_PROVIDERS: two providers share a slug")
        if self.oidc_providers and self.public_url is None:
            problems.append(f"{PREFIX}PUBLIC_URL is needed, because providers send people there")
        if self.mode is Mode.FULL and self.is_production:
            if self.public_url is not None and not self.public_url.startswith("https://"):
                problems.append(f"{PREFIX}PUBLIC_URL must begin with https:// in production")
            if any(not provider.issuer.startswith("https://") for provider in self.oidc_providers):
                problems.append(f"{PREFIX}OIDC_PROVIDERS: an issuer must begin with https://")
        return problems

    def _mail_problems(self) -> list[str]:
        if self.mailer is MailerKind.SMTP and self.smtp_from is None:
            return [f"{PREFIX}SMTP_FROM is needed to send mails"]
        if self.mailer is MailerKind.FOLDER and self.store_path is None:
            return [f"{PREFIX}MAILER=folder needs a folder: {PREFIX}STORE must be a file"]
        is_shown = self.mailer is MailerKind.CONSOLE
        if is_shown and self.is_production and self.mode is Mode.FULL:
            instead = (
                f"smtp with {PREFIX}SMTP_HOST and {PREFIX}SMTP_FROM, or folder, which keeps mails "
                "beside the store for you to pass on"
            )
            return [
                f"{PREFIX}MAILER=console would show codes wherever the output goes; set {instead}"
            ]
        if self.smtp_password is not None and not self.smtp_use_tls:
            return [f"{PREFIX}SMTP_USE_TLS=false would send the password in clear text"]
        is_sent_open = self.mailer is MailerKind.SMTP and not self.smtp_use_tls
        is_for_others = self.is_production and self.mode is Mode.FULL
        if is_sent_open and is_for_others and not is_loopback(self.smtp_host):
            instead = f"a mail server on this machine, {PREFIX}SMTP_HOST=localhost, may get them so"
            return [f"{PREFIX}SMTP_USE_TLS=false would send codes in clear text; only {instead}"]
        return []


def default_store_path() -> Path:
    """Return where the store is kept if nobody says otherwise: in the user's own data folder."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base).absolute() / "kamerplanter" / "garden.db"
