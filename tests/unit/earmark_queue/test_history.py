"""Whatever people, customers and the clock do, the audit trail tells all of it, once."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from earmark_core.errors import EarmarkError
from earmark_core.model import ALIVE, Priority
from earmark_core.tables import AuditEntry, Case, Reply, SlaClock
from earmark_queue import clocks

LEGAL = {
    "new": {"open", "waiting", "snoozed", "resolved", "dismissed"},
    "open": {"waiting", "snoozed", "resolved", "dismissed"},
    "waiting": {"open", "snoozed", "resolved", "dismissed"},
    "snoozed": {"open", "resolved", "dismissed"},
    "resolved": {"open"},
    "dismissed": {"open"},
}
ACTIONS = (
    "complain", "thank", "edit", "claim", "claim next", "assign", "release", "snooze", "resolve",
    "dismiss", "reopen", "priority", "send", "cancel", "deliver", "by hand", "tick", "note",
)  # fmt: skip
steps = st.lists(
    st.tuples(st.sampled_from(ACTIONS), st.integers(0, 2), st.integers(0, 600)),
    min_size=4,
    max_size=30,
)


def act(desk, action, number):
    who = (desk.mia, desk.robin, desk.boss)[number]
    cases = desk.all_cases()
    case = cases[number % len(cases)] if cases else None
    if action == "complain":
        desk.last = desk.say(who=f"p{number}", thread=f"t{number % 2}")
    elif action == "thank":
        desk.thank(who=f"p{number}", thread=f"t{number % 2}")
    elif action == "claim next":
        desk.cases.claim_next(who)
    elif action == "tick":
        clocks.tick(desk.store, desk.clock)
    elif action == "deliver":
        asyncio.run(desk.outbox().deliver_due())
    elif case is None:
        return
    elif action == "edit":
        desk.edit(case.last_mention_id, f"edited at {desk.clock()}")
    elif action == "claim":
        desk.cases.claim(who, case.id)
    elif action == "assign":
        desk.cases.assign(who, case.id, desk.robin.person_id, case.version)
    elif action == "release":
        desk.cases.release(who, case.id, case.version)
    elif action == "snooze":
        desk.cases.snooze(who, case.id, desk.clock() + timedelta(hours=2), case.version)
    elif action == "resolve":
        desk.cases.resolve(who, case.id, case.version)
    elif action == "dismiss":
        desk.cases.dismiss(who, case.id, case.version, "not ours")
    elif action == "reopen":
        desk.cases.reopen(who, case.id, case.version)
    elif action == "priority":
        desk.cases.set_priority(who, case.id, list(Priority)[number], case.version)
    elif action == "send":
        desk.send(case.id, f"Answer {desk.clock()}", actor=who)
    elif action == "cancel":
        with desk.store.read() as session:
            newest = session.exec(
                select(Reply.id).where(Reply.case_id == case.id).order_by(col(Reply.id).desc())
            ).first()
        if newest:
            desk.replies.cancel(who, newest)
    elif action == "by hand":
        desk.replies.confirm_by_hand(who, case.id, "Posted")
    else:
        desk.cases.note(who, case.id, "a note")


def check(desk):
    with desk.store.read() as session:
        cases = session.exec(select(Case)).all()
        entries = session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all()
        running = session.exec(select(SlaClock).where(col(SlaClock.ended_at).is_(None))).all()
        alive = [
            (case.brand_id, case.channel, case.contact_id, case.thread_key)
            for case in cases
            if case.status in ALIVE
        ]
        assert len(alive) == len(set(alive))
        for case in cases:
            told = [e for e in entries if e.subject == "case" and e.subject_id == case.id]
            assert len(told) == case.version
            assert all(entry.by for entry in told)
            status = [e.after["status"] for e in told if "status" in e.after]
            assert status[-1] == case.status
            for before, after in pairwise(status):
                assert after == before or after in LEGAL[before], (before, after)
            clocks_here = [clock for clock in running if clock.case_id == case.id]
            assert len(clocks_here) == (case.due_at is not None)
            assert all(clock.due_at == case.due_at for clock in clocks_here)
            assert (case.resolved_at is not None) == (case.status not in ALIVE)
            assert (case.wake_at is not None) == (case.status == "snoozed")
        for reply in session.exec(select(Reply)).all():
            states = [
                e.after["state"]
                for e in entries
                if e.subject == "reply" and e.subject_id == reply.id
            ]
            assert states[-1] == reply.state


@pytest.mark.slow
@given(steps)
@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_each_change_has_one_entry_and_every_step_is_legal(new_desk, sqlite_template, steps):
    import shutil
    import tempfile
    from pathlib import Path

    from earmark_core.clock import FixedClock
    from earmark_core.store import open_store

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "earmark.db"
        shutil.copy(sqlite_template, path)
        store = open_store(f"sqlite:///{path}")
        desk = new_desk(store, FixedClock(datetime(2026, 3, 2, 9, 0, tzinfo=UTC)))
        try:
            for action, number, minutes in steps:
                versions = {case.id: case.version for case in desk.all_cases()}
                try:
                    act(desk, action, number)
                except EarmarkError:
                    after = {case.id: case.version for case in desk.all_cases()}
                    assert after == versions, f"{action} failed half way"
                desk.decide()
                desk.later(minutes=minutes)
                check(desk)
        finally:
            store.close()
