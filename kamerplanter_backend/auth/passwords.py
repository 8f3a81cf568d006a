"""Passwords: what they must be, and how they are kept (bcrypt). Everything here blocks."""

from dataclasses import dataclass
from functools import cache

import bcrypt

from kamerplanter_engines.errors import InvalidInputError

MIN_CHARACTERS = 10
MAX_BYTES = 72
"""bcrypt reads no further. Source: OpenBSD, bcrypt(3)."""


@dataclass(frozen=True, slots=True)
class PasswordCheck:
    """What came of a check."""

    is_right: bool
    is_outdated: bool
    """It is kept with another cost than new ones, and should be hashed again."""


def check_password_rules(password: str, *, field: str = "password") -> None:
    """Make sure that a new password may be used.

    Raises:
        InvalidInputError: It is too short or too long, or holds a NUL; the password itself is
            not repeated.
    """
    if len(password) < MIN_CHARACTERS:
        raise InvalidInputError(
            f"{field} must have at least {MIN_CHARACTERS} characters; it has {len(password)}.",
            field=field,
            allowed=f"{MIN_CHARACTERS} characters to {MAX_BYTES} bytes",
        )
    size = len(password.encode("utf-8", "surrogatepass"))
    if size > MAX_BYTES:
        raise InvalidInputError(
            f"{field} must have at most {MAX_BYTES} bytes in UTF-8; it has {size}. "
            "Letters beyond ASCII take 2 to 4 bytes each.",
            field=field,
            allowed=f"{MIN_CHARACTERS} characters to {MAX_BYTES} bytes",
        )
    if not _is_text(password):
        raise InvalidInputError(
            f"{field} must not contain NUL or half a surrogate pair.",
            field=field,
            allowed=f"{MIN_CHARACTERS} characters to {MAX_BYTES} bytes",
        )


def hash_password(password: str, rounds: int) -> str:
    """Return what is stored in place of a password that keeps the rules.

    Args:
        password: The password.
        rounds: Cost, as the exponent of two.
    """
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds)).decode()


def check_password(password: str, stored: str | None, rounds: int) -> PasswordCheck:
    """Compare a password with what is stored; always costs one bcrypt.

    Args:
        password: Whatever was sent.
        stored: The hash of an account; none = there is no account, or it has no password.
        rounds: The cost of new hashes.
    """
    candidate = password.encode("utf-8", "replace")
    could_be_right = stored is not None and len(candidate) <= MAX_BYTES and _is_text(password)
    # What can never be right is compared too, so that time tells nothing.
    tried = candidate if could_be_right else b"x"
    against = stored if stored is not None else _nobodys_hash(rounds)
    is_equal = bcrypt.checkpw(tried, against.encode())
    return PasswordCheck(
        is_right=is_equal and could_be_right,
        is_outdated=stored is not None and _rounds_of(stored) != rounds,
    )


@cache
def _nobodys_hash(rounds: int) -> str:
    return hash_password("no account has it", rounds)


def _rounds_of(stored: str) -> int:
    return int(stored.split("$")[2])


def _is_text(password: str) -> bool:
    return "\0" not in password and password.encode(errors="replace").decode() == password
