"""The reader of changes goes on, whatever happens to its stream."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import override

import aiohttp
import pytest
from aiohttp.base_protocol import BaseProtocol

from kamerplanter_backend.client.event_reader import EventReader
from kamerplanter_backend.client.protocol import Change
from kamerplanter_backend.client.transport import Transport, Waits
from kamerplanter_backend.common.exceptions import UnauthorizedError
from tests.eventually import PATIENCE_S, eventually

WAITS = Waits(connect_s=PATIENCE_S, longest_pause_s=0.01)
TOLD = Change(cursor=7, tenant_key="platform", collections=("tanks",))


class Scripted(Transport):
    """A way to a server whose streams fail as they are told, and then say what they are told."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__("http://server", token=None, session=None, waits=WAITS)
        self._failures = list(failures)
        self.opened = 0

    @asynccontextmanager
    @override
    async def stream(
        self, path: str, headers: Mapping[str, str]
    ) -> AsyncIterator[aiohttp.StreamReader]:
        """Fail once more, or tell of one change and stay silent."""
        self.opened += 1
        if self._failures:
            raise self._failures.pop(0)
        loop = asyncio.get_running_loop()
        protocol = BaseProtocol(loop)
        protocol.transport = asyncio.Transport()  # open, and silent after what follows
        lines = aiohttp.StreamReader(protocol, 2**16, loop=loop)
        lines.feed_data(b"event: ready\nid: 6\ndata: x\n\n")
        lines.feed_data(f"event: change\nid: 7\ndata: {TOLD.model_dump_json()}\n\n".encode())
        yield lines


@pytest.mark.parametrize(
    ("failure", "is_logged"),
    [(UnauthorizedError("Who?"), False), (RuntimeError("Session is closed"), True)],
    ids=["refused", "what nobody thought of"],
)
async def test_it_hears_again_after_a_failure(
    failure: Exception, is_logged: bool, caplog: pytest.LogCaptureFixture
) -> None:
    transport, heard, states = Scripted(failure), list[Change](), list[bool]()
    reader = EventReader(transport, "/changes", heard.append, states.append)

    reader.start("5")
    await eventually(lambda: TOLD in heard)
    reader.stop()

    assert transport.opened == 2
    assert states[:2] == [False, True]
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert bool(errors) is is_logged
