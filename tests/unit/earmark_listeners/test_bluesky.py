"""Bluesky: one session, notifications with their posts, live text by bytes, one record a reply."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_core.clock import FixedClock
from earmark_core.errors import ConfigError, Rejected, ReplyRefused, Unavailable
from earmark_core.fetch import make_fetcher
from earmark_core.model import WindowState
from earmark_listeners.channels.bluesky import Bluesky
from earmark_listeners.channels.bluesky.replying import record_key
from earmark_listeners.channels.bluesky.richtext import facets_of
from earmark_listeners.contract import Gone, Outgoing, Sent, Target, Wiring
from earmark_listeners.registry import build

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LOGIN, HOME = "https://bsky.example", "https://morel.host.example"
US, MARA = "did:plc:acmeair", "did:plc:mara"
SEARCH = {"query": "acme", "identifier": "@acmeair.example", "password": "env:P", "base_url": LOGIN}
INBOX = SEARCH | {"kind": "notifications", "query": ""}


def uri_of(key: str, did: str = MARA) -> str:
    return f"at://{did}/app.bsky.feed.post/{key}"


def ago(**step: int) -> str:
    return (NOW - timedelta(**step)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def refusal(status: int, name: str, message: str = "no") -> httpx.Response:
    return httpx.Response(status, json={"error": name, "message": message})


@dataclass
class FakeServer:
    """The account's own server, with an AppView behind it."""

    posts: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    records: dict[str, dict[str, Any]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    overrides: dict[str, Callable[[httpx.Request], httpx.Response]] = field(default_factory=dict)
    sessions: int = 0
    good: str = ""
    knows_reasons: bool = True
    token_seconds: int = 7_200
    stale_status: int = 400

    def post(self, key: str, text: str = "hello acme", did: str = MARA, **more: Any) -> str:
        record = {"$type": "app.bsky.feed.post", "text": text, "createdAt": ago(minutes=5)}
        record |= more.pop("record", {})
        uri = uri_of(key, did)
        self.posts[uri] = {
            "uri": uri, "cid": f"cid-{key}", "author": {"did": did, "handle": "mara.example"},
            "record": record, "indexedAt": ago(minutes=5), "likeCount": 2, **more,
        }  # fmt: skip
        return uri

    def tell(self, reason: str, uri: str, **more: Any) -> None:
        shown = {key: self.posts[uri][key] for key in ("uri", "cid", "author", "record")}
        at = {"reason": reason, "isRead": False, "indexedAt": ago(minutes=5), **more}
        self.told.insert(0, shown | at)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        name = request.url.path.removeprefix("/xrpc/")
        special = self.overrides.get(name)
        if special is not None:
            return special(request)
        if name.startswith("com.atproto.server."):
            return self.session()
        assert request.url.host == "morel.host.example"
        if request.headers.get("authorization") != f"Bearer {self.good}":
            return refusal(self.stale_status, "ExpiredToken", "Token has expired")
        query = request.url.params
        if name == "app.bsky.feed.getPosts":
            found = [self.posts[uri] for uri in query.get_list("uris") if uri in self.posts]
            return httpx.Response(200, json={"posts": found})
        if name == "app.bsky.feed.searchPosts":
            return httpx.Response(200, json={"posts": list(self.posts.values())})
        if name == "app.bsky.notification.listNotifications":
            return self.page(query)
        if name == "com.atproto.repo.putRecord":
            return self.put(json.loads(request.content))
        if name == "com.atproto.repo.getRecord":
            uri = uri_of(query["rkey"], query["repo"])
            if uri not in self.records:
                return refusal(400, "RecordNotFound", f"Could not locate record: {uri}")
            return httpx.Response(200, json={"uri": uri, "cid": "c", "value": self.records[uri]})
        if name == "com.atproto.identity.resolveHandle" and query["handle"] == "mara.example":
            return httpx.Response(200, json={"did": MARA})
        return refusal(400, "InvalidRequest", "Unable to resolve handle")

    def session(self) -> httpx.Response:
        self.sessions += 1
        claims = {"iat": 1_000, "exp": 1_000 + self.token_seconds, "n": self.sessions}
        self.good = jwt.encode(claims, "k" * 32, algorithm="HS256")
        pds = {"id": "#atproto_pds", "serviceEndpoint": HOME}
        return httpx.Response(200, json={
            "accessJwt": self.good, "refreshJwt": f"refresh-{self.sessions}", "did": US,
            "handle": "acmeair.example", "didDoc": {"service": [pds]},
        })  # fmt: skip

    def page(self, query: httpx.QueryParams) -> httpx.Response:
        start, limit = int(query.get("cursor", "0")), int(query["limit"])
        wanted = set(query.get_list("reasons")) if self.knows_reasons else None
        told = [each for each in self.told if wanted is None or each["reason"] in wanted]
        page: dict[str, Any] = {"notifications": told[start : start + limit]}
        if start + limit < len(told):
            page["cursor"] = str(start + limit)
        return httpx.Response(200, json=page)

    def put(self, body: dict[str, Any]) -> httpx.Response:
        uri = uri_of(body["rkey"], body["repo"])
        self.records[uri] = body["record"]
        return httpx.Response(200, json={"uri": uri, "cid": "c", "validationStatus": "valid"})

    def asked(self, name: str) -> list[httpx.Request]:
        return [each for each in self.requests if each.url.path == f"/xrpc/{name}"]


@pytest.fixture
def server() -> FakeServer:
    return FakeServer()


@pytest.fixture
def house(server):
    """Builds a listener anew for each use, as a poll does; what is remembered stays."""

    class House:
        clock = FixedClock(NOW)
        memory: dict[str, Any] = {}

        def use(self, do, options=INBOX):
            async def go():
                transport = httpx.MockTransport(server)
                fetch = make_fetcher(user_agent="tests", transport=transport, clock=self.clock)
                wiring = Wiring(fetch, self.clock, lambda ref: "app-pass", memory=self.memory)
                listener = build("bluesky", options, wiring)
                try:
                    return await do(listener)
                finally:
                    await fetch.aclose()

            return asyncio.run(go())

        def poll(self, since=None, options=INBOX):
            async def all_of(listener):
                return [batch async for batch in listener.poll(since)]

            return self.use(all_of, options)

        def answer(self, method, text="We are sorry.", uri="", **more):
            ref = {"uri": uri or uri_of("one")}
            reply = Outgoing(text, ref, more.get("key", "k1"), more.get("at", NOW))
            given = ref if method == "target" else reply
            return self.use(lambda listener: getattr(listener, method)(given))

    found = House()
    found.memory = {}
    return found


def ids(batches):
    return [item.external_id for batch in batches for item in batch.items]


def test_one_login_serves_many_polls_of_many_sources(server, house):
    for _ in range(3):
        house.poll(options=SEARCH)
        house.poll()
    assert len(server.asked("com.atproto.server.createSession")) == 1
    assert len(server.asked("com.atproto.server.refreshSession")) == 0
    login = json.loads(server.requests[0].content)
    assert login == {"identifier": "acmeair.example", "password": "app-pass"}
    assert server.requests[0].url.host == "bsky.example"


def test_a_token_is_renewed_before_it_runs_out_by_its_own_times(server, house):
    house.poll()
    house.clock.forward(timedelta(minutes=118))
    house.poll()
    assert len(server.asked("com.atproto.server.refreshSession")) == 0
    house.clock.forward(timedelta(minutes=1))
    house.poll()
    [renewal] = server.asked("com.atproto.server.refreshSession")
    assert renewal.headers["authorization"] == "Bearer refresh-1"
    assert renewal.content == b""


@pytest.mark.parametrize("status", [400, 401])
def test_an_expired_token_is_told_by_its_name_and_renewed_once(server, house, status):
    house.poll()
    server.good = "another"
    server.stale_status = status
    server.post("one")
    server.tell("mention", uri_of("one"))
    assert ids(house.poll()) == [uri_of("one")]
    assert len(server.asked("com.atproto.server.refreshSession")) == 1
    assert len(server.asked("com.atproto.server.createSession")) == 1


def test_many_at_once_renew_once(server, house):
    house.poll()
    server.good = "another"

    async def at_once(listener):
        await asyncio.gather(*(listener.target({"uri": uri_of("one")}) for _ in range(6)))

    house.use(at_once)
    assert len(server.asked("com.atproto.server.refreshSession")) == 1


def test_a_session_that_cannot_be_renewed_is_begun_anew(server, house):
    house.poll()
    server.good = "another"
    server.overrides["com.atproto.server.refreshSession"] = lambda _: refusal(400, "ExpiredToken")
    house.poll()
    assert len(server.asked("com.atproto.server.createSession")) == 2


@pytest.mark.parametrize(
    ("status", "name", "hint"),
    [
        (401, "AuthenticationRequired", "app password"),
        (401, "AuthFactorTokenRequired", "second factor"),
        (401, "AccountTakedown", "taken the account down"),
        (400, "InvalidRequest", "Check identifier"),
    ],
)
def test_a_login_that_is_refused_says_what_to_do(server, house, status, name, hint):
    server.overrides["com.atproto.server.createSession"] = lambda _: refusal(status, name)
    with pytest.raises(Rejected, match="cannot log in") as caught:
        house.poll()
    assert caught.value.fault == "auth"
    assert hint in caught.value.hint


def test_too_many_logins_are_waited_for(server, house):
    server.overrides["com.atproto.server.createSession"] = lambda _: httpx.Response(
        429, json={"error": "RateLimitExceeded"}, headers={"retry-after": "120"}
    )
    with pytest.raises(Unavailable) as caught:
        house.poll()
    assert (caught.value.rate_limited, caught.value.retry_after) == (True, timedelta(minutes=2))


def test_an_account_that_sleeps_waits_for_a_person(server, house):
    body = {"accessJwt": "a", "did": US, "active": False, "status": "deactivated"}
    server.overrides["com.atproto.server.createSession"] = lambda _: httpx.Response(200, json=body)
    with pytest.raises(Rejected, match="deactivated"):
        house.poll()


@pytest.mark.parametrize("address", ["http://plain.example", "https://u:p@evil.example", "no", 7])
def test_the_session_goes_to_no_server_that_is_less_safe(server, house, address):
    doc = {"service": [{"id": "#atproto_pds", "serviceEndpoint": address}]}
    body = {"accessJwt": "a", "did": US, "didDoc": doc}
    server.overrides["com.atproto.server.createSession"] = lambda _: httpx.Response(200, json=body)
    account = house.use(lambda listener: listener.home.account())
    assert account.server == LOGIN


def test_notifications_come_with_counts_and_each_post_once(server, house):
    both = server.post("one", record={"langs": ["de"]})
    server.tell("reply", both)
    server.tell("mention", both)
    server.tell("quote", server.post("two"))
    server.tell("like", server.post("three"))
    [batch] = house.poll()
    assert ids([batch]) == [uri_of("one"), uri_of("two")]
    assert [item.metrics for item in batch.items] == [{"likes": 2}, {"likes": 2}]
    assert (batch.items[0].lang, batch.items[0].kind, batch.bad_items) == ("de", "post", ())
    [asked] = server.asked("app.bsky.notification.listNotifications")
    assert asked.url.params.get_list("reasons") == ["mention", "reply", "quote"]
    assert server.asked("app.bsky.notification.updateSeen") == []


def test_a_server_that_knows_no_reasons_is_read_as_well(server, house):
    server.knows_reasons = False
    server.post("liked")
    for number in range(300):
        server.tell("like", uri_of("liked"), indexedAt=ago(days=2, minutes=-number))
    server.tell("mention", server.post("one"))
    first = house.poll()
    server.requests.clear()
    later = house.poll(first[-1].cursor)
    assert ids(first) == ids(later) == [uri_of("one")]
    assert {batch.state for batch in later} == {WindowState.complete}
    assert len(server.asked("app.bsky.notification.listNotifications")) == 2


def test_a_burst_that_claims_to_be_old_is_read_to_its_end(server, house):
    """Notifications stand in the order in which they came, whatever their authors claim."""
    [first] = house.poll()
    house.clock.forward(timedelta(hours=1))
    for number in range(250):
        old = {"createdAt": "2019-01-01T00:00:00Z"}
        server.post(f"n{number}", record=old, indexedAt=ago(minutes=-30))
        server.tell("mention", uri_of(f"n{number}"), indexedAt=ago(minutes=-30))
    batches = house.poll(first.cursor)
    assert len(set(ids(batches))) == 250
    assert len(server.asked("app.bsky.feed.getPosts")) == 10
    assert json.loads(batches[-1].cursor)["after"] == "2026-03-02T09:30:00+00:00"


def test_an_empty_page_that_names_a_next_one_is_not_the_end(server, house):
    server.tell("mention", server.post("one"))
    name = "app.bsky.notification.listNotifications"

    def first_empty(request):
        if "cursor" in request.url.params:
            return server.page(httpx.QueryParams({"limit": "100", "reasons": "mention"}))
        return httpx.Response(200, json={"notifications": [], "cursor": "next"})

    server.overrides[name] = first_empty
    assert ids(house.poll('{"after": "2026-03-02T08:50:00+00:00"}')) == [uri_of("one")]


def test_a_post_that_was_deleted_after_it_was_told_is_gone(server, house):
    for key in ("one", "two"):
        server.tell("mention", server.post(key))
    [first] = house.poll()
    del server.posts[uri_of("one")]
    server.posts[uri_of("two")]["record"]["text"] = "edited"
    [batch] = house.poll(first.cursor)
    assert batch.gone == (uri_of("one"),)
    assert [item.text for item in batch.items] == ["edited"]


def test_what_was_told_is_kept_while_the_counts_cannot_be_had(server, house):
    server.tell("mention", server.post("one"))
    server.overrides["app.bsky.feed.getPosts"] = lambda _: refusal(502, "UpstreamFailure")
    [batch] = house.poll()
    [item] = batch.items
    assert (item.external_id, item.metrics, batch.gone) == (uri_of("one"), {}, ())


def test_the_appview_is_down(server, house):
    for options, name in ((SEARCH, "app.bsky.feed.searchPosts"),
                          (INBOX, "app.bsky.notification.listNotifications")):  # fmt: skip
        server.overrides[name] = lambda _: refusal(502, "UpstreamFailure")
        with pytest.raises(Unavailable, match="UpstreamFailure"):
            house.poll(options=options)


def test_a_query_that_is_refused_says_so(server, house):
    server.overrides["app.bsky.feed.searchPosts"] = lambda _: refusal(400, "BadQueryString")
    with pytest.raises(Rejected) as caught:
        house.poll(options=SEARCH)
    assert caught.value.hint == "Check the query."


def test_the_service_that_is_asked_can_be_named(server, house):
    house.poll(options=SEARCH | {"appview": "did:web:api.bsky.app#bsky_appview", "language": "en"})
    [asked] = server.asked("app.bsky.feed.searchPosts")
    assert asked.headers["atproto-proxy"] == "did:web:api.bsky.app#bsky_appview"
    assert asked.url.params["lang"] == "en"


@pytest.mark.parametrize("claim", ["", "yesterday", "2031-01-01T00:00:00Z"])
def test_a_time_that_cannot_be_is_when_it_was_indexed(server, house, claim):
    server.post("one", record={"createdAt": claim})
    [batch] = house.poll(options=SEARCH)
    assert batch.items[0].published_at == NOW - timedelta(minutes=5)


def facets(text):
    async def resolve(handle):
        return {"mara.example": MARA, "xn--caf-dma.example": "did:plc:c"}.get(handle, "")

    found = asyncio.run(facets_of(text, resolve))
    raw = text.encode()
    return [
        (raw[each["index"]["byteStart"] : each["index"]["byteEnd"]].decode(),
         *(value for key, value in each["features"][0].items() if key != "$type"))
        for each in found
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("👩‍👩‍👧 café https://acme.example/ü?a=1#x.",
         [("https://acme.example/ü?a=1#x", "https://acme.example/ü?a=1#x")]),
        ("Hi @Mara.example, @nobody.example and @mara",
         [("@Mara.example", MARA)]),
        ("mail mara@mara.example or x.com/@mara.example", []),
        ("日本語 #航空 ＃遅延! #1 # ##x a#b",
         [("#航空", "航空"), ("＃遅延", "遅延")]),
        ("(see https://acme.example/a_(b)) \"https://x.example\"",
         [("https://acme.example/a_(b)", "https://acme.example/a_(b)"),
          ("https://x.example", "https://x.example")]),
        ("https://acme.example/#bags https:// http://",
         [("https://acme.example/#bags", "https://acme.example/#bags")]),
        ("#" + "a" * 65, []),
    ],
)  # fmt: skip
def test_facets_are_counted_in_bytes(text, found):
    assert facets(text) == found


