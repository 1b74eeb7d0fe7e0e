"""Meta's Graph API: no token is ever followed, and a code says what a 400 means."""

import asyncio
import hashlib
import hmac
import json
import logging
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from earmark_core.answer import Answer
from earmark_core.clock import FixedClock
from earmark_core.errors import (
    Fault,
    Malformed,
    Rejected,
    ReplyRefused,
    ReplyUnknown,
    Unavailable,
)
from earmark_core.fetch import make_fetcher
from earmark_listeners.contract import Wiring
from earmark_listeners.graph import Below, Graph, GraphOptions, edge_of, following_of
from earmark_listeners.graph_errors import error_of, said_in
from earmark_listeners.newest_first import Page

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NEXT = "https://graph.facebook.com/v25.0/1/feed?access_token=5ECRET&limit=9"


@pytest.fixture
def graph():
    """Does something with the Graph API of the test's own; keeps what was asked."""

    def run(use, handler, **options):
        asked = []

        def serve(request):
            asked.append(request)
            return handler(request)

        async def go():
            clock = FixedClock(NOW)
            transport = httpx.MockTransport(serve)
            fetch = make_fetcher(user_agent="tests", transport=transport, clock=clock)
            wiring = Wiring(fetch, clock, lambda ref: f"secret-behind-{ref}")
            try:
                return await use(Graph(GraphOptions(token="env:T", **options), wiring))
            finally:
                await fetch.aclose()

        run.asked = asked
        return asyncio.run(go())

    return run


def answer(status=400, **error):
    body = {"error": {"message": "(#1) no", "type": "OAuthException", "fbtrace_id": "A"} | error}
    return Answer(status, {}, json.dumps(body).encode(), "https://graph.facebook.com/v25.0/1")


@pytest.mark.parametrize(
    ("paging", "following"),
    [
        ({"cursors": {"after": "z"}, "next": f"{NEXT}&after=z"}, "after=z"),
        ({"next": f"{NEXT}&until=16&since&__paging_token=t&__previous"},
         "until=16&__paging_token=t"),
        ({"next": f"{NEXT}&offset=25"}, "offset=25"),
        ({"cursors": {"after": "z"}, "next": NEXT}, "after=z"),
        ({"cursors": {"after": "a b=&"}, "next": NEXT}, "after=a+b%3D%26"),
        ({"cursors": {"before": "a", "after": "z"}}, ""),
        ({"next": ""}, ""),
        ({}, ""),
        (None, ""),
    ],
)  # fmt: skip
def test_only_the_place_of_the_next_page_is_kept(paging, following):
    assert following_of({"data": [], "paging": paging}) == following
    assert "5ECRET" not in following


def test_a_next_page_without_a_place_is_never_the_end():
    with pytest.raises(Malformed):
        following_of({"paging": {"next": NEXT}})


def test_a_page_is_asked_for_by_its_place_with_our_own_token(graph):
    body = {"data": [1], "paging": {"cursors": {"after": "y"}, "next": f"{NEXT}&after=y"}}

    async def use(there):
        return await there.page("/1/feed", "after=x", fields="id")

    page = graph(use, lambda _: httpx.Response(200, json=body))
    assert page == Page([1], "after=y")
    (request,) = graph.asked
    assert dict(request.url.params) == {"fields": "id", "after": "x"}
    assert request.url.path == "/v25.0/1/feed"
    assert request.headers["Authorization"] == "Bearer secret-behind-env:T"


def test_proof_of_the_app_goes_along_if_there_is_a_secret(graph):
    async def use(there):
        await there.get("/1")
        await there.post("/1/comments", {"fields": "id"}, message="hi")

    graph(use, lambda _: httpx.Response(200, json={"id": "1"}), app_secret="env:S")
    proof = hmac.new(b"secret-behind-env:S", b"secret-behind-env:T", hashlib.sha256).hexdigest()
    assert [request.url.params["appsecret_proof"] for request in graph.asked] == [proof, proof]
    assert graph.asked[1].content == b"message=hi"


