"""Access tokens, and what is not one."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from kamerplanter_backend.auth.policy import AuthPolicy, derived_key, keyed_digest
from kamerplanter_backend.auth.tokens import AccessTokens
from kamerplanter_backend.common.exceptions import InvalidTokenError
from tests.backend.accounts import OTHER_SECRET, SECRET
from tests.backend.forged import TOKENS, Forger, opened

NOW = datetime(2026, 5, 1, 10, tzinfo=UTC)
OLD, NEW = SECRET.encode(), OTHER_SECRET.encode()


FORGER = Forger("user-1", "session-1", NOW)
BAD = FORGER.bad_tokens()


def test_token_says_what_it_has_to() -> None:
    header, claims = opened(TOKENS.issue("user-1", "session-1", NOW))

    issued_at = int(NOW.timestamp())
    assert (header["alg"], header["typ"]) == ("HS256", "at+jwt")
    assert len(header["kid"]) == 16
    assert len(claims.pop("jti")) == 36
    assert claims == {
        "iss": "kamerplanter",
        "aud": "kamerplanter-api",
        "sub": "user-1",
        "sid": "session-1",
        "type": "access",
        "iat": issued_at,
        "nbf": issued_at,
        "exp": issued_at + 900,
    }


def test_signature_by_hand_is_taken() -> None:
    claims = TOKENS.read(FORGER.sign(), NOW)

    assert (claims.user_key, claims.session_key) == ("user-1", "session-1")


def test_no_two_tokens_are_equal() -> None:
    assert TOKENS.issue("user-1", "session-1", NOW) != TOKENS.issue("user-1", "session-1", NOW)


@pytest.mark.parametrize(
    ("after_s", "is_valid"), [(-6, False), (-5, True), (0, True), (904, True), (905, False)]
)
def test_token_is_valid_for_a_quarter_of_an_hour(after_s: int, is_valid: bool) -> None:
    token, then = TOKENS.issue("user-1", "session-1", NOW), NOW + timedelta(seconds=after_s)

    if is_valid:
        assert TOKENS.read(token, then).user_key == "user-1"
    else:
        with pytest.raises(InvalidTokenError):
            TOKENS.read(token, then)


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_what_is_no_valid_token_is_refused_alike(text: str) -> None:
    with pytest.raises(InvalidTokenError) as refused:
        TOKENS.read(text, NOW)

    assert refused.value.message == (
        "The access token is not valid, or no longer; refresh it or log in."
    )


def test_each_changed_letter_is_noticed() -> None:
    token = TOKENS.issue("user-1", "session-1", NOW)
    for place in range(0, len(token), 7):
        letter = "A" if token[place] != "A" else "B"
        changed = token[:place] + letter + token[place + 1 :]
        with pytest.raises(InvalidTokenError):
            TOKENS.read(changed, NOW)


class TestExchangeOfTheSecret:
    BEFORE, AFTER = AuthPolicy(secret=OLD), AuthPolicy(secret=NEW, previous_secret=OLD)

    def test_tokens_of_the_old_secret_stay_good(self) -> None:
        token = AccessTokens(self.BEFORE).issue("user-1", "session-1", NOW)

        assert AccessTokens(self.AFTER).read(token, NOW).user_key == "user-1"

    def test_new_tokens_are_signed_with_the_new_one(self) -> None:
        header, _ = opened(AccessTokens(self.AFTER).issue("user-1", "session-1", NOW))

        assert header["kid"] == keyed_digest(NEW, "key-id", "access")[:16]

    def test_old_ones_end_with_the_overlap(self) -> None:
        token = AccessTokens(self.BEFORE).issue("user-1", "session-1", NOW)

        with pytest.raises(InvalidTokenError):
            AccessTokens(AuthPolicy(secret=NEW)).read(token, NOW)


@pytest.mark.parametrize("secret", [b"", b"x" * 31])
def test_short_secret_is_refused(secret: bytes) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        AuthPolicy(secret=secret)
    with pytest.raises(ValueError, match="32 bytes"):
        AuthPolicy(secret=OLD, previous_secret=secret)


def test_keys_of_two_purposes_differ() -> None:
    purposes = ["access-token", "csrf", "login-cookie", "login-name", "key-id"]
    keys = {derived_key(OLD, purpose) for purpose in purposes}

    assert len(keys) == len(purposes)
    assert OLD not in keys
    assert derived_key(OLD, "csrf") == hmac.digest(OLD, b"kamerplanter/csrf", hashlib.sha256)