@given(st.text(alphabet="aé😀#@. :/()\n1日", max_size=60), st.sampled_from(
    ["https://a.example/b", "@mara.example", "#bags"]))  # fmt: skip
def test_facets_never_cut_a_character_nor_overlap(noise, core):
    text = f"{noise} {core} {noise}"
    found = facets(text)
    assert any(piece == core for piece, _ in found)
    assert sum(len(piece.encode()) for piece, _ in found) <= len(text.encode())


def test_a_reply_hangs_below_the_root_the_post_names(server, house):
    root = {"uri": uri_of("root"), "cid": "cid-root"}
    place = {"root": root, "parent": {"uri": uri_of("mid"), "cid": "cid-mid"}}
    server.post("one", record={"reply": place})
    sent = house.answer("send", "Sorry @mara.example and @nobody.example!")
    [record] = server.records.values()
    assert record["reply"] == {"root": root, "parent": {"uri": uri_of("one"), "cid": "cid-one"}}
    assert [each["features"][0]["did"] for each in record["facets"]] == [MARA]
    assert record["createdAt"] == "2026-03-02T09:00:00.000Z"
    assert sent.url == f"https://bsky.app/profile/{US}/post/{sent.remote_id.rpartition('/')[2]}"


def test_the_same_reply_twice_is_one_record_and_another_key_another(server, house):
    server.post("one")
    assert house.answer("find") is None
    first = house.answer("send")
    assert house.answer("send") == first == house.answer("find")
    assert len(server.records) == 1
    house.answer("send", key="k2")
    assert len(server.records) == 2


