"""Takes pictures of what a grower sees of probes: page, quality, "listen now", a calibration.

Usage: python -m demo.calibration_pictures [FOLDER [LANGUAGE]]
"""

import asyncio
import json
import re
import sys
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page

from demo.api import Api
from demo.broker import BrokerKind
from demo.browser import open_page
from demo.garden_setup import DOMAIN, TANK_NAME
from demo.home_assistant import INTEGRATION, ROOT
from demo.narrator import say
from demo.session import Session
from demo.storage_seeds import prepare

FOLDER = ROOT / "docs" / "images"
SPEED = 1.0
"""A probe in a solution stands still, so the garden must not hurry."""
WIDTH, HEIGHT = 1280, 1240
PATIENCE_MS = 60_000
ASK_FOR_DETAILS = """id => document.querySelector("home-assistant").dispatchEvent(
    new CustomEvent("hass-more-info", {detail: {entityId: id}, bubbles: true, composed: true}))"""
READINGS_S = 20
DUE_FOR_D = 15
STANDARD_MS_CM = 1.413
_GAP = re.compile(r"\{\w+\}|\*\*|\n")


class Words:
    """What is to be seen in one language.

    Args:
        language: One that the integration speaks.
    """

    def __init__(self, language: str) -> None:
        path = INTEGRATION / "translations" / f"{language}.json"
        self.language = language
        self.front_end = FRONT_END[language]
        self._texts = json.loads(path.read_text(encoding="utf-8"))

    def __call__(self, path: str) -> str:
        """Return the longest piece of a text of the integration without a placeholder."""
        found: Any = self._texts
        for name in path.split("."):
            found = found[name]
        return max(_GAP.split(found), key=len).strip()


@dataclass(frozen=True, slots=True)
class FrontEnd:
    """Words of Home Assistant's own pages."""

    diagnostic: str
    go_on: tuple[str, str]
    """On the button of a last step, and of one before."""
    repaired: str
    menu: str
    details: str


FRONT_END = {
    "en": FrontEnd("Diagnostic", ("Submit", "Next"), "The issue is repaired!", "Menu", "Details"),
    "de": FrontEnd("Diagnose", ("OK", "Weiter"), "Das Problem ist behoben!", "Menü", "Details"),
}
TANK = "config_subentries.tank"
QUALITY = "entity.sensor.measurement_quality.state_attributes"
ISSUE = "issues.calibration_due.fix_flow.step"


async def main(folder: Path, language: str) -> None:
    """Start a garden, make a calibration due, and walk through its repair."""
    with tempfile.TemporaryDirectory(prefix="kamerplanter-picture-") as place:
        config = Path(place) / "config"
        prepare(config, INTEGRATION, language=language)
        async with Session(config, BrokerKind.AMQTT, SPEED, say) as session:
            await session.start()
            await _speak(session.home.api, language)
            await asyncio.sleep(READINGS_S)
            tank_ec = session.states.ids[TANK_NAME, "ec"]
            await _make_due(session.home.api, tank_ec)
            async with open_page(session.home.api, width=WIDTH, height=HEIGHT) as page:
                await _Walk(page, session, folder, Words(language)).all_of(tank_ec)


async def _speak(api: Api, language: str) -> None:
    """Let the front end speak the language of the user."""
    value = {"language": language, "number_format": "language", "time_format": "language"}
    await api.command("frontend/set_user_data", key="language", value=value)


async def _make_due(api: Api, entity_id: str) -> None:
    """Book a calibration that was made longer ago than one lasts."""
    done = datetime.now().astimezone() - timedelta(days=DUE_FOR_D)
    await api.call_action(
        "kamerplanter.calibrate",
        {
            "entity_id": entity_id,
            "kind": "ec",
            "points": [{"reference": STANDARD_MS_CM, "raw": STANDARD_MS_CM}],
            "at": done.strftime("%Y-%m-%d %H:%M:%S"),
        },
    )


