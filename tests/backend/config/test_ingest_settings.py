"""What may be set about readings that come over MQTT."""

import ssl
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from kamerplanter_backend.cli import main
from kamerplanter_backend.config.settings import Settings
from kamerplanter_backend.ingesting import worker_settings
from kamerplanter_backend.telemetry.broker.settings import Protocol
from kamerplanter_engines.errors import InvalidInputError
from tests.backend.telemetry.brokers import certificate


def made(**values: Any) -> Settings:
    return Settings(store="sqlite:///:memory:", **values)


def test_a_server_takes_nothing_in_unless_it_shall() -> None:
    assert made().ingest == "off"


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"ingest": "in_process"}, "KAMERPLANTER_MQTT_HOST"),
        ({"ingest": "sometimes"}, "ingest"),
        ({"mqtt_topic_prefix": "a/#"}, "KAMERPLANTER_MQTT_TOPIC_PREFIX"),
        ({"mqtt_topic_prefix": "$share/g"}, "KAMERPLANTER_MQTT_TOPIC_PREFIX"),
        ({"mqtt_topic_prefix": ""}, "KAMERPLANTER_MQTT_TOPIC_PREFIX"),
        ({"mqtt_tls": True, "mqtt_key": "/key.pem"}, "KAMERPLANTER_MQTT_CERTIFICATE"),
        ({"mqtt_ca": "/ca.pem"}, "KAMERPLANTER_MQTT_TLS"),
        ({"mqtt_password": "geheim-9"}, "KAMERPLANTER_MQTT_USER"),
        ({"mqtt_protocol": "4"}, "mqtt_protocol"),
        ({"ingest_metrics_path": "metrics"}, "ingest_metrics_path"),
    ],
)
def test_what_cannot_be_used_is_named_without_its_value(values: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError) as caught:
        made(**values)

    assert named in str(caught.value)
    assert "geheim-9" not in str(caught.value)


def test_an_empty_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOST", "USER", "PASSWORD", "CA", "CERTIFICATE", "KEY"):
        monkeypatch.setenv(f"KAMERPLANTER_MQTT_{name}", "")

    assert made().mqtt_password is None
    assert made().mqtt_host is None


def test_the_port_follows_the_encryption() -> None:
    assert made(mqtt_host="b").broker_port == 1883
    assert made(mqtt_host="b", mqtt_tls=True).broker_port == 8883
    assert made(mqtt_host="b", mqtt_tls=True, mqtt_port=1234).broker_port == 1234


def test_the_worker_gets_what_was_set() -> None:
    settings = made(
        mqtt_host="broker.lan",
        mqtt_user="worker",
        mqtt_password="geheim-9",
        mqtt_protocol="3.1.1",
        mqtt_topic_prefix="farm",
        mqtt_session_s=60,
        ingest_queue=1000,
        shutdown_s=7,
    )

    found = worker_settings(settings, "0123456789abcdef")

    broker = found.broker
    assert (broker.host, broker.port, broker.username) == ("broker.lan", 1883, "worker")
    assert (broker.password, broker.protocol) == ("geheim-9", Protocol.V311)
    # Every broker of MQTT 3.1.1 must take 23 letters (3.1.3.1), and need not take more.
    assert broker.client_id == "kamerplanter-in-9abcdef"
    assert len(broker.client_id) == 23
    assert (found.prefix, found.session_s, found.capacity, found.stop_s) == ("farm", 60, 1000, 7)
    assert found.metrics_port is None
    assert "geheim-9" not in repr(found)


def test_certificates_are_read_or_named(tmp_path: Path) -> None:
    ours, key = certificate(tmp_path, "worker")
    whole = made(mqtt_host="b", mqtt_tls=True, mqtt_ca=ours, mqtt_certificate=ours, mqtt_key=key)
    context = worker_settings(whole, "id").broker.tls_context
    assert context is not None
    assert context.verify_mode is ssl.CERT_REQUIRED
    open_one = made(mqtt_host="b", mqtt_tls=True, mqtt_tls_verify=False)
    trusting = worker_settings(open_one, "id").broker.tls_context
    assert trusting is not None
    assert trusting.verify_mode is ssl.CERT_NONE

    with pytest.raises(InvalidInputError, match="KAMERPLANTER_MQTT_CA"):
        worker_settings(made(mqtt_host="b", mqtt_tls=True, mqtt_ca=tmp_path / "none"), "id")


@pytest.mark.parametrize(
    ("values", "code", "said"),
    [
        ({}, 2, "KAMERPLANTER_MQTT_HOST"),
        ({"MQTT_HOST": "b", "STORE": "sqlite:///:memory:"}, 2, "KAMERPLANTER_STORE"),
        ({"MQTT_HOST": "b"}, 1, "There is no store"),
    ],
)
def test_the_command_says_what_is_missing(  # noqa: PLR0917 - three of them are fixtures
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    values: dict[str, str],
    code: int,
    said: str,
) -> None:
    monkeypatch.setattr("kamerplanter_backend.cli.configure_logging", lambda _settings: None)
    for name, value in ({"STORE": f"sqlite:///{tmp_path}/garden.db"} | values).items():
        monkeypatch.setenv(f"KAMERPLANTER_{name}", value)

    assert main(["ingest"]) == code

    assert said in capsys.readouterr().err
    assert not (tmp_path / "garden.db").exists()
