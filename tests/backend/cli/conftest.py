"""A command line with settings of its own."""

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Name a store that is not there yet, and keep the log where it is."""
    path = tmp_path / "data" / "garden.db"
    monkeypatch.setenv("KAMERPLANTER_STORE", f"sqlite:///{path}")
    monkeypatch.setenv("KAMERPLANTER_ENVIRONMENT", "development")
    monkeypatch.setattr("kamerplanter_backend.cli.configure_logging", lambda _settings: None)
    return path


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that sets settings."""

    def set_all(**values: str) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"KAMERPLANTER_{name.upper()}", value)

    return set_all
