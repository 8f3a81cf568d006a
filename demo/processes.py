"""Programs that the demo starts: each in a process group of its own, ended by its number."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

QUIT_SECONDS = 40
"""How long a program may take to end by itself before it is killed. [s]"""


class ChildError(Exception):
    """A program that the demo needs did not start, or ended by itself."""


class Child:
    """One started program.

    Its own session keeps a Ctrl-C of the terminal away from it, so that the demo ends its
    programs in order; and ending the whole group leaves no grandchild behind.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        log: Path,
        env: Mapping[str, str],
        folder: Path | None = None,
    ) -> None:
        self.name = name
        self.command = tuple(command)
        self.log = log
        self.env = dict(env)
        self.folder = folder
        self._process: asyncio.subprocess.Process | None = None

    @property
    def is_running(self) -> bool:
        """Tell whether the program runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """The number of the process.

        Raises:
            ChildError: It was never started.
        """
        if self._process is None:
            raise ChildError(f"{self.name} was not started")
        return self._process.pid

    async def start(self) -> None:
        """Start the program; what it prints is appended to the log."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=self.env,
                cwd=self.folder,
                start_new_session=True,
            )

    async def wait(self) -> int:
        """Wait for its end and return the exit code."""
        if self._process is None:
            raise ChildError(f"{self.name} was not started")
        return await self._process.wait()

    async def stop(self, quit_s: float = QUIT_SECONDS) -> None:
        """Ask it to end, and kill it where it does not."""
        if self._process is None:
            return
        if self.is_running:
            self.send(signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), quit_s)
        await self.kill()

    async def kill(self) -> None:
        """End it at once, as a power cut would."""
        if self._process is not None:
            self.send(signal.SIGKILL)
            await self._process.wait()

    def send(self, number: signal.Signals) -> None:
        """Send a signal to the program and all that it started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def log_tail(self, lines: int = 40) -> str:
        """Return the last lines that it printed."""
        if not self.log.exists():
            return "(no log)"
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])


def clean_environment() -> dict[str, str]:
    """Return our environment with byte code allowed: without it Home Assistant starts slowly."""
    return {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


async def wait_for_port(port: int, child: Child, seconds: float = 20) -> None:
    """Wait until a program answers on a port of the loopback interface.

    Raises:
        ChildError: It ended, or did not answer in time.
    """
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        if not child.is_running:
            raise ChildError(f"{child.name} ended at its start:\n{child.log_tail()}")
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            await writer.wait_closed()
            return
        await asyncio.sleep(0.05)
    raise ChildError(f"{child.name} did not answer on port {port}:\n{child.log_tail()}")
