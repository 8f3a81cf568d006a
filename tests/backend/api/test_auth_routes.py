"""Logins over HTTP: answers, cookies, and what each of them is good for."""

from collections.abc import Callable
from typing import Any

import pytest

from kamerplanter_backend.config.settings import Mode
from tests.backend.api.browser import AUTH, EMAIL, ME, PASSWORD, Browser, last_code, register
from tests.backend.api.harness import Bench

NEW_PASSWORD = "another good one"
MERGE_PATCH = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture
def full(server_of: Callable[..., Bench]) -> Bench:
    return server_of(Mode.FULL)


@pytest.fixture
async def ada(full: Bench) -> Browser:
    await register(full)
    browser = Browser(full)
    assert (await browser.log_in()).status_code == 200
    return browser


class TestLogin:
    async def test_access_token_is_in_the_body_and_the_rest_in_cookies(self, full: Bench) -> None:
        await register(full)
        browser = Browser(full)

        answer = await browser.log_in()

        body = answer.json()
        assert set(body) == {"access_token", "token_type", "expires_in"}
        assert (body["token_type"], body["expires_in"]) == ("bearer", 900)
        refresh, csrf = sorted(answer.headers.get_list("set-cookie"), reverse=True)
        parts = set(refresh.split("; ")[1:])
        assert refresh.startswith("kp_refresh=")
        assert parts == {
            "HttpOnly",
            "Secure",
            "SameSite=lax",
            "Path=/api/v1/auth",
            "Max-Age=2592000",
        }
        assert csrf.startswith("kp_csrf=")
        assert set(csrf.split("; ")[1:]) == {"Secure", "SameSite=lax", "Path=/", "Max-Age=2592000"}
        assert browser.cookie("kp_refresh") not in answer.text
        assert answer.headers["cache-control"] == "no-store"

    async def test_cookies_of_a_window_have_no_age(self, full: Bench) -> None:
        await register(full)
        answer = await Browser(full).log_in(remember_me=False)

        for cookie in answer.headers.get_list("set-cookie"):
            assert "Max-Age" not in cookie
            assert "expires" not in cookie.lower()

    async def test_cookies_for_plain_http_are_a_setting(
        self, server_of: Callable[..., Bench]
    ) -> None:
        bench = server_of(Mode.FULL, cookie_secure=False)
        await register(bench)
        answer = await Browser(bench).log_in()

        assert all("Secure" not in cookie for cookie in answer.headers.get_list("set-cookie"))

    async def test_failure_is_told_in_the_envelope(self, full: Bench) -> None:
        await register(full)
        answer = await Browser(full).log_in(password="wrong password")

        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json()["error_code"] == "UNAUTHORIZED"
        assert answer.headers.get_list("set-cookie") == []

    async def test_unconfirmed_address_is_403_after_the_right_password(self, full: Bench) -> None:
        body = {"email": EMAIL, "password": PASSWORD, "display_name": "Ada"}
        await Browser(full).post(f"{AUTH}/register", body)

        answer = await Browser(full).log_in()
        assert (answer.status_code, answer.json()["error_code"]) == (403, "EMAIL_NOT_VERIFIED")
        answer = await Browser(full).log_in(password="wrong password")
        assert (answer.status_code, answer.json()["error_code"]) == (401, "UNAUTHORIZED")

    async def test_too_many_failures_are_429_with_the_time_to_wait(self, full: Bench) -> None:
        for _ in range(5):
            await Browser(full).log_in(password="wrong password")

        answer = await Browser(full).log_in()

        assert (answer.status_code, answer.json()["error_code"]) == (429, "RATE_LIMITED")
        assert answer.headers["retry-after"] == "5"


class TestRefresh:
    async def test_cookie_gives_a_new_token_and_a_new_cookie(self, ada: Browser) -> None:
        old = ada.cookie("kp_refresh"), ada.access_token
        ada.bench.clock.wait(minutes=16)
        assert not await ada.is_in()

        assert (await ada.refresh()).status_code == 200

        assert ada.cookie("kp_refresh") != old[0]
        assert ada.access_token != old[1]
        assert await ada.is_in()

    async def test_without_a_cookie_it_is_401(self, full: Bench) -> None:
        answer = await Browser(full).refresh()

        assert (answer.status_code, answer.json()["error_code"]) == (401, "INVALID_TOKEN")

    async def test_logout_ends_session_and_cookies(self, ada: Browser) -> None:
        thief = Browser(ada.bench)
        thief.steal(ada)
        answer = await ada.post(f"{AUTH}/logout")

        assert answer.status_code == 200
        assert ada.cookie("kp_refresh") is None
        assert ada.cookie("kp_csrf") is None
        assert not await ada.is_in()
        assert thief.cookie("kp_refresh") is not None
        assert (await thief.refresh()).status_code == 401

    async def test_logout_without_a_session_is_fine(self, full: Bench) -> None:
        assert (await Browser(full).post(f"{AUTH}/logout")).status_code == 200

    async def test_logout_everywhere(self, ada: Browser) -> None:
        phone = Browser(ada.bench)
        await phone.log_in()

        answer = await ada.post(f"{AUTH}/logout-all")

        assert answer.json()["count"] == 2
        assert not await phone.is_in()
        assert not await ada.is_in()
        assert (await phone.refresh()).status_code == 401


