"""Keys for machines: for one garden, for some purposes, until they are revoked."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Final

from kamerplanter_backend.auth.policy import digest
from kamerplanter_backend.auth.principal import AuthKind, Principal
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    InvalidTokenError,
    NotFoundError,
    UnavailableError,
)
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_backend.common.warrant import Warrant
from kamerplanter_backend.domain.interfaces.document_store import Page, Query, Where
from kamerplanter_backend.domain.models.identity import ApiKey, ApiKeyFields, User
from kamerplanter_backend.domain.repositories.identity import ApiKeyRepository, UserRepository
from kamerplanter_backend.domain.repositories.tenant import MembershipRepository, TenantRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork, open_unit
from kamerplanter_backend.domain.repositories.validation import validated
from kamerplanter_backend.domain.services.base import Service, command, query
from kamerplanter_backend.domain.services.tenant_service import account_context
from kamerplanter_engines.errors import InvalidInputError

KEY_MARK: Final = "kp_"
KEY_BYTES: Final = 32
PREFIX_LENGTH: Final = 8
MAX_LENGTH: Final = 100
MAX_KEYS: Final = 25
"""Most keys of one user that are not revoked."""
USE_NOTED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class NewApiKey:
    """A key at the only moment when somebody sees it."""

    key: ApiKey
    raw: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Found:
    key: ApiKey
    user: User


class ApiKeyService(Service):
    """Makes, lists, checks and revokes keys."""

    def create(
        self,
        user_key: str,
        *,
        tenant_slug: str,
        label: str,
        scopes: frozenset[KeyScope],
        expires_at: datetime | None,
        now: datetime,
        warrant: Warrant | None = None,
    ) -> NewApiKey:
        """Make a key for one of the user's gardens.

        Args:
            user_key: Whose rights it has, at most.
            tenant_slug: The garden.
            label: What the person calls it.
            scopes: What it is good for.
            expires_at: When it ends, aware; none = when it is revoked.
            now: The present moment.
            warrant: Upon what the user was let in; looked at once more.

        Raises:
            NotFoundError: The user does not belong to such a garden.
            InvalidInputError: It would have ended already, or be good for nothing.
            ConflictError: The user has too many keys.
        """
        if expires_at is not None and expires_at <= now:
            raise InvalidInputError(
                "expires_at must lie in the future.", field="expires_at", value=expires_at
            )
        if not scopes:
            raise InvalidInputError("scopes must name at least one.", field="scopes", value="[]")
        raw = KEY_MARK + token_urlsafe(KEY_BYTES)
        # Without a command key: the answer holds a secret, and must not be kept.
        context = replace(account_context(user_key, now), warrant=warrant)
        with open_unit(self.store, context, (ApiKeyRepository,)) as uow:
            garden_key = _garden_of(uow, user_key, tenant_slug)
            keys = uow.of(ApiKeyRepository)
            _check_room(keys, user_key)
            key = keys.add(
                validated(
                    ApiKeyFields,
                    {
                        "user_key": user_key,
                        "garden_key": garden_key,
                        "label": label,
                        "scopes": tuple(sorted(scopes)),
                        "key_hash": digest(raw),
                        "prefix": raw[:PREFIX_LENGTH],
                        "expires_at": expires_at,
                    },
                )
            )
        return NewApiKey(key, raw)

    @query()
    def list_page(self, uow: UnitOfWork, user_key: str, asked: Query) -> Page[ApiKey]:
        """Return a page of the keys of a user, the revoked ones too."""
        mine = (Where("user_key", "==", user_key),)
        return uow.of(ApiKeyRepository).page(
            Query(where=mine, order=asked.order, limit=asked.limit, cursor=asked.cursor)
        )

    @query()
    def slugs_of(self, uow: UnitOfWork, garden_keys: frozenset[str]) -> dict[str, str]:
        """Return the slugs of gardens by key."""
        found = uow.of(TenantRepository).get_many(sorted(garden_keys))
        return {tenant.key: tenant.slug for tenant in found}

    @command(ApiKeyRepository)
    def revoke(self, uow: UnitOfWork, user_key: str, key: str) -> None:
        """Revoke a key of a user; it is refused from now on. Twice is harmless.

        Raises:
            NotFoundError: The user has no such key.
        """
        keys = uow.of(ApiKeyRepository)
        found = keys.try_get(key)
        if found is None or found.user_key != user_key:
            raise NotFoundError(f"No API key {key!r}.", kind="api_keys", key=key)
        if found.revoked_at is None:
            keys.change(found, revoked_at=uow.context.now)

    def principal_of(self, raw: str, now: datetime) -> Principal:
        """Return whom a key speaks for, and note that it was used (to the minute).

        Raises:
            InvalidTokenError: It is unknown, revoked or expired, or its user is gone; the message
                does not tell which.
        """
        found = None
        if len(raw) <= MAX_LENGTH:
            context = account_context("api-key", now)
            found = self._living(context, digest(raw))
        if found is None:
            raise InvalidTokenError("The API key is not valid, or no longer; make a new one.")
        key = found.key
        if key.last_used_at is None or abs(now - key.last_used_at) >= USE_NOTED_EVERY:
            # A garden on a full disk can still be read; the note is for people only.
            with suppress(UnavailableError):
                self._note_use(account_context("api-key", now), key.key)
        return Principal(
            user_key=key.user_key,
            kind=AuthKind.API_KEY,
            garden_key=key.garden_key,
            scopes=frozenset(key.scopes),
            api_key_key=key.key,
            expires_at=key.expires_at,
        )

    @query()
    def _living(self, uow: UnitOfWork, key_hash: str) -> _Found | None:
        key = uow.of(ApiKeyRepository).with_hash(key_hash)
        if key is None or key.revoked_at is not None:
            return None
        if key.expires_at is not None and key.expires_at <= uow.context.now:
            return None
        user = uow.of(UserRepository).try_get(key.user_key)
        return _Found(key, user) if user is not None and user.is_open else None

    @command(ApiKeyRepository)
    def _note_use(self, uow: UnitOfWork, key: str) -> None:
        keys = uow.of(ApiKeyRepository)
        found = keys.try_get(key)
        if found is not None:
            keys.change(found, last_used_at=uow.context.now)


def _garden_of(uow: UnitOfWork, user_key: str, slug: str) -> str:
    tenant = uow.of(TenantRepository).by_slug(slug)
    if tenant is None or uow.of(MembershipRepository).between(tenant.key, user_key) is None:
        raise NotFoundError(f"No garden {slug!r}.", kind="tenants", key=slug)
    return tenant.key


def _check_room(keys: ApiKeyRepository, user_key: str) -> None:
    if len(keys.living(user_key)) >= MAX_KEYS:
        raise ConflictError(
            f"One user may have {MAX_KEYS} API keys; revoke one that is not needed.",
            kind="api_keys",
            field="user_key",
            value=user_key,
        )
