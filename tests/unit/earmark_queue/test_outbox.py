import asyncio
import contextlib
import itertools
from datetime import timedelta
from random import Random

import pytest
from sqlmodel import col, select

from earmark_core.errors import (
    ConfigError,
    Held,
    Interrupted,
    Malformed,
    Rejected,
    ReplyRefused,
    ReplyUnknown,
    Unavailable,
)
from earmark_core.model import Delivery
from earmark_core.tables import Reply, Source
from earmark_listeners.contract import Target
from earmark_queue.delivery import STEPS


def deliver(desk, **pace):
    return asyncio.run(desk.outbox(**pace).deliver_due(20))


def sent(desk, **more):
    case = desk.open(**more)
    reply_id = desk.send(case.id)
    desk.later(seconds=10)
    return case.id, reply_id


def settle(desk, rounds=12, minutes=20):
    for _ in range(rounds):
        deliver(desk)
        desk.later(minutes=minutes)


def state(desk, reply_id):
    return desk.reply(reply_id).state


def test_nothing_leaves_within_the_undo_window(desk):
    case = desk.open()
    reply_id = desk.send(case.id)
    desk.later(seconds=9)
    assert deliver(desk) == 0
    desk.later(seconds=1)
    assert deliver(desk) == 1
    assert state(desk, reply_id) == "sent"


def test_a_reply_goes_out_ends_the_clock_and_is_confirmed_by_a_look(desk):
    case_id, reply_id = sent(desk)
    deliver(desk)
    reply = desk.reply(reply_id)
    assert (reply.state, reply.remote_id, reply.attempts, reply.fence) == ("sent", "r1", 1, 1)
    case = desk.case(case_id)
    assert (case.status, case.due_at, case.first_replied_at) == ("waiting", None, desk.clock())
    assert desk.clocks(case_id) == [("first_response", "met")]
    assert desk.platform.calls == ["target", "send"]
    desk.later(seconds=5)
    deliver(desk)
    assert state(desk, reply_id) == "confirmed"
    assert len(desk.platform.posts) == 1
    assert [entry.after["state"] for entry in desk.audit("reply", reply_id)] == [
        "draft",
        "approved",
        "sending",
        "sent",
        "confirmed",
    ]


def test_the_customers_answer_reopens_and_starts_the_next_clock(desk):
    case_id, _ = sent(desk)
    deliver(desk)
    desk.later(hours=1)
    desk.say("No, it is still not here")
    desk.decide()
    assert desk.row(case_id).status == "open"
    assert desk.clocks(case_id) == [("first_response", "met"), ("next_response", "running")]


def test_a_late_answer_leaves_the_clock_breached(desk):
    case = desk.open()
    desk.later(hours=5)
    desk.send(case.id)
    desk.later(seconds=10)
    deliver(desk)
    assert desk.clocks(case.id) == [("first_response", "breached")]
    assert not desk.row(case.id).is_breached


def test_a_target_that_is_gone_stops_the_send_and_goes_back_to_a_person(desk):
    case_id, reply_id = sent(desk)
    desk.platform.texts.clear()
    deliver(desk)
    reply = desk.reply(reply_id)
    assert (reply.state, desk.platform.posts) == ("cancelled", [])
    assert "gone: deleted" in reply.error
    view = desk.views.case(desk.mia, case_id)
    assert any("gone" in why for why in view.why)
    assert [entry.is_gone for entry in view.entries if entry.kind == "mention"] == [True]


def test_a_target_that_was_edited_goes_back_and_can_be_answered_again(desk):
    case_id, reply_id = sent(desk)
    desk.platform.texts = dict.fromkeys(desk.platform.texts, "It arrived, sorry!")
    deliver(desk)
    assert desk.reply(reply_id).state == "draft"
    assert desk.reply(reply_id).error == "the mention was edited"
    from earmark_core.tables import Mention

    with desk.store.write() as session:  # the scorer comes by
        mention = session.exec(select(Mention)).one()
        assert (mention.body, mention.revision) == ("It arrived, sorry!", 2)
        assert mention.scored_at is None
        mention.scored_at = desk.clock()
    desk.decide()
    again = desk.send(case_id, "Glad to hear!")
    desk.later(seconds=10)
    deliver(desk)
    assert state(desk, again) == "sent"


def test_spacing_alone_is_no_edit(desk):
    _, reply_id = sent(desk)
    desk.platform.texts = {name: f"  {text}\n" for name, text in desk.platform.texts.items()}
    deliver(desk)
    assert state(desk, reply_id) == "sent"


def test_a_newer_word_of_the_customer_stops_the_send(desk):
    _, reply_id = sent(desk)
    desk.say("Never mind")
    desk.decide()
    deliver(desk)
    assert desk.reply(reply_id).error == "the customer wrote again"
    assert desk.platform.posts == []


