"""What HACS installs works by itself, without a network and without the wheel."""

import json
import shlex
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DRIVER = Path(__file__).with_name("start_without_network.py")
LOOPBACK_ONLY = (
    "ip link set lo up && ip link set lo multicast on && ip route add 224.0.0.0/4 dev lo"
)
"""Without a route for multicast Home Assistant's own HTTP client does not start."""


def build_zip(target: Path) -> Path:
    subprocess.run([sys.executable, ROOT / "scripts" / "hacs_zip.py", target], check=True)
    return target


def without_network(command: Sequence[str]) -> list[str]:
    """Put a command into a network namespace of its own, if this machine permits it."""
    for unshare in (("unshare", "-n"), ("unshare", "-rn")):
        if shutil.which("unshare") is None or shutil.which("ip") is None:
            break
        attempt = [*unshare, "sh", "-c", LOOPBACK_ONLY]
        if subprocess.run(attempt, capture_output=True, check=False).returncode == 0:
            return [*unshare, "sh", "-c", f"{LOOPBACK_ONLY} && exec {shlex.join(command)}"]
    # There the environment alone keeps Home Assistant from fetching anything.
    return list(command)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_zip(tmp_path_factory.mktemp("release") / "kamerplanter.zip")


def test_the_same_sources_give_the_same_bytes(release: Path, tmp_path: Path) -> None:
    assert build_zip(tmp_path / "again.zip").read_bytes() == release.read_bytes()


def test_the_zip_holds_the_integration_at_its_root_and_the_packages_in_lib(release: Path) -> None:
    names = zipfile.ZipFile(release).namelist()
    for wanted in (
        "__init__.py",
        "manifest.json",
        "translations/de.json",
        "lib/kamerplanter_backend/bootstrap.py",
        "lib/kamerplanter_backend/migrations/seed_data/species.yaml",
        "lib/kamerplanter_engines/tank_engine.py",
    ):
        assert wanted in names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]
    assert not [name for name in names if "arango" in name or "/api/" in name]


@pytest.mark.e2e
def test_the_zip_starts_without_a_network_and_without_the_wheel(
    release: Path, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    installed = config / "custom_components" / "kamerplanter"
    zipfile.ZipFile(release).extractall(installed)

    child = subprocess.run(
        without_network([sys.executable, str(DRIVER), str(config)]),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )

    assert child.returncode == 0, child.stdout + child.stderr
    seen = json.loads(child.stdout.splitlines()[-1])
    assert not seen["is_importable_otherwise"]
    assert seen["state"] == "loaded"
    assert seen["has_entities"]
    assert (installed / "lib" / "kamerplanter_backend" / "__pycache__").is_dir()
    log = seen["log"]
    assert not [line for line in log if "Attempting install" in line]
    assert not [line for line in log if " ERROR " in line and "kamerplanter" in line]
    assert list((config / "kamerplanter").glob("*/garden.db"))


@pytest.mark.e2e
def test_the_wheel_holds_both_packages_and_their_data(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "-d", tmp_path],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    (wheel,) = tmp_path.glob("kamerplanter-*-py3-none-any.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for wanted in (
        "kamerplanter_backend/bootstrap.py",
        "kamerplanter_backend/migrations/seed_data/species.yaml",
        "kamerplanter_backend/py.typed",
        "kamerplanter_engines/py.typed",
    ):
        assert wanted in names
