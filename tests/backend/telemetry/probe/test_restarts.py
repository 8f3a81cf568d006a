"""A start in the middle changes no verdict: what is remembered comes back from the store."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from kamerplanter_backend.telemetry.batches.reading_desk import ReadingDesk, SentReading
from kamerplanter_backend.telemetry.batches.sent_readings import IngestResult
from kamerplanter_engines.models.telemetry import ChannelKind, Verdict
from tests.backend.garden import START, Garden

PH, EC, WATER = ChannelKind.PH, ChannelKind.EC, ChannelKind.WATER_TEMPERATURE
MOISTURE, LEVEL, SOIL = ChannelKind.SOIL_MOISTURE, ChannelKind.LEVEL, ChannelKind.SOIL_TEMPERATURE
GOOD, SUSPECT = Verdict.GOOD, Verdict.SUSPECT


class Told(NamedTuple):
    """What came of one reading."""

    value: float | None
    verdict: Verdict
    reasons: tuple[str, ...]


type Row = tuple[float, dict[ChannelKind, float]]
"""Minutes since the start, and what a device measured then."""
type Restarts = Callable[[int], bool]
"""Tells whether the server starts before a message, by its number."""


def told(garden: Garden, rows: Sequence[Row], restarts: Restarts) -> list[Told]:
    """Send what a probe measured, message by message; return the verdicts."""
    kinds = sorted({kind for _, values in rows for kind in values})
    garden.now = START
    probe = garden.probe(*kinds)
    desk = ReadingDesk(garden.services.telemetry)
    results: list[IngestResult] = []
    for number, (minute, values) in enumerate(rows):
        if restarts(number):
            desk = ReadingDesk(garden.services.telemetry)
        at = START + timedelta(minutes=minute)
        garden.now = max(garden.now + timedelta(seconds=1), at)
        sent = [
            SentReading(probe_key=probe.key, kind=kind, value=value, at=at)
            for kind, value in values.items()
        ]
        results += desk.take(garden.context(), sent)
    return [Told(item.value, item.verdict, item.reasons) for item in results]


def each(count: int) -> Restarts:
    """Return restarts before each so many-th message."""
    return lambda number: number % count == count - 1


def test_a_cut_probe_that_falls_to_zero_once_is_not_believed_after_a_start(
    garden: Garden,
) -> None:
    said = [(0, 6.01), (10, 3.52), (12, 3.52), (13, 0.0), (16, 3.52), (20, 3.52), (300, 3.52)]

    verdicts = told(garden, [(at, {PH: value}) for at, value in said], lambda number: number == 4)

    assert [item.verdict for item in verdicts] == [GOOD] + [SUSPECT] * 6


@pytest.mark.parametrize("zeros", [1, 40])
def test_nor_after_many_zeros(garden: Garden, zeros: int) -> None:
    rows: list[Row] = [(0, {PH: 6.01}), (10, {PH: 3.52})]
    rows += [(20 + 10 * index, {PH: 0.0}) for index in range(zeros)]
    rows += [(20 + 10 * zeros + minute, {PH: 3.52}) for minute in (0, 10, 20, 300)]

    verdicts = told(garden, rows, lambda number: number == 2 + zeros)

    assert {item.verdict for item in verdicts[1:]} == {SUSPECT}


@pytest.mark.parametrize("count", [1, 2, 3, 4, 100])
def test_a_real_change_proves_itself_however_often_a_house_restarts(
    garden: Garden, count: int
) -> None:
    rows: list[Row] = [(minute, {PH: 6.01 + minute % 2 / 100}) for minute in range(3)]
    rows += [(7 + 5 * index, {PH: 3.3 + index % 3 / 100}) for index in range(8)]

    verdicts = told(garden, rows, each(count))

    assert [item.verdict for item in verdicts] == [GOOD] * 3 + [SUSPECT] * 3 + [GOOD] * 5


def test_a_run_longer_than_what_is_replayed_goes_on_where_it_began(garden: Garden) -> None:
    rows: list[Row] = [(0, {PH: 6.01})]
    rows += [(10 + index, {PH: 3.52}) for index in range(60)]
    # What just returns is told by when the run began.
    rows += [(71, {PH: 5.0}), (72, {PH: 5.6})]

    without = told(garden, rows, lambda _: False)

    assert told(garden, rows, lambda number: number >= 60) == without


def test_a_late_reading_is_nothing_that_a_cut_probe_returns_to(garden: Garden) -> None:
    """It may be good, and newer than the last one that was; the doubt of now is not ended by it."""
    rows: list[Row] = [(0, {PH: 6.01}), (10, {PH: 3.52}), (5, {PH: 5.21}), (9, {PH: 4.52})]
    rows += [(20, {PH: 3.52}), (30, {PH: 3.52})]
    without = told(garden, rows, lambda _: False)

    assert [item.verdict for item in without] == [GOOD, SUSPECT, GOOD, GOOD, SUSPECT, SUSPECT]
    assert told(garden, rows, lambda number: number >= 4) == without


WAYS = {PH: (6.0, 3.5, 2.5), EC: (1.4, 4.0, 7.0), WATER: (21.0, 30.0, 2.0)}
WAYS |= {SOIL: (20.0, 27.0, 3.0), MOISTURE: (40.0, 90.0, 8.0), LEVEL: (80.0, 30.0, 20.0)}
ENDS = {PH: 14.0, EC: 15.0, WATER: 85.0, SOIL: -127.0, MOISTURE: 100.0, LEVEL: 100.0}
STEPS = (-0.1, -0.02, -0.01, 0.01, 0.02, 0.1)


@st.composite
def histories(draw: st.DrawFn) -> list[Row]:
    """Messages of one device: values tremble, jump, stand still, fall to an end stop, come late."""
    devices = [[PH], [PH, WATER], [WATER, SOIL], [PH, EC, WATER], [MOISTURE, EC], [LEVEL, WATER]]
    kinds = draw(st.sampled_from(devices))
    minute, now = 0.0, {kind: WAYS[kind][0] for kind in kinds}
    rows: list[Row] = []
    for _ in range(draw(st.integers(4, 24))):
        minute += draw(st.sampled_from([1, 2, 5, 10, 30, 90, 200, 500]))
        values = {}
        for kind in kinds:
            how = draw(st.sampled_from("=======++++++j0x "))
            if how == "j":
                now[kind] = draw(st.sampled_from(WAYS[kind]))
            elif how == "+":
                now[kind] = round(now[kind] + draw(st.sampled_from(STEPS)), 2)
            if how != " ":
                values[kind] = {"0": 0.0, "x": ENDS[kind]}.get(how, now[kind])
        if values:
            late_min = draw(st.sampled_from([0, 0, 0, 0, 0, 0, 0.37, 3.37, 12.37]))
            rows.append((max(minute - late_min, 0), values))
    return rows


@given(rows=histories(), places=st.sets(st.integers(0, 24)))
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
def test_a_start_anywhere_changes_no_verdict(
    garden: Garden, rows: list[Row], places: set[int]
) -> None:
    without = told(garden, rows, lambda _: False)

    assert told(garden, rows, lambda _: True) == without
    assert told(garden, rows, lambda number: number in places) == without
