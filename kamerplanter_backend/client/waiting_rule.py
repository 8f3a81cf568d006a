"""What becomes of a command that the server did not take: the one rule of the queue.

| What happened | New command | What waits |
|---|---|---|
| It passes by itself: the server is away, breaks or is busy | is stored and sent later | waits |
| A person must end it: key, membership, suspension, version | is refused, with the reason | waits |
| It is the fault of the command | is refused, with the reason | is taken out and reported |

Of readings nobody waits for news, so they are stored in the second case too.
"""

from typing import Any

from kamerplanter_backend.client.protocol import Command
from kamerplanter_backend.client.requests import RecordReadings
from kamerplanter_backend.client.wire import CLOSED
from kamerplanter_backend.common.exceptions import (
    HostRefusedError,
    IncompatibleServerError,
    NotFoundError,
    RateLimitedError,
    RequestTimeoutError,
    TenantSuspendedError,
    UnauthorizedError,
    UnavailableError,
)
from kamerplanter_engines.errors import KamerplanterError

_BUSY: tuple[type[KamerplanterError], ...] = (RateLimitedError, RequestTimeoutError)
_REFUSING_US: tuple[type[KamerplanterError], ...] = (
    HostRefusedError,
    IncompatibleServerError,
    TenantSuspendedError,
    UnauthorizedError,
)


def is_away(error: KamerplanterError) -> bool:
    """Tell whether the server cannot be reached, or cannot answer."""
    if not isinstance(error, UnavailableError) or isinstance(error, IncompatibleServerError):
        return False
    return error.placeholders.get("reason") != CLOSED


def passes_by_itself(error: KamerplanterError) -> bool:
    """Tell whether the server may take the same thing later without anybody doing anything."""
    return is_away(error) or isinstance(error, _BUSY)


def needs_a_person(error: KamerplanterError) -> bool:
    """Tell whether the server, or we, will have nothing to do with the other until one acts."""
    if isinstance(error, NotFoundError):
        return error.placeholders.get("kind") == "tenants"  # we were put out of the garden
    return isinstance(error, _REFUSING_US)


def is_passing(error: KamerplanterError) -> bool:
    """Tell whether an error is not the fault of what was sent: what waits goes on waiting."""
    return isinstance(error, UnavailableError) or passes_by_itself(error) or needs_a_person(error)


def may_wait(command: Command[Any], error: KamerplanterError) -> bool:
    """Tell whether a new command is stored because of an error, and sent later."""
    is_reading = isinstance(command, RecordReadings)
    return passes_by_itself(error) or (is_reading and needs_a_person(error))
