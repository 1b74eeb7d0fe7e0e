"""The door for what is pushed, against real WebSocket servers on loopback."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from aiohttp.abc import AbstractResolver

from earmark_core.budgets import Budgets
from earmark_core.errors import Held, Interrupted, Malformed, Rejected, Unavailable
from earmark_core.fetch import Fetcher, make_fetcher
from earmark_core.stream import Limits

LIMITS = Limits(seconds=10, bytes=1_000_000, frame=10_000)
Talk = Callable[[web.WebSocketResponse], Awaitable[None]]


@asynccontextmanager
async def serving(
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]],
) -> AsyncIterator[int]:
    app = web.Application()
    app.router.add_get("/{path:.*}", handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def talking(talk: Talk, seen: list[web.Request] | None = None, **more: Any) -> Any:
    async def handler(request: web.Request) -> web.StreamResponse:
        if seen is not None:
            seen.append(request)
        ws = web.WebSocketResponse(**more)
        await ws.prepare(request)
        await talk(ws)
        return ws

    return handler


async def stays(ws: web.WebSocketResponse) -> None:
    async for _ in ws:
        pass


def fetcher(port: int, **more: Any) -> Fetcher:
    return make_fetcher(user_agent="earmark tests", allow=[f"127.0.0.1:{port}"], **more)


def run(handler: Any, act: Callable[[Any, int], Awaitable[Any]], **more: Any) -> Any:
    async def main() -> Any:
        async with serving(handler) as port, fetcher(port, **more) as fetch:
            return await act(fetch, port)

    return asyncio.run(main())


async def frames(fetch: Fetcher, port: int, limits: Limits = LIMITS, **more: Any) -> list[bytes]:
    found: list[bytes] = []
    async with fetch.stream.open(f"http://127.0.0.1:{port}/s", limits, **more) as stream:
        while (frame := await stream.frame(0.2)) is not None:
            found.append(frame)
    return found


def test_frames_come_in_order_and_the_request_says_who_asks():
    seen: list[web.Request] = []

    async def talk(ws: web.WebSocketResponse) -> None:
        await ws.ping()
        await ws.send_str("eins ü")
        await ws.send_bytes(b"zwei")
        await stays(ws)

    got = run(talking(talk, seen), lambda f, p: frames(f, p, params={"cursor": "7"}))
    assert got == ["eins ü".encode(), b"zwei"]
    assert seen[0].query == {"cursor": "7"}
    assert seen[0].headers["user-agent"] == "earmark tests"
    assert "Sec-WebSocket-Extensions" not in seen[0].headers


@pytest.mark.parametrize(
    "form", ["127.0.0.1", "localhost", "0x7f.1", "2130706433", "[::1]", "10.0.0.1"]
)
def test_a_private_address_is_not_reached(form):
    seen: list[web.Request] = []

    async def act(_: Any, port: int) -> None:
        async with make_fetcher(user_agent="t") as closed:
            with pytest.raises((Rejected, Unavailable)):
                async with closed.stream.open(f"http://{form}:{port}/", LIMITS):
                    pass

    run(talking(stays, seen), act)
    assert seen == []


class Inside(AbstractResolver):
    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [{"hostname": host, "host": "127.0.0.1", "port": port, "proto": 0, "flags": 0,
                 "family": socket.AF_INET}]  # fmt: skip

    async def close(self) -> None:
        pass


def test_a_name_that_leads_inside_is_refused_at_connect():
    seen: list[web.Request] = []

    async def act(fetch: Fetcher, port: int) -> None:
        with pytest.raises(Rejected, match="not on the open internet"):
            async with fetch.stream.open(f"http://inside.test:{port}/", LIMITS):
                pass

    run(talking(stays, seen), act, resolver=Inside())
    assert seen == []


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(status):
    seen: list[str] = []

    async def onward(request: web.Request) -> web.StreamResponse:
        seen.append(request.path)
        return web.Response(status=status, headers={"location": "/elsewhere"})

    async def act(fetch: Fetcher, port: int) -> None:
        with pytest.raises(Rejected, match="moved"):
            await frames(fetch, port)

    run(onward, act)
    assert seen == ["/s"]


@pytest.mark.parametrize(
    ("status", "error"),
    [(200, Unavailable), (401, Rejected), (403, Rejected), (404, Rejected), (503, Unavailable)],
)
def test_an_answer_that_opens_no_stream_is_judged_as_any_other(status, error):
    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.json_response({"error": "No", "message": "not today"}, status=status)

    async def act(fetch: Fetcher, port: int) -> None:
        with pytest.raises(error, match=str(status)):
            await frames(fetch, port)

    run(refuse, act)


def test_who_asks_sees_the_answer_first():
    async def refuse(_: web.Request) -> web.StreamResponse:
        return web.json_response({"error": "CursorTooOld"}, status=400)

    seen: list[Any] = []

    async def act(fetch: Fetcher, port: int) -> None:
        with pytest.raises(Rejected):
            await frames(fetch, port, judge=lambda answer: seen.append(answer.json()))

    run(refuse, act)
    assert seen == [{"error": "CursorTooOld"}]


def test_a_wish_to_be_left_alone_holds_for_streams():
    asked: list[int] = []

    async def slower(_: web.Request) -> web.StreamResponse:
        asked.append(1)
        return web.Response(status=429, headers={"retry-after": "600"})

    async def act(fetch: Fetcher, port: int) -> None:
        with pytest.raises(Unavailable) as caught:
            await frames(fetch, port)
        assert caught.value.rate_limited
        with pytest.raises(Held):
            await frames(fetch, port)

    run(slower, act, budgets=Budgets())
    assert asked == [1]


@pytest.mark.parametrize("limits", [Limits(10, 1_000_000, 100), Limits(10, 1_000_000, 5_000)])
def test_a_frame_that_is_too_large_is_refused(limits):
    async def talk(ws: web.WebSocketResponse) -> None:
        await ws.send_str("x" * (limits.frame + 1))
        await stays(ws)

    async def act(fetch: Fetcher, port: int) -> None:
        with pytest.raises(Malformed, match="larger than"):
            await frames(fetch, port, limits)

    run(talking(talk), act)


def test_the_bytes_of_a_stream_end():
    async def talk(ws: web.WebSocketResponse) -> None:
        for _ in range(50):
            await ws.send_str("x" * 100)
        await stays(ws)

    got = run(talking(talk), lambda f, p: frames(f, p, Limits(10, 1_000, 1_000)))
    assert len(got) == 10


def test_the_time_of_a_stream_ends_however_much_comes():
    async def talk(ws: web.WebSocketResponse) -> None:
        with contextlib.suppress(ConnectionError, RuntimeError):
            for _ in range(1_000_000):
                await ws.send_str("on and on")
                await asyncio.sleep(0.001)

    async def act(fetch: Fetcher, port: int) -> bool:
        async with fetch.stream.open(
            f"http://127.0.0.1:{port}/", Limits(0.3, 10**9, 100)
        ) as stream:
            while await stream.frame(5) is not None:
                pass
            return stream.is_spent

    assert run(talking(talk), act)


@pytest.mark.parametrize("code", [1000, 1001, 1008, 1011, 1013, 4000])
def test_that_the_server_ends_it_is_told_with_its_code(code):
    async def talk(ws: web.WebSocketResponse) -> None:
        await ws.send_str("one")
        await ws.close(code=code, message=b"too slow")

    async def act(fetch: Fetcher, port: int) -> None:
        async with fetch.stream.open(f"http://127.0.0.1:{port}/", LIMITS) as stream:
            assert await stream.frame(5) == b"one"
            with pytest.raises(Interrupted, match=f"{code} too slow"):
                await stream.frame(5)

    run(talking(talk), act)


def test_a_broken_line_is_told():
    async def talk(ws: web.WebSocketResponse) -> None:
        await ws.send_str("one")
        assert ws._req is not None
        assert ws._req.transport is not None
        ws._req.transport.abort()

    async def act(fetch: Fetcher, port: int) -> None:
        async with fetch.stream.open(f"http://127.0.0.1:{port}/", LIMITS) as stream:
            with pytest.raises(Interrupted):
                await stream.frame(5)
                await stream.frame(5)

    run(talking(talk), act)


def test_a_frame_that_is_none_of_the_protocol():
    async def talk(ws: web.WebSocketResponse) -> None:
        assert ws._req is not None
        assert ws._req.transport is not None
        ws._req.transport.write(b"\xff\xff\xff\xff")
        await stays(ws)

    async def act(fetch: Fetcher, port: int) -> None:
        async with fetch.stream.open(f"http://127.0.0.1:{port}/", LIMITS) as stream:
            with pytest.raises((Malformed, Interrupted)):
                await stream.frame(5)

    run(talking(talk), act)


def test_a_server_that_never_answers_the_handshake_is_left():
    async def silent(_: web.Request) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    async def act(fetch: Fetcher, port: int) -> None:
        with pytest.raises(Unavailable, match=r"no whole answer within 0\.3 seconds"):
            await frames(fetch, port, Limits(0.3, 100, 100))

    run(silent, act)


def test_it_is_closed_at_the_end_and_the_server_hears_so():
    heard: list[Any] = []

    async def talk(ws: web.WebSocketResponse) -> None:
        await ws.send_str("one")
        heard.append((await ws.receive()).type)

    run(talking(talk), frames)
    assert heard == [WSMsgType.CLOSE]
