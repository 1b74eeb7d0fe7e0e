"""Trustpilot: two logins for two interfaces, one reply a review, and what must not be kept."""

import base64
import json
import logging
import traceback
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import pytest

from earmark_core.errors import (
    ConfigError,
    ListenerError,
    Rejected,
    ReplyRefused,
    ReplyUnknown,
    Unavailable,
)
from earmark_core.model import WindowState
from earmark_listeners.channels.trustpilot.listening import Trustpilot
from earmark_listeners.channels.trustpilot.options import TrustpilotOptions
from earmark_listeners.contract import Gone, Outgoing, Target, Wiring
from earmark_listeners.newest_first import write_mark
from earmark_listeners.registry import responder

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
UNIT = "60a0b1c2d3e4f5a6b7c8d9e0"
READING = {"business_unit": UNIT, "api_key": "env:KEY"}
OPTIONS = READING | {"api_secret": "env:SECRET", "business_user_id": "61aa"}
REPLY = Outgoing("We are sorry.", {"review_id": "r1"}, "earmark-1", NOW)
LONG_AGO = write_mark(NOW - timedelta(days=30))


def review(name="r1", hours=1, **more):
    at = (NOW - timedelta(hours=hours)).isoformat().replace("+00:00", "Z")
    return {
        "id": name, "stars": 2, "title": "Late", "text": f"says {name}", "language": "en",
        "createdAt": at, "updatedAt": None, "companyReply": None, "consumer":
        {"id": f"c-{name}", "displayName": "Mara", "displayLocation": "Oberwald",
         "email": "mara@mail.example"},
        "referralEmail": "mara@mail.example", "referenceId": "order-5512", **more,
    }  # fmt: skip


class FakeTrustpilot:
    """One company; gives 3 reviews a page whatever it is asked for, and keeps one reply each."""

    def __init__(self, *reviews):
        self.reviews = {each["id"]: each for each in reviews}
        self.requests = []
        self.tokens = 0
        self.on_reply = None

    def __call__(self, request):
        self.requests.append(request)
        path = request.url.path
        if path.endswith(("/accesstoken", "/refresh")):
            self.tokens += 1
            return httpx.Response(200, json={
                "access_token": f"access-{self.tokens}", "refresh_token": f"next-{self.tokens}",
                "expires_in": "359999",
            })  # fmt: skip
        if path == "/v1/business-units/find":
            return httpx.Response(200, json={"id": UNIT, "displayName": "Acme"})
        if path == f"/v1/business-units/{UNIT}/reviews":
            at = (int(dict(request.url.params)["page"]) - 1) * 3
            newest = sorted(self.reviews.values(), key=lambda each: each["createdAt"])[::-1]
            return httpx.Response(200, json={"reviews": newest[at : at + 3]})
        return self.about_one(request, path.split("/")[4])

    def about_one(self, request, name):
        found = self.reviews.get(name)
        if found is None:
            return httpx.Response(404, json={"message": "Review not found"})
        if request.method == "POST":
            if self.on_reply:
                return self.on_reply(request)
            text = json.loads(request.content)["message"]
            found["companyReply"] = {"text": text, "createdAt": "2026-03-02T09:00:02"}
            return httpx.Response(201)
        return httpx.Response(200, json=found)

    def replies(self):
        return [each for each in self.requests if each.url.path.endswith("/reply")]


def ids(batches):
    return [item.external_id for batch in batches for item in batch.items]


def answer(listen, platform, act, **more):
    return listen("trustpilot", OPTIONS | more, platform, act)


def test_each_interface_has_its_own_login(polled, listen):
    platform = FakeTrustpilot(review())
    polled("trustpilot", OPTIONS, platform)
    answer(listen, platform, lambda there: there.send(REPLY))
    by_path = {each.url.path: each for each in platform.requests}
    public = by_path[f"/v1/business-units/{UNIT}/reviews"]
    assert public.headers["apikey"] == "t0ken"
    assert "authorization" not in public.headers
    private = by_path["/v1/private/reviews/r1"]
    assert private.headers["authorization"] == "Bearer access-1"
    assert "apikey" not in private.headers
    (login,) = [each for path, each in by_path.items() if path.endswith("/accesstoken")]
    pair = base64.b64decode(login.headers["authorization"].partition(" ")[2]).decode()
    assert pair == "t0ken:t0ken"
    assert parse_qs(login.content.decode()) == {"grant_type": ["client_credentials"]}
    (sent,) = platform.replies()
    assert json.loads(sent.content) == {"authorBusinessUserId": "61aa", "message": REPLY.text}
    assert sent.headers["x-business-user-id"] == "61aa"


