"""Where other programs deliver: reads a bounded body and hands it to whoever stores it."""

import asyncio
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from earmark_dashboard.services import Taken, current

MOST_BYTES: Final = 1_000_000
READ_SECONDS: Final = 15.0


async def hook(request: Request) -> Response:
    """Takes one delivery, or answers a platform that asks first whose address this is."""
    handshake = current().handshake
    if request.method == "GET" and request.query_params and handshake is not None:
        return _told(await handshake(request.path_params["key"], dict(request.query_params)))
    if request.method != "POST":  # else the dashboard's own page would answer
        return Response(status_code=405, headers={"allow": "POST"})
    deliver = current().deliver
    if deliver is None:
        return _told(Taken(404, {"error": "nothing is delivered here"}))
    try:
        async with asyncio.timeout(READ_SECONDS):
            body = await _body(request)
    except TimeoutError:
        return _told(Taken(408, {"error": "the body came too slowly"}))
    except ClientDisconnect:
        return Response(status_code=400)
    if body is None:
        return _told(Taken(413, {"error": f"a delivery has {MOST_BYTES} bytes at most"}))
    return _told(await deliver(request.path_params["key"], dict(request.headers), body))


async def _body(request: Request) -> bytes | None:
    """Gives the body as it came, None if it is too large."""
    said = request.headers.get("content-length", "")
    if said.isdigit() and int(said[:20]) > MOST_BYTES:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)


def _told(taken: Taken) -> Response:
    headers = {"cache-control": "no-store"}
    if taken.retry_after:
        headers["retry-after"] = str(taken.retry_after)
    if taken.text:
        return PlainTextResponse(taken.text, status_code=taken.status, headers=headers)
    return JSONResponse(dict(taken.body), status_code=taken.status, headers=headers)


ROUTE = Route("/hooks/{key}", hook, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
