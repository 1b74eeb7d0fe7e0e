"""A reply on X goes out once, only where X takes it, and is found again as X writes it."""

import json
from datetime import UTC, datetime

import httpx
import pytest

from earmark_core.errors import Malformed, ReplyRefused, ReplyUnknown, Unavailable
from earmark_listeners.contract import Gone, Outgoing, Sent, Target
from earmark_listeners.registry import responder

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OPTIONS = {
    "query": "acme",
    "user_id": "900",
    "handle": "acmeair",
    "client_id": "c",
    "refresh_token": "env:R",
}
DUPLICATE = {"detail": "You are not allowed to create a Tweet with duplicate content."}
ABSENT = "https://api.twitter.com/2/problems/resource-not-found"
HIDDEN = "https://api.twitter.com/2/problems/not-authorized-for-resource"


def ours(text, number="77", parent="11", at="2026-03-02T09:00:05.000Z", **more):
    reference = [{"type": "replied_to", "id": parent}]
    return {
        "id": number, "author_id": "900", "text": text, "created_at": at,
        "referenced_tweets": reference, **more,
    }  # fmt: skip


@pytest.fixture
def answering(listen):
    """Does one thing with the responder at a platform of the test's own; keeps what was asked."""

    def do(method, answers, *, options=OPTIONS, text="Sorry, Mara.", **ref):
        asked = []

        def serve(request):
            asked.append(request)
            if request.url.path == "/2/oauth2/token":
                return httpx.Response(200, json={"access_token": "a" * 9, "expires_in": 7200})
            answer = answers[f"{request.method} {request.url.path}"]
            status, body = answer if isinstance(answer, tuple) else (200, answer)
            return httpx.Response(status, json=body)

        target = {"post_id": "11", "names_us": "yes"} | ref
        reply = Outgoing(text, target, "k", NOW)

        async def use(listener):
            there = responder(listener)
            return await getattr(there, method)(target if method == "target" else reply)

        do.asked = asked
        return listen("x", options, serve, use)

    return do


def posts(*listed, **meta):
    found = {"meta": {"result_count": len(listed)} | meta}
    return found | ({"data": list(listed)} if listed else {})


def test_reply_names_what_it_answers_and_nothing_else(answering):
    sent = answering("send", {"POST /2/tweets": (201, {"data": {"id": "77", "text": "x"}})})
    assert sent == Sent("77", "https://x.com/i/status/77")
    body = json.loads(answering.asked[-1].content)
    assert body == {"text": "Sorry, Mara.", "reply": {"in_reply_to_tweet_id": "11"}}
    assert answering.asked[-1].headers["Authorization"] == "Bearer aaaaaaaaa"


def test_a_post_that_does_not_name_us_is_not_even_tried(answering):
    with pytest.raises(ReplyRefused, match="this one does not") as caught:
        answering("send", {}, names_us="no")
    assert "answer there" in caught.value.hint
    assert answering.asked == []


@pytest.mark.parametrize(
    ("options", "ref"),
    [({"replies_to": "all"}, {"names_us": "no"}), ({}, {"names_us": ""})],
    ids=["Enterprise", "not known"],
)
def test_where_the_rule_does_not_hold_or_is_not_known_x_decides(answering, options, ref):
    taken = {"POST /2/tweets": (201, {"data": {"id": "77"}})}
    assert answering("send", taken, options=OPTIONS | options, **ref).remote_id == "77"


def test_the_rule_is_told_with_x_s_own_words(answering):
    said = {"detail": "You are not permitted to perform this action."}
    with pytest.raises(ReplyRefused, match="not permitted") as caught:
        answering("send", {"POST /2/tweets": (403, said)})
    assert "name or quote us" in caught.value.hint


def test_the_same_words_are_ours_if_they_stand_below_the_post(answering):
    own = posts(ours("@mara Sorry, Mara."))
    answers = {"POST /2/tweets": (403, DUPLICATE), "GET /2/users/900/tweets": own}
    assert answering("send", answers).remote_id == "77"


