"""How far probes are trusted: agreement, drift, the age and the end of calibrations."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import NotFoundError, StaleRevisionError
from kamerplanter_backend.domain.models.tenant import AuditAction
from kamerplanter_backend.domain.repositories.hand_measurement import HandMeasurementRepository
from kamerplanter_backend.domain.repositories.tenant import AuditRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.snapshot.views import AgreementView, ProbeView, TankView
from kamerplanter_engines.calibration_in_force_engine import in_force
from kamerplanter_engines.errors import FutureTimeError, InvalidInputError
from kamerplanter_engines.models.calibration import (
    Calibration,
    CalibrationFields,
    CalibrationPoint,
    CalibrationState,
)
from kamerplanter_engines.models.hand_measurement import HandMeasurementFields
from kamerplanter_engines.models.tank import Tank, TankProblem
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Reason,
    Verdict,
)
from tests.backend.garden import Garden

PH, EC, MOISTURE = ChannelKind.PH, ChannelKind.EC, ChannelKind.SOIL_MOISTURE


def tank_view(garden: Garden, tank: Tank) -> TankView:
    view = garden.snapshot().tank(tank.key)
    assert view is not None
    return view


def probe_view(garden: Garden, probe: Probe) -> ProbeView:
    view = garden.snapshot().probe(probe.key)
    assert view is not None
    return view


def log(garden: Garden, tank: Tank, kind: ChannelKind, value: float) -> None:
    fields = HandMeasurementFields(tank_key=tank.key, kind=kind, value=value)
    garden.services.hand_measurement.log(garden.context(), fields)


def two_probes(garden: Garden, *values: float) -> tuple[Tank, list[Probe]]:
    tank = garden.tank()
    probes = [
        garden.probe(PH, name=f"Probe {value}", tank_key=tank.key, key=f"probe-{number}")
        for number, value in enumerate(values)
    ]
    for probe, value in zip(probes, values, strict=True):
        garden.measure(probe, PH, value)
    return tank, probes


def test_two_probes_agree(garden: Garden) -> None:
    tank, probes = two_probes(garden, 5.8, 6.0)

    [found] = tank_view(garden, tank).agreements

    assert found == AgreementView(
        kind=PH,
        agrees=True,
        spread=0.2,
        limit=0.3,
        probe_keys=("probe-0", "probe-1"),
        value=5.9,
        may_decide_dose=True,
    )
    assert [probe_view(garden, probe).doubts for probe in probes] == [(), ()]


def test_two_probes_that_disagree_are_both_doubted_and_the_oldest_speaks_on(
    garden: Garden,
) -> None:
    tank, probes = two_probes(garden, 5.8, 6.9)

    view = tank_view(garden, tank)

    [found] = view.agreements
    assert (found.agrees, found.may_decide_dose) == (False, False)
    assert found.reasons == (Reason.PROBES_DISAGREE,)
    assert view.problem(TankProblem.PH).value == 5.8
    for probe in probes:
        [doubt] = probe_view(garden, probe).doubts
        assert (doubt.kind, doubt.reasons) == (PH, (Reason.PROBES_DISAGREE,))


def test_at_the_very_limit_probes_do_not_take_turns(garden: Garden) -> None:
    tank, probes = two_probes(garden, 5.8, 6.15)
    agrees = []
    for value in (6.09, 6.11, 6.09, 6.11, 6.04):
        garden.wait(minutes=1)
        garden.measure(probes[1], PH, value)
        agrees.append(tank_view(garden, tank).agreements[0].agrees)
    agrees.append(tank_view(garden, tank).agreements[0].agrees)
    garden.wait(minutes=1)
    garden.measure(probes[1], PH, 6.0)
    agrees.append(tank_view(garden, tank).agreements[0].agrees)
    garden.wait(minutes=1)
    garden.measure(probes[1], PH, 6.09)
    agrees.append(tank_view(garden, tank).agreements[0].agrees)

    assert agrees == [False] * 6 + [True, True]


def test_who_stays_at_the_limit_for_an_hour_agrees(garden: Garden) -> None:
    tank, probes = two_probes(garden, 5.8, 6.15)
    garden.wait(minutes=1)
    garden.measure(probes[1], PH, 6.09)
    assert not tank_view(garden, tank).agreements[0].agrees
    due = garden.snapshot().next_due_at
    assert due is not None

    while not tank_view(garden, tank).agreements[0].agrees:
        assert garden.now < due <= garden.now + timedelta(hours=1)
        garden.now = due
        due = garden.snapshot().next_due_at or garden.now

    assert tank_view(garden, tank).agreements[0].probe_keys == ("probe-0", "probe-1")


def test_a_calibration_ends_the_quarrel_of_before(garden: Garden) -> None:
    tank, probes = two_probes(garden, 5.8, 6.15)
    garden.wait(minutes=1)
    calibrate(garden, probes[1], PH, (7.2, 7.0), (4.3, 4.01))
    garden.wait(minutes=1)
    garden.measure(probes[1], PH, 6.09)

    assert tank_view(garden, tank).agreements[0].agrees


def test_a_silent_or_doubted_probe_disagrees_with_nobody(garden: Garden) -> None:
    tank, probes = two_probes(garden, 5.8, 6.9)
    garden.wait(minutes=1)
    garden.measure(probes[1], PH, 6.9, verdict=Verdict.SUSPECT, reasons=(Reason.RATE,))

    [found] = tank_view(garden, tank).agreements

    assert (found.agrees, found.probe_keys, found.value) == (True, ("probe-0",), 5.8)


def test_a_screen_looks_again_when_a_value_gets_too_old_to_disagree(garden: Garden) -> None:
    tank, probes = two_probes(garden, 5.8, 6.9)
    garden.wait(hours=1)
    garden.measure(probes[0], PH, 5.8)
    assert not tank_view(garden, tank).agreements[0].agrees

    due = garden.snapshot().next_due_at
    while due is not None and tank_view(garden, tank).agreements[0].agrees is False:
        assert due <= garden.now + timedelta(hours=5, seconds=1)
        garden.now = due
        due = garden.snapshot().next_due_at

    assert tank_view(garden, tank).agreements[0].probe_keys == ("probe-0",)


def test_two_probes_in_one_pot(garden: Garden) -> None:
    plant = garden.plant()
    for name, value in (("A", 30), ("B", 45)):
        garden.measure(garden.probe(MOISTURE, name=name, plant_key=plant.key), MOISTURE, value)

    view = garden.snapshot().plant(plant.key)

    assert view is not None
    assert [(item.kind, item.agrees, item.spread) for item in view.agreements] == [
        (MOISTURE, False, 15)
    ]


def test_one_probe_has_nobody_to_agree_with(garden: Garden) -> None:
    tank, _ = two_probes(garden, 5.8)

    assert tank_view(garden, tank).agreements == ()


def test_a_probe_that_drifted_shows_it_and_goes_on_speaking(garden: Garden) -> None:
    tank, [probe] = two_probes(garden, 5.5)
    log(garden, tank, PH, 5.9)
    once = probe_view(garden, probe)
    assert [item.reasons for item in once.doubts] == [(Reason.MEASURE_AGAIN,)]
    assert once.should_be_calibrated is None
    garden.wait(minutes=1)
    log(garden, tank, PH, 5.9)

    view = probe_view(garden, probe)

    assert view.should_be_calibrated is True
    [found] = view.drifts
    assert (found.kind, found.difference, found.limit) == (PH, 0.4, 0.3)
    assert (found.measured_at, found.drifted) == (garden.now, True)
    assert [item.reasons for item in view.doubts] == [(Reason.DRIFTED,)]
    assert tank_view(garden, tank).problem(TankProblem.PH).value == 5.5


def test_a_calibration_begins_a_new_count(garden: Garden) -> None:
    tank, [probe] = two_probes(garden, 5.5)
    log(garden, tank, PH, 5.9)
    garden.wait(minutes=5)
    calibrate(garden, probe, PH, (7.2, 7.0), (4.3, 4.01))

    assert probe_view(garden, probe).drifts == ()
    garden.wait(minutes=5)
    garden.measure(probe, PH, 5.9)
    log(garden, tank, PH, 6.0)
    [found] = probe_view(garden, probe).drifts
    assert (found.difference, found.count, found.drifted) == (0.1, 1, False)


def test_what_a_probe_showed_before_its_calibration_is_compared_with_nothing(
    garden: Garden,
) -> None:
    tank, [probe] = two_probes(garden, 5.5)
    garden.wait(minutes=5)
    calibrate(garden, probe, PH, (7.2, 7.0), (4.3, 4.01))
    garden.wait(minutes=1)

    log(garden, tank, PH, 6.0)

    assert probe_view(garden, probe).drifts == ()
    with open_unit(garden.store, garden.context()) as uow:
        [measured] = uow.of(HandMeasurementRepository).of_tank(tank.key)
    assert measured.comparisons == ()


def test_what_another_device_showed_is_compared_with_nothing(garden: Garden) -> None:
    tank, [probe] = two_probes(garden, 5.5)
    garden.wait(minutes=5)
    garden.services.probe.replace_device(garden.context(), probe.key)
    garden.wait(minutes=1)

    log(garden, tank, PH, 6.0)

    assert probe_view(garden, probe).drifts == ()


def test_a_calibration_that_is_told_late_has_put_nothing_right_that_is_stored(
    garden: Garden,
) -> None:
    tank, [probe] = two_probes(garden, 5.5)
    calibrated_at = garden.now - timedelta(minutes=1)
    log(garden, tank, PH, 5.9)
    garden.wait(minutes=5)

    calibrate(garden, probe, PH, (7.2, 7.0), (4.3, 4.01), at=calibrated_at)

    assert probe_view(garden, probe).drifts == ()


def test_what_a_withdrawn_calibration_made_of_a_probe_is_no_drift_of_it(garden: Garden) -> None:
    tank, [probe] = two_probes(garden, 5.9)
    calibrate(garden, probe, PH, (7.0, 7.0), (4.0, 4.01))
    garden.wait(minutes=5)
    wrong = calibrate(garden, probe, PH, (7.4, 7.0), (4.4, 4.01))
    garden.wait(minutes=5)
    garden.measure(probe, PH, 5.5)
    log(garden, tank, PH, 5.9)
    assert [item.reasons for item in probe_view(garden, probe).doubts] == [(Reason.MEASURE_AGAIN,)]
    garden.wait(minutes=5)

    garden.services.calibration.withdraw(garden.context(), wrong.key, "Swapped")

    view = probe_view(garden, probe)
    assert (view.drifts, view.doubts) == ((), ())
    # Without it the probe shows 5.9 at once, which is no leap of the water; nobody has dosed.
    assert (view.jumps_at[-1], view.doses_at) == (garden.now, ())


def test_a_withdrawn_calibration_that_was_long_replaced_takes_no_comparison_away(
    garden: Garden,
) -> None:
    tank, [probe] = two_probes(garden, 5.5)
    old = calibrate(garden, probe, PH, (7.4, 7.0), (4.4, 4.01))
    garden.wait(minutes=5)
    calibrate(garden, probe, PH, (7.0, 7.0), (4.0, 4.01))
    garden.wait(minutes=5)
    garden.measure(probe, PH, 5.5)
    log(garden, tank, PH, 5.9)
    garden.wait(minutes=5)

    garden.services.calibration.withdraw(garden.context(), old.key, "Swapped")

    assert [item.measure_again for item in probe_view(garden, probe).drifts] == [True]


def calibrate(
    garden: Garden, probe: Probe, kind: ChannelKind, *points: tuple[float, float], **more: Any
) -> Calibration:
    fields = CalibrationFields(
        kind=kind, points=tuple(CalibrationPoint(raw=r, value=v) for r, v in points), **more
    )
    return garden.services.calibration.calibrate(garden.context(), probe.key, fields)


def state(garden: Garden, probe: Probe) -> CalibrationState:
    return probe_view(garden, probe).calibration_statuses[0].state


def test_a_calibration_becomes_due_and_expires_by_time_alone(garden: Garden) -> None:
    probe = garden.probe(EC)
    assert state(garden, probe) is CalibrationState.NEVER
    calibrate(garden, probe, EC, (1.35, 1.413))
    made_at, seen = garden.now, []

    while len(seen) < 3 and garden.now < made_at + timedelta(days=40):
        if not seen or seen[-1][0] is not state(garden, probe):
            seen.append((state(garden, probe), garden.now - made_at))
        due = garden.snapshot().next_due_at
        assert due is not None
        garden.now = due

    assert [what for what, _ in seen] == [
        CalibrationState.VALID,
        CalibrationState.DUE,
        CalibrationState.EXPIRED,
    ]
    for (_, after), days in zip(seen[1:], (14, 28), strict=True):
        assert timedelta(0) < after - timedelta(days=days) < timedelta(seconds=1)


def test_a_withdrawn_calibration_counts_for_nothing_and_stays_on_record(garden: Garden) -> None:
    probe = garden.probe(EC)
    first = calibrate(garden, probe, EC, (1.35, 1.413))
    garden.wait(days=1)
    wrong = calibrate(garden, probe, EC, (1.2, 1.413))
    garden.wait(minutes=1)

    withdrawn = garden.services.calibration.withdraw(garden.context(), wrong.key, "  Wrong bottle ")

    assert (withdrawn.withdrawn_at, withdrawn.withdrawn_by) == (garden.now, "test")
    assert withdrawn.withdrawn_reason == "Wrong bottle"
    view = probe_view(garden, probe)
    assert view.calibrations == (first,)
    assert view.calibration_statuses[0].done_at == first.done_at
    history = garden.services.calibration.list_of_probe(garden.context(), probe.key)
    assert history.calibrations == (withdrawn, first)
    assert in_force(history.calibrations, EC, garden.now) == first
    with open_unit(garden.store, garden.context()) as uow:
        entry = uow.of(AuditRepository).find()[-1]
    assert entry.action is AuditAction.CALIBRATION_WITHDRAWN
    assert entry.details["reason"] == "Wrong bottle"
    again = garden.services.calibration.withdraw(garden.context(), wrong.key, "Another reason")
    assert again == withdrawn


def test_a_withdrawal_needs_a_reason_and_the_revision_that_was_seen(garden: Garden) -> None:
    made = calibrate(garden, garden.probe(EC), EC, (1.35, 1.413))
    withdraw = garden.services.calibration.withdraw

    with pytest.raises(InvalidInputError) as refused:
        withdraw(garden.context(), made.key, "   ")
    with pytest.raises(StaleRevisionError):
        withdraw(garden.context(), made.key, "Wrong", 7)
    with pytest.raises(NotFoundError):
        withdraw(garden.context(), "nothing", "Wrong")

    assert refused.value.field == "reason"


def test_an_exchanged_device_has_to_be_calibrated_anew(garden: Garden) -> None:
    tank, [probe] = two_probes(garden, 5.5)
    old = calibrate(garden, probe, PH, (7.2, 7.0), (4.3, 4.01))
    garden.wait(hours=1)
    log(garden, tank, PH, 6.5)
    garden.wait(hours=1)
    swapped_at = garden.now
    garden.wait(minutes=20)

    after = garden.services.probe.replace_device(
        garden.context(), probe.key, swapped_at, "Serial number 4711"
    )

    [swap] = after.replacements
    assert (swap.at, swap.recorded_at, swap.by) == (swapped_at, garden.now, "test")
    assert (swap.note, after.replaced_at) == ("Serial number 4711", swapped_at)
    assert (after.name, after.channels) == (probe.name, probe.channels)
    view = probe_view(garden, probe)
    assert view.calibration_statuses[0].state is CalibrationState.REPLACED
    assert view.jumps_at[-1] == garden.now
    assert view.drifts == ()
    # What was measured before, and comes late, is still put right as it was then.
    assert in_force(view.calibrations, PH, swapped_at - timedelta(seconds=1)) is not None
    assert in_force(view.calibrations, PH, swapped_at) is None
    assert [item.key for item in view.calibrations] == [old.key]
    with open_unit(garden.store, garden.context()) as uow:
        entry = uow.of(AuditRepository).find()[-1]
    assert (entry.action, entry.subject) == (AuditAction.PROBE_REPLACED, probe.key)


def test_a_calibration_of_the_new_device_counts(garden: Garden) -> None:
    probe = garden.probe(EC)
    calibrate(garden, probe, EC, (1.35, 1.413))
    garden.wait(hours=1)
    swapped_at = garden.now
    garden.wait(hours=1)
    new = calibrate(garden, probe, EC, (1.4, 1.413))
    garden.services.probe.replace_device(garden.context(), probe.key, swapped_at)
    late = calibrate(garden, probe, EC, (1.3, 1.413), at=swapped_at - timedelta(minutes=5))

    history = garden.services.calibration.list_of_probe(garden.context(), probe.key)

    assert in_force(history.calibrations, EC, garden.now) == new
    assert in_force(history.calibrations, EC, swapped_at) is None
    assert in_force(history.calibrations, EC, swapped_at - timedelta(minutes=1)) == late
    assert history.statuses[0].done_at == new.done_at


def test_a_device_is_not_exchanged_in_the_future_nor_where_there_is_none(garden: Garden) -> None:
    probe = garden.probe(EC)
    replace = garden.services.probe.replace_device

    with pytest.raises(FutureTimeError):
        replace(garden.context(), probe.key, garden.now + timedelta(hours=1))
    with pytest.raises(InvalidInputError, match="too old to count"):
        replace(garden.context(), probe.key, datetime(2, 1, 1, tzinfo=UTC))
    with pytest.raises(StaleRevisionError):
        replace(garden.context(), probe.key, None, None, 9)
    garden.services.probe.archive(garden.context(role=Role.ADMIN), probe.key)
    with pytest.raises(NotFoundError, match="archived"):
        replace(garden.context(), probe.key)

    assert garden.services.probe.get(garden.context(), probe.key).replacements == ()


def test_a_probe_that_does_not_compensate_is_calibrated_as_such(garden: Garden) -> None:
    binding = ChannelBinding(kind=EC, topic="a/ec", compensated=False)
    probe = garden.probe(channels=(binding,))
    fields = CalibrationFields(
        kind=EC, points=(CalibrationPoint(raw=1.2, value=1.413, temperature_c=20),)
    )

    made = garden.services.calibration.calibrate(garden.context(), probe.key, fields)

    assert made.compensated is False
    # The standard 1.413 conducts 1.278 at 20 °C.
    assert made.fit.factor == pytest.approx(1.278 / 1.2, abs=0.001)
