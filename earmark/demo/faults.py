"""Faults on order: what a platform does on a bad day, so that listeners can be shown it."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any, Literal

from starlette.datastructures import MutableHeaders
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from earmark.demo.shapes import stamp
from earmark_core.clock import Clock

Kind = Literal["status", "ratelimit", "malformed", "drop", "html", "slow"]
KINDS = ("status", "ratelimit", "malformed", "drop", "html", "slow")
FORMS = ("iso", "seconds", "http-date", "epoch", "html", "none")
WINDOW = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with the next *times* requests whose path starts with *path*.

    `after` lets the platform do its work first and breaks only the answer: the client cannot
    know. `form` says how a rate limit names its end; `retry_after` and `seconds` are seconds.
    """

    path: str
    kind: Kind
    times: int = 1
    method: str = ""
    status: int = 503
    retry_after: float = 30
    form: str = "iso"
    seconds: float = 1.0
    after: bool = False

    def fits(self, scope: Scope) -> bool:
        """Says whether a request is hit."""
        path: str = scope["path"]
        return path.startswith(self.path) and self.method in {"", scope["method"]}


@dataclass
class Faults:
    """The faults still to come, the oldest first, and how many requests there were."""

    waiting: list[Fault] = field(default_factory=list)
    requests: dict[str, int] = field(default_factory=dict)

    def take(self, scope: Scope) -> Fault | None:
        """Gives the fault for a request and uses it up."""
        for index, fault in enumerate(self.waiting):
            if fault.fits(scope):
                left = replace(fault, times=fault.times - 1)
                self.waiting[index : index + 1] = [left] if left.times > 0 else []
                return fault
        return None


class Trouble:
    """ASGI middleware: counts the requests of the API, limits them, and lets them fail on order."""

    def __init__(self, app: ASGIApp, *, faults: Faults, clock: Clock, limit: int) -> None:
        self.app = app
        self.faults = faults
        self.clock = clock
        self.limit = limit
        self._window_ends: datetime | None = None
        self._used = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes a request on, or breaks it."""
        if scope["type"] != "http" or scope["path"].startswith("/_demo"):
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        self.faults.requests[path] = self.faults.requests.get(path, 0) + 1
        fault = self.faults.take(scope)
        if path.startswith("/api/"):
            send = self._counted(send)
            if self._used > self.limit and fault is None:
                await self._limited(scope, receive, send)
                return
        if fault is None:
            await self.app(scope, receive, send)
        else:
            await self._break(fault, scope, receive, send)

    def _counted(self, send: Send) -> Send:
        now = self.clock()
        if self._window_ends is None or now >= self._window_ends:
            self._window_ends, self._used = now + WINDOW, 0
        self._used += 1
        left, ends = max(0, self.limit - self._used), self._window_ends

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("x-ratelimit-limit", str(self.limit))
                headers.setdefault("x-ratelimit-remaining", str(left))
                headers.setdefault("x-ratelimit-reset", stamp(ends))
            await send(message)

        return with_headers

    async def _limited(self, scope: Scope, receive: Receive, send: Send) -> None:
        await JSONResponse({"error": "Too many requests"}, 429)(scope, receive, send)

    async def _break(self, fault: Fault, scope: Scope, receive: Receive, send: Send) -> None:
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
            await self.app(scope, receive, send)
            return
        if fault.after:
            await self.app(scope, receive, _nowhere)
        if fault.kind == "drop":
            await _dropped(send)
            return
        await self._answer(fault)(scope, receive, send)

    def _answer(self, fault: Fault) -> Response:
        if fault.kind == "ratelimit":
            return self._too_many(fault)
        if fault.kind == "malformed":
            return Response(b'[{"id": "1", "content": "<p>cut of', media_type="application/json")
        if fault.kind == "html":
            return HTMLResponse("<!doctype html><title>Please wait</title><h1>Checking you</h1>")
        return JSONResponse({"error": f"Fault on order: {fault.status}"}, fault.status)

    def _too_many(self, fault: Fault) -> Response:
        ends = self.clock() + timedelta(seconds=fault.retry_after)
        headers: dict[str, dict[str, str]] = {
            "iso": {"x-ratelimit-remaining": "0", "x-ratelimit-reset": stamp(ends)},
            "epoch": {
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": str(int(ends.timestamp())),
            },
            "seconds": {"retry-after": str(int(fault.retry_after))},
            "http-date": {"retry-after": format_datetime(ends, usegmt=True)},
        }
        named = headers.get(fault.form, {})
        if fault.form == "html":
            return HTMLResponse("<h1>Too many requests</h1>", 429)
        return JSONResponse({"error": "Too many requests"}, 429, headers=named)


async def _nowhere(_: Message) -> None:
    """Swallows an answer."""


async def _dropped(send: Send) -> None:
    """Begins an answer and never ends it; the server then closes the connection."""
    headers: list[Any] = [(b"content-type", b"application/json"), (b"content-length", b"4096")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"[{", "more_body": True})
