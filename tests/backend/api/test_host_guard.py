"""A light server answers to its own names and pages only."""

from collections.abc import Callable

import httpx
import pytest

from kamerplanter_backend.config.settings import Mode
from tests.backend.api.harness import GARDEN, Bench


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8075", "[::1]:8075", "LOCALHOST:1"])
async def test_it_answers_to_its_own_names(api: httpx.AsyncClient, host: str) -> None:
    answer = await api.get("/api/v1/mode", headers={"Host": host})

    assert answer.status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "192.168.1.5:8075", "", "[::1", "@localhost"]
)
async def test_it_does_not_answer_to_others(api: httpx.AsyncClient, host: str) -> None:
    answer = await api.get("/api/v1/mode", headers={"Host": host})

    assert (answer.status_code, answer.json()["error_code"]) == (403, "HOST_REFUSED")


async def test_a_name_of_the_settings_is_one_of_its_own(server_of: Callable[..., Bench]) -> None:
    bench = server_of(allowed_hosts=("garden.lan",), public_url="http://plants.lan:8075")

    async with bench.client() as api:
        named = await api.get("/api/v1/mode", headers={"Host": "garden.lan:8075"})
        public = await api.get("/api/v1/mode", headers={"Host": "plants.lan:8075"})

    assert (named.status_code, public.status_code) == (200, 200)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost:9999", "x"])
async def test_a_page_of_somewhere_else_changes_nothing(
    api: httpx.AsyncClient, origin: str
) -> None:
    answer = await api.post(
        f"{GARDEN}/tanks", json={"name": "A", "volume_l": 1}, headers={"Origin": origin}
    )

    assert (answer.status_code, answer.json()["error_code"]) == (403, "CSRF_REFUSED")
    assert (await api.get(f"{GARDEN}/tanks")).json()["total"] == 0


async def test_the_servers_own_page_may(api: httpx.AsyncClient) -> None:
    answer = await api.get("/api/v1/mode", headers={"Origin": "http://localhost"})

    assert answer.status_code == 200


async def test_with_accounts_the_login_decides(server_of: Callable[..., Bench]) -> None:
    async with server_of(Mode.FULL).client() as api:
        answer = await api.get("/api/v1/mode", headers={"Host": "any.example"})

    assert answer.status_code == 200
