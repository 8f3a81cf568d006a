"""Many readings of a tank at once say what they say one after the other."""

from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any

from hypothesis import given, strategies as st

from kamerplanter_engines.alert_run_engine import judge_run
from kamerplanter_engines.models.tank import (
    AlertState,
    Band,
    Side,
    TankAlertFields,
    TankProblem,
)
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from kamerplanter_engines.tank_engine import judge_alert

START = datetime(2026, 5, 1, 10, tzinfo=UTC)
NOW = START + timedelta(hours=1)
BAND = Band(low=1.2, high=2.0)
NUMBERS: dict[str, Any] = {"now": NOW, "started_at": START, "max_age_s": 3000.0, "hold_s": 300.0}
QUIET = TankAlertFields(tank_key="t", kind=TankProblem.EC)


def reading(value: float, minutes: float, verdict: Verdict = Verdict.GOOD) -> Reading:
    at = START + timedelta(minutes=minutes)
    return Reading(
        probe_key="p", kind=ChannelKind.EC, at=at, received_at=at, value=value, verdict=verdict
    )


READINGS = st.lists(
    st.one_of(
        st.none(),
        st.builds(
            reading,
            st.sampled_from([0.5, 1.2, 1.6, 1.9, 2.0, 2.3, 2.6]),
            st.floats(-30, 70),
            st.sampled_from([Verdict.GOOD, Verdict.GOOD, Verdict.SUSPECT]),
        ),
    ),
    max_size=30,
)
ALERTS = st.one_of(
    st.just(QUIET),
    st.builds(
        lambda state, minutes: QUIET.model_copy(
            update={
                "state": state,
                "side": None if state is AlertState.INACTIVE else Side.HIGH,
                "since": None
                if state is AlertState.INACTIVE
                else START + timedelta(minutes=minutes),
                "last_reading_at": START + timedelta(minutes=minutes),
                "last_value": 2.3,
                "out_of_band_count": 1,
            }
        ),
        st.sampled_from(AlertState),
        st.floats(-10, 80),
    ),
)


@given(ALERTS, READINGS)
def test_a_run_is_judged_as_its_readings_one_by_one(
    alert: TankAlertFields, readings: list[Reading | None]
) -> None:
    in_order = sorted(readings, key=lambda one: START if one is None else one.at)

    run = judge_run(alert, BAND, in_order, **NUMBERS)

    assert run == reduce(
        lambda state, one: judge_alert(state, BAND, one, **NUMBERS), in_order, alert
    )


def test_only_the_newest_reading_inside_the_band_is_written_down() -> None:
    run = judge_run(QUIET, BAND, [reading(1.5, 20), reading(1.7, 30)], **NUMBERS)

    assert run == QUIET.model_copy(
        update={"last_reading_at": START + timedelta(minutes=30), "last_value": 1.7}
    )


def test_no_reading_changes_nothing() -> None:
    assert judge_run(QUIET, BAND, [], **NUMBERS) == QUIET
