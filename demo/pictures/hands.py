"""What a grower does with a page: opens, reads, chooses, fills in. And one who takes pictures."""

import asyncio
from pathlib import Path

from playwright.async_api import FloatRect, Locator, Page

from demo.api import Api
from demo.garden_setup import DOMAIN
from demo.narrator import say
from demo.pictures.words import Words

PATIENCE_MS = 60_000
SETTLE_S = 1.5
"""Until a dialog has moved to its place."""
MARGIN_PX = 24
ASK_FOR_DETAILS = """id => document.querySelector("home-assistant").dispatchEvent(
    new CustomEvent("hass-more-info", {detail: {entityId: id}, bubbles: true, composed: true}))"""
BLEMISHES = """() => {
    const found = [];
    const look = node => {
        for (const one of node.children) {
            const text = [...one.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join("")
                .trim();
            if (one.checkVisibility() && getComputedStyle(one).textOverflow === "ellipsis"
                && one.scrollWidth > one.clientWidth + 1 && one.innerText)
                found.push(`cut off: ${one.innerText}`);
            const isKey = /component\\.|(^|\\s)[a-z]+(_[a-z]+){2,}\\b/.test(text);
            if (isKey && one.checkVisibility() && !["STYLE", "SCRIPT"].includes(one.tagName))
                found.push(`no word: ${text}`);
            if (one.shadowRoot) look(one.shadowRoot);
            look(one);
        }
    };
    look(document.body);
    return [...new Set(found)];
}"""
"""Finds texts that do not fit where they stand, and keys that nobody translated."""


class Hands:
    """Uses one page in one language.

    Args:
        page: In which the owner is logged in.
        api: Of the owner.
        words: The language.
        folder: Where the pictures go.
        suffix: Of their names.
        wanted: Names of those that are kept; none = all.
    """

    def __init__(
        self,
        page: Page,
        api: Api,
        words: Words,
        *,
        folder: Path,
        suffix: str,
        wanted: frozenset[str] | None,
    ) -> None:
        self.page = page
        self.words = words
        self.dialog = page.locator("dialog-data-entry-flow")
        self._api = api
        self._folder = folder
        self._suffix = suffix
        self._wanted = wanted

    async def open(self, path: str) -> None:
        """Open a page of the settings."""
        await self.page.goto(f"{self._api.address}/config/{path}")

    async def open_device_of(self, entity_id: str) -> None:
        """Open the page of the device that an entity belongs to."""
        entities = await self._api.command("config/entity_registry/list")
        (device,) = {row["device_id"] for row in entities if row["entity_id"] == entity_id}
        await self.open(f"devices/device/{device}")

    async def open_new(self, kind: str) -> None:
        """Begin a dialog that adds something to the garden."""
        await self.open(f"integrations/integration/{DOMAIN}")
        add = self.words.own(f"config_subentries.{kind}.initiate_flow.user")
        await self.page.get_by_text(add, exact=True).first.click(timeout=PATIENCE_MS)

    async def open_known(self, title: str) -> None:
        """Begin the dialog that changes something in the garden."""
        await self.open(f"integrations/integration/{DOMAIN}")
        row = self.page.locator("ha-config-sub-entry-row").filter(has_text=title)
        await row.locator("ha-icon-button[slot=end]").first.click(timeout=PATIENCE_MS)

    async def open_details(self, entity_id: str) -> Locator:
        """Show what an entity has beside its state."""
        await self.open("dashboard")
        await self.page.locator("ha-panel-config").first.wait_for(timeout=PATIENCE_MS)
        await self.page.evaluate(ASK_FOR_DETAILS, entity_id)
        more = self.page.locator("ha-more-info-dialog")
        menu = self.words.front_end("common.menu")
        await more.get_by_label(menu).first.click(timeout=PATIENCE_MS)
        details = self.words.front_end("dialogs.more_info_control.details")
        await self.page.get_by_text(details, exact=True).last.click(timeout=PATIENCE_MS)
        return more

    async def reads(
        self, path: str, *, place: Locator | None = None, patience_ms: float = PATIENCE_MS
    ) -> None:
        """Wait for a text of the integration, in the dialog if no other place is named."""
        place = self.dialog if place is None else place
        await place.get_by_text(self.words.own(path)).first.wait_for(timeout=patience_ms)

    async def sees(self, path: str) -> None:
        """Wait for a text of the front end."""
        text = self.words.front_end(path)
        await self.page.get_by_text(text).first.wait_for(timeout=PATIENCE_MS)

    async def choose(self, path: str) -> None:
        """Choose from a menu."""
        row = self.dialog.locator("step-flow-menu ha-list-item")
        await row.get_by_text(self.words.own(path), exact=True).click(timeout=PATIENCE_MS)

    async def unfold(self, path: str) -> None:
        """Open a section of a form."""
        await self.dialog.get_by_text(self.words.own(path)).first.click(timeout=PATIENCE_MS)

    async def pull_down(self, number: int) -> None:
        """Open a list of the form, counted from the top."""
        await self.dialog.locator("ha-select").nth(number).click(timeout=PATIENCE_MS)

    async def pick(self, number: int, path: str) -> None:
        """Choose from a list of the form, counted from the top."""
        await self.pull_down(number)
        row = self.dialog.locator("ha-dropdown-item").filter(has_text=self.words.own(path))
        await row.locator("visible=true").first.click(timeout=PATIENCE_MS)

    async def fill(self, selector: str, value: str) -> None:
        """Fill in the first field of a kind (`text`, `number`)."""
        field = self.dialog.locator(f"ha-selector-{selector} input").first
        await field.fill(value, timeout=PATIENCE_MS)

    async def go_on(self) -> None:
        """Send the form that is shown."""
        flow = "panel.config.integrations.config_flow"
        last, next_one = (
            self.dialog.get_by_role(
                "button", name=self.words.front_end(f"{flow}.{name}"), exact=True
            )
            for name in ("submit", "next")
        )
        await last.or_(next_one).first.click(timeout=PATIENCE_MS)

    async def close(self) -> None:
        """Leave a dialog."""
        await self.page.keyboard.press("Escape")

    async def save(self, name: str, *, whole: bool = False, below_px: int = MARGIN_PX) -> None:
        """Take a picture of the dialog that is open.

        Args:
            name: Of the file, without language and width.
            whole: Of the whole page.
            below_px: How much is shown below the dialog, where a list hangs out of it.
        """
        await self.page.mouse.move(0, 0)  # else the row below it is lit
        await asyncio.sleep(SETTLE_S)
        for blemish in await self.page.evaluate(BLEMISHES):
            say(f"{name}{self._suffix}: {blemish}")
        name += self._suffix
        if self._wanted is not None and name not in self._wanted:
            return
        target = self._folder / f"{name}.png"
        await self.page.screenshot(
            path=str(target), clip=None if whole else await self._around(below_px)
        )
        say(f"written: {target}")

    async def _around(self, below_px: int) -> FloatRect | None:
        """Return where the dialog is, with some of what is behind it."""
        window = self.page.viewport_size
        boxes = [await one.bounding_box() for one in await self.page.locator("dialog[open]").all()]
        box = next((one for one in boxes if one and one["width"]), None)
        if box is None or window is None:
            return None
        left, top = max(box["x"] - MARGIN_PX, 0), max(box["y"] - MARGIN_PX, 0)
        right = min(box["x"] + box["width"] + MARGIN_PX, window["width"])
        bottom = min(box["y"] + box["height"] + below_px, window["height"])
        return {"x": left, "y": top, "width": right - left, "height": bottom - top}
