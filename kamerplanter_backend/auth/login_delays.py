"""Counts failed logins for each name, whether there is such an account or not."""

import unicodedata
from datetime import datetime, timedelta

from kamerplanter_backend.auth.policy import AuthPolicy, keyed_digest
from kamerplanter_backend.auth.throttle import (
    FORGOTTEN_AFTER,
    count_after_failure,
    wait_before_next,
)
from kamerplanter_backend.common.exceptions import RateLimitedError
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore
from kamerplanter_backend.domain.models.identity import LoginDelayFields
from kamerplanter_backend.domain.repositories.identity import LoginDelayRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command
from kamerplanter_backend.domain.services.tenant_service import account_context

MAX_NAME = 254


class LoginDelays(Service):
    """Lets a name try, or tells how long it has to wait."""

    def __init__(self, store: DocumentStore, policy: AuthPolicy) -> None:
        super().__init__(store)
        self._policy = policy

    def admit(self, name: str, now: datetime) -> None:
        """Let a name try a password. It counts as a failure until `forgive` is called.

        Counting first means that attempts at the same time do not slip through together.

        Args:
            name: The account name as it was sent.
            now: The present moment.

        Raises:
            RateLimitedError: It has to wait; says for how long.
        """
        wait = self._count(account_context("login", now), self._hash(name))
        if wait > timedelta(0):
            raise RateLimitedError(
                "Too many failed attempts for this account; wait, or set a new password by mail.",
                retry_after_s=wait.total_seconds(),
            )

    def forgive(self, uow: UnitOfWork, name: str) -> None:
        """Forget the failures of a name. Writes `LoginDelayRepository`."""
        delays = uow.of(LoginDelayRepository)
        known = delays.of_name(self._hash(name))
        if known is not None:
            delays.remove(known.key)

    @command(LoginDelayRepository)
    def forget_old(self, uow: UnitOfWork) -> int:
        """Delete the counts that would start anew anyway; return how many."""
        delays = uow.of(LoginDelayRepository)
        old = delays.quiet_since(uow.context.now - FORGOTTEN_AFTER)
        for delay in old:
            delays.remove(delay.key)
        return len(old)

    @command(LoginDelayRepository)
    def _count(self, uow: UnitOfWork, name_hash: str) -> timedelta:
        now, delays = uow.context.now, uow.of(LoginDelayRepository)
        known = delays.of_name(name_hash)
        if known is None:
            delays.add(LoginDelayFields(name_hash=name_hash, failure_count=1, last_failed_at=now))
            return timedelta(0)
        wait = wait_before_next(known.failure_count, known.last_failed_at, now)
        if wait > timedelta(0):
            return wait
        count = count_after_failure(known.failure_count, known.last_failed_at, now)
        delays.change(known, failure_count=count, last_failed_at=now)
        return timedelta(0)

    def _hash(self, name: str) -> str:
        return keyed_digest(self._policy.secret, "login-name", account_name(name))


def account_name(text: str) -> str:
    """Return what was sent as an account name in the spelling that accounts are compared by.

    Unlike `comparable_email` it takes everything: what is no address is no account.
    """
    return unicodedata.normalize("NFKC", text.strip()).lower()[:MAX_NAME]
