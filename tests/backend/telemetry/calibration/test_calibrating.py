"""What a probe shows in the solutions of a calibration is not the water of its tank."""

from datetime import datetime, timedelta

import pytest

from kamerplanter_backend.telemetry.calibration.calibrating import LASTS, RETURNS, SolutionTimes
from kamerplanter_backend.telemetry.probe.intake import ProbeIntake
from kamerplanter_engines.models.solution_hold import SolutionHoldFields
from kamerplanter_engines.models.telemetry import ChannelKind, Reason
from kamerplanter_engines.telemetry_engine import Judged
from tests.backend.telemetry.device import EC, GOOD, PH, SUSPECT, T0, WATER, bind, probe

BATTERY = ChannelKind.BATTERY
TREMBLING = [4.2, 4.18, 4.17, 4.19, 4.16, 4.18, 4.2, 4.17, 4.19, 4.18, 4.16, 4.17, 4.2, 4.18]
DIALOG, OTHER = "dialog", "another-dialog"


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


class Bench:
    """A combined probe of a tank, calibrated now and then; time in minutes."""

    def __init__(self) -> None:
        self.times = SolutionTimes("probe-1")
        channels = [bind(kind, kind.value) for kind in (PH, EC, WATER, BATTERY)]
        channels[0] = channels[0].model_copy(update={"time_path": "at"})
        self.intake = ProbeIntake(probe(*channels), started_at=T0, solutions=self.times)

    def send(
        self, minutes: float, *, measured: float | None = None, **values: float
    ) -> list[Judged]:
        when = "" if measured is None else f', "at": "{at(measured).isoformat()}"'
        numbers = ", ".join(f'"{kind}": {value}' for kind, value in values.items())
        payload = "{" + numbers + when + "}"
        return list(self.intake.on_message("t", payload, retained=False, received_at=at(minutes)))

    def shown(self, minutes: float, kind: ChannelKind = PH) -> float | None:
        return self.intake.shown(kind, at(minutes)).value


def test_a_buffer_never_becomes_the_tank() -> None:
    bench = Bench()
    bench.send(0, ph=6.0)
    bench.times.sign(DIALOG, at(1))
    for index, ph in enumerate(TREMBLING):
        (judged,) = bench.send(1 + index / 6, ph=ph)
        assert judged.verdict is SUSPECT
        assert judged.reasons[0] is Reason.CALIBRATING
        assert judged.value == ph
        assert bench.shown(1 + index / 6) == 6.0

    bench.times.end(DIALOG, at(4))

    (back,) = bench.send(4.5, ph=6.02)
    assert (back.verdict, bench.shown(4.5)) == (GOOD, 6.02)
    stored = [(item.value, item.verdict) for item in bench.intake.take_readings()]
    assert stored == [(6.0, GOOD), *((ph, SUSPECT) for ph in TREMBLING), (6.02, GOOD)]
    # Somebody did it on purpose, so nobody has to be told.
    assert bench.intake.take_notices() == []


def test_a_buffer_heals_nothing_of_which_a_jump_was_doubted_before() -> None:
    bench = Bench()
    bench.send(0, ph=6.0)
    (jump,) = bench.send(1, ph=4.25)
    assert jump.reasons == (Reason.RATE,)
    bench.times.sign(DIALOG, at(1))
    for index, ph in enumerate(TREMBLING):
        bench.send(1.1 + index / 6, ph=ph)
    bench.times.end(DIALOG, at(4))

    (left_in_it,) = bench.send(4.1, ph=4.19)
    assert left_in_it.verdict is SUSPECT
    (back,) = bench.send(4.5, ph=6.02)
    assert back.verdict is GOOD


def test_the_other_channels_are_out_of_the_tank_too_but_not_the_battery() -> None:
    bench = Bench()
    bench.send(0, ph=6.0, ec=1.8, water_temperature=20, battery=80)
    bench.times.sign(DIALOG, at(1))
    judged = bench.send(1.5, ph=4.01, ec=1.9, water_temperature=20.4, battery=79)

    verdicts = {item.kind: item.verdict for item in judged}
    assert verdicts == {PH: SUSPECT, EC: SUSPECT, WATER: SUSPECT, BATTERY: GOOD}
    assert [bench.shown(1.5, kind) for kind in (PH, EC, WATER, BATTERY)] == [6.0, 1.8, 20, 79]


