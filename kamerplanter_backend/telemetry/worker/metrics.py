"""What a worker counts, and how Prometheus reads it (text format 0.0.4)."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from kamerplanter_engines.models.telemetry import Reason, Verdict

PREFIX = "kamerplanter_ingest_"


class Drop(StrEnum):
    """Why something that was received is not stored."""

    SUSPENDED = "suspended"
    """Messages: the garden is suspended."""
    REPLAYED = "replayed"
    """Messages: they waited at the broker and do not say when they were measured."""
    CRASHED = "crashed"
    """Messages: judging one failed, which is a fault of ours."""
    REFUSED = "refused"
    """Readings: the store refuses them for good."""
    LOST = "lost"
    """Readings: the store took nothing more before the stop."""


@dataclass(slots=True)
class Counts:
    """Counters of a worker since its start."""

    messages: Counter[str] = field(default_factory=Counter)
    """By slug."""
    verdicts: Counter[Verdict] = field(default_factory=Counter)
    reasons: Counter[tuple[Verdict, Reason]] = field(default_factory=Counter)
    stored: Counter[str] = field(default_factory=Counter)
    """New readings, by slug."""
    dropped: Counter[Drop] = field(default_factory=Counter)
    batches: int = 0
    """Transactions that stored something."""
    store_failures: int = 0
    """Batches that the store did not take at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gauges:
    """What is now."""

    is_connected: bool
    connect_count: int
    gardens: int
    probes: int
    topics: int
    refused_topics: int
    queue_depth: int
    lag_s: float
    """How long the oldest reading that is not stored has waited. [s]"""


def render(counts: Counts, gauges: Gauges) -> str:
    """Return the metrics as text."""
    lines: list[str] = []

    def add(name: str, kind: str, about: str, values: Mapping[str, float]) -> None:
        full = f"{PREFIX}{name}{'_total' if kind == 'counter' else ''}"
        lines.extend((f"# HELP {full} {about}", f"# TYPE {full} {kind}"))
        lines.extend(f"{full}{labels} {value:g}" for labels, value in values.items())

    add("messages", "counter", "Messages of devices.", _one("garden", counts.messages))
    add("readings", "counter", "Judged values.", _one("verdict", counts.verdicts))
    add(
        "flaws",
        "counter",
        "Values that are not good, by each reason.",
        {
            f'{{verdict="{verdict}",reason="{reason}"}}': count
            for (verdict, reason), count in counts.reasons.items()
        },
    )
    add(
        "stored_readings",
        "counter",
        "New readings in the store.",
        _one("garden", counts.stored),
    )
    add(
        "dropped",
        "counter",
        "What was received and not stored.",
        {f'{{reason="{reason}"}}': counts.dropped[reason] for reason in Drop},
    )
    add("batches", "counter", "Transactions with readings.", {"": counts.batches})
    add("store_failures", "counter", "Batches that had to wait.", {"": counts.store_failures})
    reconnects = max(0, gauges.connect_count - 1)
    add("reconnects", "counter", "Connections after the first one.", {"": reconnects})
    for name, about, value in _now(gauges):
        add(name, "gauge", about, {"": value})
    return "\n".join(lines) + "\n"


def _now(gauges: Gauges) -> Iterable[tuple[str, str, float]]:
    return (
        ("connected", "Whether the broker is connected.", int(gauges.is_connected)),
        ("gardens", "Gardens that are listened to.", gauges.gardens),
        ("probes", "Probes that are listened to.", gauges.probes),
        ("topics", "Topics that are subscribed.", gauges.topics),
        ("refused_topics", "Topics that cannot be heard.", gauges.refused_topics),
        ("queue_depth", "Readings that wait for the store.", gauges.queue_depth),
        ("lag_seconds", "How long the oldest of them has waited.", gauges.lag_s),
    )


def _one[K: str](label: str, counter: Mapping[K, int]) -> dict[str, float]:
    return {f'{{{label}="{name}"}}': count for name, count in counter.items()}


def summary(counts: Counts, gauges: Gauges) -> str:
    """Return one line for the log."""
    dropped = ", ".join(f"{count} {reason}" for reason, count in counts.dropped.items() if count)
    return (
        f"{counts.messages.total()} messages of {gauges.gardens} gardens, "
        f"{counts.verdicts[Verdict.GOOD]} good, {counts.verdicts[Verdict.SUSPECT]} suspect, "
        f"{counts.verdicts[Verdict.BAD]} bad, {counts.stored.total()} stored in "
        f"{counts.batches} batches, {gauges.queue_depth} waiting, dropped: {dropped or 'none'}"
    )
