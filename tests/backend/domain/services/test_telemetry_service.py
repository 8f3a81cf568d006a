"""Readings come in, and tanks, plants and tasks follow."""

from datetime import timedelta
from pathlib import Path

import pytest

from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.domain.services import telemetry_service
from kamerplanter_backend.domain.snapshot.views import ProblemView
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.rollup import RollupLevel
from kamerplanter_engines.models.tank import Side, Tank, TankProblem
from kamerplanter_engines.models.task import TaskFields, TaskKind, TaskState
from kamerplanter_engines.models.telemetry import ChannelKind, Probe, Verdict
from tests.backend.garden import Garden, states

EC, PH, MOISTURE = ChannelKind.EC, ChannelKind.PH, ChannelKind.SOIL_MOISTURE


@pytest.fixture
def tank(garden: Garden) -> Tank:
    return garden.tank(ec_high_ms_cm=2.0)


@pytest.fixture
def probe(garden: Garden, tank: Tank) -> Probe:
    return garden.probe(EC, PH, tank_key=tank.key)


def _ec(garden: Garden) -> ProblemView:
    return garden.snapshot().tanks[0].problem(TankProblem.EC)


def test_a_value_out_of_band_makes_one_task_not_one_per_reading(
    garden: Garden, probe: Probe
) -> None:
    garden.measure_for(60, probe, EC, 2.5)

    assert _ec(garden).is_on is True
    assert _ec(garden).side is Side.HIGH
    assert _ec(garden).reasons == ("high",)
    assert garden.open_kinds() == [TaskKind.TANK_EC]


def test_nothing_is_raised_before_five_minutes(garden: Garden, probe: Probe) -> None:
    garden.measure_for(5, probe, EC, 2.5)

    assert _ec(garden).is_on is False
    assert garden.open_kinds() == []
    hold_ends_at = garden.now
    assert garden.snapshot().next_due_at > hold_ends_at - timedelta(seconds=1)


def test_the_clock_alone_raises_what_has_waited_long_enough(garden: Garden, probe: Probe) -> None:
    garden.measure(probe, EC, 2.5)
    garden.wait(minutes=1)
    garden.measure(probe, EC, 2.5)
    due_at = garden.snapshot().next_due_at

    assert due_at is not None
    garden.now = due_at
    changed = garden.services.telemetry.evaluate(garden.context())

    assert changed == 2  # the alert and its task
    assert _ec(garden).is_on is True


def test_the_task_closes_when_the_value_is_back(garden: Garden, probe: Probe) -> None:
    garden.measure_for(10, probe, EC, 2.5)
    garden.measure(probe, EC, 1.95)
    still_on = _ec(garden).is_on

    garden.measure(probe, EC, 1.6, at=garden.now + timedelta(seconds=5))

    assert still_on is True  # inside the band, yet not beyond the margin of 5 %
    assert _ec(garden).is_on is False
    assert _ec(garden).reasons == ()
    assert states(garden.snapshot().tasks) == [(TaskKind.TANK_EC, TaskState.RESOLVED)]


def test_a_completed_task_is_not_made_again_until_the_value_was_back(
    garden: Garden, probe: Probe
) -> None:
    garden.measure_for(10, probe, EC, 2.5)
    garden.services.task.complete(garden.context(), garden.only_task(TaskKind.TANK_EC).key)

    garden.measure_for(30, probe, EC, 2.5)
    while_out = garden.open_kinds()
    garden.measure(probe, EC, 1.6)
    garden.wait(minutes=1)
    garden.measure_for(10, probe, EC, 2.5)

    assert while_out == []
    assert garden.open_kinds() == [TaskKind.TANK_EC]


def test_a_reopened_task_counts_as_not_dealt_with(garden: Garden, probe: Probe) -> None:
    garden.measure_for(10, probe, EC, 2.5)
    key = garden.only_task(TaskKind.TANK_EC).key
    garden.services.task.complete(garden.context(), key)
    garden.services.task.reopen(garden.context(), key)
    garden.measure(probe, EC, 2.5)

    assert garden.open_kinds() == [TaskKind.TANK_EC]

    garden.measure(probe, EC, 1.5, at=garden.now + timedelta(seconds=5))

    assert garden.open_kinds() == []


