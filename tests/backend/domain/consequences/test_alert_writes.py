"""Alerts are written when something changes, and are judged as if they always were."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_backend.bootstrap import build_services
from kamerplanter_backend.domain.repositories.plant import PlantAlertRepository
from kamerplanter_backend.domain.repositories.tank import TankAlertRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_engines.alert_run_engine import judge_run
from kamerplanter_engines.models.plant import PlantAlertFields
from kamerplanter_engines.models.tank import (
    AlertState,
    Band,
    Tank,
    TankAlert,
    TankAlertFields,
    TankProblem,
)
from kamerplanter_engines.models.task import TaskKind
from kamerplanter_engines.models.telemetry import ChannelKind, Probe, Reading
from kamerplanter_engines.soil_alert_engine import judge_soil_run
from kamerplanter_engines.tables.channels import CHANNELS
from tests.backend.garden import START, Garden
from tests.question_counter import CountingStore

EC, PH, MOISTURE = ChannelKind.EC, ChannelKind.PH, ChannelKind.SOIL_MOISTURE
WRITES = ("insert", "insert_if_new", "replace", "remove")


def store_counted(garden: Garden, *readings: Reading) -> Counter[str]:
    """Store readings and return what was asked of the store."""
    counting = CountingStore(garden.store)
    build_services(counting).telemetry.record(garden.context(), readings)  # type: ignore[arg-type]
    return counting.calls


def tank_alert(garden: Garden, tank: Tank, problem: TankProblem = TankProblem.EC) -> TankAlert:
    """Return an alert as it is written down."""
    with open_unit(garden.store, garden.context()) as uow:
        found = uow.of(TankAlertRepository).for_problem(tank.key, problem)
    assert found is not None
    return found


def soil_alert(garden: Garden, plant_key: str) -> PlantAlertFields:
    """Return what is written down of the soil of a plant."""
    with open_unit(garden.store, garden.context()) as uow:
        found = uow.of(PlantAlertRepository).of_plant(plant_key)
    assert found is not None
    return found


def tanks_with_probes(garden: Garden, count: int) -> list[Probe]:
    probes = []
    for number in range(count):
        tank = garden.tank(name=f"Tank {number}", ec_high_ms_cm=2.0)
        probes.append(garden.probe(EC, PH, name=f"Probe {number}", tank_key=tank.key))
    return probes


@pytest.mark.parametrize("count", [1, 5])
def test_a_batch_within_the_bands_is_stored_with_few_questions_and_no_alert(
    garden: Garden, count: int
) -> None:
    """The same for one tank and for many: probes twice, tanks, plants, alerts, tasks, facts."""
    probes = tanks_with_probes(garden, count)
    for probe in probes:
        garden.measure(probe, EC, 1.5)
        garden.measure(probe, PH, 6.0)
    garden.wait(seconds=10)

    calls = store_counted(
        garden,
        *(garden.reading(probe, EC, 1.51) for probe in probes),
        *(garden.reading(probe, PH, 6.01) for probe in probes),
    )

    assert calls["append"] == 1
    assert [calls[name] for name in WRITES] == [0, 0, 0, 0]
    assert calls["latest"] == calls["range"] == calls["get"] == 0
    # Probes, plants, alerts and tasks of all tanks, and which devices are gone.
    assert calls["find"] == 5
    assert calls.total() <= 16


def test_soil_that_stays_moist_is_stored_without_a_write_of_its_alert(garden: Garden) -> None:
    probes = []
    for number in range(5):
        plant = garden.plant(name=f"Tomato {number}", soil_moisture_low_pct=22.0)
        probes.append(garden.probe(MOISTURE, name=f"Probe {number}", plant_key=plant.key))
        garden.measure(probes[-1], MOISTURE, 45.0)
    garden.wait(minutes=10)

    calls = store_counted(garden, *(garden.reading(probe, MOISTURE, 44.0) for probe in probes))

    assert [calls[name] for name in WRITES] == [0, 0, 0, 0]
    assert calls["latest"] == calls["range"] == calls["get"] == 0
    assert calls["find"] == 3  # alerts and probes of all plants, and which devices are gone
    assert calls.total() <= 16


def test_a_look_at_the_clock_writes_nothing_where_nothing_changed(garden: Garden) -> None:
    (probe,) = tanks_with_probes(garden, 1)
    garden.measure(probe, EC, 1.5)
    garden.wait(minutes=1)
    garden.measure(probe, EC, 1.6)
    counting = CountingStore(garden.store)

    build_services(counting).telemetry.evaluate(garden.context())  # type: ignore[arg-type]

    assert [counting.calls[name] for name in WRITES] == [0, 0, 0, 0]


def test_a_value_that_leaves_its_band_is_written_at_once(garden: Garden) -> None:
    (probe,) = tanks_with_probes(garden, 1)
    garden.measure(probe, EC, 1.5)
    garden.wait(minutes=1)

    calls = store_counted(garden, garden.reading(probe, EC, 2.5))

    assert calls["replace"] == 1


@pytest.mark.parametrize("with_restart", [True, False], ids=["restart", "running"])
def test_what_a_device_had_buffered_says_nothing_after_what_is_newer(
    tmp_path: Any, *, with_restart: bool
) -> None:
    """The newer reading is in the store alone: the alert was not written for it."""
    garden = Garden(tmp_path / "garden.db")
    tank = garden.tank(ec_high_ms_cm=2.0)
    probe = garden.probe(EC, tank_key=tank.key)
    garden.measure(probe, EC, 1.5)
    first_at = garden.now
    garden.wait(minutes=20)
    garden.measure(probe, EC, 1.6)
    if with_restart:
        garden.wait(seconds=30)
        garden.restart()
    assert tank_alert(garden, tank).last_reading_at == first_at

    garden.wait(seconds=1)
    late = [
        garden.reading(probe, EC, value, at=first_at + timedelta(minutes=minutes))
        for minutes, value in ((2, 2.5), (10, 2.6))
    ]
    garden.services.telemetry.record(garden.context(), late)
    assert tank_alert(garden, tank).state is AlertState.INACTIVE

    garden.services.telemetry.record(
        garden.context(),
        [
            late[0].model_copy(update={"value": 2.55, "at": late[0].at + timedelta(minutes=3)}),
            garden.reading(probe, EC, 2.7),
        ],
    )

    alert = tank_alert(garden, tank)
    assert (alert.state, alert.since, alert.out_of_band_count) == (
        AlertState.PENDING,
        garden.now,
        1,
    )
    garden.store.close()


def test_what_is_sent_again_is_not_counted_twice(garden: Garden) -> None:
    (probe,) = tanks_with_probes(garden, 1)
    garden.measure(probe, EC, 1.5)
    garden.wait(minutes=6)
    out = garden.reading(probe, EC, 2.5, at=garden.now - timedelta(minutes=5, seconds=30))

    for _ in range(3):
        garden.services.telemetry.record(garden.context(), [out])
        garden.wait(seconds=10)

    tank = garden.snapshot().tanks[0].tank
    alert = tank_alert(garden, tank)
    assert (alert.state, alert.out_of_band_count) == (AlertState.PENDING, 1)


def test_what_lies_ahead_after_the_clock_went_back_is_forgotten_by_a_value_in_its_band(
    garden: Garden,
) -> None:
    tank = garden.tank(ec_high_ms_cm=2.0)
    probe = garden.probe(EC, tank_key=tank.key)
    garden.wait(hours=1)
    garden.measure(probe, EC, 1.5)
    garden.wait(hours=-1)

    garden.measure(probe, EC, 1.55)

    assert tank_alert(garden, tank).last_reading_at == garden.now


def test_where_two_probes_can_speak_the_last_reading_is_written(garden: Garden) -> None:
    tank = garden.tank(ec_high_ms_cm=2.0)
    probe = garden.probe(EC, tank_key=tank.key)
    garden.wait(seconds=1)
    garden.probe(EC, name="Second", tank_key=tank.key)
    garden.measure(probe, EC, 1.5)
    garden.wait(minutes=1)

    garden.measure(probe, EC, 1.6)

    assert tank_alert(garden, tank).last_reading_at == garden.now


def test_who_lists_alerts_sees_the_newest_reading(garden: Garden) -> None:
    tank = garden.tank(ec_high_ms_cm=2.0)
    probe = garden.probe(EC, tank_key=tank.key)
    garden.measure(probe, EC, 1.5)
    garden.wait(minutes=1)
    garden.measure(probe, EC, 1.6)

    (alert,) = garden.services.tank.alerts(garden.context(), tank.key)

    assert (alert.last_reading_at, alert.last_value) == (garden.now, 1.6)


def test_a_task_that_a_person_opened_again_without_a_problem_is_closed(garden: Garden) -> None:
    (probe,) = tanks_with_probes(garden, 1)
    garden.measure_for(10, probe, EC, 2.5)
    key = garden.only_task(TaskKind.TANK_EC).key
    garden.measure(probe, EC, 1.5)
    garden.services.task.reopen(garden.context(), key)
    assert garden.open_kinds() == [TaskKind.TANK_EC]
    garden.wait(minutes=1)

    garden.measure(probe, EC, 1.51)

    assert garden.open_kinds() == []


BATCHES = st.lists(
    st.tuples(
        st.integers(1, 12),
        st.lists(
            st.tuples(st.integers(0, 25), st.booleans()),
            min_size=1,
            max_size=4,
            unique_by=lambda pair: pair[0],
        ),
    ),
    min_size=1,
    max_size=12,
)
"""Minutes between batches; in each, how many minutes ago it was measured, and whether within."""


def batches_of(
    garden: Garden, probe: Probe, pairs: Any, *, inside: float, outside: float
) -> Iterator[tuple[datetime, list[Reading]]]:
    """Yield the batches of the only channel of a probe; no moment comes twice."""
    kind = probe.channels[0].kind
    known: set[datetime] = set()
    for wait, parts in pairs:
        garden.wait(minutes=wait)
        batch = []
        for minutes_ago, is_inside in parts:
            at = garden.now - timedelta(minutes=minutes_ago)
            if at not in known and at >= START:
                known.add(at)
                batch.append(garden.reading(probe, kind, inside if is_inside else outside, at=at))
        if batch:
            yield garden.now, sorted(batch, key=lambda item: item.at)


@settings(max_examples=60, deadline=None)
@given(BATCHES)
def test_a_tank_is_judged_as_if_its_alert_were_always_written(pairs: Any) -> None:
    garden = Garden()
    tank = garden.tank(ec_low_ms_cm=1.0, ec_high_ms_cm=2.0)
    probe = garden.probe(EC, tank_key=tank.key)
    garden.measure(probe, EC, 1.5)
    spec = CHANNELS[EC]
    expected: TankAlertFields = tank_alert(garden, tank)
    for now, batch in batches_of(garden, probe, pairs, inside=1.5, outside=2.5):
        expected = judge_run(
            expected,
            Band(low=1.0, high=2.0),
            batch,
            now=now,
            started_at=None,
            max_age_s=spec.max_age_s,
            hold_s=spec.hold_s,
        )
        garden.services.telemetry.record(garden.context(), batch)
        found = tank_alert(garden, tank)
        for name in ("state", "side", "since", "raised_at", "out_of_band_count"):
            assert getattr(found, name) == getattr(expected, name), name
    garden.store.close()


@settings(max_examples=60, deadline=None)
@given(BATCHES, st.sampled_from([12.0, 70.0]))
def test_soil_is_judged_as_if_its_alert_were_always_written(pairs: Any, outside: float) -> None:
    garden = Garden()
    plant = garden.plant(soil_moisture_low_pct=22.0, soil_moisture_high_pct=60.0)
    probe = garden.probe(MOISTURE, plant_key=plant.key)
    garden.measure(probe, MOISTURE, 45.0)
    spec = CHANNELS[MOISTURE]
    expected = soil_alert(garden, plant.key)
    for now, batch in batches_of(garden, probe, pairs, inside=45.0, outside=outside):
        expected = judge_soil_run(
            expected,
            22.0,
            60.0,
            batch,
            now=now,
            started_at=None,
            max_age_s=spec.max_age_s,
            hold_s=spec.hold_s,
        )
        garden.services.telemetry.record(garden.context(), batch)
        found = soil_alert(garden, plant.key)
        for name in ("is_dry", "since", "pending_since", "is_wet", "wet_pending_since"):
            assert getattr(found, name) == getattr(expected, name), name
    garden.store.close()
