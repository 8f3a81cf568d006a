"""What can be told of the server's image and its Compose file without building it."""

import re
from typing import Any

import pytest
import yaml

from kamerplanter_backend.config.settings import PREFIX, Mode, Settings
from tests.architecture.sources import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
SECRET = "kPz3uWq8-_yR5tE1vN7xM2cB9aL4sD6f"
OF_A_PERSON = {
    "KAMERPLANTER_SECRET_KEY": SECRET,
    "KAMERPLANTER_PUBLIC_URL": "https://garden.example",
    "KAMERPLANTER_MAILER": "folder",
}
"""What stands in `.env`."""


def instructions(name: str) -> list[str]:
    return re.findall(rf"^{name}\s+(.*)$", DOCKERFILE, re.MULTILINE)


def of_the_image() -> dict[str, str]:
    """Return the variables that the image sets."""
    return dict(pair.split("=", 1) for line in instructions("ENV") for pair in line.split())


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    services: dict[str, Any] = found["services"]
    return services


def pins(lock: str) -> dict[str, str]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


def use(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> Settings:
    for name, text in variables.items():
        if name.startswith(PREFIX):
            monkeypatch.setenv(name, text)
    return Settings()


def test_what_is_copied_is_there_and_not_kept_out() -> None:
    let_in = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line.startswith("!")
    }
    copied = {
        source
        for line in instructions("COPY")
        if not line.startswith("--from")
        for source in line.split()[:-1]
    }

    assert copied == let_in
    assert all((ROOT / source).exists() for source in copied)


def test_it_installs_the_versions_that_were_tested() -> None:
    tested = pins("requirements.lock")

    installed = pins("requirements-server.lock")

    assert {name: tested.get(name) for name in installed} == installed
    assert "--require-hashes -r requirements-server.lock" in DOCKERFILE


def test_its_user_has_no_rights_and_owns_its_data() -> None:
    assert instructions("USER") == ["kamerplanter"]
    assert "--owner=kamerplanter --group=kamerplanter --mode=0700 /data" in DOCKERFILE
    assert instructions("VOLUME") == ["/data"]
    assert len(instructions("HEALTHCHECK")) == 1


def test_alone_it_names_what_is_missing_and_serves_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="KAMERPLANTER_ALLOWED_HOSTS"):
        use(monkeypatch, of_the_image())


@pytest.mark.parametrize("name", ["server", "ingest"])
def test_compose_sets_what_a_sound_server_needs(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    service = services()[name]
    environment = {
        variable: OF_A_PERSON[variable] if text.startswith("${") else text
        for variable, text in service["environment"].items()
    }

    settings = use(monkeypatch, of_the_image() | environment)

    assert settings.mode is Mode.FULL
    assert str(settings.store_path).startswith("/data/")
    assert f"127.0.0.1:{settings.port}:{settings.port}" in services()["server"]["ports"]
    assert service["volumes"] == ["garden:/data"]
    assert service["read_only"]
    assert int(service["stop_grace_period"].removesuffix("s")) > settings.shutdown_s
