"""What a unit of work remembers of the ones before is what it would read."""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from datetime import timedelta

import pytest
from hypothesis import given, settings, strategies as st

from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.data_access.sqlite import open_sqlite
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore, Where
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.repositories.collection import SHARED_TENANT
from kamerplanter_backend.domain.repositories.plant import PlantRepository
from kamerplanter_backend.domain.repositories.recall import Memory
from kamerplanter_backend.domain.repositories.species import SpeciesRepository
from kamerplanter_backend.domain.repositories.tank import TankRepository
from kamerplanter_backend.domain.repositories.task import TaskRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import Readings, UnitOfWork, open_unit
from kamerplanter_engines.models.base import Entity
from kamerplanter_engines.models.task import TaskState
from kamerplanter_engines.models.telemetry import Reading
from tests.contracts.conftest import COLLECTIONS, OpenUnit
from tests.factories import NOW, OTHER_TENANT, TENANT, add, context, example
from tests.question_counter import CountingStore

TANKS = ("tank-1", "tank-2")


class Remembering:
    """Opens units of work that remember, on a store whose questions are counted."""

    def __init__(self, store: DocumentStore, memory: Memory | None = None) -> None:
        self.store = CountingStore(store)
        self.memory = Memory() if memory is None else memory

    @contextmanager
    def unit(self, tenant_key: str = TENANT) -> Iterator[UnitOfWork]:
        """Open a unit that may write everything."""
        writes = (*REPOSITORIES, Readings)
        with open_unit(self.store, context(tenant_key), writes, memory=self.memory) as uow:  # type: ignore[arg-type]
            yield uow

    def ask(self, tenant_key: str = TENANT) -> dict[str, Sequence[Entity]]:
        """Return what a unit is told of the tanks."""
        with self.unit(tenant_key) as uow:
            return answers(uow)

    def questions(self) -> int:
        """Return how often documents were asked for, and count anew."""
        calls, self.store.calls = self.store.calls, type(self.store.calls)()
        return calls["find"] + calls["get"] + calls["get_many"] + calls["count"]


@pytest.fixture
def remembering(store: DocumentStore) -> Remembering:
    return Remembering(store)


def answers(uow: UnitOfWork) -> dict[str, Sequence[Entity]]:
    """Ask in all ways in which is remembered."""
    return {
        "tanks": uow.of(TankRepository).get_many(TANKS),
        "probes": uow.of(ProbeRepository).of_tanks(TANKS),
        "plants": uow.of(PlantRepository).fed_by_any(TANKS),
        "tasks": uow.of(TaskRepository).open_of_tanks(TANKS),
        "species": uow.of(SpeciesRepository).get_many(["species-1", "species-2"]),
    }


def told_without_memory(unit: OpenUnit, tenant_key: str = TENANT) -> dict[str, Sequence[Entity]]:
    with unit(tenant_key) as uow:
        return answers(uow)


def laid_out(unit: OpenUnit) -> None:
    with unit() as uow:
        add(uow, TankRepository, key="tank-1")
        add(uow, TankRepository, key="tank-2", name="Second")
        add(uow, ProbeRepository, key="probe-1", tank_key="tank-1")
        add(uow, PlantRepository, key="plant-1", tank_key="tank-1")
        add(uow, TaskRepository, key="task-1", tank_key="tank-2")


def test_the_second_unit_asks_nothing(remembering: Remembering, unit: OpenUnit) -> None:
    laid_out(unit)
    first = remembering.ask()
    assert remembering.questions() == 5

    second = remembering.ask()

    assert remembering.questions() == 0
    assert second == first == told_without_memory(unit)
    assert [item.key for item in second["tanks"]] == ["tank-1", "tank-2"]
    assert [item.key for item in second["tasks"]] == ["task-1"]


def test_only_what_is_not_known_is_asked_for(remembering: Remembering, unit: OpenUnit) -> None:
    laid_out(unit)
    with remembering.unit() as uow:
        uow.of(ProbeRepository).of_tanks(["tank-1"])
        uow.of(TankRepository).get_many(["tank-2", "none"])
    remembering.questions()

    with remembering.unit() as uow:
        probes = uow.of(ProbeRepository)
        assert [item.key for item in probes.of_tanks(["tank-2", "tank-1"])] == ["probe-1"]
        tanks = uow.of(TankRepository).get_many(["tank-2", "tank-1", "none", "tank-2"])
        assert [item.key for item in tanks] == ["tank-2", "tank-1", "tank-2"]
        assert remembering.questions() == 2
        probes.of_tanks(["tank-2", "tank-1"])
        uow.of(TankRepository).get_many(["tank-2", "tank-1", "none", "tank-2"])
        assert remembering.questions() == 0


