"""A person's own garden, made when the person comes in for the first time."""

from datetime import datetime
from threading import Lock

from kamerplanter_backend.auth.policy import AuthPolicy
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore, Where
from kamerplanter_backend.domain.models.identity import User
from kamerplanter_backend.domain.models.tenant import TenantFields, TenantKind
from kamerplanter_backend.domain.repositories.identity import UserRepository
from kamerplanter_backend.domain.repositories.tenant import TenantRepository
from kamerplanter_backend.domain.repositories.unit_of_work import UnitOfWork
from kamerplanter_backend.domain.services.base import Service, command, query
from kamerplanter_backend.domain.services.tenant_service import TenantService, account_context

MAX_NAME = 200


class FirstGarden(Service):
    """Makes each account its own garden once; nobody gets one for an unconfirmed address."""

    def __init__(self, store: DocumentStore, policy: AuthPolicy, tenants: TenantService) -> None:
        super().__init__(store)
        self._policy = policy
        self._tenants = tenants
        self._lock = Lock()

    def make_for(self, user: User, now: datetime) -> None:
        """Make the garden of a user who has none yet; harmless when it is there."""
        if user.has_garden:
            return
        context = account_context(user.key, now)
        # Two logins at the same moment make one garden; what a crash left half done is completed.
        with self._lock:
            if not self._has_own(context, user.key):
                self._tenants.create_for(
                    context,
                    TenantFields(name=_garden_name(user)),
                    kind=TenantKind.PERSONAL,
                    time_zone=user.time_zone or self._policy.time_zone,
                )
            self._mark(context, user.key)

    @query()
    def _has_own(self, uow: UnitOfWork, user_key: str) -> bool:
        owned = uow.of(TenantRepository).count(
            Where("owner_key", "==", user_key), Where("kind", "==", TenantKind.PERSONAL)
        )
        return owned > 0

    @command(UserRepository)
    def _mark(self, uow: UnitOfWork, user_key: str) -> None:
        users = uow.of(UserRepository)
        users.change(users.get(user_key), has_garden=True)


def _garden_name(user: User) -> str:
    is_german = (user.locale or "").partition("-")[0] == "de"
    pattern = "Garten von {}" if is_german else "{}'s garden"
    room = MAX_NAME - len(pattern.format(""))
    return pattern.format(user.display_name[:room])
