"""What the addresses in settings are: of this machine, of a closed network, or of the internet."""

import socket
from email.utils import parseaddr
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

CLOSED_ENDINGS = (".lan", ".local", ".home", ".internal", ".home.arpa", ".localhost", ".test")
"""Ends of names that nobody on the internet finds. Sources: RFC 6762, 8375, 6761; and what routers
of homes use."""


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """Return the address that a host is written as; none = it is a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        pass
    try:
        # Sockets take shorter ways to write one, too: 0 is 0.0.0.0, and 127.1 is 127.0.0.1.
        return IPv4Address(socket.inet_aton(host))
    except OSError, UnicodeEncodeError:
        return None


def is_public(host: str) -> bool:
    """Tell whether a host is an address of the internet."""
    address = address_of(host)
    return address is not None and address.is_global


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    address = address_of(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def is_closed(host: str) -> bool:
    """Tell whether only machines near by can mean something by a host."""
    address = address_of(host)
    if address is not None:
        return not address.is_global
    name = host.lower().rstrip(".")
    return "." not in name or name.endswith(CLOSED_ENDINGS)


def check_public_url(value: str, setting: str) -> str:
    """Return the address of a server as people reach it, without a slash at its end.

    Raises:
        ValueError: It is none; says what to write instead, with the name of the setting.
    """
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise ValueError(f"{setting} must be an address such as https://garden.example")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError(f"{setting} must have a port from 1 to 65535, or none")
    if parts.path not in {"", "/"} or parts.query or parts.fragment:
        raise ValueError(f"{setting} must end with the host or port")
    return value.rstrip("/")


def check_host_names(values: tuple[str, ...], setting: str) -> tuple[str, ...]:
    """Return names of hosts.

    Raises:
        ValueError: One is none; says what to write instead, with the name of the setting.
    """
    for name in values:
        has_port = ":" in name and address_of(name) is None
        if not name or "*" in name or "/" in name or name != name.strip() or has_port:
            raise ValueError(
                f"{setting} must be names such as garden.lan, without scheme, port and asterisk, "
                "with commas between them"
            )
    return values


def check_sender(value: str, setting: str) -> str:
    """Return the address that mails come from, with or without a name before it.

    Raises:
        ValueError: It is none; says what to write instead, with the name of the setting.
    """
    mailbox, _, domain = parseaddr(value)[1].rpartition("@")
    if not mailbox or not domain or any(character.isspace() for character in mailbox + domain):
        raise ValueError(f"{setting} must be an address such as garden@example.org")
    return value
