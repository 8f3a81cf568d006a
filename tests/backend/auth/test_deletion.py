"""How an account is deleted, and what stands in the way of it."""

from datetime import timedelta
from typing import Any

import pytest

from kamerplanter_backend.auth.deletion import DELETED_NAME
from kamerplanter_backend.bootstrap import build_services
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    InvalidTokenError,
    StaleRevisionError,
    TenantSuspendedError,
    UnauthorizedError,
)
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_backend.domain.models.tenant import TenantFields
from kamerplanter_backend.domain.repositories.base import Repository
from kamerplanter_backend.domain.repositories.identity import (
    ApiKeyRepository,
    OneTimeTokenRepository,
    ProviderLinkRepository,
    RefreshTokenRepository,
    SessionRepository,
    UserRepository,
)
from kamerplanter_backend.domain.repositories.tenant import (
    MembershipRepository,
    TenantRepository,
)
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.tenant_service import account_context
from kamerplanter_backend.light_garden import open_light_garden
from tests.backend.accounts import EMAIL, PASSWORD, People
from tests.backend.auth.test_profile import come_by_provider, share


def change_user(people: People, email: str = EMAIL, **values: object) -> None:
    with open_unit(people.store, account_context("test", people.now), (UserRepository,)) as uow:
        users = uow.of(UserRepository)
        found = users.with_email(email)
        assert found is not None
        users.change(found, **values)


