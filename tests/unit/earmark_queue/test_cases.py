from datetime import timedelta

import pytest
from sqlmodel import select

from earmark_core.errors import CaseChanged, CaseClosed, CaseError, CaseTaken, UnknownCase
from earmark_core.model import AUTOMATIC, Actor, Label, Priority, Role
from earmark_core.tables import Correction, Mention, RollupHour
from earmark_queue import clocks


def test_one_case_for_a_contact_and_thread_and_the_clock_of_the_policy(desk):
    first = desk.say(seen_at=desk.clock() - timedelta(minutes=5))
    desk.say("Hello?? Still nothing")
    desk.say("Mine is late too", who="bob")
    desk.say("And my other order", thread="t2")
    assert desk.decide() == 4
    assert desk.decide() == 0
    cases = desk.all_cases()
    assert len(cases) == 3
    ann = desk.row(cases[0].id)
    assert (ann.mentions, ann.status, ann.name, ann.handle) == (2, "new", "Ann", "@ann")
    assert ann.headline == "My parcel never arrived"
    assert ann.due_at == desk.clock() + timedelta(minutes=235)
    assert desk.clocks(ann.id) == [("first_response", "running")]
    view = desk.views.case(desk.mia, ann.id)
    assert view.why[:2] == ("Negative (70%)", "Complains: “never arrived”")
    assert 'Matched "acme"' in view.why
    assert desk.cases.decide_pending() == 0
    assert first in [entry.id for entry in view.entries if entry.kind == "mention"]


def test_nobody_named_and_no_thread_still_has_one_case_each(desk):
    desk.say(who="", thread="")
    desk.say(who="", thread="")
    desk.say(who="", thread="review-7")
    desk.say("again", who="", thread="review-7")
    desk.decide()
    assert [desk.row(case.id).mentions for case in desk.all_cases()] == [1, 1, 2]
    assert {case.contact_id for case in desk.all_cases()} == {None}


@pytest.mark.parametrize(
    "more",
    [
        {"is_own": True},
        {"kind": AUTOMATIC},
        {"is_history": True},
        {"brand": None},
        {"label": "positive", "p_neg": 0.0, "cues": []},
        {"scored_at": None},
    ],
)
def test_what_opens_no_case(desk, more):
    desk.say(**more)
    desk.decide()
    assert desk.all_cases() == []


def test_a_competitors_mention_opens_none(desk):
    desk.say(brand=desk.rival_id)
    assert desk.decide() == 1
    assert desk.all_cases() == []


def test_a_mention_of_two_brands_counts_for_each(desk, new_desk):
    from earmark_core.tables import Brand, Match

    mention = desk.say()
    with desk.store.write() as session:
        brand = Brand(name="Sister", created_at=desk.clock())
        session.add(brand)
        session.flush()
        session.add(Match(mention_id=mention, brand_id=brand.id, clause="sister"))
    desk.decide()
    assert len({case.brand_id for case in desk.all_cases()}) == 2


def test_history_in_bulk_is_decided_without_a_case(desk):
    for _ in range(60):
        desk.say(is_history=True)
    assert desk.cases.decide_pending(limit=50) == 50
    assert desk.cases.decide_pending(limit=50) == 10
    assert desk.all_cases() == []


def test_claiming_names_who_was_first_and_ones_own_changes_nothing(desk):
    case = desk.open()
    held = desk.cases.claim(desk.mia, case.id, case.version)
    assert (held.owner, held.status, held.version) == ("Responder", "open", 2)
    assert desk.cases.claim(desk.mia, case.id).version == 2
    with pytest.raises(CaseTaken, match=r"Responder has had this case since 2 Mar 09:00 UTC"):
        desk.cases.claim(desk.robin, case.id)
    with pytest.raises(UnknownCase):
        desk.cases.claim(desk.mia, 9_999)
    desk.cases.resolve(desk.mia, case.id, 2)
    with pytest.raises(CaseClosed):
        desk.cases.claim(desk.robin, case.id)


def test_claim_next_takes_the_most_urgent_then_the_oldest(desk):
    mild = desk.open(who="mild", thread="a", cues=[], p_neg=0.55)
    desk.later(minutes=1)
    urgent = desk.open(who="hurt", thread="b", cues=[{"kind": "safety", "words": "fire"}])
    older = desk.open(who="late", thread="c")
    assert desk.cases.claim_next(desk.mia).id == urgent.id
    assert desk.cases.claim_next(desk.robin).id == older.id
    assert desk.cases.claim_next(desk.mia, brand_id=desk.rival_id) is None
    assert desk.cases.claim_next(desk.mia).id == mild.id
    assert desk.cases.claim_next(desk.mia) is None


