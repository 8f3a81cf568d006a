"""A file has one subject and a function fits a screen."""

import ast
from pathlib import Path

import pytest

from tests.architecture.sources import PACKAGES, ROOT, modules, tree

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
# May only shrink: each is one subject that reads better in one piece.
LONG_FILES: set[str] = set()

ALL_MODULES = [path for package in PACKAGES for path in modules(package)]


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", ALL_MODULES, ids=_name)
def test_file_is_short(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")

    if _name(path) in LONG_FILES:
        assert lines > MAX_FILE_LINES, "no longer an exception: take it off the list"
    else:
        assert lines <= MAX_FILE_LINES


@pytest.mark.parametrize("path", ALL_MODULES, ids=_name)
def test_functions_are_short(path: Path) -> None:
    long = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body and body[-1].end_lineno - body[0].lineno + 1 > MAX_FUNCTION_LINES:
                long.append(node.name)

    assert long == []


@pytest.mark.parametrize("path", ALL_MODULES, ids=_name)
def test_module_says_what_it_is_for(path: Path) -> None:
    if path.read_text(encoding="utf-8").strip():
        assert ast.get_docstring(tree(path))
