"""What each platform does in its own way when it is asked for what was said earlier."""

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.errors import Rejected, Unavailable
from earmark_core.fetch import make_fetcher
from earmark_core.model import Cursor, WindowState
from earmark_listeners.contract import Batch, Wiring
from earmark_listeners.registry import build

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
Answer = Callable[[httpx.Request], Any]


class Asked:
    """A platform: answers by a function, and keeps what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.queries: list[dict[str, str]] = []
        self.paths: list[str] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.queries.append(dict(request.url.params))
        self.paths.append(request.url.path)
        said = self.answer(request)
        return said if isinstance(said, httpx.Response) else httpx.Response(200, json=said)


def fill(
    channel: str,
    options: dict[str, Any],
    platform: Asked,
    start: datetime = NOW - DAY,
    end: datetime = NOW,
    since: Cursor | None = None,
) -> list[Batch]:
    async def work() -> list[Batch]:
        clock, transport = FixedClock(NOW), httpx.MockTransport(platform)
        async with make_fetcher(user_agent="t", transport=transport, clock=clock) as fetcher:
            listener = build(channel, options, Wiring(fetcher, clock, lambda _: "invented"))
            found: list[Batch] = []
            walk: Any = listener.backfill(start, end, since)
            async with aclosing(walk) as pages:
                async for page in pages:
                    found.append(page)
                    clock.forward(page.next_poll_after or timedelta())
            return found

    return asyncio.run(work())


def ids(batches: list[Batch]) -> set[str]:
    return {item.external_id for batch in batches for item in batch.items}


def iso(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def issue(number: int, made: datetime) -> dict[str, Any]:
    return {
        "id": number, "number": number, "title": "acme", "body": "acme", "created_at": iso(made),
        "updated_at": iso(NOW), "html_url": f"https://github.com/a/b/issues/{number}",
        "repository_url": "https://api.github.com/repos/a/b", "user": {"login": "mara", "id": 1},
    }  # fmt: skip


def github(request: httpx.Request) -> httpx.Response:
    """1,300 issues, one a minute back from now; 1,000 of them to a question."""
    asked = dict(request.url.params)
    span = re.search(r"created:(\S+)\.\.(\S+)", asked["q"])
    assert span is not None
    all_of_it = [issue(n, NOW - n * timedelta(minutes=1)) for n in range(1, 1301)]
    found = [each for each in all_of_it if span[1] <= each["created_at"] <= span[2]]
    page = int(asked.get("page", "1"))
    more = page < 10 and len(found) > page * 100
    onward = request.url.copy_set_param("page", str(page + 1))
    headers = {"link": f'<{onward}>; rel="next"'} if more else {}
    body = {"total_count": len(found), "incomplete_results": False,
            "items": found[:1000][page * 100 - 100 : page * 100]}  # fmt: skip
    return httpx.Response(200, json=body, headers=headers)


def test_github_a_search_is_asked_anew_behind_its_1000_hits() -> None:
    batches = fill("github", {"query": "acme"}, Asked(github))
    assert len(ids(batches)) == 1300
    assert batches[-1].covers_from == NOW - DAY
    assert {batch.state for batch in batches} == {WindowState.backfilled}


def test_github_a_search_that_gave_up_is_no_whole_page() -> None:
    cut = {"total_count": 9, "incomplete_results": True, "items": [issue(1, NOW - HOUR)]}
    with pytest.raises(Unavailable, match="gave up"):
        fill("github", {"query": "acme"}, Asked(lambda _: cut))


def reddit(total: int, each: timedelta) -> Answer:
    """A subreddit whose list holds so many comments, one after each step of time."""

    def answer(request: httpx.Request) -> Any:
        if request.url.path.endswith("access_token"):
            return {"access_token": "t", "expires_in": 3600}
        begin = int(request.url.params.get("after", "t1_0")[3:])
        children = [
            {"kind": "t1", "data": {
                "name": f"t1_{n}", "created_utc": (NOW - n * each).timestamp(), "body": "acme",
                "author": "mara", "link_id": "t3_a", "parent_id": "t3_a"}}
            for n in range(begin + 1, min(begin + 100, total) + 1)
        ]  # fmt: skip
        after = f"t1_{begin + 100}" if begin + 100 < total else None
        return {"kind": "Listing", "data": {"after": after, "children": children}}

    return answer


REDDIT = {"kind": "comments", "subreddits": "acme", "client_id": "c", "client_secret": "env:S"}


@pytest.mark.parametrize(("total", "is_cut"), [(1_000, True), (150, False)])
def test_reddit_where_its_list_is_cut_off_that_is_said(total: int, is_cut: bool) -> None:
    batches = fill("reddit", REDDIT, Asked(reddit(total, timedelta(minutes=1))))
    assert len(ids(batches)) == total
    last = batches[-1]
    assert (last.state is WindowState.truncated) is is_cut
    assert last.covers_from == (NOW - timedelta(minutes=1_000) if is_cut else NOW - DAY)
    assert ("Reddit's list ended after 1000" in last.note) is is_cut


def test_reddit_a_list_that_reaches_behind_the_stretch_is_not_cut_off() -> None:
    batches = fill("reddit", REDDIT, Asked(reddit(1_000, timedelta(minutes=2))))
    assert (batches[-1].state, batches[-1].covers_from) == (WindowState.backfilled, NOW - DAY)


def test_appstore_the_public_feed_shows_500_and_says_so() -> None:
    def answer(request: httpx.Request) -> Any:
        number = int(re.findall(r"page=(\d+)", request.url.path)[0])
        entries = [
            {"id": {"label": str(n)}, "im:rating": {"label": "2"}, "content": {"label": "acme"},
             "updated": {"label": iso(NOW - n * timedelta(minutes=1))}}
            for n in range(number * 50 - 49, number * 50 + 1)
        ]  # fmt: skip
        return {"feed": {"entry": entries}}

    options = {"app_id": "1", "country": "de", "kind": "feed"}
    batches = fill("appstore", options, Asked(answer))
    assert len(ids(batches)) == 500
    last = batches[-1]
    assert (last.state, last.covers_from) == (
        WindowState.truncated,
        NOW - timedelta(minutes=500),
    )
    assert "newest 500" in last.note


def test_gdelt_keeps_three_months_and_what_is_older_is_not_claimed() -> None:
    asked = Asked(lambda _: {})
    [batch] = fill("gdelt", {"query": "acme"}, asked, start=NOW - 200 * DAY)
    assert (batch.state, batch.note) == (WindowState.truncated, "GDELT keeps three months")
    assert batch.covers_from == NOW - 85 * DAY
    assert asked.queries[0]["startdatetime"] == f"{NOW - 85 * DAY:%Y%m%d%H%M%S}"
    with pytest.raises(Rejected, match="three months"):
        fill("gdelt", {"query": "acme"}, asked, start=NOW - 200 * DAY, end=NOW - 100 * DAY)


def post(number: int, made: datetime) -> dict[str, Any]:
    return {"id": str(number), "text": "acme", "author_id": "1", "created_at": iso(made)}


def x(request: httpx.Request) -> Any:
    token = int(request.url.params.get("next_token", "0"))
    found = [post(10**18 - n, NOW - n * HOUR) for n in range(token * 10 + 1, token * 10 + 11)]
    meta = {"result_count": 10, "next_token": str(token + 1)}
    return {"data": found, "meta": meta, "includes": {"users": [{"id": "1", "username": "m"}]}}


X = {"query": "acme", "token": "env:T", "page_size": 10}


def test_x_reaches_back_a_week() -> None:
    batches = fill("x", X, Asked(x), start=NOW - 30 * DAY)
    last = batches[-1]
    assert (last.state, "7 days" in last.note) == (WindowState.truncated, True)
    assert last.covers_from is not None
    assert NOW - 7 * DAY <= last.covers_from < NOW - 7 * DAY + HOUR


def test_x_buys_no_page_once_the_month_s_posts_are_read() -> None:
    asked = Asked(x)
    with pytest.raises(Unavailable, match="used up") as caught:
        fill("x", {**X, "monthly_posts": 25}, asked, start=NOW - 3 * DAY)
    assert caught.value.rate_limited
    assert caught.value.retry_after is not None
    assert caught.value.retry_after > 20 * DAY
    assert len(asked.queries) == 2, "a third page of 10 would be more than is left"


def discourse_post(number: int) -> dict[str, Any]:
    return {"id": number, "created_at": iso(NOW - number * HOUR), "cooked": "acme", "raw": "acme",
            "username": "mara", "topic_id": 3, "post_number": number, "post_type": 1}  # fmt: skip


def forum(request: httpx.Request) -> Any:
    """50 posts, one an hour back from now, found by a search in two pages; number 7 is gone."""
    if found := re.match(r"/posts/(\d+)\.json", request.url.path):
        gone = httpx.Response(404, json={"errors": ["gone"]})
        return gone if found[1] == "7" else discourse_post(int(found[1]))
    number = int(request.url.params["page"])
    hits = [{"id": n, "created_at": iso(NOW - n * HOUR), "topic_id": 3}
            for n in range(number * 25 - 24, number * 25 + 1)]  # fmt: skip
    summary = {"more_full_page_results": number < 2 or None}
    return {"posts": hits, "topics": [], "grouped_search_result": summary}


def test_discourse_a_search_s_hits_are_read_in_full_a_few_at_a_time() -> None:
    options = {"base_url": "https://f.example", "kind": "search", "query": "acme", "look_ups": 10}
    asked = Asked(forum)
    batches = fill("discourse", options, asked, start=NOW - 30 * HOUR, end=NOW - 2 * HOUR)
    assert ids(batches) == {str(n) for n in range(3, 31)} - {"7"}
    assert [gone for batch in batches for gone in batch.gone] == ["7"]
    assert max(len(batch.items) for batch in batches) <= 10
    assert (batches[-1].state, batches[-1].covers_from) == (
        WindowState.backfilled,
        NOW - 30 * HOUR,
    )
    read = [path for path in asked.paths if path.startswith("/posts/")]
    assert len(read) == 28, "what lies outside is not read"
    assert "after:2026-02-28 before:2026-03-04" in asked.queries[0]["q"]


def bluesky(total: int) -> Answer:
    """So many posts, one a minute back from now; the search's cursor ends after 1,500."""

    def answer(request: httpx.Request) -> Any:
        asked = dict(request.url.params)
        if "createSession" in request.url.path:
            return {"did": "did:plc:us", "handle": "us.example", "accessJwt": "a",
                    "refreshJwt": "r"}  # fmt: skip
        made = ((n, NOW - n * timedelta(minutes=1)) for n in range(1, total + 1))
        found = [each for each in made if asked["since"] <= iso(each[1]) < asked["until"]]
        begin = int(asked.get("cursor", "0"))
        posts = [
            {"uri": f"at://did:plc:m/app.bsky.feed.post/{n}", "cid": "c", "indexedAt": iso(at),
             "author": {"did": "did:plc:m", "handle": "m.example"},
             "record": {"text": "acme", "createdAt": iso(at)}}
            for n, at in found[begin : begin + 100]
        ]  # fmt: skip
        more = begin + 100 < min(len(found), 1_500)
        return {"posts": posts} | ({"cursor": str(begin + 100)} if more else {})

    return answer


