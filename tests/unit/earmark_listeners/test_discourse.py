"""Discourse: short pages, posts read in full, numbers within topics, queued posts, bad keys."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from earmark_core.errors import (
    ConfigError,
    Fault,
    Malformed,
    Rejected,
    ReplyRefused,
    Unavailable,
)
from earmark_core.model import WindowState
from earmark_listeners.channels.discourse.posts import own_words
from earmark_listeners.contract import Gone, Outgoing, Target
from earmark_listeners.registry import responder

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BASE = "https://forum.example/talk"
OPTIONS = {"base_url": f"{BASE}/", "api_key": "env:K", "username": "acme"}
SEARCH = OPTIONS | {"kind": "search", "query": "bag"}
INBOX = OPTIONS | {"kind": "notifications"}


def iso(minutes):
    return (NOW - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def post(number, minutes, who="mara", **more):
    return {
        "id": number, "topic_id": 7, "post_number": number - 99, "username": who, "user_id": 5,
        "created_at": iso(minutes), "updated_at": iso(minutes), "cooked": f"<p>says {number}</p>",
        "raw": f"says {number}", "topic_slug": "bags", "version": 1, **more,
    }  # fmt: skip


class FakeForum:
    """Posts by id; the lists show those that it is told to."""

    def __init__(self, *posts):
        self.posts = {each["id"]: each for each in posts}
        self.page = 2
        self.invisible = set()
        self.special = {}
        self.requests = []
        self.notes = []
        self.topic = {"id": 7, "closed": False, "archived": False, "deleted_at": None}

    def __call__(self, request):
        self.requests.append(request)
        path = request.url.path.removeprefix("/talk")
        if path in self.special:
            return self.special[path]
        query = request.url.params
        said = self.said(path, query)
        return httpx.Response(200 if said is not None else 404, json=said or {"errors": ["gone"]})

    def said(self, path, query):
        ids = sorted(self.posts, reverse=True)
        if path == "/posts.json":
            before = int(query.get("before", "99999"))
            cut = [i for i in ids if i < before][: self.page]
            return {"latest_posts": [self.posts[i] for i in cut if i not in self.invisible]}
        if path == "/search.json":
            start = (int(query["page"]) - 1) * self.page
            hits = [{k: self.posts[i][k] for k in ("id", "created_at", "topic_id")}
                    | {"blurb": "…cut…"} for i in ids[start : start + self.page]]  # fmt: skip
            more = True if len(ids) > start + self.page else None
            summary = {"more_full_page_results": more, "error": None}
            topics = [{"id": 7, "title": "Bags"}]
            return {"posts": hits, "topics": topics, "grouped_search_result": summary}
        if path == "/notifications.json":
            start = int(query["offset"])
            return {"notifications": self.notes[start : start + 60],
                    "total_rows_notifications": len(self.notes),
                    "load_more_notifications": "/notifications?offset=60"}  # fmt: skip
        if path == "/t/7.json":
            return self.topic | {"post_stream": {"stream": sorted(self.posts), "posts": []}}
        if path == "/t/7/posts.json":
            found = [self.posts[int(i)] for i in query.get_list("post_ids[]")]
            bare = [{k: v for k, v in each.items() if k != "raw"} for each in found]
            return {"id": 7, "post_stream": {"posts": bare}}
        if path.startswith("/posts/by_number/7/"):
            number = int(path.split("/")[-1].removesuffix(".json"))
            return next(p for p in self.posts.values() if p["post_number"] == number)
        return (
            self.posts.get(int(path.split("/")[2].removesuffix(".json")))
            if path.split("/")[2].removesuffix(".json").isdigit()
            else None
        )

    def asked(self, path):
        return [dict(r.url.params) for r in self.requests if r.url.path == f"/talk{path}"]


def cursor(minutes, **more):
    return json.dumps({"after": (NOW - timedelta(minutes=minutes)).isoformat(), **more})


def ids(batches):
    return [item.external_id for batch in batches for item in batch.items]


@pytest.mark.parametrize(
    ("kind", "headers"),
    [
        ("admin", {"Api-Key": "t0ken", "Api-Username": "acme"}),
        ("user", {"User-Api-Key": "t0ken"}),
    ],
)
def test_the_key_goes_where_its_kind_belongs(polled, kind, headers):
    forum = FakeForum(post(101, 5))
    polled("discourse", OPTIONS | {"key_kind": kind}, forum)
    sent = forum.requests[0].headers
    assert {name: sent.get(name) for name in headers} == headers
    assert ("Api-Username" in sent) == (kind == "admin")


def test_a_public_forum_needs_no_key(polled):
    forum = FakeForum(post(101, 5))
    assert ids(polled("discourse", {"base_url": BASE}, forum)) == ["101"]
    with pytest.raises(ConfigError, match="username is missing"):
        polled("discourse", {"base_url": BASE, "api_key": "env:K"}, forum)
    with pytest.raises(ConfigError, match="api_key is missing"):
        polled("discourse", {"base_url": BASE, "kind": "notifications"}, forum)


def test_people_and_topics_of_two_forums_are_not_the_same(polled):
    heard = [
        polled("discourse", {"base_url": address}, FakeForum(post(101, 5)))[0].items[0]
        for address in (BASE, "https://other.example/talk")
    ]
    assert heard[0].author.id != heard[1].author.id
    assert heard[0].thread_id != heard[1].thread_id


def test_a_short_page_is_not_the_end_and_an_empty_one_is(polled):
    forum = FakeForum(*[post(n, 130 - n) for n in range(101, 107)])
    forum.invisible = {104}
    batches = polled("discourse", OPTIONS | {"overlap_seconds": 0}, forum, cursor(900))
    assert ids(batches) == ["101", "102", "103", "105", "106"]
    assert {batch.state for batch in batches} == {WindowState.complete}
    assert [each.get("before") for each in forum.asked("/posts.json")] == [
        None, "105", "103", "101",
    ]  # fmt: skip


def test_an_edit_does_not_move_the_mark(polled):
    old = post(101, 50, version=2, updated_at=iso(1))
    (batch,) = polled("discourse", OPTIONS, FakeForum(old, post(102, 40)))
    assert batch.items[0].edited_at == NOW - timedelta(minutes=1)
    assert json.loads(batch.cursor)["after"] == (NOW - timedelta(minutes=40)).isoformat()


@pytest.mark.parametrize("how", [{"user_deleted": True}, {"hidden": True}, {"deleted_at": iso(1)}])
def test_what_was_deleted_or_hidden_is_told(polled, how):
    (batch,) = polled("discourse", OPTIONS, FakeForum(post(101, 5, **how)))
    assert (batch.items, batch.gone) == ((), ("101",))


@pytest.mark.parametrize(("kind", "is_heard"), [(1, True), (2, True), (3, False), (4, False)])
def test_actions_and_whispers_are_nobody_s_words(polled, kind, is_heard):
    (batch,) = polled("discourse", OPTIONS, FakeForum(post(101, 5, post_type=kind)))
    assert bool(batch.items) is is_heard
    assert batch.gone == ()


def test_quotations_and_previews_are_not_what_the_author_said():
    quote = '<aside class="quote no-group"><aside class="onebox">x</aside><p>yours</p></aside>'
    assert own_words(f"{quote}<p>mine</p>") == "<p>mine</p>"
    assert own_words(quote) == quote
    assert own_words("<p>plain</p>") == "<p>plain</p>"


def test_a_search_reads_each_post_in_full(polled):
    forum = FakeForum(post(101, 300), post(102, 20), post(103, 10))
    (batch,) = polled("discourse", SEARCH, forum, cursor(60))
    assert [(item.text, item.title) for item in batch.items] == [
        ("<p>says 102</p>", "Bags"), ("<p>says 103</p>", "Bags"),
    ]  # fmt: skip
    assert forum.asked("/search.json")[0]["q"] == "bag order:latest after:2026-03-01"
    assert batch.items[0].url == f"{BASE}/t/bags/7/3"
    assert batch.state is WindowState.complete


def test_what_the_look_ups_do_not_reach_comes_with_the_next_poll(polled):
    forum = FakeForum(*[post(n, 130 - n) for n in range(101, 110)])
    options = SEARCH | {"look_ups": 3}
    heard, since, notes = [], cursor(60), []
    for _ in range(6):
        (batch,) = polled("discourse", options, forum, since)
        heard += ids([batch])
        notes.append(batch.note)
        since = batch.cursor
    assert set(heard) == {str(n) for n in range(101, 110)}
    assert heard[:3] == ["101", "102", "103"]
    assert "next poll" in notes[0]


def test_the_first_poll_of_a_search_takes_the_newest_few(polled):
    forum = FakeForum(*[post(n, 130 - n) for n in range(101, 110)])
    forum.page = 50
    (batch,) = polled("discourse", SEARCH | {"look_ups": 2}, forum)
    assert ids([batch]) == ["108", "109"]
    assert batch.state is WindowState.complete


def test_a_list_that_is_not_read_to_its_end_leaves_a_gap_that_is_told(polled):
    forum = FakeForum(*[post(n, 130 - n) for n in range(101, 110)])
    (batch,) = polled("discourse", SEARCH | {"max_pages": 2}, forum, cursor(900))
    assert batch.state is WindowState.truncated
    assert batch.covers_from == NOW - timedelta(minutes=24)
    assert "only the newest 4" in batch.note


def test_a_search_that_the_forum_gives_up_is_not_an_empty_one(polled):
    forum = FakeForum()
    said = {"posts": [], "grouped_search_result": {"error": "under extreme load"}}
    forum.special["/search.json"] = httpx.Response(200, json=said)
    with pytest.raises(Unavailable, match="extreme load"):
        polled("discourse", SEARCH, forum)


@pytest.mark.parametrize("said", [[], {}, {"posts": []}, {"grouped_search_result": None}])
def test_what_is_no_search_result_is_never_an_empty_one(polled, said):
    forum = FakeForum()
    forum.special["/search.json"] = httpx.Response(200, json=said)
    with pytest.raises(Malformed):
        polled("discourse", SEARCH, forum)


def note(kind, minutes, post_id=None, **more):
    data = {"original_post_id": post_id, "topic_title": "Bags"} if post_id else {}
    return {"id": 1, "notification_type": kind, "created_at": iso(minutes), "data": data, **more}


def test_notifications_are_what_is_said_to_us_and_no_likes(polled):
    forum = FakeForum(post(101, 5), post(102, 4), post(103, 3), post(104, 2))
    forum.notes = [note(2, 2, 104), note(5, 3, 103), note(1, 4, 102), note(1, 4, 102),
                   note(6, 5, None, topic_id=7, post_number=2)]  # fmt: skip
    (batch,) = polled("discourse", INBOX, forum, cursor(60))
    assert ids([batch]) == ["101", "102", "104"]
    assert forum.asked("/posts/by_number/7/2.json") == [{}]
    assert "recent" not in forum.asked("/notifications.json")[0]
    assert len(forum.asked("/notifications.json")) == 1


def test_pages_of_likes_do_not_hide_a_mention_nor_are_they_read_for_ever(polled):
    forum = FakeForum(post(101, 5))
    forum.notes = [note(5, 4, 101)] * 60 + [note(1, 5, 101)] + [note(5, 900, 101)] * 600
    (batch,) = polled("discourse", INBOX, forum, cursor(60))
    assert ids([batch]) == ["101"]
    assert len(forum.asked("/notifications.json")) == 2


def test_a_post_that_is_gone_or_out_of_sight_ends_no_poll(polled):
    forum = FakeForum(post(103, 3))
    forum.notes = [note(1, 3, 103), note(1, 4, 102), note(1, 5, 101)]
    forum.special["/posts/101.json"] = httpx.Response(
        403, json={"errors": ["You are not permitted"], "error_type": "invalid_access"}
    )
    (batch,) = polled("discourse", INBOX, forum, cursor(60))
    assert (ids([batch]), batch.gone) == (["103"], ("102",))


def test_a_notification_that_cannot_be_read_leaves_the_others(polled):
    forum = FakeForum(post(103, 3))
    forum.notes = [note(1, 3, 103), note(1, 4, 102) | {"created_at": "soon"}]
    (batch,) = polled("discourse", INBOX, forum, cursor(60))
    assert (ids([batch]), len(batch.bad_items)) == (["103"], 1)


def test_a_bad_key_is_told_from_a_refusal(polled):
    forum = FakeForum()
    words = "You are not permitted to view the requested resource. "
    said = {"errors": [f"{words}The API username or key is invalid."]}
    forum.special["/posts.json"] = httpx.Response(403, json=said)
    with pytest.raises(Rejected) as caught:
        polled("discourse", OPTIONS, forum)
    assert caught.value.fault is Fault.auth
    assert "api_key" in caught.value.hint
    forum.special["/posts.json"] = httpx.Response(403, json={"errors": [words]})
    with pytest.raises(Rejected) as caught:
        polled("discourse", OPTIONS, forum)
    assert caught.value.fault is Fault.forbidden


TEXT = "We are sorry, please send us the **number** on your tag."
REPLY = Outgoing(
    TEXT, {"post_id": "101", "topic_id": "7", "post_number": "2"}, "k", NOW - timedelta(minutes=1)
)


def answering(listen, forum, what):
    return listen("discourse", OPTIONS, forum, lambda there: what(responder(there)))


def test_the_reply_names_the_number_within_the_topic_not_the_post_s_id(listen):
    forum = FakeForum()
    forum.special["/posts.json"] = httpx.Response(200, json=post(150, 0, "acme"))
    sent = answering(listen, forum, lambda there: there.send(REPLY))
    assert json.loads(forum.requests[-1].content) == {
        "raw": TEXT, "topic_id": 7, "reply_to_post_number": 2,
    }  # fmt: skip
    assert (sent.remote_id, sent.url) == ("150", f"{BASE}/t/7/51")


def test_a_reply_that_waits_for_a_moderator_was_sent(listen):
    forum = FakeForum()
    said = {"action": "enqueued", "success": True, "pending_post": {"id": 9, "raw": TEXT}}
    forum.special["/posts.json"] = httpx.Response(200, json=said)
    sent = answering(listen, forum, lambda there: there.send(REPLY))
    assert (sent.remote_id, sent.url) == ("pending-9", f"{BASE}/t/7")
    waiting = {"pending_posts": [{"id": 8, "topic_id": 7, "raw_text": "other"},
                                 {"id": 9, "topic_id": 7, "raw_text": TEXT,
                                  "created_at": iso(0)}]}  # fmt: skip
    forum.special = {"/posts/acme/pending.json": httpx.Response(200, json=waiting)}
    assert answering(listen, forum, lambda there: there.find(REPLY)) == sent


def test_all_that_the_forum_says_of_a_refusal_is_shown(listen):
    forum = FakeForum()
    errors = ["Body is too short (minimum is 20 characters)", "Body seems unclear."]
    forum.special["/posts.json"] = httpx.Response(422, json={"errors": errors})
    with pytest.raises(ReplyRefused, match=r"too short.*unclear"):
        answering(listen, forum, lambda there: there.send(REPLY))


def test_a_bad_key_is_the_source_s_fault_not_the_reply_s(listen):
    forum = FakeForum()
    said = {"errors": ["The API username or key is invalid."]}
    forum.special["/posts.json"] = httpx.Response(403, json=said)
    with pytest.raises(Rejected) as caught:
        answering(listen, forum, lambda there: there.send(REPLY))
    assert caught.value.fault is Fault.auth


def test_a_limit_gives_the_seconds_that_the_forum_names(listen):
    forum = FakeForum()
    said = {"errors": ["slow"], "error_type": "rate_limit", "extras": {"wait_seconds": 42}}
    forum.special["/posts.json"] = httpx.Response(429, json=said)
    with pytest.raises(Unavailable) as caught:
        answering(listen, forum, lambda there: there.send(REPLY))
    assert caught.value.retry_after == timedelta(seconds=42)


@pytest.mark.parametrize("how", ["closed", "archived"])
def test_a_topic_that_takes_no_replies_is_refused_and_not_gone(listen, how):
    forum = FakeForum(post(101, 5))
    forum.topic[how] = True
    with pytest.raises(ReplyRefused, match=how):
        answering(listen, forum, lambda there: there.target(REPLY.target))
    forum.topic[how] = False
    found = answering(listen, forum, lambda there: there.target(REPLY.target))
    assert found == Target("says 101")


@pytest.mark.parametrize("how", [{"hidden": True}, {"user_deleted": True}])
def test_a_target_that_was_deleted_is_gone(listen, how):
    forum = FakeForum(post(101, 5))
    forum.topic["deleted_at"] = iso(1)
    assert isinstance(answering(listen, forum, lambda there: there.target(REPLY.target)), Gone)
    forum.topic["deleted_at"] = None
    forum.posts[101].update(how)
    assert isinstance(answering(listen, forum, lambda there: there.target(REPLY.target)), Gone)


@pytest.mark.parametrize(
    ("more", "is_found"),
    [
        ({}, True),
        ({"username": "Acme"}, True),
        ({"username": "mara"}, False),
        ({"reply_to_post_number": 3}, False),
        ({"raw": "We are sorry."}, False),
        ({"created_at": iso(30)}, False),
    ],
)
def test_our_own_reply_is_known_by_author_place_words_and_time(listen, more, is_found):
    ours = post(150, 0, "acme", raw=TEXT, reply_to_post_number=2) | more
    others = [post(n, 0, "tomo", reply_to_post_number=2) for n in range(151, 220)]
    found = answering(listen, FakeForum(post(101, 60), ours, *others),
                      lambda there: there.find(REPLY))  # fmt: skip
    assert (found is not None and found.remote_id == "150") is is_found


def test_too_much_to_look_through_is_not_a_reply_that_is_not_there(listen):
    forum = FakeForum(*[post(n, 0, "tomo") for n in range(101, 500)])
    with pytest.raises(Unavailable, match="More than 300"):
        answering(listen, forum, lambda there: there.find(REPLY))
