"""Writes the page with all settings, from what the code says of them.

Usage: .venv/bin/python -m tests.architecture.settings_page
"""

import re
from enum import StrEnum

from pydantic.fields import FieldInfo

from kamerplanter_backend.config.ingest_settings import IngestSettings
from kamerplanter_backend.config.retention_settings import RetentionSettings
from kamerplanter_backend.config.setting_words import wanted
from kamerplanter_backend.config.settings import PREFIX, Settings
from tests.architecture.sources import ROOT

PAGE = ROOT / "docs" / "settings.md"

_HEAD = """\
# Settings of the server

Environment variables; one that is empty counts as not set.
What cannot be used, or is not safe, is refused at the start in a sentence that names it.
A server with accounts needs `KAMERPLANTER_SECRET_KEY`, and in production `KAMERPLANTER_MAILER`.

The tables are written by `.venv/bin/python -m tests.architecture.settings_page`.
"""
_TABLE = "| Variable | Takes | Default | Meaning |\n|---|---|---|---|\n"
_OTHERS = (
    ("Readings of devices over MQTT", IngestSettings),
    ("How long measurements are kept", RetentionSettings),
)


def page() -> str:
    """Return the page as it must be."""
    fields = Settings.model_fields
    elsewhere = {name for _, part in _OTHERS for name in part.model_fields}
    parts = [("The server itself", [name for name in fields if name not in elsewhere])]
    parts += [(title, list(part.model_fields)) for title, part in _OTHERS]
    return _HEAD + "".join(
        f"\n## {title}\n\n{_TABLE}{''.join(_row(name, fields[name]) for name in names)}"
        for title, names in parts
    )


def _row(name: str, field: FieldInfo) -> str:
    takes = f"like `{field.examples[0]}`" if field.examples else wanted(field)
    cells = (f"`{PREFIX}{name.upper()}`", takes, _default(field), _meaning(field))
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |\n"


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "in your data folder"
    default = field.default
    if default is None or default == ():
        return "–"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    return f"`{default.value if isinstance(default, StrEnum) else default}`"


def _meaning(field: FieldInfo) -> str:
    words = " ".join((field.description or "").split())
    return re.sub(
        r"`(\w+)`",
        lambda found: (
            f"`{PREFIX}{found[1].upper()}`" if found[1] in Settings.model_fields else found[0]
        ),
        words,
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
