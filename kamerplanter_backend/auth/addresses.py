"""E-mail addresses and paths that people and providers send, made comparable and safe."""

import ipaddress
import unicodedata

from kamerplanter_engines.errors import InvalidInputError

MAX_ADDRESS = 254
"""Source: RFC 5321, section 4.5.3.1.3, less the angle brackets."""
MAX_LOCAL_PART = 64
LOCAL_SIGNS = frozenset("!#$%&'*+-/=?^_`{|}~")
"""What a local part may hold beside letters, digits and dots without being quoted: all other signs
mean something in the headers of a mail, such as the comma between two addresses.
Source: RFC 5322, section 3.2.3.
"""
MAX_LABEL = 63
HYPHEN = frozenset("-")
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
        and all(_is_word(part, LOCAL_SIGNS) for part in local.split("."))
        and "." in domain
        and all(_is_label(label) for label in domain.split("."))
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


def _is_label(label: str) -> bool:
    is_short = 1 <= len(label) <= MAX_LABEL
    return is_short and _is_word(label, HYPHEN) and "-" not in {label[0], label[-1]}


def _is_word(text: str, signs: frozenset[str]) -> bool:
    """Tell whether a text has letters and digits of any script, some signs, and nothing else."""
    return bool(text) and all(
        char.isalnum() or char in signs or unicodedata.category(char).startswith("M")
        for char in text
    )


def _is_foreign(char: str) -> bool:
    """Tell whether a character is a blank, a control character or invisible."""
    return char.isspace() or unicodedata.category(char).startswith("C")
