"""The pages under docs/ and the README say what is true."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from earmark.cli.app import app
from earmark_listeners import registry

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
CHANNELS = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")


def leaves(command: Any, *path: str) -> Iterator[str]:
    """The names of all visible commands; one of a group is named with it: "learn status".

    A group that does something by itself is one of them.
    """
    if command.hidden:
        return
    if path and (not hasattr(command, "commands") or command.invoke_without_command):
        yield " ".join(path)
    if not hasattr(command, "commands"):
        return
    for name, inner in command.commands.items():
        yield from leaves(inner, *path, name)


VISIBLE = sorted(leaves(typer.main.get_command(app)))
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def section(text: str, heading: str) -> str:
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    assert found, f"no section {heading!r}"
    return found[1]


@pytest.mark.parametrize("name", VISIBLE)
def test_every_command_is_documented_as_its_help_has_it(name: str) -> None:
    shown = CliRunner().invoke(
        app, [*name.split(), "--help"], prog_name="earmark", terminal_width=80
    )
    assert shown.exit_code == 0
    told = re.sub(r"\s+", " ", section(COMMANDS, f"earmark {name}"))
    assert re.sub(r"\s+", " ", shown.output).strip() in told
    assert f"| `earmark {name}` |" in README


def test_no_command_is_documented_that_is_not_there() -> None:
    assert sorted(re.findall(r"^## earmark ([\w ]+)$", COMMANDS, re.M)) == VISIBLE


@pytest.mark.parametrize("name", list(registry.channels()))
def test_every_channel_is_documented_with_all_its_options(name: str) -> None:
    told, kind = section(CHANNELS, name), registry.channel(name)
    assert kind.summary in told
    assert kind.needs in told
    assert ("by hand" in told) is not kind.rules.can_reply
    options = re.findall(r"^\| `(\w+)` \|", told, re.M)
    assert options == list(kind.options_type.model_fields)


def test_no_channel_is_documented_that_is_not_there() -> None:
    assert re.findall(r"^## (\w+)", CHANNELS, re.M) == list(registry.channels())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_inside_the_repository_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_commands_of_the_readme_are_there_and_can_be_run() -> None:
    blocks = re.findall(r"```sh\n(.*?)```", README, re.S)
    lines = [line for block in blocks for line in block.strip().splitlines()]
    assert {"scripts/run", "scripts/test"} <= set(lines)
    for line in lines:
        program = line.split()[0]
        if program.startswith("scripts/"):
            assert (ROOT / program).stat().st_mode & 0o111, f"{program} cannot be run"
        else:
            assert program == ".venv/bin/earmark"
            assert line.split()[1] in {name.split()[0] for name in VISIBLE}
