"""Google Business Profile: stars in words, translations, a quota of 0, and the one reply."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.errors import ConfigError, Fault, Malformed, Rejected, ReplyRefused, Unavailable
from earmark_core.fetch import make_fetcher
from earmark_core.model import WindowState
from earmark_listeners.channels.googlebusiness.reviews import original
from earmark_listeners.contract import Gone, Outgoing, Sent, Target, Wiring
from earmark_listeners.registry import build, channel

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OPTIONS = {"account": "11", "location": "22", "client_id": "c", "client_secret": "env:S",
           "refresh_token": "file:/r"}  # fmt: skip
PLACE = "/v4/accounts/11/locations/22/reviews"


def ago(**span):
    return (NOW - timedelta(**span)).isoformat().replace("+00:00", "Z")


class FakeBusiness:
    """Keeps the reviews of one location, and gives them by when they changed, newest first."""

    def __init__(self):
        self.reviews = {}
        self.size = 50
        self.requests = []
        self.overrides = {}
        self.state = "PENDING"

    def review(self, name, comment="Fine", at=None, stars="THREE", **more):
        moment = at or ago(hours=1)
        self.reviews[name] = {
            "name": f"accounts/11/locations/22/reviews/{name}", "reviewId": name,
            "reviewer": {"displayName": "Mara"}, "starRating": stars, "comment": comment,
            "createTime": moment, "updateTime": moment, **more,
        }  # fmt: skip
        return self.reviews[name]

    def __call__(self, request):
        self.requests.append(request)
        path = request.url.path
        if path in self.overrides:
            return self.overrides[path]
        if path == "/token":
            return httpx.Response(200, json={"access_token": "a", "expires_in": 3600})
        if path == PLACE:
            return self.listing(request.url.params)
        name = path.removeprefix(f"{PLACE}/").removesuffix("/reply")
        if name not in self.reviews:
            return httpx.Response(404, json={"error": {"code": 404, "message": "not found"}})
        if request.method == "PUT":
            said = {**json.loads(request.content), "updateTime": ago(), "reviewReplyState":
                    self.state}  # fmt: skip
            self.reviews[name]["reviewReply"] = said
            return httpx.Response(200, json=said)
        return httpx.Response(200, json=self.reviews[name])

    def listing(self, query):
        assert query["orderBy"] == "updateTime desc"
        start, size = int(query.get("pageToken", 0)), min(int(query["pageSize"]), self.size)
        found = sorted(self.reviews.values(), key=lambda each: each["updateTime"], reverse=True)
        said = {"reviews": found[start : start + size], "totalReviewCount": len(found)}
        if len(found) > start + size:
            said["nextPageToken"] = str(start + size)
        return httpx.Response(200, json=said if found else {})

    def sent(self):
        return [json.loads(each.content) for each in self.requests if each.method == "PUT"]


@pytest.fixture
def google():
    return FakeBusiness()


@pytest.fixture
def use(google):
    def run(act, options=OPTIONS):
        async def go():
            clock = FixedClock(NOW)
            transport = httpx.MockTransport(google)
            fetch = make_fetcher(user_agent="tests", transport=transport, clock=clock)
            async with fetch:
                wiring = Wiring(fetch, clock, lambda ref: f"secret of {ref[:3]}")
                return await act(build("googlebusiness", options, wiring))

        return asyncio.run(go())

    return run


@pytest.fixture
def polled(use):
    def poll(since=None, options=OPTIONS):
        async def act(listener):
            async with aclosing(listener.poll(since)) as pages:
                return [batch async for batch in pages]

        return use(act, options)

    return poll


@pytest.fixture
def answer(use):
    def do(method, text="We are sorry.", name="r1", options=OPTIONS):
        async def act(listener):
            reply = Outgoing(text, {"review_id": name}, "k1", NOW)
            return await getattr(listener, method)(reply.target if method == "target" else reply)

        return use(act, options)

    return do


def items(batches):
    return {item.external_id: item for batch in batches for item in batch.items}


def cursor(batches):
    return next(batch.cursor for batch in reversed(batches) if batch.cursor)


@pytest.mark.parametrize(
    ("word", "rating"),
    [("ONE", 1), ("TWO", 2), ("THREE", 3), ("FOUR", 4), ("FIVE", 5),
     ("STAR_RATING_UNSPECIFIED", None), ("", None), ("SIX", None)],
)  # fmt: skip
def test_stars_are_words(google, polled, word, rating):
    google.review("r1", stars=word)
    assert items(polled())["r1"].rating == rating


@pytest.mark.parametrize(
    ("told", "written"),
    [
        ("(Translated by Google) Very good\n\n(Original)\nSehr gut", "Sehr gut"),
        ("(Translated by Google) Very\n\ngood\n\n(Original)\nSehr\n\ngut", "Sehr\n\ngut"),
        ("Sehr gut\n\n(Translated by Google)\nVery good", "Sehr gut"),
        ("Very good", "Very good"),
        ("The sign said (Translated by Google), so I left", None),
        ("(Translated by Google) Very good", None),
        ("(Original) recipe, lovely", None),
        ("", ""),
    ],
)
def test_the_customer_s_own_words_are_heard(told, written):
    assert original(told) == (told if written is None else written)


@pytest.mark.parametrize(
    ("told", "micros"),
    [("", 0), (".5", 500_000), (".123", 123_000), (".123456", 123_456), (".123456789", 123_456)],
)
def test_times_have_up_to_nine_digits(google, polled, told, micros):
    google.review("r1", at=f"2026-03-02T08:00:00{told}Z")
    moment = items(polled())["r1"].published_at
    assert moment == datetime(2026, 3, 2, 8, 0, 0, micros, tzinfo=UTC)


def test_stars_alone_are_a_review(google, polled):
    del google.review("r1", stars="ONE")["comment"]
    item = items(polled())["r1"]
    assert (item.text, item.rating) == ("", 1)


def test_reviews_of_one_place_are_not_taken_for_one(google, polled):
    google.review("r1", reviewReply={"comment": "Thanks", "updateTime": ago()})
    google.review("r2")
    found = items(polled())
    assert len({item.uri for item in found.values()}) == len(found) == 3
    assert found["r1/reply"].is_own


def test_answers_of_today_to_old_reviews_do_not_lead_further_back(google, polled):
    google.size = 2
    for number in range(8):
        google.review(f"r{number}", at=ago(days=100, minutes=number),
                      reviewReply={"comment": "Thanks", "updateTime": ago(minutes=1)})  # fmt: skip
    google.review("new", at=ago(minutes=1))
    first = polled()
    google.requests.clear()
    batches = polled(cursor(first))
    assert sum(each.url.path == PLACE for each in google.requests) == 2
    assert {batch.state for batch in batches} == {WindowState.complete}


def test_a_rejected_reply_is_not_there(google, polled, answer):
    google.review("r1", reviewReply={"comment": "We are sorry.", "updateTime": ago(),
                                     "reviewReplyState": "REJECTED"})  # fmt: skip
    assert set(items(polled())) == {"r1"}
    assert answer("find") is None


@pytest.mark.parametrize(
    ("account", "location"),
    [("11", "22"), ("accounts/11", "locations/22"), ("accounts/11", "accounts/11/locations/22")],
)
def test_either_api_s_name_of_the_place_is_taken(google, polled, account, location):
    google.review("r1")
    assert set(items(polled(options=OPTIONS | {"account": account, "location": location}))) == {
        "r1"
    }


@pytest.mark.parametrize("name", ["", "Acme, High Street", "22/../33x"])
def test_what_is_no_location_is_refused(polled, name):
    with pytest.raises(ConfigError, match="location"):
        polled(options=OPTIONS | {"location": name})


def test_a_place_without_reviews_is_an_empty_object(polled):
    (batch,) = polled()
    assert batch.items == ()


@pytest.mark.parametrize("said", [{"locations": []}, {"totalReviewCount": 3}, {"reviews": None}])
def test_an_answer_without_reviews_is_no_empty_page(google, polled, said):
    google.overrides[PLACE] = httpx.Response(200, json=said)
    with pytest.raises(Malformed):
        polled()


def refusal(status, reason, limit):
    info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason,
            "metadata": {"quota_limit": "DefaultRequestsPerMinutePerProject",
                         "quota_limit_value": limit}}  # fmt: skip
    error = {"code": status, "message": "Quota exceeded", "status": "RESOURCE_EXHAUSTED"}
    return httpx.Response(status, json={"error": error | {"details": [info]}})


def test_a_quota_of_0_is_no_rate_limit(google, polled):
    google.overrides[PLACE] = refusal(429, "RATE_LIMIT_EXCEEDED", "0")
    with pytest.raises(Rejected, match="not approved the project") as caught:
        polled()
    assert caught.value.fault is Fault.forbidden
    google.overrides[PLACE] = refusal(429, "RATE_LIMIT_EXCEEDED", "300")
    with pytest.raises(Unavailable) as limited:
        polled()
    assert limited.value.rate_limited


def test_a_reply_is_put_and_found(google, answer):
    google.review("r1")
    assert answer("find") is None
    sent = answer("send")
    assert google.sent() == [{"comment": "We are sorry."}]
    assert isinstance(sent, Sent)
    assert answer("find") == sent
    assert answer("send") == sent, "the same reply again is the same"


def test_somebody_s_answer_is_not_replaced_unasked(google, answer):
    google.review("r1", at=ago(hours=2), reviewReply={"comment": "Hm", "updateTime": ago(hours=1)})
    with pytest.raises(ReplyRefused, match="has an answer already"):
        answer("send")
    assert google.sent() == []
    answer("send", options=OPTIONS | {"replace_reply": True})
    assert len(google.sent()) == 1


def test_an_answer_to_what_was_edited_since_is_replaced(google, answer):
    google.review("r1", at=ago(hours=1), reviewReply={"comment": "Hm", "updateTime": ago(days=9)})
    assert isinstance(answer("send"), Sent)


@pytest.mark.parametrize(("told", "words"), [("OFF_TOPIC", "off topic"), ({"x": 1}, "not said")])
def test_a_reply_that_is_rejected_at_once_says_why(google, answer, told, words):
    google.review("r1")
    said = {"comment": "We are sorry.", "reviewReplyState": "REJECTED", "policyViolation": told}
    google.overrides[f"{PLACE}/r1/reply"] = httpx.Response(200, json=said)
    with pytest.raises(ReplyRefused, match=words):
        answer("send")


def test_a_review_is_read_again_in_its_own_words(google, answer):
    google.review("r1", "(Translated by Google) Good\n\n(Original)\nGut", at=ago(hours=1))
    assert answer("target") == Target("Gut", NOW - timedelta(hours=1))


def test_a_deleted_review_is_gone_but_a_place_that_is_not_verified_is_not(google, answer):
    google.review("other")
    assert isinstance(answer("target"), Gone)
    google.overrides[PLACE] = httpx.Response(404, json={"error": {"code": 404, "message": "no"}})
    with pytest.raises(Rejected) as caught:
        answer("target")
    assert "must be verified" in caught.value.hint


def test_a_reply_is_measured_in_bytes():
    rules = channel("googlebusiness").rules
    assert rules.misfit("x" * 4_096) == ""
    assert rules.misfit("ü" * 2_048) == ""
    assert "4098 of 4096 bytes" in rules.misfit("ü" * 2_049)
