"""Plays a channel's recording to its listener; see tests/fixtures/listeners/README.md."""

import asyncio
import importlib.util
import json
import os
import tomllib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from datetime import datetime, timedelta
from functools import cache, cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from earmark_core.clock import FixedClock
from earmark_core.fetch import make_fetcher
from earmark_core.model import Cursor, Item
from earmark_listeners.contract import Batch, Listener, Outgoing, Responder, Wiring
from earmark_listeners.receiving import Incoming
from earmark_listeners.registry import build, channels, responder

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
MOST_REQUESTS = 200
PAST = -2  # the number of a platform that is asked for what was said earlier


@dataclass
class Platform:
    """Answers requests by a list of answers, and keeps what it was asked.

    `{{n}}` in a body is the number of the request, taken round after `turn` if one is given;
    `{{token}}` is the marked secret.
    """

    folder: Path
    answers: Sequence[Mapping[str, Any]]
    number: int = 0
    turn: int = 10**6
    requests: list[httpx.Request] = field(default_factory=list)
    given: dict[int, int] = field(default_factory=dict)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert len(self.requests) <= MOST_REQUESTS, "the poll does not end by itself"
        assert request.extensions.get("timeout"), "a request without a deadline"
        for number, answer in enumerate(self.answers):
            left = answer.get("times", 1_000) - self.given.get(number, 0)
            if left > 0 and fits(answer, request):
                self.given[number] = self.given.get(number, 0) + 1
                return response(self.folder, answer, (len(self.requests) - 1) % self.turn + 1)
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


def response(folder: Path, answer: Mapping[str, Any], number: int = 1) -> httpx.Response:
    kind = answer.get("type", "application/json")
    body = answer.get("text", "").encode()
    if "json" in answer:
        body = json.dumps(answer["json"]).encode()
    if "body" in answer:
        path = folder / answer["body"]
        body, kind = path.read_bytes(), TYPES.get(path.suffix, kind)
    body = body.replace(b"{{n}}", str(number).encode()).replace(b"{{token}}", TOKEN.encode())
    headers = {"content-type": kind, **answer.get("headers", {})}
    return httpx.Response(answer.get("status", 200), headers=headers, content=body)


@cache
def made_secret(kind: str) -> str:
    """Gives a key that is made for this run, so that none lies in the repository."""
    form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    plain = serialization.NoEncryption()
    if kind == "ES256 key":
        return ec.generate_private_key(ec.SECP256R1()).private_bytes(*form, plain).decode()
    assert kind == "service account", f"no secret of the kind {kind!r} can be made"
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
    return json.dumps({
        "client_email": "earmark@project.example", "private_key_id": "key-1",
        "private_key": key.private_bytes(*form, plain).decode(),
        "token_uri": "https://oauth.example/token",
    })  # fmt: skip


def script_of(channel: str) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDERS / channel / "script.json").read_text("utf-8"))
    return loaded


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
        return script_of(self.channel)

    @cached_property
    def expected(self) -> list[list[dict[str, Any]]]:
        path = self.folder / "expected.json"
        if os.environ.get("EARMARK_WRITE_EXPECTED") == self.channel:
            found = [[as_json(i) for b in batches for i in b.items] for batches in self.play()]
            path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
        loaded: list[list[dict[str, Any]]] = json.loads(path.read_text("utf-8"))
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

    def secret(self, reference: str) -> str:
        kind = self.script.get("secrets", {}).get(reference)
        return made_secret(kind) if kind else TOKEN

    @property
    def uses_token(self) -> bool:
        """Tells whether the marked token is an option's secret, or given by the platform."""
        if "{{token}}" in json.dumps(self.script):
            return True
        made = self.script.get("secrets", {})
        named = channels()[self.channel].options_type.model_fields.items()
        secrets = [key for key, field in named if "secret" in (field.json_schema_extra or {})]
        return any(self.options.get(key, "") not in {"", *made} for key in secrets)

    def platform(self, number: int) -> Platform:
        polls = self.script["polls"]
        return Platform(self.folder, polls[number], number % len(polls))

    def always(self, answer: Mapping[str, Any], turn: int = 10**6) -> Platform:
        """Gives a platform with one answer to everything it fits, then those of the last poll."""
        return Platform(self.folder, [answer, *self.script["polls"][-1]], -1, turn)

    def faulty(self, answer: Mapping[str, Any]) -> Platform:
        """Gives the last poll's platform with one answer in front of all others."""
        platform = self.platform(-1)
        platform.answers = [{**self.script.get("faulty", {}), **answer}, *platform.answers]
        return platform

    def differs(self, case: object) -> None:
        """Skips a case that means something else on this platform; the recording says what."""
        reason = self.script.get("differs", {}).get(str(case))
        if reason:
            pytest.skip(f"{self.channel}: {reason}")

    def use(
        self,
        handler: Handler,
        act: Callable[[Listener[Any]], Awaitable[Any]],
        options: Mapping[str, Any] = MappingProxyType({}),
    ) -> Any:
        """Gives what *act* makes of the listener, built as a poll would build it."""

        async def run() -> Any:
            clock = FixedClock(self.now)
            transport = httpx.MockTransport(handler)
            fetch = make_fetcher(user_agent="earmark tests", transport=transport, clock=clock)
            listener = build(
                self.channel, {**self.options, **options}, Wiring(fetch, clock, self.secret)
            )
            stand_in = self.folder / "stand_in.py"
            if stand_in.exists():
                number, answers = getattr(handler, "number", 0), getattr(handler, "answers", ())
                listener = loaded(stand_in).wired(listener, number, self.folder, answers)
            try:
                return await act(listener)
            finally:
                await fetch.aclose()

        return asyncio.run(run())

    @property
    def can_backfill(self) -> bool:
        return channels()[self.channel].can_backfill

    @property
    def backfill(self) -> dict[str, Any]:
        told: dict[str, Any] = self.script["backfill"]
        return told

    @property
    def start(self) -> datetime:
        return datetime.fromisoformat(self.backfill["start"])

    @property
    def end(self) -> datetime:
        return datetime.fromisoformat(self.backfill["end"])

    def past(self, *first: Mapping[str, Any]) -> Platform:
        """Gives the platform as a backfill meets it, with some answers in front."""
        where = self.backfill.get("faulty", self.script.get("faulty", {}))
        answers = [*({**where, **each} for each in first), *self.backfill["answers"]]
        return Platform(self.folder, answers, PAST)

    def fill(
        self,
        since: Cursor | None = None,
        *,
        handler: Handler | None = None,
        stop_after: int | None = None,
    ) -> list[Batch]:
        """Asks for the recording's stretch of time, once."""
        batches: list[Batch] = []

        async def act(listener: Listener[Any]) -> None:
            walk = listener.backfill(self.start, self.end, since)
            assert isinstance(listener.clock, FixedClock)
            async with aclosing(walk) as pages:  # type: ignore[type-var]  # a generator
                async for batch in pages:
                    batches.append(batch)
                    if len(batches) == stop_after:
                        break
                    listener.clock.forward(batch.next_poll_after or timedelta())

        options = self.backfill.get("options", {})
        self.use(handler or self.past(), act, options)
        return batches

    def deliver(self, incoming: Mapping[str, Any]) -> Batch:
        """Hands a delivery of the recording to the listener."""
        body = (self.folder / incoming["body"]).read_bytes()
        given = Incoming(incoming.get("headers", {}), body, self.now)

        async def act(listener: Any) -> Batch:
            batch: Batch = listener.receive(given)
            return batch

        found: Batch = self.use(self.platform(0), act)
        return found

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
        async def act(listener: Listener[Any]) -> None:
            async with aclosing(listener.poll(since)) as pages:  # type: ignore[type-var]  # a generator
                async for batch in pages:
                    batches.append(batch)
                    if len(batches) == stop_after:
                        break

        self.use(handler, act)

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


