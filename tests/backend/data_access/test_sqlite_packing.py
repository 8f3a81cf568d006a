"""Rows of readings are small and give back what was stored, to the last digit."""

import math
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example as case, given, strategies as st

from kamerplanter_backend.data_access.sqlite import packing
from kamerplanter_backend.data_access.sqlite.packing import packed, readings_of, row_of, unpacked
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Reason, Verdict

# Adding 0 makes 0 of -0, which is equal and would only be printed otherwise.
numbers = (
    st.floats(allow_nan=False, allow_infinity=False)
    | st.integers(-(10**9), 10**9).map(lambda steps: steps / 1000)
).map(lambda value: value + 0.0)
moments = st.datetimes(
    datetime(1971, 1, 1),  # noqa: DTZ001
    datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(fold=0))


@given(numbers)
@case(0.0)
@case(1.413)
@case(-273.15)
@case(1_999_999.999)
@case(2_000_000.0)
@case(5e-324)
@case(1e300)
@case(0.1 + 0.2)
def test_number_comes_back_as_the_very_same(value: float) -> None:
    assert unpacked(packed(value)) == value
    assert type(unpacked(packed(value))) is float


@pytest.mark.parametrize(
    ("value", "stored"),
    [(1.8, 1800), (21.563, 21563), (-0.5, -500), (0.0, 0), (math.pi, math.pi), (3e6, 3e6)],
)
def test_thousandths_are_whole_numbers(value: float, stored: float) -> None:
    assert packed(value) == stored
    assert type(packed(value)) is type(stored)


@given(
    at=moments,
    delay_us=st.integers(-(10**9), 10**12),
    value=numbers,
    raw=st.none() | numbers,
    verdict=st.sampled_from(Verdict),
    reasons=st.lists(st.sampled_from(Reason), max_size=3).map(tuple),
)
def test_reading_made_of_its_row_is_one_that_was_checked(  # noqa: PLR0917 - its fields
    at: datetime,
    delay_us: int,
    value: float,
    raw: float | None,
    verdict: Verdict,
    reasons: tuple[Reason, ...],
) -> None:
    reading = Reading(
        probe_key="probe-1",
        kind=ChannelKind.EC,
        at=at,
        received_at=at + timedelta(microseconds=delay_us),
        value=value,
        raw=raw,
        verdict=verdict,
        reasons=reasons,
    )

    [made] = readings_of("probe-1", ChannelKind.EC, [row_of(7, reading)[1:]])

    assert made == reading
    assert repr(made) == repr(reading)
    assert hash(made) == hash(reading)
    assert made.model_dump_json() == reading.model_dump_json()
    assert Reading.model_validate(made.model_dump()) == reading
    assert made.model_copy(update={"value": 1.0}).value == 1.0
    assert made.model_fields_set == set(Reading.model_fields)
    assert made.at.tzinfo is UTC


def test_readings_made_together_do_not_share_what_is_their_own() -> None:
    at = datetime(2026, 11, 1, 7, 30, 0, 1, tzinfo=UTC)
    plain = Reading(
        probe_key="p", kind=ChannelKind.PH, at=at, received_at=at, value=6.1, verdict=Verdict.GOOD
    )
    odd = Reading(
        probe_key="p",
        kind=ChannelKind.PH,
        at=at + timedelta(seconds=5),
        received_at=at + timedelta(seconds=7),
        value=5.9,
        raw=5.8,
        verdict=Verdict.SUSPECT,
        reasons=(Reason.RATE, Reason.STUCK),
    )
    # Beyond 2096, where a floating-point number of seconds is too coarse.
    late = plain.model_copy(
        update=dict.fromkeys(("at", "received_at"), datetime(2101, 1, 1, 0, 0, 0, 7, tzinfo=UTC))
    )
    stored = [plain, odd, plain.model_copy(update={"at": at + timedelta(seconds=9)})]

    for readings in (stored, [*stored, late], []):
        rows = [row_of(7, reading)[1:] for reading in readings]
        assert readings_of("p", ChannelKind.PH, rows) == readings


@given(moments)
def test_moment_of_a_row_is_true_to_the_microsecond(at: datetime) -> None:
    row = ((at - packing.ROW_EPOCH) // timedelta(microseconds=1), 1800, None, None, None)

    [made] = readings_of("p", ChannelKind.EC, [row])

    assert made.at == at


def test_row_of_an_ordinary_reading_holds_a_time_and_a_number() -> None:
    at = datetime(2026, 11, 1, 7, 30, tzinfo=UTC)
    ordinary = Reading(
        probe_key="p",
        kind=ChannelKind.PH,
        at=at,
        received_at=at,
        value=6.1,
        verdict=Verdict.GOOD,
    )
    odd = ordinary.model_copy(update={"verdict": Verdict.SUSPECT, "reasons": (Reason.RATE,)})

    assert row_of(3, ordinary) == (3, -99_937_800_000_000, 6100, None, None, None)
    assert row_of(3, odd)[5] == "suspect rate"
    # Six bytes hold it.
    assert -(2**47) <= row_of(3, ordinary)[1] < 2**47


def test_reason_of_a_newer_version_is_nothing_to_this_one() -> None:
    [made] = readings_of("p", ChannelKind.EC, [(0, 1800, None, None, "suspect rate,later")])

    assert (made.verdict, made.reasons) == (Verdict.SUSPECT, (Reason.RATE,))


@given(st.lists(numbers, min_size=1, max_size=20))
def test_sql_reads_numbers_as_python_does(values: list[float]) -> None:
    with closing(sqlite3.connect(":memory:")) as connection, connection:
        connection.execute("CREATE TABLE t (value)")
        connection.executemany("INSERT INTO t VALUES (?)", [(packed(value),) for value in values])
        found = connection.execute(f"SELECT {packing.VALUE} FROM t ORDER BY rowid").fetchall()  # noqa: S608

    assert [value for (value,) in found] == values
