"""A browser without a screen in which the owner of the demo is logged in."""

import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from shutil import which

from playwright.async_api import Error, Page, async_playwright

from demo.api import Api
from demo.processes import ChildError
from demo.storage_seeds import TIME_ZONE

OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
FAILED = Path(tempfile.gettempdir()) / "kamerplanter-picture-failed.png"
"""What was to be seen when something was waited for in vain."""


@asynccontextmanager
async def open_page(api: Api, *, width: int, height: int) -> AsyncIterator[Page]:
    """Open a page.

    Args:
        api: Of the owner.
        width: Of the window. [px]
        height: Of the window. [px]

    Raises:
        ChildError: There is no Chromium.
    """
    program = which("chromium") or which("chromium-browser")
    if program is None:
        raise ChildError("chromium is not installed (Debian: apt install chromium)")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=list(OPTIONS))
        context = await browser.new_context(
            viewport={"width": width, "height": height},
            service_workers="block",
            # A grower looks at the house from within it: else today is yesterday.
            timezone_id=TIME_ZONE,
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
        except Error:
            await page.screenshot(path=str(FAILED))
            raise
        finally:
            await browser.close()
