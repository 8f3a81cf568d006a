"""Values that a judged reading can have: what the limits of the project let through."""

from datetime import UTC, datetime

import pytest

from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from kamerplanter_engines.possible_value_engine import is_possible

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [
        (ChannelKind.PH, 0, 14),
        # A concentrate, where a tank ends at 15.
        (ChannelKind.EC, 0, 250),
        (ChannelKind.SOIL_EC, 0, 15),
        (ChannelKind.WATER_TEMPERATURE, 0, 50),
        (ChannelKind.SOIL_TEMPERATURE, -5, 45),
        # Physically up to 105 %, and shown as at most 100.
        (ChannelKind.LEVEL, 0, 100),
        (ChannelKind.AIR_HUMIDITY, 0, 100),
        # Physically from -10 on, as the zero of a sensor is off, and shown as at least 0.
        (ChannelKind.PPFD, 0, 4000),
    ],
)
def test_both_ends_are_possible_and_nothing_beyond(
    kind: ChannelKind, low: float, high: float
) -> None:
    def told(value: float) -> bool:
        verdict = Verdict.GOOD
        return is_possible(
            Reading(
                probe_key="p", kind=kind, at=NOON, received_at=NOON, value=value, verdict=verdict
            )
        )

    assert told(low)
    assert told(high)
    assert not told(low - 0.001)
    assert not told(high + 0.001)
