"""How long whoever calls waits for a server that took the connection and says nothing."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from kamerplanter_backend.client.protocol import Command, Request
from kamerplanter_backend.client.requests import RecordReadings
from kamerplanter_backend.client.wire import TIMEOUT
from kamerplanter_backend.common.exceptions import UnavailableError


def is_waited_for(request: Request[Any]) -> bool:
    """Tell whether somebody waits for an answer who need not wait long.

    What may be stored is sent from there with all patience, and a question can be asked again.
    What must happen now or never is not given up so soon, for nobody would know whether it
    happened. Behind readings, which may be many and slow to send, nobody waits.
    """
    may_be_stored = not isinstance(request, Command) or request.queueable
    return may_be_stored and not isinstance(request, RecordReadings)


async def within[R](seconds: float, asked: Awaitable[R]) -> R:
    """Return an answer that comes in time.

    Args:
        seconds: So long is waited for it. [s]
        asked: What brings the answer; it is given up.

    Raises:
        UnavailableError: It did not come; what was asked may be done all the same.
    """
    try:
        async with asyncio.timeout(seconds):
            return await asked
    except TimeoutError as error:
        raise UnavailableError(
            f"The server did not answer within {seconds:g} s; check that it runs.", reason=TIMEOUT
        ) from error


def is_cancelled() -> bool:
    """Tell whether the caller itself has given up."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
