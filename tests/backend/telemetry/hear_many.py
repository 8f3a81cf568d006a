"""Hears many messages in a process of its own and says how much memory it holds.

Usage: python -m tests.backend.telemetry.hear_many PORT WARM_UP_COUNT COUNT

Says `connected`, and at the end the resident memory after the warm-up and after the rest. [MiB]
"""

import asyncio
import gc
import json
import os
import sys
from pathlib import Path

from kamerplanter_backend.telemetry.broker.aiomqtt_source import OwnBroker
from kamerplanter_backend.telemetry.broker.settings import BrokerSettings
from tests.backend.telemetry.brokers import HOST
from tests.backend.telemetry.device import EC, Device, bind

TAKEN_AT = 500
"""Readings that wait are taken as often as Home Assistant takes them."""


def resident_mib() -> float:
    """Return the resident memory of this process. [MiB]"""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def say(line: str) -> None:
    """Tell who started us."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(port: int, warm_up_count: int, count: int) -> None:
    """Hear all messages through the connection and the intake of a probe."""
    device = Device(bind(EC, unit="mS/cm"))
    heard, measured_mib, done = 0, [], asyncio.Event()

    def take(topic: str, payload: bytes, _retained: bool) -> None:
        nonlocal heard
        # Fast enough that none is another's repetition, slow enough for a day of messages.
        device.send(payload, heard * 2.0, topic=topic)
        heard += 1
        if device.intake.pending_count >= TAKEN_AT:
            device.intake.take_readings()
        if heard in (warm_up_count, warm_up_count + count):
            measured_mib.append(resident_mib())
        if len(measured_mib) == 2:
            done.set()

    def tell(connected: bool) -> None:
        if connected:
            say("connected")

    settings = BrokerSettings(host=HOST, port=port, client_id="many")
    running = asyncio.create_task(OwnBroker(settings, take, tell, topics=["t"]).run())
    await done.wait()
    running.cancel()
    say(json.dumps(measured_mib))


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
