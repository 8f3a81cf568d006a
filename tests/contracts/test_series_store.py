"""What every store does with readings."""

import math
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.domain.consequences.rollups import refresh
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import READINGS
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Reason, Verdict
from kamerplanter_engines.twin_engine import Track, span_start, with_value
from tests.contracts.conftest import OpenUnit
from tests.factories import NOW, OTHER_TENANT, add, example

EC, PH = ChannelKind.EC, ChannelKind.PH
EARLIEST, LATEST = NOW - timedelta(days=400), NOW + timedelta(days=400)


@pytest.fixture
def probe(unit: OpenUnit) -> str:
    with unit() as uow:
        add(uow, ProbeRepository, key="probe-1")
        add(uow, ProbeRepository, key="probe-2", name="Probe 2")
    return "probe-1"


def reading(seconds: float = 0, value: float = 1.8, **changes: object) -> Reading:
    at = NOW + timedelta(seconds=seconds)
    return example(Reading, **{"at": at, "received_at": at, "value": value, **changes})


def test_reading_is_read_as_it_was_stored(unit: OpenUnit, probe: str) -> None:
    stored = reading(
        received_at=NOW + timedelta(days=2, microseconds=1),
        verdict=Verdict.SUSPECT,
        reasons=(Reason.RATE, Reason.BAD_COMPANY),
    )

    with unit() as uow:
        assert uow.readings.append([stored]) == 1

    with unit() as uow:
        assert uow.readings.range(probe, EC, EARLIEST, LATEST) == [stored]
        assert uow.readings.latest(probe, EC) == stored


def test_same_moment_of_a_channel_is_stored_once_and_the_first_stays(
    unit: OpenUnit, probe: str
) -> None:
    with unit() as uow:
        assert uow.readings.append([reading(), reading(value=2.0), reading()]) == 1
        assert uow.readings.append([reading(value=3.0)]) == 0

        assert [found.value for found in uow.readings.range(probe, EC, EARLIEST, LATEST)] == [1.8]


