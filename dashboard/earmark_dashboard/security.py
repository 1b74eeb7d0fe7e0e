"""The headers every answer carries, and the hash that lets Streamlit's own inline script run."""

import base64
import hashlib
import re
from pathlib import Path

import streamlit
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_INLINE = re.compile(r"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL | re.IGNORECASE)

FIXED_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}


def inline_hashes(page: str) -> tuple[str, ...]:
    """Gives a policy source for each inline script of *page*; the hash changes per release."""
    digests = (hashlib.sha256(body.encode()).digest() for body in _INLINE.findall(page))
    return tuple(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)


def installed_page() -> str:
    """Gives the page that the installed Streamlit serves."""
    return (Path(streamlit.__file__).parent / "static" / "index.html").read_text("utf-8")


def policy(hashes: tuple[str, ...], host: str) -> str:
    """Gives the content security policy for a page served under *host*.

    `blob:` is what Streamlit loads components from. There is neither `unsafe-eval` nor
    `unsafe-inline` for scripts, and no image comes from anywhere else.
    """
    sockets = f" ws://{host} wss://{host}" if host else ""
    parts = {
        "default-src": "'self'",
        "script-src": " ".join(["'self'", "blob:", *hashes]),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": f"'self'{sockets}",
        "frame-src": "'self'",
        "worker-src": "'self' blob:",
        "frame-ancestors": "'none'",
        "form-action": "'self'",
        "object-src": "'none'",
        "base-uri": "'self'",
    }
    return "; ".join(f"{name} {value}" for name, value in parts.items())


_HOST = re.compile(rb"[A-Za-z0-9.\-\[\]:]+")


def _host_of(scope: Scope) -> str:
    value = dict(scope.get("headers", [])).get(b"host", b"")
    return value.decode() if _HOST.fullmatch(value) else ""


class SecurityHeaders:
    """Puts the policy and the fixed headers on every HTTP answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.hashes = inline_hashes(installed_page())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers as the application does, with the headers added."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        content_policy = policy(self.hashes, _host_of(scope))

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["content-security-policy"] = content_policy
                for name, value in FIXED_HEADERS.items():
                    headers[name] = value
            await send(message)

        await self.app(scope, receive, send_with_headers)
