"""Every error that can reach a person has a text in both languages."""

import json
import re

import pytest

import kamerplanter_backend.common.exceptions
from kamerplanter_engines.errors import KamerplanterError
from tests.architecture.sources import ROOT

assert kamerplanter_backend.common.exceptions  # its classes register as subclasses


def _errors() -> list[type[KamerplanterError]]:
    found, queue = [KamerplanterError], [KamerplanterError]
    while queue:
        children = queue.pop().__subclasses__()
        found += children
        queue += children
    ours = [e for e in found if e.__module__.startswith("kamerplanter")]
    return sorted(set(ours), key=lambda error: error.code)


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in _errors()]

    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("language", ["en", "de"])
@pytest.mark.parametrize("error", _errors(), ids=lambda error: error.code)
def test_error_has_a_text(error: type[KamerplanterError], language: str) -> None:
    path = ROOT / f"custom_components/kamerplanter/translations/{language}.json"
    texts = json.loads(path.read_text(encoding="utf-8"))["exceptions"]

    text = texts[error.code.lower()]["message"]

    documented = set(re.findall(r"`([a-z_]+)`", error.__doc__ or "")) | {
        "message",
        "field",
        "value",
    }
    assert set(re.findall(r"\{([a-z_]+)\}", text)) <= documented
