"""YouTube: replies in old threads, the two quotas, what a refusal means, where an answer goes."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from earmark_core.budgets import Budgets
from earmark_core.clock import FixedClock
from earmark_core.errors import ConfigError, Fault, Rejected, ReplyRefused, Unavailable
from earmark_core.fetch import make_fetcher
from earmark_core.model import Cursor, WindowState
from earmark_listeners.contract import Gone, Outgoing, Sent, Target, Wiring
from earmark_listeners.registry import build, responder

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
US = "UCus"
CHANNEL = {"channel_id": US, "api_key": "env:K"}
ACCOUNT = {"channel_id": US, "client_id": "c", "client_secret": "env:S", "refresh_token": "env:R"}
SEARCH = {"kind": "search", "query": "acme bags", "api_key": "env:K"}


def at(minutes):
    return (NOW - timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def comment(name, who="UCmara", minutes=30, text="hello", **more):
    said = {"textDisplay": text, "authorDisplayName": f"@{who}", "publishedAt": at(minutes),
            "authorChannelId": {"value": who}, "videoId": "v1", **more}  # fmt: skip
    return {"id": name, "snippet": said}


class FakeYouTube:
    """Keeps threads, newest first, and their replies; a page holds `size` of them."""

    def __init__(self, size=100):
        self.threads = []
        self.replies = {}
        self.size = size
        self.inline = 5
        self.asked = []
        self.overrides = {}
        self.videos = []
        self.can_reply = True
        self.posted = []

    def thread(self, name, minutes=30, replies=0, **more):
        self.threads.append((minutes, comment(name, minutes=minutes, **more)))
        self.threads.sort(key=lambda each: each[0])
        for number in range(replies):
            self.reply(name, f"r{number}", minutes)
        return name

    def reply(self, name, number, minutes=20, **more):
        made = comment(f"{name}.{number}", minutes=minutes, parentId=name, **more)
        self.replies.setdefault(name, []).insert(0, made)

    def __call__(self, request):
        query = dict(request.url.params)
        path = request.url.path.removeprefix("/youtube/v3")
        self.asked.append((request.method, path, query))
        if path in self.overrides:
            return self.overrides[path](request)
        if path == "/token":
            return httpx.Response(200, json={"access_token": "a", "expires_in": 3600})
        if path == "/channels":
            return httpx.Response(200, json={"items": [{"id": US}]})
        if request.method == "POST":
            return self.take(request)
        found = {"/commentThreads": self.all_threads, "/comments": self.comments,
                 "/search": self.found, "/videos": self.video}[path](query)  # fmt: skip
        start, size = int(query.get("pageToken", 0)), self.size
        said = {"items": found[start : start + size]}
        if len(found) > start + size:
            said["nextPageToken"] = str(start + size)
        return httpx.Response(200, json=said)

    def all_threads(self, query):
        wanted = query.get("id")
        found = [self.shown(each) for _, each in self.threads]
        return [each for each in found if wanted in (None, each["id"])]

    def shown(self, first):
        replies = self.replies.get(first["id"], [])
        said = {"videoId": "v1", "channelId": US, "topLevelComment": first,
                "totalReplyCount": len(replies), "canReply": self.can_reply}  # fmt: skip
        inline = {"replies": {"comments": replies[: self.inline]}} if replies else {}
        return {"id": first["id"], "snippet": said, **inline}

    def comments(self, query):
        if "parentId" in query:
            return self.replies.get(query["parentId"], [])
        every = [each for replies in self.replies.values() for each in replies]
        return [each for each in every if each["id"] == query["id"]]

    def found(self, query):
        after = query.get("publishedAfter", "")
        return [each for each in self.videos if each["snippet"]["publishedAt"] >= after]

    def video(self, query):
        return [{"id": each["id"]["videoId"], "snippet": each["snippet"]} for each in self.videos
                if each["id"]["videoId"] == query["id"]]  # fmt: skip

    def film(self, name, minutes=30, title="A bag"):
        said = {"publishedAt": at(minutes), "channelId": "UCtomo", "title": title,
                "description": "cut off ...", "channelTitle": "Tomo"}  # fmt: skip
        self.videos.append({"id": {"kind": "youtube#video", "videoId": name}, "snippet": said})

    def take(self, request):
        body = json.loads(request.content)["snippet"]
        self.posted.append(body)
        if "topLevelComment" in body:
            made = comment("new", US, 0, body["topLevelComment"]["snippet"]["textOriginal"])
            self.threads.insert(0, (0, made))
            return httpx.Response(200, json=self.shown(made))
        name = f"{body['parentId']}.mine"
        made = comment(name, US, 0, body["textOriginal"], parentId=body["parentId"])
        self.replies.setdefault(body["parentId"], []).append(made)
        return httpx.Response(200, json=made)

    def calls(self, path):
        return [query for _, asked, query in self.asked if asked == path]


@pytest.fixture
def youtube():
    return FakeYouTube()


@pytest.fixture
def use(youtube):
    memory, budgets = {}, Budgets()

    def run(options, act, clock=None):
        async def go():
            clock_ = clock or FixedClock(NOW)
            transport = httpx.MockTransport(youtube)
            fetch = make_fetcher(user_agent="tests", transport=transport, clock=clock_)
            async with fetch:
                wiring = Wiring(fetch, clock_, lambda ref: "s3cret-key", memory=memory,
                                budgets=budgets)  # fmt: skip
                return await act(build("youtube", options, wiring))

        return asyncio.run(go())

    return run


@pytest.fixture
def polled(use):
    def poll(options=CHANNEL, since=None, clock=None):
        async def act(listener):
            async with aclosing(listener.poll(since)) as pages:
                return [batch async for batch in pages]

        return use(options, act, clock)

    return poll


def ids(batches):
    return {item.external_id for batch in batches for item in batch.items}


def cursor(batches):
    return next(batch.cursor for batch in reversed(batches) if batch.cursor)


def test_a_new_reply_below_an_old_comment_is_heard(youtube, polled):
    youtube.thread("old", minutes=60 * 24 * 90, replies=7)
    youtube.thread("new", minutes=5)
    first = polled()
    assert youtube.calls("/comments") == []
    youtube.reply("old", "late", minutes=1)
    youtube.inline = 0
    later = polled(since=cursor(first))
    assert "old.late" in ids(later)
    assert [query["parentId"] for query in youtube.calls("/comments")] == ["old"]
    assert ids(polled(since=cursor(later))) == {"old", "new"}
    assert len(youtube.calls("/comments")) == 1, "unchanged counts cost nothing"


def test_all_pages_of_replies_are_read(youtube, polled):
    youtube.size = 3
    youtube.thread("t", minutes=5)
    first = polled()
    for number in range(8):
        youtube.reply("t", f"n{number}", minutes=2)
    assert {f"t.n{number}" for number in range(8)} <= ids(polled(since=cursor(first)))


def test_replies_that_this_poll_may_not_ask_for_are_told_and_come_with_the_next(youtube, polled):
    options = CHANNEL | {"max_reply_pages": 1}
    first = polled(options)
    youtube.inline = 0
    for name in ("a", "b"):
        youtube.thread(name, minutes=5, replies=2)
    second = polled(options, cursor(first))
    assert {batch.state for batch in second} == {WindowState.truncated}
    third = polled(options, cursor(second))
    assert {"a.r0", "b.r0"} <= ids(second) | ids(third)
    assert {batch.state for batch in polled(options, cursor(third))} == {WindowState.complete}


def test_a_thread_with_more_replies_than_a_poll_may_ask_for_gives_what_it_can(youtube, polled):
    options = CHANNEL | {"max_reply_pages": 1}
    first = polled(options)
    youtube.size, youtube.inline = 3, 0
    youtube.thread("t", minutes=5, replies=5)
    later = polled(options, cursor(first))
    assert ids(later) == {"t", "t.r4", "t.r3", "t.r2"}
    assert {batch.state for batch in later} == {WindowState.truncated}


def test_a_thread_that_went_away_meanwhile_harms_nothing(youtube, polled):
    first = polled()
    youtube.inline = 0
    youtube.thread("t", replies=2)
    youtube.overrides["/comments"] = lambda _: refusal(404, "commentNotFound")
    assert ids(polled(since=cursor(first))) == {"t"}


def test_replies_that_lead_in_a_circle_are_left(youtube, polled):
    first = polled()
    youtube.inline = 0
    youtube.thread("t", replies=2)
    again = {"items": [comment("t.r0", parentId="t")], "nextPageToken": "x"}
    youtube.overrides["/comments"] = lambda _: httpx.Response(200, json=again)
    assert ids(polled(since=cursor(first))) == {"t", "t.r0"}
    assert len(youtube.calls("/comments")) == 2


def test_fresh_replies_in_old_threads_do_not_lead_further_back(youtube, polled):
    youtube.size = 2
    for number in range(10):
        youtube.thread(f"t{number}", minutes=60 * 24 * (number + 1))
    first = polled()
    for number in range(10):
        youtube.reply(f"t{number}", "r", minutes=1)
    youtube.asked.clear()
    later = polled(since=cursor(first))
    assert len(youtube.calls("/commentThreads")) == 2
    assert {batch.state for batch in later} == {WindowState.complete}


def test_more_pages_can_be_read_again_each_time(youtube, polled):
    youtube.size = 2
    for number in range(6):
        youtube.thread(f"t{number}", minutes=60 * 24 * (number + 1))
    options = CHANNEL | {"recheck_pages": 2}
    first = polled(options)
    assert ids(first) == {"t0", "t1", "t2", "t3"}
    youtube.reply("t3", "r", minutes=1)
    assert "t3.r" in ids(polled(options, cursor(first)))


def test_text_is_asked_for_plain_and_by_time(youtube, polled):
    polled()
    (query,) = youtube.calls("/commentThreads")
    assert query["textFormat"] == "plainText"
    assert query["order"] == "time"
    assert query["allThreadsRelatedToChannelId"] == US
    assert query["key"] == "s3cret-key"


def test_own_comments_are_ours_by_option_account_or_channel(youtube, polled):
    youtube.thread("t", who=US)
    for options in (CHANNEL, ACCOUNT, CHANNEL | {"channel_id": "UCother", "own_channel_id": US}):
        assert [item.is_own for batch in polled(options) for item in batch.items] == [True]
    polled(ACCOUNT)
    assert len(youtube.calls("/channels")) == 1, "the account is asked once"
    (item,) = polled(CHANNEL | {"channel_id": "UCother"})[0].items
    assert not item.is_own


def refusal(status, reason, **more):
    error = {"code": status, "message": "no", "errors": [{"reason": reason, "domain": "youtube"}]}
    return httpx.Response(status, json={"error": error | more})


@pytest.mark.parametrize(
    ("status", "reason", "fault", "words"),
    [
        (403, "commentsDisabled", Fault.forbidden, "Comments are switched off"),
        (404, "videoNotFound", Fault.not_found, "The video is gone"),
        (400, "API_KEY_INVALID", Fault.auth, "does not accept the API key"),
        (403, "accessNotConfigured", Fault.forbidden, "not switched on"),
        (403, "insufficientPermissions", Fault.auth, "does not permit"),
    ],
)
def test_a_refusal_is_said_in_plain_words(youtube, polled, status, reason, fault, words):
    youtube.overrides["/commentThreads"] = lambda _: refusal(status, reason)
    with pytest.raises(Rejected, match=words) as caught:
        polled()
    assert caught.value.fault is fault
    assert caught.value.hint


def test_a_used_up_quota_is_403_and_waits_for_midnight_in_california(youtube, polled):
    youtube.overrides["/commentThreads"] = lambda _: refusal(403, "quotaExceeded")
    with pytest.raises(Unavailable) as caught:
        polled()
    assert caught.value.rate_limited
    assert NOW + caught.value.retry_after == datetime(2026, 3, 3, 8, 0, tzinfo=UTC)


def test_a_search_gives_videos_and_asks_for_what_is_new(youtube, polled):
    youtube.film("v1", minutes=60, title="Mara&#39;s bag &amp; mine")
    first = polled(SEARCH)
    (item,) = first[0].items
    assert (item.kind, item.external_id, item.title) == ("video", "v1", "Mara's bag & mine")
    assert item.url == "https://www.youtube.com/watch?v=v1"
    assert first[0].next_poll_after == timedelta(minutes=30)
    polled(SEARCH, cursor(first))
    assert [query.get("publishedAfter") for query in youtube.calls("/search")] == [
        None, "2026-03-02T02:00:00Z",
    ]  # fmt: skip


def test_searches_are_counted_for_the_project_until_midnight_in_california(youtube, polled):
    options = SEARCH | {"searches_per_day": 2}
    clock = FixedClock(datetime(2026, 3, 2, 7, 30, tzinfo=UTC))
    polled(options, clock=clock)
    polled(options | {"query": "another"}, clock=clock)
    with pytest.raises(Unavailable) as caught:
        polled(options, clock=clock)
    assert caught.value.rate_limited
    assert caught.value.retry_after == timedelta(minutes=30)
    assert len(youtube.calls("/search")) == 2
    clock.forward(timedelta(minutes=31))
    polled(options, clock=clock)


def test_used_up_searches_leave_comments_alone(youtube, polled):
    with pytest.raises(Unavailable):
        for _ in range(3):
            polled(SEARCH | {"searches_per_day": 2})
    polled()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"api_key": "env:K"}, "channel_id is missing"),
        ({"kind": "video", "api_key": "env:K"}, "video_id is missing"),
        ({"kind": "search", "api_key": "env:K"}, "query is missing"),
        ({"channel_id": "UC1"}, "api_key is missing"),
        ({"channel_id": "UC1", "client_id": "c", "api_key": "env:K"}, "belong together"),
    ],
)
def test_what_is_missing_is_said(use, options, words):
    with pytest.raises(ConfigError, match=words):
        use(options, None)


def test_a_key_cannot_answer(use):
    async def act(listener):
        return responder(listener)

    assert use(CHANNEL, act) is None
    assert use(ACCOUNT, act) is not None


@pytest.fixture
def answer(use):
    def do(method, ref, text="On Friday."):
        reply = Outgoing(text, ref, "k1", NOW)

        async def act(listener):
            there = responder(listener)
            return await getattr(there, method)(ref if method == "target" else reply)

        return use(ACCOUNT, act)

    return do


TOP = {"thread_id": "t", "comment_id": "t", "handle": "mara", "video_id": "v1", "channel_id": US}
BELOW = TOP | {"comment_id": "t.r0", "handle": "tomo.k"}
VIDEO = {"video_id": "v9", "channel_id": "UCtomo"}


@pytest.mark.parametrize(
    ("ref", "text", "posted"),
    [
        (TOP, "On Friday.", "On Friday."),
        (BELOW, "On Friday.", "@tomo.k On Friday."),
        (BELOW, "@Tomo.K on Friday.", "@Tomo.K on Friday."),
        (BELOW, "@tomo on Friday.", "@tomo.k @tomo on Friday."),
        (BELOW | {"handle": ""}, "On Friday.", "On Friday."),
    ],
)
def test_an_answer_goes_below_the_first_comment_and_names_whom_it_answers(
    youtube, answer, ref, text, posted
):
    youtube.thread("t", replies=1)
    sent = answer("send", ref, text)
    assert youtube.posted == [{"parentId": "t", "textOriginal": posted}]
    assert sent == Sent("t.mine", "https://www.youtube.com/watch?v=v1&lc=t.mine")
    assert answer("find", ref, text) == sent
    assert answer("find", ref, "Something else.") is None


def test_a_video_is_answered_by_a_comment_of_our_own(youtube, answer):
    youtube.film("v9", title="Rock &amp; bag")
    sent = answer("send", VIDEO)
    assert youtube.posted[0]["videoId"] == "v9"
    assert sent.remote_id == "new"
    assert answer("find", VIDEO) == sent


def test_a_video_is_read_again_by_its_title(youtube, answer):
    youtube.film("v9", title="Rock and bag")
    assert answer("target", VIDEO) == Target("Rock and bag")
    assert isinstance(answer("target", VIDEO | {"video_id": "v8"}), Gone)


def test_a_comment_is_read_again_with_its_edit(youtube, answer):
    youtube.thread("t", text="now so", updatedAt=at(1))
    youtube.reply("t", "r0", text="me too")
    assert answer("target", TOP) == Target("now so", NOW - timedelta(minutes=1))
    assert answer("target", BELOW) == Target("me too")


def test_a_locked_thread_is_refused_before_anything_is_sent(youtube, answer):
    youtube.thread("t")
    youtube.can_reply = False
    with pytest.raises(ReplyRefused, match="takes no replies"):
        answer("target", TOP)


def test_gone_is_an_empty_list_or_404(youtube, answer):
    assert isinstance(answer("target", TOP), Gone)
    youtube.overrides["/comments"] = lambda _: refusal(404, "commentNotFound")
    assert isinstance(answer("target", BELOW), Gone)
    assert answer("find", BELOW) is None


def test_an_account_that_may_not_comment_is_the_source_s_fault(youtube, answer):
    youtube.overrides["/comments"] = lambda _: refusal(403, "ineligibleAccount")
    with pytest.raises(Rejected, match="may not comment"):
        answer("send", TOP)


def test_somebody_else_s_same_words_are_not_ours(youtube, answer):
    youtube.thread("t")
    youtube.reply("t", "r0", who="UCmara", text="On Friday.", minutes=0)
    assert answer("find", TOP) is None


def test_a_cursor_of_before_still_serves(youtube, polled):
    youtube.thread("t", minutes=5)
    old = Cursor(json.dumps({"after": NOW.isoformat()}))
    assert ids(polled(since=old)) == {"t"}
