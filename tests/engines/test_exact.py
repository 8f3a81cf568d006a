"""No value is taken for another one."""

from datetime import date
from enum import StrEnum
from typing import Any

import pytest
from pydantic import ValidationError

from kamerplanter_engines.models.base import Instant, Model


class Colour(StrEnum):
    RED = "red"


class Inner(Model):
    on: date
    weights_g: tuple[float, ...] = ()


class Thing(Model):
    weight_g: float | None = None
    count: int | None = None
    edible: bool | None = None
    on: date | None = None
    at: Instant | None = None
    colour: Colour | None = None
    inner: Inner | None = None
    by_name: dict[str, float] | None = None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("weight_g", True),
        ("weight_g", "12"),
        ("weight_g", ""),
        ("count", False),
        ("count", "7"),
        ("count", 7.5),
        ("edible", 1),
        ("edible", "yes"),
        ("on", 20260501),
        ("on", "20260501"),
        ("on", 0),
        ("on", 1777593600.0),
        ("on", "0"),
        ("at", 1777593600),
        ("at", "1777593600"),
        ("at", "2026-05-01T10:00:00"),
        ("colour", 1),
        ("inner", {"on": 5}),
        ("inner", {"on": "2026-05-01", "weights_g": [True]}),
        ("by_name", {"a": "1"}),
    ],
    ids=repr,
)
def test_what_would_have_to_be_guessed_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError) as refused:
        Thing.model_validate({field: value})

    assert refused.value.errors()[0]["loc"][0] == field


@pytest.mark.parametrize(
    "values",
    [
        {"weight_g": 12},
        {"count": 7.0},
        {"colour": "red"},
        {"on": "2026-05-01", "at": "2026-05-01T10:00:00+02:00"},
        {"inner": {"on": "2026-05-01", "weights_g": [1, 2.5]}},
        {"by_name": {"a": 1}},
        {"edible": False},
    ],
)
def test_what_fits_without_a_guess_is_taken_and_comes_back_from_its_own_json(
    values: dict[str, Any],
) -> None:
    thing = Thing(**values)

    assert Thing.model_validate_json(thing.model_dump_json()) == thing
    assert Thing.model_validate(thing.model_dump()) == thing
