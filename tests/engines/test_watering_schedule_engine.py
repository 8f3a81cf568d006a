"""When a plant is due for water, by interval and by soil moisture."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.errors import NaiveTimeError
from kamerplanter_engines.models.care import CarePreset, CareStyle
from kamerplanter_engines.models.phase import PhaseEntry
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from kamerplanter_engines.tables.care_styles import CARE_PRESETS
from kamerplanter_engines.watering_schedule_engine import (
    MoistureVerdict,
    judge_moisture,
    next_watering_on,
)

NORTH, SOUTH = 52.5, -33.9
WEEKLY = CarePreset(
    watering_interval_d=7,
    winter_watering_factor=2,
    fertilising_interval_d=14,
    fertilising_months=(4,),
    pest_check_interval_d=14,
)
START = datetime(2026, 5, 1, 10, tzinfo=UTC)
MAX_AGE_S = 8 * 3600


def phase(interval_d: int | None) -> PhaseEntry:
    return PhaseEntry(
        entry_id="a", phase="vegetative", duration_d=30, watering_interval_d=interval_d
    )


@pytest.mark.parametrize(
    ("since", "latitude", "expected"),
    [
        pytest.param("2026-06-10", NORTH, "2026-06-17", id="summer"),
        pytest.param("2026-01-01", NORTH, "2026-01-15", id="winter"),
        pytest.param("2026-07-01", SOUTH, "2026-07-15", id="winter in the south"),
        pytest.param("2026-01-01", SOUTH, "2026-01-08", id="January in the south"),
        pytest.param("2026-01-01", None, "2026-01-15", id="unknown place is north"),
        pytest.param("2026-03-05", NORTH, "2026-03-12", id="March"),
        # 8 winter days use 8/14 of the interval, 3 days of March the other 3/7.
        pytest.param("2026-02-20", NORTH, "2026-03-03", id="end of winter"),
        # 3 days of November use 3/7, 8 winter days the other 8/14.
        pytest.param("2026-11-27", NORTH, "2026-12-08", id="begin of winter"),
    ],
)
def test_style_interval_is_stretched_day_by_day_in_winter(
    since: str, latitude: float | None, expected: str
) -> None:
    due = next_watering_on(WEEKLY, since=date.fromisoformat(since), latitude_deg=latitude)

    assert due.due_on == date.fromisoformat(expected)
    assert (due.rule, due.reasons) == ("watering_interval", ("style_interval",))


@pytest.mark.parametrize(
    ("style", "summer", "winter"),
    [
        pytest.param(CareStyle.TROPICAL, 7, 11, id="tropical: 10.5 d end on day 11"),
        pytest.param(CareStyle.CACTUS, 21, 84, id="cactus"),
        pytest.param(CareStyle.OUTDOOR_ANNUAL_VEG, 3, 3, id="vegetables"),
        pytest.param(CareStyle.FERN, 4, 6, id="fern"),
    ],
)
def test_styles_have_their_rhythm(style: CareStyle, summer: int, winter: int) -> None:
    june, december = date(2026, 6, 1), date(2026, 12, 1)
    preset = CARE_PRESETS[style]

    assert (next_watering_on(preset, since=june).due_on - june).days == summer
    assert (next_watering_on(preset, since=december).due_on - december).days == winter


@pytest.mark.parametrize(
    ("own_d", "phase_d", "days", "source"),
    [
        pytest.param(5, 3, 5, "own_interval", id="person before phase"),
        pytest.param(None, 3, 3, "phase_interval", id="phase before style"),
        pytest.param(None, None, 14, "style_interval", id="style with its winter factor"),
    ],
)
def test_interval_comes_from_person_then_phase_then_style(
    own_d: int | None, phase_d: int | None, days: int, source: str
) -> None:
    january = date(2026, 1, 1)

    due = next_watering_on(
        WEEKLY, since=january, interval_override_d=own_d, phase=phase(phase_d), latitude_deg=NORTH
    )

    assert (due.due_on, due.interval_d) == (january + timedelta(days=days), days)
    assert due.reasons == (source,)


def test_three_days_after_17_february_is_20_february() -> None:
    due = next_watering_on(WEEKLY, since=date(2026, 2, 17), interval_override_d=3)

    assert due.due_on == date(2026, 2, 20)


def test_plant_that_was_never_watered_is_due_one_interval_after_it_came() -> None:
    due = next_watering_on(WEEKLY, since=date(2026, 6, 1), never_done=True)

    assert due.due_on == date(2026, 6, 8)
    assert due.reasons == ("style_interval", "never_done")


dates = st.dates(date(2020, 1, 1), date(2035, 12, 31))
styles = st.sampled_from(list(CareStyle)).map(CARE_PRESETS.__getitem__)


@given(styles, dates, st.integers(0, 200), st.none() | st.floats(-90, 90))
def test_later_watering_never_makes_the_next_one_earlier(
    preset: CarePreset, since: date, later_d: int, latitude: float | None
) -> None:
    first = next_watering_on(preset, since=since, latitude_deg=latitude)
    second = next_watering_on(preset, since=since + timedelta(days=later_d), latitude_deg=latitude)

    assert since < first.due_on <= second.due_on


@given(styles, dates, st.none() | st.floats(-90, 90))
def test_interval_lies_between_summer_and_winter(
    preset: CarePreset, since: date, latitude: float | None
) -> None:
    days = (next_watering_on(preset, since=since, latitude_deg=latitude).due_on - since).days

    shortest = preset.watering_interval_d
    assert shortest <= days <= shortest * preset.winter_watering_factor + 1


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def reading(value: float, minutes: float = 0, **fields: Any) -> Reading:
    moment = at(minutes)
    values = {"at": moment, "received_at": moment, "verdict": Verdict.GOOD, **fields}
    return Reading(probe_key="p", kind=ChannelKind.SOIL_MOISTURE, value=value, **values)


def judge(
    last: MoistureVerdict,
    seen: Reading | None,
    minutes: float,
    *,
    low: float | None = 20,
    high: float | None = 60,
    started_at: datetime | None = None,
) -> MoistureVerdict:
    return judge_moisture(
        low,
        high,
        seen,
        now=at(minutes),
        started_at=started_at,
        max_age_s=MAX_AGE_S,
        hold_s=1800,
        pending_since=last.pending_since,
        was_dry=last.is_dry is True,
    )


UNKNOWN = MoistureVerdict(is_dry=None)
PENDING = MoistureVerdict(is_dry=False, pending_since=at(0))
DRY = MoistureVerdict(is_dry=True, pending_since=at(-60), reasons=("moisture_low",))


def test_soil_is_dry_after_half_an_hour_and_two_readings() -> None:
    first = judge(UNKNOWN, reading(12, 0), 0)
    early = judge(first, reading(12, 29.9), 29.9)
    held = judge(early, reading(12, 29.9), 30)

    assert first == MoistureVerdict(is_dry=False, pending_since=at(0))
    assert early == first
    assert held == MoistureVerdict(is_dry=True, pending_since=at(0), reasons=("moisture_low",))


def test_one_dry_reading_is_not_dry_soil() -> None:
    assert judge(PENDING, reading(12, 0), 60) == PENDING


@pytest.mark.parametrize(
    ("last", "value", "expected"),
    [
        pytest.param(UNKNOWN, 35, (False, None, ()), id="moist"),
        pytest.param(UNKNOWN, 20, (False, None, ()), id="at the limit"),
        pytest.param(UNKNOWN, 19.96, (False, None, ()), id="below by less than a probe shows"),
        pytest.param(UNKNOWN, 19.9, (False, at(30), ()), id="below"),
        pytest.param(UNKNOWN, 61, (False, None, ("moisture_high",)), id="wet"),
        pytest.param(PENDING, 20, (False, None, ()), id="wait ends in the band"),
        pytest.param(DRY, 21.9, (True, at(-60), ("moisture_low",)), id="inside the margin"),
        pytest.param(DRY, 22, (False, None, ()), id="clearly moist again"),
    ],
)
def test_moisture_is_judged(
    last: MoistureVerdict, value: float, expected: tuple[object, ...]
) -> None:
    verdict = judge(last, reading(value, 30), 30)

    assert (verdict.is_dry, verdict.pending_since, verdict.reasons) == expected


@pytest.mark.parametrize(
    "seen",
    [
        pytest.param(None, id="none"),
        pytest.param(reading(12, verdict=Verdict.SUSPECT), id="suspect"),
        pytest.param(reading(12, at=at(-481)), id="too old"),
        pytest.param(reading(80, received_at=at(-6)), id="heard before the start"),
    ],
)
def test_dry_soil_stays_dry_without_data(seen: Reading | None) -> None:
    verdict = judge(DRY, seen, 0, started_at=at(-5))

    assert (verdict.is_dry, verdict.pending_since) == (True, at(-60))
    assert verdict.reasons == ("moisture_low", "no_data")


@pytest.mark.parametrize(
    ("last", "minutes", "since"),
    [
        pytest.param(UNKNOWN, 0, None, id="nothing known"),
        pytest.param(PENDING, 60, at(0), id="wait goes on for a while"),
        pytest.param(PENDING, 481, None, id="wait ends with old data"),
    ],
)
def test_moisture_without_data_is_not_known(
    last: MoistureVerdict, minutes: float, since: datetime | None
) -> None:
    assert judge(last, None, minutes) == MoistureVerdict(
        is_dry=None, pending_since=since, reasons=("no_data",)
    )


def test_wait_from_before_the_start_begins_anew() -> None:
    verdict = judge(PENDING, reading(12, 60), 60, started_at=at(59))

    assert verdict == MoistureVerdict(is_dry=False, pending_since=at(60))


def test_wait_from_after_the_start_goes_on() -> None:
    verdict = judge(PENDING, reading(12, 60), 60, started_at=at(-1))

    assert verdict.is_dry is True


def test_plant_without_limits_is_not_judged() -> None:
    verdict = judge(UNKNOWN, reading(12), 0, low=None, high=None)

    assert verdict == MoistureVerdict(is_dry=None, reasons=("no_limit",))


@pytest.mark.parametrize(
    ("low", "high", "value", "dry"),
    [
        pytest.param(20, None, 21.9, True, id="low limit alone"),
        pytest.param(None, 60, 1, False, id="high limit alone"),
        pytest.param(20, 24, 21, False, id="margin is a quarter of a narrow band"),
    ],
)
def test_margin_fits_the_band(
    low: float | None, high: float | None, value: float, *, dry: bool
) -> None:
    assert judge(DRY, reading(value), 0, low=low, high=high).is_dry is dry


def test_time_without_a_zone_is_refused() -> None:
    with pytest.raises(NaiveTimeError):
        judge_moisture(
            20,
            60,
            None,
            now=datetime(2026, 5, 1),  # noqa: DTZ001
            started_at=None,
            max_age_s=1,
            hold_s=1,
            pending_since=None,
        )
