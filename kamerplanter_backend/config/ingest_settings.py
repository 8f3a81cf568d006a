"""What a person may set about readings that come over MQTT; part of all settings."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "KAMERPLANTER_"

DEFAULT_PORT = 1883
DEFAULT_TLS_PORT = 8883


class IngestMode(StrEnum):
    """Which process takes the readings of devices in."""

    OFF = "off"
    """Not `serve`: nobody, or `kamerplanter-server ingest` beside it."""
    IN_PROCESS = "in_process"
    """`serve` itself."""


class IngestSettings(BaseSettings):
    """Broker, topics and limits of the ingest worker."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True)

    ingest: IngestMode = IngestMode.OFF
    """Whether `serve` takes readings in itself; `kamerplanter-server ingest` does it in
    a process of its own."""
    mqtt_host: str | None = None
    """The broker; needed to take readings in."""
    mqtt_port: Annotated[int, Field(ge=1, le=65535)] | None = None
    """None = 1883, or 8883 with TLS."""
    mqtt_user: str | None = None
    """The login at the broker, if it wants one."""
    mqtt_password: SecretStr | None = None
    """The password of it."""
    mqtt_tls: bool = False
    """Whether the connection is encrypted."""
    mqtt_tls_verify: bool = True
    """Whether the broker's certificate is looked at."""
    mqtt_ca: Path | None = None
    """File with the certificates to trust; none = those of the system."""
    mqtt_certificate: Path | None = None
    """File with the certificate by which the worker proves who it is; needs `mqtt_key`."""
    mqtt_key: Path | None = None
    """File with the private key of it, not encrypted."""
    mqtt_protocol: Literal["3.1.1", "5"] = "5"
    """Only with 5 the broker keeps what comes while the worker is away."""
    mqtt_client_id: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    """None = one that belongs to the store."""
    mqtt_topic_prefix: str = "kamerplanter"
    """Devices of a garden publish on `<prefix>/<slug>/<topic that the probe binds>`."""
    mqtt_session_s: Annotated[int, Field(ge=0, le=7 * 86_400)] = 3600
    """How long the broker keeps messages while the worker is away; 0 = not at all. [s]"""
    ingest_queue: Annotated[int, Field(ge=1000, le=1_000_000)] = 50_000
    """Readings that may wait for the store; with more nothing is read from the broker."""
    ingest_metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """Port of this machine on which Prometheus finds the worker's metrics; 0 = none."""
    ingest_metrics_path: Annotated[
        str, Field(pattern=r"^/[\w./-]*$", max_length=100, examples=["/metrics"])
    ] = "/metrics"
    """Where on that port."""

    @property
    def broker_port(self) -> int:
        """The port of the broker."""
        if self.mqtt_port is not None:
            return self.mqtt_port
        return DEFAULT_TLS_PORT if self.mqtt_tls else DEFAULT_PORT

    @field_validator("mqtt_topic_prefix")
    @classmethod
    def _check_prefix(cls, value: str) -> str:
        levels = value.split("/")
        is_plain = all(levels) and not set(value) & {"+", "#", "\0"} and value[0] != "$"
        if not is_plain or len(value.encode("utf-8", "replace")) > 200:  # noqa: PLR2004
            raise ValueError(
                f"{PREFIX}MQTT_TOPIC_PREFIX must be plain levels such as kamerplanter or "
                "farm/plants, without + and #, not beginning with $"
            )
        return value

    @model_validator(mode="after")
    def _check_ingest(self) -> Self:
        problems = []
        if self.ingest is IngestMode.IN_PROCESS and not self.mqtt_host:
            problems.append(f"{PREFIX}MQTT_HOST is needed, because {PREFIX}INGEST is set")
        if (self.mqtt_certificate is None) != (self.mqtt_key is None):
            problems.append(
                f"{PREFIX}MQTT_CERTIFICATE and {PREFIX}MQTT_KEY belong together: set both or none"
            )
        if not self.mqtt_tls and (self.mqtt_ca or self.mqtt_certificate):
            problems.append(
                f"{PREFIX}MQTT_TLS must be true for {PREFIX}MQTT_CA and {PREFIX}MQTT_CERTIFICATE"
            )
        if self.mqtt_password is not None and self.mqtt_user is None:
            problems.append(f"{PREFIX}MQTT_USER is needed, because there is a password")
        if problems:
            raise ValueError("\n".join(problems))
        return self
