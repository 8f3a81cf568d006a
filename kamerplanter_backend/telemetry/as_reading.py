"""What was judged, in the form in which it is stored."""

from kamerplanter_engines.models.telemetry import Reading
from kamerplanter_engines.telemetry_engine import Judged


def as_reading(probe_key: str, judged: Judged) -> Reading | None:
    """Return the reading of something judged; none = it is no value."""
    if judged.value is None:
        return None
    return Reading(
        probe_key=probe_key,
        kind=judged.kind,
        at=judged.at,
        received_at=judged.received_at,
        value=judged.value,
        verdict=judged.verdict,
        reasons=judged.reasons,
        raw=judged.measured,
    )
