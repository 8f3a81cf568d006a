"""Every setting is explained, where people look for it, and nothing else is."""

import re

import pytest

from kamerplanter_backend.config.settings import PREFIX, Settings
from tests.architecture.settings_page import PAGE, page
from tests.architecture.sources import ROOT

PAGES = ("README.md", "docs/settings.md", "docs/decisions/014-ingest-worker.md", "compose.yaml",
         "Dockerfile", "scripts/serve")  # fmt: skip


def test_the_page_says_what_the_code_says() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), (
        "run .venv/bin/python -m tests.architecture.settings_page"
    )


@pytest.mark.parametrize("name", Settings.model_fields)
def test_each_setting_is_on_it_with_a_meaning(name: str) -> None:
    rows = [
        line.split(" | ")
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| `{PREFIX}{name.upper()}` |")
    ]

    assert len(rows) == 1
    assert rows[0][3] != " |"


@pytest.mark.parametrize("where", PAGES)
def test_no_page_names_a_setting_that_is_none(where: str) -> None:
    text = (ROOT / where).read_text(encoding="utf-8")
    named = {found.rstrip("_") for found in re.findall(rf"{PREFIX}([A-Z][A-Z_]*)", text)}

    assert named
    assert named <= {name.upper() for name in Settings.model_fields} | {"MQTT"}
