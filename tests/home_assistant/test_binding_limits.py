"""The forms of a binding take what the garden takes, at each end of it."""

from typing import Any

import pytest

from custom_components.kamerplanter.flows.base import FormError
from custom_components.kamerplanter.flows.binding_forms import (
    MORE,
    binding_of_topic,
    topic_schema,
)
from kamerplanter_engines.models.telemetry import ChannelKind, CurvePoint, ProbeFields
from kamerplanter_engines.probe_engine import check_bindings
from kamerplanter_engines.tables.channels import BINDING_LIMITS, RAW_HIGH

NAMES = {
    "max_age_min": ("max_age_s", 60),
    "stuck_after_min": ("stuck_after_s", 60),
    "hold_min": ("hold_s", 60),
    "rate_per_min": ("rate_per_min", 1),
}
"""Name in the form: field of the binding, and how many of its unit are one of the form's."""


def boxes(kind: ChannelKind) -> dict[str, Any]:
    """Return the config of each number that may be set, by name."""
    schema = topic_schema(kind).schema
    more = next(value for key, value in schema.items() if str(key) == MORE)
    return {str(key): value.config for key, value in more.schema.schema.items()}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ChannelKind)
def test_the_ends_of_a_number_are_those_of_the_garden(kind: ChannelKind, name: str) -> None:
    field, per_unit = NAMES[name]
    box = boxes(kind)[name]

    for end, limit in zip((box["min"], box["max"]), BINDING_LIMITS[field], strict=True):
        binding = binding_of_topic(kind, {"topic": "tank/1", MORE: {name: end}})

        assert getattr(binding, field) == end * per_unit == limit
        check_bindings(ProbeFields(name="Probe", channels=(binding,)))


@pytest.mark.parametrize("curve", [f"{2 * RAW_HIGH:g}:0, 1400:100", "3100:0, -1e308:100"])
def test_a_curve_of_impossible_raw_numbers_is_refused(curve: str) -> None:
    with pytest.raises(FormError) as refused:
        binding_of_topic(ChannelKind.SOIL_MOISTURE, {"topic": "soil/1", "curve": curve})

    assert refused.value.field == "curve"


def test_a_battery_in_volts_gets_a_curve_where_it_is_bound() -> None:
    assert "curve" in {str(name) for name in topic_schema(ChannelKind.BATTERY).schema}

    binding = binding_of_topic(
        ChannelKind.BATTERY, {"topic": "pot/1", "path": "bat", "curve": "2.2:0, 3.0:100"}
    )

    check_bindings(ProbeFields(name="Probe", channels=(binding,)))
    assert binding.curve == (CurvePoint(raw=2.2, value=0), CurvePoint(raw=3.0, value=100))
