"""Time from publishing to the state: Kamerplanter's level against that of Home Assistant's sensors.

The cores of `integration_states.py`, in interleaved rounds, 1,000 messages a second of four values
each. Ours writes each value, as for a source that sends more slowly; as shipped a flood would be
shown twice a second only. Both write four states a message, of which the level is the last one.
An argument sets the number of rounds.
"""

import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import cast

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.integration_states import PER_SECOND, Core, start_broker
from demo.ports import free_port

MESSAGES = 4_000
DROPPED_FIRST = 500
ROUNDS = 3
SIDES = ("peer", "each")


def _payload(number: int) -> tuple[str, str]:
    """Return a message and the state of its level, which no other one of the pass has."""
    step = number % 300
    level = f"{60 + number * 0.0025:.4f}"
    payload = {
        "ec": round(1.6 + step * 1e-4, 4),
        "ph": round(6 + step * 1e-4, 4),
        "temperature": round(20 + step * 1e-3, 3),
        "level": float(level),
    }
    return json.dumps(payload), str(float(level))


def _pass(core: Core, publisher: paho.Client) -> list[float]:
    """Send a pass and return how many milliseconds each level took to its state."""
    core.begin("latency")
    sent_ns: dict[str, int] = {}
    start = time.perf_counter()
    for number in range(MESSAGES):
        payload, state = _payload(number)
        ahead = start + number / PER_SECOND - time.perf_counter()
        if ahead > 0:
            time.sleep(ahead)
        if number >= DROPPED_FIRST:
            sent_ns[state] = time.monotonic_ns()
        publisher.publish(f"bench/{core.side}/tank", payload)
    seen_ns = cast("dict[str, int]", core.finish(publisher))
    missing = sent_ns.keys() - seen_ns.keys()
    if missing:
        raise SystemExit(f"{core.side}: {len(missing)} of {len(sent_ns)} values never were a state")
    return [(seen_ns[state] - at_ns) / 1e6 for state, at_ns in sent_ns.items()]


def main(rounds: int) -> None:
    """Run the rounds and print the ratios."""
    found: dict[str, list[list[float]]] = {side: [] for side in SIDES}
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        broker = start_broker(Path(folder), port)
        cores: list[Core] = []
        try:
            publisher = paho.Client(CallbackAPIVersion.VERSION2)
            publisher.connect("127.0.0.1", port)
            publisher.loop_start()
            cores.extend(Core(side, port) for side in SIDES)
            for number in range(rounds + 1):
                for core in cores:
                    took_ms = _pass(core, publisher)
                    p50, p99 = _shares(took_ms)
                    print(f"{core.side} {number}: p50 {p50:.3f} ms, p99 {p99:.1f} ms", flush=True)
                    if number:  # the first round warms up
                        found[core.side].append(took_ms)
            for core in cores:
                core.stop()
            publisher.loop_stop()
        finally:
            for core in cores:
                core.process.kill()
            broker.terminate()
            broker.wait(10)
    for index, (name, goal) in enumerate((("p50", "<= 1.25"), ("p99", "none"))):
        ratios = [
            _shares(ours)[index] / _shares(peer)[index]
            for ours, peer in zip(found["each"], found["peer"], strict=True)
        ]
        print(
            f"G5 {name}, message to state, ours / Home Assistant: "
            f"median {statistics.median(ratios):.2f} "
            f"(range {min(ratios):.2f} to {max(ratios):.2f}), goal {goal}"
        )


def _shares(took_ms: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(took_ms, n=100)
    return cuts[49], cuts[98]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS)
