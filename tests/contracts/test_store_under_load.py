"""Many threads at once: no update is lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from kamerplanter_backend.common.exceptions import StaleRevisionError
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore, Where
from kamerplanter_backend.domain.repositories.tank import TankRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import Readings, open_unit
from kamerplanter_engines.models.telemetry import ChannelKind, Reading
from tests.factories import NOW, add, context, example

THREADS = 8
COUNTER, PROBE = "counter", "probe-1"


class Worker:
    """One thread's share: a fixed mix of reads and writes, all on the same documents."""

    def __init__(self, store: DocumentStore, number: int) -> None:
        self.store = store
        self.number = number
        self.kept_tasks: set[str] = set()

    def run(self, operations: int) -> None:
        actions = (self.count, self.log, self.measure, self.count_unlocked, self.look, self.tidy)
        for step in range(operations):
            actions[step % len(actions)](step)

    def count(self, step: int) -> None:
        with open_unit(self.store, context(), (TankRepository,)) as uow:
            tanks = uow.of(TankRepository)
            counter = tanks.get(COUNTER)
            tanks.change(counter, volume_l=counter.volume_l + 1)

    def count_unlocked(self, step: int) -> None:
        while True:
            with open_unit(self.store, context()) as uow:
                seen = uow.of(TankRepository).get(COUNTER)
            try:
                with open_unit(self.store, context(), (TankRepository,)) as uow:
                    uow.of(TankRepository).change(seen, volume_l=seen.volume_l + 1)
            except StaleRevisionError:
                continue
            return

    def log(self, step: int) -> None:
        key = f"{self.number}-{step}"
        with open_unit(self.store, context(), (TaskRepository,)) as uow:
            add(uow, TaskRepository, key=key, tank_key=COUNTER)
        self.kept_tasks.add(key)

    def measure(self, step: int) -> None:
        at = NOW + timedelta(seconds=step * THREADS + self.number)
        reading = example(Reading, at=at, received_at=at, value=float(self.number))
        with open_unit(self.store, context(), (Readings,)) as uow:
            assert uow.readings.append([reading]) == 1

    def look(self, step: int) -> None:
        with open_unit(self.store, context()) as uow:
            counter = uow.of(TankRepository).get(COUNTER)
            assert counter.volume_l == counter.revision
            mine = uow.of(TaskRepository).find(Where("key", "in", list(self.kept_tasks)[-20:]))
            assert len(mine) == min(len(self.kept_tasks), 20)

    def tidy(self, step: int) -> None:
        if step % 4 == 3:
            key = self.kept_tasks.pop()
            with open_unit(self.store, context(), (TaskRepository,)) as uow:
                uow.of(TaskRepository).remove(key)


def run_threads(store: DocumentStore, operations: int) -> None:
    with open_unit(store, context(), (TankRepository, ProbeRepository)) as uow:
        add(uow, TankRepository, key=COUNTER, volume_l=1)
        add(uow, ProbeRepository, key=PROBE)
    workers = [Worker(store, number) for number in range(THREADS)]

    with ThreadPoolExecutor(THREADS) as pool:
        for finished in [pool.submit(worker.run, operations) for worker in workers]:
            finished.result()

    counted = sum(1 for step in range(operations) if step % 6 in (0, 3)) * THREADS
    measured = sum(1 for step in range(operations) if step % 6 == 2) * THREADS
    with open_unit(store, context()) as uow:
        counter = uow.of(TankRepository).get(COUNTER)
        assert (counter.volume_l, counter.revision) == (1 + counted, 1 + counted)
        tasks = {task.key for task in uow.of(TaskRepository).find()}
        assert tasks == set().union(*(worker.kept_tasks for worker in workers))
        readings = uow.readings.range(PROBE, ChannelKind.EC, NOW, NOW + timedelta(days=400))
        assert len(readings) == measured
    assert store.check() == []


def test_eight_threads_lose_no_update(store: DocumentStore) -> None:
    run_threads(store, 300)


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_eight_threads_lose_no_update_in_ten_thousand_operations_each(
    store: DocumentStore,
) -> None:
    run_threads(store, 10_000)
