"""What Home Assistant finds in `.storage` at its first start, in place of a person's answers."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CONFIGURATION = """\
# Written by scripts/develop; yours to change.
history:
logbook:
logger:
  default: warning
  logs:
    homeassistant.core: info
    homeassistant.util.package: info
    custom_components.kamerplanter: info
    kamerplanter_backend: info
    # Not installed here, and of no use to a garden.
    haffmpeg.core: fatal
    haffmpeg.tools: fatal
    homeassistant.components.camera.img_util: fatal
"""

DONE_ONBOARDING_STEPS = ["core_config", "analytics", "integration"]
"""All but "user": the step of the place would load cloud services."""

TIME_ZONE = "Europe/Berlin"

HOME = {
    "latitude": 52.52,
    "longitude": 13.4,
    "elevation": 34,
    "unit_system_v2": "metric",
    "location_name": "Demo garden",
    "country": "DE",
    "currency": "EUR",
    "language": "en",
    "external_url": None,
    "internal_url": None,
    "radius": 100,
}


def prepare(
    config: Path, integration: Path | None, time_zone: str = TIME_ZONE, *, language: str = "en"
) -> None:
    """Make a configuration folder that Home Assistant starts with unattended.

    What is there already stays, so that a demo goes on where it was left.

    Args:
        config: The folder; made if missing.
        integration: Folder of the integration, linked in so that changes count at once;
            none = leave custom components as they are.
        time_zone: Where the house is, if the folder is new.
        language: Of the house, if the folder is new.
    """
    storage = config / ".storage"
    storage.mkdir(parents=True, exist_ok=True)
    if not (config / "configuration.yaml").exists():
        (config / "configuration.yaml").write_text(CONFIGURATION)
    if not (storage / "onboarding").exists():
        _write(storage, "onboarding", 4, 1, {"done": DONE_ONBOARDING_STEPS})
        home = HOME | {"time_zone": time_zone, "language": language}
        _write(storage, "core.config", 1, 4, home)
    if integration is None:
        return
    link = config / "custom_components" / integration.name
    link.parent.mkdir(exist_ok=True)
    if link.is_symlink():
        link.unlink()
    if not link.exists():
        link.symlink_to(integration)


def set_http_port(config: Path, port: int) -> None:
    """Let the web server listen on this port of the loopback interface at the next start."""
    stable = {
        "server_host": ["127.0.0.1"],
        "server_port": port,
        "cors_allowed_origins": ["https://cast.home-assistant.io"],
        "login_attempts_threshold": -1,
        "ip_ban_enabled": True,
        "ssl_profile": "modern",
        "use_x_frame_options": True,
        "created_at": datetime.now(UTC).isoformat(),
        "error": None,
        "error_message": None,
    }
    # As stable, not pending: a pending one is taken back after five minutes.
    content = {"stable": stable, "pending": None, "yaml_migration_done": True}
    _write(config / ".storage", "http", 2, 2, content)


def set_broker_port(config: Path, port: int) -> None:
    """Point an existing MQTT entry of Home Assistant to this port at the next start."""
    path = config / ".storage" / "core.config_entries"
    if not path.exists():
        return
    document = json.loads(path.read_text())
    for entry in document["data"]["entries"]:
        if entry["domain"] == "mqtt":
            entry["data"]["port"] = port
    path.write_text(json.dumps(document))


def _write(storage: Path, key: str, version: int, minor_version: int, content: Any) -> None:  # noqa: ANN401 - a JSON value
    document = {"version": version, "minor_version": minor_version, "key": key, "data": content}
    (storage / key).write_text(json.dumps(document))
