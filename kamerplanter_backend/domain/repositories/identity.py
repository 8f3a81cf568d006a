"""Stored accounts, sessions, keys and links: of the installation, not of a garden."""

from datetime import datetime

from kamerplanter_backend.domain.interfaces.document_store import Order, Where
from kamerplanter_backend.domain.models.identity import (
    ApiKey,
    LoginDelay,
    LoginState,
    OneTimeToken,
    ProviderLink,
    RefreshToken,
    Session,
    TokenPurpose,
    User,
)
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.collection import (
    Collection,
    OnDelete,
    Reference,
    Scope,
)

_OF_USER = Reference("user_key", "users", on_delete=OnDelete.CASCADE)


class UserRepository(Repository[User]):
    """Accounts. A deleted one keeps its key and nothing else."""

    collection = Collection("users", User, scope=Scope.SYSTEM, unique=(("email",),))

    def with_email(self, email: str) -> User | None:
        """Return the account with an address, in the spelling that is compared."""
        return self.first(Where("email", "==", email))

    def unverified_since(self, before: datetime) -> list[User]:
        """Return the accounts made before a moment whose address was never confirmed."""
        return self.find(
            Where("is_email_verified", "==", False),
            Where("email", "is_null", False),
            Where("created_at", "<", before),
        )


class ProviderLinkRepository(Repository[ProviderLink]):
    """Who is who at the login providers."""

    collection = Collection(
        "provider_links",
        ProviderLink,
        scope=Scope.SYSTEM,
        unique=(("issuer", "subject"),),
        indexes=(("user_key",),),
        references=(_OF_USER,),
    )

    def of_identity(self, issuer: str, subject: str) -> ProviderLink | None:
        """Return the link of somebody at an issuer."""
        return self.first(Where("issuer", "==", issuer), Where("subject", "==", subject))

    def of_user(self, user_key: str) -> list[ProviderLink]:
        """Return the links of a user, oldest first."""
        return self.find(Where("user_key", "==", user_key))


class SessionRepository(Repository[Session]):
    """Logins, the ended ones too while their tokens could still come back."""

    collection = Collection(
        "sessions",
        Session,
        scope=Scope.SYSTEM,
        indexes=(("user_key",), ("expires_at",), ("started_at",)),
        references=(_OF_USER,),
    )

    def living(self, user_key: str, now: datetime) -> list[Session]:
        """Return the sessions of a user that are not over, newest first."""
        return self.find(
            Where("user_key", "==", user_key),
            Where("ended_at", "is_null", True),
            Where("expires_at", ">", now),
            order=(Order("started_at", descending=True),),
        )


class RefreshTokenRepository(Repository[RefreshToken]):
    """Refresh tokens, by hash only."""

    collection = Collection(
        "refresh_tokens",
        RefreshToken,
        scope=Scope.SYSTEM,
        unique=(("token_hash",),),
        indexes=(("session_key",), ("parent_key",), ("expires_at",)),
        references=(Reference("session_key", "sessions", on_delete=OnDelete.CASCADE),),
    )

    def with_hash(self, token_hash: str) -> RefreshToken | None:
        """Return the token with a hash."""
        return self.first(Where("token_hash", "==", token_hash))

    def of_parent(self, parent_key: str) -> list[RefreshToken]:
        """Return the tokens that one token was exchanged for."""
        return self.find(Where("parent_key", "==", parent_key))


class ApiKeyRepository(Repository[ApiKey]):
    """Keys of machines, by hash only."""

    collection = Collection(
        "api_keys",
        ApiKey,
        scope=Scope.SYSTEM,
        unique=(("key_hash",),),
        indexes=(("user_key",), ("garden_key",)),
        references=(_OF_USER, Reference("garden_key", "tenants", on_delete=OnDelete.CASCADE)),
    )

    def with_hash(self, key_hash: str) -> ApiKey | None:
        """Return the key with a hash."""
        return self.first(Where("key_hash", "==", key_hash))

    def living(self, user_key: str) -> list[ApiKey]:
        """Return the keys of a user that were not revoked."""
        return self.find(Where("user_key", "==", user_key), Where("revoked_at", "is_null", True))


class OneTimeTokenRepository(Repository[OneTimeToken]):
    """Tokens that were sent by mail, by hash only; a used one is gone."""

    collection = Collection(
        "one_time_tokens",
        OneTimeToken,
        scope=Scope.SYSTEM,
        unique=(("token_hash",),),
        indexes=(("user_key", "purpose"), ("expires_at",)),
        references=(_OF_USER,),
    )

    def with_hash(self, token_hash: str) -> OneTimeToken | None:
        """Return the token with a hash."""
        return self.first(Where("token_hash", "==", token_hash))

    def of_user(self, user_key: str, purpose: TokenPurpose) -> list[OneTimeToken]:
        """Return the tokens of a user for a purpose."""
        return self.find(Where("user_key", "==", user_key), Where("purpose", "==", purpose))

    def expired(self, now: datetime) -> list[OneTimeToken]:
        """Return the tokens that no longer work."""
        return self.find(Where("expires_at", "<=", now))


class LoginStateRepository(Repository[LoginState]):
    """Logins that wait for their provider; an ended one is gone."""

    collection = Collection(
        "login_states",
        LoginState,
        scope=Scope.SYSTEM,
        unique=(("state_hash",),),
        indexes=(("expires_at",),),
    )

    def with_hash(self, state_hash: str) -> LoginState | None:
        """Return the login with a hash of its state."""
        return self.first(Where("state_hash", "==", state_hash))

    def expired(self, now: datetime) -> list[LoginState]:
        """Return the logins that nobody finished in time."""
        return self.find(Where("expires_at", "<=", now))


class LoginDelayRepository(Repository[LoginDelay]):
    """Failed logins in a row, by hash of the name."""

    collection = Collection(
        "login_delays",
        LoginDelay,
        scope=Scope.SYSTEM,
        unique=(("name_hash",),),
        indexes=(("last_failed_at",),),
    )

    def of_name(self, name_hash: str) -> LoginDelay | None:
        """Return the count of a name."""
        return self.first(Where("name_hash", "==", name_hash))

    def quiet_since(self, moment: datetime) -> list[LoginDelay]:
        """Return the counts that have not grown since a moment."""
        return self.find(Where("last_failed_at", "<=", moment))
