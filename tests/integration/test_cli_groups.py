"""Options that stand before a subcommand hold for it, and none is passed over in silence."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from earmark.cli.app import app

CASES = {
    "sources probe": (["sources"], ["probe", "hackernews", "--option", "nothing=1"]),
    "sources backfill": (["sources"], ["backfill", "1", "--from", "2026-01-01"]),
    "sources connect": (["sources"], ["connect", "hackernews", "--no-ask"]),
    "monitors preview": (["monitors"], ["preview", "leaks"]),
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place whose own data folder is another than the one that is named."""
    monkeypatch.chdir(tmp_path)
    made = CliRunner().invoke(app, ["init", "Brightcup", "--data", str(tmp_path / "named"), "-y"])
    assert made.exit_code == 0, made.output
    return tmp_path


def ran(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.mark.parametrize("case", CASES)
def test_before_a_subcommand_is_the_same_as_behind_it(case: str, home: Path) -> None:
    group, told = CASES[case]
    options = ["--data", str(home / "named"), "--json"]
    before, behind = ran(*group, *options, *told), ran(*group, *told, *options)
    assert (before.exit_code, before.stdout) == (behind.exit_code, behind.stdout)
    assert repr(before.exception) == repr(behind.exception)
    without = ran(*group, *told)
    assert repr(without.exception) != repr(before.exception) or without.output != before.output


def test_what_stands_behind_it_counts(home: Path) -> None:
    named = ["--data", str(home / "named")]
    found = ran("monitors", "--data", str(home / "nowhere"), "preview", "leaks", *named, "--json")
    assert found.exit_code == 0, found.output
    assert json.loads(found.stdout)


def test_an_option_that_a_subcommand_does_not_know_is_refused(home: Path) -> None:
    refused = ran("sources", "--pause", "1", "probe", "hackernews")
    assert refused.exit_code == 2
    assert "--pause is no option of probe" in refused.output
