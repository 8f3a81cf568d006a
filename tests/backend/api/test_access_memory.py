"""What is remembered of who may enter is never older than the last change."""

from collections.abc import Callable
from datetime import timedelta
from typing import override

import pytest

from kamerplanter_backend.common.access_memory import MAX_AGE, AccessMemory
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.exceptions import NotFoundError
from kamerplanter_backend.config.settings import Mode
from kamerplanter_backend.domain.models.tenant import GardenAccess
from kamerplanter_backend.domain.repositories.tenant import MembershipRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.tenant_service import TenantService, account_context
from tests.backend.api.harness import Bench, Person


class Counting(TenantService):
    """Counts how often it is asked."""

    count = 0

    @override
    def resolve(self, context: Context, slug: str) -> GardenAccess:
        self.count += 1
        return super().resolve(context, slug)


class House:
    """A garden of Ada's, and the memory at its door."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.ada, self.ben = bench.person("ada"), bench.person("ben")
        self.tenant = bench.garden(self.ada, "House")
        self.asked = Counting(bench.server.store)
        self.memory = AccessMemory(bench.server.store, self.asked)

    def role(self, person: Person) -> Role:
        context = account_context(person.key, self.bench.clock())
        return self.memory.resolve(context, "house").role


@pytest.fixture
def house(server_of: Callable[..., Bench]) -> House:
    """Return a garden with a memory at its door."""
    return House(server_of(Mode.FULL))


def test_the_same_question_is_asked_once(house: House) -> None:
    assert [house.role(house.ada) for _ in range(3)] == [Role.ADMIN] * 3
    assert house.asked.count == 1


def test_a_no_is_not_remembered_and_a_change_is_seen_at_once(house: House) -> None:
    with pytest.raises(NotFoundError):
        house.role(house.ben)

    house.bench.join(house.tenant, house.ben, Role.VIEWER)
    assert house.role(house.ben) is Role.VIEWER

    context = account_context("test", house.bench.clock(), role=Role.ADMIN)
    with open_unit(house.bench.server.store, context, (MembershipRepository,)) as uow:
        members = uow.of(MembershipRepository)
        found = members.between(house.tenant.key, house.ben.key)
        assert found is not None
        members.remove(found.key)
    with pytest.raises(NotFoundError):
        house.role(house.ben)


def test_what_another_process_changed_is_seen_soon(house: House) -> None:
    house.role(house.ada)
    house.bench.clock.now += MAX_AGE
    house.role(house.ada)
    assert house.asked.count == 1

    house.bench.clock.now += timedelta(microseconds=1)
    house.role(house.ada)
    assert house.asked.count == 2


def test_a_clock_that_is_set_back_makes_nothing_last_longer(house: House) -> None:
    house.role(house.ada)
    house.bench.clock.wait(hours=-1)
    house.role(house.ada)

    assert house.asked.count == 2
