"""When the cares of a plant are due, and which of them rest."""

from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.care_reminder_engine import care_due, may_feed
from kamerplanter_engines.models.care import CareKind, CarePreset, CareStyle
from kamerplanter_engines.models.phase import PhaseEntry
from kamerplanter_engines.tables.care_styles import CARE_PRESETS

FEED, CHECK, WATER = CareKind.FERTILISING, CareKind.PEST_CHECK, CareKind.WATERING
NORTH, SOUTH = 52.5, -33.9
THREE_WEEKS = CarePreset(
    watering_interval_d=7,
    winter_watering_factor=2,
    fertilising_interval_d=21,
    fertilising_months=(4, 5, 6, 7, 8, 9),
    pest_check_interval_d=14,
)
ALL_YEAR = THREE_WEEKS.model_copy(update={"fertilising_months": tuple(range(1, 13))})
NEVER = THREE_WEEKS.model_copy(update={"fertilising_months": ()})


def phase(key: str, ec: float | None = None) -> PhaseEntry:
    return PhaseEntry(entry_id=key, phase=key, duration_d=30, ec_target_ms_cm=ec)


@pytest.mark.parametrize(
    ("since", "today", "latitude", "expected"),
    [
        pytest.param("2026-06-01", "2026-06-01", NORTH, "2026-06-22", id="in season"),
        pytest.param("2026-09-20", "2026-09-21", NORTH, "2027-04-01", id="after the season"),
        pytest.param("2026-09-20", "2026-12-31", NORTH, "2027-04-01", id="asked in winter"),
        pytest.param("2026-09-20", "2027-04-15", NORTH, "2027-04-01", id="overdue in spring"),
        pytest.param("2026-09-20", "2027-11-01", NORTH, "2028-04-01", id="season was missed"),
        pytest.param("2026-09-20", "2028-05-01", NORTH, "2028-04-01", id="a year was missed"),
        pytest.param("2026-09-05", "2026-10-05", NORTH, "2027-04-01", id="missed in September"),
        pytest.param("2026-09-05", "2026-09-30", NORTH, "2026-09-26", id="overdue in September"),
        pytest.param("2027-04-01", "2027-04-02", NORTH, "2027-04-22", id="once in spring"),
        pytest.param("2027-01-10", "2027-01-11", NORTH, "2027-04-01", id="new in winter"),
        pytest.param("2026-06-01", "2026-06-01", SOUTH, "2026-10-01", id="winter in the south"),
        pytest.param("2026-12-01", "2026-12-01", SOUTH, "2026-12-22", id="summer in the south"),
        pytest.param("2026-12-20", "2027-02-20", SOUTH, "2027-01-10", id="season over new year"),
        pytest.param("2026-03-20", "2026-03-20", SOUTH, "2026-10-01", id="autumn in the south"),
        pytest.param("2026-06-01", "2026-06-01", None, "2026-06-22", id="unknown place is north"),
    ],
)
def test_feeding_waits_for_its_months(
    since: str, today: str, latitude: float | None, expected: str
) -> None:
    due = care_due(
        FEED,
        THREE_WEEKS,
        since=date.fromisoformat(since),
        today=date.fromisoformat(today),
        latitude_deg=latitude,
    )

    assert due is not None
    assert (due.due_on, due.interval_d) == (date.fromisoformat(expected), 21)
    assert due.rule == "fertilising_interval"
    is_moved = due.due_on != date.fromisoformat(since) + timedelta(days=21)
    assert ("moved_to_season" in due.reasons) == is_moved


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        pytest.param(None, True, id="phase not known"),
        pytest.param(phase("vegetative"), True, id="vegetative"),
        pytest.param(phase("flowering", 1.8), True, id="flowering"),
        pytest.param(phase("germination", 0.0), False, id="phase wants plain water"),
        *[
            pytest.param(phase(key, 1.2), False, id=key)
            for key in (
                "dormancy",
                "winter_rest",
                "winter_dormancy",
                "senescence",
                "ripening",
                "flushing",
                "hardening_off",
            )
        ],
    ],
)
def test_feeding_rests_where_the_plant_wants_none(
    entry: PhaseEntry | None, *, expected: bool
) -> None:
    day = date(2026, 6, 1)

    assert may_feed(entry) is expected
    assert (care_due(FEED, THREE_WEEKS, since=day, today=day, phase=entry) is not None) is expected


