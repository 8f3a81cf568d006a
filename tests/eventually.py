"""Waits for what happens elsewhere: in another thread, another process, or later on the loop."""

import asyncio
from collections.abc import Callable

PATIENCE_S = 60


async def eventually(is_so: Callable[[], bool]) -> None:
    """Return as soon as something is so; it must become so within the patience of a test."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - nobody tells when it happens
            await asyncio.sleep(0.005)
