"""Lemmy: two lists beside each other, names of two generations, and a reply that goes out once."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.errors import ConfigError, Malformed, Rejected, ReplyRefused, Unavailable
from earmark_core.fetch import make_fetcher
from earmark_core.model import WindowState
from earmark_listeners.contract import Gone, Outgoing, Target, Wiring
from earmark_listeners.registry import build, responder

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BASE = "https://lemmy.example"
PLACE = {"base_url": BASE, "community": "acme"}
OURS = PLACE | {"username": "@care", "password": "env:P"}
INBOX = OURS | {"kind": "inbox"}
SEARCH = {"base_url": BASE, "kind": "search", "query": "acme air"}
US, MARA = 9, 501


def said_at(minutes: float) -> str:
    return (NOW - timedelta(minutes=minutes)).replace(tzinfo=None).isoformat()  # no zone


@dataclass
class FakeLemmy:
    """Keeps posts and comments; lists give the newest first."""

    posts: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, dict[str, Any]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    overrides: dict[str, Callable[[httpx.Request], httpx.Response | None]] = field(
        default_factory=dict
    )
    good: str = "jwt-1"
    logins: int = 0
    inbox: dict[str, list[int]] = field(default_factory=dict)

    def post(self, number: int, minutes: float = 5, **more: Any) -> None:
        self.posts[number] = {
            "id": number, "name": f"post {number}", "body": "about acme", "locked": False,
            "ap_id": f"{BASE}/post/{number}", "published": said_at(minutes), **more,
        }  # fmt: skip

    def comment(self, number: int, post: int, minutes: float = 5, **more: Any) -> None:
        if post not in self.posts:
            self.post(post, 10_000)
        self.comments[number] = {
            "id": number, "post_id": post, "content": "hello acme", "path": f"0.{number}",
            "creator_id": MARA, "ap_id": f"{BASE}/comment/{number}",
            "published": said_at(minutes), **more,
        }  # fmt: skip

    def seen(self, number: int, *, is_comment: bool) -> dict[str, Any]:
        comment = self.comments[number] if is_comment else None
        who = comment["creator_id"] if comment else MARA
        person = {"id": who, "name": f"u{who}", "actor_id": f"{BASE}/u/u{who}"}
        post = self.posts[comment["post_id"] if comment else number]
        view = {"post": post, "creator": person, "counts": {"score": 1}}
        return view | ({"comment": comment} if comment else {})

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.path.removeprefix("/api/v3")
        special = self.overrides.get(path, lambda _: None)(request)
        if special is not None:
            return special
        if path == "/user/login":
            self.logins += 1
            self.good = f"jwt-{self.logins}"
            return httpx.Response(200, json={"jwt": self.good})
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        needs_login = request.method == "POST" or path.startswith("/user/")
        if needs_login and token != self.good:
            return httpx.Response(400, json={"error": "not_logged_in"})
        if request.method == "POST":
            return self.said(json.loads(request.content))
        return self.asked(path, request.url.params, is_known=token == self.good)

    def said(self, body: dict[str, Any]) -> httpx.Response:
        number = max([*self.comments, 5_000]) + 1
        above = f"{body['parent_id']}." if "parent_id" in body else ""
        more = {"content": body["content"], "path": f"0.{above}{number}", "creator_id": US}
        self.comment(number, body["post_id"], 0, **more)
        return httpx.Response(200, json={"comment_view": self.seen(number, is_comment=True)})

    def asked(self, path: str, query: httpx.QueryParams, *, is_known: bool) -> httpx.Response:
        if path == "/site":
            me = {"local_user_view": {"person": {"id": US}}} if is_known else None
            return httpx.Response(200, json={"version": "0.19.11", "my_user": me})
        if path in ("/comment", "/post"):
            kept = self.comments if path == "/comment" else self.posts
            if int(query["id"]) not in kept:
                return httpx.Response(404, json={"error": f"couldnt_find_{path[1:]}"})
            view = self.seen(int(query["id"]), is_comment=path == "/comment")
            return httpx.Response(200, json={f"{path[1:]}_view": view})
        if path == "/resolve_object":
            found = [n for n, c in self.comments.items() if c["ap_id"] == query["q"]]
            return httpx.Response(200, json={"comment": self.seen(found[0], is_comment=True)})
        start = (int(query["page"]) - 1) * int(query["limit"])
        cut = slice(start, start + int(query["limit"]))
        posts = [self.seen(n, is_comment=False) for n in self.newest(self.posts)]
        comments = [self.seen(n, is_comment=True) for n in self.newest(self.comments)]
        if path == "/user":
            comments = [c for c in comments if str(c["creator"]["id"]) == query["person_id"]]
        told = {name: [self.seen(n, is_comment=True) for n in self.inbox.get(name, ())]
                for name in ("mentions", "replies")}  # fmt: skip
        page = {"posts": posts[cut], "comments": comments[cut]}
        return httpx.Response(200, json=page | {k: v[cut] for k, v in told.items()})

    def newest(self, kept: dict[int, dict[str, Any]]) -> list[int]:
        return sorted(kept, key=lambda number: kept[number]["published"], reverse=True)

    def pages(self, path: str) -> list[str]:
        found = [each for each in self.requests if each.url.path == f"/api/v3{path}"]
        return [each.url.params.get("page", "") for each in found]


@pytest.fixture
def server() -> FakeLemmy:
    return FakeLemmy()


@pytest.fixture
def memory() -> dict[str, Any]:
    return {}


@pytest.fixture
def use(server, memory):
    def run(do, options=PLACE):
        async def go():
            fetch = make_fetcher(user_agent="tests", transport=httpx.MockTransport(server))
            wiring = Wiring(fetch, FixedClock(NOW), lambda ref: "s3cret", memory=memory)
            try:
                return await do(build("lemmy", options, wiring))
            finally:
                await fetch.aclose()

        return asyncio.run(go())

    return run


@pytest.fixture
def poll(use):
    def polled(since=None, options=PLACE):
        async def all_of(listener):
            return [batch async for batch in listener.poll(since)]

        return use(all_of, options)

    return polled


@pytest.fixture
def answer(use):
    def do(method, comment="1", text="We are sorry.", options=OURS, **ref):
        target = {"base_url": BASE, "post_id": "100", "comment_id": comment, **ref}
        given = target if method == "target" else Outgoing(text, target, "k", NOW)
        return use(lambda listener: getattr(listener, method)(given), options)

    return do


def ids(batches):
    return [item.external_id.rpartition("/")[2] for batch in batches for item in batch.items]


def test_a_burst_of_comments_is_read_to_its_end_and_the_posts_only_as_far_as_they_go(server, poll):
    server.post(100, 300)
    [first] = poll()
    for number in range(1, 141):
        server.comment(number, 100, 20 - number / 10)
    batches = poll(first.cursor)
    assert {str(number) for number in range(1, 141)} <= set(ids(batches))
    assert {batch.state for batch in batches} == {WindowState.complete}
    assert server.pages("/post/list") == ["1", "1", "2"]
    assert server.pages("/comment/list") == ["1", "1", "2", "3", "4"]


def test_a_list_that_was_read_back_is_not_asked_on(server, poll):
    server.post(100, 300)
    for number in range(1, 81):
        server.comment(number, 100, 9)
    poll('{"after": "2026-03-02T08:50:00+00:00"}')
    assert server.pages("/post/list") == ["1"]
    assert server.pages("/comment/list") == ["1", "2", "3"]


def test_a_pinned_old_post_in_front_ends_nothing(server, poll):
    server.post(1, 500_000)
    server.post(2, 5)
    pinned = {"posts": [server.seen(n, is_comment=False) for n in (1, 2)], "comments": []}
    empty = {"posts": [], "comments": []}
    server.overrides["/post/list"] = lambda request: httpx.Response(
        200, json=pinned if request.url.params["page"] == "1" else empty
    )
    assert ids(poll('{"after": "2026-03-02T08:50:00+00:00"}')) == ["1", "2"]
    assert server.pages("/post/list") == ["1", "2"]


def test_times_without_a_zone_are_utc(server, poll):
    server.comment(1, 100, 5, updated=said_at(2))
    items = [item for batch in poll() for item in batch.items if item.kind == "comment"]
    assert items[0].published_at == NOW - timedelta(minutes=5)
    assert items[0].edited_at == NOW - timedelta(minutes=2)


def test_what_was_taken_away_is_gone(server, poll):
    server.comment(1, 100, deleted=True, content="")
    server.comment(2, 100, removed=True)
    server.post(3, removed=True)
    [batch] = poll()
    gone = {uri.rpartition("/")[2] for uri in batch.gone}
    assert gone == {"1", "2", "3"}
    assert ids([batch]) == ["100"]


@pytest.mark.parametrize("content", ["posts", "comments"])
def test_only_one_list_where_only_one_is_wanted(server, poll, content):
    server.comment(1, 100)
    assert ids(poll(options=PLACE | {"content": content})) == [{"posts": "100"}.get(content, "1")]
    assert len(server.requests) == 1


def test_search_reads_posts_and_comments_in_one(server, poll):
    server.comment(1, 100)
    assert set(ids(poll(options=SEARCH | {"community": "acme"}))) == {"1", "100"}
    [asked] = server.requests
    told = {"q": "acme air", "type_": "All", "sort": "New", "listing_type": "All",
            "community_name": "acme", "limit": "50", "page": "1"}  # fmt: skip
    assert dict(asked.url.params) == told
    assert asked.headers.get("authorization") is None


def test_the_inbox_is_mentions_and_replies_each_once(server, poll):
    for number in (1, 2, 3):
        server.comment(number, 100)
    server.comment(4, 100, creator_id=US)
    server.inbox = {"mentions": [1, 2], "replies": [2, 3, 4]}
    [batch] = poll(options=INBOX)
    assert sorted(ids([batch])) == ["1", "2", "3", "4"]
    assert [item.is_own for item in sorted(batch.items, key=lambda i: i.external_id)][3]
    assert server.logins == 1


def test_a_login_serves_until_it_is_refused_by_name(server, poll):
    for _ in range(3):
        poll(options=INBOX)
    assert server.logins == 1
    server.good = "another"
    poll(options=INBOX)
    assert server.logins == 2


@pytest.mark.parametrize(
    ("status", "body", "says", "hint"),
    [
        (401, {"error": "incorrect_login"}, "cannot log in", "username and password"),
        (400, {"error": "missing_totp_token"}, "cannot log in", "second factor"),
        (404, {"error": "couldnt_find_person"}, "cannot log in", "username"),
        (200, {"jwt": None, "registration_created": True}, "later", "Confirm"),
    ],
)
def test_a_login_that_fails_says_what_to_do(server, poll, status, body, says, hint):
    server.overrides["/user/login"] = lambda _: httpx.Response(status, json=body)
    with pytest.raises(Rejected, match=says) as caught:
        poll(options=INBOX)
    assert caught.value.fault == "auth"
    assert hint in caught.value.hint
    assert "s3cret" not in str(caught.value)


def test_a_token_that_the_server_does_not_know_is_said(server, poll):
    with pytest.raises(Rejected, match="does not know who we are"):
        poll(options=PLACE | {"token": "env:T"})


def test_a_limit_that_comes_as_400_is_a_limit(server, poll, answer):
    limit = httpx.Response(400, json={"error": "rate_limit_error"})
    server.comment(1, 100)
    server.overrides["/comment/list"] = lambda _: limit
    server.overrides["/comment"] = lambda request: limit if request.method == "POST" else None
    for act in (poll, lambda: answer("send")):
        with pytest.raises(Unavailable) as caught:
            act()
        assert caught.value.rate_limited


def test_a_community_that_is_not_known_here_is_explained(server, poll):
    server.overrides["/post/list"] = lambda _: httpx.Response(
        404, json={"error": "couldnt_find_community"}
    )
    with pytest.raises(Rejected) as caught:
        poll()
    assert "looked it up" in caught.value.hint


def test_a_reply_to_a_comment_and_to_a_post(server, answer):
    server.comment(1, 100)
    sent = answer("send")
    assert server.comments[int(sent.remote_id)]["path"] == f"0.1.{sent.remote_id}"
    sent = answer("send", comment="")
    assert server.comments[int(sent.remote_id)]["path"] == f"0.{sent.remote_id}"
    assert sent.url == f"{BASE}/comment/{sent.remote_id}"


def test_our_reply_is_found_below_its_target_only(server, answer):
    server.comment(1, 100)
    server.comment(2, 100)
    assert answer("find") is None
    sent = answer("send")
    assert answer("find") == sent
    assert answer("find", comment="2") is None
    assert answer("find", comment="") is None
    assert answer("find", text="Other words") is None
    assert len([c for c in server.comments.values() if c["creator_id"] == US]) == 1


def test_our_reply_is_found_where_its_target_is_gone_meanwhile(server, answer):
    server.comment(1, 100)
    sent = answer("send")
    del server.comments[1]
    assert answer("find") == sent


def test_a_look_that_does_not_reach_back_proves_nothing(server, answer):
    server.comment(1, 100)
    for number in range(10, 300):
        server.comment(number, 100, 0, creator_id=US, content="busy")
    with pytest.raises(Unavailable, match="too much"):
        answer("find")


def test_on_another_server_the_target_is_looked_up_by_its_name(server, answer):
    server.comment(7, 100, ap_id="https://else.example/comment/1")
    ref = {"base_url": "https://else.example", "ap_id": "https://else.example/comment/1"}
    assert answer("target", **ref) == Target("hello acme")
    sent = answer("send", **ref)
    assert server.comments[int(sent.remote_id)]["path"] == f"0.7.{sent.remote_id}"


@pytest.mark.parametrize("more", [{"deleted": True}, {"removed": True}])
def test_what_is_gone_is_not_answered(server, answer, more):
    server.comment(1, 100, **more)
    assert isinstance(answer("target"), Gone)
    with pytest.raises(ReplyRefused):
        answer("send")
    assert len(server.comments) == 1


def test_a_comment_in_a_removed_thread_is_gone(server, answer):
    server.post(100, removed=True)
    server.comment(1, 100)
    assert isinstance(answer("target"), Gone)


def test_a_locked_thread_is_not_answered(server, answer):
    server.post(100, locked=True)
    server.comment(1, 100)
    with pytest.raises(ReplyRefused, match="locked"):
        answer("send")


def test_a_missing_page_of_another_kind_is_no_deletion(server, answer):
    server.overrides["/comment"] = lambda _: httpx.Response(404, json={"error": "unknown"})
    with pytest.raises(Rejected):
        answer("target")
    server.overrides["/comment"] = lambda _: httpx.Response(200, json={"post": {}})
    with pytest.raises(Malformed):
        answer("target")


def test_a_post_is_compared_with_its_title(server, answer):
    server.post(100)
    assert answer("target", comment="") == Target("post 100\nabout acme")


def test_without_an_account_nothing_is_answered(use):
    assert use(lambda listener: asyncio.sleep(0, responder(listener))) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"community": ""}, {"kind": "search"}, {"kind": "inbox"}, {"username": "care"},
        {"base_url": "lemmy.example"}, {"base_url": "https://a:b@lemmy.example"},
    ],
)  # fmt: skip
def test_options_that_cannot_work_are_refused(use, wrong):
    with pytest.raises(ConfigError):
        use(lambda listener: None, PLACE | wrong)
