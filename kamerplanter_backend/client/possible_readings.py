"""Keeps out what a client calls a reading though it cannot be one."""

import logging
from collections.abc import Sequence

from kamerplanter_engines.models.telemetry import Reading
from kamerplanter_engines.possible_value_engine import is_possible, possible_range

_LOGGER = logging.getLogger(__name__)


def possible_readings(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """Return those readings whose values can be; the log says how many are left out.

    Whoever sends them has judged them, and we take its word. One impossible number would stand
    in the means of years, and what is computed from it would fail for the whole garden; so it
    must cost neither its neighbours nor anybody else.
    """
    possible = tuple(reading for reading in readings if is_possible(reading))
    if len(possible) < len(readings):
        first = next(reading for reading in readings if not is_possible(reading))
        low, high = possible_range(first.kind)
        _LOGGER.warning(
            "%d readings are not stored, as they cannot be: the first is %s %g of probe %s; "
            "possible are %g to %g",
            len(readings) - len(possible),
            first.kind,
            first.value,
            first.probe_key,
            low,
            high,
        )
    return possible
