"""What was kept for as long as it is to be kept goes, whole; what is needed or counted stays."""

import asyncio
import random
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from sqlmodel import SQLModel, col, select

from earmark import due, purging
from earmark import jobs as nightly
from earmark.app import Parts, assemble
from earmark.cleaning import Place, prepare
from earmark.importing import Reject
from earmark.ingest import store_rows
from earmark.intake import take
from earmark.matching import load_watch
from earmark.people import local_actor
from earmark.purging import Purging
from earmark.quarantine import keep_bad_items
from earmark_config.settings import Retention, load_settings
from earmark_core import jobs as line
from earmark_core.clock import FixedClock
from earmark_core.errors import NotAllowed
from earmark_core.model import SYSTEM, Actor, Author, BadItem, Item, Label, Priority, Role
from earmark_core.store import open_store
from earmark_core.tables import (
    AuditEntry,
    Brand,
    Case,
    Contact,
    CopyGroup,
    Correction,
    HookDelivery,
    Identity,
    InstallationKey,
    Job,
    Match,
    Mention,
    Monitor,
    NearKey,
    Quarantine,
    RawPayload,
    Reply,
    RollupHour,
    RollupModel,
    Source,
    Tombstone,
)
from earmark_core.tombstones import buried, bury
from earmark_queue.withdrawals import REMOVED
from earmark_sentiment.brand_scorers import BrandScorers
from tests.conftest import START
from tests.toy import scorer

DAY = timedelta(days=1)
ADA = Actor("Ada", Role.manager, None)
ROOM = Retention(mentions_days=30, raw_days=7)
MARA = Author("7", "mara", "Mara Quill", "https://a.example/mara", followers=12)


@dataclass
class House:
    """An installation with two sources of one brand, into which a test puts what it wants."""

    parts: Parts
    clock: FixedClock

    def hear(self, *items: Item, source: int = 1, bad: tuple[BadItem, ...] = ()) -> int:
        """Stores items as a poll does, has them scored and decided, and gives how many were new."""
        place = Place(source, 1, "town" if source < 3 else "youtube", name=str(source))
        rows = prepare(items, place, self.clock())
        found = load_watch(self.parts.store).matches(place, rows)
        with self.parts.store.write() as session:
            kept = store_rows(self.parts.store, session, place, rows, found, self.clock())
            keep_bad_items(session, place, bad, self.clock())
        asyncio.run(self.parts.pipeline().settle())
        return kept.new

    def job(self) -> line.JobRow:
        number = self.parts.purges.ask(SYSTEM)
        found = line.claim(self.parts.store, self.clock(), only=number)
        assert found is not None
        return found

    def purge(self, room: Retention = ROOM) -> Purging:
        work = Purging(self.parts.store, self.clock, room, self.job())
        work.run()
        assert work.state == "done"
        return work

    def all(self, table: type[Any]) -> list[Any]:
        with self.parts.store.read() as session:
            return list(session.exec(select(table)).all())

    def left(self) -> list[str]:
        return sorted(mention.external_id for mention in self.all(Mention))

    def figures(self) -> str:
        rows = [row.model_dump() for t in (RollupHour, RollupModel) for row in self.all(t)]
        return repr(sorted(map(repr, rows)))

    def close(self) -> None:
        for case in self.all(Case):
            self.parts.cases.resolve(ADA, case.id, case.version)

    def edit(self, table: type[Any], **values: Any) -> None:
        with self.parts.store.write() as session:
            for row in session.exec(select(table)).all():
                for name, value in values.items():
                    setattr(row, name, value)
                session.add(row)

    def words(self) -> dict[str, str]:
        """All that stands in each table."""
        with self.parts.store.read() as session:
            return {
                table.name: repr(session.execute(table.select()).all()).casefold()
                for table in SQLModel.metadata.sorted_tables
            }


