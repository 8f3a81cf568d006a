"""Sensors that say how far measured values are to be trusted, and why."""

from collections.abc import Iterator
from typing import override

from homeassistant.core import callback

from kamerplanter_backend.client.views import GardenSnapshot, ProbeView
from kamerplanter_engines.models.calibration import CalibrationState
from kamerplanter_engines.models.telemetry import (
    DEVICE_KINDS,
    ChannelKind,
    QualityView,
    Verdict,
)

from .coordinator import KamerplanterConfigEntry
from .descriptions.rows import ChannelQualitySensor, QualitySensor
from .live_sensor import LiveSensorEntity
from .subjects import Subject, SubjectKind
from .telemetry import places

_WORST_FIRST = (Verdict.BAD, Verdict.SUSPECT, Verdict.STALE, Verdict.GOOD)
_WARNINGS = {
    CalibrationState.NEVER: "never_calibrated",
    CalibrationState.REPLACED: "device_replaced",
    CalibrationState.REMAPPED: "mapping_changed",
    CalibrationState.WITHDRAWN: "calibration_withdrawn",
    CalibrationState.DUE: "calibration_due",
    CalibrationState.EXPIRED: "calibration_expired",
}
PROBE_SILENT = "probe_silent"
"""One of several probes shows nothing; another one speaks."""
BATTERY_LOW = "battery_low"
WARNINGS = (*_WARNINGS.values(), PROBE_SILENT, BATTERY_LOW)
"""What a person should see to, beside readings that are not good."""

_DETAILS = ("warnings", "hint")
"""Endings of attributes about a channel that change often and are history to nobody."""


class QualityEntity(LiveSensorEntity):
    """Judges each channel of a place: its readings, its probes together, and their upkeep."""

    _unrecorded_attributes = frozenset(
        {*ChannelKind, *(f"{kind}_{end}" for kind in ChannelKind for end in _DETAILS), "warnings"}
    )

    def __init__(
        self, entry: KamerplanterConfigEntry, subject: Subject, row: QualitySensor
    ) -> None:
        super().__init__(entry, subject, row)
        self._summary: object = None
        self._known: GardenSnapshot | None = None
        self._upkeep: dict[ChannelKind, list[str]] = {}

    @callback
    @override
    def _heard(self) -> None:
        """Write only what is new: it is asked at each message of each channel."""
        self._learn()
        told = [(key, self._live.quality_summary(key)) for key in self._probe_keys]
        summary = (told, self._upkeep, self._has_low_battery(), self._agreements())
        if summary != self._summary:
            self._summary = summary
            super()._heard()

    @override
    def _standing(self) -> int:
        standing = super()._standing()
        return standing + (_WORST_FIRST.index(self._value) if standing > 1 else 0)

    @callback
    @override
    def _handle_coordinator_update(self) -> None:
        self._follow()
        self._heard()

    def _learn(self) -> None:
        """Take over from a new snapshot what is known of the probes beside their readings."""
        if self._known is self.coordinator.data:
            return
        self._known = self.coordinator.data
        self._upkeep = {}
        for key in self._probe_keys:
            view = self.coordinator.view(Subject(SubjectKind.PROBE, key))
            if not isinstance(view, ProbeView):
                continue
            for status in view.calibration_statuses:
                if (warning := _WARNINGS.get(status.state)) is not None:
                    self._upkeep.setdefault(status.kind, []).append(warning)

    def _agreements(self) -> list[bool]:
        """Return whether the probes agree, for each kind that several of them measure."""
        if len(self._probe_keys) < 2:  # noqa: PLR2004 - one has nobody to agree with
            return []
        found = (
            places.agreement(self._live, self._measuring(kind), kind)
            for kind in self.coordinator.bound_kinds(self.subject)
        )
        return [item.agrees for item in found if item is not None]

    def _has_low_battery(self) -> bool:
        return any(places.is_battery_low(self._live, key) for key in self._probe_keys)

    def _judge(self, kind: ChannelKind) -> QualityView | None:
        return places.quality(self._live, self._measuring(kind), kind)

    def _measuring(self, kind: ChannelKind) -> tuple[str, ...]:
        """Return the probes that a kind comes from, the oldest first."""
        if kind not in DEVICE_KINDS:
            return self.coordinator.probe_keys(self.subject, kind)
        own = self.coordinator.own_probe(self.subject)
        return () if own is None else (own.key,)

    def _warnings(self, kind: ChannelKind) -> list[str]:
        found = list(self._upkeep.get(kind, ()))
        if places.is_one_silent(self._live, self._measuring(kind), kind):
            found.append(PROBE_SILENT)
        return list(dict.fromkeys(found))


class QualitySensorEntity(QualityEntity):
    """How far the worst channel is to be trusted, and why."""

    @override
    def _look(self) -> None:
        super()._look()
        self._learn()
        self._value = self._attributes = None
        if not self._probe_keys:
            return
        own = self.coordinator.own_kinds(self.subject).intersection(DEVICE_KINDS)
        bound = self.coordinator.bound_kinds(self.subject) | own
        kinds = [
            kind
            for kind in ChannelKind
            if kind in bound and any(kind in self._live.kinds(key) for key in self._probe_keys)
        ]
        judged = {kind: view for kind in kinds if (view := self._judge(kind)) is not None}
        if not judged:
            return
        # An old battery makes no value of the probe doubtful.
        measured = [kind for kind in judged if kind not in DEVICE_KINDS] or list(judged)
        worst = min(measured, key=lambda kind: _WORST_FIRST.index(judged[kind].verdict))
        self._value = judged[worst].verdict
        is_good = self._value is Verdict.GOOD
        self._attributes = {
            "worst": None if is_good else worst,
            # A list of its own, as a card has words for a list and none for a table.
            "worst_reasons": [] if is_good else list(judged[worst].reasons),
        }
        for kind in ChannelKind:
            self._attributes |= self._of_channel(kind, judged.get(kind), is_known=kind in kinds)

    def _of_channel(
        self, kind: ChannelKind, view: QualityView | None, *, is_known: bool
    ) -> dict[str, object]:
        """Return the attributes about a channel, where there is something to say.

        One for each thing and no table: names and words of a table would be shown as code.
        """
        warnings = self._warnings(kind) if is_known else []
        if kind is ChannelKind.BATTERY and self._has_low_battery():
            warnings = [BATTERY_LOW]
        told: dict[str, object] = {} if view is None else {kind.value: view.verdict}
        if view is not None and view.reasons:
            told[f"{kind}_reasons"] = list(view.reasons)
        if warnings:
            told[f"{kind}_warnings"] = warnings
        if is_known and (hint := next(self._hints(kind), None)) is not None:
            told[f"{kind}_hint"] = hint
        return told

    def _hints(self, kind: ChannelKind) -> Iterator[str]:
        hints = (self._live.hint(key, kind) for key in self._probe_keys)
        return (hint for hint in hints if hint is not None)


class ChannelQualityEntity(QualityEntity):
    """How far one channel is to be trusted, and why."""

    def __init__(
        self, entry: KamerplanterConfigEntry, subject: Subject, row: ChannelQualitySensor
    ) -> None:
        super().__init__(entry, subject, row)
        self._channel = self._kind = row.channel

    @override
    def _look(self) -> None:
        super()._look()
        self._learn()
        view = self._judge(self._kind)
        self._value = None if view is None else view.verdict
        self._attributes = None
        if view is not None:
            self._attributes = {
                "reasons": list(view.reasons),
                "warnings": self._warnings(self._kind),
            }
