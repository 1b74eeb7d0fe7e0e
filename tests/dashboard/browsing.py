"""A dashboard over the fakes in a process of its own, and visitors who look at it in a browser."""

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}


class Server:
    """The dashboard over fakes, in a process of its own."""

    def __init__(self, *flags: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        command = [sys.executable, str(HERE / "serve_fake.py"), str(self.port), *flags]
        self.process = subprocess.Popen(
            command, cwd="/", env={**os.environ, "HOME": "/nonexistent"}
        )
        for _ in range(300):
            try:
                self.ask("/health")
            except OSError:
                assert self.process.poll() is None, "the dashboard did not start"
                try:
                    self.process.wait(0.1)
                except subprocess.TimeoutExpired:
                    continue
            else:
                return
        self.stop()
        pytest.fail("the dashboard did not answer")

    def ask(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=10) as answer:
            return json.load(answer)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Visit:
    """One visitor, with all that their page asked for and complained about."""

    def __init__(self, browser: Any, server: Server, size: dict[str, int], mode: str) -> None:
        self.server = server
        self.context = browser.new_context(viewport=size, color_scheme=mode)
        self.page = self.context.new_page()
        self.left: list[str] = []
        self.faults: list[str] = []
        self.page.on("request", self._asked)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("dialog", self._dialog)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((self.server.url, "blob:", "data:")):
            self.left.append(request.url)

    def _said(self, message: Any) -> None:
        if "Content Security Policy" in message.text:
            self.faults.append(message.text)

    def _dialog(self, dialog: Any) -> None:
        self.faults.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def go(self, path: str = "/") -> Any:
        self.page.goto(self.server.url + path)
        return self.page

    def inbox(self, path: str = "/") -> Any:
        page = self.go(path)
        page.locator(".row").first.wait_for(state="attached", timeout=60_000)
        page.locator("[data-ack-id]").wait_for(state="attached", timeout=60_000)
        return page

    def opened(self, case_id: int) -> None:
        """Waits until the server has confirmed the case on screen."""
        self.page.locator(f'[data-ack-id="{case_id}"]').wait_for(state="attached", timeout=20_000)


def row(page: Any, case_id: int) -> Any:
    return page.locator(f'.row[data-id="{case_id}"]')


def until(check: Callable[[], bool], page: Any) -> None:
    for _ in range(100):
        if check():
            return
        page.wait_for_timeout(100)
    pytest.fail("did not come true")


def violations(page: Any) -> list[Any]:
    """Gives what keeps people out of the page as it stands, by axe; skips where there is none."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    # Streamlit fades what it is about to draw anew, which has less contrast for a moment.
    until(lambda: page.locator('[data-stale="true"]').count() == 0, page)
    page.wait_for_timeout(300)
    found = axe.Axe().run(page)
    return [
        (violation["id"], node["target"], node.get("failureSummary", "")[:300])
        for violation in found.response["violations"]
        for node in violation["nodes"]
    ]
