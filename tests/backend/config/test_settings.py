"""Settings: what is taken, and which unsafe combinations are refused by name."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from kamerplanter_backend.common.retention import Retention
from kamerplanter_backend.config.setting_words import setting_problems, unknown_variables
from kamerplanter_backend.config.settings import PREFIX, MailerKind, Mode, Settings

SECRET = "kPz3uWq8-_yR5tE1vN7xM2cB9aL4sD6f"
PROVIDER = {
    "slug": "a",
    "display_name": "A",
    "issuer": "https://a.example",
    "client_id": "x",
    "client_secret": "y",
}
OPEN_MAIL = {
    "mode": "full",
    "secret_key": SECRET,
    "mailer": "smtp",
    "smtp_from": "garden@garden.example",
    "smtp_use_tls": False,
}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take away what the machine's own environment says."""
    monkeypatch.setenv("XDG_DATA_HOME", "/home/ada/data")


def problems(**values: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Settings(**values)
    return setting_problems(caught.value, Settings, PREFIX)


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
        pytest.param({"host": "0"}, "KAMERPLANTER_HOST", id="all addresses, written short"),
        pytest.param(
            {"host": "0x0", "mode": "full", "secret_key": SECRET},
            "KAMERPLANTER_HOST",
            id="all addresses, written oddly",
        ),
        pytest.param(
            {"public_url": "https://garden.example", "trusted_proxies": ("127.0.0.1",)},
            "KAMERPLANTER_PUBLIC_URL",
            id="light behind a public name",
        ),
        pytest.param(
            {"public_url": "http://8.8.8.8:8075"},
            "KAMERPLANTER_PUBLIC_URL",
            id="light behind a public address",
        ),
        pytest.param(
            {"public_url": "https://garden.lan:99999"},
            "KAMERPLANTER_PUBLIC_URL",
            id="port that there is not",
        ),
        pytest.param(
            {"allowed_hosts": ("garden.lan:8075",)}, "KAMERPLANTER_ALLOWED_HOSTS", id="with a port"
        ),
        pytest.param({"smtp_from": "garden"}, "KAMERPLANTER_SMTP_FROM", id="no mail address"),
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
        pytest.param(
            {"trusted_proxies": ("0.0.0.0/1", "128.0.0.0/1")},
            "KAMERPLANTER_TRUSTED_PROXIES must not trust everybody, and 0.0.0.0/0 is nearly that; "
            "name the addresses of the proxies in front of the server",
            id="trust all, by halves",
        ),
        pytest.param(
            {"trusted_proxies": tuple(f"{first}.0.0.0/6" for first in range(4, 224, 4))},
            "KAMERPLANTER_TRUSTED_PROXIES",
            id="trust nearly all, in pieces",
        ),
        pytest.param(
            {"trusted_proxies": ("::/1", "8000::/1")},
            "KAMERPLANTER_TRUSTED_PROXIES",
            id="trust all, v6, by halves",
        ),
        pytest.param(
            {"trusted_proxies": ("2000::/3",)},
            "KAMERPLANTER_TRUSTED_PROXIES",
            id="trust the whole internet, v6",
        ),
        pytest.param({"allowed_hosts": ("*",)}, "KAMERPLANTER_ALLOWED_HOSTS", id="any host"),
        pytest.param({"mailer": "smtp"}, "KAMERPLANTER_SMTP_FROM", id="mail without sender"),
        pytest.param(
            {"mode": "full", "secret_key": SECRET},
            "KAMERPLANTER_MAILER=console would show codes",
            id="codes on a screen that is kept",
        ),
        pytest.param(
            {"mailer": "folder", "store": "sqlite:///:memory:"},
            "KAMERPLANTER_MAILER=folder",
            id="a folder beside no file",
        ),
        pytest.param(
            {"smtp_password": "x", "smtp_use_tls": False},
            "KAMERPLANTER_SMTP_USE_TLS",
            id="mail password in clear text",
        ),
        pytest.param(
            OPEN_MAIL | {"smtp_host": "mail.example"},
            "KAMERPLANTER_SMTP_USE_TLS=false would send codes in clear text",
            id="codes in clear text",
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
    assert "hunter2" not in "".join(setting_problems(caught.value, Settings, PREFIX))


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="the default host"),
        pytest.param({"smtp_host": "127.0.0.1"}, id="this machine"),
        pytest.param({"smtp_host": "::1"}, id="this machine, IPv6"),
        pytest.param(
            {"smtp_host": "mail.example", "environment": "development"}, id="a developer's desk"
        ),
        pytest.param({"smtp_host": "mail.example", "smtp_use_tls": True}, id="encrypted"),
    ],
)
def test_mail_that_nobody_else_can_read_is_sent(more: dict[str, Any]) -> None:
    assert Settings.model_validate(OPEN_MAIL | more).mailer is MailerKind.SMTP


