"""A process that queues and delivers commands until it is killed.

Arguments: address of the server, file of the queue, number of commands.
Says `stored N` once command N is on the disk, `open D` at the start with the depth, and `empty`
when nothing waits any more.
"""

import asyncio
import sys
from pathlib import Path

from kamerplanter_backend.client.command_queue import open_queue
from kamerplanter_backend.client.requests import AddTask
from kamerplanter_backend.client.rest import RestClient
from kamerplanter_backend.client.transport import Waits
from kamerplanter_backend.common.exceptions import QueuedError
from kamerplanter_engines.models.task import TaskFields
from tests.eventually import eventually

WAITS = Waits(connect_s=2, total_s=5, retry_s=0.01, attempts=1, longest_pause_s=0.05)


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def main(url: str, path: Path, count: int) -> None:
    client = await open_queue(RestClient(url, slug="platform", waits=WAITS), path, waits=WAITS)
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
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])))
