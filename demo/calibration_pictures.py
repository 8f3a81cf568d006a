"""Takes pictures of what a grower sees of probes: their page, "listen now", and a calibration.

Usage: python -m demo.calibration_pictures [FOLDER]
"""

import asyncio
import json
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from shutil import which

from playwright.async_api import Page, async_playwright

from demo.api import Api
from demo.broker import BrokerKind
from demo.garden_setup import DOMAIN, TANK_NAME
from demo.home_assistant import ROOT
from demo.narrator import say
from demo.processes import ChildError
from demo.screenshot import BROWSER_OPTIONS
from demo.session import Session

FOLDER = ROOT / "docs" / "images"
SPEED = 1.0
"""A probe in a solution stands still, so the garden must not hurry."""
WIDTH, HEIGHT = 1280, 1240
PATIENCE_MS = 60_000
READINGS_S = 20
DUE_FOR_D = 15
STANDARD_MS_CM = 1.413


async def main(folder: Path) -> None:
    """Start a garden, make a calibration due, and walk through its repair."""
    with tempfile.TemporaryDirectory(prefix="kamerplanter-picture-") as place:
        async with Session(Path(place) / "config", BrokerKind.AMQTT, SPEED, say) as session:
            await session.start()
            await asyncio.sleep(READINGS_S)
            tank_ec = session.states.ids[TANK_NAME, "ec"]
            await _make_due(session.home.api, tank_ec)
            async with _page(session.home.api) as page:
                await _pictures(page, session, folder, tank_ec)


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


async def _pictures(page: Page, session: Session, folder: Path, tank_ec: str) -> None:
    api = session.home.api
    entities = await api.command("config/entity_registry/list")
    (device,) = {row["device_id"] for row in entities if row["entity_id"] == tank_ec}
    await page.goto(f"{api.address}/config/devices/device/{device}")
    await page.get_by_text("Diagnostic").first.wait_for(timeout=PATIENCE_MS)
    await _save(page, folder / "probe.png")
    await _listen(page, session, folder)
    await _calibrate(page, api, folder)


async def _listen(page: Page, session: Session, folder: Path) -> None:
    api = session.home.api
    await page.goto(f"{api.address}/config/integrations/integration/{DOMAIN}")
    await page.get_by_text("Add tank").first.wait_for(timeout=PATIENCE_MS)
    await page.get_by_text("Add tank").first.click()
    dialog = page.locator("dialog-data-entry-flow")
    await dialog.locator("input:not([type=number])").first.fill("Second tank")
    await dialog.locator("input[type=number]").first.fill("60")
    await _go_on(page)
    await dialog.get_by_text("Listen now and recognise devices").click()
    await dialog.get_by_text("Topic filter").first.wait_for(timeout=PATIENCE_MS)
    await _go_on(page)
    await dialog.get_by_text("Devices that were heard").first.wait_for(timeout=PATIENCE_MS)
    await _save(page, folder / "listen-now.png")
    await page.keyboard.press("Escape")


async def _calibrate(page: Page, api: Api, folder: Path) -> None:
    await page.goto(f"{api.address}/config/repairs")
    await page.get_by_text(f"Calibrate {TANK_NAME}").first.click(timeout=PATIENCE_MS)
    dialog = page.locator("dialog-data-entry-flow")
    await dialog.get_by_text("due since").first.wait_for(timeout=PATIENCE_MS)
    await _save(page, folder / "calibration-due.png")
    await _go_on(page)
    await dialog.get_by_text("More solutions").first.wait_for(timeout=PATIENCE_MS)
    await _go_on(page)
    await dialog.get_by_text("wait until it is steady").click(timeout=PATIENCE_MS)
    await dialog.get_by_text("the last readings differ").first.wait_for(timeout=PATIENCE_MS)
    await _save(page, folder / "calibration-live.png")
    await dialog.get_by_text("What the bottle says").first.wait_for(timeout=6 * PATIENCE_MS)
    raw = await dialog.locator("input").first.input_value()
    # The tank's own water stands for the standard here: what it shows is what it has.
    await dialog.locator("input").nth(1).fill(f"{float(raw) * 1.04:.2f}")
    await _save(page, folder / "calibration-reading.png")
    await _go_on(page)
    await dialog.get_by_text("the result").first.wait_for(timeout=PATIENCE_MS)
    await _save(page, folder / "calibration-result.png")
    await dialog.get_by_text("Store: it counts from now on").click()
    await dialog.get_by_text("repaired").first.wait_for(timeout=PATIENCE_MS)


async def _go_on(page: Page) -> None:
    """Send the form that is shown."""
    dialog = page.locator("dialog-data-entry-flow")
    button = dialog.get_by_role("button", name="Submit").or_(
        dialog.get_by_role("button", name="Next")
    )
    await button.first.click(timeout=PATIENCE_MS)


async def _save(page: Page, target: Path) -> None:
    await asyncio.sleep(1.5)  # dialogs move to their place
    await page.screenshot(path=str(target))
    say(f"written: {target}")


@asynccontextmanager
async def _page(api: Api) -> AsyncIterator[Page]:
    """Open a browser in which the owner of the demo is logged in.

    Raises:
        ChildError: There is no Chromium.
    """
    program = which("chromium") or which("chromium-browser")
    if program is None:
        raise ChildError("chromium is not installed (Debian: apt install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=list(BROWSER_OPTIONS)
        )
        context = await browser.new_context(
            viewport={"width": WIDTH, "height": HEIGHT}, service_workers="block"
        )
        tokens = api.tokens | {
            "hassUrl": api.address,
            "clientId": api.client_id,
            "expires": 9_999_999_999_999,
        }
        script = f"window.localStorage.setItem('hassTokens', {json.dumps(json.dumps(tokens))})"
        await context.add_init_script(script)
        page = await context.new_page()
        try:
            yield page
        except Exception:
            await page.screenshot(path=str(Path(tempfile.gettempdir()) / "calibration-failed.png"))
            raise
        finally:
            await browser.close()


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    target.mkdir(parents=True, exist_ok=True)
    asyncio.run(main(target))
