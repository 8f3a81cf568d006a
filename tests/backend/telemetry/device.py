"""A device on the bench: send what it would send, look at what is taken in."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from kamerplanter_backend.telemetry.probe.intake import ProbeIntake, Restored
from kamerplanter_engines.models.telemetry import (
    Availability,
    ChannelBinding,
    ChannelKind,
    Probe,
    Reason,
    Verdict,
)
from kamerplanter_engines.telemetry_engine import Judged

T0 = datetime(2026, 5, 4, 8, 15, tzinfo=UTC)
EC = ChannelKind.EC
PH = ChannelKind.PH
WATER = ChannelKind.WATER_TEMPERATURE
LEVEL = ChannelKind.LEVEL
MOISTURE = ChannelKind.SOIL_MOISTURE
SOIL = ChannelKind.SOIL_TEMPERATURE
SOIL_EC = ChannelKind.SOIL_EC
GOOD, SUSPECT, BAD, STALE = Verdict.GOOD, Verdict.SUSPECT, Verdict.BAD, Verdict.STALE
HOUR = 3600


def bind(kind: ChannelKind, path: str | None = None, **options: object) -> ChannelBinding:
    """Return a binding, on topic `t` unless another source is given."""
    source = {} if {"topic", "entity_id"} & set(options) else {"topic": "t"}
    return ChannelBinding.model_validate({"kind": kind, "path": path} | source | options)


def probe(*channels: ChannelBinding, availability: Availability | None = None) -> Probe:
    """Return a probe with these channels."""
    return Probe(
        key="p",
        tenant_key="home",
        created_at=T0,
        updated_at=T0,
        name="Probe",
        availability=availability,
        channels=channels,
    )


class Device:
    """One probe with its intake; time in seconds since the start."""

    def __init__(
        self,
        *channels: ChannelBinding,
        availability: Availability | None = None,
        restored: Restored | None = None,
        started_s: float = 0,
        device_of: Callable[[str], str | None] = lambda _entity_id: "one device",
    ) -> None:
        self.intake = ProbeIntake(
            probe(*channels, availability=availability),
            started_at=T0 + timedelta(seconds=started_s),
            restored=restored,
            device_of=device_of,
        )

    def send(
        self, payload: object, at_s: float = 0, *, topic: str = "t", retained: bool = False
    ) -> tuple[Judged, ...]:
        """Send bytes or text as they are and everything else as JSON."""
        if not isinstance(payload, bytes | str):
            payload = json.dumps(payload)
        return self.intake.on_message(
            topic, payload, retained=retained, received_at=T0 + timedelta(seconds=at_s)
        )

    def report(
        self,
        entity_id: str,
        state: str,
        at_s: float = 0,
        unit: str | None = None,
        *,
        reported_s: float | None = None,
        restored: bool = False,
    ) -> tuple[Judged, ...]:
        """Report the state of an entity."""
        reported_s = at_s if reported_s is None else reported_s
        return self.intake.on_entity(
            entity_id,
            state,
            unit,
            reported_at=T0 + timedelta(seconds=reported_s),
            received_at=T0 + timedelta(seconds=at_s),
            restored=restored,
        )

    def shown(self, kind: ChannelKind, at_s: float = 0) -> float | None:
        """Return the value that a screen shows."""
        return self.intake.shown(kind, T0 + timedelta(seconds=at_s)).value

    def quality(self, kind: ChannelKind, at_s: float = 0) -> tuple[Verdict, tuple[str, ...]]:
        """Return verdict and reasons of a channel."""
        view = self.intake.quality(T0 + timedelta(seconds=at_s), kind)
        return view.verdict, view.reasons

    def is_available(self, kind: ChannelKind, at_s: float = 0) -> bool:
        """Tell whether the entity of a channel is available."""
        return self.intake.channel_available(kind, T0 + timedelta(seconds=at_s))


def values(judged: tuple[Judged, ...]) -> dict[str, float | None]:
    """Return the values of the good readings by kind, and none for each of the others."""
    return {
        item.kind.value: item.value if item.verdict is Verdict.GOOD else None for item in judged
    }


def reasons(judged: tuple[Judged, ...]) -> dict[str, tuple[Reason, ...]]:
    """Return the reasons by kind."""
    return {item.kind.value: item.reasons for item in judged}
