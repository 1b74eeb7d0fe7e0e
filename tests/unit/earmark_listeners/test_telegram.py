"""Telegram: a line that is struck out by asking, a token in every path, a reply in doubt."""

import json
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from earmark_core.errors import (
    Malformed,
    Rejected,
    ReplyRefused,
    ReplyUnknown,
    Unavailable,
)
from earmark_core.model import WindowState
from earmark_listeners.contract import Outgoing, Target
from earmark_listeners.probing import probe
from earmark_listeners.registry import channel
from tests.fakes import pages_of, with_listener

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TOKEN = "7000060:AAsentinel-never-to-be-seen"
GROUP = {"id": -1001700000001, "type": "supergroup", "title": "Flyers"}
MARA = {"id": 41, "is_bot": False, "first_name": "Mara", "username": "mara"}
TINY = {"token": "env:T", "limit": 2}


def at(minutes: float) -> int:
    return int((NOW - timedelta(minutes=minutes)).timestamp())


def message(number: int, text: str = "hello acme", **more: Any) -> dict[str, Any]:
    return {"message_id": number, "from": MARA, "chat": GROUP, "date": at(30), "text": text, **more}


@dataclass
class FakeTelegram:
    """Keeps updates in line; asking for a number strikes out all before it."""

    line: list[dict[str, Any]] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    answers: dict[str, httpx.Response | Exception] = field(default_factory=dict)
    next_update: int = 100

    def hear(self, kind: str = "message", **more: Any) -> int:
        self.next_update += 1
        number = self.next_update
        said = message(more.pop("message_id", number), **more)
        self.line.append({"update_id": number, kind: said})
        return number

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        name = request.url.path.rpartition("/")[2]
        assert request.url.path == f"/bot{TOKEN}/{name}"
        special = self.answers.get(name)
        if isinstance(special, Exception):
            raise special
        if special is not None:
            return special
        if name == "getUpdates":
            query = request.url.params
            assert query["timeout"] == "0"
            offset = int(query.get("offset", "0"))
            self.line = [each for each in self.line if each["update_id"] >= offset]
            return done(self.line[: int(query["limit"])])
        if name == "sendMessage":
            body = json.loads(request.content)
            return done(message(900, body["text"], chat=GROUP))
        return done(GROUP)


def done(result: Any) -> httpx.Response:
    return httpx.Response(200, json={"ok": True, "result": result})


def no(code: int, words: str, **more: Any) -> httpx.Response:
    said = {"ok": False, "error_code": code, "description": words, **more}
    return httpx.Response(code, json=said)


@pytest.fixture
def server() -> FakeTelegram:
    return FakeTelegram()


@pytest.fixture
def memory() -> dict[str, Any]:
    return {}


@pytest.fixture
def use(server, memory):
    def run(do, options=TINY, now=NOW):
        return with_listener("telegram", options, server, do, now=now, secret=TOKEN, memory=memory)

    return run


@pytest.fixture
def polled(use):
    def poll(since=None, options=TINY, now=NOW, stop_after=None):
        return use(lambda listener: pages_of(listener, since, stop_after), options, now)

    return poll


def texts(batches) -> list[str]:
    return [item.text for batch in batches for item in batch.items]


def test_killed_after_one_page_of_three_nothing_is_lost_and_nothing_comes_twice(polled, server):
    start = polled()[-1].cursor
    for number in range(6):
        server.hear(text=f"m{number}")
    begun = polled(start, stop_after=1)
    assert len(server.line) == 6, "what is not stored yet must not be struck out"
    rest = polled(begun[-1].cursor)
    assert texts(begun) + texts(rest) == [f"m{number}" for number in range(6)]
    assert texts(polled(rest[-1].cursor)) == []


def test_the_next_page_is_asked_for_only_behind_what_was_handed_over(polled, server):
    start = polled()[-1].cursor
    numbers = [server.hear() for _ in range(5)]
    polled(start)
    offsets = [request.url.params.get("offset") for request in server.requests[1:]]
    assert offsets == ["0", str(numbers[1] + 1), str(numbers[3] + 1)]


def test_trying_a_source_strikes_out_nothing(use, server):
    for number in range(5):
        server.hear(text=f"m{number}")
    found = use(probe)
    assert found.found == 2
    assert len(server.line) == 5
    assert all("offset" not in request.url.params for request in server.requests)


def test_a_first_poll_that_is_not_all_says_so(polled, server):
    for _ in range(5):
        server.hear()
    (first,) = polled()
    assert first.state is WindowState.truncated
    assert "next poll" in first.note


def test_a_pause_longer_than_a_day_is_a_gap(polled, server):
    start = polled()[-1].cursor
    server.hear()
    (batch,) = polled(start, now=NOW + timedelta(hours=30))
    assert batch.state is WindowState.truncated
    assert batch.covers_from == NOW + timedelta(hours=6)
    assert "24 hours" in batch.note
    (batch,) = polled(batch.cursor, now=NOW + timedelta(hours=53))
    assert (batch.state, batch.covers_from) == (WindowState.complete, None)


