"""How long things are kept, from the terminal: set, shown, counted and removed."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from typer.testing import CliRunner, Result

from earmark.cli.app import app
from earmark_core.store import open_store
from earmark_core.tables import Brand, Mention, Quarantine
from tests.conftest import START


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def run(data: Path, tmp_path: Path) -> Any:
    """A terminal in which two mentions were imported forty days ago, and a row that was bad."""

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "--data", str(data)])

    (tmp_path / "settings.toml").write_text("[retention]\nmentions_days = 30\n")
    rows = [{"external_id": str(i), "text": f"Kettle {i}"} for i in range(2)]
    file = tmp_path / "said.jsonl"
    file.write_text("\n".join([*map(json.dumps, rows), "no json"]))
    store = open_store(f"sqlite:///{data / 'earmark.db'}", create=True)
    with store.write() as session:
        session.add(Brand(name="Kettle", created_at=START))
    assert call("import", str(file), "--history").exit_code == 1
    with store.write() as session:
        for row in (*session.exec(select(Mention)), *session.exec(select(Quarantine))):
            row.seen_at -= timedelta(days=40)
            session.add(row)
    store.close()
    return call


def as_json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def imported(run: Any) -> int:
    found = [row for row in as_json(run("sources", "keep", "--json")) if row["channel"] == "import"]
    return int(found[0]["source_id"])


def left(data: Path) -> int:
    store = open_store(f"sqlite:///{data / 'earmark.db'}")
    with store.read() as session:
        n = len(session.exec(select(Mention)).all())
    store.close()
    return n


def test_it_is_set_counted_and_then_removed(run: Any, data: Path) -> None:
    number = str(imported(run))
    assert as_json(run("purge", "--dry-run", "--json")) == []
    [kept] = as_json(run("sources", "keep", number, "--days", "30", "--raw-days", "7", "--json"))
    assert kept["words"] == "Mentions are kept for 30 days, raw payloads for 7 days."
    [row] = as_json(run("purge", "--dry-run", "--json"))
    assert (row["source"], row["mentions"], row["held"], row["unreadable_items"]) == (
        "Import", 2, 0, 1,
    )  # fmt: skip
    assert "Import" in run("purge", "--dry-run").stdout
    assert left(data) == 2
    told = run("purge", "--compact")
    assert told.exit_code == 0
    assert told.stdout.startswith("done: 2 mentions removed, ")
    assert left(data) == 0
    assert run("purge").stdout == "done: Nothing was due.\n"


def test_the_settings_hold_where_a_source_says_nothing(
    run: Any, data: Path, tmp_path: Path
) -> None:
    settings = ("--config", str(tmp_path / "settings.toml"))
    number = str(imported(run))
    run("sources", "keep", number, "--days", "0")
    assert run("purge", *settings).exit_code == 0
    assert left(data) == 2
    [kept] = as_json(run("sources", "keep", number, "--days", "-1", "--json", *settings))
    assert (kept["retention_days"], kept["mentions_for"]) == (None, 30)
    assert as_json(run("purge", "--json", *settings))["state"] == "done"
    assert left(data) == 0


def test_a_time_without_a_source_and_a_source_that_is_not_there_are_refused(run: Any) -> None:
    for arguments in (("--days", "3"), ("99",), ("1", "--days", "40000")):
        result = run("sources", "keep", *arguments)
        assert result.exit_code != 0
