"""All texts, in both languages, by the rules of Home Assistant's own checks."""

import json
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from homeassistant.const import Platform
from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations

from custom_components.kamerplanter.actions import ACTIONS, OTHER_ACTIONS
from custom_components.kamerplanter.const import DOMAIN
from custom_components.kamerplanter.descriptions.hub import (
    HUB_BINARY_SENSORS,
    HUB_SENSORS,
    HUB_TASK_LISTS,
    LINK_BINARY_SENSORS,
    LINK_SENSORS,
)
from custom_components.kamerplanter.descriptions.location import LOCATION_SENSORS
from custom_components.kamerplanter.descriptions.plant import (
    PLANT_BINARY_SENSORS,
    PLANT_BUTTONS,
    PLANT_SENSORS,
)
from custom_components.kamerplanter.descriptions.probe import (
    PROBE_BINARY_SENSORS,
    PROBE_SENSORS,
)
from custom_components.kamerplanter.descriptions.tank import TANK_BINARY_SENSORS, TANK_SENSORS
from custom_components.kamerplanter.flows.calibration_repair import CalibrationFlow
from custom_components.kamerplanter.subentry_flow import SUBENTRY_FLOWS
from custom_components.kamerplanter.texts import Texts
from kamerplanter_backend.client.handlers import HANDLERS
from kamerplanter_backend.client.protocol import Command
from kamerplanter_engines.errors import KamerplanterError
from kamerplanter_engines.models.care import CareStyle
from kamerplanter_engines.models.harvest import HarvestPurpose
from kamerplanter_engines.models.irrigation import IrrigationKind
from kamerplanter_engines.models.planting_run import RunProblem
from kamerplanter_engines.models.tank import TankType
from kamerplanter_engines.models.task import TaskKind
from kamerplanter_engines.models.telemetry import ChannelKind, Verdict
from tests.home_assistant.flow_texts import TEXTS

INTEGRATION = Path(__file__).parents[2] / "custom_components/kamerplanter"
ROWS: dict[Platform, tuple[Any, ...]] = {
    Platform.SENSOR: (
        *HUB_SENSORS,
        *LINK_SENSORS,
        *LOCATION_SENSORS,
        *TANK_SENSORS,
        *PLANT_SENSORS,
        *PROBE_SENSORS,
    ),
    Platform.BINARY_SENSOR: (
        *HUB_BINARY_SENSORS,
        *LINK_BINARY_SENSORS,
        *TANK_BINARY_SENSORS,
        *PLANT_BINARY_SENSORS,
        *PROBE_BINARY_SENSORS,
    ),
    Platform.TODO: HUB_TASK_LISTS,
    Platform.BUTTON: PLANT_BUTTONS,
}
WAITING = "step."
"""Before the name of an issue: the headers of its repair while it waits."""
CATEGORIES = {
    "title",
    "config",
    "config_subentries",
    "entity",
    "selector",
    "services",
    "exceptions",
    "issues",
}
FLOWS = {
    f"{language}-{name}": flow
    for language, texts in TEXTS.items()
    for name, flow in {"config": texts["config"], **texts["config_subentries"]}.items()
}


