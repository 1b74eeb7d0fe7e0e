"""The demo goes without a trace but the audit trail; what is not the demo's stays."""

import pytest
import sqlalchemy as sa
from sqlmodel import SQLModel, select

from earmark_config import demo_removal
from earmark_config.seeds import apply, read_seed_text, remove_demo
from earmark_core.errors import NotAllowed
from earmark_core.model import SYSTEM, Actor, Role
from earmark_core.tables import (
    AuditEntry,
    Brand,
    Case,
    CaseMention,
    Contact,
    Correction,
    Draft,
    Identity,
    Match,
    Mention,
    MentionRevision,
    Monitor,
    Note,
    Person,
    PollWindow,
    Quarantine,
    RawPayload,
    Reply,
    RollupHour,
    SlaClock,
    Source,
)

SEED = """
[[brand]]
name = "{name}"
[[brand.monitor]]
name = "all"
query = "x"
[[brand.source]]
name = "blog"
channel = "feed"
[brand.policy]
needs_approval = true
[[brand.saved_reply]]
name = "hi"
body = "Hi"
"""


def fill(store, clock, brand_name: str, people: int) -> None:
    """Gives a brand mentions, cases and all that hangs on them."""
    at = clock()
    with store.write() as session:
        brand = session.exec(select(Brand).where(Brand.name == brand_name)).one()
        source = session.exec(select(Source).where(Source.brand_id == brand.id)).one()
        person = session.exec(select(Person)).first() or Person(
            name="Ada", role="responder", created_at=at
        )

        def add(row):
            session.add(row)
            session.flush()
            return row

        add(person)
        for n in range(people):
            key = f"feed:{brand_name}:{n}"
            contact = add(Contact(name=key, created_at=at))
            add(Identity(contact_id=contact.id, key=key, channel="feed"))
            mention = add(
                Mention(source_id=source.id, external_id=str(n), channel="feed", identity=key,
                        seen_at=at, happened_at=at, content_hash="h", thread_key=key)
            )  # fmt: skip
            case = add(
                Case(brand_id=brand.id, contact_id=contact.id, channel="feed", thread_key=key,
                     status="new", priority="low", priority_rank=0, opened_at=at, updated_at=at,
                     last_inbound_at=at, last_mention_id=mention.id)
            )  # fmt: skip
            for row in (
                CaseMention(case_id=case.id, mention_id=mention.id),
                Match(mention_id=mention.id, brand_id=brand.id),
                RawPayload(mention_id=mention.id, body="{}"),
                MentionRevision(mention_id=mention.id, revision=1, title="", body="",
                                replaced_at=at),
                Correction(mention_id=mention.id, label="neutral", by="Ada", at=at),
                Note(case_id=case.id, by="Ada", body="?", at=at),
                Draft(case_id=case.id, person_id=person.id, body="so", at=at),
                SlaClock(case_id=case.id, target="first_response", state="running",
                         started_at=at, due_at=at),
                Reply(case_id=case.id, source_id=source.id, channel="feed", mention_id=mention.id,
                      seen_mention_id=mention.id, body="hi", state="sent", idempotency_key=key,
                      by="Ada", created_at=at, updated_at=at),
            ):  # fmt: skip
                add(row)
        add(PollWindow(source_id=source.id, state="complete", started_at=at, ended_at=at))
        add(Quarantine(source_id=source.id, reason="bad", raw="?", seen_at=at))
        add(RollupHour(brand_id=brand.id, channel="feed", hour=at, n=people))


def census(store) -> dict[str, int]:
    with store.read() as session:
        return {
            table.name: session.exec(sa.select(sa.func.count()).select_from(table)).scalar_one()
            for table in SQLModel.metadata.sorted_tables
        }