def test_another_writer_is_heard(remembering: Remembering, unit: OpenUnit) -> None:
    laid_out(unit)
    remembering.ask()
    with unit() as uow:
        tasks = uow.of(TaskRepository)
        tasks.change(tasks.get("task-1"), state=TaskState.COMPLETED, closed_at=NOW)
        add(uow, ProbeRepository, key="probe-2", tank_key="tank-2")

    told = remembering.ask()

    assert told["tasks"] == []
    assert [item.key for item in told["probes"]] == ["probe-1", "probe-2"]
    assert told == told_without_memory(unit)


def test_what_goes_along_with_something_else_is_gone(
    remembering: Remembering, unit: OpenUnit
) -> None:
    laid_out(unit)
    remembering.ask()
    with unit() as uow:
        uow.of(TankRepository).remove("tank-1")

    told = remembering.ask()

    assert told["probes"] == told["plants"] == []
    assert told == told_without_memory(unit)


def test_a_unit_sees_what_it_wrote_itself(remembering: Remembering, unit: OpenUnit) -> None:
    laid_out(unit)
    remembering.ask()

    with remembering.unit() as uow:
        uow.of(TankRepository).remove("tank-2")
        add(uow, ProbeRepository, key="probe-2", tank_key="tank-1")
        told = answers(uow)

    assert [item.key for item in told["tanks"]] == ["tank-1"]
    assert [item.key for item in told["probes"]] == ["probe-1", "probe-2"]
    assert told["tasks"] == []
    assert remembering.ask() == told == told_without_memory(unit)


def test_what_was_taken_back_was_never_there(remembering: Remembering, unit: OpenUnit) -> None:
    laid_out(unit)
    before = remembering.ask()

    def fail() -> None:
        with remembering.unit() as uow:
            uow.of(TankRepository).remove("tank-1")
            answers(uow)
            raise LookupError

    with pytest.raises(LookupError):
        fail()

    assert remembering.ask() == before == told_without_memory(unit)


def test_gardens_see_their_own(remembering: Remembering, unit: OpenUnit) -> None:
    laid_out(unit)
    remembering.ask()

    assert not any(remembering.ask(OTHER_TENANT)[name] for name in ("tanks", "probes", "tasks"))
    with remembering.unit() as uow:
        other = uow.beside(context(OTHER_TENANT))
        assert other.of(TankRepository).get_many(TANKS) == []
        assert len(uow.of(TankRepository).get_many(TANKS)) == 2


def test_a_write_in_one_garden_leaves_the_others_known(
    remembering: Remembering, unit: OpenUnit
) -> None:
    laid_out(unit)
    remembering.ask()
    with unit(OTHER_TENANT) as uow:
        add(uow, TankRepository, key="tank-9")
    with unit() as uow:
        add(uow, TankRepository, key="tank-3", name="Third")
    remembering.questions()

    remembering.ask()

    assert remembering.questions() == 1


def test_what_all_gardens_share_is_read_again_when_it_changes(
    remembering: Remembering, unit: OpenUnit
) -> None:
    with unit(SHARED_TENANT) as uow:
        add(uow, SpeciesRepository, key="species-1")
    assert [item.key for item in remembering.ask()["species"]] == ["species-1"]
    with unit(SHARED_TENANT) as uow:
        add(uow, SpeciesRepository, key="species-2", scientific_name="Ocimum basilicum")

    assert [item.key for item in remembering.ask()["species"]] == ["species-1", "species-2"]

    with remembering.unit(SHARED_TENANT) as uow:
        uow.of(SpeciesRepository).remove("species-1")
        beside = uow.beside(context(TENANT))
        known = beside.of(SpeciesRepository).get_many(["species-1", "species-2"])
    assert [item.key for item in known] == ["species-2"]


def test_readings_alone_change_nothing_that_is_known(
    remembering: Remembering, unit: OpenUnit
) -> None:
    laid_out(unit)
    remembering.ask()
    remembering.questions()
    for second in range(3):
        at = NOW + timedelta(seconds=second)
        with remembering.unit() as uow:
            uow.of(ProbeRepository).get_many(["probe-1"])
            assert uow.readings.append([example(Reading, at=at, received_at=at)]) == 1

    assert remembering.questions() == 1  # for the probe; that it is of the garden is known then


