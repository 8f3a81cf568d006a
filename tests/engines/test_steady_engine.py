"""Whether a probe in a solution has come to rest."""

from datetime import UTC, datetime, timedelta

import pytest

from kamerplanter_engines.models.calibration import RawScale
from kamerplanter_engines.models.steadiness import RawSample, Steadiness
from kamerplanter_engines.models.telemetry import ChannelKind
from kamerplanter_engines.steady_engine import steadiness

START = datetime(2026, 5, 1, 10, tzinfo=UTC)


def look(
    *raws: float,
    every_s: float = 5,
    kind: ChannelKind = ChannelKind.PH,
    scale: RawScale = RawScale.VALUE,
) -> Steadiness:
    samples = [
        RawSample(START + timedelta(seconds=index * every_s), raw) for index, raw in enumerate(raws)
    ]
    return steadiness(samples, kind, scale)


def test_three_that_agree_over_ten_seconds_are_steady() -> None:
    found = look(6.5, 6.98, 6.99, 7.00)

    assert (found.is_steady, found.raw, found.agreeing) == (True, 6.99, 3)
    assert found.spread == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("raws", "is_steady"),
    [
        ((41, 42, 41, 41), True),
        ((3.9, 4.1, 4.0, 4.0), True),
        ((3.9, 4.3, 4.0, 4.3), False),
        # The first ones tell that it is a finer meter.
        ((41.37, 41.9, 43, 44, 45), False),
        ((0.91, 1.5, 1.6, 1.7), False),
    ],
)
def test_a_soil_probe_may_flicker_by_its_last_digit(
    raws: tuple[float, ...], is_steady: bool
) -> None:
    assert look(*raws, kind=ChannelKind.SOIL_MOISTURE).is_steady is is_steady


def test_a_drift_slower_than_the_readings_is_not_steady() -> None:
    # Each is only 0.015 from the next, and the last three differ by 0.03.
    assert not look(6.955, 6.970, 6.985, 7.000).is_steady


def test_a_fast_probe_has_to_agree_for_as_long() -> None:
    assert not look(7.0, 7.0, 7.0, every_s=1).is_steady
    assert look(*[7.0] * 11, every_s=1).is_steady


@pytest.mark.parametrize(("every_s", "is_steady"), [(59, False), (60, True), (300, True)])
def test_two_are_enough_of_a_slow_probe(every_s: float, is_steady: bool) -> None:
    assert look(7.0, 7.01, every_s=every_s).is_steady is is_steady


@pytest.mark.parametrize(
    ("raws", "is_settling"),
    [
        ((7.0,), False),
        ((7.0, 7.02), True),
        ((7.0, 7.03), False),
        ((6.5, 7.0, 7.0), False),  # the third last is still far away
        ((6.5, 7.0, 7.0, 7.0), True),
        ((7.0,) * 11, False),  # steady
    ],
)
def test_what_agrees_but_not_for_long_enough_is_settling(
    raws: tuple[float, ...], is_settling: bool
) -> None:
    found = look(*raws, every_s=1)

    assert found.is_settling is is_settling
    assert found.is_steady is (len(raws) == 11)


def test_one_reading_or_none_is_not_steady() -> None:
    assert look() == Steadiness(is_steady=False, raw=None, spread=None, agreeing=0)
    assert look(7.0) == Steadiness(is_steady=False, raw=7.0, spread=None, agreeing=1)


@pytest.mark.parametrize(
    ("kind", "scale", "within", "beyond"),
    [
        (ChannelKind.PH, RawScale.MILLIVOLT, (-176.0, -177.0), (-176.0, -177.1)),
        (ChannelKind.EC, RawScale.VALUE, (1.400, 1.414), (1.400, 1.415)),
        (ChannelKind.EC, RawScale.VALUE, (0.0, 0.01), (0.0, 0.011)),
        (ChannelKind.SOIL_EC, RawScale.VALUE, (2.0, 2.02), (2.0, 2.03)),
        (ChannelKind.SOIL_MOISTURE, RawScale.VALUE, (3000, 2971), (3000, 2969)),
    ],
)
def test_each_kind_has_its_band(
    kind: ChannelKind, scale: RawScale, within: tuple[float, float], beyond: tuple[float, float]
) -> None:
    assert look(*within, every_s=60, kind=kind, scale=scale).is_steady
    assert not look(*beyond, every_s=60, kind=kind, scale=scale).is_steady
