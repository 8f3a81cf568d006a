"""Requests that fit the documentation, and requests that do not, against the running server."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest

from kamerplanter_backend.api.openapi import describe
from kamerplanter_backend.config.settings import Mode
from kamerplanter_backend.domain.services import membership_service
from tests.backend.api.browser import PASSWORD
from tests.backend.api.harness import Bench
from tests.backend.api.login_provider import Claims, LoginProvider, running_provider
from tests.live_server import LiveServer

pytestmark = pytest.mark.usefixtures("socket_enabled")

PATIENCE_S = 3600
"""A long run takes 13 minutes on an idle machine. [s]"""

HOOKS = Path(__file__).with_name("fuzz_hooks.py")
ROOT = Path(__file__).parents[3]

NEVER_ENDS = ("client_changes",)

SETTINGS = """
hooks = "{hooks}"

[parameters]
"path.slug" = "{slug}"

[checks]
# 302: a browser is sent on. 304: the caller has it already.
positive_data_acceptance.expected-statuses = ["2xx", "302", "304", "409", "422"]
# The revision is looked at before the body, and so is its size.
negative_data_rejection.expected-statuses = [
    "400", "401", "403", "404", "405", "406", "409", "412", "413", "415", "422", "428", "429",
]
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A running server and who asks it."""

    url: str
    slug: str
    me: str = ""
    token: str = ""
    email: str = ""
    mails: Path | None = None


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, socket_enabled: None) -> Iterator[LoginProvider]:
    """Run a login provider whose tokens are good at the time of the server."""
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    with running_provider() as running:
        yield running


def at(now: datetime) -> Claims:
    """Return what an ID token says of its time."""
    second = int(now.timestamp())
    return {"iat": second, "auth_time": second, "exp": second + 3600}


@pytest.fixture
def target_of(
    server_of: Callable[..., Bench], provider: LoginProvider, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Mode], Target]]:
    """Return a function that starts a server; in full mode its caller may do everything."""
    # All the invitations of a run are those of one person and one day.
    monkeypatch.setattr(membership_service, "MAX_INVITATIONS_A_DAY", 1_000_000)

    def start(mode: Mode) -> Target:
        if mode is Mode.LIGHT:
            bench = server_of(mode, demo_garden=True, run_jobs=False)
            target = Target("", "platform")
        else:
            bench = server_of(mode, run_jobs=False, mailer="folder", **provider.settings())
            # The clock of the server stands still.
            provider.tamper = lambda claims: claims | at(bench.clock())
            person = bench.person("ada", is_platform_admin=True, password=PASSWORD)
            slug = bench.garden(person, "Allotment").slug
            target = Target(
                "",
                slug,
                person.key,
                person.access_token,
                person.email,
                bench.server.settings.mail_folder,
            )
            # Whom and what an admin may lock out.
            bench.garden(bench.person("bob"), "Spare")
        # The tool waits ten seconds for it, and a busy machine may need longer to make it.
        describe(bench.app)
        live = LiveServer(bench.app)
        started.append(live)
        return replace(target, url=live.url)

    started: list[LiveServer] = []
    yield start
    for live in started:
        live.stop()


@pytest.mark.parametrize("mode", list(Mode))
def test_the_server_does_what_it_documents(
    target_of: Callable[[Mode], Target], tmp_path: Path, mode: Mode
) -> None:
    # What the light mode has is a part of the full one, where all documented examples are sent.
    phases = "examples,fuzzing" if mode is Mode.FULL else "fuzzing"
    _fuzz(target_of(mode), tmp_path, f"--phases={phases}", "--max-examples=1")


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
    settings.write_text(SETTINGS.format(slug=target.slug, hooks=HOOKS))
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
        *(f"--exclude-operation-id={name}" for name in NEVER_ENDS),
        *options,
    ]
    lent = {
        "FUZZ_URL": target.url,
        "FUZZ_SLUG": target.slug,
        "FUZZ_ME": target.me,
        "FUZZ_TOKEN": target.token,
        "FUZZ_EMAIL": target.email,
        "FUZZ_PASSWORD": PASSWORD,
        "FUZZ_MAILS": str(target.mails or ""),
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | lent,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