def test_the_band_follows_the_phase_of_the_plants(garden: Garden) -> None:
    tank = garden.tank()
    plant = garden.plant(tank_key=tank.key, phase_entry_id="vegetative")
    growing = garden.snapshot().tanks[0].bands.ec

    garden.services.phase.set_phase(
        garden.context(), plant.key, "fruiting", reason="Bought in fruit"
    )
    fruiting = garden.snapshot().tanks[0].bands.ec

    # targets of 1.5 and 2.2 mS/cm, 20 % to both sides
    assert (growing.low, growing.target, growing.high) == (1.2, 1.5, 1.8)
    assert (fruiting.low, fruiting.target, fruiting.high) == (1.76, 2.2, 2.64)


def test_the_same_batch_twice_is_stored_once(garden: Garden, probe: Probe) -> None:
    batch = (garden.reading(probe, EC, 1.5), garden.reading(probe, PH, 6.0))

    first = garden.services.telemetry.record(garden.context(), batch)
    second = garden.services.telemetry.record(garden.context(), batch)

    assert (first, second) == (2, 0)


def test_readings_of_unknown_and_archived_probes_do_not_hold_up_the_others(
    garden: Garden, probe: Probe, caplog: pytest.LogCaptureFixture
) -> None:
    gone = garden.probe(EC, name="Old")
    garden.services.probe.archive(garden.context(), gone.key)
    stranger = garden.reading(probe, EC, 1.5).model_copy(update={"probe_key": "nobody"})
    batch = (stranger, garden.reading(gone, EC, 1.5), garden.reading(probe, EC, 1.5))

    assert garden.services.telemetry.record(garden.context(), batch) == 1
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert told == ["1 readings are of no probe here: nobody"]


def test_readings_that_waited_too_long_are_said_and_do_not_hold_up_the_others(
    garden: Garden, probe: Probe, caplog: pytest.LogCaptureFixture
) -> None:
    limit = garden.now - timedelta(days=90)
    batch = tuple(
        garden.reading(probe, EC, 1.5 + number / 10, at=at)
        for number, at in enumerate(
            (limit - timedelta(days=3), limit - timedelta(seconds=1), limit, garden.now)
        )
    )

    assert garden.services.telemetry.record(garden.context(), batch) == 2
    told = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    first = (limit - timedelta(days=3)).isoformat()
    [line] = told
    assert line == (
        f"2 readings are not stored (too_old): they were measured at {first} or later, "
        f"more than the 90 days ago for which single readings are kept, by: {probe.key}"
    )


def test_readings_of_unknown_probes_alone_are_refused(garden: Garden, probe: Probe) -> None:
    one, two = (
        garden.reading(probe, EC, 1.5).model_copy(update={"probe_key": name}) for name in ("b", "a")
    )

    with pytest.raises(NotFoundError, match="No probe 'a' in this garden") as refused:
        garden.services.telemetry.record(garden.context(), (one, two))

    assert refused.value.placeholders == {"kind": "probes", "key": "a"}
    assert garden.services.telemetry.record(garden.context(), ()) == 0


def test_an_archived_probe_is_known_so_its_readings_are_dropped_in_silence(
    garden: Garden, probe: Probe, caplog: pytest.LogCaptureFixture
) -> None:
    garden.services.probe.archive(garden.context(), probe.key)

    stored = garden.services.telemetry.record(garden.context(), (garden.reading(probe, EC, 1.5),))

    assert stored == 0
    assert "of no probe" not in caplog.text


def test_a_suspect_reading_is_stored_and_decides_nothing(garden: Garden, probe: Probe) -> None:
    for _ in range(20):
        garden.measure(probe, EC, 4.9, verdict=Verdict.SUSPECT)
        garden.wait(minutes=1)

    channel = garden.snapshot().probes[0].channels[0]

    assert channel.last.value == 4.9
    assert channel.last_good is None
    assert _ec(garden).is_on is None
    assert garden.open_kinds() == []


def test_an_archived_tank_has_no_alerts_and_no_tasks(
    garden: Garden, probe: Probe, tank: Tank
) -> None:
    garden.measure_for(10, probe, EC, 2.5)

    garden.services.tank.archive(garden.context(), tank.key)
    garden.measure_for(10, probe, EC, 2.5)

    assert garden.snapshot().tanks == ()
    assert states(garden.snapshot().tasks) == [(TaskKind.TANK_EC, TaskState.RESOLVED)]


