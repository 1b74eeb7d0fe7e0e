"""Every public method as every role: hiding a page is not a check."""

import inspect
from datetime import timedelta

import pytest

from earmark_core.errors import EarmarkError, NotAllowed
from earmark_core.model import Label, Priority, Role
from earmark_queue.cases import Cases
from earmark_queue.replies import Replies
from earmark_queue.views import Views

CALLS = {
    "Cases.claim": (Role.responder, lambda d, a: d.cases.claim(a, 1)),
    "Cases.claim_next": (Role.responder, lambda d, a: d.cases.claim_next(a)),
    "Cases.assign": (Role.responder, lambda d, a: d.cases.assign(a, 1, a.person_id, 1)),
    "Cases.assign to another": (
        Role.manager,
        lambda d, a: d.cases.assign(a, 1, d.robin.person_id, 1),
    ),
    "Cases.release": (Role.responder, lambda d, a: d.cases.release(a, 1, 1)),
    "Cases.snooze": (
        Role.responder,
        lambda d, a: d.cases.snooze(a, 1, d.clock() + timedelta(1), 1),
    ),
    "Cases.resolve": (Role.responder, lambda d, a: d.cases.resolve(a, 1, 1)),
    "Cases.dismiss": (Role.responder, lambda d, a: d.cases.dismiss(a, 1, 1, "spam")),
    "Cases.reopen": (Role.responder, lambda d, a: d.cases.reopen(a, 1, 1)),
    "Cases.set_priority": (
        Role.responder,
        lambda d, a: d.cases.set_priority(a, 1, Priority.low, 1),
    ),
    "Cases.note": (Role.responder, lambda d, a: d.cases.note(a, 1, "n")),
    "Cases.save_draft": (Role.responder, lambda d, a: d.cases.save_draft(a, 1, "n")),
    "Cases.correct": (Role.responder, lambda d, a: d.cases.correct(a, 1, Label.neutral)),
    "Replies.draft": (Role.responder, lambda d, a: d.replies.draft(a, 1, "hi", 1, 1)),
    "Replies.send": (Role.responder, lambda d, a: d.replies.send(a, 1, "hi", 1, 1)),
    "Replies.approve": (Role.approver, lambda d, a: d.replies.approve(a, 1)),
    "Replies.cancel": (Role.responder, lambda d, a: d.replies.cancel(a, 1)),
    "Replies.retry": (Role.responder, lambda d, a: d.replies.retry(a, 1)),
    "Replies.confirm_by_hand": (
        Role.responder,
        lambda d, a: d.replies.confirm_by_hand(a, 1, "hi"),
    ),
    "Replies.confirm_posted": (Role.responder, lambda d, a: d.replies.confirm_posted(a, 1)),
    "Views.inbox": (Role.viewer, lambda d, a: d.views.inbox(a)),
    "Views.counts": (Role.viewer, lambda d, a: d.views.counts(a)),
    "Views.case": (Role.viewer, lambda d, a: d.views.case(a, 1)),
    "Views.people": (Role.viewer, lambda d, a: d.views.people(a)),
    "Views.saved_replies": (Role.viewer, lambda d, a: d.views.saved_replies(a, 1)),
    "Views.outbox": (Role.viewer, lambda d, a: d.views.outbox(a)),
    "Views.mentions": (Role.viewer, lambda d, a: d.views.mentions(a, 1)),
    "Views.scored_counts": (
        Role.viewer,
        lambda d, a: d.views.scored_counts(a, 1, d.clock() - timedelta(1), d.clock()),
    ),
    "Views.change_counter": (Role.viewer, lambda d, a: d.views.change_counter(a)),
}
BY_ENGINE = {"Cases.decide_pending"}


def test_the_table_holds_every_public_method():
    public = {
        f"{room.__name__}.{name}"
        for room in (Cases, Replies, Views)
        for name, _ in inspect.getmembers(room, inspect.isfunction)
        if not name.startswith("_")
    }
    assert {name.split()[0] for name in CALLS} | BY_ENGINE == public


@pytest.mark.parametrize("name", CALLS)
def test_each_role_may_do_what_its_name_says(lite_desk, name):
    lowest, call = CALLS[name]
    lite_desk.open()
    for role in Role:
        actor = lite_desk.people[role]
        if role.rank < lowest.rank:
            with pytest.raises(NotAllowed) as refused:
                call(lite_desk, actor)
            assert refused.value.hint
            assert len(lite_desk.audit("case", 1)) == 1
    try:
        call(lite_desk, lite_desk.people[lowest])
    except NotAllowed as error:
        pytest.fail(f"{lowest} was refused: {error}")
    except EarmarkError:
        pass  # allowed, though there is nothing to do it to


def test_who_may_write_may_not_approve_their_own_words(lite_desk):
    lite_desk.open()
    view = lite_desk.views.case(lite_desk.mia, 1)
    reply = lite_desk.replies.draft(lite_desk.mia, 1, "hi", view.last_mention_id, 1)
    with pytest.raises(NotAllowed):
        lite_desk.replies.approve(lite_desk.mia, reply)
