"""Other pages, and tokens of other sessions."""

import pytest

from kamerplanter_backend.auth.addresses import safe_path
from kamerplanter_backend.auth.csrf import CsrfGuard
from kamerplanter_backend.auth.policy import AuthPolicy
from kamerplanter_backend.common.exceptions import CsrfError

OLD, NEW = b"o" * 32, b"n" * 32
GUARD = CsrfGuard(AuthPolicy(secret=OLD, public_url="https://garden.example"))
TOKEN = GUARD.token_for("session-1")


def test_token_of_the_session_is_taken() -> None:
    GUARD.check_token("session-1", TOKEN)


@pytest.mark.parametrize(
    "header",
    [None, "", "x", TOKEN.upper(), TOKEN[:-1], TOKEN + "0", GUARD.token_for("session-2"), "ä"],
)
def test_other_token_is_refused(header: str | None) -> None:
    with pytest.raises(CsrfError):
        GUARD.check_token("session-1", header)


def test_token_outlives_the_exchange_of_the_secret() -> None:
    CsrfGuard(AuthPolicy(secret=NEW, previous_secret=OLD)).check_token("session-1", TOKEN)
    with pytest.raises(CsrfError):
        CsrfGuard(AuthPolicy(secret=NEW)).check_token("session-1", TOKEN)


@pytest.mark.parametrize(
    ("origin", "fetch_site", "host"),
    [
        (None, None, None),
        (None, None, "garden.example"),
        (None, "same-origin", "garden.example"),
        (None, "none", "garden.example"),
        ("https://garden.example", None, "10.0.0.7:8075"),
        ("https://garden.example:443", "same-origin", "10.0.0.7:8075"),
        ("https://GARDEN.example", None, None),
        ("http://localhost:8075", "same-origin", "localhost:8075"),
        ("http://[::1]:8075", None, "[::1]:8075"),
    ],
)
def test_own_page_is_let_through(
    origin: str | None, fetch_site: str | None, host: str | None
) -> None:
    GUARD.check_origin(origin, fetch_site, host)


@pytest.mark.parametrize(
    ("origin", "fetch_site", "host"),
    [
        ("https://evil.example", None, "garden.example"),
        ("https://garden.example.evil.example", None, "garden.example"),
        ("https://evil.example/garden.example", None, "garden.example"),
        ("https://garden.example@evil.example", None, "garden.example"),
        ("https://garden.example:8443", None, "garden.example"),
        ("http://localhost:9000", None, "localhost:8075"),
        ("null", None, "garden.example"),
        ("null", None, None),
        ("", None, "garden.example"),
        ("", None, ""),
        ("https://", None, ""),
        ("https://[", None, "["),
        ("file://", None, None),
        ("chrome-extension://garden.example", None, "garden.example"),
        (None, "cross-site", "garden.example"),
        (None, "same-site", "garden.example"),
        ("https://evil.example", "same-origin", "garden.example"),
    ],
)
def test_page_of_somebody_else_is_refused(
    origin: str | None, fetch_site: str | None, host: str | None
) -> None:
    with pytest.raises(CsrfError):
        GUARD.check_origin(origin, fetch_site, host)


@pytest.mark.parametrize("path", ["/", "/garden", "/a/b?c=d#e", "/%2F%2Fevil.example"])
def test_own_path_is_kept(path: str) -> None:
    assert safe_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "garden",
        "//evil.example",
        "/\\evil.example",
        "/a\\b",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "/a\r\nSet-Cookie: x=y",
        "/\t/evil.example",
        " //evil.example",
        "/" + "x" * 500,
    ],
)
def test_path_that_could_lead_elsewhere_becomes_the_front_page(path: str | None) -> None:
    assert safe_path(path) == "/"
