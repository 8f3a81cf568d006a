"""Karenz: what was applied, and when a harvest is possible."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import ForbiddenError, NotFoundError
from kamerplanter_backend.domain.snapshot.views import PlantView
from kamerplanter_engines.errors import FutureTimeError, InvalidInputError, KarenzViolationError
from kamerplanter_engines.models.harvest import Harvest, HarvestFields, HarvestPurpose
from kamerplanter_engines.models.ipm import ApplicationFields, Treatment
from kamerplanter_engines.models.plant import Plant
from tests.backend.garden import Garden


def spray(
    garden: Garden, plant: Plant, at: datetime, interval_d: int | None, product: str = "Neem"
) -> Treatment:
    fields = ApplicationFields(product=product, interval_d=interval_d, at=at)
    (treatment,) = garden.services.ipm.log_treatment(garden.context(), [plant.key], fields)
    return treatment


def harvest(garden: Garden, plant: Plant, at: datetime | None = None, **fields: Any) -> Harvest:
    values = {"plant_key": plant.key, "at": at or garden.now, **fields}
    return garden.services.harvest.log_harvest(garden.context(), HarvestFields(**values))


def harvests(garden: Garden, plant: Plant) -> tuple[Harvest, ...]:
    return garden.services.harvest.list_of_plant(garden.context(), plant.key)


def view(garden: Garden) -> PlantView:
    return garden.snapshot().plants[0]


@pytest.fixture
def plant(garden: Garden) -> Plant:
    return garden.plant()


def test_a_treatment_changes_what_is_shown_at_once(garden: Garden, plant: Plant) -> None:
    before = view(garden)

    spray(garden, plant, garden.now, 3)

    after = view(garden)
    assert (before.has_treatment, before.karenz_active, before.harvest_allowed) == (
        False,
        False,
        True,
    )
    assert (after.has_treatment, after.karenz_active, after.harvest_allowed) == (True, True, False)
    assert after.safe_harvest_on == date(2026, 5, 5)
    assert after.karenz_days_left == 4


@pytest.mark.parametrize(("asked", "days_left"), [("2026-05-03T23:59", 2), ("2026-05-04T23:59", 1)])
def test_rows_a_and_b_no_harvest_within_full_local_days(
    garden: Garden, plant: Plant, asked: str, days_left: int
) -> None:
    spray(garden, plant, garden.at("2026-05-01T18:00"), 3)
    garden.at(asked)

    with pytest.raises(KarenzViolationError) as refused:
        harvest(garden, plant)

    assert refused.value.placeholders == {
        "plant": "Tomato",
        "product": "Neem",
        "date": "2026-05-05",
    }
    assert view(garden).karenz_days_left == days_left
    assert harvests(garden, plant) == ()


def test_the_first_permitted_day_begins_at_local_midnight(garden: Garden, plant: Plant) -> None:
    spray(garden, plant, garden.at("2026-05-01T18:00"), 3)
    garden.at("2026-05-04T23:59:59")
    opens_at = garden.snapshot().next_due_at

    midnight = garden.at("2026-05-05T00:00")
    stored = harvest(garden, plant, weight_g=250)

    assert opens_at == midnight
    assert stored.harvested_on == date(2026, 5, 5)
    assert harvests(garden, plant) == (stored,)
    assert view(garden).karenz_active is False


def test_row_c_the_clock_change_does_not_move_the_day() -> None:
    garden = Garden(now=datetime(2026, 3, 28, 23, 30, tzinfo=UTC))
    plant = garden.plant()

    treatment = spray(garden, plant, garden.now, 7)

    assert treatment.applied_on == date(2026, 3, 29)
    assert view(garden).safe_harvest_on == date(2026, 4, 6)
    garden.store.close()


def test_row_d_of_two_treatments_the_later_end_counts(garden: Garden, plant: Plant) -> None:
    spray(garden, plant, garden.at("2026-06-01T09:00"), 21, "Copper")
    spray(garden, plant, garden.at("2026-06-10T09:00"), 1, "Soap")

    assert view(garden).safe_harvest_on == date(2026, 6, 23)
    assert [blocker.product for blocker in view(garden).blockers] == ["Copper", "Soap"]
    garden.at("2026-06-12T09:00")
    with pytest.raises(KarenzViolationError) as refused:
        harvest(garden, plant)
    assert refused.value.placeholders["product"] == "Copper"


def test_a_clock_ahead_does_not_reach_into_the_safe_day(garden: Garden, plant: Plant) -> None:
    spray(garden, plant, datetime(2026, 5, 1, 8, tzinfo=UTC), 3)
    # 23:59 in Berlin on the last blocked day; the first permitted one begins at 22:00 UTC.
    garden.now = datetime(2026, 5, 4, 21, 59, tzinfo=UTC)

    with pytest.raises(KarenzViolationError):
        harvest(garden, plant, datetime(2026, 5, 4, 22, 0, 30, tzinfo=UTC))

    assert harvests(garden, plant) == ()


def test_row_h_an_unknown_interval_blocks_on_any_date(garden: Garden, plant: Plant) -> None:
    spray(garden, plant, garden.now, None)
    garden.wait(days=1000)

    with pytest.raises(KarenzViolationError) as refused:
        harvest(garden, plant)

    assert refused.value.placeholders["date"] == "unknown"
    assert refused.value.code == "KARENZ_UNKNOWN_INTERVAL"
    assert view(garden).safe_harvest_on is None
    assert view(garden).blockers[0].reason == "unknown_interval"


def test_row_i_a_later_spray_does_not_block_an_earlier_harvest(
    garden: Garden, plant: Plant
) -> None:
    asked = garden.at("2026-06-15T10:00")
    spray(garden, plant, garden.at("2026-06-20T10:00"), 14)

    assert harvest(garden, plant, asked).harvested_on == date(2026, 6, 15)


def test_row_j_no_waiting_period_allows_the_same_day(garden: Garden, plant: Plant) -> None:
    spray(garden, plant, garden.now, 0)

    assert harvest(garden, plant).harvested_on == date(2026, 5, 1)


def test_a_treatment_in_the_future_is_refused(garden: Garden, plant: Plant) -> None:
    with pytest.raises(FutureTimeError):
        spray(garden, plant, garden.now + timedelta(hours=1), 3)

    assert view(garden).has_treatment is False


def test_a_harvest_in_the_future_is_refused(garden: Garden, plant: Plant) -> None:
    with pytest.raises(FutureTimeError):
        harvest(garden, plant, garden.now + timedelta(days=1))


def test_a_time_without_a_zone_is_no_time() -> None:
    with pytest.raises(ValueError, match="timezone"):
        ApplicationFields(product="Neem", at=datetime(2026, 5, 1))  # noqa: DTZ001


def test_only_an_administrator_records_a_disposal_and_says_why(
    garden: Garden, plant: Plant
) -> None:
    spray(garden, plant, garden.now, 3)
    fields = HarvestFields(
        plant_key=plant.key, at=garden.now, purpose=HarvestPurpose.DISPOSAL, reason="mouldy"
    )
    silent = fields.model_copy(update={"reason": " "})

    with pytest.raises(ForbiddenError):
        garden.services.harvest.log_harvest(garden.context(), fields)
    with pytest.raises(InvalidInputError):
        garden.services.harvest.log_harvest(garden.context(role=Role.ADMIN), silent)
    stored = garden.services.harvest.log_harvest(garden.context(role=Role.ADMIN), fields)

    assert harvests(garden, plant) == (stored,)


def test_an_administrator_has_no_way_around_the_waiting_period(
    garden: Garden, plant: Plant
) -> None:
    spray(garden, plant, garden.now, 3)

    with pytest.raises(KarenzViolationError):
        garden.services.harvest.log_harvest(
            garden.context(role=Role.ADMIN), HarvestFields(plant_key=plant.key, at=garden.now)
        )


def test_karenz_survives_archive_restart_and_coming_back(tmp_path: Path) -> None:
    garden = Garden(tmp_path / "garden.db")
    plant = garden.plant("tomato-1")
    spray(garden, plant, garden.now, 14)

    garden.services.plant.archive(garden.context(), plant.key)
    with pytest.raises(NotFoundError):
        spray(garden, plant, garden.now, 14)
    with pytest.raises(NotFoundError):
        harvest(garden, plant)
    history = garden.services.ipm.list_of_plant(garden.context(), plant.key)
    garden.restart()
    back = garden.plant("tomato-1", name="Tomato again")

    assert len(history) == 1
    assert (back.key, back.name, back.archived_at) == ("tomato-1", "Tomato again", None)
    assert view(garden).safe_harvest_on == date(2026, 5, 16)
    with pytest.raises(KarenzViolationError):
        harvest(garden, plant)
    garden.store.close()


def test_asking_about_a_date_changes_nothing(garden: Garden, plant: Plant) -> None:
    spray(garden, plant, garden.now, 3)

    verdict = garden.services.ipm.check_harvest(garden.context(), plant.key, date(2026, 5, 5))

    assert (verdict.allowed, verdict.days_left) == (True, 0)
    assert harvests(garden, plant) == ()
