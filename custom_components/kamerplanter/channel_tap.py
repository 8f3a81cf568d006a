"""The raw numbers of a channel while somebody calibrates it, wherever its readings are taken in."""

from collections.abc import Sequence
from datetime import datetime

from homeassistant.core import callback

from kamerplanter_engines.models.steadiness import RawSample
from kamerplanter_engines.models.telemetry import ChannelBinding

from .coordinator import KamerplanterConfigEntry


class ChannelTap:
    """Listens from now until it is closed.

    Args:
        entry: The entry of the garden, loaded.
        probe_key: The probe.
        binding: The channel.
    """

    def __init__(
        self, entry: KamerplanterConfigEntry, probe_key: str, binding: ChannelBinding
    ) -> None:
        runtime = entry.runtime_data
        self._probe_key = probe_key
        self._binding = binding
        self._coordinator = runtime.coordinator
        self._live = runtime.live
        self._tap = runtime.live.taps.open(binding)
        self._stop = runtime.coordinator.async_add_listener(self._recall)
        self._recall()

    @callback
    def close(self) -> None:
        """Listen no more."""
        self._stop()
        self._live.taps.close(self._tap)

    def is_of(self, entry: KamerplanterConfigEntry) -> bool:
        """Tell whether it still hears something: an entry that was loaded anew has other ears."""
        return self._live is entry.runtime_data.live

    @property
    def is_ended(self) -> bool:
        """Whether the entry was unloaded since, so that nothing comes any more."""
        return self._tap.is_ended

    def samples(self, since: datetime) -> Sequence[RawSample]:
        """Return what came in after a moment, oldest first."""
        return self._tap.samples(since)

    async def async_next(self, *, pause_s: float, timeout_s: float) -> None:
        """Return when there is news, but not before the pause is over nor after the time-out."""
        await self._tap.async_next(pause_s=pause_s, timeout_s=timeout_s)

    @callback
    def _recall(self) -> None:
        """Look at what the garden knows, as a server may listen to the probe by itself."""
        view = self._coordinator.data.probe(self._probe_key)
        for channel in () if view is None else view.channels:
            if channel.kind is self._binding.kind:
                self._tap.recall(channel.last)
