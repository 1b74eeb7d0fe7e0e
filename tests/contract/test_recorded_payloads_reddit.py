"""Answers recorded from Reddit; they are no part of the project."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.errors import Fault, ListenerError, Rejected, Unavailable
from earmark_core.fetch import make_fetcher
from earmark_listeners.contract import Gone, Outgoing, Sent, Target, Wiring
from earmark_listeners.registry import build

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OPTIONS = {
    "client_id": "id", "client_secret": "env:S", "username": "acme",
    "password": "env:P", "subreddits": "test", "query": "praw oauth", "reply_in": "*",
}  # fmt: skip


@pytest.fixture
def replay(payloads):
    folder = payloads / "reddit"

    def run(name, use, kind="comments"):
        """Serves the recorded token, then this recording for everything."""

        def serve(request):
            is_login = request.url.path.endswith("access_token")
            served = "token_response" if is_login and "token" not in name else name
            exchange = folder / f"{served}.http.json"
            head = json.loads(exchange.read_text("utf-8"))["response"] if exchange.exists() else {}
            (body,) = (p for p in (folder / f"{served}.json", folder / f"{served}.txt")
                       if p.exists())  # fmt: skip
            headers = {
                key: value
                for key, value in head.get("headers", {"content-type": "application/json"}).items()
                if key not in {"content-encoding", "content-length", "transfer-encoding"}
            }
            status = head.get("status", 200)
            return httpx.Response(status, headers=headers, content=body.read_bytes())

        async def go():
            clock = FixedClock(NOW)
            fetch = make_fetcher(
                user_agent="tests", transport=httpx.MockTransport(serve), clock=clock
            )
            wiring = Wiring(fetch, clock, lambda ref: "t")
            try:
                return await use(build("reddit", OPTIONS | {"kind": kind}, wiring))
            finally:
                await fetch.aclose()

        return asyncio.run(go())

    return run


async def polling(listener):
    async with aclosing(listener.poll(None)) as pages:
        return [batch async for batch in pages]


def test_search(replay):
    (batch,) = replay("search_links", polling, "search")
    assert not batch.bad_items
    found = {item.external_id: item for item in batch.items}
    assert list(found) == ["t3_1qvzkd", "t3_3b4erh", "t3_3gpbiu", "t3_3qc02b", "t3_3x4kt2"]
    item = found["t3_3gpbiu"]
    assert item.published_at == datetime(2015, 8, 12, 9, 8, 34, tzinfo=UTC)
    assert item.edited_at == datetime(2015, 8, 13, 6, 35, 18, tzinfo=UTC)
    assert item.author.handle == "dClauzel"
    assert item.metrics["comments"] == 21
    assert item.kind == "post"
    assert item.thread_id == item.external_id
    assert item.text.startswith("# solved")
    assert item.url.startswith("https://www.reddit.com/r/redditdev/comments/3gpbiu/")
    assert found["t3_3x4kt2"].edited_at is None


def test_listing_of_links_without_a_login_has_the_same_shape(replay):
    (batch,) = replay("public_json_link_listing", polling, "new")
    assert [item.external_id for item in batch.items] == ["t3_2r539r", "t3_2r5o9n", "t3_2r8es6"]
    first = batch.items[0]
    assert (first.text, first.author.id) == ("", "t2_4x6jq")
    assert first.metrics == {"score": 880, "comments": 352}


def test_mentions(replay):
    (batch,) = replay("message_mentions", polling, "mentions")
    item = batch.items[-1]
    assert (item.external_id, item.parent_id) == ("t1_ekftbox", "t3_bb24k7")
    assert item.thread_id == "t3_bb24k7"
    assert item.published_at == datetime(2019, 4, 9, 1, 45, 8, tzinfo=UTC)
    assert item.url.endswith("/ekftbox/")
    assert item.reply_ref["subreddit"] == "RemovedByBotter"


def test_inbox_of_comments_and_messages(replay):
    (batch,) = replay("message_unread", polling, "inbox")
    assert len(batch.items) == 6
    assert not batch.bad_items
    kinds = {item.external_id: item.kind for item in batch.items}
    assert kinds["t1_myngt77"] == "comment"
    assert kinds["t4_2r17c8r"] == "message"
    found = {item.external_id: item for item in batch.items}
    assert found["t1_myngt77"].thread_id == "t3_1j7g9uj"
    assert found["t1_myngt77"].title == "Test post pls ignore"
    assert found["t4_2r17c8r"].title == "Test message"


def test_deleted_comments_are_told(replay):
    (batch,) = replay("comment_deleted_info", polling)
    assert (batch.items, batch.gone) == ((), ("t1_d7ltvl0",))


def test_what_is_newer_than_something_deleted_is_an_empty_list(replay):
    (batch,) = replay("subreddit_comments_before_empty", polling)
    assert (batch.items, batch.cursor is not None) == ((), True)


@pytest.mark.parametrize("name", ["comment_deleted_info", "info_after_own_delete"])
def test_a_deleted_target_is_gone(replay, name):
    thing = {"comment_deleted_info": "t1_d7ltvl0", "info_after_own_delete": "t1_d1616q2"}[name]
    found = replay(name, lambda there: there.target({"thing_id": thing}))
    assert isinstance(found, Gone)


def test_a_removed_comment_may_still_show_its_text(replay):
    found = replay("comment_removed_info", lambda there: there.target({"thing_id": "t1_dma3mi5"}))
    assert isinstance(found, Target)
    assert found.text.startswith("For me the issue")


def reply():
    at = datetime(2016, 3, 20, 0, 30, tzinfo=UTC)
    return Outgoing("Comment reply", {"thing_id": "t1_d1616q2", "link_id": "t3_4b1tfm"}, "k", at)


def test_a_reply_that_was_taken(replay):
    sent = replay("comment_reply_ok", lambda there: there.send(reply()))
    assert sent == Sent("t1_d1680wu", "https://www.reddit.com/comments/4b1tfm/_/d1680wu")


def test_a_refusal_in_a_success(replay):
    with pytest.raises(Rejected) as caught:
        replay("error_200_api_errors", lambda there: there.send(reply()))
    assert caught.value.fault is Fault.auth


@pytest.mark.parametrize("name", ["token_error_200_invalid_grant",
                                  "token_error_200_unauthorized_client"])  # fmt: skip
def test_a_login_refused_in_a_success(replay, name):
    with pytest.raises(Rejected) as caught:
        replay(name, polling)
    assert caught.value.fault is Fault.auth


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("error_401", Rejected),
        ("error_403", Rejected),
        ("error_403_insufficient_scope", Rejected),
        ("error_404", Rejected),
        ("error_400_bad_request_html", Rejected),
        ("error_500", Unavailable),
        ("error_503", Unavailable),
        ("error_429_with_retry_after", Unavailable),
    ],
)
def test_errors(replay, name, error):
    with pytest.raises(ListenerError) as caught:
        replay(name, polling)
    assert type(caught.value) is error
    if "429" in name:
        assert caught.value.retry_after == timedelta(seconds=4)
        assert caught.value.rate_limited
