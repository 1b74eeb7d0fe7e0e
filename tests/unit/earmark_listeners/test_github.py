"""What GitHub is asked, what is heard of it, and what becomes of a reply."""

import json
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from earmark_core.errors import (
    ConfigError,
    Malformed,
    Rejected,
    ReplyRefused,
    ReplyUnknown,
    Unavailable,
)
from earmark_core.model import Cursor, WindowState
from earmark_listeners.channels.github.posts import words
from earmark_listeners.contract import Gone, Outgoing, Sent, Target

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
API = "https://api.github.com"
WHOLE = {"repository": "acme/widget"}
SEARCH = {"query": '"acme air"'}
DISCUSSIONS = {"query": "acme", "discussions": True, "token": "env:TOKEN"}


def stamp(moment):
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def issue(number, updated=NOW, **more):
    return {
        "id": 9_000 + number,
        "number": number,
        "title": f"issue {number}",
        "body": "acme",
        "html_url": f"https://github.com/acme/widget/issues/{number}",
        "repository_url": f"{API}/repos/acme/widget",
        "user": {"login": "mara", "id": 1, "type": "User"},
        "created_at": stamp(NOW - timedelta(days=3)),
        "updated_at": stamp(updated),
        **more,
    }


def comment(number, body="acme", login="mara", at=NOW, part="issues"):
    return {
        "id": number,
        "body": body,
        "html_url": f"https://github.com/acme/widget/{part}/7#issuecomment-{number}",
        "issue_url": f"{API}/repos/acme/widget/issues/7",
        "user": {"login": login, "id": 2, "type": "User"},
        "created_at": stamp(at),
        "updated_at": stamp(at),
    }


class FakeGitHub:
    """Lists issues as GitHub does: by place, in the order of change, from a moment on."""

    def __init__(self, issues=(), comments=()):
        self.issues = list(issues)
        self.comments = list(comments)
        self.requests = []
        self.search = {}
        self.graph = None
        self.reply = None
        self.between = lambda: None

    def __call__(self, request):
        self.requests.append(request)
        path = request.url.path
        if path == "/user":
            return httpx.Response(200, json={"login": "AcmeCare"})
        if path == "/graphql":
            return self.graph(json.loads(request.content))
        if request.method == "POST":
            return self.reply
        if path == "/search/issues":
            page = {"total_count": len(self.issues), "incomplete_results": False}
            return self.page(request, self.issues, page | self.search)
        listed = self.page(request, self.comments if path.endswith("comments") else self.issues)
        self.between()
        return listed

    def page(self, request, entries, envelope=None):
        query = dict(request.url.params)
        since = query.get("since", "")
        if "updated:>=" in query.get("q", ""):
            since = query["q"].partition("updated:>=")[2][:20]
        found = sorted(
            (each for each in entries if each["updated_at"] >= since),
            key=lambda each: each["updated_at"],
            reverse="desc" in (query.get("direction"), query.get("order")),
        )
        number = int(query.get("page", "1"))
        shown = found[(number - 1) * 100 : number * 100]
        headers = {}
        if len(found) > number * 100 and number < 10:
            following = request.url.copy_set_param("page", str(number + 1))
            headers["Link"] = f'<{following}>; rel="next", <{following}>; rel="last"'
        body = shown if envelope is None else {**envelope, "items": shown}
        return httpx.Response(200, json=body, headers=headers)


def ids(batches):
    return [item.external_id for batch in batches for item in batch.items]


def cursor_of(batches):
    return [batch.cursor for batch in batches if batch.cursor][-1]


def at(moment, *names):
    return Cursor(json.dumps({name: moment.isoformat() for name in names}))


def used(listen, options, server, use):
    return listen("github", options, server, use)


def test_the_first_poll_reads_the_newest_page_of_each_kind(polled):
    server = FakeGitHub([issue(n, NOW - timedelta(hours=n)) for n in range(1, 251)])
    batches = polled("github", WHOLE, server)
    assert ids(batches) == [f"issue:{9_000 + n}" for n in range(100, 0, -1)]
    assert len(server.requests) == 2
    assert {batch.state for batch in batches} == {WindowState.complete}


def test_what_changes_while_pages_are_read_hides_nothing(polled):
    """Paged by place, issue 101 would slip onto the first page when issue 1 moves to the end."""
    start = NOW - timedelta(hours=5)
    server = FakeGitHub([issue(n, start + timedelta(minutes=n)) for n in range(1, 151)])

    def touch():
        server.issues[0]["updated_at"] = stamp(NOW)

    server.between = touch
    batches = polled("github", WHOLE, server, at(start, "issues of acme/widget"))
    assert set(ids(batches)) == {f"issue:{9_000 + n}" for n in range(1, 151)}


