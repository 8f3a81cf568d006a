"""Which probe speaks for a place, and the numbers in force for its channel."""

from collections.abc import Sequence
from dataclasses import dataclass

from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_engines.evidence_engine import is_recent
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Reading,
    Verdict,
)
from kamerplanter_engines.tables.channels import CHANNELS


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One bound channel with its newest good reading."""

    probe: Probe
    binding: ChannelBinding
    reading: Reading | None

    @property
    def max_age_s(self) -> float:
        """An older reading decides nothing, in seconds."""
        return self.binding.max_age_s or CHANNELS[self.binding.kind].max_age_s

    @property
    def hold_s(self) -> float:
        """How long a value is out of band before it is a problem, in seconds."""
        own = self.binding.hold_s
        return CHANNELS[self.binding.kind].hold_s if own is None else own


def source_of(uow: UnitOfWork, probes: Sequence[Probe], kind: ChannelKind) -> Source | None:
    """Return the channel that speaks for a place, or none if no probe measures this there.

    Of several probes the oldest one with a reading that is not too old speaks; so two probes that
    differ a little do not take turns. Without such a reading it is the oldest one.
    """
    sources = [
        Source(
            probe=probe,
            binding=binding,
            reading=uow.readings.latest(probe.key, kind, Verdict.GOOD),
        )
        for probe in sorted(probes, key=lambda item: (item.created_at, item.key))
        if (binding := probe.binding(kind))
    ]
    return next((item for item in sources if _speaks(uow, item)), next(iter(sources), None))


def _speaks(uow: UnitOfWork, source: Source) -> bool:
    return source.reading is not None and is_recent(
        source.reading.at, now=uow.context.now, max_age_s=source.max_age_s
    )


def new_readings(
    readings: Sequence[Reading], source: Source, kind: ChannelKind
) -> list[Reading | None]:
    """Return what has to be judged, oldest first: the new readings of the channel.

    Without new ones it is the newest good one that is stored, or none.
    """
    fresh = [
        reading
        for reading in readings
        if reading.kind is kind
        and reading.probe_key == source.probe.key
        and reading.verdict is Verdict.GOOD
    ]
    return [*sorted(fresh, key=lambda reading: reading.at)] or [source.reading]
