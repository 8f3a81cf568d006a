"""The server loads no more than it needs; Home Assistant loads nothing of it."""

import subprocess
import sys

import pytest

from tests.architecture.sources import ROOT

HEAVY = ("arango", "celery", "redis", "schemathesis", "numpy", "sqlalchemy", "homeassistant")
SERVER = ("fastapi", "starlette", "uvicorn", "structlog", "apscheduler", "bcrypt", "authlib")


def loaded(module: str, names: tuple[str, ...]) -> list[str]:
    """Return which of some packages come along with a module."""
    program = f"import sys, {module}; print([n for n in {names!r} if n in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    found: list[str] = eval(done.stdout)  # noqa: S307 - our own output
    return found


@pytest.mark.parametrize("module", ["kamerplanter_backend.main", "kamerplanter_backend.cli"])
def test_the_server_loads_no_store_and_no_worker_that_it_does_not_use(module: str) -> None:
    assert loaded(module, HEAVY) == []


LATE = (
    "apscheduler",
    "authlib",
    "httpx2",
    "ical",
    "joserfc",
    "slowapi",
    "limits",
    "kamerplanter_backend.auth.oidc",
    "kamerplanter_backend.ingesting",
)
"""Loaded with the first one who needs it: a token, a provider, a calendar, a login, a job."""


def test_the_command_line_loads_nothing_to_announce_itself_before_it_listens() -> None:
    assert loaded("kamerplanter_backend.cli", ("zeroconf", "ical", "authlib", "joserfc")) == []


@pytest.mark.parametrize("mode", ["full", "light"])
def test_an_application_is_made_without_what_its_first_users_bring_along(mode: str) -> None:
    program = f"""
import sys
from kamerplanter_backend.config.settings import Settings
from kamerplanter_backend.main import create_app, open_server
server = open_server(Settings(mode={mode!r}, store="sqlite:///:memory:", environment="development",
                              secret_key="kPz3uWq8-_yR5tE1vN7xM2cB9aL4sD6f"))
app = create_app(server)
print([name for name in {LATE!r} if name in sys.modules])
print([route.path for route in app.routes if "dependant" in vars(route)])
server.close()
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines() == ["[]", "[]"]


@pytest.mark.parametrize(
    "module",
    [
        "kamerplanter_backend.client.embedded",
        "kamerplanter_backend.jobs.catalogue",
        "kamerplanter_backend.telemetry.probe.intake",
    ],
)
def test_what_home_assistant_uses_loads_nothing_of_the_server(module: str) -> None:
    assert loaded(module, SERVER) == []
