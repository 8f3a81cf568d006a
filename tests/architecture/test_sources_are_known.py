"""Formulas and tables name their source, and docs/sources.md explains each."""

import re
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, modules

KNOWN = set(
    re.findall(
        r"^\| \[([^\]]+)\]", (ROOT / "docs/sources.md").read_text(encoding="utf-8"), re.MULTILINE
    )
)


@pytest.mark.parametrize(
    "path", modules("kamerplanter_engines"), ids=lambda path: str(path.relative_to(ROOT))
)
def test_source_keys_stand_in_the_list(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    used = {
        key
        for line in re.findall(r"Sources?: (.+)", text)
        for key in re.findall(r"\[([A-Za-z0-9_]+)\]", line)
    }

    assert used <= KNOWN


@pytest.mark.parametrize("path", modules("kamerplanter_engines/tables"), ids=lambda path: path.name)
def test_table_says_where_its_numbers_come_from(path: Path) -> None:
    if path.name != "__init__.py":
        assert "Source" in path.read_text(encoding="utf-8")
