"""The story of a garden on a server: the same, and what happens while the server is away."""

from collections.abc import Callable, Mapping
from typing import override

from demo.api import ApiError
from demo.garden_setup import BASIL, TANK_NAME, TOMATO
from demo.server import DemoServer
from demo.session import Session
from demo.states import HUB, State, StateError, claim, is_number, is_state
from demo.story import OWN_TASK, Step, Story


class ServerStory(Story):
    """Plays the story in a session whose garden is on a server."""

    def __init__(self, session: Session, server: DemoServer, say: Callable[[str], None]) -> None:
        super().__init__(session, say)
        self._server = server

    @override
    def more_steps(self) -> Mapping[str, Step]:
        return {"the server goes and comes back": self._server_is_lost}

    async def _server_is_lost(self) -> str:
        """Show what is entered while the server is away, and bring it there later."""
        server = self._server
        task = await self._task(OWN_TASK, "", "needs_action", 2)
        await server.stop()
        await self._states.until(HUB, "server_connected", is_state("off"), 30, "server gone")
        await self._states.until(
            BASIL, "karenz_active", is_state("on"), 2, "Karenz without a server"
        )
        ph = self._states.get(TANK_NAME, "ph")
        claim(ph is not None and is_number(ph), "a value went with the server")
        await self._update_item(task["uid"], status="completed")
        await self._task(OWN_TASK, "", "completed", 5)
        depth = await self._states.until(HUB, "queue_depth", _is_more_than_none, 5, "it waits")
        try:
            await self._api.call_action(
                "kamerplanter.log_harvest",
                {"entity_id": self._states.ids[TOMATO, "phase"], "weight_g": 10},
            )
        except ApiError:
            pass
        else:
            raise StateError("a harvest was booked while the server was away")
        await server.start()
        await self._states.until(HUB, "server_connected", is_state("on"), 70, "the server is back")
        await self._states.until(HUB, "queue_depth", is_state("0"), 70, "all was delivered")
        await self._task(OWN_TASK, "", "completed", 5)
        return f"{depth.state} commands waited and were delivered"


def _is_more_than_none(state: State) -> bool:
    return (state.number or 0) > 0