def test_equal_value_within_a_second_is_one_reading(unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        added = [
            uow.readings.append([reading(seconds, value)])
            for seconds, value in [(0, 1.8), (0.999, 1.8), (0.5, 1.9), (1, 1.8), (-0.4, 1.8)]
        ]

    assert added == [1, 0, 1, 1, 0]


def test_channels_do_not_mix(unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        uow.readings.append(
            [reading(), reading(kind=PH, value=6.0), reading(probe_key="probe-2", value=2.2)]
        )

        assert [found.value for found in uow.readings.range(probe, PH, EARLIEST, LATEST)] == [6.0]
        assert uow.readings.latest(probe, ChannelKind.LEVEL) is None


def test_range_holds_its_start_and_not_its_end(unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        uow.readings.append([reading(seconds, seconds) for seconds in (30, 0, 20, 10)])

        found = uow.readings.range(
            probe, EC, NOW + timedelta(seconds=10), NOW + timedelta(seconds=30)
        )

    assert [one.value for one in found] == [10, 20]


def test_a_range_may_be_cut_to_its_oldest_readings(unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        uow.readings.append([reading(seconds, seconds) for seconds in (30, 0, 20, 10)])

        found = uow.readings.range(probe, EC, EARLIEST, LATEST, most=2)

    assert [one.value for one in found] == [0, 10]


def test_latest_is_by_time_of_measurement_and_verdict(unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        uow.readings.append([reading(60, 2.0, verdict=Verdict.SUSPECT)])
        uow.readings.append([reading(30, 1.9), reading(0, 1.8)])

        newest = uow.readings.latest(probe, EC)
        good = uow.readings.latest(probe, EC, Verdict.GOOD)
        suspect = uow.readings.latest(probe, EC, Verdict.SUSPECT)
        stale = uow.readings.latest(probe, EC, Verdict.STALE)

    assert newest is not None
    assert good is not None
    assert (newest.value, good.value, suspect, stale) == (2.0, 1.9, newest, None)


@pytest.mark.parametrize(
    ("until_s", "verdict", "values"),
    [
        pytest.param(0, None, [1.9], id="the moment itself"),
        pytest.param(-0.000001, None, [1.8], id="just before"),
        pytest.param(0, Verdict.GOOD, [1.8], id="of one verdict"),
        pytest.param(-61, None, [], id="before all"),
        pytest.param(3600, None, [2.0], id="an hour ahead"),
    ],
)
@pytest.mark.usefixtures("probe")
def test_latest_until_a_moment(
    store: DocumentStore,
    unit: OpenUnit,
    until_s: float,
    verdict: Verdict | None,
    values: list[float],
) -> None:
    with unit() as uow:
        uow.readings.append(
            [reading(-60, 1.8), reading(0, 1.9, verdict=Verdict.SUSPECT), reading(3600, 2.0)]
        )

    with store.begin(frozenset()) as transaction:
        found = transaction.readings.latest(
            "probe-1", EC, verdict, until_at=NOW + timedelta(seconds=until_s)
        )
        last = transaction.readings.latest("probe-1", EC)

    assert [one.value for one in (found,) if one is not None] == values
    assert last is not None
    assert last.value == 2.0


@pytest.mark.parametrize(
    ("rows", "from_s", "start_s", "before"),
    [
        pytest.param([(0, 1.8)], -3600, 0, None, id="only one"),
        pytest.param([(-9, 1.7), (-6, 1.8), (-3, 1.8), (0, 1.8)], -3600, -6, 1.7, id="a run"),
        pytest.param(
            [(-9, 1.8), (-6, 1.7), (-3, 1.8), (0, 1.8)], -3600, -3, 1.7, id="it came back"
        ),
        pytest.param([(-9, 1.7), (-6, 1.8), (-3, 1.8), (0, 1.8)], -3, -3, None, id="longer"),
        pytest.param([(-3, 1800.0), (0, 1.8)], -3600, 0, 1800, id="thousandths are not the number"),
        pytest.param([(-3, 1.8), (0, 1.8), (3, 1.9)], -3600, -3, None, id="what comes later"),
    ],
)
@pytest.mark.usefixtures("probe")
def test_since_when_a_number_is_said(
    unit: OpenUnit,
    rows: list[tuple[float, float]],
    from_s: float,
    start_s: float,
    before: float | None,
) -> None:
    with unit() as uow:
        uow.readings.append([reading(seconds, value) for seconds, value in rows])
        uow.readings.append([reading(-1, 7, probe_key="probe-2"), reading(-1, 7, kind=PH)])
        last = uow.readings.latest("probe-1", EC, until_at=NOW)
        assert last is not None

        start, found = uow.readings.run_of(last, NOW + timedelta(seconds=from_s))

    assert start == NOW + timedelta(seconds=start_s)
    assert [item.value for item in found[:1]] == ([] if before is None else [before])


def test_a_reading_is_judged_anew(unit: OpenUnit, probe: str) -> None:
    before, after = reading(0), reading(20, 1.9)
    first = reading(10, 0.0)
    doubted = reading(10, 0.1, raw=0.0, verdict=Verdict.SUSPECT, reasons=(Reason.BAD_COMPANY,))
    with unit() as uow:
        uow.readings.append([before, first])
        refresh(uow)

    with unit() as uow:
        assert uow.readings.revise([doubted, reading(11, 3.0)]) == 1
        assert uow.readings.range(probe, EC, EARLIEST, LATEST) == [before, doubted]
        assert uow.readings.latest(probe, EC, Verdict.GOOD) == before
        assert refresh(uow) == 1  # its hour is summed up again

        uow.readings.append([after])
        uow.readings.revise([doubted])
        assert uow.readings.latest(probe, EC, Verdict.GOOD) == after
        uow.readings.revise([first])
        assert uow.readings.latest(probe, EC, Verdict.GOOD, until_at=first.at) == first


def test_no_reading_is_good_any_more(unit: OpenUnit, probe: str) -> None:
    doubted = reading(0, verdict=Verdict.SUSPECT, reasons=(Reason.BAD_COMPANY,))
    with unit() as uow:
        uow.readings.append([reading(0)])
        uow.readings.revise([doubted])
        assert uow.readings.latest(probe, EC, Verdict.GOOD) is None

        uow.readings.revise([reading(0)])
        assert uow.readings.latest(probe, EC, Verdict.GOOD) == reading(0)


def test_readings_of_another_garden_are_not_judged_anew(unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        uow.readings.append([reading()])
        with pytest.raises(NotFoundError):
            uow.readings.revise([reading(value=3.0), reading(probe_key="somebody-else-s")])
        assert uow.readings.latest(probe, EC) == reading()


@pytest.mark.parametrize(
    ("rows", "fine_s"),
    [
        pytest.param([(0, 21.4), (1, 25.0), (2, 0.0)], None, id="never"),
        pytest.param([(0, 21.35), (1, 21.4), (2, 25.0)], 0, id="long ago"),
        pytest.param([(2, 21.4), (1, 21.36), (0, 21.35)], 1, id="in any order"),
        pytest.param([(0, 1 / 3), (1, 25.0)], 0, id="no thousandth"),
    ],
)
@pytest.mark.usefixtures("probe")
def test_when_a_channel_last_said_a_fine_number(
    unit: OpenUnit, rows: list[tuple[float, float]], fine_s: float | None
) -> None:
    with unit() as uow:
        assert uow.readings.fine_at("probe-1", EC) is None
        uow.readings.append([reading(seconds, value) for seconds, value in rows])
        uow.readings.append([reading(5, 7.25, probe_key="probe-2"), reading(5, 7.25, kind=PH)])
        uow.readings.append([reading(9, 21.4)])

    wanted = None if fine_s is None else NOW + timedelta(seconds=fine_s)
    with unit() as uow:
        assert uow.readings.fine_at("probe-1", EC) == wanted
        uow.readings.prune(LATEST)
        assert uow.readings.fine_at("probe-1", EC) == wanted


def test_a_number_is_fine_as_the_device_sent_it(unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        uow.readings.append([reading(0, 1.541, raw=1.4), reading(2, 1.65, raw=1.5)])
        assert uow.readings.fine_at(probe, EC) is None

        uow.readings.append([reading(4, 1.6, raw=1.45, verdict=Verdict.SUSPECT)])
        assert uow.readings.fine_at(probe, EC) == NOW + timedelta(seconds=4)


def test_a_number_is_the_same_though_it_was_calibrated(unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        uow.readings.append(
            [
                reading(-9, 1.7),
                reading(-6, 1.4),
                reading(-3, 1.54, raw=1.4),
                reading(0, 1.6, raw=1.4),
            ]
        )
        last = uow.readings.latest(probe, EC)
        assert last is not None

        start, before = uow.readings.run_of(last, EARLIEST)

    assert start == NOW - timedelta(seconds=6)
    assert [item.value for item in before] == [1.7]


@pytest.mark.usefixtures("probe")
def test_an_end_stop_neither_ends_a_run_nor_is_another_number(unit: OpenUnit) -> None:
    ends = [
        reading(at_s, value, verdict=Verdict.SUSPECT, reasons=reasons)
        for at_s, value, reasons in [
            (-8, 0.0, (Reason.EXACT_ZERO,)),
            (-4, 15.0, (Reason.FULL_SCALE, Reason.RATE)),
            (-2, 0.0, (Reason.EXACT_ZERO, Reason.BAD_COMPANY, Reason.STUCK)),
            (0, 0.0, (Reason.BAD_COMPANY,)),
        ]
    ]
    said = [reading(at_s, value) for at_s, value in [(-9, 1.7), (-6, 1.8), (-3, 1.8), (-1, 1.8)]]
    with unit() as uow:
        uow.readings.append([*said, *ends])

        told = uow.readings.told(ends[-1], EARLIEST)
        start, before = uow.readings.run_of(said[-1], EARLIEST)
        nothing = uow.readings.told(ends[0], said[0].at + timedelta(seconds=1))

    assert told == said[-1]
    assert start == said[1].at
    assert before == [said[0]]
    assert nothing is None


def test_what_was_said_before_the_run_shows_how_finely_a_device_steps(
    unit: OpenUnit, probe: str
) -> None:
    with unit() as uow:
        uow.readings.append([reading(-60 - at_s, 1.7 - at_s / 1000) for at_s in range(20)])
        uow.readings.append([reading(-30, 1.8), reading(0, 1.8)])
        last = uow.readings.latest(probe, EC)
        assert last is not None

        start, before = uow.readings.run_of(last, EARLIEST)

    assert start == NOW - timedelta(seconds=30)
    assert [item.value for item in before] == pytest.approx([1.7, 1.699, 1.698, 1.697])


RANGE, RATE, STUCK, ZERO = (
    Reason.OUTSIDE_PLAUSIBLE,
    Reason.RATE,
    Reason.STUCK,
    Reason.EXACT_ZERO,
)


def doubted(seconds: float, *reasons: Reason) -> Reading:
    return reading(seconds, seconds, verdict=Verdict.SUSPECT, reasons=reasons)


def test_what_further_readings_may_make_true_is_found(unit: OpenUnit, probe: str) -> None:
    stored = [
        doubted(1, RATE),
        reading(2),
        doubted(3, RANGE),
        doubted(4, RANGE, RATE),
        doubted(5, STUCK, RATE),
        doubted(6, STUCK),
        doubted(7, ZERO, RATE),
        doubted(8, RATE),
        doubted(9, RATE),
    ]
    with unit() as uow:
        uow.readings.append([*stored, reading(8, kind=PH, value=6.0)])
        last, good = stored[-2], stored[1]

        found, first_at = uow.readings.doubted(last, good.at, 9)
        newest, still_at = uow.readings.doubted(last, good.at, 2)
        everything = uow.readings.doubted(last, None, 9)
        nothing = uow.readings.doubted(last, last.at, 9)

    assert [item.value for item in found] == [8, 5, 4, 3]
    assert [item.value for item in newest] == [8, 5]
    assert first_at == still_at == NOW + timedelta(seconds=3)
    assert everything == ([*found, stored[0]], NOW + timedelta(seconds=1))
    assert nothing == ([], None)


@pytest.mark.parametrize(
    ("rows", "wanted_s"),
    [
        # When it was measured, when it was heard, whether it is doubted.
        pytest.param([(0, 0, False), (10, 10, True)], 0, id="none is late"),
        pytest.param([(0, 0, False), (10, 10, True), (5, 11, False)], 0, id="late"),
        pytest.param([(0, 0, False), (9, 10, True), (5, 10, False)], 5, id="heard at once"),
        pytest.param([(0, 50, False), (5, 51, False), (9, 52, True)], 5, id="all long after"),
        pytest.param([(5, 11, False), (10, 10, True)], None, id="only a late one"),
        pytest.param([(0, 0, False), (130, 20, True), (15, 21, False)], 0, id="clock is ahead"),
        pytest.param([(0, 0, False), (10, 10, True), (20, 20, False)], 20, id="the last one"),
    ],
)
@pytest.mark.usefixtures("probe")
def test_the_last_good_reading_that_did_not_come_late(
    unit: OpenUnit, rows: list[tuple[float, float, bool]], wanted_s: float | None
) -> None:
    stored = [
        (doubted(at_s, RATE) if is_doubted else reading(at_s, at_s)).model_copy(
            update={"received_at": NOW + timedelta(seconds=heard_s)}
        )
        for at_s, heard_s, is_doubted in rows
    ]
    with unit() as uow:
        uow.readings.append([*stored, reading(300, 6.0, kind=PH)])

        found = uow.readings.latest("probe-1", EC, Verdict.GOOD, until_at=LATEST, in_order=True)

    assert (None if found is None else found.value) == wanted_s


def test_doubt_before_months_of_zeros_is_found(unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        uow.readings.append([reading(0), doubted(1, RATE), doubted(2, RATE)])
        uow.readings.append([doubted(3 + second, ZERO) for second in range(5_000)])
        last = uow.readings.latest(probe, EC, until_at=NOW + timedelta(hours=2))
        assert last is not None

        found, first_at = uow.readings.doubted(last, NOW, 16)

    assert [item.value for item in found] == [2, 1]
    assert first_at == NOW + timedelta(seconds=1)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    readings=st.lists(
        st.tuples(
            st.integers(-5000, 5000),
            st.sampled_from([5.8, 5.801, 6.0, 5.8001, 1 / 3, -7.25, 2_500_000.5]),
            st.sampled_from([Verdict.GOOD, Verdict.GOOD, Verdict.SUSPECT]),
        ),
        max_size=30,
        unique_by=lambda item: item[0],
    ),
    window=st.tuples(st.integers(-5000, 5000), st.integers(-5000, 5000)),
    span=st.sampled_from([timedelta(minutes=15), timedelta(seconds=1000) / 24]),
)
def test_the_spans_of_good_readings_are_what_was_noted_of_each(
    unit: OpenUnit,
    readings: list[tuple[int, float, Verdict]],
    window: tuple[int, int],
    span: timedelta,
) -> None:
    from_at, until_at = (NOW + timedelta(seconds=at_s) for at_s in window)
    with unit() as uow:
        key = add(uow, ProbeRepository).key
        stored = [
            reading(at_s, value, probe_key=key, verdict=verdict)
            for at_s, value, verdict in readings
        ]
        uow.readings.append(stored)
        kept = uow.readings.range(key, EC, from_at, until_at)
        # In one span each: a track is shorter than what may be asked for.
        expected: dict[datetime, Track] = {}
        for item in kept:
            if item.verdict is Verdict.GOOD:
                begun = span_start(item.at, span)
                track = expected.get(begun, ())
                expected[begun] = with_value(track, item.at, item.value, span, now=item.at)

        found = uow.readings.spans(key, EC, from_at, until_at, span)

    assert found == [expected[begun][0] for begun in sorted(expected)]


def test_a_garden_is_not_told_of_readings_that_lie_ahead(unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        uow.readings.append([reading(0, 1.8), reading(120, 1.9), reading(121, 2.0)])

        found = uow.readings.latest(probe, EC)

        assert found is not None
        assert found.value == 1.9


def test_prune_keeps_the_moment_itself_and_other_gardens(unit: OpenUnit, probe: str) -> None:
    with unit(OTHER_TENANT) as uow:
        add(uow, ProbeRepository, key="probe-9")
        uow.readings.append([reading(-10, probe_key="probe-9")])
    with unit() as uow:
        uow.readings.append([reading(-10), reading(0), reading(10)])

        assert uow.readings.prune(NOW) == 1

        assert len(uow.readings.range(probe, EC, EARLIEST, LATEST)) == 2
    with unit(OTHER_TENANT) as uow:
        assert uow.readings.latest("probe-9", EC) is not None


def test_readings_go_with_their_probe(store: DocumentStore, unit: OpenUnit, probe: str) -> None:
    with unit() as uow:
        uow.readings.append([reading(), reading(probe_key="probe-2")])

    with unit() as uow:
        uow.of(ProbeRepository).remove(probe)

    with store.begin(frozenset()) as transaction:
        assert transaction.readings.latest(probe, EC) is None
        assert transaction.readings.latest("probe-2", EC) is not None


def test_probe_of_another_garden_is_not_there(unit: OpenUnit, probe: str) -> None:
    with unit(OTHER_TENANT) as uow:
        with pytest.raises(NotFoundError, match=probe):
            uow.readings.append([reading()])
        with pytest.raises(NotFoundError, match=probe):
            uow.readings.latest(probe, EC)
        with pytest.raises(NotFoundError, match=probe):
            uow.readings.range(probe, EC, EARLIEST, LATEST)


INJECTIONS = [
    "' OR '1'='1",
    "probe-1' OR 1=1 --",
    "probe-1'; DELETE FROM readings; --",
    "probe-1' RETURN 1 //",
    "probe-1/../probe-2",
    "%",
    "probe-_",
    "*",
    "probe-1\0",
    "PROBE-1",
    "",
]


@pytest.mark.parametrize("probe_key", INJECTIONS)
@pytest.mark.usefixtures("probe")
def test_the_key_of_a_probe_is_a_value_and_never_a_part_of_a_query(
    store: DocumentStore, unit: OpenUnit, probe_key: str
) -> None:
    both = [reading(), reading(probe_key="probe-2")]
    with unit() as uow:
        uow.readings.append(both)

    with store.begin(frozenset({READINGS})) as transaction:
        found = transaction.readings
        assert found.latest(probe_key, EC) is None
        assert found.latest(probe_key, EC, Verdict.GOOD, until_at=LATEST) is None
        assert found.range(probe_key, EC, EARLIEST, LATEST) == []
        assert found.range(probe_key, EC, EARLIEST, LATEST, most=1) == []
        assert found.prune(LATEST, [probe_key]) == 0
        assert found.remove_probe(probe_key) == 0

    with store.begin(frozenset()) as transaction:
        kept = [transaction.readings.latest(one.probe_key, EC) for one in both]
    assert kept == both


@pytest.mark.parametrize("probe_key", INJECTIONS)
def test_a_garden_does_not_know_a_probe_of_such_a_key(
    unit: OpenUnit, probe: str, probe_key: str
) -> None:
    with unit() as uow:
        uow.readings.append([reading()])
        with pytest.raises(NotFoundError):
            uow.readings.append([reading(probe_key=probe_key)])
        with pytest.raises(NotFoundError):
            uow.readings.latest(probe_key, EC)
        with pytest.raises(NotFoundError):
            uow.readings.range(probe_key, EC, EARLIEST, LATEST)

        assert len(uow.readings.range(probe, EC, EARLIEST, LATEST)) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    readings=st.lists(
        st.builds(
            reading,
            st.integers(-(10**6), 10**6).map(lambda step: step / 4),
            st.sampled_from([0.0, 1.8, -273.15, 1e300, 5e-324, math.pi]),
        ),
        max_size=40,
    ),
    split=st.integers(0, 40),
)
def test_batches_in_any_cut_store_the_same(
    unit: OpenUnit, probe: str, readings: list[Reading], split: int
) -> None:
    with unit() as uow:
        uow.readings.prune(LATEST)
        added = uow.readings.append(readings[:split]) + uow.readings.append(readings[split:])
        in_two = uow.readings.range(probe, EC, EARLIEST, LATEST)
        uow.readings.prune(LATEST)
        again = uow.readings.append(readings)
        in_one = uow.readings.range(probe, EC, EARLIEST, LATEST)

        assert in_one == in_two
        assert added == again == len(in_one)
        assert uow.readings.append(in_one) == 0


def test_many_readings_of_a_moment_are_stored_as_one_by_one(unit: OpenUnit, probe: str) -> None:
    many = [reading(0.01 * number, 1.8 + number % 7 / 100) for number in range(400)]
    with unit() as uow:
        uow.readings.append([reading(-0.5, 1.8), reading(-0.3, 1.85)])
        added = uow.readings.append(many)
        at_once = uow.readings.range(probe, EC, EARLIEST, LATEST)
        uow.readings.prune(LATEST)
        one_by_one = sum(
            uow.readings.append([one]) for one in [reading(-0.5, 1.8), reading(-0.3, 1.85), *many]
        )

        # Each of seven values counts once a second, and two of them were there already.
        assert added == 28
        assert one_by_one == added + 2
        assert uow.readings.range(probe, EC, EARLIEST, LATEST) == at_once
