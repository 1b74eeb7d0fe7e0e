"""Monitors as they are kept: previewed over what is stored, changed with version and audit."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select
from typer.testing import CliRunner

from earmark.cli.app import app
from earmark.monitors import Monitors
from earmark_core.clock import FixedClock
from earmark_core.errors import ConfigError, NotAllowed
from earmark_core.model import SYSTEM, Actor, Role
from earmark_core.store import Store
from earmark_core.tables import AuditEntry, Brand, Mention, Monitor, Source
from earmark_listeners import previewing
from earmark_listeners.monitor import QueryError


@pytest.fixture
def service(store: Store, clock: FixedClock) -> Monitors:
    with store.write() as session:
        session.add(Brand(id=1, name="Acme", created_at=clock()))
        session.flush()
        session.add(Source(id=1, brand_id=1, channel="town", name="square", next_poll_at=clock(),
                           created_at=clock()))  # fmt: skip
        session.flush()
        texts = ("acme refund", "acme hotel", "acme old", "acme gone", "acme twin")
        for n, text in enumerate(texts, 1):
            say(session, clock, n, text)
        session.get_one(Mention, 3).happened_at = clock() - timedelta(days=31)
        session.get_one(Mention, 4).gone_at = clock()
        session.get_one(Mention, 5).twin_of = 1
    return Monitors(store, clock)


def say(session: Any, clock: FixedClock, n: int, text: str) -> None:
    session.add(
        Mention(id=n, source_id=1, external_id=str(n), channel="town", body=text, rating=n,
                seen_at=clock(), happened_at=clock() - timedelta(minutes=n), content_hash=str(n))
    )  # fmt: skip
    session.flush()


def test_a_preview_looks_at_what_is_stored_and_stands_for_itself(service: Monitors) -> None:
    found = service.preview(SYSTEM, "acme -hotel")
    assert (found.count, found.looked_at, found.is_cut) == (1, 2, False)
    assert [hit.text for hit in found.samples] == ["acme refund"]
    assert service.preview(SYSTEM, "acme source:square rating:2..3").count == 1


def test_a_preview_is_bounded(service: Monitors, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previewing, "NEWEST", 1)
    found = service.preview(SYSTEM, "acme")
    assert (found.looked_at, found.is_cut) == (1, True)


def test_a_query_that_cannot_be_read_points_at_the_column_and_saves_nothing(
    service: Monitors, store: Store
) -> None:
    for run in (
        lambda: service.preview(SYSTEM, "acme (refund"),
        lambda: service.add(SYSTEM, 1, "m", "acme (refund"),
    ):
        with pytest.raises(QueryError) as caught:
            run()
        assert caught.value.column == 6
    with store.read() as session:
        assert session.exec(select(Monitor)).first() is None


def test_a_change_is_the_next_version_and_audited(service: Monitors, store: Store) -> None:
    number = service.add(SYSTEM, 1, " all ", "acme")
    assert service.save(SYSTEM, number, "acme", 1) == 1
    assert service.save(SYSTEM, number, "acme -hotel", 1) == 2
    with pytest.raises(ConfigError, match="Somebody else"):
        service.save(SYSTEM, number, "acme refund", 1)
    service.switch(SYSTEM, number, on=False)
    [row] = service.rows(SYSTEM)
    assert (row.name, row.query, row.version, row.is_enabled) == ("all", "acme -hotel", 2, False)
    assert row.words == "Texts with the word acme and no match for the word hotel."
    with store.read() as session:
        told = session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()
        assert [entry.action for entry in told] == ["added", "changed", "changed"]
        assert told[1].before == {"query": "acme", "version": 1}


def test_a_name_is_needed_and_only_once(service: Monitors) -> None:
    service.add(SYSTEM, 1, "all", "acme")
    for brand, name in ((1, "all"), (1, " "), (9, "other")):
        with pytest.raises(ConfigError):
            service.add(SYSTEM, brand, name, "acme")


def test_roles(service: Monitors) -> None:
    number = service.add(SYSTEM, 1, "all", "acme")
    responder = Actor("robin", Role.responder, 1)
    assert service.preview(responder, "acme").count == 2
    for run in (
        lambda: service.add(responder, 1, "x", "acme"),
        lambda: service.save(responder, number, "akme", 1),
        lambda: service.switch(responder, number, on=False),
    ):
        with pytest.raises(NotAllowed):
            run()


def test_the_terminal_lists_and_previews(tmp_path: Path) -> None:
    data = ["--data", str(tmp_path)]
    runner = CliRunner()
    assert runner.invoke(app, ["init", "Acme", "--yes", *data]).exit_code == 0
    [row] = json.loads(runner.invoke(app, ["monitors", "--json", *data]).stdout)
    assert row["version"] == 1
    shown = runner.invoke(app, ["monitors", "preview", "acme -hotel", *data])
    assert shown.exit_code == 0
    assert "Nothing was stored within the last 30 days" in shown.output
