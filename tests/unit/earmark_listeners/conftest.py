"""A small Mastodon server in memory, reached through the real fetcher."""

import asyncio
import json
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.fetch import make_fetcher
from earmark_core.model import Cursor
from earmark_listeners.contract import Batch, Listener, Wiring
from earmark_listeners.registry import build

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BASE = "https://social.example"


@dataclass
class FakeMastodon:
    """Keeps posts in order of id; `before` may change things before a request is answered."""

    posts: list[dict[str, Any]] = field(default_factory=list)
    requests: list[httpx.Request] = field(default_factory=list)
    keys: dict[str, dict[str, Any]] = field(default_factory=dict)
    overrides: dict[tuple[str, str], Callable[[httpx.Request], httpx.Response]] = field(
        default_factory=dict
    )
    before: Callable[["FakeMastodon", httpx.Request], None] = lambda server, request: None
    obeys_keys: bool = True
    next_id: int = 95

    def post(self, who: str = "mara", text: str = "hello", **more: Any) -> dict[str, Any]:
        self.next_id += 1
        number = str(self.next_id)
        at = NOW - timedelta(hours=1) + timedelta(seconds=self.next_id)
        status = {
            "id": number,
            "uri": f"{BASE}/users/{who}/statuses/{number}",
            "url": f"{BASE}/@{who}/{number}",
            "created_at": at.isoformat(),
            "content": f"<p>{text}</p>",
            "visibility": "public",
            "account": {"id": f"id-{who}", "acct": who, "username": who, "uri": f"{BASE}/u/{who}"},
            "in_reply_to_id": None,
            **more,
        }
        self.posts.append(status)
        return status

    def by_id(self, number: str | None) -> dict[str, Any] | None:
        return next((each for each in self.posts if each["id"] == number), None)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.before(self, request)
        path = request.url.path
        special = self.overrides.get((request.method, path))
        if special is not None:
            return special(request)
        if path == "/api/v1/accounts/verify_credentials":
            return httpx.Response(200, json={"id": "id-brand", "acct": "brand"})
        if path.startswith("/api/v1/timelines/tag/"):
            return httpx.Response(200, json=self.page(dict(request.url.params)))
        if path == "/api/v1/statuses" and request.method == "POST":
            return self.created(request)
        if path.startswith("/api/v1/accounts/"):
            who = path.split("/")[4]
            own = [each for each in self.posts if each["account"]["id"] == who]
            return httpx.Response(200, json=own[::-1])
        return self.about_one(request.method, path)

    def page(self, query: dict[str, str]) -> list[dict[str, Any]]:
        limit = int(query.get("limit", "20"))
        after = int(query.get("min_id", "-1"))
        before = int(query.get("max_id", "999999999"))
        newer = [each for each in self.posts if after < int(each["id"]) < before]
        return (newer[:limit] if "min_id" in query else newer[-limit:])[::-1]

    def about_one(self, method: str, path: str) -> httpx.Response:
        status = self.by_id(path.split("/")[4])
        if status is None:
            return httpx.Response(404, json={"error": "Not Found"})
        if method == "DELETE":
            self.posts.remove(status)
            return httpx.Response(200, json=status)
        if not path.endswith("/context"):
            return httpx.Response(200, json=status)
        above = []
        parent = self.by_id(status["in_reply_to_id"])
        while parent is not None:
            above.insert(0, parent)
            parent = self.by_id(parent["in_reply_to_id"])
        below = [each for each in self.posts if each["in_reply_to_id"] == status["id"]]
        return httpx.Response(200, json={"ancestors": above, "descendants": below})

    def created(self, request: httpx.Request) -> httpx.Response:
        key = request.headers.get("Idempotency-Key", "")
        if self.obeys_keys and key in self.keys:
            return httpx.Response(200, json=self.keys[key])
        body = json.loads(request.content)
        text = body.pop("status").replace("&", "&amp;").replace("<", "&lt;")
        status = self.post("brand", text, **body)
        self.keys[key] = status
        return httpx.Response(200, json=status)

    def asked(self, path: str) -> list[dict[str, list[str]]]:
        found = [each for each in self.requests if each.url.path == path]
        return [parse_qs(each.url.query.decode()) for each in found]


@pytest.fixture
def mastodon() -> FakeMastodon:
    return FakeMastodon()


@pytest.fixture
def listen() -> Callable[..., Any]:
    """Builds a listener on a handler and runs something with it."""

    def run(channel: str, options: dict[str, Any], handler: Any, use: Any) -> Any:
        async def go() -> Any:
            fetch = make_fetcher(user_agent="tests", transport=httpx.MockTransport(handler))
            listener = build(channel, options, Wiring(fetch, FixedClock(NOW), lambda ref: "t0ken"))
            try:
                return await use(listener)
            finally:
                await fetch.aclose()

        return asyncio.run(go())

    return run


@pytest.fixture
def polled(listen: Callable[..., Any]) -> Callable[..., list[Batch]]:
    """Polls once and gives the batches."""

    def poll(
        channel: str, options: dict[str, Any], handler: Any, since: Cursor | None = None
    ) -> list[Batch]:
        async def use(listener: Listener[Any]) -> list[Batch]:
            async with aclosing(listener.poll(since)) as pages:  # type: ignore[type-var]  # a generator
                return [batch async for batch in pages]

        found: list[Batch] = listen(channel, options, handler, use)
        return found

    return poll