@pytest.fixture
def house(store_url: str, tmp_path: Path, clock: FixedClock) -> Iterator[House]:
    settings = load_settings(None, {}, {"data_dir": tmp_path, "database_url": store_url})
    made = assemble(settings, clock=clock, rng=random.Random(1))
    with made.store.write() as session:
        session.add(Brand(id=1, name="Kettle", created_at=clock()))
        session.flush()
        session.add(Monitor(brand_id=1, name="m", query="kettle", created_at=clock(),
                            updated_at=clock()))  # fmt: skip
        for number, channel in enumerate(("town", "town", "youtube"), start=1):
            session.add(Source(id=number, brand_id=1, channel=channel, name=f"s{number}",
                               next_poll_at=clock(), created_at=clock()))  # fmt: skip
    if made.store.dialect == "postgresql":
        with made.store.write() as session:  # their numbers were given above
            for name in ("brand", "source"):
                session.connection().exec_driver_sql(f"SELECT setval('{name}_id_seq', 10)")
    yield House(replace(made, scorers=BrandScorers(scorer())), clock)
    asyncio.run(made.aclose())


def said(name: str, text: str = "Kettle one", **more: Any) -> Item:
    return Item(name, text=text, author=MARA, raw=f'{{"raw": "{text}"}}', **more)


COMPLAINT = "My kettle is an awful horrible terrible thing, I want a refund, this is a scandal"


def complain(house: House, source: int = 1) -> None:
    """A mention that wants an answer: its case is open."""
    item = said("1", COMPLAINT, reply_ref={"acct": "mara"}, url="https://a.example/1")
    house.hear(item, source=source)
    assert [case.status for case in house.all(Case)][-1] == "new"


def test_what_is_over_goes_with_all_that_hangs_on_it_and_figures_stay(house: House) -> None:
    house.hear(said("1", "Kettle one"), said("2", "Kettle two"))
    house.parts.judging.label(ADA, [1], Label.negative)
    house.clock.forward(29 * DAY)
    house.hear(said("3", "Kettle three"))
    house.clock.forward(1 * DAY)
    before = house.figures()
    house.purge()
    assert house.left() == ["3"]
    assert house.figures() == before
    assert house.all(Correction) == []
    assert {match.mention_id for match in house.all(Match)} == {3}
    assert len(house.all(Tombstone)) == 2
    for name, rows in house.words().items():
        assert "kettle one" not in rows, name


def test_the_audit_trail_counts_and_quotes_nothing(house: House) -> None:
    house.hear(said("1"), bad=(BadItem("no id", "kettle, unreadable"),))
    house.hear(said("2"), source=2)
    house.clock.forward(31 * DAY)
    house.purge()
    told = {e.subject_id: e.after for e in house.all(AuditEntry) if e.action == "purge"}
    none = {"mentions": 0, "held": 0, "raw": 0, "unread": 0}
    assert told == {1: none | {"mentions": 1, "unread": 1}, 2: none | {"mentions": 1}}
    assert house.all(Quarantine) == []
    assert [e.by for e in house.all(AuditEntry) if e.action == "purge"] == [SYSTEM.name] * 2
    house.purge()
    assert sum(e.action == "purge" for e in house.all(AuditEntry)) == 2


def test_raw_payloads_and_what_could_not_be_read_go_apart(house: House) -> None:
    house.hear(said("1"), bad=(BadItem("no id", "x"),))
    house.clock.forward(7 * DAY - timedelta(seconds=1))
    house.purge()
    assert (len(house.all(RawPayload)), len(house.all(Quarantine))) == (1, 1)
    house.clock.forward(timedelta(seconds=1))
    house.purge()
    assert (house.left(), house.all(RawPayload), house.all(Quarantine)) == (["1"], [], [])


def test_a_living_case_holds_and_the_first_purge_after_it_removes(house: House) -> None:
    complain(house)
    house.parts.cases.note(ADA, 1, "Rang her up.")
    house.clock.forward(400 * DAY)
    assert house.purge().note.startswith("1 held by a case or a reply")
    assert house.left() == ["1"]
    house.close()
    house.purge()
    assert house.left() == []
    [case] = house.all(Case)
    assert (case.headline, case.last_mention_id, case.status) == (REMOVED, None, "resolved")
    shown = house.parts.views.case(ADA, 1)
    assert any(entry.text == "Rang her up." for entry in shown.entries)
    for name, rows in house.words().items():
        for word in ("refund", "awful", "scandal", "mara", "a.example"):
            assert word not in rows, (name, word)


