"""Which phase may follow, and how long a plant is in its phase."""

from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.models.phase import CycleType, PhaseEntry, PhaseSequenceFields
from kamerplanter_engines.phase_transition_engine import (
    Move,
    check_transition,
    initial_entry,
    next_entry,
    phase_status,
)


def sequence(
    *phases: tuple[str, int], repeating: bool = False, terminal: bool = True
) -> PhaseSequenceFields:
    return PhaseSequenceFields(
        name="Sequence",
        cycle_type=CycleType.PERENNIAL if repeating else CycleType.ANNUAL,
        repeating=repeating,
        entries=tuple(
            PhaseEntry(
                entry_id=phase,
                phase=phase,
                duration_d=days,
                terminal=terminal and index == len(phases) - 1,
            )
            for index, (phase, days) in enumerate(phases)
        ),
    )


PERENNIAL = sequence(
    ("dormancy", 120),
    ("sprouting", 21),
    ("vegetative", 60),
    ("flowering", 30),
    ("senescence", 30),
    repeating=True,
)
ANNUAL = sequence(("germination", 7), ("seedling", 14), ("vegetative", 30), ("senescence", 14))
OPEN_END = sequence(("seedling", 14), ("ripening", 14), terminal=False)
SINGLE = sequence(("mature", 365), repeating=True)


@pytest.mark.parametrize(
    ("kind", "current", "target", "allowed", "move", "needs_reason"),
    [
        pytest.param(PERENNIAL, "dormancy", "sprouting", True, Move.NEXT, False, id="next"),
        pytest.param(PERENNIAL, "dormancy", "flowering", True, Move.SKIP, True, id="skip"),
        pytest.param(PERENNIAL, "flowering", "sprouting", True, Move.BACK, True, id="back"),
        pytest.param(PERENNIAL, "senescence", "dormancy", True, Move.RESTART, False, id="restart"),
        pytest.param(
            PERENNIAL, "senescence", "vegetative", True, Move.BACK, True, id="back, no restart"
        ),
        pytest.param(
            PERENNIAL, "vegetative", "dormancy", True, Move.BACK, True, id="restart too early"
        ),
        pytest.param(
            ANNUAL, "senescence", "germination", True, Move.BACK, True, id="annual never restarts"
        ),
        pytest.param(PERENNIAL, "vegetative", "vegetative", True, Move.NONE, False, id="same"),
        pytest.param(PERENNIAL, "dormancy", "seedling", False, Move.FOREIGN, False, id="foreign"),
        pytest.param(ANNUAL, None, "seedling", True, Move.NEXT, False, id="begins at the first"),
        pytest.param(ANNUAL, "lost", "germination", True, Move.NONE, False, id="unknown entry"),
    ],
)
def test_transition_stays_in_the_sequence(
    kind: PhaseSequenceFields,
    current: str | None,
    target: str,
    *,
    allowed: bool,
    move: Move,
    needs_reason: bool,
) -> None:
    verdict = check_transition(kind, current, target)

    assert (verdict.allowed, verdict.move, verdict.needs_reason) == (allowed, move, needs_reason)
    assert bool(verdict.reasons) is (move is not Move.NEXT)


@pytest.mark.parametrize(
    ("kind", "current", "expected"),
    [
        pytest.param(ANNUAL, "germination", "seedling", id="next"),
        pytest.param(ANNUAL, None, "seedling", id="after the first"),
        pytest.param(ANNUAL, "lost", "seedling", id="unknown entry counts as the first"),
        pytest.param(ANNUAL, "senescence", None, id="end"),
        pytest.param(PERENNIAL, "senescence", "dormancy", id="begins again"),
        pytest.param(OPEN_END, "ripening", None, id="last without an end mark"),
        pytest.param(SINGLE, "mature", None, id="single phase stays"),
    ],
)
def test_next_phase(kind: PhaseSequenceFields, current: str | None, expected: str | None) -> None:
    following = next_entry(kind, current)

    assert (following and following.entry_id) == expected


def test_plant_begins_with_the_first_phase() -> None:
    assert initial_entry(PERENNIAL).phase == "dormancy"


@pytest.mark.parametrize(
    ("kind", "current", "today", "days", "due_on", "is_due"),
    [
        pytest.param(ANNUAL, "seedling", date(2026, 5, 1), 0, date(2026, 5, 15), False, id="first"),
        pytest.param(
            ANNUAL, "seedling", date(2026, 5, 14), 13, date(2026, 5, 15), False, id="day before"
        ),
        pytest.param(ANNUAL, "seedling", date(2026, 5, 15), 14, date(2026, 5, 15), True, id="due"),
        pytest.param(
            ANNUAL, "seedling", date(2026, 4, 29), 0, date(2026, 5, 15), False, id="not begun"
        ),
        pytest.param(ANNUAL, "senescence", date(2027, 5, 1), 365, None, False, id="end"),
        pytest.param(
            PERENNIAL,
            "senescence",
            date(2026, 6, 1),
            31,
            date(2026, 5, 31),
            True,
            id="begins again",
        ),
    ],
)
def test_status_counts_local_days(
    kind: PhaseSequenceFields,
    current: str,
    today: date,
    days: int,
    due_on: date | None,
    *,
    is_due: bool,
) -> None:
    status = phase_status(kind, current, date(2026, 5, 1), today)

    assert status.entry.entry_id == current
    assert (status.days_in_phase, status.due_on, status.is_due) == (days, due_on, is_due)
    assert (status.next_entry is None) == (due_on is None)


@given(st.sampled_from([PERENNIAL, ANNUAL, OPEN_END, SINGLE]), st.data())
def test_every_target_has_one_verdict_and_the_next_is_free(
    kind: PhaseSequenceFields, data: st.DataObject
) -> None:
    ids = [entry.entry_id for entry in kind.entries]
    current, target = data.draw(st.sampled_from(ids)), data.draw(st.sampled_from(ids))
    following = next_entry(kind, current)

    verdict = check_transition(kind, current, target)

    assert verdict.allowed
    if following is not None and following.entry_id == target:
        assert verdict.move in {Move.NEXT, Move.RESTART}
        assert not verdict.needs_reason


@given(
    st.sampled_from([PERENNIAL, ANNUAL]),
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
    st.integers(0, 500),
)
def test_phase_is_due_from_its_date_on(
    kind: PhaseSequenceFields, started_on: date, waited_d: int
) -> None:
    status = phase_status(kind, None, started_on, started_on + timedelta(days=waited_d))

    assert status.days_in_phase == waited_d
    assert status.is_due == (waited_d >= kind.entries[0].duration_d)