def test_two_probes_that_differ_do_not_take_turns(garden: Garden, tank: Tank, probe: Probe) -> None:
    garden.wait(seconds=1)
    second = garden.probe(EC, name="Second", tank_key=tank.key)
    for _ in range(10):
        garden.measure(probe, EC, 2.5)
        garden.measure(second, EC, 1.0)
        garden.wait(minutes=1)

    assert _ec(garden).is_on is True


def test_dry_soil_makes_a_watering_task_after_half_an_hour(garden: Garden) -> None:
    plant = garden.plant(soil_moisture_low_pct=20)
    soil = garden.probe(MOISTURE, plant_key=plant.key)

    garden.measure_for(30, soil, MOISTURE, 12, step=5)
    early = garden.open_kinds()
    garden.measure_for(10, soil, MOISTURE, 12, step=5)

    task = garden.only_task(TaskKind.WATERING)
    assert early == []
    assert (task.rule, task.due_on) == ("soil_moisture_low", garden.context().today)
    assert garden.snapshot().plants[0].attention_reasons == ("soil_dry",)


def test_dry_soil_waits_anew_after_a_restart_and_no_task_is_lost(tmp_path: Path) -> None:
    garden = Garden(tmp_path / "garden.db")
    plant = garden.plant(soil_moisture_low_pct=20)
    soil = garden.probe(MOISTURE, plant_key=plant.key)
    garden.measure_for(25, soil, MOISTURE, 12, step=5)

    garden.restart()
    garden.measure_for(30, soil, MOISTURE, 12, step=5)
    early = garden.open_kinds()
    garden.measure(soil, MOISTURE, 12)
    key = garden.only_task(TaskKind.WATERING).key
    garden.wait(minutes=1)
    garden.restart()

    assert early == []
    assert garden.only_task(TaskKind.WATERING).key == key
    assert garden.snapshot().plants[0].attention_reasons == ("soil_dry", "no_data")
    garden.store.close()


def test_a_watered_plant_gets_no_second_task_while_its_probe_still_says_dry(garden: Garden) -> None:
    plant = garden.plant(soil_moisture_low_pct=20)
    soil = garden.probe(MOISTURE, plant_key=plant.key)
    garden.measure_for(45, soil, MOISTURE, 12, step=5)
    garden.services.task.complete(garden.context(), garden.only_task(TaskKind.WATERING).key)

    garden.measure_for(20, soil, MOISTURE, 12, step=5)
    while_dry = garden.open_kinds()
    garden.measure_for(20, soil, MOISTURE, 45, step=5)
    garden.measure_for(45, soil, MOISTURE, 12, step=5)

    assert while_dry == []
    assert garden.open_kinds() == [TaskKind.WATERING]


def test_what_a_soil_probe_had_buffered_makes_no_task_after_newer_readings(garden: Garden) -> None:
    plant = garden.plant(soil_moisture_low_pct=22)
    soil = garden.probe(MOISTURE, plant_key=plant.key)
    garden.measure(soil, MOISTURE, 45)
    garden.wait(minutes=1)

    buffered = [
        garden.reading(soil, MOISTURE, value, at=garden.now - timedelta(minutes=ago))
        for ago, value in ((120, 20), (110, 20.5))
    ]
    garden.services.telemetry.record(garden.context(), buffered)
    garden.services.telemetry.evaluate(garden.context())

    assert garden.snapshot().plants[0].needs_attention is False
    assert garden.open_kinds() == []


def test_what_a_tank_probe_had_buffered_is_judged_by_its_own_times(
    garden: Garden, tank: Tank, probe: Probe
) -> None:
    garden.services.tank.update(garden.context(), tank.key, {"ph_low": 5.5, "ph_high": 6.5})
    garden.wait(hours=2)
    began = garden.now - timedelta(hours=2)

    buffered = [
        garden.reading(probe, PH, value, at=began + timedelta(minutes=minute))
        for minute, value in enumerate([6.8, 6.8, 6.45, 6.45, 6.45])
    ]
    garden.services.telemetry.record(garden.context(), buffered)

    assert garden.snapshot().tanks[0].problem(TankProblem.PH).is_on is False
    assert garden.open_kinds() == []


