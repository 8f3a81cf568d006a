"""Values that are doubted for range or rate, and how further ones make them true.

Source: the project's decisions on readings (healing).  A real change goes on trembling where it
went; a cut probe says the same number for ever, and is never believed.
"""

from copy import replace

from kamerplanter_engines.models.telemetry import Reason
from kamerplanter_engines.stillness_engine import is_coarse
from kamerplanter_engines.telemetry_state_engine import ChannelRules, ChannelState, Sample

AGREEING_READINGS = 3
"""So many further readings make a doubtful value true."""
TAKEN_BACK = frozenset({Reason.OUTSIDE_PLAUSIBLE, Reason.RATE})
"""Reasons that further readings may take back."""


def soft_reasons(
    sample: Sample, state: ChannelState, rules: ChannelRules, *, judges_rate: bool
) -> tuple[Reason, ...]:
    """Return range and rate, the reasons that further readings may take back.

    Args:
        sample: What came, with a number.
        state: The memory of the channel.
        rules: The numbers in force for it.
        judges_rate: Whether it matters how fast the value moved.
    """
    value = sample.raw
    assert value is not None  # noqa: S101 (the caller has looked)
    reasons: list[Reason] = []
    side = rules.implausible_side(value)
    if side is not None and side is not state.proved_side:
        reasons.append(Reason.OUTSIDE_PLAUSIBLE)
    if judges_rate and state.good_value is not None and state.good_at is not None:
        gap = abs(value - state.good_value)
        elapsed_s = (sample.at - state.good_at).total_seconds()
        believed = gap <= rules.allowed(elapsed_s)
        if state.doubted_value is not None:
            # Time alone must not make a jump true: within a run only a real return counts.
            start = state.doubted_jump
            returned = gap <= (rules.allowed(0) if start is None else start)
            believed = returned or (believed and not _agrees(sample, state, rules))
        if not believed:
            reasons.append(Reason.RATE)
    return tuple(reasons)


def _agrees(sample: Sample, state: ChannelState, rules: ChannelRules) -> bool:
    """Tell whether a value continues the run of doubted readings."""
    if state.doubted_value is None or state.doubted_at is None or sample.raw is None:
        return False
    elapsed_s = (sample.at - state.doubted_at).total_seconds()
    return abs(sample.raw - state.doubted_value) <= rules.allowed(elapsed_s)


def believed(
    state: ChannelState,
    value: float | None,
    sample: Sample,
    rules: ChannelRules,
) -> ChannelState:
    """Return the memory after a good reading, which ends all doubt.

    Args:
        state: The memory with all else that it says.
        value: What it is shown as.
        sample: What came.
        rules: The numbers in force for it.
    """
    raw = sample.raw
    return replace(
        state,
        good_value=value,
        good_at=sample.at,
        good_received_at=sample.received_at,
        good_is_retained=False,
        doubted_value=None,
        doubted_sent=None,
        doubted_at=None,
        doubted_jump=None,
        agreeing=0,
        agreeing_differ=False,
        # A proof on one side of the range proves nothing on the other one.
        proved_side=None if raw is None else rules.implausible_side(raw),
    )


def doubted(sample: Sample, state: ChannelState, rules: ChannelRules) -> tuple[ChannelState, bool]:
    """Begin or continue a run of doubted readings; tell whether it has proved itself.

    Args:
        sample: What came and has nothing but soft reasons against it.
        state: The memory of the channel.
        rules: The numbers in force for it.
    """
    if not _agrees(sample, state, rules):
        jump = None
        if state.good_at is not None:
            jump = rules.allowed((sample.at - state.good_at).total_seconds())
        return replace(
            state,
            doubted_value=sample.raw,
            doubted_sent=sample.sent,
            doubted_at=sample.at,
            doubted_jump=jump,
            agreeing=0,
            agreeing_differ=False,
        ), False
    # The first further reading has no equal yet among those that must differ.
    differ = state.agreeing_differ or (state.agreeing > 0 and sample.sent != state.doubted_sent)
    state = replace(
        state,
        doubted_value=sample.raw,
        doubted_sent=sample.sent,
        doubted_at=sample.at,
        agreeing=state.agreeing + 1,
        agreeing_differ=differ,
    )
    may_repeat = differ or rules.repeats_are_natural or is_coarse(state)
    return state, state.agreeing >= AGREEING_READINGS and may_repeat
