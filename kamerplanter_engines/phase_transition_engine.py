"""Which phase may follow, and how long a plant is in its phase."""

from datetime import date, timedelta
from enum import StrEnum

from pydantic import Field

from kamerplanter_engines.models.base import Model
from kamerplanter_engines.models.phase import PhaseEntry, PhaseSequenceFields


class Move(StrEnum):
    """How a plant goes from one phase to another."""

    NONE = "none"
    """It stays where it is."""
    NEXT = "next"
    SKIP = "skip"
    BACK = "back"
    RESTART = "restart"
    """From the last phase of a repeating sequence to its first."""
    FOREIGN = "foreign"
    """The target is not in the plant's sequence."""


class TransitionVerdict(Model):
    """Whether a transition is legal, and what has to be said with it."""

    allowed: bool
    move: Move
    needs_reason: bool = False
    """A person should say why: it leaves phases out, or goes back."""
    reasons: tuple[str, ...] = ()
    """`same_phase`, `skips_phases`, `goes_back`, `new_cycle`, `not_in_sequence`."""


class PhaseStatus(Model):
    """Where a plant stands in its phase."""

    entry: PhaseEntry
    days_in_phase: int = Field(ge=0)
    """Whole local days since it began; 0 on the first day. [d]"""
    due_on: date | None
    """Local date on which the next phase is expected; none if there is no next."""
    is_due: bool
    next_entry: PhaseEntry | None


def initial_entry(sequence: PhaseSequenceFields) -> PhaseEntry:
    """Return the phase in which a plant begins."""
    return sequence.entries[0]


def next_entry(sequence: PhaseSequenceFields, entry_id: str | None) -> PhaseEntry | None:
    """Return the phase after this one; after the last the first again if the sequence repeats.

    Args:
        sequence: The sequence of the plant.
        entry_id: The present entry; none or an unknown one = the first.
    """
    index = _position(sequence, _entry(sequence, entry_id).entry_id) or 0
    entry = sequence.entries[index]
    if entry.terminal or index + 1 == len(sequence.entries):
        return sequence.entries[0] if sequence.repeating and index > 0 else None
    return sequence.entries[index + 1]


def check_transition(
    sequence: PhaseSequenceFields, from_entry_id: str | None, to_entry_id: str
) -> TransitionVerdict:
    """Tell whether a plant may go from one phase to another.

    A target is legal if it is in the plant's own sequence. The next phase is free; leaving phases
    out and going back are possible and want a reason. The same phase again changes nothing.

    Args:
        sequence: The sequence of the plant.
        from_entry_id: The present entry; none or an unknown one = the first.
        to_entry_id: The wanted entry.

    Source: own rule.
    """
    target = _position(sequence, to_entry_id)
    if target is None:
        return TransitionVerdict(allowed=False, move=Move.FOREIGN, reasons=("not_in_sequence",))
    current = _entry(sequence, from_entry_id)
    position = sequence.entries.index(current)
    if target == position:
        return TransitionVerdict(allowed=True, move=Move.NONE, reasons=("same_phase",))
    following = next_entry(sequence, current.entry_id)
    if target > position:
        if target == position + 1:
            return TransitionVerdict(allowed=True, move=Move.NEXT)
        return TransitionVerdict(
            allowed=True, move=Move.SKIP, needs_reason=True, reasons=("skips_phases",)
        )
    if following is not None and following.entry_id == to_entry_id:
        return TransitionVerdict(allowed=True, move=Move.RESTART, reasons=("new_cycle",))
    return TransitionVerdict(
        allowed=True, move=Move.BACK, needs_reason=True, reasons=("goes_back",)
    )


def phase_status(
    sequence: PhaseSequenceFields, entry_id: str | None, started_on: date, today: date
) -> PhaseStatus:
    """Return how long a plant is in its phase, and when the next one is expected.

    Args:
        sequence: The sequence of the plant.
        entry_id: The present entry; none or an unknown one = the first.
        started_on: Local date on which the phase began.
        today: Local date.

    Source: own rule.
    """
    entry = _entry(sequence, entry_id)
    following = next_entry(sequence, entry.entry_id)
    due_on = None if following is None else started_on + timedelta(days=entry.duration_d)
    return PhaseStatus(
        entry=entry,
        days_in_phase=max(0, (today - started_on).days),
        due_on=due_on,
        is_due=due_on is not None and today >= due_on,
        next_entry=following,
    )


def _entry(sequence: PhaseSequenceFields, entry_id: str | None) -> PhaseEntry:
    found = None if entry_id is None else sequence.entry(entry_id)
    return initial_entry(sequence) if found is None else found


def _position(sequence: PhaseSequenceFields, entry_id: str) -> int | None:
    return next((i for i, entry in enumerate(sequence.entries) if entry.entry_id == entry_id), None)
