"""The headless run: a story with everything that must work, told by Home Assistant itself."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from demo.api import ApiError, Json
from demo.expected import DERIVED, JUDGED, LIVE
from demo.garden_setup import BASIL, BASIL_PROBE, TANK_NAME, TOMATO
from demo.log_check import check_log
from demo.session import Session
from demo.states import HUB, State, StateError, claim, is_number, is_state, not_shown

CHECK_SPEED = 240.0
"""30 minutes of hold time pass in 7.5 s, six hours of maximum age in 90 s."""
VALUE_SECONDS = 1.0
DERIVED_SECONDS = 2.0
"""How soon a value, and what follows from it, must be on the screen. [s]"""
MEASURED_ROUNDS = 8
DRY_PCT = 27
"""Clearly below the band of the plants, which begins at 30. [%]"""
PRODUCT, INGREDIENT, INTERVAL_D = "Neem oil", "azadirachtin", 7
OWN_TASK = "Clean the filter"


type Step = Callable[[], Awaitable[str]]
"""Does something, and returns what came of it."""


@dataclass(frozen=True, slots=True)
class Told:
    """One step of the story that worked."""

    step: str
    result: str
    seconds: float


class Story:
    """Plays the story in a session that has started."""

    def __init__(self, session: Session, say: Callable[[str], None]) -> None:
        self._session = session
        self._states = session.states
        self._simulator = session.simulator
        self._api = session.home.api
        self._say = say
        self._today = datetime.now(ZoneInfo(session.time_zone)).date()
        self.told: list[Told] = []

    async def play(self) -> None:
        """Play all steps in order.

        Raises:
            StateError: Something was not as it should be; says what.
            ApiError: Home Assistant refused something.
        """
        loop = asyncio.get_running_loop()
        for name, step in self.steps().items():
            began = loop.time()
            result = await step()
            self.told.append(Told(name, result, loop.time() - began))
            self._say(f"ok   {name}: {result}")

    def steps(self) -> Mapping[str, Step]:
        """Return what is played, in order; the log is looked at when all else is over."""
        return {
            "values are live": self._values_are_live,
            "values are quick": self._values_are_quick,
            "pH out of band makes one task": self._ph_leaves_its_band,
            "pH back closes the task": self._ph_comes_back,
            "dry soil makes a watering task": self._soil_dries,
            "completing it logs the watering": self._watering_is_done,
            "a treatment starts a Karenz": self._treatment,
            "a harvest inside it is refused": self._harvest_is_refused,
            "a failed probe shows nothing false": self._probe_fails,
            "all is there after a restart": self._restart,
            "readings go on after the broker was gone": self._broker_is_lost,
            **self.more_steps(),
            "the log is clean": self._log_is_clean,
        }

    def more_steps(self) -> Mapping[str, Step]:
        """Return what is played besides, where the garden is somewhere else."""
        return {}

    def table(self) -> str:
        """Return what was shown at the end, and how long each step took."""
        width = max(len(told.step) for told in self.told)
        lines = ["", "State at the end:"]
        for (subject, row), entity_id in sorted(self._states.ids.items()):
            if (state := self._states.now.get(entity_id)) is not None:
                unit = state.attributes.get("unit_of_measurement") or ""
                lines.append(f"  {subject:<14} {row:<20} {state.state} {unit}")
        lines += ["", "Steps:"]
        lines += [f"  {told.step:<{width}}  {told.seconds:5.1f} s" for told in self.told]
        total_s = sum(told.seconds for told in self.told)
        return "\n".join([*lines, f"check passed ({len(self.told)} steps, {total_s:.0f} s)"])

    # --- Readings -------------------------------------------------------------------------

    async def _values_are_live(self) -> str:
        for subject, row in LIVE:
            await self._states.until(subject, row, is_number, 20, "live value")
        for subject, row in DERIVED:
            await self._states.until(subject, row, _is_known, 20, "derived state")
        for subject in JUDGED:
            await self._states.until(
                subject, "measurement_quality", is_state("good"), 20, "quality"
            )
        return f"{len(LIVE)} values and {len(DERIVED)} derived states"

    async def _values_are_quick(self) -> str:
        sent: dict[float, float] = {}

        def remember(device: str, values: Mapping[str, float], at_s: float) -> None:
            if device == "tank":
                sent[values["ph"]] = at_s

        self._simulator.on_measured = remember
        worst_s, seen = 0.0, 0
        while seen < MEASURED_ROUNDS:
            before = self._states.get(TANK_NAME, "ph")
            state = await self._states.until(TANK_NAME, "ph", _is_not(before), 10, "next pH")
            if state.number in sent:
                worst_s, seen = max(worst_s, state.seen_s - sent[state.number]), seen + 1
        self._simulator.on_measured = None
        claim(worst_s <= VALUE_SECONDS, f"a value took {worst_s:.2f} s to become a state")
        return f"{seen} values, the slowest after {1000 * worst_s:.0f} ms"

    # --- Tank -----------------------------------------------------------------------------

    async def _ph_leaves_its_band(self) -> str:
        await self._states.until(TANK_NAME, "ph_problem", is_state("off"), 10, "before the dose")
        self._simulator.command({"dose_ph_up_ml": 14})
        state = await self._states.until(
            TANK_NAME, "ph_problem", is_state("on"), 40, "pH pushed out of band"
        )
        claim(state.attributes["reasons"] == ["high"], f"reasons are {state.attributes}")
        task = await self._task("pH", TANK_NAME, "needs_action", 3)
        # Readings go on out of band and must not make more tasks.
        await asyncio.sleep(3)
        again = await self._task("pH", TANK_NAME, "needs_action", 3)
        claim(again["uid"] == task["uid"], "the task was made anew")
        return f"{self._shown(TANK_NAME, 'ph')}, task “{task['summary']}”"

    async def _ph_comes_back(self) -> str:
        self._simulator.command({"dose_ph_down_ml": 14})
        await self._states.until(TANK_NAME, "ph_problem", is_state("off"), 40, "pH brought back")
        await self._no_task("pH", TANK_NAME, 3)
        return self._shown(TANK_NAME, "ph")

    # --- Plant ----------------------------------------------------------------------------

    async def _soil_dries(self) -> str:
        # Watered yesterday, so that watering today moves the next date.
        yesterday = self._today - timedelta(days=1)
        basil = self._states.ids[BASIL, "phase"]
        await self._api.call_action(
            "kamerplanter.log_watering", {"entity_id": basil, "at": f"{yesterday} 12:00:00"}
        )
        self._simulator.command({"pot": "basil", "drying_factor": 120})
        await self._states.until(
            BASIL_PROBE,
            "soil_moisture",
            lambda new: (new.number or 99) < DRY_PCT,
            40,
            "soil dries",
        )
        self._simulator.command({"pot": "basil", "drying_factor": 1})
        task = await self._task("Water", BASIL, "needs_action", 40)
        state = await self._states.until(
            BASIL, "needs_attention", is_state("on"), DERIVED_SECONDS, "dry soil wants attention"
        )
        claim("soil_dry" in state.attributes["reasons"], f"reasons are {state.attributes}")
        return f"{self._shown(BASIL_PROBE, 'soil_moisture')}, task “{task['summary']}”"

    async def _watering_is_done(self) -> str:
        task = await self._task("Water", BASIL, "needs_action", 1)
        before = self._states.get(BASIL, "next_watering")
        await self._update_item(task["uid"], status="completed")
        self._simulator.command({"pot": "basil", "water_ml": 1200})
        was = "?" if before is None else before.state
        claim(was == self._in_days(2), f"next watering was {was}")
        after = await self._states.until(
            BASIL,
            "next_watering",
            is_state(self._in_days(3)),
            DERIVED_SECONDS,
            "it moves",
        )
        last = str(after.attributes.get("last_watered"))
        claim(last == self._in_days(0), f"last watered is {last}")
        await self._task("Water", BASIL, "completed", 2)
        await self._states.until(BASIL, "needs_attention", is_state("off"), 30, "moist again")
        return f"next watering {was} -> {after.state}"

    async def _treatment(self) -> str:
        answer = await self._api.call_action(
            "kamerplanter.log_treatment",
            {
                "entity_id": self._states.ids[BASIL, "phase"],
                "product": PRODUCT,
                "ingredient": INGREDIENT,
                "interval_d": INTERVAL_D,
            },
            answers=True,
        )
        claim(answer["plants"][0]["karenz_active"] is True, f"the answer is {answer}")
        wait_s = DERIVED_SECONDS
        await self._states.until(BASIL, "karenz_active", is_state("on"), wait_s, "treated")
        await self._states.until(BASIL, "harvest_allowed", is_state("off"), wait_s, "treated")
        safe = self._safe_date()
        await self._states.until(BASIL, "safe_harvest_date", is_state(safe), wait_s, "treated")
        state = self._states.get(TOMATO, "harvest_allowed")
        claim(state is not None and state.state == "on", "the untreated plant is blocked too")
        return f"safe from {safe}"

    async def _harvest_is_refused(self) -> str:
        basil, tomato = (self._states.ids[name, "phase"] for name in (BASIL, TOMATO))
        try:
            await self._api.call_action(
                "kamerplanter.log_harvest", {"entity_id": basil, "weight_g": 40}
            )
        except ApiError as error:
            text = error.text
        else:
            raise StateError("a harvest inside the waiting period was not refused")
        for part in (BASIL, PRODUCT, self._safe_date()):
            claim(part in text, f"the refusal does not name {part}: {text}")
        verdict = await self._api.call_action(
            "kamerplanter.check_harvest",
            {"entity_id": basil, "on": self._safe_date()},
            answers=True,
        )
        claim(verdict["plants"][0]["allowed"] is True, f"blocked on the safe date: {verdict}")
        harvest = await self._api.call_action(
            "kamerplanter.log_harvest", {"entity_id": tomato, "weight_g": 250}, answers=True
        )
        claim("harvest_id" in harvest["plants"][0], f"the other plant: {harvest}")
        return text

    async def _probe_fails(self) -> str:
        self._simulator.command({"device": "tank", "sensor": "ph", "fault": "dead"})
        self._simulator.command({"device": "tank", "sensor": "temp", "fault": "dead"})
        state = await self._states.until(
            TANK_NAME, "measurement_quality", is_state("bad"), 10, "pH sends NaN, temperature -127"
        )
        for row in ("ph", "water_temperature"):
            shown = self._states.get(TANK_NAME, row)
            claim(shown is not None and is_number(shown), f"{row} lost its last good value")
        # Which of the two came first is chance; the other one follows.
        reasons = {
            name: words for name, words in state.attributes.items() if name.endswith("_reasons")
        }
        for sensor in ("ph", "temp"):
            self._simulator.command({"device": "tank", "sensor": sensor, "fault": "none"})
        await self._states.until(TANK_NAME, "measurement_quality", is_state("good"), 20, "mended")
        return f"reasons {reasons}"

    # --- Restart, broker, log ---------------------------------------------------------------

    async def _restart(self) -> str:
        await self._api.call_action(
            "todo.add_item",
            {
                "entity_id": self._states.ids[HUB, "tasks"],
                "item": OWN_TASK,
                "due_date": self._in_days(1),
            },
        )
        self._simulator.is_silent = True
        await asyncio.sleep(2)
        before = self._states.get(TANK_NAME, "ph")
        items = {item["uid"]: item["status"] for item in await self._items()}
        await self._session.restart()
        state = await self._states.until(TANK_NAME, "ph", is_number, 5, "value after a restart")
        claim(before is not None and state.state == before.state, f"was {before}, is {state}")
        claim(bool(state.attributes.get("restored")), f"not marked as old: {state.attributes}")
        age_s = _age_s(state)
        for row in ("ec_problem", "ph_problem", "temperature_problem", "level_low"):
            problem = self._states.get(TANK_NAME, row)
            claim(problem is not None and problem.state != "on", f"false alarm: {row}")
        await self._states.until(BASIL, "karenz_active", is_state("on"), 5, "Karenz is kept")
        after = {item["uid"]: item["status"] for item in await self._items()}
        claim(items == after, f"tasks were {items}, are {after}")
        await self._task(OWN_TASK, "", "needs_action", 1)
        self._simulator.is_silent = False
        await self._states.until(
            TANK_NAME, "ph", lambda new: "restored" not in new.attributes, 10, "fresh value"
        )
        return f"{len(after)} tasks, Karenz, pH {state.state} shown as {age_s:.0f} s old"

    async def _broker_is_lost(self) -> str:
        gone, back = self._logged("broker is gone"), self._logged("broker is back")
        await self._session.broker.kill()
        await asyncio.sleep(3)
        kept = self._states.get(TANK_NAME, "ph")
        claim(kept is not None and is_number(kept), f"the value went with the broker: {kept}")
        loop = asyncio.get_running_loop()
        began = loop.time()
        await self._session.broker.start()
        await self._states.until(
            TANK_NAME,
            "ph",
            lambda new: new.seen_s > began and is_number(new),
            30,
            "broker is back",
        )
        gone, back = self._logged("broker is gone") - gone, self._logged("broker is back") - back
        claim((gone, back) == (1, 1), f"{gone} log lines at its loss, {back} at its return")
        return f"values stayed; fresh ones {loop.time() - began:.1f} s after its return"

    def _logged(self, text: str) -> int:
        return sum(text in line for line in self._session.home.log_lines())

    async def _log_is_clean(self) -> str:
        return check_log(self._session.home.log_lines())

    # --- The to-do list -----------------------------------------------------------------------

    async def _items(self) -> list[Json]:
        entity_id = self._states.ids[HUB, "tasks"]
        answer = await self._api.command("todo/item/list", entity_id=entity_id)
        items: list[Json] = answer["items"]
        return items

    async def _update_item(self, uid: str, **changes: object) -> None:
        entity_id = self._states.ids[HUB, "tasks"]
        await self._api.call_action(
            "todo.update_item", {"entity_id": entity_id, "item": uid, **changes}
        )

    async def _found(self, what: str, subject: str, status: str) -> list[Json]:
        return [
            item
            for item in await self._items()
            if what in item["summary"] and subject in item["summary"] and item["status"] == status
        ]

    async def _task(self, what: str, subject: str, status: str, seconds: float) -> Json:
        """Wait for a task; more than one is an error."""
        deadline = asyncio.get_running_loop().time() + seconds
        while not (found := await self._found(what, subject, status)):
            if asyncio.get_running_loop().time() > deadline:
                shown = [(item["summary"], item["status"]) for item in await self._items()]
                raise StateError(f"no task {what} {subject} ({status}) within {seconds} s: {shown}")
            await asyncio.sleep(0.2)
        claim(len(found) == 1, f"{len(found)} tasks in place of one: {found}")
        return found[0]

    async def _no_task(self, what: str, subject: str, seconds: float) -> None:
        deadline = asyncio.get_running_loop().time() + seconds
        while found := await self._found(what, subject, "needs_action"):
            claim(asyncio.get_running_loop().time() < deadline, f"still open: {found}")
            await asyncio.sleep(0.2)

    def _in_days(self, days: int) -> str:
        return (self._today + timedelta(days=days)).isoformat()

    def _safe_date(self) -> str:
        """Treated on day A with n full days: A + n + 1."""
        return self._in_days(INTERVAL_D + 1)

    def _shown(self, subject: str, row: str) -> str:
        state = self._states.get(subject, row)
        return f"{subject} {row} {'?' if state is None else state.state}"


def _age_s(state: State) -> float:
    measured_at = datetime.fromisoformat(str(state.attributes["measured_at"]))
    return (datetime.now(measured_at.tzinfo) - measured_at).total_seconds()


def _is_not(before: State | None) -> Callable[[State], bool]:
    return lambda state: state is not before


def _is_known(state: State) -> bool:
    return state.state not in not_shown()
