"""A probe that is moved to another tank or pot: its old value says nothing of the new one."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.snapshot.views import ProblemView
from kamerplanter_engines.models.hand_measurement import HandMeasurement, HandMeasurementFields
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.tank import Tank, TankProblem
from kamerplanter_engines.models.task import TaskKind
from kamerplanter_engines.models.telemetry import ChannelKind, Probe, Reading
from tests.backend.garden import Garden

PH, EC, BATTERY = ChannelKind.PH, ChannelKind.EC, ChannelKind.BATTERY
MOISTURE, WATER = ChannelKind.SOIL_MOISTURE, ChannelKind.WATER_TEMPERATURE
LIMITS: dict[str, Any] = {"soil_moisture_low_pct": 30.0, "soil_moisture_high_pct": 60.0}
NOWHERE = {"tank_key": None, "plant_key": None, "location_key": None}


def move(garden: Garden, probe: Probe, to: Tank | Plant | None) -> Probe:
    """Move a probe a minute later; the next thing is done another minute later."""
    place: dict[str, Any] = dict(NOWHERE)
    if to is not None:
        place["tank_key" if isinstance(to, Tank) else "plant_key"] = to.key
    garden.wait(minutes=1)
    after = garden.services.probe.update(garden.context(), probe.key, place)
    garden.wait(minutes=1)
    return after


def problem(garden: Garden, tank: Tank, kind: TankProblem = TankProblem.PH) -> ProblemView:
    view = garden.snapshot().tank(tank.key)
    assert view is not None
    (found,) = [item for item in view.problems if item.kind is kind]
    return found


def latest(garden: Garden, probe: Probe) -> dict[ChannelKind, float | None]:
    views = garden.services.telemetry.list_latest(garden.context(), probe.key)
    assert all((view.last is None) == (view.last_good is None) for view in views)
    return {view.kind: view.last.value if view.last else None for view in views}


def stored(garden: Garden, probe: Probe, kind: ChannelKind = PH) -> list[float]:
    since = garden.now - timedelta(days=1)
    found = garden.services.telemetry.list_readings(
        garden.context(), probe.key, kind, since, garden.now + timedelta(minutes=1)
    )
    return [item.value for item in found]


@pytest.fixture
def tanks(garden: Garden) -> tuple[Tank, Tank]:
    return garden.tank(name="A"), garden.tank(name="B")


# --- What is shown --------------------------------------------------------------------------


def test_new_tank_knows_no_value_until_it_is_measured_there(
    garden: Garden, tanks: tuple[Tank, Tank]
) -> None:
    one, other = tanks
    probe = garden.probe(PH, BATTERY, tank_key=one.key)
    garden.measure(probe, PH, 8.0)
    garden.measure(probe, BATTERY, 80)

    move(garden, probe, other)

    shown = problem(garden, other)
    assert (shown.value, shown.is_on, shown.reasons) == (None, None, ("no_data",))
    # What it says of itself is of no place.
    assert latest(garden, probe) == {PH: None, BATTERY: 80}
    assert stored(garden, probe) == [8.0]

    garden.measure(probe, PH, 6.0)

    assert (problem(garden, other).value, problem(garden, other).is_on) == (6.0, False)
    assert latest(garden, probe)[PH] == 6.0
    assert stored(garden, probe) == [8.0, 6.0]


def test_moving_back_is_a_move_and_two_moves_are_two(
    garden: Garden, tanks: tuple[Tank, Tank]
) -> None:
    one, other = tanks
    probe = garden.probe(PH, tank_key=one.key)
    garden.measure(probe, PH, 6.1)
    move(garden, probe, other)
    garden.measure(probe, PH, 5.9)

    move(garden, probe, one)
    assert (problem(garden, one).value, problem(garden, other).value) == (None, None)

    move(garden, probe, other)
    assert problem(garden, other).value is None
    garden.measure(probe, PH, 6.2)
    assert problem(garden, other).value == 6.2

    # On the shelf it speaks for nothing, and from there it comes anew.
    move(garden, probe, None)
    assert problem(garden, other).value is None
    move(garden, probe, other)
    assert problem(garden, other).value is None


def test_a_change_that_moves_nothing_takes_no_value(
    garden: Garden, tanks: tuple[Tank, Tank]
) -> None:
    one, _ = tanks
    probe = garden.probe(PH, tank_key=one.key)
    garden.measure(probe, PH, 6.1)
    garden.wait(minutes=1)
    channel = probe.channels[0].model_dump(mode="json")
    patches: tuple[dict[str, Any], ...] = (
        {"name": "New name"},
        {**NOWHERE, "tank_key": one.key},
        {"channels": [{**channel, "hold_s": 600}]},
        {"channels": [{**channel, "topic": "elsewhere/ph"}]},
    )
    for patch in patches:
        after = garden.services.probe.update(garden.context(), probe.key, patch)
        assert after.placed_at is None
        assert problem(garden, one).value == 6.1
        assert latest(garden, probe)[PH] == 6.1


def test_what_an_older_version_moved_shows_as_before(
    garden: Garden, tanks: tuple[Tank, Tank]
) -> None:
    one, other = tanks
    probe = garden.probe(PH, tank_key=one.key)
    garden.measure(probe, PH, 6.1)

    with open_unit(garden.store, garden.context(), (ProbeRepository,)) as uow:
        uow.of(ProbeRepository).change(probe, tank_key=other.key)

    assert problem(garden, other).value == 6.1


def test_what_comes_late_is_stored_and_is_none_of_the_new_tank(
    garden: Garden, tanks: tuple[Tank, Tank]
) -> None:
    one, other = tanks
    probe = garden.probe(PH, tank_key=one.key)
    garden.measure(probe, PH, 6.1)
    move(garden, probe, other)

    for minutes in (2, 1.5):
        garden.measure(probe, PH, 8.0 + minutes, at=garden.now - timedelta(minutes=minutes))

    assert problem(garden, other).value is None
    assert latest(garden, probe)[PH] is None
    assert stored(garden, probe) == [6.1, 9.5]  # one was measured at the moment of the first


def test_a_restart_brings_nothing_back(tmp_path: Any) -> None:
    garden = Garden(tmp_path / "garden.db")
    one, other = garden.tank(name="A"), garden.tank(name="B")
    probe = garden.probe(PH, tank_key=one.key)
    garden.measure(probe, PH, 6.1)
    move(garden, probe, other)

    garden.restart()

    assert problem(garden, other).value is None
    memory = garden.services.telemetry.memories(garden.context(), [probe.key])[probe.key]
    assert memory.view.channels[0].known.last_good is None
    garden.store.close()


def test_a_listener_whose_clock_is_a_little_ahead_brings_nothing_along(
    garden: Garden, tanks: tuple[Tank, Tank]
) -> None:
    one, other = tanks
    probe = garden.probe(PH, tank_key=one.key)
    ahead = garden.now + timedelta(seconds=100)
    garden.measure(probe, PH, 8.0, at=ahead, received_at=ahead)

    move(garden, probe, other)

    assert problem(garden, other).value is None


# --- What follows ---------------------------------------------------------------------------


def evaluate(garden: Garden) -> int:
    return garden.services.telemetry.evaluate(garden.context())


def test_a_bad_value_of_the_old_tank_raises_nothing_in_the_new_one(
    garden: Garden, tanks: tuple[Tank, Tank]
) -> None:
    one, other = tanks
    probe = garden.probe(PH, tank_key=one.key)
    garden.measure_for(4, probe, PH, 8.0)
    move(garden, probe, other)

    for _ in range(20):
        late = garden.now - timedelta(minutes=60)
        garden.measure(probe, PH, 8.1, at=late)
        evaluate(garden)
        garden.wait(minutes=1)

    assert problem(garden, other).is_on is None
    assert TaskKind.TANK_PH not in garden.open_kinds()


def test_a_good_value_of_the_old_tank_ends_nothing_in_the_new_one(
    garden: Garden, tanks: tuple[Tank, Tank]
) -> None:
    one, other = tanks
    there = garden.probe(PH, name="There", tank_key=other.key)
    garden.measure_for(10, there, PH, 8.0)
    assert problem(garden, other).is_on
    garden.services.probe.archive(garden.context(), there.key)
    probe = garden.probe(PH, name="Good", tank_key=one.key)
    garden.measure(probe, PH, 6.0)

    move(garden, probe, other)
    evaluate(garden)
    garden.measure(probe, PH, 6.0, at=garden.now - timedelta(minutes=2))

    shown = problem(garden, other)
    assert (shown.is_on, shown.value, shown.reasons) == (True, None, ("high", "no_data"))
    assert TaskKind.TANK_PH in garden.open_kinds()

    garden.measure(probe, PH, 6.0)

    assert problem(garden, other).is_on is False
    assert TaskKind.TANK_PH not in garden.open_kinds()


def test_no_hold_time_goes_on_over_a_move(garden: Garden, tanks: tuple[Tank, Tank]) -> None:
    one, other = tanks
    probe = garden.probe(PH, tank_key=one.key)
    garden.measure_for(3, probe, PH, 8.0)

    move(garden, probe, other)
    move(garden, probe, one)
    garden.wait(minutes=3)
    garden.measure(probe, PH, 8.0)
    garden.wait(minutes=1)
    garden.measure(probe, PH, 8.0)

    assert problem(garden, one).is_on is False
    garden.measure_for(10, probe, PH, 8.0)
    assert problem(garden, one).is_on is True


def test_dry_soil_of_one_pot_asks_nobody_to_water_another_one(garden: Garden) -> None:
    dry, moist = garden.plant(name="Dry", **LIMITS), garden.plant(name="Moist", **LIMITS)
    probe = garden.probe(MOISTURE, plant_key=dry.key)
    garden.measure(probe, MOISTURE, 10)

    move(garden, probe, moist)
    for _ in range(60):
        evaluate(garden)
        garden.wait(minutes=1)

    view = garden.snapshot().plant(moist.key)
    assert view is not None
    assert "moisture_low" not in view.attention_reasons
    assert TaskKind.WATERING not in {
        task.kind for task in garden.snapshot().tasks if task.plant_key == moist.key
    }


def test_no_hold_time_of_soil_goes_on_over_a_move(garden: Garden) -> None:
    dry, other = garden.plant(name="Dry", **LIMITS), garden.plant(name="Other", **LIMITS)
    probe = garden.probe(MOISTURE, plant_key=dry.key)
    garden.measure(probe, MOISTURE, 10)
    move(garden, probe, other)
    move(garden, probe, dry)
    garden.wait(minutes=60)

    garden.measure(probe, MOISTURE, 10)

    assert TaskKind.WATERING not in {
        task.kind for task in garden.snapshot().tasks if task.rule == "soil_moisture_low"
    }
    garden.wait(minutes=60)
    garden.measure(probe, MOISTURE, 10)
    assert TaskKind.WATERING in garden.open_kinds()


def test_a_probe_of_water_that_is_stuck_into_soil_says_nothing_of_either(garden: Garden) -> None:
    tank, plant = garden.tank(), garden.plant()
    probe = garden.probe(PH, MOISTURE, tank_key=tank.key)
    garden.measure(probe, PH, 6.0)
    garden.measure(probe, MOISTURE, 100)

    move(garden, probe, plant)

    assert latest(garden, probe) == {PH: None, MOISTURE: None}
    assert problem(garden, tank).value is None


# --- Who is compared ------------------------------------------------------------------------


def test_two_probes_are_not_compared_by_what_one_measured_elsewhere(
    garden: Garden, tanks: tuple[Tank, Tank]
) -> None:
    one, other = tanks
    old = garden.probe(PH, name="Old", tank_key=one.key)
    garden.wait(minutes=1)
    there = garden.probe(PH, name="There", tank_key=other.key)
    garden.measure(old, PH, 7.5)
    garden.measure(there, PH, 6.0)

    move(garden, old, other)

    # It is the older one of the two, and would speak.
    assert problem(garden, other).value == 6.0
    view = garden.snapshot().tank(other.key)
    assert view is not None
    assert [item.agrees for item in view.agreements] == [True]
    doubts = {item.probe.key: item.doubts for item in garden.snapshot().probes}
    assert doubts == {old.key: (), there.key: ()}

    garden.measure(old, PH, 7.5)
    view = garden.snapshot().tank(other.key)
    assert view is not None
    assert [item.agrees for item in view.agreements] == [False]
    assert problem(garden, other).value == 7.5


def by_hand(
    garden: Garden, tank: Tank, value: float, at: datetime | None = None
) -> HandMeasurement:
    fields = HandMeasurementFields(tank_key=tank.key, kind=PH, value=value, at=at)
    return garden.services.hand_measurement.log(garden.context(), fields)


def drifts(garden: Garden, probe: Probe) -> list[tuple[int, bool]]:
    view = garden.snapshot().probe(probe.key)
    assert view is not None
    return [(item.count, item.drifted) for item in view.drifts]


def test_comparisons_by_hand_of_the_old_tank_do_not_count(
    garden: Garden, tanks: tuple[Tank, Tank]
) -> None:
    one, other = tanks
    probe = garden.probe(PH, tank_key=one.key)
    for _ in range(3):
        garden.measure(probe, PH, 7.0)
        by_hand(garden, one, 6.0)
        garden.wait(minutes=30)
    assert drifts(garden, probe) == [(3, True)]

    move(garden, probe, other)
    assert drifts(garden, probe) == []
    # Beside what it measured in the other tank, even if that is heard only now.
    assert by_hand(garden, other, 6.0).comparisons == ()
    garden.measure(probe, PH, 7.0, at=garden.now - timedelta(seconds=90))
    assert by_hand(garden, other, 6.0, garden.now - timedelta(seconds=80)).comparisons == ()
    assert drifts(garden, probe) == []
    move(garden, probe, one)
    assert drifts(garden, probe) == []


def test_by_hand_speaks_for_a_tank_until_the_probe_has_measured_there(
    garden: Garden, tanks: tuple[Tank, Tank]
) -> None:
    one, other = tanks
    probe = garden.probe(PH, tank_key=one.key)
    measured_at = garden.now
    garden.wait(minutes=1)
    garden.measure(probe, PH, 6.0)
    move(garden, probe, other)

    # Measured before the probe measured in the other tank, and written down now.
    by_hand(garden, other, 8.4, measured_at)

    assert (problem(garden, other).value, problem(garden, other).is_on) == (8.4, True)
    garden.measure(probe, PH, 6.0)
    assert (problem(garden, other).value, problem(garden, other).is_on) == (6.0, False)


def test_where_a_value_is_heading_begins_anew(garden: Garden, tanks: tuple[Tank, Tank]) -> None:
    one, other = tanks
    probe = garden.probe(PH, tank_key=one.key)
    for step in range(60):
        garden.measure(probe, PH, 6 + step / 100)
        garden.wait(minutes=10)

    moved = move(garden, probe, other)
    found = garden.services.trend.of_channel(garden.context(), probe.key, PH)

    assert (found.count, found.since, found.change_per_h) == (0, moved.placed_at, None)


def reading_of(garden: Garden, probe: Probe, value: float) -> Reading:
    return garden.reading(probe, PH, value)


def test_a_batch_over_the_move_is_parted(garden: Garden, tanks: tuple[Tank, Tank]) -> None:
    one, other = tanks
    probe = garden.probe(PH, tank_key=one.key)
    garden.measure(probe, PH, 6.0)
    before = [
        garden.reading(probe, PH, 8.0, at=garden.now + timedelta(seconds=second))
        for second in (10, 20, 50)
    ]
    move(garden, probe, other)

    garden.services.telemetry.record(garden.context(), (*before, reading_of(garden, probe, 6.4)))

    assert problem(garden, other).value == 6.4
    assert stored(garden, probe) == [6.0, 8.0, 8.0, 8.0, 6.4]
    assert garden.services.telemetry.evaluate(garden.context()) == 0
