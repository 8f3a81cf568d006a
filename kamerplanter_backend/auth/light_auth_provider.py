"""Who calls a server without accounts: always the same."""

from datetime import datetime
from typing import override

from kamerplanter_backend.auth.principal import AuthKind, AuthProvider, Principal
from kamerplanter_backend.domain.models.identity import SYSTEM_USER_KEY


class LightAuthProvider(AuthProvider):
    """Needs no login: every request is the system user's, in the garden `platform`."""

    @override
    def authenticate(self, authorization: str | None, now: datetime) -> Principal:
        """Return the system user, whatever was sent."""
        return Principal(user_key=SYSTEM_USER_KEY, kind=AuthKind.LIGHT, is_platform_admin=True)
