"""Errors as a person reads them: words in the language of the house, no codes, no English."""

from collections.abc import Iterator
from enum import StrEnum

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations
from pydantic import ValidationError

from custom_components.kamerplanter.const import DOMAIN
from custom_components.kamerplanter.errors import invalid_input, sentence_of, translation_of
from custom_components.kamerplanter.flows.base import form_error_of
from kamerplanter_backend.client import wire
from kamerplanter_backend.common.exceptions import (
    ForbiddenError,
    NotFoundError,
    RateLimitedError,
    StoreFullError,
    UnavailableError,
)
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_engines.errors import (
    FutureTimeError,
    IllegalTransitionError,
    InvalidInputError,
    KamerplanterError,
    KarenzViolationError,
)
from kamerplanter_engines.models.calibration import CalibrationProblem
from kamerplanter_engines.models.tank import TankFields
from kamerplanter_engines.models.task import TaskState
from tests.home_assistant.flow_texts import TEXTS
from tests.home_assistant.garden import Garden


@pytest.fixture
async def german(garden: Garden) -> HomeAssistant:
    """Give a house that speaks German."""
    garden.hass.config.language = "de"
    for category in ("selector", "exceptions"):
        await async_get_translations(garden.hass, "de", category, {DOMAIN})
    return garden.hass


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        pytest.param(
            ForbiddenError("Role grower may not.", permission="harvest:dispose"),
            "Dafür fehlt eine Berechtigung: eine Entsorgung eintragen.",
            id="permission",
        ),
        pytest.param(
            NotFoundError("No plant.", kind="plants", key="p1"),
            "p1 (Pflanze) gibt es in diesem Garten nicht.",
            id="collection",
        ),
        pytest.param(
            NotFoundError("No garden.", kind="tenants", key="allotment-7"),
            "Der Server hat keinen Garten allotment-7 für diesen API-Schlüssel.",
            id="garden",
        ),
        pytest.param(
            NotFoundError("No treatment.", kind="treatment", key="t1"),
            "t1 (Behandlung) gibt es in diesem Garten nicht.",
            id="kind",
        ),
        pytest.param(
            UnavailableError("No answer.", reason=wire.NO_CONNECTION),
            "Der Garten antwortet gerade nicht: keine Verbindung",
            id="reason",
        ),
        pytest.param(
            StoreFullError("Disk full."),
            "Der Datenträger ist voll. Es wurde nichts gespeichert.",
            id="disk",
        ),
        pytest.param(
            InvalidInputError(
                "Phase x is not one.", field="phase_entry_id", value="x", allowed="seedling, bloom"
            ),
            "Phase: x ist nicht möglich. Möglich: seedling, bloom.",
            id="allowed",
        ),
        pytest.param(
            InvalidInputError("A task needs a title.", field="title", value=""),
            "Titel fehlt.",
            id="missing",
        ),
        pytest.param(
            IllegalTransitionError("Task t was skipped.", field="key", current="skipped"),
            "Die Aufgabe ist übersprungen. Bitte zuerst wieder öffnen.",
            id="task",
        ),
        pytest.param(
            IllegalTransitionError("Run r is planned.", field="state", current="planned"),
            "Dieser Schritt ist jetzt nicht möglich: es passt nicht zu dem, was jetzt da ist",
            id="last resort",
        ),
        pytest.param(
            InvalidInputError("Nothing fits.", field="cultivar_key", value="c1"),
            "Das ist hier nicht möglich: Sorte = c1",
            id="value",
        ),
        pytest.param(
            InvalidInputError("No plant.", field="target", problem="no_plant"),
            "Es wurde keine Pflanze gewählt. Bitte mindestens eine als Ziel wählen.",
            id="no target",
        ),
        pytest.param(
            InvalidInputError("No.", field="target", value="Light", allowed="plant, tank"),
            "Ziel: Light ist nicht möglich. Möglich: Pflanze, Tank.",
            id="words for what is allowed",
        ),
        pytest.param(
            InvalidInputError("No.", field="scale", value="value", allowed="millivolt"),
            "Was das Gerät meldet: Der Messwert selbst ist nicht möglich. Möglich: Millivolt.",
            id="what an electrode tells",
        ),
        pytest.param(
            InvalidInputError(
                "Too old.",
                field="at",
                value="1999-05-01T09:30:00+00:00",
                allowed="2026-01-31T10:00+00:00 – 2026-05-01T10:00+00:00",
            ),
            "Zeitpunkt: 01.05.1999, 11:30 ist nicht möglich. "
            "Möglich: 31.01.2026, 11:00 – 01.05.2026, 12:00.",
            id="moments by the clock of the house",
        ),
        pytest.param(
            InvalidInputError("Ahead.", field="at", value="9999-12-31T23:30:00+00:00"),
            "Das ist hier nicht möglich: Zeitpunkt = 31.12.9999, 23:30",
            id="a moment that no clock of the house ever shows",
        ),
        pytest.param(
            UnavailableError("The store cannot answer.", reason="disk I/O error"),
            "Der Garten antwortet gerade nicht: mehr dazu steht im Protokoll",
            id="a reason without a word",
        ),
        pytest.param(
            KarenzViolationError("No.", plant="Chili", product="Neem", date="2026-12-04"),
            "Chili darf wegen Neem noch nicht geerntet werden. Erster erlaubter Tag: 04.12.2026.",
            id="date",
        ),
        pytest.param(
            FutureTimeError("No.", field="phase_started_on", value="2026-12-04"),
            "04.12.2026 liegt in der Zukunft.",
            id="value of a field of days",
        ),
        pytest.param(
            FutureTimeError("No.", field="planted_on", value="2026-02-30"),
            "2026-02-30 liegt in der Zukunft.",
            id="no day",
        ),
        pytest.param(
            FutureTimeError("No.", field="name", value="2026-12-04"),
            "2026-12-04 liegt in der Zukunft.",
            id="a name like a day",
        ),
        pytest.param(
            ForbiddenError("No.", permission="moon:visit"),
            "Dafür fehlt eine Berechtigung: moon:visit.",
            id="a code without a word",
        ),
    ],
)
async def test_a_german_house_reads_german(
    german: HomeAssistant, error: KamerplanterError, sentence: str
) -> None:
    assert sentence_of(german, error) == sentence


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": "A", "volume_l": -3}, "Volumen: -3 ist nicht möglich. Möglich: > 0."),
        ({"name": "A", "volume_l": 5, "ph_low": 15}, "Niedrigster pH: 15 ist nicht möglich."),
        ({"volume_l": 5}, "Name fehlt."),
        ({"name": "  ", "volume_l": 5}, "Name fehlt."),
        ({"name": "A" * 201, "volume_l": 5}, "Name ist zu lang; möglich sind 200 Zeichen."),
        ({"name": "A", "volume_l": "viel"}, "Volumen: viel ist keine Zahl. Möglich: eine Zahl"),
        (
            {"name": "A", "volume_l": 5, "tank_type": "pond"},
            "Art: pond ist nicht möglich. Möglich: nutrient, ",
        ),
        ({"name": "A\x07", "volume_l": 5}, "Name: A\x07 ist nicht möglich. Möglich: ≠ U+0007."),
    ],
)
async def test_a_value_that_a_model_refuses_says_what_is_possible(
    german: HomeAssistant, fields: dict[str, object], sentence: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        TankFields.model_validate(fields)

    told = form_error_of(caught.value)

    assert sentence_of(german, invalid_input(caught.value)).startswith(sentence)
    assert told.field in {"name", "volume_l", "ph_low", "tank_type"}
    assert "Input" not in "".join(told.placeholders.values())


async def test_an_english_house_reads_words_too(garden: Garden) -> None:
    error = ForbiddenError("Role grower may not.", permission="treatment:correct")

    assert sentence_of(garden.hass, error) == (
        "This needs a permission that is missing: correct treatments."
    )


def _all_errors(kind: type[KamerplanterError] = KamerplanterError) -> Iterator[KamerplanterError]:
    """Yield one error of each class, as it comes without anything that fills it in."""
    if issubclass(kind, RateLimitedError):
        yield kind("An English sentence.", retry_after_s=1)
    else:
        yield kind("An English sentence.")
    for child in kind.__subclasses__():
        yield from _all_errors(child)


def test_each_error_has_words_in_both_languages_wherever_it_is_shown() -> None:
    found = list(_all_errors())
    assert len(found) > 30

    for error in found:
        key, _ = translation_of(error)
        tables = [
            {name: told["message"] for name, told in TEXTS[language]["exceptions"].items()}
            for language in ("en", "de")
        ]
        assert tables[0][key] != tables[1][key]
        told = form_error_of(error)
        for name in ("tank", "plant", "probe"):
            english, german = (
                TEXTS[language]["config_subentries"][name]["error"][told.error]
                for language in ("en", "de")
            )
            assert english != german


def test_each_problem_of_a_calibration_has_words_of_its_own() -> None:
    for problem in CalibrationProblem:
        key, _ = translation_of(InvalidInputError("No.", problem=problem.value))
        assert key in TEXTS["de"]["exceptions"]
        assert key != "invalid_input"


async def test_no_error_brings_an_english_sentence_into_a_german_house(
    german: HomeAssistant,
) -> None:
    for error in _all_errors():
        assert "English" not in sentence_of(german, error), type(error).__name__


def test_each_permission_state_and_reason_of_a_connection_has_a_word() -> None:
    reasons = {
        wire.NO_ADDRESS,
        wire.NO_CONNECTION,
        wire.TIMEOUT,
        wire.UNREADABLE,
        wire.SERVER_ERROR,
        wire.CERTIFICATE,
        wire.REDIRECTED,
        wire.CLOSED,
    }
    for texts in TEXTS.values():
        tables = texts["selector"]
        assert set(tables["permission"]["options"]) == _codes(Permission)
        assert set(tables["task_state"]["options"]) == _codes(TaskState)
        assert {reason.replace(" ", "_") for reason in reasons} <= set(
            tables["trouble_reason"]["options"]
        )


def test_what_a_person_can_name_has_a_word_for_its_kind() -> None:
    known = {repository.collection.name for repository in REPOSITORIES}
    words = set(TEXTS["de"]["selector"]["record_kind"]["options"])

    assert {"plants", "tanks", "probes", "tasks", "treatments", "harvests"} <= words & known


def _codes(values: type[StrEnum]) -> set[str]:
    return {value.replace(":", "_") for value in values}
