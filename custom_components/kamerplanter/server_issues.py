"""Tells a person what is wrong between the garden and its server, and takes it back by itself."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from homeassistant.core import HomeAssistant, callback
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.queue_file import RefusedCommand
from kamerplanter_backend.client.queue_state import QueueState
from kamerplanter_backend.client.wire import error_of_code
from kamerplanter_backend.common.exceptions import (
    HostRefusedError,
    IncompatibleServerError,
    NotFoundError,
    OtherServerError,
    UnauthorizedError,
    UnavailableError,
)
from kamerplanter_engines.errors import KamerplanterError

from .const import CONF_COMMAND_KEY, CONF_ENTRY_ID, CONF_STORE_ID, DOMAIN
from .coordinator import KamerplanterConfigEntry
from .errors import translation_of
from .server_client import Rights, ServerClient
from .texts import Texts

AWAY_AFTER = timedelta(hours=1)
"""Nobody needs to act because a server is restarted."""

COMMANDS_WAITING = "commands_waiting"
GARDEN_GONE = "garden_gone"
GARDEN_SUSPENDED = "garden_suspended"
KEY_FORBIDDEN = "key_forbidden"
QUEUE_DAMAGED = "queue_damaged"
READINGS_LOST = "readings_lost"
SERVER_AWAY = "server_away"
SERVER_INCOMPATIBLE = "server_incompatible"
SERVER_OTHER = "server_other"

_TROUBLES: tuple[tuple[type[KamerplanterError], str], ...] = (
    (OtherServerError, SERVER_OTHER),
    (IncompatibleServerError, SERVER_INCOMPATIBLE),
    (NotFoundError, GARDEN_GONE),
)
"""The first that fits counts."""
_ALL = (
    COMMANDS_WAITING,
    GARDEN_GONE,
    GARDEN_SUSPENDED,
    KEY_FORBIDDEN,
    QUEUE_DAMAGED,
    READINGS_LOST,
    SERVER_AWAY,
    SERVER_INCOMPATIBLE,
    SERVER_OTHER,
)


def refused_issue_id(store_id: str, command_key: str) -> str:
    """Return the id of the issue about a command that the server refused."""
    return f"command_refused_{store_id}_{command_key}"


class ServerIssues:
    """Repair issues of one entry in server mode, from loading to unloading."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: KamerplanterConfigEntry,
        client: ServerClient,
        texts: Texts,
    ) -> None:
        self._hass = hass
        self._entry = entry
        self._client = client
        self._texts = texts
        self._refused: set[str] = set()
        self._told: set[str] = set()

    @callback
    def start(self) -> None:
        """Follow the state of the queue until the entry is unloaded."""
        queue, on_unload = self._client.queue, self._entry.async_on_unload
        on_unload(self._take_all_back)
        on_unload(queue.on_state(self._on_state))
        on_unload(self._client.on_rights(self._on_rights))
        on_unload(self._entry.runtime_data.coordinator.async_add_listener(self._look))
        self._on_state(queue.state)

    @callback
    def _look(self) -> None:
        self._on_state(self._client.queue.state)

    @callback
    def _on_state(self, state: QueueState) -> None:
        trouble = state.trouble
        if isinstance(trouble, UnauthorizedError):
            self._entry.async_start_reauth(self._hass)
        fitting = next((issue for kind, issue in _TROUBLES if isinstance(trouble, kind)), None)
        for _, issue in _TROUBLES:
            self._tell(issue, issue == fitting, trouble)
        away_since = state.away_since
        is_away = isinstance(trouble, UnavailableError | HostRefusedError) and fitting is None
        self._tell(
            SERVER_AWAY,
            is_away and away_since is not None and dt_util.utcnow() - away_since >= AWAY_AFTER,
            trouble,
            {"since": _local(away_since)},
        )
        commands = [c for c in self._client.queue.waiting if not c.is_readings]
        self._tell(
            COMMANDS_WAITING,
            bool(commands),
            trouble,
            {
                "count": str(len(commands)),
                "commands": _list(self._texts.command(item.name) for item in commands),
            },
        )
        damaged = state.damaged_file
        self._tell(QUEUE_DAMAGED, damaged is not None, None, {"path": str(damaged)})
        lost = state.dropped_readings_count
        self._tell(READINGS_LOST, lost > 0, None, {"count": str(lost)})
        self._tell_refused(state.refused)

    @callback
    def _on_rights(self, rights: Rights) -> None:
        error = rights.refusal
        name = GARDEN_SUSPENDED if rights.is_of_garden else KEY_FORBIDDEN
        more = {} if error is None else {"permission": translation_of(error)[1]["permission"]}
        self._tell(name, error is not None, error, more)

    def _tell(
        self,
        name: str,
        is_so: bool,
        error: KamerplanterError | None,
        more: Mapping[str, str] | None = None,
    ) -> None:
        issue_id = f"{name}_{self._entry.data[CONF_STORE_ID]}"
        if not is_so:
            if name in self._told:
                self._told.discard(name)
                ir.async_delete_issue(self._hass, DOMAIN, issue_id)
            return
        self._told.add(name)
        reason = "?" if error is None else self._texts.error(error)
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            issue_id,
            is_fixable=False,
            severity=ir.IssueSeverity.WARNING,
            translation_key=name,
            translation_placeholders={
                "name": self._entry.title,
                "reason": reason,
                **(more or {}),
            },
        )

    def _tell_refused(self, refused: tuple[RefusedCommand, ...]) -> None:
        # Nobody answers for each of hundreds of batches: the first one stands for all.
        readings = [item for item in refused if item.command.is_readings]
        told = [item for item in refused if not item.command.is_readings] + readings[:1]
        now = {item.command.command_key: item for item in told}
        for key in self._refused - now.keys():
            ir.async_delete_issue(self._hass, DOMAIN, self._refused_id(key))
        for key in now.keys() - self._refused:
            self._create_refused(key, now[key])
        self._refused = set(now)

    def _create_refused(self, key: str, item: RefusedCommand) -> None:
        error = error_of_code(item.code, item.message, item.field, item.placeholders)
        ir.async_create_issue(
            self._hass,
            DOMAIN,
            self._refused_id(key),
            data={CONF_ENTRY_ID: self._entry.entry_id, CONF_COMMAND_KEY: key},
            is_fixable=True,
            severity=ir.IssueSeverity.ERROR,
            translation_key="command_refused",
            translation_placeholders={
                "name": self._entry.title,
                "command": self._texts.command(item.command.name),
                "date": _local(item.command.queued_at),
                "reason": self._texts.error(error),
            },
        )

    def _refused_id(self, command_key: str) -> str:
        return refused_issue_id(self._entry.data[CONF_STORE_ID], command_key)

    @callback
    def _take_all_back(self) -> None:
        for name in _ALL:
            self._tell(name, False, None)
        self._tell_refused(())


def _local(moment: datetime | None) -> str:
    return "?" if moment is None else dt_util.as_local(moment).strftime("%Y-%m-%d %H:%M")


def _list(names: Iterable[str]) -> str:
    counts = Counter(names)
    return ", ".join(name if n == 1 else f"{n} × {name}" for name, n in counts.items())
