"""What is read of the others of a place, and when."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest

from kamerplanter_backend.data_access.sqlite.series_store import SqliteSeriesStore
from kamerplanter_backend.domain.snapshot import twin_views
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    Reading,
    Reason,
    Verdict,
)
from kamerplanter_engines.models.twin import KnownTwin
from kamerplanter_engines.twin_engine import SPANS_KEPT
from tests.backend.garden import Garden

PH = ChannelKind.PH


def two(garden: Garden, **options_of_right: float) -> tuple[Probe, Probe]:
    tank = garden.tank()
    left = garden.probe(key="left", tank_key=tank.key, channels=(ChannelBinding(kind=PH),))
    channel = ChannelBinding(kind=PH, **options_of_right)  # type: ignore[arg-type]
    return left, garden.probe(key="right", name="Right", tank_key=tank.key, channels=(channel,))


def measured(garden: Garden, probe: Probe, hours: float, *values: float, **more: object) -> None:
    """Store values one a minute, the first of them so many hours ago."""
    first_at = garden.now - timedelta(hours=hours)
    readings = [
        Reading.model_validate(
            {
                "probe_key": probe.key,
                "kind": PH,
                "at": first_at + timedelta(minutes=number),
                "received_at": first_at + timedelta(minutes=number),
                "value": value,
                "verdict": Verdict.GOOD,
            }
            | more
        )
        for number, value in enumerate(values)
    ]
    garden.services.telemetry.record(garden.context(), readings)


def twins(garden: Garden) -> tuple[KnownTwin, ...]:
    view = garden.snapshot().probe("left")
    assert view is not None
    return view.channels[0].twins


def test_of_one_that_stood_still_for_less_than_half_its_time_nothing_is_read(
    garden: Garden,
) -> None:
    left, right = two(garden)
    measured(garden, right, 5, *(round(5.5 + number / 1000, 3) for number in range(300)))

    measured(garden, left, 2.9, 5.82, *[5.83] * 170)

    assert twins(garden) == ()


def test_what_moved_in_the_later_half_is_read(garden: Garden) -> None:
    left, right = two(garden)
    measured(garden, right, 5, *(round(5.5 + number / 1000, 3) for number in range(300)))

    measured(garden, left, 4.6, 5.82, *[5.83] * 270)

    [found] = twins(garden)
    assert (found.probe_key, found.since, found.span_s) == ("right", right.updated_at, 900)
    assert found.finest_step == pytest.approx(0.001)
    # From three hours after the left one stood still, which is 4 h 35 min ago.
    earliest = garden.now - timedelta(hours=1, minutes=35)
    assert earliest - timedelta(minutes=15) < found.spans[0].from_at <= earliest
    assert found.spans[-1].high == pytest.approx(5.799)


def test_what_has_stuck_needs_no_witness(garden: Garden) -> None:
    left, right = two(garden)
    measured(garden, right, 8, *(round(5.5 + number / 1000, 3) for number in range(480)))
    measured(garden, left, 8, 5.82, *[5.83] * 470)
    assert len(twins(garden)) == 1

    measured(garden, left, 0, 5.83, verdict=Verdict.SUSPECT, reasons=(Reason.STUCK,))

    assert twins(garden) == ()


def test_a_twin_of_very_short_spans_fills_no_memory(
    garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(twin_views, "MOST_SPANS", 100)
    left, right = two(garden, stuck_after_s=24)
    measured(garden, right, 8, *(round(5.5 + number / 1000, 3) for number in range(480)))

    measured(garden, left, 8, 5.82, *[5.83] * 478)

    [found] = twins(garden)
    assert found.span_s == 1
    assert len(found.spans) <= 2, "of the last 100 seconds, one a minute"


def still(garden: Garden, count: int, *, hours: float = 12.2, step: float = 0.01) -> list[Probe]:
    """Return probes of one tank that stand still, each for five minutes less than the one before.

    Each says a number a minute for most of that time.
    """
    tank = garden.tank()
    probes = []
    for number in range(count):
        channel = ChannelBinding(kind=PH)
        name = f"Probe {number}"
        made = garden.probe(key=f"p{number}", name=name, tank_key=tank.key, channels=(channel,))
        since = hours - number / 12
        values = [round(5.8 + step, 3), *[5.8 + 2 * step] * (round(since * 60) - 2)]
        measured(garden, made, since, *(round(value, 3) for value in values))
        probes.append(made)
    return probes


def read_by_snapshot(garden: Garden, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Return how many quarters of an hour of each probe a snapshot reads."""
    read: Counter[str] = Counter()
    spans = SqliteSeriesStore.spans

    def counted(
        store: SqliteSeriesStore, probe_key: str, kind: ChannelKind, *window: Any
    ) -> list[Any]:
        from_at, until_at, span = window
        assert isinstance(from_at, datetime)
        assert from_at < until_at
        read[probe_key] += -(-(until_at - from_at) // span)
        return spans(store, probe_key, kind, *window)

    monkeypatch.setattr(SqliteSeriesStore, "spans", counted)
    garden.snapshot()
    monkeypatch.undo()
    return read


def test_what_each_has_shown_is_read_once_however_many_ask(
    garden: Garden, monkeypatch: pytest.MonkeyPatch
) -> None:
    probes = still(garden, 6)

    read = read_by_snapshot(garden, monkeypatch)

    assert set(read) == {probe.key for probe in probes}
    # The later half of 12 hours, and the quarter of now.
    assert max(read.values()) <= 9.2 * 4 + 2


def test_a_view_carries_little_of_many_that_stand_still(garden: Garden) -> None:
    still(garden, 6)

    carried = [view.channels[0].twins for view in garden.snapshot().probes]

    assert [len(twins) for twins in carried] == [twin_views.MOST_TWINS] * 6
    assert sum(len(twin.spans) for twins in carried for twin in twins) <= 6 * 4 * 6


def test_those_that_moved_most_are_carried(garden: Garden) -> None:
    moving = two(garden)[1]
    measured(garden, moving, 5, *(round(5.5 + number / 1000, 3) for number in range(300)))
    tank_key = moving.tank_key
    for number in range(twin_views.MOST_TWINS):
        channel = ChannelBinding(kind=PH)
        other = garden.probe(
            key=f"o{number}", name=f"Other {number}", tank_key=tank_key, channels=(channel,)
        )
        measured(garden, other, 4.6, 5.82, *[5.83] * 270)
    left = garden.snapshot().probe("left")
    assert left is not None

    measured(garden, left.probe, 4.6, 5.82, *[5.83] * 270)

    found = twins(garden)
    assert (len(found), found[0].probe_key) == (twin_views.MOST_TWINS, "right")
    assert len(found[0].spans) <= SPANS_KEPT


def test_a_coarse_meter_needs_no_witness(garden: Garden, monkeypatch: pytest.MonkeyPatch) -> None:
    still(garden, 3, step=0.1)

    read = read_by_snapshot(garden, monkeypatch)

    assert not read
    assert [view.channels[0].twins for view in garden.snapshot().probes] == [(), (), ()]


def test_a_coarse_meter_may_show_that_it_is_fine_in_what_is_still_to_be_judged(
    garden: Garden,
) -> None:
    probes = still(garden, 2, step=0.1)
    since = garden.now - timedelta(hours=1)

    known = garden.services.telemetry.memories(garden.context(), [probes[0].key], since)

    assert [twin.probe_key for twin in known["p0"].view.channels[0].twins] == ["p1"]
