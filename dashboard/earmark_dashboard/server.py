"""The dashboard as an ASGI application: health, deliveries, headers, warm-up.

It is handed its services.
"""

import gc
import importlib
import logging
import secrets
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st
import uvicorn
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from earmark_dashboard import hooks, theme
from earmark_dashboard.security import SecurityHeaders
from earmark_dashboard.services import Services, current, provide

log = logging.getLogger(__name__)

SCRIPT = Path(__file__).with_name("entry") / "script.py"
LOOPBACK = ("127.0.0.1", "localhost", "::1", "[::1]")
_WARM = (
    "altair",
    "earmark_dashboard.components",
    "earmark_dashboard.pages.inbox",
    "earmark_dashboard.pages.outbox",
    "earmark_dashboard.pages.sources",
    "earmark_dashboard.pages.start",
    "earmark_dashboard.pages.trends",
)


async def health(_request: Request) -> JSONResponse:
    """Answers that the dashboard lives, and how long ago the worker was heard (seconds)."""
    age = current().worker_heartbeat()
    seconds = None if age is None else round(age.total_seconds(), 1)
    return JSONResponse({"dashboard": "ok", "worker_heartbeat_age_seconds": seconds})


def warm_up() -> None:
    """Imports what the first visitor would wait for, and takes it out of garbage collection.

    Streamlit collects all generations after every run. What is imported by now never becomes
    garbage, so each of those collections has nearly nothing left to look at.
    """
    for name in _WARM:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


@asynccontextmanager
async def _lifespan(_app: Any) -> AsyncGenerator[dict[str, Any]]:
    warm_up()
    yield {}


def script_failed(error: Exception) -> bool:
    """Logs a fault of a page under a number and shows the number only."""
    number = secrets.token_hex(4)
    log.error("page failed, reference %s", number, exc_info=error)
    st.error(
        "This page could not be shown. Reload it; if it happens again, tell your administrator "
        f"the reference {number}.",
        icon=":material/error:",
    )
    return True


def create_app(services: Services, *, allowed_hosts: Sequence[str] = LOOPBACK) -> st.App:
    """Gives the dashboard as an application for any ASGI server; one per process.

    *allowed_hosts* are the names it answers under; any other name in a request is refused,
    which is what stops a foreign page from reaching it by a name of its own.
    """
    provide(services)
    theme.apply(list(allowed_hosts))
    return st.App(
        SCRIPT,
        routes=[Route("/health", health), hooks.ROUTE],
        middleware=[Middleware(SecurityHeaders)],
        lifespan=_lifespan,
        on_script_error=script_failed,
    )


def serve(
    services: Services,
    host: str = "127.0.0.1",
    port: int = 8501,
    *,
    allowed_hosts: Sequence[str] = (),
) -> None:
    """Serves the dashboard until the process is told to stop."""
    names = (*LOOPBACK, host, *allowed_hosts)
    app = create_app(services, allowed_hosts=names)
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        access_log=False,
        ws="websockets-sansio",
        ws_ping_interval=20,
        ws_ping_timeout=20,
        timeout_graceful_shutdown=3,
        server_header=False,
    )
