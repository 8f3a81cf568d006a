"""From a broker into the store: CPU, rate, loss, latency and pauses of the ingest worker.

Peers: paho that only counts (the limit), aiomqtt that only counts, and Home Assistant's own MQTT
sensors, four a topic. All get the same messages from one mosquitto, in interleaved rounds.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any, cast

from benchmarks.ingest_side import READINGS, TOPICS, topic
from benchmarks.integration_states import start_broker
from demo.ports import free_port

MESSAGES = 10_000
PACED = 4_000
DROPPED_FIRST = 500
PER_SECOND = 1_000

MODULES = {
    "paho": "ingest_counters",
    "aiomqtt": "ingest_counters",
    "ours": "ingest_ours",
    "reading": "ingest_link",
    "judging": "ingest_link",
    "aiomqtt-reading": "ingest_link",
    "aiomqtt-judging": "ingest_link",
    "home-assistant": "ingest_home_assistant",
}


class Side:
    """One consumer."""

    def __init__(self, name: str, port: int, folder: Path) -> None:
        self.name = name
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        self._errors = (folder / f"{name}.log").open("w")
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.{MODULES[name]}", name, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
            env=environment,
        )
        self._expect("READY")

    def _line(self) -> str:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            log = Path(self._errors.name).read_text()
            raise SystemExit(f"{self.name} ended early: {log[-2000:]}")
        return line.strip()

    def _expect(self, word: str) -> None:
        while self._line() != word:
            pass

    def take(self, publisher: Publisher, qos: int, *, paced: bool = False) -> dict[str, Any]:
        """Let it take one pass of messages; return what it took."""
        count = PACED if paced else MESSAGES
        assert self._process.stdin
        self._process.stdin.write(f"pass {count} {qos}\n")
        self._process.stdin.flush()
        self._expect("GO")
        if paced:
            publisher.send_paced(self.name, qos)
        else:
            publisher.send_all(self.name, qos)
        while not (line := self._line()).startswith("{"):
            pass
        return cast("dict[str, Any]", json.loads(line))

    def stop(self) -> None:
        """End it."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._errors.close()


