# ruff: noqa: PLC0415 - each child loads its own server alone
"""The three servers of the HTTP benchmark, each in a process of its own.

Started as a child: `python -m benchmarks.http_peers ours|home_assistant|starlette FOLDER`.
Prints one line of JSON: where to ask, and with what token. Ends when its input ends.
"""

import asyncio
import json
import os
import secrets
import sys
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

DOCUMENT = {
    "key": "0198a3c2f7d87c52a0b1c2d3e4f50617",
    "name": "Tank",
    "tank_type": "nutrient",
    "volume_l": 60.0,
    "ec_low_ms_cm": 1.2,
    "ec_high_ms_cm": 2.0,
    "plain_water": False,
    "revision": 1,
}


def _tell(url: str, token: str = "") -> None:
    print(json.dumps({"url": url, "token": token}), flush=True)


def _end_with_the_input() -> None:
    """End this process when the benchmark closes its end of the pipe."""

    def wait() -> None:
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()


def ours(folder: Path) -> None:
    """Serve one garden with accounts on a file, as `kamerplanter-server serve` does."""
    from pydantic import SecretStr

    from kamerplanter_backend.auth.sessions import Device, begin_session
    from kamerplanter_backend.common.context import Role
    from kamerplanter_backend.config.logging import configure_logging
    from kamerplanter_backend.config.settings import MailerKind, Mode, Settings
    from kamerplanter_backend.domain.models.tenant import TenantFields
    from kamerplanter_backend.domain.repositories.identity import (
        RefreshTokenRepository,
        SessionRepository,
    )
    from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
    from kamerplanter_backend.domain.services.tenant_service import (
        account_context,
    )
    from kamerplanter_backend.main import open_server
    from kamerplanter_backend.serving import serve
    from kamerplanter_engines.models.tank import TankFields

    settings = Settings(
        mode=Mode.FULL,
        store=f"sqlite:///{folder}/garden.db",
        secret_key=SecretStr(secrets.token_urlsafe(48)),
        public_url="https://garden.example",
        mailer=MailerKind.FOLDER,
        port=0,
        access_token_minutes=60,
    )
    configure_logging(settings)
    server = open_server(settings)
    now = server.clock()
    user = server.accounts.registration.create_admin("a@garden.example", "long password", "A", now)
    account = account_context(user.key, now, role=Role.ADMIN)
    tenant = server.tenants.create_for(account, TenantFields(name="Bench"))
    context = server.contexts.make(tenant.key, actor=user.key, role=Role.ADMIN, now=now)
    tank = server.services.tank.create(context, TankFields(name="Tank", volume_l=60))
    with open_unit(server.store, account, (SessionRepository, RefreshTokenRepository)) as uow:
        session, raw = begin_session(
            uow,
            server.accounts.policy,
            user.key,
            method="password",
            is_persistent=True,
            device=Device(),
        )
    token = server.accounts.sessions.login_of(session, raw, now).access_token
    path = f"/api/v1/t/{tenant.slug}/tanks/{tank.key}"
    serve(server, lambda address: _tell(address + path, token))


async def _home_assistant(folder: Path) -> None:
    from homeassistant.core import HomeAssistant  # noqa: F401 - before the test plugin
    from homeassistant.setup import async_setup_component
    from pytest_homeassistant_custom_component.common import (
        async_test_home_assistant,
    )

    from demo.ports import free_port

    port = free_port()
    config = {"http": {"server_host": ["127.0.0.1"], "server_port": port}, "api": {}}
    async with async_test_home_assistant(config_dir=str(folder)) as hass:
        for name in ("http", "api"):
            assert await async_setup_component(hass, name, config)
        await hass.async_start()
        await hass.async_block_till_done()
        user = await hass.auth.async_create_user("Bench", group_ids=["system-admin"])
        refresh = await hass.auth.async_create_refresh_token(
            user,
            client_name="bench",
            token_type="long_lived_access_token",  # noqa: S106 - a kind, no secret
            access_token_expiration=timedelta(days=1),
        )
        hass.states.async_set("sensor.bench", "1.82", {key: DOCUMENT[key] for key in DOCUMENT})
        token = hass.auth.async_create_access_token(refresh)
        _tell(f"http://127.0.0.1:{port}/api/states/sensor.bench", token)
        await asyncio.Event().wait()


def home_assistant(folder: Path) -> None:
    """Serve one state by Home Assistant's own REST API."""
    asyncio.run(_home_assistant(folder))


def starlette(_folder: Path) -> None:
    """Serve one document of eight fields to everybody."""
    import uvicorn
    import uvloop
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    from demo.ports import free_port

    async def document(_request: Request) -> Any:  # noqa: ANN401
        return JSONResponse(DOCUMENT)

    async def run() -> None:
        serving = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - it has no event for it
            await asyncio.sleep(0.05)
        _tell(f"http://127.0.0.1:{port}/document")
        await serving

    port = free_port()
    app = Starlette(routes=[Route("/document", document)])
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False)
    )
    uvloop.run(run())  # the loop that uvicorn takes by itself


PEERS = {"ours": ours, "home_assistant": home_assistant, "starlette": starlette}

if __name__ == "__main__":
    _end_with_the_input()
    PEERS[sys.argv[1]](Path(sys.argv[2]))
