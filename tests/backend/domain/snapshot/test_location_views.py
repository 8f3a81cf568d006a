"""The climate of a place as a screen shows it: today and yesterday, by the days of its site."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.domain.snapshot.views import DailyClimateView
from kamerplanter_engines.models.rollup import Bucket, RollupLevel, microseconds
from kamerplanter_engines.models.site import Location, LocationFields, SiteFields
from kamerplanter_engines.models.telemetry import ChannelKind, Probe, Reading, Verdict
from kamerplanter_engines.rollup_engine import bucket_of, merge, roll_up
from tests.backend.garden import Garden

PPFD, AIR = ChannelKind.PPFD, ChannelKind.AIR_TEMPERATURE


def tent(garden: Garden, **fields: object) -> Location:
    site_key = garden.snapshot().home_site_key
    values = {"name": "Tent", "site_key": site_key, **fields}
    return garden.services.location.create(garden.context(), LocationFields.model_validate(values))


def measured(
    garden: Garden,
    probe: Probe,
    kind: ChannelKind,
    from_at: datetime,
    *parts: tuple[float, float],
    step_min: int = 10,
) -> None:
    """Store readings of values that hold for so many hours each, one after the other."""
    readings, at = list[Reading](), from_at
    for hours, value in parts:
        for _ in range(round(hours * 60 / step_min)):
            readings.append(
                Reading(
                    probe_key=probe.key,
                    kind=kind,
                    at=at,
                    received_at=at,
                    value=value,
                    verdict=Verdict.GOOD,
                )
            )
            at += timedelta(minutes=step_min)
    context = garden.context(now=max(garden.now, at))
    garden.services.telemetry.record(context, tuple(readings))


def shown(garden: Garden, place: Location) -> tuple[DailyClimateView, DailyClimateView]:
    view = garden.snapshot().location(place.key)
    assert view is not None
    assert view.today is not None
    assert view.yesterday is not None
    return view.yesterday, view.today


def test_a_lamp_of_400_for_18_hours(garden: Garden) -> None:
    place = tent(garden)
    probe = garden.probe(PPFD, location_key=place.key)
    measured(garden, probe, PPFD, garden.local("2026-05-01T00:00"), (18, 400), (6, 0))
    garden.at("2026-05-02T00:00")

    yesterday, today = shown(garden, place)

    assert yesterday.day == date(2026, 5, 1)
    assert yesterday.dli_mol_m2 == pytest.approx(25.92)
    assert (yesterday.dli_coverage_ratio, yesterday.dli_may_decide) == (1, True)
    assert yesterday.degree_days_c_d is None
    assert today.day == date(2026, 5, 2)
    assert (today.dli_mol_m2, today.dli_coverage_ratio, today.dli_may_decide) == (None, 0, False)


def test_today_counts_what_is_over_and_nothing_of_what_is_to_come(garden: Garden) -> None:
    place = tent(garden)
    probe = garden.probe(PPFD, location_key=place.key)
    measured(garden, probe, PPFD, garden.local("2026-05-01T00:00"), (6, 0), (4, 500))
    garden.at("2026-05-01T09:55")

    _, today = shown(garden, place)

    # How long the value of 9:50 holds is told by the next one.
    assert today.dli_mol_m2 == pytest.approx(500 * (3 * 60 + 50) * 60 / 1e6)
    assert today.dli_coverage_ratio == pytest.approx((9 * 60 + 50) / 1440)
    assert not today.dli_may_decide


def test_looking_again_shows_the_same(garden: Garden) -> None:
    place = tent(garden)
    probe = garden.probe(PPFD, AIR, location_key=place.key)
    for kind, value in ((PPFD, 500), (AIR, 22)):
        measured(garden, probe, kind, garden.local("2026-05-01T06:00"), (4, value))
    garden.at("2026-05-01T09:52")
    before = shown(garden, place)

    garden.at("2026-05-01T13:00")

    assert shown(garden, place) == before


def test_degree_days_above_the_base_of_the_place(garden: Garden) -> None:
    place = tent(garden, base_temperature_c=12)
    probe = garden.probe(AIR, location_key=place.key)
    measured(garden, probe, AIR, garden.local("2026-05-01T00:00"), (12, 14), (12, 26))
    garden.at("2026-05-02T00:00")

    yesterday, _ = shown(garden, place)

    assert yesterday.degree_days_c_d == pytest.approx((14 + 26) / 2 - 12)
    assert (yesterday.degree_days_coverage_ratio, yesterday.degree_days_may_decide) == (1, True)
    assert yesterday.dli_mol_m2 is None


def test_place_without_light_or_air_has_no_days(garden: Garden) -> None:
    place = tent(garden)
    garden.probe(ChannelKind.AIR_HUMIDITY, location_key=place.key)

    view = garden.snapshot().location(place.key)

    assert view is not None
    assert (view.today, view.yesterday, view.time_zone) == (None, None, "Europe/Berlin")
    assert view.location.base_temperature_c == 10


@pytest.mark.parametrize(
    ("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 5, 1), 24)]
)
def test_days_of_23_and_25_hours(garden: Garden, day: date, hours: int) -> None:
    garden.at(f"{day - timedelta(days=2)}T12:00")
    place = tent(garden)
    probe = garden.probe(PPFD, AIR, location_key=place.key)
    measured(garden, probe, PPFD, garden.local(f"{day}T00:00"), (6, 0), (12, 500), (hours - 18, 0))
    measured(garden, probe, AIR, garden.local(f"{day}T00:00"), (6, 10), (hours - 6, 20))
    garden.at(f"{day + timedelta(days=1)}T00:00")

    yesterday, _ = shown(garden, place)

    assert yesterday.day == day
    assert yesterday.dli_mol_m2 == pytest.approx(21.6)
    assert yesterday.degree_days_c_d == pytest.approx(5)
    assert (yesterday.dli_coverage_ratio, yesterday.degree_days_coverage_ratio) == (1, 1)


def test_day_of_another_site_begins_and_ends_there(garden: Garden) -> None:
    # Kathmandu is 5:45 ahead of UTC: no hour of the garden in Berlin begins at its midnight.
    site = garden.services.site.create(
        garden.context(), SiteFields(name="Hills", time_zone="Asia/Kathmandu")
    )
    place = tent(garden, site_key=site.key)
    probe = garden.probe(PPFD, location_key=place.key)
    begins_at = datetime(2026, 4, 30, 18, 15, tzinfo=UTC)
    measured(
        garden, probe, PPFD, begins_at - timedelta(hours=3), (3, 100), (18, 400), (6, 0), (3, 7)
    )
    garden.now = begins_at + timedelta(hours=27)

    yesterday, today = shown(garden, place)

    assert (yesterday.day, today.day) == (date(2026, 5, 1), date(2026, 5, 2))
    assert yesterday.dli_mol_m2 == pytest.approx(25.92)
    assert yesterday.dli_coverage_ratio == 1
    assert today.dli_mol_m2 == pytest.approx(7 * (3 * 3600 - 600) / 1e6)
    assert garden.snapshot().next_due_at == datetime(2026, 5, 1, 22, tzinfo=UTC)


def test_midnight_there_makes_a_new_snapshot_due(garden: Garden) -> None:
    site = garden.services.site.create(
        garden.context(), SiteFields(name="Island", time_zone="Pacific/Kiritimati")
    )
    place = tent(garden, site_key=site.key)
    garden.now = datetime(2026, 5, 1, 9, 59, tzinfo=UTC)
    without = garden.snapshot().next_due_at
    garden.probe(AIR, location_key=place.key)

    assert without == datetime(2026, 5, 1, 22, tzinfo=UTC)
    assert garden.snapshot().next_due_at == datetime(2026, 5, 1, 10, tzinfo=UTC)


def test_two_meters_are_not_twice_the_light(garden: Garden) -> None:
    place = tent(garden)
    older = garden.probe(PPFD, name="Older", location_key=place.key)
    garden.wait(minutes=1)
    younger = garden.probe(PPFD, name="Younger", location_key=place.key)
    midnight = garden.local("2026-05-01T00:00")
    measured(garden, older, PPFD, midnight, (24, 100))
    measured(garden, younger, PPFD, midnight, (24, 300))
    garden.at("2026-05-02T00:00")

    assert shown(garden, place)[0].dli_mol_m2 == pytest.approx(8.64)


def test_where_the_older_meter_was_silent_the_other_one_speaks(garden: Garden) -> None:
    place = tent(garden)
    older = garden.probe(PPFD, name="Older", location_key=place.key)
    garden.wait(minutes=1)
    younger = garden.probe(PPFD, name="Younger", location_key=place.key)
    midnight = garden.local("2026-05-01T00:00")
    measured(garden, older, PPFD, midnight, (10, 100))
    measured(garden, younger, PPFD, midnight, (24, 300))
    garden.at("2026-05-02T00:00")

    [yesterday, _] = shown(garden, place)
    assert yesterday.dli_mol_m2 == pytest.approx((10 * 100 + 14 * 300) * 3600 / 1e6)
    assert (yesterday.dli_coverage_ratio, yesterday.dli_may_decide) == (1, True)


def test_what_a_probe_measured_elsewhere_is_not_of_this_place(garden: Garden) -> None:
    garden.at("2026-05-01T00:00")
    first, second = tent(garden, name="First"), tent(garden, name="Second")
    probe = garden.probe(PPFD, location_key=first.key)
    measured(garden, probe, PPFD, garden.now, (24, 400))
    garden.at("2026-05-01T18:00")
    garden.services.probe.update(garden.context(), probe.key, {"location_key": second.key})
    garden.at("2026-05-02T00:00")

    yesterday, _ = shown(garden, second)

    assert yesterday.dli_mol_m2 == pytest.approx(400 * 6 * 3600 / 1e6)
    assert yesterday.dli_coverage_ratio == pytest.approx(0.25)
    view = garden.snapshot().location(first.key)
    assert view is not None
    assert view.yesterday is not None
    assert view.yesterday.dli_mol_m2 == pytest.approx(400 * 18 * 3600 / 1e6)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"])
@pytest.mark.parametrize("minutes", [20, 17], ids=["at a full hour", "within one"])
def test_what_has_just_been_measured_is_the_highest_of_today_wherever_the_site_is(
    garden: Garden, zone: str, minutes: int
) -> None:
    """Midnight of the site is no full hour of the garden, which is in Berlin."""
    site = garden.services.site.create(garden.context(), SiteFields(name="Site", time_zone=zone))
    place = tent(garden, site_key=site.key)
    probe = garden.probe(AIR, location_key=place.key)
    for value in (20, 21, 29):
        garden.wait(minutes=minutes)
        garden.measure(probe, AIR, value)

    day = garden.now.astimezone(ZoneInfo(zone)).date()
    [today] = garden.services.climate.of_days(garden.context(), place.key, day, day)

    assert (today.air_low_c, today.air_high_c) == (20, 29)


@given(
    values=st.lists(
        st.tuples(st.integers(1, 95), st.sampled_from([0.0, 150.0, 400.0, 900.5])),
        min_size=1,
        max_size=60,
    ),
    rolled_at=st.none() | st.integers(1, 47),
    asked_at_min=st.integers(0, 48 * 60),
    zone=st.sampled_from(["Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"]),
)
@settings(max_examples=25, deadline=None)
def test_however_much_is_summed_up_the_day_is_that_of_its_readings(
    values: list[tuple[int, float]], rolled_at: int | None, asked_at_min: int, zone: str
) -> None:
    """As `daily_light` of all readings of the day; an hour has a median interval of its own."""
    garden = Garden(zone=zone)
    try:
        midnight = garden.at("2026-04-04T00:00")
        place = tent(garden)
        probe = garden.probe(PPFD, location_key=place.key)
        at, points = midnight, list[tuple[datetime, float]]()
        for minutes, value in values:
            at += timedelta(minutes=minutes)
            if rolled_at is not None and at >= midnight + timedelta(hours=rolled_at):
                garden.now = max(garden.now, midnight + timedelta(hours=rolled_at))
                garden.services.telemetry.roll_up(garden.context())
                rolled_at = None
            if at > midnight + timedelta(minutes=asked_at_min):
                break
            garden.now = at
            garden.measure(probe, PPFD, value)
            points.append((at, value))
        garden.now = max(garden.now, midnight + timedelta(minutes=asked_at_min))

        yesterday, today = shown(garden, place)

        expected = {view.day: by_hours(points, view.day, garden) for view in (yesterday, today)}
        for view in (yesterday, today):
            assert view.dli_mol_m2 == pytest.approx(expected[view.day])
    finally:
        garden.store.close()


def by_hours(points: list[tuple[datetime, float]], day: date, garden: Garden) -> float | None:
    """Return the daily light of readings, hour by local hour, up to the newest one."""
    given_points = [(microseconds(at), value, True) for at, value in points]
    starts_at = garden.local(f"{day}T00:00")
    ends_at = garden.local(f"{day + timedelta(days=1)}T00:00")
    newest_us = -1
    if ends_at > garden.now:
        ends_at = max((at for at, _ in points), default=starts_at)
        newest_us = microseconds(ends_at)
    parts = []
    while starts_at < ends_at:
        whole = bucket_of(RollupLevel.HOUR, starts_at, garden.zone)
        hour = Bucket(starts_at, min(whole.ends_at, ends_at))
        low, high = microseconds(hour.starts_at), microseconds(hour.ends_at)
        # The newest one says how long the one before it speaks.
        inside = [p for p in given_points if low <= p[0] < high or p[0] == high == newest_us]
        parts.append(roll_up(inside, hour, [p for p in given_points if p[0] < low][-2:]))
        starts_at = hour.ends_at
    figures = merge(parts)
    return figures.integral / 1e6 if figures.covered_s else None


@pytest.mark.parametrize("is_summed_up", [True, False])
def test_days_follow_the_garden_into_another_zone(garden: Garden, is_summed_up: bool) -> None:
    place = tent(garden)
    probe = garden.probe(PPFD, AIR, location_key=place.key)
    # A day in Halifax begins at 5:00 in Berlin.
    begins_at = garden.local("2026-05-01T05:00")
    measured(garden, probe, PPFD, begins_at - timedelta(hours=5), (5, 50), (12, 300), (12, 0))
    measured(garden, probe, AIR, begins_at - timedelta(hours=5), (5, 2), (12, 14), (12, 20))
    garden.now = begins_at + timedelta(hours=25)
    if is_summed_up:
        garden.services.telemetry.roll_up(garden.context())
    garden.services.site.set(
        garden.context(role=Role.ADMIN), SiteFields(name="Home", time_zone="America/Halifax")
    )
    garden.zone = ZoneInfo("America/Halifax")

    for _ in range(2):
        yesterday, _today = shown(garden, place)

        assert yesterday.day == date(2026, 5, 1)
        assert yesterday.dli_mol_m2 == pytest.approx(300 * 12 * 3600 / 1e6)
        assert yesterday.degree_days_c_d == pytest.approx(17 - 10)
        assert (yesterday.dli_coverage_ratio, yesterday.dli_may_decide) == (1, True)
        garden.services.telemetry.roll_up(garden.context())  # hours and days follow


@pytest.mark.parametrize(("kind", "value"), [(PPFD, -5.0), (PPFD, 4001.0), (AIR, 999.0)])
def test_a_number_that_cannot_be_costs_its_own_day_and_not_the_garden(
    garden: Garden, kind: ChannelKind, value: float
) -> None:
    # As an archive of somebody else brings it, or a version that took it.
    place = tent(garden)
    probe = garden.probe(PPFD, AIR, location_key=place.key)
    measured(garden, probe, PPFD, garden.local("2026-05-01T00:00"), (18, 400), (6, 0))
    measured(garden, probe, AIR, garden.local("2026-05-01T00:00"), (12, 14), (12, 22))
    measured(garden, probe, kind, garden.local("2026-05-02T00:00"), (1, value))
    garden.at("2026-05-02T01:00")

    yesterday, today = shown(garden, place)

    assert yesterday.dli_mol_m2 == pytest.approx(25.92)
    assert yesterday.degree_days_c_d == pytest.approx(8)
    assert (today.dli_mol_m2, today.dli_may_decide) == (None, False)
    assert (today.degree_days_c_d, today.degree_days_may_decide) == (None, False)
    (of_today,) = garden.services.climate.of_days(garden.context(), place.key, today.day, today.day)
    assert (of_today.air_low_c, of_today.air_high_c) == (None, None)
