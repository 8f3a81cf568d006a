"""Gardens as accounts see them, and who works in them."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from kamerplanter_backend.bootstrap import build_services, open_store
from kamerplanter_backend.common.context import Context, Role
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    EmailNotVerifiedError,
    IdempotencyConflictError,
    InvitationExpiredError,
    NotFoundError,
)
from kamerplanter_backend.domain.interfaces.document_store import DocumentStore, Query, Where
from kamerplanter_backend.domain.models.identity import UserFields
from kamerplanter_backend.domain.models.tenant import (
    AuditAction,
    InvitationFields,
    Tenant,
    TenantFields,
    TenantKind,
)
from kamerplanter_backend.domain.repositories.identity import UserRepository
from kamerplanter_backend.domain.repositories.tenant import (
    AuditRepository,
    MembershipRepository,
    RetiredSlugRepository,
    TenantRepository,
)
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services import tenant_service
from kamerplanter_backend.domain.services.membership_service import MembershipService
from kamerplanter_backend.domain.services.tenant_service import TenantService, account_context
from kamerplanter_engines.errors import InvalidInputError
from kamerplanter_engines.models.tank import TankFields
from tests.factories import NOW

ANNA, BEN, CARA = "anna", "ben", "cara"


@pytest.fixture
def store() -> Iterator[DocumentStore]:
    """Return a store with three accounts; Cara's address is not verified."""
    store = open_store(None)
    with open_unit(store, account_context("setup", NOW), (UserRepository,)) as uow:
        for name, verified in ((ANNA, True), (BEN, True), (CARA, False)):
            fields = UserFields(
                email=f"{name}@garden.example",
                display_name=name.title(),
                is_email_verified=verified,
            )
            uow.of(UserRepository).add(fields, key=name)
    yield store
    store.close()


@pytest.fixture
def tenants(store: DocumentStore) -> TenantService:
    return TenantService(store)


@pytest.fixture
def members(store: DocumentStore) -> MembershipService:
    return MembershipService(store)


@pytest.fixture
def garden(tenants: TenantService) -> Tenant:
    return tenants.create_for(account_context(ANNA, NOW), TenantFields(name="Omas Gärtchen"))


def within(garden: Tenant, user: str = ANNA, role: Role = Role.ADMIN) -> Context:
    return replace(account_context(user, NOW, role=role), tenant_key=garden.key)


def join(
    members: MembershipService, garden: Tenant, user: str = BEN, role: Role = Role.GROWER
) -> None:
    _, token = members.invite(within(garden), InvitationFields(role=role))
    members.accept(account_context(user, NOW), token)


def actions(store: DocumentStore, garden: Tenant) -> list[AuditAction]:
    with open_unit(store, within(garden)) as uow:
        return [entry.action for entry in uow.of(AuditRepository).find()]


