"""The newest good reading that did not come late, behind one that was heard before it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_backend.data_access.sqlite.row_statements import RowStatements
from kamerplanter_engines.models.base import CLOCK_TOLERANCE
from kamerplanter_engines.models.telemetry import ChannelKind, Reading, Reason, Verdict
from tests.backend.garden import Garden

PH = ChannelKind.PH
MINUTE = timedelta(minutes=1)

type Heard = tuple[int, int, bool]
"""In which minute it was measured, how many later it was heard, whether it is good."""


def newest(garden: Garden, start: datetime, heard: Sequence[Heard]) -> Reading | None:
    """Store what was heard and return what the store finds."""
    probe = garden.probe(PH)
    with garden.store.begin(frozenset({"readings"})) as transaction:
        transaction.readings.append(
            [
                garden.reading(
                    probe,
                    PH,
                    6 + number / 100,
                    at=start + minute * MINUTE,
                    received_at=start + (minute + delay) * MINUTE,
                    verdict=Verdict.GOOD if is_good else Verdict.SUSPECT,
                    reasons=() if is_good else (Reason.RATE,),
                )
                for number, (minute, delay, is_good) in enumerate(heard)
            ]
        )
        return transaction.readings.latest(probe.key, PH, Verdict.GOOD, in_order=True)


@settings(max_examples=150, deadline=None)
@given(
    heard=st.lists(
        st.tuples(st.integers(0, 40), st.integers(-6, 30), st.booleans()),
        max_size=14,
        unique_by=lambda item: item[0],
    )
)
def test_it_is_the_one_before_which_nothing_newer_was_heard(heard: Sequence[Heard]) -> None:
    garden = Garden()
    tolerance = CLOCK_TOLERANCE / MINUTE

    def came_late(minute: int, delay: int) -> bool:
        return any(
            minute < other < minute + delay + tolerance and other + later < minute + delay
            for other, later, _ in heard
        )

    in_order = [
        minute for minute, delay, is_good in heard if is_good and not came_late(minute, delay)
    ]
    found = newest(garden, garden.now, heard)

    expected = garden.now + max(in_order) * MINUTE if in_order else None
    assert (found.at if found else None) == expected
    garden.store.close()


def test_thousands_that_came_late_are_passed_over_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    garden, asked = Garden(), []
    rows = RowStatements.rows

    def counted(self: RowStatements, statement: str, values: tuple[object, ...]) -> list[object]:
        asked.append(statement)
        return rows(self, statement, values)

    monkeypatch.setattr(RowStatements, "rows", counted)
    late: list[Heard] = [(minute, 3001 - minute, True) for minute in range(1, 3000)]

    found = newest(garden, garden.now, [(0, 0, True), (3000, 0, False), *late])

    assert found is not None
    assert found.at == garden.now
    assert len([statement for statement in asked if "heard_us" in statement]) == 2
    garden.store.close()
