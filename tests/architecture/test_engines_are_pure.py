"""Engines import pydantic, astral, dateutil and a named part of the standard library only."""

import ast
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, modules, tree

ALLOWED = {
    "kamerplanter_engines",
    "pydantic",
    "astral",
    "dateutil",
    "bisect",
    "calendar",
    "collections",
    "copy",  # its replace() makes a changed value
    "dataclasses",
    "datetime",
    "decimal",
    "enum",
    "functools",
    "itertools",
    "math",
    "operator",
    "re",
    "statistics",
    "types",
    "typing",
    "unicodedata",
    "zoneinfo",
}


def _imported(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        assert node.level == 0, "relative imports hide the layer"
        return [node.module or ""]
    return []


@pytest.mark.parametrize(
    "path", modules("kamerplanter_engines"), ids=lambda path: str(path.relative_to(ROOT))
)
def test_engine_module_imports_only_what_is_pure(path: Path) -> None:
    names = {
        name.partition(".")[0]
        for node in ast.walk(tree(path))
        if isinstance(node, ast.stmt)
        for name in _imported(node)
    }

    assert names <= ALLOWED