def test_a_probe_of_another_garden_is_refused_however_well_it_is_known(
    remembering: Remembering, unit: OpenUnit
) -> None:
    laid_out(unit)
    with remembering.unit() as uow:
        uow.of(ProbeRepository).get_many(["probe-1"])
        beside = uow.beside(context(OTHER_TENANT))
        beside.of(ProbeRepository).get_many(["probe-1"])
        with pytest.raises(NotFoundError):
            beside.readings.append([example(Reading)])


def test_a_memory_that_missed_changes_begins_anew(
    remembering: Remembering, unit: OpenUnit, monkeypatch: pytest.MonkeyPatch
) -> None:
    transactions = "kamerplanter_backend.data_access.sqlite.transaction"
    monkeypatch.setattr(f"{transactions}.KEPT_CHANGES", 2)
    monkeypatch.setattr(f"{transactions}.PRUNE_CHANGES_EVERY", 1)
    laid_out(unit)
    remembering.ask()
    with unit() as uow:
        add(uow, TaskRepository, key="task-2", tank_key="tank-1")
    for number in range(4):
        with unit(OTHER_TENANT) as uow:
            add(uow, TankRepository, name=f"Tank {number}")

    assert [item.key for item in remembering.ask()["tasks"]] == ["task-1", "task-2"]


def test_a_memory_stays_small(
    remembering: Remembering, unit: OpenUnit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kamerplanter_backend.domain.repositories.recall.MOST_ANSWERS", 8)
    laid_out(unit)
    for _ in range(3):
        assert remembering.ask() == told_without_memory(unit)

    assert remembering.questions() == 15


def test_of_two_units_at_once_one_remembers(store: DocumentStore, unit: OpenUnit) -> None:
    laid_out(unit)
    memory = Memory()
    Remembering(store, memory).ask()
    with memory.lent() as first, memory.lent() as second:
        assert first is not second
    assert Remembering(store, memory).ask() == told_without_memory(unit)


WRITES = st.sampled_from(["tank", "probe", "plant", "task", "close", "move", "remove"])
STEPS = st.lists(
    st.tuples(
        WRITES,
        st.sampled_from([TENANT, OTHER_TENANT]),
        st.sampled_from(["remembering", "other", "fails", "looks first"]),
    ),
    max_size=12,
)


@settings(max_examples=25)
@given(steps=STEPS)
def test_whoever_writes_whatever_nothing_known_is_stale(steps: list[tuple[str, str, str]]) -> None:
    store = open_sqlite(None, COLLECTIONS)

    def unit(tenant_key: str = TENANT) -> AbstractContextManager[UnitOfWork]:
        return open_unit(store, context(tenant_key), (*REPOSITORIES, Readings))

    with closing(store):
        follow_steps(Remembering(store), unit, steps)


def follow_steps(
    remembering: Remembering, unit: OpenUnit, steps: list[tuple[str, str, str]]
) -> None:
    for number, (write, garden, who) in enumerate(steps):
        opened = unit if who == "other" else remembering.unit
        with suppress(ZeroDivisionError), opened(garden) as uow:
            if who == "looks first":
                answers(uow)
            written(uow, write, number, garden)
            answers(uow)
            _ = 1 / (who != "fails")
        for tenant_key in (TENANT, OTHER_TENANT):
            assert remembering.ask(tenant_key) == told_without_memory(unit, tenant_key)


def written(uow: UnitOfWork, write: str, number: int, garden: str) -> None:
    """Write something about the tanks of a garden, if it is there."""
    key = TANKS[0] if garden == TENANT else TANKS[1]
    tanks, tasks = uow.of(TankRepository), uow.of(TaskRepository)
    tank = tanks.try_get(key)
    if tank is None:
        add(uow, TankRepository, key=key)
    elif write == "tank":
        tanks.change(tank, volume_l=tank.volume_l + 1)
    elif write == "remove":
        tanks.remove(key)
    elif write == "close":
        for task in tasks.open():
            tasks.change(task, state=TaskState.RESOLVED, closed_at=NOW)
    elif write == "move":
        probes = uow.of(ProbeRepository)
        for probe in probes.find(Where("tank_key", "==", key)):
            probes.change(probe, tank_key=None)
    elif write == "probe":
        add(uow, ProbeRepository, key=f"probe-{number}-{garden}", tank_key=key)
    elif write == "plant":
        add(uow, PlantRepository, key=f"plant-{number}-{garden}", tank_key=key)
    else:
        add(uow, TaskRepository, key=f"task-{number}-{garden}", tank_key=key)
