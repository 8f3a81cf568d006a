"""Consumers that only count: `python -m benchmarks.ingest_counters paho|aiomqtt PORT`."""

import asyncio
import sys
from collections.abc import Callable

import paho.mqtt.client as paho
from aiomqtt import Client
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.ingest_side import Pass, orders_of


def run_paho(port: int) -> None:
    """Count with paho's own loop: the limit."""
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="bench-paho")
    counted = Pass()

    def on_message(_client: object, _data: object, message: paho.MQTTMessage) -> None:
        counted.count += 1
        counted.note(message.payload)
        if counted.count == counted.expected:
            counted.end(count=counted.count)
            client.disconnect()

    client.on_message = on_message
    print("READY", flush=True)
    while words := sys.stdin.readline().split():
        client.connect("127.0.0.1", port)
        client.subscribe("paho/#", int(words[2]))
        client.loop(1)
        client.loop(1)
        counted.begin(int(words[1]))
        client.loop_forever()


async def run_aiomqtt(side: str, port: int, handle: Callable[[str, bytes], object]) -> None:
    """Receive with aiomqtt's iterator and hand each message on."""
    counted = Pass()
    print("READY", flush=True)
    while orders := await orders_of():
        async with Client("127.0.0.1", port, identifier=f"bench-{side}") as client:
            await client.subscribe(f"{side}/#", orders[1])
            counted.begin(orders[0])
            async for message in client.messages:
                payload = message.payload
                assert isinstance(payload, bytes)
                handle(str(message.topic), payload)
                counted.note(payload)
                counted.count += 1
                if counted.count == counted.expected:
                    break
            counted.end(count=counted.count)


if __name__ == "__main__":
    if sys.argv[1] == "paho":
        run_paho(int(sys.argv[2]))
    else:
        asyncio.run(run_aiomqtt("aiomqtt", int(sys.argv[2]), lambda _where, _payload: None))
