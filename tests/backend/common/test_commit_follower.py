"""Two processes on one store hear of each other's commits, in their order."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from kamerplanter_backend.bootstrap import open_store
from kamerplanter_backend.common.commit_follower import CommitFollower
from kamerplanter_backend.domain.interfaces.change_feed import StoredChange
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from tests.eventually import eventually


def commit(store: DocumentStore, garden: str, collection: str = "tanks") -> None:
    """Change something in a garden."""
    with store.begin(frozenset({collection})) as transaction:
        transaction.note_change(collection, garden)


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[DocumentStore, DocumentStore]]:
    """Return two stores on one file, as two processes have them."""
    ours, other = open_store(tmp_path / "garden.db"), open_store(tmp_path / "garden.db")
    yield ours, other
    ours.close()
    other.close()


def gardens(heard: list[StoredChange]) -> list[str]:
    return [change.tenant_key for change in heard]


async def test_what_another_process_commits_is_heard_soon(
    stores: tuple[DocumentStore, DocumentStore],
) -> None:
    ours, other = stores
    follower = CommitFollower(ours)
    heard: list[StoredChange] = []
    follower.subscribe(heard.append)
    follower.start()

    commit(other, "theirs")

    await eventually(lambda: gardens(heard) == ["theirs"])
    follower.stop()


async def test_our_own_are_heard_at_once_and_each_only_once_in_the_order_of_all(
    stores: tuple[DocumentStore, DocumentStore],
) -> None:
    ours, other = stores
    follower = CommitFollower(ours, look_every_s=60)
    heard: list[StoredChange] = []
    end = follower.subscribe(heard.append)
    follower.start()
    commit(ours, "first")
    assert gardens(heard) == ["first"]

    commit(other, "second")
    commit(ours, "third")

    # Ours waits for the other's, and does not wait for the next look of the minute.
    await eventually(lambda: len(heard) == 3)
    assert gardens(heard) == ["first", "second", "third"]
    cursors = [change.cursor for change in heard]
    assert cursors == sorted(set(cursors))
    assert follower.look() == 0
    end()
    commit(ours, "nobody listens")
    follower.stop()
    assert len(heard) == 3


def test_a_listener_that_fails_keeps_nobody_from_hearing(
    stores: tuple[DocumentStore, DocumentStore], caplog: pytest.LogCaptureFixture
) -> None:
    ours, other = stores
    follower = CommitFollower(ours)
    heard: list[StoredChange] = []

    def fail(_change: StoredChange) -> None:
        raise RuntimeError("a fault of ours")

    follower.subscribe(fail)
    follower.subscribe(heard.append)
    commit(other, "theirs")

    assert follower.look() == 1
    assert gardens(heard) == ["theirs"]
    assert "A listener failed" in caplog.text


def test_changes_of_all_gardens_are_told_from_those_of_one(
    stores: tuple[DocumentStore, DocumentStore],
) -> None:
    store, _ = stores
    start = store.last_cursor()
    for garden in ("a", "b", "a"):
        commit(store, garden)

    assert gardens(list(store.changes_since(start, None) or ())) == ["a", "b", "a"]
    assert gardens(list(store.changes_since(start, "b") or ())) == ["b"]
