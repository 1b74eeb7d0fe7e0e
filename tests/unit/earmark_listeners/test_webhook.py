"""What the contract suite cannot say of the webhook: each way of signing, and the mapping."""

import hmac
import json
from base64 import b64encode
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from earmark_core.clock import FixedClock
from earmark_core.errors import ConfigError, Malformed, Rejected
from earmark_core.fetch import make_fetcher
from earmark_listeners.channels.webhook import Webhook
from earmark_listeners.contract import Wiring
from earmark_listeners.receiving import Incoming
from earmark_listeners.registry import build

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
KEY = b"thirty-two bytes of a made-up key"
SECRETS = {
    "env:S": "whsec_" + b64encode(KEY).decode(),
    "env:PLAIN": "It's a Secret to Everybody",
    "env:OLD": "whsec_" + b64encode(b"the key before").decode(),
    "env:ODD": "no base64!",
    "env:EMPTY": "whsec_",
}


def hook(**options: Any) -> Webhook:
    transport = httpx.MockTransport(lambda _: httpx.Response(500))
    clock = FixedClock(NOW)
    fetch = make_fetcher(user_agent="tests", transport=transport, clock=clock)
    wiring = Wiring(fetch, clock, SECRETS.__getitem__)
    listener = build("webhook", {"secret": "env:S", **options}, wiring)
    assert isinstance(listener, Webhook)
    return listener


def standard(body: bytes, *, key: bytes = KEY, stamp: str = STAMP, number: str = "d1") -> Incoming:
    made = hmac.digest(key, f"{number}.{stamp}.".encode() + body, "sha256")
    headers = {
        "webhook-id": number,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,AAAA v1a,zzz v1,{b64encode(made).decode()}",
    }
    return Incoming(headers, body, NOW)


def one(**item: Any) -> bytes:
    return json.dumps({"external_id": "r1", "text": "It leaks.", **item}).encode()


def test_standard_webhooks_are_taken() -> None:
    assert [item.external_id for item in hook().receive(standard(one())).items] == ["r1"]


