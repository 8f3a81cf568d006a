"""What may happen to a task, and when it is due."""

from datetime import date, datetime, tzinfo
from typing import Literal

from kamerplanter_engines.errors import IllegalTransitionError
from kamerplanter_engines.models.base import utc, utc_past
from kamerplanter_engines.models.task import Task, TaskState

MAX_KEY_LENGTH = 100
_FNV_PRIME = 0x0000000001000000000000000000013B
_FNV_OFFSET = 0x6C62272E07BB014262B821756295C58D
_HASH_DIGITS = 32


def complete(task: Task, at: datetime | None, now: datetime) -> Task:
    """Return the task as done; one that is done or resolved stays as it is.

    Args:
        task: The task.
        at: When it was done; none = now.
        now: The present moment.

    Raises:
        NaiveTimeError: A time has no zone.
        FutureTimeError: It was done more than two minutes ahead.
        IllegalTransitionError: It was skipped; it must be reopened first.
    """
    moment = utc(now) if at is None else utc_past(at, now)
    if task.state in {TaskState.COMPLETED, TaskState.RESOLVED}:
        return task
    if task.state is TaskState.SKIPPED:
        raise IllegalTransitionError(
            f"Task {task.key} was skipped; reopen it before completing it.",
            field="key",
            current=task.state.value,
            target=TaskState.COMPLETED.value,
        )
    return task.model_copy(update={"state": TaskState.COMPLETED, "closed_at": moment})


def reopen(task: Task) -> Task:
    """Return the task as open, without what its completion wrote; an open one stays as it is."""
    if task.state is TaskState.OPEN:
        return task
    return task.model_copy(
        update={
            "state": TaskState.OPEN,
            "closed_at": None,
            "irrigation_key": None,
            "confirmation_key": None,
            "removed_at": None,
        }
    )


def resolve(task: Task, now: datetime) -> Task:
    """Return an open task as closed because its cause is gone; a closed one stays as it is.

    Raises:
        NaiveTimeError: The time has no zone.
    """
    return _closed(task, TaskState.RESOLVED, now)


def remove(task: Task, now: datetime) -> Literal["delete"] | Task:
    """Tell what deleting a task means.

    Returns:
        `delete` for a person's own task. One that a rule made stays, so that the rule does not
        make it again: an open one comes back as skipped, a closed one keeps its state and is only
        taken off the list.

    Raises:
        NaiveTimeError: The time has no zone.
    """
    if task.rule is None:
        return "delete"
    if task.state is TaskState.OPEN:
        return _closed(task, TaskState.SKIPPED, now)
    return task.model_copy(update={"removed_at": task.removed_at or utc(now)})


def skip(task: Task, now: datetime) -> Task:
    """Return an open task as left out on purpose; a skipped one stays as it is.

    Raises:
        NaiveTimeError: The time has no zone.
        IllegalTransitionError: It was done or is over; it must be reopened first.
    """
    if task.state in {TaskState.COMPLETED, TaskState.RESOLVED}:
        raise IllegalTransitionError(
            f"Task {task.key} is {task.state.value}; reopen it before skipping it.",
            field="key",
            current=task.state.value,
            target=TaskState.SKIPPED.value,
        )
    return _closed(task, TaskState.SKIPPED, now)


def natural_key(rule: str, subject_key: str, local_date: date | None) -> str:
    """Return the identity of what a rule makes, so that it makes the same thing once.

    Args:
        rule: Name of the rule.
        subject_key: Key of the plant or tank.
        local_date: Local date that it is for; none = independent of the day.

    Returns:
        A document key. A long one is shortened and ends in a checksum of the whole.

    Source: [FNV] FNV-1a with 128 bits for the checksum.
    """
    parts = [rule, subject_key] if local_date is None else [rule, subject_key, str(local_date)]
    key = ":".join(parts)
    if len(key) <= MAX_KEY_LENGTH:
        return key
    checksum = _FNV_OFFSET
    for byte in key.encode():
        checksum = (checksum ^ byte) * _FNV_PRIME % 2**128
    return f"{key[: MAX_KEY_LENGTH - _HASH_DIGITS - 1]}:{checksum:032x}"


def is_overdue(task: Task, today: date, now: datetime) -> bool:
    """Tell whether an open task should have been done: after its moment, else after its day.

    Args:
        task: The task.
        today: Local date.
        now: The present moment.

    Raises:
        NaiveTimeError: The time has no zone.
    """
    if task.state is not TaskState.OPEN:
        return False
    if task.due_at is not None:
        return task.due_at < utc(now)
    return task.due_on is not None and task.due_on < today


def is_due_today(task: Task, today: date, zone: tzinfo) -> bool:
    """Tell whether an open task is to be done on this local day.

    Args:
        task: The task.
        today: Local date.
        zone: Zone of the site.
    """
    return task.state is TaskState.OPEN and due_date(task, zone) == today


def due_date(task: Task, zone: tzinfo) -> date | None:
    """Return the local day on which a task is due; none if it has no date."""
    return task.due_on if task.due_at is None else task.due_at.astimezone(zone).date()


def _closed(task: Task, state: TaskState, now: datetime) -> Task:
    moment = utc(now)
    if task.state is not TaskState.OPEN:
        return task
    return task.model_copy(update={"state": state, "closed_at": moment})
