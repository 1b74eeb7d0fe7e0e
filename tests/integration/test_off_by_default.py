"""A channel that costs money is never polled before a person resumes its source."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, select
from typer.testing import CliRunner

from earmark import demo_access
from earmark.app import Parts, assemble
from earmark.brands import Brands
from earmark.cli.app import app
from earmark_config.settings import load_settings
from earmark_core.model import SYSTEM
from earmark_core.tables import AuditEntry, Source
from earmark_listeners.channels.hackernews import HackerNews

SEED = """
[[brand]]
name = "Brightcup"

[[brand.source]]
name = "X"
channel = "{channel}"
options = {options}
"""
PAID = '{query = "brightcup", token = "env:X_TOKEN"}'


@pytest.fixture
def parts(tmp_path: Path) -> Iterator[Parts]:
    made = assemble(load_settings(None, {}, {"data_dir": tmp_path}), create=True)
    yield made
    made.store.close()


def sources(session: Session) -> dict[str, Source]:
    return {source.name: source for source in session.exec(select(Source))}


def applied(tmp_path: Path, channel: str, options: str, *more: str) -> str:
    seed = tmp_path / "brand.toml"
    seed.write_text(SEED.format(channel=channel, options=options), "utf-8")
    result = CliRunner().invoke(app, ["apply", str(seed), "--data", str(tmp_path), "--yes", *more])
    assert result.exit_code == 0, result.output
    return result.stdout


def test_apply_saves_it_paused_and_says_why(tmp_path: Path, parts: Parts) -> None:
    assert "costs money" in applied(tmp_path, "x", PAID, "--dry-run")
    assert "costs money" in applied(tmp_path, "x", PAID)
    with parts.store.read() as session:
        assert sources(session)["X"].is_enabled is False
        told = session.exec(select(AuditEntry).where(AuditEntry.subject == "source")).one()
        assert told.after["is_enabled"] is False


def test_what_a_person_resumed_stays_so_when_the_seed_is_applied_again(
    tmp_path: Path, parts: Parts
) -> None:
    applied(tmp_path, "x", PAID)
    with parts.store.read() as session:
        number = sources(session)["X"].id or 0
    parts.sources.resume(SYSTEM, number)
    assert "Nothing to change" in applied(tmp_path, "x", PAID)
    with parts.store.read() as session:
        assert sources(session)["X"].is_enabled is True


def test_a_source_that_becomes_one_of_such_a_channel_is_paused(
    tmp_path: Path, parts: Parts
) -> None:
    applied(tmp_path, "hackernews", '{query = "brightcup"}')
    with parts.store.read() as session:
        assert sources(session)["X"].is_enabled is True
    assert "costs money" in applied(tmp_path, "x", PAID)
    with parts.store.read() as session:
        assert sources(session)["X"].is_enabled is False


def test_presets_and_the_demo_save_it_paused(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HackerNews, "off_by_default", True)
    Brands(parts).listen(SYSTEM, "Kettles", (), ())
    demo_access.add(parts.store, parts.clock, 8590)
    demo_access.point_at(parts.store, 8591, on=True)
    with parts.store.read() as session:
        kinds = [(source.channel, source.is_enabled) for source in session.exec(select(Source))]
    costly = [is_on for channel, is_on in kinds if channel == "hackernews"]
    assert (len(costly), set(costly)) == (2, {False})
    assert {is_on for channel, is_on in kinds if channel != "hackernews"} == {True}


def test_connect_saves_it_paused_and_says_why(
    tmp_path: Path, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("X_TOKEN", "invented")
    Brands(parts).listen(SYSTEM, "Kettles", (), ())
    nowhere = "base_url=http://127.0.0.1:9"
    given = ["--option", "query=brightcup", "--option", "token=env:X_TOKEN", "--option", nowhere]
    where = ["--data", str(tmp_path), "--no-ask", "--save-anyway", "--brand", "Kettles"]
    said = CliRunner().invoke(app, ["sources", "connect", "x", *given, *where, "--name", "a"])
    assert said.exit_code == 0, said.output
    assert "costs money" in said.stdout
    told: Any = CliRunner().invoke(
        app, ["sources", "connect", "x", *given, *where, "--name", "b", "--json"]
    )
    assert json.loads(told.stdout)["is_paused"] is True
    assert "costs money" in json.loads(told.stdout)["why"]
    with parts.store.read() as session:
        assert [sources(session)[name].is_enabled for name in "ab"] == [False, False]