def test_the_token_may_go_as_a_parameter_and_is_shown_nowhere(graph, caplog):
    caplog.set_level(logging.DEBUG)
    with pytest.raises(Unavailable) as caught:
        graph(
            lambda there: there.get("/1", fields="id"),
            lambda request: httpx.Response(503, text=str(request.url)),
            login_sent_as="parameter",
        )
    (request,) = graph.asked
    assert request.url.params["access_token"] == "secret-behind-env:T"
    assert "Authorization" not in request.headers
    assert "secret-behind" not in str(caught.value) + caplog.text


@pytest.mark.parametrize("name", ["comments", "other"])
def test_an_edge_that_is_left_out_is_empty_and_one_that_is_no_list_is_wrong(name):
    entry = {"comments": {"data": [1], "paging": {"next": f"{NEXT}&after=z"}}}
    assert edge_of(entry, name) == (Page([1], "after=z") if name == "comments" else Page([]))
    with pytest.raises(Malformed, match="comments"):
        edge_of({"comments": {"summary": {}}}, "comments")


@pytest.mark.parametrize(
    ("error", "kind", "fault"),
    [
        ({"code": 190, "error_subcode": 463}, Rejected, Fault.auth),
        ({"code": 102}, Rejected, Fault.auth),
        ({"code": 3}, Rejected, Fault.forbidden),
        ({"code": 10}, Rejected, Fault.forbidden),
        ({"code": 200}, Rejected, Fault.forbidden),
        ({"code": 299}, Rejected, Fault.forbidden),
        ({"code": 368}, Rejected, Fault.forbidden),
        ({"code": 803}, Rejected, Fault.not_found),
        ({"code": 100, "error_subcode": 33}, Rejected, Fault.not_found),
        ({"code": 100, "message": "Object does not exist"}, Rejected, Fault.not_found),
        ({"code": 100}, Rejected, Fault.invalid),
        ({"code": 2500}, Rejected, Fault.invalid),
        ({"code": 1}, Unavailable, None),
        ({"code": 2}, Unavailable, None),
        ({"code": 100, "is_transient": True}, Unavailable, None),
    ],
)
def test_a_code_says_what_it_means(error, kind, fault):
    found = error_of(answer(**error), "here")
    assert isinstance(found, kind)
    assert getattr(found, "fault", None) is fault
    assert fault is None or found.hint


@pytest.mark.parametrize("code", [4, 17, 32, 613, 80_001, 80_002])
def test_a_limit_is_a_400_with_a_code(graph, code):
    error = {"message": "(#4) slower", "type": "OAuthException", "code": code, "fbtrace_id": "A"}
    usage = {"X-App-Usage": '{"call_count":100,"estimated_time_to_regain_access":3}'}
    refusal = httpx.Response(400, json={"error": error}, headers=usage)
    with pytest.raises(Unavailable) as caught:
        graph(lambda there: there.get("/1"), lambda _: refusal)
    assert caught.value.rate_limited
    assert caught.value.retry_after == timedelta(minutes=3)


@pytest.mark.parametrize(
    ("subcode", "says"), [(458, "removed"), (460, "password"), (463, "ran out"), (0, "not accept")]
)
def test_a_token_that_is_refused_says_why(subcode, says):
    found = error_of(answer(code=190, error_subcode=subcode), "here")
    assert says in found.message
    assert "Connect the account again" in found.hint


@pytest.mark.parametrize(
    ("error", "kind", "says"),
    [
        ({"code": 1}, ReplyUnknown, "while it took"),
        ({"code": 100, "is_transient": True}, ReplyUnknown, "while it took"),
        ({"code": 10}, ReplyRefused, "permission"),
        ({"code": 368}, ReplyRefused, "held back"),
        ({"code": 506}, ReplyRefused, "other words"),
        ({"code": 100, "error_subcode": 33}, ReplyRefused, "deleted"),
        ({"code": 190}, Rejected, ""),
        ({"code": 32}, Unavailable, ""),
    ],
)
def test_a_code_says_what_became_of_a_reply(graph, error, kind, says):
    body = json.loads(answer(**error).body)

    async def use(there):
        await there.post("/1/comments", {}, message="hi")

    with pytest.raises(kind) as caught:
        graph(use, lambda _: httpx.Response(400, json=body))
    assert says in str(caught.value)
    assert len(graph.asked) == 1


