"""One real Home Assistant: its folder, its process, its log."""

import importlib.util
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from demo.api import Api, wait_for_login, wait_until_running
from demo.ports import free_port
from demo.processes import Child, clean_environment
from demo.storage_seeds import TIME_ZONE, prepare, set_broker_port, set_http_port

ROOT = Path(__file__).resolve().parent.parent
INTEGRATION = ROOT / "custom_components" / "kamerplanter"
START_SECONDS = 120
RESTART_EXIT_CODE = 100
"""How Home Assistant says that it wants to be started again (restart, restored backup)."""
RESTORE_ORDER = ".HA_RESTORE"
"""The file in which Home Assistant tells its next start to restore a backup."""
NATIVE_PACKAGES = {"pymicro-vad": "pymicro_vad", "pyspeex-noise": "pyspeex_noise"}
"""What only a machine with a C++ compiler has: distribution to module."""

NAME = "Demo"
USERNAME = "demo"
PASSWORD = "garden-demo"  # noqa: S105 - of a demo on the loopback interface, printed at its start


class HomeAssistant:
    """Home Assistant with a configuration folder of its own, on a free loopback port.

    Args:
        config: Its folder.
        broker_port: Where the broker listens on this machine.
        time_zone: Where the house is, if the folder is new.
        integration: What is linked in; none = it is installed already.
        interpreter: How Python is called.
        env: The environment; none = ours.
    """

    def __init__(
        self,
        config: Path,
        broker_port: int,
        *,
        time_zone: str = TIME_ZONE,
        integration: Path | None = INTEGRATION,
        interpreter: Sequence[str] = (sys.executable,),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.config = config
        self.broker_port = broker_port
        self.time_zone = time_zone
        self.integration = integration
        self.port = free_port()
        self.api = Api(self.address)
        self.is_new = False
        self._child = Child(
            "Home Assistant",
            (*interpreter, "-m", "homeassistant", *start_options(config)),
            log=config / "console.log",
            env=clean_environment() if env is None else env,
            # `-m` looks into the working directory first: not into the repository.
            folder=config,
        )

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._child.pid

    async def start(self) -> None:
        """Start it, make the user if there is none, log in and connect.

        The ports are written anew each time: a restored backup brings its old ones along.

        Raises:
            ChildError: It did not come up.
        """
        if self._has_restore_order():
            # Home Assistant puts the backup back and wants to be started again.
            await self._child.start()
            await self._child.wait()
        prepare(self.config, self.integration, self.time_zone)
        set_http_port(self.config, self.port)
        set_broker_port(self.config, self.broker_port)
        await self._child.start()
        self.api.tokens = {}
        self.is_new = await wait_for_login(self.api, self._is_running, START_SECONDS)
        if self.is_new:
            await self.api.onboard(name=NAME, username=USERNAME, password=PASSWORD)
        else:
            await self.api.log_in(username=USERNAME, password=PASSWORD)
        await wait_until_running(self.api, self._is_running, START_SECONDS)
        await self.api.connect()

    async def stop(self) -> None:
        """End it in order."""
        await self.api.disconnect()
        await self._child.stop()

    async def kill(self) -> None:
        """End it as a power cut would."""
        await self.api.disconnect()
        await self._child.kill()

    async def close(self) -> None:
        """End it in order, and let go of everything."""
        await self.api.close()
        await self._child.stop()

    async def wait(self) -> int:
        """Wait for its end and return the exit code."""
        return await self._child.wait()

    def log_lines(self) -> list[str]:
        """Return what all its runs wrote."""
        path = self._child.log
        return path.read_text(errors="replace").splitlines() if path.exists() else []

    def forget_log(self) -> None:
        """Begin a new log."""
        self._child.log.unlink(missing_ok=True)

    def log_tail(self, lines: int = 60) -> str:
        """Return the end of its log."""
        return self._child.log_tail(lines)

    def _has_restore_order(self) -> bool:
        return (self.config / RESTORE_ORDER).exists()

    def _is_running(self) -> bool:
        return self._child.is_running


def start_options(config: Path) -> tuple[str, ...]:
    """Return the options of a start that fetches no package.

    Everything is installed by scripts/setup, so Home Assistant finds nothing to fetch; what
    cannot be installed without a compiler it is told to leave alone.
    """
    options = ["-c", str(config), "--log-no-color"]
    missing = [
        name for name, module in NATIVE_PACKAGES.items() if importlib.util.find_spec(module) is None
    ]
    if missing:
        options += ["--skip-pip-packages", ",".join(missing)]
    return tuple(options)
