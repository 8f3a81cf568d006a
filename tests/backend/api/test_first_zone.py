"""In which zone the days of a new garden are, before anybody has said anything of its place."""

from collections.abc import Callable
from typing import Any

import pytest

from kamerplanter_backend.config.settings import Mode
from tests.backend.api.browser import AUTH, EMAIL, PASSWORD, Browser, last_code
from tests.backend.api.harness import GARDEN, Bench

TENANTS = "/api/v1/tenants"
ADA = {"email": EMAIL, "password": PASSWORD, "display_name": "Ada"}


async def come_in(bench: Bench, **said: str) -> Browser:
    """Make an account, confirm its address and log in."""
    browser = Browser(bench)
    assert (await browser.post(f"{AUTH}/register", ADA | said)).status_code == 202
    await browser.post(f"{AUTH}/verify-email", {"token": last_code(bench)})
    assert (await browser.log_in()).status_code == 200
    return browser


async def zone_of(browser: Browser, slug: str) -> str:
    (site,) = (await browser.get(f"/api/v1/t/{slug}/sites")).json()["items"]
    return str(site["time_zone"])


@pytest.mark.parametrize(
    ("settings", "said", "zone"),
    [
        ({}, {}, "UTC"),
        ({"time_zone": "Europe/Berlin"}, {}, "Europe/Berlin"),
        ({"time_zone": "Europe/Berlin"}, {"time_zone": "Asia/Tokyo"}, "Asia/Tokyo"),
    ],
)
async def test_gardens_are_where_their_person_is_else_where_the_server_is(
    server_of: Callable[..., Bench], settings: dict[str, Any], said: dict[str, str], zone: str
) -> None:
    ada = await come_in(server_of(Mode.FULL, **settings), **said)

    made = await ada.post(TENANTS, {"name": "Allotment"})
    abroad = await ada.post(TENANTS, {"name": "Abroad", "time_zone": "America/Lima"})

    assert (made.status_code, abroad.status_code) == (201, 201)
    assert await zone_of(ada, "ada-s-garden") == zone
    assert await zone_of(ada, made.json()["slug"]) == zone
    assert await zone_of(ada, abroad.json()["slug"]) == "America/Lima"
    assert (await ada.get("/api/v1/users/me")).json()["time_zone"] == said.get("time_zone")


@pytest.mark.parametrize("zone", ["Mars/Olympus", "", "../etc/passwd", "Europe"])
async def test_an_account_in_no_zone_is_not_made(
    server_of: Callable[..., Bench], zone: str
) -> None:
    bench = server_of(Mode.FULL)

    answer = await Browser(bench).post(f"{AUTH}/register", ADA | {"time_zone": zone})

    assert (answer.status_code, answer.json()["details"]["field"]) == (422, "time_zone")
    bench.server.accounts.mails.flush()
    assert bench.outbox.mails == []


async def test_the_garden_of_a_server_without_accounts_is_where_the_server_is(
    server_of: Callable[..., Bench],
) -> None:
    bench = server_of(time_zone="Europe/Berlin", store="sqlite:///:memory:")
    async with bench.client() as client:
        (site,) = (await client.get(f"{GARDEN}/sites")).json()["items"]

    assert site["time_zone"] == "Europe/Berlin"