def test_a_refresh_token_is_changed_for_the_one_that_comes_back(polled, listen):
    platform = FakeTrustpilot(review())
    answer(listen, platform, lambda there: there.target(REPLY.target), refresh_token="file:/r")
    login = platform.requests[0]
    assert login.url.path.endswith("/oauth-business-users-for-applications/refresh")
    asked = {"grant_type": ["refresh_token"], "refresh_token": ["t0ken"]}
    assert parse_qs(login.content.decode()) == asked


def test_the_token_serves_until_it_runs_out_in_four_days(listen):
    platform = FakeTrustpilot(review())

    async def use(listener):
        await listener.target(REPLY.target)
        listener.clock.forward(timedelta(hours=99))
        await listener.target(REPLY.target)
        assert platform.tokens == 1
        listener.clock.forward(timedelta(hours=1))
        await listener.target(REPLY.target)
        assert platform.tokens == 2

    answer(listen, platform, use)


def test_a_company_is_found_by_its_domain_once(listen):
    platform = FakeTrustpilot(review())

    async def use(listener):
        for _ in range(2):
            wiring = Wiring(listener.fetch, listener.clock, listener.secret,
                            memory=listener.wiring.memory)  # fmt: skip
            again = Trustpilot(listener.options, wiring)
            async with aclosing(again.poll(None)) as pages:
                batches = [page async for page in pages]
            assert ids(batches) == ["r1"]

    listen("trustpilot", READING | {"business_unit": "Acme-Air.example"}, platform, use)
    found = [each for each in platform.requests if each.url.path.endswith("/find")]
    assert [dict(each.url.params) for each in found] == [{"name": "acme-air.example"}]


def test_pages_smaller_than_asked_for_are_not_the_end(polled):
    platform = FakeTrustpilot(*(review(f"r{n}", n) for n in range(1, 9)))
    batches = polled("trustpilot", READING, platform, LONG_AGO)
    assert len(ids(batches)) == 8
    assert {batch.state for batch in batches} == {WindowState.complete}
    pages = [dict(each.url.params)["page"] for each in platform.requests]
    assert pages == ["1", "2", "3", "4"]


def test_the_page_cap_is_told_as_a_gap(polled):
    platform = FakeTrustpilot(*(review(f"r{n}", n) for n in range(1, 9)))
    batches = polled("trustpilot", READING | {"max_pages": 2}, platform, LONG_AGO)
    assert {batch.state for batch in batches} == {WindowState.truncated}
    assert batches[0].covers_from == NOW - timedelta(hours=6)


def test_reported_reviews_are_asked_for_and_hidden_ones_are_gone(polled):
    hidden = review("r2", 2, reportData={"reviewVisibility": "hidden"})
    shown = review("r3", 3, reportData={"reviewVisibility": "visible"})
    platform = FakeTrustpilot(review(), hidden, shown)
    (batch,) = polled("trustpilot", READING, platform)
    assert dict(platform.requests[0].url.params)["includeReportedReviews"] == "true"
    assert (ids([batch]), batch.gone) == (["r3", "r1"], ("r2",))


def test_a_review_that_is_hidden_or_deleted_is_not_answered(listen):
    platform = FakeTrustpilot(review(reportData={"reviewVisibility": "hidden"}))
    assert isinstance(answer(listen, platform, lambda it: it.target(REPLY.target)), Gone)
    with pytest.raises(ReplyRefused, match="no longer"):
        answer(listen, FakeTrustpilot(), lambda there: there.send(REPLY))


def test_the_target_tells_when_it_was_changed(listen):
    platform = FakeTrustpilot(review(updatedAt="2026-03-02T08:30:00"))
    found = answer(listen, platform, lambda there: there.target(REPLY.target))
    assert found == Target("says r1", datetime(2026, 3, 2, 8, 30, tzinfo=UTC))


def test_another_reply_is_never_written_over_unasked(listen):
    platform = FakeTrustpilot(review(companyReply={"text": "By Ines."}))
    with pytest.raises(ReplyRefused, match="another reply already") as caught:
        answer(listen, platform, lambda there: there.send(REPLY))
    assert platform.replies() == []
    assert "replace_replies" in caught.value.hint
    answer(listen, platform, lambda there: there.send(REPLY), replace_replies=True)
    assert len(platform.replies()) == 1


def test_the_same_reply_is_not_sent_again(listen):
    platform = FakeTrustpilot(review(companyReply={"text": " We are sorry.\n"}))
    sent = answer(listen, platform, lambda there: there.send(REPLY))
    assert sent.remote_id == "r1:reply"
    assert platform.replies() == []