def test_a_closed_case_still_says_what_it_was_about_where_something_is_left(house: House) -> None:
    complain(house)
    house.clock.forward(20 * DAY)
    house.hear(said("2", "The kettle again, it is awful", thread_id="1"))
    assert len(house.all(Case)) == 1
    house.close()
    house.clock.forward(15 * DAY)
    house.purge()
    [case] = house.all(Case)
    assert (case.headline, case.last_mention_id) == ("The kettle again, it is awful", 2)
    assert house.left() == ["2"]


@pytest.mark.parametrize("state", ["approved", "sending", "unknown", "sent", "failed",
                                   "needs_human"])  # fmt: skip
def test_a_reply_that_is_not_settled_holds_what_it_answers(house: House, state: str) -> None:
    complain(house, source=3)
    ada = local_actor(house.parts.store, house.clock, "Ada")
    house.parts.replies.send(ada, 1, "Sorry!", 1, house.all(Case)[0].version)
    house.edit(Reply, state=state)
    house.edit(Case, status="resolved", resolved_at=house.clock())
    house.clock.forward(31 * DAY)
    house.purge()
    assert house.left() == ["1"]
    house.edit(Reply, state="confirmed", remote_url="https://town.example/ours")
    house.purge()
    assert house.left() == []
    [reply] = house.all(Reply)
    assert (reply.body, reply.mention_id, reply.seen_mention_id) == ("Sorry!", None, None)
    assert reply.target_ref == {}
    [row] = house.parts.views.outbox(ADA)
    assert (row.body, row.who) == ("Sorry!", "")


def test_what_was_not_read_yet_is_not_removed_unread(house: House) -> None:
    house.hear(said("1"))
    house.edit(Mention, decided_at=None)
    house.clock.forward(31 * DAY)
    house.purge()
    assert house.left() == ["1"]


def test_nobody_who_is_named_elsewhere_is_forgotten_and_everybody_else_is(house: House) -> None:
    complain(house)
    other = Author("8", "olaf", "Olaf Brink")
    worse = "What a terrible kettle, it broke, and nobody answers me"
    house.hear(replace(said("2", worse, thread_id="2"), author=other))
    assert {contact.name for contact in house.all(Contact)} == {"Mara Quill", "Olaf Brink"}
    house.close()
    house.clock.forward(20 * DAY)
    house.hear(replace(said("3", "Kettle three", thread_id="9"), author=other))
    house.clock.forward(15 * DAY)
    house.purge()
    # Closed cases speak of both: of her only the id is left, he has spoken since.
    assert {contact.name for contact in house.all(Contact)} == {"", "Olaf Brink"}
    assert {who.handle for who in house.all(Identity)} == {"", "olaf"}
    house.hear(said("4", COMPLAINT, thread_id="4"))
    assert {contact.name for contact in house.all(Contact)} == {"Mara Quill", "Olaf Brink"}


def test_a_contact_without_any_case_goes(house: House) -> None:
    house.hear(said("1"))
    with house.parts.store.write() as session:
        contact = Contact(name="Mara Quill", created_at=house.clock())
        session.add(contact)
        session.flush()
        key = session.exec(select(Mention.identity)).one()
        session.add(Identity(contact_id=contact.id or 0, key=key, channel="town"))
    house.clock.forward(31 * DAY)
    house.purge()
    assert (house.all(Contact), house.all(Identity)) == ([], [])


def test_it_does_not_come_back_by_poll_import_or_history(house: House) -> None:
    house.hear(said("1"))
    house.clock.forward(31 * DAY)
    house.purge()
    assert house.hear(said("1"), said("2")) == 1
    assert house.hear(said("1"), source=2) == 1  # another source has its own time
    assert house.left() == ["1", "2"]


def test_what_was_imported_and_removed_is_known_when_imported_again(house: House) -> None:
    def imported() -> Any:
        found: Iterator[tuple[int, Item | Reject]] = iter([(1, said("1"))])
        return take(house.parts, ADA, 1, found, history=True, tick=lambda _n: None)

    assert imported().new == 1
    asyncio.run(house.parts.pipeline().settle())
    house.clock.forward(31 * DAY)
    house.purge()
    again = imported()
    assert (again.new, again.known) == (0, 1)
    assert house.left() == []