class TestGardens:
    def test_the_maker_is_the_first_admin(self, tenants: TenantService, garden: Tenant) -> None:
        access = tenants.resolve(account_context(ANNA, NOW), "omas-gaertchen")

        assert (access.tenant.key, access.role) == (garden.key, Role.ADMIN)

    def test_a_garden_has_a_place_from_the_start(self, store: DocumentStore) -> None:
        garden = TenantService(store).create_for(
            account_context(ANNA, NOW),
            TenantFields(name="Roof"),
            time_zone="Europe/Berlin",
            latitude_deg=52.5,
        )

        site = build_services(store).site.find(within(garden))

        assert site is not None
        assert (site.name, site.time_zone, site.latitude_deg) == ("Roof", "Europe/Berlin", 52.5)

    @pytest.mark.parametrize("slug", ["omas-gaertchen", "unknown"])
    def test_a_stranger_cannot_tell_a_garden_from_none(
        self, tenants: TenantService, garden: Tenant, slug: str
    ) -> None:
        with pytest.raises(NotFoundError) as refused:
            tenants.resolve(account_context(BEN, NOW), slug)

        assert refused.value.message == f"No garden {slug!r}."

    def test_a_second_garden_of_that_name_gets_a_number(self, tenants: TenantService) -> None:
        made = [
            tenants.create_for(account_context(user, NOW), TenantFields(name="Roof")).slug
            for user in (ANNA, BEN, BEN)
        ]

        assert made == ["roof", "roof-2", "roof-3"]

    def test_a_new_name_keeps_the_slug(self, tenants: TenantService, garden: Tenant) -> None:
        changed = tenants.update(within(garden), {"name": "Opas Beet"})

        assert (changed.name, changed.slug) == ("Opas Beet", "omas-gaertchen")

    def test_a_slug_cannot_be_patched(self, tenants: TenantService, garden: Tenant) -> None:
        with pytest.raises(InvalidInputError, match="slug"):
            tenants.update(within(garden), {"slug": "mine"})

    def test_ten_organisations_are_enough(self, tenants: TenantService) -> None:
        context = account_context(ANNA, NOW)
        for number in range(10):
            tenants.create_for(context, TenantFields(name=f"G{number}"))

        with pytest.raises(ConflictError, match="10 gardens"):
            tenants.create_for(context, TenantFields(name="One more"))
        personal = tenants.create_for(context, TenantFields(name="Mine"), kind=TenantKind.PERSONAL)
        assert personal.kind is TenantKind.PERSONAL

    def test_the_list_shows_the_role_in_each(
        self, tenants: TenantService, members: MembershipService, garden: Tenant
    ) -> None:
        tenants.create_for(account_context(BEN, NOW), TenantFields(name="Bens Beet"))
        join(members, garden)

        gardens = tenants.gardens_of(account_context(BEN, NOW))

        assert [(item.slug, item.role) for item in gardens] == [
            ("bens-beet", Role.ADMIN),
            ("omas-gaertchen", Role.GROWER),
        ]

    def test_suspending_is_on_record_and_reversible(
        self, tenants: TenantService, store: DocumentStore, garden: Tenant
    ) -> None:
        root = account_context("root", NOW)

        for suspended in (True, True, False):
            tenant = tenants.suspend(root, garden.key, suspended=suspended)

        assert tenant.suspended_at is None
        assert actions(store, garden)[-2:] == [
            AuditAction.TENANT_SUSPENDED,
            AuditAction.TENANT_RESUMED,
        ]

    def test_deleting_takes_all_of_it_and_nothing_else(
        self, tenants: TenantService, members: MembershipService, store: DocumentStore
    ) -> None:
        services = build_services(store)
        both = []
        for user in (ANNA, BEN):
            made = tenants.create_for(account_context(user, NOW), TenantFields(name="G"))
            services.tank.create(within(made, user), TankFields(name="T", volume_l=10))
            both.append(made)
        join(members, both[0])

        tenants.remove(within(both[0]))

        with pytest.raises(NotFoundError):
            tenants.resolve(account_context(ANNA, NOW), both[0].slug)
        assert [g.slug for g in tenants.gardens_of(account_context(BEN, NOW))] == [both[1].slug]
        with open_unit(store, account_context("root", NOW)) as uow:
            assert [item.key for item in uow.of(TenantRepository).find()] == [both[1].key]
            assert len(uow.of(MembershipRepository).find()) == 1
            kept = uow.of(AuditRepository).find()
        assert [(e.action, e.subject) for e in kept] == [(AuditAction.DELETED, both[0].key)]
        assert services.home.snapshot(within(both[0])).tanks == ()
        assert len(services.home.snapshot(within(both[1], BEN)).tanks) == 1


