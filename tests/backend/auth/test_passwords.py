"""What a password must be, and that a check costs the same on every path."""

import bcrypt
import pytest

from kamerplanter_backend.auth import passwords
from kamerplanter_backend.auth.passwords import (
    check_password,
    check_password_rules,
    hash_password,
)
from kamerplanter_engines.errors import InvalidInputError

ROUNDS = 4


@pytest.mark.parametrize(
    "password",
    ["x" * 10, "x" * 72, "ü" * 36, "🌱" * 18, "        a ", "pass word!"],
    ids=["10 characters", "72 bytes", "36 umlauts", "18 plants", "blanks", "blank inside"],
)
def test_password_within_the_limits_is_taken(password: str) -> None:
    check_password_rules(password)

    assert check_password(password, hash_password(password, ROUNDS), ROUNDS).is_right


@pytest.mark.parametrize(
    ("password", "told"),
    [
        ("", "at least 10 characters; it has 0"),
        ("x" * 9, "at least 10 characters; it has 9"),
        ("🌱" * 9, "at least 10 characters; it has 9"),
        ("x" * 73, "at most 72 bytes in UTF-8; it has 73"),
        ("ü" * 37, "at most 72 bytes in UTF-8; it has 74"),
        ("🌱" * 19, "at most 72 bytes in UTF-8; it has 76"),
        ("0123456789\0", "must not contain NUL"),
        ("0123456789\ud800", "surrogate"),
    ],
)
def test_password_beyond_the_limits_is_refused_with_the_rule(password: str, told: str) -> None:
    with pytest.raises(InvalidInputError, match=told) as refused:
        check_password_rules(password, field="new_password")

    assert refused.value.field == "new_password"
    assert "value" not in refused.value.placeholders


def test_what_comes_after_72_bytes_is_not_ignored() -> None:
    stored = hash_password("x" * 72, ROUNDS)

    assert not check_password("x" * 73, stored, ROUNDS).is_right


@pytest.mark.parametrize("password", ["wrong", "", "x" * 500, "a\0b", "\ud800"])
@pytest.mark.parametrize("has_account", [True, False])
def test_every_check_costs_one_comparison(
    monkeypatch: pytest.MonkeyPatch, password: str, has_account: bool
) -> None:
    stored = hash_password("correct horse", ROUNDS) if has_account else None
    passwords._nobodys_hash(ROUNDS)
    compared: list[bytes] = []
    compare = bcrypt.checkpw

    def counting(tried: bytes, against: bytes) -> bool:
        compared.append(against)
        return compare(tried, against)

    monkeypatch.setattr(bcrypt, "checkpw", counting)
    check = check_password(password, stored, ROUNDS)

    assert not check.is_right
    assert len(compared) == 1
    assert compared[0].startswith(b"$2b$04$")


def test_the_stand_in_for_no_account_opens_nothing() -> None:
    assert not check_password("no account has it", None, ROUNDS).is_right
    assert not check_password("x", None, ROUNDS).is_right


def test_hash_of_another_cost_is_outdated() -> None:
    stored = hash_password("correct horse", 4)

    assert not check_password("correct horse", stored, 4).is_outdated
    assert check_password("correct horse", stored, 5).is_outdated
