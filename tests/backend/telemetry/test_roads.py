"""The same readings get the same verdicts on every road: live, after a restart, late, over HTTP."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_engines.models.telemetry import ChannelKind
from tests.backend.telemetry.roads import (
    FILLS,
    PROBES,
    House,
    Road,
    Said,
    Story,
    Worker,
    all_roads,
    frozen_beside_a_slope,
    late,
    on_time,
    over_http,
    stuck_from,
)

EC, PH = ChannelKind.EC, ChannelKind.PH

ROADS = all_roads(restart_each=5, batch=7)


@pytest.mark.parametrize("road", ROADS.values(), ids=ROADS)
def test_f_13_a_probe_that_froze_beside_one_that_moves(road: Road) -> None:
    seen = road(frozen_beside_a_slope())

    assert stuck_from(seen, "left") == 30 + 6 * 60
    assert stuck_from(seen, "right") is None


@pytest.mark.parametrize("name", ["worker that restarts", "house that restarts"])
def test_f_13_though_its_last_two_numbers_are_round(name: str) -> None:
    story = frozen_beside_a_slope()
    shown = {0: 5.82, 30: 5.8}
    story.said = [
        (minute, key, shown.get(minute, 5.9) if key == "left" else value)
        for minute, key, value in story.said
    ]

    assert stuck_from(ROADS[name](story), "left") == 60 + 6 * 60


@pytest.mark.parametrize(
    "road", [over_http(3, timedelta(hours=1)), over_http(500, timedelta(0))], ids=["3", "all"]
)
@pytest.mark.parametrize("first", PROBES)
def test_each_probe_may_be_sent_by_a_script_of_its_own(road: Road, first: str) -> None:
    story = frozen_beside_a_slope()
    # Each script sends two hours at once, one after the other.
    story.said = sorted(story.said, key=lambda item: (item[0] // 120, item[1] != first, item[0]))

    seen = road(story)

    found = stuck_from({at: seen[at] for at in sorted(seen)}, "left")
    # What the other one measured up to then may not be known yet, if its script comes second.
    assert found in ({390} if first == "right" else {390, 480 - 30, 480})


WALKS = st.lists(
    st.tuples(st.sampled_from([-0.06, -0.01, 0.0, 0.0, 0.02, 0.07]), st.booleans()),
    min_size=20,
    max_size=34,
)


def walks(steps: Sequence[tuple[float, bool]]) -> Story:
    """Return two probes that walk; the left one moves only now and then, the right one always."""
    said: list[Said] = []
    left, right = 5.8, 5.9
    for number, (step, does_left_move) in enumerate(steps):
        right = round(right + step, 2)
        left = round(left + 0.01, 2) if does_left_move and number % 5 == 0 else left
        said += [(number * 40, "left", left), (number * 40 + 13, "right", right)]
    return Story(PH, said)


@settings(max_examples=5, deadline=None)
@given(steps=WALKS, size=st.integers(1, 70), delay_min=st.sampled_from([0, 90, 5000]))
def test_no_verdict_depends_on_the_road_or_on_where_batches_end(
    steps: list[tuple[float, bool]], size: int, delay_min: int
) -> None:
    story, delay = walks(steps), timedelta(minutes=delay_min)

    expected = on_time(Worker)(story)

    assert over_http(size, delay)(story) == expected
    assert late(House, delay)(story) == expected


LEVELS = [0.8, 1.2, 1.21, 1.9, 2.4]


@settings(max_examples=5, deadline=None)
@given(
    values=st.lists(st.sampled_from(LEVELS), min_size=8, max_size=24),
    fills=FILLS,
    size=st.integers(1, 30),
    delay_min=st.sampled_from([0, 40, 9000]),
)
def test_a_jump_is_excused_by_its_own_fill_however_late_it_comes(
    values: list[float], fills: set[int], size: int, delay_min: int
) -> None:
    said = [(number * 5, "left", value) for number, value in enumerate(values)]
    filled = sorted(minute for minute in fills if minute <= said[-1][0])
    story, delay = Story(EC, said, filled), timedelta(minutes=delay_min)

    expected = on_time(Worker)(story)

    assert late(Worker, delay)(story) == expected
    assert late(House, delay)(story) == expected
    assert over_http(size, delay)(story) == expected


def test_a_dose_between_two_fills_is_slept_through_on_every_road() -> None:
    said = [(minute, "left", 1.79 if minute == 0 else 1.8) for minute in range(0, 12 * 60, 30)]
    story = Story(EC, said, fills=[-60, 4 * 60, 11 * 60])

    found = {name: stuck_from(road(story), "left") for name, road in ROADS.items()}

    assert found == dict.fromkeys(ROADS, 30 + 6 * 60)
