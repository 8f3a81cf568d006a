"""The folders of gardens below the configuration directory."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from homeassistant.core import HomeAssistant

from .const import CONF_NAME, CONF_STORE_ID, DOMAIN, FOLDER, MARKER_FILE, STORE_FILE

_STORE_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class FoundStore:
    """A data file that no entry uses."""

    store_id: str
    name: str


def store_folder(hass: HomeAssistant, store_id: str) -> Path:
    """Return the folder of a store, whether it exists or not."""
    return Path(hass.config.path(FOLDER, store_id))


def write_marker(folder: Path, name: str) -> None:
    """Write the garden's name beside its data, so that a person recognises it later. Blocks."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({CONF_NAME: name}, ensure_ascii=False)
    (folder / MARKER_FILE).write_text(text, encoding="utf-8")


async def async_find_stores(hass: HomeAssistant) -> list[FoundStore]:
    """Return the stores that removed entries left behind, by name."""
    used = {
        entry.data.get(CONF_STORE_ID)
        for entry in hass.config_entries.async_entries(DOMAIN, include_ignore=False)
    }
    found = await hass.async_add_executor_job(_scan, Path(hass.config.path(FOLDER)))
    return [store for store in found if store.store_id not in used]


def _scan(root: Path) -> list[FoundStore]:
    if not root.is_dir():
        return []
    found = [
        FoundStore(folder.name, _name(folder))
        for folder in root.iterdir()
        if _STORE_ID.fullmatch(folder.name) and (folder / STORE_FILE).is_file()
    ]
    return sorted(found, key=lambda store: (store.name.casefold(), store.store_id))


def _name(folder: Path) -> str:
    """Return the garden's name; its id where the marker is missing or not ours."""
    try:
        marker = json.loads((folder / MARKER_FILE).read_text(encoding="utf-8"))
        name = marker[CONF_NAME]
    except OSError, ValueError, TypeError, KeyError:
        return folder.name
    return name if isinstance(name, str) and name.strip() else folder.name
