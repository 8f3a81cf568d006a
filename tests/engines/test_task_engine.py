"""What may happen to a task, and when it is due."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.errors import FutureTimeError, IllegalTransitionError, NaiveTimeError
from kamerplanter_engines.models.task import Task, TaskKind, TaskState
from kamerplanter_engines.task_engine import (
    complete,
    due_date,
    is_due_today,
    is_overdue,
    natural_key,
    remove,
    reopen,
    resolve,
    skip,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
TODAY = date(2026, 5, 1)
BERLIN = ZoneInfo("Europe/Berlin")
LOS_ANGELES = ZoneInfo("America/Los_Angeles")
OPEN, COMPLETED, SKIPPED, RESOLVED = (
    TaskState.OPEN,
    TaskState.COMPLETED,
    TaskState.SKIPPED,
    TaskState.RESOLVED,
)
WRITTEN = {"irrigation_key": "i", "confirmation_key": "c", "closed_at": NOW}


def task(state: TaskState = OPEN, **fields: Any) -> Task:
    values = {"kind": TaskKind.WATERING, "rule": "watering_interval", **fields}
    return Task(key="t", tenant_key="g", created_at=NOW, updated_at=NOW, state=state, **values)


def test_open_task_is_completed_now_or_when_it_was_done() -> None:
    yesterday = datetime(2026, 4, 30, 23, 30, tzinfo=LOS_ANGELES)

    now = complete(task(), None, NOW)
    back = complete(task(), yesterday, NOW)

    assert (now.state, now.closed_at) == (COMPLETED, NOW)
    assert (back.state, back.closed_at) == (COMPLETED, datetime(2026, 5, 1, 6, 30, tzinfo=UTC))


@pytest.mark.parametrize("state", [COMPLETED, RESOLVED])
def test_completing_what_is_closed_changes_nothing(state: TaskState) -> None:
    closed = task(state, **WRITTEN)

    assert complete(closed, None, NOW + timedelta(days=1)) is closed


def test_skipped_task_must_be_reopened_first() -> None:
    with pytest.raises(IllegalTransitionError):
        complete(task(SKIPPED), None, NOW)


def test_completion_in_the_future_is_refused() -> None:
    # Clocks differ; what lies a little ahead was done now.
    assert complete(task(), NOW + timedelta(minutes=2), NOW).closed_at == NOW
    with pytest.raises(FutureTimeError):
        complete(task(), NOW + timedelta(minutes=3), NOW)


def test_completion_without_a_zone_is_refused() -> None:
    with pytest.raises(NaiveTimeError):
        complete(task(), datetime(2026, 5, 1), NOW)  # noqa: DTZ001


@pytest.mark.parametrize("state", [COMPLETED, SKIPPED, RESOLVED])
def test_reopened_task_forgets_what_its_completion_wrote(state: TaskState) -> None:
    assert reopen(task(state, **WRITTEN)) == task()


def test_reopening_an_open_task_changes_nothing() -> None:
    opened = task()

    assert reopen(opened) is opened


def test_open_task_is_resolved_and_a_closed_one_is_not() -> None:
    done = task(COMPLETED, **WRITTEN)

    assert resolve(task(), NOW) == task(RESOLVED, closed_at=NOW)
    assert resolve(done, NOW) is done


def test_open_task_is_skipped_once() -> None:
    skipped = skip(task(), NOW)

    assert (skipped.state, skipped.closed_at) == (SKIPPED, NOW)
    assert skip(skipped, NOW + timedelta(days=1)) is skipped


@pytest.mark.parametrize("state", [COMPLETED, RESOLVED])
def test_what_is_done_cannot_be_skipped(state: TaskState) -> None:
    with pytest.raises(IllegalTransitionError):
        skip(task(state, **WRITTEN), NOW)


def test_own_task_is_deleted() -> None:
    assert remove(task(rule=None), NOW) == "delete"
    assert remove(task(COMPLETED, rule=None), NOW) == "delete"


def test_task_of_a_rule_is_skipped_and_a_closed_one_only_leaves_the_list() -> None:
    later = NOW + timedelta(days=1)
    removed = remove(task(COMPLETED, **WRITTEN), NOW)

    assert remove(task(), NOW) == task(SKIPPED, closed_at=NOW)
    assert removed == task(COMPLETED, **WRITTEN, removed_at=NOW)
    assert isinstance(removed, Task)
    assert remove(removed, later) == removed
    assert reopen(removed) == task()


@pytest.mark.parametrize(
    ("fields", "zone", "overdue", "today", "day"),
    [
        pytest.param({}, BERLIN, False, False, None, id="no date"),
        pytest.param({"due_on": TODAY}, BERLIN, False, True, TODAY, id="today"),
        pytest.param(
            {"due_on": date(2026, 4, 30)}, BERLIN, True, False, date(2026, 4, 30), id="yesterday"
        ),
        pytest.param(
            {"due_on": date(2026, 5, 2)}, BERLIN, False, False, date(2026, 5, 2), id="tomorrow"
        ),
        pytest.param(
            {"due_at": NOW - timedelta(minutes=1)}, BERLIN, True, True, TODAY, id="a minute ago"
        ),
        pytest.param({"due_at": NOW}, BERLIN, False, True, TODAY, id="now"),
        pytest.param(
            {"due_at": datetime(2026, 5, 1, 23, tzinfo=UTC)},
            BERLIN,
            False,
            False,
            date(2026, 5, 2),
            id="after local midnight",
        ),
        pytest.param(
            {"due_at": datetime(2026, 5, 2, 6, tzinfo=UTC)},
            LOS_ANGELES,
            False,
            True,
            TODAY,
            id="before local midnight",
        ),
        pytest.param(
            {"due_at": datetime(2026, 5, 1, 14, tzinfo=UTC), "due_on": date(2026, 4, 1)},
            BERLIN,
            False,
            True,
            TODAY,
            id="moment wins over day",
        ),
        pytest.param(
            {"due_on": date(2026, 4, 30), "state": COMPLETED},
            BERLIN,
            False,
            False,
            date(2026, 4, 30),
            id="completed",
        ),
        pytest.param(
            {"due_on": TODAY, "state": SKIPPED}, BERLIN, False, False, TODAY, id="skipped"
        ),
    ],
)
def test_task_is_due_and_overdue(
    fields: dict[str, Any], zone: ZoneInfo, *, overdue: bool, today: bool, day: date | None
) -> None:
    item = task(**fields)

    assert is_overdue(item, TODAY, NOW) is overdue
    assert is_due_today(item, TODAY, zone) is today
    assert due_date(item, zone) == day


def test_key_is_made_of_rule_subject_and_day() -> None:
    assert natural_key("tank_ec", "abc", None) == "tank_ec:abc"
    assert natural_key("watering_interval", "abc", TODAY) == "watering_interval:abc:2026-05-01"


def test_long_keys_stay_apart_and_fit() -> None:
    first = natural_key("r" * 60, "s" * 99 + "1", TODAY)
    second = natural_key("r" * 60, "s" * 99 + "2", TODAY)

    assert first != second
    assert len(first) == len(second) == 100


key_text = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789_.-", min_size=1, max_size=100)


@given(key_text.filter(lambda text: len(text) <= 60), key_text, st.none() | st.dates())
def test_key_is_a_document_key_and_always_the_same(
    rule: str, subject: str, day: date | None
) -> None:
    key = natural_key(rule, subject, day)

    assert re.fullmatch(r"[A-Za-z0-9_.:-]{1,100}", key)
    assert natural_key(rule, subject, day) == key


@given(st.lists(st.sampled_from(["complete", "reopen", "resolve", "remove"]), max_size=8))
def test_task_is_open_exactly_while_it_has_no_end(steps: list[str]) -> None:
    item: Any = task()
    for step in steps:
        if step == "complete" and item.state is not SKIPPED:
            item = complete(item, None, NOW)
        elif step == "reopen":
            item = reopen(item)
        elif step == "resolve":
            item = resolve(item, NOW)
        elif step == "remove":
            item = remove(item, NOW)

    assert (item.closed_at is None) == (item.state is OPEN)
