"""The documentation in a real browser, without any network but our own server."""

from collections.abc import Iterator
from pathlib import Path
from shutil import which

import pytest
from playwright.sync_api import ConsoleMessage, Page, Request, sync_playwright

from tests.end_to_end.server_process import Process

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.e2e,
    pytest.mark.usefixtures("socket_enabled"),
]


@pytest.fixture
def page() -> Iterator[Page]:
    """Return a page of a browser."""
    program = which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


@pytest.fixture
def server(socket_enabled: None, tmp_path: Path) -> Iterator[Process]:
    """Return a running server."""
    process = Process(tmp_path)
    yield process
    process.kill()


def test_it_shows_and_tries_the_routes_with_our_own_files_only(page: Page, server: Process) -> None:
    asked: list[str] = []
    complaints: list[str] = []

    def note_request(request: Request) -> None:
        asked.append(request.url)

    def note_message(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    page.on("request", note_request)
    page.on("console", note_message)
    page.goto(f"{server.address}/api/v1/docs")

    page.wait_for_selector("text=Kamerplanter")
    operation = page.locator("#operations-health-health_health")
    operation.get_by_role("button").first.click()
    operation.get_by_role("button", name="Try it out").click()
    operation.get_by_role("button", name="Execute").click()
    answer = operation.locator(".live-responses-table .highlight-code").first
    answer.wait_for()

    assert '"status": "healthy"' in answer.inner_text()
    assert complaints == []
    outside = [url for url in asked if not url.startswith((server.address, "data:", "blob:"))]
    assert outside == []
