"""When a person is asked to calibrate a probe, and why a calibration does not count any more."""

from datetime import timedelta
from typing import Any

import pytest

from kamerplanter_engines.calibration_age_engine import (
    can_be_calibrated,
    should_be_calibrated,
    status,
    statuses_of,
)
from kamerplanter_engines.models.calibration import Calibration, CalibrationState
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    CurvePoint,
    ProbeFields,
)
from tests.engines.test_raw_mapping_engine import bound, made_on
from tests.engines.test_raw_scale_engine import ELECTRODE, VOLTS
from tests.factories import NOW

EC, PH, SOIL = ChannelKind.EC, ChannelKind.PH, ChannelKind.SOIL_MOISTURE
WATER = ChannelKind.WATER_TEMPERATURE
CURVE = (CurvePoint(raw=0, value=0), CurvePoint(raw=1000, value=2))
LATER = NOW + timedelta(days=1)


def probe(*channels: ChannelBinding) -> ProbeFields:
    return ProbeFields(name="Probe", channels=channels)


def state(channel: ChannelBinding, *made: Any, days: float = 1) -> CalibrationState:
    [found] = statuses_of(probe(channel), made, NOW + timedelta(days=days))
    return found.state


@pytest.mark.parametrize("kind", [EC, SOIL])
def test_another_factor_takes_the_calibration_away_until_it_is_taken_back(
    kind: ChannelKind,
) -> None:
    made = made_on(bound(kind))

    [found] = statuses_of(probe(bound(kind, factor=2)), [made], LATER)

    assert (found.state, found.may_dose) == (CalibrationState.REMAPPED, False)
    assert (found.done_at, found.due_at) == (None, None)
    back = CalibrationState.VALID if kind is EC else CalibrationState.NOT_NEEDED
    assert state(bound(kind), made) is back


@pytest.mark.parametrize("kind", [EC, SOIL])
def test_another_device_has_none(kind: ChannelKind) -> None:
    made = made_on(bound(kind)).model_copy(update={"replaced_at": NOW + timedelta(hours=1)})

    assert state(bound(kind), made) is CalibrationState.REPLACED


def test_an_older_one_that_fits_counts_with_its_age() -> None:
    old = made_on(bound()).model_copy(update={"key": "old"})
    new = made_on(bound(factor=2)).model_copy(
        update={"key": "new", "done_at": NOW + timedelta(days=10)}
    )

    assert state(bound(), old, new, days=15) is CalibrationState.DUE
    assert state(bound(factor=2), old, new, days=15) is CalibrationState.VALID


def test_a_withdrawn_one_was_never_made() -> None:
    withdrawn = made_on(bound(factor=2)).model_copy(update={"withdrawn_at": LATER})

    assert state(bound(), withdrawn) is CalibrationState.NEVER


@pytest.mark.parametrize("made", [VOLTS, ELECTRODE])
def test_raw_numbers_whose_calibration_was_withdrawn_are_asked_for(made: Calibration) -> None:
    withdrawn = made.model_copy(update={"withdrawn_at": LATER})
    stands = probe(bound(made.kind))

    [found] = statuses_of(stands, [withdrawn], LATER)

    assert (found.state, found.may_dose) == (CalibrationState.WITHDRAWN, False)
    assert should_be_calibrated(stands, [found]) is True


def test_an_older_one_comes_back_where_a_wrong_one_of_raw_numbers_was_withdrawn() -> None:
    wrong = VOLTS.model_copy(update={"key": "w", "done_at": LATER, "withdrawn_at": LATER})

    assert state(bound(SOIL), VOLTS, wrong) is CalibrationState.NOT_NEEDED


@pytest.mark.parametrize("binding", [{"unit": "%"}, {"curve": CURVE}])
def test_a_channel_that_says_what_its_numbers_are_needs_no_calibration(
    binding: dict[str, Any],
) -> None:
    withdrawn = VOLTS.model_copy(update={"withdrawn_at": LATER})

    assert state(bound(SOIL, **binding), withdrawn) is CalibrationState.NOT_NEEDED


def test_a_channel_that_got_a_curve_is_not_asked_for_again() -> None:
    made, curved = made_on(bound()), bound(curve=CURVE)

    assert not can_be_calibrated(curved)
    assert state(curved, made) is CalibrationState.NEVER


@pytest.mark.parametrize(
    ("channels", "made_days_ago", "expected"),
    [
        ((bound(),), None, None),
        ((bound(), bound(PH)), 3, None),
        ((bound(),), 3, False),
        ((bound(),), 15, True),
        ((bound(), bound(PH)), 29, True),
        ((bound(factor=2),), 3, True),
        ((bound(WATER),), None, False),
        ((bound(SOIL),), None, False),
        ((bound(curve=CURVE),), None, False),
        ((), None, False),
    ],
)
def test_a_person_is_asked_for_what_was_done_once_and_is_due(
    channels: tuple[ChannelBinding, ...], made_days_ago: float | None, *, expected: bool | None
) -> None:
    stands = probe(*channels)
    made = [] if made_days_ago is None else [made_on(bound())]
    found = statuses_of(stands, made, NOW + timedelta(days=made_days_ago or 0))

    assert should_be_calibrated(stands, found) is expected


def test_a_drift_asks_though_nothing_was_calibrated_if_it_can_be() -> None:
    stands = probe(bound(PH), bound(WATER))
    found = statuses_of(stands, [], NOW)

    assert should_be_calibrated(stands, found, [PH]) is True
    assert should_be_calibrated(stands, found, [WATER]) is None


@pytest.mark.parametrize(
    ("age", "state", "may_dose"),
    [
        (timedelta(0), CalibrationState.VALID, True),
        (timedelta(days=14), CalibrationState.VALID, True),
        (timedelta(days=14, seconds=1), CalibrationState.DUE, True),
        (timedelta(days=28), CalibrationState.DUE, True),
        (timedelta(days=28, seconds=1), CalibrationState.EXPIRED, False),
    ],
)
def test_age_warns_and_then_stops_dosing(
    age: timedelta, state: CalibrationState, *, may_dose: bool
) -> None:
    found = status(PH, NOW - age, now=NOW, warn_d=14, stop_d=28)

    assert (found.state, found.may_dose) == (state, may_dose)
    assert found.due_at == NOW - age + timedelta(days=14)
    assert found.expires_at == NOW - age + timedelta(days=28)


def test_never_calibrated_and_never_needed() -> None:
    never = status(EC, None, now=NOW, warn_d=14, stop_d=28)
    soil = status(SOIL, None, now=NOW, warn_d=14, stop_d=28)

    assert (never.state, never.may_dose) == (CalibrationState.NEVER, False)
    assert (soil.state, soil.may_dose) == (CalibrationState.NOT_NEEDED, True)