def test_a_tombstone_tells_nothing_and_is_this_installations_own(house: House) -> None:
    house.hear(said("https://a.example/@mara/1"))
    house.clock.forward(31 * DAY)
    house.purge()
    [stone] = house.all(Tombstone)
    assert (stone.source_id, stone.reason, len(stone.digest)) == (1, "age", 32)
    with house.parts.store.read() as session:
        names = ["https://a.example/@mara/1", "other"]
        assert buried(house.parts.store, session, 1, names) == {names[0]}
        assert buried(house.parts.store, session, 2, names) == frozenset()


def test_batches_go_on_behind_a_kill_and_nothing_is_done_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "BATCH", 4)
    house.hear(*(said(str(i)) for i in range(10)))
    before = house.figures()
    house.clock.forward(31 * DAY)
    first = Purging(house.parts.store, house.clock, ROOM, house.job())
    assert first.step()
    assert len(house.left()) == 6  # and here the worker dies
    house.clock.forward(timedelta(minutes=6))
    job = line.claim(house.parts.store, house.clock())
    assert job is not None
    second = Purging(house.parts.store, house.clock, ROOM, job)
    seen: list[tuple[int, int]] = []
    second.run(lambda done, total: seen.append((done, total)))
    assert not first.step()
    assert (first.state, second.state) == ("taken", "done")
    assert house.left() == []
    assert house.figures() == before
    [told] = [e.after for e in house.all(AuditEntry) if e.action == "purge"]
    assert told["mentions"] == 10
    assert seen[-1][0] <= seen[-1][1]


