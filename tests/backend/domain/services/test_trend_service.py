"""Where a channel is heading, from its readings in the store."""

from datetime import timedelta

import pytest

from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.tank import Side
from kamerplanter_engines.models.telemetry import ChannelKind, Probe
from tests.backend.garden import Garden

PH, EC = ChannelKind.PH, ChannelKind.EC


def rise(garden: Garden, probe: Probe, hours: int) -> None:
    """Measure every half an hour a pH that rises by 0.02 an hour from 6.0."""
    for step in range(2 * hours + 1):
        garden.measure(probe, PH, round(6.0 + 0.01 * step, 2))
        garden.wait(minutes=30)
    garden.now -= timedelta(minutes=30)


def test_a_ph_that_rises_reaches_the_limit_of_its_tank(garden: Garden) -> None:
    tank = garden.tank(ph_low=5.5, ph_high=6.5)
    probe = garden.probe(PH, tank_key=tank.key)
    rise(garden, probe, 10)

    found = garden.services.trend.of_channel(garden.context(), probe.key, PH)

    # The last reading is of now, and a window ends before its end.
    assert found.count == 20
    assert found.change_per_h == pytest.approx(0.02)
    assert (found.side, found.limit) == (Side.HIGH, 6.5)
    # From 6.2 to 6.5 it takes 15 hours.
    assert found.limit_at is not None
    assert found.limit_at - garden.now == pytest.approx(
        timedelta(hours=15), abs=timedelta(minutes=1)
    )


def test_an_exchanged_device_begins_anew(garden: Garden) -> None:
    tank = garden.tank()
    probe = garden.probe(PH, tank_key=tank.key)
    rise(garden, probe, 10)
    garden.services.probe.replace_device(garden.context(), probe.key)
    garden.wait(minutes=1)

    found = garden.services.trend.of_channel(garden.context(), probe.key, PH)

    assert (found.since, found.change_per_h) == (garden.now - timedelta(minutes=1), None)


def test_a_channel_that_is_not_there_is_refused(garden: Garden) -> None:
    probe = garden.probe(PH)

    with pytest.raises(InvalidInputError, match="does not measure ec"):
        garden.services.trend.of_channel(garden.context(), probe.key, EC)
    with pytest.raises(NotFoundError):
        garden.services.trend.of_channel(garden.context(), "nothing", PH)
