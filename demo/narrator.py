"""Says in a line what happens in the garden, and lets the garden answer to finished tasks."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from demo.api import Json
from demo.garden_setup import BASIL, BASIL_PROBE, TANK_NAME, TENT_NAME, TOMATO, TOMATO_PROBE
from demo.states import HUB, State, States, not_shown

type Say = Callable[[str], None]

PROBLEMS = {
    "ph_problem": ("pH", "ph"),
    "ec_problem": ("EC", "ec"),
    "temperature_problem": ("water temperature", "water_temperature"),
    "level_low": ("level", "level"),
}
"""Row of the problem: what it is called, and the row of its value."""
PROBES = (TANK_NAME, TENT_NAME, BASIL_PROBE, TOMATO_PROBE)


def say(text: str) -> None:
    """Print a line with the time of day."""
    print(f"{datetime.now().astimezone():%H:%M:%S}  {text}", flush=True)


class Narrator:
    """Follows states and the to-do list of one Home Assistant."""

    def __init__(self, states: States, say: Say, on_done: Callable[[str], str | None]) -> None:
        self._states = states
        self._say = say
        self._on_done = on_done
        self._items: dict[str, str] | None = None
        states.listeners.append(self._on_state)

    async def follow_tasks(self) -> None:
        """Begin to follow the to-do list; needed again after each connection."""
        socket, entity_id = self._states.api.socket, self._states.ids.get((HUB, "tasks"))
        if socket is not None and entity_id is not None:
            await socket.subscribe(self._on_items, "todo/item/subscribe", entity_id=entity_id)

    def _on_items(self, event: Json) -> None:
        items = {item["uid"]: item for item in event["items"]}
        before, self._items = self._items, {uid: item["status"] for uid, item in items.items()}
        for uid, item in items.items():
            was = None if before is None else before.get(uid)
            if item["status"] == "needs_action" and was != "needs_action":
                self._say(f"task due: {_title(item)}")
            elif item["status"] == "completed" and was == "needs_action":
                self._say(f"task done: {_title(item)}")
                if answer := self._on_done(item["summary"]):
                    self._say(f"  {answer}")

    def _on_state(self, old: State | None, new: State) -> None:
        if old is None or old.state == new.state:
            return
        subject, row = self._name(new.entity_id)
        is_news = old.state not in not_shown()
        if row in PROBLEMS and (is_news or new.state == "on"):
            self._tell_problem(subject, row, new)
        elif row == "karenz_active" and is_news and new.state not in not_shown():
            began = "began" if new.state == "on" else "ended"
            self._say(f"Karenz {began}: {subject} ({new.attributes.get('product')})")
        elif row == "measurement_quality" and is_news and subject in PROBES:
            self._say(f"measurement quality of {subject}: {new.state}{_reasons(new.attributes)}")

    def _tell_problem(self, subject: str, row: str, new: State) -> None:
        what, value_row = PROBLEMS[row]
        value = self._states.get(subject, value_row)
        shown = "" if value is None or value.number is None else f" ({value.number:g})"
        if new.state == "on":
            side = new.attributes.get("side") or "out of band"
            self._say(f"reading out of band: {what} of {subject} is {side}{shown}")
        elif new.state == "off":
            self._say(f"back in band: {what} of {subject}{shown}")

    def _name(self, entity_id: str) -> tuple[str, str]:
        for name, known in self._states.ids.items():
            if known == entity_id:
                return name
        return "", ""


def _title(item: Json) -> str:
    due = item.get("due")
    return f"{item['summary']}{f' (due {due})' if due else ''}"


def _reasons(attributes: Mapping[str, Any]) -> str:
    ending = "_reasons"
    return "".join(
        f"; {name.removesuffix(ending)}: {', '.join(words)}"
        for name, words in attributes.items()
        if name.endswith(ending) and name != f"worst{ending}"
    )


def gardener(command: Callable[[Mapping[str, object]], None]) -> Callable[[str], str | None]:
    """Return what does in the simulated garden what a person ticks off in the list.

    Args:
        command: Takes a command of the simulator.
    """
    answers: tuple[tuple[tuple[str, ...], Mapping[str, object], str], ...] = (
        (("Water", BASIL), {"pot": "basil", "water_ml": 900}, "900 mL of water on the basil"),
        (("Water", TOMATO), {"pot": "tomato", "water_ml": 900}, "900 mL of water on the tomato"),
        (("pH", TANK_NAME), {"dose_ph_down_ml": 10}, "10 mL of acid into the tank"),
        (("EC", TANK_NAME), {"top_up_l": 8}, "8 L of tap water into the tank"),
        (("Refill", TANK_NAME), {"top_up_l": 20}, "20 L of tap water into the tank"),
    )

    def on_done(summary: str) -> str | None:
        for words, what, told in answers:
            if all(word in summary for word in words):
                command(what)
                return told
        return None

    return on_done
