"""One garden as a worker hears it: the intakes of its probes, and what they are to store."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from kamerplanter_backend.domain.snapshot.probe_memory import ProbeMemory
from kamerplanter_backend.telemetry.messages.mapping import FieldReader, read_message
from kamerplanter_backend.telemetry.probe.company import introduce
from kamerplanter_backend.telemetry.probe.intake import ProbeIntake
from kamerplanter_backend.telemetry.probe.presence_notes import PresenceNotes
from kamerplanter_backend.telemetry.worker.garden_directory import GardenEntry
from kamerplanter_engines.telemetry_engine import Judged

type Taken = list[tuple[str, list[Judged]]]
"""What was judged, by the key of the probe."""


@dataclass(slots=True)
class Route:
    """One probe that listens to a topic."""

    garden: LiveGarden
    intake: ProbeIntake
    topic: str
    """As the probe binds it."""
    _readers: Sequence[FieldReader] | None = None

    def has_own_time(self, payload: bytes, received_at: datetime) -> bool:
        """Tell whether a message says itself when each of its values was measured."""
        if self._readers is None:
            channels = self.intake.probe.channels
            self._readers = [FieldReader(item) for item in channels if item.topic == self.topic]
        samples = read_message(payload, self._readers, received_at)
        return all(sample.has_device_time or sample.problem for sample in samples) and (
            not samples or any(sample.has_device_time for sample in samples)
        )


@dataclass(slots=True)
class LiveGarden:
    """The intakes of a garden's probes."""

    entry: GardenEntry
    started_at: datetime
    """When the worker began to listen; what is older is restored and never fresh."""
    intakes: dict[str, ProbeIntake] = field(default_factory=dict)
    touched: set[ProbeIntake] = field(default_factory=set)
    """Those that have something to hand over."""
    collected: Taken = field(default_factory=list)
    """What would not fit into an intake any more."""
    presences: PresenceNotes = field(default_factory=PresenceNotes)
    """Which devices came or went."""
    has_crashed: bool = False
    _memories: dict[str, ProbeMemory] = field(default_factory=dict)
    _taken_in_at: dict[str, datetime] = field(default_factory=dict)

    def sync(self, memories: Mapping[str, ProbeMemory], now: datetime) -> None:
        """Follow the garden's probes: new, changed and archived ones."""
        for key in self.intakes.keys() - memories.keys():
            self.touched.discard(self.intakes.pop(key))
            self.presences.forget(key)
        for key, memory in memories.items():
            before = self._memories.get(key)
            intake = self.intakes.get(key)
            restored = {item.kind: item.known for item in memory.view.channels}
            if intake is None:
                intake = self.intakes[key] = ProbeIntake(
                    memory.view.probe,
                    started_at=self.started_at,
                    restored=restored,
                    plain_water=memory.plain_water,
                    stock_solution=memory.stock_solution,
                )
                self._taken_in_at[key] = now
            elif before is None or _differs(before, memory):
                intake.update(
                    memory.view.probe,
                    plain_water=memory.plain_water,
                    stock_solution=memory.stock_solution,
                )
                self._taken_in_at[key] = now
            intake.on_supply(memory.view.jumps_at, memory.view.doses_at)
            intake.solutions.follow(memory.view.solution_holds)
            intake.company.learn(memory.view)
            intake.calibrate(memory.view.calibrations, memory.view.raw_kinds)
            intake.on_doubts({item.kind: item.reasons for item in memory.view.doubts})
            intake.recall(restored, self._taken_in_at[key])
            view = memory.view
            is_there = self.presences.follow(key, view.gone_since, view.probe.exchanged_at)
            if is_there is not None:
                intake.on_availability(online=is_there)
            self.presences.note(key, now, online=intake.available)
        introduce(intake.company for intake in self.intakes.values())
        self._memories = dict(memories)

    def routes(self) -> Iterator[Route]:
        """Yield who listens to what."""
        for intake in self.intakes.values():
            for topic in intake.topics:
                yield Route(self, intake, topic)

    def collect(self, intake: ProbeIntake) -> None:
        """Take over what an intake holds before it is too much for it."""
        self.collected.append((intake.probe.key, intake.take_judged()))

    def take(self) -> Taken:
        """Hand over what has been judged since."""
        for intake in self.touched:
            self.collect(intake)
        self.touched.clear()
        taken, self.collected = self.collected, []
        return taken


def _differs(before: ProbeMemory, after: ProbeMemory) -> bool:
    return (
        before.view.probe != after.view.probe
        or before.plain_water != after.plain_water
        or before.stock_solution != after.stock_solution
    )
