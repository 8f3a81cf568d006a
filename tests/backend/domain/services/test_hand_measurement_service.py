"""Measurements by hand: beside the probes, and in their place where none speaks."""

from datetime import timedelta
from typing import Any

import pytest

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import ForbiddenError, NotFoundError
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_engines.errors import FutureTimeError, InvalidInputError, OutOfRangeError
from kamerplanter_engines.models.hand_measurement import HandMeasurement, HandMeasurementFields
from kamerplanter_engines.models.tank import Tank, TankProblem
from kamerplanter_engines.models.task import TaskKind
from kamerplanter_engines.models.telemetry import ChannelKind, Reason, Verdict
from tests.backend.garden import Garden

PH, EC, WATER = ChannelKind.PH, ChannelKind.EC, ChannelKind.WATER_TEMPERATURE
MOISTURE = ChannelKind.SOIL_MOISTURE


def log(garden: Garden, tank: Tank, kind: ChannelKind, value: float, **more: Any) -> Any:
    fields = HandMeasurementFields(tank_key=tank.key, kind=kind, value=value, **more)
    return garden.services.hand_measurement.log(garden.context(), fields)


def problem(garden: Garden, tank: Tank, kind: TankProblem = TankProblem.PH) -> Any:
    view = garden.snapshot().tank(tank.key)
    assert view is not None
    return view.problem(kind)


def shown_by_hand(garden: Garden, tank: Tank) -> tuple[HandMeasurement, ...]:
    view = garden.snapshot().tank(tank.key)
    assert view is not None
    return view.hand_measurements


def test_it_is_kept_in_the_canonical_unit_beside_what_was_written(garden: Garden) -> None:
    tank = garden.tank()

    made = log(garden, tank, EC, 1850, unit="µS/cm", note="Blue meter")

    assert (made.value, made.unit) == (1.85, "mS/cm")
    assert (made.entered_value, made.entered_unit) == (1850, "µS/cm")
    assert (made.measured_at, made.created_by, made.note) == (garden.now, "test", "Blue meter")
    plain = log(garden, tank, PH, 5.9)
    assert (plain.value, plain.unit, plain.entered_value, plain.entered_unit) == (
        5.9,
        None,
        None,
        None,
    )


def test_it_stands_beside_what_each_probe_of_the_tank_showed_then(garden: Garden) -> None:
    tank = garden.tank()
    first = garden.probe(PH, name="A", tank_key=tank.key)
    second = garden.probe(PH, name="B", tank_key=tank.key)
    elsewhere = garden.probe(PH, name="C")
    silent = garden.probe(PH, name="D", tank_key=tank.key)
    garden.measure(silent, PH, 6.4)
    garden.wait(hours=7)  # its value is too old by now
    for probe, value in ((first, 5.8), (second, 6.1), (elsewhere, 4.0)):
        garden.measure(probe, PH, value)
    then = garden.now
    garden.wait(hours=2)
    garden.measure(first, PH, 6.6)

    made = log(garden, tank, PH, 6.0, at=then + timedelta(minutes=1))

    found = {item.probe_key: (item.value, item.difference) for item in made.comparisons}
    assert found == {first.key: (5.8, 0.2), second.key: (6.1, -0.1)}


def test_without_a_probe_one_value_by_hand_raises_the_problem_at_once(garden: Garden) -> None:
    tank = garden.tank()

    log(garden, tank, PH, 7.2)

    found = problem(garden, tank)
    assert (found.is_on, found.value, found.reasons) == (True, 7.2, ("high",))
    assert garden.open_kinds() == [TaskKind.TANK_PH]
    garden.wait(minutes=10)
    log(garden, tank, PH, 6.0)
    assert problem(garden, tank).is_on is False
    assert garden.open_kinds() == []


def test_what_a_probe_in_doubt_tells_late_leaves_it_to_speak(garden: Garden) -> None:
    tank = garden.tank(ph_low=5.5, ph_high=6.5)
    probe = garden.probe(PH, tank_key=tank.key)
    garden.measure(probe, PH, 6.0)
    garden.wait(hours=7)  # its good value is too old by now
    garden.measure(probe, PH, 13.1, verdict=Verdict.SUSPECT, reasons=(Reason.OUTSIDE_PLAUSIBLE,))
    garden.wait(seconds=5)
    garden.measure(probe, PH, 6.01, at=garden.now - timedelta(seconds=30))

    log(garden, tank, PH, 7.9, at=garden.now - timedelta(minutes=2))

    assert (problem(garden, tank).is_on, problem(garden, tank).value) == (True, 7.9)


def test_it_is_shown_until_it_is_too_old_and_a_screen_looks_again_then(garden: Garden) -> None:
    tank = garden.tank()
    log(garden, tank, PH, 6.0)

    assert garden.snapshot().next_due_at == garden.now + timedelta(hours=6)
    assert problem(garden, tank).is_on is False
    garden.wait(hours=6, seconds=1)
    assert problem(garden, tank).is_on is None
    assert problem(garden, tank).reasons == ("no_data",)


