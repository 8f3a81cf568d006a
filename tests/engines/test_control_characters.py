"""Names and texts hold what people can see."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from kamerplanter_engines.models.hand_measurement import HandMeasurement
from kamerplanter_engines.models.ipm import TreatmentCorrection
from kamerplanter_engines.models.tank import Tank, TankFields
from kamerplanter_engines.models.task import Task, TaskFields

AT = "2026-05-01T10:00:00Z"

HIDDEN = ["\x00", "\x07", "\x1b", "\x7f", "\x85"]
LAYOUT = ["\n", "\r", "\t"]
STORED = {
    "key": "k",
    "tenant_key": "t",
    "created_at": datetime(2026, 5, 1, tzinfo=UTC),
    "updated_at": datetime(2026, 5, 1, tzinfo=UTC),
}


@pytest.mark.parametrize("character", [*HIDDEN, *LAYOUT])
def test_a_name_is_one_line(character: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TankFields(name=f"a{character}b", volume_l=5)

    (problem,) = caught.value.errors()
    assert problem["loc"] == ("name",)
    assert problem["msg"].endswith(
        f"must be one line without control characters; take out U+{ord(character):04X}"
    )
    assert problem["input"] == f"a{character}b"


@pytest.mark.parametrize("name", [" ", "   ", "\u00a0", "\u2003 "])
def test_a_name_is_more_than_blanks(name: str) -> None:
    with pytest.raises(ValidationError, match="a character that can be seen") as caught:
        TankFields(name=name, volume_l=5)

    assert caught.value.errors()[0]["loc"] == ("name",)
    assert Tank.model_validate({**STORED, "name": name, "volume_l": 5}).name == name


@pytest.mark.parametrize("character", HIDDEN)
def test_a_text_has_no_hidden_characters(character: str) -> None:
    with pytest.raises(ValidationError, match="take out U"):
        TaskFields(title="a", description=f"a{character}b")


@pytest.mark.parametrize("name", ["Ünï 🌱 植物", "a\u200db", "\u00a0x"])
def test_all_other_characters_are_fine(name: str) -> None:
    fields = TaskFields(title=name, description=f"{name}\r\n\tand more")

    assert (fields.title, fields.description) == (name, f"{name}\r\n\tand more")


def test_what_was_stored_before_can_be_read() -> None:
    tank = Tank.model_validate({**STORED, "name": "a\x00b", "volume_l": 5})
    task = Task.model_validate({**STORED, "title": "a\nb", "description": "\x1b", "kind": "custom"})

    assert (tank.name, task.title, task.description) == ("a\x00b", "a\nb", "\x1b")


def test_the_other_limits_hold_for_what_is_stored() -> None:
    with pytest.raises(ValidationError, match="at least 1 character"):
        Tank.model_validate({**STORED, "name": "", "volume_l": 5})


def test_the_documentation_shows_the_limits_of_both() -> None:
    wanted = {"maxLength": 200, "minLength": 1, "title": "Name", "type": "string"}

    assert TankFields.model_json_schema()["properties"]["name"] == wanted
    assert Tank.model_json_schema()["properties"]["name"] == wanted


def test_notes_that_are_stored_can_be_read() -> None:
    measured = {"tank_key": "t", "kind": "ph", "value": 6, "measured_at": AT, "note": "a\x00b"}

    assert HandMeasurement.model_validate({**STORED, **measured}).note == "a\x00b"


def test_reasons_are_texts() -> None:
    assert "reason" in TreatmentCorrection.model_fields
    with pytest.raises(ValidationError, match="U\\+0000"):
        TreatmentCorrection.model_validate({"reason": "\x00"})
