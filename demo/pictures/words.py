"""What is to be read on a page, taken from where the pages take it."""

import json
import re
from pathlib import Path
from typing import Any

import hass_frontend

from demo.home_assistant import INTEGRATION

FRONT_END = Path(hass_frontend.where()) / "static" / "translations"
PARTS = (FRONT_END, FRONT_END / "config")
"""The front end loads the texts of its settings apart."""
_NOT_SHOWN_AS_IT_STANDS = re.compile(r"\{\w+\}|\*\*|`|\n")


class Words:
    """The texts of the integration and of the front end in one language.

    Args:
        language: One that both speak.
    """

    def __init__(self, language: str) -> None:
        self.language = language
        own = INTEGRATION / "translations" / f"{language}.json"
        self._own = json.loads(own.read_text(encoding="utf-8"))
        self._front_end: dict[str, str] = {}
        for part in PARTS:
            (path,) = part.glob(f"{language}-{'[0-9a-f]' * 32}.json")
            self._front_end |= json.loads(path.read_text(encoding="utf-8"))

    def own(self, path: str) -> str:
        """Return the longest piece of a text of the integration without a placeholder."""
        found: Any = self._own
        for name in path.split("."):
            found = found[name]
        return max(_NOT_SHOWN_AS_IT_STANDS.split(found), key=len).strip()

    def front_end(self, path: str) -> str:
        """Return a text of the front end."""
        return self._front_end[f"ui.{path}"]
