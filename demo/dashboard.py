"""The first page of the demo, made of built-in cards."""

from collections.abc import Sequence

from demo.api import Api, Json
from demo.garden_setup import BASIL, BASIL_PROBE, TANK_NAME, TENT_NAME, TOMATO, TOMATO_PROBE
from demo.states import HUB, States

URL_PATH = "kamerplanter-demo"
TITLE = "Kamerplanter"
HISTORY_HOURS = 24
SHORTEST_HISTORY_HOURS = 0.1

GREEN, AMBER, RED = "#43a047", "#ffa600", "#db4437"
type Segments = tuple[tuple[float, str], ...]
PH_SEGMENTS: Segments = ((4.5, RED), (5.2, AMBER), (5.5, GREEN), (6.3, AMBER), (6.6, RED))
EC_SEGMENTS: Segments = ((0, RED), (1.3, AMBER), (1.52, GREEN), (2.28, AMBER), (2.6, RED))
LEVEL_SEGMENTS: Segments = ((0, RED), (20, AMBER), (35, GREEN))
WATER_SEGMENTS: Segments = ((10, AMBER), (16, GREEN), (22, AMBER), (25, RED))
WHY_DOUBTED = ("worst", "worst_reasons")
"""Attributes of a measurement quality that stand behind it."""
VPD_SEGMENTS: Segments = ((0, AMBER), (0.4, GREEN), (1.6, AMBER), (2.0, RED))
MOISTURE_SEGMENTS: Segments = ((0, RED), (25, AMBER), (30, GREEN), (60, AMBER))


async def install(states: States, *, speed: float = 1, as_first_page: bool = True) -> None:
    """Save the dashboard and make it the page that opens first.

    Args:
        states: Where each entity is found.
        speed: How much faster the time of the garden goes; charts span a day of it.
        as_first_page: Else it only stands in the side bar.
    """
    api = states.api
    known = await api.command("lovelace/dashboards/list")
    if all(dashboard["url_path"] != URL_PATH for dashboard in known):
        await api.command(
            "lovelace/dashboards/create",
            url_path=URL_PATH,
            title=TITLE,
            icon="mdi:sprout",
            show_in_sidebar=True,
            require_admin=False,
        )
    await api.command("lovelace/config/save", url_path=URL_PATH, config=config(states, speed))
    if as_first_page:
        await set_first_page(api)


async def set_first_page(api: Api) -> None:
    """Let Home Assistant open the dashboard after login."""
    await api.command("frontend/set_system_data", key="core", value={"default_panel": URL_PATH})


def config(states: States, speed: float = 1) -> Json:
    """Return the dashboard; a card whose entity does not exist is left out."""
    builder = _Builder(states, max(HISTORY_HOURS / speed, SHORTEST_HISTORY_HOURS))
    sections = [
        builder.tank(),
        builder.plant(BASIL, BASIL_PROBE),
        builder.plant(TOMATO, TOMATO_PROBE),
        # One below the other, as most screens have room for four columns.
        _section(*builder.place(TENT_NAME), *builder.tasks()),
    ]
    view = {
        "title": "Garden",
        "path": "garden",
        "icon": "mdi:sprout",
        "type": "sections",
        "max_columns": 4,
        "sections": sections,
    }
    return {"title": TITLE, "views": [view]}