def leaves(node: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text with its path."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, f"{path}.{key}" if path else key)
    else:
        yield path, node


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


ALL = [(language, path, text) for language, texts in TEXTS.items() for path, text in leaves(texts)]


def test_both_languages_have_the_same_texts_in_the_same_order() -> None:
    assert [path for path, _ in leaves(TEXTS["en"])] == [path for path, _ in leaves(TEXTS["de"])]


def test_both_languages_fill_in_the_same() -> None:
    german = dict(leaves(TEXTS["de"]))

    for path, text in leaves(TEXTS["en"]):
        assert placeholders(text) == placeholders(german[path]), path


def test_only_what_home_assistant_reads_is_there() -> None:
    assert set(TEXTS["en"]) == CATEGORIES


def test_each_text_keeps_the_rules() -> None:
    for language, path, text in ALL:
        where = f"{language} {path}"
        assert isinstance(text, str), where
        assert text, where
        assert text == text.strip(), f"{where}: blanks around"
        assert not re.search(r"</?[a-z][^>]*>", text), f"{where}: HTML"
        assert not re.search(r"https?://|www\.", text), f"{where}: address"
        assert "[%key" not in text, f"{where}: reference"
        assert not re.search(r"'\{[^}]*\}'", text), f"{where}: placeholder in single quotes"
        assert not re.match(r"#+ |[-+*>] |\d+\. ", text), f"{where}: a heading or list"
        assert all(name.isidentifier() for name in placeholders(text)), where


def test_each_key_keeps_the_rules() -> None:
    for path, _ in leaves(TEXTS["en"]):
        for key in path.split("."):
            assert re.fullmatch(r"[a-z0-9](?:[a-z0-9-_]*[a-z0-9])?", key), path


def test_german_does_not_address_anybody_formally() -> None:
    for path, text in leaves(TEXTS["de"]):
        assert not re.search(r"\b(Sie|Ihr|Ihre|Ihren|Ihnen)\b", text), path


def test_german_is_german() -> None:
    english = dict(leaves(TEXTS["en"]))
    # Names and technical words that both languages share.
    same = {
        path
        for path, text in leaves(TEXTS["de"])
        if text == english[path] and len(text.split()) > 2 and not text.startswith("{")
    }
    assert same == set()


@pytest.mark.parametrize("flow", FLOWS.values(), ids=FLOWS)
def test_each_description_belongs_to_a_field(flow: dict[str, Any]) -> None:
    for step in flow["step"].values():
        for part in (step, *step.get("sections", {}).values()):
            assert set(part.get("data_description", {})) <= set(part.get("data", {}))


@pytest.mark.parametrize("language", TEXTS)
def test_each_kind_of_subentry_has_its_words(language: str) -> None:
    subentries = TEXTS[language]["config_subentries"]

    assert set(subentries) == set(SUBENTRY_FLOWS)
    for texts in subentries.values():
        assert texts["entry_type"]
        assert set(texts["initiate_flow"]) == {"user", "reconfigure"}


@pytest.mark.parametrize("platform", ROWS)
def test_each_row_of_an_entity_table_has_a_name(platform: Platform) -> None:
    for texts in TEXTS.values():
        names = texts["entity"][platform]
        assert {str(row.key) for row in ROWS[platform]} <= set(names)
        assert all(entity["name"] for entity in names.values())


def test_states_have_words() -> None:
    for texts in TEXTS.values():
        quality = texts["entity"]["sensor"]["measurement_quality"]["state"]
        assert set(quality) == {verdict.value for verdict in Verdict}


def test_each_phase_of_the_catalogue_has_a_word() -> None:
    seeds = Path(__file__).parents[2] / "kamerplanter_backend/migrations/seed_data"
    sequences = yaml.safe_load((seeds / "phase_sequences.yaml").read_text())["sequences"]
    phases = {entry["phase"] for sequence in sequences for entry in sequence["entries"]}
    assert len(phases) > 5
    for texts in TEXTS.values():
        assert phases <= set(texts["entity"]["sensor"]["phase"]["state"])
        assert phases <= set(texts["selector"]["phase"]["options"])


@pytest.mark.parametrize(
    ("selector", "values"),
    [
        ("task_title", TaskKind),
        ("channel_kind", ChannelKind),
        ("tank_type", TankType),
        ("care_style", CareStyle),
        ("harvest_purpose", HarvestPurpose),
        ("irrigation_kind", IrrigationKind),
    ],
)
def test_each_choice_has_a_word(selector: str, values: Any) -> None:
    for texts in TEXTS.values():
        assert set(texts["selector"][selector]["options"]) == {item.value for item in values}


async def test_each_command_that_may_wait_has_a_name(hass: HomeAssistant) -> None:
    texts = await Texts.async_load(hass)
    waiting = [kind for kind in HANDLERS if issubclass(kind, Command) and kind.queueable]
    assert len(waiting) > 15

    for kind in waiting:
        assert texts.command(kind.__name__) != kind.__name__
    assert len(TEXTS["en"]["selector"]["command"]["options"]) == len(waiting)


def test_each_action_has_its_words() -> None:
    for texts in TEXTS.values():
        services = texts["services"]
        assert set(services) == {action.name for action in (*ACTIONS, *OTHER_ACTIONS)}
        for service in services.values():
            assert service["name"]
            assert service["description"]
            for field in service["fields"].values():
                assert set(field) == {"name", "description"}


def test_each_issue_says_what_to_do() -> None:
    for texts in TEXTS.values():
        for issue in texts["issues"].values():
            assert ("description" in issue) != ("fix_flow" in issue)
            assert issue["title"]


async def test_a_repair_that_waits_has_a_header_where_the_front_end_looks(
    hass: HomeAssistant,
) -> None:
    for language in TEXTS:
        texts = await async_get_translations(hass, language, "issues", {DOMAIN})
        said = {
            texts[f"component.{DOMAIN}.issues.{path}.title"]
            # As it is, and as it would be if the front end looked for it as for other steps.
            for path in (
                f"step.calibration_due.fix_flow.{CalibrationFlow.wait_step}",
                f"calibration_due.fix_flow.step.{CalibrationFlow.wait_step}",
            )
        }
        assert len(said) == 1


def test_the_code_uses_no_text_that_is_missing() -> None:
    used = re.compile(r'translation_key="([a-z_]+)"')
    known = {
        *TEXTS["en"]["exceptions"],
        *TEXTS["en"]["issues"],
        *TEXTS["en"]["selector"],
    }
    for path in INTEGRATION.rglob("*.py"):
        for key in used.findall(path.read_text(encoding="utf-8")):
            assert key in known, f"{path.name}: {key}"


def test_each_text_of_an_error_or_issue_is_used() -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in INTEGRATION.rglob("*.py"))
    quoted = set(re.findall(r'"([a-z_]+)"', code))
    of_errors, queue = {KamerplanterError.code.lower(), *RunProblem}, [KamerplanterError]
    while queue:
        children = queue.pop().__subclasses__()
        of_errors |= {child.code.lower() for child in children}
        queue += children

    assert set(TEXTS["en"]["exceptions"]) - of_errors - quoted == set()
    issues = {key.removeprefix(WAITING) for key in TEXTS["en"]["issues"]}
    assert issues - quoted == set()


@pytest.mark.parametrize("platform", ROWS)
def test_each_name_of_an_entity_is_used(platform: Platform) -> None:
    for texts in TEXTS.values():
        assert set(texts["entity"][platform]) == {str(row.key) for row in ROWS[platform]}


def test_each_icon_belongs_to_something() -> None:
    icons = json.loads((INTEGRATION / "icons.json").read_text(encoding="utf-8"))

    for path, icon in leaves(icons):
        assert icon.startswith("mdi:"), path
    for platform, entities in icons["entity"].items():
        assert set(entities) <= set(TEXTS["en"]["entity"][platform])
        for key, entity in entities.items():
            states = set(entity.get("state", {}))
            known = set(TEXTS["en"]["entity"][platform][key].get("state", {}))
            assert states <= known | {"on", "off"}
    assert set(icons["services"]) == set(TEXTS["en"]["services"])
