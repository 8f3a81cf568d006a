"""A value that slept through a dose has stuck."""

from datetime import timedelta

import pytest

from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Reason, Verdict
from kamerplanter_engines.telemetry_engine import ChannelState, Sample, judge_message, rules_for
from tests.factories import NOW

EC, PH = ChannelKind.EC, ChannelKind.PH


def flat_for(
    hours: float,
    dosed_hours_ago: float | None,
    *,
    kind: ChannelKind = EC,
    value: float = 1.83,
    step: float = 0.01,
) -> tuple[Verdict, tuple[Reason, ...]]:
    """Return the judgement of the last of equal readings every ten minutes, after a change."""
    rules = {kind: rules_for(ChannelBinding(kind=kind))}
    states: dict[ChannelKind, ChannelState] = {}
    begun = NOW - timedelta(hours=hours)
    supplied_at = None if dosed_hours_ago is None else NOW - timedelta(hours=dosed_hours_ago)
    times = [begun - timedelta(minutes=10), begun]
    while times[-1] + timedelta(minutes=10) < NOW:
        times.append(times[-1] + timedelta(minutes=10))
    last = None
    for number, at in enumerate([*times, NOW]):
        shown = round(value - step, 6) if number == 0 else value
        sample = Sample(kind=kind, at=at, received_at=at, raw=shown, step=step)
        known = () if supplied_at is None or supplied_at > at else (supplied_at,)
        (last,), states = judge_message([sample], states, rules, dosed_at=known)
    assert last is not None
    return last.verdict, last.reasons


@pytest.mark.parametrize(
    ("hours", "dosed_hours_ago", "is_stuck"),
    [
        (6, 3, True),
        (7, 0.25, True),
        # Not long enough; it has to mix; it moved after the dose; nobody dosed.
        (5.9, 3, False),
        (7, 0.2, False),
        (6, 6.1, False),
        (12, None, False),
    ],
)
def test_flat_to_the_digit_across_a_dose(
    hours: float, dosed_hours_ago: float | None, *, is_stuck: bool
) -> None:
    verdict, reasons = flat_for(hours, dosed_hours_ago)

    assert (verdict, reasons) == (
        (Verdict.SUSPECT, (Reason.STUCK,)) if is_stuck else (Verdict.GOOD, ())
    )


@pytest.mark.parametrize(
    ("kind", "value", "step"),
    [
        (PH, 5.9, 0.1),
        (ChannelKind.LEVEL, 60, 1),
        (ChannelKind.SOIL_MOISTURE, 40, 0.01),
        (ChannelKind.WATER_TEMPERATURE, 20.31, 0.01),
    ],
)
def test_a_coarse_meter_and_what_a_dose_need_not_move(
    kind: ChannelKind, value: float, step: float
) -> None:
    assert flat_for(8, 3, kind=kind, value=value, step=step) == (Verdict.GOOD, ())


def test_it_ends_when_the_value_moves() -> None:
    rules = {EC: rules_for(ChannelBinding(kind=EC))}
    stuck = ChannelState(
        good_value=1.83,
        good_at=NOW - timedelta(hours=1),
        value=1.83,
        at=NOW - timedelta(minutes=1),
        unchanged_since=NOW - timedelta(hours=8),
        is_stuck=True,
        verdict=Verdict.SUSPECT,
        reasons=(Reason.STUCK,),
    )
    sample = Sample(kind=EC, at=NOW, received_at=NOW, raw=1.84)

    (judged,), after = judge_message(
        [sample], {EC: stuck}, rules, dosed_at=[NOW - timedelta(hours=3)]
    )

    assert judged.verdict is Verdict.GOOD
    assert after[EC].is_stuck is False