def test_after_a_quiet_week_updates_that_are_numbered_anew_are_not_struck_out(polled, server):
    server.hear(text="before")
    cursor = polled()[-1].cursor
    for day in range(1, 9):
        cursor = polled(cursor, now=NOW + timedelta(days=day))[-1].cursor
    server.next_update = 7
    for number in range(3):
        server.hear(text=f"m{number}")
    later = NOW + timedelta(days=9)
    batches = polled(cursor, now=later)
    assert texts(batches) == ["m0", "m1", "m2"]
    server.hear(text="m3")
    (batch,) = polled(batches[-1].cursor, now=later)
    assert ([item.text for item in batch.items], batch.state) == (["m3"], WindowState.complete)


def test_a_second_source_on_the_same_bot_is_told_of(polled, server):
    mine = polled()[-1].cursor
    server.hear()
    server.hear()
    theirs = polled(polled()[-1].cursor)[-1].cursor
    polled(theirs)
    (batch,) = polled(mine)
    assert batch.state is WindowState.truncated
    assert "another source" in batch.note
    assert batch.covers_from == NOW


def test_pages_end_at_the_cap_and_go_on_with_the_next_poll(polled, server):
    options = TINY | {"max_pages": 2}
    start = polled()[-1].cursor
    for number in range(5):
        server.hear(text=f"m{number}")
    begun = polled(start, options)
    assert begun[-1].state is WindowState.truncated
    assert texts(begun) + texts(polled(begun[-1].cursor, options)) == [f"m{n}" for n in range(5)]


def test_of_a_message_that_was_edited_at_once_the_last_words_count(polled, server):
    server.hear(message_id=7, text="bad")
    server.hear("edited_message", message_id=7, text="awful", edit_date=at(5))
    (batch,) = polled()
    (item,) = batch.items
    assert (item.text, item.edited_at) == ("awful", NOW - timedelta(minutes=5))


def test_an_edit_on_a_later_page_is_not_lost(polled, server):
    start = polled()[-1].cursor
    server.hear(message_id=7, text="bad")
    server.hear(text="other")
    server.hear("edited_message", message_id=7, text="awful", edit_date=at(5))
    assert texts(polled(start)) == ["bad", "other", "awful"]


def test_only_named_chats_are_heard(polled, server):
    server.hear(text="theirs", chat={"id": -5, "type": "group"})
    server.hear(text="ours")
    assert texts(polled(options=TINY | {"chats": ["-1001700000001"]})) == ["ours"]


def test_a_named_group_that_got_a_new_id_waits_for_a_person_and_is_not_passed(polled, server):
    old = {"id": -900, "type": "group", "title": "Flyers"}
    server.hear(text="", chat=old, migrate_to_chat_id=-1001700000001)
    server.hear(text="in the new one")
    with pytest.raises(Rejected, match="-1001700000001"):
        polled(options=TINY | {"chats": ["-900"]})
    both = TINY | {"chats": ["-900", "-1001700000001"]}
    assert texts(polled(options=both)) == ["in the new one"]


def test_a_webhook_waits_for_a_person_another_reader_may_pass(polled, server):
    words = "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook"
    server.answers["getUpdates"] = no(409, words)
    with pytest.raises(Rejected, match="webhook"):
        polled()
    words = "Conflict: terminated by other getUpdates request"
    server.answers["getUpdates"] = no(409, words)
    with pytest.raises(Unavailable, match="Another program") as caught:
        polled()
    assert not caught.value.rate_limited


@pytest.mark.parametrize("code", [401, 404])
def test_a_token_that_is_none_asks_for_another(polled, server, code):
    server.answers["getUpdates"] = no(code, "Unauthorized")
    with pytest.raises(Rejected, match="no bot by this token") as caught:
        polled()
    assert caught.value.fault == "auth"


def test_a_limit_gives_the_seconds_also_with_the_status_of_a_success(polled, server):
    body = {"ok": False, "error_code": 429, "description": "x", "parameters": {"retry_after": 9}}
    for status in (200, 429):
        server.answers["getUpdates"] = httpx.Response(status, json=body)
        with pytest.raises(Unavailable) as caught:
            polled()
        assert caught.value.rate_limited
        assert caught.value.retry_after == timedelta(seconds=9)


@pytest.mark.parametrize("body", [{"ok": True}, {"result": []}, {"ok": True, "result": {}}])
def test_an_answer_without_its_envelope_is_no_empty_line(polled, server, body):
    server.answers["getUpdates"] = httpx.Response(200, json=body)
    with pytest.raises(Malformed):
        polled()


def test_the_token_is_in_no_error_and_no_log(polled, server, caplog):
    caplog.set_level(logging.DEBUG)
    shown = []
    failures: list[httpx.Response | Exception] = [
        httpx.ConnectError(f"cannot reach https://api.telegram.org/bot{TOKEN}/getUpdates"),
        httpx.ReadTimeout("slow"),
        no(400, f"Bad Request: /bot{TOKEN}/getUpdates"),
        no(500, "x"),
        httpx.Response(302, headers={"location": f"http://api.telegram.org/bot{TOKEN}/x"}),
    ]
    for failure in failures:
        server.answers["getUpdates"] = failure
        with pytest.raises((Unavailable, Rejected)) as caught:
            polled()
        shown.append(f"{caught.value!r} {caught.value} {caught.value.hint}")
    assert "AAsentinel" not in "".join(shown) + caplog.text
    server.answers.clear()
    server.hear()
    assert "AAsentinel" not in repr(polled())


