"""The pages that mails lead to, in a real browser: by keyboard, on a small screen."""

from collections.abc import Iterator
from shutil import which

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from kamerplanter_backend.config.settings import Mode
from tests.backend.api.harness import Bench
from tests.live_server import LiveServer

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.e2e,
    pytest.mark.usefixtures("socket_enabled"),
]

EMAIL = "ada@example.org"
PASSWORD = "correct horse battery"
SMALL: ViewportSize = {"width": 320, "height": 568}


class Served:
    """A running server, and the addresses that it has sent by mail."""

    def __init__(self) -> None:
        self.bench = Bench(Mode.FULL, run_jobs=False, public_url="http://mail.example")
        self.live = LiveServer(self.bench.app)

    def register(self, locale: str | None = None) -> None:
        """Register somebody."""
        now = self.bench.clock()
        self.bench.server.accounts.registration.register(
            EMAIL, PASSWORD, "Ada", locale=locale, now=now
        )

    def mailed(self) -> str:
        """Return the address in the newest mail, on this server."""
        self.bench.server.accounts.mails.flush()
        text = self.bench.outbox.mails[-1].text
        link = next(word for word in text.split() if word.startswith("http://mail.example"))
        return self.live.url + link.removeprefix("http://mail.example")


@pytest.fixture
def served(socket_enabled: None) -> Iterator[Served]:
    running = Served()
    yield running
    running.live.stop()
    running.bench.close()


@pytest.fixture
def browser() -> Iterator[Browser]:
    program = which("chromium")
    if program is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


def open_page(browser: Browser, address: str, locale: str = "en-GB") -> tuple[Page, list[str]]:
    """Open a page; return it with everything that goes wrong on it."""
    page = browser.new_page(locale=locale, viewport=SMALL)
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.goto(address)
    return page, trouble


def said(page: Page) -> str:
    """Return what the page says after the button."""
    page.locator("#status:not(:empty)").wait_for()
    return page.get_by_role("status").inner_text()


def test_address_is_confirmed_with_one_key(browser: Browser, served: Served) -> None:
    served.register()
    asked: list[str] = []
    page, trouble = open_page(browser, served.mailed())
    page.on("request", lambda request: asked.append(request.url))
    code = page.get_by_label("Code from the mail").input_value()
    assert len(code) == 43
    assert code not in page.url
    page.get_by_label("Code from the mail").press("Enter")

    assert said(page) == "Your address is confirmed. You can log in now."
    assert not page.get_by_role("button").is_visible()
    assert trouble == []
    assert [code in url for url in asked] == [False]
    assert page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]


def test_used_code_is_refused_in_words(browser: Browser, served: Served) -> None:
    served.register("de")
    address = served.mailed()
    answers = []
    for _ in range(2):
        page, _ = open_page(browser, address, locale="de-DE")
        page.get_by_role("button", name="Bestätigen").click()
        answers.append(said(page))

    assert answers == [
        "Deine Adresse ist bestätigt. Du kannst dich jetzt anmelden.",
        "Dieser Code gilt nicht oder nicht mehr. Fordere eine neue Mail an.",
    ]


def test_password_is_set_anew_and_its_rule_is_named(browser: Browser, served: Served) -> None:
    served.register()
    served.bench.server.accounts.registration.request_reset(EMAIL, served.bench.clock())
    page, trouble = open_page(browser, served.mailed())
    field = page.get_by_label("New password (10 characters to 72 bytes)")
    field.fill("ü" * 40)
    field.press("Enter")
    assert "at most 72 bytes in UTF-8; it has 80" in said(page)
    trouble.clear()  # the browser notes the refusal

    field.fill("another good one")
    page.get_by_role("button", name="Set the password").click()
    page.locator("form").wait_for(state="hidden")

    assert said(page) == "The new password is set. Log in with it."
    assert trouble == []
