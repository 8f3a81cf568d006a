"""What the consumers that `ingest.py` compares have in common.

A consumer prints READY; for each line `pass COUNT QOS` it prints GO, takes COUNT messages, and
prints one line of JSON.
"""

import asyncio
import gc
import json
import sys
import time

TOPICS = 100
GARDENS = 10
FIELDS = {"ec": "ec", "ph": "ph", "water_temperature": "temperature", "level": "level"}
READINGS = len(FIELDS)


def topic(side: str, number: int) -> str:
    """Return the topic of one probe; each side hears what is meant for it alone."""
    return f"{side}/garden-{number % GARDENS}/tank{number // GARDENS}"


class Pass:
    """Counts the messages of one pass, and how long each was on its way if it says so."""

    def __init__(self) -> None:
        self.expected = 0
        self.count = 0
        self.began = 0.0
        self.cpu = 0.0
        self.loop_cpu = 0.0
        self.delays_ms: list[float] = []
        self.pauses_ms: list[float] = []
        self._pause_at = 0.0
        gc.callbacks.append(self._on_collect)

    def _on_collect(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._pause_at = time.perf_counter()
        else:
            self.pauses_ms.append(1000 * (time.perf_counter() - self._pause_at))

    def begin(self, expected: int) -> None:
        """Start anew."""
        self.expected, self.count = expected, 0
        self.delays_ms, self.pauses_ms = [], []
        self.began, self.cpu = time.perf_counter(), time.process_time()
        self.loop_cpu = time.thread_time()
        print("GO", flush=True)

    def note(self, payload: bytes) -> None:
        """Note how long a message took until now; the number behind `sent` is its moment."""
        at = payload.find(b'"sent":')
        if at >= 0:
            end = payload.find(b",", at)
            sent_ns = int(payload[at + 7 : end])
            if sent_ns:
                self.delays_ms.append((time.monotonic_ns() - sent_ns) / 1e6)

    def end(self, **more: object) -> None:
        """Print what it took."""
        delays = sorted(self.delays_ms)
        figures: dict[str, object] = {
            "cpu_s": time.process_time() - self.cpu,
            "loop_s": time.thread_time() - self.loop_cpu,
            "wall_s": time.perf_counter() - self.began,
            "pause_ms": max(self.pauses_ms, default=0.0),
            **more,
        }
        if delays:
            figures["p50_ms"] = delays[len(delays) // 2]
            figures["p99_ms"] = delays[len(delays) * 99 // 100]
        print(json.dumps(figures), flush=True)


async def orders_of() -> tuple[int, int] | None:
    """Return count and QoS of the next pass; none = there is none."""
    line = await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    words = line.split()
    return (int(words[1]), int(words[2])) if words else None
