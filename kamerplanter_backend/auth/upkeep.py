"""What has to be tidied up among accounts, sessions and tokens."""

from datetime import timedelta

from kamerplanter_backend.auth.addresses import coarse_address
from kamerplanter_backend.auth.login_delays import LoginDelays
from kamerplanter_backend.auth.policy import AuthPolicy
from kamerplanter_backend.common.context import Context
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore, Where
from kamerplanter_backend.domain.models.identity import SYSTEM_USER_KEY
from kamerplanter_backend.domain.repositories.identity import (
    ApiKeyRepository,
    LoginStateRepository,
    OneTimeTokenRepository,
    RefreshTokenRepository,
    SessionRepository,
    UserRepository,
)
from kamerplanter_backend.domain.repositories.tenant import InvitationRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command

UNVERIFIED_KEPT = timedelta(days=7)
"""So long an address may stay unconfirmed."""
ADDRESSES_KEPT = timedelta(days=7)
"""So long a session knows its exact network address."""
REVOKED_KEYS_KEPT = timedelta(days=90)
INVITATIONS_KEPT = timedelta(days=30)
"""So long after its end an invitation still tells whom somebody wanted in a garden."""


class UpkeepService(Service):
    """Deletes what is no longer good for anything; each call may be repeated."""

    def __init__(self, store: DocumentStore, policy: AuthPolicy, delays: LoginDelays) -> None:
        super().__init__(store)
        self._policy = policy
        self._delays = delays

    def clean_tokens(self, context: Context) -> int:
        """Delete expired tokens, keys, logins, invitations and counts; return how many.

        An exchanged refresh token stays while it could still come back from a thief: as long as
        it would be valid, and its session is not over.
        """
        return self._clean_tokens(context) + self._delays.forget_old(context)

    @command(UserRepository)
    def remove_unverified(self, uow: UnitOfWork) -> int:
        """Delete the accounts whose address was not confirmed within 7 days; return how many.

        Where addresses need no confirmation, and for who has come in before, it does nothing.
        """
        if not self._policy.requires_verified_email:
            return 0
        users = uow.of(UserRepository)
        stale = [
            user
            for user in users.unverified_since(uow.context.now - UNVERIFIED_KEPT)
            if user.last_login_at is None and user.key != SYSTEM_USER_KEY
        ]
        for user in stale:
            users.remove(user.key)
        return len(stale)

    @command(SessionRepository)
    def blur_addresses(self, uow: UnitOfWork) -> int:
        """Shorten the network addresses of sessions that began 7 days ago; return how many."""
        sessions, blurred = uow.of(SessionRepository), 0
        before = uow.context.now - ADDRESSES_KEPT
        for session in sessions.find(
            Where("started_at", "<=", before), Where("address", "is_null", False)
        ):
            coarse = coarse_address(session.address)
            if coarse != session.address:
                sessions.change(session, address=coarse)
                blurred += 1
        return blurred

    @command(
        SessionRepository,
        RefreshTokenRepository,
        OneTimeTokenRepository,
        LoginStateRepository,
        ApiKeyRepository,
        InvitationRepository,
    )
    def _clean_tokens(self, uow: UnitOfWork) -> int:
        now = uow.context.now
        sessions, refresh = uow.of(SessionRepository), uow.of(RefreshTokenRepository)
        over = {
            session.key
            for where in (Where("expires_at", "<=", now), Where("ended_at", "<=", now))
            for session in sessions.find(where)
        }
        for key in over:
            sessions.remove(key)
        count = len(over)
        for token in refresh.find(Where("expires_at", "<=", now)):
            refresh.remove(token.key)
            count += 1
        one_time, states = uow.of(OneTimeTokenRepository), uow.of(LoginStateRepository)
        for mailed in one_time.expired(now):
            one_time.remove(mailed.key)
            count += 1
        for state in states.expired(now):
            states.remove(state.key)
            count += 1
        keys = uow.of(ApiKeyRepository)
        for revoked in keys.find(Where("revoked_at", "<=", now - REVOKED_KEYS_KEPT)):
            keys.remove(revoked.key)
            count += 1
        invitations = uow.of(InvitationRepository)
        for past in invitations.find(Where("expires_at", "<=", now - INVITATIONS_KEPT)):
            invitations.remove(past.key)
            count += 1
        return count
