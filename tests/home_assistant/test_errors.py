"""Errors as a person reads them: words in the language of the house, no codes, no English."""

from enum import StrEnum

import pytest
from homeassistant.core import HomeAssistant
from homeassistant.helpers.translation import async_get_translations
from pydantic import ValidationError

from custom_components.kamerplanter.const import DOMAIN
from custom_components.kamerplanter.errors import invalid_input, sentence_of
from custom_components.kamerplanter.flows.base import form_error_of
from kamerplanter_backend.client import wire
from kamerplanter_backend.common.exceptions import (
    ForbiddenError,
    NotFoundError,
    StoreFullError,
    UnavailableError,
)
from kamerplanter_backend.common.permissions import Permission
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_engines.errors import (
    IllegalTransitionError,
    InvalidInputError,
    KamerplanterError,
)
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
            "Dieser Schritt ist jetzt nicht möglich: Run r is planned.",
            id="last resort",
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
    for language in TEXTS:
        errors = TEXTS[language]["config_subentries"]["tank"]["error"]
        assert "{message}" not in errors[told.error]


async def test_an_english_house_reads_words_too(garden: Garden) -> None:
    error = ForbiddenError("Role grower may not.", permission="treatment:correct")

    assert sentence_of(garden.hass, error) == (
        "This needs a permission that is missing: correct treatments."
    )


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
