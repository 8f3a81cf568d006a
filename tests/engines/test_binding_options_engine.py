"""What a binding sets for itself: bounds for what is new, and what an older version stored."""

from typing import Any

import pytest

from kamerplanter_engines.binding_options_engine import (
    hold_of,
    max_age_of,
    rate_of,
    stuck_after_of,
)
from kamerplanter_engines.errors import OutOfRangeError
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind, ProbeFields
from kamerplanter_engines.probe_engine import check_bindings
from kamerplanter_engines.tables.channels import (
    BINDING_LIMITS,
    CHANNELS,
    DEVICE_STUCK_S,
    TWIN_STUCK_S,
)
from kamerplanter_engines.telemetry_engine import rules_for
from kamerplanter_engines.twin_engine import stuck_time

PH = ChannelKind.PH
TINY, HUGE = 1e-300, 1e300
ENDS = [(name, value) for name, limits in BINDING_LIMITS.items() for value in limits]


def bound(**options: Any) -> ChannelBinding:
    return ChannelBinding(kind=PH, topic="tank/ph", **options)


def check(binding: ChannelBinding, before: ChannelBinding | None = None) -> None:
    stored = None if before is None else ProbeFields(name="Probe", channels=(before,))
    check_bindings(ProbeFields(name="Probe", channels=(binding,)), stored)


@pytest.mark.parametrize(("option", "value"), ENDS)
def test_what_lies_within_is_taken(option: str, value: float) -> None:
    check(bound(**{option: value}))


@pytest.mark.parametrize(
    ("option", "value"),
    [(name, low / 2) for name, (low, _) in BINDING_LIMITS.items() if low]
    + [(name, high * 1.001) for name, (_, high) in BINDING_LIMITS.items()]
    + [(name, HUGE) for name in BINDING_LIMITS],
)
def test_what_lies_beyond_is_refused_by_name_value_and_range(option: str, value: float) -> None:
    with pytest.raises(OutOfRangeError) as refused:
        check(bound(**{option: value}))

    low, high = BINDING_LIMITS[option]
    field = f"channels.0.{option}"
    assert (refused.value.field, refused.value.placeholders["value"]) == (field, str(value))
    assert f"{low:.12g} to {high:.12g}" in refused.value.message
    assert field in refused.value.message


@pytest.mark.parametrize("option", BINDING_LIMITS)
def test_what_an_older_version_stored_may_stay(option: str) -> None:
    odd = bound(**{option: HUGE})

    check(odd, odd)
    with pytest.raises(OutOfRangeError, match=option):
        check(odd.model_copy(update={"path": "v"}), odd)


def test_what_counts_of_it_is_the_nearest_one_within() -> None:
    high = bound(max_age_s=HUGE, hold_s=HUGE, stuck_after_s=HUGE, rate_per_min=HUGE)
    low = bound(max_age_s=TINY, hold_s=0, stuck_after_s=TINY, rate_per_min=TINY)

    for end, binding in enumerate((low, high)):
        limits = {name: ends[end] for name, ends in BINDING_LIMITS.items()}
        rules = rules_for(binding)
        assert max_age_of(binding) == rules.max_age_s == limits["max_age_s"]
        assert hold_of(binding) == rules.hold_s == limits["hold_s"]
        stuck_s = stuck_after_of(binding, TWIN_STUCK_S)
        assert stuck_s == rules.twin_stuck_s == rules.device_stuck_s == limits["stuck_after_s"]
        assert stuck_time(binding).total_seconds() == stuck_s
        assert rate_of(binding) == limits["rate_per_min"]
        assert rules.rate_per_s == limits["rate_per_min"] / 30


def test_without_an_own_one_that_of_the_kind_counts() -> None:
    plain = bound()
    rules, spec = rules_for(plain), CHANNELS[PH]

    assert max_age_of(plain) == rules.max_age_s == spec.max_age_s
    assert hold_of(plain) == rules.hold_s == spec.hold_s
    assert (rules.twin_stuck_s, rules.device_stuck_s) == (TWIN_STUCK_S, DEVICE_STUCK_S)
    assert rate_of(plain) is None
    assert spec.rate_per_min is not None
    assert rules.rate_per_s == spec.rate_per_min / 30
