"""Runs the demo until Ctrl-C, or plays the story and tells whether it worked."""

import argparse
import asyncio
import logging
import signal
import sys
import tempfile
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from demo.api import ApiError
from demo.broker import BrokerKind, mosquitto_path
from demo.home_assistant import PASSWORD, RESTART_EXIT_CODE, ROOT, USERNAME
from demo.narrator import Narrator, gardener, say
from demo.processes import ChildError
from demo.server_story import ServerStory
from demo.session import Session
from demo.states import StateError
from demo.storage_seeds import TIME_ZONE
from demo.story import CHECK_SPEED, Story

LAST_HOUR = 23
EXPECTED = (ApiError, ChildError, StateError, TimeoutError)
"""What ends a run with a reason in place of a stack trace."""


def main() -> int:
    """Run and return the exit code."""
    arguments = _parse()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("demo.simulator.mqtt").setLevel(logging.CRITICAL)
    try:
        return asyncio.run(_run_until_signal(arguments))
    except asyncio.CancelledError, KeyboardInterrupt:
        return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/develop", description="A real Home Assistant with a simulated garden."
    )
    parser.add_argument(
        "--broker",
        choices=list(BrokerKind),
        default=BrokerKind.AMQTT,
        help="which MQTT broker to start",
    )
    parser.add_argument(
        "--speed",
        type=float,
        default=None,
        metavar="N",
        help="let the time of the garden go N times as fast as the wall's (default 1)",
    )
    parser.add_argument("--config", type=Path, default=ROOT / "config", help=argparse.SUPPRESS)
    parser.add_argument(
        "--check", action="store_true", help="play the story headless in a temporary folder"
    )
    parser.add_argument(
        "--server",
        action="store_true",
        help="keep the garden on a Kamerplanter server in a process of its own",
    )
    arguments = parser.parse_args()
    if arguments.server and arguments.config == ROOT / "config":
        # A garden is here or there: each has its own Home Assistant.
        arguments.config = ROOT / "config" / "with-server"
    if arguments.speed is None:
        arguments.speed = CHECK_SPEED if arguments.check else 1.0
    if not 1 <= arguments.speed <= 3600:  # noqa: PLR2004 - beyond, readings are hours apart
        parser.error("--speed must be between 1 and 3600")
    arguments.broker = BrokerKind(arguments.broker)
    if arguments.broker is BrokerKind.MOSQUITTO:
        try:
            mosquitto_path()
        except ChildError as error:
            parser.error(str(error))
    return arguments


async def _run_until_signal(arguments: argparse.Namespace) -> int:
    work = asyncio.ensure_future(_check(arguments) if arguments.check else _run(arguments))
    is_ending = False

    def end() -> None:
        # Once: a second Ctrl-C must not cut short the orderly end of what was started.
        nonlocal is_ending
        if not is_ending:
            is_ending = True
            say("ending what was started")
            work.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, end)
    return await work


async def _check(arguments: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="kamerplanter-check-") as folder:
        config = Path(folder) / "config"
        async with Session(
            config,
            arguments.broker,
            arguments.speed,
            say,
            time_zone=_zone_without_midnight(),
            on_server=arguments.server,
        ) as session:
            story = (
                Story(session, say)
                if session.server is None
                else ServerStory(session, session.server, say)
            )
            try:
                await session.start()
                await story.play()
            except EXPECTED as error:
                print(f"\n--- end of the log of Home Assistant\n{session.home.log_tail()}")
                if session.server is not None:
                    print(f"\n--- end of the log of the server\n{session.server.log_tail()}")
                print(f"\ncheck FAILED: {error}", file=sys.stderr)
                return 1
            print(story.table())
            return 0


async def _run(arguments: argparse.Namespace) -> int:
    async with Session(
        arguments.config, arguments.broker, arguments.speed, say, on_server=arguments.server
    ) as session:
        narrator = Narrator(session.states, say, gardener(session.simulator.command))
        try:
            await session.start()
            _welcome(session)
            await narrator.follow_tasks()
            while await session.home.wait() == RESTART_EXIT_CODE:
                say("Home Assistant wants to be started again")
                await session.home.start()
                await session.prepare()
                await narrator.follow_tasks()
        except EXPECTED as error:
            print(f"\n{session.home.log_tail()}\n\nFAILED: {error}", file=sys.stderr)
            return 1
        print(f"\n{session.home.log_tail()}\n\nHome Assistant ended", file=sys.stderr)
        return 1


def _zone_without_midnight() -> str:
    """Return a time zone in which the day does not change while the story is played."""
    return TIME_ZONE if datetime.now(ZoneInfo(TIME_ZONE)).hour < LAST_HOUR else "America/Lima"


def _welcome(session: Session) -> None:
    print(
        f"\n    Address   {session.home.address}\n"
        f"    Login     {USERNAME}\n"
        f"    Password  {PASSWORD}\n"
        f"    Broker    127.0.0.1:{session.broker.port} ({session.broker.kind}); "
        f"commands to the garden: topic demo/command\n"
        + (f"    Server    {session.server.address}\n" if session.server else "")
        + f"    Log       {session.home.config / 'console.log'}\n\n"
        f"Ctrl-C ends it.\n",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
