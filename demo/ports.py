"""Ports of the loopback interface for programs that are started a moment later."""

import secrets
import socket
from contextlib import suppress
from pathlib import Path

HOST = "127.0.0.1"
FIRST_OUTGOING = 32768
"""From here the system takes ports for outgoing connections, where it does not say another one."""
LOWEST = 20_000
"""Well-known services, and the ports that browsers refuse, are below."""
TRIES = 100

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")


def free_port() -> int:
    """Return a port that nobody listens on.

    None that an outgoing connection may be given before the program listens there: Home Assistant
    takes seconds to its start, and goes on without its pages where the port is taken.

    Raises:
        OSError: None was found.
    """
    end = first_outgoing_port()
    if end - LOWEST < TRIES:  # a system that was told to use nearly all for outgoing connections
        with socket.socket() as probe:
            probe.bind((HOST, 0))
            return int(probe.getsockname()[1])
    for _ in range(TRIES):
        port = LOWEST + secrets.randbelow(end - LOWEST)
        with socket.socket() as probe, suppress(OSError):
            probe.bind((HOST, port))
            return port
    raise OSError(f"no free port between {LOWEST} and {end} on {HOST}")


def first_outgoing_port() -> int:
    """Return the lowest port that the system gives to outgoing connections."""
    with suppress(OSError, ValueError, IndexError):
        return int(_RANGE.read_text(encoding="ascii").split()[0])
    return FIRST_OUTGOING
