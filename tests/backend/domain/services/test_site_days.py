"""Waiting periods count the days of the place where a plant stands."""

from datetime import UTC, date, datetime, timedelta

import pytest

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import ForbiddenError
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_engines.errors import KarenzViolationError
from kamerplanter_engines.models.harvest import HarvestFields
from kamerplanter_engines.models.ipm import ApplicationFields, Treatment
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.site import LocationFields, SiteFields
from tests.backend.garden import Garden

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
"""On Kiritimati, 14 hours ahead, it is the 21st already; in Berlin it is the 20th."""


@pytest.fixture
def far(garden: Garden) -> Plant:
    """Return a plant at the second site of a garden in Berlin."""
    garden.now = NOON
    services = garden.services
    site = services.site.create(
        garden.context(), SiteFields(name="Island", time_zone="Pacific/Kiritimati")
    )
    bed = services.location.create(
        garden.context(),
        LocationFields(name="Bed", site_key=site.key, location_type_key="bed"),
    )
    return garden.plant(location_key=bed.key)


def spray(garden: Garden, *plants: Plant, at: datetime = NOON) -> tuple[Treatment, ...]:
    return garden.services.ipm.log_treatment(
        garden.context(),
        [plant.key for plant in plants],
        ApplicationFields(product="Neem", interval_d=3, at=at),
    )


def pick(garden: Garden, plant: Plant) -> date:
    fields = HarvestFields(plant_key=plant.key, at=garden.now)
    return garden.services.harvest.log_harvest(garden.context(), fields).harvested_on


def test_each_plant_is_treated_on_the_day_of_its_own_site(garden: Garden, far: Plant) -> None:
    near = garden.plant(name="Near")

    there, here = spray(garden, far, near)

    assert (there.applied_on, here.applied_on) == (date(2026, 11, 21), date(2026, 11, 20))
    shown = {view.plant.key: view for view in garden.snapshot().plants}
    assert shown[far.key].safe_harvest_on == date(2026, 11, 25)
    assert shown[near.key].safe_harvest_on == date(2026, 11, 24)


def test_gate_opens_when_the_day_begins_there(garden: Garden, far: Plant) -> None:
    spray(garden, far)
    midnight = datetime(2026, 11, 24, 10, tzinfo=UTC)

    garden.now = midnight - timedelta(seconds=1)
    before = garden.snapshot()
    with pytest.raises(KarenzViolationError):
        pick(garden, far)
    garden.now = midnight
    after = garden.snapshot()

    assert [view.karenz_active for view in (*before.plants, *after.plants)] == [True, False]
    # Screens look again at that moment, which is 11 in the morning in Berlin.
    assert before.next_due_at == midnight
    assert pick(garden, far) == date(2026, 11, 25)
    assert garden.services.ipm.check_harvest(garden.context(), far.key).on == date(2026, 11, 25)


def test_corrected_moment_falls_on_a_day_of_the_site(garden: Garden, far: Plant) -> None:
    [treatment] = spray(garden, far)
    garden.wait(hours=1)

    after = garden.services.ipm.correct_treatment(
        garden.context(role=Role.ADMIN),
        treatment.key,
        {"at": "2026-11-20T09:59:00+00:00"},
        "Mistyped",
    )

    assert after.applied_on == date(2026, 11, 20)


@pytest.mark.parametrize("way", ["site", "location"])
def test_locations_that_go_along_are_on_record(garden: Garden, far: Plant, way: str) -> None:
    services = garden.services
    bed = services.location.get(garden.context(), far.location_key or "")
    corner = services.location.create(
        garden.context(),
        LocationFields(
            name="Corner", site_key=bed.site_key, parent_key=bed.key, location_type_key="bed"
        ),
    )

    if way == "site":
        services.site.remove(garden.context(), bed.site_key)
    else:
        services.location.remove(garden.context(), bed.key)

    with open_unit(garden.store, garden.context()) as uow:
        entries = uow.of(AuditRepository).find()
    gone = {
        (item.subject_kind, item.subject, item.details["name"])
        for item in entries
        if item.action is AuditAction.DELETED
    }
    site = {("sites", bed.site_key, "Island")} if way == "site" else set()
    assert gone == {("locations", bed.key, "Bed"), ("locations", corner.key, "Corner")} | site


@pytest.mark.parametrize("way", ["set", "update"])
def test_only_admins_move_the_days_of_a_site_and_it_is_on_record(garden: Garden, way: str) -> None:
    sites = garden.services.site
    site = sites.find(garden.context())
    assert site is not None

    def move(role: Role) -> None:
        context = garden.context(role=role, actor="anna")
        if way == "set":
            fields = SiteFields(name=site.name, time_zone="Pacific/Kiritimati")
            sites.set(context, fields)
        else:
            sites.update(context, site.key, {"time_zone": "Pacific/Kiritimati"})

    with pytest.raises(ForbiddenError, match="time zone"):
        move(Role.GROWER)
    kept = sites.find(garden.context())
    sites.update(garden.context(), site.key, {"name": "Renamed"})
    move(Role.ADMIN)

    assert kept == site
    with open_unit(garden.store, garden.context()) as uow:
        entries = uow.of(AuditRepository).find()
    [entry] = [item for item in entries if item.action is AuditAction.TIME_ZONE_CHANGED]
    assert (entry.subject, entry.created_by) == (site.key, "anna")
    assert entry.details == {
        "time_zone_before": site.time_zone,
        "time_zone": "Pacific/Kiritimati",
    }