class TestMembers:
    def test_addresses_are_for_admins(self, members: MembershipService, garden: Tenant) -> None:
        join(members, garden)

        for_admin = members.members(within(garden), Query())
        for_viewer = members.members(within(garden, BEN, Role.VIEWER), Query())

        assert {item.email for item in for_admin.items} == {
            "anna@garden.example",
            "ben@garden.example",
        }
        assert {item.email for item in for_viewer.items} == {None}
        assert [item.display_name for item in for_viewer.items] == ["Anna", "Ben"]

    @pytest.mark.parametrize("way", ["leave", "remove", "demote"])
    def test_the_last_admin_stays(
        self, members: MembershipService, garden: Tenant, way: str
    ) -> None:
        join(members, garden)
        own = members.members(within(garden), Query(where=(Where("user_key", "==", ANNA),)))
        key = own.items[0].key
        act = {
            "leave": lambda: members.leave(within(garden)),
            "remove": lambda: members.remove_member(within(garden), key),
            "demote": lambda: members.set_role(within(garden), key, Role.VIEWER),
        }[way]

        with pytest.raises(ConflictError, match="last admin"):
            act()
        other = members.members(within(garden), Query(where=(Where("user_key", "==", BEN),)))
        members.set_role(within(garden), other.items[0].key, Role.ADMIN)
        act()

    def test_a_role_change_is_on_record(
        self, members: MembershipService, store: DocumentStore, garden: Tenant
    ) -> None:
        join(members, garden)
        found = members.members(within(garden), Query(where=(Where("user_key", "==", BEN),)))

        members.set_role(within(garden), found.items[0].key, Role.VIEWER)

        with open_unit(store, within(garden)) as uow:
            entry = uow.of(AuditRepository).find()[-1]
        assert entry.action is AuditAction.ROLE_CHANGED
        assert entry.details == {"user_key": BEN, "before": "grower", "after": "viewer"}
        assert entry.created_by == ANNA

    def test_members_of_another_garden_are_out_of_reach(
        self, tenants: TenantService, members: MembershipService, garden: Tenant
    ) -> None:
        other = tenants.create_for(account_context(BEN, NOW), TenantFields(name="Bens"))
        foreign = members.members(within(other, BEN), Query()).items[0].key

        with pytest.raises(NotFoundError):
            members.set_role(within(garden), foreign, Role.VIEWER)
        with pytest.raises(NotFoundError):
            members.remove_member(within(garden), foreign)


class TestInvitations:
    def test_a_link_works_for_one_person(
        self, tenants: TenantService, members: MembershipService, garden: Tenant
    ) -> None:
        _, token = members.invite(within(garden), InvitationFields(role=Role.GROWER))

        access = members.accept(account_context(BEN, NOW), token)
        again = members.accept(account_context(BEN, NOW), token)

        assert access.role is again.role is Role.GROWER
        with pytest.raises(NotFoundError):
            members.accept(account_context(CARA, NOW), token)

    @pytest.mark.parametrize(
        ("address", "user"),
        [("ben@garden.example", CARA), ("cara@garden.example", CARA), ("x@garden.example", BEN)],
        ids=["another account", "address not verified", "another address"],
    )
    def test_a_mailed_one_is_for_its_verified_address(
        self, members: MembershipService, garden: Tenant, address: str, user: str
    ) -> None:
        _, token = members.invite(within(garden), InvitationFields(email=address))

        with pytest.raises(NotFoundError, match="No such invitation"):
            members.accept(account_context(user, NOW), token)

    def test_the_case_of_an_address_does_not_matter(
        self, members: MembershipService, garden: Tenant
    ) -> None:
        _, token = members.invite(within(garden), InvitationFields(email="Ben@Garden.example"))

        assert members.accept(account_context(BEN, NOW), token).role is Role.VIEWER

    def test_it_lasts_seven_days(self, members: MembershipService, garden: Tenant) -> None:
        _, token = members.invite(within(garden), InvitationFields())
        last_moment = NOW + timedelta(days=7) - timedelta(seconds=1)

        with pytest.raises(InvitationExpiredError):
            members.accept(account_context(BEN, NOW + timedelta(days=7)), token)
        assert members.accept(account_context(BEN, last_moment), token)

    def test_a_revoked_one_opens_nothing(self, members: MembershipService, garden: Tenant) -> None:
        invitation, token = members.invite(within(garden), InvitationFields())

        members.revoke(within(garden), invitation.key)

        with pytest.raises(NotFoundError):
            members.accept(account_context(BEN, NOW), token)

    def test_a_full_garden_takes_nobody(
        self, tenants: TenantService, members: MembershipService
    ) -> None:
        small = tenants.create_for(
            account_context(ANNA, NOW), TenantFields(name="Small", max_members=1)
        )
        _, token = members.invite(within(small), InvitationFields())

        with pytest.raises(ConflictError, match="full with 1 members"):
            members.accept(account_context(BEN, NOW), token)

    def test_a_member_is_not_invited_again(
        self, members: MembershipService, garden: Tenant
    ) -> None:
        join(members, garden)

        with pytest.raises(ConflictError, match="a member already"):
            members.invite(within(garden), InvitationFields(email="ben@garden.example"))

    def test_who_is_not_verified_invites_nobody(
        self, tenants: TenantService, members: MembershipService
    ) -> None:
        own = tenants.create_for(account_context(CARA, NOW), TenantFields(name="Caras"))

        with pytest.raises(EmailNotVerifiedError):
            members.invite(within(own, CARA), InvitationFields())

    def test_the_token_itself_is_kept_nowhere(
        self, members: MembershipService, garden: Tenant
    ) -> None:
        invitation, token = members.invite(within(garden), InvitationFields())

        assert token not in invitation.model_dump_json()


