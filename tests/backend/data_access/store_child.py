"""A process of its own that works on a store until it is told, or killed.

Usage: store_child.py commit|full|stranger PATH
"""

import json
import os
import resource
import sys
from pathlib import Path

from kamerplanter_backend.common.exceptions import UnavailableError
from kamerplanter_backend.data_access.sqlite import open_sqlite
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.repositories import REPOSITORIES
from kamerplanter_backend.domain.repositories.tank import TankRepository
from kamerplanter_backend.domain.repositories.telemetry import ProbeRepository
from kamerplanter_backend.domain.repositories.unit_of_work import Readings, open_unit
from kamerplanter_engines.models.telemetry import Reading
from tests.factories import NOW, add, context, example

COLLECTIONS = [repository.collection for repository in REPOSITORIES]
NOBODY = 65534
LIMIT_BYTES = 2_000_000


def say(message: object) -> None:
    """Tell the parent at once, in one piece."""
    os.write(1, json.dumps(message).encode() + b"\n")


def write(store: DocumentStore, number: int, name: str) -> None:
    """Commit a tank and a reading that belong together."""
    at = NOW.replace(year=2000 + number % 100, microsecond=number)
    with open_unit(store, context(), (TankRepository, Readings)) as uow:
        add(uow, TankRepository, key=f"tank-{number}", name=name)
        uow.readings.append([example(Reading, at=at, received_at=at, value=number)])


def warm_up() -> None:
    """Validate once, which makes pydantic build what it builds late."""
    store = open_sqlite(None, COLLECTIONS)
    with open_unit(store, context(), (TankRepository,)) as uow:
        add(uow, TankRepository)
        uow.of(TankRepository).find()
    store.close()


def commit_until_killed(path: Path) -> None:
    """Commit as fast as possible; say each number once its commit has returned."""
    store = open_sqlite(path, COLLECTIONS)
    with open_unit(store, context(), (ProbeRepository,)) as uow:
        number = uow.of(TankRepository).count()
        if uow.of(ProbeRepository).try_get("probe-1") is None:
            add(uow, ProbeRepository, key="probe-1")
    while True:
        write(store, number, f"Tank {number}")
        say(number)
        number += 1


def fill_the_disk(path: Path) -> None:
    """Write under a limit of the file size until it is reached, then with room again."""
    store = open_sqlite(path, COLLECTIONS)
    with open_unit(store, context(), (ProbeRepository,)) as uow:
        add(uow, ProbeRepository, key="probe-1")
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, hard))
    stored = 0
    try:
        while True:
            write(store, stored, f"Tank {stored} ".ljust(200, "x"))
            stored += 1
    except UnavailableError as error:
        say({"code": error.code, "message": error.message, "stored": stored})
    with open_unit(store, context()) as uow:
        say({"readable": uow.of(TankRepository).count()})
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    write(store, stored, "Tank with room")
    say({"stored": stored + 1})
    os.kill(os.getpid(), 9)


def open_as_stranger(path: Path) -> None:
    """Open the store as somebody who may read it only."""
    # The interpreter may lie where a stranger cannot read: import now what is imported late.
    path.as_uri()
    warm_up()
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    try:
        open_sqlite(path, COLLECTIONS)
    except UnavailableError as error:
        say({"code": error.code, "message": error.message})
    reader = open_sqlite(path, COLLECTIONS, read_only=True)
    with open_unit(reader, context()) as uow:
        say({"readable": uow.of(TankRepository).count()})
    reader.close()


MODES = {"commit": commit_until_killed, "full": fill_the_disk, "stranger": open_as_stranger}

if __name__ == "__main__":
    MODES[sys.argv[1]](Path(sys.argv[2]))
