"""Several meters of one place: who speaks for it is decided hour by hour."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from kamerplanter_backend.domain.consequences import place_figures
from kamerplanter_backend.domain.consequences.day_figures import Hours, hours_of_days
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.snapshot.views import PlaceDayView
from kamerplanter_engines.models.rollup import Bucket
from kamerplanter_engines.models.site import Location, SiteFields
from kamerplanter_engines.models.telemetry import ChannelKind, Probe
from tests.backend.domain.snapshot.test_location_views import measured, shown, tent
from tests.backend.garden import Garden

PPFD, AIR = ChannelKind.PPFD, ChannelKind.AIR_TEMPERATURE
DAY = date(2026, 5, 1)


def meters(garden: Garden, place: Location, *kinds: ChannelKind) -> tuple[Probe, Probe]:
    older = garden.probe(*kinds, name="Older", location_key=place.key)
    garden.wait(minutes=1)
    return older, garden.probe(*kinds, name="Younger", location_key=place.key)


def day_of(garden: Garden, place: Location, day: date = DAY) -> PlaceDayView:
    [found] = garden.services.climate.of_days(garden.context(), place.key, day, day)
    return found


@pytest.mark.parametrize("is_summed_up", [True, False])
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Kathmandu"])
def test_noon_that_the_older_meter_missed_is_told_by_the_younger_one(
    garden: Garden, zone: str, is_summed_up: bool
) -> None:
    site = garden.services.site.create(garden.context(), SiteFields(name="Site", time_zone=zone))
    place = tent(garden, site_key=site.key)
    garden.at("2026-04-29T12:00")
    older, younger = meters(garden, place, PPFD, AIR)
    # Midnight is at 18:15 UTC in Kathmandu.
    begins_at = garden.local("2026-04-30T20:15" if zone == "Asia/Kathmandu" else "2026-05-01T00:00")
    for probe, parts in (
        (older, [(0, 10, 100), (14, 10, 100)]),
        (younger, [(0, 10, 100), (10, 4, 1500), (14, 10, 100)]),
    ):
        for first, hours, value in parts:
            at = begins_at + timedelta(hours=first)
            measured(garden, probe, PPFD, at, (hours, value), step_min=5)
            measured(garden, probe, AIR, at, (hours, value / 50), step_min=5)
    garden.now = begins_at + timedelta(hours=26)
    if is_summed_up:
        garden.services.telemetry.roll_up(garden.context())

    found = day_of(garden, place)

    expected = (20 * 100 + 4 * 1500) * 3600 / 1e6
    # A value holds for a second interval at most, and hours do not begin at 10:00 in Kathmandu.
    assert found.dli_mol_m2 == pytest.approx(expected, rel=0.04)
    assert found.dli_coverage_ratio >= 0.98
    assert found.dli_may_decide
    assert (found.air_low_c, found.air_high_c) == (2, 30)
    assert shown(garden, place)[0].dli_mol_m2 == found.dli_mol_m2


def test_light_of_today_does_not_fall_when_the_older_meter_dies(garden: Garden) -> None:
    place = tent(garden)
    older, younger = meters(garden, place, PPFD)
    midnight = garden.local("2026-05-01T00:00")
    before, most = 0.0, 0.0
    for minutes in range(0, 24 * 60, 10):
        garden.now = midnight + timedelta(minutes=minutes)
        is_day = 6 * 60 <= minutes < 22 * 60
        if minutes < 12 * 60 + 25:
            garden.measure(older, PPFD, 800 if is_day else 0)
        garden.measure(younger, PPFD, 300 if is_day else 0)
        if minutes % 20 == 0 and minutes >= 11 * 60:
            _, today = shown(garden, place)
            most = today.dli_mol_m2 or 0.0
            assert most >= before
            before = most
    assert most == pytest.approx((6 * 800 + 10 * 300) * 3600 / 1e6)


def test_hours_are_read_only_of_days_that_meters_share(
    garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tent(garden)
    older, younger = meters(garden, place, PPFD)
    midnight = garden.local("2026-05-01T00:00")
    measured(garden, older, PPFD, midnight, (48, 100))
    measured(garden, younger, PPFD, midnight, (96, 300))
    garden.at("2026-05-06T00:00")
    garden.services.telemetry.roll_up(garden.context())
    asked = list[int]()

    def counted(
        uow: UnitOfWork, probe_key: str, kind: ChannelKind, parts: Sequence[Bucket]
    ) -> list[Hours]:
        asked.append(len(parts))
        return hours_of_days(uow, probe_key, kind, parts)

    monkeypatch.setattr(place_figures, "hours_of_days", counted)

    found = garden.services.climate.of_days(garden.context(), place.key, DAY, date(2026, 5, 4))

    assert [view.dli_mol_m2 for view in found][:2] == [pytest.approx(8.64)] * 2
    assert found[3].dli_mol_m2 == pytest.approx(25.92)
    # On the third day the last value of the older one still holds for a while.
    assert max(asked) <= 1