def test_more_than_a_page_in_one_second_is_read_by_place(polled):
    server = FakeGitHub([issue(n, NOW - timedelta(minutes=5)) for n in range(1, 251)])
    since = at(NOW - timedelta(hours=1), "issues of acme/widget")
    batches = polled("github", WHOLE, server, since)
    assert len(set(ids(batches))) == 250


def test_a_backlog_is_read_on_by_the_next_poll(polled):
    start = NOW - timedelta(days=2)
    server = FakeGitHub([issue(n, start + timedelta(minutes=n)) for n in range(1, 351)])
    options = WHOLE | {"max_pages": 2}
    begun = polled("github", options, server, at(start, "issues of acme/widget"))
    assert WindowState.truncated in {batch.state for batch in begun}
    heard, cursor = set(ids(begun)), cursor_of(begun)
    for _ in range(4):
        more = polled("github", options, server, cursor)
        heard, cursor = heard | set(ids(more)), cursor_of(more)
    assert len(heard) == 350


def test_pages_full_of_bots_do_not_hold_a_source_back(polled):
    bot = {"login": "dependabot[bot]", "id": 3, "type": "Bot"}
    start = NOW - timedelta(days=2)
    bots = [issue(n, start + timedelta(seconds=n), user=bot) for n in range(1, 1_001)]
    server = FakeGitHub([*bots, issue(2_000, NOW - timedelta(hours=1))])
    cursor, heard = at(start, "issues of acme/widget"), []
    for _ in range(3):
        batches = polled("github", WHOLE, server, cursor)
        heard, cursor = heard + ids(batches), cursor_of(batches)
    assert set(heard) == {"issue:11000"}


def test_pull_requests_and_bots_are_heard_only_if_wanted(polled):
    issues = [
        issue(1),
        issue(2, pull_request={"url": "…"}),
        issue(3, user={"login": "dependabot[bot]", "id": 3, "type": "Bot"}),
    ]
    comments = [comment(1), comment(2, part="pull")]
    assert ids(polled("github", WHOLE, FakeGitHub(issues, comments))) == [
        "issue:9001", "comment:1",
    ]  # fmt: skip
    every = WHOLE | {"pull_requests": True, "bots": True}
    assert len(ids(polled("github", every, FakeGitHub(issues, comments)))) == 5


def test_a_search_asks_for_issues_and_says_so(polled):
    server = FakeGitHub([issue(1)])
    polled("github", SEARCH, server, at(NOW, "search for issue"))
    assert server.requests[0].url.params["q"] == (
        '"acme air" is:issue in:title,body updated:>=2026-03-02T08:30:00Z'
    )
    every = SEARCH | {"pull_requests": True}
    polled("github", every, server)
    asked = [request.url.params["q"] for request in server.requests[1:]]
    assert asked == [f'"acme air" is:{kind} in:title,body' for kind in ("issue", "pull-request")]


def test_a_search_that_gave_up_is_asked_again_for_the_same_time(polled):
    server = FakeGitHub([issue(1)])
    server.search = {"incomplete_results": True}
    since = at(NOW - timedelta(hours=1), "search for issue")
    batches = polled("github", SEARCH, server, since)
    assert ids(batches) == ["issue:9001"]
    assert {(batch.state, batch.cursor) for batch in batches} == {(WindowState.truncated, None)}


def test_more_hits_than_the_search_gives_are_a_gap(polled):
    server = FakeGitHub([issue(n, NOW - timedelta(seconds=n)) for n in range(1, 1_201)])
    options = SEARCH | {"max_pages": 10}
    batches = polled("github", options, server, at(NOW - timedelta(hours=1), "search for issue"))
    assert len(ids(batches)) == 1_000
    assert all("200 more were not heard" in batch.note for batch in batches)
    assert {batch.covers_from for batch in batches} == {NOW - timedelta(seconds=1_000)}


def test_the_token_never_goes_to_another_server(polled):
    def elsewhere(request):
        if request.url.path == "/user":
            return httpx.Response(200, json={"login": "acme"})
        assert request.url.host == "api.github.com"
        link = '<https://evil.example/issues?page=2>; rel="next"'
        return httpx.Response(200, json=[issue(1)], headers={"Link": link})

    with pytest.raises(Malformed, match="another server"):
        polled("github", WHOLE | {"token": "env:TOKEN"}, elsewhere)


def test_a_search_limit_that_is_used_up_is_waited_for(polled):
    reset = str(int((datetime.now(UTC) + timedelta(minutes=5)).timestamp()))
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset}
    body = {"total_count": 0, "incomplete_results": False, "items": []}
    answer = httpx.Response(200, json=body, headers=headers)
    (batch,) = polled("github", SEARCH, lambda _: answer)
    assert timedelta(minutes=4) < batch.next_poll_after <= timedelta(minutes=6)