class TestAccount:
    async def test_profile_holds_no_secret(self, ada: Browser) -> None:
        answer = await ada.get(ME)

        assert set(answer.json()) == {
            "key",
            "email",
            "display_name",
            "locale",
            "time_zone",
            "avatar_url",
            "is_email_verified",
            "is_platform_admin",
            "has_password",
            "last_login_at",
            "created_at",
            "revision",
        }

    async def test_patch_with_the_tag_that_was_seen(self, ada: Browser) -> None:
        tag = (await ada.get(ME)).headers["etag"]
        headers = ada.headers() | MERGE_PATCH
        first = await ada.http.patch(
            ME, json={"display_name": "Ada L.", "locale": "de"}, headers=headers | {"If-Match": tag}
        )
        second = await ada.http.patch(
            ME, json={"display_name": "Eve"}, headers=headers | {"If-Match": tag}
        )

        assert (first.status_code, second.status_code) == (200, 412)
        assert first.json()["locale"] == "de"
        assert (await ada.get(ME)).json()["display_name"] == "Ada L."

    async def test_password_change_ends_all_sessions(self, ada: Browser) -> None:
        body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
        answer = await ada.post(f"{ME}/password", body)

        assert answer.status_code == 204
        assert ada.cookie("kp_refresh") is None
        assert not await ada.is_in()
        assert (await ada.log_in()).status_code == 401
        assert (await ada.log_in(password=NEW_PASSWORD)).status_code == 200

    @pytest.mark.parametrize(
        ("password", "told"), [("short", "at least 10 characters"), ("ü" * 37, "at most 72 bytes")]
    )
    async def test_password_rule_is_named_and_the_password_is_not(
        self, ada: Browser, password: str, told: str
    ) -> None:
        body = {"current_password": PASSWORD, "new_password": password}
        answer = await ada.post(f"{ME}/password", body)

        assert answer.status_code == 422
        assert told in answer.json()["message"]
        assert answer.json()["details"]["field"] == "new_password"
        assert password not in answer.text

    async def test_sessions_show_which_one_asks(self, ada: Browser) -> None:
        phone = Browser(ada.bench)
        await phone.log_in(remember_me=False)

        listed = (await phone.get(f"{ME}/sessions")).json()

        assert listed["total"] == 2
        assert [item["is_current"] for item in listed["items"]] == [False, True]
        assert [item["is_persistent"] for item in listed["items"]] == [True, False]
        key = listed["items"][0]["key"]
        ended = await phone.http.delete(f"{ME}/sessions/{key}", headers=phone.headers())
        assert ended.status_code == 204
        assert not await ada.is_in()
        assert await phone.is_in()
        again = await phone.http.delete(f"{ME}/sessions/{key}", headers=phone.headers())
        assert (again.status_code, again.json()["error_code"]) == (404, "SESSION_NOT_FOUND")

    async def test_account_is_deleted_with_its_password(self, ada: Browser) -> None:
        async def delete(body: dict[str, Any]) -> int:
            answer = await ada.http.request("DELETE", ME, json=body, headers=ada.headers())
            return answer.status_code

        assert await delete({}) == 401
        assert await delete({"password": "wrong password"}) == 401
        assert await delete({"password": PASSWORD}) == 204
        assert not await ada.is_in()
        assert (await ada.log_in()).status_code == 401

    async def test_reset_by_mail(self, ada: Browser) -> None:
        asked = await ada.post(f"{AUTH}/password-reset/request", {"email": EMAIL})
        body = {"token": last_code(ada.bench), "new_password": NEW_PASSWORD}
        first = await ada.post(f"{AUTH}/password-reset/confirm", body)
        second = await ada.post(f"{AUTH}/password-reset/confirm", body)

        assert (asked.status_code, first.status_code, second.status_code) == (202, 200, 401)
        assert second.json()["error_code"] == "INVALID_TOKEN"
        assert (await ada.log_in(password=NEW_PASSWORD)).status_code == 200


