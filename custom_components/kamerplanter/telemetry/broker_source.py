"""A connection of our own to a broker as a source of messages."""

import logging
import ssl
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.event import async_track_time_interval
from homeassistant.util.ssl import client_context, create_no_verify_ssl_context

from kamerplanter_backend.telemetry.aiomqtt_source import OwnBroker
from kamerplanter_backend.telemetry.broker import BrokerSettings, LoginRefused, client_id_for

from ..const import (  # noqa: TID252 - the neighbours import alike
    CONF_BROKER,
    CONF_CA,
    CONF_HOST,
    CONF_PASSWORD,
    CONF_PORT,
    CONF_REAUTH,
    CONF_STORE_ID,
    CONF_TLS,
    CONF_USERNAME,
    CONF_VERIFY,
    DOMAIN,
    REAUTH_BROKER,
)

_LOGGER = logging.getLogger(__name__)

LOOK_EVERY = timedelta(seconds=30)


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
        settings = await self._hass.async_add_executor_job(
            broker_settings, self._entry.data[CONF_BROKER], self._entry.data[CONF_STORE_ID]
        )
        self._broker = OwnBroker(
            settings, self._received, self._connection_changed, topics=self._topics
        )
        await self._broker.run()

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

    @callback
    def _look(self, _now: datetime) -> None:
        """Ask for a new password, and end the telling of what has ended by itself."""
        broker = self._broker
        if broker is None or self._is_stopped:
            return
        if isinstance(broker.last_error, LoginRefused):
            self._entry.async_start_reauth_if_available(
                self._hass, data={CONF_REAUTH: REAUTH_BROKER}
            )
        self._tell_conflict()

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


def broker_settings(data: Mapping[str, Any], store_id: str) -> BrokerSettings:
    """Return how to reach the broker of an entry. Blocks, as certificates are read."""
    context: ssl.SSLContext | None = None
    if data.get(CONF_TLS, False):
        context = _tls_context(data.get(CONF_CA), verify=bool(data.get(CONF_VERIFY, True)))
    return BrokerSettings(
        host=data[CONF_HOST],
        port=int(data[CONF_PORT]),
        username=data.get(CONF_USERNAME) or None,
        password=data.get(CONF_PASSWORD) or None,
        tls=context is not None,
        tls_context=context,
        client_id=client_id_for(store_id),
    )


def _tls_context(ca: str | None, *, verify: bool) -> ssl.SSLContext:
    if not verify:
        return create_no_verify_ssl_context()
    # The shared context must not learn the certificate of one broker.
    return client_context() if not ca else ssl.create_default_context(cadata=ca)