def test_a_reply_whose_answer_was_lost_is_found(listen):
    platform = FakeTrustpilot(review())

    def lost(request):
        platform.on_reply = None
        platform.about_one(request, "r1")
        raise httpx.ReadTimeout("lost", request=request)

    platform.on_reply = lost
    with pytest.raises(ReplyUnknown):
        answer(listen, platform, lambda there: there.send(REPLY))
    found = answer(listen, platform, lambda there: there.find(REPLY))
    assert found is not None
    assert found.remote_id == "r1:reply"


def test_an_old_reply_with_the_same_words_is_not_this_one(listen):
    old = {"text": REPLY.text, "createdAt": "2026-02-02T09:00:00Z"}
    platform = FakeTrustpilot(review(companyReply=old))
    assert answer(listen, platform, lambda there: there.find(REPLY)) is None
    platform.reviews["r1"]["companyReply"]["updatedAt"] = "2026-03-02T09:00:01Z"
    assert answer(listen, platform, lambda there: there.find(REPLY)) is not None


def test_our_reply_in_the_list_has_the_id_under_which_it_was_sent(polled, listen):
    platform = FakeTrustpilot(review())
    sent = answer(listen, platform, lambda there: there.send(REPLY))
    (batch,) = polled("trustpilot", OPTIONS, platform)
    own = batch.items[-1]
    assert (own.external_id, own.is_own, own.parent_id) == (sent.remote_id, True, "r1")
    assert own.published_at == NOW + timedelta(seconds=2)
    # It shares the page of its review and must not be taken for the same post.
    assert own.url == batch.items[0].url
    assert own.uri


def test_another_s_company_is_read_only(polled, listen):
    platform = FakeTrustpilot(review(companyReply={"text": "Sorry."}))
    assert ids(polled("trustpilot", OPTIONS | {"is_ours": False}, platform)) == ["r1"]

    async def use(listener):
        return responder(listener)

    assert answer(listen, platform, use, is_ours=False) is None
    assert listen("trustpilot", READING, platform, use) is None
    with pytest.raises(Rejected, match="cannot answer"):
        listen("trustpilot", READING, platform, lambda there: there.send(REPLY))


def test_what_is_about_the_person_is_kept_nowhere(polled, listen, caplog):
    caplog.set_level(logging.DEBUG)
    platform = FakeTrustpilot(
        review(companyReply={"text": "x", "authorBusinessUserName": "Ines Secret"}),
        review("r2", 2, createdAt="yesterday"),
    )
    batches = polled("trustpilot", OPTIONS, platform)
    assert len(batches[0].bad_items) == 1
    shown = repr(batches)
    for act in (lambda it: it.target(REPLY.target), lambda it: it.find(REPLY)):
        shown += repr(answer(listen, platform, act))
    with pytest.raises(ListenerError) as caught:
        answer(listen, platform, lambda there: there.target({"review_id": "r2"}))
    shown += "".join(traceback.format_exception(caught.value)) + repr(caught.value) + caplog.text
    for private in ("mail.example", "order-5512", "Oberwald", "Ines Secret"):
        assert private not in shown


@pytest.mark.parametrize(
    ("status", "hint"), [(401, "api_key"), (403, "paid part"), (404, "business_unit")]
)
def test_a_refusal_says_what_to_do(polled, status, hint):
    fault = {"fault": {"faultstring": "Invalid ApiKey", "detail": {"errorcode": "oauth.v2"}}}
    with pytest.raises(Rejected) as caught:
        polled("trustpilot", READING, lambda _: httpx.Response(status, json=fault))
    assert hint in caught.value.hint
    assert "Trustpilot" in caught.value.message


def test_a_login_that_is_refused_is_not_a_refused_reply(listen):
    with pytest.raises(Rejected, match="not let in"):
        answer(listen, lambda _: httpx.Response(401, json={}), lambda there: there.send(REPLY))


def test_a_token_endpoint_that_is_down_proves_that_nothing_was_sent(listen):
    with pytest.raises(Unavailable):
        answer(listen, lambda _: httpx.Response(503), lambda there: there.send(REPLY))


@pytest.mark.parametrize(
    "options",
    [{"business_unit": UNIT}, READING | {"business_unit": "a/b"}, READING | {"api_secret": "env:S"},
     READING | {"language": "english"}],
)  # fmt: skip
def test_options_that_cannot_work_are_refused(polled, options):
    with pytest.raises(ConfigError):
        polled("trustpilot", options, FakeTrustpilot())


def test_the_options_name_no_secret_in_clear():
    secret = {
        key
        for key, field in TrustpilotOptions.model_fields.items()
        if field.json_schema_extra == {"secret": True}
    }
    assert secret == {"api_key", "api_secret", "refresh_token"}
