"""Logins through a real provider on loopback, and the attacks on them."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from kamerplanter_backend.common.clock import system_clock
from kamerplanter_backend.config.settings import Mode
from kamerplanter_backend.domain.repositories.identity import (
    LoginStateRepository,
    ProviderLinkRepository,
    SessionRepository,
    UserRepository,
)
from kamerplanter_backend.domain.repositories.unit_of_work import open_unit
from kamerplanter_backend.domain.services.tenant_service import account_context
from tests.backend.api.browser import AUTH, EMAIL, ME, PASSWORD, Browser, last_code, register
from tests.backend.api.harness import Bench
from tests.backend.api.login_provider import PUBLIC, Claims, LoginProvider, running_provider

pytestmark = pytest.mark.usefixtures("socket_enabled")

START = f"{AUTH}/oauth/example"


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch, socket_enabled: None) -> Iterator[LoginProvider]:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    with running_provider() as running:
        yield running


@pytest.fixture
def full(server_of: Callable[..., Bench], provider: LoginProvider) -> Bench:
    bench = server_of(Mode.FULL, **provider.settings())
    # The provider lives in the real present, so its tokens are valid only then.
    bench.clock.now = system_clock()
    return bench


async def depart(browser: Browser, **parameters: str) -> str:
    """Begin a login; return where the browser is sent."""
    answer = await browser.get(START, **parameters)
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def at_provider(location: str, person: str = "ada") -> str:
    """Log in at the provider; return where the browser is sent back to."""
    async with httpx.AsyncClient() as client:
        answer = await client.post(location, data={"sub": person})
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def come_back(browser: Browser, callback: str) -> httpx.Response:
    """Follow the redirection back to us."""
    assert callback.startswith(f"{PUBLIC}{START}/callback?")
    return await browser.http.get(callback.removeprefix(PUBLIC))


async def log_in(browser: Browser, person: str = "ada", **parameters: str) -> httpx.Response:
    """Do all of it."""
    return await come_back(browser, await at_provider(await depart(browser, **parameters), person))


def stored(bench: Bench, repository: Any) -> list[Any]:
    with open_unit(bench.server.store, account_context("test", bench.clock())) as uow:
        return uow.of(repository).find()


def assert_refused(answer: httpx.Response, bench: Bench) -> None:
    assert (answer.status_code, answer.json()["error_code"]) == (401, "INVALID_TOKEN")
    assert answer.headers.get_list("set-cookie") == []
    assert stored(bench, SessionRepository) == []
    assert stored(bench, UserRepository) == []


class TestRoundTrip:
    async def test_new_person_gets_an_account_and_a_garden(
        self, full: Bench, provider: LoginProvider
    ) -> None:
        browser = Browser(full)
        answer = await log_in(browser, return_to="/garden?tab=1")

        assert answer.status_code == 302
        assert answer.headers["location"] == f"{PUBLIC}/garden?tab=1"
        assert (await browser.refresh()).status_code == 200
        profile = (await browser.get(ME)).json()
        assert (profile["email"], profile["display_name"]) == (EMAIL, "Ada Lovelace")
        assert (profile["is_email_verified"], profile["has_password"]) == (True, False)
        gardens = (await browser.get("/api/v1/tenants")).json()
        assert [garden["slug"] for garden in gardens] == ["ada-lovelace-s-garden"]
        assert browser.cookie("kp_login") is None
        assert stored(full, LoginStateRepository) == []

    async def test_browser_is_sent_with_code_flow_pkce_state_and_nonce(
        self, full: Bench, provider: LoginProvider
    ) -> None:
        browser = Browser(full)
        location = await depart(browser)

        asked = {name: value[0] for name, value in parse_qs(urlsplit(location).query).items()}
        assert location.startswith(f"{provider.issuer}/oauth2/authorize?")
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["code_challenge"]) == 43
        assert len(asked["state"]) >= 43
        assert len(asked["nonce"]) >= 43
        assert asked["scope"] == "openid email profile"
        assert asked["redirect_uri"] == f"{PUBLIC}{START}/callback"
        [state] = stored(full, LoginStateRepository)
        assert asked["state"] not in state.model_dump_json()
        assert state.code_verifier not in location

    async def test_redirection_does_not_follow_the_host_header(self, full: Bench) -> None:
        browser = Browser(full)
        answer = await browser.http.get(START, headers={"Host": "evil.example"})

        redirect = parse_qs(urlsplit(answer.headers["location"]).query)["redirect_uri"]
        assert redirect == [f"{PUBLIC}{START}/callback"]

    async def test_no_token_stands_in_an_address(self, full: Bench) -> None:
        browser = Browser(full)
        answer = await log_in(browser)

        assert answer.headers["location"] == f"{PUBLIC}/"
        names = [cookie.split("=")[0] for cookie in answer.headers.get_list("set-cookie")]
        assert sorted(names) == ["kp_csrf", "kp_login", "kp_refresh"]

    async def test_person_who_comes_again_is_the_same(self, full: Bench) -> None:
        await log_in(Browser(full))
        again = Browser(full)
        await log_in(again)
        await again.refresh()

        assert len(stored(full, UserRepository)) == 1
        assert len((await again.get("/api/v1/tenants")).json()) == 1
        sessions = (await again.get(f"{ME}/sessions")).json()["items"]
        assert [session["method"] for session in sessions] == ["example", "example"]

    async def test_what_the_provider_says_of_itself_is_asked_once(
        self, full: Bench, provider: LoginProvider
    ) -> None:
        for _ in range(3):
            await log_in(Browser(full))
        assert provider.calls.count("/.well-known/openid-configuration") == 1
        assert provider.calls.count("/jwks") == 1

    async def test_providers_are_listed_without_secrets(self, full: Bench) -> None:
        answer = await Browser(full).get(f"{AUTH}/oauth/providers")

        assert answer.json() == {"items": [{"slug": "example", "display_name": "Example"}]}

    async def test_unknown_provider_is_404(self, full: Bench) -> None:
        for path in ("nothing", "nothing/callback?state=x&code=x"):
            answer = await Browser(full).http.get(f"{AUTH}/oauth/{path}")
            assert answer.json()["error_code"] == "PROVIDER_NOT_FOUND"

    @pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example"])
    async def test_nobody_is_sent_elsewhere_afterwards(self, full: Bench, path: str) -> None:
        answer = await log_in(Browser(full), return_to=path)

        assert answer.headers["location"] == f"{PUBLIC}/"


class TestSameAddress:
    async def test_confirmed_account_and_confirmed_address_are_joined(self, full: Bench) -> None:
        await register(full)
        browser = Browser(full)
        await log_in(browser)
        await browser.refresh()

        assert (await browser.get(ME)).json()["has_password"]
        assert len(stored(full, UserRepository)) == 1
        assert (await Browser(full).log_in()).status_code == 200

    async def refused(self, bench: Bench) -> None:
        answer = await log_in(Browser(bench))

        assert (answer.status_code, answer.json()["error_code"]) == (409, "CONFLICT")
        assert "log in as before" in answer.json()["message"]
        assert stored(bench, ProviderLinkRepository) == []
        assert stored(bench, SessionRepository) == []
        assert len(stored(bench, UserRepository)) == 1

    async def test_address_that_the_provider_did_not_confirm_opens_and_tells_nothing(
        self, full: Bench
    ) -> None:
        await register(full)
        [ada] = stored(full, UserRepository)

        answer = await log_in(Browser(full), "mallory")

        assert (answer.status_code, answer.headers["location"]) == (302, f"{PUBLIC}/")
        [link] = stored(full, ProviderLinkRepository)
        [mallory] = [user for user in stored(full, UserRepository) if user.key != ada.key]
        assert (link.user_key, mallory.email) == (mallory.key, None)
        assert ada in stored(full, UserRepository)

    async def test_account_that_was_not_confirmed_is_not_joined(self, full: Bench) -> None:
        body = {"email": EMAIL, "password": PASSWORD, "display_name": "Eve"}
        await Browser(full).post(f"{AUTH}/register", body)
        await self.refused(full)

    async def test_provider_that_is_not_trusted_joins_nobody(
        self, server_of: Callable[..., Bench], provider: LoginProvider
    ) -> None:
        bench = server_of(Mode.FULL, **provider.settings(is_email_trusted=False))
        bench.clock.now = system_clock()
        await register(bench)
        await self.refused(bench)

    async def test_unconfirmed_address_does_not_occupy_it(self, full: Bench) -> None:
        await log_in(Browser(full), "mallory")
        [user] = stored(full, UserRepository)
        assert (user.email, user.is_email_verified) == (None, False)

        await register(full)
        assert (await Browser(full).log_in()).status_code == 200

    async def test_person_without_an_address_can_come_in(self, full: Bench) -> None:
        browser = Browser(full)
        await log_in(browser, "anonymous")
        await browser.refresh()

        assert (await browser.get(ME)).json()["display_name"] == "New gardener"

    async def test_closed_server_takes_nobody_new(
        self, server_of: Callable[..., Bench], provider: LoginProvider
    ) -> None:
        bench = server_of(Mode.FULL, is_registration_open=False, **provider.settings())
        bench.clock.now = system_clock()
        answer = await log_in(Browser(bench))

        assert (answer.status_code, answer.json()["error_code"]) == (403, "FORBIDDEN")
        assert stored(bench, UserRepository) == []

    async def test_closed_account_stays_out(self, full: Bench) -> None:
        await log_in(Browser(full))
        context = account_context("test", full.clock())
        with open_unit(full.server.store, context, (UserRepository,)) as uow:
            users = uow.of(UserRepository)
            user = users.with_email(EMAIL)
            assert user is not None
            users.change(user, is_active=False)

        assert (await log_in(Browser(full))).status_code == 401


class TestLink:
    async def link(self, browser: Browser, person: str = "ada") -> httpx.Response:
        answer = await browser.post(f"{ME}/providers/example/link", {"return_to": "/me"})
        assert answer.status_code == 200, answer.text
        location = answer.json()["authorization_url"]
        return await come_back(browser, await at_provider(location, person))

    async def test_signed_in_user_links_and_unlinks(self, full: Bench) -> None:
        await register(full, "bob@example.org")
        bob = Browser(full)
        await bob.log_in("bob@example.org")
        session = bob.cookie("kp_refresh")

        answer = await self.link(bob)

        assert answer.headers["location"] == f"{PUBLIC}/me"
        assert bob.cookie("kp_refresh") == session
        [link] = (await bob.get(f"{ME}/providers")).json()["items"]
        assert (link["provider"], link["email"]) == ("example", EMAIL)
        phone = Browser(full)
        await log_in(phone)
        await phone.refresh()
        assert (await phone.get(ME)).json()["email"] == "bob@example.org"
        gone = await bob.http.delete(f"{ME}/providers/{link['key']}", headers=bob.headers())
        assert gone.status_code == 204

    async def test_last_way_to_log_in_stays(self, full: Bench) -> None:
        browser = Browser(full)
        await log_in(browser)
        await browser.refresh()
        [link] = (await browser.get(f"{ME}/providers")).json()["items"]

        answer = await browser.http.delete(
            f"{ME}/providers/{link['key']}", headers=browser.headers()
        )

        assert answer.status_code == 409

    async def test_person_of_another_account_is_not_taken_over(self, full: Bench) -> None:
        await log_in(Browser(full))
        await register(full, "bob@example.org")
        bob = Browser(full)
        await bob.log_in("bob@example.org")

        answer = await self.link(bob)

        assert answer.status_code == 409
        [link] = stored(full, ProviderLinkRepository)
        assert link.user_key != (await bob.get(ME)).json()["key"]

    async def test_victim_cannot_be_made_to_finish_the_link_of_an_attacker(
        self, full: Bench
    ) -> None:
        await register(full, "bob@example.org")
        attacker = Browser(full)
        await attacker.log_in("bob@example.org")
        begun = await attacker.post(f"{ME}/providers/example/link", {})
        callback = await at_provider(begun.json()["authorization_url"])

        answer = await come_back(Browser(full), callback)

        assert answer.status_code == 401
        assert stored(full, ProviderLinkRepository) == []

    @pytest.mark.parametrize("end", ["logout-all", "password"])
    async def test_who_was_thrown_out_does_not_finish_a_link(self, full: Bench, end: str) -> None:
        await register(full, "bob@example.org")
        thief = Browser(full)
        await thief.log_in("bob@example.org")
        begun = await thief.post(f"{ME}/providers/example/link", {})
        callback = await at_provider(begun.json()["authorization_url"], "mallory")
        bob = Browser(full)
        await bob.log_in("bob@example.org")
        if end == "password":
            words = {"current_password": PASSWORD, "new_password": "another good one"}
            assert (await bob.post(f"{ME}/password", words)).status_code == 204
        else:
            assert (await bob.post(f"{AUTH}/logout-all", {})).status_code == 200

        answer = await come_back(thief, callback)

        assert (answer.status_code, answer.json()["error_code"]) == (401, "INVALID_TOKEN")
        assert stored(full, ProviderLinkRepository) == []

    async def test_who_came_before_the_owner_of_an_address_keeps_no_way_in(
        self, server_of: Callable[..., Bench], provider: LoginProvider
    ) -> None:
        bench = server_of(Mode.FULL, **provider.settings(), require_verified_email=False)
        bench.clock.now = system_clock()
        squatter = Browser(bench)
        words = {"email": "bob@example.org", "password": PASSWORD, "display_name": "Bob"}
        await squatter.post(f"{AUTH}/register", words)
        await squatter.log_in("bob@example.org")
        assert (await self.link(squatter, "mallory")).status_code == 302

        bob = Browser(bench)
        await bob.post(f"{AUTH}/password-reset/request", {"email": "bob@example.org"})
        new = {"token": last_code(bench), "new_password": "another good one"}
        assert (await bob.post(f"{AUTH}/password-reset/confirm", new)).status_code == 200

        assert stored(bench, ProviderLinkRepository) == []


class TestAttacks:
    @pytest.mark.parametrize(
        "tamper",
        [
            lambda claims: claims | {"iss": "https://evil.example"},
            lambda claims: claims | {"iss": claims["iss"] + "/"},
            lambda claims: {k: v for k, v in claims.items() if k != "iss"},
            lambda claims: claims | {"aud": "another-client"},
            lambda claims: claims | {"aud": ["another-client"]},
            lambda claims: claims | {"aud": ["kamerplanter", "other"], "azp": "other"},
            lambda claims: {k: v for k, v in claims.items() if k != "aud"},
            lambda claims: claims | {"nonce": "x" * 43},
            lambda claims: {k: v for k, v in claims.items() if k != "nonce"},
            lambda claims: claims | {"nonce": ""},
            lambda claims: claims | {"exp": claims["iat"] - 61},
            lambda claims: {k: v for k, v in claims.items() if k != "exp"},
            lambda claims: claims | {"iat": claims["iat"] + 3600},
            lambda claims: {k: v for k, v in claims.items() if k != "sub"},
            lambda claims: claims | {"sub": ""},
            lambda claims: claims | {"sub": {"a": 1}},
            lambda claims: claims | {"sub": "x" * 256},
        ],
        ids=[
            "another issuer",
            "issuer with a slash",
            "no issuer",
            "another audience",
            "another audience in a list",
            "another authorised party",
            "no audience",
            "another nonce",
            "no nonce",
            "empty nonce",
            "expired",
            "no expiry",
            "of the future",
            "no subject",
            "empty subject",
            "subject is no text",
            "endless subject",
        ],
    )
    async def test_wrong_claim_lets_nobody_in(
        self, full: Bench, provider: LoginProvider, tamper: Callable[[Claims], Claims]
    ) -> None:
        provider.tamper = tamper

        assert_refused(await log_in(Browser(full)), full)

    async def test_hand_on_the_wire_changes_nothing_by_itself(
        self, full: Bench, provider: LoginProvider
    ) -> None:
        provider.tamper = lambda claims: claims

        assert (await log_in(Browser(full))).status_code == 302

    @pytest.mark.parametrize("forgery", ["key", "kid", "none", "secret", "public key", "no token"])
    async def test_wrong_signature_lets_nobody_in(
        self, full: Bench, provider: LoginProvider, forgery: str
    ) -> None:
        def part(data: Claims) -> str:
            return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()

        def sign(claims: Claims) -> str:
            if forgery == "none":
                return f"{part({'alg': 'none'})}.{part(claims)}."
            if forgery == "no token":
                return "x"
            if forgery == "secret":
                key = OctKey.import_key("client-s3cret", {"kid": "own"})
                return jwt.encode({"alg": "HS256", "kid": "own"}, claims, key)
            if forgery == "public key":
                pem = provider.own_key.as_pem(private=False)
                # By hand: the library does not take a public key as a secret.
                text = f"{part({'alg': 'HS256', 'kid': 'own'})}.{part(claims)}"
                mac = hmac.digest(pem, text.encode(), hashlib.sha256)
                return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"
            kid = "unknown" if forgery == "kid" else "own"
            return jwt.encode({"alg": "RS256", "kid": kid}, claims, provider.other_key)

        provider.tamper, provider.sign = (lambda claims: claims), sign

        assert_refused(await log_in(Browser(full)), full)

    async def test_keys_are_asked_for_again_at_most_once_a_minute(
        self, full: Bench, provider: LoginProvider
    ) -> None:
        provider.tamper = lambda claims: claims
        provider.sign = lambda claims: jwt.encode(
            {"alg": "RS256", "kid": "unknown"}, claims, provider.own_key
        )
        for _ in range(5):
            assert_refused(await log_in(Browser(full)), full)
        assert provider.calls.count("/jwks") == 1
        full.clock.wait(seconds=61)
        await log_in(Browser(full))

        assert provider.calls.count("/jwks") == 2

    async def test_callback_works_once(self, full: Bench) -> None:
        browser = Browser(full)
        callback = await at_provider(await depart(browser))
        assert (await come_back(browser, callback)).status_code == 302
        [session] = stored(full, SessionRepository)

        again = await come_back(browser, callback)

        assert again.status_code == 401
        assert [found.key for found in stored(full, SessionRepository)] == [session.key]

    async def test_used_code_is_refused_in_another_login(self, full: Bench) -> None:
        browser = Browser(full)
        first = parse_qs(urlsplit(await at_provider(await depart(browser))).query)
        await come_back(browser, f"{PUBLIC}{START}/callback?" + query(first))
        [session] = stored(full, SessionRepository)
        second = parse_qs(urlsplit(await depart(browser)).query)

        answer = await come_back(
            browser, f"{PUBLIC}{START}/callback?" + query(first | {"state": second["state"]})
        )

        assert answer.status_code == 401
        assert [found.key for found in stored(full, SessionRepository)] == [session.key]

    async def test_code_of_an_attacker_is_refused_in_the_login_of_a_victim(
        self, full: Bench
    ) -> None:
        attacker, victim = Browser(full), Browser(full)
        stolen = parse_qs(urlsplit(await at_provider(await depart(attacker), "mallory")).query)
        begun = parse_qs(urlsplit(await depart(victim)).query)

        answer = await come_back(
            victim, f"{PUBLIC}{START}/callback?" + query(stolen | {"state": begun["state"]})
        )

        assert_refused(answer, full)

    async def test_state_of_another_browser_is_refused(self, full: Bench) -> None:
        attacker = Browser(full)
        callback = await at_provider(await depart(attacker))

        assert_refused(await come_back(Browser(full), callback), full)

    async def test_state_of_another_login_in_the_same_browser_is_refused(self, full: Bench) -> None:
        browser = Browser(full)
        callback = await at_provider(await depart(browser))
        await depart(browser)

        assert_refused(await come_back(browser, callback), full)

    @pytest.mark.parametrize("change", ["cut", "signature", "empty"])
    async def test_changed_cookie_is_refused(self, full: Bench, change: str) -> None:
        browser = Browser(full)
        callback = await at_provider(await depart(browser))
        mark, _, signature = (browser.cookie("kp_login") or "").partition(".")
        value = {"cut": mark, "signature": f"{mark}.{signature[::-1]}", "empty": "."}[change]
        browser.http.cookies.clear()
        browser.plant("kp_login", value, f"{AUTH}/oauth")

        assert_refused(await come_back(browser, callback), full)

    async def test_cookie_that_a_neighbour_adds_is_noticed(self, full: Bench) -> None:
        attacker, victim = Browser(full), Browser(full)
        callback = await at_provider(await depart(attacker), "mallory")
        await depart(victim)
        cookies = [f"kp_login={browser.cookie('kp_login')}" for browser in (victim, attacker)]

        answer = await Browser(full).http.get(
            callback.removeprefix(PUBLIC), headers={"Cookie": "; ".join(cookies)}
        )

        assert (answer.status_code, answer.json()["error_code"]) == (403, "CSRF_REFUSED")
        assert stored(full, UserRepository) == []

    async def test_login_that_took_too_long_is_refused(self, full: Bench) -> None:
        browser = Browser(full)
        callback = await at_provider(await depart(browser))
        full.clock.wait(minutes=10)

        assert_refused(await come_back(browser, callback), full)

    @pytest.mark.parametrize(
        "more", ["&error=access_denied", "&iss=https%3A%2F%2Fevil.example&code=x"]
    )
    async def test_refusal_and_another_issuer_end_the_login(self, full: Bench, more: str) -> None:
        browser = Browser(full)
        state = parse_qs(urlsplit(await depart(browser)).query)["state"][0]

        answer = await browser.http.get(f"{START}/callback?state={state}{more}")

        assert_refused(answer, full)
        assert stored(full, LoginStateRepository) == []

    async def test_profile_of_somebody_else_is_refused(
        self, full: Bench, provider: LoginProvider
    ) -> None:
        provider.tamper = lambda claims: {k: v for k, v in claims.items() if k != "email"}
        provider.replace["/userinfo"] = {"sub": "mallory", "email": EMAIL, "email_verified": True}

        assert_refused(await log_in(Browser(full)), full)

    @pytest.mark.parametrize(
        "change",
        [
            {"issuer": "https://evil.example"},
            {"token_endpoint": "file:///etc/passwd"},
            {"jwks_uri": None},
            {"authorization_endpoint": "javascript:alert(1)"},
        ],
        ids=lambda change: next(iter(change)),
    )
    async def test_provider_that_says_something_odd_of_itself_is_not_used(
        self, full: Bench, provider: LoginProvider, change: dict[str, Any]
    ) -> None:
        path = "/.well-known/openid-configuration"
        async with httpx.AsyncClient() as client:
            found = (await client.get(provider.issuer + path)).json()
        provider.replace[path] = found | change

        answer = await Browser(full).get(START)

        assert (answer.status_code, answer.json()["error_code"]) == (502, "EXTERNAL_SOURCE_ERROR")

    async def test_provider_that_is_away_is_502(
        self, server_of: Callable[..., Bench], provider: LoginProvider
    ) -> None:
        bench = server_of(Mode.FULL, **provider.settings(issuer="http://127.0.0.1:1"))
        answer = await Browser(bench).get(START)

        assert answer.status_code == 502
        assert "127.0.0.1" not in answer.text


def query(parameters: dict[str, list[str]]) -> str:
    return str(httpx.QueryParams({name: value[0] for name, value in parameters.items()}))
