"""Looks up every text that a dialog needs, as the front end would."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from homeassistant.data_entry_flow import FlowResultType, section

TRANSLATIONS = Path(__file__).parents[2] / "custom_components/kamerplanter/translations"
TEXTS: dict[str, dict[str, Any]] = {
    language: json.loads((TRANSLATIONS / f"{language}.json").read_text(encoding="utf-8"))
    for language in ("en", "de")
}


def check_texts(
    result: Mapping[str, Any], subentry_type: str | None = None, *, issue: str | None = None
) -> None:
    """Check that all that a step shows has a text in both languages, with its placeholders."""
    for language, texts in TEXTS.items():
        flow = texts["config"] if subentry_type is None else texts["config_subentries"]
        flow = flow if subentry_type is None else flow[subentry_type]
        flow = flow if issue is None else texts["issues"][issue]["fix_flow"]
        filled = result.get("description_placeholders") or {}
        for text in (*_texts(result, flow), *_header_of_wait(result, texts, issue)):
            assert text, (language, result.get("step_id"))
            text.format(**filled)


def _texts(result: Mapping[str, Any], flow: Mapping[str, Any]) -> Iterator[str]:
    match result["type"]:
        case FlowResultType.FORM:
            step = flow["step"][result["step_id"]]
            yield step["title"]
            yield step.get("description", "-")
            yield from _fields(result["data_schema"].schema, step)
            yield from (flow["error"][key] for key in (result["errors"] or {}).values())
        case FlowResultType.MENU:
            step = flow["step"][result["step_id"]]
            yield step["title"]
            yield step["description"]
            yield from (step["menu_options"][option] for option in result["menu_options"])
        case FlowResultType.SHOW_PROGRESS:
            yield flow["progress"][result["progress_action"]]
            # The front end fills nothing into this title.
            title = flow["step"][result["step_id"]]["title"]
            assert "{" not in title
            yield title
        case FlowResultType.ABORT if "translation_domain" not in result:
            yield flow["abort"][result["reason"]]


def _header_of_wait(
    result: Mapping[str, Any], texts: Mapping[str, Any], issue: str | None
) -> Iterator[str]:
    """Yield what stands above a repair that waits, from where the front end looks for it.

    Its compiled code asks for `issues.step.<issue>.fix_flow.<step>.title`, and where there is
    nothing it shows the name of the integration.
    """
    if issue is not None and result["type"] is FlowResultType.SHOW_PROGRESS:
        yield texts["issues"][f"step.{issue}"]["fix_flow"][result["step_id"]]["title"]


def _fields(schema: Mapping[Any, Any], step: Mapping[str, Any]) -> Iterator[str]:
    for key, field in schema.items():
        if isinstance(field, section):
            part = step["sections"][str(key)]
            yield part["name"]
            yield from _fields(field.schema.schema, part)
        else:
            yield step["data"][str(key)]
            yield step.get("data_description", {}).get(str(key), "-")
