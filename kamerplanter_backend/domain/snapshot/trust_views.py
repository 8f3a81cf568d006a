"""What a screen shows of the trust in probes: whether they agree, and how far they drifted."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from kamerplanter_backend.domain.consequences.measured_here import newest_here
from kamerplanter_backend.domain.repositories.calibration import CalibrationRepository
from kamerplanter_backend.domain.repositories.hand_measurement import HandMeasurementRepository
from kamerplanter_backend.domain.repositories.presence import ProbePresenceRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.snapshot.views import (
    AgreementView,
    ChannelDoubt,
    DriftView,
)
from kamerplanter_engines.agreement_engine import (
    agree,
    is_near_its_limit,
    last_at_odds_at,
    quality_of,
)
from kamerplanter_engines.binding_options_engine import max_age_of
from kamerplanter_engines.calibration_in_force_engine import put_right_at
from kamerplanter_engines.drift_engine import compared, drift
from kamerplanter_engines.evidence_engine import is_recent
from kamerplanter_engines.models.base import MICROSECOND
from kamerplanter_engines.models.calibration import (
    Calibration,
    CalibrationState,
    CalibrationStatus,
)
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Reading,
    Reason,
    Verdict,
)
from kamerplanter_engines.models.trust import Showing
from kamerplanter_engines.stay_engine import here_since
from kamerplanter_engines.tables.trust import AT_ODDS_FOR_S, TOLERANCES
from kamerplanter_engines.twin_engine import by_place

AT_ODDS_FOR = timedelta(seconds=AT_ODDS_FOR_S)
COMPARED_FOR = timedelta(days=90)
"""So long a measurement by hand speaks of a probe that nobody ever calibrated."""
MOST_COMPARED = 50
"""More measurements by hand say nothing new of a drift."""

type Disagreeing = Mapping[str, frozenset[ChannelKind]]
"""The kinds in which another probe of the place says something else, by key of the probe."""


def agreement_views(
    uow: UnitOfWork, probes: Sequence[Probe]
) -> tuple[tuple[AgreementView, ...], list[datetime]]:
    """Return how far the probes of one place agree, and when that changes by time alone.

    Args:
        uow: The unit of work.
        probes: Those of the place that are not archived.
    """
    if len(probes) < 2:  # noqa: PLR2004 - one alone has nobody to agree with
        return (), []
    views, moments = [], []
    for kind in TOLERANCES:
        bound = [(probe, binding) for probe in probes if (binding := probe.binding(kind))]
        if len(bound) < 2:  # noqa: PLR2004 - as above
            continue
        shown = []
        for probe, binding in bound:
            showing, ends_at = _showing(uow, probe, binding)
            shown.append(showing)
            moments += [ends_at] if ends_at else []
        found = agree(kind, shown)
        if is_near_its_limit(found):
            at_odds_at = _last_at_odds_at(uow, kind, bound)
            if at_odds_at is not None:
                found = agree(kind, shown, at_odds=True)
                moments.append(at_odds_at + AT_ODDS_FOR + MICROSECOND)
        views.append(
            AgreementView(
                kind=kind,
                agrees=found.agrees,
                spread=found.spread,
                limit=found.limit,
                probe_keys=found.member_keys,
                value=found.value,
                may_decide_dose=found.may_decide_dose,
                reasons=found.reasons,
            )
        )
    return tuple(views), moments


def _last_at_odds_at(
    uow: UnitOfWork, kind: ChannelKind, bound: Sequence[tuple[Probe, ChannelBinding]]
) -> datetime | None:
    """Return when probes of a place last disagreed, unless that is over or long ago.

    What they measured before one of them was put right, exchanged or moved says nothing of it, and
    neither does one that is gone.
    """
    now = uow.context.now
    since, readings = now - AT_ODDS_FOR, list[Reading]()
    gone = uow.of(ProbePresenceRepository).gone()
    for probe, binding in bound:
        if probe.key in gone:
            continue
        put_right = put_right_at(uow.of(CalibrationRepository).of_probe(probe.key), kind, now)
        moments = (put_right, probe.replaced_at, here_since(probe, kind, now))
        changes = [at for at in moments if at is not None]
        since = max((since, *changes))
        before = uow.readings.latest(probe.key, kind, Verdict.GOOD, until_at=since)
        found = uow.readings.range(probe.key, kind, since, now + MICROSECOND)
        max_age_s = max_age_of(binding)
        readings += [
            item
            for item in (before, *found)
            if item is not None
            and is_recent(item.at, now=now, max_age_s=max_age_s)
            and all(item.at >= at for at in changes)
        ]
    return last_at_odds_at(kind, readings, since=since)


def _showing(
    uow: UnitOfWork, probe: Probe, binding: ChannelBinding
) -> tuple[Showing, datetime | None]:
    """Return what a channel shows now, as far as the store knows, and until when."""
    last, now = newest_here(uow, probe, binding.kind), uow.context.now
    if last is None:
        return Showing(probe.key, None, Verdict.STALE, 1), None
    max_age_s = max_age_of(binding)
    is_gone = probe.key in uow.of(ProbePresenceRepository).gone()
    is_fresh = not is_gone and is_recent(last.at, now=now, max_age_s=max_age_s)
    verdict = last.verdict if is_fresh else Verdict.STALE
    quality = quality_of(binding, (now - last.at).total_seconds())
    # At its maximum age a value is not too old yet.
    ends_at = last.at + timedelta(seconds=max_age_s) + MICROSECOND if is_fresh else None
    return Showing(probe.key, last.value, verdict, quality), ends_at


def disagreeing_of(uow: UnitOfWork, probes: Iterable[Probe]) -> Disagreeing:
    """Return in which kinds probes say something else than others of their places.

    Args:
        uow: The unit of work.
        probes: Those that are compared with each other; not archived.
    """
    of_places = by_place(probes, lambda probe: probe).values()
    return disagreeing(
        view for neighbours in of_places for view in agreement_views(uow, neighbours)[0]
    )


def disagreeing(agreements: Iterable[AgreementView]) -> Disagreeing:
    """Return which probes are in disagreement, and about what."""
    found: dict[str, frozenset[ChannelKind]] = {}
    for item in agreements:
        if not item.agrees:
            for key in item.probe_keys:
                found[key] = found.get(key, frozenset()) | {item.kind}
    return found


def drift_views(
    uow: UnitOfWork, probe: Probe, calibrations: Sequence[Calibration]
) -> tuple[DriftView, ...]:
    """Return how far the channels of a probe are from what was measured by hand beside them.

    Args:
        uow: The unit of work.
        probe: The probe.
        calibrations: All of this probe, withdrawn ones among them.
    """
    if probe.tank_key is None and probe.plant_key is None:
        return ()
    place = (
        {"plant_key": probe.plant_key} if probe.tank_key is None else {"tank_key": probe.tank_key}
    )
    hand, now = uow.of(HandMeasurementRepository), uow.context.now
    views = []
    for binding in probe.channels:
        put_right = put_right_at(calibrations, binding.kind, now)
        came_at = here_since(probe, binding.kind, now)
        starts = (now - COMPARED_FOR, probe.replaced_at, put_right, came_at)
        since = max(start for start in starts if start is not None)
        measured = hand.good_since(binding.kind, since, limit=MOST_COMPARED, **place)
        comparisons = compared(measured, probe.key, binding, written_at=probe.updated_at)
        found = drift(binding.kind, comparisons)
        views += [found] if found else []
    return tuple(views)


def doubts_of(
    probe: Probe,
    drifts: Iterable[DriftView],
    disagreed: Disagreeing,
    statuses: Iterable[CalibrationStatus] = (),
) -> tuple[ChannelDoubt, ...]:
    """Return what speaks against the channels of a probe beside their own readings."""
    by_hand = {
        item.kind: Reason.DRIFTED if item.drifted else Reason.MEASURE_AGAIN
        for item in drifts
        if item.drifted or item.measure_again
    }
    remapped = {item.kind for item in statuses if item.state is CalibrationState.REMAPPED}
    at_odds = disagreed.get(probe.key, frozenset())
    doubts = []
    for binding in probe.channels:
        reasons = (
            *((Reason.PROBES_DISAGREE,) if binding.kind in at_odds else ()),
            *((by_hand[binding.kind],) if binding.kind in by_hand else ()),
            *((Reason.REMAPPED,) if binding.kind in remapped else ()),
        )
        doubts += [ChannelDoubt(kind=binding.kind, reasons=reasons)] if reasons else []
    return tuple(doubts)
