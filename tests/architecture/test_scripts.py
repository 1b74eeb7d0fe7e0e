"""The scripts and the locks: whole, executable, and bound to no place."""

import os
import re
import subprocess
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

RUN = ("scripts/run", "scripts/test", "scripts/check", "scripts/lock", ".ci/run")
LOCKS = ("requirements/run.txt", "requirements/test.txt")


@pytest.mark.parametrize("name", [*RUN, "scripts/environment"])
def test_a_script_is_valid_bash(root: Path, name: str) -> None:
    run = subprocess.run(["bash", "-n", root / name], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("name", RUN)
def test_a_script_can_be_run_and_stops_at_the_first_fault(root: Path, name: str) -> None:
    path = root / name
    assert os.access(path, os.X_OK)
    text = path.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in text
    assert "pkill" not in text
    assert "killall" not in text


def test_a_machine_without_python_is_told_what_to_do(root: Path, tmp_path: Path) -> None:
    """An empty PATH but for what the scripts themselves call."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for tool in ("bash", "dirname", "readlink", "cat"):
        found = subprocess.run(
            ["which", tool], capture_output=True, text=True, check=False
        ).stdout.strip()
        (tools / tool).symlink_to(found)
    (tools / "python3").write_text("#!/bin/sh\nexit 1\n")
    (tools / "python3").chmod(0o755)
    environ = {"PATH": str(tools), "EARMARK_VENV": str(tmp_path / "venv")}
    run = subprocess.run(
        [tools / "bash", root / "scripts" / "run"],
        env=environ, cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode != 0
    assert "Python 3.11 or newer is needed" in run.stderr
    assert not (tmp_path / "venv").exists()


def locked(root: Path, name: str) -> dict[str, list[str]]:
    """Gives each locked distribution with its versions: one a kind of Python at most."""
    found: dict[str, list[str]] = {}
    for line in (root / name).read_text(encoding="utf-8").splitlines():
        pin = re.match(r"([A-Za-z0-9][\w.-]*)(?:\[[\w,-]+\])?==(\S+)", line)
        if pin:
            found.setdefault(canonicalize_name(pin[1]), []).append(pin[2])
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_locked_version_is_exact_and_has_its_hashes(root: Path, name: str) -> None:
    text = (root / name).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert len(entries) > 50
    shape = re.compile(
        r"[\w.-]+(\[[\w,-]+\])?==[\w.!+]+( ; [^\\]+)?( \\\n    --hash=sha256:[0-9a-f]{64})+"
    )
    assert [entry.splitlines()[0] for entry in entries if not shape.fullmatch(entry)] == []
    assert "://" not in text


def test_both_locks_hold_the_same_versions(root: Path) -> None:
    run, test = (locked(root, name) for name in LOCKS)
    assert {name: pins for name, pins in run.items() if test.get(name) != pins} == {}


def test_the_locks_are_as_new_as_the_ranges(root: Path, project) -> None:
    """Whoever changes a range runs scripts/lock."""
    extras = project["project"]["optional-dependencies"]
    build = [
        line
        for line in (root / "requirements/build.in").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert set(project["build-system"]["requires"]) <= set(build)
    for name, wanted in (
        (LOCKS[0], [*project["project"]["dependencies"], *build]),
        (LOCKS[1], [*project["project"]["dependencies"], *build, *chain(*extras.values())]),
    ):
        pins = locked(root, name)
        for requirement in map(Requirement, wanted):
            found = pins.get(canonicalize_name(requirement.name), [])
            assert found, f"{requirement.name} is not in {name}: run scripts/lock"
            for version in found:
                fits = requirement.specifier.contains(Version(version), prereleases=True)
                assert fits, f"{requirement} is {version} in {name}: run scripts/lock"


def test_every_dependency_says_why_it_is_there(root: Path, project) -> None:
    told = (root / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    extras = project["project"]["optional-dependencies"]
    wanted = [*project["project"]["dependencies"], *(r for some in extras.values() for r in some)]
    names = [Requirement(requirement).name.lower() for requirement in wanted]
    assert [name for name in names if f"| {name} |" not in told] == []


def test_contributing_names_every_script(root: Path) -> None:
    told = (root / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert [name for name in RUN if f"`{name}`" not in told] == []
