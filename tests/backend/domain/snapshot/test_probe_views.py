"""When water or feed was last given where a probe stands."""

from datetime import datetime, timedelta

import pytest

from kamerplanter_engines.models.irrigation import IrrigationKind, WateringFields
from kamerplanter_engines.models.plant import Plant
from kamerplanter_engines.models.task import TaskFields, TaskKind
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.backend.garden import Garden


def supplied_at(garden: Garden) -> datetime | None:
    [view] = garden.snapshot().probes
    return max(view.jumps_at, default=None)


def water(garden: Garden, plant: Plant, at: datetime, kind: IrrigationKind) -> None:
    garden.services.irrigation.log(
        garden.context(), [plant.key], WateringFields(kind=kind, at=at, volume_l=1)
    )


@pytest.mark.parametrize("kind", IrrigationKind)
def test_the_newest_entry_of_the_log_counts_for_the_soil_of_its_plant(
    garden: Garden, kind: IrrigationKind
) -> None:
    plant, other = garden.plant(), garden.plant(name="Other")
    garden.probe(ChannelKind.SOIL_MOISTURE, plant_key=plant.key)
    assert supplied_at(garden) is None
    newest = garden.now - timedelta(minutes=5)

    water(garden, plant, newest, kind)
    water(garden, plant, newest - timedelta(days=1), IrrigationKind.WATER)
    water(garden, other, garden.now, IrrigationKind.WATER)

    assert supplied_at(garden) == newest


@pytest.mark.parametrize("kind", [TaskKind.TANK_EC, TaskKind.TANK_PH, TaskKind.TANK_LEVEL])
def test_who_corrects_a_tank_has_filled_or_dosed_it(garden: Garden, kind: TaskKind) -> None:
    tank, other = garden.tank(), garden.tank(name="Other")
    garden.probe(ChannelKind.EC, tank_key=tank.key)
    task, of_other = (
        garden.services.task.add(garden.context(), TaskFields(kind=kind, tank_key=item.key))
        for item in (tank, other)
    )
    assert supplied_at(garden) is None

    garden.services.task.complete(garden.context(), of_other.key)
    assert supplied_at(garden) is None
    garden.services.task.complete(garden.context(), task.key)
    assert supplied_at(garden) == garden.now

    garden.services.task.reopen(garden.context(), task.key)
    assert supplied_at(garden) is None


def test_a_cooled_or_a_neglected_tank_got_nothing(garden: Garden) -> None:
    tank = garden.tank()
    garden.probe(ChannelKind.EC, tank_key=tank.key)
    garden.probe(ChannelKind.PH, tank_key=tank.key, name="Second")
    cooled = TaskFields(kind=TaskKind.TANK_WATER_TEMPERATURE, tank_key=tank.key)
    task = garden.services.task.add(garden.context(), cooled)
    garden.services.task.complete(garden.context(), task.key)
    for _ in range(10):
        garden.measure(garden.snapshot().probes[0].probe, ChannelKind.EC, 4.5)
        garden.wait(minutes=1)
    garden.services.task.delete(garden.context(), garden.only_task(TaskKind.TANK_EC).key)

    assert [view.jumps_at for view in garden.snapshot().probes] == [(), ()]
