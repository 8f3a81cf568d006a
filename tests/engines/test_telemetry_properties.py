"""What holds for every sequence of messages."""

from datetime import timedelta
from math import isfinite

from hypothesis import given, settings, strategies as st

from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Reason, Verdict
from kamerplanter_engines.telemetry_engine import (
    ChannelState,
    Sample,
    freshness,
    judge_message,
    keep_retained,
    rules_for,
)
from tests.engines.channel_bench import T0

RULES = {kind: rules_for(ChannelBinding(kind=kind, topic="t")) for kind in ChannelKind}

VALUES = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.floats(-10, 120),
    st.sampled_from([0.0, 85.0, -127.0, 100.0, 14.0, 21.35, 25.0, 6.0, 1.4]),
    st.none(),
)


@st.composite
def messages(draw: st.DrawFn) -> list[tuple[Sample, ...]]:
    """Messages of one device in the order of arrival, some with times of their own."""
    received_s = 0.0
    result = []
    for _ in range(draw(st.integers(1, 25))):
        received_s += draw(st.sampled_from([0.0, 0.5, 10, 60, 3600, 90_000]))
        received = T0 + timedelta(seconds=received_s)
        at = received - timedelta(seconds=draw(st.sampled_from([0, 0, 0, 30, 7200])))
        kinds = draw(st.lists(st.sampled_from(ChannelKind), min_size=1, unique=True))
        result.append(
            tuple(
                Sample(
                    kind=kind,
                    raw=draw(VALUES),
                    at=at,
                    received_at=received,
                    has_device_time=at != received,
                )
                for kind in kinds
            )
        )
    return result


@given(messages())
@settings(deadline=None)
def test_what_is_not_physical_is_never_shown(sent: list[tuple[Sample, ...]]) -> None:
    states: dict[ChannelKind, ChannelState] = {}
    for index, samples in enumerate(sent):
        if index % 4 == 3:
            states = keep_retained(samples, states, RULES)
        else:
            _, states = judge_message(samples, states, RULES)
        for kind, state in states.items():
            rules = RULES[kind]
            shown = freshness(state, rules, samples[0].received_at, T0)
            if shown.value is not None:
                assert isfinite(shown.value)
                assert rules.physical_low <= shown.value <= rules.physical_high
                assert shown.age_s is not None
                assert shown.age_s < rules.max_age_s


@given(messages())
@settings(deadline=None)
def test_a_verdict_has_a_reason_and_a_bad_one_no_value(sent: list[tuple[Sample, ...]]) -> None:
    states: dict[ChannelKind, ChannelState] = {}
    for samples in sent:
        judged, states = judge_message(samples, states, RULES)
        for item in judged:
            assert (item.verdict is Verdict.GOOD) == (item.reasons == ())
            assert (item.verdict is Verdict.BAD) == (item.value is None)
            if Reason.OUTSIDE_PHYSICAL in item.reasons:
                assert item.verdict is Verdict.BAD


@given(messages(), st.data())
@settings(deadline=None)
def test_verdicts_do_not_depend_on_the_borders_of_batches(
    sent: list[tuple[Sample, ...]], data: st.DataObject
) -> None:
    at_once, states = [], {}
    for samples in sent:
        judged, states = judge_message(samples, states, RULES)
        at_once.append(judged)

    border = data.draw(st.integers(0, len(sent)))
    in_batches, carried = [], {}
    for batch in (sent[:border], sent[border:]):
        memory = dict(carried)
        for samples in batch:
            judged, memory = judge_message(samples, memory, RULES)
            in_batches.append(judged)
        carried = memory

    assert in_batches == at_once
    assert carried == states


@given(messages())
@settings(deadline=None)
def test_memory_that_went_in_is_left_as_it_was(sent: list[tuple[Sample, ...]]) -> None:
    _, before = judge_message(sent[0], {}, RULES)
    kept = dict(before)

    judge_message(sent[-1], before, RULES)

    assert before == kept


@given(value=st.floats(3, 10), count=st.integers(5, 60))
def test_a_cut_probe_never_becomes_good(value: float, count: int) -> None:
    states: dict[ChannelKind, ChannelState] = {}
    verdicts = set()
    start = 6.04 if abs(value - 6.04) > 0.5 else 7.04
    for index, raw in enumerate([start] + [round(value, 2) + 0.001] * count):
        at = T0 + timedelta(seconds=10 * index)
        sample = Sample(kind=ChannelKind.PH, raw=raw, at=at, received_at=at)
        (judged,), states = judge_message([sample], states, RULES)
        if index:
            verdicts.add(judged.verdict)

    assert verdicts == {Verdict.SUSPECT}