def test_our_record_with_other_words_or_elsewhere_is_not_this_reply(server, house):
    server.post("one")
    house.answer("send")
    assert house.answer("find", "Other words") is None
    assert house.answer("find", uri=uri_of("two")) is None


def test_a_reply_is_cut_off_from_a_deleted_post(server, house):
    assert isinstance(house.answer("target"), Gone)
    with pytest.raises(ReplyRefused, match="deleted"):
        house.answer("send")
    assert server.asked("com.atproto.repo.putRecord") == []


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"viewer": {"replyDisabled": True}}, "limited who may reply"),
        ({"author": {"did": MARA, "viewer": {"blockedBy": True}}}, "blocks us"),
        ({"author": {"did": MARA, "viewer": {"blocking": "at://x/y/z"}}}, "We block"),
    ],
)
def test_a_reply_that_nobody_would_see_is_not_sent(server, house, more, says):
    server.post("one", **more)
    with pytest.raises(ReplyRefused, match=says):
        house.answer("send")
    assert server.asked("com.atproto.repo.putRecord") == []


def test_while_the_appview_is_down_the_repository_is_asked(server, house):
    server.overrides["app.bsky.feed.getPosts"] = lambda _: refusal(502, "UpstreamFailure")
    assert isinstance(house.answer("target"), Gone)
    server.records[uri_of("one")] = {"text": "hello  acme", "createdAt": ago(hours=1)}
    assert house.answer("target") == Target("hello acme")
    assert isinstance(house.answer("send"), Sent)