def test_bluesky_a_search_that_ends_early_is_asked_anew_up_to_its_last_post() -> None:
    options = {"query": "acme", "identifier": "us.example", "password": "env:P",
               "base_url": "https://b.example"}  # fmt: skip
    asked = Asked(bluesky(1_800))
    batches = fill("bluesky", options, asked, start=NOW - 2 * DAY)
    assert len(ids(batches)) == 1_800
    assert (batches[-1].state, batches[-1].covers_from) == (WindowState.backfilled, NOW - 2 * DAY)
    assert len({query.get("until") for query in asked.queries} - {None}) == 2


def test_youtube_a_search_is_asked_between_two_moments() -> None:
    video = {"id": {"videoId": "v1"}, "snippet": {
        "title": "acme", "channelId": "UC1", "publishedAt": iso(NOW - HOUR)}}  # fmt: skip
    asked = Asked(lambda _: {"items": [video]})
    options = {"kind": "search", "query": "acme", "api_key": "env:K"}
    batches = fill("youtube", options, asked)
    assert len(ids(batches)) == 1
    [query] = asked.queries
    assert query["publishedAfter"] == iso(NOW - DAY)
    assert query["publishedBefore"] == iso(NOW)


def test_lemmy_a_search_s_posts_and_comments_are_walked_beside_each_other() -> None:
    asked = Asked(lambda _: {"posts": [], "comments": []})
    options = {"base_url": "https://l.example", "kind": "search", "query": "acme"}
    fill("lemmy", options, asked)
    assert [query["type_"] for query in asked.queries] == ["Posts", "Comments"]


