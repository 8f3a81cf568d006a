"""Whether a reading may decide something."""

from datetime import UTC, datetime, timedelta

import pytest

from kamerplanter_engines.errors import NaiveTimeError
from kamerplanter_engines.evidence_engine import decides, is_recent
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("measured_s", "received_s", "verdict", "started_s", "expected"),
    [
        pytest.param(10, 10, Verdict.GOOD, 60, True, id="good and live"),
        pytest.param(10, 10, Verdict.GOOD, None, True, id="no start known"),
        pytest.param(100, 10, Verdict.GOOD, 60, True, id="measured before, heard after the start"),
        pytest.param(3600, 10, Verdict.GOOD, 60, True, id="just not too old"),
        pytest.param(3601, 10, Verdict.GOOD, 60, False, id="too old"),
        pytest.param(61, 61, Verdict.GOOD, 60, False, id="heard before the start"),
        pytest.param(60, 60, Verdict.GOOD, 60, True, id="heard at the start"),
        pytest.param(-90, 0, Verdict.GOOD, 60, True, id="clock of the device runs ahead"),
        pytest.param(10, 10, Verdict.SUSPECT, 60, False, id="suspect"),
        pytest.param(10, 10, Verdict.BAD, 60, False, id="bad"),
        pytest.param(10, 10, Verdict.STALE, 60, False, id="stale"),
    ],
)
def test_only_a_good_fresh_live_reading_decides(
    measured_s: float,
    received_s: float,
    verdict: Verdict,
    started_s: float | None,
    *,
    expected: bool,
) -> None:
    reading = Reading(
        probe_key="p",
        kind=ChannelKind.EC,
        at=ago(measured_s),
        received_at=ago(received_s),
        value=1.0,
        verdict=verdict,
    )
    started_at = None if started_s is None else ago(started_s)

    assert decides(reading, now=NOW, started_at=started_at, max_age_s=3600) is expected


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(NaiveTimeError):
        is_recent(datetime(2026, 5, 1), now=NOW, max_age_s=1)  # noqa: DTZ001