@pytest.mark.parametrize(
    "address",
    [
        "http://garden.lan:8075",
        "http://homeassistant:8075",
        "http://192.168.1.5",
        "https://localhost",
        "http://[fd00::7]:8075",
        "http://127.1:8075",
    ],
)
def test_a_light_server_may_be_called_by_names_of_a_closed_network(address: str) -> None:
    assert Settings.model_validate({"public_url": address}).public_url == address


def test_a_sender_may_have_a_name_and_a_host_an_address() -> None:
    values = {"smtp_from": "Garden <garden@example.org>", "allowed_hosts": ("::1", "garden.lan")}
    settings = Settings.model_validate(values)

    assert settings.smtp_from == "Garden <garden@example.org>"
    assert settings.allowed_hosts == ("::1", "garden.lan")


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
    found = problems(
        mode="full",
        secret_key=SECRET,
        mailer="folder",
        public_url="https://garden.example",
        oidc_providers=(PROVIDER, PROVIDER),
    )

    assert found == ["KAMERPLANTER_OIDC_PROVIDERS: two providers share a slug"]


class TestSentences:
    """What is refused is said in a sentence: the variable, what it takes, and what it got."""

    @pytest.mark.parametrize(
        ("name", "text", "said"),
        [
            ("PORT", "many", "must be a whole number from 0 to 65535, not 'many'."),
            ("PORT", "70000", "must be a whole number from 0 to 65535, not '70000'."),
            ("PORT", "tcp://10.0.0.1:80", "not 'tcp://10.0.0.1:80'."),
            ("MQTT_PORT", "0", "must be a whole number from 1 to 65535, not '0'."),
            ("MODE", "heavy", "must be full or light, not 'heavy'."),
            ("MAILER", "post", "must be console, folder or smtp, not 'post'."),
            ("LOG_LEVEL", "loud", "must be debug, info, warning or error, not 'loud'."),
            ("COOKIE_SECURE", "maybe", "must be true or false, not 'maybe'."),
            ("TIME_ZONE", "Berlin", "must be like Europe/Berlin, not 'Berlin'."),
            ("FEED_RATE_LIMIT", "often", "must be like 20/minute, not 'often'."),
            ("MQTT_CLIENT_ID", "x" * 61, "must be a text of 1 to 60 characters."),
            ("ALLOWED_HOSTS", '["a', "must be a list, written with commas or as JSON."),
            ("ALLOWED_HOSTS", '{"a": 1}', "must be a list, written with commas or as JSON."),
            ("TRUSTED_PROXIES", "proxy", "must be addresses and networks such as 10.0.0.0/24"),
            ("OIDC_PROVIDERS", "geheim", 'must be like [{"slug": "home", '),
            ("OIDC_PROVIDERS", '["geheim"]', ", entry 1 must be "),
        ],
    )
    def test_of_one_variable(
        self, monkeypatch: pytest.MonkeyPatch, name: str, text: str, said: str
    ) -> None:
        monkeypatch.setenv(f"KAMERPLANTER_{name}", text)

        (found,) = problems()

        assert found.startswith(f"KAMERPLANTER_{name}")
        assert said in found
        assert "geheim" not in found

    @pytest.mark.parametrize(
        ("provider", "said"),
        [
            (PROVIDER | {"slug": "A B"}, ", slug must be like my-provider, not 'A B'."),
            (
                PROVIDER | {"issuer": "a.example"},
                ", issuer must be like https://login.example, not 'a.example'.",
            ),
            (PROVIDER | {"colour": "x"}, ", colour is no setting; there are slug, display_name, "),
            (
                {name: text for name, text in PROVIDER.items() if name != "client_id"},
                ", client_id is missing; it must be a text of 1 to 255 characters.",
            ),
        ],
    )
    def test_of_a_field_of_a_login_provider(self, provider: dict[str, str], said: str) -> None:
        found = problems(oidc_providers=(PROVIDER | {"slug": "b"}, provider))

        assert found[0].startswith(f"KAMERPLANTER_OIDC_PROVIDERS, entry 2{said}")

    def test_of_several_things_at_once_one_each(self) -> None:
        found = problems(mode="full", cookie_secure=False)

        assert [line.partition(" ")[0] for line in found] == [
            "KAMERPLANTER_SECRET_KEY",
            "KAMERPLANTER_COOKIE_SECURE=false",
            "KAMERPLANTER_MAILER=console",
        ]

    def test_a_long_value_is_cut(self) -> None:
        (found,) = problems(port="9" * 500)

        assert len(found) < 150


