"""A server in a process of its own, on a free port."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

PATIENCE_S = 60


class Process:
    """A server in a process of its own."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.log = folder / "server.log"
        own = {name: value for name, value in os.environ.items() if "KAMERPLANTER" not in name}
        own |= {
            "KAMERPLANTER_STORE": f"sqlite:///{folder}/garden.db",
            "KAMERPLANTER_PORT": "0",
            **{f"KAMERPLANTER_{name.upper()}": value for name, value in settings.items()},
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "kamerplanter_backend.cli", "serve"],
                env=own,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        self.said = [self.process.stdout.readline(), self.process.stdout.readline()]
        found = re.search(r"listens on (http://([^:]+):(\d+))", self.said[0])
        assert found, self.log.read_text()
        self.address, self.host, self.port = found[1], found[2], int(found[3])

    def call(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(  # noqa: S310 - our own address
            self.address + path, data=data, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
            return json.load(answer)

    def connect(self) -> socket.socket:
        return socket.create_connection((self.host, self.port), timeout=PATIENCE_S)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
        self.process.stdout.close()
