"""What a field that nobody bound says of a 0 or a full scale beside it.

What such a field measures follows from its name, and it may be one of several things. It speaks
only if it does so whichever of them it is. Source: the project's decisions on readings.
"""

from collections.abc import Collection, Iterable
from typing import NamedTuple

from kamerplanter_engines.flaw_engine import flaws_of
from kamerplanter_engines.models.telemetry import ChannelKind, Reason
from kamerplanter_engines.telemetry_state_engine import ChannelRules, Sample


class PossibleReading(NamedTuple):
    """One of the things that a field may be."""

    sample: Sample
    rules: ChannelRules
    names_unit: bool
    """The field or the profile of the device says the unit; otherwise each usual one is tried."""


def may_witness_end(rules: ChannelRules, bound: Collection[ChannelKind]) -> bool:
    """Tell whether an exact 0 or full scale of a kind says something about the values beside it.

    Where it freezes nobody knows here what was measured before, so 0 °C may be true. And the same
    in other words or another unit is no second witness.

    Args:
        rules: The numbers in force for the kind.
        bound: The kinds that are bound on the same topic.
    """
    return rules.zero_reach is None and not rules.is_about_device and rules.kind not in bound


def speaks_against(readings: Iterable[PossibleReading], *, end_counts: bool) -> bool:
    """Tell whether a field makes a 0 or a full scale beside it doubtful.

    Args:
        readings: All that the field may be.
        end_counts: Its own 0 and full scale count, and not only the signature of a failure.
    """
    is_failed = is_end = True
    has_signature = False
    for sample, rules, names_unit in readings:
        if sample.raw is None:  # a sensor that is not fitted, or a word
            return False
        flaw = flaws_of(sample, rules, None)
        # A factor or another unit makes large numbers true, but none below nothing.
        is_end = is_end and (flaw.is_end or sample.raw < rules.physical_low)
        is_failed = is_failed and flaw.is_bad
        if not (is_end or is_failed):  # as nearly all
            return False
        has_signature = (
            has_signature
            or Reason.DISCONNECT_SIGNATURE in flaw.reasons
            or (names_unit and Reason.STARTUP_SIGNATURE in flaw.reasons)
        )
    return (is_end and end_counts) or (is_failed and has_signature)
