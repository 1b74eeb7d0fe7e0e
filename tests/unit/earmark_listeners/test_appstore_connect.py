"""App Store Connect: its token, its pages, and the one reply that a review can have."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from earmark_core.clock import FixedClock
from earmark_core.errors import ConfigError, Rejected, ReplyRefused, Unavailable
from earmark_core.fetch import make_fetcher
from earmark_listeners.channels.appstore import AppStore
from earmark_listeners.contract import Gone, Outgoing, Sent, Wiring
from earmark_listeners.newest_first import write_mark
from earmark_listeners.registry import build

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
LATER = write_mark(NOW - timedelta(hours=1))
KEY = ec.generate_private_key(ec.SECP256R1())
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
CONNECT = {
    "app_id": "77", "kind": "connect", "issuer_id": "issuer-1", "key_id": "KEY1",
    "private_key": "file:/k.p8",
}  # fmt: skip
REPLY = Outgoing("Fixed in 3.1.", {"review_id": "r1"}, "earmark-1", NOW)
OURS = "/v1/customerReviewResponses"


def review(name="r1", hours=1, reply="", **more):
    linked = {"data": {"type": "customerReviewResponses", "id": reply}} if reply else {"links": {}}
    attributes = {
        "rating": 1, "title": "No", "body": f"says {name}", "reviewerNickname": "mara",
        "createdDate": (NOW - timedelta(hours=hours)).isoformat(), "territory": "DEU", **more,
    }  # fmt: skip
    return {"type": "customerReviews", "id": name, "attributes": attributes,
            "relationships": {"response": linked}}  # fmt: skip


def response(text, name="a1", at=NOW, state="PUBLISHED"):
    words = {"responseBody": text, "lastModifiedDate": at.isoformat(), "state": state}
    return {"type": "customerReviewResponses", "id": name, "attributes": words}


class FakeConnect:
    """One review with perhaps a reply, and the list that holds it."""

    def __init__(self, present=None, *, includes=True, special=None):
        self.present = present
        self.includes = includes
        self.special = special or {}
        self.requests = []

    def __call__(self, request):
        self.requests.append(request)
        path = request.url.path
        special = self.special.get((request.method, path))
        if special:
            return special(request) if callable(special) else special
        if request.method == "POST":
            said = json.loads(request.content)["data"]
            self.present = response(said["attributes"]["responseBody"], state="PENDING_PUBLISH")
            return httpx.Response(201, json={"data": self.present})
        if path.startswith(OURS):
            return httpx.Response(200, json={"data": self.present})
        found = review(reply=self.present["id"] if self.present else "")
        included = [self.present] if self.present and self.includes else []
        data = [found] if path.endswith("/customerReviews") else found
        return httpx.Response(200, json={"data": data, "included": included, "links": {}})

    def sent(self):
        return [json.loads(each.content) for each in self.requests if each.method == "POST"]


@pytest.fixture
def connected():
    """Runs something with a listener that holds a real key; the clock and memory are handed on."""

    def run(handler, act, clock=None, **more):
        async def go():
            time = clock or FixedClock(NOW)
            fetch = make_fetcher(
                user_agent="tests", transport=httpx.MockTransport(handler), clock=time
            )
            listener = build("appstore", CONNECT | more, Wiring(fetch, time, lambda _: PEM))
            try:
                return await act(listener)
            finally:
                await fetch.aclose()

        return asyncio.run(go())

    return run


def polling(since=None):
    async def act(listener):
        async with aclosing(listener.poll(since)) as pages:
            return [batch async for batch in pages]

    return act


def token_in(request):
    return request.headers["authorization"].removeprefix("Bearer ")


def test_the_token_is_signed_as_apple_wants_it(connected):
    store = FakeConnect()
    connected(store, polling())
    token = token_in(store.requests[0])
    assert jwt.get_unverified_header(token) == {"alg": "ES256", "kid": "KEY1", "typ": "JWT"}
    claims = jwt.decode(
        token, KEY.public_key(), algorithms=["ES256"], audience="appstoreconnect-v1",
        options={"verify_exp": False, "verify_iat": False},
    )  # fmt: skip
    issued = int(NOW.timestamp())
    assert claims == {
        "iss": "issuer-1", "iat": issued, "exp": issued + 900, "aud": "appstoreconnect-v1",
    }  # fmt: skip
    signature = jwt.utils.base64url_decode(token.rpartition(".")[2])
    assert len(signature) == 64  # r and s as they are, not in DER


def test_a_key_of_one_person_names_no_issuer(connected):
    store = FakeConnect()
    connected(store, polling(), issuer_id="")
    claims = jwt.decode(token_in(store.requests[0]), options={"verify_signature": False})
    assert claims["sub"] == "user"
    assert "iss" not in claims


def test_a_token_is_used_for_its_quarter_of_an_hour(connected):
    store = FakeConnect()

    async def act(listener):
        for minutes in (0, 13, 2):
            listener.clock.forward(timedelta(minutes=minutes))
            again = AppStore(listener.options, listener.wiring)
            await polling()(again)

    connected(store, act)
    first, second, third = map(token_in, store.requests)
    assert first == second
    assert third != first


def test_the_next_link_is_followed_by_its_query_and_never_to_another_host(connected):
    asked = []

    def store(request):
        asked.append(request)
        if "cursor" in dict(request.url.params):
            return httpx.Response(200, json={"data": [review("r2", 2)], "links": {}})
        links = {"next": "https://evil.example/v1/steal?cursor=a%2Bb%3D&limit=200"}
        return httpx.Response(200, json={"data": [review()], "links": links})

    batches = connected(store, polling(LATER))
    assert ids(batches) == ["r2", "r1"]
    assert {each.url.host for each in asked} == {"api.appstoreconnect.apple.com"}
    assert dict(asked[1].url.params) == {"cursor": "a+b=", "limit": "200", "include": "response"}


def test_an_edit_within_the_newest_page_comes_out_again(connected):
    old = write_mark(NOW)
    store = FakeConnect()
    store.special = {("GET", "/v1/apps/77/customerReviews"): httpx.Response(
        200, json={"data": [review(hours=900, body="now it works")], "links": {}})}  # fmt: skip
    (batch,) = connected(store, polling(old))
    assert batch.items[0].text == "now it works"


def test_our_reply_comes_behind_its_review_and_moves_no_mark(connected):
    store = FakeConnect(response("Hello", at=NOW - timedelta(minutes=1)))
    (batch,) = connected(store, polling())
    assert ids([batch]) == ["r1", "a1"]
    own = batch.items[1]
    assert (own.is_own, own.parent_id, own.text) == (True, "r1", "Hello")
    assert batch.cursor == write_mark(NOW - timedelta(hours=1))


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "clock"), (403, "agreement"), (404, "number of the app")]
)
def test_a_refusal_says_what_to_do(connected, status, hint):
    said = {"errors": [{"status": str(status), "code": "X", "title": "A title",
                        "detail": "An agreement is missing."}]}  # fmt: skip
    with pytest.raises(Rejected) as caught:
        connected(lambda _: httpx.Response(status, json=said), polling())
    assert hint in caught.value.hint
    assert "App Store Connect" in caught.value.message
    assert "An agreement is missing." in caught.value.message


def test_the_hourly_limit_is_waited_for(connected):
    said = {"errors": [{"status": "429", "code": "RATE_LIMIT_EXCEEDED", "title": "Slow"}]}
    headers = {"X-Rate-Limit": "user-hour-lim:3500;user-hour-rem:0;"}
    with pytest.raises(Unavailable) as caught:
        connected(lambda _: httpx.Response(429, json=said, headers=headers), polling())
    assert caught.value.rate_limited


def test_a_reply_goes_out_as_apple_s_document_has_it(connected):
    store = FakeConnect()
    assert connected(store, lambda there: there.send(REPLY)) == Sent("a1")
    assert store.sent() == [{"data": {
        "type": "customerReviewResponses",
        "attributes": {"responseBody": "Fixed in 3.1."},
        "relationships": {"review": {"data": {"type": "customerReviews", "id": "r1"}}},
    }}]  # fmt: skip


def test_another_reply_is_never_written_over_unasked(connected):
    store = FakeConnect(response("By a colleague."))
    with pytest.raises(ReplyRefused, match="another reply already") as caught:
        connected(store, lambda there: there.send(REPLY))
    assert store.sent() == []
    assert "replace_replies" in caught.value.hint
    connected(store, lambda there: there.send(REPLY), replace_replies=True)
    assert len(store.sent()) == 1


def test_the_same_reply_is_not_sent_again(connected):
    store = FakeConnect(response("Fixed in 3.1. "))
    assert connected(store, lambda there: there.send(REPLY)) == Sent("a1")
    assert store.sent() == []


def test_a_reply_that_waits_to_be_published_is_found(connected):
    store = FakeConnect()
    connected(store, lambda there: there.send(REPLY))
    assert store.present["attributes"]["state"] == "PENDING_PUBLISH"
    assert connected(store, lambda there: there.find(REPLY)) == Sent("a1")


def test_a_reply_that_is_only_named_is_looked_up(connected):
    store = FakeConnect(response(REPLY.text), includes=False)
    assert connected(store, lambda there: there.find(REPLY)) == Sent("a1")
    store.special = {("GET", f"{OURS}/a1"): httpx.Response(404, json={})}
    assert connected(store, lambda there: there.find(REPLY)) is None


def test_an_old_reply_with_the_same_words_is_not_this_one(connected):
    store = FakeConnect(response(REPLY.text, at=NOW - timedelta(days=9)))
    assert connected(store, lambda there: there.find(REPLY)) is None


def test_a_review_that_is_gone_is_not_answered(connected):
    special = {("GET", "/v1/customerReviews/r1"): httpx.Response(404, json={"errors": []})}
    store = FakeConnect(special=special)
    assert isinstance(connected(store, lambda there: there.target(REPLY.target)), Gone)
    with pytest.raises(ReplyRefused, match="no longer"):
        connected(store, lambda there: there.send(REPLY))
    assert store.sent() == []


def test_a_failure_is_tried_again_since_the_same_reply_replaces_itself(connected):
    store = FakeConnect(special={("POST", OURS): httpx.Response(500, json={})})
    with pytest.raises(Unavailable):
        connected(store, lambda there: there.send(REPLY))


def test_ids_from_outside_stay_within_their_path(connected):
    store = FakeConnect()
    odd = Outgoing("x", {"review_id": "../apps/1?a=b"}, "k", NOW)
    connected(store, lambda there: there.target(odd.target))
    assert store.requests[0].url.raw_path.startswith(b"/v1/customerReviews/..%2Fapps%2F1%3Fa%3Db?")


def ids(batches):
    return [item.external_id for batch in batches for item in batch.items]


def test_lengths():
    assert AppStore.rules.misfit("x" * 5_970) == ""
    assert "5971 of 5970" in AppStore.rules.misfit("x" * 5_971)


def test_a_key_that_is_none_is_told_by_its_reference(listen):
    with pytest.raises(ConfigError, match="no private key") as caught:
        listen("appstore", CONNECT, FakeConnect(), polling())
    assert caught.value.subject == "file:/k.p8"
