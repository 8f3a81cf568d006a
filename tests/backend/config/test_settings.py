"""Settings: what is taken, and which unsafe combinations are refused by name."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from kamerplanter_backend.cli import setting_problems
from kamerplanter_backend.common.retention import Retention
from kamerplanter_backend.config.settings import Settings

SECRET = "kPz3uWq8-_yR5tE1vN7xM2cB9aL4sD6f"


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the machine's own environment says."""
    monkeypatch.setenv("XDG_DATA_HOME", "/home/ada/data")


def problems(**values: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Settings(**values)
    return setting_problems(caught.value)


def test_without_settings_it_is_light_and_on_this_machine_only() -> None:
    settings = Settings()

    assert (settings.mode, settings.bind_host, settings.is_production) == (
        "light",
        "127.0.0.1",
        True,
    )
    assert settings.store_path == Path("/home/ada/data/kamerplanter/garden.db")


def test_values_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAMERPLANTER_PORT", "9000")
    monkeypatch.setenv("KAMERPLANTER_ALLOWED_HOSTS", '["garden.lan"]')
    monkeypatch.setenv("KAMERPLANTER_STORE", "sqlite:///:memory:")

    settings = Settings()

    assert settings.port == 9000
    assert "garden.lan" in settings.answered_hosts
    assert settings.store_path is None


@pytest.mark.parametrize(
    ("values", "named"),
    [
        pytest.param({"host": "0.0.0.0"}, "KAMERPLANTER_HOST", id="all addresses by host"),  # noqa: S104
        pytest.param({"host": "::"}, "KAMERPLANTER_HOST", id="all addresses by host, IPv6"),
        pytest.param({"host": "192.168.1.5"}, "KAMERPLANTER_HOST", id="light in a network"),
        pytest.param({"host": "garden.example"}, "KAMERPLANTER_HOST", id="light on a name"),
        pytest.param(
            {"host": "8.8.8.8", "listen_everywhere": True, "allowed_hosts": ("x",)},
            "KAMERPLANTER_HOST",
            id="light on a public address",
        ),
        pytest.param(
            {"listen_everywhere": True}, "KAMERPLANTER_ALLOWED_HOSTS", id="light for any name"
        ),
        pytest.param({"mode": "full"}, "KAMERPLANTER_SECRET_KEY", id="full without a secret"),
        pytest.param(
            {"mode": "full", "secret_key": "short"}, "KAMERPLANTER_SECRET_KEY", id="short secret"
        ),
        pytest.param(
            {"mode": "full", "secret_key": "a" * 64},
            "KAMERPLANTER_SECRET_KEY",
            id="secret that is not random",
        ),
        pytest.param(
            {"cookie_secure": False}, "KAMERPLANTER_COOKIE_SECURE", id="login in clear text"
        ),
        pytest.param({"bcrypt_rounds": 5}, "KAMERPLANTER_BCRYPT_ROUNDS", id="cheap passwords"),
        pytest.param(
            {"mode": "full", "secret_key": SECRET, "public_url": "http://garden.example"},
            "KAMERPLANTER_PUBLIC_URL",
            id="public and not encrypted",
        ),
        pytest.param(
            {"public_url": "https://garden.example/app"}, "KAMERPLANTER_PUBLIC_URL", id="path"
        ),
        pytest.param(
            {"store": "arangodb+http://localhost:8529"}, "KAMERPLANTER_STORE", id="other store"
        ),
        pytest.param({"store": "sqlite:///garden.db"}, "KAMERPLANTER_STORE", id="relative path"),
        pytest.param({"store": "/garden.db"}, "KAMERPLANTER_STORE", id="no scheme"),
        pytest.param({"trusted_proxies": ("*",)}, "KAMERPLANTER_TRUSTED_PROXIES", id="trust all"),
        pytest.param(
            {"trusted_proxies": ("0.0.0.0/0",)}, "KAMERPLANTER_TRUSTED_PROXIES", id="trust all, v4"
        ),
        pytest.param({"allowed_hosts": ("*",)}, "KAMERPLANTER_ALLOWED_HOSTS", id="any host"),
        pytest.param({"mailer": "smtp"}, "KAMERPLANTER_SMTP_FROM", id="mail without sender"),
        pytest.param(
            {"smtp_password": "x", "smtp_use_tls": False},
            "KAMERPLANTER_SMTP_USE_TLS",
            id="mail password in clear text",
        ),
        pytest.param(
            {"raw_retention_d": 800},
            "KAMERPLANTER_HOURLY_RETENTION_D must be at least the 800 days of "
            "KAMERPLANTER_RAW_RETENTION_D, not 730",
            id="hours gone before readings",
        ),
        pytest.param(
            {"hourly_retention_d": 400, "daily_retention_d": 399},
            "KAMERPLANTER_DAILY_RETENTION_D",
            id="days gone before hours",
        ),
        pytest.param(
            {"raw_retention_d": 13}, "KAMERPLANTER_RAW_RETENTION_D", id="readings kept too short"
        ),
        pytest.param(
            {"raw_retention_d": 1826, "hourly_retention_d": 1826, "daily_retention_d": 1826},
            "KAMERPLANTER_RAW_RETENTION_D",
            id="readings kept too long",
        ),
        pytest.param({"port": 70000}, "KAMERPLANTER_PORT", id="no port"),
        pytest.param({"auth_rate_limit": "many"}, "KAMERPLANTER_AUTH_RATE_LIMIT", id="no rate"),
    ],
)
def test_what_is_unsafe_or_senseless_is_refused_by_name(values: dict[str, Any], named: str) -> None:
    found = problems(**values)

    assert any(line.startswith(named) for line in found), found


def test_measurements_are_kept_as_in_home_assistant_unless_set(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Settings().retention == Retention()
    assert Retention().raw == timedelta(days=90)

    for name, days in (("RAW", 14), ("HOURLY", 14), ("DAILY", 36500)):
        monkeypatch.setenv(f"KAMERPLANTER_{name}_RETENTION_D", str(days))

    assert Settings().retention == Retention(
        raw=timedelta(days=14), hourly=timedelta(days=14), daily=timedelta(days=36500)
    )


def test_a_refusal_does_not_repeat_a_secret() -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"mode": "full", "secret_key": "hunter2hunter2"})

    assert "hunter2" not in str(caught.value)
    assert "hunter2" not in "".join(setting_problems(caught.value))


def test_a_developer_may_do_without_encryption() -> None:
    values = {
        "mode": "full",
        "environment": "development",
        "secret_key": SECRET,
        "cookie_secure": False,
        "public_url": "http://localhost:8075",
    }
    settings = Settings.model_validate(values)

    assert not settings.cookie_secure


def test_a_light_server_in_a_closed_network_answers_to_its_names() -> None:
    settings = Settings(listen_everywhere=True, allowed_hosts=("garden.lan",))

    assert settings.bind_host == "0.0.0.0"  # noqa: S104
    assert settings.answered_hosts == {"localhost", "127.0.0.1", "::1", "garden.lan"}


def test_two_providers_need_two_slugs() -> None:
    provider = {
        "slug": "a",
        "display_name": "A",
        "issuer": "https://a.example",
        "client_id": "x",
        "client_secret": "y",
    }

    found = problems(
        mode="full",
        secret_key=SECRET,
        public_url="https://garden.example",
        oidc_providers=(provider, provider),
    )

    assert found == ["KAMERPLANTER_OIDC_PROVIDERS: two providers share a slug"]
