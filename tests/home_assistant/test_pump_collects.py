"""Readings that are only announced are fetched in time, and none is forgotten."""

from datetime import UTC, datetime, timedelta
from typing import cast

from freezegun.api import FrozenDateTimeFactory
from homeassistant.core import HomeAssistant
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.kamerplanter.telemetry.pump import FLUSH_AFTER_S, ReadingPump
from kamerplanter_backend.client.protocol import KamerplanterClient
from kamerplanter_backend.client.requests import RecordReadings
from kamerplanter_backend.telemetry.probe.batching import BATCH_SIZE
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict

AT = datetime(2026, 5, 1, 10, tzinfo=UTC)


def readings(count: int, first: int = 0) -> list[Reading]:
    moments = [AT + timedelta(seconds=number) for number in range(first, first + count)]
    return [
        Reading(
            probe_key="p",
            kind=ChannelKind.EC,
            at=at,
            received_at=at,
            value=1.8,
            verdict=Verdict.GOOD,
        )
        for at in moments
    ]


class Source:
    """Holds what was announced; and the store that it goes to."""

    def __init__(self, hass: HomeAssistant) -> None:
        self.pending: list[Reading] = []
        self.batches: list[tuple[Reading, ...]] = []
        self.pump = ReadingPump(
            hass, cast("KamerplanterClient", self), lambda _error: None, self.collect
        )

    def announce(self, new: list[Reading]) -> None:
        self.pending += new
        self.pump.expect()

    def collect(self) -> list[Reading]:
        taken, self.pending = self.pending, []
        return taken

    async def call(self, request: RecordReadings) -> int:
        self.batches.append(request.readings)
        return len(request.readings)


async def test_what_was_announced_is_stored_in_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    source = Source(hass)
    source.announce(readings(1))
    source.announce(readings(1, first=1))
    assert source.batches == []

    freezer.tick(FLUSH_AFTER_S + 0.1)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()

    assert source.batches == [tuple(readings(2))]
    await source.pump.stop()


async def test_what_was_announced_counts_as_waiting_and_is_stored_at_the_stop(
    hass: HomeAssistant,
) -> None:
    source = Source(hass)
    source.announce(readings(3))

    assert source.pump.waiting == 3
    await source.pump.stop()

    assert source.batches == [tuple(readings(3))]


async def test_what_was_announced_does_not_starve_beside_full_batches(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    source = Source(hass)
    source.announce(readings(1))

    source.pump.add(readings(BATCH_SIZE, first=1))
    await hass.async_block_till_done()
    assert [len(batch) for batch in source.batches] == [BATCH_SIZE]
    freezer.tick(FLUSH_AFTER_S + 0.1)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()

    assert [len(batch) for batch in source.batches] == [BATCH_SIZE, 1]
    await source.pump.stop()
