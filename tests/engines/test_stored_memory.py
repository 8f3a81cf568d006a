"""The memory as of an earlier moment, made of what is stored, is the one there was."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, strategies as st

from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Reading,
    Reason,
    Verdict,
)
from kamerplanter_engines.restart_engine import with_stored
from kamerplanter_engines.telemetry_engine import (
    UNKNOWN_CHANNEL,
    ChannelState,
    Judged,
    Sample,
    judge_message,
    rules_for,
)

PH = ChannelKind.PH
T0 = datetime(2026, 5, 4, 8, tzinfo=UTC)
RULES = rules_for(ChannelBinding(kind=PH, topic="ph"))

# Trembling, jumps, an end stop (14.0, 0.0), below the plausible range, and what cannot be true.
VALUES = st.sampled_from(
    [6.01, 6.02, 6.1, 8.51, 8.52, 8.53, 8.54, 2.81, 2.82, 2.83, 0.0, 14.0, 15.0]
)


def stored(judged: Judged) -> Reading | None:
    if judged.value is None or judged.is_repeat:
        return None
    return Reading(
        probe_key="p",
        kind=PH,
        at=judged.at,
        received_at=judged.received_at,
        value=judged.value,
        verdict=judged.verdict,
        reasons=judged.reasons,
        raw=judged.measured,
    )


def comparable(state: ChannelState) -> ChannelState:
    """Leave out what no store knows: which number was refused, and what was said of it."""
    return state._replace(refused_at=None, verdict=None, reasons=(), hint=None)


@given(said=st.lists(st.tuples(st.sampled_from([0.5, 1, 1, 5, 600, 3000]), VALUES), max_size=30))
def test_it_is_the_same_step_by_step(said: list[tuple[float, float]]) -> None:
    at, states, made = T0, {PH: UNKNOWN_CHANNEL}, UNKNOWN_CHANNEL
    for pause_min, value in said:
        at += timedelta(minutes=pause_min)
        sample = Sample(kind=PH, at=at, received_at=at, raw=value)
        (judged,), states = judge_message([sample], states, {PH: RULES})
        reading = stored(judged)
        if reading is not None:
            made = with_stored(made, reading, RULES)

        assert comparable(made) == comparable(states[PH])


def test_what_has_stuck_still_is() -> None:
    reading = Reading(
        probe_key="p",
        kind=PH,
        at=T0,
        received_at=T0,
        value=6.01,
        verdict=Verdict.SUSPECT,
        reasons=(Reason.STUCK,),
    )

    assert with_stored(UNKNOWN_CHANNEL, reading, RULES).is_stuck is True
