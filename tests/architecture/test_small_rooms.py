"""A file has one subject and a function fits a screen."""

import ast
from pathlib import Path

from tests.architecture.sources import PACKAGES, ROOT, modules, tree

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
# May only shrink: each is one subject that reads better in one piece.
LONG_FILES: set[str] = set()


def _modules() -> dict[str, Path]:
    """Return all modules by their names; one test walks them, as a test for each costs more."""
    found = [path for package in PACKAGES for path in modules(package)]
    assert len(found) > len(PACKAGES)
    return {str(path.relative_to(ROOT)): path for path in found}


def test_files_are_short() -> None:
    lines = {
        name: path.read_text(encoding="utf-8").count("\n") for name, path in _modules().items()
    }

    assert {name: count for name, count in lines.items() if count > MAX_FILE_LINES} == {
        name: lines[name] for name in LONG_FILES
    }, "one file, one subject; what is short again is no exception: take it off the list"


def _long_functions(path: Path) -> list[str]:
    long = []
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) else node.body
            if body and body[-1].end_lineno - body[0].lineno + 1 > MAX_FUNCTION_LINES:
                long.append(node.name)
    return long


def test_functions_are_short() -> None:
    long = {name: _long_functions(path) for name, path in _modules().items()}

    assert {name: functions for name, functions in long.items() if functions} == {}


def test_modules_say_what_they_are_for() -> None:
    silent = [
        name
        for name, path in _modules().items()
        if path.read_text(encoding="utf-8").strip() and not ast.get_docstring(tree(path))
    ]

    assert silent == []