def test_a_raised_problem_stays_when_the_value_is_old(garden: Garden) -> None:
    tank = garden.tank()
    log(garden, tank, PH, 7.2)
    garden.wait(hours=7)
    garden.services.telemetry.evaluate(garden.context())

    assert (problem(garden, tank).is_on, problem(garden, tank).reasons) == (
        True,
        ("high", "no_data"),
    )
    assert garden.open_kinds() == [TaskKind.TANK_PH]


def test_a_restart_makes_it_no_memory(tmp_path: Any) -> None:
    garden = Garden(tmp_path / "garden.db")
    tank = garden.tank()
    log(garden, tank, PH, 6.0)
    garden.wait(minutes=5)

    garden.restart()

    assert problem(garden, tank).is_on is False
    garden.store.close()


def test_a_probe_that_speaks_goes_before_the_hand(garden: Garden) -> None:
    tank = garden.tank()
    probe = garden.probe(PH, tank_key=tank.key)
    garden.measure(probe, PH, 6.0)

    log(garden, tank, PH, 7.2)

    assert problem(garden, tank).value == 6.0
    assert garden.open_kinds() == []
    garden.wait(hours=6, seconds=1)  # the probe fell silent, and so did the hand
    assert problem(garden, tank).is_on is None
    log(garden, tank, PH, 7.2)
    assert (problem(garden, tank).value, problem(garden, tank).is_on) == (7.2, True)


def test_a_doubted_value_decides_nothing(garden: Garden) -> None:
    tank = garden.tank()

    made = log(garden, tank, PH, 2.8)

    assert (made.verdict, made.reasons) == (Verdict.SUSPECT, (Reason.OUTSIDE_PLAUSIBLE,))
    assert garden.open_kinds() == []
    assert shown_by_hand(garden, tank) == (made,)


def test_screens_get_the_newest_of_each_kind(garden: Garden) -> None:
    tank = garden.tank()
    log(garden, tank, PH, 6.0)
    garden.wait(minutes=1)
    ec = log(garden, tank, EC, 1.4)
    garden.wait(days=40)
    ph = log(garden, tank, PH, 6.1)

    assert shown_by_hand(garden, tank) == (ec, ph)
    listed = garden.services.hand_measurement.list_of_place(garden.context(), tank.key)
    assert [item.value for item in listed] == [6.1, 1.4, 6.0]


def test_dry_soil_by_hand_makes_the_watering_task(garden: Garden) -> None:
    plant = garden.plant(soil_moisture_low_pct=30)
    fields = HandMeasurementFields(plant_key=plant.key, kind=MOISTURE, value=12)

    dry = garden.services.hand_measurement.log(garden.context(), fields)

    view = garden.snapshot().plant(plant.key)
    assert view is not None
    assert view.hand_measurements == (dry,)
    assert "soil_dry" in view.attention_reasons
    assert garden.open_kinds() == [TaskKind.WATERING]
    garden.services.hand_measurement.remove(garden.context(), dry.key)
    assert garden.open_kinds() == []


def test_what_followed_from_a_wrong_value_goes_with_it(garden: Garden) -> None:
    tank = garden.tank()
    right = log(garden, tank, PH, 6.0)
    garden.wait(minutes=10)
    wrong = log(garden, tank, PH, 7.9)
    assert garden.open_kinds() == [TaskKind.TANK_PH]

    garden.services.hand_measurement.remove(garden.context(), wrong.key)

    assert (problem(garden, tank).is_on, problem(garden, tank).value) == (False, 6.0)
    assert garden.open_kinds() == []
    assert shown_by_hand(garden, tank) == (right,)
    with open_unit(garden.store, garden.context()) as uow:
        [entry] = uow.of(AuditRepository).find()
    assert (entry.action, entry.subject) == (AuditAction.DELETED, wrong.key)
    assert entry.details["value"] == 7.9


def test_a_problem_that_somebody_dealt_with_comes_back_as_it_was(garden: Garden) -> None:
    tank = garden.tank()
    log(garden, tank, PH, 7.9)
    garden.wait(minutes=5)
    garden.services.task.complete(garden.context(), garden.only_task(TaskKind.TANK_PH).key)
    before = garden.services.tank.alerts(garden.context(), tank.key)
    garden.wait(minutes=5)
    wrong = log(garden, tank, PH, 6.0)
    assert problem(garden, tank).is_on is False

    garden.services.hand_measurement.remove(garden.context(), wrong.key)

    assert (problem(garden, tank).is_on, problem(garden, tank).value) == (True, 7.9)
    # Whoever has dealt with it is not sent again.
    assert garden.open_kinds() == []
    after = garden.services.tank.alerts(garden.context(), tank.key)
    same = {"revision", "updated_at", "updated_by"}
    assert [item.model_dump(exclude=same) for item in after] == [
        item.model_dump(exclude=same) for item in before
    ]


