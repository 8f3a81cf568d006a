"""What a dialog knows of a channel that is being calibrated: its draft, and what it shows now."""

from abc import abstractmethod
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, override

from homeassistant.core import callback
from homeassistant.data_entry_flow import FlowHandler
from homeassistant.util import dt as dt_util

from kamerplanter_backend.client.views import ProbeView
from kamerplanter_engines.models.calibration import RawScale
from kamerplanter_engines.models.steadiness import RawSample, Steadiness
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind

from ..channel_tap import ChannelTap  # noqa: TID252 - the neighbours import alike
from ..coordinator import KamerplanterConfigEntry  # noqa: TID252
from ..telemetry.calibrating import OutOfPlace  # noqa: TID252
from ..texts import Texts  # noqa: TID252
from .calibration_words import live, waiting
from .kept_drafts import OpenDraft, keep

SHOWN_FOR = timedelta(minutes=5)
"""What is older says nothing about the solution that the probe lies in."""

type StepResult = Any
"""Each kind of dialog has a class of its own for what a step answers."""


class CalibratedChannel(FlowHandler[Any, Any, Any]):
    """Listens to the channel for as long as the dialog is open."""

    _draft: OpenDraft | None = None
    _tap: ChannelTap | None = None
    _waits_since: datetime | None = None
    """When the waiting for a steady value began; what came before it is no part of it."""
    _mean: float | None = None
    """What a probe that does not come to rest showed on the average; none = nobody asked."""
    _is_over: bool = False
    """It was stored or called off, so nothing of it is kept."""
    _out: OutOfPlace | None = None
    """Set from when the probe was said to be in a solution until it is said to be back."""
    _refused: str = ""
    """Why the last try failed, for the menu that is shown next."""

    @property
    @abstractmethod
    def entry(self) -> KamerplanterConfigEntry:
        """The entry of the garden, which is loaded."""

    @property
    @abstractmethod
    def calibrated_probe_key(self) -> str:
        """The probe."""

    @abstractmethod
    async def async_step_calibration_solution(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Say what to do for the next point."""

    @abstractmethod
    async def async_step_calibration_reading(
        self, user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Show what was read, to be agreed with or changed."""

    @abstractmethod
    async def async_step_calibration_summary(
        self, _user_input: dict[str, Any] | None = None
    ) -> StepResult:
        """Show what follows, and ask whether to store it."""

    @override
    @callback
    def async_remove(self) -> None:
        """Listen no more; who closes it without a word gets a while to put the probe back."""
        self._close_tap()
        if self._out is not None:
            self._out.leave()
        if self._draft is not None and not self._is_over:
            keep(self.hass, self.calibrated_probe_key, self._draft)

    def _is_in_solution(self) -> None:
        """Say that the probe is in no water of its place, so that nothing follows from it."""
        if self._out is None:
            entry_id, probe_key = self.entry.entry_id, self.calibrated_probe_key
            self._out = OutOfPlace(self.hass, entry_id, probe_key, self.flow_id)
        self._out.sign()

    def _is_back(self) -> None:
        """Say that the probe is where it belongs: what it measures from now on counts."""
        if self._out is not None:
            self._out.end()
            self._out = None

    def _view(self) -> ProbeView | None:
        return self.entry.runtime_data.coordinator.data.probe(self.calibrated_probe_key)

    def _measured(self) -> OpenDraft:
        assert self._draft is not None  # noqa: S101 - the first step made it
        return self._draft

    async def _names(self) -> dict[str, str]:
        """Return what the texts of all steps name."""
        draft, texts = self._measured(), await Texts.async_load(self.hass)
        return {
            "measurement": texts.kind(draft.kind),
            "number": str(min(len(draft.points) + 1, len(draft.solutions))),
            "of": str(len(draft.solutions)),
        }

    def _open_tap(self, binding: ChannelBinding) -> ChannelTap:
        self._close_tap()
        self._tap = ChannelTap(self.entry, self.calibrated_probe_key, binding)
        return self._tap

    def _close_tap(self) -> None:
        if self._tap is not None:
            self._tap.close()
            self._tap = None

    def _channel_tap(self) -> ChannelTap:
        """Return the tap; an entry that was loaded anew needs another one."""
        if self._tap is None or not self._tap.is_of(self.entry):
            return self._open_tap(self._measured().binding)
        return self._tap

    def _samples(self, since: datetime) -> Sequence[RawSample]:
        return self._channel_tap().samples(since)

    def _samples_of_solution(self) -> Sequence[RawSample]:
        """Return what came in since the waiting began; without any, what is not too old."""
        return self._samples(self._waits_since or dt_util.utcnow() - SHOWN_FOR)

    def _sent(self) -> float | None:
        """Return what the device sent last; none = it is not heard, or has said nothing lately."""
        newest = next(reversed(self._samples(dt_util.utcnow() - SHOWN_FOR)), None)
        if newest is not None:
            return newest.raw
        return self.entry.runtime_data.live.raw(self.calibrated_probe_key, self._measured().kind)

    def _live_text(self, texts: Texts, samples: Sequence[RawSample]) -> str:
        return live(texts, *self._live_of(samples))

    def _waiting_text(self, texts: Texts, samples: Sequence[RawSample]) -> str:
        return waiting(texts, *self._live_of(samples))

    def _live_of(
        self, samples: Sequence[RawSample]
    ) -> tuple[RawSample | None, Steadiness, ChannelKind, RawScale]:
        draft = self._measured()
        newest = samples[-1] if samples else None
        return newest, draft.steadiness(samples), draft.kind, draft.scale