def test_the_example_of_the_standard_itself() -> None:
    """From the specification: msg_p5jXN8AQM9LWM0D4loKWxJek at 1614265330."""
    secret = {"env:S": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    wiring = Wiring(None, FixedClock(NOW), secret.__getitem__)  # type: ignore[arg-type]  # nothing is fetched
    listener = build("webhook", {"secret": "env:S"}, wiring)
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    then = datetime.fromtimestamp(1614265330, UTC)
    batch = listener.receive(Incoming(headers, b'{"test": 2432232314}', then))
    assert len(batch.bad_items) == 1


def test_the_secret_before_is_taken_until_it_is_removed() -> None:
    delivery = standard(one(), key=b"the key before")
    assert hook(old_secret="env:OLD").receive(delivery).items
    with pytest.raises(Rejected):
        hook().receive(delivery)


@pytest.mark.parametrize("seconds", [-301, 301])
def test_an_old_delivery_is_refused_though_it_is_signed(seconds: int) -> None:
    with pytest.raises(Rejected, match="too old"):
        hook().receive(standard(one(), stamp=str(int(STAMP) + seconds)))


@given(st.integers(0, 200), st.integers(1, 255))
def test_no_byte_can_be_changed(place: int, change: int) -> None:
    delivery = standard(one(title="x" * 150))
    body = bytearray(delivery.body)
    body[place % len(body)] ^= change
    with pytest.raises(Rejected):
        hook().receive(Incoming(delivery.headers, bytes(body), NOW))


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_every_header_is_needed(missing: str) -> None:
    delivery = standard(one())
    headers = {name: value for name, value in delivery.headers.items() if name != missing}
    with pytest.raises(Rejected):
        hook().receive(Incoming(headers, delivery.body, NOW))


def test_what_was_signed_is_the_body_as_it_came() -> None:
    """The same JSON written otherwise is another body."""
    delivery = standard(b'{"external_id":"r1",  "text":"caf\\u00e9"}')
    assert hook().receive(delivery).items[0].text == "café"
    written_anew = json.dumps(json.loads(delivery.body)).encode()
    with pytest.raises(Rejected):
        hook().receive(Incoming(delivery.headers, written_anew, NOW))


def test_github_s_own_example_is_taken() -> None:
    listener = hook(secret="env:PLAIN", signature="github")
    value = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = {"x-hub-signature-256": f"sha256={value}"}
    with pytest.raises(Malformed, match="not JSON"):  # it is from whom it says, and no JSON
        listener.receive(Incoming(headers, b"Hello, World!", NOW))
    for wrong in (value, f"sha1={value}", "sha256=", "sha256=zz", f"sha256={value[:-2]}"):
        with pytest.raises(Rejected):
            listener.receive(Incoming({"x-hub-signature-256": wrong}, b"Hello, World!", NOW))


def test_slack_s_form_is_taken() -> None:
    made = hmac.new(SECRETS["env:PLAIN"].encode(), f"v0:{STAMP}:".encode() + one(), "sha256")
    headers = {"x-slack-request-timestamp": STAMP, "x-slack-signature": f"v0={made.hexdigest()}"}
    listener = hook(secret="env:PLAIN", signature="slack")
    assert listener.receive(Incoming(headers, one(), NOW)).items


def test_recorded_vectors(payloads) -> None:
    path = payloads / "webhook" / "signature_vectors.json"
    if not path.is_file():
        pytest.skip("no recorded vectors for webhooks here")
    told = json.loads(path.read_text("utf-8"))["slack_v0"]
    wiring = Wiring(None, FixedClock(NOW), {"env:S": told["secret"]}.__getitem__)  # type: ignore[arg-type]  # nothing is fetched
    listener = build("webhook", {"secret": "env:S", "signature": "slack"}, wiring)
    headers = {"x-slack-request-timestamp": told["timestamp"], "x-slack-signature": told["value"]}
    then = datetime.fromtimestamp(int(told["timestamp"]), UTC)
    with pytest.raises(Malformed, match="not JSON"):
        listener.receive(Incoming(headers, told["body"].encode(), then))


@pytest.mark.parametrize("reference", ["env:ODD", "env:EMPTY"])
def test_a_secret_that_cannot_be_one_is_our_fault_not_the_sender_s(reference: str) -> None:
    with pytest.raises(ConfigError) as caught:
        hook(secret=reference).receive(standard(one()))
    assert SECRETS[reference] not in str(caught.value)


def test_pointers_find_what_another_program_calls_otherwise() -> None:
    body = json.dumps(
        {
            "event": {"review": {"nr": 9, "words": ["<p>It &amp; I</p>"], "when": 1772442000000}},
            "a/b": "Ines",
            "stars": "8",
        }
    ).encode()
    listener = hook(
        items="/nothing", id="/event/review/nr", text="/event/review/words/0", text_is_html=True,
        published_at="/event/review/when", author_name="/a~1b", rating="/stars", rating_scale=10,
    )  # fmt: skip
    item = listener.receive(standard(body)).items[0]
    assert (item.external_id, item.text, item.is_html) == ("9", "<p>It &amp; I</p>", True)
    assert item.published_at == NOW
    assert item.author is not None
    assert item.author.name == "Ines"
    assert (item.rating, item.kind) == (4.0, "review")


def test_a_link_that_runs_something_is_none() -> None:
    assert hook().receive(standard(one(url="javascript:alert(1)"))).items[0].url == ""


@pytest.mark.parametrize(
    "bad", [{"external_id": None}, {"text": ""}, {"rating": 6}, {"rating": "x"}, {"rating": True},
            {"published_at": "yesterday"}, {"published_at": 1e99}, {"external_id": "x" * 500}]
)  # fmt: skip
def test_a_bad_item_is_told_and_the_others_stay(bad: dict[str, Any]) -> None:
    entries = [json.loads(one()), json.loads(one(**bad)), "no object"]
    batch = hook().receive(standard(json.dumps({"items": entries}).encode()))
    assert [item.external_id for item in batch.items] == ["r1"]
    assert [bad.reason.split(":")[0] for bad in batch.bad_items] == ["item 1", "item 2"]


def test_the_body_may_be_the_list() -> None:
    body = json.dumps([json.loads(one()), json.loads(one(external_id="r2"))]).encode()
    assert [item.external_id for item in hook().receive(standard(body)).items] == ["r1", "r2"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b'{"items": [1' + b",1" * 1000 + b"]}"]
)
def test_what_cannot_be_read_is_never_an_empty_delivery(body: bytes) -> None:
    with pytest.raises(Malformed):
        hook().receive(standard(body))


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(),
                    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_any_json_is_items_or_bad_items(said: Any) -> None:
    batch = hook().receive(standard(json.dumps({"items": [said]}).encode()))
    assert len(batch.items) + len(batch.bad_items) == 1
