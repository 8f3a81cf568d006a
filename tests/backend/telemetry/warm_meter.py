"""A meter that compensates nothing, and thermometers that may tell how warm its water is."""

from datetime import timedelta
from itertools import accumulate
from typing import Any

from hypothesis import strategies as st

from kamerplanter_engines.models.telemetry import (
    Availability,
    ChannelBinding,
    ChannelKind,
    Reason,
    Verdict,
)
from tests.backend.garden import Garden
from tests.backend.telemetry.roads import Said, Story, all_roads

EC, SOIL_EC = ChannelKind.EC, ChannelKind.SOIL_EC
WATER, SOIL = ChannelKind.WATER_TEMPERATURE, ChannelKind.SOIL_TEMPERATURE
UNKNOWN = (Verdict.SUSPECT, (Reason.UNCOMPENSATED.value,))
MINUTE = timedelta(minutes=1)
ROADS = all_roads(restart_each=3, batch=4)


def meter_beside_thermometer(said: list[Said]) -> Story:
    """Return an uncompensated meter on the left, and the only thermometer on the right."""
    channels: dict[str, dict[str, Any]] = {"left": {"compensated": False}, "right": {"kind": WATER}}
    return Story(EC, said, channels=channels)


def stories(temperatures_c: list[float]) -> st.SearchStrategy[Story]:
    """Return what a meter and its thermometer may say one after the other."""
    said = st.one_of(
        st.tuples(st.just("left"), st.sampled_from([1.2, 1.22, 1.6])),
        st.tuples(st.just("right"), st.sampled_from(temperatures_c)),
    )
    steps = st.lists(st.tuples(st.integers(1, 50), said), min_size=4, max_size=20)
    return steps.map(_paced)


def _paced(steps: list[tuple[int, tuple[str, float]]]) -> Story:
    """Return a story whose steps each say how many minutes they come after the one before."""
    minutes = accumulate(pause for pause, _ in steps)
    said: list[Said] = [
        (minute, key, value) for minute, (_, (key, value)) in zip(minutes, steps, strict=True)
    ]
    return meter_beside_thermometer(said)


def add(garden: Garden, key: str, *kinds: ChannelKind, **place: str) -> None:
    """Add a probe of which no device compensates, with a topic of its own for each kind."""
    garden.probe(
        key=key,
        name=key,
        channels=tuple(
            ChannelBinding(
                kind=kind,
                topic=key if len(kinds) == 1 else f"{key}/{kind}",
                path="v",
                unit="mS/cm" if kind in {EC, SOIL_EC} else None,
                compensated=kind not in {EC, SOIL_EC},
            )
            for kind in kinds
        ),
        availability=Availability(topic=f"{key}/state"),
        **place,
    )
    garden.now += timedelta(seconds=1)
