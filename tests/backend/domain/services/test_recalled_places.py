"""What is recalled from one batch to the next judges as what is read anew would."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from kamerplanter_backend.bootstrap import build_services, open_store
from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.domain.repositories.tank import TankAlertRepository, TankRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_engines.models.tank import AlertState, Tank, TankProblem
from kamerplanter_engines.models.task import TaskKind
from kamerplanter_engines.models.telemetry import ChannelKind, Reading
from tests.backend.garden import Garden
from tests.question_counter import CountingStore

EC, PH, MOISTURE = ChannelKind.EC, ChannelKind.PH, ChannelKind.SOIL_MOISTURE


def test_a_second_batch_reads_nothing_but_whether_something_changed(garden: Garden) -> None:
    tank = garden.tank(ec_high_ms_cm=2.0)
    plant = garden.plant(soil_moisture_low_pct=22.0)
    in_tank = garden.probe(EC, tank_key=tank.key)
    in_soil = garden.probe(MOISTURE, plant_key=plant.key, name="Soil")
    counting = CountingStore(garden.store)
    telemetry = build_services(counting).telemetry  # type: ignore[arg-type]

    def batch() -> tuple[Reading, ...]:
        garden.wait(seconds=10)
        return (garden.reading(in_tank, EC, 1.5), garden.reading(in_soil, MOISTURE, 45.0))

    telemetry.record(garden.context(), batch())
    telemetry.record_all([(garden.context(), batch())])
    counting.calls.clear()

    telemetry.record(garden.context(), batch())
    telemetry.record_all([(garden.context(), batch())])

    assert dict(counting.calls) == {
        "touched_since": 2,
        "last_cursor": 2,
        "append": 2,
        "note_change": 2,
        "count": 2,  # whether anybody measured by hand, as no probe tells the pH
    }


type Change = Callable[[Garden, Tank], object]


def lower_band(garden: Garden, tank: Tank) -> None:
    garden.services.tank.update(garden.context(), tank.key, {"ec_high_ms_cm": 1.4})


def widen_band(garden: Garden, tank: Tank) -> None:
    garden.services.tank.update(garden.context(), tank.key, {"ec_high_ms_cm": 3.0})


def archive_tank(garden: Garden, tank: Tank) -> None:
    garden.services.tank.archive(garden.context(), tank.key)


@pytest.mark.parametrize(
    ("value", "change", "state_before", "state_after"),
    [
        (1.5, lower_band, AlertState.INACTIVE, AlertState.ACTIVE),
        (2.5, widen_band, AlertState.ACTIVE, AlertState.INACTIVE),
        (2.5, archive_tank, AlertState.ACTIVE, None),
    ],
)
def test_what_another_program_changes_is_judged_by_at_once(
    tmp_path: Path,
    value: float,
    change: Change,
    state_before: AlertState,
    state_after: AlertState | None,
) -> None:
    garden = Garden(tmp_path / "garden.db")
    tank = garden.tank(ec_low_ms_cm=1.0, ec_high_ms_cm=2.0)
    probe = garden.probe(EC, tank_key=tank.key)
    other_store = open_store(garden.path)
    worker = build_services(other_store).telemetry

    def hear() -> None:
        for _ in range(6):
            garden.wait(minutes=2)
            worker.record_all([(garden.context(), [garden.reading(probe, EC, value)])])

    def state() -> AlertState | None:
        with open_unit(garden.store, garden.context()) as uow:
            alert = uow.of(TankAlertRepository).for_problem(tank.key, TankProblem.EC)
        return None if alert is None else alert.state

    hear()
    assert state() is state_before
    change(garden, tank)
    hear()
    assert state() is state_after
    other_store.close()
    garden.store.close()


def test_a_probe_that_was_archived_meanwhile_is_not_heard(garden: Garden) -> None:
    probe = garden.probe(EC)
    assert garden.measure(probe, EC, 1.5) == 1
    garden.wait(minutes=1)
    garden.services.probe.archive(garden.context(), probe.key)

    assert garden.measure(probe, EC, 1.6) == 0


def test_a_probe_that_was_deleted_meanwhile_is_not_known_any_more(garden: Garden) -> None:
    probe = garden.probe(EC)
    garden.measure(probe, EC, 1.5)
    garden.wait(minutes=1)
    garden.measure(probe, EC, 1.5)
    with open_unit(garden.store, garden.context(), (ProbeRepository,)) as uow:
        uow.of(ProbeRepository).remove(probe.key)

    with pytest.raises(NotFoundError):
        garden.measure(probe, EC, 1.6)


def test_two_batches_of_a_garden_in_one_transaction_open_one_task(garden: Garden) -> None:
    tank = garden.tank(ec_high_ms_cm=2.0)
    probe = garden.probe(EC, tank_key=tank.key)
    batches = []
    for _ in range(8):
        garden.wait(minutes=2)
        batches.append((garden.context(), [garden.reading(probe, EC, 2.5)]))

    garden.services.telemetry.record_all(batches)

    assert garden.open_kinds() == [TaskKind.TANK_EC]


class Story:
    """What people and probes do in a garden, drawn at random: two with one seed do the same."""

    def __init__(self, seed: int, *, remembers: bool) -> None:
        self.chance = Random(seed)  # noqa: S311 (a story, no secret)
        self.garden = Garden()
        self.worker = build_services(self.garden.store).telemetry
        if not remembers:
            self.worker.memory = None
        self.tanks = [
            self.garden.tank(name=f"Tank {n}", ec_low_ms_cm=1.0, ec_high_ms_cm=2.0)
            for n in range(2)
        ]
        self.plant = self.garden.plant(tank_key=self.tanks[0].key)
        self.probes = [
            self.garden.probe(EC, PH, name=f"Probe {n}", tank_key=self.tanks[n % 2].key)
            for n in range(3)
        ]
        self.probes.append(self.garden.probe(MOISTURE, name="Soil", plant_key=self.plant.key))

    def hear(self) -> None:
        garden = self.garden
        readings = []
        for probe in self.probes:
            if self.chance.random() < 0.7:
                kind = self.chance.choice(probe.channels).kind
                near = {EC: 1.5, PH: 6.0, MOISTURE: 40.0}[kind]
                value = near * self.chance.choice((0.4, 1.0, 1.0, 1.0, 1.7))
                at = garden.now - timedelta(seconds=self.chance.randrange(300))
                readings.append(garden.reading(probe, kind, value, at=at))
        self.worker.record_all([(garden.context(), readings)])

    def act(self) -> None:
        """Let a person do something."""
        services, context = self.garden.services, self.garden.context()
        tank, probe = self.chance.choice(self.tanks), self.chance.choice(self.probes)
        match self.chance.randrange(5):
            case 0:
                patch = {"ec_high_ms_cm": self.chance.choice((1.4, 2.0, 2.8))}
                services.tank.update(context, tank.key, patch)
            case 1:
                if probe.plant_key is None:
                    services.probe.update(context, probe.key, {"tank_key": tank.key})
            case 2:
                feeder = {"tank_key": self.chance.choice((None, tank.key))}
                services.plant.update(context, self.plant.key, feeder)
            case 3:
                open_keys = sorted(
                    task.key for task in self.garden.snapshot().tasks if task.state == "open"
                )
                for key in open_keys[:1]:
                    services.task.skip(context, key)
            case _:
                patch = {"soil_moisture_low_pct": self.chance.choice((20.0, 45.0))}
                services.plant.update(context, self.plant.key, patch)

    def state(self) -> object:
        """Return what is known of tanks and plants, without keys, which chance gives."""
        with open_unit(self.garden.store, self.garden.context()) as uow:
            tanks = {tank.key: tank.name for tank in uow.of(TankRepository).find()}
            alerts = uow.of(TankAlertRepository).find()
        told = {"key", "tank_key"}
        return (
            sorted((tanks[item.tank_key], item.model_dump_json(exclude=told)) for item in alerts),
            sorted(
                (task.kind, task.state, tanks.get(task.tank_key or ""), task.due_on)
                for task in self.garden.snapshot().tasks
            ),
        )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_happens_a_recorder_that_remembers_judges_as_one_that_does_not(seed: int) -> None:
    stories = [Story(seed, remembers=True), Story(seed, remembers=False)]
    for step in range(40):
        for story in stories:
            story.garden.wait(minutes=story.chance.choice((1, 3, 10)))
            if step % 3 == 2:
                story.act()
            story.hear()
        with_memory, without = (story.state() for story in stories)
        assert with_memory == without
    for story in stories:
        story.garden.store.close()
