"""Records of plant protection: several plants at once, and how a record is put right."""

from datetime import date, timedelta

import pytest
from pydantic import JsonValue

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.domain.interfaces.document_store import Document
from kamerplanter_backend.domain.repositories.ipm import TreatmentRepository
from kamerplanter_backend.domain.snapshot.views import PlantView
from kamerplanter_engines.errors import FutureTimeError, InvalidInputError, KarenzViolationError
from kamerplanter_engines.models.harvest import HarvestFields
from kamerplanter_engines.models.ipm import ApplicationFields, Treatment
from kamerplanter_engines.models.plant import Plant
from tests.backend.garden import Garden


@pytest.fixture
def plant(garden: Garden) -> Plant:
    return garden.plant()


def spray(garden: Garden, *plants: Plant, interval_d: int | None = 3) -> tuple[Treatment, ...]:
    return garden.services.ipm.log_treatment(
        garden.context(),
        [plant.key for plant in plants],
        ApplicationFields(product="Neem", interval_d=interval_d, at=garden.now),
    )


def correct(
    garden: Garden, treatment: Treatment, reason: str = "Mistyped", **patch: JsonValue
) -> Treatment:
    context = garden.context(role=Role.ADMIN, actor="anna")
    return garden.services.ipm.correct_treatment(context, treatment.key, patch, reason)


def treatments(garden: Garden, plant: Plant) -> tuple[Treatment, ...]:
    return garden.services.ipm.list_of_plant(garden.context(), plant.key)


def view(garden: Garden, plant: Plant) -> PlantView:
    found = garden.snapshot().plant(plant.key)
    assert found is not None
    return found


def test_several_plants_are_treated_at_once(garden: Garden, plant: Plant) -> None:
    other = garden.plant(name="Other")

    booked = spray(garden, other, plant, other)

    assert [item.plant_key for item in booked] == [other.key, plant.key]
    for each in (plant, other):
        assert len(treatments(garden, each)) == 1
        assert view(garden, each).safe_harvest_on == date(2026, 5, 5)


def test_of_several_plants_all_are_treated_or_none(garden: Garden, plant: Plant) -> None:
    gone = garden.plant(name="Gone")
    garden.services.plant.archive(garden.context(), gone.key)

    with pytest.raises(NotFoundError):
        spray(garden, plant, gone)

    assert treatments(garden, plant) == ()
    assert view(garden, plant).harvest_allowed is True


def test_a_clock_that_runs_ahead_does_not_spray_tomorrow(garden: Garden, plant: Plant) -> None:
    now = garden.at("2026-05-01T23:59:30")
    fields = ApplicationFields(product="Neem", interval_d=1, at=now + timedelta(minutes=1))

    (treatment,) = garden.services.ipm.log_treatment(garden.context(), [plant.key], fields)

    assert (treatment.at, treatment.applied_on) == (now, date(2026, 5, 1))


def test_a_forgotten_interval_is_entered_later(garden: Garden, plant: Plant) -> None:
    (treatment,) = spray(garden, plant, interval_d=None)
    unknown = view(garden, plant)

    correct(garden, treatment, "Label found", interval_d=7)

    assert (unknown.safe_harvest_on, unknown.blockers[0].reason) == (None, "unknown_interval")
    assert view(garden, plant).safe_harvest_on == date(2026, 5, 9)
    assert [item.interval_d for item in treatments(garden, plant)] == [7]


def test_a_longer_interval_closes_the_gate_at_once(garden: Garden, plant: Plant) -> None:
    (treatment,) = spray(garden, plant, interval_d=0)
    before = view(garden, plant).harvest_allowed

    correct(garden, treatment, interval_d=14)

    assert (before, view(garden, plant).karenz_active) == (True, True)
    with pytest.raises(KarenzViolationError):
        garden.services.harvest.log_harvest(
            garden.context(), HarvestFields(plant_key=plant.key, at=garden.now)
        )


def test_the_record_keeps_what_it_said_and_who_corrected_it(garden: Garden, plant: Plant) -> None:
    (treatment,) = spray(garden, plant)
    garden.wait(hours=1)

    after = correct(garden, treatment, interval_d=21, note=None, product="Neem plus")

    (correction,) = garden.services.ipm.get_treatment(garden.context(), after.key).corrections
    assert (correction.by, correction.at, correction.reason) == ("anna", garden.now, "Mistyped")
    assert (correction.before.product, correction.before.interval_d) == ("Neem", 3)
    assert (correction.before.at, correction.applied_on_before) == (
        treatment.at,
        treatment.applied_on,
    )


