"""What a device sends behind its newest value is stored with the verdict of its turn."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services import telemetry_service
from kamerplanter_backend.domain.snapshot import late_readings
from kamerplanter_backend.domain.snapshot.late_readings import split_late
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Reading,
    Reason,
    Verdict,
)
from tests.backend.garden import Garden
from tests.backend.telemetry.roads import House, Worker, hear

PH, WATER = ChannelKind.PH, ChannelKind.WATER_TEMPERATURE
LEFT = ChannelBinding(kind=PH, topic="left", path="v")
GOOD, SUSPECT = Verdict.GOOD, Verdict.SUSPECT

type Judged = tuple[Verdict, tuple[str, ...]]


@pytest.fixture
def garden() -> Iterator[Garden]:
    made = Garden()
    yield made
    made.store.close()


def said(
    garden: Garden, probe: Probe, minute: float, value: float, *reasons: Reason, start: datetime
) -> Reading:
    """Return what was measured then and is heard now."""
    at = start + timedelta(minutes=minute)
    verdict = SUSPECT if reasons else GOOD
    return garden.reading(
        probe, PH, value, at=at, received_at=garden.now, verdict=verdict, reasons=reasons
    )


def stored(garden: Garden, probe: Probe, kind: ChannelKind = PH) -> dict[datetime, Judged]:
    readings = garden.services.telemetry.list_readings(
        garden.context(),
        probe.key,
        kind,
        garden.now - timedelta(days=30),
        garden.now + timedelta(seconds=1),
    )
    return {
        item.at: (item.verdict, tuple(reason.value for reason in item.reasons)) for item in readings
    }


SPIKE = ((0.0, 6.0), (1.0, 9.5), (2.0, 6.05), (3.0, 6.1))


@pytest.mark.parametrize("make", [House, Worker])
def test_a_spike_behind_the_newest_value_is_doubted(make: type[House | Worker]) -> None:
    garden = Garden()
    probe = garden.probe(key="left", channels=(LEFT,))
    start = garden.now
    intake = make(garden, start).sync()["left"]
    garden.wait(hours=1)

    for minute, value in (SPIKE[0], *SPIKE[2:], SPIKE[1]):
        hear(garden, intake, start + timedelta(minutes=minute), value)
        garden.wait(seconds=1)

    assert list(stored(garden, probe).values()) == [
        (GOOD, ()),
        (SUSPECT, ("rate",)),
        (GOOD, ()),
        (GOOD, ()),
    ]
    garden.store.close()


JUMPS = st.lists(
    st.tuples(st.sampled_from([-3.0, -0.31, -0.02, 0.0, 0.01, 0.04, 0.33, 2.9]), st.integers(1, 9)),
    min_size=4,
    max_size=24,
)


@settings(max_examples=25, deadline=None)
@given(steps=JUMPS, sizes=st.lists(st.integers(1, 7), min_size=24, max_size=24))
def test_what_comes_late_is_judged_as_in_its_turn_wherever_batches_end(
    steps: Sequence[tuple[float, int]], sizes: Sequence[int]
) -> None:
    walk, minute, value = [(0.0, 6.0)], 0.0, 6.0
    for step, pause in steps:
        minute, value = minute + pause, min(max(round(value + step, 2), 3.0), 11.0)
        walk.append((minute, value))

    assert _late(walk, sizes) == _in_turn(walk)


def _in_turn(walk: Sequence[tuple[float, float]]) -> dict[datetime, Judged]:
    garden = Garden()
    probe = garden.probe(key="left", channels=(LEFT,))
    start = garden.now
    intake = House(garden, start).sync()["left"]
    for minute, value in walk:
        garden.now = start + timedelta(minutes=minute)
        hear(garden, intake, garden.now, value)
    garden.now = start + timedelta(days=1)
    found = stored(garden, probe)
    garden.store.close()
    return found


def _late(walk: Sequence[tuple[float, float]], sizes: Sequence[int]) -> dict[datetime, Judged]:
    """Hear the first one and one of much later, then all between, stored by so many at a time."""
    garden = Garden()
    probe = garden.probe(key="left", channels=(LEFT,))
    start = garden.now
    intake = House(garden, start).sync()["left"]
    hear(garden, intake, start, walk[0][1])
    garden.now = start + timedelta(days=1)
    hear(garden, intake, garden.now, 6.0)
    waiting = list(walk[1:])
    for size in sizes:
        for minute, value in waiting[:size]:
            at = start + timedelta(minutes=minute)
            payload = f'{{"v": {value}, "time": "{at.isoformat()}"}}'
            intake.on_message("left", payload, retained=False, received_at=garden.now)
        waiting = waiting[size:]
        garden.services.telemetry.record(garden.context(), intake.take_readings())
        garden.wait(seconds=1)
    assert not waiting
    found = stored(garden, probe)
    del found[start + timedelta(days=1)]
    garden.store.close()
    return found


def test_late_ones_of_several_gardens_are_judged_with_their_own_past(garden: Garden) -> None:
    probe, start = garden.probe(PH), garden.now
    garden.wait(hours=1)
    telemetry = garden.services.telemetry
    first = [said(garden, probe, 0, 6.0, start=start), said(garden, probe, 30, 6.05, start=start)]
    telemetry.record(garden.context(), first)

    late = [said(garden, probe, 1, 9.5, start=start), said(garden, probe, 2, 6.02, start=start)]

    assert telemetry.record_all([(garden.context(), late)]) == (2,)
    assert [verdict for verdict, _ in stored(garden, probe).values()] == [GOOD, SUSPECT, GOOD, GOOD]


def test_what_came_in_its_turn_with_the_same_batch_counts(garden: Garden) -> None:
    probe, start = garden.probe(PH), garden.now
    garden.wait(hours=1)
    batch = [
        said(garden, probe, minute, value, start=start)
        for minute, value in ((0, 6.0), (10, 8.9), (20, 8.95), (10.5, 6.02))
    ]

    garden.services.telemetry.record(garden.context(), batch)

    # 2.88 within half a minute; what was said of the others stays.
    assert stored(garden, probe)[start + timedelta(minutes=10.5)] == (SUSPECT, ("rate",))
    assert len(stored(garden, probe)) == 4


def test_what_was_known_when_it_was_heard_stays(garden: Garden) -> None:
    probe, start = garden.probe(PH), garden.now
    garden.wait(hours=1)
    telemetry = garden.services.telemetry
    telemetry.record(
        garden.context(),
        [said(garden, probe, 0, 6.0, start=start), said(garden, probe, 30, 6.05, start=start)],
    )

    late = [
        said(garden, probe, 1, 9.5, Reason.BAD_COMPANY, start=start),
        said(garden, probe, 2, 6.01, Reason.BAD_COMPANY, start=start),
        # Nothing but what was measured around it speaks for a jump, and it was no jump then.
        said(garden, probe, 3, 6.02, Reason.RATE, start=start),
    ]
    telemetry.record(garden.context(), late)

    assert list(stored(garden, probe).values())[1:4] == [
        (SUSPECT, ("bad_company", "rate")),
        (SUSPECT, ("bad_company",)),
        (GOOD, ()),
    ]


def test_what_is_stored_keeps_its_verdict_and_is_no_evidence(garden: Garden) -> None:
    probe, start = garden.probe(PH), garden.now
    garden.wait(hours=1)
    telemetry = garden.services.telemetry
    telemetry.record(
        garden.context(),
        [said(garden, probe, 0, 6.0, start=start), said(garden, probe, 60, 6.05, start=start)],
    )
    jump = [said(garden, probe, 1 + n, 9.01 + n / 100, start=start) for n in range(3)]

    for _ in range(4):
        telemetry.record(garden.context(), jump)

    # Three further ones that agree would have made it true.
    assert list(stored(garden, probe).values())[1:-1] == [(SUSPECT, ("rate",))] * 3


def test_a_device_that_stood_still_then_had_stuck(garden: Garden) -> None:
    probe, start = garden.probe(WATER, PH), garden.now
    garden.wait(days=5)
    telemetry = garden.services.telemetry

    def hour(kind: ChannelKind, number: int, value: float) -> Reading:
        at = start + timedelta(hours=number)
        return garden.reading(probe, kind, value, at=at, received_at=garden.now)

    steady = [
        hour(kind, n, 6.03 if kind is PH else 21.37) for n in range(26) for kind in (PH, WATER)
    ]
    moved = [hour(PH, 27, 6.11), hour(WATER, 27, 21.52)]
    telemetry.record(garden.context(), [hour(PH, -1, 6.02), hour(WATER, -1, 21.31)])
    telemetry.record(garden.context(), [*steady[:-1], *moved])

    telemetry.record(garden.context(), steady[-1:])

    assert stored(garden, probe, WATER)[steady[-1].at] == (SUSPECT, ("stuck",))


def test_a_late_one_of_the_device_before_is_judged_by_itself(garden: Garden) -> None:
    probe, start = garden.probe(PH), garden.now
    telemetry = garden.services.telemetry
    telemetry.record(garden.context(), [said(garden, probe, 0, 6.0, start=start)])
    garden.wait(minutes=10)
    garden.services.probe.replace_device(garden.context(), probe.key, garden.now)
    garden.wait(minutes=10)
    telemetry.record(garden.context(), [said(garden, probe, 20, 6.05, start=start)])

    telemetry.record(garden.context(), [said(garden, probe, 1, 9.5, start=start)])

    assert stored(garden, probe)[start + timedelta(minutes=1)] == (GOOD, ())


def test_what_comes_in_its_turn_is_not_judged_again(
    garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_asked: object) -> None:
        pytest.fail("nothing came late")

    monkeypatch.setattr(telemetry_service, "judged_in_turn", refuse)
    probe, start = garden.probe(PH), garden.now
    telemetry = garden.services.telemetry
    for minute in range(3):
        garden.wait(minutes=1)
        telemetry.record(
            garden.context(), [said(garden, probe, minute, 6.0 + minute / 10, start=start)]
        )

    # What carries no time of its own is not even looked up.
    monkeypatch.setattr(late_readings, "_newest_at", refuse)
    garden.wait(minutes=1)
    garden.measure(probe, PH, 6.31)
    assert len(stored(garden, probe)) == 4


def test_a_good_value_that_comes_late_ends_no_problem_while_the_channel_is_in_doubt(
    garden: Garden,
) -> None:
    tank = garden.tank(ph_low=5.5, ph_high=6.5)
    probe, start = garden.probe(PH, tank_key=tank.key), garden.now

    def is_on() -> bool:
        garden.services.telemetry.evaluate(garden.context())
        (view,) = garden.snapshot().tanks
        return any(item.is_on for item in view.problems)

    for minute in range(0, 41, 10):
        garden.now = start + timedelta(minutes=minute)
        garden.measure(probe, PH, 7.4 + minute / 1000)
    garden.now = start + timedelta(minutes=50)
    garden.measure(probe, PH, 13.1, verdict=SUSPECT, reasons=(Reason.OUTSIDE_PLAUSIBLE,))
    assert is_on()

    garden.wait(seconds=10)
    late = [said(garden, probe, 41 + n, 6.9 - n / 10, start=start) for n in range(9)]
    for reading in late:
        garden.services.telemetry.record(garden.context(), [reading])

    verdicts = stored(garden, probe)
    assert verdicts[late[-1].at] == (GOOD, ())
    assert is_on(), "what was measured last is in doubt, so nobody knows that it is over"


def test_an_equal_value_within_a_second_is_one_reading_also_where_it_comes_late(
    garden: Garden,
) -> None:
    probe, start = garden.probe(PH), garden.now
    garden.wait(hours=1)
    telemetry = garden.services.telemetry
    telemetry.record(
        garden.context(),
        [said(garden, probe, 0, 6.0, start=start), said(garden, probe, 30, 6.05, start=start)],
    )

    late = [said(garden, probe, 1, 6.02, start=start), said(garden, probe, 1.01, 6.02, start=start)]

    assert telemetry.record(garden.context(), late) == 1
    assert telemetry.record(garden.context(), late[1:]) == 0
    assert len(stored(garden, probe)) == 3


def test_what_a_clock_that_was_ahead_has_left_makes_nothing_late(garden: Garden) -> None:
    probe, start = garden.probe(PH), garden.now
    garden.wait(days=1)
    garden.measure(probe, PH, 6.3)
    garden.now = start + timedelta(minutes=5)

    with open_unit(garden.store, garden.context()) as uow:
        heard = [said(garden, probe, minute, 6.0, start=start) for minute in (3, 4, 2)]
        assert split_late(uow, heard) == (heard[:2], heard[2:])
