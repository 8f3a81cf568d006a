"""Ages, times, rates and curves of a binding: at each end of what is taken, and what was stored.

Whatever one probe has, its garden is read, judged and shown on every road.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.telemetry.batches.reading_desk import Outcome, ReadingDesk, SentReading
from kamerplanter_backend.telemetry.messages.mapping import read_payload
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    CurvePoint,
    ProbeFields,
    Reason,
    Verdict,
)
from kamerplanter_engines.tables.channels import BINDING_LIMITS
from tests.backend.garden import START, Garden
from tests.backend.telemetry.roads import House, Worker, hear

PH = ChannelKind.PH
TAKEN = [(name, value) for name, limits in BINDING_LIMITS.items() for value in limits]
STORED = [
    (name, value) for name in BINDING_LIMITS for value in (1e-300, 1e-9, 1e-5, 1e10, 1e12, 1e300)
]


@pytest.fixture
def garden() -> Iterator[Garden]:
    garden = Garden()
    yield garden
    garden.store.close()


def two_probes(garden: Garden, odd: ChannelBinding) -> None:
    """Put a probe with these options beside a plain one, as an older version stored them."""
    tank = garden.tank()
    garden.probe(key="plain", name="Plain", tank_key=tank.key, channels=(bound("plain"),))
    fields = ProbeFields(name="Odd", tank_key=tank.key, channels=(odd,))
    with open_unit(garden.store, garden.context(), (ProbeRepository,)) as uow:
        uow.of(ProbeRepository).add(fields, key="odd")


def bound(topic: str, **options: Any) -> ChannelBinding:
    return ChannelBinding(kind=PH, topic=topic, path="v", **options)


def live_on_each_road(garden: Garden) -> None:
    """Let both probes move and stand still for hours, heard by all that listen."""
    desk = ReadingDesk(garden.services.telemetry)
    listeners = [make(garden, garden.now) for make in (Worker, House)]
    for number in range(6):
        value = 6 + number / 100
        sent = [SentReading(probe_key=key, kind=PH, value=value) for key in ("odd", "plain")]
        assert all(item.outcome is Outcome.STORED for item in desk.take(garden.context(), sent))
        for listener in listeners:
            intakes = listener.sync()
            assert intakes.keys() == {"odd", "plain"}
            for intake in intakes.values():
                value += 0.001
                assert hear(garden, intake, garden.now, value)[0] is not Verdict.BAD
                intake.shown(PH, garden.now)
                intake.next_change_at(garden.now)
        assert len(garden.snapshot().probes) == 2
        garden.wait(minutes=40)


@pytest.mark.parametrize(("option", "value"), TAKEN)
def test_at_each_end_of_what_is_taken_all_roads_work(
    garden: Garden, option: str, value: float
) -> None:
    tank = garden.tank()
    garden.probe(key="plain", name="Plain", tank_key=tank.key, channels=(bound("plain"),))
    odd = bound("odd", **{option: value})
    garden.probe(key="odd", name="Odd", tank_key=tank.key, channels=(odd,))

    live_on_each_road(garden)


@pytest.mark.parametrize(("option", "value"), STORED)
def test_what_an_older_version_stored_silences_no_garden(
    garden: Garden, option: str, value: float
) -> None:
    two_probes(garden, bound("odd", **{option: value}))

    live_on_each_road(garden)


@pytest.mark.parametrize("option", BINDING_LIMITS)
def test_a_tank_out_of_band_is_looked_after_whatever_was_stored(
    garden: Garden, option: str
) -> None:
    two_probes(garden, bound("odd", **{option: 1e12}))
    desk = ReadingDesk(garden.services.telemetry)

    for number in range(3):
        desk.take(garden.context(), [SentReading(probe_key="odd", kind=PH, value=8 + number / 100)])
        garden.wait(minutes=10)
        assert garden.snapshot().tanks


def test_a_curve_too_wide_for_numbers_gives_none() -> None:
    points = (CurvePoint(raw=-1e308, value=0), CurvePoint(raw=1e308, value=100))
    curve = ChannelBinding(kind=ChannelKind.SOIL_MOISTURE, topic="t", curve=points)

    sample = read_payload("5", curve, START)

    assert (sample.raw, sample.problem) == (None, Reason.NOT_A_NUMBER)
