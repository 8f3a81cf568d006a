"""A garden that lives faster than the clock is judged by numbers that are as much faster."""

import pytest

from demo.garden_setup import scaled
from kamerplanter_engines.models.telemetry import ChannelBinding, ChannelKind
from kamerplanter_engines.telemetry_engine import rules_for

SPEED = 12.0


@pytest.mark.parametrize("kind", ChannelKind)
def test_all_options_of_a_binding_follow_one_factor(kind: ChannelKind) -> None:
    usual = rules_for(ChannelBinding(kind=kind))
    more = scaled(kind, SPEED)

    faster = rules_for(
        ChannelBinding(
            kind=kind,
            max_age_s=more["max_age_min"] * 60,
            hold_s=more["hold_min"] * 60,
            stuck_after_s=more["stuck_after_min"] * 60,
            rate_per_min=more.get("rate_per_min"),
        )
    )

    assert faster.max_age_s == pytest.approx(usual.max_age_s / SPEED)
    assert faster.hold_s == pytest.approx(usual.hold_s / SPEED)
    assert faster.twin_stuck_s == pytest.approx(usual.twin_stuck_s / SPEED)
    if usual.rate_per_s is None:
        assert faster.rate_per_s is None
    else:
        assert faster.rate_per_s == pytest.approx(usual.rate_per_s * SPEED)
