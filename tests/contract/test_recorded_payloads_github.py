"""Answers recorded from GitHub; they are no part of the project."""

import asyncio
import json
from contextlib import aclosing
from datetime import UTC, datetime

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.errors import Fault, Rejected
from earmark_core.fetch import make_fetcher
from earmark_core.model import WindowState
from earmark_listeners.channels.github.posts import comment_item
from earmark_listeners.contract import Wiring
from earmark_listeners.registry import build

SEARCH = {"query": "sesame repo:octokit-fixture-org/search-issues"}
REPOSITORY = {"repository": "octokit-fixture-org/paginate-issues"}


def replay(payloads, name, options):
    """Serves one recorded answer, headers and all; what else is asked for is empty."""
    folder = payloads / "github"
    told = json.loads((folder / f"{name}.http.json").read_text("utf-8"))["response"]
    headers = {key: str(value) for key, value in told["headers"].items()}
    asked = []

    def answer(request):
        asked.append(request)
        if request.url.path.endswith("/comments"):
            return httpx.Response(200, json=[])
        body = (folder / f"{name}.json").read_bytes()
        return httpx.Response(told["status"], headers=headers, content=body)

    async def go():
        transport = httpx.MockTransport(answer)
        fetch = make_fetcher(user_agent="tests", transport=transport)
        clock = FixedClock(datetime(2017, 10, 10, 16, 0, 5, tzinfo=UTC))
        listener = build("github", options, Wiring(fetch, clock, lambda ref: ""))
        try:
            async with aclosing(listener.poll(None)) as pages:
                return [batch async for batch in pages]
        finally:
            await fetch.aclose()

    return asyncio.run(go()), asked


def test_recorded_search_gives_its_issues(payloads):
    (batch,), _ = replay(payloads, "search_issues", SEARCH)
    assert batch.state is WindowState.complete
    assert batch.bad_items == ()
    assert [
        (item.external_id, item.thread_id, item.author.handle, item.metrics["comments"])
        for item in batch.items
    ] == [
        ("issue:1000", "octokit-fixture-org/search-issues#2", "octokit-fixture-user-b", 42),
        ("issue:1001", "octokit-fixture-org/search-issues#1", "octokit-fixture-user-a", 42),
    ]
    told = json.loads((payloads / "github" / "search_issues.json").read_text("utf-8"))["items"]
    assert [(i.title, i.text) for i in batch.items] == [(t["title"], t["body"]) for t in told]
    moment = datetime(2017, 10, 10, 16, tzinfo=UTC)
    assert {item.published_at for item in batch.items} == {moment}
    assert all(item.edited_at is None and not item.is_own for item in batch.items)


def test_recorded_page_of_a_repository_and_its_link(payloads):
    (issues, comments), asked = replay(payloads, "issues_page1_link_header", REPOSITORY)
    assert {item.reply_ref["number"] for item in issues.items} == {"11", "12", "13"}
    assert {item.text for item in issues.items} == {""}, "a body that is null"
    assert comments.items == ()
    assert len(asked) == 2, "the first poll reads one page of each kind"


def test_recorded_comment(payloads):
    path = payloads / "github" / "webhook_issue_comment_created.json"
    item, _ = comment_item(json.loads(path.read_text("utf-8"))["comment"])
    assert item.external_id == "comment:492700400"
    assert item.thread_id == item.parent_id == "codertocat/hello-world#1"
    assert item.reply_ref["repository"] == "Codertocat/Hello-World"
    assert item.url.endswith("/Codertocat/Hello-World/issues/1#issuecomment-492700400")
    assert (item.published_at, item.edited_at) == (datetime(2019, 5, 15, 15, 20, 21, 0, UTC), None)


def test_recorded_refusal(payloads):
    with pytest.raises(Rejected, match="Validation Failed") as caught:
        replay(payloads, "error_422_validation", SEARCH)
    assert caught.value.fault is Fault.invalid
