"""The repository as git knows it, for the tests that read the project itself."""

import ast
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def known_files(*under: str) -> list[str]:
    """Gives the files that git tracks or would track, as paths from the root."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *under],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    return sorted({name for name in listed if name and (ROOT / name).is_file()})


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def project() -> dict[str, Any]:
    """pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def packages(project: dict[str, Any]) -> list[str]:
    """The packages that are shipped, as folders from the root."""
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    return list(wheel["packages"])


@pytest.fixture(scope="session")
def tracked() -> list[str]:
    """Every file of the project."""
    if not (ROOT / ".git").exists():
        pytest.skip("This is no git checkout, so nobody knows which files are the project's.")
    return known_files()


@pytest.fixture(scope="session")
def shipped(tracked: list[str], packages: list[str]) -> list[str]:
    """Every file inside a package."""
    return [name for name in tracked if name.startswith(tuple(f"{p}/" for p in packages))]


@pytest.fixture(scope="session")
def modules(shipped: list[str]) -> dict[str, ast.Module]:
    """Every module that is shipped, parsed, by its path."""
    return {
        name: ast.parse((ROOT / name).read_text(encoding="utf-8"))
        for name in shipped
        if name.endswith(".py")
    }