class _Walk:
    """Clicks as a grower does, and takes a picture where there is something to see."""

    def __init__(self, page: Page, session: Session, folder: Path, words: Words) -> None:
        self._page = page
        self._session = session
        self._api = session.home.api
        self._folder = folder
        self._words = words
        self._dialog = page.locator("dialog-data-entry-flow")

    async def all_of(self, tank_ec: str) -> None:
        """Take all pictures."""
        entities = await self._api.command("config/entity_registry/list")
        (device,) = {row["device_id"] for row in entities if row["entity_id"] == tank_ec}
        await self._open(f"devices/device/{device}")
        await self._see(self._words.front_end.diagnostic)
        await self._save("probe")
        await self._listen()
        await self._bind()
        await self._calibrate()
        await self._quality()

    async def _new_tank(self) -> None:
        add = self._words(f"{TANK}.initiate_flow.user")
        await self._open(f"integrations/integration/{DOMAIN}")
        await self._page.get_by_text(add).first.click(timeout=PATIENCE_MS)
        await self._dialog.locator("input:not([type=number])").first.fill("Second tank")
        await self._dialog.locator("input[type=number]").first.fill("60")
        await self._go_on()

    async def _listen(self) -> None:
        await self._new_tank()
        await self._choose(f"{TANK}.step.values.menu_options.discover")
        await self._text(f"{TANK}.step.listen.data.topic_filter")
        await self._go_on()
        await self._text(f"{TANK}.step.devices.title")
        await self._save("listen-now")
        await self._go_on()
        await self._text(f"{TANK}.step.device.title")
        await self._save("listen-device")
        await self._page.keyboard.press("Escape")

    async def _bind(self) -> None:
        await self._new_tank()
        await self._choose(f"{TANK}.step.values.menu_options.value_ec")
        await self._choose(f"{TANK}.step.source.menu_options.topic")
        await self._choose(f"{TANK}.step.topic.sections.more.name")
        await self._text(f"{TANK}.step.topic.sections.more.data.compensated")
        await self._save("bind-more")
        await self._page.keyboard.press("Escape")

    async def _calibrate(self) -> None:
        await self._open("repairs")
        await self._page.get_by_text(TANK_NAME).first.click(timeout=PATIENCE_MS)
        await self._text(f"{ISSUE}.calibrate.data.channel")
        await self._save("calibration-due")
        await self._go_on()
        await self._text(f"{ISSUE}.calibration_method.description")
        await self._save("calibration-method")
        await self._go_on()
        steady = f"{ISSUE}.calibration_solution.menu_options.calibration_steady"
        await self._text(steady)
        await self._save("calibration-solution")
        await self._choose(steady)
        await self._text("selector.calibration_live.options.settling")
        await self._save("calibration-live")
        await self._text(f"{ISSUE}.calibration_reading.data.raw", patience_ms=6 * PATIENCE_MS)
        raw = await self._dialog.locator("input").first.input_value()
        # The tank's own water stands for the standard here: what it shows is what it has.
        await self._dialog.locator("input").nth(1).fill(f"{float(raw) * 1.04:.2f}")
        await self._save("calibration-reading")
        await self._go_on()
        store = f"{ISSUE}.calibration_summary.menu_options.calibration_store"
        await self._text(store)
        await self._save("calibration-result")
        await self._choose(store)
        back = f"{ISSUE}.calibration_back.menu_options.calibration_is_back"
        await self._text(back)
        await self._save("calibration-back")
        await self._choose(back)
        await self._see(self._words.front_end.repaired)

    async def _quality(self) -> None:
        """Show what the quality of a tank says, while its pH probe is dead."""
        self._session.simulator.command({"device": "tank", "sensor": "ph", "fault": "dead"})
        state = await self._session.states.until(
            TANK_NAME, "measurement_quality", lambda state: state.state == "bad", READINGS_S, "dead"
        )
        await self._open("repairs")
        await self._page.locator("ha-sidebar").first.wait_for(timeout=PATIENCE_MS)
        await self._page.evaluate(ASK_FOR_DETAILS, state.entity_id)
        more = self._page.locator("ha-more-info-dialog")
        await more.get_by_label(self._words.front_end.menu).first.click(timeout=PATIENCE_MS)
        details = self._page.get_by_text(self._words.front_end.details, exact=True)
        await details.last.click(timeout=PATIENCE_MS)
        await self._text_of(more, f"{QUALITY}.ph_reasons.name")
        await self._save("quality")

    async def _open(self, path: str) -> None:
        await self._page.goto(f"{self._api.address}/config/{path}")

    async def _see(self, text: str) -> None:
        await self._page.get_by_text(text).first.wait_for(timeout=PATIENCE_MS)

    async def _text(self, path: str, *, patience_ms: float = PATIENCE_MS) -> None:
        """Wait for a text of the integration in the dialog."""
        await self._text_of(self._dialog, path, patience_ms=patience_ms)

    async def _text_of(
        self, place: Locator, path: str, *, patience_ms: float = PATIENCE_MS
    ) -> None:
        await place.get_by_text(self._words(path)).first.wait_for(timeout=patience_ms)

    async def _choose(self, path: str) -> None:
        await self._dialog.get_by_text(self._words(path)).first.click(timeout=PATIENCE_MS)

    async def _go_on(self) -> None:
        """Send the form that is shown."""
        last, next_one = (
            self._dialog.get_by_role("button", name=name, exact=True)
            for name in self._words.front_end.go_on
        )
        await last.or_(next_one).first.click(timeout=PATIENCE_MS)

    async def _save(self, name: str) -> None:
        await asyncio.sleep(1.5)  # dialogs move to their place
        target = self._folder / f"{name}.png"
        await self._page.screenshot(path=str(target))
        say(f"written: {target}")


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(target, sys.argv[2] if len(sys.argv) > 2 else "en"))  # noqa: PLR2004