def test_the_same_words_elsewhere_go_back_to_a_person(answering):
    own = posts(ours("@tomo Sorry, Mara.", parent="12"))
    answers = {"POST /2/tweets": (403, DUPLICATE), "GET /2/users/900/tweets": own}
    with pytest.raises(ReplyRefused, match="duplicate") as caught:
        answering("send", answers)
    assert "other words" in caught.value.hint


def test_the_same_words_with_no_way_to_look_are_unknown(answering):
    answers = {"POST /2/tweets": (403, DUPLICATE), "GET /2/users/900/tweets": (503, {})}
    with pytest.raises(ReplyUnknown):
        answering("send", answers)


LINK = {"urls": [{"url": "https://t.co/a", "expanded_url": "https://acme.example/claim"}]}


@pytest.mark.parametrize(
    ("text", "theirs"),
    [
        ("Sorry & thanks", ours("Sorry &amp; thanks")),
        ("Sorry", ours("@mara @tomo Sorry")),
        ("@mara Sorry", ours("@mara @tomo Sorry")),
        ("See https://acme.example/claim", ours("@mara See https://t.co/a", entities=LINK)),
        ("See https://acme.example/claim/ now", ours("See https://t.co/a now", entities=LINK)),
        ("See acme.example/claim now", ours("See https://t.co/a now", entities=LINK)),
        ("long " * 80, ours("long long…", note_tweet={"text": "long " * 80})),
    ],
)
def test_our_reply_is_known_as_x_writes_it(answering, text, theirs):
    answers = {"GET /2/users/900/tweets": posts(theirs)}
    assert answering("find", answers, text=text) == Sent("77", "https://x.com/i/status/77")


@pytest.mark.parametrize(
    "theirs",
    [
        ours("Sorry, Mara", parent="12"),
        ours("Sorry, Mara.", at="2026-03-02T08:40:00.000Z"),
        ours("Sorry, Tomo."),
        {"id": "77", "text": "Sorry, Mara.", "created_at": "2026-03-02T09:00:05.000Z"},
    ],
    ids=["below another", "long before", "other words", "no reply"],
)
def test_another_post_of_ours_is_not_the_reply(answering, theirs):
    assert answering("find", {"GET /2/users/900/tweets": posts(theirs)}) is None


def test_our_own_posts_are_looked_through_page_by_page_and_then_it_is_said(answering):
    with pytest.raises(Unavailable, match="too much"):
        answering("find", {"GET /2/users/900/tweets": posts(ours("x"), next_token="n")})
    tokens = [r.url.params.get("pagination_token") for r in answering.asked[1:]]
    assert tokens == [None, "n", "n"]


def test_no_word_of_our_own_posts_is_not_none(answering):
    with pytest.raises(Malformed):
        answering("find", {"GET /2/users/900/tweets": {"meta": {}}})


def test_target_is_the_last_version_of_an_edited_post(answering):
    history = ["11", "15"]
    first = {"id": "11", "text": "late", "edit_history_tweet_ids": history}
    last = {
        "id": "15", "text": "very &lt;late&gt;", "edit_history_tweet_ids": history,
        "created_at": "2026-03-02T08:30:00.000Z",
    }  # fmt: skip
    said = {"data": first, "includes": {"tweets": [last]}}
    found = answering("target", {"GET /2/tweets/11": said})
    assert found == Target("very <late>", datetime(2026, 3, 2, 8, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ({"errors": [{"type": ABSENT}]}, "deleted"),
        ({"errors": [{"type": HIDDEN}]}, "protected"),
        ((404, {"title": "Not Found"}), "deleted"),
    ],
)
def test_target_that_is_gone_says_why(answering, answer, says):
    found = answering("target", {"GET /2/tweets/11": answer})
    assert isinstance(found, Gone)
    assert says in found.reason


def test_an_answer_about_nothing_is_not_gone(answering):
    with pytest.raises(Malformed):
        answering("target", {"GET /2/tweets/11": {}})
