"""A bench for one device: give values by the clock, look at what is judged and shown."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Reading,
    Reason,
    Verdict,
)
from kamerplanter_engines.telemetry_engine import (
    ChannelState,
    Judged,
    Known,
    Sample,
    Shown,
    freshness,
    judge_message,
    restore,
    rules_for,
)

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


class Bench:
    """One device with channels of the given kinds; time in seconds since the start."""

    def __init__(self, *kinds: ChannelKind, **options: bool) -> None:
        self.rules = {
            kind: rules_for(ChannelBinding(kind=kind, topic="t"), **options) for kind in kinds
        }
        self.states: dict[ChannelKind, ChannelState] = {}
        self.started_at = T0
        self.doubtful_beside = 0
        """How many fields that are bound to nothing speak against a 0 in each message."""

    def message(self, at_s: float, **values: float | Reason | None) -> dict[str, Judged]:
        """Judge one message with a value or a problem for each kind."""
        at = T0 + timedelta(seconds=at_s)
        samples = [
            Sample(
                kind=ChannelKind(name),
                raw=None if isinstance(value, Reason) else value,
                problem=value if isinstance(value, Reason) else None,
                at=at,
                received_at=at,
            )
            for name, value in values.items()
        ]
        judged, self.states = judge_message(
            samples, self.states, self.rules, doubtful_beside=self.doubtful_beside
        )
        return {item.kind.value: item for item in judged}

    def one(self, at_s: float, value: float | Reason | None) -> Judged:
        """Judge one value of the only channel."""
        (kind,) = self.rules
        return self.message(at_s, **{kind.value: value})[kind.value]

    def restore(
        self,
        last_good: Reading | None,
        last: Reading | None,
        *,
        unchanged_since_s: float | None = None,
        finest_step: float | None = None,
        replaced_s: float | None = None,
        doubted: Sequence[Reading] = (),
        told: Reading | None = None,
    ) -> None:
        """Begin anew with what the store knows of the kind of these readings."""
        known = last_good or last
        assert known is not None
        since, replaced = (
            None if at_s is None else T0 + timedelta(seconds=at_s)
            for at_s in (unchanged_since_s, replaced_s)
        )
        self.states[known.kind] = restore(
            Known(last_good, last, since, finest_step, doubted, told=told),
            self.rules[known.kind],
            replaced,
        )

    def shown(self, at_s: float, kind: ChannelKind | None = None) -> Shown:
        """Return what is shown at a time."""
        kind = kind or next(iter(self.rules))
        return freshness(
            self.states.get(kind, ChannelState()),
            self.rules[kind],
            T0 + timedelta(seconds=at_s),
            self.started_at,
        )


def reading(
    kind: ChannelKind,
    at_s: float,
    value: float,
    verdict: Verdict = GOOD,
    reasons: tuple[Reason, ...] = (),
    *,
    heard_s: float | None = None,
) -> Reading:
    """Return a reading that the store knows; without another time it was heard at once."""
    at = T0 + timedelta(seconds=at_s)
    return Reading(
        probe_key="p",
        kind=kind,
        at=at,
        received_at=at if heard_s is None else T0 + timedelta(seconds=heard_s),
        value=value,
        verdict=verdict,
        reasons=reasons,
    )