def test_the_demo_goes_and_the_rest_stays(store, clock, monkeypatch) -> None:
    monkeypatch.setattr(demo_removal, "_BATCH", 2)  # several transactions of each kind
    apply(store, read_seed_text(SEED.replace("{name}", "Real")), clock, SYSTEM)
    fill(store, clock, "Real", 3)
    before = census(store)
    apply(store, read_seed_text(SEED.replace("{name}", "Demo")), clock, SYSTEM, is_demo=True)
    fill(store, clock, "Demo", 5)

    counts = remove_demo(store, Actor("Mia", Role.manager), clock)

    after = census(store)
    assert after.pop("audit_entry") == before.pop("audit_entry") + 5 + 1
    assert after == before
    wanted = {"brands": 1, "sources": 1, "cases": 5, "mentions": 5, "replies": 5, "notes": 5}
    assert wanted.items() <= counts.items()
    assert counts["contacts"] == 5
    with store.read() as session:
        entry = session.exec(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
        assert (entry.by, entry.action) == ("Mia", "removed")
        assert session.exec(select(Source)).one().is_enabled is True


def test_what_the_demo_shares_with_others_stays_theirs(sqlite_store, clock) -> None:
    """A real source heard of the demo's brand, and one contact speaks in both places."""
    store = sqlite_store
    apply(store, read_seed_text(SEED.replace("{name}", "Real")), clock, SYSTEM)
    fill(store, clock, "Real", 1)
    apply(store, read_seed_text(SEED.replace("{name}", "Demo")), clock, SYSTEM, is_demo=True)
    with store.write() as session:
        demo = session.exec(select(Brand).where(Brand.name == "Demo")).one()
        source = session.exec(select(Source).where(Source.brand_id == demo.id)).one()
        mention = session.exec(select(Mention)).one()
        session.add(Match(mention_id=mention.id, brand_id=demo.id))
        session.add(
            Mention(source_id=source.id, external_id="d", channel="feed", content_hash="h",
                    identity=mention.identity, seen_at=clock(), happened_at=clock())
        )  # fmt: skip
    counts = remove_demo(store, SYSTEM, clock)
    assert counts["contacts"] == 0
    left = census(store)
    assert (left["mention"], left["contact"], left["identity"], left["match"]) == (1, 1, 1, 1)


def test_without_a_demo_nothing_happens_and_a_second_time_neither(sqlite_store, clock) -> None:
    assert remove_demo(sqlite_store, SYSTEM, clock) == {}
    seed = read_seed_text(SEED.replace("{name}", "Demo"))
    apply(sqlite_store, seed, clock, SYSTEM, is_demo=True)
    assert remove_demo(sqlite_store, SYSTEM, clock)["brands"] == 1
    assert remove_demo(sqlite_store, SYSTEM, clock) == {}


def test_a_responder_may_not_remove_it(sqlite_store, clock) -> None:
    with pytest.raises(NotAllowed):
        remove_demo(sqlite_store, Actor("Rob", Role.responder), clock)


def test_a_removal_that_was_cut_off_goes_on_where_it_was(sqlite_store, clock, monkeypatch) -> None:
    seed = read_seed_text(SEED.replace("{name}", "Demo"))
    apply(sqlite_store, seed, clock, SYSTEM, is_demo=True)
    fill(sqlite_store, clock, "Demo", 3)

    def power_cut(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr(demo_removal, "_drop_mentions", power_cut)
        with pytest.raises(KeyboardInterrupt):
            remove_demo(sqlite_store, SYSTEM, clock)
    assert remove_demo(sqlite_store, SYSTEM, clock)["mentions"] == 3
    left = census(sqlite_store)
    assert {name for name, n in left.items() if n} <= {"audit_entry", "person", "alembic_version"}


def test_other_brands_figures_lose_what_the_demo_added_to_them(store, clock) -> None:
    """A real brand's two monitors both match a demo mention: it was counted once."""
    apply(store, read_seed_text(SEED.replace("{name}", "Real")), clock, SYSTEM)
    apply(store, read_seed_text(SEED.replace("{name}", "Demo")), clock, SYSTEM, is_demo=True)
    with store.write() as session:
        real = session.exec(select(Brand).where(Brand.name == "Real")).one()
        monitor = session.exec(select(Monitor).where(Monitor.brand_id == real.id)).one()
        source = session.exec(select(Source).where(Source.is_demo)).one()
        for n, label in enumerate(("negative", None)):
            mention = Mention(
                source_id=source.id, external_id=str(n), channel="feed", content_hash="h",
                seen_at=clock(), happened_at=clock(), label=label,
            )  # fmt: skip
            session.add(mention)
            session.flush()
            for monitor_id in (monitor.id, None):
                session.add(
                    Match(mention_id=mention.id, brand_id=real.id, monitor_id=monitor_id,
                          is_counted=True)
                )  # fmt: skip
        session.add(
            RollupHour(brand_id=real.id, channel="feed", hour=clock(), n=7, negative=4,
                       unscored=3)
        )  # fmt: skip
    remove_demo(store, SYSTEM, clock)
    with store.read() as session:
        hour = session.exec(select(RollupHour)).one()
        assert (hour.n, hour.negative, hour.unscored, hour.positive) == (5, 3, 2, 0)
