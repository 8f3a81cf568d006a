"""What was compared with a probe that was bound in another way says nothing of how it is now."""

from typing import Any

import pytest
from pydantic import JsonValue

from kamerplanter_backend.domain.repositories.hand_measurement import HandMeasurementRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.snapshot.views import ProbeView
from kamerplanter_engines.models.hand_measurement import HandMeasurementFields
from kamerplanter_engines.models.tank import Tank
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Probe
from tests.backend.garden import Garden

PH = ChannelKind.PH


def one_probe(garden: Garden) -> tuple[Tank, Probe]:
    tank = garden.tank()
    probe = garden.probe(PH, tank_key=tank.key)
    garden.measure(probe, PH, 5.5)
    return tank, probe


def view(garden: Garden, probe: Probe) -> ProbeView:
    found = garden.snapshot().probe(probe.key)
    assert found is not None
    return found


def log(garden: Garden, tank: Tank, value: float) -> None:
    fields = HandMeasurementFields(tank_key=tank.key, kind=PH, value=value)
    garden.services.hand_measurement.log(garden.context(), fields)


def bind(garden: Garden, probe: Probe, channel: ChannelBinding) -> None:
    channels: JsonValue = [channel.model_dump(mode="json")]
    garden.services.probe.update(garden.context(), probe.key, {"channels": channels})


@pytest.mark.parametrize(
    "change",
    [{"factor": 1.1}, {"path": "ph2"}, {"topic": "elsewhere"}, {"decimal_comma": True}],
)
def test_what_was_compared_with_other_numbers_is_no_drift_until_that_is_taken_back(
    garden: Garden, change: dict[str, Any]
) -> None:
    tank, probe = one_probe(garden)
    log(garden, tank, 5.9)
    garden.wait(minutes=5)
    channel = probe.channels[0]

    bind(garden, probe, channel.model_copy(update=change))

    assert (view(garden, probe).drifts, view(garden, probe).doubts) == ((), ())
    garden.wait(minutes=1)
    bind(garden, probe, channel.model_copy(update={"unit": "pH", "max_age_s": 900.0}))
    [found] = view(garden, probe).drifts
    assert (found.difference, found.measure_again) == (0.4, True)


def test_what_came_in_before_a_channel_was_bound_anew_is_compared_with_nothing(
    garden: Garden,
) -> None:
    tank, probe = one_probe(garden)
    garden.wait(minutes=1)
    bind(garden, probe, probe.channels[0].model_copy(update={"factor": 1.1}))
    garden.wait(seconds=1)

    log(garden, tank, 6.0)
    garden.measure(probe, PH, 6.0)
    log(garden, tank, 6.1)

    [found] = view(garden, probe).drifts
    assert (found.count, found.difference) == (1, 0.1)


def test_a_new_name_takes_no_comparison_away(garden: Garden) -> None:
    tank, probe = one_probe(garden)
    log(garden, tank, 5.9)
    garden.wait(minutes=5)

    garden.services.probe.update(garden.context(), probe.key, {"name": "Left"})

    assert [item.measure_again for item in view(garden, probe).drifts] == [True]


def test_a_comparison_of_an_older_version_counts_until_the_probe_is_changed(
    garden: Garden,
) -> None:
    tank, probe = one_probe(garden)
    log(garden, tank, 5.9)
    with open_unit(garden.store, garden.context(), (HandMeasurementRepository,)) as uow:
        [made] = uow.of(HandMeasurementRepository).of_tank(tank.key)
        older = tuple(item.model_copy(update={"channel": None}) for item in made.comparisons)
        uow.of(HandMeasurementRepository).change(made, comparisons=older)
    assert [item.measure_again for item in view(garden, probe).drifts] == [True]
    garden.wait(minutes=1)

    bind(garden, probe, probe.channels[0].model_copy(update={"factor": 1.1}))

    assert view(garden, probe).drifts == ()
