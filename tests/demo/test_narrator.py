"""What a garden that plays by itself says: one line for each thing that happens."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from demo.garden_setup import BASIL, TANK_NAME
from demo.narrator import Narrator, gardener
from demo.states import HUB, State

IDS = {
    (TANK_NAME, "ph_problem"): "binary_sensor.ph",
    (TANK_NAME, "ph"): "sensor.ph",
    (TANK_NAME, "measurement_quality"): "sensor.quality",
    (BASIL, "karenz_active"): "binary_sensor.karenz",
    (HUB, "tasks"): "todo.tasks",
}


class Home:
    """Stands for the states of a Home Assistant, and takes the subscription of the list."""

    def __init__(self) -> None:
        self.ids = IDS
        self.now: dict[str, State] = {}
        self.listeners: list[Any] = []
        self.api = self
        self.socket = self
        self.hear_items: Any = None

    def get(self, subject: str, row: str) -> State | None:
        return self.now.get(IDS.get((subject, row), ""))

    async def subscribe(self, hear: Any, what: str, *, entity_id: str) -> None:
        assert (what, entity_id) == ("todo/item/subscribe", "todo.tasks")
        self.hear_items = hear

    def show(self, entity_id: str, state: str, **attributes: object) -> None:
        """Change a state, as an event does."""
        old = self.now.get(entity_id)
        new = State(entity_id, state, attributes, datetime(2026, 5, 1, tzinfo=UTC), 0.0)
        self.now[entity_id] = new
        for listener in self.listeners:
            listener(old, new)

    def list(self, **statuses: str) -> None:
        """Show the to-do list: summary by id, as the status says."""
        self.hear_items(
            {
                "items": [
                    {"uid": uid, "summary": uid.replace("_", " "), "status": status, "due": None}
                    for uid, status in statuses.items()
                ]
            }
        )


class Story:
    """A narrator, and what it has said."""

    def __init__(self) -> None:
        self.home = Home()
        self.said: list[str] = []
        self.done: list[str] = []
        narrator = Narrator(self.home, self.said.append, self._answer)  # type: ignore[arg-type]
        asyncio.run(narrator.follow_tasks())

    def _answer(self, summary: str) -> str | None:
        self.done.append(summary)
        return "10 mL of acid" if "pH" in summary else None


@pytest.fixture
def story() -> Story:
    return Story()


def test_a_reading_out_of_band_is_one_line_with_side_and_value(story: Story) -> None:
    story.home.show("binary_sensor.ph", "off")
    story.home.show("sensor.ph", "7.2")
    story.home.show("binary_sensor.ph", "on", side="high")
    story.home.show("binary_sensor.ph", "on", side="high", since="later")
    story.home.show("sensor.ph", "6.0")
    story.home.show("binary_sensor.ph", "off")

    assert story.said == [
        f"reading out of band: pH of {TANK_NAME} is high (7.2)",
        f"back in band: pH of {TANK_NAME} (6)",
    ]


def test_what_becomes_known_after_a_start_is_no_news_unless_it_is_bad(story: Story) -> None:
    for state in ("unavailable", "unknown", "off"):
        story.home.show("binary_sensor.ph", state)
    assert story.said == []

    story.home.show("binary_sensor.ph", "unknown")
    story.home.show("binary_sensor.ph", "on")

    assert story.said[-1] == f"reading out of band: pH of {TANK_NAME} is out of band"


def test_a_task_is_told_when_it_is_due_and_when_it_is_done(story: Story) -> None:
    story.home.list(Check_pH="needs_action")
    story.home.list(Check_pH="needs_action")
    story.home.list(Check_pH="completed", Water="needs_action")
    story.home.list(Check_pH="completed", Water="completed")

    assert story.said == [
        "task due: Check pH",
        "task done: Check pH",
        "  10 mL of acid",
        "task due: Water",
        "task done: Water",
    ]
    assert story.done == ["Check pH", "Water"]


def test_a_task_that_was_done_before_is_no_news(story: Story) -> None:
    story.home.list(Check_pH="completed")

    assert (story.said, story.done) == ([], [])


def test_a_waiting_period_and_the_quality_are_told(story: Story) -> None:
    story.home.show("binary_sensor.karenz", "off")
    story.home.show("binary_sensor.karenz", "on", product="Neem oil")
    story.home.show("sensor.quality", "good")
    story.home.show(
        "sensor.quality", "suspect", ph_reasons=["rate", "stuck"], worst_reasons=["rate", "stuck"]
    )

    assert story.said == [
        f"Karenz began: {BASIL} (Neem oil)",
        f"measurement quality of {TANK_NAME}: suspect; ph: rate, stuck",
    ]


@pytest.mark.parametrize(
    ("summary", "command"),
    [
        (f"Check pH: {TANK_NAME}", {"dose_ph_down_ml": 10}),
        (f"Check EC: {TANK_NAME}", {"top_up_l": 8}),
        (f"Water: {BASIL}", {"pot": "basil", "water_ml": 900}),
        ("Buy a hose", None),
    ],
)
def test_the_gardener_does_what_was_ticked_off(
    summary: str, command: dict[str, object] | None
) -> None:
    given: list[object] = []

    told = gardener(given.append)(summary)

    assert given == ([] if command is None else [command])
    assert (told is None) == (command is None)
