"""One version, wherever it is written."""

import json
import tomllib

import kamerplanter_backend
import kamerplanter_engines
from tests.architecture.sources import ROOT


def test_all_places_name_the_same_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    manifest = json.loads((ROOT / "custom_components/kamerplanter/manifest.json").read_text())

    assert manifest["version"] == project
    assert kamerplanter_engines.__version__ == project
    assert kamerplanter_backend.__version__ == project
    assert f"## [{project}]" in (ROOT / "CHANGELOG.md").read_text()


def test_minimum_home_assistant_is_the_same_everywhere() -> None:
    hacs = json.loads((ROOT / "hacs.json").read_text())

    assert hacs["homeassistant"] == "2026.10.0"
    assert hacs["homeassistant"] in (ROOT / "README.md").read_text()
