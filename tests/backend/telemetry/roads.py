"""The roads on which readings come: live, after a restart, late, over HTTP."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from kamerplanter_backend.telemetry.batches.reading_desk import ReadingDesk, SentReading
from kamerplanter_backend.telemetry.probe.company import introduce
from kamerplanter_backend.telemetry.probe.intake import ProbeIntake
from kamerplanter_backend.telemetry.worker.garden_directory import GardenEntry
from kamerplanter_backend.telemetry.worker.live_garden import LiveGarden
from kamerplanter_engines.models.tank import Tank
from kamerplanter_engines.models.task import TaskFields, TaskKind
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Reason,
    Verdict,
)
from tests.backend.garden import Garden

EC, PH = ChannelKind.EC, ChannelKind.PH
PROBES = ("left", "right")
GOOD = (Verdict.GOOD, ())

# Not in the two minutes after a reading: as clocks differ, it may have come after the fill.
FILLS = st.sets(
    st.builds(lambda pace, after: 5 * pace + after, st.integers(0, 23), st.sampled_from([0, 3, 4])),
    max_size=4,
)

type Said = tuple[int, str, float]
"""In which minute, by which probe, what."""
type Seen = dict[tuple[int, str], tuple[Verdict, tuple[str, ...]]]


@dataclass
class Story:
    """What happens in one tank with two probes; minutes since the start."""

    kind: ChannelKind
    said: Sequence[Said]
    """In the order of time."""
    fills: Sequence[int] = ()
    options: Mapping[str, float] = field(default_factory=dict)
    channels: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What is bound in another way, by probe."""

    def binding(self, key: str) -> ChannelBinding:
        fields = {"kind": self.kind, "topic": key, "path": "v"}
        return ChannelBinding(**(fields | self.options | self.channels.get(key, {})))

    @property
    def end(self) -> int:
        return max((minute for minute, _, _ in self.said), default=0)


@contextmanager
def tank_with_two(story: Story) -> Iterator[tuple[Garden, Tank, datetime]]:
    garden = Garden()
    tank = garden.tank()
    for key in PROBES:
        garden.probe(name=key, key=key, tank_key=tank.key, channels=(story.binding(key),))
    yield garden, tank, garden.now
    garden.store.close()


def fill(garden: Garden, tank: Tank) -> None:
    task = garden.services.task.add(
        garden.context(), TaskFields(kind=TaskKind.TANK_EC, tank_key=tank.key)
    )
    garden.services.task.complete(garden.context(), task.key)


def hear(
    garden: Garden, intake: ProbeIntake, at: datetime, value: float
) -> tuple[Verdict, tuple[str, ...]]:
    """Let a probe say what it measured then, and store it; return the verdict."""
    payload = json.dumps({"v": value, "time": at.isoformat()})
    (judged,) = intake.on_message(intake.probe.key, payload, retained=False, received_at=garden.now)
    garden.services.telemetry.record(garden.context(), intake.take_readings())
    return judged.verdict, tuple(reason.value for reason in judged.reasons)


class Worker:
    """The ingest worker: probes by what the services say of them."""

    def __init__(self, garden: Garden, started_at: datetime) -> None:
        entry = GardenEntry(tenant_key="t", slug="garden", is_suspended=False)
        self._live = LiveGarden(entry=entry, started_at=started_at)
        self._garden = garden

    def sync(self) -> Mapping[str, ProbeIntake]:
        keys = [view.probe.key for view in self._garden.snapshot().probes]
        memories = self._garden.services.telemetry.memories(self._garden.context(), keys)
        self._live.sync(memories, self._garden.now)
        return self._live.intakes


class House:
    """Home Assistant: probes by its snapshot."""

    def __init__(self, garden: Garden, started_at: datetime) -> None:
        self._garden, self._started_at = garden, started_at
        self._intakes: dict[str, ProbeIntake] = {}

    def sync(self) -> Mapping[str, ProbeIntake]:
        views = {view.probe.key: view for view in self._garden.snapshot().probes}
        for key in self._intakes.keys() - views.keys():
            del self._intakes[key]
        for key, view in views.items():
            known = {item.kind: item.known for item in view.channels}
            intake = self._intakes.get(key)
            if intake is None:
                intake = ProbeIntake(view.probe, started_at=self._started_at, restored=known)
                self._intakes[key] = intake
            elif intake.probe != view.probe:
                intake.update(view.probe)
            intake.on_supply(view.jumps_at, view.doses_at)
            intake.calibrate(view.calibrations, view.raw_kinds)
            intake.company.learn(view)
            intake.recall(known, self._started_at)
        introduce(intake.company for intake in self._intakes.values())
        return self._intakes


