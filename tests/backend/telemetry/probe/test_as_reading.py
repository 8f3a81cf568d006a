"""What is stored is what the model would make of it, however it is made."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from kamerplanter_backend.telemetry.probe.as_reading import as_reading
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Reason, Verdict
from kamerplanter_engines.telemetry_engine import Judged

AT = datetime(2026, 5, 4, 8, 15, tzinfo=UTC)


def judged(**fields: Any) -> Judged:
    return Judged(
        **{
            "kind": ChannelKind.EC,
            "value": 1.6,
            "verdict": Verdict.SUSPECT,
            "at": AT,
            "received_at": AT + timedelta(seconds=3),
            "reasons": (Reason.RATE,),
            "measured": 1.55,
            **fields,
        }
    )


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"measured": None, "reasons": (), "verdict": Verdict.GOOD},
        {"value": 2},
        {"at": AT.astimezone(timezone(timedelta(hours=2)))},
    ],
)
def test_a_reading_equals_the_checked_one(fields: dict[str, object]) -> None:
    item = judged(**fields)

    reading = as_reading("p", item)

    checked = Reading(
        probe_key="p",
        kind=item.kind,
        at=item.at,
        received_at=item.received_at,
        value=item.value or 0,
        verdict=item.verdict,
        reasons=item.reasons,
        raw=item.measured,
    )
    assert reading is not None
    assert reading == checked
    assert hash(reading) == hash(checked)
    assert reading.model_dump_json() == checked.model_dump_json()
    assert reading.model_copy(update={"value": 1.0}).value == 1.0
    assert reading.at.tzinfo is UTC
    assert type(reading.value) is float
    with pytest.raises(ValidationError, match="frozen"):
        reading.value = 3.0  # type: ignore[misc]


def test_what_is_no_value_is_no_reading() -> None:
    assert as_reading("p", judged(value=None, verdict=Verdict.BAD)) is None


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ValidationError):
        as_reading("p", judged(at=AT.replace(tzinfo=None)))
