"""A message that repeats the one before it costs nothing and changes nothing."""

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.models.telemetry import Availability, Reason
from tests.backend.telemetry.device import EC, PH, Device, bind, values

BOTH = {"ec": 1.8, "ph": 6.1}


def device(**options: object) -> Device:
    return Device(bind(EC, "ec"), bind(PH, "ph", **options))


def test_the_same_message_within_a_second_is_one_reading() -> None:
    one = device()
    one.send(BOTH, 0)

    assert one.send(BOTH, 0.4) == ()
    assert one.send(BOTH, 0.999) == ()

    assert one.intake.message_count == 3
    assert [reading.value for reading in one.intake.take_readings()] == [1.8, 6.1]


def test_the_same_message_after_a_second_is_a_new_report() -> None:
    one = device()
    one.send(BOTH, 0)
    one.send(BOTH, 0.9)

    assert values(one.send(BOTH, 1)) == BOTH
    assert len(one.intake.take_readings()) == 4


def test_what_is_measured_each_second_is_a_reading_each_second() -> None:
    one = Device(bind(EC, "ec"))
    for second in range(60):
        one.send({"ec": 1.8, "count": second}, second)

    assert len(one.intake.take_readings()) == 60


def test_a_value_that_comes_back_within_a_second_is_judged() -> None:
    one = device()
    one.send(BOTH, 0)
    one.send({"ec": 1.9, "ph": 6.1}, 0.2)

    assert values(one.send(BOTH, 0.4)) == BOTH


def test_a_clock_that_went_back_makes_no_repeat() -> None:
    one = Device(bind(EC))
    one.send("1.8", 0)

    assert [item.is_repeat for item in one.send("1.8", -0.5)] == [True]


def test_a_repeated_message_says_that_the_device_is_there() -> None:
    one = Device(bind(EC), availability=Availability(topic="will"))
    one.send("1.8", 0)
    one.send("offline", 0.1, topic="will")

    one.send("1.8", 0.2)

    assert one.intake.available


@pytest.mark.parametrize(
    ("payload", "reason"), [("nan", Reason.NOT_A_NUMBER), ("9", Reason.OUTSIDE_PLAUSIBLE)]
)
def test_what_is_not_good_is_counted_each_time(payload: str, reason: Reason) -> None:
    one = Device(bind(EC))
    for moment in (0, 0.2, 0.4):
        one.send(payload, moment)

    assert one.intake.counts[EC, reason] == 3


def test_a_message_of_before_a_change_of_its_binding_is_judged_anew() -> None:
    one = Device(bind(EC))
    one.send("1.8", 0)
    probe = one.intake.probe
    one.intake.update(probe.model_copy(update={"channels": (bind(EC, factor=2),)}))

    assert values(one.send("1.8", 0.5)) == {"ec": 3.6}


PAYLOADS = [
    '{"ec": 1.8, "ph": 6.1}',
    '{"ec": 1.9, "ph": 6.1}',
    '{"ec": 1.8}',
    '{"ec": "x"}',
    "dead",
]


@given(
    st.lists(
        st.tuples(st.sampled_from(PAYLOADS), st.sampled_from([0.1, 0.4, 1.0, 30.0]), st.booleans()),
        max_size=25,
    )
)
def test_noticing_repeats_changes_no_outcome(messages: list[tuple[str, float, bool]]) -> None:
    plain, twin = device(), device()
    at_s = 0.0
    for number, (payload, pause_s, retained) in enumerate(messages):
        at_s += pause_s
        plain.send(payload, at_s, retained=retained)
        # The twin never gets the same bytes twice within a second.
        twin.send(payload + " " * (number % 12), at_s, retained=retained)

        assert plain.intake.available == twin.intake.available
        assert plain.intake.counts == twin.intake.counts
        assert plain.intake.take_readings() == twin.intake.take_readings()
        for kind in (EC, PH):
            assert plain.shown(kind, at_s) == twin.shown(kind, at_s)
            assert plain.quality(kind, at_s) == twin.quality(kind, at_s)
