"""Accounts come and come back, and strangers learn nothing."""

import bcrypt
import pytest

from kamerplanter_backend.auth.one_time_tokens import MAX_OPEN
from kamerplanter_backend.common.exceptions import (
    ConflictError,
    ForbiddenError,
    InvalidTokenError,
    RateLimitedError,
    UnauthorizedError,
)
from kamerplanter_backend.domain.repositories.identity import (
    OneTimeTokenRepository,
    UserRepository,
)
from kamerplanter_backend.domain.services.tenant_service import account_context
from kamerplanter_engines.errors import InvalidInputError
from tests.backend.accounts import EMAIL, PASSWORD, People

NEW_PASSWORD = "another good one"


def register(people: People, email: str = EMAIL, password: str = PASSWORD) -> None:
    people.accounts.registration.register(email, password, "Ada", locale=None, now=people.now)
    people.accounts.mails.flush()


def verify(people: People, token: str) -> None:
    people.accounts.registration.verify_email(account_context("test", people.now), token)


def ask_reset(people: People, email: str = EMAIL) -> None:
    people.accounts.registration.request_reset(email, people.now)
    people.accounts.mails.flush()


def reset(people: People, token: str, password: str = NEW_PASSWORD) -> None:
    people.accounts.registration.confirm_reset(token, password, people.now)


class TestRegister:
    def test_address_gets_a_mail_to_confirm_it(self, people: People) -> None:
        register(people, "Ada@Example.org")

        [mail] = people.outbox.mails
        assert mail.to == EMAIL
        assert mail.subject == "Confirm your e-mail address for Kamerplanter"
        assert people.outbox.last_token() not in repr(people.all(OneTimeTokenRepository))
        user = people.user()
        assert (user.is_email_verified, user.is_platform_admin) == (False, False)

    def test_owner_of_a_known_address_is_told_and_nothing_changes(self, people: People) -> None:
        before = people.join()

        register(people, password="somebody else's")

        assert people.outbox.mails[-1].subject == "You already have an account at Kamerplanter"
        assert people.user() == before
        assert people.log_in(password=PASSWORD).user_key == before.key
        with pytest.raises(UnauthorizedError):
            people.log_in(password="somebody else's")

    @pytest.mark.parametrize("is_known", [True, False])
    def test_same_work_is_done_for_a_known_address(
        self, people: People, monkeypatch: pytest.MonkeyPatch, is_known: bool
    ) -> None:
        if is_known:
            people.join()
        hashed: list[bytes] = []
        make = bcrypt.hashpw

        def counting(word: bytes, salt: bytes) -> bytes:
            hashed.append(word)
            return make(word, salt)

        monkeypatch.setattr(bcrypt, "hashpw", counting)
        tokens, mails = len(people.all(OneTimeTokenRepository)), len(people.outbox.mails)

        register(people)

        assert len(hashed) == 1
        assert len(people.all(OneTimeTokenRepository)) == tokens + 1
        assert len(people.outbox.mails) == mails + 1

    @pytest.mark.parametrize(
        "email",
        [
            "",
            "ada",
            "ada@",
            "@example.org",
            "ada@localhost",
            "a b@example.org",
            "ada@exa mple.org",
            "ada@@example.org",
            "ada@example..org",
            "ada@.example.org",
            "ada\n@example.org",
            "ada@example.org\r\nBcc: all@example.org",
            "ada\u200b@example.org",
            # In a header each of these is another address, or more than one.
            "x,ada@example.org",
            "x:ada@example.org",
            "x;ada@example.org",
            "eve<ada@example.org",
            '"x"ada@example.org',
            "(x)ada@example.org",
            "ada@example.org(x.y)",
            "ada@example.org>",
            "ada@[192.0.2.1]",
            "ada@-example.org",
            "ada@example-.org",
            "ada@exa_mple.org",
            ".ada@example.org",
            "ada..b@example.org",
            f"{'a' * 65}@example.org",
            f"ada@{'a.' * 130}org",
        ],
    )
    def test_what_is_no_address_is_refused(self, people: People, email: str) -> None:
        with pytest.raises(InvalidInputError) as refused:
            register(people, email)

        assert refused.value.field == "email"
        assert people.all(UserRepository) == []

    @pytest.mark.parametrize(
        "email",
        [
            "o'neil+garden/2@mail.example.org",
            "jörg@gärten.example",
            "अदा@उदाहरण.भारत",
            "a@b.c",
            f"{'a' * 64}@example.org",
        ],
    )
    def test_what_is_an_address_is_taken(self, people: People, email: str) -> None:
        register(people, email)

        assert people.outbox.mails[-1].to == email

    @pytest.mark.parametrize("password", ["short", "x" * 73])
    @pytest.mark.parametrize("is_known", [True, False])
    def test_password_rule_is_named_before_anything_is_looked_up(
        self, people: People, password: str, is_known: bool
    ) -> None:
        if is_known:
            people.join()
        with pytest.raises(InvalidInputError) as refused:
            register(people, password=password)

        assert refused.value.field == "password"

    def test_closed_server_takes_nobody(self, people: People) -> None:
        closed = people.build(is_registration_open=False)
        with pytest.raises(ForbiddenError):
            closed.registration.register(EMAIL, PASSWORD, "Ada", locale=None, now=people.now)
        closed.close()

        assert people.all(UserRepository) == []

    def test_admin_is_made_by_the_console_only_once(self, people: People) -> None:
        make = people.accounts.registration.create_admin
        admin = make(EMAIL, PASSWORD, "Root", people.now)

        assert (admin.is_platform_admin, admin.is_email_verified) == (True, True)
        with pytest.raises(ConflictError):
            make("ADA@example.org", PASSWORD, "Root", people.now)