def test_an_error_that_comes_as_a_success_is_an_error_all_the_same(graph):
    body = json.loads(answer(code=10).body)
    with pytest.raises(Rejected):
        graph(lambda there: there.get("/1"), lambda _: httpx.Response(200, json=body))


@pytest.mark.parametrize("body", [b"", b"[]", b'{"error": "no"}', b'{"error": {"code": "x"}}'])
def test_an_error_of_another_form_has_no_code(body):
    given = Answer(400, {}, body, "https://graph.facebook.com")
    assert said_in(given).code == 0
    assert error_of(given, "here") is None


def test_a_version_that_has_ended_is_said_once(graph, caplog):
    caplog.set_level(logging.WARNING)

    async def use(there):
        await there.get("/1")
        await there.get("/1")

    served = {"facebook-api-version": "v27.0"}
    graph(use, lambda _: httpx.Response(200, json={"id": "1"}, headers=served))
    assert caplog.text.count("another version") == 1


def entries(*hours):
    return [{"at": NOW - timedelta(hours=hour)} for hour in hours]


def reading(pages, first, *, floor_hours=24, most=10):
    """Reads below one post whose further pages are *pages*; gives what was read, and the reader."""

    async def use(there):
        floor = None if floor_hours is None else NOW - timedelta(hours=floor_hours)
        below = Below(there, lambda entry: entry.get("at"), floor, most)
        asked = []

        async def page(path, following, **_):
            asked.append(following)
            found = pages[following]
            if isinstance(found, Exception):
                raise found
            return found

        there.page = page
        return await below.all_of("/1/comments", first), below, asked

    return use


NEVER = httpx.Response(500)


def test_reading_goes_on_until_all_that_follows_is_older(graph):
    pages = {"b": Page(entries(3, 30), "c"), "c": Page(entries(31), "d")}
    found, below, asked = graph(reading(pages, Page(entries(1, 2), "b")), lambda _: NEVER)
    assert (len(found), asked, below.note) == (4, ["b"], "")


def test_where_the_oldest_come_first_all_is_read(graph):
    pages = {"b": Page(entries(28, 3), "c"), "c": Page(entries(1))}
    found, below, asked = graph(reading(pages, Page(entries(40, 30), "b")), lambda _: NEVER)
    assert (len(found), asked, below.note) == (5, ["b", "c"], "")


def test_an_empty_page_in_the_middle_is_not_the_end(graph):
    pages = {"b": Page([], "c"), "c": Page(entries(2))}
    found, _, asked = graph(reading(pages, Page(entries(1), "b")), lambda _: NEVER)
    assert (len(found), asked) == (2, ["b", "c"])


@pytest.mark.parametrize(
    ("pages", "most"),
    [({"b": Page(entries(5), "c")}, 1), ({"b": Page(entries(5), "b")}, 10)],
    ids=["too many", "in a circle"],
)
def test_what_was_not_read_is_said(graph, pages, most):
    first = Page(entries(1, 2), "b")
    found, below, _ = graph(reading(pages, first, most=most), lambda _: NEVER)
    assert len(found) == 3
    assert "1 of the posts" in below.note
    assert below.covers_from == NOW - timedelta(hours=5)


def test_a_first_poll_reads_no_further(graph):
    found, below, asked = graph(
        reading({}, Page(entries(1), "b"), floor_hours=None), lambda _: NEVER
    )
    assert (len(found), asked, below.note) == (1, [], "")


@pytest.mark.parametrize("fault", [Fault.not_found, Fault.forbidden])
def test_a_post_that_has_gone_is_passed_over_and_a_refusal_is_not(graph, fault):
    use = reading({"b": Rejected("no", fault=fault)}, Page(entries(1), "b"))
    if fault is Fault.not_found:
        assert len(graph(use, lambda _: NEVER)[0]) == 1
    else:
        with pytest.raises(Rejected):
            graph(use, lambda _: NEVER)
