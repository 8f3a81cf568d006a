"""Where the sources are."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("kamerplanter_engines", "kamerplanter_backend", "custom_components/kamerplanter")


def modules(package: str) -> Iterator[Path]:
    """Yield the Python files of a package."""
    return (path for path in sorted((ROOT / package).rglob("*.py")) if "/lib/" not in str(path))


def tree(path: Path) -> ast.Module:
    """Parse a file."""
    return ast.parse(path.read_text(encoding="utf-8"))
