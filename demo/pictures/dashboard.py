"""Takes the picture of the README: the dashboard of a garden in which something happens."""

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import Page

from demo.api import Api
from demo.broker import BrokerKind
from demo.browser import open_page
from demo.dashboard import URL_PATH
from demo.garden_setup import BASIL, TANK_NAME, TOMATO
from demo.narrator import say
from demo.processes import ChildError
from demo.session import Session
from demo.states import HUB

SPEED = 240.0
STORY_SECONDS = 150
"""So that the charts have something to show. [s]"""
WIDTH, HEIGHT = 1720, 1280


async def take_dashboard(target: Path) -> None:
    """Start a garden, let something happen, take the picture and end everything.

    Args:
        target: The file.
    """
    with tempfile.TemporaryDirectory(prefix="kamerplanter-picture-") as folder:
        async with Session(Path(folder) / "config", BrokerKind.MOSQUITTO, SPEED, say) as session:
            await session.start()
            await _let_things_happen(session)
            await _take(session.home.api, target)
    say(f"written: {target}")


async def _let_things_happen(session: Session) -> None:
    command, ids, api = session.simulator.command, session.states.ids, session.home.api
    command({"pot": "basil", "drying_factor": 20})
    await api.call_action(
        "kamerplanter.log_treatment",
        {
            "entity_id": ids[TOMATO, "phase"],
            "product": "Neem oil",
            "ingredient": "azadirachtin",
            "interval_d": 7,
        },
    )
    await api.call_action(
        "todo.add_item", {"entity_id": ids[HUB, "tasks"], "item": "Clean the pump filter"}
    )
    third_s = STORY_SECONDS / 3
    await asyncio.sleep(third_s)
    command({"dose_feed_ml": 12})
    await asyncio.sleep(third_s)
    command({"dose_ph_up_ml": 12})
    await session.states.until(
        TANK_NAME, "ph_problem", lambda state: state.state == "on", 60, "pH out of band"
    )
    await session.states.until(
        BASIL, "needs_attention", lambda state: state.state == "on", 90, "dry soil"
    )
    await asyncio.sleep(third_s)


async def _take(api: Api, target: Path) -> None:
    """Open the dashboard in a headless browser and save what is seen.

    Raises:
        ChildError: There is no Chromium.
    """
    async with open_page(api, width=WIDTH, height=HEIGHT) as page:
        # The first page, so that the picture proves which one that is.
        await page.goto(api.address)
        await _wait_for_cards(page)
        if URL_PATH not in page.url:
            raise ChildError(f"the first page is {page.url}")
        await page.screenshot(path=str(target))


async def _wait_for_cards(page: Page) -> None:
    for element in ("hui-gauge-card", "hui-todo-list-card", "hui-history-graph-card canvas"):
        await page.locator(element).first.wait_for(timeout=60_000)
    # Needles and curves move to their place.
    await asyncio.sleep(4)
