"""The fake platform for tests: a real server on a free loopback port, in a thread.

Listeners are tested against it, also those of third parties.
"""

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from earmark.demo.script import load_script
from earmark.demo.server import BRAND_TOKEN, Story, create_app
from earmark_core.clock import Clock, system_clock

_START_SECONDS = 20


@dataclass(frozen=True)
class DemoServer:
    """A running fake platform; `url` has no slash at its end."""

    url: str
    token: str
    client: httpx.Client

    @property
    def address(self) -> str:
        """Gives host:port, as an allow rule wants it."""
        return self.url.removeprefix("http://")

    def get(self, path: str, **params: Any) -> Any:
        """Gives the JSON of an address, asked for as the brand."""
        headers = {"authorization": f"Bearer {self.token}"}
        return self.client.get(path, params=params, headers=headers).raise_for_status().json()

    def _pull(self, lever: str, fields: Mapping[str, Any]) -> Any:
        return self.client.post(f"/_demo/{lever}", json=dict(fields)).raise_for_status().json()

    def post(self, text: str, **fields: Any) -> str:
        """Lets somebody post, and gives the id; fields as `earmark.demo.control.NewPost`."""
        return str(self._pull("posts", {"text": text, **fields})["ids"][0])

    def posts(self, text: str, count: int, **fields: Any) -> list[str]:
        """Lets somebody post *count* times; `{i}` in the text is the number of the post."""
        return [*self._pull("posts", {"text": text, "count": count, **fields})["ids"]]

    def edit(self, post_id: str, text: str) -> None:
        """Lets the author change a post."""
        self._pull("edit", {"id": post_id, "text": text})

    def delete(self, post_id: str) -> None:
        """Lets the author delete a post."""
        self._pull("delete", {"id": post_id})

    def fault(self, path: str, kind: str, times: int = 1, **fields: Any) -> None:
        """Orders a fault; fields as `earmark.demo.faults.Fault`."""
        self._pull("faults", {"path": path, "kind": kind, "times": times, **fields})

    def forget_faults(self) -> None:
        """Takes back all faults that are still waiting."""
        self._pull("faults", {"times": 0})

    def state(self) -> dict[str, Any]:
        """Gives counts, the requests so far by path, and what the brand answered."""
        found: dict[str, Any] = self.client.get("/_demo/state").raise_for_status().json()
        return found


@contextmanager
def demo_server(
    seed: int = 1,
    *,
    clock: Clock = system_clock,
    story: Story | None = None,
    tokens: Mapping[str, str] | None = None,
    state: Path | None = None,
) -> Iterator[DemoServer]:
    """Runs a fake platform while the block lasts.

    Without a *story* it is empty and silent: only what the test posts is there, though people do
    react to the brand's answers.
    """
    quiet = Story(seed=seed, history=False, live=False)
    app = create_app(load_script(), clock, story=story or quiet, tokens=tokens, state=state)
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    config = uvicorn.Config(
        app, log_level="critical", access_log=False, timeout_graceful_shutdown=1, ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    url = f"http://127.0.0.1:{port}"
    token = next(iter(tokens), "") if tokens is not None else BRAND_TOKEN
    try:
        with httpx.Client(base_url=url, timeout=_START_SECONDS, trust_env=False) as client:
            client.get("/api/v2/instance").raise_for_status()
            yield DemoServer(url, token, client)
    finally:
        server.should_exit = True
        thread.join(_START_SECONDS)
        listening.close()
