"""What a field that nobody bound says of a 0 or a full scale beside it."""

from datetime import UTC, datetime
from itertools import product

import pytest

from kamerplanter_engines.bystander_engine import PossibleReading, may_witness_end, speaks_against
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, Reason
from kamerplanter_engines.telemetry_engine import Sample, rules_for

T0 = datetime(2026, 5, 4, 8, 15, tzinfo=UTC)
MOISTURE, LEVEL, EC = ChannelKind.SOIL_MOISTURE, ChannelKind.LEVEL, ChannelKind.EC
AIR, WATER, PH = ChannelKind.AIR_TEMPERATURE, ChannelKind.WATER_TEMPERATURE, ChannelKind.PH
BATTERY, SIGNAL = ChannelKind.BATTERY, ChannelKind.SIGNAL


def may_be(kind: ChannelKind, raw: float | None, *, names_unit: bool = True) -> PossibleReading:
    """Return one thing that a field may be, in the canonical unit of its kind."""
    problem = Reason.NOT_A_NUMBER if raw is None else None
    sample = Sample(kind=kind, raw=raw, at=T0, received_at=T0, problem=problem)
    rules = rules_for(ChannelBinding(kind=kind, topic="beside"))
    return PossibleReading(sample, rules, names_unit)


@pytest.mark.parametrize(
    ("readings", "end_counts", "expected"),
    [
        ([may_be(MOISTURE, 0)], True, True),
        ([may_be(MOISTURE, 100)], True, True),
        ([may_be(MOISTURE, 0)], False, False),
        ([may_be(MOISTURE, 43)], True, False),
        # An open input counts whatever its name is worth, an impossible number only where it is.
        ([may_be(AIR, -127)], False, True),
        ([may_be(AIR, 4000)], False, False),
        ([may_be(PH, -3)], True, True),
        ([may_be(PH, -3)], False, False),
        ([may_be(PH, 66)], True, False),  # 6.6 in tenths
        # 85 is that of a chip that has not measured yet only where it is known to be in °C.
        ([may_be(WATER, 85, names_unit=True)], False, True),
        ([may_be(WATER, 85, names_unit=False)], False, False),
        # Several things: it speaks only if each of them does.
        ([may_be(MOISTURE, 0), may_be(LEVEL, 0)], True, True),
        ([may_be(MOISTURE, 0), may_be(EC, 1.4)], True, False),
        ([may_be(AIR, -127), may_be(AIR, -88.3)], False, True),
        ([may_be(AIR, -127), may_be(AIR, 21)], True, False),
        # No sensor there, or a word: nothing is said.
        ([may_be(MOISTURE, None)], True, False),
        ([may_be(AIR, -127), may_be(WATER, None)], True, False),
    ],
)
def test_who_speaks_against_a_zero(
    readings: list[PossibleReading], *, end_counts: bool, expected: bool
) -> None:
    assert speaks_against(readings, end_counts=end_counts) is expected


@pytest.mark.parametrize("end_counts", [True, False])
def test_what_may_be_right_is_never_a_witness(*, end_counts: bool) -> None:
    right = may_be(MOISTURE, 43)
    others = [may_be(kind, raw) for kind, raw in product([AIR, LEVEL, EC], [-127, 0, 100])]

    assert not any(speaks_against([other, right], end_counts=end_counts) for other in others)
    assert not any(speaks_against([right, other], end_counts=end_counts) for other in others)


@pytest.mark.parametrize(
    ("kind", "bound", "expected"),
    [
        (MOISTURE, [LEVEL], True),
        (MOISTURE, [MOISTURE, LEVEL], False),  # the same in other words
        (AIR, [MOISTURE], False),  # 0 °C may be true
        (WATER, [MOISTURE], True),  # no solution in use is at 0 °C
        (BATTERY, [MOISTURE], False),  # says nothing of what its device measures
        (SIGNAL, [MOISTURE], False),
    ],
)
def test_whose_end_stop_counts(
    kind: ChannelKind, bound: list[ChannelKind], *, expected: bool
) -> None:
    rules = rules_for(ChannelBinding(kind=kind, topic="beside"))

    assert may_witness_end(rules, bound) is expected