def test_rain_closes_the_task_that_dry_soil_made(garden: Garden) -> None:
    plant = garden.plant(soil_moisture_low_pct=20)
    soil = garden.probe(MOISTURE, plant_key=plant.key)
    garden.measure_for(45, soil, MOISTURE, 12, step=5)
    garden.measure(soil, MOISTURE, 21)
    within_the_margin = garden.open_kinds()
    garden.wait(minutes=5)

    garden.measure(soil, MOISTURE, 45)

    assert within_the_margin == [TaskKind.WATERING]
    assert states(garden.snapshot().tasks) == [(TaskKind.WATERING, TaskState.RESOLVED)]
    assert garden.snapshot().plants[0].last_watered_on is None, "nobody said that they watered"


def test_rain_leaves_a_task_of_somebody_else(garden: Garden) -> None:
    plant = garden.plant(soil_moisture_low_pct=20)
    soil = garden.probe(MOISTURE, plant_key=plant.key)
    own = TaskFields(kind=TaskKind.WATERING, title="Soak the pot", plant_key=plant.key)
    garden.services.task.create(garden.context(), own)
    garden.measure_for(45, soil, MOISTURE, 12, step=5)

    garden.measure(soil, MOISTURE, 45)

    assert garden.open_kinds() == [TaskKind.WATERING]


def test_a_probe_that_is_gone_wets_nothing(garden: Garden) -> None:
    plant = garden.plant(soil_moisture_low_pct=20)
    soil = garden.probe(MOISTURE, plant_key=plant.key)
    garden.measure_for(45, soil, MOISTURE, 12, step=5)

    garden.services.probe.archive(garden.context(), soil.key)
    garden.services.telemetry.evaluate(garden.context())

    assert garden.open_kinds() == [TaskKind.WATERING]


def test_f46_dry_soil_does_not_turn_ok_when_its_probe_falls_silent(garden: Garden) -> None:
    plant = garden.plant(soil_moisture_low_pct=20)
    soil = garden.probe(MOISTURE, plant_key=plant.key)
    garden.measure_for(45, soil, MOISTURE, 12, step=5)

    garden.wait(hours=9)
    garden.services.telemetry.evaluate(garden.context())

    view = garden.snapshot().plants[0]
    assert view.needs_attention is True
    assert view.attention_reasons == ("soil_dry", "no_data")


def test_f50_soil_of_which_no_value_ever_came_is_not_called_well(garden: Garden) -> None:
    plant = garden.plant(soil_moisture_low_pct=20)
    soil = garden.probe(MOISTURE, plant_key=plant.key)
    unheard = garden.snapshot().plants[0]

    garden.measure(soil, MOISTURE, 45)
    heard = garden.snapshot().plants[0]

    assert (unheard.needs_attention, unheard.attention_reasons) == (None, ("no_data",))
    assert (heard.needs_attention, heard.attention_reasons) == (False, ())


def test_dry_soil_ends_when_nobody_measures_it_any_more(garden: Garden) -> None:
    plant = garden.plant(soil_moisture_low_pct=20)
    soil = garden.probe(MOISTURE, plant_key=plant.key)
    garden.measure_for(45, soil, MOISTURE, 12, step=5)
    before = garden.snapshot().plants[0].attention_reasons

    garden.services.probe.archive(garden.context(), soil.key)
    garden.services.telemetry.evaluate(garden.context())

    assert "soil_dry" in before
    assert "soil_dry" not in garden.snapshot().plants[0].attention_reasons


def test_a_problem_ends_when_its_value_is_no_longer_measured(garden: Garden, probe: Probe) -> None:
    garden.measure_for(10, probe, EC, 2.5)
    was_on = _ec(garden).is_on

    garden.services.probe.archive(garden.context(), probe.key)
    garden.services.telemetry.evaluate(garden.context())

    assert was_on is True
    assert _ec(garden).is_on is None
    assert states(garden.snapshot().tasks) == [(TaskKind.TANK_EC, TaskState.RESOLVED)]


def test_f47_the_problem_ends_with_the_first_value_clearly_inside(
    garden: Garden, probe: Probe
) -> None:
    garden.measure_for(10, probe, EC, 2.3)
    was_on = _ec(garden).is_on
    garden.measure(probe, EC, 1.6)
    off_at_once = _ec(garden)

    assert was_on is True
    assert (off_at_once.is_on, off_at_once.reasons) == (False, ())
    assert garden.snapshot().tanks[0].open_task_keys == ()


