"""Commands that may wait for a server: that they wait is no failure, and is told elsewhere."""

from kamerplanter_backend.client.protocol import Caller, Command, KamerplanterClient
from kamerplanter_backend.common.exceptions import QueuedError


async def call_or_queue[R](
    client: KamerplanterClient, command: Command[R], caller: Caller
) -> R | None:
    """Do a thing; none = the server is away, and the command is stored and will be sent.

    What waits is shown as done where that is possible, by a repair issue and by the depth of the
    queue.

    Raises:
        KamerplanterError: It was refused; nothing was written.
    """
    try:
        return await client.call(command, caller)
    except QueuedError:
        return None
