"""Stack Exchange: backoff, quota, gzip, errors by number, and pages that nothing slips through."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import httpx
import pytest

from earmark_core.errors import (
    ConfigError,
    EarmarkError,
    Fault,
    Rejected,
    ReplyRefused,
    ReplyUnknown,
    Unavailable,
)
from earmark_core.model import WindowState
from earmark_listeners.channels.stackexchange import StackExchangeOptions
from earmark_listeners.contract import Gone, Outgoing, Target
from earmark_listeners.registry import responder

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OPTIONS = {"tagged": "Acme-API, python"}
WRITING = OPTIONS | {"key": "k", "access_token": "env:T", "own_user_id": "900"}


def ago(minutes):
    return int((NOW - timedelta(minutes=minutes)).timestamp())


def question(number, minutes, **more):
    return {
        "question_id": number, "creation_date": ago(minutes), "last_activity_date": ago(minutes),
        "title": f"Q{number}", "body": "<p>why?</p>", "answer_count": 0,
        "owner": {"user_id": 5, "display_name": "mara"}, **more,
    }  # fmt: skip


def below(minutes, who=5, **more):
    return {"creation_date": ago(minutes), "body": "<p>so</p>", "owner": {"user_id": who}, **more}


class FakeStack:
    """Questions by their activity, what is below them, and answers by path."""

    def __init__(self, *questions, **wrapper):
        self.questions = list(questions)
        self.answers = []
        self.comments = []
        self.wrapper = wrapper
        self.special = {}
        self.requests = []

    def __call__(self, request):
        self.requests.append(request)
        path, query = request.url.path, request.url.params
        if path in self.special:
            return self.special[path]
        if path.endswith("/search/advanced"):
            return self.page(self.questions, query, "last_activity_date")
        if path.endswith("/answers"):
            ids = path.split("/")[-2].split(";")
            found = [a for a in self.answers if str(a["question_id"]) in ids]
            return self.page(found, query, "creation_date")
        if path.endswith("/comments"):
            ids = path.split("/")[-2].split(";")
            found = [c for c in self.comments if str(c["post_id"]) in ids]
            return self.page(found, query, "creation_date")
        return httpx.Response(200, json={"items": [], "has_more": False})

    def page(self, entries, query, key):
        low = int(query.get("min", query.get("fromdate", "0")))
        found = sorted((e for e in entries if e[key] >= low), key=lambda e: e[key])
        found = found if query.get("order") == "asc" else found[::-1]
        size, number = int(query.get("pagesize", "30")), int(query.get("page", "1"))
        shown = found[size * (number - 1) : size * number]
        more = {"has_more": size * number < len(found), "quota_remaining": 99, **self.wrapper}
        return httpx.Response(200, json={"items": shown, **more})

    def asked(self, end):
        return [dict(r.url.params) for r in self.requests if r.url.path.endswith(end)]


def cursor(minutes, **more):
    at = (NOW - timedelta(minutes=minutes)).isoformat()
    return json.dumps({"after": at, "commented": at, "watch": [], "behind": False, **more})


def ids(batches):
    return [item.external_id for batch in batches for item in batch.items]


def test_bodies_are_asked_for_and_every_answer_may_be_gzip(polled):
    body = gzip.compress(json.dumps({"items": [question(1, 5)], "has_more": False}).encode())
    seen = []

    def packed(request):
        seen.append(request)
        headers = {"content-encoding": "gzip", "content-type": "application/json"}
        return httpx.Response(200, headers=headers, content=body)

    (batch,) = polled("stackexchange", OPTIONS, packed)
    assert ids([batch]) == ["question-1"]
    query = seen[0].url.params
    assert (query["filter"], query["tagged"], query["sort"]) == (
        "withbody", "acme-api;python", "activity",
    )  # fmt: skip


def test_first_poll_is_one_request(polled):
    stack = FakeStack(question(1, 5, answer_count=3), question(2, 9))
    (batch,) = polled("stackexchange", OPTIONS, stack)
    assert ids([batch]) == ["question-2", "question-1"]
    assert len(stack.requests) == 1


def test_no_question_slips_over_the_edge_of_a_page_when_another_one_moves(polled):
    stack = FakeStack(*[question(n, 60 - n) for n in range(1, 10)])
    pages = []

    def moving(request):
        answer = stack(request)
        if request.url.path.endswith("/search/advanced"):
            pages.append(request)
            if len(pages) == 1:  # one that was just read moves to the end of the list
                stack.questions[0]["last_activity_date"] = ago(1)
        return answer

    batches = polled("stackexchange", OPTIONS | {"page_size": 3}, moving, cursor(61))
    assert set(ids(batches)) == {f"question-{n}" for n in range(1, 10)}
    assert {batch.state for batch in batches} == {WindowState.complete}


def test_many_questions_of_one_second_are_all_read(polled):
    stack = FakeStack(*[question(n, 30) for n in range(1, 8)], question(9, 10))
    batches = polled("stackexchange", OPTIONS | {"page_size": 3}, stack, cursor(40))
    assert set(ids(batches)) == {f"question-{n}" for n in (*range(1, 8), 9)}


def test_what_the_page_cap_leaves_comes_with_the_next_poll(polled):
    stack = FakeStack(*[question(n, 60 - n) for n in range(1, 10)])
    options = OPTIONS | {"page_size": 3, "max_pages": 2}
    heard, since, states = [], cursor(61), []
    for _ in range(4):
        batches = polled("stackexchange", options, stack, since)
        heard += ids(batches)
        states.append({batch.state for batch in batches})
        since = next(b.cursor for b in reversed(batches) if b.cursor)
    assert set(heard) == {f"question-{n}" for n in range(1, 10)}
    assert WindowState.truncated in states[0]
    assert states[-1] == {WindowState.complete}


def test_backoff_ends_the_poll_where_nothing_is_lost_and_is_waited_for(polled):
    stack = FakeStack(*[question(n, 60 - n) for n in range(1, 10)], backoff=10)
    options = OPTIONS | {"page_size": 3, "with_comments": False}
    batches = polled("stackexchange", options, stack, cursor(61))
    assert len(stack.requests) == 1
    (batch,) = batches
    assert batch.next_poll_after == timedelta(seconds=12)
    assert batch.state is WindowState.truncated
    assert json.loads(batch.cursor)["behind"] is True


def test_backoff_in_the_middle_of_answers_leaves_the_cursor(polled):
    stack = FakeStack(question(1, 5, answer_count=300), backoff=10)
    stack.answers = [below(4, answer_id=n, question_id=1) for n in range(300)]
    with pytest.raises(Unavailable) as caught:
        polled("stackexchange", OPTIONS, stack, cursor(61))
    assert caught.value.rate_limited
    assert caught.value.retry_after == timedelta(seconds=12)


def test_a_quota_that_is_used_up_waits_for_the_next_day(polled):
    (batch,) = polled("stackexchange", OPTIONS, FakeStack(question(1, 5), quota_remaining=0))
    assert batch.next_poll_after == timedelta(hours=15)


def test_answers_and_comments_are_heard_below_what_moved(polled):
    stack = FakeStack(question(1, 5, answer_count=1, title="A &lt;b&gt; &#39;tag&#39;"))
    stack.answers = [below(4, answer_id=11, question_id=1), below(900, answer_id=12, question_id=1)]
    stack.comments = [
        below(3, comment_id=21, post_id=1), below(2, comment_id=22, post_id=11),
        below(1, comment_id=23, post_id=7), below(900, comment_id=24, post_id=1),
    ]  # fmt: skip
    watch = [["7", "6"]]
    batches = polled("stackexchange", OPTIONS, stack, cursor(61, watch=watch))
    found = {item.external_id: item for batch in batches for item in batch.items}
    assert list(found) == ["question-1", "answer-11", "comment-21", "comment-22", "comment-23"]
    assert found["question-1"].title == found["answer-11"].title == "A <b> 'tag'"
    comment = found["comment-22"]
    assert (comment.thread_id, comment.parent_id) == ("https://stackoverflow.com/q/1", "answer-11")
    assert len({item.uri for item in found.values() if item.kind == "comment"}) == 3
    assert comment.url == "https://stackoverflow.com/a/11#comment22_11"
    assert found["comment-23"].thread_id == "https://stackoverflow.com/q/6"
    assert json.loads(batches[-1].cursor)["commented"] == (NOW - timedelta(minutes=1)).isoformat()


def test_comments_that_could_not_be_had_are_asked_for_again(polled):
    stack = FakeStack(question(1, 5))
    stack.comments = [below(3, comment_id=21, post_id=1)]
    stack.special["/2.3/posts/1/comments"] = httpx.Response(503)
    seen = []
    with pytest.raises(Unavailable):
        seen += polled("stackexchange", OPTIONS, stack, cursor(61))
    stack.special.clear()
    kept = cursor(5, commented=(NOW - timedelta(minutes=61)).isoformat(), watch=[["1", "1"]])
    assert "comment-21" in ids(polled("stackexchange", OPTIONS, stack, kept))


@pytest.mark.parametrize(
    ("number", "error", "fault"),
    [
        (400, Rejected, Fault.invalid),
        (402, Rejected, Fault.auth),
        (405, Rejected, Fault.auth),
        (406, Rejected, Fault.auth),
        (500, Unavailable, None),
        (503, Unavailable, None),
    ],
)
def test_errors_are_told_by_their_number_not_by_the_status(polled, number, error, fault):
    stack = FakeStack()
    said = {"error_id": number, "error_name": "x", "error_message": "so it is"}
    stack.special["/2.3/search/advanced"] = httpx.Response(400, json=said)
    with pytest.raises(error, match="so it is") as caught:
        polled("stackexchange", OPTIONS, stack)
    assert getattr(caught.value, "fault", None) == fault


def test_a_throttle_says_when_to_come_back(polled):
    stack = FakeStack()
    words = "too many requests from this IP, more requests available in 83 seconds"
    said = {"error_id": 502, "error_name": "throttle_violation", "error_message": words}
    stack.special["/2.3/search/advanced"] = httpx.Response(400, json=said)
    with pytest.raises(Unavailable) as caught:
        polled("stackexchange", OPTIONS, stack)
    assert caught.value.rate_limited
    assert caught.value.retry_after == timedelta(seconds=85)


def test_who_we_are_is_asked_once_and_marks_our_own(polled):
    stack = FakeStack(question(1, 5, owner={"user_id": 900, "display_name": "Acme"}))
    stack.special["/2.3/me"] = httpx.Response(200, json={"items": [{"user_id": 900}]})
    (batch,) = polled("stackexchange", WRITING | {"own_user_id": ""}, stack)
    assert batch.items[0].is_own
    (batch,) = polled("stackexchange", WRITING, stack)
    assert batch.items[0].is_own
    assert len(stack.asked("/me")) == 1


def test_a_token_needs_its_key(polled):
    with pytest.raises(ConfigError, match="key is missing"):
        polled("stackexchange", OPTIONS | {"access_token": "env:T"}, FakeStack())
    with pytest.raises(ConfigError, match="tagged or query is missing"):
        polled("stackexchange", {"site": "superuser"}, FakeStack())


def test_people_and_threads_of_two_sites_are_not_the_same(polled):
    heard = [
        polled("stackexchange", OPTIONS | {"site": site}, FakeStack(question(1, 5)))[0].items[0]
        for site in ("superuser", "serverfault")
    ]
    assert heard[0].author.id != heard[1].author.id
    assert heard[0].thread_id != heard[1].thread_id


@pytest.mark.parametrize(
    ("site", "origin"),
    [
        ("stackoverflow", "https://stackoverflow.com"),
        ("pt.stackoverflow", "https://pt.stackoverflow.com"),
        ("photo", "https://photo.stackexchange.com"),
        ("mathoverflow.net", "https://mathoverflow.net"),
    ],
)
def test_links_lead_to_the_site(site, origin):
    assert StackExchangeOptions(site=site, tagged="x").origin == origin


TO_COMMENT = {"kind": "comment", "post_id": "11", "comment_id": "22", "to": "Mara Ito"}
TO_QUESTION = {"kind": "question", "post_id": "1"}


def outgoing(target, text="I work for Acme, see [the docs](https://acme.example/docs)."):
    return Outgoing(text, target, "k", NOW - timedelta(minutes=1))


def answering(listen, stack, what, **options):
    return listen("stackexchange", WRITING | options, stack, lambda there: what(responder(there)))


def written(stack):
    return parse_qs(stack.requests[-1].content.decode())


def taken(**item):
    return httpx.Response(200, json={"items": [item], "has_more": False})


def test_a_reply_to_a_comment_names_who_is_answered(listen):
    stack = FakeStack()
    stack.special["/2.3/posts/11/comments/add"] = taken(comment_id=31)
    sent = answering(listen, stack, lambda there: there.send(outgoing(TO_COMMENT)))
    assert written(stack)["body"][0].startswith("@MaraIto I work for Acme")
    assert written(stack)["access_token"] == ["t0ken"]
    assert sent.remote_id == "comment-31"
    answering(listen, stack, lambda there: there.send(outgoing(TO_COMMENT, "x" * 599)))
    assert written(stack)["body"] == ["x" * 599]


def test_a_question_is_answered_if_the_options_say_so(listen):
    stack = FakeStack()
    stack.special["/2.3/questions/1/answers/add"] = taken(answer_id=41)

    def act(there):
        return there.send(outgoing(TO_QUESTION))

    sent = answering(listen, stack, act, reply_as="answer")
    assert (sent.remote_id, sent.url) == ("answer-41", "https://stackoverflow.com/a/41")
    closed = taken(**question(1, 5, closed_date=ago(1)))
    stack.special["/2.3/questions/1"] = closed

    def look(there):
        return there.target(TO_QUESTION)

    with pytest.raises(ReplyRefused, match="closed"):
        answering(listen, stack, look, reply_as="answer")
    assert isinstance(answering(listen, stack, look), Target)


def test_what_is_locked_takes_no_reply(listen):
    stack = FakeStack()
    stack.special["/2.3/questions/1"] = taken(**question(1, 5, locked_date=ago(1)))
    with pytest.raises(ReplyRefused, match="locked"):
        answering(listen, stack, lambda there: there.target(TO_QUESTION))
    stack.special["/2.3/questions/1"] = httpx.Response(200, json={"items": []})
    found = answering(listen, stack, lambda there: there.target(TO_QUESTION))
    assert isinstance(found, Gone)


@pytest.mark.parametrize(
    "html",
    [
        'I work for Acme, see <a href="https://acme.example/docs">the docs</a>.',
        '@MaraIto I work for <b>Acme</b>, see <a href="https://acme.example/docs">the docs</a>.',
    ],
)
def test_our_reply_is_found_though_it_comes_back_as_html(listen, html):
    stack = FakeStack()
    stack.comments = [
        below(0, who=5, comment_id=30, post_id=11) | {"body": html},
        below(0, who=900, comment_id=31, post_id=11) | {"body": html},
    ]
    found = answering(listen, stack, lambda there: there.find(outgoing(TO_COMMENT)))
    assert found.remote_id == "comment-31"


def test_without_knowing_who_we_are_nothing_is_said_to_be_absent(listen):

    def act(there):
        return there.find(outgoing(TO_COMMENT))

    with pytest.raises(Rejected, match="who we are"):
        answering(listen, FakeStack(), act, own_user_id="")


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (401, Rejected),
        (402, Rejected),
        (403, ReplyRefused),
        (407, ReplyRefused),
        (500, ReplyUnknown),
        (502, Unavailable),
        (503, ReplyUnknown),
    ],
)
def test_each_error_of_a_reply_says_what_is_certain(listen, number, error):
    stack = FakeStack()
    said = {"error_id": number, "error_name": "x", "error_message": "so it is"}
    stack.special["/2.3/posts/11/comments/add"] = httpx.Response(400, json=said)
    with pytest.raises(EarmarkError) as caught:
        answering(listen, stack, lambda there: there.send(outgoing(TO_COMMENT)))
    assert type(caught.value) is error