def test_a_link_behind_words_is_written_out_where_it_belongs(polled, server):
    # Telegram counts UTF-16 units: the emoji before it is two of them.
    link = {"type": "text_link", "offset": 3, "length": 4, "url": "https://acme.example/f"}
    server.hear(text="😭 form is broken", entities=[link])
    assert texts(polled()) == ["😭 form (https://acme.example/f) is broken"]


def test_what_nobody_said_is_no_item_and_a_picture_is_one(polled, server):
    server.hear(text="", new_chat_title="Flyers!")
    server.hear(text="", photo=[{"file_id": "x"}], caption="look")
    start = polled()
    server.hear(text="", voice={"file_id": "x"})
    assert texts(start) == ["look"]
    assert texts(polled(start[-1].cursor)) == ["[attached: voice]"]


def test_threads_are_what_answers_what_a_topic_or_a_private_chat(polled, server):
    options = TINY | {"limit": 10}
    server.hear(message_id=1)
    server.hear(message_id=2, reply_to_message=message(1))
    server.hear(message_id=3, reply_to_message=message(2))
    topic = {"message_thread_id": 50, "is_topic_message": True, "reply_to_message": message(50)}
    server.hear(message_id=4, **topic)
    server.hear(message_id=5, chat={"id": 41, "type": "private"})
    (batch,) = polled(options=options)
    group = "-1001700000001"
    assert [item.thread_id for item in batch.items] == [
        f"{group}/1", f"{group}/1", f"{group}/1", f"{group}/50", "41",
    ]  # fmt: skip
    assert [item.parent_id for item in batch.items] == ["", f"{group}/1", f"{group}/2", "", ""]


def test_who_speaks_for_us_is_known_by_name_or_id(polled, server):
    server.hear(text="we")
    (ours,) = polled(options=TINY | {"own": ["@Mara"]})[0].items
    (theirs,) = polled()[0].items
    assert (ours.is_own, theirs.is_own) == (True, False)


REF = {"chat_id": "-1001700000001", "message_id": "7"}
REPLY = Outgoing("We are sorry <b>&</b> it is mended", REF, "key", NOW)


def test_a_reply_hangs_below_its_target_and_is_plain_text(use, server):
    sent = use(lambda listener: listener.send(REPLY))
    assert sent.remote_id == "-1001700000001/900"
    (request,) = server.requests
    assert json.loads(request.content) == {
        "chat_id": "-1001700000001",
        "text": "We are sorry <b>&</b> it is mended",
        "reply_parameters": {"message_id": 7},
    }


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (no(400, "Bad Request: message to be replied not found"), ReplyRefused),
        (no(403, "Forbidden: bot was blocked by the user"), ReplyRefused),
        (no(400, "x", parameters={"migrate_to_chat_id": -1009}), ReplyRefused),
        (httpx.Response(200, json={"ok": False, "error_code": 400}), ReplyRefused),
        (no(401, "Unauthorized"), Rejected),
        (httpx.Response(200, json={"ok": False, "error_code": 401}), Rejected),
        (no(429, "x", parameters={"retry_after": 7}), Unavailable),
        (no(500, "Internal Server Error"), ReplyUnknown),
        (httpx.Response(200, json={"ok": False, "error_code": 500}), ReplyUnknown),
        (httpx.Response(200, text="{}"), ReplyUnknown),
        (httpx.ReadTimeout("slow"), ReplyUnknown),
    ],
    ids=["gone", "blocked", "moved", "no in a yes", "login", "login in a yes", "limit", "failure",
         "failure in a yes", "nothing", "lost"],
)  # fmt: skip
def test_each_no_to_a_reply_is_told_by_what_to_do(use, server, answer, expected):
    server.answers["sendMessage"] = answer
    with pytest.raises(expected) as caught:
        use(lambda listener: listener.send(REPLY))
    if expected is Unavailable:
        assert caught.value.retry_after == timedelta(seconds=7)


def test_a_reply_in_doubt_is_never_said_not_to_be_there(use, server):
    with pytest.raises(ReplyUnknown, match="cannot read"):
        use(lambda listener: listener.find(REPLY))
    assert server.requests == []


def test_a_target_has_no_words_and_a_chat_that_shut_us_out_is_not_gone(use, server):
    assert use(lambda listener: listener.target(REF)) == Target(None)
    server.answers["getChat"] = no(403, "Forbidden: bot was kicked from the supergroup chat")
    with pytest.raises(ReplyRefused, match="kicked"):
        use(lambda listener: listener.target(REF))


def test_length_is_counted_in_units_as_telegram_does():
    rules = channel("telegram").rules
    assert rules.misfit("😭" * 2_048) == ""
    assert "4098 of 4096" in rules.misfit("😭" * 2_049)
    assert rules.misfit("é" * 4_096) == ""