class TestApiKeys:
    async def test_key_is_shown_once_and_opens_its_garden(self, ada: Browser) -> None:
        body = {"label": "Sensors", "tenant_slug": "ada-s-garden", "scopes": ["read"]}
        made = await ada.post(f"{AUTH}/api-keys", body)
        raw = made.json()["raw_key"]
        listed = (await ada.get(f"{AUTH}/api-keys")).json()

        assert made.status_code == 201
        assert raw.startswith(made.json()["prefix"])
        assert raw not in str(listed)
        assert listed["items"][0]["tenant_slug"] == "ada-s-garden"
        machine = ada.bench.client(headers={"Authorization": f"Bearer {raw}"})
        assert (await machine.get("/api/v1/t/ada-s-garden/tanks")).status_code == 200
        revoked = await ada.http.delete(
            f"{AUTH}/api-keys/{made.json()['key']}", headers=ada.headers()
        )
        assert revoked.status_code == 204
        assert (await machine.get("/api/v1/t/ada-s-garden/tanks")).status_code == 401

    async def test_same_idempotency_key_hands_no_secret_to_others(
        self, ada: Browser, full: Bench
    ) -> None:
        await register(full, "bob@example.org")
        bob = Browser(full)
        await bob.log_in("bob@example.org")
        slug = (await bob.get("/api/v1/tenants")).json()
        body = {"label": "x", "tenant_slug": "ada-s-garden", "scopes": ["read"]}
        first = await ada.post(f"{AUTH}/api-keys", body, Idempotency_Key="1")
        second = await ada.post(f"{AUTH}/api-keys", body, Idempotency_Key="1")
        third = await bob.post(f"{AUTH}/api-keys", body, Idempotency_Key="1")

        assert slug[0]["slug"] != "ada-s-garden"
        assert first.json()["raw_key"] != second.json()["raw_key"]
        assert third.status_code == 404

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"scopes": []}, "scopes"),
            ({"scopes": ["root"]}, "scopes.0"),
            ({"label": ""}, "label"),
            ({"expires_at": "2026-05-01T10:00:00"}, "expires_at"),
            ({"tenant_slug": "../x"}, "tenant_slug"),
            ({"user_key": "system"}, "user_key"),
        ],
    )
    async def test_bad_input_names_the_field(
        self, ada: Browser, change: dict[str, Any], field: str
    ) -> None:
        body = {"label": "x", "tenant_slug": "ada-s-garden", "scopes": ["read"]} | change
        answer = await ada.post(f"{AUTH}/api-keys", body)

        assert answer.status_code == 422
        assert answer.json()["details"]["fields"][0]["field"] == field


class TestModes:
    async def test_light_server_has_a_profile_and_no_logins(self, bench: Bench) -> None:
        browser = Browser(bench)
        profile = await browser.get(ME)

        assert profile.json()["key"] == "system"
        for path in (f"{AUTH}/login", f"{AUTH}/refresh", f"{AUTH}/register", f"{ME}/password"):
            assert (await browser.post(path, {})).status_code == 404
        for path in (f"{AUTH}/api-keys", f"{ME}/sessions", f"{AUTH}/oauth/providers"):
            assert (await browser.get(path)).status_code == 404

    async def test_header_means_nothing_to_a_light_server(self, bench: Bench) -> None:
        browser = Browser(bench)
        browser.access_token = "whatever"

        assert (await browser.get(ME)).json()["key"] == "system"


class TestPages:
    @pytest.mark.parametrize(
        ("page", "language", "title"),
        [
            ("verify-email", "en-GB,en;q=0.9", "Confirm your e-mail address"),
            ("verify-email", "de-DE,de;q=0.9,en;q=0.8", "E-Mail-Adresse bestätigen"),
            ("password-reset", "de", "Neues Passwort setzen"),
            ("password-reset", "", "Set a new password"),
        ],
    )
    async def test_page_of_a_mail_loads_nothing_from_elsewhere(
        self, full: Bench, page: str, language: str, title: str
    ) -> None:
        async with full.client(headers={"Accept-Language": language}) as client:
            answer = await client.get(f"{AUTH}/pages/{page}")

        assert answer.status_code == 200
        assert f"<h1>{title}</h1>" in answer.text
        assert "http" not in answer.text
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self';")
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] == "no-store"

    async def test_mail_leads_to_a_page_that_is_there(
        self, server_of: Callable[..., Bench]
    ) -> None:
        bench = server_of(Mode.FULL, public_url="https://localhost")
        await register(bench)
        await Browser(bench).post(f"{AUTH}/password-reset/request", {"email": EMAIL})
        code = last_code(bench)
        links = [word for word in bench.outbox.mails[-1].text.split() if word.startswith("https:")]

        assert links == [f"https://localhost{AUTH}/pages/password-reset#{code}"]
        assert (await Browser(bench).http.get(links[0])).status_code == 200
