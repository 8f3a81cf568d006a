"""A server on a real socket, in a thread of the test's own process."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import uvicorn
from anyio._backends._asyncio import WorkerThread
from fastapi import FastAPI

from kamerplanter_backend.common.change_hub import ChangeHub
from kamerplanter_backend.common.dependencies import Server

PATIENCE_S = 60


def workers_where(is_so: Callable[[asyncio.AbstractEventLoop], bool]) -> list[threading.Thread]:
    """Return the threads on which a loop read files or sent archives.

    They end by themselves when the loop has done its work, but a moment later.
    """
    workers = [thread for thread in threading.enumerate() if isinstance(thread, WorkerThread)]
    return [worker for worker in workers if is_so(worker.loop)]


class LiveServer:
    """Serves an application on a free port of the loopback until it is stopped."""

    def __init__(self, app: FastAPI, *, port: int = 0, http: Any = "auto") -> None:
        self._app = app
        self._hub: ChangeHub = app.state.server.hub
        config = uvicorn.Config(
            app,
            host="127.0.0.1",
            port=port,
            http=http,
            log_config=None,
            timeout_graceful_shutdown=2,
            lifespan="on",
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        deadline = time.monotonic() + PATIENCE_S
        while not self._server.started:
            assert self._thread.is_alive(), "the server did not start"
            assert time.monotonic() < deadline, "the server did not start in time"
            time.sleep(0.01)
        listening: Any = self._server.servers[0].sockets[0]
        self.port: int = listening.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._server.server_state.connections)

    def serve(self, server: Server) -> None:
        """Let another server answer from now on; open connections stay."""
        self._app.state.server = server

    def stop(self) -> None:
        """Stop it with all its streams; harmless when called again. The store is closed."""
        self._hub.stop()
        self._server.should_exit = True
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive(), "the server did not stop"
        for worker in workers_where(lambda loop: loop.is_closed()):
            worker.join(PATIENCE_S)
