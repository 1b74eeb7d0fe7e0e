"""What Meta sends on its own: who may greet, who signed, and what each change comes to."""

import hmac
import json
from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_core.clock import FixedClock
from earmark_core.errors import ConfigError, Malformed, Rejected
from earmark_core.fetch import make_fetcher
from earmark_listeners.contract import Wiring
from earmark_listeners.receiving import Handshaker, Incoming, Reader, Receiver
from earmark_listeners.registry import build

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MADE, AT = 1_772_441_000, 1_772_441_500
SECRETS = {"env:T": "t0ken", "env:APP": "the app's secret", "env:V": "say hello", "env:NO": ""}
WHOLE = {
    "item": "comment", "verb": "add", "comment_id": "7_1", "post_id": "100_7",
    "parent_id": "100_7", "message": "It leaks.", "created_time": MADE,
    "from": {"id": "5", "name": "Ines"},
}  # fmt: skip


def source(channel="facebook", **options):
    transport = httpx.MockTransport(lambda _: httpx.Response(500))
    clock = FixedClock(NOW)
    fetch = make_fetcher(user_agent="tests", transport=transport, clock=clock)
    own = {"facebook": {"page_id": "100"}, "instagram": {"user_id": "200"}}[channel]
    told = {"token": "env:T", "app_secret": "env:APP", "verify_token": "env:V", **own, **options}
    return build(channel, told, Wiring(fetch, clock, SECRETS.__getitem__))


def signed(body, key="env:APP"):
    made = hmac.new(SECRETS[key].encode(), body, "sha256").hexdigest()
    return Incoming({"x-hub-signature-256": f"sha256={made}"}, body, NOW)


def told(*values, field="feed", what="page", account="100", at=AT):
    changes = [{"field": field, "value": value} for value in values]
    said = {"object": what, "entry": [{"id": account, "time": at, "changes": changes}]}
    return signed(json.dumps(said).encode())


HELLO = {"hub.mode": "subscribe", "hub.verify_token": "say hello", "hub.challenge": "1158201444"}


@pytest.mark.parametrize("channel", ["facebook", "instagram"])
def test_the_handshake_gives_the_challenge_back(channel):
    listener = source(channel)
    assert isinstance(listener, Handshaker)
    assert isinstance(listener, Receiver)
    assert listener.handshake(HELLO) == "1158201444"


@pytest.mark.parametrize(
    "wrong",
    [
        {"hub.verify_token": "say hell"},
        {"hub.verify_token": ""},
        {"hub.verify_token": "säy hello"},
        {"hub.mode": "unsubscribe"},
        {"hub.mode": ""},
        {"hub.challenge": ""},
        {"hub.challenge": "<script>alert(1)</script>"},
        {"hub.challenge": "9" * 201},
        {"hub.challenge": "１２"},
    ],
    ids=["cut", "empty", "other", "unsubscribe", "no mode", "none", "markup", "long", "wide"],
)
def test_the_handshake_is_refused(wrong):
    with pytest.raises(Rejected):
        source().handshake(HELLO | wrong)


@pytest.mark.parametrize("reference", ["", "env:NO"], ids=["none set", "empty secret"])
def test_without_a_verify_token_nobody_is_greeted(reference):
    with pytest.raises(Rejected):
        source(verify_token=reference).handshake(HELLO | {"hub.verify_token": ""})


def test_the_signature_is_of_the_raw_body():
    escaped = b'{"object":"page","entry":[{"id":"100","time":1,"changes":[]}],"x":"\\u00e4"}'
    assert source().receive(signed(escaped)).items == ()
    written_anew = json.dumps(json.loads(escaped), ensure_ascii=False).encode()
    with pytest.raises(Rejected):
        source().receive(Incoming(signed(escaped).headers, written_anew, NOW))


@pytest.mark.parametrize(
    "header", ["", "sha256=", "sha256=zz", "sha1={}", "{}", "sha256={} ", "sha256=ä"],
    ids=["none", "empty", "no hex", "sha1", "bare", "cut off", "no ascii"],
)  # fmt: skip
def test_no_other_signature_is_taken(header):
    body = b'{"object":"page","entry":[]}'
    right = signed(body).headers["x-hub-signature-256"].removeprefix("sha256=")[:-2]
    with pytest.raises(Rejected):
        source().receive(Incoming({"x-hub-signature-256": header.format(right)}, body, NOW))


def test_an_empty_secret_signs_nothing():
    with pytest.raises(Rejected):
        source(app_secret="env:NO").receive(signed(b"{}", "env:NO"))
    with pytest.raises(ConfigError, match="app_secret"):
        source(app_secret="").receive(signed(b"{}"))


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{}", b'{"object":"page"}', b"[" * 50_000, b"\xff",
             b'{"object":"instagram","entry":[]}', b'{"object":"page","entry":{}}'],
    ids=["nothing", "list", "object", "no entry", "deep", "no text", "other object", "no list"],
)  # fmt: skip
def test_what_is_no_delivery_about_pages_is_malformed(body):
    with pytest.raises(Malformed):
        source().receive(signed(body))


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=9),
                    lambda x: st.lists(x, max_size=3) | st.dictionaries(
                        st.sampled_from(["id", "time", "changes", "field", "value", "item", "verb",
                                         "comment_id", "post_id", "from", "created_time"]),
                        x, max_size=5), max_leaves=12))  # fmt: skip
