"""Home Assistant carries nothing of the server: neither its memory nor its start pays for it."""

import subprocess
import sys

from tests.architecture.sources import ROOT

SERVER_ONLY = (
    "fastapi",
    "starlette",
    "uvicorn",
    "uvloop",
    "structlog",
    "celery",
    "redis",
    "arango",
    "apscheduler",
    "authlib",
    "slowapi",
)


def test_the_integration_brings_no_package_of_the_server_along() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.home_assistant.load_integration", "pydantic", *SERVER_ONLY],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    # Pydantic is what it does need: so the list is one of a Home Assistant that runs it.
    assert done.stdout.splitlines()[-1] == "loaded: pydantic"