def test_pest_check_and_watering_go_on_at_rest() -> None:
    day, rest = date(2026, 1, 1), phase("dormancy")

    check = care_due(CHECK, THREE_WEEKS, since=day, today=day, phase=rest)
    water = care_due(WATER, THREE_WEEKS, since=day, today=day, phase=rest)

    assert check is not None
    assert (check.due_on, check.rule) == (date(2026, 1, 15), "pest_check_interval")
    assert water is not None
    assert (water.due_on, water.rule) == (date(2026, 1, 15), "watering_interval")


def test_plant_that_is_never_fed_has_no_date() -> None:
    day = date(2026, 6, 1)

    assert care_due(FEED, NEVER, since=day, today=day) is None


def test_plant_that_is_fed_all_year_has_no_season() -> None:
    due = care_due(FEED, ALL_YEAR, since=date(2025, 1, 1), today=date(2026, 6, 1))

    assert due is not None
    assert due.due_on == date(2025, 1, 22)


@pytest.mark.parametrize(("kind", "days"), [(FEED, 21), (CHECK, 14), (WATER, 7)])
def test_care_that_was_never_done_is_due_after_one_interval(kind: CareKind, days: int) -> None:
    created = date(2026, 6, 1)

    due = care_due(kind, THREE_WEEKS, since=created, never_done=True, today=created)

    assert due is not None
    assert due.due_on == created + timedelta(days=days)
    assert due.reasons == ("style_interval", "never_done")


@pytest.mark.parametrize("kind", list(CareKind))
def test_interval_of_a_person_wins(kind: CareKind) -> None:
    day = date(2026, 6, 1)

    due = care_due(kind, THREE_WEEKS, since=day, today=day, interval_override_d=4)

    assert due is not None
    assert (due.due_on, due.interval_d, due.reasons) == (date(2026, 6, 5), 4, ("own_interval",))


dates = st.dates(date(2020, 1, 1), date(2035, 12, 31))
styles = st.sampled_from(list(CareStyle)).map(CARE_PRESETS.__getitem__)
latitudes = st.none() | st.floats(-90, 90)


@given(styles, dates, st.integers(0, 900), latitudes)
def test_feeding_is_due_within_its_months_only(
    preset: CarePreset, since: date, waited_d: int, latitude: float | None
) -> None:
    today = since + timedelta(days=waited_d)
    due = care_due(FEED, preset, since=since, today=today, latitude_deg=latitude)

    assert due is not None
    months = preset.fertilising_months
    is_south = latitude is not None and latitude < 0
    northern_month = (due.due_on.month + 5) % 12 + 1 if is_south else due.due_on.month
    assert northern_month in months
    assert due.due_on > since


@given(styles, dates, st.integers(0, 900), latitudes)
def test_feeding_is_never_overdue_outside_its_months(
    preset: CarePreset, since: date, waited_d: int, latitude: float | None
) -> None:
    today = since + timedelta(days=waited_d)
    due = care_due(FEED, preset, since=since, today=today, latitude_deg=latitude)

    assert due is not None
    is_south = latitude is not None and latitude < 0
    northern_month = (today.month + 5) % 12 + 1 if is_south else today.month
    if northern_month not in preset.fertilising_months:
        assert due.due_on > today


@given(styles, dates, st.integers(0, 400))
def test_due_date_does_not_go_back_as_time_passes(
    preset: CarePreset, since: date, waited_d: int
) -> None:
    today = since + timedelta(days=waited_d)
    now = care_due(FEED, preset, since=since, today=today)
    later = care_due(FEED, preset, since=since, today=today + timedelta(days=1))

    assert now is not None
    assert later is not None
    assert later.due_on >= now.due_on
