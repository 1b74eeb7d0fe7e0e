"""What an account hears beside the first comments, and how its answers are addressed."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import pytest

from earmark_core.errors import ConfigError, Malformed, Rejected, ReplyRefused, Unavailable
from earmark_core.model import Cursor, WindowState
from earmark_listeners.contract import Gone, Outgoing, Sent, Target

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OPTIONS = {"user_id": "200", "username": "acmeair", "token": "env:T"}
YESTERDAY = Cursor(json.dumps({"after": "2026-03-01T09:00:00+00:00"}))
ABSENT = {"error": {"message": "does not exist", "type": "OAuthException", "code": 100,
                    "error_subcode": 33, "fbtrace_id": "A"}}  # fmt: skip


def onward(after):
    return {"next": f"https://graph.facebook.com/v25.0/1/x?access_token=5ECRET&after={after}"}


class FakeAccount:
    """Answers by path; a list is served page by page."""

    def __init__(self, answers):
        self.answers = answers
        self.asked = []

    def __call__(self, request):
        self.asked.append(request)
        answer = self.answers[request.url.path.removeprefix("/v25.0/")]
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, list):
            place = int(request.url.params.get("after", "0"))
            more = {"paging": onward(place + 1)} if place + 1 < len(answer) else {}
            answer = {"data": answer[place]} | more
        return httpx.Response(400 if "error" in answer else 200, json=answer)

    def fields(self):
        return [request.url.params.get("fields") for request in self.asked]


def comment(number, text="hm", who="mara", hours=1, **more):
    at = NOW - timedelta(hours=hours)
    return {
        "id": number, "text": text, "username": who,
        "timestamp": f"{at:%Y-%m-%dT%H:%M:%S+0000}", **more,
    }  # fmt: skip


def items(batches):
    return [item for batch in batches for item in batch.items]


def test_answers_are_items_of_their_own_below_the_comment_at_the_top(polled):
    answers = {"data": [comment("12", who="acmeair")], "paging": onward(1)}
    top = comment("11", replies=answers)
    media = [{"id": "1", "permalink": "https://instagram.com/p/1", "comments": {"data": [top]}}]
    account = FakeAccount({"200/media": [media], "11/replies": [[], [comment("13", who="tomo")]]})
    found = {
        item.external_id: item for item in items(polled("instagram", OPTIONS, account, YESTERDAY))
    }
    assert set(found) == {"11", "12", "13"}
    assert found["12"].is_own
    assert {item.thread_id for item in found.values()} == {"1"}
    assert [found[each].parent_id for each in ("11", "12", "13")] == ["1", "11", "11"]
    assert found["13"].reply_ref == {"comment_id": "11", "item_id": "13", "username": "tomo"}
    assert "replies" not in json.loads(found["11"].raw)
    assert "5ECRET" not in str([r.url for r in account.asked]) + found["11"].raw


def test_a_burst_beyond_the_cap_is_a_gap_that_is_said(polled):
    media = [{"id": "1", "comments": {"data": [comment("11")], "paging": onward(1)}}]
    pages = [[], *([comment(str(20 + hour), hours=hour)] for hour in (2, 3, 4))]
    account = FakeAccount({"200/media": [media], "1/comments": pages})
    (batch,) = polled("instagram", OPTIONS | {"max_pages": 2}, account, YESTERDAY)
    assert batch.state is WindowState.truncated
    assert batch.covers_from == NOW - timedelta(hours=3)
    assert len(batch.items) == 3


def test_our_name_is_asked_for_once_and_knows_our_own_words(polled):
    media = [{"id": "1", "comments": {"data": [comment("11", who="AcmeAir"), comment("12")]}}]
    account = FakeAccount({"200": {"username": "acmeair"}, "200/media": [media]})
    found = items(polled("instagram", OPTIONS | {"username": ""}, account))
    assert [item.is_own for item in found] == [True, False]
    assert account.fields()[0] == "username"


def test_a_hashtag_that_has_no_number_is_not_an_empty_one(polled):
    account = FakeAccount({"ig_hashtag_search": [[]]})
    with pytest.raises(Malformed):
        polled("instagram", OPTIONS | {"kind": "hashtag", "hashtag": "acme"}, account)


NAMING = {"kind": "mentioned", "media_ids": "31, 32", "comment_ids": "41"}


def naming(request):
    fields = request.url.params["fields"]
    if "(32)" in fields:
        return ABSENT
    if "(31)" in fields:
        return {"mentioned_media": {"id": "31", "caption": "@acmeair hi", "username": "mara"}}
    return {"mentioned_comment": comment("41", "@acmeair?", media={"id": "51"})}


def test_what_names_us_is_read_by_its_number_and_what_is_gone_passed_over(polled):
    found = {i.external_id: i for i in items(polled("instagram", OPTIONS | NAMING,
                                                    FakeAccount({"200": naming})))}  # fmt: skip
    assert set(found) == {"31", "41"}
    assert found["31"].reply_ref == {"media_id": "31"}
    assert found["41"].reply_ref == {"media_id": "51", "mention_id": "41"}
    assert (found["41"].kind, found["41"].parent_id) == ("comment", "51")


def test_where_nothing_that_names_us_is_shown_the_source_is_refused(polled):
    with pytest.raises(Rejected, match="not for us"):
        polled("instagram", OPTIONS | NAMING, FakeAccount({"200": lambda _: ABSENT}))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"kind": "hashtag"}, "hashtag is missing"),
        ({"kind": "mentioned"}, "media_ids or comment_ids is missing"),
        ({"kind": "mentioned", "media_ids": "1){token}"}, "media_ids"),
        ({"user_id": "me/media"}, "user_id"),
    ],
)
def test_options_say_what_is_missing(polled, options, says):
    with pytest.raises(ConfigError, match=says):
        polled("instagram", OPTIONS | options, FakeAccount({}))


@pytest.fixture
def answering(listen):
    def do(method, account, *, text="It flies tonight.", **ref):
        reply = Outgoing(text, ref, "k", NOW)

        async def use(listener):
            return await getattr(listener, method)(ref if method == "target" else reply)

        return listen("instagram", OPTIONS, account, use)

    return do


@pytest.mark.parametrize(
    ("name", "text", "posted"),
    [
        ("", "hi", "hi"),
        ("tomo", "hi", "@tomo hi"),
        ("tomo", "hi @TOMO!", "hi @TOMO!"),
        ("tomo", "@tomo.k hi", "@tomo @tomo.k hi"),
        ("tomo", "a@tomo hi", "@tomo a@tomo hi"),
        ("in.es", "@in.es hi", "@in.es hi"),
    ],
)
def test_who_is_meant_is_named_exactly_once(answering, name, text, posted):
    account = FakeAccount({"11/replies": {"id": "20"}})
    sent = answering("send", account, text=text, comment_id="11", username=name)
    assert sent == Sent("20")
    assert parse_qs(account.asked[0].content.decode()) == {"message": [posted]}


@pytest.mark.parametrize("ref", [{"media_id": "31"}, {"media_id": "51", "mention_id": "41"}])
def test_what_names_us_elsewhere_is_answered_as_a_mention(answering, ref):
    account = FakeAccount({"200/mentions": {"id": "20"}})
    assert answering("send", account, text="Thanks", **ref) == Sent("20")
    form = {key: value for key, (value,) in parse_qs(account.asked[0].content.decode()).items()}
    named = {"comment_id": "41"} if "mention_id" in ref else {}
    assert form == {"message": "Thanks", "media_id": ref["media_id"]} | named


def test_what_takes_no_replies_is_not_even_tried(answering):
    account = FakeAccount({})
    with pytest.raises(ReplyRefused, match="no replies"):
        answering("send", account)
    assert account.asked == []
    assert answering("find", account) is None


def test_our_answer_to_a_mention_is_found_where_it_is_shown(answering):
    own = comment("20", "Thanks", who="acmeair", hours=0)
    media = {"mentioned_media": {"comments": {"data": [comment("41", replies={"data": [own]})]}}}
    account = FakeAccount({"200": media})
    assert answering("find", account, text="Thanks", media_id="51", mention_id="41") == Sent("20")


@pytest.mark.parametrize(
    "media", [{"id": "51"}, {"comments": {"data": [comment("41")], "paging": onward(1)}}]
)
def test_where_it_is_not_shown_it_is_not_said_to_be_absent(answering, media):
    account = FakeAccount({"200": {"mentioned_media": media}})
    with pytest.raises(Unavailable, match="does not show"):
        answering("find", account, text="Thanks", media_id="51")


@pytest.mark.parametrize(
    ("found", "is_ours"),
    [
        (comment("20", "@tomo It flies tonight.", who="acmeair", hours=0), True),
        (comment("20", "@tomo It flies tonight.", who="mara", hours=0), False),
        (comment("20", "@tomo It flies tonight.", who="acmeair", hours=5), False),
        (comment("20", "@mara It flies tonight.", who="acmeair", hours=0), False),
    ],
    ids=["ours", "another's", "from before", "to another"],
)
def test_our_answer_is_told_from_others(answering, found, is_ours):
    account = FakeAccount({"11/replies": [[comment("1")], [found]]})
    sent = answering("find", account, comment_id="11", username="tomo")
    assert (sent is not None) is is_ours


@pytest.mark.parametrize(
    ("ref", "said", "target"),
    [
        ({"comment_id": "11", "item_id": "13"}, {"id": "13", "text": "a"}, Target("a")),
        ({"media_id": "31"}, {"mentioned_media": {"id": "31", "caption": "b"}}, Target("b")),
        (
            {"media_id": "5", "mention_id": "41"},
            {"mentioned_comment": {"id": "41", "text": "c"}},
            Target("c"),
        ),
    ],
)
def test_target_is_what_was_said_and_not_the_comment_above_it(answering, ref, said, target):
    assert answering("target", FakeAccount({"13": said, "200": said}), **ref) == target


def test_a_hidden_comment_takes_no_replies(answering):
    account = FakeAccount({"11": {"id": "11", "text": "x", "hidden": True}})
    with pytest.raises(ReplyRefused, match="hidden"):
        answering("target", account, comment_id="11")


def test_gone_is_believed_only_while_our_account_is_shown(answering):
    account = FakeAccount({"11": ABSENT, "200": {"id": "200"}})
    assert isinstance(answering("target", account, comment_id="11"), Gone)
    account.answers["200"] = ABSENT
    with pytest.raises(Rejected):
        answering("target", account, comment_id="11")
