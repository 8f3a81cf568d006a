"""A probe that is being calibrated is out of its place, for all that judge what it measures."""

from datetime import datetime, timedelta

import pytest

from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.domain.repositories.solution_hold import SolutionHoldRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_engines.errors import FutureTimeError, InvalidInputError, OutOfRangeError
from kamerplanter_engines.models.solution_hold import (
    LONGEST_AHEAD,
    MOST_KEPT,
    SolutionHold,
    SolutionHoldFields,
)
from kamerplanter_engines.models.telemetry import ChannelKind, Probe
from tests.backend.garden import START, Garden

PH = ChannelKind.PH


def at(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def say(
    garden: Garden,
    probe: str,
    since: float,
    until: float,
    *,
    dialog: str = "dialog",
    clock: float | None = None,
) -> SolutionHold:
    """Report a hold; all times in minutes after the start."""
    said = SolutionHoldFields(probe_key=probe, dialog=dialog, since=at(since), until=at(until))
    said_at = None if clock is None else at(clock)
    return garden.services.solution_hold.report(garden.context(), said, said_at)


def held(garden: Garden, probe: Probe) -> list[tuple[float, float]]:
    """Return what the view of a probe says, in minutes after the start."""
    view = garden.snapshot().probe(probe.key)
    assert view is not None
    return sorted(
        ((item.since - START) / timedelta(minutes=1), (item.until - START) / timedelta(minutes=1))
        for item in view.solution_holds
    )


def test_one_dialog_has_one_hold_that_begins_when_it_first_said(garden: Garden) -> None:
    probe = garden.probe(PH)
    first = say(garden, probe.key, 0, 15)
    garden.wait(minutes=10)
    say(garden, probe.key, 0, 30)
    assert held(garden, probe) == [(0, 30)]

    garden.wait(minutes=2)
    last = say(garden, probe.key, 5, 12)

    assert held(garden, probe) == [(0, 12)]
    assert last.key == first.key


def test_the_same_again_writes_nothing(garden: Garden) -> None:
    probe = garden.probe(PH)
    first = say(garden, probe.key, 0, 15)

    assert say(garden, probe.key, 0, 15) == first
    assert say(garden, probe.key, 0, 15).revision == 1


def test_two_dialogs_are_two_holds(garden: Garden) -> None:
    probe, other = garden.probe(PH), garden.probe(PH, name="Other")
    say(garden, probe.key, 0, 15)
    say(garden, probe.key, 0, 20, dialog="another")

    assert held(garden, probe) == [(0, 15), (0, 20)]
    assert held(garden, other) == []


@pytest.mark.parametrize(
    ("since", "until", "error"),
    [
        (2.1, 10, FutureTimeError),
        (0, 120.1, OutOfRangeError),
        (-10, -11, InvalidInputError),
    ],
)
def test_what_cannot_be_is_refused(
    garden: Garden, since: float, until: float, error: type[InvalidInputError]
) -> None:
    probe = garden.probe(PH)

    with pytest.raises(error) as caught:
        say(garden, probe.key, since, until)

    assert caught.value.field in {"since", "until"}
    assert held(garden, probe) == []
    assert timedelta(hours=2) == LONGEST_AHEAD


@pytest.mark.parametrize(("since", "until"), [(2, 30), (-10, 0), (-600, -590)])
def test_the_edges_are_taken(garden: Garden, since: float, until: float) -> None:
    probe = garden.probe(PH)
    say(garden, probe.key, since, until)
    assert held(garden, probe) == [(since, until)]


@pytest.mark.parametrize("ahead", [-45, 45])
def test_by_a_clock_that_differs_it_holds_as_long_as_meant(garden: Garden, ahead: float) -> None:
    probe = garden.probe(PH)
    garden.wait(minutes=100)
    # Begun five minutes ago, for another ten; their clock shows 100 + ahead.
    say(garden, probe.key, 95 + ahead, 110 + ahead, clock=100 + ahead)
    assert held(garden, probe) == [(95, 110)]


def test_a_difference_within_which_readings_are_live_too_moves_nothing(garden: Garden) -> None:
    probe = garden.probe(PH)
    say(garden, probe.key, 1, 16, clock=2)
    assert held(garden, probe) == [(1, 16)]


def test_of_what_is_no_probe_of_the_garden_nothing_is_held(garden: Garden) -> None:
    probe = garden.probe(PH)
    garden.services.probe.archive(garden.context(role=Role.ADMIN), probe.key)

    for key in (probe.key, "nobody"):
        with pytest.raises(NotFoundError):
            say(garden, key, 0, 15)


def test_it_is_remembered_for_as_long_as_a_late_reading_may_come(garden: Garden) -> None:
    probe = garden.probe(PH)
    say(garden, probe.key, 0, 15)
    garden.wait(days=8, minutes=14)
    assert held(garden, probe) == [(0, 15)]

    garden.wait(minutes=1)
    assert held(garden, probe) == []
    now = (garden.now - START) / timedelta(minutes=1)
    say(garden, probe.key, now, now + 15, dialog="another")
    with open_unit(garden.store, garden.context()) as uow:
        assert len(uow.of(SolutionHoldRepository).find()) == 1


def test_no_probe_has_more_than_fifty(garden: Garden) -> None:
    probe = garden.probe(PH)
    for index in range(MOST_KEPT + 3):
        garden.wait(minutes=1)
        say(garden, probe.key, 0, index + 1, dialog=f"dialog-{index}")

    assert MOST_KEPT == 50
    assert held(garden, probe) == [(0, until) for until in range(4, 54)]
