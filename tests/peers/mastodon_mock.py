"""mastodon_mock, a Mastodon server written by somebody else, as a process of its own."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import httpx

BRAND, CUSTOMER, OTHER = "brightcup", "ines", "tomasz"
START_SECONDS = 60.0
_CONFIG = """\
[database]
path = "{path}"

[streaming]
enabled = false
"""
_ACCOUNT = """
[[seed.accounts]]
username = "{name}"
access_token = "{token}"
"""


def token_of(account: str) -> str:
    """Gives the access token of an account; it opens nothing but this server."""
    return f"{account}-token"


@dataclass
class MastodonMock:
    """The server as a person with a browser would use it: posts, reads, and breaks it."""

    port: int
    http: httpx.Client

    def call(self, method: str, path: str, account: str = "", **more: Any) -> Any:
        headers = {"Authorization": f"Bearer {token_of(account)}"} if account else {}
        headers |= more.pop("headers", {})
        answer = self.http.request(method, path, headers=headers, **more)
        answer.raise_for_status()
        return answer.json()

    def post(self, account: str, text: str, *, below: str = "", key: str = "") -> dict[str, Any]:
        """Posts, below another post where one is named; gives the post."""
        body = {"status": text} | ({"in_reply_to_id": below} if below else {})
        headers = {"Idempotency-Key": key} if key else {}
        posted: dict[str, Any] = self.call(
            "POST", "/api/v1/statuses", account, json=body, headers=headers
        )
        return posted

    def below(self, status_id: str) -> list[dict[str, Any]]:
        """Gives the posts below a post."""
        found: list[dict[str, Any]] = self.call("GET", f"/api/v1/statuses/{status_id}/context")[
            "descendants"
        ]
        return found

    def posts_of(self, account: str) -> list[dict[str, Any]]:
        """Gives all posts of an account, the newest first."""
        who = self.call("GET", "/api/v1/accounts/verify_credentials", account)["id"]
        return self._all(f"/api/v1/accounts/{who}/statuses", account)

    def tagged(self, tag: str) -> list[dict[str, Any]]:
        """Gives all posts with a hashtag, the newest first."""
        return self._all(f"/api/v1/timelines/tag/{tag}", "")

    def mentions_of(self, account: str) -> list[dict[str, Any]]:
        """Gives all notifications of a mention, the newest first."""
        return self._all("/api/v1/notifications", account, **{"types[]": "mention"})

    def _all(self, path: str, account: str, **params: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            place = {"max_id": found[-1]["id"]} if found else {}
            page = self.call("GET", path, account, params={"limit": "40", **params, **place})
            if not page:
                return found
            found += page

    def fault(self, path: str, kind: str, *, count: int | None = None, **effect: Any) -> None:
        """Has the server fail at a path until `heal`, or *count* times."""
        rule = {"match": {"path": path}, "effect": {"type": kind, **effect}, "count": count}
        self.call("POST", "/api/v1/_mock/faults", json=rule)

    def reset(self) -> None:
        """Forgets every post and every fault; the accounts stay."""
        self.heal()
        self.call("POST", "/api/v1/_mock/reset")

    def heal(self) -> None:
        """Takes all faults back."""
        self.call("DELETE", "/api/v1/_mock/faults")


@contextmanager
def mastodon_mock(folder: Path, need: Callable[[str, str], None]) -> Iterator[MastodonMock]:
    """Runs a fresh server with three accounts, and ends it by its own process id."""
    if find_spec("mastodon_mock") is None:
        need("mastodon_mock", "pip install 'earmark[test]'")
    config = folder / "mastodon_mock.toml"
    accounts = (_ACCOUNT.format(name=name, token=token_of(name)) for name in _everybody())
    config.write_text(_CONFIG.format(path=folder / "mastodon_mock.sqlite") + "".join(accounts))
    for attempt in range(3):  # somebody else may take the port before the server does
        port = free_port()
        with (folder / "mastodon_mock.log").open("wb") as log:
            server = _start(config, port, log)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as http:
                if _is_ready(server, http):
                    yield MastodonMock(port, http)
                    return
        finally:
            _stop(server)
        assert attempt < 2, (folder / "mastodon_mock.log").read_text()


def free_port() -> int:
    """Gives a port on loopback that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _everybody() -> tuple[str, ...]:
    return BRAND, CUSTOMER, OTHER


def _start(config: Path, port: int, log: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "mastodon_mock", "serve", "--config", str(config)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--log-level", "warning"]
    quiet = {key: value for key, value in os.environ.items() if key not in {"HOST", "PORT"}}
    return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=quiet)


def _is_ready(server: subprocess.Popen[bytes], http: httpx.Client) -> bool:
    """Waits until the server answers as ours; False if it ended instead."""
    until = time.monotonic() + START_SECONDS
    who = {"Authorization": f"Bearer {token_of(BRAND)}"}
    while server.poll() is None and time.monotonic() < until:
        with contextlib.suppress(httpx.TransportError):
            answer = http.get("/api/v1/accounts/verify_credentials", headers=who)
            if answer.status_code == httpx.codes.OK:
                return True
        time.sleep(0.1)  # another process is waited for: nothing tells when it listens
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(2)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
