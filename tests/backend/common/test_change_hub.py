"""Changes reach those who listen on the loop, and an end is told."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from kamerplanter_backend.bootstrap import LOCAL_TENANT
from kamerplanter_backend.common.change_hub import ChangeHub
from kamerplanter_backend.domain.interfaces.change_feed import StoredChange
from tests.backend.garden import Garden


@pytest.fixture
def garden() -> Iterator[Garden]:
    """Return a garden whose commits are told."""
    garden = Garden()
    yield garden
    garden.store.close()


class Ear:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[StoredChange | None] = asyncio.Queue()

    def __call__(self, change: StoredChange | None) -> None:
        self.heard.put_nowait(change)

    async def next(self) -> StoredChange | None:
        async with asyncio.timeout(30):
            return await self.heard.get()


async def test_a_commit_of_another_thread_is_heard_on_the_loop(garden: Garden) -> None:
    hub, ear = ChangeHub(garden.store), Ear()
    hub.listen(LOCAL_TENANT, ear)

    await asyncio.to_thread(garden.tank)

    change = await ear.next()
    assert change is not None
    assert "tanks" in change.collections


async def test_other_gardens_are_not_heard(garden: Garden) -> None:
    hub, own, other = ChangeHub(garden.store), Ear(), Ear()
    hub.listen(LOCAL_TENANT, own)
    hub.listen("other", other)

    garden.tank()

    assert await own.next() is not None
    assert other.heard.empty()


async def test_whoever_has_left_hears_nothing_more(garden: Garden) -> None:
    hub, gone, there = ChangeHub(garden.store), Ear(), Ear()
    leave = hub.listen(LOCAL_TENANT, gone)
    hub.listen(LOCAL_TENANT, there)
    leave()
    leave()

    garden.tank()

    assert await there.next() is not None
    assert gone.heard.empty()
    assert hub.listener_count == 1


async def test_a_stop_from_any_thread_is_told_to_all_and_to_those_who_come_later(
    garden: Garden,
) -> None:
    hub, early, late = ChangeHub(garden.store), Ear(), Ear()
    hub.listen(LOCAL_TENANT, early)

    stopper = threading.Thread(target=hub.stop)
    stopper.start()
    stopper.join()
    hub.stop()
    hub.listen(LOCAL_TENANT, late)
    garden.tank()

    assert await early.next() is None
    assert await late.next() is None
    assert early.heard.empty()
    assert hub.listener_count == 0
