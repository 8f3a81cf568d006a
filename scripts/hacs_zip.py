"""Write the HACS zip: the integration with the two pure packages that it needs inside.

Usage: python scripts/hacs_zip.py TARGET.zip

HACS unpacks the zip into custom_components/kamerplanter, so manifest.json lies at its root.
The packages lie in lib/, where the integration finds them if they are not installed otherwise.
The same sources give the same bytes: names are sorted, times fixed, no byte code goes in.
"""

import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INTEGRATION = ROOT / "custom_components" / "kamerplanter"
PACKAGES = ("kamerplanter_backend", "kamerplanter_engines")
SERVER_ONLY = (
    "kamerplanter_backend/api",
    "kamerplanter_backend/auth",
    "kamerplanter_backend/cli.py",
    "kamerplanter_backend/common/auth.py",
    "kamerplanter_backend/common/dependencies.py",
    "kamerplanter_backend/common/error_handlers.py",
    "kamerplanter_backend/config",
    "kamerplanter_backend/data_access/arango",
    "kamerplanter_backend/jobs/server_",
    "kamerplanter_backend/main.py",
    "kamerplanter_backend/tasks",
)
"""What begins so needs packages that Home Assistant has not."""
FIXED_TIME = (2020, 1, 1, 0, 0, 0)
READABLE = 0o644 << 16


def main(target: Path) -> None:
    """Write the zip."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, source in sorted(_content()):
            info = zipfile.ZipInfo(name, FIXED_TIME)
            info.external_attr = READABLE
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, source.read_bytes())


def _content() -> Iterator[tuple[str, Path]]:
    yield "LICENSE", ROOT / "LICENSE"
    for source in _files(INTEGRATION):
        yield source.relative_to(INTEGRATION).as_posix(), source
    for package in PACKAGES:
        for source in _files(ROOT / package):
            name = source.relative_to(ROOT).as_posix()
            if not name.startswith(SERVER_ONLY):
                yield f"lib/{name}", source


def _files(folder: Path) -> Iterator[Path]:
    for source in folder.rglob("*"):
        if source.is_file() and "__pycache__" not in source.parts:
            yield source


if __name__ == "__main__":
    main(Path(sys.argv[1]))
