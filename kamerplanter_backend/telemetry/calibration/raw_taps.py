"""What a probe shows without any calibration, for as long as somebody calibrates it.

Runs on the event loop.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from datetime import datetime
from math import isfinite

from kamerplanter_backend.telemetry.messages.mapping import FieldReader, read_message
from kamerplanter_engines.models.steadiness import RawSample
from kamerplanter_engines.models.telemetry import ChannelBinding, Reading
from kamerplanter_engines.telemetry_engine import Sample

KEPT = 300
"""Five minutes of a probe that reports each second."""


class RawTap:
    """The newest raw numbers of one channel, those included that say the same again.

    Args:
        binding: Where they come from.
    """

    def __init__(self, binding: ChannelBinding) -> None:
        self.binding = binding
        self.reader = FieldReader(binding)
        self._samples: deque[RawSample] = deque(maxlen=KEPT)
        self._news = asyncio.Event()
        self._end = asyncio.Event()

    @property
    def is_ended(self) -> bool:
        """Whether nothing comes any more, as nobody listens to the probe now."""
        return self._end.is_set()

    def end(self) -> None:
        """Say that nothing comes any more; whoever waits goes on at once."""
        self._end.set()
        self._news.set()

    def samples(self, since: datetime | None = None) -> Sequence[RawSample]:
        """Return what came in after a moment, oldest first."""
        return [item for item in self._samples if since is None or item.at > since]

    def take(self, sample: Sample) -> None:
        """Keep what was read, if it is a number."""
        if sample.problem is None and sample.raw is not None and isfinite(sample.raw):
            self._samples.append(RawSample(sample.received_at, sample.raw))
            self._news.set()

    def recall(self, reading: Reading | None) -> None:
        """Keep a stored reading that is newer: somebody else has taken it in, such as a server."""
        if reading is None or (self._samples and reading.received_at <= self._samples[-1].at):
            return
        raw = reading.value if reading.raw is None else reading.raw
        self._samples.append(RawSample(reading.received_at, raw))
        self._news.set()

    async def async_next(self, *, pause_s: float, timeout_s: float) -> None:
        """Return when there is news, but not before the pause is over nor after the time-out.

        When it ends it returns at once.
        """
        if not self.is_ended:
            self._news.clear()
        await _wait(self._end, pause_s)
        await _wait(self._news, timeout_s)


async def _wait(event: asyncio.Event, at_most_s: float) -> None:
    try:
        async with asyncio.timeout(at_most_s):
            await event.wait()
    except TimeoutError:
        return


class RawTaps:
    """The taps that are open; without one, a message costs nothing more."""

    def __init__(self) -> None:
        self._taps: list[RawTap] = []

    def open(self, binding: ChannelBinding) -> RawTap:
        """Begin to keep the raw numbers of a channel."""
        tap = RawTap(binding)
        self._taps.append(tap)
        return tap

    def close(self, tap: RawTap) -> None:
        """Keep them no more; twice is harmless."""
        if tap in self._taps:
            self._taps.remove(tap)

    def end(self) -> None:
        """End all that are open; twice is harmless."""
        for tap in self._taps:
            tap.end()

    def __len__(self) -> int:
        return len(self._taps)

    def on_message(self, topic: str, payload: bytes, *, retained: bool, now: datetime) -> None:
        """Look at one message; what the broker had kept was not measured now."""
        if retained:
            return
        for tap in self._taps:
            if tap.binding.topic == topic:
                for sample in read_message(payload, [tap.reader], now):
                    tap.take(sample)

    def on_entity(
        self, entity_id: str, text: str, unit: str | None, *, now: datetime, restored: bool
    ) -> None:
        """Look at one report of an entity."""
        if restored:
            return
        for tap in self._taps:
            if tap.binding.entity_id == entity_id:
                tap.take(tap.reader.read_entity(text, unit, None, now))
