"""The command of the README that starts a server."""

import os
import re
import shutil
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

from tests.end_to_end.server_process import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.e2e
@pytest.mark.usefixtures("socket_enabled")
def test_it_tells_where_its_documentation_is_and_ends_in_order(tmp_path: Path) -> None:
    # The script's own steps with a setup that is done already: a test must not install anything.
    scripts = tmp_path / "scripts"
    scripts.mkdir()
    shutil.copy(ROOT / "scripts" / "serve", scripts)
    (scripts / "setup").write_text("#!/bin/sh\n")
    (scripts / "setup").chmod(0o755)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    own = {name: value for name, value in os.environ.items() if "KAMERPLANTER" not in name}
    child = subprocess.Popen(
        [scripts / "serve"],
        env=own | {"KAMERPLANTER_PORT": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert child.stdout is not None
    try:
        listens, documentation = child.stdout.readline(), child.stdout.readline()
        assert re.fullmatch(r"Kamerplanter listens on http://\S+ \(light mode\)\n", listens)
        found = re.fullmatch(r"Documentation: (http://\S+/api/v1/docs)\n", documentation)
        assert found, documentation
        with urllib.request.urlopen(found[1], timeout=PATIENCE_S) as page:  # noqa: S310 - our own
            assert b"swagger-ui" in page.read()
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE_S) == 0
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    assert (tmp_path / "config" / "server" / "garden.db").is_file()