@dataclass
class Answering:
    """The part of a recording that is about replies."""

    recording: Recording

    @property
    def script(self) -> dict[str, Any]:
        found: dict[str, Any] = self.recording.script["reply"]
        return found

    @property
    def outgoing(self) -> Outgoing:
        script = self.script
        at = datetime.fromisoformat(script.get("created_at", self.recording.script["clock"]))
        return Outgoing(script["text"], script["ref"], script.get("key", "earmark-17"), at)

    def platform(self, part: str, *first: Mapping[str, Any]) -> Platform:
        """Gives the platform of target, gone, send, find or absent, with some answers in front."""
        return Platform(self.recording.folder, [*first, *self.script[part]["answers"]], -1)

    def send(self, platform: Handler) -> Any:
        return self._act(platform, lambda responder: responder.send(self.outgoing))

    def find(self, platform: Handler) -> Any:
        return self._act(platform, lambda responder: responder.find(self.outgoing))

    def target(self, platform: Handler) -> Any:
        return self._act(platform, lambda responder: responder.target(self.script["ref"]))

    def _act(self, platform: Handler, what: Callable[[Responder], Awaitable[Any]]) -> Any:
        async def act(listener: Listener[Any]) -> Any:
            found = responder(listener)
            assert found is not None, "the recording's options do not permit to answer"
            return await what(found)

        return self.recording.use(platform, act)

    def hits(self, request: httpx.Request) -> bool:
        """Tells whether a request is the one that hands the reply over."""
        return fits(self.script["send"]["on"], request)


def loaded(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"stand_in_of_{path.parent.name}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


RECORDED = sorted(set(channels()) & {path.name for path in FOLDERS.iterdir()})
OVER_HTTP = [name for name in RECORDED if "not_http" not in script_of(name)]
REMEMBERING = [name for name in RECORDED if channels()[name].can_backfill]
ANSWERING = [name for name in RECORDED if channels()[name].rules.can_reply]


@pytest.fixture(params=RECORDED)
def recording(request: pytest.FixtureRequest) -> Recording:
    return Recording(request.param)


@pytest.fixture(params=OVER_HTTP)
def over_http(request: pytest.FixtureRequest) -> Recording:
    """Those channels that ask over HTTP; the others say why not and where it is proven."""
    return Recording(request.param)


@pytest.fixture(params=REMEMBERING)
def any_history(request: pytest.FixtureRequest) -> Recording:
    """Those channels that give what was said earlier."""
    return Recording(request.param)


@pytest.fixture(params=[name for name in REMEMBERING if name in OVER_HTTP])
def history(request: pytest.FixtureRequest) -> Recording:
    """Those of them that ask over HTTP."""
    return Recording(request.param)


@pytest.fixture(params=ANSWERING)
def any_answering(request: pytest.FixtureRequest) -> Answering:
    return Answering(Recording(request.param))


@pytest.fixture(params=[name for name in ANSWERING if name in OVER_HTTP])
def answering(request: pytest.FixtureRequest) -> Answering:
    return Answering(Recording(request.param))


@pytest.fixture
def recordings_folder() -> Path:
    return FOLDERS


@pytest.fixture
def token() -> str:
    return TOKEN


@pytest.fixture
def item_as_json() -> Callable[[Item], dict[str, Any]]:
    return as_json