def test_what_was_done_since_about_the_same_problem_stays_done(garden: Garden) -> None:
    tank = garden.tank()
    log(garden, tank, PH, 7.9)
    garden.wait(minutes=5)
    wrong = log(garden, tank, PH, 8.9)
    garden.services.task.complete(garden.context(), garden.only_task(TaskKind.TANK_PH).key)

    garden.services.hand_measurement.remove(garden.context(), wrong.key)

    assert (problem(garden, tank).is_on, problem(garden, tank).value) == (True, 7.9)
    assert garden.open_kinds() == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_two_wrong_ones_leave_what_was_before_both(garden: Garden, order: tuple[int, int]) -> None:
    tank = garden.tank()
    log(garden, tank, PH, 7.9)
    garden.services.task.complete(garden.context(), garden.only_task(TaskKind.TANK_PH).key)
    wrong = []
    for value in (6.0, 6.1):
        garden.wait(minutes=5)
        wrong.append(log(garden, tank, PH, value))

    for index in order:
        garden.services.hand_measurement.remove(garden.context(), wrong[index].key)

    assert (problem(garden, tank).is_on, problem(garden, tank).value) == (True, 7.9)
    assert garden.open_kinds() == []


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_dry_soil_that_somebody_dealt_with_comes_back_as_it_was(
    garden: Garden, order: tuple[int, int]
) -> None:
    plant = garden.plant(soil_moisture_low_pct=30)

    def moisture(value: float) -> HandMeasurement:
        garden.wait(minutes=5)
        fields = HandMeasurementFields(plant_key=plant.key, kind=MOISTURE, value=value)
        return garden.services.hand_measurement.log(garden.context(), fields)

    moisture(12)
    garden.services.task.skip(garden.context(), garden.only_task(TaskKind.WATERING).key)
    skipped = garden.open_kinds()
    wrong = [moisture(60), moisture(55)]
    assert garden.open_kinds() == skipped

    for index in order:
        garden.services.hand_measurement.remove(garden.context(), wrong[index].key)

    view = garden.snapshot().plant(plant.key)
    assert view is not None
    assert "soil_dry" in view.attention_reasons
    assert garden.open_kinds() == skipped


def test_the_last_one_removed_leaves_nothing(garden: Garden) -> None:
    tank = garden.tank()
    wrong = log(garden, tank, PH, 7.9)

    garden.services.hand_measurement.remove(garden.context(), wrong.key)

    assert (problem(garden, tank).is_on, problem(garden, tank).value) == (None, None)
    assert garden.open_kinds() == []


def test_one_s_own_or_as_an_admin(garden: Garden) -> None:
    made = log(garden, garden.tank(), PH, 6.0)
    remove = garden.services.hand_measurement.remove

    with pytest.raises(ForbiddenError):
        remove(garden.context(actor="somebody else"), made.key)
    remove(garden.context(actor="somebody else", role=Role.ADMIN), made.key)

    with pytest.raises(NotFoundError):
        remove(garden.context(), made.key)


def test_what_cannot_be_is_refused_and_nothing_is_written(garden: Garden) -> None:
    tank = garden.tank()
    with pytest.raises(OutOfRangeError, match="value 19 is no ph; possible are 0 to 14"):
        log(garden, tank, PH, 19)
    with pytest.raises(FutureTimeError):
        log(garden, tank, PH, 6, at=garden.now + timedelta(hours=1))
    with pytest.raises(InvalidInputError, match="too old to count") as too_old:
        log(garden, tank, PH, 6, at=garden.now - timedelta(days=90, seconds=1))
    assert (too_old.value.field, too_old.value.placeholders["allowed"]) == (
        "at",
        "2026-01-31T10:00+00:00 – 2026-05-01T10:00+00:00",
    )
    with pytest.raises(InvalidInputError, match="not measured by hand at a tank"):
        log(garden, tank, MOISTURE, 40)
    with pytest.raises(InvalidInputError, match="either tank_key or plant_key"):
        garden.services.hand_measurement.list_of_place(garden.context())
    garden.services.tank.archive(garden.context(role=Role.ADMIN), tank.key)
    with pytest.raises(NotFoundError, match="archived"):
        log(garden, tank, PH, 6)

    listed = garden.services.hand_measurement.list_of_place(garden.context(), tank.key)
    assert listed == ()


def test_the_same_command_twice_is_one_measurement(garden: Garden) -> None:
    tank = garden.tank()
    fields = HandMeasurementFields(tank_key=tank.key, kind=WATER, value=68, unit="°F")
    context = garden.context(command_key="once")

    made = [garden.services.hand_measurement.log(context, fields) for _ in range(2)]

    assert made[0] == made[1]
    assert made[0].value == 20
    assert len(garden.services.hand_measurement.list_of_place(garden.context(), tank.key)) == 1
