"""What a channel remembers after a start: the same as if there had been none.

Doubt is replayed from the stored readings of the run, as a cut probe must not become true by a
restart, nor a real change be doubted for ever in a house that restarts often.
"""

from collections.abc import Sequence
from copy import replace
from datetime import datetime

from kamerplanter_engines.doubt_engine import TAKEN_BACK, believed, doubted
from kamerplanter_engines.models.telemetry import Probe, Reading, Reason, Verdict
from kamerplanter_engines.stay_engine import here_since, is_of_place
from kamerplanter_engines.stillness_engine import Around, is_end_stop, noted, step_of
from kamerplanter_engines.telemetry_state_engine import (
    UNKNOWN_CHANNEL,
    ChannelRules,
    ChannelState,
    Known,
    Sample,
    of_new_place,
)

DOUBTS_REPLAYED = 16
"""So many doubted readings are replayed: three agreeing ones tell all, and a run that was broken
off may lie before them. Own choice."""


def restore(
    known: Known,
    rules: ChannelRules,
    replaced_at: datetime | None = None,
    here_since: datetime | None = None,
) -> ChannelState:
    """Return the memory that stored readings give back after a start.

    Args:
        known: What the store knows of the channel.
        rules: The numbers in force for it.
        replaced_at: Since when its present device measures; none = it is the first one.
        here_since: Since when what it measures is of its place, see `stay_engine.here_since`.
    """
    last_good, last = _of_place(known.last_good, here_since), _of_place(known.last, here_since)
    state = UNKNOWN_CHANNEL
    if here_since is not None:
        step = known.finest_step
        state = of_new_place(
            replace(state, finest_step=step, has_moved=step is not None), here_since
        )
    if last_good is not None:
        state = replace(
            state,
            good_value=last_good.value,
            good_at=last_good.at,
            good_received_at=last_good.received_at,
        )
        if replaced_at is None or last_good.at >= replaced_at:
            state = replace(state, proved_side=rules.implausible_side(last_good.value))
    if last is None or (replaced_at is not None and last.at < replaced_at):
        return state
    told = known.told or (None if is_end_stop(last) else last)
    state = replace(
        state,
        value=last.value,
        sent=None if told is None else sent_of(told),
        at=last.at,
        unchanged_since=known.unchanged_since or last.at,
        finest_step=known.finest_step,
        has_moved=known.finest_step is not None,
        is_stuck=Reason.STUCK in last.reasons,
    )
    # One who knows no more tells at least the last reading.
    run = known.doubted or ((last,) if may_be_taken_back(last) else ())
    return _replayed(run, known.doubted_since, state, rules, replaced_at)


def restored(probe: Probe, rules: ChannelRules, known: Known | None) -> ChannelState:
    """Return the memory of a channel after a start, of its present device in its present place.

    Args:
        probe: Its probe as it is now.
        rules: The numbers in force for it.
        known: What the store knows of it; none = nothing.
    """
    return restore(known or Known(), rules, probe.replaced_at, here_since(probe, rules.kind))


def as_sample(reading: Reading) -> Sample:
    """Return a reading as it was before its verdict."""
    return Sample(
        kind=reading.kind,
        at=reading.at,
        received_at=reading.received_at,
        raw=reading.value,
        measured=reading.raw,
        step=step_of(reading),
    )


def with_stored(state: ChannelState, reading: Reading, rules: ChannelRules) -> ChannelState:
    """Return the memory after a stored reading, which is not judged again.

    For the memory as of an earlier moment, step by step.

    Args:
        state: The memory before it.
        reading: Measured after all that the memory knows.
        rules: The numbers in force for its channel.
    """
    reasons = set(reading.reasons)
    sample = as_sample(reading)
    hard = reasons - TAKEN_BACK - {Reason.STUCK}
    state = noted(sample, state, rules, reasons=hard, around=Around({}))
    state = replace(
        state,
        is_stuck=Reason.STUCK in reasons,
        verdict=reading.verdict,
        reasons=reading.reasons,
    )
    if reading.verdict is Verdict.GOOD:
        return believed(state, reading.value, sample, rules)
    if not may_be_taken_back(reading):
        return state
    state, healed = doubted(sample, state, rules)
    # It was doubted all the same, so what it agreed with is not known any more.
    return replace(state, agreeing=0, agreeing_differ=False) if healed else state


def _of_place(reading: Reading | None, since: datetime | None) -> Reading | None:
    """Return a reading unless its probe was elsewhere then."""
    return reading if reading is not None and is_of_place(reading.at, since) else None


def may_be_taken_back(reading: Reading) -> bool:
    """Tell whether a reading is doubted for nothing but what further ones may make true.

    One that stands still beside that is part of the run all the same.
    """
    reasons = set(reading.reasons)
    return (
        reading.verdict is Verdict.SUSPECT
        and not reasons.isdisjoint(TAKEN_BACK)
        and reasons <= TAKEN_BACK | {Reason.STUCK}
    )


def in_order(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """Return those readings that were no late ones: none measured after them was heard before.

    Late ones are no evidence, see `telemetry_engine`.

    Args:
        readings: Of one channel, newest first.

    Returns:
        Oldest first.
    """
    kept: list[Reading] = []
    heard_at = None
    for reading in readings:
        if heard_at is None or reading.received_at <= heard_at:
            heard_at = reading.received_at
            kept.append(reading)
    return tuple(reversed(kept))


def _replayed(
    run: Sequence[Reading],
    since: datetime | None,
    state: ChannelState,
    rules: ChannelRules,
    replaced_at: datetime | None,
) -> ChannelState:
    """Return the memory with the doubt that these readings left; they were not believed then.

    Args:
        run: Doubted readings since the last good one, oldest first.
        since: When the first of these was measured; none = the first of the run.
        state: The memory without doubt.
        rules: The numbers in force.
        replaced_at: Since when its present device measures; what was before is another one's.
    """
    ours = [item for item in run if replaced_at is None or item.at >= replaced_at]
    for index, reading in enumerate(ours):
        sample = Sample(
            kind=reading.kind,
            at=reading.at,
            received_at=reading.received_at,
            raw=reading.value,
            measured=reading.raw,
        )
        state, healed = doubted(sample, state, rules)
        if index == 0 and since is not None and state.good_at is not None:
            # Where it began is not among them, so the narrowest that it may have been counts.
            state = replace(
                state, doubted_jump=rules.allowed((since - state.good_at).total_seconds())
            )
        if Reason.RATE in reading.reasons and _is_return(sample, state):
            # It was none then: the run began where less was believed, and that is not known.
            state = replace(state, doubted_jump=None)
        if healed:
            # It was doubted all the same, so what it agreed with is not known any more.
            state = replace(state, agreeing=0, agreeing_differ=False)
    return state


def _is_return(sample: Sample, state: ChannelState) -> bool:
    """Tell whether a value would be back where the last good one was."""
    return (
        sample.raw is not None
        and state.good_value is not None
        and state.doubted_jump is not None
        and abs(sample.raw - state.good_value) <= state.doubted_jump
    )


def sent_of(reading: Reading) -> float:
    """Return the number as the device said it, before calibration."""
    return reading.value if reading.raw is None else reading.raw
