"""Requests that fit the documentation, and requests that do not, against the running server."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kamerplanter_backend.config.settings import Mode
from tests.backend.api.harness import Bench
from tests.live_server import LiveServer

pytestmark = pytest.mark.usefixtures("socket_enabled")

PATIENCE_S = 1800

NEVER_ENDS = ("client_changes",)

ENDS_THE_LOGIN = (
    "auth_logout_all",
    "tenants_delete_garden",
    "tenants_leave",
    "users_change_password",
    "users_delete_me",
)
"""What would make every later request fail; the walk of all routes calls them."""

SETTINGS = """
[parameters]
"path.slug" = "{slug}"

[checks]
# Besides its defaults: what the schema cannot say (422), a mail that is too late (410), a revision
# that nobody has (412), and a login that was tried too often (429).
positive_data_acceptance.expected-statuses = [
    "2xx", "401", "403", "404", "409", "410", "412", "422", "429",
]
# The revision is looked at before the body.
negative_data_rejection.expected-statuses = [
    "400", "401", "403", "404", "405", "406", "409", "412", "415", "422", "428", "429",
]
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A running server and who asks it."""

    url: str
    slug: str
    token: str | None = None


@pytest.fixture
def target_of(server_of: Callable[..., Bench]) -> Iterator[Callable[[Mode], Target]]:
    """Return a function that starts a server; in full mode its caller may do everything."""

    def start(mode: Mode) -> Target:
        if mode is Mode.LIGHT:
            bench = server_of(mode, demo_garden=True, run_jobs=False)
            slug, token = "platform", None
        else:
            bench = server_of(mode, run_jobs=False)
            person = bench.person("ada", is_platform_admin=True)
            slug, token = bench.garden(person, "Allotment").slug, person.access_token
        live = LiveServer(bench.app)
        started.append(live)
        return Target(live.url, slug, token)

    started: list[LiveServer] = []
    yield start
    for live in started:
        live.stop()


@pytest.mark.parametrize("mode", list(Mode))
def test_the_server_does_what_it_documents(
    target_of: Callable[[Mode], Target], tmp_path: Path, mode: Mode
) -> None:
    examples = "2" if mode is Mode.FULL else "1"
    _fuzz(target_of(mode), tmp_path, "--phases=examples,fuzzing", f"--max-examples={examples}")


@pytest.mark.soak
@pytest.mark.parametrize("mode", list(Mode))
def test_the_server_does_what_it_documents_at_length(
    target_of: Callable[[Mode], Target], tmp_path: Path, mode: Mode
) -> None:
    _fuzz(
        target_of(mode),
        tmp_path,
        "--phases=examples,coverage,fuzzing,stateful",
        "--max-examples=60",
    )


def _fuzz(target: Target, folder: Path, *options: str) -> None:
    settings = folder / "schemathesis.toml"
    settings.write_text(SETTINGS.format(slug=target.slug))
    left_out = (*NEVER_ENDS, *ENDS_THE_LOGIN) if target.token else NEVER_ENDS
    command = [
        sys.executable,
        "-m",
        "schemathesis.cli",
        f"--config-file={settings}",
        "run",
        f"{target.url}/api/v1/openapi.json",
        "--checks=all",
        "--seed=1",
        "--workers=1",
        "--continue-on-failure",
        "--request-timeout=20",
        "--generation-database=none",
        *(f"--exclude-operation-id={name}" for name in left_out),
        *([f"--header=Authorization: Bearer {target.token}"] if target.token else []),
        *options,
    ]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
