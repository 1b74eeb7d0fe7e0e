"""Slack: ids that are text, a no in a yes, threads beside the channel, and words that come back."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from earmark_core.errors import Malformed, Rejected, ReplyRefused, ReplyUnknown, Unavailable
from earmark_core.model import WindowState
from earmark_listeners.channels.slack.markup import escaped, plain
from earmark_listeners.contract import Gone, Outgoing, Target
from earmark_listeners.registry import channel
from tests.fakes import pages_of, with_listener

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PLACE = "C0ACME"
OPTIONS = {"token": "env:T", "channel_id": PLACE, "limit": 3}


def ts(minutes: float, more: int = 100) -> str:
    return f"{int((NOW - timedelta(minutes=minutes)).timestamp())}.{more:06d}"


@dataclass
class FakeSlack:
    """Keeps one channel, which gives the newest first; its threads give the oldest first."""

    said: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    answers: dict[str, httpx.Response | Exception] = field(default_factory=dict)
    limited_after: dict[str, int] = field(default_factory=dict)
    is_limited: bool = False

    def say(self, at: str, text: str = "hello acme", **more: Any) -> str:
        self.said[at] = {"type": "message", "user": "U0MARA", "text": text, "ts": at, **more}
        return at

    def below(self, thread: str, at: str, text: str = "and me", **more: Any) -> str:
        self.say(at, text, thread_ts=thread, **more)
        replies = [each for each in self.said.values() if each.get("thread_ts") == thread]
        newest = max(each["ts"] for each in replies)
        self.said[thread] |= {"thread_ts": thread, "latest_reply": newest,
                              "reply_count": len(replies)}  # fmt: skip
        return at

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        name = request.url.path.removeprefix("/api/")
        if name in self.limited_after:
            self.limited_after[name] -= 1
            if self.limited_after[name] < 0:
                return httpx.Response(429, headers={"Retry-After": "30"}, json={"ok": False})
        special = self.answers.get(name)
        if isinstance(special, Exception):
            raise special
        if special is not None:
            return special
        if name == "auth.test":
            return yes(url="https://acme.slack.example/", user_id="U0CARE", bot_id="B0CARE")
        if name == "users.info":
            return yes(user={"profile": {"display_name": request.url.params["user"].lower()}})
        if name == "chat.postMessage":
            return yes(channel=PLACE, ts=ts(-1))
        query = {key: values[0] for key, values in parse_qs(request.url.query.decode()).items()}
        return self.page(name, query)

    def page(self, name: str, query: dict[str, str]) -> httpx.Response:
        bounds = query.get("oldest", "0"), query.get("latest", "9" * 10)
        if query.get("inclusive") == "true":
            found = [each for each in self.said.values() if bounds[0] <= each["ts"] <= bounds[1]]
        else:
            found = [each for each in self.said.values() if bounds[0] < each["ts"] < bounds[1]]
        if name == "conversations.replies":
            root = query["ts"]
            if root not in self.said:
                return no("thread_not_found")
            below = [each for each in found if each.get("thread_ts") == root and each["ts"] != root]
            found = [self.said[root], *sorted(below, key=lambda each: each["ts"])]
        else:
            shown = [each for each in found if each.get("thread_ts", each["ts"]) == each["ts"]]
            found = sorted(shown, key=lambda each: each["ts"], reverse=True)
        begin, size = int(query.get("cursor", "0")), int(query["limit"])
        onward = str(begin + size) if begin + size < len(found) else ""
        more: dict[str, Any] = {"response_metadata": {"next_cursor": onward}}
        if self.is_limited:
            more["is_limited"] = True
        return yes(messages=found[begin : begin + size], **more)

    def asked(self, name: str) -> list[dict[str, str]]:
        found = [each for each in self.requests if each.url.path == f"/api/{name}"]
        return [dict(each.url.params) for each in found]


def yes(**said: Any) -> httpx.Response:
    return httpx.Response(200, json={"ok": True, **said})


def no(name: str) -> httpx.Response:
    return httpx.Response(200, json={"ok": False, "error": name})


@pytest.fixture
def server() -> FakeSlack:
    return FakeSlack()


@pytest.fixture
def memory() -> dict[str, Any]:
    return {}


@pytest.fixture
def use(server, memory):
    def run(do, options=OPTIONS):
        return with_listener(
            "slack", options, server, do, now=NOW, secret="xoxb-s3cret", memory=memory
        )

    return run


@pytest.fixture
def polled(use):
    def poll(since=None, options=OPTIONS, stop_after=None):
        return use(lambda listener: pages_of(listener, since, stop_after), options)

    return poll


def texts(batches) -> list[str]:
    return [item.text for batch in batches for item in batch.items]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<@U1> and <@U2|tomo> &amp; <@U9>", "@Mara and @tomo & @U9"),
        ("<#C1|general> <#C2>", "#general #C2"),
        ("<!here> <!subteam^S1|@care> <!subteam^S1>", "@here @care @subteam"),
        ("<https://a.example/?x=1&amp;y=2>", "https://a.example/?x=1&y=2"),
        ("<https://a.example|the form>", "the form (https://a.example)"),
        ("<https://a.example|https://a.example>", "https://a.example"),
        ("<mailto:a@b.example|a@b.example>", "a@b.example"),
        ("1 &lt; 2 &amp;lt; <b", "1 < 2 &lt; <b"),
    ],
    ids=["members", "channels", "groups", "link", "labelled", "same label", "mail", "escapes"],
)  # fmt: skip
def test_markup_is_read_as_a_person_sees_it(written, read):
    assert plain(written, {"U1": "Mara"}) == read


def test_what_we_say_calls_nobody_by_slack_s_marks():
    assert plain(escaped("<!channel> & <@U1>"), {"U1": "Mara"}) == "<!channel> & <@U1>"
    assert "<" not in escaped("<!channel>")


def test_length_counts_what_is_sent():
    rules = channel("slack").rules
    assert rules.misfit("&" * 8_000) == ""
    assert rules.misfit("&" * 8_001)


def test_new_replies_are_heard_and_a_thread_is_asked_for_once(polled, server):
    root = server.say(ts(60), "my bag")
    server.below(root, ts(50), "early")
    first = polled()
    assert texts(first) == ["my bag"], "what was said in threads earlier is a backfill's"
    server.below(root, ts(5), "late")
    second = polled(first[-1].cursor)
    assert "late" in texts(second)
    assert "early" not in texts(second)
    asked = len(server.asked("conversations.replies"))
    assert asked == 1
    third = polled(second[-1].cursor)
    assert "late" not in texts(third)
    assert len(server.asked("conversations.replies")) == asked


def test_a_poll_does_not_look_behind_where_the_first_one_began(polled, server):
    for number in range(9):
        server.say(ts(90 - number * 10), f"m{number}")
    first = polled()
    assert texts(first) == ["m6", "m7", "m8"]
    server.say(ts(1), "new")
    second = polled(first[-1].cursor)
    assert "new" in texts(second)
    assert "m5" not in texts(second)


def test_a_burst_of_several_pages_is_heard_whole(polled, server):
    server.say(ts(100), "old")
    first = polled()
    for number in range(10):
        server.say(ts(50 - number), f"m{number}")
    second = polled(first[-1].cursor)
    assert {f"m{number}" for number in range(10)} <= set(texts(second))
    assert [batch.cursor is not None for batch in second] == [False] * (len(second) - 1) + [True]


def test_a_broadcast_reply_comes_once(polled, server):
    root = server.say(ts(60), "my bag")
    first = polled()
    at = server.below(root, ts(5), "to all", subtype="thread_broadcast")
    broadcast = dict(server.said[at])

    def page(name, query):
        answer = FakeSlack.page(server, name, query)
        said = json.loads(answer.content)
        if name == "conversations.history":
            said["messages"].insert(0, broadcast)
        return httpx.Response(200, json=said)

    server.page = page
    assert texts(polled(first[-1].cursor)).count("to all") == 1


def test_threads_that_one_poll_does_not_reach_come_with_the_next(polled, server):
    options = OPTIONS | {"limit": 50, "max_threads": 2}
    roots = [server.say(ts(60 - number), f"root{number}") for number in range(5)]
    cursor = polled(options=options)[-1].cursor
    for number, root in enumerate(roots):
        server.below(root, ts(10 - number), f"reply{number}")
    heard: list[str] = []
    states = []
    for _ in range(3):
        batches = polled(cursor, options)
        heard += [text for text in texts(batches) if text.startswith("reply")]
        states.append(batches[-1].state)
        cursor = batches[-1].cursor
    assert heard == [f"reply{number}" for number in range(5)]
    assert states == [WindowState.truncated, WindowState.truncated, WindowState.complete]


def test_a_limit_among_threads_keeps_what_was_heard(polled, server):
    options = OPTIONS | {"limit": 50}
    roots = [server.say(ts(60 - number), f"root{number}") for number in range(3)]
    cursor = polled(options=options)[-1].cursor
    for number, root in enumerate(roots):
        server.below(root, ts(10 - number), f"reply{number}")
    heard: list[str] = []
    for _ in range(3):
        server.limited_after = {"conversations.replies": 1}
        batches = polled(cursor, options)
        heard += [text for text in texts(batches) if text.startswith("reply")]
        cursor = batches[-1].cursor
    assert heard == ["reply0", "reply1", "reply2"]


def test_a_thread_that_is_longer_than_a_poll_goes_on_where_it_was(polled, server):
    options = OPTIONS | {"max_pages": 1, "limit": 4}
    root = server.say(ts(60), "root")
    cursor = polled(options=options)[-1].cursor
    for number in range(7):
        server.below(root, ts(30 - number), f"reply{number}")
    heard: list[str] = []
    for _ in range(4):
        batches = polled(cursor, options)
        heard += [text for text in texts(batches) if text.startswith("reply")]
        cursor = batches[-1].cursor
    assert heard == [f"reply{number}" for number in range(7)]


def test_killed_between_pages_the_cursor_is_still_behind(polled, server):
    root = server.say(ts(60), "root")
    first = polled()
    server.below(root, ts(5), "late")
    begun = polled(first[-1].cursor, stop_after=1)
    assert begun[-1].cursor is None
    assert "late" in texts(polled(first[-1].cursor))


def test_a_thread_that_is_gone_is_passed(polled, server):
    root = server.say(ts(60), "root")
    first = polled()
    server.below(root, ts(5), "late")
    server.answers["conversations.replies"] = no("thread_not_found")
    second = polled(first[-1].cursor)
    assert second[-1].state is WindowState.complete


def test_a_deleted_message_whose_thread_is_left_is_gone(polled, server):
    at = server.say(ts(60), "This message was deleted.", subtype="tombstone")
    (batch,) = polled()
    assert batch.gone == (f"{PLACE}/{at}",)
    assert batch.items == ()


def test_joins_and_other_bots_are_passed_over_our_own_are_ours(polled, server):
    options = OPTIONS | {"limit": 50}
    server.say(ts(9), "has joined", subtype="channel_join")
    server.say(ts(8), "build 4", bot_id="B9", subtype="bot_message")
    server.say(ts(7), "we are sorry", user="U0CARE", bot_id="B0CARE")
    assert [(item.text, item.is_own) for item in polled(options=options)[0].items] == [
        ("we are sorry", True)
    ]
    bots = polled(options=options | {"include_bots": True})
    assert texts(bots) == ["build 4", "we are sorry"]


def test_names_are_asked_for_once_and_within_bounds(polled, server):
    for number in range(3):
        server.say(ts(9 - number), "hi", user=f"U{number}")
    polled(options=OPTIONS | {"user_lookups": 2})
    assert len(server.asked("users.info")) == 2
    polled()
    assert len(server.asked("users.info")) == 3


def test_without_the_scope_for_names_ids_have_to_do(polled, server):
    server.say(ts(9), "hi")
    server.answers["users.info"] = no("missing_scope")
    (item,) = polled()[0].items
    assert (item.author.id, item.author.name) == ("U0MARA", "")


def test_a_ts_that_is_a_number_is_refused_never_rounded(polled, server):
    server.say(ts(9), "fine")
    server.said["x"] = server.said[ts(9)] | {"ts": 1772438420.0001}
    server.page = lambda name, query: yes(messages=list(server.said.values()))
    (batch,) = polled()
    assert texts([batch]) == ["fine"]
    assert len(batch.bad_items) == 1


@pytest.mark.parametrize(
    ("name", "expected", "fault"),
    [
        ("invalid_auth", Rejected, "auth"),
        ("token_revoked", Rejected, "auth"),
        ("missing_scope", Rejected, "forbidden"),
        ("not_in_channel", Rejected, "forbidden"),
        ("channel_not_found", Rejected, "not_found"),
        ("ratelimited", Unavailable, None),
        ("internal_error", Unavailable, None),
    ],
)
def test_each_no_in_a_yes_is_one(polled, server, name, expected, fault):
    server.answers["conversations.history"] = no(name)
    with pytest.raises(expected) as caught:
        polled()
    assert getattr(caught.value, "fault", None) == fault
    if expected is Rejected:
        assert caught.value.hint
    else:
        assert caught.value.rate_limited is (name == "ratelimited")


def test_an_answer_that_says_neither_yes_nor_no_is_none(polled, server):
    server.answers["conversations.history"] = httpx.Response(200, json={"messages": []})
    with pytest.raises(Malformed):
        polled()


REF = {"channel_id": PLACE, "ts": ts(60), "thread_ts": ts(60)}
REPLY = Outgoing("Sorry, Mara & Tomo 🙏 see https://acme.example/a", REF, "key", NOW)


def test_a_reply_goes_into_the_thread_and_is_escaped(use, server):
    sent = use(lambda listener: listener.send(REPLY))
    assert sent.remote_id == f"{PLACE}/{ts(-1)}"
    assert sent.url.startswith("https://acme.slack.example/archives/C0ACME/p")
    assert json.loads(server.requests[-1].content) == {
        "channel": PLACE, "thread_ts": ts(60),
        "text": "Sorry, Mara &amp; Tomo 🙏 see https://acme.example/a",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (no("msg_too_long"), ReplyRefused),
        (no("is_archived"), ReplyRefused),
        (no("not_in_channel"), ReplyRefused),
        (no("token_revoked"), Rejected),
        (no("ratelimited"), Unavailable),
        (no("fatal_error"), ReplyUnknown),
        (httpx.Response(200, json={"channel": PLACE}), ReplyUnknown),
        (httpx.Response(429, headers={"Retry-After": "30"}), Unavailable),
        (httpx.Response(503), ReplyUnknown),
        (httpx.ReadTimeout("slow"), ReplyUnknown),
    ],
    ids=["long", "archived", "outside", "login", "limit", "failure", "nothing", "429", "503",
         "lost"],
)  # fmt: skip
def test_each_no_to_a_reply_is_told_by_what_to_do(use, server, answer, expected):
    server.answers["chat.postMessage"] = answer
    with pytest.raises(expected):
        use(lambda listener: listener.send(REPLY))


def test_our_reply_is_known_again_as_slack_writes_it(use, server):
    root = server.say(ts(60), "my bag")
    written = "Sorry, Mara &amp; Tomo :pray: see <https://acme.example/a>"
    server.below(root, ts(2), written, user="U0MARA")
    assert use(lambda listener: listener.find(REPLY)) is None
    at = server.below(root, ts(1), written, user="U0CARE", bot_id="B0CARE")
    assert use(lambda listener: listener.find(REPLY)).remote_id == f"{PLACE}/{at}"


def test_an_older_reply_of_the_same_words_is_not_this_one(use, server):
    root = server.say(ts(60), "my bag")
    server.below(root, ts(30), escaped(REPLY.text), user="U0CARE", bot_id="B0CARE")
    assert use(lambda listener: listener.find(REPLY)) is None


def test_a_target_in_a_thread_is_read_there_and_told_gone(use, server):
    root = server.say(ts(60), "my bag")
    at = server.below(root, ts(30), "me &amp; <@U0TOMO>")
    ref = {"channel_id": PLACE, "ts": at, "thread_ts": root}
    assert use(lambda listener: listener.target(ref)) == Target("me & @u0tomo")
    del server.said[at]
    assert isinstance(use(lambda listener: listener.target(ref)), Gone)
    del server.said[root]
    assert isinstance(use(lambda listener: listener.target(ref)), Gone)


def test_what_the_plan_hides_is_not_gone(use, server):
    server.is_limited = True
    with pytest.raises(ReplyRefused, match="plan"):
        use(lambda listener: listener.target(REF))


def test_history_holds_replies_to_what_was_said_shortly_before(use, server):
    root = server.say(ts(60 * 30), "before the stretch")
    server.below(root, ts(60 * 29), "also before")
    server.below(root, ts(60 * 10), "within")
    server.say(ts(60 * 9), "within, too")

    async def do(listener):
        start, end = NOW - timedelta(hours=20), NOW
        return [batch async for batch in listener.backfill(start, end, None)]

    batches = use(do)
    assert sorted(texts(batches)) == ["within", "within, too"]
    assert batches[-1].covers_from == NOW - timedelta(hours=20)