def test_instagram_a_hashtag_tells_of_one_day_only() -> None:
    def answer(request: httpx.Request) -> Any:
        if "ig_hashtag_search" in request.url.path:
            return {"data": [{"id": "17"}]}
        return {"data": [{"id": "9", "caption": "acme", "timestamp": iso(NOW - HOUR)}]}

    options = {"user_id": "200", "token": "env:T", "kind": "hashtag", "hashtag": "acme"}
    [batch] = fill("instagram", options, Asked(answer), start=NOW - 3 * DAY)
    assert (len(batch.items), batch.covers_from) == (1, NOW - DAY)
    assert (batch.state, "24 hours" in batch.note) == (WindowState.truncated, True)


def test_facebook_posts_are_asked_up_to_a_moment_and_paged_by_meta_s_own_place() -> None:
    def answer(request: httpx.Request) -> Any:
        asked = dict(request.url.params)
        number = 1 if "until" in asked else 2
        made = f"{NOW - number * 10 * HOUR:%Y-%m-%dT%H:%M:%S+0000}"
        onward = "https://graph.facebook.com/v25.0/100/feed?after=p2"
        paging = {"cursors": {"after": "p2"}, "next": onward} if number == 1 else {}
        return {"data": [{"id": f"100_{number}", "message": "m", "created_time": made}],
                "paging": paging}  # fmt: skip

    options = {"kind": "posts", "page_id": "100", "token": "env:T"}
    asked = Asked(answer)
    assert ids(fill("facebook", options, asked)) == {"100_1", "100_2"}
    assert asked.queries[0]["until"] == str(int(NOW.timestamp()))
    assert asked.queries[1]["after"] == "p2"