def test_a_wrong_plant_is_free_and_the_right_one_waits(garden: Garden, plant: Plant) -> None:
    right = garden.plant(name="Right")
    (treatment,) = spray(garden, plant)

    correct(garden, treatment, "It was the other one", plant_key=right.key)

    assert view(garden, plant).harvest_allowed is True
    assert view(garden, right).safe_harvest_on == date(2026, 5, 5)
    assert treatments(garden, plant) == ()


def test_a_voided_treatment_stays_on_record(garden: Garden, plant: Plant) -> None:
    (treatment,) = spray(garden, plant, interval_d=None)

    correct(garden, treatment, "Was only planned", voided=True)

    shown = view(garden, plant)
    assert (shown.karenz_active, shown.safe_harvest_on, shown.blockers) == (False, None, ())
    assert [item.voided for item in treatments(garden, plant)] == [True]


def test_a_corrected_moment_moves_the_safe_date(garden: Garden, plant: Plant) -> None:
    (treatment,) = spray(garden, plant)

    after = correct(garden, treatment, at="2026-04-29T23:30:00+02:00")

    assert after.applied_on == date(2026, 4, 29)
    assert view(garden, plant).safe_harvest_on == date(2026, 5, 3)


def test_a_treatment_of_an_archived_plant_can_be_corrected(garden: Garden, plant: Plant) -> None:
    (treatment,) = spray(garden, plant)
    garden.services.plant.archive(garden.context(), plant.key)

    correct(garden, treatment, interval_d=21)

    assert [item.interval_d for item in treatments(garden, plant)] == [21]


def test_the_same_correction_twice_is_one(garden: Garden, plant: Plant) -> None:
    (treatment,) = spray(garden, plant)

    first, second = (correct(garden, treatment, interval_d=21) for _ in range(2))

    assert second == first
    assert len(second.corrections) == 1


@pytest.mark.parametrize(
    ("reason", "patch", "field"),
    [
        pytest.param("", {"interval_d": 4}, "reason", id="no reason"),
        pytest.param("why", {}, "patch", id="nothing to correct"),
        pytest.param("why", {"corrections": []}, "corrections", id="the history itself"),
        pytest.param("why", {"applied_on": "2026-05-03"}, "applied_on", id="what is derived"),
        pytest.param("why", {"interval_d": -1}, "interval_d", id="out of range"),
        pytest.param("why", {"product": None}, "product", id="no product"),
        pytest.param("why", {"at": "2026-05-01T08:00:00"}, "at", id="no zone"),
    ],
)
def test_what_cannot_be_corrected_is_refused_and_nothing_is_written(
    garden: Garden, plant: Plant, reason: str, patch: dict[str, JsonValue], field: str
) -> None:
    (treatment,) = spray(garden, plant)

    with pytest.raises(InvalidInputError) as refused:
        correct(garden, treatment, reason, **patch)

    assert refused.value.field == field
    assert treatments(garden, plant) == (treatment,)


def test_a_treatment_is_not_moved_to_the_future_or_to_nobody(garden: Garden, plant: Plant) -> None:
    gone = garden.plant(name="Gone")
    garden.services.plant.archive(garden.context(), gone.key)
    (treatment,) = spray(garden, plant)

    with pytest.raises(FutureTimeError):
        correct(garden, treatment, at="2026-05-02T08:00:00+02:00")
    for key in ("nobody", gone.key):
        with pytest.raises(NotFoundError):
            correct(garden, treatment, plant_key=key)
    with pytest.raises(NotFoundError):
        garden.services.ipm.get_treatment(garden.context(), "nothing")

    assert treatments(garden, plant) == (treatment,)


def test_a_record_of_an_earlier_version_counts_and_can_be_corrected(
    garden: Garden, plant: Plant
) -> None:
    (treatment,) = spray(garden, plant)
    name = TreatmentRepository.collection.name
    with garden.store.begin(frozenset({name})) as transaction:
        stored = transaction.get(name, treatment.key)
        assert stored is not None
        old: Document = {
            field: value
            for field, value in stored.items()
            if field not in {"voided", "corrections"}
        }
        transaction.replace(name, old, expected_revision=treatment.revision)

    assert treatments(garden, plant) == (treatment,)
    assert view(garden, plant).karenz_active is True
    assert len(correct(garden, treatment, interval_d=4).corrections) == 1
