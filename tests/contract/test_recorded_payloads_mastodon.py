"""Answers recorded from a real Mastodon server; they are no part of the project."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.errors import Malformed, Rejected, ReplyRefused
from earmark_core.fetch import make_fetcher
from earmark_listeners.channels.mastodon.length import status_length
from earmark_listeners.contract import Gone, Outgoing, Sent, Wiring
from earmark_listeners.registry import build

BASE = "http://social.example"
INBOX = {"base_url": BASE, "kind": "notifications", "token": "env:T", "own_acct": "us"}
TAG = {"base_url": BASE, "kind": "hashtag", "tag": "t"}
SEARCH = {"base_url": BASE, "kind": "search", "query": "q", "token": "env:T", "own_acct": "us"}


@pytest.fixture
def replay(payloads):
    folder = payloads / "mastodon"

    def run(options, names, use):
        """Serves the recordings of these names one after another, the last for ever."""
        left = list(names)

        def serve(request):
            name = left.pop(0) if len(left) > 1 else left[0]
            exchange = json.loads((folder / f"{name}.http.json").read_text("utf-8"))["response"]
            body = (folder / f"{name}.json").read_bytes()
            headers = {
                key: value
                for key, value in exchange["headers"].items()
                if key not in {"content-encoding", "content-length", "transfer-encoding"}
            }
            return httpx.Response(exchange["status"], headers=headers, content=body)

        async def go():
            fetch = make_fetcher(user_agent="tests", transport=httpx.MockTransport(serve))
            clock = FixedClock(datetime(2026, 8, 1, 14, 0, tzinfo=UTC))
            listener = build("mastodon", options, Wiring(fetch, clock, lambda ref: "t"))
            try:
                return await use(listener)
            finally:
                await fetch.aclose()

        return asyncio.run(go())

    return run


def polling(since=None):
    async def use(listener):
        async with aclosing(listener.poll(since)) as pages:
            return [batch async for batch in pages]

    return use


def test_mention(replay):
    (batch,) = replay(INBOX, ["notifications_mention"], polling())
    (item,) = batch.items
    assert item.external_id.endswith("/users/117020565693913441/statuses/117020576916218297")
    assert json.loads(batch.cursor) == {"after": "20"}
    assert item.reply_ref["status_id"] == "117020576916218297"
    assert item.reply_ref["acct"] == "admin@social.example"
    assert item.reply_ref["mentions"] == "mastodonpy_test@social.example"
    assert item.author.followers == 1
    assert (item.kind, item.lang, item.is_own) == ("post", "en", False)
    assert item.thread_id == item.external_id
    assert item.published_at == datetime(2026, 8, 1, 13, 51, 39, 138_000, tzinfo=UTC)
    assert item.metrics == {"replies": 0, "reblogs": 0, "favourites": 0, "quotes": 0}


def test_page_is_read_oldest_first_and_its_end_is_an_empty_one(replay):
    batches = replay(TAG, ["paged_limit5_link_header", "timeline_empty"], polling('{"after": "1"}'))
    ids = [item.reply_ref["status_id"] for item in batches[0].items]
    assert len(ids) == 5
    assert ids == sorted(ids)
    assert json.loads(batches[0].cursor) == {"after": ids[-1]}
    assert all(not batch.items for batch in batches[1:])


def test_search_that_finds_people_only(replay):
    batches = replay(SEARCH, ["search_v2"], polling())
    assert [item for batch in batches for item in batch.items] == []


def test_grouped_notifications_are_another_language(replay):
    with pytest.raises(Malformed):
        replay(INBOX, ["notifications_v2_grouped"], polling())


@pytest.mark.parametrize("name", ["error_401_unauthenticated", "error_404_not_found"])
def test_refusals(replay, name):
    with pytest.raises(Rejected):
        replay(TAG, [name], polling())


def reply(to):
    target = {"base_url": BASE, "status_id": to, "acct": "mastodonpy_test_2"}
    return Outgoing("same!", target, "k", datetime(2026, 8, 1, 13, 50, tzinfo=UTC))


def test_reply_is_taken(replay):
    sent = replay(INBOX, ["status_reply"], lambda there: there.send(reply("117020583245459824")))
    assert isinstance(sent, Sent)
    assert sent.remote_id == "117020583258292382"


def test_reply_elsewhere_is_refused(replay):
    with pytest.raises(ReplyRefused, match="it was deleted again"):
        replay(
            INBOX, ["status_reply", "status_delete"], lambda there: there.send(reply("1170205832"))
        )


@pytest.mark.parametrize("name", ["error_422_too_long", "error_422_empty_text"])
def test_reply_is_refused_in_any_language(replay, name):
    with pytest.raises(ReplyRefused):
        replay(INBOX, [name], lambda there: there.send(reply("1")))


def test_target_is_gone(replay):
    ref = reply("1").target
    found = replay(INBOX, ["error_404_not_found"], lambda there: there.target(ref))
    assert isinstance(found, Gone)


def test_lengths_are_never_too_low(payloads):
    vectors = json.loads((payloads / "mastodon" / "status_length_vectors.json").read_text("utf-8"))
    counted = [(status_length(each["text"]), each["length"], each["text"]) for each in vectors]
    assert [each for each in counted if each[0] < each[1]] == []
    assert len([each for each in counted if each[0] == each[1]]) >= 29
