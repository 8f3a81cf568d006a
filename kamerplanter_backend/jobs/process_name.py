"""Names of processes that claim jobs, and whether such a process can still be at work."""

import os
import socket
from uuid import uuid4

_PREFIX = "process"
_own_names: set[str] = set()
"""Names that were made here: what they claimed may still be worked on."""


def new_process_name() -> str:
    """Return a name for this process; another one with each call."""
    name = ":".join((_PREFIX, socket.gethostname(), str(os.getpid()), uuid4().hex))
    _own_names.add(name)
    return name


def is_gone(name: str, mine: str) -> bool:
    """Tell whether a process has certainly ended: it ran on this machine and is not there.

    A container that starts again has the same host name and process number, so what another one
    of this number claimed is from before. Where nobody can tell, it may still be at work.

    Args:
        name: Who claimed something.
        mine: The name of this process.
    """
    theirs, own = name.split(":"), mine.split(":")
    if len(theirs) != len(own) or theirs[:2] != own[:2] or name in _own_names:
        return False
    return theirs[2] == own[2] or not _runs(theirs[2])


def _runs(number: str) -> bool:
    # On Windows the signal 0 would end the process.
    if os.name != "posix" or not number.isdecimal():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except PermissionError, OverflowError:
        return True
    return True