def test_acting_on_what_changed_says_what_and_by_whom(desk):
    case = desk.open()
    desk.cases.claim(desk.mia, case.id)
    with pytest.raises(CaseChanged, match=r"somebody took it \(Responder\)"):
        desk.cases.resolve(desk.mia, case.id, case.version)


def test_only_a_manager_acts_on_what_another_holds(desk):
    case = desk.open()
    held = desk.cases.claim(desk.mia, case.id)
    with pytest.raises(CaseTaken):
        desk.cases.resolve(desk.robin, case.id, held.version)
    moved = desk.cases.assign(desk.boss, case.id, desk.robin.person_id, held.version)
    assert moved.owner == "Robin"
    viewer = desk.people[Role.viewer]
    with pytest.raises(CaseError, match="cannot hold"):
        desk.cases.assign(desk.boss, case.id, viewer.person_id, moved.version)
    back = desk.cases.release(desk.robin, case.id, moved.version)
    assert back.owner is None
    assert desk.cases.claim(desk.mia, case.id).owner == "Responder"


def test_a_snooze_wakes_by_itself_and_keeps_its_owner(desk):
    case = desk.cases.claim(desk.mia, desk.open().id)
    until = desk.clock() + timedelta(hours=1)
    asleep = desk.cases.snooze(desk.mia, case.id, until, case.version)
    assert asleep.status == "snoozed"
    with pytest.raises(CaseError, match="past"):
        desk.cases.snooze(desk.mia, case.id, desk.clock(), asleep.version)
    assert clocks.tick(desk.store, desk.clock).woken == 0
    desk.later(hours=1)
    assert clocks.tick(desk.store, desk.clock).woken == 1
    assert clocks.tick(desk.store, desk.clock).woken == 0
    row = desk.row(case.id)
    assert (row.status, row.owner) == ("open", "Responder")
    assert [entry.by for entry in desk.audit("case", case.id)][-1] == "rule:wake"


def test_the_customers_word_wakes_a_sleeping_case(desk):
    case = desk.open()
    desk.cases.snooze(desk.mia, case.id, desk.clock() + timedelta(days=1), case.version)
    desk.say("Anybody there?")
    desk.decide()
    assert desk.row(case.id).status == "open"
    assert desk.case(case.id).wake_at is None


def test_a_broken_promise_raises_the_case_once(desk):
    case = desk.open(cues=[], p_neg=0.65)
    assert case.priority == "normal"
    desk.later(minutes=241)
    assert clocks.tick(desk.store, desk.clock).breached == 1
    assert clocks.tick(desk.store, desk.clock).breached == 0
    row = desk.row(case.id)
    assert (row.is_breached, row.priority) == (True, "high")
    assert desk.case(case.id).priority_reasons[0] == "Late since 2 Mar 13:00 UTC"
    assert desk.clocks(case.id) == [("first_response", "breached")]
    desk.say("Hello?")
    desk.decide()
    assert desk.clocks(case.id) == [("first_response", "breached")]


def test_a_breach_leaves_a_priority_that_a_person_set(desk):
    case = desk.open()
    row = desk.cases.set_priority(desk.mia, case.id, Priority.low, case.version)
    assert row.priority == "low"
    desk.later(days=1)
    clocks.tick(desk.store, desk.clock)
    desk.say("This is dangerous", cues=[{"kind": "safety", "words": "dangerous"}])
    desk.decide()
    assert desk.row(case.id).priority == "low"


def test_urgent_brings_the_clock_forward(desk):
    case = desk.open()
    row = desk.cases.set_priority(desk.mia, case.id, Priority.urgent, case.version)
    assert row.due_at == desk.clock() + timedelta(minutes=60)


def test_resolving_ends_the_clock_and_a_new_complaint_reopens(desk):
    case = desk.open()
    done = desk.cases.resolve(desk.mia, case.id, case.version, "refunded")
    assert (done.status, done.due_at) == ("resolved", None)
    desk.later(days=1)
    assert clocks.tick(desk.store, desk.clock).breached == 0
    assert desk.clocks(case.id) == [("first_response", "cancelled")]
    desk.say("Still broken!")
    desk.decide()
    assert desk.row(case.id).status == "open"
    assert len(desk.all_cases()) == 1
    assert desk.clocks(case.id)[1] == ("first_response", "running")


