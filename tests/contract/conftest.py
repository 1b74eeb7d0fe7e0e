"""Plays a channel's recording to its listener; see tests/fixtures/listeners/README.md."""

import asyncio
import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import pytest

from earmark_core.clock import FixedClock
from earmark_core.fetch import make_fetcher
from earmark_core.model import Cursor, Item
from earmark_listeners.contract import Batch, Wiring
from earmark_listeners.registry import build, channels

FOLDERS = Path(__file__).parents[1] / "fixtures" / "listeners"
TOKEN = "sentinel-4b1d-must-never-be-seen"
TYPES = {".json": "application/json", ".xml": "application/xml", ".html": "text/html"}
JSON_MALFORMED = {
    "an HTML page": {"text": "<html><body>Please log in</body></html>", "type": "text/html"},
    "a document that is cut off": '[{"id": "1", "content": "half',
    "an empty object": "{}",
    "null": "null",
}
Handler = Callable[[httpx.Request], httpx.Response]


@dataclass
class Platform:
    """Answers requests by a list of answers, and keeps what it was asked."""

    folder: Path
    answers: Sequence[Mapping[str, Any]]
    requests: list[httpx.Request] = field(default_factory=list)
    given: dict[int, int] = field(default_factory=dict)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert len(self.requests) <= 200, "the poll does not end by itself"
        for number, answer in enumerate(self.answers):
            left = answer.get("times", 1_000) - self.given.get(number, 0)
            if left > 0 and fits(answer, request):
                self.given[number] = self.given.get(number, 0) + 1
                return response(self.folder, answer)
        raise AssertionError(f"the recording has no answer to {request.method} {request.url}")


def fits(answer: Mapping[str, Any], request: httpx.Request) -> bool:
    query = dict(request.url.params)
    wanted = [(query.get(key), value) for key, value in answer.get("query", {}).items()]
    wanted += [(request.headers.get(key), value) for key, value in answer.get("sent", {}).items()]
    return (
        request.method == answer.get("method", "GET")
        and request.url.path == answer.get("path", request.url.path)
        and all(have == want or (want == "*" and have is not None) for have, want in wanted)
    )


def response(folder: Path, answer: Mapping[str, Any]) -> httpx.Response:
    kind = answer.get("type", "application/json")
    body = answer.get("text", "").encode()
    if "body" in answer:
        path = folder / answer["body"]
        body, kind = path.read_bytes(), TYPES.get(path.suffix, kind)
    headers = {"content-type": kind, **answer.get("headers", {})}
    return httpx.Response(answer.get("status", 200), headers=headers, content=body)


@dataclass
class Recording:
    """One channel's folder, and ways to poll it."""

    channel: str

    @property
    def folder(self) -> Path:
        return FOLDERS / self.channel

    @cached_property
    def options(self) -> dict[str, Any]:
        return tomllib.loads((self.folder / "options.toml").read_text(encoding="utf-8"))

    @cached_property
    def script(self) -> dict[str, Any]:
        loaded: dict[str, Any] = json.loads((self.folder / "script.json").read_text("utf-8"))
        return loaded

    @cached_property
    def expected(self) -> list[list[dict[str, Any]]]:
        loaded: list[list[dict[str, Any]]] = json.loads(
            (self.folder / "expected.json").read_text("utf-8")
        )
        return loaded

    @property
    def now(self) -> datetime:
        return datetime.fromisoformat(self.script["clock"])

    @property
    def malformed(self) -> list[dict[str, Any]]:
        bodies = self.script.get("malformed", JSON_MALFORMED)
        return [
            {"text": body} if isinstance(body, str) else body | {"name": name}
            for name, body in bodies.items()
        ]

    def platform(self, number: int) -> Platform:
        return Platform(self.folder, self.script["polls"][number])

    def always(self, answer: Mapping[str, Any]) -> Platform:
        return Platform(self.folder, [answer])

    def poll(
        self, handler: Handler, since: Cursor | None = None, *, stop_after: int | None = None
    ) -> list[Batch]:
        """Polls once; the batches come out even if only the first few are wanted."""
        batches: list[Batch] = []
        self.poll_into(batches, handler, since, stop_after)
        return batches

    def poll_into(
        self,
        batches: list[Batch],
        handler: Handler,
        since: Cursor | None = None,
        stop_after: int | None = None,
    ) -> None:
        async def run() -> None:
            clock = FixedClock(self.now)
            transport = httpx.MockTransport(handler)
            fetch = make_fetcher(user_agent="earmark tests", transport=transport, clock=clock)
            listener = build(self.channel, self.options, Wiring(fetch, clock, lambda _: TOKEN))
            try:
                async with aclosing(listener.poll(since)) as pages:
                    async for batch in pages:
                        batches.append(batch)
                        if len(batches) == stop_after:
                            break
            finally:
                await fetch.aclose()

        asyncio.run(run())

    def play(self) -> list[list[Batch]]:
        """Polls as often as the recording has polls, each from where the last one ended."""
        cursor: Cursor | None = None
        played = []
        for number in range(len(self.script["polls"])):
            batches = self.poll(self.platform(number), cursor)
            cursor = last_cursor(batches, cursor)
            played.append(batches)
        return played

    def cursor(self) -> Cursor | None:
        """Gives where the last poll of the recording ended."""
        cursor: Cursor | None = None
        for batches in self.play():
            cursor = last_cursor(batches, cursor)
        return cursor


def last_cursor(batches: Sequence[Batch], before: Cursor | None) -> Cursor | None:
    given = [batch.cursor for batch in batches if batch.cursor is not None]
    return given[-1] if given else before


def as_json(item: Item) -> dict[str, Any]:
    """Gives an item as expected.json has it: fields at their default and `raw` left out."""
    shown: dict[str, Any] = {}
    for each in fields(item):
        value = getattr(item, each.name)
        default = each.default_factory() if each.default_factory is not MISSING else each.default
        if each.name == "raw" or (each.name != "external_id" and value == default):
            continue
        if is_dataclass(value):
            value = {one.name: getattr(value, one.name) for one in fields(value)}
            value = {key: inner for key, inner in value.items() if inner not in ("", None)}
        shown[each.name] = value.isoformat() if isinstance(value, datetime) else value
    return json.loads(json.dumps(shown, default=dict))


@pytest.fixture(params=sorted(set(channels()) & {path.name for path in FOLDERS.iterdir()}))
def recording(request: pytest.FixtureRequest) -> Recording:
    return Recording(request.param)


@pytest.fixture
def recordings_folder() -> Path:
    return FOLDERS


@pytest.fixture
def token() -> str:
    return TOKEN


@pytest.fixture
def item_as_json() -> Callable[[Item], dict[str, Any]]:
    return as_json