def test_a_repository_that_is_not_shown_says_what_to_do(polled):
    answer = httpx.Response(404, json={"message": "Not Found"})
    with pytest.raises(Rejected) as caught:
        polled("github", WHOLE, lambda _: answer)
    assert "private repository needs a token" in caught.value.hint


def test_what_an_issue_form_hides_is_no_word_of_the_person():
    assert words("<!-- Please\nsearch -->\nIt breaks <!-- version --> often") == (
        "It breaks  often"
    )


@pytest.mark.parametrize(
    "options",
    [{}, WHOLE | SEARCH, {"repository": "acme"}, WHOLE | {"discussions": True},
     {"repository": "../../user"}, {"query": "x" * 201}],
)  # fmt: skip
def test_options_that_cannot_work_are_refused(polled, options):
    with pytest.raises(ConfigError):
        polled("github", options, FakeGitHub())


def test_a_cursor_that_is_none_of_ours_is_refused(polled):
    with pytest.raises(Rejected, match="cannot be read"):
        polled("github", WHOLE, FakeGitHub(), Cursor('{"issues of acme/widget": "yesterday"}'))


def graph(data=None, *errors):
    said = {"data": data, "errors": list(errors)} if errors else {"data": data}
    return lambda _: httpx.Response(200, json=said)


def found(nodes, following=""):
    info = {"hasNextPage": bool(following), "endCursor": following}
    return {"search": {"discussionCount": len(nodes), "pageInfo": info, "nodes": nodes}}


@pytest.mark.parametrize(
    ("kind", "error"),
    [("RATE_LIMITED", Unavailable), ("INSUFFICIENT_SCOPES", Rejected), ("", Unavailable)],
)
def test_an_error_of_graphql_comes_with_status_200(polled, kind, error):
    server = FakeGitHub()
    server.graph = graph(None, {"type": kind, "message": "no"})
    with pytest.raises(error):
        polled("github", DISCUSSIONS, server)


def test_discussions_are_asked_for_since_the_mark(polled):
    server = FakeGitHub()
    server.graph = graph(found([]))
    polled("github", DISCUSSIONS, server, at(NOW, "discussions", "search for issue"))
    asked = json.loads(server.requests[-1].content)["variables"]
    assert asked == {"q": "acme updated:>=2026-03-02T08:30:00Z sort:updated-desc", "after": None}


def test_more_comments_than_a_discussion_shows_are_a_gap(polled):
    def node(key, **more):
        return {"id": f"N{key}", "databaseId": key, "body": "acme", "author": None,
                "createdAt": stamp(NOW), "updatedAt": stamp(NOW), **more}  # fmt: skip

    below = {"pageInfo": {"hasPreviousPage": True}, "nodes": [node(2)]}
    root = node(1, number=7, repository={"nameWithOwner": "acme/widget"}, comments=below)
    server = FakeGitHub()
    server.graph = graph(found([root]))
    options = WHOLE | {"discussions": True, "token": "env:TOKEN"}
    batches = polled("github", options, server, at(NOW, "discussions of acme/widget"))
    assert ids(batches) == ["discussion-comment:2", "discussion:1"]
    assert batches[-1].state is WindowState.truncated


IN_ISSUE = {"kind": "issue", "repository": "acme/widget", "number": "7"}
IN_DISCUSSION = {"kind": "discussion", "node_id": "N2", "discussion_id": "N1", "below": "N2"}
TOKEN = WHOLE | {"token": "env:TOKEN"}


def outgoing(target):
    return Outgoing("Sorry. 4.2.1 mends it.", target, "earmark-17", NOW)


def sending(listen, server, target):
    return used(listen, TOKEN, server, lambda listener: listener.send(outgoing(target)))


def finding(listen, server, target, options=TOKEN):
    return used(listen, options, server, lambda listener: listener.find(outgoing(target)))


def test_a_reply_in_a_discussion_goes_below_its_comment(listen):
    server = FakeGitHub()
    added = {"id": "N9", "databaseId": 9, "url": "https://github.com/x"}
    server.graph = graph({"addDiscussionComment": {"comment": added}})
    sent = sending(listen, server, IN_DISCUSSION)
    assert sent == Sent("discussion-comment:9", "https://github.com/x")
    asked = json.loads(server.requests[-1].content)["variables"]
    assert asked == {"on": "N1", "below": "N2", "body": "Sorry. 4.2.1 mends it.",
                     "key": "earmark-17"}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "error"),
    [("NOT_FOUND", ReplyRefused), ("FORBIDDEN", ReplyRefused), ("UNPROCESSABLE", ReplyRefused),
     ("RATE_LIMITED", Unavailable), ("", ReplyUnknown)],
)  # fmt: skip
def test_a_no_of_graphql_to_a_reply(listen, kind, error):
    server = FakeGitHub()
    server.graph = graph({"addDiscussionComment": None}, {"type": kind, "message": "no"})
    with pytest.raises(error):
        sending(listen, server, IN_DISCUSSION)


