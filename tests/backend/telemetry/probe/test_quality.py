"""How far channels are trusted: by what they show, and by what else speaks against them."""

from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from kamerplanter_backend.telemetry.probe.intake import ProbeIntake
from kamerplanter_backend.telemetry.probe.quality import overall
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Reason,
    Replacement,
    Verdict,
)
from kamerplanter_engines.telemetry_engine import Shown
from tests.backend.telemetry.device import T0, Device, bind
from tests.factories import NOW, TENANT

PH, EC = ChannelKind.PH, ChannelKind.EC
BEHIND = (Reason.DRIFTED,)


def shown(verdict: Verdict, *reasons: Reason) -> Shown:
    return Shown(value=6.0, at=NOW, age_s=1, verdict=verdict, reasons=reasons)


@pytest.mark.parametrize(
    ("before", "verdict", "reasons"),
    [
        (shown(Verdict.GOOD), Verdict.SUSPECT, (Reason.DRIFTED,)),
        (
            shown(Verdict.SUSPECT, Reason.RATE),
            Verdict.SUSPECT,
            (Reason.RATE, Reason.DRIFTED),
        ),
        # What is not there, or is no value, cannot drift.
        (shown(Verdict.STALE, Reason.TOO_OLD), Verdict.STALE, (Reason.TOO_OLD,)),
        (shown(Verdict.BAD, Reason.NOT_A_NUMBER), Verdict.BAD, (Reason.NOT_A_NUMBER,)),
    ],
)
def test_a_doubt_lowers_what_is_good(
    before: Shown, verdict: Verdict, reasons: tuple[Reason, ...]
) -> None:
    found = overall({PH: before}, {PH: BEHIND})

    assert (found.verdict, found.reasons) == (verdict, reasons)


def test_the_worst_channel_speaks_for_the_probe() -> None:
    found = overall({PH: shown(Verdict.GOOD), EC: shown(Verdict.GOOD)}, {EC: BEHIND})

    assert (found.verdict, found.reasons) == (Verdict.SUSPECT, (Reason.DRIFTED,))


def test_without_channels_nothing_is_known() -> None:
    assert overall({}, {}).reasons == (Reason.NEVER_MEASURED,)


def probe(*swaps: Replacement) -> Probe:
    return Probe(
        key="p",
        tenant_key=TENANT,
        created_at=NOW,
        updated_at=NOW,
        name="P",
        channels=(ChannelBinding(kind=PH, topic="ph"),),
        replacements=swaps,
    )


def test_the_value_stays_on_the_screen_while_its_quality_is_doubted() -> None:
    intake = ProbeIntake(probe(), started_at=NOW - timedelta(hours=1))
    intake.on_message("ph", "6.0", retained=False, received_at=NOW)

    assert intake.on_doubts({PH: (Reason.PROBES_DISAGREE,)}) is True
    assert intake.on_doubts({PH: (Reason.PROBES_DISAGREE,)}) is False

    found = intake.quality(NOW)
    assert (found.verdict, found.reasons) == (Verdict.SUSPECT, (Reason.PROBES_DISAGREE,))
    assert intake.shown(PH, NOW).value == 6.0
    assert intake.quality(NOW, PH) == found
    intake.on_doubts({})
    assert intake.quality(NOW).verdict is Verdict.GOOD


def test_an_exchanged_device_is_judged_anew_and_its_value_stays() -> None:
    intake = ProbeIntake(probe(), started_at=NOW - timedelta(hours=1))
    # Three further readings that differ make an implausible pH true.
    for minute, value in enumerate(("2.80", "2.81", "2.80", "2.81")):
        at = NOW + timedelta(minutes=minute)
        intake.on_message("ph", value, retained=False, received_at=at)
    now = NOW + timedelta(minutes=4)
    assert intake.shown(PH, now).value == 2.81

    intake.update(probe(Replacement(at=now, recorded_at=now)))
    intake.on_supply([now])

    assert intake.shown(PH, now).value == 2.81
    # The new one has proved nothing yet.
    [judged] = intake.on_message("ph", "2.79", retained=False, received_at=now)
    assert (judged.verdict, judged.reasons) == (Verdict.SUSPECT, (Reason.OUTSIDE_PLAUSIBLE,))


@pytest.mark.parametrize(("dosed_after_h", "verdict"), [(None, Verdict.GOOD), (1, Verdict.SUSPECT)])
def test_a_calibration_is_no_dose_that_has_to_move_anything(
    dosed_after_h: int | None, verdict: Verdict
) -> None:
    intake = ProbeIntake(probe(), started_at=NOW)
    texts = ["6.01", "6.02", *["6.03"] * 8]
    for hour, text in enumerate(texts):
        at = NOW + timedelta(hours=hour)
        if hour == 4:
            dosed_at = [] if dosed_after_h is None else [at]
            intake.on_supply([at - timedelta(minutes=1)], dosed_at)
        [judged] = intake.on_message("ph", text, retained=False, received_at=at)

    # Flat for seven hours across whatever happened at 4:00.
    assert judged.verdict is verdict
    assert judged.reasons == (() if dosed_after_h is None else (Reason.STUCK,))


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["6.0", "6.01", "0", "14", "nan", "21 °C", "offline", "200"]),
            st.sampled_from([0, 2, 600, 7 * 3600]),
            st.sampled_from([(), BEHIND]),
        ),
        max_size=12,
    )
)
def test_where_anything_said_of_the_quality_changes_the_summary_does(
    sent: list[tuple[str, int, tuple[Reason, ...]]],
) -> None:
    device = Device(bind(PH), bind(EC, topic="other"))
    intake, at_s = device.intake, 0
    said: dict[str, str] = {}
    for payload, pause_s, doubts in sent:
        intake.on_doubts({PH: doubts} if doubts else {})
        device.send(payload, at_s)
        at_s += pause_s
        now = T0 + timedelta(seconds=at_s)
        views = [intake.quality(now, kind) for kind in (PH, EC, None)]
        silent = [intake.shown(kind, now).value is None for kind in (PH, EC)]
        told = repr((views, silent, intake.hint(PH), intake.available))
        assert said.setdefault(repr(intake.quality_summary(now)), told) == told


def test_a_value_that_is_as_good_as_the_one_before_changes_no_summary() -> None:
    device = Device(bind(PH))
    device.send("6.0")
    before = device.intake.quality_summary(T0)
    device.send("6.01", 10)

    assert device.intake.quality_summary(T0 + timedelta(seconds=10)) == before
