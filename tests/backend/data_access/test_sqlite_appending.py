"""Readings are stored by the rule of the interface, however they come."""

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_backend.data_access.sqlite import open_sqlite
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Verdict
from tests.factories import NOW, example

COLLECTIONS = [repository.collection for repository in REPOSITORIES]
SECOND = timedelta(seconds=1)
CHANNELS = [("p1", ChannelKind.EC), ("p1", ChannelKind.PH), ("p2", ChannelKind.EC)]

type Channel = tuple[str, ChannelKind]

MADE = st.builds(
    lambda channel, tenths, value, verdict: example(
        Reading,
        probe_key=channel[0],
        kind=channel[1],
        at=NOW + tenths * SECOND / 10,
        received_at=NOW + timedelta(days=1),
        value=value,
        verdict=verdict,
    ),
    st.sampled_from(CHANNELS),
    st.one_of(st.integers(0, 60), st.integers(0, 600_000)),
    # Whole thousandths and the float that looks like their number must not be taken for the same.
    st.sampled_from([1.5, 1500.0, 2.5, 2_500_000.0, 2500.0, 1 / 3]),
    st.sampled_from([Verdict.GOOD, Verdict.GOOD, Verdict.SUSPECT]),
)
BATCHES = st.lists(st.tuples(st.lists(MADE, max_size=25), st.booleans()), min_size=1, max_size=5)
"""Readings of each batch, and whether they come in the order of time."""


@pytest.fixture(scope="module")
def store() -> Iterator[DocumentStore]:
    with closing(open_sqlite(None, COLLECTIONS)) as opened:
        yield opened


def by_the_rule(batches: list[list[Reading]]) -> dict[Channel, list[Reading]]:
    """Return what is stored: one reading a moment, and the first of equal ones within a second."""
    stored: dict[Channel, list[Reading]] = {channel: [] for channel in CHANNELS}
    for batch in batches:
        for item in batch:
            there = stored[item.probe_key, item.kind]
            if not any(
                item.at == other.at
                or (item.value == other.value and abs(item.at - other.at) < SECOND)
                for other in there
            ):
                there.append(item)
    return {channel: sorted(there, key=lambda item: item.at) for channel, there in stored.items()}


@settings(max_examples=150)
@given(BATCHES)
def test_what_is_stored_follows_the_rule(
    store: DocumentStore, drawn: list[tuple[list[Reading], bool]]
) -> None:
    batches = [
        sorted(batch, key=lambda item: item.at) if is_rising else batch
        for batch, is_rising in drawn
    ]
    expected = by_the_rule(batches)
    with store.begin(frozenset({"readings"})) as transaction:
        series = transaction.readings
        for key in ("p1", "p2"):
            series.remove_probe(key)
        transaction.rollups.settle(transaction.rollups.due())

        added = sum(series.append(batch) for batch in batches)

        assert added == sum(map(len, expected.values()))
        for (key, kind), there in expected.items():
            assert series.range(key, kind, NOW, NOW + timedelta(days=1)) == there
            good = [item for item in there if item.verdict is Verdict.GOOD]
            assert series.latest(key, kind, Verdict.GOOD) == (good[-1] if good else None)
        hours = {
            (item.probe_key, item.kind, item.at.replace(minute=0, second=0, microsecond=0))
            for there in expected.values()
            for item in there
        }
        assert hours <= {tuple(item) for item in transaction.rollups.due()}