def test_a_dialog_that_was_lost_does_not_hold_for_ever() -> None:
    bench, minutes = Bench(), LASTS.total_seconds() / 60
    bench.send(0, ph=6.0)
    bench.times.sign(DIALOG, at(1))
    bench.times.sign(DIALOG, at(5))

    (within,) = bench.send(4.9 + minutes, ph=6.0)
    (after,) = bench.send(5 + minutes, ph=6.01)
    assert (within.reasons, after.verdict) == ((Reason.CALIBRATING,), GOOD)

    # Whoever comes back to it begins anew: what was good between the two stays so.
    bench.times.sign(DIALOG, at(minutes + 25))
    (late,) = bench.send(minutes + 25.5, measured=minutes + 15, ph=6.05)
    (now,) = bench.send(minutes + 26, ph=6.06)
    assert late.verdict is GOOD
    assert now.verdict is SUSPECT


def test_of_two_dialogs_the_longer_one_counts() -> None:
    bench = Bench()
    bench.send(0, ph=6.0)
    bench.times.sign(DIALOG, at(1))
    bench.times.sign(OTHER, at(2))
    bench.times.end(DIALOG, at(3))
    bench.times.end(DIALOG, at(3))
    assert bench.send(4, ph=4.0)[0].verdict is SUSPECT

    bench.times.end(OTHER, at(5))
    assert bench.send(5.1, ph=6.0)[0].verdict is GOOD


def test_who_closes_the_dialog_has_five_minutes_to_put_the_probe_back() -> None:
    bench = Bench()
    bench.send(0, ph=6.0)
    bench.times.sign(DIALOG, at(1))
    bench.times.leave(DIALOG, at(2))

    (within,) = bench.send(6.9, ph=4.0)
    (after,) = bench.send(7, ph=6.01)
    assert timedelta(minutes=5) == RETURNS
    assert (within.reasons[0], after.verdict) == (Reason.CALIBRATING, GOOD)
    # It was out all the time, also where that is heard later.
    assert bench.send(8, measured=1, ph=4.0)[0].verdict is SUSPECT
    assert bench.send(9, measured=6.9, ph=4.0)[0].verdict is SUSPECT


def test_a_dialog_that_is_closed_long_after_its_last_sign_holds_again_but_not_between() -> None:
    bench, minutes = Bench(), LASTS.total_seconds() / 60
    bench.send(0, ph=6.0)
    bench.times.sign(DIALOG, at(1))
    bench.times.leave(DIALOG, at(minutes + 3))

    assert bench.send(minutes + 3.5, ph=6.01)[0].verdict is SUSPECT
    assert bench.send(minutes + 4.5, measured=minutes + 2, ph=6.02)[0].verdict is GOOD
    assert bench.send(minutes + 8, ph=6.03)[0].verdict is GOOD


def test_who_opens_it_again_and_says_that_the_probe_is_back_ends_what_was_left() -> None:
    bench = Bench()
    bench.send(0, ph=6.0)
    bench.times.sign(DIALOG, at(1))
    bench.times.leave(DIALOG, at(2))
    bench.times.sign(OTHER, at(3))
    bench.times.end(OTHER, at(4))

    assert bench.send(3.9, ph=4.0)[0].verdict is SUSPECT
    assert bench.send(4.1, ph=6.0)[0].verdict is GOOD


def test_what_another_one_still_measures_is_not_ended() -> None:
    bench = Bench()
    bench.send(0, ph=6.0)
    bench.times.sign(DIALOG, at(1))
    bench.times.sign(OTHER, at(1))
    bench.times.end(OTHER, at(2))
    assert bench.send(3, ph=4.0)[0].verdict is SUSPECT

    bench.times.leave(DIALOG, at(4))
    bench.times.end(OTHER, at(4.5))
    assert bench.send(4.6, ph=6.0)[0].verdict is GOOD


def told(bench: Bench) -> list[tuple[float, float]]:
    """Tell the store what it should know; return since and until of each, in minutes."""
    found = bench.times.untold()
    for said in found:
        bench.times.note_told(said)
    minute = timedelta(minutes=1)
    return [((item.since - T0) / minute, (item.until - T0) / minute) for item in found]


