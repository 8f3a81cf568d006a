"""A garden on a real store, with a clock that only a test moves."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from kamerplanter_backend.bootstrap import LOCAL_TENANT, build_services, open_seeded_store
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.domain.snapshot.views import GardenSnapshot
from kamerplanter_engines.models.plant import Plant, PlantFields
from kamerplanter_engines.models.site import SiteFields
from kamerplanter_engines.models.tank import Tank, TankFields
from kamerplanter_engines.models.task import Task, TaskKind, TaskState
from kamerplanter_engines.models.telemetry import (
    ChannelBinding,
    ChannelKind,
    Probe,
    ProbeFields,
    Reading,
    Verdict,
)

START = datetime(2026, 5, 1, 10, tzinfo=UTC)
"""Noon in Berlin."""


class Garden:
    """Services on a store in memory or in a file."""

    def __init__(
        self,
        path: Path | None = None,
        *,
        zone: str = "Europe/Berlin",
        latitude_deg: float = 52.5,
        now: datetime = START,
    ) -> None:
        self.path = path
        self.now = now
        self.zone = ZoneInfo(zone)
        self.latitude_deg = latitude_deg
        self.started_at: datetime | None = None
        self._open()
        self.services.site.set(
            self.context(),
            SiteFields(name="Home", time_zone=zone, latitude_deg=latitude_deg),
        )

    def _open(self) -> None:
        self.store = open_seeded_store(self.path, self.now)
        self.services = build_services(self.store)

    def restart(self) -> None:
        """Close the file and open it again, as a new process would."""
        self.store.close()
        self._open()
        self.started_at = self.now

    def context(self, **changes: Any) -> Context:
        """Return the context of a call made now."""
        context = Context(
            tenant_key=LOCAL_TENANT,
            actor="test",
            role=Role.GROWER,
            now=self.now,
            zone=self.zone,
            latitude_deg=self.latitude_deg,
            started_at=self.started_at,
        )
        return replace(context, **changes)

    def at(self, text: str) -> datetime:
        """Move the clock to a local time and return the moment."""
        self.now = self.local(text)
        return self.now

    def local(self, text: str) -> datetime:
        """Return a local time as a moment."""
        return datetime.fromisoformat(text).replace(tzinfo=self.zone).astimezone(UTC)

    def wait(self, **span: float) -> datetime:
        """Move the clock on."""
        self.now += timedelta(**span)
        return self.now

    # --- Things in it -----------------------------------------------------------------------

    def tank(self, **fields: Any) -> Tank:
        """Add a tank."""
        values = {"name": "Tank", "volume_l": 60.0, **fields}
        return self.services.tank.create(self.context(), TankFields(**values))

    def plant(self, key: str | None = None, **fields: Any) -> Plant:
        """Add a tomato, unless other fields are given."""
        values = {"name": "Tomato", "species_key": "solanum_lycopersicum", **fields}
        return self.services.plant.create(self.context(), PlantFields(**values), key)

    def probe(self, *kinds: ChannelKind, key: str | None = None, **fields: Any) -> Probe:
        """Add a probe with a topic for each kind."""
        channels = tuple(ChannelBinding(kind=kind, topic=f"probe/{kind}") for kind in kinds)
        values = {"name": "Probe", "channels": channels, **fields}
        return self.services.probe.create(self.context(), ProbeFields(**values), key)

    def reading(self, probe: Probe, kind: ChannelKind, value: float, **changes: Any) -> Reading:
        """Return a good reading of now."""
        values = {
            "probe_key": probe.key,
            "kind": kind,
            "at": self.now,
            "received_at": self.now,
            "value": value,
            "verdict": Verdict.GOOD,
            **changes,
        }
        return Reading(**values)

    def measure(self, probe: Probe, kind: ChannelKind, value: float, **changes: Any) -> int:
        """Store a reading of now and let follow what follows."""
        reading = self.reading(probe, kind, value, **changes)
        return self.services.telemetry.record(self.context(), (reading,))

    def measure_for(
        self, minutes: int, probe: Probe, kind: ChannelKind, value: float, *, step: int = 1
    ) -> None:
        """Measure the same value every so many minutes, and move the clock along."""
        for _ in range(0, minutes, step):
            self.measure(probe, kind, value)
            self.wait(minutes=step)

    # --- What it shows ----------------------------------------------------------------------

    def snapshot(self) -> GardenSnapshot:
        """Return what screens show now."""
        return self.services.home.snapshot(self.context())

    def open_kinds(self) -> list[TaskKind]:
        """Return the kinds of the open tasks, in alphabetical order."""
        return sorted(t.kind for t in self.snapshot().tasks if t.state is TaskState.OPEN)

    def only_task(self, kind: TaskKind) -> Task:
        """Return the only open task of a kind, as it is stored."""
        keys = [
            t.key for t in self.snapshot().tasks if t.state is TaskState.OPEN and t.kind is kind
        ]
        assert len(keys) == 1
        return self.services.task.update(self.context(), keys[0], {})


def states(tasks: Iterable[Any]) -> list[tuple[TaskKind, TaskState]]:
    """Return kind and state of tasks."""
    return [(task.kind, task.state) for task in tasks]
