"""Judges a reading once, on its way in: value, verdict, reasons.

The same messages give the same verdicts however they are batched, because all memory is in the
arguments.  Sources: the project's decisions on readings, and the numbers in `tables.channels`.
"""

from collections.abc import Mapping, Sequence
from copy import replace
from datetime import datetime, timedelta
from types import MappingProxyType

from kamerplanter_engines.doubt_engine import believed, doubted, soft_reasons
from kamerplanter_engines.flaw_engine import Flaws, flaws_of, in_bad_company
from kamerplanter_engines.freshness_engine import (
    Shown,
    expires_at,
    freshness,
    freshness_so_far,
)
from kamerplanter_engines.models.base import is_ahead, utc
from kamerplanter_engines.models.telemetry import ChannelKind, Reason, Verdict
from kamerplanter_engines.restart_engine import restore, restored
from kamerplanter_engines.stillness_engine import Around, finest_step, noted
from kamerplanter_engines.tables.channels import JUMP_EXPECTED_S
from kamerplanter_engines.telemetry_state_engine import (
    SAME_READING_S,
    UNKNOWN_CHANNEL,
    ChannelRules,
    ChannelState,
    Judged,
    Known,
    Sample,
    of_new_device,
    of_new_place,
    rules_for,
    without_future,
)
from kamerplanter_engines.twin_engine import Twin

__all__ = [
    "SAME_READING_S",
    "UNKNOWN_CHANNEL",
    "ChannelRules",
    "ChannelState",
    "Judged",
    "Known",
    "Sample",
    "Shown",
    "expires_at",
    "freshness",
    "freshness_so_far",
    "judge_message",
    "keep_retained",
    "of_new_device",
    "of_new_place",
    "restore",
    "restored",
    "rules_for",
    "without_future",
]


def judge_message(
    samples: Sequence[Sample],
    states: Mapping[ChannelKind, ChannelState],
    rules: Mapping[ChannelKind, ChannelRules],
    *,
    jumps_at: Sequence[datetime] = (),
    dosed_at: Sequence[datetime] = (),
    twins: Mapping[ChannelKind, Sequence[Twin]] = MappingProxyType({}),
    doubtful_beside: int = 0,
) -> tuple[tuple[Judged, ...], dict[ChannelKind, ChannelState]]:
    """Judge all that one message of one device says.

    A memory that lies ahead of the receipt is none: the clock went back.

    Args:
        samples: Everything in the message; a missing field is remembered and not judged.
        states: The memory of all channels of the device.
        rules: The numbers in force, for each kind of `samples`.
        jumps_at: When fills, doses and calibrations were logged: what was measured in the quarter
            of an hour after one may jump, whenever it is heard. Aware, in any order.
        dosed_at: When water or feed was given; what did not move then has stuck. As above.
        twins: The channels of other devices in the same place, by kind; what stands still beside
            one that moves has stuck.
        doubtful_beside: How many fields of the message that are none of the samples make a 0 or
            full scale doubtful.

    Returns:
        The verdicts in the order of the samples, and the new memory of all channels.
    """
    after = _up_to_receipt(states, samples)
    verdicts: list[Judged] = []
    flaws = _flaws(samples, after, rules)
    doubtful = sum([flaw.is_doubtful for flaw in flaws]) + doubtful_beside
    for sample, flaw in zip(samples, flaws, strict=True):
        kind = sample.kind
        state = after.get(kind, UNKNOWN_CHANNEL)
        if sample.problem is Reason.MISSING_FIELD:
            # Many devices send one value a message: what is absent says nothing.
            if state.verdict is None:
                after[kind] = replace(state, reasons=(Reason.MISSING_FIELD,))
            continue
        reasons = flaw.reasons
        is_bad = flaw.is_bad or sample.raw is None
        if doubtful and in_bad_company(flaw, flaws, doubtful):
            reasons += (Reason.BAD_COMPANY,)
            is_bad = flaw.is_below_nothing
        channel = rules[kind]
        found = None if is_bad or reasons else _moved_well(sample, state, channel)
        if is_bad:
            found = _refuse(sample, reasons, state)
        elif found is None:
            around = Around(after, dosed_at, twins.get(kind, ()))
            may_jump = _may_jump(sample, jumps_at)
            found = _weigh(sample, reasons, state, channel, around, may_jump=may_jump)
        judged, after[kind] = found
        verdicts.append(judged)
    return tuple(verdicts), after


