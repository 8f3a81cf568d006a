"""Errors of the garden as Home Assistant shows them: translated once, at this border."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import date, datetime
from typing import Any

from homeassistant.core import HomeAssistant, async_get_hass_or_none
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers.translation import (
    async_get_cached_translations,
    async_get_translations,
)
from homeassistant.util import dt as dt_util
from pydantic import ValidationError

from kamerplanter_backend.common.exceptions import (
    ConflictError,
    ForbiddenError,
    NotFoundError,
)
from kamerplanter_engines.errors import (
    IllegalTransitionError,
    InvalidInputError,
    KamerplanterError,
    KarenzViolationError,
    OutOfRangeError,
)
from kamerplanter_engines.models.base import HiddenCharacterError
from kamerplanter_engines.models.calibration import CalibrationProblem
from kamerplanter_engines.models.planting_run import RunProblem
from kamerplanter_engines.models.task import TaskState

from .const import DOMAIN
from .days import day_in

REFUSALS: tuple[type[KamerplanterError], ...] = (
    ConflictError,
    ForbiddenError,
    IllegalTransitionError,
    InvalidInputError,
    KarenzViolationError,
    NotFoundError,
)
"""What the caller can put right; everything else is trouble of ours, with a trace in the log."""


_NOT_KNOWN = "?"
_PLACEHOLDERS = dict.fromkeys(
    (
        "allowed",
        "cultivar",
        "current",
        "date",
        "field",
        "found",
        "key",
        "kind",
        "known",
        "limit",
        "permission",
        "plant",
        "product",
        "reason",
        "run",
        "shown",
        "source",
        "unit",
        "value",
    ),
    _NOT_KNOWN,
)
"""A text whose placeholder is missing is not shown at all, so each has a value."""


_LANGUAGE_OF_MESSAGES = "en"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{6})?)?\+\d{2}:\d{2}")
_NO_LETTER = re.compile(r"[^a-z0-9]")
_TASKS = frozenset({"task", "tasks"})
"""How a task is named that is not there, by this integration and by the store."""
_GARDENS = frozenset({"tenant", "tenants"})


_OPTIONS = f"component.{DOMAIN}.selector"
_TABLES = {
    "current": "task_state",
    "field": "field_name",
    "kind": "record_kind",
    "permission": "permission",
    "reason": "trouble_reason",
}
"""Placeholder: the table of texts (a selector's options) that has words for its codes."""
_TABLES_OF_RUNS = {"allowed": "run_state", "current": "run_state"}
_TABLES_OF_PROBLEMS: Mapping[str, Mapping[str, str]] = {
    RunProblem.STEP: _TABLES_OF_RUNS,
    RunProblem.BEGUN: _TABLES_OF_RUNS,
    RunProblem.NOT_GROWING: _TABLES_OF_RUNS,
    RunProblem.FIXED: {"allowed": "field_name", "current": "run_state"},
}
"""Problem: the tables that have words for codes that mean something else there."""
_CODES_OF_FIELDS = {"kind": "channel_kind", "scale": "raw_scale", "target": "record_kind"}
"""Field: the table that has words for what it may be."""
_PROBLEMS = {
    "no_measurement": "no_measurement",
    "no_such_time": "no_such_time",
    "no_live_broker": "no_live_broker",
    "no_live_offline": "no_live_offline",
    "no_live_silent": "no_live_silent",
    "no_plant": "no_plant",
    "no_probe": "no_probe",
    "no_probe_of_kind": "no_probe_of_kind",
    "not_a_number": "number_needed",
    "nothing_to_correct": "nothing_to_correct",
    "several_gardens": "several_gardens",
    "several_plants": "several_plants",
    "several_probes": "several_probes",
    "text_too_long": "text_too_long",
    "which_garden": "which_garden",
    **{problem.value: problem.value for problem in RunProblem},
    CalibrationProblem.SAME_POINTS.value: "calibration_same_points",
    CalibrationProblem.WRONG_ORDER.value: "calibration_wrong_order",
    CalibrationProblem.TOO_CLOSE.value: "calibration_too_close",
    CalibrationProblem.SLOPE.value: "calibration_slope",
    CalibrationProblem.OFFSET.value: "calibration_offset",
    CalibrationProblem.FACTOR.value: "calibration_factor",
    CalibrationProblem.ZERO_ALONE.value: "calibration_zero_alone",
    CalibrationProblem.NO_CONTRAST.value: "calibration_no_contrast",
    CalibrationProblem.TEMPERATURE_NEEDED.value: "calibration_temperature_needed",
    CalibrationProblem.NOT_MILLIVOLT.value: "calibration_not_millivolt",
    CalibrationProblem.NOT_PH.value: "calibration_not_ph",
    CalibrationProblem.OTHER_SCALE.value: "calibration_other_scale",
    CalibrationProblem.HAS_CURVE.value: "calibration_has_curve",
}
"""What is wrong, where an error says so: the key of the text."""
_GENERAL = (InvalidInputError, OutOfRangeError, IllegalTransitionError)
"""Their own texts can only show the English message; often the placeholders say it all."""


def translation_of(error: KamerplanterError) -> tuple[str, dict[str, str]]:
    """Return the translation key of an error and what fills its text in.

    Codes such as `harvest:dispose` are words, in the language of the house, where it has some.
    """
    own = {"message": error.message, "field": error.field or _NOT_KNOWN} | error.placeholders
    return _key_of(error, own), _PLACEHOLDERS | own | _words(own)


def _key_of(error: KamerplanterError, own: Mapping[str, str]) -> str:
    if isinstance(error, NotFoundError) and own.get("kind") in _TASKS:
        return "not_found_task"
    if isinstance(error, NotFoundError) and own.get("kind") in _GARDENS:
        return "garden_gone"
    if (problem := _PROBLEMS.get(own.get("problem", ""))) is not None:
        return problem
    if (key := _key_of_value(error, own)) is not None:
        return key
    if isinstance(error, IllegalTransitionError) and own.get("current") in set(TaskState):
        return "task_closed"
    return error.code.lower()


def _key_of_value(error: KamerplanterError, own: Mapping[str, str]) -> str | None:
    """Return the key of what is wrong with the value of one field; none = it is something else."""
    if type(error) not in _GENERAL or error.field is None or "value" not in own:
        return None
    if own["value"] == "":
        return "value_missing"
    if error.field == "target" and own.get("allowed") == "1":
        return "one_target"
    return "value_not_allowed" if "allowed" in own else None


async def async_load_sentences(hass: HomeAssistant) -> None:
    """Make the texts of errors known, as a dialog may need them before there is any garden."""
    for category in ("exceptions", "selector"):
        await async_get_translations(hass, hass.config.language, category, {DOMAIN})


def sentence_of(hass: HomeAssistant, error: KamerplanterError) -> str:
    """Return what an error says, in the language of the house; to stand within another text."""
    key, placeholders = translation_of(error)
    texts = async_get_cached_translations(hass, hass.config.language, "exceptions", DOMAIN)
    text = texts.get(f"component.{DOMAIN}.exceptions.{key}.message")
    return error.message if text is None else text.format(**placeholders)


def _words(own: Mapping[str, str]) -> dict[str, str]:
    """Return the words for those placeholders that are codes."""
    if (hass := async_get_hass_or_none()) is None:
        return {}
    texts = async_get_cached_translations(hass, hass.config.language, "selector", DOMAIN)
    found: dict[str, str] = {}
    tables = {**_TABLES, **_TABLES_OF_PROBLEMS.get(own.get("problem", ""), {})}
    for name, table in tables.items():
        # Some name several at once.
        codes = own.get(name, "").split(", ")
        told = [_word(texts, table, code) for code in codes]
        if any(told):
            found[name] = ", ".join(word or code for word, code in zip(told, codes, strict=True))
    # A reference is called as what it names.
    named = own.get("field", "").removesuffix("s").removesuffix("_key")
    if "field" not in found and (word := _word(texts, "record_kind", named)) is not None:
        found["field"] = word
    found |= _days(hass.config.language, own)
    if hass.config.language != _LANGUAGE_OF_MESSAGES:
        if "reason" in own and "reason" not in found:
            # What has no word is a sentence of the system.
            found["reason"] = texts.get(f"{_OPTIONS}.trouble_reason.options.other", own["reason"])
        found["message"] = _said_without_english(texts, {**own, **found})
    if (words := _CODES_OF_FIELDS.get(own.get("field", ""))) is not None:
        for name in ("value", "allowed"):
            codes = own.get(name, "").split(", ")
            found[name] = ", ".join(_word(texts, words, code) or code for code in codes)
    return {name: word for name, word in found.items() if name in own}


def _days(language: str, own: Mapping[str, str]) -> dict[str, str]:
    """Return the placeholders that are days or moments, as a language writes them."""
    # Of a field that is no day, a value that reads like one may be a name.
    names = ("date", "value") if own.get("field", "").endswith("_on") else ("date",)
    found: dict[str, str] = {}
    for name in names:
        if _DAY.fullmatch(text := own.get(name, "")):
            with suppress(ValueError):  # such as the 30th of February, which was refused
                found[name] = day_in(language, date.fromisoformat(text))
    if _MOMENT.fullmatch(text := own.get("value", "")):
        found["value"] = moment_in(language, datetime.fromisoformat(text))
    if _MOMENT.search(text := own.get("allowed", "")):
        # From one moment to another one.
        found["allowed"] = _MOMENT.sub(
            lambda one: moment_in(language, datetime.fromisoformat(one[0])), text
        )
    return found


def moment_in(language: str, moment: datetime) -> str:
    """Return a moment as a language and the clocks of the house have it.

    At an end of the calendar they may have none; then it is as it was written.
    """
    try:
        local = dt_util.as_local(moment)
    except OverflowError:
        local = moment
    return f"{day_in(language, local.date())}, {local:%H:%M}"


def _said_without_english(texts: Mapping[str, str], own: Mapping[str, str]) -> str:
    """Return what stands for the English message in another language: what it is about."""
    if "reason" in own:
        return own["reason"]
    if own.get("value") and own["field"] != _NOT_KNOWN:
        return f"{own['field']} = {own['value']}"
    return texts.get(f"{_OPTIONS}.trouble_reason.options.unsaid", own["message"])


def _word(texts: Mapping[str, str], table: str, text: str) -> str | None:
    """Return the word for a code; none = the table has none."""
    # A field of a field counts by its last name, and one thing is of the kind of many.
    code = _NO_LETTER.sub("_", text.rsplit(".", 1)[-1])
    for key in (code, f"{code}s"):
        if (word := texts.get(f"{_OPTIONS}.{table}.options.{key}")) is not None:
            return word
    return None


def as_home_assistant(error: KamerplanterError) -> HomeAssistantError:
    """Return the exception of Home Assistant that tells a person about an error."""
    key, placeholders = translation_of(error)
    kind = ServiceValidationError if isinstance(error, REFUSALS) else HomeAssistantError
    return kind(
        translation_domain=DOMAIN, translation_key=key, translation_placeholders=placeholders
    )


@contextmanager
def translated() -> Iterator[None]:
    """Turn errors of the garden that leave the block into translated ones.

    Raises:
        ServiceValidationError: The input was refused; nothing was written.
        HomeAssistantError: The garden could not do it; nothing was written.
    """
    try:
        yield
    except KamerplanterError as error:
        raise as_home_assistant(error) from error
    except ValidationError as error:
        raise as_home_assistant(invalid_input(error)) from error


def invalid_input(error: ValidationError) -> InvalidInputError:
    """Return the first thing that is wrong with an input as an error of the garden."""
    first = error.errors(include_url=False)[0]
    if not first["loc"]:
        # What does not go together is no value of one field.
        return InvalidInputError(f"input: {first['msg']}", field="input")
    field, context = ".".join(str(part) for part in first["loc"]), first.get("ctx", {})
    is_missing = first["type"] in {"missing", "string_too_short"}
    more: dict[str, object] = {}
    if first["type"] == "string_too_long":
        more = {"problem": "text_too_long", "allowed": context["max_length"]}
    elif first["type"] in _NO_NUMBER:
        more = {"problem": "not_a_number"}
    elif (allowed := _allowed(context)) is not None:
        more = {"allowed": allowed}
    # A name of nothing but blanks is none to whoever reads about it.
    value = "" if is_missing else str(first.get("input", "")).strip()[:100]
    return InvalidInputError(f"{field}: {first['msg']}", field=field, value=value, **more)


_NO_NUMBER = frozenset(
    {"finite_number", "float_parsing", "float_type", "int_parsing", "int_type", "int_from_float"}
)
_LIMITS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
_QUOTED = re.compile(r"'([^']*)'")


def _allowed(context: Mapping[str, Any]) -> str | None:
    """Return what a value may be in signs that need no language; none = nobody says."""
    if isinstance(hidden := context.get("error"), HiddenCharacterError):
        return f"≠ {hidden.code_point}"
    for name, sign in _LIMITS.items():
        if name in context:
            return f"{sign} {context[name]}"
    # The choices of an enumeration, between quotation marks and English words.
    return ", ".join(_QUOTED.findall(str(context.get("expected", "")))) or None
