"""What several probes of one place say together, as of now."""

from collections.abc import Iterable
from typing import Protocol

from kamerplanter_engines.agreement_engine import agree, quality_of
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    QualityView,
    Reason,
    Verdict,
)
from kamerplanter_engines.models.trust import Agreement, Showing
from kamerplanter_engines.tables.trust import TOLERANCES

LEAST_AT_ODDS = 2
"""One alone that is doubted disagrees with a probe of another place."""


class Look(Protocol):
    """What a probe shows of a channel at one moment."""

    @property
    def value(self) -> float | None:
        """The last good value until its maximum age; then none. Canonical unit."""

    @property
    def age_s(self) -> float | None:
        """How old it is, in seconds; none = never measured."""

    @property
    def verdict(self) -> Verdict:
        """Of the newest message; stale for what is too old."""


def is_comparable(kind: ChannelKind) -> bool:
    """Tell whether probes that measure this are held against each other."""
    return kind in TOLERANCES


def agreement_of(
    kind: ChannelKind,
    looks: Iterable[tuple[str, ChannelBinding, Look]],
    qualities: Iterable[QualityView] = (),
) -> Agreement:
    """Return how far probes agree.

    Args:
        kind: What they measure; a comparable one.
        looks: Each probe with its binding and what it shows.
        qualities: What is said of them so far, by which one knows whether they disagreed before.
    """
    doubted = sum(Reason.PROBES_DISAGREE in view.reasons for view in qualities)
    return agree(
        kind,
        [
            Showing(key, shown.value, shown.verdict, quality_of(binding, shown.age_s or 0))
            for key, binding, shown in looks
        ],
        at_odds=doubted >= LEAST_AT_ODDS,
    )


def quality_together(own: QualityView, together: Agreement) -> QualityView:
    """Return how far the value of a place is to be trusted.

    Whether probes agree is known here at once, and in the snapshot a little later.

    Args:
        own: What is said of the probe that speaks for the place.
        together: How far it and its neighbours agree.
    """
    reasons = (
        *(reason for reason in own.reasons if reason != Reason.PROBES_DISAGREE),
        *together.reasons,
    )
    verdict = own.verdict
    if verdict in {Verdict.GOOD, Verdict.SUSPECT}:
        verdict = Verdict.SUSPECT if reasons else Verdict.GOOD
    return QualityView(verdict=verdict, reasons=reasons)
