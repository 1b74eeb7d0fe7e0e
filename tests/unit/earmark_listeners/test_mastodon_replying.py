"""A reply on Mastodon goes out once, below its target, no wider, and is found again."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from earmark_core.errors import (
    EarmarkError,
    Rejected,
    ReplyRefused,
    ReplyUnknown,
    Unavailable,
)
from earmark_listeners.contract import Gone, Outgoing, Sent, Target
from earmark_listeners.registry import responder

BASE = "https://social.example"
OPTIONS = {"base_url": BASE, "kind": "notifications", "token": "env:T"}
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture
def customer(mastodon):
    return mastodon.post("mara", "my bag is gone &amp; nobody answers")


@pytest.fixture
def answer(mastodon, listen, customer):
    """Does one thing with the responder: answer("send", text=...)."""

    def do(method, *, options=OPTIONS, **more):
        ref = {
            "base_url": BASE,
            "status_id": customer["id"],
            "acct": "mara@social.example",
            "visibility": "public",
            "uri": customer["uri"],
        } | more.pop("target", {})
        said = {"text": "Which flight?", "key": "k1", "created_at": NOW} | more
        reply = Outgoing(**said, target=ref)

        async def use(listener):
            there = responder(listener)
            return await getattr(there, method)(ref if method == "target" else reply)

        return listen("mastodon", options, mastodon, use)

    return do


def own(mastodon):
    return [each for each in mastodon.posts if each["account"]["id"] == "id-brand"]


def test_reply_lands_below_the_target_and_names_its_author(mastodon, answer, customer):
    sent = answer("send")
    (post,) = own(mastodon)
    assert sent == Sent(post["id"], post["url"])
    assert post["in_reply_to_id"] == customer["id"]
    assert post["content"] == "<p>@mara Which flight?</p>"
    request = mastodon.requests[-1]
    assert request.headers["Idempotency-Key"] == "k1"
    assert request.headers["Authorization"] == "Bearer t0ken"


@pytest.mark.parametrize(
    ("acct", "text", "posted"),
    [
        ("mara@social.example", "@mara hi", "@mara hi"),
        ("mara@social.example", "hi @MARA@social.example.", "hi @MARA@social.example."),
        ("mara@social.example", "@maras hi", "@mara @maras hi"),
        ("mara@social.example", "@mara@other.example hi", "@mara @mara@other.example hi"),
        ("tomo@tide.example", "hi", "@tomo@tide.example hi"),
        ("tomo@tide.example", "@tomo hi", "@tomo@tide.example @tomo hi"),
        ("tomo@tide.example", "@tomo@tide.example, hi", "@tomo@tide.example, hi"),
    ],
)
def test_author_is_named_exactly_once(mastodon, answer, acct, text, posted):
    answer("send", text=text, target={"acct": acct})
    assert own(mastodon)[0]["content"] == f"<p>{posted}</p>"


@pytest.mark.parametrize(
    ("ours", "theirs", "sent"),
    [
        ("public", "public", "public"),
        ("public", "direct", "direct"),
        ("public", "private", "private"),
        ("unlisted", "public", "unlisted"),
        ("direct", "public", "direct"),
        ("public", "circle", "direct"),
    ],
)
def test_reply_is_never_wider_than_the_target(mastodon, answer, ours, theirs, sent):
    answer("send", options=OPTIONS | {"visibility": ours}, target={"visibility": theirs})
    assert own(mastodon)[0]["visibility"] == sent


def test_same_key_gives_the_first_post_again(mastodon, answer):
    assert answer("send") == answer("send")
    assert len(own(mastodon)) == 1


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, '{"error": "Invalid Bearer token"}', Rejected),
        (400, '{"error": "bad"}', ReplyRefused),
        (401, '{"error": "The access token is invalid"}', Rejected),
        (403, '{"error": "no"}', ReplyRefused),
        (404, '{"error": "no"}', ReplyRefused),
        (408, "", ReplyUnknown),
        (410, "", ReplyRefused),
        (413, "<html>", ReplyRefused),
        (422, '{"error": "Text上限は500文字です"}', ReplyRefused),
        (429, "", Unavailable),
        (500, "", ReplyUnknown),
        (502, "<html>", ReplyUnknown),
        (503, "", Unavailable),
        (504, "", ReplyUnknown),
        (200, "<html>", ReplyUnknown),
        (200, "{}", ReplyUnknown),
        (200, '{"id": "5', ReplyUnknown),
    ],
)
def test_each_answer_says_what_is_certain(mastodon, answer, status, body, error):
    mastodon.overrides[("POST", "/api/v1/statuses")] = lambda _: httpx.Response(status, text=body)
    with pytest.raises(EarmarkError) as caught:
        answer("send")
    assert type(caught.value) is error
    assert "t0ken" not in str(caught.value)


def test_refusal_quotes_the_server(mastodon, answer):
    mastodon.overrides[("POST", "/api/v1/statuses")] = lambda _: httpx.Response(
        422, json={"error": "Text\u202e too long"}
    )
    with pytest.raises(ReplyRefused, match=r"422.: Text too long"):
        answer("send")


@pytest.mark.parametrize("broken", [httpx.ReadError, httpx.ReadTimeout, httpx.RemoteProtocolError])
def test_connection_lost_after_sending_is_unknown_and_then_found(mastodon, answer, broken):
    def taken_then_lost(request):
        mastodon.created(request)
        raise broken("lost", request=request)

    mastodon.overrides[("POST", "/api/v1/statuses")] = taken_then_lost
    with pytest.raises(ReplyUnknown):
        answer("send")
    assert answer("find") == Sent(own(mastodon)[0]["id"], own(mastodon)[0]["url"])


def test_reply_in_the_wrong_place_is_taken_down(mastodon, answer):
    def misplaced(request):
        body = json.loads(request.content)
        return httpx.Response(200, json=mastodon.post("brand", body["status"]))

    mastodon.overrides[("POST", "/api/v1/statuses")] = misplaced
    with pytest.raises(ReplyRefused, match="outside the thread; it was deleted"):
        answer("send")
    assert own(mastodon) == []


def test_reply_in_the_wrong_place_that_stays_is_said(mastodon, answer):
    def misplaced(request):
        post = mastodon.post("brand", "x")
        path = f"/api/v1/statuses/{post['id']}"
        mastodon.overrides[("DELETE", path)] = lambda _: httpx.Response(500)
        return httpx.Response(200, json=post)

    mastodon.overrides[("POST", "/api/v1/statuses")] = misplaced
    with pytest.raises(ReplyRefused, match=r"by hand: https://social.example/@brand"):
        answer("send")


def test_reply_shown_too_widely_is_taken_down(mastodon, answer):
    def widened(request):
        body = json.loads(request.content) | {"visibility": "public"}
        body.pop("status")
        return httpx.Response(200, json=mastodon.post("brand", "x", **body))

    mastodon.overrides[("POST", "/api/v1/statuses")] = widened
    with pytest.raises(ReplyRefused, match="more widely"):
        answer("send", target={"visibility": "direct"})
    assert own(mastodon) == []


def test_target_as_it_stands_now(mastodon, answer, customer):
    assert answer("target") == Target("my bag is gone & nobody answers")
    customer |= {"content": "<p>found<br>it</p>", "edited_at": "2026-03-02T08:00:00.000Z"}
    mastodon.posts[0] = customer
    assert answer("target") == Target("found\nit", NOW)


@pytest.mark.parametrize("status", [404, 410])
def test_target_that_is_gone(mastodon, answer, customer, status):
    path = f"/api/v1/statuses/{customer['id']}"
    mastodon.overrides[("GET", path)] = lambda _: httpx.Response(status, json={})
    assert isinstance(answer("target"), Gone)


def test_target_that_cannot_be_read_now_is_not_gone(mastodon, answer, customer):
    path = f"/api/v1/statuses/{customer['id']}"
    mastodon.overrides[("GET", path)] = lambda _: httpx.Response(503)
    with pytest.raises(Unavailable):
        answer("target")


def test_post_heard_on_another_server_is_looked_up_on_ours(mastodon, answer, customer):
    there = {"base_url": "https://tide.example", "status_id": "5", "acct": "mara@social.example"}
    mastodon.overrides[("GET", "/api/v2/search")] = lambda request: httpx.Response(
        200, json={"statuses": [customer] if request.url.params["q"] == customer["uri"] else []}
    )
    answer("send", target=there)
    assert own(mastodon)[0]["in_reply_to_id"] == customer["id"]
    assert all(request.url.host == "social.example" for request in mastodon.requests)
    assert isinstance(answer("target", target=there | {"uri": "https://nowhere.example/1"}), Gone)


LONG = "https://acme.example/help/lost-bags?from=mastodon"


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("Which flight?", '<p><span><a href="x">@<span>mara</span></a></span> Which flight?</p>'),
        ("@mara Which\n\nflight?", "<p>@mara Which</p><p>flight?</p>"),
        (
            f"See {LONG} & ask @help@acme.example",
            '<p>@<span>mara</span> See <a href="' + LONG + '"><span class="invisible">https://</span>'
            '<span class="ellipsis">acme.example/help/lost-bags?fr</span>'
            '<span class="invisible">om=mastodon</span></a> &amp; ask @<span>help</span></p>',
        ),
    ],
)  # fmt: skip
def test_finds_our_reply_as_the_server_shows_it(mastodon, answer, customer, text, content):
    post = mastodon.post("brand", in_reply_to_id=customer["id"], content=content)
    assert answer("find", text=text) == Sent(post["id"], post["url"])


def test_finds_only_our_own_same_words_since_then(mastodon, answer, customer):
    below = {"in_reply_to_id": customer["id"]}
    mastodon.post("tomo", "Which flight?", **below)
    mastodon.post("brand", "Which flight, please?", **below)
    mastodon.post("brand", "Which flight?", **below, created_at="2026-03-01T08:00:00.000Z")
    assert answer("find") is None
    late = (NOW - timedelta(minutes=5)).isoformat()
    post = mastodon.post("brand", "Which flight?", **below, created_at=late)
    assert answer("find") == Sent(post["id"], post["url"])


def test_finds_our_reply_when_the_target_is_gone(mastodon, answer, customer):
    post = mastodon.post("brand", "Which flight?", in_reply_to_id=customer["id"])
    mastodon.posts.remove(customer)
    assert answer("find") == Sent(post["id"], post["url"])


@pytest.mark.parametrize("status", [429, 500, 503])
def test_look_up_that_fails_is_not_a_no(mastodon, answer, customer, status):
    path = f"/api/v1/statuses/{customer['id']}/context"
    mastodon.overrides[("GET", path)] = lambda _: httpx.Response(status)
    with pytest.raises(Unavailable):
        answer("find")


def test_source_without_token_does_not_answer(mastodon, listen):
    async def use(listener):
        return responder(listener)

    assert listen("mastodon", {"base_url": BASE, "tag": "acme"}, mastodon, use) is None
    assert listen("mastodon", OPTIONS, mastodon, use) is not None
