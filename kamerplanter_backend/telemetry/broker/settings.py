"""How to reach a broker, and what can be wrong with it."""

import re
import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Final

from aiomqtt import MqttCodeError, MqttError

from kamerplanter_engines.probe_engine import can_be_sent

_LOGIN_CODES = frozenset({4, 5, 134, 135})
"""Bad user name or password, not authorised: MQTT 3.1.1 and MQTT 5."""
_ALERT: Final = re.compile(r"_ALERT_(?:\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR)")
"""What OpenSSL calls the answer of somebody who does not like our certificate (RFC 8446, 6.2)."""


class BrokerError(Exception):
    """The broker cannot be used; `key` names why, for a translated text."""

    key: ClassVar[str] = "broker_error"


class HostUnreachable(BrokerError):  # noqa: N818 (names a finding of the check)
    """No such host, or nothing listens on the port."""

    key = "host_unreachable"


class LoginRefused(BrokerError):  # noqa: N818
    """User name or password is wrong, or the client is not authorised."""

    key = "login_refused"


class TlsFailed(BrokerError):  # noqa: N818
    """The two sides found no encryption, or the certificate is not trusted."""

    key = "tls_failed"


class CertificateRefused(BrokerError):  # noqa: N818
    """The broker asks for a certificate of the client, or does not accept the one it got."""

    key = "certificate_refused"


class BrokerClosed(BrokerError):  # noqa: N818
    """The connection was ended before it was accepted or refused."""

    key = "broker_closed"


class BrokerTimeout(BrokerError):  # noqa: N818
    """Something is there, but it does not answer as a broker does."""

    key = "broker_timeout"


class EndedEarlyError(MqttError):
    """The other side hung up before it answered; the text may hold its last words."""


class Protocol(StrEnum):
    """The version of MQTT that is spoken."""

    V311 = "3.1.1"
    V5 = "5"


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerSettings:
    """How to reach a broker."""

    host: str
    port: int = 1883
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    tls_verify: bool = True
    """False: the certificate is not looked at."""
    ca_path: str | None = None
    """File with the certificates to trust; none = those of the system."""
    certificate_path: str | None = None
    """File with the certificate by which we prove who we are; only with `key_path`."""
    key_path: str | None = field(default=None, repr=False)
    """File with the private key of it, not encrypted."""
    tls_context: ssl.SSLContext | None = field(default=None, repr=False)
    """Made by the caller off the loop; wins over the settings above."""
    client_id: str = "kamerplanter"
    protocol: Protocol = Protocol.V311


def client_id_for(store_id: str) -> str:
    """Return the lasting client id of a garden, its own on every broker, of 23 letters at most."""
    return f"kamerplanter-{store_id[:10]}"


def is_topic_filter(text: str) -> bool:
    """Tell whether a text can be subscribed to, wildcards included."""
    if not can_be_sent(text):
        return False
    levels = text.split("/")
    return "#" not in "".join(levels[:-1]) and all(
        level in ("#", "+") or not set(level) & {"#", "+"} for level in levels
    )


_KINDS: Final[tuple[tuple[type[BaseException], type[BrokerError]], ...]] = (
    (EndedEarlyError, BrokerClosed),
    (ssl.SSLError, TlsFailed),
    (FileNotFoundError, TlsFailed),  # the files are those of certificates
    (PermissionError, TlsFailed),
    (TimeoutError, BrokerTimeout),
    (OSError, HostUnreachable),
)
"""What an error is a sign of; the first that fits."""


def _kind_of(cause: BaseException, settings: BrokerSettings) -> type[BrokerError] | None:
    if isinstance(cause, MqttCodeError):
        code = getattr(cause.rc, "value", cause.rc)
        return LoginRefused if code in _LOGIN_CODES else BrokerTimeout
    if isinstance(cause, EndedEarlyError | ssl.SSLError) and _ALERT.search(str(cause)):
        return CertificateRefused
    if isinstance(cause, ConnectionResetError) and settings.tls:
        return TlsFailed
    return next((kind for error, kind in _KINDS if isinstance(cause, error)), None)


def needs_somebody(error: BrokerError) -> bool:
    """Tell whether it takes a person to end this: waiting does not help."""
    return isinstance(error, LoginRefused | TlsFailed | CertificateRefused)


def broker_error_of(error: BaseException, settings: BrokerSettings) -> BrokerError:
    """Return what an error of the library means; it hides the cause in its context."""
    cause: BaseException | None = error
    text = str(error) or type(error).__name__
    while cause is not None:
        if kind := _kind_of(cause, settings):
            return kind(text)
        cause = cause.__cause__ or cause.__context__
    return BrokerTimeout(text)
