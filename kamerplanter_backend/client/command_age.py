"""Until when a stored command may be sent."""

from datetime import datetime, timedelta

from kamerplanter_backend.client.queue_file import StoredCommand
from kamerplanter_backend.common.exceptions import CommandExpiredError

KEPT = timedelta(days=14)
"""Older commands are not sent any more, unless a person asks for it."""
KEY_MEMORY = timedelta(days=29)
"""So long a server knows for certain what it has done under a key; it remembers 30 days."""


def is_too_old(command: StoredCommand, now: datetime) -> bool:
    """Tell whether a waiting command is not sent any more."""
    return now - command.queued_at > KEPT or is_forgotten(command, now)


def is_forgotten(command: StoredCommand, now: datetime) -> bool:
    """Tell whether a server that did a command may do it once more, as it forgot the key.

    A reading is stored once by its channel and time, whatever its key is.
    """
    return not command.is_readings and now - command.called_at > KEY_MEMORY


def expired(command: StoredCommand) -> CommandExpiredError:
    """Return the error that says that a command is too old to be sent."""
    day = command.called_at.date().isoformat()
    return CommandExpiredError(
        f"Stored on {day} and not delivered in time; enter it again if it still counts.",
        key=command.command_key,
        date=day,
    )
