import pytest

from earmark_core.errors import CaseChanged, CaseTaken, NotAllowed, ReplyError
from earmark_core.model import Role
from earmark_core.tables import Policy
from earmark_listeners.contract import ChannelRules


def needs_approval(desk):
    from sqlmodel import select

    with desk.store.write() as session:
        session.exec(select(Policy)).one().needs_approval = True


def test_sending_takes_the_case_and_waits_for_the_undo(desk):
    case = desk.open()
    reply_id = desk.send(case.id)
    row = desk.row(case.id)
    assert (row.owner, row.reply_state) == ("Responder", "approved")
    assert (desk.reply(reply_id).not_before - desk.clock()).total_seconds() == 10
    desk.replies.cancel(desk.mia, reply_id)
    assert desk.reply(reply_id).state == "cancelled"
    assert desk.row(case.id).status == "open"


def test_a_double_click_sends_once_and_other_words_are_refused(desk):
    case = desk.open()
    view = desk.views.case(desk.mia, case.id)
    args = (desk.mia, case.id, "So sorry!", view.last_mention_id, case.version)
    assert desk.replies.send(*args) == desk.replies.send(*args)
    with pytest.raises(ReplyError, match="Responder is answering already"):
        desk.send(case.id, "Something else")
    with pytest.raises(CaseTaken):
        desk.send(case.id, "Me too", actor=desk.robin)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("", "nothing to send"),
        (" \x00 ", "nothing to send"),
        ("Dear {name}, sorry", r"\{name\} is not filled in"),
        ("x" * 101, "too long: 101 of 100 characters"),
    ],
)
def test_words_that_cannot_go_out_are_refused_before_approval(desk, body, said):
    case = desk.open()
    with pytest.raises(ReplyError, match=said):
        desk.send(case.id, body)
    assert desk.row(case.id).version == case.version


def test_a_length_is_counted_as_the_channel_counts(desk):
    desk.rules = ChannelRules(can_reply=True, max_length=5, length_of=lambda text: len(text) // 3)
    desk.send(desk.open().id, "x" * 15)


def test_a_thread_that_changed_stops_the_send_and_says_how(desk):
    case = desk.open()
    view = desk.views.case(desk.mia, case.id)
    desk.say("Forget it, it came!")
    desk.decide()
    with pytest.raises(CaseChanged, match=r"customer wrote again \(rule:new mention\)"):
        desk.replies.send(desk.mia, case.id, "Sorry", view.last_mention_id, case.version)
    with pytest.raises(CaseChanged, match="customer wrote again"):
        desk.replies.draft(desk.mia, case.id, "Sorry", view.last_mention_id, view.last_revision)


def test_an_edit_no_page_has_shown_stops_the_send(desk):
    mention = desk.say()
    desk.decide()
    (case,) = desk.all_cases()
    view = desk.views.case(desk.mia, case.id)
    desk.edit(mention, "It came, all good")
    with pytest.raises(CaseChanged, match="edited"):
        desk.replies.send(desk.mia, case.id, "Sorry", mention, view.case.version)


def test_what_only_moved_the_case_does_not_stop_a_send(desk):
    case = desk.open()
    view = desk.views.case(desk.mia, case.id)
    held = desk.cases.claim(desk.mia, case.id)
    assert held.version > view.case.version
    assert desk.replies.send(desk.mia, case.id, "Sorry", view.last_mention_id, view.case.version)


def test_an_edit_withdraws_the_approval(desk):
    mention = desk.say()
    desk.decide()
    (case,) = desk.all_cases()
    reply_id = desk.send(case.id)
    desk.edit(mention, "It came, all good")
    desk.decide()
    reply = desk.reply(reply_id)
    assert (reply.state, reply.error, reply.approved_hash) == (
        "draft",
        "the mention was edited",
        "",
    )
    newer = desk.send(case.id, "Glad to hear!")
    assert desk.reply(reply_id).state == "cancelled"
    assert desk.reply(newer).state == "approved"


def test_four_eyes(desk):
    needs_approval(desk)
    case = desk.open()
    reply_id = desk.send(case.id)
    assert desk.reply(reply_id).state == "awaiting_approval"
    assert [row.id for row in desk.views.inbox(desk.mia, "approval").rows] == [case.id]
    with pytest.raises(NotAllowed):
        desk.replies.approve(desk.mia, reply_id)
    approver = desk.people[Role.approver]
    desk.replies.approve(approver, reply_id)
    reply = desk.reply(reply_id)
    assert (reply.state, reply.approved_by) == ("approved", "Approver")
    with pytest.raises(ReplyError):
        desk.replies.approve(approver, reply_id)


def test_an_approval_of_stale_words_is_refused(desk):
    needs_approval(desk)
    case = desk.open()
    reply_id = desk.send(case.id)
    desk.say("And another thing")
    desk.decide()
    with pytest.raises(CaseChanged):
        desk.replies.approve(desk.people[Role.approver], reply_id)


def test_only_the_author_or_an_approver_takes_a_reply_back(desk):
    reply_id = desk.send(desk.open().id)
    with pytest.raises(NotAllowed):
        desk.replies.cancel(desk.robin, reply_id)
    desk.replies.cancel(desk.people[Role.approver], reply_id)


def test_a_channel_without_replies_is_confirmed_by_hand(desk):
    desk.rules = ChannelRules()
    case = desk.open()
    with pytest.raises(ReplyError, match="takes no replies"):
        desk.send(case.id)
    reply_id = desk.replies.confirm_by_hand(
        desk.mia, case.id, "Posted this", "https://town.example/9"
    )
    reply = desk.reply(reply_id)
    assert (reply.state, reply.is_by_hand, reply.remote_url) == (
        "confirmed",
        True,
        "https://town.example/9",
    )
    row = desk.row(case.id)
    assert (row.status, row.owner, row.due_at) == ("waiting", "Responder", None)
    assert desk.clocks(case.id) == [("first_response", "met")]
    assert [entry.action for entry in desk.audit("case", case.id)] == ["open", "claim", "replied"]
    bad = desk.replies.confirm_by_hand(desk.mia, case.id, "More", "javascript:alert(1)")
    assert desk.reply(bad).remote_url == ""


def test_one_reply_per_item_where_the_channel_says_so(desk):
    desk.rules = ChannelRules(can_reply=True, one_reply_per_item=True)
    case = desk.open()
    desk.replies.confirm_by_hand(desk.mia, case.id, "Posted")
    with pytest.raises(ReplyError, match="one reply for each item"):
        desk.send(case.id, "Another")


@pytest.mark.parametrize("can_edit", [True, False])
def test_an_item_edited_since_is_answered_anew_where_the_answer_may_be_changed(desk, can_edit):
    desk.rules = ChannelRules(can_reply=True, one_reply_per_item=True, can_edit=can_edit)
    case = desk.open()
    desk.replies.confirm_by_hand(desk.mia, case.id, "Posted")
    mention_id = desk.views.case(desk.mia, case.id).last_mention_id
    desk.edit(mention_id, "It broke again, one star")
    desk.decide()
    if can_edit:
        desk.send(case.id, "Sorry again")
        return
    with pytest.raises(ReplyError, match="one reply for each item"):
        desk.send(case.id, "Sorry again")
