"""Tokens that are sent by mail: stored as hashes, good for one thing, once, for a while."""

from datetime import timedelta
from secrets import token_urlsafe

from kamerplanter_backend.auth.policy import digest
from kamerplanter_backend.common.exceptions import InvalidTokenError
from kamerplanter_backend.common.log_context import note_down
from kamerplanter_backend.domain.models.identity import OneTimeTokenFields, TokenPurpose, User
from kamerplanter_backend.domain.repositories.identity import (
    OneTimeTokenRepository,
    UserRepository,
)
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork

TOKEN_BYTES = 32
LIVES = {
    TokenPurpose.VERIFY_EMAIL: timedelta(hours=24),
    TokenPurpose.RESET_PASSWORD: timedelta(hours=1),
}
MAX_OPEN = 5
"""So many mails for one purpose may be on their way to one person."""
MAX_LENGTH = 200


def issue_token(uow: UnitOfWork, user: User, purpose: TokenPurpose) -> str | None:
    """Return a new token for a user; none = enough are on their way.

    Writes `OneTimeTokenRepository`. Earlier tokens stay good, so that nobody who asks again and
    again makes the mail worthless that the owner is just opening.
    """
    tokens, now = uow.of(OneTimeTokenRepository), uow.context.now
    open_tokens = [token for token in tokens.of_user(user.key, purpose) if token.expires_at > now]
    if user.email is None or len(open_tokens) >= MAX_OPEN:
        return None
    text = token_urlsafe(TOKEN_BYTES)
    tokens.add(
        OneTimeTokenFields(
            user_key=user.key,
            purpose=purpose,
            token_hash=digest(text),
            email=user.email,
            expires_at=now + LIVES[purpose],
        )
    )
    return text


def redeem_token(uow: UnitOfWork, text: str, purpose: TokenPurpose) -> User:
    """Return the user of a token, which is worthless afterwards, as are its likes.

    Writes `OneTimeTokenRepository`.

    Raises:
        InvalidTokenError: It is unknown, used or expired, made for something else, or the account
            is closed or has another address now; the message does not tell which.
    """
    tokens = uow.of(OneTimeTokenRepository)
    token = tokens.with_hash(digest(text)) if len(text) <= MAX_LENGTH else None
    user = uow.of(UserRepository).try_get(token.user_key) if token is not None else None
    if (
        token is None
        or user is None
        or token.purpose is not purpose
        or token.expires_at <= uow.context.now
        or token.email != user.email
        or not user.is_open
    ):
        raise InvalidTokenError("This code is not valid, or no longer; ask for a new one.")
    for same in tokens.of_user(user.key, purpose):
        tokens.remove(same.key)
    note_down(user_key=user.key)
    return user
