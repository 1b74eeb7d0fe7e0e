"""The door for what does not speak HTTP, against real sockets on loopback."""

import asyncio
import contextlib
import gc
import socket
import ssl
import struct
import threading
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from earmark_core.address import AllowRule
from earmark_core.dial import Dialer, Line, Security
from earmark_core.errors import Interrupted, Rejected, Unavailable
from earmark_core.fetch import make_fetcher
from tests.peers.certificate import Certificate, make_certificate

Serve = Callable[[socket.socket], None]


@pytest.fixture
def serving() -> Iterator[Callable[[Serve], int]]:
    """Serves connections in a thread until the test is over; gives the port."""
    open_ones: list[tuple[socket.socket, threading.Thread]] = []

    def begin(serve: Serve) -> int:
        listening = socket.create_server(("127.0.0.1", 0))

        def run() -> None:
            with contextlib.suppress(OSError):
                while True:
                    sock, _ = listening.accept()
                    with sock, contextlib.suppress(OSError):
                        serve(sock)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        open_ones.append((listening, thread))
        return int(listening.getsockname()[1])

    yield begin
    for listening, thread in open_ones:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(5)


def dialer(port: int, *, host: str = "127.0.0.1", **more: Any) -> Dialer:
    return Dialer(AllowRule([f"{host}:{port}"]), **more)


async def said(line: Line) -> bytes:
    return await line.run(lambda: line.socket.recv(100))


def ask(dial: Dialer, port: int, *, host: str = "127.0.0.1", security: Security = "none") -> bytes:
    async def body() -> bytes:
        async with dial.line(host, port, security) as line:
            return await said(line)

    return asyncio.run(body())


def test_a_line_to_a_destination_that_was_written_down(serving) -> None:
    port = serving(lambda sock: sock.sendall(b"hello"))
    assert ask(dialer(port), port) == b"hello"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "::1", "0.0.0.0"])
@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
def test_a_private_address_is_not_reached(serving, host: str, security: Security) -> None:
    heard: list[int] = []
    port = serving(lambda sock: heard.append(1))
    with pytest.raises((Rejected, Unavailable)) as caught:
        ask(Dialer(AllowRule()), port, host=host, security=security)
    assert not isinstance(caught.value, Unavailable) or host == "2130706433"
    assert heard == []


def test_the_address_that_was_checked_is_the_one_that_is_reached(serving) -> None:
    """A name that is looked up once as public and once as private gets no second look-up."""
    port = serving(lambda sock: sock.sendall(b"secret"))
    asked: list[str] = []

    async def look_up(host: str, number: int) -> list[Any]:
        asked.append(host)
        inner = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", number))
        return [inner]

    with pytest.raises(Rejected, match="open internet"):
        ask(Dialer(AllowRule(), look_up=look_up), port, host="mail.example", security="starttls")
    assert asked == ["mail.example"]


def test_mail_in_clear_never_leaves_for_the_open_internet() -> None:
    with pytest.raises(Rejected, match="without TLS"):
        ask(Dialer(AllowRule()), 143, host="mail.example", security="none")


def test_who_does_not_answer_or_has_no_name(serving) -> None:
    async def nobody(host: str, port: int) -> list[Any]:
        raise socket.gaierror(-2, "not known")

    with pytest.raises(Unavailable, match="looked up"):
        ask(Dialer(AllowRule(), look_up=nobody), 993, host="no.example", security="tls")
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        with pytest.raises(Unavailable, match="refuses"):
            ask(dialer(port), port)


def test_a_server_that_drips_is_left_at_the_deadline(serving) -> None:
    """Each byte comes in time, and all of them never would."""
    ended = threading.Event()

    def drip(sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while not ended.wait(0.02):
                sock.sendall(b"x")
        ended.set()

    port = serving(drip)

    async def body() -> None:
        async with dialer(port, seconds=0.4).line("127.0.0.1", port, "none") as line:
            await line.run(lambda: read_for_ever(line))

    with pytest.raises(Interrupted, match=r"0\.4 seconds"):
        asyncio.run(body())
    assert ended.wait(5), "the line was closed"
    assert [t.name for t in threading.enumerate() if t.name.startswith("asyncio")] == []


def read_for_ever(line: Line) -> None:
    while line.socket.recv(1):
        pass


def test_a_line_that_breaks_is_interrupted(serving) -> None:
    def reset(sock: socket.socket) -> None:
        sock.recv(1)  # not before the other side is through with connecting
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")

    port = serving(reset)

    async def body() -> None:
        async with dialer(port).line("127.0.0.1", port, "none") as line:
            await line.run(lambda: line.socket.sendall(b"x"))
            await line.run(lambda: line.socket.recv(1))

    with pytest.raises(Interrupted, match="connection failed"):
        asyncio.run(body())


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("tls"))


