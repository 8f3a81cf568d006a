"""The queue in a process that is killed, over a real socket to a real server."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

import pytest

from kamerplanter_backend.common.context import Role
from tests.served_garden import ServedGarden

pytestmark = pytest.mark.usefixtures("socket_enabled")

CHILD = Path(__file__).with_name("queue_child.py")
ROOT = Path(__file__).parents[3]
COUNT = 60
MOST_AT_ONCE = 12
"""A process delivers no more before it is killed, however late the test comes to kill it."""


@contextmanager
def child(url: str, path: Path, count: int, *more: int) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, str(CHILD), url, str(path), str(count), *map(str, more)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def until(process: subprocess.Popen[str], word: str) -> list[str]:
    """Return the lines that a child says until one begins with a word."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line.strip())
        if line.startswith(word):
            return said
    raise AssertionError(said)


def titles(served: ServedGarden) -> list[str]:
    """Return the titles of all tasks, in the order in which they were made."""
    context = served.server.contexts.make(
        served.tenant_key, actor="test", role=Role.VIEWER, now=served.clock()
    )
    tasks = served.server.services.home.snapshot(context).tasks
    return [str(task.title) for task in sorted(tasks, key=lambda task: task.key)]


async def test_a_process_that_is_killed_loses_and_repeats_nothing(tmp_path: Path) -> None:
    await asyncio.to_thread(_kill_and_look, tmp_path)


def _kill_and_look(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
    path = tmp_path / "queue.db"
    random = Random(4)  # noqa: S311 - no secret
    with child(nobody, path, COUNT) as process:  # the server is away: all of them wait
        said = until(process, f"stored {COUNT - 1}")
        process.send_signal(signal.SIGKILL)
    assert said == ["open 0", *(f"stored {number}" for number in range(COUNT))]

    served = ServedGarden()
    try:
        depths = [COUNT]
        while len(depths) < 6:  # it comes back, and is killed in the delivery
            goal = len(titles(served)) + random.randrange(1, MOST_AT_ONCE)
            with child(served.live.url, path, 0, MOST_AT_ONCE - 1) as process:
                depths.append(int(until(process, "open")[0].split()[1]))
                while len(titles(served)) < goal:
                    time.sleep(0.002)
                process.send_signal(signal.SIGKILL)
        with child(served.live.url, path, 0) as process:
            until(process, "empty")

        assert 0 < depths[-1] < COUNT
        arrived = titles(served)
        assert Counter(arrived) == Counter(f"t{number:03}" for number in range(COUNT))
        assert arrived == sorted(arrived)
    finally:
        served.stop()
