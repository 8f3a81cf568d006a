"""Batches keep order, have a size, and lose the oldest when the store is away."""

from datetime import timedelta

from hypothesis import given, strategies as st

from kamerplanter_backend.telemetry.probe.batching import ReadingBatch
from kamerplanter_engines.models.telemetry import Reading
from tests.backend.telemetry.device import GOOD, LEVEL, T0


def readings(first: int, count: int) -> list[Reading]:
    return [
        Reading(
            probe_key="p",
            kind=LEVEL,
            at=T0 + timedelta(seconds=number),
            received_at=T0,
            value=number % 100,
            verdict=GOOD,
        )
        for number in range(first, first + count)
    ]


def test_batches_come_in_order_and_of_the_size() -> None:
    batch = ReadingBatch(size=3)
    batch.add(readings(0, 5))

    assert batch.is_full
    assert batch.take() == tuple(readings(0, 3))
    assert not batch.is_full
    assert batch.take() == tuple(readings(3, 2))
    assert batch.take() == ()


def test_a_batch_that_failed_comes_again_first() -> None:
    batch = ReadingBatch(size=2)
    batch.add(readings(0, 4))
    failed = batch.take()
    batch.add(readings(4, 1))

    batch.give_back(failed)

    assert batch.take() == failed
    assert len(batch) == 3
    assert batch.dropped_count == 0


def test_the_oldest_are_lost_and_counted_when_the_store_is_away() -> None:
    batch = ReadingBatch(size=4, capacity=6)
    batch.add(readings(0, 5))
    failed = batch.take()
    batch.add(readings(5, 4))

    batch.give_back(failed)

    assert len(batch) == 6
    assert batch.dropped_count == 3
    assert batch.take()[0] == readings(3, 1)[0]


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans(), st.booleans()), max_size=20))
def test_nothing_is_lost_without_being_counted(steps: list[tuple[int, bool, bool]]) -> None:
    batch = ReadingBatch(size=5, capacity=20)
    stored: list[Reading] = []
    added = 0
    for count, takes, fails in steps:
        batch.add(readings(added, count))
        added += count
        if takes:
            taken = batch.take()
            if fails:
                batch.give_back(taken)
            else:
                stored += taken

    assert len(stored) + len(batch) + batch.dropped_count == added
    assert stored == sorted(stored, key=lambda reading: reading.at)
    assert len(batch) <= 20
