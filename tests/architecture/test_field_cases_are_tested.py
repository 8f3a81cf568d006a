"""The cases from the field are tests, on the state of an entity where one shows it.

All that devices send (F-01 to F-45), and what users reported of measured values.

A test names its case in its name, its docstring or the id of a parameter: `f_17` or `F-17`.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.sources import ROOT, tree

CASES = tuple(
    f"F-{number:02}" for number in (*range(1, 46), *range(46, 54), *range(64, 66), *range(70, 75))
)

NOT_A_STATE: dict[str, str] = {}
"""Cases that no state can show, with the reason; they are tested where they are decided."""

PARTS_NOT_YET = {
    "F-21": "nothing heats by a reading yet",
    "F-44": "nothing doses by a reading yet",
    "F-64": "nothing heats by a reading yet, so an unknown temperature is critical for nothing",
}
"""What a case says beyond what its tests show, and why that is not tested."""

_NUMBER = re.compile(r"(?<![a-z0-9])f[-_]?(\d\d)(?![0-9a-z])", re.IGNORECASE)


def _texts(module: ast.Module) -> Iterator[str]:
    """Yield what may name a case: names of tests, and all that stands in quotes."""
    for node in ast.walk(module):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


@cache
def _named_in(folder: str) -> frozenset[str]:
    """Return the cases that the tests of a folder name."""
    here = Path(__file__)
    return frozenset(
        f"F-{number}"
        for path in sorted((ROOT / folder).rglob("test_*.py"))
        if path != here
        for text in _texts(tree(path))
        for number in _NUMBER.findall(text)
    )


@pytest.mark.parametrize("case", CASES)
def test_case_is_tested(case: str) -> None:
    assert case in _named_in("tests"), f"{case} is named by no test"


@pytest.mark.parametrize("case", CASES)
def test_case_is_seen_on_a_state_or_says_why_not(case: str) -> None:
    is_seen = case in _named_in("tests/home_assistant") or case in _named_in("tests/end_to_end")

    assert is_seen != (case in NOT_A_STATE)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("test_f_17_both_forms", ["17"]),
        ("test_f02_power_on", ["02"]),
        ("F-22 booleans", ["22"]),
        ("F-17, F-22", ["17", "22"]),
        ("0xF12", []),
        ("f123", []),
        ("SHA-F17a", []),
        ("f1", []),
    ],
)
def test_numbers_are_found(text: str, expected: list[str]) -> None:
    assert _NUMBER.findall(text) == expected


def test_every_reason_belongs_to_a_case() -> None:
    assert (NOT_A_STATE.keys() | PARTS_NOT_YET.keys()) <= set(CASES)
    assert all([*NOT_A_STATE.values(), *PARTS_NOT_YET.values()])