@pytest.mark.parametrize("change", [{"body": "evil"}, {"target_ref": {"id": "other"}}])
def test_an_approval_holds_for_these_words_and_this_target_only(desk, change):
    _, reply_id = sent(desk)
    with desk.store.write() as session:
        reply = session.get_one(Reply, reply_id)
        for name, value in change.items():
            setattr(reply, name, value)
    deliver(desk)
    assert (state(desk, reply_id), desk.platform.posts) == ("draft", [])


def test_a_refusal_is_shown_and_can_be_tried_again(desk):
    _, reply_id = sent(desk)
    desk.platform.script["send"] = [ReplyRefused("Too rude.", hint="Be nice.")]
    deliver(desk)
    reply = desk.reply(reply_id)
    assert (reply.state, reply.error, reply.error_hint) == ("failed", "Too rude.", "Be nice.")
    assert [row.state for row in desk.views.outbox(desk.mia)] == ["failed"]
    desk.replies.retry(desk.mia, reply_id)
    deliver(desk)
    assert state(desk, reply_id) == "sent"
    assert desk.platform.calls[-3:] == ["find", "target", "send"]


def test_a_platform_that_is_away_is_tried_five_times_then_said(desk):
    _, reply_id = sent(desk)
    desk.platform.script["send"] = [Unavailable("Busy.") for _ in range(9)]
    settle(desk)
    reply = desk.reply(reply_id)
    assert (reply.state, reply.attempts) == ("failed", 5)
    assert reply.error == "Tried 5 times: Busy."
    assert desk.platform.calls.count("send") == 5


def test_a_wait_that_the_platform_asks_for_is_kept(desk):
    _, reply_id = sent(desk)
    desk.platform.script["send"] = [Unavailable("Slow down.", retry_after=timedelta(minutes=9))]
    deliver(desk)
    desk.later(minutes=8)
    assert deliver(desk) == 0
    desk.later(minutes=1)
    deliver(desk)
    assert state(desk, reply_id) == "sent"


@pytest.mark.parametrize("step", ["target", "send"])
def test_a_reply_whose_host_is_to_be_left_alone_waits_and_that_is_no_try(desk, step):
    _, reply_id = sent(desk)
    held = Held("It asked us to wait.", retry_after=timedelta(minutes=9), rate_limited=True)
    desk.platform.script[step] = [held for _ in range(7)]
    for _ in range(7):
        deliver(desk)
        assert (state(desk, reply_id), desk.reply(reply_id).attempts) == ("approved", 0)
        desk.later(minutes=8)
        assert deliver(desk) == 0
        desk.later(minutes=1)
    deliver(desk)
    assert state(desk, reply_id) == "sent"
    with desk.store.read() as session:
        assert not session.exec(select(Source)).one().needs_person


def test_a_broken_account_keeps_replies_in_line_and_calls_a_person(desk):
    _, reply_id = sent(desk)
    desk.platform.script["send"] = [Rejected("Token revoked.") for _ in range(7)]
    settle(desk, rounds=7)
    assert state(desk, reply_id) == "approved"
    with desk.store.read() as session:
        source = session.exec(select(Source)).one()
        assert (source.needs_person, source.error) == (True, "Token revoked.")
    settle(desk, rounds=2)
    assert state(desk, reply_id) == "confirmed"
    assert len(desk.platform.posts) == 1


@pytest.mark.parametrize(
    "error", [ReplyUnknown("Lost."), Interrupted("Lost."), Malformed("Lost."), TimeoutError()]
)
@pytest.mark.parametrize("arrived", [True, False])
def test_what_may_be_out_is_looked_for_and_never_sent_blindly(lite_desk, error, arrived):
    desk = lite_desk
    _, reply_id = sent(desk)
    desk.platform.script["send"] = [error]
    deliver(desk)
    assert state(desk, reply_id) == "unknown"
    if arrived:
        reply = desk.reply(reply_id)
        desk.platform.posts.append((reply.idempotency_key, reply.body))
        desk.platform.hidden = 1  # and is to be seen at the second look only
    settle(desk)
    assert state(desk, reply_id) == "confirmed"
    assert len(desk.platform.posts) == 1


def test_a_target_that_cannot_be_read_again_is_answered_as_it_was_heard(desk):
    _, reply_id = sent(desk)

    async def wordless(_: object) -> Target:
        return Target(None)

    desk.platform.target = wordless
    deliver(desk)
    assert state(desk, reply_id) == "sent"


def test_a_channel_that_cannot_be_asked_leaves_the_doubt_to_a_person(desk):
    _, reply_id = sent(desk)
    desk.platform.script["send"] = [ReplyUnknown("Lost.")]
    desk.platform.script["find"] = [ReplyUnknown("no search here") for _ in range(3)]
    settle(desk, rounds=3)
    assert state(desk, reply_id) == "needs_human"
    assert desk.platform.calls.count("send") == 1
    desk.replies.retry(desk.mia, reply_id)  # a person looked: it is not there
    deliver(desk)
    assert state(desk, reply_id) == "sent"


