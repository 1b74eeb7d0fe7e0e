"""Learning in the terminal: from corrections to a model in force, and history scored by it."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select
from typer.testing import CliRunner, Result

from earmark.cli.app import app
from earmark.rescoring import Rescoring
from earmark_core import jobs
from earmark_core.clock import system_clock
from earmark_core.errors import EarmarkError
from earmark_core.model import SYSTEM, Label
from earmark_core.store import open_store
from earmark_core.tables import AuditEntry, Job, Mention
from earmark_queue.judging import Judging
from tests.toy import corpus


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def run(data: Path) -> Any:
    def call(*arguments: str) -> Result:
        return CliRunner().invoke(app, [*arguments, "--data", str(data)])

    return call


def as_json(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def taught(run: Any, data: Path, tmp_path: Path) -> Path:
    """A brand with 240 mentions that all were corrected, and 30 that were not."""
    run("init", "Acme")
    rows = corpus(160, 80)
    more = [(f"the trust has my lamp and the {i}th shelf", None) for i in range(30)]
    file = tmp_path / "in.jsonl"
    lines = [
        json.dumps({"id": str(i), "text": text, "lang": "en", "published_at": "2026-01-01"})
        for i, (text, _) in enumerate([*rows, *more])
    ]
    file.write_text("\n".join(lines))
    assert run("import", str(file), "--history").exit_code == 0
    store = open_store(f"sqlite:///{data / 'earmark.db'}")
    with store.read() as session:
        ids = dict(session.execute(select(Mention.external_id, Mention.id)).all())
    judging = Judging(store, system_clock)
    for label in Label:
        chosen = [ids[str(i)] for i, (_, said) in enumerate(rows) if said is label]
        judging.label(SYSTEM, chosen, label)
    store.close()
    return data


def labels(data: Path) -> dict[str, tuple[str | None, str]]:
    store = open_store(f"sqlite:///{data / 'earmark.db'}")
    with store.read() as session:
        rows = session.execute(select(Mention.external_id, Mention.label, Mention.model_id)).all()
    store.close()
    return {key: (label, model) for key, label, model in rows}


def test_nothing_corrected_is_said_and_nothing_is_learned(run: Any) -> None:
    run("init", "Acme")
    told = run("learn", "status")
    assert told.exit_code == 0
    assert "what ships is in force" in told.stdout
    assert "10 corrections are needed, 0 are there" in told.stdout
    assert "Nothing is labelled yet" in told.stdout
    for command in ("refit", "accept", "rollback"):
        assert isinstance(run("learn", command).exception, EarmarkError)
    ended = as_json(run("rescore", "--json"))
    assert (ended["state"], ended["mentions"], ended["changed"]) == ("done", 0, 0)


def test_the_whole_way_and_back(run: Any, taught: Path) -> None:
    [found] = as_json(run("learn", "status", "--json"))
    assert found["status"]["corrections"] == 240
    agreed = found["agreement"]
    assert agreed["corrected"]["n"] + agreed["unscored"] == 240
    assert agreed["corrected"]["n"] > 230
    assert found["agreement"]["is_biased"] is True
    before = labels(taught)
    row = as_json(run("learn", "refit", "--json"))
    assert (row["version"], row["state"]) == (1, "proposed")
    assert "AP" in run("learn", "status").stdout
    assert row["figures"]["worse"] == []
    accepted = as_json(run("learn", "accept", "--json"))
    assert accepted["state"] == "active"
    assert labels(taught) == before
    ended = as_json(run("rescore", "--brand", "Acme", "--json"))
    assert (ended["state"], ended["mentions"]) == ("done", 270)
    assert ended["changed"] == sum(ended["diff"].values()) > 0
    after = labels(taught)
    assert {model for _, model in after.values()} == {
        model for key, (_, model) in after.items() if accepted["name"] in model
    }
    unseen = [after[str(key)][0] for key in range(240, 270)]
    assert unseen.count("negative") > 25
    assert "version 1" in run("learn", "status").stdout
    assert "What ships is in force" in run("learn", "rollback").stdout
    assert as_json(run("rescore", "--json"))["changed"] == ended["changed"]
    assert labels(taught) == before
    assert as_json(run("learn", "rollback", "--to", "1", "--json"))["version"] == 1


def test_ctrl_c_stops_a_rescore_cleanly(
    run: Any, taught: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("learn", "refit")
    run("learn", "accept")
    real, calls = Rescoring._keep, []

    def interrupted(self: Rescoring, *given: Any) -> bool:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(self, *given)

    monkeypatch.setattr(Rescoring, "_keep", interrupted)
    monkeypatch.setattr("earmark.rescoring.BATCH", 50)
    stopped = run("rescore")
    assert stopped.exit_code == 130
    assert "cancelled: 50 mentions scored again" in stopped.stdout
    store = open_store(f"sqlite:///{taught / 'earmark.db'}")
    with store.read() as session:
        [job] = session.exec(select(Job).where(Job.kind == "rescore")).all()
        assert (job.state, job.lease_until, job.done) == ("cancelled", None, 50)
    store.close()
    assert as_json(run("rescore", "--json"))["state"] == "done"


def test_a_rescore_that_a_worker_took_is_looked_on(
    run: Any, taught: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker claims it first; the terminal waits for its end."""
    store = open_store(f"sqlite:///{taught / 'earmark.db'}")
    slept: list[float] = []

    def claim_as_worker(*given: Any, **more: Any) -> None:
        with store.write() as session:
            job = session.exec(select(Job).where(Job.state == "waiting")).one()
            job.state = "running"

    def end_as_worker(seconds: float) -> None:
        slept.append(seconds)
        with store.read() as session:
            job_id = session.exec(select(Job.id).where(Job.state == "running")).one()
        jobs.end(store, job_id or 0, state="done", note="Done.", now=system_clock())

    monkeypatch.setattr("earmark.cli.learn.jobs.claim", claim_as_worker)
    monkeypatch.setattr("earmark.cli.learn.time.sleep", end_as_worker)
    assert "done: Done." in run("rescore").stdout
    assert len(slept) == 1
    store.close()


def test_each_change_has_one_audit_entry(run: Any, taught: Path) -> None:
    for arguments in (("learn", "refit"), ("learn", "accept"), ("learn", "rollback"), ("rescore",)):
        assert run(*arguments).exit_code == 0
    store = open_store(f"sqlite:///{taught / 'earmark.db'}")
    with store.read() as session:
        entries = session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()
        told = [e.action for e in entries if e.subject in {"brand", "job"}]
    store.close()
    assert told[-4:] == ["refit", "accept", "rollback", "ask for rescore"]