type Make = type[Worker | House]
type Road = Callable[[Story], Seen]


def on_time(make: Make, restart_each: int | None = None) -> Road:
    """Return the road on which each reading is heard when it was measured."""

    def go(story: Story) -> Seen:
        seen: Seen = {}
        with tank_with_two(story) as (garden, tank, start):
            listener = make(garden, start)
            intakes = listener.sync()
            fills = list(story.fills)
            for number, (minute, key, value) in enumerate(story.said):
                while fills and fills[0] <= minute:
                    garden.now = start + timedelta(minutes=fills.pop(0))
                    fill(garden, tank)
                    intakes = listener.sync()
                garden.now = start + timedelta(minutes=minute)
                if restart_each and number % restart_each == restart_each - 1:
                    intakes = make(garden, garden.now).sync()
                seen[minute, key] = hear(garden, intakes[key], garden.now, value)
        return seen

    return go


def late(make: Make, delay: timedelta) -> Road:
    """Return the road on which all of it comes later, dated by the devices."""

    def go(story: Story) -> Seen:
        seen: Seen = {}
        with tank_with_two(story) as (garden, tank, start):
            _fill_all(garden, tank, start, story)
            garden.now = start + timedelta(minutes=story.end) + delay
            intakes = make(garden, start).sync()
            for minute, key, value in story.said:
                at = start + timedelta(minutes=minute)
                seen[minute, key] = hear(garden, intakes[key], at, value)
        return seen

    return go


def over_http(size: int, delay: timedelta) -> Road:
    """Return the road on which scripts send it later, in batches."""

    def go(story: Story) -> Seen:
        seen: Seen = {}
        with tank_with_two(story) as (garden, tank, start):
            _fill_all(garden, tank, start, story)
            garden.now = start + timedelta(minutes=story.end) + delay
            desk = ReadingDesk(garden.services.telemetry)
            for first in range(0, len(story.said), size):
                said = story.said[first : first + size]
                sent = [
                    SentReading(
                        probe_key=key,
                        kind=story.binding(key).kind,
                        value=value,
                        at=start + timedelta(minutes=minute),
                    )
                    for minute, key, value in said
                ]
                found = desk.take(garden.context(), sent)
                for (minute, key, _), result in zip(said, found, strict=True):
                    seen[minute, key] = result.verdict, result.reasons
        return seen

    return go


def all_roads(*, restart_each: int, batch: int) -> dict[str, Road]:
    """Return every road by its name.

    Args:
        restart_each: After how many readings a listener starts anew.
        batch: How many readings a script sends at once.
    """
    return {
        "worker": on_time(Worker),
        "house": on_time(House),
        "worker that restarts": on_time(Worker, restart_each),
        "house that restarts": on_time(House, restart_each),
        "worker, late": late(Worker, timedelta(days=3)),
        "house, late": late(House, timedelta(minutes=20)),
        "HTTP, one by one": over_http(1, timedelta(minutes=1)),
        "HTTP, at once": over_http(500, timedelta(days=30)),
        "HTTP, in batches": over_http(batch, timedelta(hours=2)),
    }


def _fill_all(garden: Garden, tank: Tank, start: datetime, story: Story) -> None:
    for minute in story.fills:
        garden.now = start + timedelta(minutes=minute)
        fill(garden, tank)


def stuck_from(seen: Seen, key: str) -> int | None:
    """Return the minute from which on all of a probe is stuck; none = never."""
    stuck = [minute for (minute, who), (_, reasons) in seen.items() if who == key and reasons]
    assert all(reasons in {(), (Reason.STUCK,)} for _, reasons in seen.values())
    said = [minute for minute, who in seen if who == key]
    assert stuck == said[len(said) - len(stuck) :]
    return stuck[0] if stuck else None


def frozen_beside_a_slope(hours: int = 8, pace_min: int = 30) -> Story:
    """Return F-13 in two devices: the left one froze after its second reading."""
    said: list[Said] = []
    for minute in range(0, hours * 60, pace_min):
        said.append((minute, "left", 5.82 if minute == 0 else 5.83))
        said.append((minute + 7, "right", round(5.7 + minute / 1000, 2)))
    return Story(PH, said)