def test_stackexchange_questions_that_moved_in_one_second_are_all_read() -> None:
    """The next page is asked for by its number only where all of a page moved in one second."""
    moved = int((NOW - HOUR).timestamp())

    def answer(request: httpx.Request) -> Any:
        asked = dict(request.url.params)
        if not request.url.path.endswith("/search/advanced"):
            return {"items": [], "has_more": False}
        begin = (int(asked["page"]) - 1) * 10
        items = [{"question_id": n, "creation_date": moved, "last_activity_date": moved}
                 for n in range(begin, min(begin + 10, 25))]  # fmt: skip
        return {"items": items, "has_more": begin + 10 < 25}

    options = {"site": "stackoverflow", "tagged": "acme", "page_size": 10}
    asked = Asked(answer)
    assert len(ids(fill("stackexchange", options, asked))) == 25
    searched = [q for q, p in zip(asked.queries, asked.paths, strict=True) if "search" in p]
    assert [query["page"] for query in searched] == ["1", "2", "3"]


def test_mastodon_what_is_passed_over_still_leads_further_back() -> None:
    """Of 50 pages all but the last post is in another language."""

    def answer(request: httpx.Request) -> Any:
        number = 2_000 - int(request.url.params.get("max_id", "2000"))
        if number >= 1_000:
            return []
        return [
            {"id": str(2_000 - n), "created_at": iso(NOW - n * timedelta(minutes=1)),
             "uri": f"https://m.example/{n}", "language": "de" if n < 1_000 else "en",
             "content": "acme", "account": {"id": "1", "acct": "mara"}}
            for n in range(number + 1, number + 21)
        ]  # fmt: skip

    options = {"base_url": "https://m.example", "kind": "hashtag", "tag": "acme", "language": "en"}
    batches = fill("mastodon", options, Asked(answer))
    assert ids(batches) == {"https://m.example/1000"}
    assert (batches[-1].state, len(batches)) == (WindowState.backfilled, 51)
    assert json.loads(batches[3].cursor or "")["token"] == "1920"