class Publisher:
    """Sends packets that were made before, over one socket."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.sendall(b"\x10\x17\x00\x04MQTT\x04\x02\x00\x00\x00\x0bbench-sends")
        self._socket.recv(4)
        self._serial = 0
        threading.Thread(target=self._drain, daemon=True).start()

    def _drain(self) -> None:
        while self._socket.recv(65_536):
            pass

    def _packet(self, side: str, qos: int, sent_ns: int) -> bytes:
        """Return the next message: each value differs from the one before, none is a jump."""
        self._serial += 1
        number, step = self._serial % TOPICS, self._serial // TOPICS % 300
        payload = (
            f'{{"device":"tank-{number}","sent":{sent_ns},"rssi":-61,"battery":87,'
            f'"ec":{1.6 + step * 1e-4:.4f},"ph":{6 + step * 1e-4:.4f},'
            f'"temperature":{20 + step * 1e-3:.3f},"level":{70 + step * 1e-2:.2f}}}'
        ).encode()
        where = topic(side, number).encode()
        identity = (self._serial % 65_535 + 1).to_bytes(2) if qos else b""
        length = 2 + len(where) + len(identity) + len(payload)
        size = bytes((length & 0x7F | 0x80, length >> 7))
        head = bytes((0x30 | qos << 1,)) + size + len(where).to_bytes(2)
        return head + where + identity + payload

    def send_all(self, side: str, qos: int) -> None:
        """Send a pass as fast as the broker takes it."""
        self._socket.sendall(b"".join(self._packet(side, qos, 0) for _ in range(MESSAGES)))

    def send_paced(self, side: str, qos: int) -> None:
        """Send a pass at 1,000 a second; the first ones do not say when they were sent."""
        began = time.monotonic()
        for number in range(PACED):
            ahead = began + number / PER_SECOND - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)
            sent_ns = time.monotonic_ns() if number >= DROPPED_FIRST else 0
            self._socket.sendall(self._packet(side, qos, sent_ns))


def _show(name: str, ratios: list[float], goal: str) -> None:
    print(
        f"{name}: median {statistics.median(ratios):.2f} "
        f"(range {min(ratios):.2f} to {max(ratios):.2f}), goal {goal}",
        flush=True,
    )


def _rounds(
    sides: dict[str, Side],
    publisher: Publisher,
    names: tuple[str, ...],
    rounds: int,
    qos: int,
    *,
    paced: bool = False,
) -> dict[str, list[dict[str, Any]]]:
    """Run interleaved rounds, the first of which only warms up."""
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for number in range(rounds + 1):
        for name in names:
            figures = sides[name].take(publisher, qos, paced=paced)
            print(f"  {name} {number} {figures}", flush=True)
            if number:
                found[name].append(figures)
    return found


def _ratios(
    found: dict[str, list[dict[str, Any]]], field: str, name: str, peer: str
) -> list[float]:
    return [a[field] / b[field] for a, b in zip(found[name], found[peer], strict=True)]


def cpu_and_rate(sides: dict[str, Side], publisher: Publisher, rounds: int) -> None:
    """G1 and G2."""
    names = tuple(name for name in ("paho", "ours", "home-assistant") if name in sides)
    for qos in (0, 1):
        found = _rounds(sides, publisher, names, rounds, qos)
        for name in names:
            cpu = statistics.median(item["cpu_s"] for item in found[name]) / MESSAGES * 1e6
            print(f"QoS {qos}, {name}: {cpu:.0f} µs CPU a message")
        if qos == 0:
            _show("G1 CPU, ours / paho", _ratios(found, "cpu_s", "ours", "paho"), "<= 5.5")
            if "home-assistant" in sides:
                ratios = _ratios(found, "cpu_s", "ours", "home-assistant")
                _show("G1 CPU, ours / Home Assistant", ratios, "<= 0.30")
            continue
        _show("G2 rate, ours / paho", _ratios(found, "wall_s", "paho", "ours"), ">= 0.30")
        if "home-assistant" in sides:
            ratios = _ratios(found, "wall_s", "home-assistant", "ours")
            _show("G2 rate, ours / Home Assistant", ratios, ">= 3.5")
        lost = sum(READINGS * MESSAGES - item["count"] for item in found["ours"])
        print(f"G2 loss: {lost} of {READINGS * MESSAGES * rounds} readings, goal 0")


def validation(sides: dict[str, Side], publisher: Publisher, rounds: int) -> None:
    """G3: what is compared receives the messages too, each by its own connection."""
    names = tuple(name for name in NEEDED["validation"] if name in sides)
    found = _rounds(sides, publisher, names, rounds, 0)
    for name, what, goal in (
        ("reading", "ours: receive, parse, units, bounds", "<= 1.25"),
        ("judging", "ours: the same and full judgement", "none"),
        ("aiomqtt-reading", "aiomqtt with our parse, units, bounds", "none"),
        ("aiomqtt-judging", "aiomqtt with the same and full judgement", "none"),
    ):
        if name in found:
            ratios = _ratios(found, "cpu_s", name, "aiomqtt")
            _show(f"G3 CPU, {what} / aiomqtt count", ratios, goal)


def latency(sides: dict[str, Side], publisher: Publisher, rounds: int) -> None:
    """G5 and G14."""
    found = _rounds(sides, publisher, ("aiomqtt", "ours"), rounds, 0, paced=True)
    _show("G5 p50, ours / aiomqtt", _ratios(found, "p50_ms", "ours", "aiomqtt"), "<= 1.4")
    _show("G5 p99, ours / aiomqtt", _ratios(found, "p99_ms", "ours", "aiomqtt"), "<= 6")
    longest = max(item["pause_ms"] for item in found["ours"])
    print(f"G14 longest pause of the collector: {longest:.1f} ms, goal <= 10")


PARTS = {"cpu": cpu_and_rate, "validation": validation, "latency": latency}
NEEDED = {
    "cpu": ("paho", "ours", "home-assistant"),
    "validation": ("aiomqtt", "reading", "judging", "aiomqtt-reading", "aiomqtt-judging"),
    "latency": ("aiomqtt", "ours"),
}


def main() -> None:
    """Run the parts that the arguments name (none = all), with so many rounds."""
    arguments = sys.argv[1:]
    rounds = next((int(word) for word in arguments if word.isdigit()), 3)
    without = {word.removeprefix("no-") for word in arguments if word.startswith("no-")}
    parts = [word for word in arguments if word in PARTS] or list(PARTS)
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        port = free_port()
        broker = start_broker(folder, port)
        sides: dict[str, Side] = {}
        try:
            publisher = Publisher(port)
            for part in parts:
                wanted = [name for name in NEEDED[part] if name not in without]
                for name in sides.keys() - set(wanted):
                    sides.pop(name).stop()
                for name in wanted:
                    if name not in sides:
                        sides[name] = Side(name, port, folder)
                PARTS[part](sides, publisher, rounds)
        finally:
            for side in sides.values():
                side.stop()
            broker.terminate()
            broker.wait(10)


if __name__ == "__main__":
    main()