def test_a_batch_is_whole_or_not_at_all(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.hear(said("1"), said("2"))
    house.clock.forward(31 * DAY)

    def dies(*_args: Any) -> None:
        raise KeyboardInterrupt

    work = Purging(house.parts.store, house.clock, ROOM, house.job())
    monkeypatch.setattr(purging, "_counts", dies)
    with pytest.raises(KeyboardInterrupt):
        work.step()
    assert (house.left(), house.all(Tombstone)) == (["1", "2"], [])


def test_it_stops_when_asked_to_and_says_how_far_it_came(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purging, "BATCH", 2)
    house.hear(*(said(str(i)) for i in range(5)))
    house.clock.forward(31 * DAY)
    work = Purging(house.parts.store, house.clock, ROOM, house.job())
    assert work.step()
    assert house.parts.purges.cancel(ADA, house.all(Job)[-1].id)
    assert not work.step()
    latest = house.parts.purges.latest(ADA)
    assert latest is not None
    assert (latest.state, latest.note, len(house.left())) == (
        "cancelled", "2 mentions removed.", 3,
    )  # fmt: skip
    assert [e.after["mentions"] for e in house.all(AuditEntry) if e.action == "purge"] == [2]


def test_a_dry_run_counts_what_a_purge_then_does(house: House) -> None:
    complain(house)
    house.hear(said("2"), said("3"), bad=(BadItem("no id", "x"),))
    house.hear(said("4"), source=2)
    house.clock.forward(31 * DAY)
    with house.parts.store.read() as session:
        rows = due.count(session, ROOM, house.clock())
    assert rows == (due.DueRow(1, mentions=3, held=1, raw=3, unread=1), due.DueRow(2, 1, 0, 1))
    assert house.left() == ["1", "2", "3", "4"]
    house.purge()
    told = {e.subject_id: e.after for e in house.all(AuditEntry) if e.action == "purge"}
    # The raw payloads of two went with their mentions, that of the one held went apart.
    assert told[1] == {"mentions": 2, "held": 1, "raw": 1, "unread": 1}
    assert told[2]["mentions"] == 1


def test_each_source_has_its_own_time_and_a_platform_its_own_end(house: House) -> None:
    house.parts.keeping.change(ADA, 2, 0, None)
    for source in (1, 2, 3):
        house.hear(said("1"), source=source)
    house.clock.forward(30 * DAY)
    house.purge(Retention(mentions_days=60))
    assert {m.source_id for m in house.all(Mention)} == {1, 2}  # youtube allows thirty days
    house.parts.keeping.change(ADA, 3, 0, 0)
    house.hear(said("2"), source=3)
    house.clock.forward(30 * DAY)
    house.purge(Retention(mentions_days=60))
    assert {m.source_id for m in house.all(Mention)} == {2}
    house.clock.forward(3_000 * DAY)
    house.purge(Retention(mentions_days=60))
    assert {m.source_id for m in house.all(Mention)} == {2}


def test_by_default_nothing_but_raw_payloads_ever_goes(house: House) -> None:
    house.hear(said("1"))
    house.clock.forward(5_000 * DAY)
    house.purge(Retention())
    assert (house.left(), house.all(RawPayload)) == (["1"], [])


def test_a_clock_that_went_back_removes_nothing(house: House) -> None:
    house.hear(said("1"))
    house.clock.forward(-400 * DAY)
    house.purge()
    assert house.left() == ["1"]


def test_deliveries_are_remembered_for_a_week(house: House) -> None:
    with house.parts.store.write() as session:
        session.add(HookDelivery(digest="a", source_id=1, at=house.clock() - 8 * DAY))
        session.add(HookDelivery(digest="b", source_id=1, at=house.clock() - 6 * DAY))
    house.purge()
    assert [delivery.digest for delivery in house.all(HookDelivery)] == ["b"]


def test_a_twin_that_stays_stands_for_the_post_from_then_on(house: House) -> None:
    """The post is about the brand, counted and judged as before: the other source keeps it."""
    house.parts.keeping.change(ADA, 2, 0, 0)
    post = said("1", "My kettle is awful", uri="https://a.example/p/1")
    house.hear(post)
    house.hear(post, source=2)
    house.parts.judging.label(ADA, [1], Label.positive)
    house.close()
    before = house.figures()
    house.clock.forward(31 * DAY)
    house.purge()
    [mention] = house.all(Mention)
    assert (mention.source_id, mention.twin_of, mention.human_label) == (2, None, "positive")
    assert [match.mention_id for match in house.all(Match)] == [mention.id]
    assert [correction.mention_id for correction in house.all(Correction)] == [mention.id]
    assert house.figures() == before
    page = house.parts.views.mentions(ADA, 1)
    assert [row.id for row in page.rows] == [mention.id]


def test_a_twin_that_stays_stands_in_the_group_of_copies_too(house: House) -> None:
    """A copy that is heard later must find the text by the twin, under its keys."""
    words = "The driver left my new kettle in the rain and nobody at Acme wants to hear of it"
    house.parts.keeping.change(ADA, 2, 0, 0)
    post = said("1", words, uri="https://a.example/p/1")
    house.hear(post)
    house.hear(post, source=2)
    house.hear(said("2", words), source=2)
    house.close()
    [group] = house.all(CopyGroup)
    house.clock.forward(31 * DAY)
    house.purge()
    first, copy = sorted(house.all(Mention), key=lambda mention: mention.id or 0)
    assert {first.copy_group_id, copy.copy_group_id} == {group.id}
    assert {key.mention_id for key in house.all(NearKey)} == {first.id}


def test_both_go_where_both_are_over(house: House) -> None:
    post = said("1", "My kettle is awful", uri="https://a.example/p/1")
    house.hear(post)
    house.hear(post, source=2)
    house.close()
    house.clock.forward(31 * DAY)
    house.purge()
    assert (house.left(), house.all(Match)) == ([], [])


def test_only_managers_remove_and_say_for_how_long(house: House) -> None:
    for role in (Role.viewer, Role.responder, Role.approver):
        nobody = Actor("Nia", role, None)
        with pytest.raises(NotAllowed):
            house.parts.purges.ask(nobody)
        with pytest.raises(NotAllowed):
            house.parts.purges.cancel(nobody, 1)
        with pytest.raises(NotAllowed):
            house.parts.keeping.change(nobody, 1, 1, 1)
    assert house.all(Job) == []
    assert [e.action for e in house.all(AuditEntry)] == []


def test_a_second_request_joins_the_first(house: House) -> None:
    assert house.parts.purges.ask(ADA) == house.parts.purges.ask(ADA)
    with house.parts.store.read() as session:
        assert session.exec(select(col(Job.kind))).all() == ["purge"]


def test_two_processes_that_bury_first_find_one_key(house: House) -> None:
    """Each brings a key of its own; the one that is stored holds for both."""

    def put(name: str, token: bytes) -> None:
        with house.parts.store.write() as session:
            together.wait()
            bury(house.parts.store, session, [(1, name)], reason="age", now=house.clock(),
                 token=lambda _n: token)  # fmt: skip

    names = ["a", "b"]
    together = Barrier(2 if house.parts.store.dialect == "postgresql" else 1)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(put, names, (b"1" * 32, b"2" * 32)))
    with house.parts.store.read() as session:
        assert buried(house.parts.store, session, 1, names) == set(names)
    assert len(house.all(InstallationKey)) == 1


