"""A real Kamerplanter server in a process of its own, in light mode, with a folder of its own."""

import sys
from pathlib import Path

from demo.ports import free_port
from demo.processes import Child, clean_environment, wait_for_port
from kamerplanter_backend.client.protocol import Caller
from kamerplanter_backend.client.requests import SetSite
from kamerplanter_backend.client.rest import RestClient
from kamerplanter_backend.common.context import Role
from kamerplanter_engines.models.site import SiteFields

START_SECONDS = 40
GARDEN_SLUG = "platform"
"""The only garden of a server without accounts."""


class DemoServer:
    """Started on a free loopback port; it can be ended and started again at the same address.

    Args:
        folder: Where its store and its log are.
    """

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        env = clean_environment() | {
            "KAMERPLANTER_MODE": "light",
            "KAMERPLANTER_ENVIRONMENT": "development",
            "KAMERPLANTER_STORE": f"sqlite:///{folder.absolute() / 'server.db'}",
            "KAMERPLANTER_HOST": "127.0.0.1",
            "KAMERPLANTER_PORT": str(self.port),
            # The story makes its own garden, through the dialogs.
            "KAMERPLANTER_DEMO_GARDEN": "false",
            "KAMERPLANTER_ANNOUNCE": "false",
        }
        self._child = Child(
            "the Kamerplanter server",
            (sys.executable, "-m", "kamerplanter_backend.cli", "serve"),
            log=folder / "server.log",
            env=env,
        )

    @property
    def address(self) -> str:
        """What a person types to connect to it."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            ChildError: It did not come up.
        """
        await self._child.start()
        await wait_for_port(self.port, self._child, START_SECONDS)

    async def place(self, fields: SiteFields) -> None:
        """Say where the garden is."""
        client = RestClient(self.address, slug=GARDEN_SLUG)
        try:
            await client.call(SetSite(fields=fields), Caller(role=Role.ADMIN))
        finally:
            await client.close()

    async def stop(self) -> None:
        """End it in order; what it stored stays."""
        await self._child.stop()

    def log_tail(self, lines: int = 30) -> str:
        """Return the end of its log."""
        return self._child.log_tail(lines)
