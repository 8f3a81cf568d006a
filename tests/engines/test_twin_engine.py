"""A value that stands still beside one of its kind that moves has stuck."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import given, strategies as st

from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Reason,
    Verdict,
)
from kamerplanter_engines.models.twin import Span
from kamerplanter_engines.telemetry_engine import (
    ChannelRules,
    ChannelState,
    Sample,
    judge_message,
    rules_for,
)
from kamerplanter_engines.twin_engine import (
    LATEST_WHOLE,
    SPANS_KEPT,
    Track,
    Twin,
    by_place,
    has_twins,
    merged,
    neighbours_of,
    span_of,
    span_start,
    stuck_time,
    telling,
    way_of,
    with_value,
)
from tests.factories import NOW

EC, PH, WATER = ChannelKind.EC, ChannelKind.PH, ChannelKind.WATER_TEMPERATURE
QUARTER, HOUR = timedelta(minutes=15), timedelta(hours=1)
PACE = timedelta(minutes=5)
GOOD, STUCK = (Verdict.GOOD, ()), (Verdict.SUSPECT, (Reason.STUCK,))

type Course = Callable[[float], float]
"""What a probe shows, by the hours since the other one stands still."""


def sloped(start: float, per_h: float, digits: int = 2) -> Course:
    return lambda hours: round(start + per_h * hours, digits)


class Place:
    """Two devices in one place: the first stands still from `NOW` on, the second has a course."""

    def __init__(
        self,
        kind: ChannelKind,
        value: float,
        twin: Course,
        *,
        step: float = 0.01,
        beside_since_h: float = -24,
        **options: float,
    ) -> None:
        self.kind, self.value, self.course, self.step = kind, value, twin, step
        self.binding = ChannelBinding(kind=kind, **options)  # type: ignore[arg-type]
        self.rules: dict[ChannelKind, ChannelRules] = {kind: rules_for(self.binding)}
        self.span = span_of(stuck_time(self.binding))
        self.since = NOW + beside_since_h * HOUR
        self.own: dict[ChannelKind, ChannelState] = {}
        self.other: dict[ChannelKind, ChannelState] = {}
        self.track: Track = ()
        self._judge_own(-1, round(value - step, 6))

    def _judge_own(self, hours: float, value: float) -> tuple[Verdict, tuple[Reason, ...]]:
        at = NOW + hours * HOUR
        sample = Sample(self.kind, at, at, value)
        state = self.other.get(self.kind, ChannelState())
        twin = Twin(self.track, self.span, state.finest_step, self.since)
        (judged,), self.own = judge_message(
            [sample], self.own, self.rules, twins={self.kind: (twin,)}
        )
        return judged.verdict, judged.reasons

    def hear_twin(self, hours: float) -> Verdict:
        at = NOW + hours * HOUR
        sample = Sample(self.kind, at, at, self.course(hours))
        (judged,), self.other = judge_message([sample], self.other, self.rules)
        if judged.verdict is Verdict.GOOD and judged.value is not None:
            self.track = with_value(self.track, at, judged.value, self.span, now=at)
        return judged.verdict

    def until(
        self, hours: float, *, silent_from_h: float = 1000
    ) -> list[tuple[Verdict, tuple[Reason, ...]]]:
        """Return the verdicts on the first one, one each five minutes up to that hour."""
        found = []
        for step in range(-11, round(hours * 12) + 1):
            at_h = step / 12
            if at_h < silent_from_h:
                assert self.hear_twin(at_h) is Verdict.GOOD
            if step >= 0:
                found.append(self._judge_own(at_h, self.value))
        return found


@pytest.mark.parametrize(
    ("kind", "value", "course"),
    [
        pytest.param(PH, 5.83, sloped(5.7, 0.05), id="pH"),
        pytest.param(EC, 1.83, sloped(1.8, -0.03), id="EC"),
        pytest.param(WATER, 21.375, sloped(20.9, 0.12, 1), id="F-13 in two devices"),
        pytest.param(ChannelKind.SOIL_TEMPERATURE, 18.31, sloped(15, 0.4), id="soil"),
        pytest.param(ChannelKind.DISSOLVED_OXYGEN, 8.21, sloped(8.0, -0.2), id="oxygen"),
    ],
)
def test_what_stands_still_for_six_hours_beside_a_twin_that_moves(
    kind: ChannelKind, value: float, course: Course
) -> None:
    verdicts = Place(kind, value, course).until(6.5)

    assert verdicts[:72] == [GOOD] * 72
    assert verdicts[72:] == [STUCK] * 7


def test_it_ends_only_when_the_value_changes() -> None:
    place = Place(PH, 5.83, sloped(5.7, 0.05))
    place.until(6)
    place.course = lambda _hours: 6.0

    assert place.until(9)[-1] == STUCK
    place.value = 5.84
    assert place.until(9.5)[-1] == GOOD


@pytest.mark.parametrize(
    ("kind", "value", "step", "course"),
    [
        pytest.param(PH, 5.83, 0.01, lambda _h: 5.9, id="it does not move either"),
        pytest.param(
            PH, 5.83, 0.01, lambda h: 5.8 + 0.06 * (round(h * 12) % 3 - 1), id="it trembles"
        ),
        pytest.param(PH, 5.83, 0.01, sloped(5.8, 0.005), id="by less than anybody cares for"),
        # 21.375, 21.4375: one step of a DS18B20, as it is sent with two decimals
        pytest.param(
            WATER, 21.5, 0.06, lambda h: 21.38 if h < 4 else 21.44, id="one step of its circuit"
        ),
        pytest.param(EC, 1.83, 0.01, lambda h: 1.8 if h < 4 else 1.9, id="a coarse twin, one step"),
        pytest.param(PH, 5.9, 0.1, sloped(5.7, 0.1), id="a coarse meter sees nothing"),
        pytest.param(ChannelKind.LEVEL, 60, 0.01, sloped(62, -1), id="level"),
        pytest.param(ChannelKind.SOIL_MOISTURE, 41, 0.01, sloped(43, -1), id="soil moisture"),
        pytest.param(ChannelKind.BATTERY, 80.01, 0.01, sloped(90, -1), id="of the device itself"),
        pytest.param(
            WATER, 21.37, 0.01, lambda h: round(min(20 + h / 2, 21.3), 2), id="it came after"
        ),
    ],
)
def test_what_is_no_movement(kind: ChannelKind, value: float, step: float, course: Course) -> None:
    assert set(Place(kind, value, course, step=step).until(12)) == {GOOD}


def test_a_meter_that_never_moved_is_asked_for_three_of_its_steps() -> None:
    def found(per_h: float) -> tuple[Verdict, tuple[Reason, ...]]:
        place = Place(PH, 5.9, sloped(5.0, per_h))
        place.own = {}
        return place.until(8)[-1]

    assert found(0.05) == GOOD
    assert found(0.1) == STUCK


@pytest.mark.parametrize(("beside_since_h", "expected"), [(0, STUCK), (0.5, GOOD), (6, GOOD)])
def test_a_twin_that_came_or_changed_later_has_to_move_as_long(
    beside_since_h: float, expected: tuple[Verdict, tuple[Reason, ...]]
) -> None:
    place = Place(PH, 5.83, sloped(5.7, 0.05), beside_since_h=beside_since_h)

    assert place.until(6)[-1] == expected
    assert place.until(beside_since_h + 6)[-1] == STUCK


def test_a_twin_that_fell_silent_is_no_witness() -> None:
    assert set(Place(PH, 5.83, sloped(5.7, 0.05)).until(12, silent_from_h=3)) == {GOOD}


def test_a_twin_of_which_no_step_is_known_is_no_witness() -> None:
    place = Place(PH, 5.83, sloped(5.7, 0.05))
    place.until(5.9)
    place.other[PH] = place.other[PH]._replace(finest_step=None)

    assert place._judge_own(6, 5.83) == GOOD


def test_the_stuck_time_is_an_option_of_the_binding() -> None:
    place = Place(PH, 5.83, sloped(5.7, 0.1), stuck_after_s=3 * 3600)

    verdicts = place.until(3)

    assert verdicts[-2:] == [GOOD, STUCK]


def test_what_devices_say_of_themselves_and_what_may_stand_still_has_no_twins() -> None:
    assert {kind for kind in ChannelKind if not has_twins(kind)} == {
        ChannelKind.LEVEL,
        ChannelKind.SOIL_MOISTURE,
        ChannelKind.PPFD,
        ChannelKind.BATTERY,
        ChannelKind.SIGNAL,
    }


def test_neighbours_are_the_others_of_a_tank_or_pot_each_once() -> None:
    def probe(key: str, tank: str | None = None, plant: str | None = None) -> Probe:
        return Probe(
            key=key,
            tenant_key="home",
            created_at=NOW,
            updated_at=NOW,
            name=key,
            tank_key=tank,
            plant_key=plant,
        )

    one = probe("one", "tank", "plant")
    others = [
        probe("same", "tank", "plant"),
        probe("tank", "tank"),
        probe("plant", None, "plant"),
        probe("elsewhere", "plant", "tank"),
        probe("nowhere"),
    ]
    placed = by_place([one, *others], lambda item: item)

    def found(item: Probe) -> list[str]:
        beside = neighbours_of(item, lambda place: placed[place], lambda other: other)
        return [other.key for other in beside]

    assert found(one) == ["same", "tank", "plant"]
    assert found(others[1]) == ["one", "same"]
    assert found(others[3]) == found(others[4]) == []


READINGS = st.lists(
    st.tuples(st.integers(0, 600), st.sampled_from([5.7, 5.8, 5.81, 6.0])), max_size=40
)


@given(readings=READINGS, data=st.data())
def test_a_track_does_not_depend_on_the_order_or_on_where_it_was_cut(
    readings: list[tuple[int, float]], data: st.DataObject
) -> None:
    def track(items: list[tuple[int, float]]) -> Track:
        found: Track = ()
        for minute, value in items:
            at = NOW + timedelta(minutes=minute)
            found = with_value(found, at, value, QUARTER, now=NOW + 11 * HOUR)
        return found

    shuffled = data.draw(st.permutations(readings))
    cut = data.draw(st.integers(0, len(readings)))

    whole = track(readings)

    assert track(shuffled) == whole
    assert merged(track(shuffled[cut:]), track(shuffled[:cut])) == whole
    assert [item.from_at for item in whole] == sorted({item.from_at for item in whole})
    for minute, value in readings:
        begun = span_start(NOW + timedelta(minutes=minute), QUARTER)
        (span,) = [item for item in whole if item.from_at == begun]
        assert span.low <= value <= span.high


def test_a_track_is_bounded_and_forgets_what_lies_ahead() -> None:
    track: Track = ()
    for minute in range(0, 3 * SPANS_KEPT * 15, 7):
        at = NOW + timedelta(minutes=minute)
        track = with_value(track, at, 5.8 + minute / 1000, QUARTER, now=at)
    assert len(track) == SPANS_KEPT
    back = NOW + timedelta(hours=1)

    track = with_value(track, back, 5.8, QUARTER, now=back)

    assert all(item.from_at <= back for item in track)
    assert track[-1].low == 5.8


ENDS = st.tuples(st.integers(0, 9), st.integers(0, 3))


@given(ends=st.lists(ENDS, max_size=30))
def test_what_tells_of_a_movement_is_kept_for_each_time_that_may_be_asked_for(
    ends: list[tuple[int, int]],
) -> None:
    track = tuple(
        Span(from_at=NOW + number * QUARTER, low=low, high=low + wide)
        for number, (low, wide) in enumerate(ends)
    )

    kept = telling(track)

    assert set(kept) <= set(track)
    assert kept[-LATEST_WHOLE:] == track[-LATEST_WHOLE:]
    for over in range(LATEST_WHOLE + 1):
        until_at = NOW + (len(track) - over) * QUARTER
        for from_at in (NOW + number * QUARTER for number in range(len(track) - over)):
            whole, left = (
                [item for item in items if from_at <= item.from_at < until_at]
                for items in (track, kept)
            )
            assert way_of(left) == way_of(whole)


def test_what_stands_still_or_trembles_leaves_little_and_no_track_is_long() -> None:
    def track(*values: float) -> Track:
        starts = (NOW + number * QUARTER for number in range(len(values)))
        pairs = zip(starts, values, strict=True)
        return tuple(Span(from_at=at, low=value, high=value + 0.02) for at, value in pairs)

    assert len(telling(track(*[5.8] * 48))) == LATEST_WHOLE + 1
    assert len(telling(track(*[5.8, 5.81] * 24))) <= LATEST_WHOLE + 2
    risen = track(*(5.8 + number / 1000 for number in range(3 * SPANS_KEPT)))
    assert telling(risen) == risen[-SPANS_KEPT:]
    assert telling(()) == ()


def test_a_span_with_its_ends_the_wrong_way_round_is_refused() -> None:
    with pytest.raises(ValueError, match="low must not be above high"):
        Span(from_at=NOW, low=2, high=1)
