"""Whose lines of the log are: what the server would write of each."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kamerplanter_backend.common.log_context import with_note


@contextmanager
def slugs_of_lines(caplog: pytest.LogCaptureFixture) -> Iterator[list[tuple[str, str | None]]]:
    """Collect each line of the block with the garden that it is noted for."""
    found: list[tuple[str, str | None]] = []

    def keep(record: logging.LogRecord) -> bool:
        # While it is written: afterwards nobody knows any more.
        line = with_note(None, "", {"event": record.getMessage()})
        found.append((line["event"], line["tenant_slug"]))
        return True

    caplog.handler.addFilter(keep)
    try:
        yield found
    finally:
        caplog.handler.removeFilter(keep)
