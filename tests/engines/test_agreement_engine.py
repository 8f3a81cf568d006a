"""What several probes of one place say together."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import permutations
from random import Random

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.agreement_engine import (
    agree,
    is_near_its_limit,
    last_at_odds_at,
    quality_of,
    tolerance,
)
from kamerplanter_engines.errors import InvalidInputError, OutOfRangeError
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Reading,
    Reason,
    Verdict,
)
from kamerplanter_engines.models.trust import Showing
from kamerplanter_engines.tables.channels import CHANNELS
from kamerplanter_engines.tables.trust import TOLERANCES
from tests.factories import NOW

PH, EC, WATER = ChannelKind.PH, ChannelKind.EC, ChannelKind.WATER_TEMPERATURE
MOISTURE = ChannelKind.SOIL_MOISTURE


def showing(
    value: float | None, quality: float = 1, *, key: str = "a", verdict: Verdict = Verdict.GOOD
) -> Showing:
    return Showing(key=key, value=value, verdict=verdict, quality_ratio=quality)


def test_mean_by_quality_as_in_the_specification() -> None:
    shown = [showing(24.0), showing(24.5, 0.9, key="b"), showing(23.8, 0.8, key="c")]

    found = agree(WATER, shown)

    assert found.value == pytest.approx(24.11, abs=0.005)
    assert (found.agrees, found.spread, found.member_keys) == (True, 0.7, ("a", "b", "c"))


@dataclass(frozen=True)
class Pair:
    kind: ChannelKind
    values: tuple[float, float]
    agrees: bool
    limit: float


@pytest.mark.parametrize(
    "pair",
    [
        Pair(PH, (5.8, 6.1), agrees=True, limit=0.3),
        Pair(PH, (5.8, 6.11), agrees=False, limit=0.3),
        # 10 % of the mean 1.9 is 0.19, of 1.91 it is 0.191.
        Pair(EC, (1.805, 1.995), agrees=True, limit=0.19),
        Pair(EC, (1.8, 2.02), agrees=False, limit=0.191),
        # In plain water a digit of the meter is more than 10 %.
        Pair(EC, (0.03, 0.05), agrees=True, limit=0.02),
        Pair(WATER, (20.0, 21.0), agrees=True, limit=1.0),
        Pair(WATER, (20.0, 21.1), agrees=False, limit=1.0),
        Pair(ChannelKind.LEVEL, (50, 55), agrees=True, limit=5.0),
        Pair(ChannelKind.LEVEL, (50, 55.1), agrees=False, limit=5.0),
        Pair(MOISTURE, (40, 50), agrees=True, limit=10.0),
        Pair(MOISTURE, (40, 51), agrees=False, limit=10.0),
    ],
    ids=str,
)
def test_how_far_two_probes_may_differ(pair: Pair) -> None:
    first, second = pair.values

    found = agree(pair.kind, [showing(first), showing(second, key="b")])

    assert found.agrees is pair.agrees
    assert found.limit == pytest.approx(pair.limit, abs=1e-9)
    assert found.reasons == (() if pair.agrees else (Reason.PROBES_DISAGREE,))
    assert found.may_decide_dose is pair.agrees


def test_who_disagreed_has_to_come_clearly_nearer() -> None:
    # A quarter below 0.3 is 0.225.
    for second, agrees, agrees_again in (
        (6.02, True, True),
        (6.025, True, True),
        (6.03, True, False),
        (6.1, True, False),
        (6.11, False, False),
    ):
        shown = [showing(5.8), showing(second, key="b")]

        assert agree(PH, shown).agrees is agrees
        found = agree(PH, shown, at_odds=True)
        assert found.agrees is agrees_again
        assert found.limit == 0.225
        assert is_near_its_limit(agree(PH, shown)) is (agrees and not agrees_again)


def measured(key: str, minute: float, value: float, verdict: Verdict = Verdict.GOOD) -> Reading:
    at = NOW + timedelta(minutes=minute)
    return Reading(probe_key=key, kind=PH, at=at, received_at=at, value=value, verdict=verdict)


@pytest.mark.parametrize(
    ("readings", "minute"),
    [
        # At the limit, beyond it, at it again; and the same in another order.
        ([measured("b", 1, 6.1), measured("b", 2, 6.2), measured("b", 3, 6.1)], 2),
        ([measured("b", 3, 6.1), measured("b", 2, 6.2), measured("b", 1, 6.1)], 2),
        # Clearly nearer in between, and then at the limit.
        ([measured("b", 2, 6.2), measured("b", 3, 6.0), measured("b", 4, 6.1)], None),
        # Never beyond it; beyond it by a doubted value; beyond it before all this.
        ([measured("b", 2, 6.1)], None),
        ([measured("b", 2, 6.2, Verdict.SUSPECT), measured("b", 3, 6.1)], None),
        ([measured("b", -2, 6.2), measured("b", 3, 6.1)], None),
        ([measured("b", -2, 6.2), measured("a", 3, 5.85), measured("b", 4, 6.1)], 3),
    ],
)
def test_when_two_probes_disagreed_last(readings: list[Reading], minute: float | None) -> None:
    found = last_at_odds_at(PH, [measured("a", -5, 5.8), *readings], since=NOW)

    assert found == (None if minute is None else NOW + timedelta(minutes=minute))


@pytest.mark.parametrize("order", permutations("abc"))
def test_what_is_measured_at_one_instant_is_compared_as_a_whole(order: tuple[str, ...]) -> None:
    before = [measured(key, -5, 6.0) for key in "abc"]
    both = {"a": 6.5, "b": 6.25, "c": 6.4}

    together = [measured(key, 5, both[key]) for key in order]

    assert last_at_odds_at(PH, [*before, *together], since=NOW) is None


@given(
    readings=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(-3, 5), st.sampled_from([5.8, 6.1, 6.2])),
        unique_by=lambda item: item[:2],
        max_size=15,
    ),
    random=st.randoms(use_true_random=False),
)
def test_the_order_in_which_readings_are_listed_changes_nothing(
    readings: list[tuple[str, int, float]], random: Random
) -> None:
    listed = [measured(*item) for item in readings]
    found = last_at_odds_at(PH, listed, since=NOW)

    random.shuffle(listed)

    assert last_at_odds_at(PH, listed, since=NOW) == found


@pytest.mark.parametrize("verdict", [Verdict.SUSPECT, Verdict.BAD, Verdict.STALE])
def test_a_doubted_or_stale_value_does_not_count(verdict: Verdict) -> None:
    shown = [showing(5.8), showing(9.9, key="b", verdict=verdict), showing(None, key="c")]

    found = agree(PH, shown)

    assert (found.value, found.agrees, found.member_keys) == (5.8, True, ("a",))


def test_where_nobody_speaks_nothing_is_dosed() -> None:
    found = agree(PH, [showing(5.8, verdict=Verdict.STALE)])

    assert (found.value, found.member_keys, found.may_decide_dose) == (None, (), False)


def test_what_a_device_says_of_itself_is_not_compared() -> None:
    with pytest.raises(InvalidInputError, match="battery"):
        agree(ChannelKind.BATTERY, [showing(50)])


@pytest.mark.parametrize("quality", [0, -0.1, 1.5])
def test_a_quality_out_of_range_is_refused(quality: float) -> None:
    with pytest.raises(OutOfRangeError, match="quality_ratio"):
        agree(PH, [showing(5.8, quality)])


def test_each_kind_of_a_place_has_a_tolerance() -> None:
    about_places = {kind for kind, spec in CHANNELS.items() if not spec.is_about_device}

    # Of two light meters in one place one may be in the shade.
    assert set(TOLERANCES) == about_places - {ChannelKind.PPFD}


@pytest.mark.parametrize(
    ("age_h", "expected"), [(0, 1), (1, 1), (1.5, 0.75), (2, 0.5), (40, 0.5), (-0.01, 1)]
)
def test_an_old_value_weighs_less(age_h: float, expected: float) -> None:
    bound = ChannelBinding(kind=PH, entity_id="sensor.ph")

    assert quality_of(bound, age_h * 3600) == pytest.approx(expected)


def test_a_message_weighs_a_little_less_than_an_entity() -> None:
    assert quality_of(ChannelBinding(kind=PH, topic="a"), 0) == 0.95
    assert quality_of(ChannelBinding(kind=PH), 0) == 0.95


SHOWN = st.lists(
    st.builds(
        Showing,
        key=st.sampled_from("abcdef"),
        value=st.none() | st.floats(0, 14),
        verdict=st.sampled_from(Verdict),
        quality_ratio=st.floats(0.01, 1),
    ),
    max_size=6,
    unique_by=lambda item: item.key,
)


@given(SHOWN, st.sampled_from([PH, EC]), st.randoms())
def test_order_never_matters(shown: list[Showing], kind: ChannelKind, random: object) -> None:
    shuffled = list(shown)
    random.shuffle(shuffled)  # type: ignore[attr-defined]  # hypothesis's own generator

    assert agree(kind, shuffled) == agree(kind, shown)


@given(SHOWN)
def test_the_mean_lies_between_those_that_count(shown: list[Showing]) -> None:
    found = agree(PH, shown)
    values = [s.value for s in shown if s.verdict is Verdict.GOOD and s.value is not None]

    if values:
        assert found.value is not None
        assert min(values) <= found.value <= max(values)
    else:
        assert found.value is None


@given(st.floats(0, 14), st.floats(0.01, 1))
def test_one_alone_is_itself(value: float, quality: float) -> None:
    found = agree(PH, [showing(value, quality)])

    assert (found.value, found.spread, found.agrees) == (value, 0, True)


def test_tolerance_grows_with_the_value() -> None:
    assert tolerance(EC, 2.0) == 0.2
    assert tolerance(EC, 0) == 0.02