def test_a_write_that_lost_a_race_was_not_made(server, house):
    server.post("one")
    server.overrides["com.atproto.repo.putRecord"] = lambda _: refusal(400, "InvalidSwap")
    with pytest.raises(Unavailable):
        house.answer("send")


@given(st.text(max_size=20), st.datetimes(datetime(2023, 1, 1), datetime(2200, 1, 1)))
def test_record_keys_are_valid_and_sort_by_time(key, at):
    def made(moment):
        return record_key(Outgoing("x", {}, key, moment.replace(tzinfo=UTC)))

    found = made(at)
    assert len(found) == 13
    assert set(found) <= set("234567abcdefghijklmnopqrstuvwxyz")
    assert found[0] in "234567abcdefghij"
    assert found == made(at) < made(at + timedelta(milliseconds=2))


def test_replies_of_one_moment_share_no_record():
    keys = {record_key(Outgoing("x", {}, f"earmark-{number}", NOW)) for number in range(300)}
    assert len(keys) == 300


def test_lengths_are_of_what_a_reader_sees_and_of_bytes():
    family = "👩‍👩‍👧‍👦"
    assert Bluesky.rules.misfit(family * 120) == ""
    assert "of 300" in Bluesky.rules.misfit("é" * 301)
    assert "of 3000 bytes" in Bluesky.rules.misfit(family * 121)


@pytest.mark.parametrize(
    "wrong",
    [{"query": " "}, {"base_url": "bsky.social"}, {"base_url": "https://a@b"}, {"appview": "x"}],
)
def test_options_that_cannot_work_are_refused(house, wrong):
    with pytest.raises(ConfigError):
        house.use(lambda listener: None, SEARCH | wrong)