def test_after_the_window_a_new_case_opens(desk):
    case = desk.open()
    desk.cases.resolve(desk.mia, case.id, case.version)
    desk.later(days=15)
    desk.say("Broken again")
    desk.decide()
    assert [row.status for row in desk.all_cases()] == ["resolved", "new"]
    resolved = desk.row(case.id)
    with pytest.raises(CaseError, match="open for the same contact"):
        desk.cases.reopen(desk.mia, case.id, resolved.version)


def test_dismissed_stays_dismissed_and_can_be_taken_up_again(desk):
    case = desk.open()
    gone = desk.cases.dismiss(desk.mia, case.id, case.version, "spam")
    with pytest.raises(CaseClosed):
        desk.cases.resolve(desk.mia, case.id, gone.version)
    back = desk.cases.reopen(desk.mia, case.id, gone.version)
    assert (back.status, back.due_at) == ("open", desk.clock() + timedelta(minutes=240))


def test_an_edit_is_told_to_the_case(desk):
    mention = desk.say()
    desk.decide()
    (case,) = desk.all_cases()
    desk.edit(mention, "It burned my kitchen", cues=[{"kind": "safety", "words": "burned"}])
    desk.decide()
    assert desk.row(case.id).priority == "urgent"
    assert "edit" in [entry.action for entry in desk.audit("case", case.id)]
    version = desk.row(case.id).version
    with desk.store.write() as session:  # decided again without other words: nothing new
        session.get_one(Mention, mention).decided_at = None
    desk.decide()
    assert desk.row(case.id).version == version


def test_a_dismissed_mention_that_is_decided_again_opens_nothing(desk):
    mention = desk.say()
    desk.decide()
    (case,) = desk.all_cases()
    desk.cases.dismiss(desk.mia, case.id, case.version, "spam")
    with desk.store.write() as session:
        session.get_one(Mention, mention).decided_at = None
    desk.decide()
    assert len(desk.all_cases()) == 1


def test_a_correction_moves_the_counts_the_case_and_the_history(desk):
    mention = desk.say()
    desk.decide()
    (case,) = desk.all_cases()
    hour = desk.clock().replace(minute=0)
    with desk.store.write() as session:
        session.add(RollupHour(brand_id=desk.brand_id, channel="town", hour=hour, n=1, negative=1))
    change = desk.cases.correct(desk.mia, mention, Label.neutral)
    assert (change.old, change.new) == (Label.negative, Label.neutral)
    desk.cases.correct(desk.mia, mention, Label.neutral)
    with desk.store.read() as session:
        row = session.exec(select(RollupHour)).one()
        corrections = session.exec(select(Correction)).all()
        assert (row.n, row.negative, row.neutral) == (1, 0, 1)
        assert [(one.machine_label, one.label) for one in corrections] == [("negative", "neutral")]
    assert desk.row(case.id).label == "neutral"
    assert len(desk.audit("mention", mention)) == 1
    with pytest.raises(Exception, match="no such mention"):
        desk.cases.correct(desk.mia, 9_999, Label.neutral)


def test_notes_and_typing_are_kept_per_person(desk):
    case = desk.open()
    desk.cases.note(desk.mia, case.id, "called her\x00 twice")
    with pytest.raises(CaseError):
        desk.cases.note(desk.mia, case.id, "  ")
    desk.cases.save_draft(desk.mia, case.id, "Dear Ann, ")
    desk.cases.save_draft(desk.mia, case.id, "Dear Ann, we")
    desk.cases.save_draft(desk.robin, case.id, "mine")
    view = desk.views.case(desk.mia, case.id)
    assert view.draft == "Dear Ann, we"
    assert [entry.text for entry in view.entries if entry.kind == "note"] == ["called her twice"]
    desk.cases.save_draft(desk.mia, case.id, "")
    assert desk.views.case(desk.mia, case.id).draft == ""
    assert desk.row(case.id).version == case.version


def test_a_rule_cannot_hold_a_case(desk):
    case = desk.open()
    with pytest.raises(CaseError, match="Only a person"):
        desk.cases.claim(Actor("earmark", Role.admin), case.id)
