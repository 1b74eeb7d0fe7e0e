"""Stands on the wire between earmark and a server, and sees each exchange before either does.

A test counts requests here, lets something happen between two pages, cuts a connection, or ends
the worker at the very moment when a request is out and its answer is not back.
"""

import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STAGES = ("asked", "answered", "half", "told")
_PER_HOP = {"connection", "keep-alive", "transfer-encoding", "host", "content-length"}


class Cut(Exception):
    """Ends the connection without another byte."""


@dataclass
class Exchange:
    """One request with its answer; `status` is 0 until the server has answered."""

    method: str
    path: str
    token: str
    status: int = 0
    body: bytes = b""

    @property
    def address(self) -> str:
        """The path without its query."""
        return self.path.partition("?")[0]


At = Callable[[Exchange, str], None]


def _nothing(_exchange: Exchange, _stage: str) -> None:
    pass


@dataclass
class WireTap:
    """What went over the wire; `at` is called with each exchange at each of the `STAGES`.

    asked: nothing is forwarded yet. answered: the server has done it, the client knows nothing.
    half: the client has half of the answer. told: the client has all of it.
    `strip` names headers that the server never gets to see.
    """

    port: int
    exchanges: list[Exchange] = field(default_factory=list)
    at: At = _nothing
    strip: frozenset[str] = frozenset()
    under_way: int = 0
    changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def allow(self) -> str:
        return f"127.0.0.1:{self.port}"

    def asked(self, part: str) -> list[Exchange]:
        """Gives the exchanges whose path has *part* in it."""
        return [exchange for exchange in self.exchanges if part in exchange.path]

    def quiet(self) -> None:
        """Lets everything pass again, and waits until nothing is under way any more."""
        self.at = _nothing
        with self.changed:
            assert self.changed.wait_for(lambda: self.under_way == 0, timeout=60)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Counts an exchange as under way."""
        with self.changed:
            self.under_way += 1
        try:
            yield
        finally:
            with self.changed:
                self.under_way -= 1
                self.changed.notify_all()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, upstream: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = upstream
        self.tap = WireTap(self.server_address[1])
        self.open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no error here."""

    def hang_up(self) -> None:
        for connection in list(self.open):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def _pass_on(self) -> None:
        with self.server.tap.counted():
            self._exchange()

    def _exchange(self) -> None:
        tap = self.server.tap
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        exchange = Exchange(self.command, self.path, token)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        tap.exchanges.append(exchange)
        try:
            tap.at(exchange, "asked")
            headers = self._ask(exchange, body)
            tap.at(exchange, "answered")
            half = len(exchange.body) // 2
            self._head(exchange, headers)
            self.wfile.write(exchange.body[:half])
            tap.at(exchange, "half")
            self.wfile.write(exchange.body[half:])
            tap.at(exchange, "told")
        except (Cut, ConnectionError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_DELETE = _pass_on  # noqa: N815 - the names are http.server's

    def _ask(self, exchange: Exchange, body: bytes) -> list[tuple[str, str]]:
        hidden = _PER_HOP | self.server.tap.strip
        headers = {k: v for k, v in self.headers.items() if k.lower() not in hidden}
        headers["Connection"] = "close"
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.upstream, timeout=60)
        try:
            upstream.request(exchange.method, exchange.path, body or None, headers)
            with upstream.getresponse() as answer:
                exchange.body = answer.read()
                exchange.status = answer.status
                return answer.getheaders()
        finally:
            upstream.close()

    def _head(self, exchange: Exchange, headers: list[tuple[str, str]]) -> None:
        self.send_response_only(exchange.status)
        for name, value in headers:
            if name.lower() not in _PER_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(exchange.body)))
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing; the exchanges are kept."""


@contextmanager
def wire_tap(upstream: int) -> Iterator[WireTap]:
    """Listens on a port of its own and passes everything on to *upstream* on loopback."""
    with _Server(upstream) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server.tap
        finally:
            server.shutdown()
            thread.join()
            server.hang_up()