@pytest.mark.parametrize("compact", [False, True])
def test_nothing_of_it_is_left_in_the_bytes_of_the_file(
    sqlite_url: str, tmp_path: Path, clock: FixedClock, compact: bool
) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    settings = load_settings(None, {}, {"data_dir": tmp_path, "database_url": sqlite_url})
    made = assemble(settings, clock=clock, rng=random.Random(1))
    with made.store.write() as session:
        session.add(Brand(id=1, name="Kettle", created_at=clock()))
        session.flush()
        session.add(Source(id=1, brand_id=1, channel="town", name="s", next_poll_at=clock(),
                           created_at=clock()))  # fmt: skip
    house = House(replace(made, scorers=BrandScorers(scorer())), clock)
    secret = "quillwort"
    house.hear(*(said(str(i), f"A {secret} in kettle {i} " * 9) for i in range(120)))
    assert secret.encode() in _bytes(path)
    house.clock.forward(31 * DAY)
    house.purge()
    if compact:
        before = path.stat().st_size
        assert made.store.sweep(compact=True)
        assert path.stat().st_size < before
    found = _bytes(path)
    asyncio.run(made.aclose())
    assert secret.encode() not in found
    assert b"mara" not in found


def _bytes(path: Path) -> bytes:
    files = sorted(path.parent.glob(f"{path.name}*"))
    assert path in files
    return b"".join(file.read_bytes() for file in files)


def test_a_log_that_somebody_still_reads_is_left_to_the_next_time(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("earmark_core.store.BUSY_SECONDS", 0)
    store = open_store(sqlite_url)
    with store.read() as session:
        session.execute(select(Brand)).all()
        with store.write() as other:
            other.add(Brand(name="Kettle", created_at=START))
        assert not store.sweep()
    assert store.sweep()
    store.close()


def test_reasons_that_outlive_a_mention_quote_nothing(house: House) -> None:
    complain(house)
    [case] = house.all(Case)
    assert any("“" in told["text"] for told in case.reasons)
    assert any("“" in told for told in case.priority_reasons)
    house.parts.cases.set_priority(ADA, case.id, Priority.low, case.version)
    house.hear(said("2", "What a terrible kettle, nobody answers me", thread_id="1"))
    trail = [entry.model_dump() for entry in house.all(AuditEntry)]
    assert {"open", "append"} <= {entry["action"] for entry in trail}
    assert any("priority_reasons" in entry["before"] for entry in trail)
    assert "“" not in repr(trail)
    house.close()
    house.clock.forward(31 * DAY)
    house.purge()
    [case] = house.all(Case)
    assert case.reasons
    assert "“" not in repr((case.reasons, case.priority_reasons))


def test_by_night_it_is_asked_for_once_a_day_and_done(house: House) -> None:
    house.hear(said("1"))
    settings = house.parts.settings.model_copy(update={"retention": ROOM})
    parts = replace(house.parts, settings=settings)
    house.clock.forward(31 * DAY)
    assert nightly.ask_nightly(parts)
    assert not nightly.ask_nightly(parts)
    while (job := line.claim(parts.store, house.clock())) is not None:
        asyncio.run(nightly.do(parts, parts.pipeline(), job))
    assert house.left() == []
    assert ("purge", "done") in {(job.kind, job.state) for job in house.all(Job)}
    assert {job.by for job in house.all(Job)} == {SYSTEM.name}
