"""What is no number or no moment is refused by name, wherever it comes in."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import inf, nan
from zoneinfo import ZoneInfo

import pytest

from kamerplanter_engines import (
    agreement_engine,
    calibration_age_engine,
    calibration_engine,
    climate_engine,
    rollup_engine,
    telemetry_engine,
    twin_engine,
)
from kamerplanter_engines.checks import within
from kamerplanter_engines.errors import InvalidInputError, NaiveTimeError, OutOfRangeError
from kamerplanter_engines.models.calibration import CalibrationFields, CalibrationPoint
from kamerplanter_engines.models.rollup import Bucket, Figures, RollupLevel, microseconds
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Reason, Verdict
from kamerplanter_engines.models.trust import Showing
from kamerplanter_engines.science import (
    degree_days,
    electrochemistry,
    piecewise,
    psychrometrics,
    theil_sen,
)

NAIVE = datetime(2026, 5, 1, 10)  # noqa: DTZ001 - what this is about
NOW = NAIVE.replace(tzinfo=UTC)
EC, PH = ChannelKind.EC, ChannelKind.PH
BINDING = ChannelBinding(kind=PH, topic="t")
RULES = {PH: telemetry_engine.rules_for(BINDING)}
DAY = rollup_engine.bucket_of(RollupLevel.DAY, NOW, UTC)
HOUR = rollup_engine.bucket_of(RollupLevel.HOUR, NOW, UTC)
US = microseconds(NOW)
BUFFERS = CalibrationFields(
    kind=PH,
    points=(CalibrationPoint(raw=7.2, value=7), CalibrationPoint(raw=4.3, value=4)),
)
FIT = calibration_engine.fit(BUFFERS)

NUMBERS: list[tuple[str, str, Callable[[float], object]]] = [
    ("tolerance", "value", lambda v: agreement_engine.tolerance(EC, v)),
    ("quality", "age_s", lambda v: agreement_engine.quality_of(BINDING, v)),
    (
        "agreement",
        "value",
        lambda v: agreement_engine.agree(
            PH, [Showing("a", v, Verdict.GOOD, 1.0), Showing("b", 6.0, Verdict.GOOD, 1.0)]
        ),
    ),
    (
        "roll-up",
        "value",
        lambda v: rollup_engine.roll_up([(US, v, True), (US + 60_000_000, 1.0, True)], HOUR),
    ),
    ("a lone reading", "value", lambda v: rollup_engine.roll_up([(US, v, True)], HOUR)),
    (
        "the reading before",
        "value",
        lambda v: rollup_engine.roll_up(
            [(US, 1.0, True), (US + 60_000_000, 1.0, True)], HOUR, [(US - 60_000_000, v, True)]
        ),
    ),
    ("merge", "total", lambda v: rollup_engine.merge([Figures(1, v), Figures(1, 1.0)])),
    ("merge", "integral", lambda v: rollup_engine.merge([Figures(1, 1.0, 1.0, v)])),
    ("degree days low", "low_c", lambda v: degree_days.degree_days_c_d(v, 20, 10)),
    ("degree days high", "high_c", lambda v: degree_days.degree_days_c_d(5, v, 10)),
    ("degree days base", "base_c", lambda v: degree_days.degree_days_c_d(5, 20, v)),
    ("degree days upper", "upper_c", lambda v: degree_days.degree_days_c_d(5, 20, 10, upper_c=v)),
    ("EC", "ec_ms_cm", lambda v: electrochemistry.ec_at_25_ms_cm(v, 20)),
    ("EC warmth", "temperature_c", lambda v: electrochemistry.ec_at_25_ms_cm(1.4, v)),
    ("EC share", "coefficient_pct_per_k", lambda v: electrochemistry.ec_at_25_ms_cm(1.4, 20, v)),
    ("EC back", "ec_25_ms_cm", lambda v: electrochemistry.ec_at_temperature_ms_cm(v, 20)),
    ("EC back warmth", "temperature_c", lambda v: electrochemistry.ec_at_temperature_ms_cm(1, v)),
    ("slope", "temperature_c", electrochemistry.nernst_slope_mv),
    ("pH", "ph", lambda v: electrochemistry.ph_at_temperature(v, 20, 25)),
    ("pH then", "calibrated_c", lambda v: electrochemistry.ph_at_temperature(6, v, 25)),
    ("pH now", "temperature_c", lambda v: electrochemistry.ph_at_temperature(6, 20, v)),
    ("saturation", "temperature_c", psychrometrics.saturation_kpa),
    ("vapour", "humidity_pct", lambda v: psychrometrics.vapour_kpa(20, v)),
    ("deficit", "temperature_c", lambda v: psychrometrics.vpd_kpa(v, 50)),
    ("deficit", "humidity_pct", lambda v: psychrometrics.vpd_kpa(20, v)),
    ("deficit", "leaf_c", lambda v: psychrometrics.vpd_kpa(20, 50, v)),
    ("dew", "temperature_c", lambda v: psychrometrics.dew_point_c(v, 50)),
    ("dew", "humidity_pct", lambda v: psychrometrics.dew_point_c(20, v)),
    ("humidity", "wanted_kpa", lambda v: psychrometrics.humidity_for_vpd_pct(20, v)),
    ("line", "x", lambda v: piecewise.along([(0, 0), (1, 1)], v)),
    ("steepness", "x", lambda v: piecewise.steepness([(0, 0), (1, 1)], v)),
    ("trend x", "x", lambda v: theil_sen.theil_sen([(0, 1), (1, 2), (v, 3)])),
    ("trend y", "y", lambda v: theil_sen.theil_sen([(0, 1), (1, 2), (2, v)])),
    ("corrected", "raw", lambda v: calibration_engine.corrected(BUFFERS, FIT, v)),
    ("corrected", "temperature_c", lambda v: calibration_engine.corrected(BUFFERS, FIT, 7, v)),
    (
        "status",
        "warn_d",
        lambda v: calibration_age_engine.status(PH, NOW, now=NOW, warn_d=v, stop_d=28),
    ),
    (
        "status",
        "stop_d",
        lambda v: calibration_age_engine.status(PH, NOW, now=NOW, warn_d=14, stop_d=v),
    ),
    (
        "twin",
        "value",
        lambda v: twin_engine.with_value((), NOW, v, timedelta(minutes=15), now=NOW),
    ),
    ("air", "temperature_c", lambda v: climate_engine.air_state(v, 50)),
    ("light", "ppfd_umol", climate_engine.leaf_offset_k),
]


@pytest.mark.parametrize("value", [nan, inf, -inf])
@pytest.mark.parametrize(
    ("field", "asked"),
    [
        pytest.param(field, asked, id=f"{number} {name} {field}")
        for number, (name, field, asked) in enumerate(NUMBERS)
    ],
)
def test_what_is_no_number_is_refused_by_name(
    field: str, asked: Callable[[float], object], value: float
) -> None:
    with pytest.raises(OutOfRangeError) as caught:
        asked(value)

    assert caught.value.field == field
    assert caught.value.placeholders["value"] == str(value)


STATE = telemetry_engine.ChannelState(at=NOW, good_at=NOW, good_value=6.1, value=6.1, sent=6.1)


def judged(state: bool, at: datetime, received_at: datetime = NOW) -> object:
    sample = telemetry_engine.Sample(PH, at, received_at, 6.0)
    return telemetry_engine.judge_message([sample], {PH: STATE} if state else {}, RULES)


TIMES: list[tuple[str, Callable[[datetime], object]]] = [
    ("judge", lambda at: judged(False, at)),
    ("judge with a memory", lambda at: judged(True, at)),
    ("judge receipt", lambda at: judged(True, NOW, at)),
    ("judge receipt without a memory", lambda at: judged(False, NOW, at)),
    (
        "keep retained",
        lambda at: telemetry_engine.keep_retained(
            [telemetry_engine.Sample(PH, at, NOW, 6.0)], {}, RULES
        ),
    ),
    (
        "jumps",
        lambda at: telemetry_engine.judge_message(
            [telemetry_engine.Sample(PH, NOW, NOW, 9.0)], {PH: STATE}, RULES, jumps_at=[at]
        ),
    ),
    ("freshness", lambda at: telemetry_engine.freshness(STATE, RULES[PH], at, NOW)),
    (
        "freshness of nothing",
        lambda at: telemetry_engine.freshness(
            telemetry_engine.UNKNOWN_CHANNEL, RULES[PH], at, None
        ),
    ),
    ("start", lambda at: telemetry_engine.freshness(STATE, RULES[PH], NOW, at)),
    ("expiry", lambda at: telemetry_engine.expires_at(STATE, RULES[PH], at)),
    ("disagreement", lambda at: agreement_engine.last_at_odds_at(PH, [], since=at)),
    ("span", lambda at: twin_engine.span_start(at, timedelta(minutes=15))),
    ("microseconds", microseconds),
    ("bucket", lambda at: rollup_engine.bucket_of(RollupLevel.HOUR, at, UTC)),
    (
        "calibration",
        lambda at: calibration_age_engine.status(PH, at, now=NOW, warn_d=14, stop_d=28),
    ),
]


@pytest.mark.parametrize("asked", [pytest.param(asked, id=name) for name, asked in TIMES])
def test_a_time_without_a_zone_is_refused(asked: Callable[[datetime], object]) -> None:
    asked(NOW)

    with pytest.raises(NaiveTimeError) as caught:
        asked(NAIVE)

    assert caught.value.field == "at"
    assert caught.value.placeholders["value"] == "2026-05-01T10:00:00"


@pytest.mark.parametrize("level", RollupLevel)
@pytest.mark.parametrize(
    ("at", "zone"),
    [
        (datetime(1, 1, 1, tzinfo=UTC), "America/New_York"),
        (datetime(9999, 12, 31, 23, 30, tzinfo=UTC), "UTC"),
        (datetime(9999, 12, 31, 23, 30, tzinfo=UTC), "Pacific/Auckland"),
    ],
)
def test_the_ends_of_the_calendar_have_no_bucket(
    level: RollupLevel, at: datetime, zone: str
) -> None:
    with pytest.raises(OutOfRangeError, match=str(at.year)) as caught:
        rollup_engine.bucket_of(level, at, ZoneInfo(zone))

    assert caught.value.field == "at"


def test_readings_that_do_not_rise_are_not_summed_up() -> None:
    late = (US + 1_200_000_000, 1.0, True)

    for points in ([late, (US, 1.0, True)], [(US, 1.0, True), (US + 4_000_000_000, 1.0, True)]):
        with pytest.raises(InvalidInputError) as caught:
            rollup_engine.roll_up(points, HOUR)
        assert caught.value.field == "points"


def test_a_day_without_any_time_has_no_light() -> None:
    figures = Figures(2, 2.0, 60.0, 60.0, 1.0, 1.0)

    with pytest.raises(InvalidInputError) as caught:
        climate_engine.daily_light_of(figures, Bucket(DAY.starts_at, DAY.starts_at))

    assert caught.value.field == "day"


@pytest.mark.parametrize("step", [nan, inf, 0.0, -1.0])
def test_a_step_that_is_none_is_taken_from_the_digits(step: float) -> None:
    sample = telemetry_engine.Sample(PH, NOW, NOW, 6.01, step=step)

    _, states = telemetry_engine.judge_message([sample], {}, RULES)

    assert states[PH].finest_step == 0.01


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_a_reading_that_is_no_number_is_a_bad_one(value: float) -> None:
    sample = telemetry_engine.Sample(PH, NOW, NOW, value)

    [found], _ = telemetry_engine.judge_message([sample], {}, RULES)

    assert (found.verdict, found.reasons) == (Verdict.BAD, (Reason.NOT_A_NUMBER,))


def test_the_ends_of_a_range_belong_to_it() -> None:
    assert [within("a", value, 0, 1) for value in (0, 1)] == [0, 1]
    with pytest.raises(OutOfRangeError, match=r"^a 1\.5 is not possible; give 0 to 1\.$"):
        within("a", 1.5, 0, 1)
