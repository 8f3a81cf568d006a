"""What becomes of the files of an entry in server mode when it is removed."""

import shutil
from collections.abc import Sequence
from pathlib import Path

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.queue_file import QueueFile, StoredCommand
from kamerplanter_backend.common.exceptions import UnavailableError

from .const import CONF_STORE_ID, DOMAIN, FOLDER, QUEUE_FILE
from .stores import store_folder
from .texts import Texts

MOST_NAMED = 20
"""More lines nobody reads."""


async def async_forget_server(hass: HomeAssistant, entry: ConfigEntry) -> None:
    """Delete what is kept here of a server, and say what had not been sent to it.

    The garden itself stays on the server.
    """
    store_id = entry.data[CONF_STORE_ID]
    folder = store_folder(hass, store_id)
    lost = await hass.async_add_executor_job(_forget, folder, Path(hass.config.path(FOLDER)))
    if not lost:
        return
    texts = await Texts.async_load(hass)
    lines = [
        f"- {dt_util.as_local(item.queued_at):%Y-%m-%d %H:%M}: {texts.command(item.name)}"
        for item in lost[:MOST_NAMED]
    ]
    if len(lost) > MOST_NAMED:
        lines.append(f"- … (+{len(lost) - MOST_NAMED})")
    ir.async_create_issue(
        hass,
        DOMAIN,
        f"queue_discarded_{store_id}",
        is_fixable=False,
        is_persistent=True,
        severity=ir.IssueSeverity.WARNING,
        translation_key="queue_discarded",
        translation_placeholders={
            "name": entry.title,
            "count": str(len(lost)),
            "commands": "\n".join(lines),
        },
    )


def _forget(folder: Path, root: Path) -> Sequence[StoredCommand]:
    """Delete the folder of a store; return what a person entered and the server does not know."""
    lost = _unsent(folder / QUEUE_FILE)
    if folder.parent == root:  # nothing else is ever deleted
        shutil.rmtree(folder, ignore_errors=True)
    return lost


def _unsent(path: Path) -> list[StoredCommand]:
    if not path.is_file():
        return []
    try:
        file = QueueFile(path)
    except UnavailableError:
        return []
    try:
        stored = [item.command for item in file.waiting()]
        stored += [item.command for item in file.refused()]
    finally:
        file.close()
    return [item for item in stored if not item.is_readings]
