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


@pytest.mark.parametrize(
    "module",
    [
        "kamerplanter_backend.client.embedded",
        "kamerplanter_backend.jobs.catalogue",
        "kamerplanter_backend.telemetry.intake",
    ],
)
def test_what_home_assistant_uses_loads_nothing_of_the_server(module: str) -> None:
    assert loaded(module, SERVER) == []