def _up_to_receipt(
    states: Mapping[ChannelKind, ChannelState], samples: Sequence[Sample]
) -> dict[ChannelKind, ChannelState]:
    if not samples:
        return dict(states)
    for sample in samples:
        if sample.at.tzinfo is None or sample.received_at.tzinfo is None:
            utc(sample.at)
            utc(sample.received_at)
    now = samples[0].received_at
    return {kind: without_future(state, now) for kind, state in states.items()}


def _flaws(
    samples: Sequence[Sample],
    states: Mapping[ChannelKind, ChannelState],
    rules: Mapping[ChannelKind, ChannelRules],
) -> list[Flaws]:
    return [
        flaws_of(sample, rules[sample.kind], states.get(sample.kind, UNKNOWN_CHANNEL).good_value)
        for sample in samples
    ]


def _may_jump(sample: Sample, jumps_at: Sequence[datetime]) -> bool:
    if not jumps_at:
        return False
    since = sample.at - timedelta(seconds=JUMP_EXPECTED_S)
    return any(utc(at) >= since and not is_ahead(at, sample.at) for at in jumps_at)


def _refuse(
    sample: Sample, reasons: tuple[Reason, ...], state: ChannelState
) -> tuple[Judged, ChannelState]:
    judged = Judged(
        kind=sample.kind,
        value=None,
        verdict=Verdict.BAD,
        reasons=reasons,
        hint=sample.hint,
        at=sample.at,
        received_at=sample.received_at,
    )
    refused_at = state.refused_at
    # A word is no measurement, and an older one is not the newest.
    if sample.problem is not Reason.NOT_A_NUMBER and (refused_at is None or sample.at > refused_at):
        refused_at = sample.at
    if _is_outdone(sample, state):
        return judged, replace(state, refused_at=refused_at)
    return judged, replace(
        state,
        verdict=Verdict.BAD,
        reasons=judged.reasons,
        hint=sample.hint,
        refused_at=refused_at,
    )


def _is_outdone(sample: Sample, state: ChannelState) -> bool:
    """Tell whether the channel has said something, or tried to, that was measured later."""
    return (state.at is not None and sample.at < state.at) or (
        state.refused_at is not None and sample.at < state.refused_at
    )


def _weigh(
    sample: Sample,
    reasons: tuple[Reason, ...],
    state: ChannelState,
    rules: ChannelRules,
    around: Around,
    *,
    may_jump: bool,
) -> tuple[Judged, ChannelState]:
    """Judge a number that is physically possible against what the channel showed before."""
    value = sample.raw
    assert value is not None  # noqa: S101 (the caller has looked)
    is_late = state.at is not None and sample.at < state.at
    if _is_repeat(sample, state):
        return _judged(sample, rules, state.reasons, is_repeat=True), state
    hard = bool(reasons)
    if not is_late:
        state = noted(sample, state, rules, reasons=reasons, around=around)
        if state.is_stuck:
            reasons += (Reason.STUCK,)
    soft = soft_reasons(sample, state, rules, judges_rate=not (may_jump or is_late))
    if hard:
        reasons += soft
    elif soft and not is_late:
        state, healed = doubted(sample, state, rules)
        reasons += () if healed else soft
    else:
        reasons += soft
    judged = _judged(sample, rules, reasons)
    if is_late:
        return judged, state
    if not _is_outdone(sample, state):
        hint = None if judged.verdict is Verdict.GOOD else sample.hint
        state = replace(state, verdict=judged.verdict, reasons=judged.reasons, hint=hint)
    if judged.verdict is not Verdict.GOOD:
        return judged, state
    return judged, believed(state, judged.value, sample, rules)