def test_a_person_who_sees_it_confirms_it(desk):
    case_id, reply_id = sent(desk)
    desk.responder = None
    deliver(desk)
    assert state(desk, reply_id) == "needs_human"
    desk.replies.confirm_posted(desk.mia, reply_id, "https://town.example/x")
    assert (state(desk, reply_id), desk.row(case_id).status) == ("confirmed", "waiting")


def test_settings_that_are_wrong_keep_the_reply_in_line(desk):
    _, reply_id = sent(desk)
    outbox = desk.outbox()

    def broken(_source_id):
        raise ConfigError("No token.")

    outbox._responder_for = broken
    asyncio.run(outbox.deliver_due())
    assert state(desk, reply_id) == "approved"


def test_a_reply_that_is_taken_and_never_seen_goes_to_a_person(desk):
    _, reply_id = sent(desk)
    desk.platform.hidden = 99
    settle(desk)
    assert state(desk, reply_id) == "needs_human"
    assert len(desk.platform.posts) == 1


def test_a_worker_that_died_while_sending_leaves_it_unknown(desk):
    _, reply_id = sent(desk)
    desk.platform.script["send"] = ["lost"]
    with pytest.raises(ConnectionResetError):
        deliver(desk)
    assert state(desk, reply_id) == "sending"
    assert deliver(desk) == 0  # the lease still runs
    desk.later(minutes=4)
    deliver(desk)
    assert state(desk, reply_id) == "unknown"
    assert "stopped while" in desk.reply(reply_id).error
    settle(desk)
    assert state(desk, reply_id) == "confirmed"
    assert len(desk.platform.posts) == 1


def test_a_worker_whose_lease_ran_out_writes_nothing(desk):
    _, reply_id = sent(desk)
    send = desk.platform.send

    async def slow(reply):
        answer = await send(reply)
        desk.later(minutes=10)
        await desk.outbox().deliver_due()
        return answer

    desk.platform.send = slow
    deliver(desk)
    assert state(desk, reply_id) == "unknown"
    settle(desk)
    assert state(desk, reply_id) == "confirmed"
    assert len(desk.platform.posts) == 1


class Killed(BaseException):
    """Stands for kill -9: nothing of ours runs after it."""


@pytest.mark.parametrize("seed", range(25))
def test_killed_anywhere_no_reply_is_doubled_and_none_is_lost(lite_desk, seed):
    """Each commit and each call to the platform is a point to die at."""
    desk, rng = lite_desk, Random(seed)
    ids = [desk.send(desk.open(who=f"p{n}", thread=f"t{n}").id, f"Reply {n}") for n in range(4)]
    desk.later(seconds=10)
    for step in ("target", "find"):
        desk.platform.script[step] = [
            *(rng.choice([Killed(), Unavailable("x"), None, None]) for _ in range(6))
        ]
    original, write = desk.platform.send, desk.store.write

    async def deadly(reply):
        fate = rng.choice(["before", "after", "lost", "away", "fine", "fine"])
        if fate == "before":
            raise Killed
        if fate == "away":
            raise Unavailable("away")
        answer = await original(reply)
        if fate == "after":
            raise Killed
        if fate == "lost":
            raise Interrupted("lost")
        return answer

    def dying(**more):
        if rng.random() < 0.15:
            raise Killed
        return write(**more)

    desk.platform.send, desk.store.write = deadly, dying
    for _ in range(12):
        with contextlib.suppress(Killed):
            deliver(desk)
        desk.later(minutes=4)
    desk.platform.send, desk.store.write = original, write
    for step in desk.platform.script.values():
        step.clear()
    settle(desk, rounds=15, minutes=90)
    texts = [text for _, text in desk.platform.posts]
    assert len(texts) == len(set(texts))
    for number, reply_id in enumerate(ids):
        reply = desk.reply(reply_id)
        assert reply.state in {"confirmed", "failed", "needs_human"}, reply.state
        if reply.state == "confirmed":
            assert f"Reply {number}" in texts
    shown = {row.id for row in desk.views.outbox(desk.mia)}
    assert shown >= set(ids)


def test_each_step_that_was_taken_is_legal(desk):
    _, reply_id = sent(desk)
    desk.platform.script["send"] = [ReplyUnknown("?"), Unavailable("x"), ReplyRefused("no")]
    settle(desk)
    desk.replies.retry(desk.mia, reply_id)
    settle(desk)
    trail = desk.audit("reply", reply_id)
    for entry in trail[1:]:
        assert entry.after["state"] in STEPS[Delivery(entry.before["state"])]
    for one, two in itertools.pairwise(trail):
        assert two.before["state"] == one.after["state"]
    with desk.store.read() as session:
        assert session.exec(select(Reply.state).where(col(Reply.id) == reply_id)).one() == (
            "confirmed"
        )
