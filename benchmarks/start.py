"""How long starts take: the server against `import fastapi`, Home Assistant with and without us.

Also what it costs to open a store that is there, with its catalogue and a garden in it: the whole
of it counts, from the file to the services, but not the imports.

Each start is a fresh process with warm byte code; rounds are interleaved.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from custom_components.kamerplanter.const import ENTRY_VERSION
from demo.home_assistant import INTEGRATION, start_options
from demo.ports import free_port
from demo.processes import clean_environment
from demo.storage_seeds import prepare, set_http_port

ROUNDS = 5
PATIENCE_S = 120
READY = b"Home Assistant initialized"

FASTAPI = """
import time; began = time.perf_counter()
import fastapi
print(time.perf_counter() - began)
"""

OURS = """
import time; began = time.perf_counter()
from kamerplanter_backend.main import create_app, open_server
imported = time.perf_counter() - began
from kamerplanter_backend.config.settings import Settings
opening = time.perf_counter()
server = open_server(Settings(mode="full", store="sqlite:///:memory:", environment="development",
                              secret_key="kPz3uWq8-_yR5tE1vN7xM2cB9aL4sD6f"))
building = time.perf_counter()
app = create_app(server)
done = time.perf_counter()
server.close()
import json; print(json.dumps({"import": imported, "open": building - opening,
                               "app": done - building, "routes": len(app.routes)}))
"""

OPENING = """
import time
from pathlib import Path
from kamerplanter_backend.client.embedded import open_garden
from kamerplanter_backend.config.settings import Settings
from kamerplanter_backend.main import open_server
began = time.perf_counter()
opened = {opening}
print(time.perf_counter() - began)
opened.store.close()
"""
"""Opens a store as one of the two programs does that keep one; the first time it is made."""

AS_SERVER = """open_server(Settings(mode="light", store="sqlite:///{path}",
            environment="development"))"""
AS_HOME_ASSISTANT = """open_garden(Path("{path}"), name="Home", time_zone="Europe/Berlin")"""

AS_INSTALLED = "import sys; sys.modules['rich'] = None\n"
"""The log's library loads rich where it finds it; only the tools of developers bring it along."""


def _python(program: str) -> str:
    environment = {k: v for k, v in os.environ.items() if "KAMERPLANTER" not in k}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout


def _server_start(prelude: str) -> tuple[list[float], list[dict[str, float]]]:
    ratios, parts = [], []
    for number in range(ROUNDS + 1):
        peer, ours = float(_python(prelude + FASTAPI)), json.loads(_python(prelude + OURS))
        if number:  # the first round warms up
            ratios.append((ours["import"] + ours["app"]) / peer)
            parts.append(ours | {"fastapi": peer})
    return ratios, parts


def _openings() -> dict[str, list[float]]:
    """Return how many seconds each program takes to open a store that was made before."""
    ways = {"the server": AS_SERVER, "Home Assistant": AS_HOME_ASSISTANT}
    found: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as folder:
        for number in range(ROUNDS + 1):
            for name, way in ways.items():
                opening = way.format(path=Path(folder, f"{name}.db"))
                took = float(_python(OPENING.format(opening=opening)))
                if number:  # the first round makes the stores
                    found[name].append(took)
    return found


class Folder:
    """A configuration of Home Assistant that starts unattended.

    Args:
        path: Where it lies.
        with_entry: Whether the integration has an entry in it.
    """

    def __init__(self, path: Path, *, with_entry: bool) -> None:
        self.path = path
        prepare(path, INTEGRATION)
        (path / "configuration.yaml").write_text(
            "logger:\n  default: warning\n  logs:\n    homeassistant.bootstrap: info\n"
        )
        set_http_port(path, free_port())
        entries = [_entry()] if with_entry else []
        document = {
            "version": 1,
            "minor_version": 5,
            "key": "core.config_entries",
            "data": {"entries": entries},
        }
        (path / ".storage" / "core.config_entries").write_text(json.dumps(document))

    def start(self) -> float:
        """Start it, end it when it is ready, and return how many seconds that took."""
        log = self.path / "console.log"
        with log.open("wb") as file:
            began = time.perf_counter()
            process = subprocess.Popen(
                [sys.executable, "-m", "homeassistant", *start_options(self.path)],
                stdout=file,
                stderr=file,
                env=clean_environment(),
                cwd=self.path,
            )
            try:
                while READY not in log.read_bytes():
                    if process.poll() is not None or time.perf_counter() - began > PATIENCE_S:
                        raise SystemExit(log.read_text()[-3000:])
                    time.sleep(0.01)
                return time.perf_counter() - began
            finally:
                process.terminate()
                process.wait(60)


def _entry() -> dict[str, object]:
    now = datetime.now(UTC).isoformat()
    return {
        "created_at": now,
        "modified_at": now,
        "data": {"mode": "embedded", "store_id": "bench", "name": "Bench", "readings": "none"},
        "disabled_by": None,
        "discovery_keys": {},
        "domain": "kamerplanter",
        "entry_id": "01JTKAMERPLANTERBENCH00000",
        "minor_version": 1,
        "options": {},
        "pref_disable_new_entities": False,
        "pref_disable_polling": False,
        "source": "user",
        "subentries": [],
        "title": "Bench",
        "unique_id": "bench",
        "version": ENTRY_VERSION,
    }


def _home_assistant_start() -> tuple[list[float], list[float], list[float]]:
    with tempfile.TemporaryDirectory() as folder:
        without = Folder(Path(folder, "without"), with_entry=False)
        with_it = Folder(Path(folder, "with"), with_entry=True)
        plain, ours = [], []
        for number in range(ROUNDS + 1):
            times = without.start(), with_it.start()
            if number:
                plain.append(times[0])
                ours.append(times[1])
        assert (with_it.path / "kamerplanter" / "bench" / "garden.db").exists(), "it was not set up"
    return [a / b for a, b in zip(ours, plain, strict=True)], plain, ours


def _show(name: str, ratios: list[float], goal: str) -> None:
    print(
        f"{name}: median {statistics.median(ratios):.2f} "
        f"(range {min(ratios):.2f} to {max(ratios):.2f}), goal {goal}"
    )


def _show_server() -> None:
    for kind, prelude in (("as installed", AS_INSTALLED), ("with developers' tools", "")):
        ratios, parts = _server_start(prelude)
        for name in ("fastapi", "import", "open", "app"):
            print(f"{name}: {statistics.median(part[name] for part in parts) * 1000:.0f} ms")
        _show(f"import and create_app, {kind}, ours / import fastapi", ratios, "<= 2.5")


def _show_openings() -> None:
    for name, times in _openings().items():
        print(
            f"opening a store that is there, as {name} does: "
            f"median {statistics.median(times) * 1000:.0f} ms "
            f"(range {min(times) * 1000:.0f} to {max(times) * 1000:.0f}), goal < 1000"
        )


def _show_home_assistant() -> None:
    ratios, plain, ours = _home_assistant_start()
    print(
        f"Home Assistant: {statistics.median(plain):.2f} s, with us {statistics.median(ours):.2f} s"
    )
    _show("Home Assistant's start, with us / without", ratios, "<= 1.15")


PARTS = {
    "server": _show_server,
    "opening": _show_openings,
    "home_assistant": _show_home_assistant,
}


def main() -> None:
    """Run the rounds of the parts that are named, or of all, and print what they took."""
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()


if __name__ == "__main__":
    main()
