"""One's own account: what may be changed, and how it is deleted."""

from functools import partial
from typing import Any

import pytest

from kamerplanter_backend.auth.login_provider import OidcIdentity, ProviderSettings
from kamerplanter_backend.auth.throttle import FREE_FAILURES
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    NotFoundError,
    RateLimitedError,
    StaleRevisionError,
    UnauthorizedError,
)
from kamerplanter_backend.domain.interfaces.document_store import Query
from kamerplanter_backend.domain.models.tenant import MembershipFields
from kamerplanter_backend.domain.repositories.tenant import (
    MembershipRepository,
)
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.tenant_service import account_context
from kamerplanter_engines.errors import InvalidInputError
from tests.backend.accounts import DEVICE, EMAIL, PASSWORD, People

NEW_PASSWORD = "another good one"
PROVIDER = ProviderSettings(
    slug="example",
    display_name="Example",
    issuer="https://login.example",
    client_id="kamerplanter",
    client_secret="",
    is_email_trusted=True,
)
IDENTITY = OidcIdentity(
    issuer="https://login.example",
    subject="248289761001",
    email="eve@example.org",
    is_email_verified=True,
    name="Eve",
    locale=None,
)


def come_by_provider(people: People) -> tuple[str, str]:
    """Log in through a provider; return user and session."""
    oidc = people.accounts.oidc
    departure = oidc.depart("example", return_path="/", now=people.now)
    state = oidc.come_back("example", departure.state, departure.cookie, people.now)
    login = oidc.finish(state, IDENTITY, PROVIDER, device=DEVICE, now=people.now).login
    return login.user_key, login.session_key


def share(people: People, garden_key: str, user_key: str, role: Role) -> None:
    context = account_context("test", people.now)
    with open_unit(people.store, context, (MembershipRepository,)) as uow:
        uow.of(MembershipRepository).add(
            MembershipFields(garden_key=garden_key, user_key=user_key, role=role)
        )


class TestUpdate:
    def test_patch_changes_what_is_given_and_nothing_else(self, people: People) -> None:
        user = people.join()
        context = account_context(user.key, people.now)
        update = people.accounts.profile.update

        changed = update(context, user.key, {"display_name": "Ada L.", "time_zone": "UTC"})
        cleared = update(context, user.key, {"time_zone": None})

        assert (changed.display_name, changed.time_zone) == ("Ada L.", "UTC")
        assert (cleared.display_name, cleared.time_zone) == ("Ada L.", None)
        assert cleared.email == EMAIL

    @pytest.mark.parametrize(
        ("patch", "field"),
        [
            ({"email": "eve@example.org"}, "email"),
            ({"is_platform_admin": True}, "is_platform_admin"),
            ({"is_email_verified": True}, "is_email_verified"),
            ({"is_active": True}, "is_active"),
            ({"password_hash": "x"}, "password_hash"),
            ({"key": "x"}, "key"),
            ({"colour": "x"}, "colour"),
            ({"display_name": None}, "display_name"),
            ({"display_name": ""}, "display_name"),
            ({"time_zone": "Mars/Olympus"}, "time_zone"),
            ({"locale": "../de"}, "locale"),
            ({"avatar_url": "javascript:alert(1)"}, "avatar_url"),
            ({"avatar_url": "http://example.org/a.png"}, "avatar_url"),
        ],
    )
    def test_what_people_may_not_change_is_refused(
        self, people: People, patch: dict[str, Any], field: str
    ) -> None:
        user = people.join()
        context = account_context(user.key, people.now)
        with pytest.raises(InvalidInputError) as refused:
            people.accounts.profile.update(context, user.key, patch)

        assert refused.value.field == field
        assert people.user() == user

    def test_change_of_an_older_state_is_refused(self, people: People) -> None:
        user = people.join()
        with pytest.raises(StaleRevisionError):
            people.accounts.profile.update(
                account_context(user.key, people.now), user.key, {"display_name": "A"}, 1
            )


class TestPassword:
    def change(self, people: People, current: str | None, new: str = NEW_PASSWORD) -> None:
        login = people.log_in()
        people.accounts.profile.change_password(
            login.user_key,
            login.session_key,
            current_password=current,
            new_password=new,
            now=people.now,
        )

    def test_change_needs_the_current_one(self, people: People) -> None:
        people.join()
        for wrong in ("wrong password", None, ""):
            with pytest.raises(UnauthorizedError):
                self.change(people, wrong)
        self.change(people, PASSWORD)

        assert people.log_in(password=NEW_PASSWORD)

    def test_rule_is_named(self, people: People) -> None:
        people.join()
        with pytest.raises(InvalidInputError) as refused:
            self.change(people, PASSWORD, "x" * 73)

        assert refused.value.field == "new_password"
        assert people.log_in(password=PASSWORD)

    def test_guessing_the_current_one_is_slowed_down(self, people: People) -> None:
        people.join()
        login = people.log_in()
        confirm = partial(
            people.accounts.profile.confirm_identity, login.user_key, login.session_key
        )
        for _ in range(FREE_FAILURES + 1):
            with pytest.raises(UnauthorizedError):
                confirm("guess", people.now)

        with pytest.raises(RateLimitedError):
            confirm(PASSWORD, people.now)

    def test_first_one_can_be_set_shortly_after_a_login_by_provider(self, people: People) -> None:
        user_key, session_key = come_by_provider(people)
        people.wait(minutes=10)

        people.accounts.profile.change_password(
            user_key, session_key, current_password=None, new_password=NEW_PASSWORD, now=people.now
        )

        assert people.log_in("eve@example.org", NEW_PASSWORD).user_key == user_key

    def test_first_one_cannot_be_set_later(self, people: People) -> None:
        user_key, session_key = come_by_provider(people)
        people.wait(minutes=10, seconds=1)

        with pytest.raises(UnauthorizedError, match="Log in again"):
            people.accounts.profile.change_password(
                user_key,
                session_key,
                current_password=None,
                new_password=NEW_PASSWORD,
                now=people.now,
            )


class TestUnlink:
    def links(self, people: People, user_key: str) -> list[str]:
        context = account_context(user_key, people.now)
        page = people.accounts.profile.list_links(context, user_key, Query(limit=10))
        return [link.key for link in page.items]

    def test_last_way_to_log_in_stays(self, people: People) -> None:
        user_key, session_key = come_by_provider(people)
        [link] = self.links(people, user_key)
        context = account_context(user_key, people.now)
        with pytest.raises(ConflictError):
            people.accounts.profile.unlink(context, user_key, link)
        people.accounts.profile.change_password(
            user_key, session_key, current_password=None, new_password=NEW_PASSWORD, now=people.now
        )

        people.accounts.profile.unlink(context, user_key, link)

        assert self.links(people, user_key) == []

    def test_link_of_somebody_else_is_not_there(self, people: People) -> None:
        user_key, _ = come_by_provider(people)
        [link] = self.links(people, user_key)
        ada = people.join()

        with pytest.raises(NotFoundError):
            people.accounts.profile.unlink(account_context(ada.key, people.now), ada.key, link)
        assert self.links(people, user_key) == [link]
