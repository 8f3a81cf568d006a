"""CPU from an MQTT message to four entity states: Kamerplanter against Home Assistant's sensors.

All run as headless cores on one mosquitto, in interleaved rounds; one core only receives.
A pass sends changing values, the next repeats the last ones. Ours runs twice: as shipped, where so
many messages are a flood of which each entity shows the newest value twice a second, and with each
value written, as the peer does and as it is for a source that sends more slowly.
An argument sets the number of rounds.
"""

import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from demo.ports import free_port

MESSAGES = 5_000
ROUNDS = 3
PER_SECOND = 1_000
SIDES = ("floor", "peer", "each", "shipped")


def start_broker(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Start a mosquitto that drops nothing."""
    binary = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    config = folder / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
        "max_queued_messages 0\n"
    )
    broker = subprocess.Popen([binary, "-c", str(config)], stderr=subprocess.DEVNULL)
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return broker
        time.sleep(0.05)
    raise SystemExit("mosquitto did not start")


@dataclass
class Core:
    """One headless core and what it used."""

    side: str
    port: int
    changed_us: list[float] = field(default_factory=list)
    repeated_us: list[float] = field(default_factory=list)
    states: list[float] = field(default_factory=list)
    """Written for a message of changed values."""

    def __post_init__(self) -> None:
        """Start the child and wait until it listens."""
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.headless_core", self.side, str(self.port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self._expect("READY")

    def _line(self) -> str:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.side}: the core ended early")
        return line.strip()

    def _expect(self, word: str) -> None:
        while self._line() != word:
            pass

    def run(self, publisher: paho.Client, payloads: list[str]) -> dict[str, float]:
        """Send the payloads and return what the core used for them."""
        self.begin("pass")
        start = time.perf_counter()
        for number, payload in enumerate(payloads):
            publisher.publish(f"bench/{self.side}/tank", payload)
            ahead = start + number / PER_SECOND - time.perf_counter()
            if ahead > 0:
                time.sleep(ahead)
        return cast("dict[str, float]", self.finish(publisher))

    def begin(self, command: str) -> None:
        """Let the core measure from now on."""
        assert self.process.stdin
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        self._expect("GO")

    def finish(self, publisher: paho.Client) -> dict[str, Any]:
        """Say that all was sent, and return what the core measured."""
        publisher.publish(f"bench/{self.side}/done", "1", qos=1)
        while not (line := self._line()).startswith("{"):
            pass
        return cast("dict[str, Any]", json.loads(line))

    def stop(self) -> None:
        """End the child."""
        assert self.process.stdin
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()


def _payloads(seed: int) -> list[str]:
    """Values that wander as a tank does: each message changes all four a little."""
    noise = random.Random(seed)
    return [
        json.dumps(
            {
                "ec": round(1.6 + noise.uniform(-0.03, 0.03), 4),
                "ph": round(6.0 + noise.uniform(-0.05, 0.05), 4),
                "temperature": round(20 + noise.uniform(-0.1, 0.1), 4),
                "level": round(70 + noise.uniform(-0.5, 0.5), 4),
            }
        )
        for _ in range(MESSAGES)
    ]


def _show(name: str, ratios: list[float], goal: str) -> None:
    print(
        f"{name}: median {statistics.median(ratios):.2f} "
        f"(range {min(ratios):.2f} to {max(ratios):.2f}), goal {goal}"
    )


def main(rounds: int) -> None:
    """Run the rounds and print the ratios."""
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        broker = start_broker(Path(folder), port)
        cores: dict[str, Core] = {}
        try:
            publisher = paho.Client(CallbackAPIVersion.VERSION2)
            publisher.connect("127.0.0.1", port)
            publisher.loop_start()
            for side in SIDES:
                cores[side] = Core(side, port)
            for number in range(rounds + 1):
                for core in cores.values():
                    _round(core, publisher, number)
            for core in cores.values():
                core.stop()
            publisher.loop_stop()
        finally:
            for core in cores.values():
                core.process.kill()
            broker.terminate()
            broker.wait(10)
    _report(cores)


def _report(cores: dict[str, Core]) -> None:
    floor, peer = cores["floor"], cores["peer"]
    print("load of the last minutes:", *os.getloadavg())
    print(f"floor: {statistics.median(floor.changed_us):.0f} us to receive a message, no more")
    for side in SIDES[1:]:
        core = cores[side]
        print(
            f"{side}: {statistics.median(core.changed_us):.0f} us a message of four values, "
            f"{statistics.median(core.states):.2f} states written for it"
        )
    for side in ("each", "shipped"):
        ours = cores[side]
        _show(
            f"{side}: changed values, ours / peer",
            [a / b for a, b in zip(ours.changed_us, peer.changed_us, strict=True)],
            "<= 0.85",
        )
        _show(
            f"{side}: repeated / changed",
            [a / b for a, b in zip(ours.repeated_us, ours.changed_us, strict=True)],
            "<= 0.30",
        )


def _round(core: Core, publisher: paho.Client, number: int) -> None:
    payloads = _payloads(number)
    changed = core.run(publisher, payloads)
    repeated = core.run(publisher, [payloads[-1]] * MESSAGES)
    if number:  # the first round warms up
        core.changed_us.append(changed["cpu_s"] / MESSAGES * 1e6)
        core.repeated_us.append(repeated["cpu_s"] / MESSAGES * 1e6)
        core.states.append(changed["changes"] / MESSAGES)
    print(core.side, number, changed, repeated, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
