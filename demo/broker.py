"""The MQTT broker of the demo: amqtt by default, mosquitto on request.

`python -m demo.broker PORT` runs amqtt in the foreground; the demo starts it like that, so
that it can be killed and come back as a broker does.
"""

import asyncio
import logging
import shutil
import signal
import sys
from enum import StrEnum
from pathlib import Path

from amqtt.broker import Broker as AmqttBroker

from demo.processes import Child, ChildError, clean_environment, wait_for_port


class BrokerKind(StrEnum):
    """The brokers that the demo can start."""

    AMQTT = "amqtt"
    MOSQUITTO = "mosquitto"


MQTT_VERSION = {BrokerKind.AMQTT: "3.1.1", BrokerKind.MOSQUITTO: "5"}
"""What Home Assistant's MQTT entry must speak: amqtt knows no MQTT 5."""


class Broker:
    """A broker on one port of the loopback interface, open to everybody on this machine."""

    def __init__(self, kind: BrokerKind, port: int, folder: Path) -> None:
        self.kind = kind
        self.port = port
        self._folder = folder
        self._child = Child(
            f"broker {kind}", self._command(), log=folder / "broker.log", env=clean_environment()
        )

    def _command(self) -> tuple[str, ...]:
        if self.kind is BrokerKind.AMQTT:
            return (sys.executable, "-m", "demo.broker", str(self.port))
        return (mosquitto_path(), "-c", str(self._folder / "mosquitto.conf"))

    async def start(self) -> None:
        """Start it and wait until it answers.

        Raises:
            ChildError: It is not installed, or does not answer.
        """
        if self.kind is BrokerKind.MOSQUITTO:
            text = f"listener {self.port} 127.0.0.1\nallow_anonymous true\npersistence false\n"
            # mosquitto started by root changes to a user that may be missing.
            text += "user root\n"
            (self._folder / "mosquitto.conf").write_text(text)
        await self._child.start()
        await wait_for_port(self.port, self._child)

    async def stop(self) -> None:
        """End it in order."""
        await self._child.stop(quit_s=5)

    async def kill(self) -> None:
        """End it as a power cut would."""
        await self._child.kill()


def mosquitto_path() -> str:
    """Return where mosquitto is.

    Raises:
        ChildError: It is not installed.
    """
    path = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if path is None:
        raise ChildError("mosquitto is not installed (Debian: apt install mosquitto)")
    return path


def amqtt_configuration(port: int) -> dict[str, object]:
    """Return the configuration of an amqtt broker without log noise and system topics."""
    return {
        "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{port}"}},
        "plugins": {
            "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True},
        },
    }


async def serve(port: int) -> None:
    """Run amqtt until a signal ends it."""
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    broker = AmqttBroker(amqtt_configuration(port))
    await broker.start()
    await ended.wait()
    await broker.shutdown()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(serve(int(sys.argv[1])))
