"""Five hundred copies are one thing to answer: who repeats a text joins the case of the first."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa
from sqlmodel import select

from earmark_core.errors import CaseChanged, ReplyError
from earmark_core.model import CaseStatus, Delivery, Priority
from earmark_core.tables import CaseMention, CopyGroup, Mention, Reply
from earmark_queue.copied import LISTED

WORDS = "Acme sent me the wrong kettle twice now and nobody there answers my mails or calls"


@pytest.fixture
def group(desk: Any) -> int:
    return new_group(desk)


def new_group(desk: Any) -> int:
    with desk.store.write() as session:
        made = CopyGroup(n=1, first_at=desk.clock(), last_at=desk.clock())
        session.add(made)
        session.flush()
        return int(made.id or 0)


def say(desk: Any, group: int, who: str, **more: Any) -> int:
    found: int = desk.say(
        WORDS, **({"who": who, "thread": f"t-{who}", "copy_group_id": group} | more)
    )
    return found


def members(desk: Any, case_id: int) -> list[int]:
    with desk.store.read() as session:
        query = select(CaseMention.mention_id).where(CaseMention.case_id == case_id)
        return sorted(session.exec(query))


QUIET = {"label": "neutral", "p_neg": 0.1, "cues": [{"kind": "question", "words": "when"}]}


def crowd(desk: Any, group: int, number: int, **more: Any) -> None:
    for n in range(number):
        say(desk, group, f"p{n}", **more)
    while desk.decide():
        pass


def test_a_copy_by_somebody_else_joins_the_case(desk: Any, group: int) -> None:
    first = say(desk, group, "ann")
    desk.decide()
    second = say(desk, group, "bob")
    desk.later(minutes=1)
    same = say(desk, group, "ann", thread="t-again")
    desk.decide()
    [case] = desk.all_cases()
    assert members(desk, case.id) == [first, second, same]
    assert case.last_mention_id == first, "whom to answer stays with the first"
    view = desk.views.case(desk.mia, case.id)
    assert view.case.copies == 2
    assert view.case.mentions == 1
    assert view.case.name == "Ann"
    assert "2 copies of these words, the last: “@ann”" in view.why
    assert not any(why.startswith("A copy") for why in view.why), "one line for all of them"


def test_copies_decided_in_one_batch_with_the_first_are_one_case(desk: Any, group: int) -> None:
    later = say(desk, group, "ann", happened_at=desk.clock().replace(hour=23))
    first = say(desk, group, "zoe")
    desk.decide()
    [case] = desk.all_cases()
    assert members(desk, case.id) == [later, first]
    assert (case.last_mention_id, case.thread_key) == (first, "t-zoe"), "the first is the first"


def test_every_mention_that_needs_an_answer_has_exactly_one_case(desk: Any, group: int) -> None:
    crowd(desk, group, 30)
    other = new_group(desk)
    say(desk, other, "eve"), say(desk, other, "p3")
    say(desk, group, "p3", copy_group_id=None, thread="t-p3")  # and something of their own
    desk.decide()
    with desk.store.read() as session:
        wanted = set(session.exec(select(Mention.id)))
        links = session.exec(select(CaseMention.mention_id)).all()
    assert sorted(links) == sorted(wanted)
    assert [desk.row(case.id).copies for case in desk.all_cases()] == [29, 1, 0]


def test_what_needs_no_answer_joins_nothing(desk: Any, group: int) -> None:
    first = say(desk, group, "ann")
    desk.decide()
    say(desk, group, "bob", label="neutral", p_neg=0.1, cues=[])
    say(desk, group, "cat", is_history=True)
    say(desk, group, "dan", is_own=True)
    desk.decide()
    [case] = desk.all_cases()
    assert members(desk, case.id) == [first]


def test_another_brand_has_its_own_case(desk: Any, group: int) -> None:
    say(desk, group, "ann")
    desk.decide()
    rival = say(desk, group, "bob", brand=desk.rival_id)
    desk.decide()
    assert len(desk.all_cases()) == 1
    assert rival not in members(desk, desk.all_cases()[0].id)


def test_a_crowd_raises_the_case_by_steps_and_says_so(desk: Any, group: int) -> None:
    say(desk, group, "first", **QUIET)
    seen: dict[int, tuple[str, str]] = {}
    desk.decide()
    for number in range(1, 102):
        say(desk, group, f"p{number}", **QUIET)
        desk.decide()
        [case] = desk.all_cases()
        seen[number] = (case.priority, case.priority_reasons[0])
    asks = "Asks something: “when”"
    assert seen[4] == ("normal", asks)
    assert seen[5] == seen[24] == ("high", "Copied 5 times")
    assert seen[25] == seen[99] == ("urgent", "Copied 25 times")
    assert seen[100] == seen[101] == ("urgent", "Copied 100 times")
    assert case.priority_reasons == ["Copied 100 times", asks]
    assert len([e for e in desk.audit("case", case.id) if e.action == "raise"]) == 2


def test_who_set_the_priority_by_hand_keeps_it(desk: Any, group: int) -> None:
    say(desk, group, "ann")
    desk.decide()
    row = desk.row(desk.all_cases()[0].id)
    desk.cases.set_priority(desk.mia, row.id, Priority.low, row.version)
    crowd(desk, group, 6)
    assert desk.row(row.id).priority == Priority.low
    assert desk.row(row.id).copies == 6


def test_what_the_crowd_gave_stays_when_the_customer_writes_again(desk: Any, group: int) -> None:
    say(desk, group, "ann", **QUIET)
    desk.decide()
    crowd(desk, group, 5, **QUIET)
    for _ in range(15):
        desk.say("And now it burns!", thread="t-ann", cues=[{"kind": "safety", "words": "burns"}])
        desk.decide()
    [case] = desk.all_cases()
    assert case.priority == Priority.urgent
    assert "Copied 5 times" in case.priority_reasons
    assert "Wrote 2 times without an answer" in case.priority_reasons, "the rest did others"
    assert desk.row(case.id).copies == 5, "however much was told since"


def test_a_waiting_case_is_open_again_and_a_sleeping_one_only_for_a_crowd(
    desk: Any, group: int
) -> None:
    say(desk, group, "ann")
    desk.decide()
    case_id = desk.all_cases()[0].id
    desk.replies.confirm_by_hand(desk.mia, case_id, "We are on it")
    assert desk.row(case_id).status == CaseStatus.waiting
    say(desk, group, "bob")
    desk.decide()
    assert desk.row(case_id).status == CaseStatus.open
    assert desk.clocks(case_id)[-1] == ("next_response", "running")
    row = desk.row(case_id)
    tomorrow = desk.clock().replace(day=20)
    desk.cases.snooze(desk.mia, case_id, tomorrow, row.version)
    crowd(desk, group, 3)
    assert desk.row(case_id).status == CaseStatus.snoozed
    say(desk, group, "fifth")
    desk.decide()
    assert desk.row(case_id).status == CaseStatus.open


def test_after_the_case_is_closed_a_copy_opens_another_that_names_it(desk: Any, group: int) -> None:
    say(desk, group, "ann")
    desk.decide()
    old = desk.row(desk.all_cases()[0].id)
    desk.cases.resolve(desk.mia, old.id, old.version)
    say(desk, group, "bob"), say(desk, group, "cat")
    desk.decide()
    _, new = desk.all_cases()
    assert f"A copy of what case {old.id} was about, which is closed" in [
        reason["text"] for reason in new.reasons
    ]
    assert desk.row(new.id).copies == 1


def test_the_copys_author_has_their_own_thread(desk: Any, group: int) -> None:
    say(desk, group, "ann"), say(desk, group, "bob")
    desk.decide()
    desk.thank(who="bob", thread="t-bob")
    desk.say("It is broken, too", who="bob", thread="t-bob")
    desk.decide()
    first, second = desk.all_cases()
    assert desk.row(second.id).name == "Bob"
    assert len(members(desk, first.id)) == 2


def test_a_copy_that_is_edited_stays_where_it_is(desk: Any, group: int) -> None:
    say(desk, group, "ann")
    second = say(desk, group, "bob")
    desk.decide()
    desk.edit(second, "Something else that is just as bad", copy_group_id=None)
    desk.decide()
    [case] = desk.all_cases()
    assert len(members(desk, case.id)) == 2
    assert [copy.id for copy in desk.views.case(desk.mia, case.id).copies.rows] == [second]


def test_the_thread_shows_copies_apart_from_what_was_said_in_it(desk: Any, group: int) -> None:
    first = say(desk, group, "ann")
    desk.decide()
    desk.later(hours=1)
    second = say(desk, group, "bob", channel="forum")
    beside = say(desk, group, "cat", thread="t-ann")
    desk.later(hours=1)
    say(desk, group, "bob", thread="t2-bob")
    desk.say("any news?", who="ann", thread="t-ann")
    desk.decide()
    view = desk.views.case(desk.mia, desk.all_cases()[0].id)
    said = [entry.id for entry in view.entries if entry.kind == "mention"]
    assert second not in said
    assert beside not in said
    assert len(said) == 2
    assert view.case.mentions == 2
    copies = view.copies
    assert (copies.of, copies.n, copies.authors) == (first, 3, 2)
    assert [(copy.who, copy.channel) for copy in copies.rows] == [
        ("@bob", "forum"), ("@cat", "town"), ("@bob", "town"),
    ]  # fmt: skip
    assert copies.last_at == desk.clock()


def test_a_first_that_is_gone_is_no_copy_of_itself(desk: Any, group: int) -> None:
    first = say(desk, group, "ann")
    second = say(desk, group, "bob")
    desk.decide()
    with desk.store.write() as session:
        mention = session.get_one(Mention, first)
        mention.identity, mention.body, mention.gone_at = "", "", desk.clock()
    copies = desk.views.case(desk.mia, desk.all_cases()[0].id).copies
    assert (copies.of, [copy.id for copy in copies.rows]) == (first, [second])


def test_many_copies_are_listed_up_to_a_hundred_and_counted_all(lite_desk: Any) -> None:
    desk = lite_desk
    group = new_group(desk)
    crowd(desk, group, LISTED + 6)
    copies = desk.views.case(desk.mia, desk.all_cases()[0].id).copies
    assert (copies.n, len(copies.rows)) == (LISTED + 5, LISTED)


async def _deliver(desk: Any) -> None:
    desk.later(minutes=1)
    await desk.outbox().deliver_due(10)


def test_the_one_who_is_chosen_is_answered(desk: Any, group: int) -> None:
    say(desk, group, "ann")
    second = say(desk, group, "bob", channel="forum")
    desk.decide()
    [case] = desk.all_cases()
    view = desk.views.case(desk.mia, case.id)
    reply_id = desk.replies.send(
        desk.mia, case.id, "So sorry!", view.last_mention_id, view.case.version, copy_id=second
    )
    with desk.store.read() as session:
        reply = session.get_one(Reply, reply_id)
        assert (reply.mention_id, reply.channel) == (second, "forum")
        target = session.get_one(Mention, second)
        assert reply.target_ref == target.reply_ref
    say(desk, group, "cat")  # another copy meanwhile is in nobody's way
    desk.decide()
    asyncio.run(_deliver(desk))
    assert desk.reply(reply_id).state in {Delivery.sent, Delivery.confirmed}
    assert desk.row(case.id).status == CaseStatus.waiting


def test_a_reply_to_a_copy_is_withdrawn_once_that_copy_says_something_else(
    desk: Any, group: int
) -> None:
    say(desk, group, "ann")
    second = say(desk, group, "bob")
    desk.decide()
    [case] = desk.all_cases()
    view = desk.views.case(desk.mia, case.id)
    reply_id = desk.replies.send(
        desk.mia, case.id, "So sorry!", view.last_mention_id, view.case.version, copy_id=second
    )
    third = say(desk, group, "cat")
    desk.decide()
    desk.edit(third, WORDS + " Really.")
    desk.decide()
    assert desk.reply(reply_id).state == Delivery.approved, "that one is not answered"
    desk.edit(second, "All is well again, thanks")
    desk.decide()
    assert desk.reply(reply_id).state == Delivery.draft


def test_only_a_copy_of_the_case_can_be_chosen(desk: Any, group: int) -> None:
    first = say(desk, group, "ann")
    stranger = say(desk, group, "bob", copy_group_id=None)
    desk.decide()
    case = desk.all_cases()[0]
    view = desk.views.case(desk.mia, case.id)
    for wrong in (stranger, first, 10**9):
        with pytest.raises(ReplyError):
            desk.replies.send(
                desk.mia, case.id, "Hi", view.last_mention_id, view.case.version, copy_id=wrong
            )
    say(desk, group, "cat")
    desk.say("and another thing", thread="t-ann")
    desk.decide()
    copy = desk.views.case(desk.mia, case.id).copies.rows[0].id
    with pytest.raises(CaseChanged):
        desk.replies.send(
            desk.mia, case.id, "Hi", view.last_mention_id, view.case.version, copy_id=copy
        )


def test_a_copy_that_joins_is_in_nobodys_way(desk: Any, group: int) -> None:
    say(desk, group, "ann")
    desk.decide()
    [case] = desk.all_cases()
    view = desk.views.case(desk.mia, case.id)
    say(desk, group, "bob")
    desk.decide()
    desk.replies.send(desk.mia, case.id, "So sorry!", view.last_mention_id, view.case.version)


def test_the_trail_names_nobody_who_copied(desk: Any, group: int) -> None:
    say(desk, group, "ann"), say(desk, group, "bob")
    desk.decide()
    with desk.store.read() as session:
        written = session.execute(sa.text("SELECT before, after, reason FROM audit_entry")).all()
    assert "copy of these words" in str(written)
    assert "bob" not in str(written)
