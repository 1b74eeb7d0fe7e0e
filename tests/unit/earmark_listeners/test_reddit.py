"""Reddit: paging without `before`, lists that are cut off, refusals in a 200, and the login."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import pytest

from earmark_core.errors import (
    ConfigError,
    EarmarkError,
    Fault,
    Rejected,
    ReplyRefused,
    Unavailable,
)
from earmark_core.model import WindowState
from earmark_listeners.channels.reddit import RedditOptions
from earmark_listeners.contract import Gone, Outgoing, Target
from earmark_listeners.registry import responder

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LOGIN = {"client_id": "id", "client_secret": "env:S", "username": "acme", "password": "env:P"}
COMMENTS = LOGIN | {"kind": "comments", "subreddits": "r/acme, travel", "reply_in": "acme"}
SEARCH = LOGIN | {"kind": "search", "query": "acme air"}


def at(minutes):
    return (NOW - timedelta(minutes=minutes)).timestamp()


def comment(name, minutes, **more):
    return {
        "kind": "t1",
        "data": {
            "name": f"t1_{name}", "created_utc": at(minutes), "body": f"says {name}",
            "author": "mara", "author_fullname": "t2_m", "subreddit": "acme", "edited": False,
            "link_id": "t3_l", "parent_id": "t3_l", "link_title": "A bag", "score": 2,
            "permalink": f"/r/acme/comments/l/a_bag/{name}/", **more,
        },
    }  # fmt: skip


def listing(*children, after=None):
    return {"kind": "Listing", "data": {"after": after, "before": None, "children": children}}


class FakeReddit:
    """Pages of one list, and answers by path."""

    def __init__(self, *pages):
        self.pages = pages
        self.requests = []
        self.info = {}
        self.answers = {}
        self.token = {"access_token": "abc", "expires_in": 3600}

    def __call__(self, request):
        self.requests.append(request)
        if request.url.path in self.answers:
            return self.answers[request.url.path]
        if request.url.path == "/api/v1/access_token":
            return httpx.Response(200, json=self.token)
        if request.url.path == "/api/info":
            names = request.url.params["id"].split(",")
            found = [self.info[name] for name in names if name in self.info]
            return httpx.Response(200, json=listing(*found))
        number = int(request.url.params.get("after", "0"))
        after = str(number + 1) if number + 1 < len(self.pages) else None
        return httpx.Response(200, json=listing(*self.pages[number], after=after))

    def asked(self, path):
        return [dict(each.url.params) for each in self.requests if each.url.path == path]


def cursor(minutes, **more):
    moment = (NOW - timedelta(minutes=minutes)).isoformat()
    return json.dumps({"after": moment, **more})


def ids(batches):
    return [item.external_id for batch in batches for item in batch.items]


def test_every_call_asks_for_plain_text_in_our_own_name_and_never_for_what_is_newer(polled):
    reddit = FakeReddit([comment("b", 5)], [comment("a", 60)])
    polled("reddit", COMMENTS, reddit, cursor(10))
    token, *others = reddit.requests
    assert {each.headers["User-Agent"] for each in reddit.requests} == {
        "python:id:earmark (by /u/acme)"
    }
    assert parse_qs(token.content.decode())["grant_type"] == ["password"]
    assert all(each.url.params["raw_json"] == "1" for each in others)
    assert all("before" not in each.url.params for each in others)
    assert {each.url.path for each in others} == {"/r/acme+travel/comments"}


def test_pages_are_walked_back_to_the_mark_and_the_oldest_comes_first(polled):
    reddit = FakeReddit(
        [comment("d", 1), comment("c", 2)], [comment("b", 30)], [comment("a", 90)],
        [comment("never", 120)],
    )  # fmt: skip
    batches = polled("reddit", COMMENTS, reddit, cursor(40))
    assert ids(batches) == ["t1_a", "t1_b", "t1_c", "t1_d"]
    assert [batch.cursor is None for batch in batches] == [True, True, False]
    assert {batch.state for batch in batches} == {WindowState.complete}


def test_an_edit_does_not_move_the_mark(polled):
    reddit = FakeReddit([comment("b", 40), comment("a", 50, edited=at(1))])
    (batch,) = polled("reddit", COMMENTS, reddit)
    assert json.loads(batch.cursor)["after"] == (NOW - timedelta(minutes=40)).isoformat()
    assert batch.items[0].edited_at == NOW - timedelta(minutes=1)


def test_a_list_that_reddit_cuts_off_leaves_a_gap_that_is_told(polled):
    pages = [[comment(f"p{page}x{n}", page * 100 + n) for n in range(100)] for page in range(3)]
    batches = polled("reddit", COMMENTS, FakeReddit(*pages), cursor(5_000))
    assert {batch.state for batch in batches} == {WindowState.truncated}
    assert batches[0].covers_from == NOW - timedelta(minutes=299)
    assert "ended after 300" in batches[0].note


def test_a_short_list_that_ends_is_the_whole_of_it(polled):
    batches = polled("reddit", COMMENTS, FakeReddit([comment("a", 3)]), cursor(5_000))
    assert [batch.state for batch in batches] == [WindowState.complete]


@pytest.mark.parametrize(
    ("hours", "period"),
    [(None, "week"), (2, "day"), (30, "week"), (200, "month"), (2_000, "year"), (9_999, "all")],
)
def test_a_search_reaches_back_as_far_as_we_were_away(polled, hours, period):
    reddit = FakeReddit([])
    polled("reddit", SEARCH, reddit, None if hours is None else cursor(hours * 60))
    (asked,) = reddit.asked("/search")
    assert (asked["t"], asked["sort"], asked["q"]) == (period, "new", "acme air")
    assert "restrict_sr" not in asked


def test_a_search_in_subreddits_stays_there(polled):
    reddit = FakeReddit([])
    polled("reddit", SEARCH | {"subreddits": "acme"}, reddit)
    assert reddit.asked("/r/acme/search")[0]["restrict_sr"] == "on"


def test_a_subreddit_that_does_not_exist_is_said_and_not_read_as_a_list(polled):
    def lead_away(request):
        if request.url.path.endswith("access_token"):
            return httpx.Response(200, json={"access_token": "a"})
        if request.url.path.startswith("/subreddits/search"):
            return httpx.Response(200, json=listing({"kind": "t5", "data": {"name": "t5_x"}}))
        return httpx.Response(302, headers={"location": "/subreddits/search.json?q=acme"})

    with pytest.raises(Rejected, match="no such subreddit") as caught:
        polled("reddit", COMMENTS, lead_away)
    assert caught.value.fault is Fault.not_found


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(200, json={"error": "invalid_grant"}),
        httpx.Response(200, json={"error": "unauthorized_client"}),
        httpx.Response(401, json={"message": "Unauthorized", "error": 401}),
    ],
)
def test_a_wrong_login_says_what_to_look_at(polled, answer):
    reddit = FakeReddit([])
    reddit.answers["/api/v1/access_token"] = answer
    with pytest.raises(Rejected) as caught:
        polled("reddit", COMMENTS, reddit)
    assert caught.value.fault is Fault.auth
    assert "second factor" in caught.value.hint
    if answer.status_code == 200:
        assert answer.json()["error"] in caught.value.message


def test_reading_needs_no_account_and_the_inbox_does(polled):
    reddit = FakeReddit([comment("a", 3)])
    options = {"client_id": "id", "client_secret": "env:S", "kind": "new", "subreddits": "acme"}
    assert ids(polled("reddit", options, reddit)) == ["t1_a"]
    form = parse_qs(reddit.requests[0].content.decode())
    assert form["grant_type"] == ["client_credentials"]
    with pytest.raises(ConfigError, match="password or refresh_token is missing"):
        polled("reddit", options | {"kind": "inbox"}, reddit)
    with pytest.raises(ConfigError, match="password or refresh_token is missing"):
        polled("reddit", options | {"reply_in": "acme"}, reddit)


def test_an_inbox_names_the_thread_by_its_context(polled):
    entry = comment("r", 3, link_id=None, permalink=None, num_comments=228, type="post_reply",
                    context="/r/acme/comments/1j7g9uj/a_bag/r/?context=3")  # fmt: skip
    note = {"kind": "t4", "data": {"name": "t4_9z", "created_utc": at(4), "body": "hello",
                                   "subject": "A question", "author": "mara", "parent_id": None,
                                   "first_message_name": None, "subreddit": None}}  # fmt: skip
    reddit = FakeReddit([entry, note])
    (batch,) = polled("reddit", LOGIN | {"kind": "inbox"}, reddit)
    message, reply = batch.items
    assert reply.thread_id == "t3_1j7g9uj"
    assert reply.url == "https://www.reddit.com/r/acme/comments/1j7g9uj/a_bag/r/"
    assert "comments" not in reply.metrics
    assert (message.kind, message.title, message.thread_id) == ("message", "A question", "t4_9z")
    assert reddit.asked("/message/inbox")[0]["mark"] == "false"
    assert json.loads(batch.cursor)["watch"] == ["t1_r"]


@pytest.mark.parametrize(
    ("more", "is_gone"),
    [
        ({"author": "[deleted]", "body": "[deleted]"}, True),
        ({"body": "[removed]"}, True),
        ({"body": "[ Removed by Reddit ]", "author": "[deleted]"}, True),
        ({"removed_by_category": "moderator"}, True),
        ({"author": "[deleted]"}, False),
    ],
)
def test_what_is_gone_is_told_and_an_account_that_left_is_no_deletion(polled, more, is_gone):
    (batch,) = polled("reddit", COMMENTS, FakeReddit([comment("a", 3, **more)]))
    assert batch.gone == (("t1_a",) if is_gone else ())
    assert [item.author for item in batch.items] == ([] if is_gone else [None])


def test_what_was_heard_lately_is_asked_after_and_once_gone_no_more(polled):
    reddit = FakeReddit([comment("new", 1)], [comment("old", 900)])
    reddit.info = {
        "t1_x": comment("x", 300, body="[removed]"),
        "t1_y": comment("y", 300, edited=at(20), body="changed", link_title=None),
        "t1_z": comment("z", 300, edited=at(290)),
        "t3_l": {"kind": "t3", "data": {"name": "t3_l", "created_utc": at(999), "title": "A bag"}},
    }
    batches = polled("reddit", COMMENTS, reddit, cursor(30, watch=["t1_x", "t1_y", "t1_z"]))
    last = batches[-1]
    assert [(item.external_id, item.title) for item in last.items] == [("t1_y", "A bag")]
    assert last.gone == ("t1_x",)
    assert "t1_x" not in json.loads(last.cursor)["watch"]
    assert "t1_x" in json.loads(batches[-2].cursor)["watch"]


def test_an_edit_is_not_lost_when_asking_after_it_failed(polled):
    reddit = FakeReddit([comment("new", 1)], [comment("old", 900)])
    reddit.info = {"t1_y": comment("y", 300, edited=at(80), body="changed")}
    before = cursor(90, watch=["t1_y"], checked=(NOW - timedelta(minutes=90)).isoformat())
    batches = polled("reddit", COMMENTS, reddit, before)
    stored = batches[-2].cursor  # what is kept if the question about edits fails
    again = polled("reddit", COMMENTS, reddit, stored)
    assert "t1_y" in ids(again)
    done = polled("reddit", COMMENTS, reddit, batches[-1].cursor)
    assert "t1_y" not in ids(done)


def test_a_score_that_is_hidden_is_not_one(polled):
    (batch,) = polled("reddit", COMMENTS, FakeReddit([comment("a", 3, score_hidden=True)]))
    assert batch.items[0].metrics == {}


REPLY = Outgoing(
    "We are sorry.", {"thing_id": "t1_a", "link_id": "t3_l", "subreddit": "acme"}, "k",
    NOW - timedelta(minutes=1),
)  # fmt: skip


def answering(listen, reddit, what, options=COMMENTS):
    return listen("reddit", options, reddit, lambda there: what(responder(there)))


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Take a break for 5 minutes before trying again.", 300),
        ("try again in 9 seconds.", 9),
        ("Take a break for 300 milliseconds", 1),
        ("you are doing that too much.", None),
    ],
)
def test_being_told_to_wait_is_no_refusal(listen, words, seconds):
    reddit = FakeReddit()
    errors = {"json": {"errors": [["RATELIMIT", words, "ratelimit"]]}}
    reddit.answers["/api/comment"] = httpx.Response(200, json=errors)
    with pytest.raises(Unavailable) as caught:
        answering(listen, reddit, lambda there: there.send(REPLY))
    assert caught.value.rate_limited
    assert caught.value.retry_after == (seconds and timedelta(seconds=seconds))


def test_being_logged_out_is_the_source_s_fault(listen):
    reddit = FakeReddit()
    errors = {"json": {"errors": [["USER_REQUIRED", "Please log in to do that.", None]]}}
    reddit.answers["/api/comment"] = httpx.Response(200, json=errors)
    with pytest.raises(Rejected) as caught:
        answering(listen, reddit, lambda there: there.send(REPLY))
    assert caught.value.fault is Fault.auth


def test_a_refusal_says_reddit_s_words(listen):
    reddit = FakeReddit()
    errors = {"json": {"errors": [["TOO_OLD", "that's a piece of history now", "parent"]]}}
    reddit.answers["/api/comment"] = httpx.Response(200, json=errors)
    with pytest.raises(ReplyRefused, match=r"TOO_OLD.*piece of history"):
        answering(listen, reddit, lambda there: there.send(REPLY))


def test_the_form_is_reddit_s(listen):
    reddit = FakeReddit()
    data = {"json": {"errors": [], "data": {"things": [comment("n", 0, permalink=None)]}}}
    reddit.answers["/api/comment"] = httpx.Response(200, json=data)
    sent = answering(listen, reddit, lambda there: there.send(REPLY))
    form = parse_qs(reddit.requests[-1].content.decode())
    assert form["api_type"] == ["json"]
    assert form["thing_id"] == ["t1_a"]
    assert form["text"] == ["We are sorry."]
    assert sent.url == "https://www.reddit.com/comments/l/_/n"


def test_nobody_is_answered_where_it_was_not_permitted(listen):
    reddit = FakeReddit()
    with pytest.raises(ReplyRefused, match="does not answer in r/acme"):
        answering(listen, reddit, lambda there: there.send(REPLY), COMMENTS | {"reply_in": "other"})
    assert reddit.requests == []


def test_a_source_without_permission_answers_nowhere(listen):
    async def look(listener):
        return responder(listener)

    assert listen("reddit", COMMENTS | {"reply_in": ""}, FakeReddit(), look) is None


@pytest.mark.parametrize("which", ["t1_a", "t3_l"])
@pytest.mark.parametrize("how", ["locked", "archived"])
def test_a_thread_that_takes_no_replies_is_refused_and_not_gone(listen, which, how):
    reddit = FakeReddit()
    link = {"kind": "t3", "data": {"name": "t3_l", "created_utc": at(99), "title": "A bag"}}
    reddit.info = {"t1_a": comment("a", 9), "t3_l": link}
    reddit.info[which]["data"][how] = True
    with pytest.raises(ReplyRefused, match=how):
        answering(listen, reddit, lambda there: there.target(REPLY.target))
    reddit.info[which]["data"][how] = False
    found = answering(listen, reddit, lambda there: there.target(REPLY.target))
    assert found == Target("says a")
    reddit.info["t1_a"]["data"]["body"] = "[removed]"
    found = answering(listen, reddit, lambda there: there.target(REPLY.target))
    assert isinstance(found, Gone)
    del reddit.info["t1_a"]
    found = answering(listen, reddit, lambda there: there.target(REPLY.target))
    assert isinstance(found, Gone)


def test_our_reply_is_looked_for_on_later_pages_until_what_is_older(listen):
    ours = comment("ours", 0, body="We are  sorry.", parent_id="t1_a", author="acme")
    elsewhere = comment("e", 0, body="We are sorry.", parent_id="t1_b", author="acme")
    reddit = FakeReddit([elsewhere], [ours])
    found = answering(listen, reddit, lambda there: there.find(REPLY))
    assert found.remote_id == "t1_ours"
    older = FakeReddit([comment("o", 60, body="We are sorry.", parent_id="t1_a")], [ours])
    assert answering(listen, older, lambda there: there.find(REPLY)) is None
    assert len(older.asked("/user/acme/comments")) == 1


def test_too_much_to_look_through_is_not_a_reply_that_is_not_there(listen):
    pages = [[comment(f"c{n}", 0, parent_id="t1_b")] for n in range(12)]
    with pytest.raises(EarmarkError, match="more since"):
        answering(listen, FakeReddit(*pages), lambda there: there.find(REPLY))


def test_names_of_subreddits_are_taken_as_people_write_them():
    made = RedditOptions(**COMMENTS | {"subreddits": " /r/Acme, r/travel  lisbon "})
    assert made.subreddits == "Acme+travel+lisbon"
    assert made.may_reply_in("ACME")
    assert not made.may_reply_in("travel")
    with pytest.raises(ValueError, match="names of subreddits"):
        RedditOptions(**COMMENTS | {"subreddits": "acme/../me"})
