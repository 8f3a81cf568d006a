"""Publishes what the devices of the simulated garden measure, and takes commands.

Commands come as JSON on the topic `demo/command`, or in process by `Simulator.command`:

    {"dose_ph_down_ml": 5}         acid into the tank (`dose_ph_up_ml`, `dose_feed_ml` alike)
    {"top_up_l": 10}               tap water into the tank
    {"pot": "basil", "water_ml": 400}
    {"pot": "basil", "drying_factor": 30}
    {"device": "tank", "sensor": "ph", "fault": "dead"}    or drift, stuck, none
    {"device": "tank", "sensor": "ph", "bottle": 7.06}     hung into a solution, where it shows
                                                           this; null = put back
"""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import aiomqtt

from demo.devices import Device, all_devices
from demo.garden_physics import Garden, Soil
from demo.probe_faults import Fault

_LOGGER = logging.getLogger(__name__)

COMMAND_TOPIC = "demo/command"
RECONNECT_SECONDS = 0.5
INTERVAL_SECONDS = 5.0
"""Between two messages of a device in real time. [s]"""
FAST_INTERVAL_SECONDS = 1.0
"""The same where time is sped up. [s]"""


class CommandError(Exception):
    """A command that the garden does not understand."""


class Simulator:
    """Devices, each with a connection of its own so that the broker announces their loss."""

    def __init__(self, port: int, *, speed: float = 1.0) -> None:
        self.port = port
        self.speed = speed
        self.interval_s = INTERVAL_SECONDS if speed == 1 else FAST_INTERVAL_SECONDS
        self.garden = Garden(pots={"basil": Soil(), "tomato": Soil(moisture_pct=48.0)})
        self.devices = {device.name: device for device in all_devices()}
        self.is_silent = False
        """The devices stay connected, but measure nothing."""
        self.on_measured: Callable[[str, Mapping[str, float], float], None] | None = None
        """Called with device, values and the monotonic moment right before they are sent."""
        self._advanced_at: float | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to publish."""
        self.advance()
        for device in self.devices.values():
            self._tasks.append(asyncio.create_task(self._keep(self._publish, device)))
        self._tasks.append(asyncio.create_task(self._keep(self._listen)))

    async def stop(self) -> None:
        """End all connections in order; the devices say that they go."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def command(self, command: Mapping[str, object]) -> None:
        """Do something in the garden (see the head of this module).

        Raises:
            CommandError: It is not understood; nothing happened.
        """
        self.advance()
        try:
            if "device" in command:
                self._handle_probe(command)
            elif "pot" in command:
                self._tend_pot(command)
            else:
                self._tend_tank(command)
        except (KeyError, ValueError, TypeError) as error:
            raise CommandError(f"not understood: {json.dumps(command, default=str)}") from error

    def advance(self) -> None:
        """Bring the garden to the present moment; its clock begins with the first call."""
        now = asyncio.get_running_loop().time()
        if self._advanced_at is not None:
            self.garden.advance((now - self._advanced_at) * self.speed)
        self._advanced_at = now

    def _handle_probe(self, command: Mapping[str, object]) -> None:
        sensor = self.devices[str(command["device"])].sensors[str(command["sensor"])]
        if "bottle" in command:
            shown = command["bottle"]
            sensor.bottle = None if shown is None else _number(shown)
        else:
            sensor.set_fault(Fault(str(command["fault"])), self.garden.at_s)

    def _tend_pot(self, command: Mapping[str, object]) -> None:
        pot = self.garden.pots[str(command["pot"])]
        if "drying_factor" in command:
            pot.drying_factor = _number(command["drying_factor"])
        else:
            pot.water(self.garden.at_s, _number(command["water_ml"]))

    def _tend_tank(self, command: Mapping[str, object]) -> None:
        tank, at_s = self.garden.tank, self.garden.at_s
        ((verb, amount),) = command.items()
        {
            "dose_ph_up_ml": lambda: tank.dose_ph(at_s, _number(amount)),
            "dose_ph_down_ml": lambda: tank.dose_ph(at_s, -_number(amount)),
            "dose_feed_ml": lambda: tank.dose_feed(at_s, _number(amount)),
            "top_up_l": lambda: tank.top_up(_number(amount)),
        }[verb]()

    async def _keep[*A](
        self, work: Callable[[*A], Coroutine[Any, Any, None]], *arguments: *A
    ) -> None:
        while True:
            # A broker that is away is no reason to end: devices try again as well.
            with suppress(aiomqtt.MqttError, OSError):
                await work(*arguments)
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _publish(self, device: Device) -> None:
        topic, speech = device.availability_topic, device.dialect
        will = aiomqtt.Will(topic, speech.offline, qos=1, retain=True)
        async with self._client(f"demo-{device.name}", will) as client:
            await client.publish(topic, speech.online, qos=1, retain=True)
            try:
                while True:
                    if not self.is_silent:
                        await self._publish_once(client, device)
                    await asyncio.sleep(self.interval_s)
            except asyncio.CancelledError:
                await client.publish(topic, speech.offline, qos=1, retain=True)
                raise

    async def _publish_once(self, client: aiomqtt.Client, device: Device) -> None:
        self.advance()
        measured = device.measure(self.garden)
        if self.on_measured is not None:
            self.on_measured(device.name, measured, asyncio.get_running_loop().time())
        for message in device.messages(measured, datetime.now(UTC)):
            await client.publish(message.topic, message.payload, retain=message.retain)

    async def _listen(self) -> None:
        async with self._client("demo-garden", None) as client:
            await client.subscribe(COMMAND_TOPIC)
            async for message in client.messages:
                try:
                    self.command(json.loads(bytes(message.payload)))
                except (CommandError, ValueError, AttributeError) as error:
                    _LOGGER.warning("command %s", error)

    def _client(self, identifier: str, will: aiomqtt.Will | None) -> aiomqtt.Client:
        return aiomqtt.Client(
            "127.0.0.1",
            self.port,
            identifier=identifier,
            will=will,
            keepalive=10,
            timeout=5,
            logger=_LOGGER.getChild("mqtt"),
        )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        msg = f"{value!r} is no number"
        raise TypeError(msg)
    return float(value)
