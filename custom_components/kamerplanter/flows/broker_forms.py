"""The fields of the forms about a broker, and what of them is kept."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from homeassistant.helpers.selector import (
    BooleanSelector,
    TextSelector,
    TextSelectorConfig,
    TextSelectorType,
)
from homeassistant.util import dt as dt_util

from kamerplanter_backend.telemetry.broker.settings import Protocol

from ..const import (  # noqa: TID252 - the neighbours import alike
    CONF_BROKER,
    CONF_CA,
    CONF_CLIENT_CERTIFICATE,
    CONF_CLIENT_KEY,
    CONF_CLIENT_KEY_PASSWORD,
    CONF_HOST,
    CONF_PASSWORD,
    CONF_PORT,
    CONF_PROTOCOL,
    CONF_READINGS,
    CONF_TLS,
    CONF_USERNAME,
    CONF_VERIFY,
    ReadingsSource,
)
from ..days import day_in  # noqa: TID252
from ..schema import vol  # noqa: TID252
from ..telemetry.client_certificate import CertificateError, checked_key  # noqa: TID252
from .base import FormError
from .forms import labelled, number, text_of

DEFAULT_PORT: Final = 1883
_SECRETS = {CONF_PASSWORD, CONF_CLIENT_KEY, CONF_CLIENT_KEY_PASSWORD}
"""What is stored of these never goes back to the browser."""
_PASSWORD = TextSelector(TextSelectorConfig(type=TextSelectorType.PASSWORD))
_PEM = TextSelector(TextSelectorConfig(multiline=True))
_PROTOCOLS = labelled([(protocol.value, f"MQTT {protocol.value}") for protocol in Protocol])


def _identity_fields() -> dict[Any, Any]:
    return {
        vol.Optional(CONF_CLIENT_CERTIFICATE): _PEM,
        vol.Optional(CONF_CLIENT_KEY): _PEM,
        vol.Optional(CONF_CLIENT_KEY_PASSWORD): _PASSWORD,
    }


def broker_schema() -> vol.Schema:
    """Return the form of a broker."""
    return vol.Schema(
        {
            vol.Required(CONF_HOST): TextSelector(),
            vol.Required(CONF_PORT, default=DEFAULT_PORT): number("port", 1, 65535, step=1),
            vol.Optional(CONF_USERNAME): TextSelector(),
            vol.Optional(CONF_PASSWORD): _PASSWORD,
            vol.Optional(CONF_PROTOCOL, default=Protocol.V311.value): _PROTOCOLS,
            vol.Optional(CONF_TLS, default=False): BooleanSelector(),
            vol.Optional(CONF_VERIFY, default=True): BooleanSelector(),
            vol.Optional(CONF_CA): _PEM,
            **_identity_fields(),
        }
    )


def login_schema(known: Mapping[str, Any]) -> vol.Schema:
    """Return the form of a new login; on an encrypted line a certificate can be one."""
    if not known.get(CONF_TLS):
        return vol.Schema(
            {vol.Optional(CONF_USERNAME): TextSelector(), vol.Required(CONF_PASSWORD): _PASSWORD}
        )
    return vol.Schema(
        {
            vol.Optional(CONF_USERNAME): TextSelector(),
            vol.Optional(CONF_PASSWORD): _PASSWORD,
            **_identity_fields(),
        }
    )


def shown_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a form shows of what was typed or is stored: all but secrets."""
    return {k: v for k, v in values.items() if k not in _SECRETS and v is not None}


def with_known(user_input: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, Any]:
    """Return an input in which an empty secret is the one before, where it belongs to the same."""
    found = dict(user_input)
    same_user = found.get(CONF_USERNAME) == known.get(CONF_USERNAME)
    if same_user and not found.get(CONF_PASSWORD) and known.get(CONF_PASSWORD):
        found[CONF_PASSWORD] = known[CONF_PASSWORD]
    # A certificate is mostly renewed for the same key.
    if text_of(found, CONF_CLIENT_CERTIFICATE) and not text_of(found, CONF_CLIENT_KEY):
        found[CONF_CLIENT_KEY] = known.get(CONF_CLIENT_KEY)
    return found


def with_identity(user_input: Mapping[str, Any], now: datetime, language: str) -> dict[str, Any]:
    """Return an input whose certificate and key of the client fit and can be kept. Blocks.

    Raises:
        FormError: One of them cannot be used.
    """
    certificate = text_of(user_input, CONF_CLIENT_CERTIFICATE)
    key = text_of(user_input, CONF_CLIENT_KEY)
    found = {k: v for k, v in user_input.items() if k != CONF_CLIENT_KEY_PASSWORD}
    found |= {CONF_CLIENT_CERTIFICATE: certificate, CONF_CLIENT_KEY: None}
    if certificate is None and key is None:
        return found
    if certificate is None:
        raise FormError("certificate_needed", field=CONF_CLIENT_CERTIFICATE)
    if not user_input.get(CONF_TLS):
        raise FormError("certificate_needs_tls", field=CONF_TLS)
    try:
        found[CONF_CLIENT_KEY] = checked_key(
            certificate, key, user_input.get(CONF_CLIENT_KEY_PASSWORD), now=now
        )
    except CertificateError as error:
        date = "" if error.at is None else day_in(language, dt_util.as_local(error.at).date())
        raise FormError(error.key, field=error.field, placeholders={"date": date}) from error
    return found


def broker_data(broker: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an entry keeps of a broker."""
    kept = {
        CONF_HOST: broker[CONF_HOST].strip(),
        CONF_PORT: int(broker[CONF_PORT]),
        CONF_USERNAME: broker.get(CONF_USERNAME) or None,
        CONF_PASSWORD: broker.get(CONF_PASSWORD) or None,
        CONF_PROTOCOL: broker.get(CONF_PROTOCOL, Protocol.V311.value),
        CONF_TLS: broker.get(CONF_TLS, False),
        CONF_VERIFY: broker.get(CONF_VERIFY, True),
        CONF_CA: broker.get(CONF_CA) or None,
        CONF_CLIENT_CERTIFICATE: broker.get(CONF_CLIENT_CERTIFICATE),
        CONF_CLIENT_KEY: broker.get(CONF_CLIENT_KEY),
    }
    return {CONF_READINGS: ReadingsSource.BROKER.value, CONF_BROKER: kept}