def test_f49_a_value_from_before_the_restart_raises_nothing(tmp_path: Path) -> None:
    garden = Garden(tmp_path / "garden.db")
    plant = garden.plant(soil_moisture_low_pct=40)
    soil = garden.probe(MOISTURE, plant_key=plant.key)
    garden.measure(soil, MOISTURE, 34)
    garden.wait(minutes=20)

    garden.restart()
    garden.wait(minutes=40)
    garden.services.telemetry.evaluate(garden.context())

    channel = garden.snapshot().probes[0].channels[0]
    assert channel.last_good.value == 34
    assert garden.now - channel.last_good.at == timedelta(minutes=60)
    assert garden.snapshot().plants[0].needs_attention is False
    assert garden.open_kinds() == []
    garden.store.close()


def test_f53_a_threshold_remembers_its_side_over_a_restart(tmp_path: Path) -> None:
    garden = Garden(tmp_path / "garden.db")
    tank = garden.tank(ec_high_ms_cm=2.0)
    probe = garden.probe(EC, tank_key=tank.key)
    garden.measure_for(10, probe, EC, 2.1)
    key = garden.only_task(TaskKind.TANK_EC).key

    garden.restart()
    before_any_value = _ec(garden)
    garden.wait(minutes=1)
    garden.measure(probe, EC, 1.95)

    assert (before_any_value.is_on, before_any_value.reasons) == (True, ("high", "no_data"))
    assert _ec(garden).is_on is True
    assert garden.only_task(TaskKind.TANK_EC).key == key
    garden.store.close()


def test_readings_are_listed_by_channel_and_time(garden: Garden, probe: Probe) -> None:
    begin = garden.now
    garden.measure_for(3, probe, EC, 1.5)

    listed = garden.services.telemetry.list_readings(
        garden.context(), probe.key, "ec", begin, begin + timedelta(minutes=2)
    )

    assert [reading.at - begin for reading in listed] == [timedelta(0), timedelta(minutes=1)]
    with pytest.raises(InvalidInputError):
        garden.services.telemetry.list_readings(
            garden.context(), probe.key, "taste", begin, garden.now
        )


def test_a_window_that_ends_before_it_begins_is_refused(garden: Garden, probe: Probe) -> None:
    telemetry, now = garden.services.telemetry, garden.now
    before = now - timedelta(seconds=1)

    with pytest.raises(InvalidInputError) as single:
        telemetry.list_readings(garden.context(), probe.key, "ec", now, before)
    with pytest.raises(InvalidInputError) as hours:
        telemetry.list_rollups(garden.context(), probe.key, EC, RollupLevel.HOUR, now, before)

    assert single.value.field == hours.value.field == "until_at"
    assert telemetry.list_readings(garden.context(), probe.key, "ec", now, now) == ()


def test_a_gap_in_the_binding_uses_the_times_of_the_probe(garden: Garden, tank: Tank) -> None:
    probe = garden.probe(EC, name="Quick", tank_key=tank.key)
    channel = probe.channels[0].model_copy(update={"hold_s": 60.0, "max_age_s": 120.0})
    garden.services.probe.update(
        garden.context(), probe.key, {"channels": [channel.model_dump(mode="json")]}
    )
    garden.measure_for(2, probe, EC, 2.5)
    garden.measure(probe, EC, 2.5)
    raised = _ec(garden)

    garden.wait(minutes=3)

    assert raised.is_on is True
    assert _ec(garden).reasons == ("high", "no_data")


def test_an_answer_of_readings_is_bounded_and_says_where_to_stop(
    garden: Garden, probe: Probe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telemetry_service, "MAX_LISTED", 3)
    began = garden.now
    for second in range(4):
        garden.measure(probe, PH, 6.0 + second / 100, at=began + timedelta(seconds=10 * second))
    fourth_at = began + timedelta(seconds=30)
    listed = garden.services.telemetry.list_readings

    three = listed(garden.context(), probe.key, "ph", began, fourth_at)
    with pytest.raises(InvalidInputError) as refused:
        listed(garden.context(), probe.key, "ph", began, fourth_at + timedelta(seconds=1))

    assert [reading.value for reading in three] == [6.0, 6.01, 6.02]
    assert refused.value.field == "until_at"
    assert fourth_at.isoformat() in refused.value.message
