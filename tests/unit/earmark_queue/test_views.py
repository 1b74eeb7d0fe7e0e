from contextlib import contextmanager
from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy import event

from earmark_core.errors import EarmarkError, UnknownCase
from earmark_core.tables import Case, Mention, SavedReply
from earmark_queue.rows import VIEWS
from earmark_queue.views import COUNT_CAP


@contextmanager
def statements(store):
    seen = []

    def count(_connection, _cursor, statement, *_more):
        seen.append(statement)

    event.listen(store.engine, "before_cursor_execute", count)
    yield seen
    event.remove(store.engine, "before_cursor_execute", count)


def many(desk, count, **more):
    """Adds cases straight into the table, with every priority and equal ages among them."""
    with desk.store.write() as session:
        mention = session.get_one(Mention, desk.say(decided_at=desk.clock(), brand=None))
        session.execute(
            sa.insert(Case),
            [
                {
                    "brand_id": desk.brand_id, "channel": "town", "thread_key": f"many{n}",
                    "status": "new", "priority": "normal", "priority_rank": n % 4,
                    "opened_at": desk.clock() + timedelta(minutes=n // 7),
                    "updated_at": desk.clock(), "last_inbound_at": desk.clock(),
                    "headline": f"case {n} 100%_off", "last_mention_id": mention.id,
                    "priority_reasons": [], "reasons": [], "priority_by_person": False,
                    "version": 1, "is_breached": False, "resolution": "",
                }
                | more
                for n in range(count)
            ],
        )  # fmt: skip


def all_pages(desk, view, **more):
    rows, after = [], None
    while True:
        page = desk.views.inbox(desk.mia, view, after=after, **more)
        rows.extend(page.rows)
        after = page.next
        if after is None:
            return rows


@pytest.mark.parametrize(
    ("view", "more"),
    [
        ("needs_reply", {}),
        ("waiting", {"status": "waiting"}),
        ("resolved", {"status": "resolved", "resolved_at": "now"}),
        ("snoozed", {"status": "snoozed", "wake_at": "now"}),
        ("all", {}),
    ],
)
def test_pages_hold_each_case_once_in_order(desk, view, more):
    more = {name: desk.clock() if value == "now" else value for name, value in more.items()}
    many(desk, 90, **more)
    rows = all_pages(desk, view, limit=7)
    assert len(rows) == len({row.id for row in rows}) == 90
    if view in {"needs_reply", "waiting"}:
        ranks = [desk.case(row.id).priority_rank for row in rows]
        order = [(-rank, row.opened_at, row.id) for rank, row in zip(ranks, rows, strict=True)]
        assert order == sorted(order)
    if view in {"all", "resolved"}:
        assert [row.id for row in rows] == sorted((row.id for row in rows), reverse=True)


def test_a_page_costs_the_same_few_statements_however_long(desk):
    many(desk, 60)
    with statements(desk.store) as short:
        desk.views.inbox(desk.mia, limit=2)
    with statements(desk.store) as long:
        desk.views.inbox(desk.mia, limit=50)
    assert len(short) == len(long) <= 8


def test_a_case_costs_the_same_few_statements_however_long_its_thread(desk):
    case = desk.open()
    with statements(desk.store) as short:
        desk.views.case(desk.mia, case.id)
    for n in range(20):
        desk.say(f"And {n}")
        desk.cases.note(desk.mia, case.id, "n")
    desk.decide()
    with statements(desk.store) as long:
        desk.views.case(desk.mia, case.id)
    assert len(short) == len(long) <= 20


def test_each_view_holds_what_its_name_says_and_counts_agree(desk):
    free = desk.open(who="free", thread="1")
    mine = desk.cases.claim(desk.mia, desk.open(who="mine", thread="2").id)
    asleep = desk.open(who="asleep", thread="3")
    desk.cases.snooze(desk.mia, asleep.id, desk.clock() + timedelta(1), asleep.version)
    done = desk.open(who="done", thread="4")
    desk.cases.resolve(desk.mia, done.id, done.version)
    hot = desk.open(who="hot", thread="5", cues=[{"kind": "legal", "words": "sue"}])
    answered = desk.open(who="ok", thread="6")
    desk.replies.confirm_by_hand(desk.robin, answered.id, "done")
    expected = {
        "needs_reply": [hot.id, free.id, mine.id],
        "mine": [mine.id],
        "unassigned": [hot.id, free.id],
        "urgent": [hot.id],
        "waiting": [answered.id],
        "snoozed": [asleep.id],
        "approval": [],
        "resolved": [done.id],
    }
    counts = desk.views.counts(desk.mia, desk.brand_id)
    assert set(counts) == set(VIEWS)
    for view, ids in expected.items():
        assert [row.id for row in desk.views.inbox(desk.mia, view).rows] == ids, view
        assert counts[view] == len(ids), view
    assert counts["all"] == 6
    assert set(desk.views.counts(desk.mia, desk.rival_id).values()) == {0}


def test_counts_stop_at_the_cap(desk):
    many(desk, COUNT_CAP + 50)
    assert desk.views.counts(desk.mia)["needs_reply"] == COUNT_CAP


def test_search_takes_wildcards_as_words_and_finds_handles(desk):
    many(desk, 30)
    desk.open(who="Søren", thread="x", body="nothing of note")
    assert len(all_pages(desk, "needs_reply", search="100%_off")) == 30
    assert all_pages(desk, "needs_reply", search="100%off") == []
    assert [row.handle for row in all_pages(desk, "needs_reply", search="@søren")] == ["@Søren"]
    assert [row.name for row in all_pages(desk, "needs_reply", search="OF NOTE")] == ["Søren"]


def test_a_bounded_search_still_reaches_the_last_case(desk, monkeypatch):
    monkeypatch.setattr("earmark_queue.paging.SEARCHED", 10)
    many(desk, 45)
    found = all_pages(desk, "needs_reply", search="case 3", limit=4)
    numbers = [row.headline.split()[1] for row in found]
    assert sorted(numbers) == sorted(["3", *map(str, range(30, 40))])


@pytest.mark.parametrize("key", ["x", "", "W10=", "WzEsMl0=", "WyJhIiwiYiIsImMiXQ=="])
def test_a_key_that_is_not_ours_is_one_clear_error(lite_desk, key):
    if key == "":
        assert lite_desk.views.inbox(lite_desk.mia, after=key).rows == ()
        return
    with pytest.raises(EarmarkError, match="cannot be read"):
        lite_desk.views.inbox(lite_desk.mia, after=key)


def test_unknown_views_and_cases(lite_desk):
    with pytest.raises(EarmarkError, match="no such view"):
        lite_desk.views.inbox(lite_desk.mia, "secret")
    with pytest.raises(UnknownCase):
        lite_desk.views.case(lite_desk.mia, 4)


def test_filters_by_channel_label_and_brand(desk):
    case = desk.open()
    assert desk.views.inbox(desk.mia, channel="town", label="negative").rows[0].id == case.id
    assert desk.views.inbox(desk.mia, label="unscored").rows == ()
    assert desk.views.inbox(desk.mia, channel="elsewhere").rows == ()
    assert desk.views.inbox(desk.mia, brand_id=desk.rival_id).rows == ()


def test_the_thread_shows_others_our_replies_once_and_the_history(desk):
    desk.say("An older order went fine", thread="old", cues=[], label="positive")
    case = desk.open()
    desk.say("Same here!", who="bob", cues=[], label="neutral")
    reply = desk.replies.confirm_by_hand(desk.mia, case.id, "We are on it")
    desk.say("We are on it", who="acme", is_own=True, external_id="r9")
    with desk.store.write() as session:
        from earmark_core.tables import Reply

        session.get_one(Reply, reply).remote_id = "r9"
    view = desk.views.case(desk.mia, case.id)
    said = [(entry.kind, entry.text) for entry in view.entries if entry.kind != "event"]
    assert said == [
        ("mention", "My parcel never arrived"),
        ("mention", "Same here!"),
        ("reply", "We are on it"),
    ]
    assert [entry.text for entry in view.contact.history] == ["An older order went fine"]
    assert view.source_name == "Town square"
    events = [entry.text for entry in view.entries if entry.kind == "event"]
    assert events[0].startswith("Opened the case: Negative (70%)")
    assert "Took the case" in events


def test_a_link_that_is_no_link_is_not_shown(desk):
    case = desk.open(url="javascript:alert(1)", author_url="data:text/html,x")
    view = desk.views.case(desk.mia, case.id)
    assert (view.thread_url, view.contact.url) == ("", "")
    assert {entry.url for entry in view.entries} == {""}


def test_the_counter_changes_with_cases_replies_and_notes(desk):
    seen = [desk.views.change_counter(desk.mia)]
    case = desk.open()
    seen.append(desk.views.change_counter(desk.mia))
    desk.cases.note(desk.mia, case.id, "hm")
    seen.append(desk.views.change_counter(desk.mia))
    desk.send(case.id)
    seen.append(desk.views.change_counter(desk.mia))
    assert len(set(seen)) == 4
    desk.views.case(desk.mia, case.id)
    assert desk.views.change_counter(desk.mia) == seen[-1]


def test_mentions_behind_a_figure(desk):
    ids = [desk.say(f"number {n}", happened_at=desk.clock() + timedelta(n)) for n in range(9)]
    desk.say(is_own=True)
    desk.say(brand=desk.rival_id)
    desk.say(label=None, p_neg=None, score_status="unscored_language")
    first = desk.views.mentions(desk.mia, desk.brand_id, label="negative", limit=4)
    rest = desk.views.mentions(desk.mia, desk.brand_id, label="negative", limit=9, after=first.next)
    assert [row.id for row in (*first.rows, *rest.rows)] == ids[::-1]
    assert rest.next is None
    start, end = desk.clock() + timedelta(2), desk.clock() + timedelta(4)
    within = desk.views.mentions(desk.mia, desk.brand_id, start=start, end=end)
    assert [row.text for row in within.rows] == ["number 3", "number 2"]
    assert len(desk.views.mentions(desk.mia, desk.brand_id, label="unscored").rows) == 1
    assert len(desk.views.mentions(desk.mia, desk.brand_id, channel="no").rows) == 0


def test_people_and_saved_replies(desk):
    with desk.store.write() as session:
        session.add(SavedReply(brand_id=desk.brand_id, name="Sorry", body="Dear {name}"))
    assert "Robin" in [person.name for person in desk.views.people(desk.mia)]
    assert [saved.name for saved in desk.views.saved_replies(desk.mia, desk.brand_id)] == ["Sorry"]


def test_the_outbox_shows_what_is_not_settled_first(desk):
    one = desk.open(who="a", thread="1")
    two = desk.open(who="b", thread="2")
    first = desk.send(one.id)
    by_hand = desk.replies.confirm_by_hand(desk.mia, two.id, "done")
    assert [(row.id, row.who) for row in desk.views.outbox(desk.mia)] == [
        (first, "A"),
        (by_hand, "B"),
    ]
