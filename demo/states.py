"""What Home Assistant shows: states as they change, and where each entity is found."""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from demo.api import Api, ApiError, Json

DOMAIN = "kamerplanter"
HUB = "garden"

type Name = tuple[str, str]
"""Title of the thing (or `garden`) and key of the entity's row, e.g. `("Basil", "phase")`."""


class StateError(Exception):
    """Something was not shown in time, or is not what it should be."""


def not_shown() -> frozenset[str]:
    """Return the states that say that there is no value."""
    return frozenset({"unknown", "unavailable"})


@dataclass(frozen=True, slots=True)
class State:
    """One state of an entity."""

    entity_id: str
    state: str
    attributes: Json
    changed_at: datetime
    seen_s: float
    """When we got it, on the clock of the event loop. [s]"""

    @property
    def number(self) -> float | None:
        """The state as a number; none = it is not one."""
        try:
            return float(self.state)
        except ValueError:
            return None


class States:
    """All states of one Home Assistant, followed over its WebSocket connection."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.ids: dict[Name, str] = {}
        self.now: dict[str, State] = {}
        self.listeners: list[Callable[[State | None, State], None]] = []
        self._entry_id = ""
        self._changed = asyncio.Event()

    async def follow(self, entry_id: str) -> None:
        """Begin to follow; needed again after each connection."""
        self.now.clear()
        self._entry_id = entry_id
        if self.api.socket is None:
            raise ApiError("follow", "closed", "not connected")
        await self.api.socket.subscribe(
            self._on_change, "subscribe_events", event_type="state_changed"
        )
        for state in await self.api.command("get_states"):
            self.now.setdefault(state["entity_id"], _state(state))
        await self.find()

    async def find(self) -> None:
        """Look up which entity shows what; the registry decides, not the names."""
        titles = {
            subentry["subentry_id"]: subentry["title"]
            for subentry in await self.api.command(
                "config_entries/subentries/list", entry_id=self._entry_id
            )
        }
        self.ids = {
            # A unique id is the key of the object, which has no underscore, and the row's key.
            (
                titles.get(entity["config_subentry_id"], HUB),
                entity["unique_id"].split("_", 1)[1],
            ): entity["entity_id"]
            for entity in await self.api.command("config/entity_registry/list")
            if entity["platform"] == DOMAIN
        }

    async def until_known(self, names: Iterable[Name], seconds: float) -> bool:
        """Wait until all these entities are registered; says whether they are."""
        wanted = set(names)
        deadline = asyncio.get_running_loop().time() + seconds
        while wanted - self.ids.keys():
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(0.1)
            await self.find()
        return True

    def get(self, subject: str, row: str) -> State | None:
        """Return the present state of an entity; none = it is not there."""
        return self.now.get(self.ids.get((subject, row), ""))

    async def until(
        self, subject: str, row: str, fits: Callable[[State], bool], seconds: float, what: str
    ) -> State:
        """Wait until the state of an entity fits.

        Raises:
            StateError: It did not in time.
        """
        deadline = asyncio.get_running_loop().time() + seconds
        while True:
            state = self.get(subject, row)
            if state is not None and fits(state):
                return state
            self._changed.clear()
            left_s = deadline - asyncio.get_running_loop().time()
            try:
                await asyncio.wait_for(self._changed.wait(), max(left_s, 0))
            except TimeoutError:
                shown = "no such entity" if state is None else f"{state.state} {state.attributes}"
                raise StateError(
                    f"{what}: {subject} {row} was not so within {seconds:.0f} s, but {shown}"
                ) from None

    def _on_change(self, event: Json) -> None:
        entity_id, new = event["data"]["entity_id"], event["data"]["new_state"]
        if new is None:
            self.now.pop(entity_id, None)
        else:
            old, state = self.now.get(entity_id), _state(new)
            self.now[entity_id] = state
            for listener in self.listeners:
                listener(old, state)
        self._changed.set()


def _state(state: Json) -> State:
    return State(
        entity_id=state["entity_id"],
        state=state["state"],
        attributes=state["attributes"],
        changed_at=datetime.fromisoformat(state["last_changed"]),
        seen_s=asyncio.get_running_loop().time(),
    )


def claim(is_so: bool, otherwise: str) -> None:
    """Check something that must be so.

    Raises:
        StateError: It is not; says what is in its place.
    """
    if not is_so:
        raise StateError(otherwise)


def is_state(wanted: str) -> Callable[[State], bool]:
    """Return what tells whether a state is the one that is wanted."""
    return lambda state: state.state == wanted


def is_number(state: State) -> bool:
    """Tell whether a state is a number."""
    return state.number is not None
