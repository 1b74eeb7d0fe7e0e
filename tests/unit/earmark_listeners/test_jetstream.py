"""Jetstream on both wires, against a real WebSocket server of ours on loopback."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from earmark_core.clock import FixedClock
from earmark_core.errors import ConfigError, ListenerError, Malformed, Rejected, Unavailable
from earmark_core.fetch import make_fetcher
from earmark_core.model import Cursor, WindowState
from earmark_listeners.bluesky_posts import read_post, to_item
from earmark_listeners.channels.jetstream.messages import micros_of, quickly, read
from earmark_listeners.channels.jetstream.wanted import Wanted
from earmark_listeners.contract import Batch, Wiring
from earmark_listeners.registry import build, responder

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
POSTS = "app.bsky.feed.post"
MARA = "did:plc:mara"
V2_PATH = "/xrpc/network.bsky.jetstream.subscribeEvents"


def uri(key: str, did: str = MARA) -> str:
    return f"at://{did}/{POSTS}/{key}"


def frame(
    wire: str, ago: float, key: str, text: Any = "hello", *, op: str = "create", did: str = MARA,
    gap: str = ",", **record: Any,
) -> str:  # fmt: skip
    at = NOW - timedelta(seconds=ago)
    commit: dict[str, Any] = {"operation": op, "collection": POSTS, "rkey": key}
    if op != "delete":
        said = {"$type": POSTS, "text": text, "createdAt": at.isoformat(), **record}
        commit |= {"cid": f"cid{key}", "record": said}
    told: dict[str, Any] = {
        "did": did,
        "time_us": micros_of(at),
        "kind": "commit",
        "commit": commit,
    }
    if wire == "v2":
        kind = "network.bsky.jetstream.subscribeEvents#commit"
        seq = 10_000_000 - int(ago * 10)
        payload = {"$type": kind, "seq": seq, "did": did, "time": at.isoformat(), **commit}
        told = {"$type": "message", "payload": payload}
    return json.dumps(told, ensure_ascii=False, separators=(gap, ":"))


@dataclass
class Server:
    """Gives its frames to who connects; `answers` come before them, one for each request."""

    frames: Sequence[str | bytes] = ()
    answers: list[Any] = field(default_factory=list)
    close: int = 0
    asked: list[web.Request] = field(default_factory=list)

    async def serve(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request)
        told = self.answers.pop(0) if self.answers else None
        if isinstance(told, tuple):
            return web.json_response(told[1], status=told[0])
        ws = web.WebSocketResponse()
        await ws.prepare(request)
        for each in told if told is not None else self.frames:
            await (ws.send_bytes(each) if isinstance(each, bytes) else ws.send_str(each))
        if self.close:
            await ws.close(code=self.close)
        async for _ in ws:
            pass
        return ws


@dataclass
class Polled:
    batches: list[Batch]
    error: ListenerError | None = None

    @property
    def ids(self) -> list[str]:
        return [item.external_id for batch in self.batches for item in batch.items]

    @property
    def last(self) -> Batch:
        return self.batches[-1]

    @property
    def cursor(self) -> Cursor | None:
        return next((b.cursor for b in reversed(self.batches) if b.cursor), None)


def poll(
    server: Server, since: Cursor | None = None, *, stop_after: int = 0, now: datetime = NOW,
    **options: Any,
) -> Polled:  # fmt: skip
    async def main() -> Polled:
        app = web.Application()
        app.router.add_get("/{path:.*}", server.serve)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        try:
            clock = FixedClock(now)
            fetch = make_fetcher(user_agent="t", allow=[f"127.0.0.1:{port}"], clock=clock)
            async with fetch:
                told = {"terms": ["acme air"], "silence_seconds": 1, **options}
                told |= {"base_url": f"ws://127.0.0.1:{port}"}
                return await _walked(build("jetstream", told, Wiring(fetch, clock, str)), since)
        finally:
            await runner.cleanup()

    async def _walked(listener: Any, since: Cursor | None) -> Polled:
        polled = Polled([])
        try:
            async with aclosing(listener.poll(since)) as pages:
                async for batch in pages:
                    polled.batches.append(batch)
                    if len(polled.batches) == stop_after:
                        break
        except ListenerError as error:
            polled.error = error
        return polled

    return asyncio.run(main())


WIRES = pytest.mark.parametrize("wire", ["v1", "v2"])


@WIRES
def test_a_poll_ends_when_it_has_caught_up(wire):
    server = Server([
        frame(wire, 60, "a", "Acme  AIR is late"), frame(wire, 50, "b", "macme air"),
        frame(wire, 40, "z", op="delete"), frame(wire, -0.5, "c", "acme\nair again"),
        frame(wire, -1, "d", "acme air, for the next poll"),
    ])  # fmt: skip
    polled = poll(server, wire=wire)
    assert polled.ids == [uri("a"), uri("c")]
    assert polled.last.gone == (uri("z"),)
    assert polled.last.state is WindowState.complete
    assert polled.last.covers_from == NOW - timedelta(seconds=60)
    item = polled.last.items[0]
    assert (item.text, item.uri, item.author.id) == ("Acme  AIR is late", uri("a"), MARA)
    assert item.published_at == NOW - timedelta(seconds=60)
    asked = server.asked[0]
    assert asked.path == ("/subscribe" if wire == "v1" else V2_PATH)
    assert "cursor" not in asked.query


@WIRES
def test_the_next_poll_begins_where_the_last_ended(wire):
    first = poll(Server([frame(wire, -0.5, "a", "acme air")]), wire=wire)
    server = Server([frame(wire, -0.5, "a", "acme air"), frame(wire, -300.5, "b")])
    later = NOW + timedelta(minutes=5)
    second = poll(server, first.cursor, now=later, wire=wire)
    wanted = NOW + timedelta(seconds=0.5 - 5)
    cursor = str(micros_of(wanted)) if wire == "v1" else "10000005"
    assert server.asked[0].query["cursor"] == cursor
    assert second.last.state is WindowState.complete
    assert second.last.covers_from == NOW + timedelta(seconds=0.5)
    assert second.last.note == ""


@WIRES
def test_what_the_limits_cut_off_comes_with_the_next_poll_and_is_vouched_for_then(wire):
    told = [frame(wire, 300 - n, f"k{n}", "acme air") for n in range(0, 150)]
    first = poll(Server(told), wire=wire, max_messages=100)
    assert len(first.ids) == 100
    assert (first.last.state, first.last.covers_from) == (WindowState.truncated, None)
    assert "100 messages were taken" in first.last.note
    assert "2026-03-02 08:56:39 UTC" in first.last.note
    assert first.last.polls_soon
    rest = [*told[99:], frame(wire, -0.5, "end")]
    second = poll(Server(rest), first.cursor, wire=wire)
    assert set(first.ids) | set(second.ids) == {uri(f"k{n}") for n in range(150)}
    assert second.last.state is WindowState.complete
    assert second.last.covers_from == NOW - timedelta(seconds=300)


@WIRES
def test_killed_after_any_page_nothing_is_lost(wire):
    told = [frame(wire, 900 - n, f"k{n}", "acme air") for n in range(450)]
    told.append(frame(wire, -0.5, "end"))
    begun = poll(Server(told), wire=wire, stop_after=1)
    place = json.loads(begun.cursor or "")
    behind = [each for each in told if (w := quickly(each.encode())) and w.time > place["time"]]
    rest = poll(Server([frame(wire, 900 - 199, "k199"), *behind]), begun.cursor, wire=wire)
    assert set(begun.ids) | set(rest.ids) == {uri(f"k{n}") for n in range(450)}


@WIRES
def test_silence_is_no_proof_that_nothing_was_said(wire):
    polled = poll(Server([frame(wire, 60, "a", "acme air")]), wire=wire)
    assert polled.ids == [uri("a")]
    assert (polled.last.state, polled.last.covers_from) == (WindowState.truncated, None)
    assert (
        "Nothing came for 1 seconds. It was heard up to 2026-03-02 08:59:00 UTC" in polled.last.note
    )
    assert not polled.last.polls_soon
    assert polled.error is None


def test_silence_from_the_beginning_leaves_the_cursor():
    polled = poll(Server())
    assert (polled.last.cursor, polled.last.state) == (None, WindowState.truncated)
    assert polled.last.note == "Nothing came for 1 seconds."


def place(wire: str = "v1", **ago: float) -> Cursor:
    time = micros_of(NOW - timedelta(**ago))
    return Cursor(json.dumps({"wire": wire, "time": time, "seq": 5, "since": time, "gap": ""}))


def test_v1_clamps_an_old_place_without_a_word_and_the_gap_is_told():
    told = [frame("v1", 36 * 3600, "a", "acme air"), frame("v1", -0.5, "b")]
    polled = poll(Server(told), place(hours=48), wire="v1")
    assert polled.last.state is WindowState.truncated
    assert polled.last.covers_from == NOW - timedelta(hours=36)
    assert "2026-02-28 09:00:00 to 2026-02-28 21:00:00 UTC" in polled.last.note
    assert json.loads(polled.cursor or "")["gap"] == ""


def test_a_gap_is_told_by_the_poll_that_has_caught_up():
    told = [frame("v1", 36 * 3600, "a"), frame("v1", 36 * 3600 - 1, "b")]
    first = poll(Server(told), place(hours=48), wire="v1")
    second = poll(Server([told[-1], frame("v1", -0.5, "c")]), first.cursor, wire="v1")
    assert "no longer to be had" in second.last.note
    assert (second.last.state, second.last.covers_from) == (
        WindowState.truncated, NOW - timedelta(hours=36),
    )  # fmt: skip


TOO_OLD = {"$type": "error", "error": "CursorTooOld", "message": "look-back is 36 h"}


@pytest.mark.parametrize(
    "refusal",
    [(400, {"error": "CursorTooOld", "message": "no"}), [json.dumps(TOO_OLD)],
     [json.dumps({"$type": "error", "payload": {"error": "FutureCursor"}})]],
    ids=["by status", "by a frame", "from the future"],
)  # fmt: skip
def test_v2_refuses_an_old_place_and_is_asked_anew(refusal):
    server = Server([frame("v2", -0.5, "a", "acme air")], [refusal])
    polled = poll(server, place("v2", hours=48))
    assert [request.query.get("cursor") for request in server.asked] == ["5", None]
    assert polled.ids == [uri("a")]
    assert polled.last.state is WindowState.truncated
    assert polled.last.covers_from == NOW + timedelta(seconds=0.5)
    assert "no longer to be had" in polled.last.note


def test_a_place_of_the_other_wire():
    server = Server([frame("v2", -0.5, "a")])
    polled = poll(server, place("v1", minutes=5))
    assert "cursor" not in server.asked[0].query
    assert polled.last.state is WindowState.truncated
    server = Server([frame("v1", 301, "a"), frame("v1", -0.5, "b")])
    polled = poll(server, place("v2", minutes=5), wire="v1")
    assert polled.last.state is WindowState.complete


def test_a_place_in_the_future_of_our_clock():
    polled = poll(Server([frame("v1", -0.5, "a", "acme air")]), place(hours=-2), wire="v1")
    assert (polled.ids, polled.last.state) == ([uri("a")], WindowState.complete)


@WIRES
@pytest.mark.parametrize("status", [400, 404])
def test_a_server_that_does_not_know_the_wire_names_the_other(wire, status):
    server = Server(answers=[(status, {"error": "InvalidRequest", "message": "unknown param"})])
    polled = poll(server, wire=wire)
    assert isinstance(polled.error, Rejected)
    assert f'wire = "{"v2" if wire == "v1" else "v1"}"' in polled.error.hint
    assert "unknown param" in polled.error.message


def test_a_limit_of_rate_is_waited_for():
    polled = poll(Server(answers=[(429, {})]))
    assert isinstance(polled.error, Unavailable)
    assert polled.error.rate_limited


@pytest.mark.parametrize("close", [1000, 1001, 1011, 1013])
def test_a_stream_that_is_ended_keeps_what_was_heard(close):
    polled = poll(Server([frame("v2", 60, "a", "acme air")], close=close))
    assert polled.ids == [uri("a")]
    assert json.loads(polled.cursor or "")["seq"] == 10_000_000 - 600
    assert isinstance(polled.error, Unavailable)
    assert str(close) in polled.error.message


def test_the_last_word_of_a_server_is_passed_on():
    told = json.dumps({"$type": "error", "error": "ConsumerTooSlow", "message": "catch up"})
    polled = poll(Server([frame("v2", 60, "a", "acme air"), told]))
    assert polled.ids == [uri("a")]
    assert isinstance(polled.error, Unavailable)
    assert "ConsumerTooSlow. catch up" in polled.error.message


HOSTILE = {
    "no JSON": "{", "a list": "[]", "null": "null", "empty": "", "bytes": b"\xff\xfe",
    "deep": "[" * 100_000, "deep objects": '{"a":' * 50_000, "no time": '{"kind":"commit"}',
    "a time of text": '{"time_us":"soon","kind":"commit"}', "a time below": '{"time_us":-5}',
    "a payload of text": '{"$type":"message","payload":"x"}',
    "a time that is none": '{"$type":"message","payload":{"seq":1,"time":"99"}}',
    "no key": frame("v2", 9, "", op="delete"),
    "a path": frame("v2", 9, "a/b", op="delete"),
    "no operation": frame("v2", 9, "a", "acme air", op="explode"),
    "text of numbers": frame("v2", 9, "a", ["acme air"]),
    "a record of text": frame("v2", 9, "a").replace('"record":{', '"record":"acme air","r":{'),
}  # fmt: skip


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_message_is_put_aside_and_the_good_ones_stay(hostile):
    # With an escape or a word of ours in it, so that none is passed over unread.
    told = [frame("v2", 60, "a", "acme air"), hostile, frame("v2", -0.5, "b", "acme air")]
    polled = poll(Server(told), terms=["acme air", "???a"])
    assert polled.ids == [uri("a"), uri("b")]
    assert len(polled.last.bad_items) <= 1
    assert all(bad.reason and bad.raw for bad in polled.last.bad_items)


def test_a_stream_of_something_else_fails():
    polled = poll(Server(["ticker: 5"] * 3))
    assert isinstance(polled.error, Malformed)
    assert "other wire" in polled.error.hint
    many = poll(Server([frame("v2", 60, "a", "acme air"), *["{"] * 200]))
    assert isinstance(many.error, Malformed)
    assert len([bad for batch in many.batches for bad in batch.bad_items]) == 100


def test_a_message_that_is_too_large_stops_the_poll_with_words():
    big = frame("v2", 50, "b", "x" * 20_000)
    polled = poll(Server([frame("v2", 60, "a", "acme air"), big]), max_message_kilobytes=16)
    assert polled.ids == [uri("a")]
    assert isinstance(polled.error, Malformed)
    assert "max_message_kilobytes" in polled.error.hint


def test_a_clock_far_ahead_moves_no_place():
    polled = poll(Server([frame("v2", 60, "a", "acme air"), frame("v2", -86_400, "b")]))
    assert isinstance(polled.error, Malformed)
    assert json.loads(polled.cursor or "")["time"] == micros_of(NOW - timedelta(seconds=60))


def test_accounts_are_meant_by_their_id():
    us = "did:plc:acmeair"
    root = {"uri": uri("r", us), "cid": "c"}
    feature = {"$type": "app.bsky.richtext.facet#mention", "did": us}
    told = [
        frame("v2", 9, "a", "to you", facets=[{"index": {}, "features": [feature]}]),
        frame("v2", 8, "b", "an answer", reply={"root": root, "parent": root}),
        frame("v2", 7, "c", "a quote", embed={"record": root}),
        frame("v2", 6, "d", "ours", did=us), frame("v2", 5, "e", "not meant", did=f"{us}2"),
        frame("v2", -0.5, "f"),
    ]  # fmt: skip
    polled = poll(Server(told), terms=[us], own_did=us)
    assert polled.ids == [uri("a"), uri("b"), uri("c"), uri("d", us)]
    assert [item.is_own for item in polled.last.items] == [False, False, False, True]


def test_made_and_deleted_in_one_page():
    told = [frame("v2", 9, "a", "acme air"), frame("v2", 8, "a", op="delete"),
            frame("v2", 7, "b", op="delete"), frame("v2", 6, "b", "acme air"),
            frame("v2", 5, "c", "acme air"), frame("v2", 4, "c", "acme air!", op="update"),
            frame("v2", -0.5, "d")]  # fmt: skip
    batch = poll(Server(told)).last
    assert batch.gone == (uri("a"),)
    assert [(item.external_id, item.text) for item in batch.items] == [
        (uri("b"), "acme air"), (uri("c"), "acme air!"),
    ]  # fmt: skip
    assert batch.items[1].edited_at == NOW - timedelta(seconds=4)


def test_the_same_post_has_the_same_name_as_by_a_search():
    item = poll(Server([frame("v2", 60, "a", "acme air"), frame("v2", -0.5, "b")])).last.items[0]
    view = {"uri": uri("a"), "cid": "cida", "author": {"did": MARA, "handle": "mara.example"},
            "record": {"text": "acme air"}, "indexedAt": NOW.isoformat()}  # fmt: skip
    other = to_item(read_post(view), view, own_did="")
    assert (item.external_id, item.uri, item.url, item.thread_id) == (
        other.external_id, other.uri, other.url, other.thread_id,
    )  # fmt: skip
    assert item.reply_ref == {}


def test_it_answers_nothing():
    wiring = Wiring(make_fetcher(user_agent="t"), FixedClock(NOW), str)
    listener = build("jetstream", {"terms": ["acme"]}, wiring)
    assert responder(listener) is None
    assert listener.off_by_default


@pytest.mark.parametrize("options", [{}, {"terms": []}, {"terms": ["a"]}, {"terms": ["!!"]},
                                     {"terms": ["ok"], "own_did": "acme"}])  # fmt: skip
def test_options_that_are_none(options):
    with pytest.raises(ConfigError):
        build("jetstream", options, Wiring(make_fetcher(user_agent="t"), FixedClock(NOW), str))


def test_an_unreadable_place_is_told():
    for cursor in ("x", "[]", "{}", '{"wire":"v2","time":"x","seq":1,"since":1}'):
        polled = poll(Server(), Cursor(cursor))
        assert isinstance(polled.error, Rejected)
        assert "Reset the source" in polled.error.hint


WORDS = [
    "acme",
    "ＡＣＭＥ",
    "air",
    "Aır",
    "ﬁre",
    "fire",
    "café",
    "東京",
    "x",
    "\n",
    '"',
    "\\",
    " ",
    "K",
]
texts = st.lists(st.sampled_from(WORDS), max_size=6).map("".join)


@given(
    texts,
    st.lists(texts.filter(lambda t: len(t.strip()) > 1), min_size=1, max_size=3),
    st.booleans(),
)
def test_the_quick_look_never_passes_over_what_is_wanted(text, terms, is_ascii):
    wanted = Wanted(terms)
    told = json.dumps({"text": text}, ensure_ascii=is_ascii).encode()
    if wanted.occurs_in(text):
        assert wanted.may_be_in(told)


@WIRES
def test_the_quick_place_is_the_one_that_is_read(wire):
    raw = frame(wire, 12.345678, "a", "x").encode()
    assert quickly(raw) == read(raw).where
    # A record may hold fields of the same names: what begins otherwise is read whole.
    odd = b'{"commit":{"record":{"time_us":1,"seq":1}},' + raw[1:]
    assert quickly(odd) is None