@pytest.mark.parametrize("text", ['["garden.lan", "10.0.0.7"]', "garden.lan, 10.0.0.7"])
def test_lists_are_written_as_json_or_with_commas(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("KAMERPLANTER_ALLOWED_HOSTS", text)

    assert Settings().allowed_hosts == ("garden.lan", "10.0.0.7")


@pytest.mark.parametrize("name", [name for name in Settings.model_fields if name != "store"])
def test_an_empty_variable_is_one_that_is_not_set(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(f"KAMERPLANTER_{name.upper()}", "")

    assert getattr(Settings(), name) == Settings.model_fields[name].default


def test_proxies_are_taken_one_by_one_or_as_the_network_that_they_stand_in() -> None:
    settings = Settings(
        trusted_proxies=("192.0.2.7", "172.18.0.1/16", "10.0.0.0/8", "104.16.0.0/13", "fd00::/8")
    )

    # The web server would take a network that does not begin at its beginning for a name.
    assert settings.trusted_proxies == (
        "192.0.2.7",
        "172.18.0.0/16",
        "10.0.0.0/8",
        "104.16.0.0/13",
        "fd00::/8",
    )


def test_who_cannot_send_mails_keeps_them_beside_the_store() -> None:
    settings = Settings(
        mode=Mode.FULL,
        secret_key=SecretStr(SECRET),
        mailer=MailerKind.FOLDER,
        store="sqlite:////data/garden.db",
    )

    assert settings.mail_folder == Path("/data/mails")
    assert Settings().mail_folder is None


def test_a_variable_that_is_nearly_a_setting_is_named_with_the_one_that_was_meant() -> None:
    environment = {
        "KAMERPLANTER_PROT": "80",
        "KAMERPLANTER_PORT": "80",
        "kamerplanter_mode": "full",
        "KAMERPLANTER_SERVICE_ZZZ": "x",
        "KAMERPLANTER_TEST_ARANGO_URL": "x",
        "HOME": "/",
    }

    found = unknown_variables(environment, Settings, PREFIX)

    assert found == [
        "KAMERPLANTER_PROT is no setting and changes nothing; did you mean KAMERPLANTER_PORT?",
        "KAMERPLANTER_SERVICE_ZZZ is no setting and changes nothing.",
    ]