class _Builder:
    """Cards for entities that exist."""

    def __init__(self, states: States, history_hours: float) -> None:
        self._ids = states.ids
        self._history_hours = history_hours

    def tank(self) -> Json:
        name = TANK_NAME
        return _section(
            _heading(name, "mdi:beaker-outline"),
            self._gauge(name, "ph", "pH", 4.5, 7.5, PH_SEGMENTS),
            self._gauge(name, "ec", "EC", 0, 4, EC_SEGMENTS),
            self._gauge(name, "water_temperature", "Water", 10, 30, WATER_SEGMENTS),
            self._gauge(name, "level", "Level", 0, 100, LEVEL_SEGMENTS),
            self._tile(name, "ph_problem", "pH", columns=3, vertical=True),
            self._tile(name, "ec_problem", "EC", columns=3, vertical=True),
            self._tile(name, "temperature_problem", "Water", columns=3, vertical=True),
            self._tile(name, "level_low", "Level", columns=3, vertical=True),
            self._tile(name, "ph_target", "pH target", columns=6),
            self._tile(name, "ec_target", "EC target", columns=6),
            self._tile(name, "volume", "Volume", columns=12),
            self._tile(name, "measurement_quality", "Quality", columns=12, more=WHY_DOUBTED),
            self._history("pH", (name, "ph")),
        )

    def place(self, name: str) -> list[Json | None]:
        return [
            _heading(name, "mdi:tent"),
            self._gauge(name, "vpd", "VPD", 0, 2.5, VPD_SEGMENTS),
            self._tile(name, "air_temperature", "Air", columns=6),
            self._tile(name, "air_humidity", "Humidity", columns=6),
            self._tile(name, "ppfd", "Light", columns=6),
            self._tile(name, "dli_today", "Light today", columns=6),
            self._tile(name, "dew_point", "Dew point", columns=6),
            self._tile(name, "measurement_quality", "Quality", columns=12, more=WHY_DOUBTED),
        ]

    def plant(self, name: str, probe: str) -> Json:
        safe = self._tile(name, "safe_harvest_date", "Harvest from", columns=12)
        if safe is not None:
            # A plant that was never treated has no such date.
            safe["visibility"] = [
                {"condition": "state", "entity": safe["entity"], "state_not": "unknown"}
            ]
        watered = self._tile(name, "mark_watered", "Mark watered", columns=12)
        if watered is not None:
            watered["hide_state"] = True
        return _section(
            _heading(name, "mdi:leaf"),
            self._gauge(probe, "soil_moisture", "Soil moisture", 0, 100, MOISTURE_SEGMENTS),
            self._tile(name, "phase", "Phase", columns=6),
            self._tile(name, "days_in_phase", "In this phase", columns=6),
            self._tile(name, "next_watering", "Next watering", columns=6),
            self._tile(name, "needs_attention", "Attention", columns=12, more=("reasons",)),
            watered,
            _subheading("Harvest and Karenz"),
            self._tile(name, "harvest_allowed", "Harvest", columns=6),
            self._tile(name, "karenz_active", "Karenz", columns=6),
            safe,
            _subheading("Probe"),
            self._tile(probe, "soil_temperature", "Temperature", columns=6),
            self._tile(probe, "soil_ec", "EC", columns=6),
            self._tile(
                probe, "measurement_quality", "Measurement quality", columns=12, more=WHY_DOUBTED
            ),
        )

    def tasks(self) -> list[Json | None]:
        todo = self._ids.get((HUB, "tasks"))
        card = {"type": "todo-list", "entity": todo, "title": "To do"} if todo else None
        return [
            _heading("Tasks", "mdi:clipboard-check-outline"),
            self._tile(HUB, "problem", "Garden", columns=6),
            self._tile(HUB, "tasks_due_today", "Due today", columns=6),
            card,
            self._history("Soil moisture", *self._moistures()),
        ]

    def _moistures(self) -> tuple[tuple[str, str], ...]:
        return ((BASIL_PROBE, "soil_moisture"), (TOMATO_PROBE, "soil_moisture"))

    def _tile(
        self,
        subject: str,
        row: str,
        name: str,
        *,
        columns: int,
        vertical: bool = False,
        more: Sequence[str] = (),
    ) -> Json | None:
        if (entity_id := self._ids.get((subject, row))) is None:
            return None
        return {
            "type": "tile",
            "entity": entity_id,
            "name": name,
            "state_content": ["state", *more],
            "vertical": vertical,
            "grid_options": {"columns": columns, "rows": 2 if vertical else 1},
        }

    def _gauge(  # noqa: PLR0917 - a row of a table
        self,
        subject: str,
        row: str,
        name: str,
        low: float,
        high: float,
        segments: Segments,
        columns: int = 6,
    ) -> Json | None:
        if (entity_id := self._ids.get((subject, row))) is None:
            return None
        return {
            "type": "gauge",
            "entity": entity_id,
            "name": name,
            "min": low,
            "max": high,
            "needle": True,
            "segments": [{"from": start, "color": color} for start, color in segments],
            "grid_options": {"columns": columns, "rows": 3},
        }

    def _history(self, title: str, *names: tuple[str, str]) -> Json | None:
        entities = [{"entity": self._ids[name]} for name in names if name in self._ids]
        if not entities:
            return None
        return {
            "type": "history-graph",
            "title": title,
            "hours_to_show": self._history_hours,
            "entities": entities,
            "grid_options": {"columns": 12},
        }


def _section(*cards: Json | None) -> Json:
    return {"type": "grid", "cards": [card for card in cards if card is not None]}


def _heading(text: str, icon: str) -> Json:
    return {"type": "heading", "heading": text, "icon": icon, "heading_style": "title"}


def _subheading(text: str) -> Json:
    return {"type": "heading", "heading": text, "heading_style": "subtitle"}
