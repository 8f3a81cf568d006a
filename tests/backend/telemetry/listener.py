"""A connection of our own that keeps what it hears, and its opposite numbers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiomqtt import Client

from kamerplanter_backend.telemetry.broker.aiomqtt_source import OwnBroker
from kamerplanter_backend.telemetry.broker.settings import BrokerError, BrokerSettings
from tests.backend.telemetry.brokers import HOST

FIRST_PAUSE_S = 0.05


class Listener:
    """Runs an own broker connection and keeps what it hears."""

    def __init__(self, port: int, *topics: str, client_id: str = "kp-test") -> None:
        self.messages: asyncio.Queue[tuple[str, bytes, bool]] = asyncio.Queue()
        self.connections: asyncio.Queue[bool] = asyncio.Queue()
        self.broker = OwnBroker(
            BrokerSettings(host=HOST, port=port, client_id=client_id),
            lambda *message: self.messages.put_nowait(message),
            self.connections.put_nowait,
            topics=topics,
            first_pause_s=FIRST_PAUSE_S,
        )
        self._errors: asyncio.Queue[BrokerError | None] = asyncio.Queue()
        take = self.broker._lost

        def lost(error: Exception) -> None:
            take(error)
            self._errors.put_nowait(self.broker.last_error)

        self.broker._lost = lost  # type: ignore[method-assign]

    async def next_message(self) -> tuple[str, bytes, bool]:
        async with asyncio.timeout(10):
            return await self.messages.get()

    async def next_connection(self) -> bool:
        async with asyncio.timeout(20):
            return await self.connections.get()

    async def next_error(self, kind: type[BrokerError]) -> None:
        async with asyncio.timeout(20):
            while not isinstance(await self._errors.get(), kind):
                pass


@asynccontextmanager
async def listening(listener: Listener) -> AsyncIterator[Listener]:
    task = asyncio.create_task(listener.broker.run())
    try:
        yield listener
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def take_over(port: int, client_id: str) -> None:
    """Come with the id of another client; leaves when thrown out in turn, or at once."""
    async with Client(HOST, port, identifier=client_id):
        pass


async def publish(port: int, topic: str, payload: bytes, *, retain: bool = False) -> None:
    async with Client(HOST, port) as client:
        await client.publish(topic, payload, qos=1, retain=retain)
