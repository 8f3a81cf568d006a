"""E-mail addresses and paths that people and providers send, made comparable and safe."""

import ipaddress
import unicodedata

from kamerplanter_engines.errors import InvalidInputError

MAX_ADDRESS = 254
"""Source: RFC 5321, section 4.5.3.1.3, less the angle brackets."""
MAX_LOCAL_PART = 64
MAX_PATH = 500


def comparable_email(text: str) -> str:
    """Return an address in the spelling that accounts are compared by.

    Raises:
        InvalidInputError: It is no address; the value is not repeated, as it may be a password.
    """
    email = unicodedata.normalize("NFKC", text.strip()).lower()
    local, at, domain = email.rpartition("@")
    is_address = (
        bool(at)
        and 1 <= len(local) <= MAX_LOCAL_PART
        and len(email) <= MAX_ADDRESS
        and "@" not in local
        and not any(_is_foreign(char) for char in email)
        and "." in domain.strip(".")
        and all(1 <= len(label) <= MAX_LOCAL_PART - 1 for label in domain.split("."))
    )
    if not is_address:
        raise InvalidInputError(
            "email must be an address such as ada@example.org.",
            field="email",
            allowed="name@domain",
        )
    return email


def safe_path(path: str | None) -> str:
    """Return a path of our own to send a browser to; what could lead elsewhere becomes `/`."""
    if path is None or not path.startswith("/") or len(path) > MAX_PATH:
        return "/"
    leads_elsewhere = path.startswith(("//", "/\\")) or "\\" in path
    if leads_elsewhere or any(_is_foreign(char) for char in path):
        return "/"
    return path


def coarse_address(address: str | None) -> str | None:
    """Return a network address that no longer points to one household.

    The last octet of IPv4 becomes 0, IPv6 keeps 48 bits.
    """
    if address is None:
        return None
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    length = 24 if found.version == 4 else 48  # noqa: PLR2004 - the two versions
    return str(ipaddress.ip_network(f"{found}/{length}", strict=False).network_address)


def _is_foreign(char: str) -> bool:
    """Tell whether a character is a blank, a control character or invisible."""
    return char.isspace() or unicodedata.category(char).startswith("C")
