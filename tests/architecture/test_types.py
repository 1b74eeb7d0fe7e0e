"""The type checker sees the whole product: one that sees nothing finds nothing."""

from pathlib import Path

import pytest
from mypy.main import process_options


def test_mypy_reads_every_file_that_git_knows(
    root: Path, shipped: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(root)
    sources, _ = process_options(["--config-file", "pyproject.toml"])
    # A folder that is no package is among the sources too, beside the files in it.
    read = {Path(source.path) for source in sources if source.path and source.path.endswith(".py")}
    known = {name for name in shipped if name.endswith(".py")}
    assert {str(path.resolve().relative_to(root)) for path in read} == known


def test_mypy_is_strict_about_all_of_it(project) -> None:
    settings = project["tool"]["mypy"]
    assert settings["strict"] is True
    assert not settings.get("ignore_missing_imports", False)
    assert not settings.get("exclude", "")
