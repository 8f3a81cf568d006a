"""What the server says of itself in the local network."""

import logging
from typing import Any

import pytest
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

import kamerplanter_engines
from kamerplanter_backend import announce
from kamerplanter_backend.announce import (
    SERVICE_TYPE,
    Announcement,
    announced,
    announcement_of,
)
from kamerplanter_backend.client.protocol import PROTOCOL
from tests.backend.api.harness import settings_of

LOOPBACK = ["127.0.0.1"]
SERVER = Announcement(
    instance_id="0123456789abcdef", mode="light", port=8075, addresses=("192.0.2.7",)
)


async def _ask(name: str) -> AsyncServiceInfo | None:
    info = AsyncServiceInfo(SERVICE_TYPE, f"{name}.{SERVICE_TYPE}")
    network = AsyncZeroconf(interfaces=LOOPBACK)
    try:
        return info if await info.async_request(network.zeroconf, 3000) else None
    finally:
        await network.async_close()


@pytest.mark.usefixtures("socket_enabled")
async def test_others_find_address_version_and_identity() -> None:
    async with announced(SERVER, LOOPBACK):
        found = await _ask("Kamerplanter 01234567")

    assert found is not None
    assert (found.parsed_addresses(), found.port) == (["192.0.2.7"], 8075)
    assert found.decoded_properties == {
        "version": kamerplanter_engines.__version__,
        "protocol": str(PROTOCOL),
        "mode": "light",
        "path": "/api/v1",
        "uuid": "0123456789abcdef",
    }


@pytest.mark.parametrize(
    ("values", "addresses"),
    [
        ({}, None),
        ({"host": "localhost"}, None),
        ({"host": "192.0.2.7", "listen_everywhere": False}, ("192.0.2.7",)),
        ({"listen_everywhere": True}, ("198.51.100.4",)),
    ],
    ids=["loopback", "localhost", "one address", "everywhere"],
)
def test_only_a_server_that_others_can_reach_is_announced(
    monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], addresses: tuple[str, ...] | None
) -> None:
    monkeypatch.setattr(announce, "_own_addresses", lambda: ("198.51.100.4",))
    settings = settings_of().model_copy(update=values)

    said = announcement_of(settings, "id", 8123)

    assert (said and said.addresses) == addresses
    assert said is None or (said.port, said.mode) == (8123, "light")


async def test_without_a_network_the_server_works_unannounced(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(**_options: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr(announce, "AsyncZeroconf", fail)
    with caplog.at_level(logging.WARNING):
        async with announced(SERVER):
            pass

    assert "not announced" in caplog.text


def test_the_address_behind_a_proxy_is_told_too() -> None:
    said = Announcement(
        instance_id="0123456789abcdef",
        mode="full",
        port=8075,
        addresses=("192.0.2.7",),
        public_url="https://garden.example",
    )

    assert said.service_info().decoded_properties["url"] == "https://garden.example"
