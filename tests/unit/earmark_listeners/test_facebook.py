"""What a Page hears beside comments, and where its replies land."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from earmark_core.errors import Rejected, ReplyRefused, Unavailable
from earmark_core.model import Cursor, WindowState
from earmark_listeners.contract import Gone, Outgoing, Sent, Target

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OPTIONS = {"page_id": "100", "token": "env:T"}
YESTERDAY = Cursor(json.dumps({"after": "2026-03-01T09:00:00+00:00"}))
ABSENT = {"message": "does not exist", "type": "GraphMethodException", "code": 100,
          "error_subcode": 33, "fbtrace_id": "A"}  # fmt: skip


def wire(moment):
    return f"{moment:%Y-%m-%dT%H:%M:%S+0000}"


def onward(after):
    return {"next": f"https://graph.facebook.com/v25.0/1/x?access_token=5ECRET&after={after}"}


class FakePage:
    """Answers by path; a list is served page by page."""

    def __init__(self, **answers):
        self.answers = {key.replace("_", "/"): value for key, value in answers.items()}
        self.asked = []

    def __call__(self, request):
        self.asked.append(request)
        answer = self.answers[request.url.path.removeprefix("/v25.0/")]
        if isinstance(answer, list):
            place = int(request.url.params.get("after", "0"))
            more = {"paging": onward(place + 1)} if place + 1 < len(answer) else {}
            return httpx.Response(200, json={"data": answer[place]} | more)
        return httpx.Response(400 if "error" in answer else 200, json=answer)


def items(batches):
    return [item for batch in batches for item in batch.items]


def test_posts_of_the_page_and_of_visitors(polled):
    post = {
        "id": "100_1", "message": "New routes", "created_time": "2026-03-02T08:00:00+0000",
        "from": {"id": "100", "name": "Acme Air"}, "permalink_url": "https://facebook.com/100/1",
        "comments": {"data": [], "summary": {"total_count": 4}}, "shares": {"count": 2},
        "reactions": {"data": [], "summary": {"total_count": 9}},
    }  # fmt: skip
    photo = {
        "id": "100_2", "story": "Mara added a photo.", "created_time": "2026-03-02T07:00:00+0000",
        "from": {"id": "5001", "name": "Mara"},
    }  # fmt: skip
    page = FakePage(**{"100_feed": [[post, photo]]})
    by_mara, ours = items(polled("facebook", OPTIONS | {"kind": "posts"}, page))
    assert (ours.is_own, by_mara.is_own) == (True, False)
    assert ours.metrics == {"comments": 4, "reactions": 9, "shares": 2}
    assert ours.reply_ref == {"post_id": "100_1"}
    assert (by_mara.text, by_mara.title) == ("", "Mara added a photo.")
    assert by_mara.metrics == {}
    assert by_mara.url == "https://www.facebook.com/100_2"


def test_recommendations_have_no_id_and_perhaps_no_words(polled):
    at = "2026-03-02T08:00:00+0000"
    found = [
        {"created_time": at, "recommendation_type": "negative", "review_text": "Late",
         "reviewer": {"id": "5", "name": "Mara"}, "open_graph_story": {"id": "900"}},
        {"created_time": "2026-03-02T07:00:00+0000", "recommendation_type": "positive",
         "reviewer": {"id": "6", "name": "Tomo"}},
        {"created_time": "2026-03-02T06:00:00+0000", "rating": 2, "review_text": "Old stars"},
    ]  # fmt: skip
    batches = polled(
        "facebook", OPTIONS | {"kind": "ratings"}, FakePage(**{"100_ratings": [found]})
    )
    stars, silent, told = items(batches)
    assert told.external_id == "900"
    assert (told.title, told.text) == ("Does not recommend the Page", "Late")
    assert (told.kind, told.rating) == ("review", None)
    assert told.reply_ref == {"post_id": "900"}
    assert silent.external_id == "rating 6 2026-03-02T07:00:00Z"
    assert (silent.title, silent.text, silent.reply_ref) == ("Recommends the Page", "", {})
    assert stars.rating == 2
    assert stars.external_id == "rating ? 2026-03-02T06:00:00Z"


def test_posts_elsewhere_that_tag_the_page(polled):
    tagged = {"id": "7_1", "message": "With Acme Air", "created_time": "2026-03-02T08:00:00+0000"}
    page = FakePage(**{"100_tagged": [[tagged]]})
    (item,) = items(polled("facebook", OPTIONS | {"kind": "tagged"}, page))
    assert (item.external_id, item.is_own, item.author) == ("7_1", False, None)


def comments(*hours, post="1"):
    return [
        {"id": f"{post}_{hour}", "message": "hm", "created_time": wire(NOW - timedelta(hours=hour))}
        for hour in hours
    ]


def test_a_burst_below_one_post_is_read_page_by_page(polled):
    feed = [{"id": "1", "comments": {"data": comments(1, 2), "paging": onward(1)}}]
    page = FakePage(**{"100_feed": [feed], "1_comments": [[], comments(3, 4), comments(5)]})
    assert len(items(polled("facebook", OPTIONS, page, YESTERDAY))) == 5
    further = [request.url.params for request in page.asked[1:]]
    assert [each["after"] for each in further] == ["1", "2"]
    assert {each["order"] for each in further} == {"reverse_chronological"}
    assert "5ECRET" not in str([request.url for request in page.asked])


def test_a_burst_beyond_the_cap_is_a_gap_that_is_said(polled):
    feed = [
        {"id": "1", "comments": {"data": comments(1, 2), "paging": onward(1)}},
        {"id": "2", "comments": {"data": comments(1, 3, post="2"), "paging": onward(1)}},
    ]
    more = [[], *(comments(hour) for hour in (4, 5, 6, 7))]
    page = FakePage(**{"100_feed": [feed], "1_comments": more, "2_comments": more})
    (batch,) = polled("facebook", OPTIONS | {"max_pages": 2}, page, YESTERDAY)
    assert batch.state is WindowState.truncated
    assert "2 of the posts" in batch.note
    assert batch.covers_from == NOW - timedelta(hours=3)
    assert len(page.asked) == 3


def test_nested_comments_that_are_all_old_are_read_no_further(polled):
    feed = [{"id": "1", "comments": {"data": comments(1, 200), "paging": onward(1)}}]
    page = FakePage(**{"100_feed": [feed]})
    (batch,) = polled("facebook", OPTIONS, page, YESTERDAY)
    assert batch.state is WindowState.complete
    assert len(page.asked) == 1


@pytest.fixture
def answering(listen):
    def do(method, page, *, text="Sorry, Mara.", **ref):
        target = ref or {"comment_id": "1_8", "root_id": "1_8"}
        reply = Outgoing(text, target, "k", NOW)

        async def use(listener):
            return await getattr(listener, method)(target if method == "target" else reply)

        return listen("facebook", OPTIONS, page, use)

    return do


def said(number, text="Sorry, Mara.", who="100", at=NOW):
    writer = {"from": {"id": who, "name": "x"}} if who else {}
    return {"id": number, "message": text, "created_time": wire(at)} | writer


def test_a_reply_to_an_answer_is_looked_for_below_the_comment_at_the_top(answering):
    page = FakePage()
    page.answers = {"1_8/comments": [[said("1_20")]]}
    assert answering("find", page, comment_id="1_9", root_id="1_8") == Sent("1_20")


@pytest.mark.parametrize(
    ("comment", "is_found"),
    [
        (said("1_20"), True),
        (said("1_20", who=""), True),  # the token may not know who wrote it
        (said("1_20", who="5001"), False),
        (said("1_20", text="Sorry."), False),
        (said("1_20", at=NOW - timedelta(minutes=20)), False),
    ],
)
def test_our_reply_is_told_from_others(answering, comment, is_found):
    page = FakePage()
    page.answers = {"1_8/comments": [[comment]]}
    assert (answering("find", page) is not None) is is_found


def test_what_is_older_than_the_reply_is_not_looked_through(answering):
    page = FakePage()
    page.answers = {"1_8/comments": [[said("1_1", at=NOW - timedelta(days=1))], [said("1_20")]]}
    assert answering("find", page) is None
    assert len(page.asked) == 1


def test_too_many_comments_are_not_none(answering):
    page = FakePage()
    page.answers = {"1_8/comments": [[said("1_1", text="other")]] * 9}
    with pytest.raises(Unavailable):
        answering("find", page)


def test_gone_is_believed_only_while_the_page_itself_is_shown(answering):
    page = FakePage()
    page.answers = {"1_8": {"error": ABSENT}, "100": {"id": "100"}}
    assert isinstance(answering("target", page), Gone)
    page.answers["100"] = {"error": ABSENT}
    with pytest.raises(Rejected):
        answering("target", page)


def test_a_comment_that_takes_no_replies_is_told(answering):
    page = FakePage()
    page.answers = {"1_8": {"id": "1_8", "message": "x", "can_comment": False}}
    with pytest.raises(ReplyRefused, match="no more replies"):
        answering("target", page)


def test_a_post_is_read_without_what_only_comments_have(answering):
    page = FakePage()
    page.answers = {"100_1": {"id": "100_1", "message": "New routes"}}
    assert answering("target", page, post_id="100_1") == Target("New routes")
    assert page.asked[0].url.params["fields"] == "id,message"


def test_a_recommendation_without_a_story_is_answered_by_hand(answering):
    page = FakePage()
    with pytest.raises(ReplyRefused, match="does not say where"):
        answering("send", page, none="")
    assert page.asked == []
