"""Discord: ids in order, words that are kept from the bot, and a reply that pings nobody."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from earmark_core.errors import Malformed, Rejected, ReplyRefused, ReplyUnknown, Unavailable
from earmark_core.model import WindowState
from earmark_listeners.channels.discord.messages import moment_of, number_at
from earmark_listeners.contract import Gone, Outgoing, Target
from earmark_listeners.registry import channel
from tests.fakes import pages_of, with_listener

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PLACE, SERVER = "900000000000000011", "900000000000000001"
US = {"id": "60", "username": "care", "bot": True}
MARA = {"id": "41", "username": "mara.l", "global_name": "Mara"}
OPTIONS = {"token": "env:T", "channel_id": PLACE, "limit": 4}
PATH = f"/api/v10/channels/{PLACE}/messages"


def id_at(minutes: float) -> int:
    return number_at(NOW - timedelta(minutes=minutes))


@dataclass
class FakeDiscord:
    """Keeps the messages of one channel; pages are newest first, `after` gives the next ones."""

    said: dict[int, dict[str, Any]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    answers: dict[tuple[str, str], httpx.Response | Exception] = field(default_factory=dict)
    place: dict[str, Any] = field(default_factory=lambda: {"type": 0, "guild_id": SERVER})
    leaps: bool = False

    def say(self, minutes: float, content: str = "hello acme", **more: Any) -> str:
        number = id_at(minutes)
        at = (NOW - timedelta(minutes=minutes)).isoformat()
        self.said[number] = {
            "id": str(number), "type": 0, "author": MARA, "content": content, "timestamp": at,
            "edited_timestamp": None, **more,
        }  # fmt: skip
        return str(number)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path, method = request.url.path, request.method
        assert request.headers["authorization"] == "Bot s3cret-token"
        assert request.headers["user-agent"].startswith("DiscordBot (")
        special = self.answers.get((method, path))
        if isinstance(special, Exception):
            raise special
        if special is not None:
            return special
        if path == "/api/v10/users/@me":
            return httpx.Response(200, json=US)
        if path == f"/api/v10/channels/{PLACE}":
            return httpx.Response(200, json={"id": PLACE, **self.place})
        if method == "POST":
            body = json.loads(request.content)
            number = self.say(-1, body["content"], author=US, nonce=body["nonce"],
                              message_reference=body["message_reference"])  # fmt: skip
            return httpx.Response(200, json=self.said[int(number)])
        if path == PATH:
            return httpx.Response(200, json=self.page(request.url.params))
        found = self.said.get(int(path.rpartition("/")[2]))
        return httpx.Response(200, json=found) if found else no(404, 10_008, "Unknown Message")

    def page(self, query: httpx.QueryParams) -> list[dict[str, Any]]:
        limit, numbers = int(query["limit"]), sorted(self.said)
        if "after" in query:
            later = [number for number in numbers if number > int(query["after"])]
            numbers = later[-limit:] if self.leaps else later[:limit]
        else:
            before = int(query.get("before", str(2**80)))
            numbers = [number for number in numbers if number < before][-limit:]
        return [self.said[number] for number in reversed(numbers)]


def no(status: int, code: int, message: str, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"message": message, "code": code}, headers=headers)


@pytest.fixture
def server() -> FakeDiscord:
    return FakeDiscord()


@pytest.fixture
def use(server):
    def run(do, options=OPTIONS):
        return with_listener("discord", options, server, do, now=NOW, secret="s3cret-token")

    return run


@pytest.fixture
def polled(use):
    def poll(since=None, options=OPTIONS, stop_after=None):
        return use(lambda listener: pages_of(listener, since, stop_after), options)

    return poll


def texts(batches) -> list[str]:
    return [item.text for batch in batches for item in batch.items]


def test_ids_tell_their_moment():
    assert moment_of(175928847299117063) == datetime(2016, 4, 30, 11, 18, 25, 796000, tzinfo=UTC)
    assert moment_of(number_at(NOW)) == NOW
    assert moment_of(10**24) <= datetime.max.replace(tzinfo=UTC)


def test_a_quiet_channel_costs_one_request_a_poll(polled, server):
    server.say(30, "old")
    first = polled()
    server.say(5, "new")
    server.requests.clear()
    assert texts(polled(first[-1].cursor)) == ["new"]
    assert [each.url.path for each in server.requests].count(PATH) == 1


def test_what_came_while_we_were_away_is_walked_forward_and_none_is_lost(polled, server):
    server.say(600, "old")
    cursor = polled()[-1].cursor
    for number in range(10):
        server.say(500 - number, f"m{number}")
    batches = polled(cursor)
    assert texts(batches) == [f"m{number}" for number in range(10)]
    assert {batch.state for batch in batches} == {WindowState.complete}


def test_killed_after_one_page_of_three_the_rest_comes_once(polled, server):
    server.say(600, "old")
    cursor = polled()[-1].cursor
    for number in range(10):
        server.say(500 - number, f"m{number}")
    begun = polled(cursor, stop_after=1)
    rest = polled(begun[-1].cursor)
    assert texts(begun) + texts(rest) == [f"m{number}" for number in range(10)]


def test_pages_end_at_the_cap_and_go_on_with_the_next_poll(polled, server):
    options = OPTIONS | {"max_pages": 2}
    server.say(600, "old")
    cursor = polled(options=options)[-1].cursor
    for number in range(15):
        server.say(500 - number, f"m{number}")
    begun = polled(cursor, options)
    assert begun[-1].state is WindowState.truncated
    rest = polled(begun[-1].cursor, options)
    assert texts(begun) + texts(rest) == [f"m{number}" for number in range(15)]


def test_an_api_that_leaps_to_the_newest_leaves_a_gap_that_is_told(polled, server):
    server.leaps = True
    server.say(600, "old")
    cursor = polled()[-1].cursor
    for number in range(10):
        server.say(500 - number, f"m{number}")
    first = polled(cursor)[0]
    assert first.state is WindowState.truncated
    assert first.covers_from == NOW - timedelta(minutes=494)


def test_as_many_as_a_page_holds_is_no_leap(polled, server):
    old = server.say(600, "old")
    cursor = polled()[-1].cursor
    del server.said[int(old)]
    for number in range(4):
        server.say(500 - number, f"m{number}")
    batches = polled(cursor)
    assert texts(batches) == ["m0", "m1", "m2", "m3"]
    assert {batch.state for batch in batches} == {WindowState.complete}


def test_an_empty_channel_is_heard_from_its_first_message_on(polled, server):
    cursor = polled()[-1].cursor
    for number in range(6):
        server.say(50 - number, f"m{number}")
    assert texts(polled(cursor)) == [f"m{number}" for number in range(6)]


def test_an_edit_among_the_newest_comes_again(polled, server):
    number = server.say(30, "bad")
    cursor = polled()[-1].cursor
    edited = (NOW - timedelta(minutes=1)).isoformat()
    server.said[int(number)] |= {"content": "awful", "edited_timestamp": edited}
    (item,) = polled(cursor)[0].items
    assert (item.external_id, item.text) == (number, "awful")
    assert item.edited_at == NOW - timedelta(minutes=1)


def test_without_the_intent_a_person_is_told_and_nothing_empty_is_stored(polled, server):
    for number in range(3):
        server.say(9 - number, "")
    with pytest.raises(Rejected, match="3 of 3") as caught:
        polled()
    assert "Message Content Intent" in caught.value.hint


def test_one_message_without_words_goes_to_quarantine(polled, server):
    server.say(9, "fine")
    server.say(8, "")
    server.say(7, "", sticker_items=[{"id": "1", "name": "shrug"}])
    (batch,) = polled()
    assert texts([batch]) == ["fine", "[attached: shrug]"]
    assert [bad.reason for bad in batch.bad_items] == [
        "It came without its words: the bot is not shown them."
    ]


def test_names_stand_for_marks(polled, server):
    said = "<@41> <@!9> asks <@&3> in <#4> <a:party:5> <t:1772438400:R>"
    server.say(9, said, mentions=[MARA])
    assert texts(polled()) == ["@Mara @9 asks @role in #channel :party: <t:1772438400:R>"]


def test_what_discord_says_itself_and_other_bots_are_passed_over(polled, server):
    server.say(9, "", type=7)
    server.say(8, "build 4", author={"id": "70", "username": "ci", "bot": True})
    server.say(7, "hook", webhook_id="5")
    server.say(6, "we look into it", author=US)
    (batch,) = polled()
    assert [(item.text, item.is_own) for item in batch.items] == [("we look into it", True)]
    assert len(texts(polled(options=OPTIONS | {"include_bots": True}))) == 3


def test_a_forwarded_message_answers_nothing(polled, server):
    copied = [{"message": {"content": "their words"}}]
    forward = {"type": 1, "message_id": "5"}
    server.say(9, "", message_reference=forward, message_snapshots=copied)
    (item,) = polled()[0].items
    assert (item.text, item.parent_id) == ("their words", "")


def test_threads_are_what_answers_what_or_the_thread_we_listen_to(polled, server):
    first = server.say(9)
    second = server.say(8, message_reference={"message_id": first})
    server.say(7, message_reference={"message_id": second})
    assert {item.thread_id for item in polled()[0].items} == {first}
    server.place = {"type": 11, "guild_id": SERVER}
    assert {item.thread_id for item in polled()[0].items} == {PLACE}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (no(403, 50_001, "Missing Access", **{"X-RateLimit-Remaining": "0"}), "forbidden"),
        (no(404, 10_003, "Unknown Channel"), "not_found"),
        (httpx.Response(401, json={"message": "401: Unauthorized", "code": 0}), "auth"),
    ],
    ids=["no access", "no channel", "no login"],
)
def test_a_refusal_waits_for_a_person_and_says_what_to_do(polled, server, answer, fault):
    server.answers["GET", PATH] = answer
    with pytest.raises(Rejected) as caught:
        polled()
    assert caught.value.fault == fault
    assert caught.value.hint


def test_a_limit_gives_the_wait_in_parts_of_a_second(polled, server):
    body = {"message": "You are being rate limited.", "retry_after": 1.337, "global": True}
    server.answers["GET", PATH] = httpx.Response(429, json=body)
    with pytest.raises(Unavailable) as caught:
        polled()
    assert caught.value.rate_limited
    assert timedelta(seconds=1) <= caught.value.retry_after <= timedelta(seconds=2)


REF = {"channel_id": PLACE, "message_id": str(id_at(60))}
REPLY = Outgoing("Sorry, @everyone! It is mended", REF, "key", NOW)


@pytest.mark.parametrize("pings", [False, True])
def test_a_reply_hangs_below_its_target_and_pings_nobody_unasked(use, server, pings):
    options = OPTIONS | {"notify_author": pings}
    sent = use(lambda listener: listener.send(REPLY), options)
    body = json.loads(server.requests[-1].content)
    assert body.pop("nonce").isalnum()
    assert body == {
        "content": "Sorry, @everyone! It is mended",
        "message_reference": {"message_id": REF["message_id"], "fail_if_not_exists": True},
        "allowed_mentions": {"parse": [], "replied_user": pings},
        "enforce_nonce": True,
    }
    assert sent.url == f"https://discord.com/channels/{SERVER}/{PLACE}/{sent.remote_id}"


def test_the_key_makes_a_nonce_that_stays_and_is_short_enough(use, server):
    for key in ("key", "key", "k" * 300):
        use(lambda listener, key=key: listener.send(Outgoing("x", REF, key, NOW)))
    posted = [each for each in server.requests if each.method == "POST"]
    nonces = [json.loads(each.content)["nonce"] for each in posted]
    assert nonces[0] == nonces[1] != nonces[2]
    assert max(map(len, nonces)) <= 25


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (no(400, 50_035, "Invalid Form Body"), ReplyRefused),
        (no(403, 50_013, "Missing Permissions", **{"X-RateLimit-Remaining": "0"}), ReplyRefused),
        (no(404, 10_003, "Unknown Channel"), ReplyRefused),
        (httpx.Response(401, json={"message": "401: Unauthorized"}), Rejected),
        (httpx.Response(429, json={"retry_after": 3.5, "global": False}), Unavailable),
        (httpx.Response(502), ReplyUnknown),
        (httpx.Response(200, json={}), ReplyUnknown),
        (httpx.ReadTimeout("slow"), ReplyUnknown),
    ],
    ids=["form", "permission", "channel", "login", "limit", "failure", "nothing", "lost"],
)
def test_each_no_to_a_reply_is_told_by_what_to_do(use, server, answer, expected):
    server.answers["POST", PATH] = answer
    with pytest.raises(expected):
        use(lambda listener: listener.send(REPLY))


def test_our_reply_is_found_by_its_words_or_by_its_mark(use, server):
    reference = {"message_id": REF["message_id"]}
    server.say(1, REPLY.text, message_reference=reference)
    server.say(2, REPLY.text, author=US)
    assert use(lambda listener: listener.find(REPLY)) is None
    at = server.say(3, f" {REPLY.text} ", author=US, message_reference=reference)
    assert use(lambda listener: listener.find(REPLY)).remote_id == at
    sent = use(lambda listener: listener.send(REPLY))
    server.said[int(sent.remote_id)]["content"] = "edited since"
    del server.said[int(at)]
    assert use(lambda listener: listener.find(REPLY)).remote_id == sent.remote_id


def test_a_channel_that_is_too_busy_to_look_through_is_no_proof(use, server):
    for number in range(1_100):
        server.say(-number - 1)
    with pytest.raises(Unavailable, match="Too much"):
        use(lambda listener: listener.find(REPLY))


def test_a_target_is_read_again_and_told_gone(use, server):
    at = server.say(60, "Hi <@41>", mentions=[MARA])
    assert use(lambda listener: listener.target(REF)) == Target("Hi @Mara")
    del server.said[int(at)]
    assert isinstance(use(lambda listener: listener.target(REF)), Gone)
    server.answers["GET", f"{PATH}/{at}"] = httpx.Response(404, text="no such page")
    with pytest.raises(Rejected):
        use(lambda listener: listener.target(REF))


def test_a_target_whose_words_are_kept_from_us_is_not_taken_for_an_edit(use, server):
    server.say(60, "")
    with pytest.raises(Malformed, match="without its words"):
        use(lambda listener: listener.target(REF))


def test_length_is_never_counted_too_low():
    rules = channel("discord").rules
    assert rules.misfit("é" * 2_000) == ""
    assert rules.misfit("😭" * 1_000) == ""
    assert rules.misfit("😭" * 1_001)
