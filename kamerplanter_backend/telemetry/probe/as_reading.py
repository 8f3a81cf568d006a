"""What was judged, in the form in which it is stored."""

from datetime import UTC
from typing import Final

from kamerplanter_engines.models.telemetry import Reading
from kamerplanter_engines.telemetry_engine import Judged

_FIELDS: Final = set(Reading.model_fields)
"""Shared by all readings; a copy of a model has its own."""


def as_reading(probe_key: str, judged: Judged) -> Reading | None:
    """Return the reading of something judged; none = it is no value.

    What is made here for each value of each message was checked when it was judged: where its
    parts have the very types that the model holds, looking at them again, which takes ten times
    as long as all the rest, is left out.
    """
    value, at, received_at, measured = judged.value, judged.at, judged.received_at, judged.measured
    if value is None:
        return None
    if (
        type(value) is float
        and at.tzinfo is UTC
        and received_at.tzinfo is UTC
        and (measured is None or type(measured) is float)
    ):
        reading = Reading.__new__(Reading)
        put = object.__setattr__
        fields = {
            "probe_key": probe_key,
            "kind": judged.kind,
            "at": at,
            "received_at": received_at,
            "value": value,
            "verdict": judged.verdict,
            "reasons": judged.reasons,
            "raw": measured,
        }
        # As pydantic's own `model_construct` does, which is slower than checking.
        put(reading, "__dict__", fields)
        put(reading, "__pydantic_fields_set__", _FIELDS)
        put(reading, "__pydantic_extra__", None)
        put(reading, "__pydantic_private__", None)
        return reading
    return Reading(
        probe_key=probe_key,
        kind=judged.kind,
        at=at,
        received_at=received_at,
        value=value,
        verdict=judged.verdict,
        reasons=judged.reasons,
        raw=measured,
    )
