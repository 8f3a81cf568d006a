"""What strangers, thieves and other pages try, and what they learn from it: nothing."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from kamerplanter_backend.auth.api_keys import KEY_MARK
from kamerplanter_backend.common.context import Role
from kamerplanter_backend.common.permissions import KeyScope
from kamerplanter_backend.config.settings import Mode
from kamerplanter_backend.domain.models.tenant import MembershipFields
from kamerplanter_backend.domain.repositories.identity import UserRepository
from kamerplanter_backend.domain.repositories.tenant import MembershipRepository
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.tenant_service import account_context
from tests.backend.api.browser import AUTH, EMAIL, ME, PASSWORD, Browser, last_code, register
from tests.backend.api.harness import Bench
from tests.backend.forged import Forger, opened

NOBODY = "nobody@example.org"
EVIL = "https://evil.example"


@pytest.fixture
def full(server_of: Callable[..., Bench]) -> Bench:
    return server_of(Mode.FULL)


@pytest.fixture
async def ada(full: Bench) -> Browser:
    await register(full)
    browser = Browser(full)
    await browser.log_in()
    return browser


def told(answer: httpx.Response) -> tuple[int, dict[str, Any], list[str]]:
    """Return everything of an answer that is not new each time."""
    body = answer.json()
    for name in ("error_id", "timestamp"):
        body.pop(name, None)
    headers = sorted(name for name in answer.headers if name != "x-request-id")
    return answer.status_code, body, headers


class TestForgedTokens:
    async def test_no_forged_token_comes_through(self, ada: Browser) -> None:
        _, claims = opened(ada.access_token or "")
        forger = Forger(claims["sub"], claims["sid"], ada.bench.clock())
        ada.access_token = forger.sign()
        assert await ada.is_in()

        for name, token in forger.bad_tokens().items():
            if not token.isascii():
                continue
            ada.access_token = token
            answer = await ada.get(ME)
            assert answer.status_code == 401, name
            assert answer.json()["error_code"] in {"INVALID_TOKEN", "UNAUTHORIZED"}, name
            assert answer.headers["www-authenticate"] == "Bearer", name

    async def test_token_of_another_server_is_refused(
        self, ada: Browser, server_of: Callable[..., Bench]
    ) -> None:
        other = server_of(Mode.FULL, secret_key="Zt6yHn4bGv2fRc8dEx0sWq1a-Lo9kIj7")
        stranger = Browser(other)
        stranger.access_token = ada.access_token

        assert (await stranger.get(ME)).status_code == 401

    async def test_refresh_token_is_no_access_token(self, ada: Browser) -> None:
        ada.access_token = ada.cookie("kp_refresh")

        assert (await ada.get(ME)).status_code == 401

    async def test_access_token_is_no_refresh_token(self, ada: Browser) -> None:
        thief = Browser(ada.bench)
        thief.steal(ada)
        thief.plant("kp_refresh", ada.access_token or "", AUTH)

        assert (await thief.refresh()).status_code in {401, 422}

    async def test_closed_account_is_out_at_once(self, ada: Browser) -> None:
        server = ada.bench.server
        context = account_context("test", ada.bench.clock())
        with open_unit(server.store, context, (UserRepository,)) as uow:
            users = uow.of(UserRepository)
            user = users.with_email(EMAIL)
            assert user is not None
            users.change(user, is_active=False)

        assert not await ada.is_in()
        assert (await ada.refresh()).status_code == 401


class TestReplayedRefresh:
    def thief_of(self, victim: Browser) -> Browser:
        thief = Browser(victim.bench)
        thief.steal(victim)
        return thief

    async def test_stolen_token_ends_the_session_for_both(self, ada: Browser) -> None:
        thief = self.thief_of(ada)
        ada.bench.clock.wait(minutes=15)
        assert (await ada.refresh()).status_code == 200
        ada.bench.clock.wait(minutes=15)

        caught = await thief.refresh()

        assert (caught.status_code, caught.json()["error_code"]) == (401, "SESSION_REUSED")
        assert caught.headers.get_list("set-cookie") == []
        assert (await ada.refresh()).status_code == 401
        assert not await ada.is_in()

    async def test_owner_finds_out_when_the_thief_was_first(self, ada: Browser) -> None:
        thief = self.thief_of(ada)
        ada.bench.clock.wait(minutes=15)
        assert (await thief.refresh()).status_code == 200
        ada.bench.clock.wait(minutes=1)

        assert (await ada.refresh()).json()["error_code"] == "SESSION_REUSED"
        assert not await thief.is_in()

    async def test_other_sessions_of_the_owner_go_on(self, ada: Browser) -> None:
        phone = Browser(ada.bench)
        await phone.log_in()
        thief = self.thief_of(ada)
        await ada.refresh()
        ada.bench.clock.wait(minutes=1)
        await thief.refresh()

        assert await phone.is_in()
        assert (await phone.refresh()).status_code == 200


class TestOtherPages:
    @pytest.mark.parametrize("path", [f"{AUTH}/refresh", f"{AUTH}/logout", f"{AUTH}/logout-all"])
    @pytest.mark.parametrize(
        "headers",
        [
            {"X_CSRF_Token": None},
            {"X_CSRF_Token": ""},
            {"X_CSRF_Token": "0" * 64},
            {"Origin": EVIL},
            {"Origin": "null"},
            {"Origin": "https://localhost.evil.example"},
            {"Origin": None, "Sec_Fetch_Site": "cross-site"},
            {"Origin": None, "Sec_Fetch_Site": "same-site"},
        ],
        ids=str,
    )
    async def test_cookie_route_refuses_what_others_send(
        self, ada: Browser, path: str, headers: dict[str, str | None]
    ) -> None:
        answer = await ada.post(path, **headers)

        assert (answer.status_code, answer.json()["error_code"]) == (403, "CSRF_REFUSED")
        assert answer.headers.get_list("set-cookie") == []
        assert await ada.is_in()
        assert (await ada.refresh()).status_code == 200

    async def test_token_of_ones_own_other_session_is_refused(self, ada: Browser) -> None:
        phone = Browser(ada.bench)
        await phone.log_in()

        answer = await ada.refresh(X_CSRF_Token=phone.cookie("kp_csrf"))

        assert answer.json()["error_code"] == "CSRF_REFUSED"

    @pytest.mark.parametrize("path", ["refresh", "logout"])
    @pytest.mark.parametrize("is_first", [True, False])
    async def test_cookie_that_a_neighbour_adds_is_noticed(
        self, ada: Browser, path: str, is_first: bool
    ) -> None:
        await register(ada.bench, "eve@example.org")
        eve = Browser(ada.bench)
        await eve.log_in("eve@example.org")
        cookies = [f"kp_refresh={browser.cookie('kp_refresh')}" for browser in (ada, eve)]
        cookie = "; ".join(cookies if is_first else reversed(cookies))

        # Its page may even have set the cookie that ours repeats in the header.
        answers = [
            await Browser(ada.bench).post(
                f"{AUTH}/{path}", Cookie=cookie, X_CSRF_Token=browser.cookie("kp_csrf")
            )
            for browser in (ada, eve)
        ]

        assert [told(answer)[0] for answer in answers] == [403, 403]
        assert await ada.is_in()
        assert await eve.is_in()

    @pytest.mark.parametrize(
        ("path", "body"),
        [
            ("login", {"email": EMAIL, "password": PASSWORD}),
            ("register", {"email": NOBODY, "password": PASSWORD, "display_name": "N"}),
            ("password-reset/request", {"email": EMAIL}),
            ("verify-email/request", {"email": EMAIL}),
        ],
    )
    async def test_other_page_can_neither_log_in_nor_register(
        self, full: Bench, path: str, body: dict[str, str]
    ) -> None:
        await register(full)
        sent = len(full.outbox.mails)
        answer = await Browser(full, origin=EVIL).post(f"{AUTH}/{path}", body)
        full.server.accounts.mails.flush()

        assert (answer.status_code, answer.json()["error_code"]) == (403, "CSRF_REFUSED")
        assert len(full.outbox.mails) == sent

    @pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded"])
    async def test_form_of_a_page_is_no_login(self, full: Bench, kind: str) -> None:
        await register(full)
        content = f'{{"email":"{EMAIL}","password":"{PASSWORD}"}}'
        async with full.client() as client:
            answer = await client.post(
                f"{AUTH}/login", content=content, headers={"Content-Type": kind}
            )

        assert answer.status_code in {415, 422}
        assert answer.headers.get_list("set-cookie") == []

    async def test_what_is_no_browser_needs_no_origin(self, ada: Browser) -> None:
        ada.origin = None

        assert (await ada.refresh()).status_code == 200


class TestEnumeration:
    """Whatever is asked about an address, the answer is the same for one with an account."""

    async def both(
        self, full: Bench, ask: Callable[[Browser, str], Any]
    ) -> list[tuple[int, dict[str, Any], list[str]]]:
        await register(full)
        return [told(await ask(Browser(full), email)) for email in (EMAIL, NOBODY)]

    async def test_register(self, full: Bench) -> None:
        known, unknown = await self.both(
            full,
            lambda browser, email: browser.post(
                f"{AUTH}/register",
                {"email": email, "password": "whatever it is", "display_name": "X"},
            ),
        )

        assert known == unknown
        assert known[0] == 202
        full.server.accounts.mails.flush()
        assert [mail.to for mail in full.outbox.mails[-2:]] == [EMAIL, NOBODY]

    async def test_login(self, full: Bench) -> None:
        known, unknown = await self.both(
            full, lambda browser, email: browser.log_in(email, "wrong password")
        )

        assert known == unknown
        assert known[0] == 401

    async def test_login_too_often(self, full: Bench) -> None:
        async def ask(browser: Browser, email: str) -> httpx.Response:
            for _ in range(5):
                await browser.log_in(email, "wrong password")
            return await browser.log_in(email, PASSWORD)

        known, unknown = await self.both(full, ask)

        assert known == unknown
        assert known[0] == 429

    @pytest.mark.parametrize("path", ["password-reset/request", "verify-email/request"])
    async def test_mails(self, full: Bench, path: str) -> None:
        known, unknown = await self.both(
            full, lambda browser, email: browser.post(f"{AUTH}/{path}", {"email": email})
        )

        assert known == unknown
        assert known[0] == 202

    async def test_used_expired_and_unknown_codes_look_alike(self, full: Bench) -> None:
        browser = Browser(full)
        body = {"email": EMAIL, "password": PASSWORD, "display_name": "X"}
        await browser.post(f"{AUTH}/register", body)
        used = last_code(full)
        await browser.post(f"{AUTH}/verify-email", {"token": used})
        await browser.post(f"{AUTH}/register", body | {"email": NOBODY})
        expired = last_code(full)
        full.clock.wait(hours=24)

        answers = [
            told(await browser.post(f"{AUTH}/verify-email", {"token": token}))
            for token in (used, expired, "unknown")
        ]

        assert answers[0] == answers[1] == answers[2]
        assert (answers[0][0], answers[0][1]["error_code"]) == (401, "INVALID_TOKEN")

    async def test_sent_password_and_address_are_not_repeated(self, full: Bench) -> None:
        for body in (
            {"email": "s3cret-address", "password": PASSWORD, "display_name": "X"},
            {"email": EMAIL, "password": "s3cret", "display_name": "X"},
            {"email": EMAIL, "password": ["s3cret"], "display_name": "X"},
            {"email": EMAIL, "password": "s3cret" * 500, "display_name": "X"},
        ):
            answer = await Browser(full).post(f"{AUTH}/register", body)
            assert answer.status_code == 422
            assert "s3cret" not in answer.text


class TestMassAssignment:
    @pytest.mark.parametrize(
        "more",
        [
            {"is_platform_admin": True},
            {"is_email_verified": True},
            {"is_active": True},
            {"key": "system"},
            {"tenant_key": "*"},
            {"password_hash": "x"},
            {"has_garden": True},
        ],
        ids=lambda more: next(iter(more)),
    )
    async def test_unknown_field_refuses_the_whole(
        self, ada: Browser, more: dict[str, Any]
    ) -> None:
        before = (await ada.get(ME)).json()
        body = {"email": NOBODY, "password": PASSWORD, "display_name": "X"}
        calls = [
            await ada.post(f"{AUTH}/register", body | more),
            await ada.post(f"{AUTH}/login", {"email": EMAIL, "password": PASSWORD} | more),
            await ada.post(f"{AUTH}/verify-email", {"token": "x"} | more),
            await ada.http.patch(
                ME,
                json=more,
                headers=ada.headers() | {"Content-Type": "application/merge-patch+json"},
            ),
            await ada.post(f"{ME}/password", {"new_password": "another good one"} | more),
        ]

        assert [answer.status_code for answer in calls] == [422] * 5
        assert (await ada.get(ME)).json() == before


class TestApiKeys:
    async def key(self, ada: Browser, *scopes: KeyScope, slug: str = "ada-s-garden") -> Browser:
        body = {"label": "x", "tenant_slug": slug, "scopes": list(scopes)}
        made = await ada.post(f"{AUTH}/api-keys", body)
        machine = Browser(ada.bench, origin=None)
        machine.access_token = made.json()["raw_key"]
        return machine

    async def test_key_cannot_make_keys_or_touch_the_account(self, ada: Browser) -> None:
        machine = await self.key(ada, *KeyScope)
        body = {"label": "x", "tenant_slug": "ada-s-garden", "scopes": ["read"]}
        calls = [
            await machine.post(f"{AUTH}/api-keys", body),
            await machine.get(f"{AUTH}/api-keys"),
            await machine.http.delete(f"{AUTH}/api-keys/x", headers=machine.headers()),
            await machine.post(f"{ME}/password", {"new_password": "another good one"}),
            await machine.get(f"{ME}/sessions"),
            await machine.get(f"{ME}/providers"),
            await machine.post(f"{AUTH}/logout-all"),
            await machine.http.request("DELETE", ME, json={}, headers=machine.headers()),
            await machine.http.patch(
                ME,
                json={"display_name": "Eve"},
                headers=machine.headers() | {"Content-Type": "application/merge-patch+json"},
            ),
        ]

        assert [answer.status_code for answer in calls] == [403] * len(calls)
        assert await ada.is_in()

    async def test_key_without_the_scope_is_403(self, ada: Browser) -> None:
        reader = await self.key(ada, KeyScope.READ)
        tanks = "/api/v1/t/ada-s-garden/tanks"

        assert (await reader.get(tanks)).status_code == 200
        answer = await reader.post(tanks, {"name": "T", "volume_l": 50})
        assert (answer.status_code, answer.json()["error_code"]) == (403, "FORBIDDEN")

    async def test_key_of_another_garden_finds_nothing(self, ada: Browser) -> None:
        made = await ada.post("/api/v1/tenants", {"name": "Allotment"})
        machine = await self.key(ada, *KeyScope)
        assert made.status_code == 201

        foreign = await machine.get("/api/v1/t/allotment/tanks")
        unknown = await machine.get("/api/v1/t/nothing-here/tanks")

        listed = (await machine.get("/api/v1/tenants")).json()
        assert [garden["slug"] for garden in listed] == ["ada-s-garden"]
        assert foreign.status_code == unknown.status_code == 404
        assert foreign.json()["error_code"] == unknown.json()["error_code"]

    async def test_key_ends_with_the_membership(self, ada: Browser) -> None:
        bench = ada.bench
        await register(bench, "bob@example.org")
        bob = Browser(bench)
        await bob.log_in("bob@example.org")
        me = (await bob.get(ME)).json()["key"]
        [garden] = (await ada.get("/api/v1/tenants")).json()
        context = account_context("test", bench.clock())
        with open_unit(bench.server.store, context, (MembershipRepository,)) as uow:
            uow.of(MembershipRepository).add(
                MembershipFields(garden_key=garden["key"], user_key=me, role=Role.GROWER)
            )
        machine = await self.key(bob, KeyScope.READ)
        tanks = "/api/v1/t/ada-s-garden/tanks"
        assert (await machine.get(tanks)).status_code == 200
        assert (await bob.post("/api/v1/tenants/ada-s-garden/leave")).status_code == 204

        assert (await machine.get(tanks)).status_code == 401

    @pytest.mark.parametrize("raw", ["kp_", "kp_x", KEY_MARK + "A" * 43, KEY_MARK + "A" * 5000])
    async def test_guessed_key_is_401(self, full: Bench, raw: str) -> None:
        machine = Browser(full, origin=None)
        machine.access_token = raw
        answer = await machine.get(ME)

        assert (answer.status_code, answer.json()["error_code"]) == (401, "INVALID_TOKEN")

    async def test_expired_key_is_401(self, ada: Browser) -> None:
        ends_at = ada.bench.clock() + timedelta(hours=1)
        body = {
            "label": "x",
            "tenant_slug": "ada-s-garden",
            "scopes": ["read"],
            "expires_at": ends_at.isoformat(),
        }
        machine = Browser(ada.bench, origin=None)
        machine.access_token = (await ada.post(f"{AUTH}/api-keys", body)).json()["raw_key"]
        assert await machine.is_in()
        ada.bench.clock.wait(hours=1)

        assert not await machine.is_in()


async def test_address_is_limited_on_every_login_route(server_of: Callable[..., Bench]) -> None:
    bench = server_of(Mode.FULL, auth_rate_limit="3/hour")
    browser = Browser(bench)
    for path in (
        "register",
        "login",
        "verify-email",
        "verify-email/request",
        "password-reset/request",
        "password-reset/confirm",
    ):
        answers = [await browser.post(f"{AUTH}/{path}", {}) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [422, 422, 422, 429], path
        assert answers[-1].json()["error_code"] == "RATE_LIMITED"
        assert int(answers[-1].headers["retry-after"]) > 0


async def test_no_secret_reaches_the_log(full: Bench, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    await register(full)
    browser = Browser(full)
    await browser.log_in(password="wrong-s3cret-password")
    await browser.log_in()
    body = {"label": "x", "tenant_slug": "ada-s-garden", "scopes": ["read"]}
    raw = (await browser.post(f"{AUTH}/api-keys", body)).json()["raw_key"]
    secrets = [
        PASSWORD,
        "wrong-s3cret-password",
        EMAIL,
        raw,
        browser.access_token,
        browser.cookie("kp_refresh"),
        browser.cookie("kp_csrf"),
    ]
    await browser.post(f"{AUTH}/password-reset/request", {"email": EMAIL})
    secrets.append(last_code(full))
    await browser.refresh()
    secrets += [browser.access_token, browser.cookie("kp_refresh")]
    await browser.get(ME)

    assert "refused" in caplog.text
    assert [secret for secret in secrets if secret in caplog.text] == []
