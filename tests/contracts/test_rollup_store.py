"""What every store does with rollups, and what readings come to in it."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.domain.consequences.rollups import refresh, rollups_within
from kamerplanter_backend.domain.interfaces.document_store import (
    DocumentStore,
    UndeclaredWriteError,
)
from kamerplanter_backend.domain.interfaces.rollup_store import Window
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_engines.models.rollup import (
    Bucket,
    DueHour,
    Figures,
    Rollup,
    RollupLevel,
    microseconds,
    rollup_of,
)
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from tests.contracts.conftest import OpenUnit
from tests.factories import NOW, OTHER_TENANT, add, example

EC, PH = ChannelKind.EC, ChannelKind.PH
HOUR, DAY = RollupLevel.HOUR, RollupLevel.DAY
EARLIEST, LATEST = NOW - timedelta(days=400), NOW + timedelta(days=400)
FIGURES = Figures(
    reading_count=3,
    total=5.4,
    covered_s=3000.5,
    integral=5400.25,
    low=1.7,
    high=1.9,
    suspect_count=1,
)


@pytest.fixture
def probe(unit: OpenUnit) -> str:
    with unit() as uow:
        add(uow, ProbeRepository, key="probe-1")
        add(uow, ProbeRepository, key="probe-2", name="Probe 2")
    return "probe-1"


def reading(minutes: float = 0, value: float = 1.8, **changes: object) -> Reading:
    at = NOW + timedelta(minutes=minutes)
    return example(Reading, **{"at": at, "received_at": at, "value": value, **changes})


def hour(number: int = 0, figures: Figures = FIGURES, **changes: object) -> Rollup:
    start = NOW + timedelta(hours=number)
    made = rollup_of("probe-1", EC, HOUR, Bucket(start, start + timedelta(hours=1)), figures)
    return made._replace(**changes)  # type: ignore[arg-type]


def test_rollup_is_read_as_it_was_stored(unit: OpenUnit, probe: str) -> None:
    empty = hour(1, Figures(suspect_count=2))
    with unit() as uow:
        uow.rollups.put([hour(), empty, hour(level=DAY, length_s=90_000.0)], [])

    with unit() as uow:
        hours = uow.rollups.range(probe, EC, HOUR, EARLIEST, LATEST)
        days = uow.rollups.range(probe, EC, DAY, EARLIEST, LATEST)

    assert hours == [hour(), empty]
    assert [type(item) for item in hours] == [Rollup, Rollup]
    assert days == [hour(level=DAY, length_s=90_000.0)]


def test_later_rollup_takes_the_place_of_an_earlier_one(unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        uow.rollups.put([hour()], [])
        uow.rollups.put([hour(reading_count=4)], [])

        assert uow.rollups.range(probe, EC, HOUR, EARLIEST, LATEST) == [hour(reading_count=4)]


def test_range_holds_its_start_and_not_its_end(unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        uow.rollups.put([hour(n) for n in (3, 0, 2, 1)], [])

        found = uow.rollups.range(
            probe, EC, HOUR, NOW + timedelta(hours=1), NOW + timedelta(hours=3)
        )

    assert found == [hour(1), hour(2)]


def test_stored_readings_make_their_hours_due(unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        uow.readings.append([reading(0), reading(59), reading(60), reading(kind=PH, value=6.0)])

        due = uow.rollups.due()
        first = uow.rollups.due(limit=1)
        early = uow.rollups.due(before=NOW + timedelta(hours=1))
        other = uow.rollups.due("probe-2")
        uow.rollups.put([], due[:2])
        left = uow.rollups.due()

    assert sorted(due) == [
        DueHour(probe, EC, NOW),
        DueHour(probe, EC, NOW + timedelta(hours=1)),
        DueHour(probe, PH, NOW),
    ]
    assert first == due[:1]
    assert sorted(early) == [DueHour(probe, EC, NOW), DueHour(probe, PH, NOW)]
    assert other == []
    assert left == due[2:]


def test_readings_that_were_known_make_nothing_due(unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        uow.readings.append([reading()])
        uow.rollups.put([], uow.rollups.due())

        uow.readings.append([reading()])

        assert uow.rollups.due() == []


def test_due_hours_and_readings_are_written_together_or_not_at_all(
    unit: OpenUnit, probe: str
) -> None:
    def cut_short() -> None:
        with unit() as uow:
            uow.readings.append([reading()])
            raise RuntimeError("power cut")

    with pytest.raises(RuntimeError, match="power cut"):
        cut_short()

    with unit() as uow:
        assert uow.rollups.due() == []
        assert uow.readings.latest(probe, EC) is None


def test_points_are_the_readings_in_short(unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        uow.readings.append([reading(1, 2.0, verdict=Verdict.SUSPECT), reading(0), reading(2)])

        found = uow.rollups.points(probe, EC, NOW, NOW + timedelta(minutes=2))
        following = uow.rollups.next_good_at(probe, EC, NOW + timedelta(seconds=1))
        none = uow.rollups.next_good_at(probe, EC, NOW + timedelta(minutes=3))

    assert found == [(microseconds(NOW), 1.8, True), (microseconds(NOW) + 60_000_000, 2.0, False)]
    assert (following, none) == (NOW + timedelta(minutes=2), None)


def test_points_of_windows_come_with_the_two_newest_good_ones_before(
    unit: OpenUnit, probe: str
) -> None:
    def window(probe_key: str, from_min: float, until_min: float) -> Window:
        return Window(probe_key, EC, at(from_min), at(until_min))

    def at(minutes: float) -> int:
        return microseconds(NOW + timedelta(minutes=minutes))

    with unit() as uow:
        uow.readings.append([reading(m, 1.0 + m) for m in (0, 1, 2, 5, 6)])
        uow.readings.append([reading(3, 9.0, verdict=Verdict.SUSPECT)])
        uow.readings.append([reading(4, 7.0, probe_key="probe-2")])
        windows = [window(probe, 5, 6), window("probe-2", 0, 9), window(probe, 3, 5)]
        found = list(uow.rollups.points_within(windows, timedelta(minutes=4)))
        [(_, near)] = uow.rollups.points_within(windows[:1], timedelta(minutes=3))

    assert found == [
        ([(at(5), 6.0, True)], [(at(1), 2.0, True), (at(2), 3.0, True)]),
        ([(at(4), 7.0, True)], []),
        ([(at(3), 9.0, False)], [(at(1), 2.0, True), (at(2), 3.0, True)]),
    ]
    assert near == [(at(2), 3.0, True)]


def test_hours_of_windows_are_figures_by_their_start(unit: OpenUnit, probe: str) -> None:
    start, end = microseconds(NOW), microseconds(NOW + timedelta(hours=2))
    other = FIGURES._replace(low=None, high=None)
    with unit() as uow:
        uow.rollups.put([hour(0), hour(1, other), hour(2), hour(level=DAY)], [])
        windows = [Window(probe, EC, start, end), Window("probe-2", EC, start, end)]
        found = list(uow.rollups.hours_within(windows))

    assert found == [{start: FIGURES, start + 3_600_000_000: other}, {}]
    assert type(found[0][start]) is Figures


def test_the_windows_of_another_garden_are_not_read(unit: OpenUnit, probe: str) -> None:
    window = Window(probe, EC, 0, microseconds(NOW))
    with unit(OTHER_TENANT) as uow:
        with pytest.raises(NotFoundError, match=probe):
            uow.rollups.points_within([window], timedelta(hours=1))
        with pytest.raises(NotFoundError, match=probe):
            uow.rollups.hours_within([window])


def test_a_probe_that_is_added_later_is_among_those_of_the_garden(
    unit: OpenUnit, probe: str
) -> None:
    with unit() as uow:
        assert uow.rollups.due() == []
        add(uow, ProbeRepository, key="probe-3", name="Probe 3")
        uow.readings.append([reading(probe_key="probe-3")])

        assert uow.rollups.due() == [DueHour("probe-3", EC, NOW)]


def test_prune_is_for_one_level_and_one_garden(unit: OpenUnit, probe: str) -> None:
    with unit(OTHER_TENANT) as uow:
        add(uow, ProbeRepository, key="probe-9")
        uow.rollups.put([hour(probe_key="probe-9")], [])
    with unit() as uow:
        uow.rollups.put([hour(0), hour(1), hour(level=DAY)], [])

        assert uow.rollups.prune(HOUR, NOW + timedelta(hours=1)) == 1

        assert uow.rollups.range(probe, EC, HOUR, EARLIEST, LATEST) == [hour(1)]
        assert len(uow.rollups.range(probe, EC, DAY, EARLIEST, LATEST)) == 1
    with unit(OTHER_TENANT) as uow:
        assert len(uow.rollups.range("probe-9", EC, HOUR, EARLIEST, LATEST)) == 1


def test_rollups_go_with_their_probe(store: DocumentStore, unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        uow.readings.append([reading(), reading(probe_key="probe-2")])
        refresh(uow)
        uow.readings.append([reading(70)])

    with unit() as uow:
        uow.of(ProbeRepository).remove(probe)

    with store.begin(frozenset()) as transaction:
        assert transaction.rollups.range(probe, EC, HOUR, EARLIEST, LATEST) == []
        assert transaction.rollups.due() == []
        assert len(transaction.rollups.range("probe-2", EC, HOUR, EARLIEST, LATEST)) == 1


def test_probe_of_another_garden_is_not_there(unit: OpenUnit, probe: str) -> None:
    with unit(OTHER_TENANT) as uow:
        with pytest.raises(NotFoundError, match=probe):
            uow.rollups.put([hour()], [])
        with pytest.raises(NotFoundError, match=probe):
            uow.rollups.range(probe, EC, HOUR, EARLIEST, LATEST)
        with pytest.raises(NotFoundError, match=probe):
            uow.rollups.due(probe)
        assert uow.rollups.due() == []


def test_writing_has_to_be_declared(store: DocumentStore) -> None:
    with store.begin(frozenset()) as transaction:
        with pytest.raises(UndeclaredWriteError):
            transaction.rollups.put([hour()])
        with pytest.raises(UndeclaredWriteError):
            transaction.rollups.settle([])
        with pytest.raises(UndeclaredWriteError):
            transaction.rollups.prune(HOUR, NOW)


def test_late_reading_opens_its_hour_again_and_the_one_it_reaches_into(
    unit: OpenUnit, probe: str
) -> None:
    with unit() as uow:
        uow.readings.append([reading(m, 2.0) for m in (0, 30, 90, 119)])
        refresh(uow)
        before = uow.rollups.range(probe, EC, HOUR, EARLIEST, LATEST)

        uow.readings.append([reading(59, 4.0)])
        # That hour, and the third one, which the last value will speak for.
        assert refresh(uow) == 2
        after = uow.rollups.range(probe, EC, HOUR, EARLIEST, LATEST)
        [day] = uow.rollups.range(probe, EC, DAY, EARLIEST, LATEST)

    assert [item.mean for item in before] == [2.0, 2.0]
    assert after[0].high == 4.0
    # From 11:00 to 11:30 the late value counts: its next neighbour came at 11:30.
    assert after[1].mean == pytest.approx(3.0)
    assert (after[1].reading_count, after[1].high) == (2, 2.0)
    assert (day.reading_count, day.high) == (5, 4.0)
    assert day.integral == pytest.approx(sum(item.integral for item in after))


def test_days_are_those_of_the_site(unit: OpenUnit, probe: str) -> None:
    # Clocks in Berlin go back in the night to the 25th of October, which lasts 25 hours.
    midnight = datetime(2026, 10, 24, 22, tzinfo=UTC)
    minutes = (midnight - NOW) / timedelta(minutes=1)
    with unit() as uow:
        uow.readings.append([reading(minutes + 10 * n, 1.0) for n in range(-6, 26 * 6)])
        refresh(uow)
        days = uow.rollups.range(probe, EC, DAY, EARLIEST, LATEST)

    assert [item.length_s / 3600 for item in days] == [24, 25, 24]
    assert [item.reading_count for item in days] == [6, 150, 6]
    assert days[1].coverage_ratio == 1


def test_what_is_due_is_part_of_an_answer(unit: OpenUnit, probe: str) -> None:
    window = (EARLIEST, LATEST)
    with unit() as uow:
        uow.readings.append([reading(m) for m in (0, 10, 70)])
        refresh(uow)
        uow.readings.append([reading(m, 2.5) for m in (20, 80, 130)])

        asked = {level: rollups_within(uow, probe, EC, level, *window) for level in (HOUR, DAY)}
        stored_before = uow.rollups.range(probe, EC, HOUR, *window)
        refresh(uow)
        stored = {level: uow.rollups.range(probe, EC, level, *window) for level in (HOUR, DAY)}

    assert asked == stored
    assert [item.reading_count for item in stored[HOUR]] == [3, 2, 1]
    assert [item.reading_count for item in stored_before] == [2, 1]


def test_history_whose_readings_are_gone_is_not_written_over(unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        uow.readings.append([reading(m) for m in (0, 10, 20)])
        refresh(uow)
        kept = uow.rollups.range(probe, EC, HOUR, EARLIEST, LATEST)
        uow.readings.append([reading(40)])
        uow.readings.prune(LATEST)

        refresh(uow)

        assert uow.rollups.range(probe, EC, HOUR, EARLIEST, LATEST) == kept
        assert uow.rollups.due() == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    readings=st.lists(
        st.builds(
            reading,
            st.integers(0, 3000).map(lambda step: step / 4),
            st.floats(0, 5),
            verdict=st.sampled_from([Verdict.GOOD, Verdict.GOOD, Verdict.SUSPECT]),
        ),
        max_size=40,
        unique_by=lambda item: item.at,
    ),
    cuts=st.tuples(st.integers(0, 40), st.integers(0, 40)),
)
def test_rollups_of_any_split_equal_the_rollup_of_the_whole(
    unit: OpenUnit,
    probe: str,
    readings: list[Reading],
    cuts: tuple[int, int],
) -> None:
    """Batches in any cut and order, each summed up at once, end in the same figures."""
    low, high = sorted(cuts)
    twin = [item.model_copy(update={"probe_key": "probe-2"}) for item in sorted_by_time(readings)]
    with unit() as uow:
        for batch in (readings[:low], readings[low:high], readings[high:]):
            uow.readings.append(batch)
            refresh(uow)
        uow.readings.append(twin)
        refresh(uow)

        for level in (HOUR, DAY):
            in_parts = uow.rollups.range(probe, EC, level, EARLIEST, LATEST)
            at_once = uow.rollups.range("probe-2", EC, level, EARLIEST, LATEST)
            assert [item[2:] for item in in_parts] == [item[2:] for item in at_once]

        uow.readings.prune(LATEST)
        uow.rollups.prune(HOUR, LATEST)
        uow.rollups.prune(DAY, LATEST)


def sorted_by_time(readings: list[Reading]) -> list[Reading]:
    return sorted(readings, key=lambda item: item.at)
