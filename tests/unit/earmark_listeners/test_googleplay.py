"""Google Play: seven days and no more, time as text, and a reply that replaces another."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from earmark_core.clock import FixedClock
from earmark_core.errors import ConfigError, Malformed, Rejected, ReplyRefused, ReplyUnknown
from earmark_core.fetch import make_fetcher
from earmark_core.model import WindowState
from earmark_listeners.contract import Gone, Outgoing, Sent, Target, Wiring
from earmark_listeners.registry import build, channel

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PACKAGE = "com.acme.bags"
OPTIONS = {"package": PACKAGE, "key_file": "file:/key.json"}
LIST = f"/androidpublisher/v3/applications/{PACKAGE}/reviews"


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65_537, key_size=2048)


@pytest.fixture(scope="module")
def key_file(key):
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    pem = key.private_bytes(*form, serialization.NoEncryption()).decode()
    return json.dumps({"client_email": "bot@acme.example", "private_key_id": "k1",
                       "private_key": pem, "token_uri": "https://oauth.example/token"})  # fmt: skip


def stamp(at):
    return {"seconds": str(int(at.timestamp())), "nanos": at.microsecond * 1_000}


def ago(**span):
    return NOW - timedelta(**span)


class FakePlay:
    """Keeps reviews; those that changed in the last seven days are listed, newest first."""

    def __init__(self, now):
        self.now = now
        self.reviews = {}
        self.size = 100
        self.requests = []
        self.shown_as = str
        self.overrides = {}

    def review(self, name, text="Fine", at=None, stars=3, **more):
        said = {"text": text, "lastModified": stamp(at or ago(hours=1)), "starRating": stars}
        self.reviews[name] = {"reviewId": name, "authorName": "Mara",
                              "comments": [{"userComment": said | more}]}  # fmt: skip
        return self.reviews[name]

    def answered(self, name, text, at):
        comments = self.reviews[name]["comments"]
        said = {"developerComment": {"text": text, "lastModified": stamp(at)}}
        comments[:] = [each for each in comments if "userComment" in each] + [said]

    def changed(self, review):
        return int(review["comments"][0]["userComment"]["lastModified"]["seconds"])

    def recent(self):
        oldest = (self.now() - timedelta(days=7)).timestamp()
        found = [each for each in self.reviews.values() if self.changed(each) >= oldest]
        return sorted(found, key=self.changed, reverse=True)

    def __call__(self, request):
        self.requests.append(request)
        path = request.url.path
        if path in self.overrides:
            return self.overrides[path]
        if path == "/token":
            return httpx.Response(200, json={"access_token": "a", "expires_in": 3600})
        if path == LIST:
            start = int(request.url.params.get("token", 0))
            found = self.recent()
            said = {"reviews": found[start : start + self.size]} if found else {}
            if len(found) > start + self.size:
                said["tokenPagination"] = {"nextPageToken": str(start + self.size)}
            return httpx.Response(200, json=said)
        name, _, verb = path.removeprefix(f"{LIST}/").partition(":")
        found = {each["reviewId"]: each for each in self.recent()}.get(name)
        if found is None:
            return httpx.Response(404, json={"error": {"code": 404, "message": "not found"}})
        if verb == "reply":
            text = self.shown_as(json.loads(request.content)["replyText"])
            self.answered(name, text, self.now())
            result = {"replyText": text, "lastEdited": stamp(self.now())}
            return httpx.Response(200, json={"result": result})
        return httpx.Response(200, json=found)

    def sent(self):
        return [each for each in self.requests if each.url.raw_path.endswith(b":reply")]


@pytest.fixture
def clock():
    return FixedClock(NOW)


@pytest.fixture
def play(clock):
    return FakePlay(clock)


@pytest.fixture
def use(play, clock, key_file):
    def run(act, options=OPTIONS, secret=key_file):
        async def go():
            transport = httpx.MockTransport(play)
            fetch = make_fetcher(user_agent="tests", transport=transport, clock=clock)
            async with fetch:
                wiring = Wiring(fetch, clock, lambda ref: secret)
                return await act(build("googleplay", options, wiring))

        return asyncio.run(go())

    return run


@pytest.fixture
def polled(use):
    def poll(since=None, **more):
        async def act(listener):
            async with aclosing(listener.poll(since)) as pages:
                return [batch async for batch in pages]

        return use(act, **more)

    return poll


@pytest.fixture
def answer(use):
    def do(method, text="We are sorry.", name="r1", options=OPTIONS, changed=None):
        at = changed or ago(hours=1)
        ref = {"package": PACKAGE, "review_id": name, "changed_at": at.isoformat()}

        async def act(listener):
            reply = Outgoing(text, ref, "k1", NOW)
            return await getattr(listener, method)(ref if method == "target" else reply)

        return use(act, options)

    return do


def items(batches):
    return {item.external_id: item for batch in batches for item in batch.items}


def cursor(batches):
    return next(batch.cursor for batch in reversed(batches) if batch.cursor)


def test_the_account_signs_for_a_token(play, polled, key):
    polled()
    form = dict(httpx.QueryParams(play.requests[0].content.decode()))
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(
        form["assertion"], key.public_key(), algorithms=["RS256"],
        audience="https://oauth.example/token", options={"verify_exp": False, "verify_iat": False},
    )  # fmt: skip
    assert claims["scope"] == "https://www.googleapis.com/auth/androidpublisher"
    assert claims["iss"] == "bot@acme.example"


def test_a_key_file_that_is_none_is_told_by_its_reference(polled):
    with pytest.raises(ConfigError, match="key file") as caught:
        polled(secret="not json")
    assert caught.value.subject == "file:/key.json"


@pytest.mark.parametrize(
    ("told", "title", "text"),
    [
        ("Lost\tIt is gone", "Lost", "It is gone"),
        ("\tIt is gone", "", "It is gone"),
        ("It is gone", "", "It is gone"),
        ("A\tb\tc", "A", "b\tc"),
    ],
)
def test_a_title_ends_at_the_first_tab(play, polled, told, title, text):
    play.review("r1", told)
    item = items(polled())["r1"]
    assert (item.title, item.text) == (title, text)


def test_the_original_is_heard_not_its_translation(play, polled):
    play.review("r1", "Broken", originalText="Kaputt")
    assert items(polled())["r1"].text == "Kaputt"


def test_time_is_text_with_a_fraction(play, polled):
    review = play.review("r1")
    review["comments"][0]["userComment"]["lastModified"] = {"seconds": "1772353626",
                                                            "nanos": 713000000}  # fmt: skip
    assert items(polled())["r1"].published_at.isoformat() == "2026-03-01T08:27:06.713000+00:00"


@pytest.mark.parametrize("seconds", ["soon", "99999999999999999", None])
def test_a_time_that_is_none_is_a_bad_item(play, polled, seconds):
    play.review("r2", at=ago(minutes=1))
    bad = play.review("r1")
    play.changed = lambda review: 1e12
    bad["comments"][0]["userComment"]["lastModified"] = {"seconds": seconds}
    batches = polled()
    assert set(items(batches)) == {"r2"}
    assert len(batches[0].bad_items) == 1


def test_no_reviews_is_an_empty_object(polled):
    (batch,) = polled()
    assert batch.items == ()
    assert batch.state is WindowState.complete


def test_another_answer_is_no_empty_page(play, polled):
    play.overrides[LIST] = httpx.Response(200, json={"applications": []})
    with pytest.raises(Malformed):
        polled()


def test_all_pages_down_to_the_last_poll_are_read(play, polled):
    first = polled()
    play.size = 2
    for number in range(7):
        play.review(f"r{number}", at=ago(minutes=number))
    assert len(items(polled(cursor(first)))) == 7


def test_answers_of_today_to_old_reviews_do_not_lead_further_back(play, polled):
    play.size = 2
    for number in range(8):
        play.review(f"r{number}", at=ago(days=2, minutes=number))
        play.answered(f"r{number}", "Thanks", ago(minutes=number + 1))
    play.review("new", at=ago(minutes=1))
    first = polled()
    play.requests.clear()
    batches = polled(cursor(first))
    assert sum(each.url.path == LIST for each in play.requests) == 2
    assert {batch.state for batch in batches} == {WindowState.complete}


def test_our_answer_is_an_item_of_its_own_in_the_review_s_thread(play, polled):
    play.review("r1")
    play.answered("r1", "Thanks", ago(minutes=5))
    found = items(polled())
    reply = found["r1/reply"]
    assert reply.is_own
    assert (reply.thread_id, reply.parent_id, reply.text) == ("r1", "r1", "Thanks")
    assert reply.uri not in {"", found["r1"].url}, "else it would count as the review seen twice"


def test_a_week_without_a_poll_is_a_gap_that_is_said(play, polled, clock):
    play.review("r1")
    first = polled()
    clock.forward(timedelta(days=6, hours=23))
    second = polled(cursor(first))
    assert {batch.state for batch in second} == {WindowState.complete}
    clock.forward(timedelta(days=7, hours=1))
    third = polled(cursor(second))
    assert {batch.state for batch in third} == {WindowState.truncated}
    assert third[-1].covers_from == clock() - timedelta(days=7)
    assert "09 Mar 2026" in third[-1].note
    assert {batch.state for batch in polled(cursor(third))} == {WindowState.complete}


def test_a_quiet_month_is_no_gap(play, polled, clock):
    play.review("r1")
    since = cursor(polled())
    for _ in range(6):
        clock.forward(timedelta(days=5))
        batches = polled(since)
        assert {batch.state for batch in batches} == {WindowState.complete}
        since = cursor(batches)


def test_the_colon_in_the_path_stays_a_colon_and_the_rest_is_quoted(play, answer):
    play.review("a/b?c")
    play.overrides[f"{LIST}/a/b?c"] = httpx.Response(200, json=play.reviews["a/b?c"])
    play.overrides[f"{LIST}/a/b?c:reply"] = httpx.Response(
        200, json={"result": {"replyText": "We are sorry."}}
    )
    answer("send", name="a/b?c")
    assert play.sent()[0].url.raw_path.decode() == f"{LIST}/a%2Fb%3Fc:reply"


def test_a_reply_is_sent_and_found(play, answer):
    play.review("r1")
    assert answer("find") is None
    sent = answer("send")
    assert isinstance(sent, Sent)
    assert answer("find") == sent
    assert sent.remote_id == "r1/reply"


def test_the_same_reply_again_is_the_same(play, answer):
    play.review("r1")
    assert answer("send") == answer("send")


def test_somebody_s_answer_is_not_replaced_unasked(play, answer):
    play.review("r1", at=ago(hours=2))
    play.answered("r1", "We wrote to you.", ago(hours=1))
    with pytest.raises(ReplyRefused, match="has an answer already"):
        answer("send")
    assert play.sent() == []
    answer("send", options=OPTIONS | {"replace_reply": True})
    assert len(play.sent()) == 1


def test_an_answer_to_what_was_edited_since_is_replaced(play, answer):
    play.review("r1", at=ago(hours=1))
    play.answered("r1", "Glad you like it!", ago(days=30))
    answer("send")
    assert len(play.sent()) == 1


@pytest.mark.parametrize("text", ["Read <a href='x'>this</a>", "so <b>sorry", "<!-- x -->hi"])
def test_html_is_refused_before_it_is_cut_out(play, answer, text):
    play.review("r1")
    with pytest.raises(ReplyRefused, match="would cut"):
        answer("send", text)
    assert play.sent() == []


@pytest.mark.parametrize("text", ["5 < 6 and 7 > 3", "we <3 you", "a <- b"])
def test_a_plain_sign_is_no_html(play, answer, text):
    play.review("r1")
    assert isinstance(answer("send", text), Sent)


def test_a_reply_that_google_changed_is_told(play, answer):
    play.review("r1")
    play.shown_as = lambda text: text[:6]
    with pytest.raises(ReplyRefused, match=r"changed it\. It shows: We are"):
        answer("send")


def test_a_success_without_the_text_is_not_taken_for_one(play, answer):
    play.review("r1")
    play.overrides[f"{LIST}/r1:reply"] = httpx.Response(200, json={"result": {}})
    with pytest.raises(ReplyUnknown):
        answer("send")


def test_a_review_is_read_again_with_its_title(play, answer):
    play.review("r1", "Lost\tIt is gone", at=ago(hours=1))
    assert answer("target") == Target("Lost\nIt is gone", ago(hours=1))


def test_a_review_of_this_week_that_is_not_there_was_deleted(answer):
    assert isinstance(answer("target"), Gone)


@pytest.mark.parametrize("method", ["target", "find", "send"])
def test_an_older_review_is_not_shown_which_does_not_mean_deleted(answer, method):
    with pytest.raises(ReplyRefused, match="7 days"):
        answer(method, changed=ago(days=8))


def test_a_package_that_is_not_ours_is_refused(play, polled):
    error = {"code": 403, "message": "The caller does not have permission"}
    play.overrides[LIST] = httpx.Response(403, json={"error": error})
    with pytest.raises(Rejected, match="forbids") as caught:
        polled()
    assert "Play Console" in caught.value.hint


@pytest.mark.parametrize("package", ["acme", "com.acme/../x", "com.acme bags", ""])
def test_what_is_no_package_is_refused(polled, package):
    with pytest.raises(ConfigError, match="package"):
        polled(options=OPTIONS | {"package": package})


def test_length_is_never_counted_too_low():
    rules = channel("googleplay").rules
    assert rules.misfit("x" * 350) == ""
    assert rules.misfit("\N{PARTY POPPER}" * 176)
