"""Which calibration of a probe counts at a moment."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.calibration_engine import fit
from kamerplanter_engines.calibration_in_force_engine import in_force
from kamerplanter_engines.errors import NaiveTimeError
from kamerplanter_engines.models.calibration import Calibration
from kamerplanter_engines.models.telemetry import ChannelKind
from tests.engines.test_calibration_engine import EC, PH, fields
from tests.factories import NOW


def calibration_at(done_at: datetime, kind: ChannelKind = PH, key: str = "c") -> Calibration:
    said = fields(kind, (7.0, 7.0), (4.0, 4.0)) if kind is PH else fields(kind, (1.4, 1.413))
    return Calibration(
        **dict(said),
        key=key,
        tenant_key="garden-1",
        probe_key="probe-1",
        done_at=done_at,
        fit=fit(said),
        created_at=done_at,
        updated_at=done_at,
    )


ENDS = st.none() | st.integers(0, 20)


@given(st.lists(st.tuples(st.integers(0, 20), ENDS, st.booleans()), max_size=8), st.integers(0, 20))
def test_what_is_in_force_was_made_before_and_ended_after(
    made: list[tuple[int, int | None, bool]], hour: int
) -> None:
    """Withdrawn ones never count, those of an exchanged device until then, the newest first."""
    at = NOW + timedelta(hours=hour)
    known = [
        calibration_at(NOW + timedelta(hours=begins), key=str(number)).model_copy(
            update={
                "replaced_at": None if ends is None else NOW + timedelta(hours=ends),
                "withdrawn_at": NOW if withdrawn else None,
            }
        )
        for number, (begins, ends, withdrawn) in enumerate(made)
    ]

    found = in_force(known, PH, at)

    possible = [
        begins
        for begins, ends, withdrawn in made
        if not withdrawn and begins <= hour and (ends is None or hour < ends)
    ]
    assert (found is None) is (not possible)
    if found is not None:
        assert found.done_at == NOW + timedelta(hours=max(possible))


def test_calibration_counts_from_its_moment_on() -> None:
    old, new = calibration_at(NOW, key="old"), calibration_at(NOW + timedelta(hours=1), key="new")
    other = calibration_at(NOW, EC, key="other")
    known = [new, other, old]

    before = in_force(known, PH, NOW - timedelta(microseconds=1))
    at_once = in_force(known, PH, NOW)
    later = in_force(known, PH, NOW + timedelta(hours=2))

    assert (before, at_once, later) == (None, old, new)
    with pytest.raises(NaiveTimeError):
        in_force(known, PH, NOW.replace(tzinfo=None))