class TestVerify:
    def test_token_works_once(self, people: People) -> None:
        register(people)
        token = people.outbox.last_token()
        verify(people, token)

        assert people.user().is_email_verified
        with pytest.raises(InvalidTokenError):
            verify(people, token)

    def test_token_works_within_a_day(self, people: People) -> None:
        register(people)
        people.wait(hours=24)

        with pytest.raises(InvalidTokenError):
            verify(people, people.outbox.last_token())
        assert not people.user().is_email_verified

    def test_token_of_one_purpose_is_none_of_the_other(self, people: People) -> None:
        register(people)
        mailed = people.outbox.last_token()
        ask_reset(people)

        with pytest.raises(InvalidTokenError):
            verify(people, people.outbox.last_token())
        with pytest.raises(InvalidTokenError):
            reset(people, mailed)
        verify(people, mailed)

    @pytest.mark.parametrize("token", ["", "x", "x" * 10_000, "\0"])
    def test_unknown_token_is_refused(self, people: People, token: str) -> None:
        with pytest.raises(InvalidTokenError):
            verify(people, token)
        with pytest.raises(InvalidTokenError):
            reset(people, token)

    def test_mail_comes_again_for_those_who_wait_for_it(self, people: People) -> None:
        register(people)
        people.accounts.registration.request_verification(EMAIL, people.now)
        people.accounts.registration.request_verification("nobody@example.org", people.now)
        people.accounts.mails.flush()
        assert len(people.outbox.mails) == 2
        verify(people, people.outbox.last_token())

        people.accounts.registration.request_verification(EMAIL, people.now)
        people.accounts.mails.flush()

        assert len(people.outbox.mails) == 2


class TestReset:
    def test_new_password_replaces_the_old_one(self, people: People) -> None:
        people.join()
        login = people.log_in()
        ask_reset(people, "ADA@example.org ")
        reset(people, people.outbox.last_token())

        with pytest.raises(UnauthorizedError):
            people.log_in(password=PASSWORD)
        assert people.log_in(password=NEW_PASSWORD).user_key == login.user_key
        with pytest.raises(InvalidTokenError):
            people.accounts.sessions.refresh(login.refresh_token, people.now)

    def test_token_works_once_and_takes_its_likes_along(self, people: People) -> None:
        people.join()
        ask_reset(people)
        first = people.outbox.last_token()
        ask_reset(people)
        second = people.outbox.last_token()
        reset(people, first)

        for token in (first, second):
            with pytest.raises(InvalidTokenError):
                reset(people, token, "a third good one")
        assert people.log_in(password=NEW_PASSWORD)

    def test_token_works_within_an_hour(self, people: People) -> None:
        people.join()
        ask_reset(people)
        people.wait(hours=1)

        with pytest.raises(InvalidTokenError):
            reset(people, people.outbox.last_token())

    def test_bad_password_leaves_the_token_good(self, people: People) -> None:
        people.join()
        ask_reset(people)
        with pytest.raises(InvalidInputError) as refused:
            reset(people, people.outbox.last_token(), "short")

        assert refused.value.field == "new_password"
        reset(people, people.outbox.last_token())

    def test_unknown_address_gets_no_mail(self, people: People) -> None:
        ask_reset(people, "nobody@example.org")
        ask_reset(people, "no address")

        assert people.outbox.mails == []

    def test_reset_confirms_the_address_and_ends_the_wait(self, people: People) -> None:
        register(people)
        for _ in range(5):
            with pytest.raises(UnauthorizedError):
                people.log_in(password="wrong password")
        with pytest.raises(RateLimitedError):
            people.log_in()
        ask_reset(people)
        reset(people, people.outbox.last_token())

        assert people.log_in(password=NEW_PASSWORD).user_key == people.user().key

    def test_nobody_is_flooded_with_mails(self, people: People) -> None:
        people.join()
        sent = len(people.outbox.mails)
        for _ in range(20):
            ask_reset(people)

        assert len(people.outbox.mails) == sent + MAX_OPEN
        people.wait(hours=1)
        ask_reset(people)
        assert len(people.outbox.mails) == sent + MAX_OPEN + 1
