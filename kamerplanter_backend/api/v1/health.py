"""Is the server there, is it ready, and what can it do."""

from typing import Literal

from fastapi import Depends, Response
from pydantic import BaseModel, ConfigDict

import kamerplanter_engines
from kamerplanter_backend.api.late_route import Router
from kamerplanter_backend.client.protocol import PROTOCOL
from kamerplanter_backend.common.auth import Public
from kamerplanter_backend.common.dependencies import Server, ServerDep
from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.common.meant_headers import INSTANCE_HEADER
from kamerplanter_backend.config.settings import Mode

router = Router(tags=["health"], dependencies=[Depends(Public())])
root_router = Router(tags=["health"], dependencies=[Depends(Public())])


class Health(BaseModel):
    """That the server is there."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    status: Literal["healthy"] = "healthy"
    version: str
    mode: Mode


class Liveness(BaseModel):
    """That the process answers."""

    status: Literal["alive"] = "alive"


class Readiness(BaseModel):
    """Whether everything that the server needs answers."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    status: Literal["ready", "not_ready"]
    dependencies: dict[str, Literal["ok", "unavailable"]]
    """State of each thing that the server needs, by its name."""


class Features(BaseModel):
    """What this server has."""

    auth: bool
    multi_tenant: bool
    registration: bool


class ModeInfo(BaseModel):
    """How the server runs."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    mode: Mode
    version: str
    protocol: int
    """Number of the agreement with clients; one that does not know it cannot talk to the server."""
    instance_id: str
    """Stays the same for the life of the store, whatever the address is."""
    features: Features


@root_router.get("/health", summary="Is the server there?")
async def health(server: ServerDep) -> Health:
    """Answer quickly and without asking the store; for programs that look for the server."""
    return Health(version=kamerplanter_engines.__version__, mode=server.settings.mode)


@router.get("/health/live", summary="Does the process answer?")
async def live() -> Liveness:
    """Answer as long as the process runs."""
    return Liveness()


@router.get(
    "/health/ready",
    summary="Is everything there that the server needs?",
    responses={503: {"model": Readiness, "description": "Something does not answer."}},
)
async def ready(server: ServerDep, response: Response) -> Readiness:
    """Ask everything that the server needs; 503 if something does not answer."""
    dependencies = {"store": await server.run(lambda: _store_state(server))}
    is_ready = all(state == "ok" for state in dependencies.values())
    if not is_ready:
        response.status_code = 503
        response.headers["Retry-After"] = "5"
    return Readiness(status="ready" if is_ready else "not_ready", dependencies=dependencies)


@router.get("/mode", summary="How does the server run?")
async def mode(server: ServerDep, response: Response) -> ModeInfo:
    """Tell whether there are accounts and several gardens."""
    # Who finds it missing knows that something on the way takes it off, before anything is done.
    response.headers[INSTANCE_HEADER] = server.instance_id
    settings = server.settings
    is_full = settings.mode is Mode.FULL
    return ModeInfo(
        mode=settings.mode,
        version=kamerplanter_engines.__version__,
        protocol=PROTOCOL,
        instance_id=server.instance_id,
        features=Features(
            auth=is_full,
            multi_tenant=is_full,
            registration=is_full and settings.is_registration_open,
        ),
    )


def _store_state(server: Server) -> Literal["ok", "unavailable"]:
    try:
        server.store.last_cursor()
    except UnavailableError:
        return "unavailable"
    return "ok"