@pytest.mark.parametrize("channel", ["facebook", "instagram"])
def test_nothing_that_is_signed_breaks_it(channel, anything):
    what, account = {"facebook": ("page", "100"), "instagram": ("instagram", "200")}[channel]
    fields = [{"field": name, "value": anything} for name in ("feed", "comments", "mentions")]
    said = {"object": what, "entry": [anything, {"id": account, "time": AT, "changes": anything},
                                      {"id": account, "time": AT, "changes": fields}]}  # fmt: skip
    batch = source(channel).receive(signed(json.dumps(said).encode()))
    assert all(item.external_id for item in batch.items)


def test_a_later_change_of_one_delivery_holds_whatever_its_place():
    edit = {**WHOLE, "verb": "edited", "message": "It does not."}
    for values in ((WHOLE, edit), (edit, WHOLE)):
        batch = source().receive(told(*values))
        (item,) = batch.items
        assert (item.text, item.published_at, item.edited_at) == (
            "It does not.", datetime.fromtimestamp(MADE, UTC), datetime.fromtimestamp(AT, UTC),
        )  # fmt: skip
        assert batch.said_at == {"7_1": datetime.fromtimestamp(AT, UTC)}


def test_what_is_removed_in_the_same_delivery_is_gone():
    for values in ((WHOLE, {**WHOLE, "verb": "remove"}), ({**WHOLE, "verb": "remove"}, WHOLE)):
        batch = source().receive(told(*values))
        assert (batch.items, batch.gone) == ((), ("7_1",))


def test_what_only_the_page_hid_is_still_there():
    batch = source().receive(told({**WHOLE, "verb": "hide"}, {**WHOLE, "verb": "unhide"}))
    assert (batch.items, batch.gone, batch.polls_soon) == ((), (), False)


def test_our_own_comment_is_known_as_ours():
    own = {**WHOLE, "from": {"id": "100", "name": "Acme"}}
    assert source().receive(told(own)).items[0].is_own


@pytest.mark.parametrize(
    ("kind", "field", "value", "polls"),
    [
        ("comments", "feed", {**WHOLE, "created_time": None}, True),
        ("comments", "feed", {**WHOLE, "item": "reaction"}, False),
        ("comments", "mention", WHOLE, False),
        ("posts", "feed", {**WHOLE, "item": "photo", "message": ""}, True),
        ("posts", "feed", {**WHOLE, "item": "post", "published": 0}, True),
        ("posts", "feed", WHOLE, False),
        ("ratings", "ratings", {"item": "rating", "verb": "add", "review_text": "Hm"}, True),
        ("ratings", "ratings", {"item": "reaction", "verb": "add"}, False),
        ("tagged", "mention", {"item": "post", "verb": "add", "post_id": "9_1"}, True),
        ("tagged", "feed", {"item": "post", "verb": "add", "post_id": "9_1"}, False),
    ],
    ids=lambda value: value.get("item", "x") if isinstance(value, dict) else str(value),
)
def test_what_is_told_too_shortly_is_left_to_a_poll_that_comes_soon(kind, field, value, polls):
    batch = source(kind=kind).receive(told(value, field=field))
    assert (batch.items, batch.polls_soon) == ((), polls)


def test_a_post_with_its_words_is_an_item():
    (item,) = source(kind="posts").receive(told({**WHOLE, "item": "status"})).items
    assert (item.external_id, item.text, item.kind) == ("100_7", "It leaks.", "post")


def test_a_change_that_cannot_be_read_is_kept_apart_and_asked_for():
    batch = source().receive(told(WHOLE, {**WHOLE, "comment_id": ""}, "nonsense"))
    assert [item.external_id for item in batch.items] == ["7_1"]
    assert len(batch.bad_items) == 2
    assert batch.polls_soon


def test_milliseconds_are_known_by_their_number():
    edit = {**WHOLE, "verb": "edited"}
    batch = source().receive(told(edit, at=AT * 1_000))
    assert batch.items[0].edited_at == datetime.fromtimestamp(AT, UTC)


def test_a_mention_on_instagram_is_only_named():
    listener = source("instagram", kind="mentioned")
    assert isinstance(listener, Reader)
    values = [{"media_id": "17", "comment_id": "18"}, {"media_id": "19"}, {"media_id": "x){id}"}]
    delivery = told(*values, field="mentions", what="instagram", account="200")
    batch = listener.receive(delivery)
    assert batch.named == ("comment:18", "media:19")
    assert batch.items == ()
    assert len(batch.bad_items) == 1
    assert source("instagram").receive(delivery).named == ()
