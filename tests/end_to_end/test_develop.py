"""The first of the two commands: it ends what it started, and nothing else."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from demo.__main__ import main

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120
END_SECONDS = 45


def started(config: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "demo", "--config", str(config)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
    )


def lines_until(child: subprocess.Popen[str], text: str) -> list[str]:
    assert child.stdout is not None
    lines: list[str] = []
    deadline = time.monotonic() + START_SECONDS
    for line in child.stdout:
        lines.append(line.rstrip())
        if text in line:
            return lines
        assert time.monotonic() < deadline, lines
    pytest.fail("ended early: " + "\n".join(lines))


@pytest.mark.e2e
def test_ctrl_c_ends_what_was_started_and_nothing_else(tmp_path: Path) -> None:
    child = started(tmp_path / "config")
    try:
        said = "\n".join(lines_until(child, "Ctrl-C ends it"))
        for wanted in ("http://127.0.0.1:", "demo", "garden-demo"):
            assert wanted in said
        ours = psutil.Process(child.pid).children(recursive=True)
        # A stranger in the same process group, as another program of the same terminal is.
        stranger = subprocess.Popen(["sleep", "300"], process_group=os.getpgid(child.pid))
        try:
            os.kill(child.pid, signal.SIGINT)
            os.kill(child.pid, signal.SIGINT)
            assert child.wait(END_SECONDS) == 0
            assert len(ours) >= 2
            assert not [process for process in ours if process.is_running()]
            assert stranger.poll() is None
        finally:
            stranger.kill()
            stranger.wait()
    finally:
        child.kill()
        child.wait()


@pytest.mark.e2e
def test_a_run_that_is_ended_at_its_start_leaves_nothing(tmp_path: Path) -> None:
    child = started(tmp_path / "config")
    try:
        lines_until(child, "starting Home Assistant")
        ours = psutil.Process(child.pid).children(recursive=True)
        os.kill(child.pid, signal.SIGTERM)
        assert child.wait(END_SECONDS) == 0
        assert ours
        assert not [process for process in ours if process.is_running()]
    finally:
        child.kill()
        child.wait()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--broker", "mosquitto"], "mosquitto is not installed (Debian: apt install mosquitto)"),
        (["--broker", "rabbit"], "invalid choice: 'rabbit'"),
        (["--speed", "0"], "--speed must be between 1 and 3600"),
    ],
)
def test_what_cannot_be_started_is_said_in_a_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    told: str,
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_where, **_options: None)
    monkeypatch.setattr(sys, "argv", ["develop", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
