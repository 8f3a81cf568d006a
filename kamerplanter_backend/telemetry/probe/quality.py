"""How far the channels of a probe are to be trusted, by what they show and what else is known."""

from collections.abc import Mapping

from kamerplanter_engines.models.telemetry import ChannelKind, QualityView, Reason, Verdict
from kamerplanter_engines.telemetry_engine import Shown

type Doubts = Mapping[ChannelKind, tuple[Reason, ...]]
"""What speaks against channels beside their own readings."""

_WORST_FIRST = (Verdict.BAD, Verdict.SUSPECT, Verdict.STALE, Verdict.GOOD)


def overall(shown: Mapping[ChannelKind, Shown], doubts: Doubts) -> QualityView:
    """Return the quality of the worst of some channels.

    What else speaks against a channel makes a good value doubtful and takes it off no screen: the
    readings are sound, and a person has to find out which meter is wrong.

    Args:
        shown: What each of them shows.
        doubts: What else speaks against them.
    """
    if not shown:
        return QualityView(verdict=Verdict.STALE, reasons=(Reason.NEVER_MEASURED,))
    views = [_doubted(view, doubts.get(kind, ())) for kind, view in shown.items()]
    worst = min((verdict for verdict, _ in views), key=_WORST_FIRST.index)
    reasons = dict.fromkeys(
        reason for verdict, found in views if verdict is worst for reason in found
    )
    return QualityView(verdict=worst, reasons=tuple(reasons))


def _doubted(view: Shown, more: tuple[Reason, ...]) -> tuple[Verdict, tuple[Reason, ...]]:
    if not more or view.verdict not in {Verdict.GOOD, Verdict.SUSPECT}:
        return view.verdict, view.reasons
    return Verdict.SUSPECT, (*view.reasons, *more)
