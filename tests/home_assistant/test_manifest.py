"""Manifest, actions and brand, by the checks that Home Assistant and HACS make in public."""

import json
import re
import struct
import tomllib
from pathlib import Path
from typing import Any

import homeassistant
import pytest
import yaml
from awesomeversion import AwesomeVersion, AwesomeVersionStrategy
from homeassistant.core import HomeAssistant
from homeassistant.helpers import selector as ha_selector
from homeassistant.helpers.service import _SERVICES_SCHEMA
from homeassistant.loader import Manifest, async_get_zeroconf
from packaging.requirements import Requirement
from packaging.version import Version

from custom_components.kamerplanter.actions import ACTIONS
from custom_components.kamerplanter.actions.tasks import ADD_TASK_SCHEMA
from custom_components.kamerplanter.actions.treatments import CORRECT_TREATMENT_SCHEMA
from kamerplanter_backend.announce import SERVICE_TYPE
from kamerplanter_engines.models.telemetry import AIR_KINDS, DEVICE_KINDS
from kamerplanter_engines.units import KNOWN_UNITS
from tests.home_assistant.flow_texts import TEXTS

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components/kamerplanter"
MANIFEST: dict[str, Any] = json.loads((INTEGRATION / "manifest.json").read_text())
HACS_KEYS = {
    "name",
    "homeassistant",
    "filename",
    "zip_release",
    "hacs",
    "country",
    "content_in_root",
    "hide_default_branch",
    "persistent_directory",
    "render_readme",
}
BRONZE_TO_PLATINUM = 54


def pins() -> dict[str, Version]:
    """Return the versions that Home Assistant allows."""
    path = Path(homeassistant.__file__).with_name("package_constraints.txt")
    found = re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)$", path.read_text(), re.MULTILINE)
    return {name.lower(): Version(version) for name, version in found}


def test_the_manifest_knows_only_known_keys_in_the_usual_order() -> None:
    known = set(Manifest.__annotations__)
    keys = list(MANIFEST)

    assert set(keys) <= known
    assert keys == ["domain", "name", *sorted(set(keys) - {"domain", "name"})]


def test_the_manifest_names_what_hacs_asks_for() -> None:
    assert MANIFEST["domain"] == INTEGRATION.name
    assert MANIFEST["codeowners"]
    for key in ("documentation", "issue_tracker"):
        assert MANIFEST[key].startswith("https://")
    assert (MANIFEST["iot_class"], MANIFEST["integration_type"]) == ("local_push", "hub")
    assert MANIFEST["config_flow"] is True


async def test_home_assistant_asks_us_about_servers_that_announce_themselves(
    hass: HomeAssistant,
) -> None:
    found = await async_get_zeroconf(hass)

    assert {"domain": "kamerplanter"} in found[SERVICE_TYPE]


def test_the_version_is_one_that_home_assistant_loads() -> None:
    version = AwesomeVersion(
        MANIFEST["version"],
        ensure_strategy=[AwesomeVersionStrategy.CALVER, AwesomeVersionStrategy.SEMVER],
    )
    assert version.valid


def test_mqtt_is_an_offer_and_no_condition() -> None:
    assert "mqtt" in MANIFEST["after_dependencies"]
    assert "dependencies" not in MANIFEST


@pytest.mark.parametrize("text", MANIFEST["requirements"])
def test_each_requirement_is_a_range_that_holds_the_pin_of_home_assistant(text: str) -> None:
    requirement = Requirement(text)

    assert requirement.url is None
    assert {spec.operator for spec in requirement.specifier} == {">=", "<"}
    if (pin := pins().get(requirement.name.lower())) is not None:
        assert pin in requirement.specifier


def test_the_requirements_are_those_of_the_distribution() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    # Home Assistant itself is built on aiohttp, so the integration need not ask for it.
    needed = [line for line in project["dependencies"] if not line.startswith("aiohttp")]
    assert sorted(MANIFEST["requirements"]) == sorted(needed)


def test_hacs_json_has_only_known_keys() -> None:
    hacs = json.loads((ROOT / "hacs.json").read_text())

    assert set(hacs) <= HACS_KEYS
    assert hacs["name"] == MANIFEST["name"]
    assert hacs["filename"].endswith(".zip") is hacs["zip_release"]


def test_the_icon_has_the_size_of_a_brand() -> None:
    for name, size in (("icon.png", 256), ("icon@2x.png", 512)):
        content = (INTEGRATION / "brand" / name).read_bytes()
        assert content.startswith(b"\x89PNG\r\n\x1a\n")
        assert struct.unpack(">II", content[16:24]) == (size, size)


def services() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((INTEGRATION / "services.yaml").read_text())
    return loaded


def test_the_actions_are_described_as_home_assistant_wants_it() -> None:
    _SERVICES_SCHEMA(services())
    for service in services().values():
        for field in service.get("fields", {}).values():
            ha_selector.validate_selector(field["selector"])


def test_each_action_describes_its_own_fields() -> None:
    described = {name: set(service.get("fields", {})) for name, service in services().items()}

    for action in ACTIONS:
        assert described[action.name] == {str(key) for key in action.schema}
    targets = {"entity_id", "device_id", "area_id", "floor_id", "label_id"}
    for name, schema in (
        ("add_task", ADD_TASK_SCHEMA),
        ("correct_treatment", CORRECT_TREATMENT_SCHEMA),
    ):
        assert described[name] == {str(key) for key in schema.schema} - targets
    assert described["complete_task"] == {"task_id", "kind", "at", "volume_l"}


def test_a_measurement_by_hand_offers_each_unit_that_is_understood() -> None:
    offered = services()["log_measurement"]["fields"]["unit"]["selector"]["select"]["options"]
    # The air and the light of a place are not measured by hand.
    kinds = KNOWN_UNITS.keys() - set(DEVICE_KINDS) - set(AIR_KINDS)

    assert set(offered) == {unit for kind in kinds for unit in KNOWN_UNITS[kind] if unit}


def test_each_described_field_has_a_text() -> None:
    for texts in TEXTS.values():
        for name, service in services().items():
            assert set(texts["services"][name]["fields"]) == set(service.get("fields", {}))


def test_each_list_of_choices_has_its_words() -> None:
    for service in services().values():
        for name, field in service.get("fields", {}).items():
            # Units are the same in all languages.
            if (choices := field["selector"].get("select")) and name != "unit":
                words = TEXTS["en"]["selector"][choices["translation_key"]]["options"]
                # Kinds of values are one list of words, of which an action takes some.
                assert set(choices["options"]) <= set(words)


def test_the_quality_scale_answers_every_rule() -> None:
    rules = yaml.safe_load((INTEGRATION / "quality_scale.yaml").read_text())["rules"]

    assert len(rules) == BRONZE_TO_PLATINUM
    for name, rule in rules.items():
        assert rule == "done" or (rule["status"] == "exempt" and rule["comment"]), name