def test_the_name_of_the_garden_without_accounts_is_kept_free(tenants: TenantService) -> None:
    made = tenants.create_for(account_context(ANNA, NOW), TenantFields(name="Platform"))

    assert made.slug == "platform-2"


class TestSlugsOfDeletedGardens:
    """Devices go on sending to the topics of a garden that is gone."""

    @pytest.fixture
    def gone(self, tenants: TenantService, garden: Tenant) -> Tenant:
        tenants.remove(within(garden))
        return garden

    def made(self, tenants: TenantService, user: str, days: float) -> str:
        context = account_context(user, NOW + timedelta(days=days))
        return tenants.create_for(context, TenantFields(name="Omas Gärtchen")).slug

    def test_nobody_else_gets_one_for_90_days(self, tenants: TenantService, gone: Tenant) -> None:
        assert self.made(tenants, BEN, days=0) == "omas-gaertchen-2"
        assert self.made(tenants, BEN, days=89.9) == "omas-gaertchen-3"
        assert self.made(tenants, BEN, days=90) == gone.slug

    def test_who_deleted_it_has_it_back_at_once(self, tenants: TenantService, gone: Tenant) -> None:
        assert self.made(tenants, ANNA, days=0) == gone.slug

    def test_the_list_of_them_has_an_end(
        self, store: DocumentStore, tenants: TenantService, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tenant_service, "MAX_RETIRED_SLUGS", 2)
        for day, name in enumerate(("One", "Two", "Three")):
            context = account_context(ANNA, NOW + timedelta(days=day))
            garden = tenants.create_for(context, TenantFields(name=name))
            tenants.remove(replace(context, tenant_key=garden.key, role=Role.ADMIN))

        with open_unit(store, account_context(ANNA, NOW)) as uow:
            kept = {item.slug for item in uow.of(RetiredSlugRepository).find()}
        assert kept == {"two", "three"}


def test_a_deleted_garden_leaves_no_answers_of_commands(
    store: DocumentStore, tenants: TenantService
) -> None:
    gone, other = (
        tenants.create_for(account_context(ANNA, NOW), TenantFields(name=name))
        for name in ("Gone", "Other")
    )
    services = build_services(store)
    contexts = [
        replace(account_context(ANNA, NOW), tenant_key=key, role=Role.ADMIN, command_key="c")
        for key in (gone.key, other.key)
    ]
    for context in contexts:
        services.tank.create(context, TankFields(name="Tank", volume_l=10))

    tenants.remove(contexts[0])

    fields = TankFields(name="Another", volume_l=10)
    assert services.tank.create(contexts[0], fields).name == "Another"
    with pytest.raises(IdempotencyConflictError):
        services.tank.create(contexts[1], fields)
