"""What a quality entity tells in its attributes, by kind of value."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from kamerplanter_engines.models.telemetry import ChannelKind
from tests.home_assistant.garden import Garden


@dataclass
class Told:
    """The attributes of one quality entity, those without a value left out."""

    verdicts: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, list[str]] = field(default_factory=dict)
    warnings: dict[str, list[str]] = field(default_factory=dict)
    hints: dict[str, str] = field(default_factory=dict)


def refused(garden: Garden, probe_key: str | None = None) -> Mapping[str, dict[str, int]]:
    """Return how often a sample was refused or doubted, by kind and reason, as diagnostics do.

    Args:
        garden: The garden.
        probe_key: The probe; none = the only one.
    """
    if probe_key is None:
        (probe_key,) = [view.probe.key for view in garden.snapshot.probes]
    return garden.entry.runtime_data.live.counts(probe_key)


def told(garden: Garden, key: str) -> Told:
    """Return what the quality entity of a tank or probe tells now."""
    attributes = garden.state("sensor", key, "measurement_quality").attributes
    found = Told()
    for kind in ChannelKind:
        for ending, into in (
            ("", found.verdicts),
            ("_reasons", found.reasons),
            ("_warnings", found.warnings),
            ("_hint", found.hints),
        ):
            if (name := f"{kind}{ending}") in attributes:
                into[kind.value] = attributes[name]
    return found
