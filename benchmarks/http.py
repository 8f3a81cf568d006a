"""Requests a second and waiting times of one authenticated GET of a garden, against two peers.

Home Assistant's REST API answers one state, Starlette one document without any check. Each server
has a core of its own, wrk the other; rounds are interleaved.
"""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

ROUNDS = 5
SECONDS = 2
FEW_SECONDS = 3
FEW_ROUNDS = 3
MANY, FEW = 64, 8
SERVER_CORE, LOAD_CORE = "1", "0"
SIDES = ("ours", "home_assistant", "starlette")


@dataclass
class Side:
    """One server and what was measured of it."""

    name: str
    folder: Path
    rates: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    p50_ms: list[float] = field(default_factory=list)
    p99_ms: list[float] = field(default_factory=list)
    errors: int = 0

    def __post_init__(self) -> None:
        """Start the child and ask it once."""
        self.folder.mkdir()
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        command = ["taskset", "-c", SERVER_CORE, sys.executable, "-m", "benchmarks.http_peers"]
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                [*command, self.name, str(self.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
            )
        assert self.process.stdout
        while not (line := self.process.stdout.readline()).startswith(b"{"):
            if not line:
                raise SystemExit(f"{self.name}: {(self.folder / 'log').read_text()[-2000:]}")
        told = json.loads(line)
        self.url, self.token = told["url"], told["token"]
        request = urllib.request.Request(self.url, headers=self.headers)  # noqa: S310 - our own
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
            self.size = len(answer.read())

    @property
    def headers(self) -> dict[str, str]:
        """What a request carries."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def load(self, connections: int, seconds: int) -> dict[str, float]:
        """Let wrk ask for some seconds."""
        command = ["taskset", "-c", LOAD_CORE, "wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
        for name, value in self.headers.items():
            command += ["-H", f"{name}: {value}"]
        before = _cpu_s(self.process.pid)
        done = subprocess.run(
            [*command, "--latency", self.url], capture_output=True, text=True, check=True
        )
        cpu = _cpu_s(self.process.pid) - before
        text = done.stdout
        count = int(_found(r"(\d+) requests in", text)[1])
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
        broken = re.search(r"Socket errors: .*", text)
        self.errors += (int(bad[1]) if bad else 0) + (1 if broken else 0)
        return {
            "rate": float(_found(r"Requests/sec:\s+([\d.]+)", text)[1]),
            "cpu_us": cpu / count * 1e6,
            "p50": _milliseconds(_found(r"50%\s+([\d.]+\w+)", text)[1]),
            "p99": _milliseconds(_found(r"99%\s+([\d.]+\w+)", text)[1]),
        }

    def stop(self) -> None:
        """End the child."""
        self.process.kill()
        self.process.wait(10)


def _found(pattern: str, text: str) -> re.Match[str]:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"wrk said nothing of {pattern}:\n{text}")
    return found


def _milliseconds(text: str) -> float:
    number, unit = _found(r"^([\d.]+)(us|ms|s)$", text).groups()
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _show(name: str, ratios: list[float], goal: str) -> None:
    print(
        f"{name}: median {statistics.median(ratios):.2f} "
        f"(range {min(ratios):.2f} to {max(ratios):.2f}), goal {goal}"
    )


def _ratios(ours: list[float], peer: list[float]) -> list[float]:
    return [a / b for a, b in zip(ours, peer, strict=True)]


def _run(sides: dict[str, Side]) -> None:
    for number in range(ROUNDS + 1):
        for side in sides.values():
            measured = side.load(MANY, SECONDS)
            if number:  # the first round warms up
                side.rates.append(measured["rate"])
                side.cpu_us.append(measured["cpu_us"])
    for _ in range(FEW_ROUNDS):
        for side in sides.values():
            measured = side.load(FEW, FEW_SECONDS)
            side.p50_ms.append(measured["p50"])
            side.p99_ms.append(measured["p99"])


def main() -> None:
    """Run the rounds and print the ratios."""
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed (Debian: apt install wrk)")
    began = time.perf_counter()
    sides: dict[str, Side] = {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            for name in SIDES:
                sides[name] = Side(name, Path(folder, name))
            _run(sides)
        finally:
            for side in sides.values():
                side.stop()
    for side in sides.values():
        print(
            f"{side.name}: {statistics.median(side.rates):.0f} requests/s at {MANY} connections, "
            f"{statistics.median(side.cpu_us):.0f} us CPU each, {side.size} bytes; at {FEW}: "
            f"p50 {statistics.median(side.p50_ms):.2f} ms, "
            f"p99 {statistics.median(side.p99_ms):.2f} ms; errors {side.errors}"
        )
    ours, core, bare = (sides[name] for name in SIDES)
    _show("requests/s, ours / Home Assistant", _ratios(ours.rates, core.rates), ">= 0.50")
    _show("requests/s, ours / Starlette", _ratios(ours.rates, bare.rates), ">= 0.15")
    _show("CPU a request, ours / Home Assistant", _ratios(ours.cpu_us, core.cpu_us), "none")
    _show(
        "p99 at 8 connections, ours / Home Assistant", _ratios(ours.p99_ms, core.p99_ms), "<= 2.5"
    )
    print(f"took {time.perf_counter() - began:.0f} s")


if __name__ == "__main__":
    main()
