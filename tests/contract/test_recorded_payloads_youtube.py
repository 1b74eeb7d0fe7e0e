"""Answers recorded from YouTube, and its own description; they are no part of the project."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.errors import Fault, Rejected, ReplyRefused
from earmark_core.fetch import make_fetcher
from earmark_core.model import Cursor
from earmark_listeners.contract import Outgoing, Sent, Wiring
from earmark_listeners.registry import build

NOW = datetime(2022, 11, 16, 12, 0, tzinfo=UTC)
ACCOUNT = {"client_id": "c", "client_secret": "env:S", "refresh_token": "env:R"}
OWN = "UCa-vrCLQHviTOVnEKDOdetQ"
VIDEO = {"kind": "video", "video_id": "F1UP7wRCPH8", "api_key": "env:K"}
CHANNEL = {"kind": "channel", "channel_id": OWN, "api_key": "env:K"}
SEARCH = {"kind": "search", "query": "surf", "api_key": "env:K"}
LONG_AGO = Cursor(json.dumps({"after": "2015-01-01T00:00:00+00:00"}))


@pytest.fixture
def replay(payloads):
    folder = payloads / "youtube"

    def run(options, served, act):
        """Serves recordings by (path, page token); *served* keeps what was asked."""
        asked = []

        def serve(request):
            path, query = request.url.path.rpartition("/")[2], dict(request.url.params)
            asked.append((path, query))
            if path == "token":
                return httpx.Response(200, json={"access_token": "a", "expires_in": 3600})
            if path == "channels":
                return httpx.Response(200, json={"items": [{"id": OWN}]})
            names = served[path]
            place = min(sum(each == path for each, _ in asked), len(names)) - 1
            status = 403 if "403" in names[place] else 200
            body = (folder / f"{names[place]}.json").read_bytes()
            kind = {"content-type": "application/json"}
            return httpx.Response(status, headers=kind, content=body)

        async def go():
            clock = FixedClock(NOW)
            transport = httpx.MockTransport(serve)
            fetch = make_fetcher(user_agent="tests", transport=transport, clock=clock)
            async with fetch:
                return await act(build("youtube", options, Wiring(fetch, clock, lambda _: "t0ken")))

        return asyncio.run(go()), asked

    return run


def polling(since=None):
    async def act(listener):
        async with aclosing(listener.poll(since)) as pages:
            return [batch async for batch in pages]

    return act


def items(batches):
    return [item for batch in batches for item in batch.items]


def test_comments_on_a_video(replay):
    batches, _ = replay(VIDEO, {"commentThreads": ["comment_threads_video_p1"]}, polling())
    found = items(batches)
    assert [item.external_id for item in found] == [
        "UgwI_ylXVnzPS8Q-oAV4AaABAg",
        "UgyKv8ziPYFJDGytM_J4AaABAg",
        "UgysQP-vp089eFP0Stl4AaABAg",
        "Ugy4OzAuz5uJuFt3FH54AaABAg",
        "UgyZ1jqkHKYvi1-ruOZ4AaABAg",
    ]
    heroku = found[2]
    assert heroku.text == "Funny that they use heroku to show a demo instead of google cloud"
    assert heroku.published_at == datetime(2019, 11, 17, 11, 34, 48, tzinfo=UTC)
    assert heroku.edited_at is None
    assert heroku.metrics == {"likes": 4, "replies": 0}
    assert (heroku.author.id, heroku.author.name) == ("UCzZ87J8wYVpOADFviqyFKhw", "Andres Jorquera")
    assert heroku.thread_id == heroku.external_id
    assert heroku.url == (
        "https://www.youtube.com/watch?v=F1UP7wRCPH8&lc=UgysQP-vp089eFP0Stl4AaABAg"
    )
    assert heroku.reply_ref["thread_id"] == "UgysQP-vp089eFP0Stl4AaABAg"
    assert found[0].metrics["replies"] == 2


def test_a_page_that_gives_the_same_again_ends_the_walk(replay):
    pages = ["comment_threads_video_p1", "comment_threads_video_p2"]
    served = {"commentThreads": pages, "comments": ["comments_by_parent_p1"]}
    batches, asked = replay(VIDEO, served, polling(LONG_AGO))
    tokens = [query.get("pageToken") for path, query in asked if path == "commentThreads"]
    assert len(tokens) == 2
    assert tokens[1].startswith("QURTSl9pM")
    ids = [item.external_id for item in items(batches)]
    assert len(ids) == len(set(ids))


def test_comments_of_a_channel_and_replies_by_parent(replay):
    served = {"commentThreads": ["comment_threads_channel_all"],
              "comments": ["comments_by_parent_p1"]}  # fmt: skip
    batches, asked = replay(CHANNEL, served, polling(LONG_AGO))
    found = {item.external_id: item for item in items(batches)}
    parents = [query["parentId"] for path, query in asked if path == "comments"]
    assert parents[0] == "UgwSRpgkjCe6OHHe3IJ4AaABAg", "the one thread with an unread reply"
    reply = found["Ugw5zYU6n9pmIgAZWvN4AaABAg.91zT3cYb5B291za6voUoRh"]
    assert reply.text == "this is the third reply!"
    assert reply.parent_id == reply.thread_id == "Ugw5zYU6n9pmIgAZWvN4AaABAg"
    on_channel = found["Ugy0FhSzKMNMT9qs6zt4AaABAg"]
    assert on_channel.text == "大满贯"
    assert on_channel.url.startswith(f"https://www.youtube.com/channel/{OWN}/")
    assert json.loads(batches[-1].cursor)["replies"] == {"UgwSRpgkjCe6OHHe3IJ4AaABAg": 1}


def test_a_search(replay):
    batches, _ = replay(SEARCH, {"search": ["search_list_p1"]}, polling())
    found = {item.external_id: item for item in items(batches)}
    assert len(found) == 25
    assert found["nkhpGC10OVw"].title == "World's best surfing 2017"
    assert found["nkhpGC10OVw"].published_at == datetime(2017, 4, 9, 17, 18, 44, tzinfo=UTC)
    assert found["i2hewkFijuY"].title == "SURFING PERFECT PIPE & BACKDOOR || SUNRISE SHACK!"
    assert found["gQ_1zX-F_No"].author.name == "Jamie O'Brien"


def replying(target, text, at):
    return lambda there: there.send(Outgoing(text, target, "k", at))


def test_a_reply_that_was_taken(replay):
    thread = "Ugy_CAftKrIUCyPr9GR4AaABAg"
    target = {"thread_id": thread, "comment_id": thread, "video_id": "JE8xdDp5B8Q"}
    options = CHANNEL | ACCOUNT
    sent, _ = replay(options, {"comments": ["comment_insert_ok"]}, replying(target, "wow", NOW))
    assert sent == Sent(
        f"{thread}.9iPXEClD9lW9iPXLqKy_Pt",
        f"https://www.youtube.com/watch?v=JE8xdDp5B8Q&lc={thread}.9iPXEClD9lW9iPXLqKy_Pt",
    )


def test_a_comment_below_a_video_that_was_taken(replay):
    target = {"video_id": "JE8xdDp5B8Q", "channel_id": OWN}
    served = {"commentThreads": ["comment_thread_insert_ok"]}
    sent, _ = replay(CHANNEL | ACCOUNT, served, replying(target, "Sun from the api", NOW))
    assert sent.remote_id == "Ugx_5P8rmn4vKbN6wwt4AaABAg"


def test_no_permission(replay):
    served = {"commentThreads": ["error_403_permission"], "comments": ["error_403_permission"]}
    with pytest.raises(Rejected) as caught:
        replay(CHANNEL, served, polling())
    assert caught.value.fault is Fault.forbidden
    with pytest.raises(ReplyRefused, match="does not have permission"):
        replay(CHANNEL | ACCOUNT, served, replying({"thread_id": "t", "comment_id": "t"}, "x", NOW))


def test_all_that_we_ask_with_is_in_youtube_s_own_description(payloads, replay):
    text = (payloads / "youtube" / "discovery_comments_search_subset.json").read_text("utf-8")
    described = json.loads(text)["resources"]
    served = {"commentThreads": ["comment_threads_channel_all"], "search": ["search_list_p1"],
              "comments": ["comments_by_parent_p1"]}  # fmt: skip
    asked = [*replay(CHANNEL, served, polling(LONG_AGO))[1]]
    asked += replay(VIDEO, served, polling())[1]
    asked += replay(SEARCH | {"language": "en"}, served, polling(LONG_AGO))[1]
    assert {path for path, _ in asked} == {"commentThreads", "comments", "search"}
    for path, query in asked:
        known = described[path]["methods"]["list"]["parameters"]
        assert query.keys() - {"key"} <= known.keys()
        assert int(query["maxResults"]) <= int(known["maxResults"]["maximum"])
        for name, value in query.items():
            assert value in known.get(name, {}).get("enum", [value])
