"""A garden lives on when the clock of its host was wrong: nothing waits for time to catch up."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kamerplanter_backend.domain.snapshot.views import GardenSnapshot, ProblemView
from kamerplanter_engines.models.tank import TankProblem
from kamerplanter_engines.models.task import TaskKind
from kamerplanter_engines.models.telemetry import ChannelKind, Probe
from tests.backend.garden import Garden

EC, MOISTURE = ChannelKind.EC, ChannelKind.SOIL_MOISTURE


@pytest.fixture
def garden(tmp_path: Path) -> Iterator[Garden]:
    garden = Garden(tmp_path / "garden.db")
    yield garden
    garden.store.close()


@pytest.fixture
def probe(garden: Garden) -> Probe:
    tank = garden.tank(ec_high_ms_cm=2.0)
    return garden.probe(EC, tank_key=tank.key)


def ec(garden: Garden) -> ProblemView:
    return garden.snapshot().tanks[0].problem(TankProblem.EC)


def last_value(snapshot: GardenSnapshot) -> float | None:
    (channel,) = snapshot.probes[0].channels
    return None if channel.last_good is None else channel.last_good.value


@pytest.mark.parametrize("with_restart", [True, False], ids=["restart", "running"])
def test_a_problem_raised_ahead_is_closed_by_the_next_reading(
    garden: Garden, probe: Probe, *, with_restart: bool
) -> None:
    garden.measure(probe, EC, 1.5)
    garden.wait(hours=1)
    garden.measure_for(10, probe, EC, 2.5)
    assert ec(garden).is_on is True

    garden.wait(hours=-1)
    if with_restart:
        garden.restart()
    assert last_value(garden.snapshot()) == 1.5
    assert ec(garden).is_on is True
    garden.wait(minutes=1)
    garden.measure(probe, EC, 1.6)

    assert ec(garden).is_on is False
    assert ec(garden).reasons == ()
    assert ec(garden).value == 1.6
    assert last_value(garden.snapshot()) == 1.6
    assert garden.open_kinds() == []


@pytest.mark.parametrize("with_restart", [True, False], ids=["restart", "running"])
def test_a_problem_is_raised_after_the_clock_went_back(
    garden: Garden, probe: Probe, *, with_restart: bool
) -> None:
    garden.wait(hours=1)
    garden.measure_for(10, probe, EC, 1.5)
    garden.measure(probe, EC, 2.5)

    garden.wait(hours=-1)
    if with_restart:
        garden.restart()
    garden.measure_for(5, probe, EC, 2.5)
    assert ec(garden).is_on is False
    garden.measure(probe, EC, 2.5)

    assert ec(garden).is_on is True
    assert garden.open_kinds() == [TaskKind.TANK_EC]


def test_dry_soil_is_noticed_after_the_clock_went_back(garden: Garden) -> None:
    plant = garden.plant(soil_moisture_low_pct=30)
    probe = garden.probe(MOISTURE, plant_key=plant.key)
    garden.wait(hours=1)
    garden.measure(probe, MOISTURE, 12)

    garden.wait(hours=-1)
    garden.measure_for(30, probe, MOISTURE, 12, step=5)
    assert TaskKind.WATERING not in garden.open_kinds()
    garden.measure(probe, MOISTURE, 12)

    assert TaskKind.WATERING in garden.open_kinds()


def test_values_from_ahead_are_no_evidence_by_the_clock_alone(garden: Garden, probe: Probe) -> None:
    garden.wait(hours=1)
    garden.measure(probe, EC, 1.5)

    garden.wait(hours=-1)
    garden.services.telemetry.evaluate(garden.context())

    assert (ec(garden).is_on, ec(garden).value) == (None, None)
    assert ec(garden).reasons == ("no_data",)