def _moved_well(
    sample: Sample, state: ChannelState, rules: ChannelRules
) -> tuple[Judged, ChannelState] | None:
    """Judge a possible number for which a look is enough: it is new, and nothing speaks against it.

    That is what nearly always comes; whatever else there is to a reading, `_weigh` knows.

    Returns:
        The verdict, which is good, and the memory; none = it has to be weighed.
    """
    value, sent, at = sample.raw, sample.sent, sample.at
    if (
        value is None
        or value == state.value
        or sent == state.sent
        or state.doubted_value is not None
        or not rules.plausible_low <= value <= rules.plausible_high
        or (state.at is not None and at < state.at)
        or (state.refused_at is not None and at < state.refused_at)
    ):
        return None
    good_value, good_at = state.good_value, state.good_at
    if (
        good_value is not None
        and good_at is not None
        and not abs(value - good_value) <= rules.allowed((at - good_at).total_seconds())
    ):
        return None
    judged = _judged(sample, rules, ())
    # By position, as in `_judged`: to tell the fields by name would take longer than all the rest.
    return judged, ChannelState(
        judged.value,
        at,
        sample.received_at,
        False,  # not retained
        Verdict.GOOD,
        (),
        None,
        value,
        sent,
        at,
        at,
        False,  # not stuck
        finest_step(sample, state),
        state.has_moved or state.sent is not None,
    )


def _judged(
    sample: Sample,
    rules: ChannelRules,
    reasons: tuple[Reason, ...],
    *,
    is_repeat: bool = False,
) -> Judged:
    value = sample.raw
    if value is not None:
        if rules.shown_high is not None and value > rules.shown_high:
            value = rules.shown_high
        if rules.shown_low is not None and value < rules.shown_low:
            value = rules.shown_low
    return Judged(
        sample.kind,
        value,
        Verdict.SUSPECT if reasons else Verdict.GOOD,
        sample.at,
        sample.received_at,
        reasons,
        sample.hint,
        is_repeat,
        sample.measured,
    )


def _is_repeat(sample: Sample, state: ChannelState) -> bool:
    return (
        state.at is not None
        and sample.raw == state.value
        and state.verdict in (Verdict.GOOD, Verdict.SUSPECT)
        and abs((sample.at - state.at).total_seconds()) < SAME_READING_S
    )


def keep_retained(
    samples: Sequence[Sample],
    states: Mapping[ChannelKind, ChannelState],
    rules: Mapping[ChannelKind, ChannelRules],
    doubtful_beside: int = 0,
) -> dict[ChannelKind, ChannelState]:
    """Return the memory after a message that the broker had kept from before.

    It is no report: a value is shown with its own age if the device said when it was measured
    and nothing newer is known; otherwise it only explains why there is none. The rest of it is
    as in `judge_message`.
    """
    after = _up_to_receipt(states, samples)
    flaws = _flaws(samples, after, rules)
    doubtful = sum([flaw.is_doubtful for flaw in flaws]) + doubtful_beside
    for sample, flaw in zip(samples, flaws, strict=True):
        state = after.get(sample.kind, UNKNOWN_CHANNEL)
        channel = rules[sample.kind]
        is_alone = not in_bad_company(flaw, flaws, doubtful)
        is_fine = is_alone and not flaw.reasons and sample.raw is not None
        if is_fine and not sample.has_device_time:
            if state.good_value is None and state.verdict is None:
                after[sample.kind] = replace(state, reasons=(Reason.RETAINED,))
            continue
        is_news = state.good_at is None or sample.at > state.good_at
        if not is_fine or not is_news or soft_reasons(sample, state, channel, judges_rate=True):
            continue
        after[sample.kind] = replace(
            state,
            good_value=_judged(sample, channel, ()).value,
            good_at=sample.at,
            good_received_at=sample.received_at,
            good_is_retained=True,
            proved_side=None if sample.raw is None else channel.implausible_side(sample.raw),
        )
    return after
