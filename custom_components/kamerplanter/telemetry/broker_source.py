"""A connection of our own to a broker as a source of messages."""

import asyncio
import logging
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from homeassistant.config_entries import SOURCE_REAUTH, ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util import dt as dt_util
from homeassistant.util.ssl import (
    client_context,
    create_client_context,
    create_no_verify_ssl_context,
)

from kamerplanter_backend.telemetry.broker.aiomqtt_source import LONGEST_PAUSE_S, OwnBroker
from kamerplanter_backend.telemetry.broker.settings import (
    BrokerSettings,
    CertificateRefused,
    LoginRefused,
    Protocol,
    client_id_for,
)

from ..const import (  # noqa: TID252 - the neighbours import alike
    CONF_BROKER,
    CONF_CA,
    CONF_CLIENT_CERTIFICATE,
    CONF_CLIENT_KEY,
    CONF_HOST,
    CONF_PASSWORD,
    CONF_PORT,
    CONF_PROTOCOL,
    CONF_REAUTH,
    CONF_STORE_ID,
    CONF_TLS,
    CONF_USERNAME,
    CONF_VERIFY,
    DOMAIN,
    REAUTH_BROKER,
)
from ..days import day_in  # noqa: TID252
from .client_certificate import CertificateError, expires_at, load_identity

_LOGGER = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=30)
EXPIRY_NOTICE = timedelta(days=14)
"""So long before its end a person is told that the certificate of the client has to be renewed."""
REAUTH_STEP = "reauth_confirm"
"""The step of the dialog that asks for a login at the broker."""