class TestDelete:
    def delete(self, people: People, password: str | None = PASSWORD) -> None:
        login = people.log_in()
        people.accounts.deletion.delete(
            login.user_key, login.session_key, password=password, now=people.now
        )

    def test_person_is_forgotten_and_the_key_stays(self, people: People) -> None:
        user = people.join()
        login = people.log_in()
        made = people.accounts.api_keys.create(
            user.key,
            tenant_slug="ada-s-garden",
            label="x",
            scopes=frozenset({KeyScope.READ}),
            expires_at=None,
            now=people.now,
        )
        people.accounts.registration.request_reset(EMAIL, people.now)
        people.accounts.mails.flush()

        self.delete(people)

        [left] = people.all(UserRepository)
        assert left.key == user.key
        assert left.display_name == DELETED_NAME
        assert left.deleted_at == people.now
        assert (left.email, left.password_hash, left.last_login_at) == (None, None, None)
        assert not left.is_active
        gone: tuple[type[Repository[Any]], ...] = (
            SessionRepository,
            RefreshTokenRepository,
            ApiKeyRepository,
            ProviderLinkRepository,
            OneTimeTokenRepository,
            MembershipRepository,
            TenantRepository,
        )
        for repository in gone:
            assert people.all(repository) == []
        for credential in (login.access_token, made.raw):
            with pytest.raises(InvalidTokenError):
                people.accounts.provider.authenticate(f"Bearer {credential}", people.now)
        with pytest.raises(UnauthorizedError):
            people.log_in()

    def test_address_can_be_used_again(self, people: People) -> None:
        user = people.join()
        self.delete(people)

        again = people.join()

        assert again.key != user.key
        assert people.log_in().user_key == again.key

    @pytest.mark.parametrize("password", ["wrong password", None, ""])
    def test_nobody_is_deleted_without_the_password(
        self, people: People, password: str | None
    ) -> None:
        people.join()
        with pytest.raises(UnauthorizedError):
            self.delete(people, password)

        assert people.log_in().user_key == people.user().key

    def test_an_old_view_of_the_account_costs_no_garden(self, people: People) -> None:
        people.join()
        login = people.log_in()

        with pytest.raises(StaleRevisionError):
            people.accounts.deletion.delete(
                login.user_key,
                login.session_key,
                password=PASSWORD,
                now=people.now,
                expected_revision=people.user().revision - 1,
            )

        assert len(people.all(TenantRepository)) == 1
        assert people.log_in().user_key == login.user_key

    def test_last_admin_has_to_hand_over_first(self, people: People) -> None:
        ada, bob = people.join(), people.join("bob@example.org", name="Bob")
        garden = people.tenants.create_for(
            account_context(ada.key, people.now), TenantFields(name="Allotment")
        )
        share(people, garden.key, bob.key, Role.GROWER)

        with pytest.raises(ConflictError, match="'Allotment'") as refused:
            self.delete(people)

        assert refused.value.placeholders["value"] == garden.slug
        assert people.log_in().user_key == ada.key
        assert len(people.all(TenantRepository)) == 2

    @pytest.mark.parametrize("is_late", [False, True])
    def test_a_suspended_garden_outlives_its_only_member(
        self, people: People, monkeypatch: pytest.MonkeyPatch, is_late: bool
    ) -> None:
        ada = people.join()
        garden = people.tenants.create_for(
            account_context(ada.key, people.now), TenantFields(name="Allotment")
        )
        remove = people.tenants.remove

        def suspend() -> None:
            people.tenants.suspend(
                account_context("root", people.now, role=Role.ADMIN), garden.key, suspended=True
            )

        def suspend_first(context: Context, **how: Any) -> None:
            suspend()
            remove(context, **how)

        if is_late:
            monkeypatch.setattr(people.tenants, "remove", suspend_first)
        else:
            suspend()
        with pytest.raises(TenantSuspendedError, match="'Allotment' is suspended") as refused:
            self.delete(people)

        assert refused.value.placeholders["value"] == garden.slug
        assert garden.key in [found.key for found in people.all(TenantRepository)]
        assert people.log_in().user_key == ada.key

    def test_a_suspended_garden_with_others_lets_a_person_be_forgotten(
        self, people: People
    ) -> None:
        ada, bob = people.join(), people.join("bob@example.org", name="Bob")
        garden = people.tenants.create_for(
            account_context(bob.key, people.now), TenantFields(name="Allotment")
        )
        share(people, garden.key, ada.key, Role.GROWER)
        people.tenants.suspend(account_context("root", people.now), garden.key, suspended=True)

        self.delete(people)

        assert people.user() is None
        assert garden.key in [found.key for found in people.all(TenantRepository)]

    @pytest.mark.parametrize(
        "other",
        [
            {"is_platform_admin": False},
            {"is_platform_admin": True, "is_active": False},
            {"is_platform_admin": True},
        ],
    )
    def test_the_last_platform_admin_stays(self, people: People, other: dict[str, bool]) -> None:
        people.join()
        people.join("bob@example.org", name="Bob")
        change_user(people, is_platform_admin=True)
        change_user(people, "bob@example.org", **other)
        open_light_garden(
            people.store, build_services(people.store), with_demo=False, now=people.now
        )

        if other == {"is_platform_admin": True}:
            self.delete(people)
            return
        with pytest.raises(ConflictError, match="last platform admin"):
            self.delete(people)

        left = people.user()
        assert left is not None
        assert left.is_platform_admin
        assert len(people.all(TenantRepository)) == 2

    def test_two_platform_admins_who_go_at_once_leave_one(
        self, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        people.join()
        people.join("bob@example.org", name="Bob")
        change_user(people, is_platform_admin=True)
        change_user(people, "bob@example.org", is_platform_admin=True)
        remove = people.tenants.remove

        def other_goes_first(context: Context, **how: Any) -> None:
            change_user(people, "bob@example.org", is_platform_admin=False)
            remove(context, **how)

        monkeypatch.setattr(people.tenants, "remove", other_goes_first)
        with pytest.raises(ConflictError, match="last platform admin"):
            self.delete(people)

        left = people.user()
        assert left is not None
        assert left.is_platform_admin

    def test_garden_that_somebody_joins_meanwhile_is_not_deleted(
        self, people: People, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada, bob = people.join(), people.join("bob@example.org", name="Bob")
        garden = people.tenants.create_for(
            account_context(ada.key, people.now), TenantFields(name="Allotment")
        )
        remove = people.tenants.remove

        def join_first(context: Context, **how: Any) -> None:
            if context.tenant_key == garden.key:
                share(people, garden.key, bob.key, Role.GROWER)
            remove(context, **how)

        monkeypatch.setattr(people.tenants, "remove", join_first)
        with pytest.raises(ConflictError, match="'Allotment' meanwhile"):
            self.delete(people)

        assert garden.key in [found.key for found in people.all(TenantRepository)]
        assert people.log_in().user_key == ada.key

    def test_shared_garden_with_another_admin_goes_on(self, people: People) -> None:
        ada, bob = people.join(), people.join("bob@example.org", name="Bob")
        garden = people.tenants.create_for(
            account_context(ada.key, people.now), TenantFields(name="Allotment")
        )
        share(people, garden.key, bob.key, Role.ADMIN)

        self.delete(people)

        assert [found.key for found in people.all(TenantRepository)] == [garden.key]
        assert [found.user_key for found in people.all(MembershipRepository)] == [bob.key]

    def test_account_of_a_provider_proves_itself_by_a_recent_login(self, people: People) -> None:
        user_key, session_key = come_by_provider(people)
        people.now += timedelta(minutes=11)
        with pytest.raises(UnauthorizedError):
            people.accounts.deletion.delete(user_key, session_key, password=None, now=people.now)
        user_key, session_key = come_by_provider(people)

        people.accounts.deletion.delete(user_key, session_key, password=None, now=people.now)

        assert [user.email for user in people.all(UserRepository)] == [None]
        assert people.all(ProviderLinkRepository) == []
