"""A garden that was opened while the clock was ahead hears what is said after it went back."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from kamerplanter_backend.client.embedded import EmbeddedGarden, open_garden
from kamerplanter_backend.client.protocol import Caller
from kamerplanter_backend.client.requests import CreateProbe, CreateTank, RecordReadings
from kamerplanter_backend.common.context import Role
from kamerplanter_engines.models.tank import TankFields, TankProblem
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    ProbeFields,
    Reading,
    Verdict,
)

ADMIN = Caller(role=Role.ADMIN)
RIGHT = datetime(2026, 5, 1, 10, tzinfo=UTC)


@pytest.fixture
def clock() -> list[datetime]:
    """What the clock has said; the last of it is now."""
    return [RIGHT + timedelta(hours=1)]


@pytest.fixture
async def garden(clock: list[datetime]) -> AsyncIterator[EmbeddedGarden]:
    garden = open_garden(None, name="Home", time_zone="Europe/Berlin", clock=lambda: clock[-1])
    yield garden
    await garden.client.close()


async def test_the_next_reading_decides(garden: EmbeddedGarden, clock: list[datetime]) -> None:
    tank = await garden.client.call(CreateTank(fields=TankFields(name="Tank", volume_l=60)), ADMIN)
    ec = ChannelBinding(kind=ChannelKind.EC, topic="t")
    probe = await garden.client.call(
        CreateProbe(fields=ProbeFields(name="P", tank_key=tank.key, channels=(ec,))), ADMIN
    )
    heard = Reading(
        probe_key=probe.key,
        kind=ChannelKind.EC,
        at=RIGHT,
        received_at=RIGHT,
        value=1.5,
        verdict=Verdict.GOOD,
    )

    clock.append(RIGHT + timedelta(seconds=1))  # the batch comes a moment later
    await garden.client.call(RecordReadings(readings=(heard,)))
    at_once = (await garden.client.snapshot()).tanks[0].problem(TankProblem.EC)
    clock.append(RIGHT + timedelta(minutes=50))
    later = (await garden.client.snapshot()).tanks[0].problem(TankProblem.EC)

    assert (at_once.is_on, at_once.value) == (False, 1.5)
    assert (later.is_on, later.reasons) == (False, ())