class BrokerSource:
    """Runs the connection in the background of the entry."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: ConfigEntry,
        on_message: Callable[[str, bytes, bool], None],
        on_connection: Callable[[bool], None],
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._on_message = on_message
        self._on_connection = on_connection
        self._topics: frozenset[str] = frozenset()
        self._broker: OwnBroker | None = None
        self._is_stopped = False
        self._issue_id = f"broker_conflict_{entry.data[CONF_STORE_ID]}"
        self._is_conflict_told = False
        self._expiry_issue_id = f"broker_certificate_{entry.data[CONF_STORE_ID]}"
        self._expires_at: datetime | None = None
        self._is_expiry_told = False

    @callback
    def start(self) -> None:
        """Connect in the background, again and again."""
        self._on_connection(False)
        self._entry.async_create_background_task(
            self._hass, self._run(), "kamerplanter broker connection"
        )
        self._entry.async_on_unload(
            async_track_time_interval(self._hass, self._look, LOOK_EVERY, cancel_on_shutdown=True)
        )

    async def _run(self) -> None:
        settings = await self._settings()
        self._broker = OwnBroker(
            settings, self._received, self._connection_changed, topics=self._topics
        )
        self._tell_expiry(dt_util.utcnow())
        await self._broker.run()

    async def _settings(self) -> BrokerSettings:
        """Return how to reach the broker, once its certificates can be used."""
        is_logged = False
        while True:
            try:
                settings, self._expires_at = await self._hass.async_add_executor_job(
                    _read, self._entry.data[CONF_BROKER], self._entry.data[CONF_STORE_ID]
                )
            except (OSError, ValueError, CertificateError) as error:
                # By its class only: what a library says may hold a part of the text.
                if not is_logged:
                    is_logged = True
                    _LOGGER.error(  # noqa: TRY400 - the trace says no more
                        "The certificates for the broker %s cannot be used: %s",
                        self._entry.data[CONF_BROKER][CONF_HOST],
                        type(error).__name__,
                    )
                self._ask_for_login()
                await asyncio.sleep(LONGEST_PAUSE_S)
            else:
                return settings

    @callback
    def _received(self, topic: str, payload: bytes, retained: bool) -> None:
        if not self._is_stopped:
            self._on_message(topic, payload, retained)

    @callback
    def _connection_changed(self, connected: bool) -> None:
        if self._is_stopped:
            return
        self._on_connection(connected)
        self._tell_conflict()
        if connected:
            self._ask_no_more()

    @callback
    def _look(self, now: datetime) -> None:
        """Ask for a new login, and end the telling of what has ended by itself."""
        broker = self._broker
        if broker is None or self._is_stopped:
            return
        if isinstance(broker.last_error, CertificateRefused | LoginRefused):
            self._ask_for_login()
        self._tell_conflict()
        self._tell_expiry(now)

    def _ask_for_login(self) -> None:
        self._entry.async_start_reauth_if_available(self._hass, data={CONF_REAUTH: REAUTH_BROKER})

    def _ask_no_more(self) -> None:
        """Take the question back: the broker lets us in again, as somebody put it right there."""
        for flow in tuple(self._entry.async_get_active_flows(self._hass, {SOURCE_REAUTH})):
            if flow.get("step_id") == REAUTH_STEP:
                self._hass.config_entries.flow.async_abort(flow["flow_id"])

    def _tell_expiry(self, now: datetime) -> None:
        """Raise the repair issue of a certificate that ends soon; it goes when it is renewed."""
        if self._expires_at is None or self._is_expiry_told:
            return
        if now < self._expires_at - EXPIRY_NOTICE:
            return
        self._is_expiry_told = True
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._expiry_issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key="broker_certificate_expiring",
            translation_placeholders={
                "name": self._entry.title,
                "host": self._entry.data[CONF_BROKER][CONF_HOST],
                "date": day_in(
                    self._hass.config.language, dt_util.as_local(self._expires_at).date()
                ),
            },
        )

    def _tell_conflict(self) -> None:
        """Raise or end the repair issue of another client that takes our id."""
        is_conflict = self._broker is not None and self._broker.is_flapping
        if is_conflict == self._is_conflict_told:
            return
        self._is_conflict_told = is_conflict
        if not is_conflict:
            ir.async_delete_issue(self._hass, DOMAIN, self._issue_id)
            return
        client_id = client_id_for(self._entry.data[CONF_STORE_ID])
        _LOGGER.warning("Another client of the broker uses the id %s of this garden", client_id)
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key="broker_conflict",
            translation_placeholders={
                "name": self._entry.title,
                "host": self._entry.data[CONF_BROKER][CONF_HOST],
                "client_id": client_id,
            },
        )

    async def set_topics(self, topics: frozenset[str]) -> None:
        """Listen to these topics and to no others."""
        self._topics = topics
        if self._broker is not None:
            await self._broker.set_topics(topics)

    async def stop(self) -> None:
        """Take nothing in any more; the entry ends the connection with its background tasks."""
        self._is_stopped = True
        ir.async_delete_issue(self._hass, DOMAIN, self._issue_id)
        ir.async_delete_issue(self._hass, DOMAIN, self._expiry_issue_id)


def _read(data: Mapping[str, Any], store_id: str) -> tuple[BrokerSettings, datetime | None]:
    """Return how to reach the broker of an entry, and when its client certificate ends. Blocks."""
    certificate = data.get(CONF_CLIENT_CERTIFICATE) if data.get(CONF_TLS) else None
    ends_at = None if certificate is None else expires_at(certificate)
    return broker_settings(data, store_id), ends_at


def broker_settings(data: Mapping[str, Any], store_id: str) -> BrokerSettings:
    """Return how to reach the broker of an entry. Blocks, as certificates are read.

    Raises:
        OSError: A certificate cannot be read; `ssl.SSLError` is one.
        ValueError: A text is no certificate.
    """
    context = _tls_context(data) if data.get(CONF_TLS, False) else None
    return BrokerSettings(
        host=data[CONF_HOST],
        port=int(data[CONF_PORT]),
        username=data.get(CONF_USERNAME) or None,
        password=data.get(CONF_PASSWORD) or None,
        tls=context is not None,
        tls_context=context,
        client_id=client_id_for(store_id),
        protocol=Protocol(data.get(CONF_PROTOCOL, Protocol.V311)),
    )


def _tls_context(data: Mapping[str, Any]) -> ssl.SSLContext:
    ca, certificate = data.get(CONF_CA), data.get(CONF_CLIENT_CERTIFICATE)
    verify = bool(data.get(CONF_VERIFY, True))
    if not certificate and not (ca and verify):
        return client_context() if verify else create_no_verify_ssl_context()
    # The shared contexts must not learn the certificates of one broker.
    own_ca = ca if verify else None
    context = ssl.create_default_context(cadata=own_ca) if own_ca else create_client_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if certificate:
        load_identity(context, certificate, data[CONF_CLIENT_KEY])
    return context
