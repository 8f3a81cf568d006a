"""Bands of tanks, and when a value outside of them is a problem."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.errors import InvalidInputError, NaiveTimeError
from kamerplanter_engines.models.phase import PhaseEntry
from kamerplanter_engines.models.tank import (
    AlertState,
    Band,
    Side,
    TankAlertFields,
    TankFields,
    TankProblem,
    TankType,
)
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from kamerplanter_engines.tables.tank_bands import TANK_COMPARE
from kamerplanter_engines.tank_engine import (
    deviation,
    is_released,
    judge_alert,
    problem_state,
    side_of,
    target_bands,
)
from kamerplanter_engines.tank_limits_engine import check_limits

START = datetime(2026, 5, 1, 10, tzinfo=UTC)
MAX_AGE_S = 6 * 3600
HOLD_S = 300
EC, PH, WARM, LEVEL = (
    TankProblem.EC,
    TankProblem.PH,
    TankProblem.WATER_TEMPERATURE,
    TankProblem.LEVEL,
)


def tank(**fields: Any) -> TankFields:
    return TankFields(**{"name": "Main", "volume_l": 50, **fields})


def phase(ec: float | None = None, ph: float | None = None, key: str = "vegetative") -> PhaseEntry:
    return PhaseEntry(entry_id=key, phase=key, duration_d=30, ec_target_ms_cm=ec, ph_target=ph)


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def reading(value: float, minutes: float = 0, **fields: Any) -> Reading:
    moment = at(minutes)
    values = {"at": moment, "received_at": moment, "verdict": Verdict.GOOD, **fields}
    return Reading(probe_key="p", kind=ChannelKind.EC, value=value, **values)


def alert(kind: TankProblem = EC, **fields: Any) -> TankAlertFields:
    return TankAlertFields(tank_key="t", kind=kind, **fields)


def judge(
    state: TankAlertFields,
    band: Band,
    value: Reading | float | None,
    minutes: float,
    *,
    started_at: datetime | None = None,
    hold_s: float = HOLD_S,
) -> TankAlertFields:
    """Judge a value that arrives at a minute; None = look at the clock."""
    seen = value if value is None or isinstance(value, Reading) else reading(value, minutes)
    return judge_alert(
        state,
        band,
        seen,
        now=at(minutes),
        started_at=started_at,
        max_age_s=MAX_AGE_S,
        hold_s=hold_s,
    )


def play(band: Band, *values: float | None, kind: TankProblem = EC) -> TankAlertFields:
    """Judge one value a minute."""
    state = alert(kind)
    for minute, value in enumerate(values):
        state = judge(state, band, value, minute)
    return state


HIGH = Band(high=2.0)
ACTIVE_HIGH = alert(
    state=AlertState.ACTIVE,
    side=Side.HIGH,
    since=at(-10),
    raised_at=at(-5),
    out_of_band_count=3,
    last_reading_at=at(-1),
)


@pytest.mark.parametrize(
    ("kind", "ph", "ec", "temperature"),
    [
        (TankType.NUTRIENT, (5.5, 6.5), 3.0, (15, 22)),
        (TankType.RECIRCULATION, (5.5, 6.3), 3.0, (16, 22)),
        (TankType.IRRIGATION, (5.8, 6.8), 1.5, (10, 28)),
        (TankType.RESERVOIR, (5.0, 8.0), None, (5, 30)),
        (TankType.STOCK_SOLUTION, (1.0, 14.0), 250, (5, 30)),
    ],
)
def test_bands_of_a_tank_without_plants_come_from_its_type(
    kind: TankType, ph: tuple[float, float], ec: float | None, temperature: tuple[float, float]
) -> None:
    bands = target_bands(tank(tank_type=kind), [])

    assert (bands.ph.low, bands.ph.high) == ph
    assert (bands.ec.low, bands.ec.high, bands.ec.source) == (None, ec, "tank_type")
    assert (bands.water_temperature.low, bands.water_temperature.high) == temperature
    assert (bands.level.low, bands.level.high) == (20, None)


@pytest.mark.parametrize(
    ("targets", "low", "high", "target", "source"),
    [
        pytest.param([1.8], 1.44, 2.16, 1.8, "phase", id="one phase"),
        pytest.param([1.8, 1.8], 1.44, 2.16, 1.8, "phase", id="two plants in one phase"),
        pytest.param([1.5, 1.8], 1.44, 1.8, 1.65, "phase", id="overlap"),
        pytest.param([1.5, 1.8, 2.2], 1.76, 1.8, 1.78, "phase", id="middle outside the overlap"),
        pytest.param([0.8, 1.8], None, 3.0, None, "tank_type", id="no overlap"),
        pytest.param([1.0, 1.5], None, 3.0, None, "tank_type", id="overlap is one point"),
        pytest.param([0.0], None, 0.4, 0.0, "phase", id="target 0 limits upwards only"),
        pytest.param([0.0, 0.4], 0.32, 0.4, 0.36, "phase", id="target 0 beside a weak feed"),
        pytest.param([0.0, 1.8], None, 3.0, None, "tank_type", id="target 0 beside a feed"),
        pytest.param([None], None, 3.0, None, "tank_type", id="phase without a target"),
        pytest.param([None, 1.0], 0.8, 1.2, 1.0, "phase", id="one phase has no target"),
    ],
)
def test_ec_band_is_what_suits_all_phases(
    targets: list[float | None],
    low: float | None,
    high: float | None,
    target: float | None,
    source: str,
) -> None:
    band = target_bands(tank(), [phase(ec) for ec in targets]).ec

    assert band == Band(low=low, high=high, target=target, source=source)


@pytest.mark.parametrize(
    "fields", [{"tank_type": TankType.STOCK_SOLUTION}, {"plain_water": True}], ids=str
)
def test_tank_that_holds_no_feed_ignores_the_phases(fields: dict[str, object]) -> None:
    band = target_bands(tank(**fields), [phase(1.8)]).ec

    assert (band.low, band.target, band.source) == (None, None, "tank_type")


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"ec_low_ms_cm": 1.6}, (1.6, 2.16, 1.8, "override"), id="low"),
        pytest.param({"ec_high_ms_cm": 2.0}, (1.44, 2.0, 1.8, "override"), id="high"),
        pytest.param(
            {"ec_low_ms_cm": 2.0, "ec_high_ms_cm": 2.6}, (2.0, 2.6, 2.3, "override"), id="both"
        ),
        pytest.param({"ec_low_ms_cm": 2.4}, (2.4, None, None, "override"), id="beyond computed"),
        pytest.param({"ec_high_ms_cm": 1.2}, (None, 1.2, None, "override"), id="under computed"),
    ],
)
def test_limit_of_a_person_wins_on_its_side(
    fields: dict[str, object], expected: tuple[object, ...]
) -> None:
    band = target_bands(tank(**fields), [phase(1.8)]).ec

    assert (band.low, band.high, band.target, band.source) == expected


def test_overrides_of_ph_temperature_and_level_win() -> None:
    bands = target_bands(
        tank(ph_high=6.1, water_temperature_high_c=25, level_low_pct=35), [phase(1.8)]
    )

    assert (bands.ph.low, bands.ph.high, bands.ph.target) == (5.5, 6.1, 5.8)
    assert bands.water_temperature == Band(low=15, high=25, source="override")
    assert bands.level == Band(low=35, source="override")


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        pytest.param([], 6.0, id="no plant: middle"),
        pytest.param([5.8], 5.8, id="phase"),
        pytest.param([5.8, 6.2], 6.0, id="two phases"),
        pytest.param([7.2], 6.0, id="phase outside the band of the type: middle"),
        pytest.param([4.8], 6.0, id="phase below the band of the type: middle"),
    ],
)
def test_ph_target_is_that_of_the_phase_within_the_band(
    targets: list[float | None], expected: float
) -> None:
    bands = target_bands(tank(), [phase(1.8, ph) for ph in targets])

    assert bands.ph.target == pytest.approx(expected)


@pytest.mark.parametrize(
    "fields",
    [
        {"ec_low_ms_cm": 2.0, "ec_high_ms_cm": 1.0},
        {"ph_low": 6.0, "ph_high": 6.0},
        {"water_temperature_low_c": 25, "water_temperature_high_c": 20},
    ],
    ids=str,
)
def test_limits_that_no_value_can_keep_are_refused(fields: dict[str, object]) -> None:
    with pytest.raises(InvalidInputError) as caught:
        check_limits(tank(**fields))

    assert caught.value.field == next(iter(fields))


def test_limits_that_leave_room_are_accepted() -> None:
    check_limits(tank(ec_low_ms_cm=1.0, ec_high_ms_cm=2.0, ph_high=6.0))


@pytest.mark.parametrize(
    ("value", "band", "absolute", "relative"),
    [
        pytest.param(2.16, Band(target=1.8), 0.36, 20, id="above"),
        pytest.param(1.2, Band(target=1.5), -0.3, -20, id="below"),
        pytest.param(0.3, Band(target=0.0), 0.3, None, id="target 0"),
        pytest.param(0.3, Band(high=3), 0.0, None, id="no target, inside"),
        pytest.param(26.5, Band(low=15, high=24), 2.5, None, id="no target, too high"),
        pytest.param(12.0, Band(low=20), -8.0, None, id="no target, too low"),
        pytest.param(0.3, Band(), None, None, id="no band"),
    ],
)
def test_deviation_is_the_distance_from_the_target(
    value: float, band: Band, absolute: float | None, relative: float | None
) -> None:
    result = deviation(value, band)

    assert result.absolute == (absolute if absolute is None else pytest.approx(absolute))
    assert result.relative_pct == (relative if relative is None else pytest.approx(relative))


@pytest.mark.parametrize(
    ("kind", "value", "low", "high", "expected"),
    [
        pytest.param(PH, 6.5, 5.5, 6.5, None, id="pH at the limit"),
        pytest.param(PH, 6.504, 5.5, 6.5, None, id="pH above by less than a meter shows"),
        pytest.param(PH, 6.51, 5.5, 6.5, Side.HIGH, id="pH above"),
        pytest.param(PH, 5.49, 5.5, 6.5, Side.LOW, id="pH below"),
        pytest.param(EC, 1.2, 0.8, 1.2, None, id="EC 20 % off"),
        pytest.param(EC, 1.25, 0.8, 1.2, Side.HIGH, id="EC 25 % off"),
        pytest.param(EC, 3.0, None, 3.0, None, id="EC at its maximum"),
        pytest.param(EC, 99, None, None, None, id="no limit"),
        pytest.param(WARM, 22.0, 15, 22, Side.HIGH, id="warm warning at its threshold"),
        pytest.param(WARM, 21.9, 15, 22, None, id="just not warm"),
        pytest.param(WARM, 15.0, 15, 22, Side.LOW, id="cold warning at its threshold"),
        pytest.param(LEVEL, 19.6, 20, None, None, id="level within a point"),
        pytest.param(LEVEL, 19, 20, None, Side.LOW, id="level low"),
    ],
)
def test_value_and_limit_are_compared_at_meter_resolution(
    kind: TankProblem, value: float, low: float | None, high: float | None, expected: Side | None
) -> None:
    assert side_of(kind, value, Band(low=low, high=high)) is expected


@pytest.mark.parametrize(
    ("kind", "side", "value", "band", "expected"),
    [
        pytest.param(EC, Side.HIGH, 1.91, Band(high=2), False, id="EC inside the margin"),
        pytest.param(EC, Side.HIGH, 1.90, Band(high=2), True, id="EC at 5 % below"),
        pytest.param(EC, Side.LOW, 1.04, Band(low=1, high=2), False, id="EC low inside"),
        pytest.param(EC, Side.LOW, 1.05, Band(low=1, high=2), True, id="EC low released"),
        pytest.param(EC, Side.HIGH, 1.79, Band(low=1.76, high=1.8), True, id="narrow band"),
        pytest.param(PH, Side.HIGH, 6.41, Band(low=5.5, high=6.5), False, id="pH inside"),
        pytest.param(PH, Side.HIGH, 6.40, Band(low=5.5, high=6.5), True, id="pH released"),
        pytest.param(PH, Side.LOW, 5.57, Band(low=5.5, high=5.78), True, id="pH quarter band"),
        pytest.param(WARM, Side.HIGH, 21.6, Band(low=15, high=22), False, id="warm inside"),
        pytest.param(WARM, Side.HIGH, 21.5, Band(low=15, high=22), True, id="warm released"),
        pytest.param(LEVEL, Side.LOW, 21, Band(low=20), False, id="level inside"),
        pytest.param(LEVEL, Side.LOW, 22, Band(low=20), True, id="level released"),
        pytest.param(LEVEL, Side.LOW, 100, Band(low=99), True, id="full tank always releases"),
        pytest.param(EC, Side.LOW, 0, Band(high=2), True, id="limit was taken away"),
    ],
)
def test_problem_ends_only_beyond_its_release_margin(
    kind: TankProblem, side: Side, value: float, band: Band, expected: bool
) -> None:
    assert is_released(kind, side, value, band) is expected


def test_value_out_of_band_is_pending_until_the_hold_time_is_over() -> None:
    state = play(HIGH, 2.3, 2.3, 2.3, 2.3, 2.3)

    assert (state.state, state.side, state.since) == (AlertState.PENDING, Side.HIGH, at(0))
    assert state.out_of_band_count == 5


def test_alert_is_raised_after_hold_time_and_two_readings() -> None:
    state = play(HIGH, 2.3, 2.3, 2.3, 2.3, 2.3, 2.3)

    assert (state.state, state.raised_at) == (AlertState.ACTIVE, at(5))


def test_one_reading_never_raises_however_long_it_stands() -> None:
    first = reading(2.3)
    state = alert()
    for minute in range(30):
        state = judge(state, HIGH, first, minute)

    assert (state.state, state.out_of_band_count) == (AlertState.PENDING, 1)


def test_clock_raises_what_two_readings_said() -> None:
    pending = play(HIGH, 2.3, 2.3)

    assert judge(pending, HIGH, None, 4.9).state is AlertState.PENDING
    assert judge(pending, HIGH, None, 5).state is AlertState.ACTIVE


def test_good_reading_in_band_ends_the_wait() -> None:
    state = play(HIGH, 2.3, 1.99, 2.3)

    assert (state.state, state.since, state.out_of_band_count) == (AlertState.PENDING, at(2), 1)


def test_pending_alert_goes_when_its_data_is_too_old() -> None:
    pending = play(HIGH, 2.3, 2.3)

    state = judge(pending, HIGH, None, 1 + 6 * 60 + 1, hold_s=10 * 3600)

    assert (state.state, state.side, state.since) == (AlertState.INACTIVE, None, None)


def test_pending_alert_without_any_reading_goes() -> None:
    state = judge(alert(state=AlertState.PENDING, side=Side.HIGH, since=at(-9)), HIGH, None, 0)

    assert state.state is AlertState.INACTIVE


def test_pending_alert_from_before_the_start_waits_anew() -> None:
    pending = play(HIGH, 2.3, 2.3)

    on_the_clock = judge(pending, HIGH, None, 7, started_at=at(6))
    on_a_reading = judge(pending, HIGH, 2.3, 7, started_at=at(6))

    assert on_the_clock.state is AlertState.INACTIVE
    assert (on_a_reading.state, on_a_reading.since) == (AlertState.PENDING, at(7))


def test_pending_alert_that_began_after_the_start_is_raised() -> None:
    pending = play(HIGH, 2.3, 2.3)

    assert judge(pending, HIGH, None, 5, started_at=at(-1)).state is AlertState.ACTIVE


def test_active_alert_stays_without_data() -> None:
    assert judge(ACTIVE_HIGH, HIGH, None, 24 * 60) == ACTIVE_HIGH


def test_old_side_counts_inside_the_margin_after_a_restart() -> None:
    state = judge(ACTIVE_HIGH, HIGH, 1.95, 0, started_at=at(-0.5))

    assert (state.state, state.side, state.last_value) == (AlertState.ACTIVE, Side.HIGH, 1.95)


def test_first_good_value_beyond_the_margin_ends_the_problem() -> None:
    state = judge(ACTIVE_HIGH.model_copy(update={"task_silenced": True}), HIGH, 1.6, 0)

    assert state == alert(last_reading_at=at(0), last_value=1.6)


def test_value_that_jumps_over_the_band_waits_on_the_other_side() -> None:
    band = Band(low=1.0, high=2.0)

    state = judge(ACTIVE_HIGH.model_copy(update={"task_silenced": True}), band, 0.5, 0)

    assert (state.state, state.side, state.since) == (AlertState.PENDING, Side.LOW, at(0))
    assert (state.out_of_band_count, state.task_silenced, state.raised_at) == (1, False, None)


def test_pending_value_that_changes_side_counts_anew() -> None:
    state = play(Band(low=1.0, high=2.0), 2.3, 2.3, 0.5)

    assert (state.side, state.since, state.out_of_band_count) == (Side.LOW, at(2), 1)


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"verdict": Verdict.SUSPECT}, id="suspect"),
        pytest.param({"verdict": Verdict.BAD}, id="bad"),
        pytest.param({"received_at": at(-61)}, id="heard before the start"),
        pytest.param({"at": at(-361)}, id="too old"),
        pytest.param({"at": at(-2)}, id="older than the last one"),
    ],
)
@pytest.mark.parametrize("state", [ACTIVE_HIGH, alert(last_reading_at=at(-1))], ids=["on", "off"])
def test_reading_that_may_not_decide_changes_nothing(
    fields: dict[str, Any], state: TankAlertFields
) -> None:
    value = 0.5 if state is ACTIVE_HIGH else 9.9

    assert judge(state, HIGH, reading(value, **fields), 0, started_at=at(-60)) == state


def test_new_limits_judge_the_last_reading_again() -> None:
    last = reading(1.5)
    calm = judge(alert(), HIGH, last, 0)

    assert calm.state is AlertState.INACTIVE
    assert judge(calm, Band(high=1.0), last, 1).state is AlertState.PENDING
    assert judge(ACTIVE_HIGH, Band(high=3.0), last, 1).state is AlertState.INACTIVE


def test_naive_time_is_refused() -> None:
    with pytest.raises(NaiveTimeError):
        judge_alert(
            alert(),
            HIGH,
            None,
            now=datetime(2026, 5, 1),  # noqa: DTZ001
            started_at=None,
            max_age_s=1,
            hold_s=1,
        )


@pytest.mark.parametrize(
    ("state", "band", "value", "expected"),
    [
        pytest.param(ACTIVE_HIGH, HIGH, reading(2.3), (True, ("high",)), id="on"),
        pytest.param(ACTIVE_HIGH, HIGH, None, (True, ("high", "no_data")), id="on, no data"),
        pytest.param(
            ACTIVE_HIGH,
            HIGH,
            reading(1.0, verdict=Verdict.SUSPECT),
            (True, ("high", "no_data")),
            id="on, suspect",
        ),
        pytest.param(alert(), HIGH, reading(1.0), (False, ()), id="off"),
        pytest.param(alert(), HIGH, None, (None, ("no_data",)), id="not known"),
        pytest.param(alert(), HIGH, reading(1.0, -361), (None, ("no_data",)), id="too old"),
        pytest.param(alert(), HIGH, reading(1.0, -2), (None, ("no_data",)), id="before start"),
        pytest.param(
            alert(state=AlertState.PENDING, side=Side.HIGH),
            HIGH,
            reading(9),
            (False, ()),
            id="wait",
        ),
        pytest.param(alert(), Band(), None, (False, ()), id="no limit at all"),
        pytest.param(alert(state=AlertState.ACTIVE), HIGH, reading(9), (True, ()), id="no side"),
    ],
)
def test_screen_says_on_off_or_not_known(
    state: TankAlertFields, band: Band, value: Reading | None, expected: tuple[object, ...]
) -> None:
    result = problem_state(state, band, value, now=at(0), max_age_s=MAX_AGE_S, started_at=at(-1))

    assert result == expected


values = st.floats(0, 5, allow_nan=False)
bands = st.tuples(st.floats(0.1, 2), st.floats(0.05, 2)).map(
    lambda pair: Band(low=pair[0], high=pair[0] + pair[1])
)


@given(bands, st.lists(values, max_size=30))
def test_side_is_known_exactly_while_an_alert_is_not_inactive(
    band: Band, sequence: list[float]
) -> None:
    state = play(band, *sequence)

    is_quiet = state.state is AlertState.INACTIVE
    assert (state.side is None) == is_quiet
    assert (state.since is None) == is_quiet
    assert (state.out_of_band_count == 0) == is_quiet
    assert (state.raised_at is not None) == (state.state is AlertState.ACTIVE)


@given(bands, st.lists(values, min_size=1, max_size=20))
def test_judging_the_same_reading_twice_is_like_once(band: Band, sequence: list[float]) -> None:
    once = play(band, *sequence)
    minute = len(sequence) - 1

    again = judge(once, band, reading(sequence[-1], minute), minute)

    assert again == once


@given(bands, st.lists(values, max_size=20), st.sampled_from(list(TankProblem)))
def test_middle_of_the_band_always_ends_a_problem(
    band: Band, sequence: list[float], kind: TankProblem
) -> None:
    rule = TANK_COMPARE[kind]
    if band.high - band.low < 4 * rule.resolution:
        return
    state = play(band, *sequence, kind=kind)

    state = judge(state, band, (band.low + band.high) / 2, len(sequence))

    assert state.state is AlertState.INACTIVE


@given(bands, st.lists(values, max_size=4))
def test_nothing_is_raised_within_the_hold_time(band: Band, sequence: list[float]) -> None:
    assert play(band, *sequence).state is not AlertState.ACTIVE


@given(st.lists(st.none() | st.floats(0, 10), max_size=4), st.none() | st.floats(0, 10))
def test_computed_band_is_never_turned_round(
    targets: list[float | None], low: float | None
) -> None:
    band = target_bands(tank(ec_low_ms_cm=low), [phase(ec) for ec in targets]).ec

    assert band.low is None or band.high is None or band.low < band.high
    if band.target is not None:
        assert (band.low or 0) <= band.target <= (band.high or band.target)
