"""Whose line it is: what each line of the log says of the request that it belongs to.

One note a request, in one context variable: the threads that work for the request share it, so
that a caller who becomes known there is known in the request's own line too.
"""

from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

FIELDS = ("tenant_slug", "user_key", "request_id")
"""What every line says; null where nobody knows it."""

type Note = dict[str, str | None]

_NOBODY: Note = dict.fromkeys(FIELDS)
_NOTE: ContextVar[Note | None] = ContextVar("log_note", default=None)


def begin_note(request_id: str | None) -> Note:
    """Begin the note of a request, from whose task all its lines come; nobody is in it yet."""
    note = {**_NOBODY, "request_id": request_id}
    _NOTE.set(note)
    return note


def end_note() -> None:
    """End the note: what comes now belongs to no request."""
    _NOTE.set(None)


@contextmanager
def noted(request_id: str | None = None, **known: str) -> Iterator[Note]:
    """Keep a note during the block.

    Args:
        request_id: Of the request; none = it is no request, but a job.
        known: Who is in it from the beginning.
    """
    note = begin_note(request_id)
    note.update(known)
    try:
        yield note
    finally:
        end_note()


def note_down(**known: str) -> None:
    """Write down who calls and where; outside of requests there is nothing to write it on."""
    note = _NOTE.get()
    if note is not None:
        note.update(known)


def with_note(
    _logger: object, _method: str, line: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Return a line of the log with the note, as a processor; what it says itself stays."""
    for name, value in (_NOTE.get() or _NOBODY).items():
        line.setdefault(name, value)
    return line
