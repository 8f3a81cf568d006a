"""What is known of a channel after a start: how finely its device steps."""

from datetime import timedelta

import pytest

from kamerplanter_backend.telemetry.probe.intake import ProbeIntake
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Reason,
    Verdict,
)
from kamerplanter_engines.telemetry_engine import Known
from tests.backend.garden import Garden

WATER = ChannelKind.WATER_TEMPERATURE
SOIL = ChannelKind.SOIL_TEMPERATURE
PH = ChannelKind.PH
EC = ChannelKind.EC


def measured(garden: Garden, kind: ChannelKind, *values: float) -> Probe:
    """Return a probe that has said these numbers, one a minute."""
    probe = garden.probe(kind, tank_key=garden.tank().key)
    go_on(garden, probe, kind, *values)
    return probe


def go_on(garden: Garden, probe: Probe, kind: ChannelKind, *values: float) -> None:
    for value in values:
        garden.measure(probe, kind, value)
        garden.wait(minutes=1)


def known(garden: Garden, probe: Probe) -> Known:
    memories = garden.services.telemetry.memories(garden.context(), [probe.key])
    [channel] = memories[probe.key].view.channels
    return channel.known


def after_a_restart(garden: Garden, probe: Probe, text: str) -> set[Verdict]:
    """Return the verdicts on one text that is sent each ten seconds for an hour."""
    [binding] = probe.channels
    intake = ProbeIntake(
        probe, started_at=garden.now, restored={binding.kind: known(garden, probe)}
    )
    verdicts = set()
    for _ in range(360):
        garden.wait(seconds=10)
        [judged] = intake.on_message(
            binding.topic or "", text.encode(), retained=False, received_at=garden.now
        )
        verdicts.add(judged.verdict)
    return verdicts


@pytest.mark.parametrize(
    ("kind", "before", "cut"),
    [
        (WATER, [21.35, 21.37, 21.36, 21.3, 21.4], "25.00"),
        (SOIL, [16.35, 16.3, 16.4], "25.00"),
        (PH, [6.04, 6.07, 6.1, 6.2], "8.00"),
        # 90 minutes at one value that happens to end in a zero.
        (WATER, [21.44] + [21.5] * 90 + [21.6], "25.00"),
        # Just bound: it has said one number only, which tells that it is fine.
        (PH, [6.02, 6.02, 6.02], "4.10"),
        # The first number and the newest ones are coarse, what came between is not.
        (WATER, [21.5, 21.44] + [21.5] * 1200, "25.00"),
    ],
)
def test_f_36_a_cut_probe_does_not_heal_by_a_restart(
    garden: Garden, kind: ChannelKind, before: list[float], cut: str
) -> None:
    probe = measured(garden, kind, *before)

    assert after_a_restart(garden, probe, cut) == {Verdict.SUSPECT}


def test_f_36_nor_by_two(garden: Garden) -> None:
    probe = measured(garden, WATER, 21.35, 21.3, 21.4)
    after_a_restart(garden, probe, "25.00")
    reading = garden.reading(probe, WATER, 25.0, verdict=Verdict.SUSPECT, reasons=(Reason.RATE,))
    garden.services.telemetry.record(garden.context(), [reading])

    assert after_a_restart(garden, probe, "25.00") == {Verdict.SUSPECT}


def test_a_meter_of_tenths_is_known_as_such_after_a_restart(garden: Garden) -> None:
    probe = measured(garden, WATER, 21.4, 21.5, 21.4)

    assert known(garden, probe).finest_step == pytest.approx(0.1)
    assert Verdict.GOOD in after_a_restart(garden, probe, "25.0")


@pytest.mark.parametrize(("before", "step"), [(21.0, 1.0), (21.37, 0.01)])
def test_what_has_stood_still_for_days_is_known_to_have_moved(
    garden: Garden, before: float, step: float
) -> None:
    probe = measured(garden, WATER, before)
    for _ in range(5):
        garden.wait(hours=12)
        garden.measure(probe, WATER, 20.0)

    assert known(garden, probe).finest_step == pytest.approx(step)


def test_what_the_device_before_said_is_no_movement_of_one_that_stands_still(
    garden: Garden,
) -> None:
    probe = measured(garden, WATER, 21.0)
    garden.services.probe.replace_device(garden.context(), probe.key)
    for _ in range(5):
        garden.wait(hours=12)
        garden.measure(probe, WATER, 20.0)

    assert known(garden, probe).finest_step is None


def test_an_end_stop_is_the_last_reading_but_says_nothing_of_movement(garden: Garden) -> None:
    began = garden.now
    probe = measured(garden, WATER, 21.37, 21.35)
    zero = {"verdict": Verdict.SUSPECT, "reasons": (Reason.EXACT_ZERO,)}
    garden.measure(probe, WATER, 0.0, **zero)
    garden.wait(minutes=1)
    go_on(garden, probe, WATER, 21.35)
    garden.measure(probe, WATER, 0.0, **zero)

    found = known(garden, probe)

    assert found.last is not None
    assert found.last.value == 0
    assert found.told is not None
    assert found.told.value == pytest.approx(21.35)
    assert found.unchanged_since == began + timedelta(minutes=1)
    assert found.finest_step == pytest.approx(0.01)


def test_one_number_tells_no_step(garden: Garden) -> None:
    assert known(garden, measured(garden, WATER, 21.4, 21.4)).finest_step is None


def test_what_the_device_before_showed_says_nothing_of_the_new_one(garden: Garden) -> None:
    probe = measured(garden, WATER, 21.35, 21.37)
    garden.services.probe.replace_device(garden.context(), probe.key)
    garden.wait(minutes=1)

    go_on(garden, probe, WATER, 21.4, 21.5)

    assert known(garden, probe).finest_step == pytest.approx(0.1)


def test_compensated_values_do_not_tell_what_a_digit_means(garden: Garden) -> None:
    """A meter that steps by 0.1: 1.4 and 1.5 came to 1.49 and 1.583 as the water got warmer."""
    binding = ChannelBinding(kind=EC, topic="ec", unit="mS/cm", compensated=False)
    probe = garden.probe(EC, tank_key=garden.tank().key, channels=(binding,))
    for value, raw in ((1.49, 1.4), (1.583, 1.5)):
        garden.measure(probe, EC, value, raw=raw)
        garden.wait(minutes=1)

    assert known(garden, probe).finest_step == pytest.approx(0.1)
