"""Readings on their way to the store: none is lost when a call fails."""

from datetime import UTC, datetime

import pytest
from homeassistant.core import HomeAssistant

from custom_components.kamerplanter.telemetry.pump import ReadingPump
from kamerplanter_backend.client.requests import RecordReadings
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict

AT = datetime(2026, 5, 1, 10, tzinfo=UTC)
READING = Reading(
    probe_key="p", kind=ChannelKind.EC, at=AT, received_at=AT, value=1.8, verdict=Verdict.GOOD
)


class BreaksOnce:
    """A client whose first call fails in a way that nobody foresaw."""

    def __init__(self) -> None:
        self.stored: list[Reading] = []
        self.is_broken = True

    async def call(self, request: RecordReadings) -> int:
        if self.is_broken:
            self.is_broken = False
            raise RuntimeError
        self.stored += request.readings
        return len(request.readings)


async def test_a_batch_survives_a_failure_that_nobody_foresaw(hass: HomeAssistant) -> None:
    client = BreaksOnce()
    pump = ReadingPump(hass, client, lambda _error: None)
    pump.add([READING])

    with pytest.raises(RuntimeError):
        await pump.flush()
    await pump.flush()

    assert client.stored == [READING]
    await pump.stop()
