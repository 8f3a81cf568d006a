"""What is read of the others of a place, and when."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

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
from tests.backend.garden import Garden

PH = ChannelKind.PH


@pytest.fixture
def garden() -> Iterator[Garden]:
    """Return a garden in memory."""
    made = Garden()
    yield made
    made.store.close()


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
