"""What Home Assistant's tests find by the debug mode of the loop is found here, too."""

import asyncio
import threading
from collections.abc import Callable

import pytest


def _elsewhere(call: Callable[[], object]) -> list[Exception]:
    """Return what a call raises in another thread."""
    raised: list[Exception] = []

    def run() -> None:
        try:
            call()
        except RuntimeError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return raised


async def test_a_call_from_another_thread_is_refused() -> None:
    loop = asyncio.get_running_loop()

    (error,) = _elsewhere(lambda: loop.call_soon(print))

    assert "Non-thread-safe operation" in str(error)


async def test_who_holds_the_loop_up_is_named(caplog: pytest.LogCaptureFixture) -> None:
    loop = asyncio.get_running_loop()
    loop.slow_callback_duration = 0

    await asyncio.sleep(0)
    loop.slow_callback_duration = 0.1

    assert "test_who_holds_the_loop_up_is_named" in caplog.text