def speaking_tls(certificate: Certificate) -> Serve:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)

    def serve(sock: socket.socket) -> None:
        with context.wrap_socket(sock, server_side=True) as secured:
            secured.sendall(b"in private")

    return serve


def test_tls_with_a_certificate_that_is_trusted(serving, certificate) -> None:
    port = serving(speaking_tls(certificate))
    trusting = ssl.create_default_context(cafile=str(certificate.cert))
    assert ask(dialer(port, context=trusting), port, security="tls") == b"in private"


def test_tls_with_a_certificate_that_nobody_vouches_for(serving, certificate) -> None:
    port = serving(speaking_tls(certificate))
    with pytest.raises(Unavailable, match="certificate is not valid"):
        ask(dialer(port), port, security="tls")


def test_tls_begun_in_between(serving, certificate) -> None:
    port = serving(speaking_tls(certificate))
    trusting = ssl.create_default_context(cafile=str(certificate.cert))

    async def body() -> bytes:
        dial = dialer(port, context=trusting)
        async with dial.line("127.0.0.1", port, "starttls") as line:
            await line.run(line.secure)
            return await said(line)

    assert asyncio.run(body()) == b"in private"


def test_a_line_that_breaks_before_tls_is_closed(serving) -> None:
    """The standard library leaves it open where it is reset just before TLS begins."""
    there, gone = threading.Event(), threading.Event()

    def reset(sock: socket.socket) -> None:
        assert there.wait(5)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        gone.set()

    port = serving(reset)

    async def body() -> None:
        async with dialer(port).line("127.0.0.1", port, "starttls") as line:
            there.set()
            assert await asyncio.to_thread(gone.wait, 5)
            with pytest.raises(Interrupted):
                await line.run(line.secure)

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", ResourceWarning)
        asyncio.run(body())
        gc.collect()
    assert [str(one.message) for one in told] == []


@pytest.mark.parametrize("content", [b"", b"no certificate", None], ids=["empty", "text", "none"])
def test_a_file_of_certificates_that_is_none_is_told(serving, tmp_path, content) -> None:
    asked: list[int] = []
    port = serving(lambda sock: asked.append(1))
    if content is not None:
        (tmp_path / "ca.pem").write_bytes(content)

    async def body() -> None:
        async with dialer(port).line("127.0.0.1", port, ca_file=str(tmp_path / "ca.pem")):
            pass

    with pytest.raises(Rejected, match="certificates to trust cannot be read"):
        asyncio.run(body())
    assert asked == []


def test_a_certificate_that_a_file_vouches_for(serving, certificate) -> None:
    port = serving(speaking_tls(certificate))

    async def body() -> bytes:
        async with dialer(port).line("127.0.0.1", port, ca_file=str(certificate.cert)) as line:
            return await said(line)

    assert asyncio.run(body()) == b"in private"


def test_a_handshake_that_never_ends_is_left(serving) -> None:
    ended = threading.Event()

    def silent(sock: socket.socket) -> None:
        while sock.recv(1000):
            pass
        ended.set()

    port = serving(silent)
    with pytest.raises(Unavailable, match=r"0\.3 seconds") as caught:
        ask(dialer(port, seconds=0.3), port, security="tls")
    assert not isinstance(caught.value, Interrupted), "nothing was said yet"
    assert ended.wait(5)


def test_every_fetcher_has_one_under_its_own_rule(serving) -> None:
    port = serving(lambda sock: sock.sendall(b"hello"))

    async def body(allow: tuple[str, ...]) -> bytes:
        async with (
            make_fetcher(user_agent="t", allow=allow) as fetch,
            fetch.dial.line("127.0.0.1", port, "none") as line,
        ):
            return await said(line)

    assert asyncio.run(body((f"127.0.0.1:{port}",))) == b"hello"
    with pytest.raises(Rejected):
        asyncio.run(body(()))
