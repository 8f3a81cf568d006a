"""Conductivity that the device does not compensate: once, with its own coefficient, or marked."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from kamerplanter_backend.telemetry.probe.intake import ProbeIntake, Restored
from kamerplanter_engines.calibration_engine import fit
from kamerplanter_engines.models.calibration import (
    Calibration,
    CalibrationFields,
    CalibrationPoint,
)
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Reason,
    Verdict,
)
from kamerplanter_engines.telemetry_engine import Known
from tests.factories import NOW, TENANT

EC, WATER = ChannelKind.EC, ChannelKind.WATER_TEMPERATURE


def intake(*, restored: Restored | None = None, **ec: Any) -> ProbeIntake:
    """Return the intake of a probe that tells conductivity in the water, and °F."""
    channels = (
        ChannelBinding(kind=EC, topic="tank", path="ec", compensated=False, **ec),
        ChannelBinding(kind=WATER, topic="tank", path="t", unit="°F"),
    )
    probe = Probe(
        key="p",
        tenant_key=TENANT,
        created_at=NOW,
        updated_at=NOW,
        name="P",
        channels=channels,
    )
    return ProbeIntake(probe, started_at=NOW - timedelta(hours=1), restored=restored)


def send(found: ProbeIntake, payload: str, at: datetime = NOW) -> dict[ChannelKind, Any]:
    judged = found.on_message("tank", payload, retained=False, received_at=at)
    return {item.kind: item for item in judged}


def test_seventy_seven_degrees_fahrenheit_change_nothing() -> None:
    # F-65: 77 °F are 25 °C. Taken as 77 °C it would be 0.78, without a thermometer 1.6 unmarked.
    judged = send(intake(), '{"ec": 1.60, "t": 77}')[EC]

    assert (judged.value, judged.verdict, judged.reasons) == (1.6, Verdict.GOOD, ())


def test_cold_water_is_brought_to_25_degrees() -> None:
    # 59 °F are 15 °C: ten kelvin at 2 % each, and at 1.9 % each.
    judged = send(intake(), '{"ec": 1.60, "t": 59}')[EC]
    other = send(intake(temperature_coefficient_pct=1.9), '{"ec": 1.60, "t": 59}')[EC]

    assert judged.value == pytest.approx(1.6 / 0.8)
    assert judged.measured == 1.6
    assert other.value == pytest.approx(1.6 / 0.81)


def test_an_unknown_temperature_is_said_and_nothing_follows() -> None:
    found = intake()

    judged = send(found, '{"ec": 1.60}')[EC]

    assert (judged.value, judged.verdict) == (1.6, Verdict.SUSPECT)
    assert judged.reasons == (Reason.UNCOMPENSATED,)
    assert found.shown(EC, NOW).value is None
    # It never proves itself by repetition, and is good with the first temperature.
    for minute in range(1, 6):
        again = send(found, f'{{"ec": 1.6{minute}}}', NOW + timedelta(minutes=minute))[EC]
        assert again.reasons == (Reason.UNCOMPENSATED,)
    known = send(found, '{"ec": 1.66, "t": 77}', NOW + timedelta(minutes=6))[EC]
    assert (known.value, known.verdict) == (1.66, Verdict.GOOD)


@pytest.mark.parametrize(("coefficient_pct", "fahrenheit"), [(5, 41), (5, 41.18), (5, 53)])
def test_a_coefficient_that_leaves_next_to_nothing_makes_no_number(
    coefficient_pct: float, fahrenheit: float
) -> None:
    # 5.0 °C at 5 % would be 1 - 1, and 5.1 °C two hundred times as much.
    found = intake(temperature_coefficient_pct=coefficient_pct)

    judged = send(found, f'{{"ec": 1.60, "t": {fahrenheit}}}')[EC]

    assert (judged.value, judged.reasons) == (1.6, (Reason.UNCOMPENSATED,))
    assert found.shown(EC, NOW).value is None


def test_a_coefficient_of_an_older_version_counts_where_it_makes_sense() -> None:
    judged = send(intake(temperature_coefficient_pct=5), '{"ec": 1.60, "t": 68}')[EC]

    assert judged.value == pytest.approx(1.6 / 0.75)


@pytest.mark.parametrize("temperature", ["185", "32", "-196.6", '"unknown"', "null"])
def test_a_broken_thermometer_compensates_nothing(temperature: str) -> None:
    # 85 °C, an exact 0, -127 °C and no value at all.
    judged = send(intake(), f'{{"ec": 1.60, "t": {temperature}}}')[EC]

    assert judged.reasons == (Reason.UNCOMPENSATED,)


def test_the_thermometer_may_speak_in_another_message_for_some_hours() -> None:
    found = intake()
    send(found, '{"t": 59}')

    soon = send(found, '{"ec": 1.60}', NOW + timedelta(hours=3))[EC]
    late = send(found, '{"ec": 1.61}', NOW + timedelta(hours=5))[EC]

    assert soon.value == pytest.approx(2.0)
    assert late.reasons == (Reason.UNCOMPENSATED,)


@pytest.mark.parametrize("compensated", [True, False])
def test_a_calibrated_probe_is_compensated_once(*, compensated: bool) -> None:
    fields = CalibrationFields(
        kind=EC,
        points=(CalibrationPoint(raw=1.413, value=1.413, temperature_c=25),),
        compensated=compensated,
    )
    made = Calibration(
        **dict(fields),
        key="c",
        tenant_key=TENANT,
        created_at=NOW,
        updated_at=NOW,
        probe_key="p",
        done_at=NOW - timedelta(days=1),
        fit=fit(fields),
    )
    found = intake()
    found.calibrate((made,))

    judged = send(found, '{"ec": 1.60, "t": 59}')[EC]

    assert judged.value == pytest.approx(2.0)


def test_a_device_that_compensates_is_left_alone() -> None:
    channels = (
        ChannelBinding(kind=EC, topic="tank", path="ec"),
        ChannelBinding(kind=WATER, topic="tank", path="t", unit="°F"),
    )
    probe = Probe(
        key="p", tenant_key=TENANT, created_at=NOW, updated_at=NOW, name="P", channels=channels
    )

    judged = send(ProbeIntake(probe, started_at=NOW), '{"ec": 1.60, "t": 59}')[EC]

    assert (judged.value, judged.measured) == (1.6, None)


def test_a_frozen_probe_does_not_move_with_the_temperature() -> None:
    found = intake()
    send(found, '{"ec": 1.59, "t": 70}', NOW - timedelta(minutes=10))
    dosed_at = NOW + timedelta(hours=3)
    for minute in range(0, 420, 10):
        at = NOW + timedelta(minutes=minute)
        if at >= dosed_at:
            found.on_supply([dosed_at], [dosed_at])
        # The water warms up by half a kelvin an hour, and the cut probe repeats itself.
        judged = send(found, f'{{"ec": 1.60, "t": {70 + minute * 0.015:.2f}}}', at)[EC]

    assert (judged.verdict, judged.reasons) == (Verdict.SUSPECT, (Reason.STUCK,))
    moved = send(found, '{"ec": 1.58, "t": 76}', NOW + timedelta(hours=7))[EC]
    assert moved.verdict is Verdict.GOOD


def test_a_jump_of_a_frozen_probe_does_not_prove_itself_by_the_temperature() -> None:
    found = intake()
    send(found, '{"ec": 1.600, "t": 77}')
    verdicts = [
        send(
            found, f'{{"ec": 3.213, "t": {77 + minute / 10:.1f}}}', NOW + timedelta(minutes=minute)
        )
        for minute in range(1, 12)
    ]

    # F-36: it never heals, as what the device says is always the same.
    assert {judged[EC].reasons for judged in verdicts} == {(Reason.RATE,)}


def test_what_a_device_said_is_known_again_after_a_start() -> None:
    first = intake()
    send(first, '{"ec": 1.600, "t": 77}')
    send(first, '{"ec": 3.213, "t": 77}', NOW + timedelta(minutes=1))
    stored = first.take_readings()
    restored = {
        EC: Known(stored[0], stored[-2]),
        WATER: Known(stored[1], stored[-1]),
    }
    again = intake(restored=restored)
    verdicts = [
        send(
            again, f'{{"ec": 3.213, "t": {77 + minute / 10:.1f}}}', NOW + timedelta(minutes=minute)
        )
        for minute in range(2, 12)
    ]

    assert {judged[EC].reasons for judged in verdicts} == {(Reason.RATE,)}


def test_the_temperature_of_the_same_message_counts_before_the_remembered_one() -> None:
    found = intake()
    send(found, '{"ec": 1.2, "t": 59}')

    judged = send(found, '{"ec": 1.5, "t": 77}', NOW + timedelta(hours=3))[EC]

    # By the 15 °C of three hours ago it would be 1.875.
    assert (judged.value, judged.verdict) == (1.5, Verdict.GOOD)


@pytest.mark.parametrize(
    ("said", "reason"), [("77", Reason.RATE), ("176", Reason.OUTSIDE_PHYSICAL)]
)
def test_a_doubtful_thermometer_says_nothing_until_it_is_good_again(
    said: str, reason: Reason
) -> None:
    found = intake()
    send(found, '{"ec": 1.6, "t": 59}')

    # Ten kelvin within a minute: nobody knows how warm the water is.
    jumped = send(found, f'{{"ec": 1.61, "t": {said}}}', NOW + timedelta(minutes=1))
    alone = send(found, '{"ec": 1.6}', NOW + timedelta(minutes=2))
    again = send(found, '{"ec": 1.61, "t": 59.1}', NOW + timedelta(minutes=3))

    assert jumped[WATER].reasons == (reason,)
    assert Reason.UNCOMPENSATED in jumped[EC].reasons
    assert Reason.UNCOMPENSATED in alone[EC].reasons
    assert again[EC].verdict is Verdict.GOOD


def test_a_pair_that_comes_late_has_its_own_temperature() -> None:
    found = intake()
    send(found, '{"ec": 1.5, "t": 77}', NOW + timedelta(hours=3))

    early = (NOW + timedelta(hours=1)).isoformat()
    late = send(
        found, f'{{"ec": 1.6, "t": 59, "time": "{early}"}}', NOW + timedelta(hours=3, minutes=1)
    )[EC]

    assert late.at == NOW + timedelta(hours=1)
    assert (late.value, late.verdict) == (pytest.approx(2.0), Verdict.GOOD)
