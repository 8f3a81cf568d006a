"""What becomes of the files of an entry in server mode when it is removed."""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.queue_file import QueueFile, StoredCommand, peek
from kamerplanter_backend.common.exceptions import UnavailableError

from .const import CONF_STORE_ID, DOMAIN, FOLDER, QUEUE_FILE
from .stores import store_folder
from .texts import Texts

_LOGGER = logging.getLogger(__name__)

MOST_NAMED = 20
"""More lines nobody reads."""


async def async_forget_server(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Delete what is kept here of a server, and say what had not been sent to it.

    A file with waiting commands that this version cannot read is kept and named. The garden itself
    stays on the server.
    """
    store_id = entry.data[CONF_STORE_ID]
    folder = store_folder(hass, store_id)
    left = await hass.async_add_executor_job(_forget, folder, Path(hass.config.path(FOLDER)))
    texts = await Texts.async_load(hass)

    def tell(name: str, count: int | None, commands: Sequence[StoredCommand], **more: str) -> None:
        ir.async_create_issue(
            hass,
            DOMAIN,
            f"{name}_{store_id}",
            is_fixable=False,
            is_persistent=True,
            severity=ir.IssueSeverity.WARNING,
            translation_key=name,
            translation_placeholders={
                "name": entry.title,
                "count": "?" if count is None else str(count),
                "commands": _lines(count, commands, texts),
                **more,
            },
        )

    if left.lost:
        tell("queue_discarded", len(left.lost), left.lost)
    if left.kept:
        paths = ", ".join(str(path) for path in left.kept)
        tell("queue_kept", left.kept_count, left.kept_commands, path=paths)


@dataclass(frozen=True, slots=True)
class _Left:
    """What the server does not know of what a person entered."""

    lost: tuple[StoredCommand, ...] = ()
    """Was in the file that was deleted."""
    kept: tuple[Path, ...] = ()
    """Files that cannot be read here, so that nobody can say what would be lost with them."""
    kept_count: int | None = None
    """Commands in them; none = nobody knows."""
    kept_commands: tuple[StoredCommand, ...] = ()
    """Those of them that can be named all the same."""


def _lines(count: int | None, commands: Sequence[StoredCommand], texts: Texts) -> str:
    lines = [
        f"- {dt_util.as_local(item.queued_at):%Y-%m-%d %H:%M}: {texts.command(item.name)}"
        for item in commands[:MOST_NAMED]
    ]
    if count is None:
        lines.append("- ?")
    elif count > len(lines):
        lines.append(f"- … (+{count - len(lines)})")
    return "\n".join(lines)


def _forget(folder: Path, root: Path) -> _Left:
    """Delete the folder of a store, except what cannot be read; return what is not sent."""
    left = _unsent(folder)
    if folder.parent != root or not folder.is_dir():  # nothing else is ever deleted
        return left
    if not left.kept:
        shutil.rmtree(folder, ignore_errors=True)
        return left
    journals = {path.with_name(f"{path.name}-journal") for path in left.kept}
    for path in folder.iterdir():
        if path not in journals and path not in left.kept:
            path.unlink(missing_ok=True)
    return left


def _unsent(folder: Path) -> _Left:
    path = folder / QUEUE_FILE
    damaged = tuple(sorted(folder.glob(f"{QUEUE_FILE}.damaged-*")))
    if not path.is_file():
        return _Left(kept=damaged)
    try:
        file = QueueFile(path)
    except UnavailableError as error:
        _LOGGER.warning("The waiting commands in %s cannot be read: %s", path, error)
        seen = peek(path)
        if seen is None or damaged:
            return _Left(kept=(path, *damaged))
        shown = tuple(item for item in seen.commands if not item.is_readings)
        count = seen.count - (len(seen.commands) - len(shown))
        return _Left(kept=(path,), kept_count=count, kept_commands=shown)
    try:
        stored = [item.command for item in file.waiting()]
        stored += [item.command for item in file.refused()]
    finally:
        file.close()
    lost = tuple(item for item in stored if not item.is_readings)
    return _Left(lost=lost, kept=(*damaged, *([file.damaged] if file.damaged else [])))
