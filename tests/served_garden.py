"""A garden on a server with a real socket, and clients of it."""

from typing import Any

from fastapi import FastAPI

from kamerplanter_backend.client.rest import RestClient
from kamerplanter_backend.client.transport import Waits
from kamerplanter_backend.common.dependencies import Server
from kamerplanter_backend.config.settings import Mode
from kamerplanter_backend.domain.services.tenant_service import PLATFORM_KEY
from kamerplanter_backend.main import create_app, open_server
from tests.backend.api.harness import Clock, settings_of
from tests.live_server import LiveServer
from tests.shared_garden import SharedGarden

QUICK = Waits(
    connect_s=20, total_s=30, answer_s=20, retry_s=0.01, silence_s=20, longest_pause_s=0.2
)
"""Quick to try again, and patient with a machine that is busy."""

_APPS: dict[Mode, FastAPI] = {}


class ServedGarden:
    """A server in memory whose clock only a test moves, and one garden on it.

    In full mode the client is an administrator of the garden and has an API key for it.
    """

    def __init__(self, *, is_full: bool = False) -> None:
        mode = Mode.FULL if is_full else Mode.LIGHT
        self.clock = Clock()
        self.server = open_server(settings_of(mode, run_jobs=False), clock=self.clock)
        self.slug = PLATFORM_KEY
        self.token: str | None = None
        if is_full:
            self.shared = SharedGarden(self.server)
            self.slug, self.token = self.shared.slug, self.shared.raw_key
        self.live = LiveServer(_app_of(self.server))

    @property
    def tenant_key(self) -> str:
        """Key of the garden."""
        return self.shared.tenant.key if self.token else PLATFORM_KEY

    def client(self, *, waits: Waits = QUICK, **options: Any) -> RestClient:
        """Return a client of its own."""
        said: dict[str, Any] = {"slug": self.slug, "token": self.token} | options
        return RestClient(self.live.url, waits=waits, **said)

    def stop(self) -> None:
        """Stop the server; what it stored is gone."""
        self.live.stop()


def _app_of(server: Server) -> FastAPI:
    """Return the application on a server; its routes are made once, which takes seconds."""
    mode = server.settings.mode
    app = _APPS.get(mode)
    if app is None:
        app = _APPS[mode] = create_app(server)
    app.state.server = server
    return app
