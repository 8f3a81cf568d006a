"""A process that queues and delivers commands until it is killed.

Arguments: address of the server, file of the queue, number of commands, and how many answers it
hears before it hears nothing any more (none = all).
Says `stored N` once command N is on the disk, `open D` at the start with the depth, and `empty`
when nothing waits any more.
"""

import asyncio
import sys
from pathlib import Path
from typing import override

from kamerplanter_backend.client.command_queue import open_queue
from kamerplanter_backend.client.protocol import Caller, Request
from kamerplanter_backend.client.requests import AddTask
from kamerplanter_backend.client.rest import RestClient
from kamerplanter_backend.client.transport import Waits
from kamerplanter_backend.common.exceptions import QueuedError
from kamerplanter_engines.models.task import TaskFields
from tests.eventually import eventually

WAITS = Waits(connect_s=20, total_s=20, answer_s=20, retry_s=0.01, attempts=1, longest_pause_s=0.05)


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


class Deaf(RestClient):
    """Hears some answers; those that come after them it never hears."""

    left: int | None = None

    @override
    async def call[R](self, request: Request[R], caller: Caller | None = None) -> R:
        answer = await super().call(request, caller)
        if self.left is not None:
            if not self.left:
                await asyncio.Event().wait()
            self.left -= 1
        return answer


async def main(url: str, path: Path, count: int, heard: int | None) -> None:
    inner = Deaf(url, slug="platform", waits=WAITS)
    inner.left = heard
    client = await open_queue(inner, path, waits=WAITS)
    say("open", client.state.depth)
    for number in range(count):
        try:
            await client.call(AddTask(fields=TaskFields(title=f"t{number:03}")))
        except QueuedError:
            say("stored", number)
    await eventually(lambda: client.state.depth == 0)
    say("empty")
    await client.close()


if __name__ == "__main__":
    most = int(sys.argv[4]) if sys.argv[4:] else None
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), most))