def test_the_store_is_told_of_begin_and_end_and_of_signs_only_when_it_has_to() -> None:
    bench = Bench()
    bench.times.sign(DIALOG, at(0))
    # An hour, and a quarter longer, so that the signs of 15 minutes need no write.
    assert told(bench) == [(0, 75)]
    for minute in range(1, 15):
        bench.times.sign(DIALOG, at(minute))
        assert told(bench) == []
    bench.times.sign(DIALOG, at(15))
    assert told(bench) == []
    bench.times.sign(DIALOG, at(15.1))
    assert told(bench) == [(0, pytest.approx(90.1))]

    bench.times.end(DIALOG, at(17))
    assert told(bench) == [(0, 17)]
    bench.times.end(DIALOG, at(18))
    assert told(bench) == []


def test_the_store_is_told_how_long_the_way_back_may_take() -> None:
    bench = Bench()
    bench.times.sign(DIALOG, at(0))
    bench.times.leave(DIALOG, at(1))
    assert told(bench) == [(0, 6)]


def test_what_could_not_be_told_is_told_with_the_next_sign() -> None:
    bench = Bench()
    bench.times.sign(DIALOG, at(0))
    bench.times.end(DIALOG, at(1))
    # Nobody answered; what comes late should still be judged by it.
    bench.times.sign(OTHER, at(2))
    assert sorted(told(bench)) == [(0, 1), (2, 77)]


def test_a_dialog_that_begins_anew_after_a_pause_is_another_one_for_the_store() -> None:
    bench = Bench()
    bench.times.sign(DIALOG, at(0))
    told(bench)
    bench.times.sign(DIALOG, at(100))
    # The first one ended by itself, an hour after its last sign.
    assert sorted(told(bench)) == [(0, 60), (100, 175)]


def stored(dialog: str, since: float, until: float) -> SolutionHoldFields:
    return SolutionHoldFields(probe_key="probe-1", dialog=dialog, since=at(since), until=at(until))


def test_what_others_say_counts_until_it_ends() -> None:
    bench = Bench()
    bench.send(0, ph=6.0)
    bench.times.follow([stored("elsewhere:dialog", 1, 10)])

    assert bench.send(9.9, ph=4.0)[0].reasons[0] is Reason.CALIBRATING
    assert bench.send(10, ph=6.0)[0].verdict is GOOD
    assert bench.send(20, measured=5, ph=4.0)[0].verdict is SUSPECT

    bench.times.follow([])
    assert bench.send(21, measured=7, ph=6.0)[0].verdict is GOOD
    assert told(bench) == []


def test_of_its_own_dialogs_it_knows_better_than_the_store() -> None:
    bench = Bench()
    bench.send(0, ph=6.0)
    bench.times.sign("here:dialog", at(1))
    (begun,) = bench.times.untold()
    bench.times.note_told(begun)
    bench.times.end("here:dialog", at(2))
    bench.times.follow([begun])

    assert bench.send(3, ph=6.0)[0].verdict is GOOD


def test_who_finishes_ends_what_a_restart_has_lost_but_nothing_from_elsewhere() -> None:
    bench = Bench()
    bench.send(0, ph=6.0)
    bench.times.follow([stored("here:lost", 0, 20), stored("elsewhere:open", 0, 12)])
    bench.times.sign("here:again", at(3))
    told(bench)
    bench.times.end("here:again", at(4))

    assert sorted(told(bench)) == [(0, 4), (3, 4)]
    assert bench.send(11, ph=4.0)[0].verdict is SUSPECT
    assert bench.send(12, ph=6.0)[0].verdict is GOOD


@pytest.mark.parametrize(
    ("measured", "received", "expected"),
    [
        (3, 20, SUSPECT),  # buffered in the solution
        (0.9, 2.8, SUSPECT),  # its clock is two minutes behind
        (0.5, 3, GOOD),  # buffered before
        (6, 20, GOOD),  # buffered after
    ],
)
def test_what_was_buffered_counts_by_when_it_was_measured(
    measured: float, received: float, expected: object
) -> None:
    bench = Bench()
    bench.send(0, ph=6.0)
    bench.times.sign(DIALOG, at(1))
    if received > 5:
        bench.times.end(DIALOG, at(5))

    (judged,) = bench.send(received, measured=measured, ph=6.01)

    assert judged.verdict is expected