def test_the_reason_of_a_refusal_is_said(listen):
    server = FakeGitHub()
    body = {"message": "Validation Failed", "errors": [{"message": "Body is too long"}]}
    server.reply = httpx.Response(422, json=body)
    with pytest.raises(ReplyRefused, match="Validation Failed: Body is too long"):
        sending(listen, server, IN_ISSUE)


def test_our_reply_is_looked_for_on_every_page(listen):
    others = [comment(n, login="tomo") for n in range(1, 151)]
    ours = comment(200, "Sorry.  4.2.1 mends it.", "acmecare", NOW + timedelta(seconds=3))
    assert finding(listen, FakeGitHub(comments=others), IN_ISSUE) is None
    found_it = finding(listen, FakeGitHub(comments=[*others, ours]), IN_ISSUE)
    assert found_it.remote_id == "comment:200"


def test_too_many_comments_to_look_through_are_no_proof_that_it_is_not_there(listen):
    others = [comment(n, login="tomo") for n in range(1, 800)]
    with pytest.raises(Unavailable, match="too many"):
        finding(listen, FakeGitHub(comments=others), IN_ISSUE)


def held(nodes, *, is_cut=False):
    return {"node": {"found": {"pageInfo": {"hasPreviousPage": is_cut}, "nodes": nodes}}}


def node_of(login, body, moment):
    return {"id": "N9", "databaseId": 9, "url": "u", "body": body, "author": {"login": login},
            "createdAt": stamp(moment), "updatedAt": stamp(moment)}  # fmt: skip


def test_our_reply_in_a_discussion_is_found_by_author_and_words(listen):
    server = FakeGitHub()
    same = "Sorry. 4.2.1 mends it."
    server.graph = graph(held([node_of("tomo", same, NOW), node_of("AcmeCare", same, NOW)]))
    assert finding(listen, server, IN_DISCUSSION) == Sent("discussion-comment:9", "u")
    server.graph = graph(held([node_of("tomo", same, NOW)], is_cut=True))
    with pytest.raises(Unavailable, match="too many"):
        finding(listen, server, IN_DISCUSSION)
    server.graph = graph(held([node_of("tomo", same, NOW - timedelta(days=1))], is_cut=True))
    assert finding(listen, server, IN_DISCUSSION) is None


def test_an_app_s_token_has_no_account_and_needs_one_named(listen):
    def app(request):
        if request.url.path == "/user":
            return httpx.Response(403, json={"message": "Resource not accessible by integration"})
        return httpx.Response(200, json=[comment(1, "Sorry. 4.2.1 mends it.", "acme[bot]")])

    with pytest.raises(Rejected, match="who we are"):
        finding(listen, app, IN_ISSUE)
    named = TOKEN | {"accounts": ["Acme[bot]"]}
    assert finding(listen, app, IN_ISSUE, named).remote_id == "comment:1"


def test_what_is_locked_or_gone_is_not_answered(listen):
    def target(server, ref):
        return used(listen, TOKEN, server, lambda listener: listener.target(ref))

    locked = httpx.Response(200, json=issue(7, locked=True))
    with pytest.raises(ReplyRefused, match="locked"):
        target(lambda _: locked, IN_ISSUE)
    moved = httpx.Response(410, json={"message": "This issue was deleted"})
    assert isinstance(target(lambda _: moved, IN_ISSUE), Gone)
    server = FakeGitHub()
    server.graph = graph({"node": None}, {"type": "NOT_FOUND", "message": "no"})
    assert isinstance(target(server, IN_DISCUSSION), Gone)
    node = {"body": "Well?", "lastEditedAt": stamp(NOW), "discussion": {"locked": False}}
    server.graph = graph({"node": node})
    assert target(server, IN_DISCUSSION) == Target("Well?", NOW)
    server.graph = graph({"node": node | {"discussion": {"locked": True}}})
    with pytest.raises(ReplyRefused, match="locked"):
        target(server, IN_DISCUSSION)


def test_an_own_server_has_graphql_beside_its_rest_api(polled):
    server = FakeGitHub()
    asked = []

    def answer(request):
        asked.append(request.url.path)
        if request.url.path == "/api/graphql":
            return graph(found([]))(request)
        if request.url.path == "/api/v3/user":
            return httpx.Response(200, json={"login": "acme"})
        return httpx.Response(200, json={"items": [], "total_count": 0})

    polled("github", DISCUSSIONS | {"base_url": "https://git.example/api/v3"}, answer)
    assert asked == ["/api/v3/user", "/api/v3/search/issues", "/api/graphql"]
    assert server.requests == []
