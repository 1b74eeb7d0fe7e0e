"""The way of a mail through real servers: Debian's OpenSMTPD and Dovecot."""

import asyncio
import contextlib
import imaplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from earmark.app import Parts
from earmark_core.address import AllowRule
from earmark_core.clock import FixedClock, system_clock
from earmark_core.dial import Dialer
from earmark_core.errors import Rejected, Unavailable
from earmark_core.model import AUTOMATIC, Delivery, WindowState
from earmark_core.store import Store, open_store
from earmark_core.tables import Brand, Case, Mention, PollWindow, Quarantine, Reply, Source
from earmark_listeners.contract import Outgoing, Responder, Wiring
from earmark_listeners.registry import build
from tests.peers.certificate import make_certificate
from tests.peers.house import House, actor_of, rows
from tests.peers.mail import CARE, PASSWORD, MailHouse, mail_house

pytestmark = [pytest.mark.peer, pytest.mark.slow]

INES = "ines@mail.test"
COMPLAINT = "My machine leaks and your support is useless. I want a refund, can you help?"


@pytest.fixture(scope="session")
def mail_servers(need: Callable[[str, str], None]) -> Iterator[MailHouse]:
    with mail_house(need) as house:
        yield house


@pytest.fixture
def post(mail_servers: MailHouse) -> MailHouse:
    """The servers with the mailboxes of these tests empty."""
    for user in (CARE, INES):
        mail_servers.clear(user)
    return mail_servers


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(system_clock())


@pytest.fixture
def house(sqlite_url: str, tmp_path: Path, clock: FixedClock, post: MailHouse) -> House:
    allow = f"127.0.0.1:{post.imap_port},127.0.0.1:{post.smtp_port}"
    return House(sqlite_url, tmp_path, clock, allow, token=PASSWORD, request_seconds=15)


@pytest.fixture
def store(house: House) -> Iterator[Store]:
    store = open_store(house.database)
    yield store
    store.close()


def listen(store: Store, clock: FixedClock, post: MailHouse, **more: Any) -> int:
    options = {
        "address": CARE, "password": "env:MOCK_TOKEN", "imap_host": "127.0.0.1",
        "imap_port": post.imap_port, "imap_security": "none", "smtp_host": "127.0.0.1",
        "smtp_port": post.smtp_port, "smtp_security": "none", "smtp_login": False, **more,
    }  # fmt: skip
    with store.write() as session:
        brand = Brand(name="Acme", created_at=clock())
        session.add(brand)
        session.flush()
        source = Source(
            brand_id=brand.id or 0, channel="email", name="Care", options=options, takes_all=True,
            next_poll_at=clock(), created_at=clock(), interval_seconds=60, min_interval_seconds=60,
        )  # fmt: skip
        session.add(source)
        session.flush()
        return source.id or 0


def mail(number: str, text: str = COMPLAINT, **headers: str) -> bytes:
    given = {
        "From": f"Ines Duarte <{INES}>", "To": CARE, "Message-ID": f"<{number}@mail.test>",
        "Subject": "My machine leaks", "Content-Type": "text/plain; charset=utf-8",
    }  # fmt: skip
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
    return f"{head}\r\n{text}\r\n".encode()


def ids(store: Store) -> list[str]:
    return [mention.external_id for mention in rows(store, Mention)]


def test_a_mail_becomes_a_case_and_stays_unread(house, store, clock, post) -> None:
    listen(store, clock, post)
    house.poll()  # begins at the end of an empty mailbox
    post.write(mail("a1"), CARE)
    post.write(mail("a2", "I am away.", Auto_Submitted="auto-replied"), CARE)
    house.later(minutes=5)
    assert house.poll()["Care"].outcome.new_items == 2
    assert [m.kind for m in rows(store, Mention)] == ["mail", AUTOMATIC]
    assert len(rows(store, Case)) == 1, "what a machine wrote opens none"
    assert "Seen" not in post.flags(CARE)
    house.later(minutes=30)
    outcome = house.poll()["Care"].outcome
    assert (outcome.items, outcome.state) == (0, WindowState.complete)


def test_a_mail_that_never_parses_is_kept_apart_and_the_others_go_on(
    house, store, clock, post
) -> None:
    listen(store, clock, post)
    post.lay(mail("b1"), CARE)
    post.lay(b"no header at all\r\n\r\nonly words\r\n", CARE)
    post.lay(mail("b2"), CARE)
    house.poll()
    assert ids(store) == [f"b1@mail.test/{INES}", f"b2@mail.test/{INES}"]
    assert len(rows(store, Quarantine)) == 1
    house.later(minutes=30)
    house.poll()
    assert len(rows(store, Quarantine)) == 1


def test_a_folder_that_is_numbered_anew_doubles_and_loses_nothing(
    house, store, clock, post
) -> None:
    with post.program(CARE) as imap:
        imap.create("Care")
    listen(store, clock, post, folder="Care")
    for number in range(5):
        post.lay(mail(f"c{number}", f"{number}: {COMPLAINT}"), CARE, "Care")
    house.poll()
    assert len(ids(store)) == 5
    post.lay(mail("c5"), CARE, "Care")
    post.number_anew(CARE)
    house.later(minutes=30)
    house.poll()
    assert sorted(ids(store)) == sorted(f"c{number}@mail.test/{INES}" for number in range(6))
    assert all(mention.revision == 1 for mention in rows(store, Mention))
    assert "numbered the mailbox anew" in rows(store, PollWindow)[-1].note


def answer(house: House, store: Store, clock: FixedClock) -> None:
    """Writes and approves a reply to the only case."""
    (case,) = rows(store, Case)
    actor = actor_of(store, clock)

    def work(parts: Parts) -> None:
        seen = parts.views.case(actor, case.id)
        parts.replies.send(actor, case.id, "We are sorry. Your refund is on its way.",
                           seen.last_mention_id, seen.case.version)  # fmt: skip

    house.ask(work)


def delivered(house: House, store: Store) -> Reply:
    for _ in range(8):
        house.deliver()
        house.later(seconds=40)
    reply: Reply = rows(store, Reply)[-1]
    return reply


def test_mails_of_an_earlier_stretch_are_fetched_page_by_page_also_when_taken_up_again(
    house, store, clock, post
) -> None:
    """Dovecot searches by days; what was said in the stretch is told by the mail's own date."""
    said = {f"e{days}": clock() - timedelta(days=days, hours=1) for days in range(1, 31)}
    with post.program(CARE) as imap:
        for number, at in said.items():
            raw = mail(number, Date=format_datetime(at))
            assert imap.append("INBOX", "", imaplib.Time2Internaldate(at), raw)[0] == "OK"
    listen(store, clock, post, max_mails=4)
    start, end = clock() - timedelta(days=20), clock() - timedelta(days=3)
    wanted = {f"{name}@mail.test/{INES}" for name, at in said.items() if start <= at < end}
    assert len(wanted) == 17

    async def walk(since: Any, most: int) -> tuple[set[str], Any]:
        parts = house.parts()
        try:
            options = rows(store, Source)[0].options
            found, batch = set(), None
            pages = parts.build("email", dict(options)).backfill(start, end, since)
            async with contextlib.aclosing(pages):
                async for batch in pages:
                    found |= {item.external_id for item in batch.items}
                    most -= 1
                    if not most:
                        break
            return found, batch
        finally:
            await parts.aclose()

    begun, page = asyncio.run(walk(None, 2))
    rest, last = asyncio.run(walk(page.cursor, 99))
    assert 0 < len(begun) < len(wanted)
    assert begun | rest == wanted
    assert (last.state, last.covers_from) == (WindowState.backfilled, start)


def test_a_reply_goes_out_once_in_its_thread_and_is_confirmed(house, store, clock, post) -> None:
    listen(store, clock, post)
    house.poll()
    post.write(mail("d1"), CARE)
    house.later(minutes=5)
    house.poll()
    answer(house, store, clock)
    reply = delivered(house, store)
    assert (reply.state, reply.error) == (Delivery.confirmed, "")
    (arrived,) = post.mails(INES)
    said = message_from_bytes(arrived, policy=policy.default)
    assert said["In-Reply-To"] == "<d1@mail.test>"
    assert said["Message-ID"] == f"<{reply.remote_id}>"
    assert len(post.mails(CARE, "Sent")) == 1
    # The customer's program names only the mail that it answers.
    post.write(mail("d2", "Still no refund!", In_Reply_To=said["Message-ID"]), CARE)
    house.later(minutes=30)
    house.poll()
    assert len({m.thread_key for m in rows(store, Mention)}) == 1
    assert len(rows(store, Case)) == 1


@pytest.fixture
def between(post: MailHouse) -> Iterator[int]:
    """A port before OpenSMTPD that drops the line once the text was taken, before "250" is seen."""
    listening = socket.create_server(("127.0.0.1", 0))

    def pump(ours: socket.socket) -> None:
        with ours, socket.create_connection(("127.0.0.1", post.smtp_port)) as server:
            server.settimeout(10)
            with ours.makefile("rb") as said, server.makefile("rb") as answers:
                ours.sendall(answers.readline())
                in_text = False
                for line in said:
                    server.sendall(line)
                    if in_text and line != b".\r\n":
                        continue
                    heard = answers.readline()
                    while heard[3:4] == b"-":
                        ours.sendall(heard)
                        heard = answers.readline()
                    if in_text:
                        assert heard.startswith(b"250")
                        return
                    in_text = heard.startswith(b"354")
                    ours.sendall(heard)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                pump(listening.accept()[0])

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(10)


def test_a_line_that_drops_after_the_text_leads_to_no_second_mail(
    house, store, clock, post, between
) -> None:
    """D6. The server took it; it keeps no copy, so that only a person can settle it."""
    house.allow += f",127.0.0.1:{between}"
    listen(store, clock, post, smtp_port=between)
    house.poll()
    post.write(mail("e1"), CARE)
    house.later(minutes=5)
    house.poll()
    answer(house, store, clock)
    reply = delivered(house, store)
    assert reply.state == Delivery.needs_human
    house.later(hours=2)
    house.deliver()
    assert len(post.mails(INES)) == 1
    assert post.mails(CARE, "Sent") == []


def test_a_reply_in_doubt_is_found_where_the_server_files_it(
    house, store, clock, post, between
) -> None:
    house.allow += f",127.0.0.1:{between}"
    listen(store, clock, post, smtp_port=between, server_files_sent=True)
    house.poll()
    post.write(mail("f1"), CARE)
    house.later(minutes=5)
    house.poll()
    answer(house, store, clock)
    house.later(seconds=40)  # the time in which it can be taken back
    house.deliver()
    assert rows(store, Reply)[-1].state == Delivery.unknown
    (arrived,) = post.mails(INES)
    post.lay(arrived, CARE, "Sent")  # as Gmail and Microsoft 365 do by themselves
    reply = delivered(house, store)
    assert reply.state == Delivery.confirmed
    assert len(post.mails(INES)) == 1


def test_without_the_operator_s_word_no_private_server_is_spoken_to(
    house, store, clock, post
) -> None:
    house.allow = ""
    listen(store, clock, post)
    post.lay(mail("g1"), CARE)
    outcome = house.poll()["Care"].outcome
    assert outcome.needs_person
    assert ids(store) == []


def test_a_wrong_password_is_said_in_plain_words(house, store, clock, post) -> None:
    house.token = "wrong"
    listen(store, clock, post)
    outcome = house.poll()["Care"].outcome
    assert outcome.error == "The mail server does not accept the login."
    assert "app password" in outcome.hint


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_mail_is_read_over_tls(post, clock, security) -> None:
    port = {"tls": post.imaps_port, "starttls": post.imap_port}[security]
    rule = AllowRule([f"127.0.0.1:{port}"])
    options = {
        "address": CARE, "password": "env:P", "imap_host": "127.0.0.1", "imap_port": port,
        "imap_security": security,
    }  # fmt: skip

    async def heard(context: ssl.SSLContext | None, **more: str) -> list[str]:
        asking = SimpleNamespace(dial=Dialer(rule, seconds=10, context=context))
        one = build("email", options | more, Wiring(asking, clock, lambda _: PASSWORD))  # type: ignore[arg-type]  # stands in for the fetcher
        return [item.external_id async for batch in one.poll(None) for item in batch.items]

    post.lay(mail("h1"), CARE)
    trusting = ssl.create_default_context(cafile=str(post.certificate.cert))
    assert asyncio.run(heard(trusting)) == [f"h1@mail.test/{INES}"]
    named = str(post.certificate.cert)
    assert asyncio.run(heard(None, ca_file=named)) == [f"h1@mail.test/{INES}"]
    with pytest.raises(Unavailable, match="certificate is not valid"):
        asyncio.run(heard(None))


SECURE = {"tls": "submissions_port", "starttls": "submission_port"}


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_reply_goes_out_over_tls_to_a_server_that_is_known(
    house, store, clock, post, security
) -> None:
    port = getattr(post, SECURE[security])
    house.allow += f",127.0.0.1:{port}"
    listen(
        store, clock, post, smtp_port=port, smtp_security=security, smtp_login=True,
        ca_file=str(post.certificate.cert),
    )  # fmt: skip
    house.poll()
    post.write(mail("i1"), CARE)
    house.later(minutes=5)
    house.poll()
    answer(house, store, clock)
    reply = delivered(house, store)
    assert (reply.state, reply.error) == (Delivery.confirmed, "")
    (arrived,) = post.mails(INES)
    said = message_from_bytes(arrived, policy=policy.default)
    assert said["Message-ID"] == f"<{reply.remote_id}>"
    assert any("ESMTPSA" in way for way in said.get_all("Received")), "with TLS, and logged in"


@pytest.mark.parametrize("security", ["tls", "starttls"])
@pytest.mark.parametrize("wrong", ["unknown", "another", "name"])
def test_a_server_with_a_wrong_certificate_gets_no_reply(
    post, clock, security, wrong, tmp_path
) -> None:
    """Neither one of an authority nobody knows, nor of another, nor one for another name."""
    port, host = getattr(post, SECURE[security]), "127.0.0.1"
    ca_file = str(post.certificate.cert)
    if wrong == "name":
        host = "localhost"
    else:
        ca_file = str(make_certificate(tmp_path).cert) if wrong == "another" else ""
    with pytest.raises(Unavailable, match="certificate is not valid, so nothing was sent"):
        send(clock, host, port, smtp_security=security, ca_file=ca_file)
    assert post.mails(INES) == []


def test_a_server_that_offers_no_tls_gets_no_reply_and_no_password(post, clock) -> None:
    with pytest.raises(Unavailable, match="offers no TLS at this port") as caught:
        send(clock, "127.0.0.1", post.smtp_port, smtp_security="starttls")
    assert "465" in caught.value.hint
    assert post.mails(INES) == []


def test_a_file_of_certificates_that_is_none_is_told(post, clock, tmp_path) -> None:
    (tmp_path / "no.pem").write_text("no certificate")
    for name in ("no.pem", "missing.pem"):
        with pytest.raises(Rejected, match="certificates to trust cannot be read"):
            send(clock, "127.0.0.1", post.submissions_port, ca_file=str(tmp_path / name))


def send(clock: FixedClock, host: str, port: int, **more: Any) -> None:
    """Hands one reply over as the channel does."""
    rule = AllowRule([f"{host}:{port}"])
    options = {
        "address": CARE, "password": "env:P", "imap_host": "127.0.0.1", "smtp_host": host,
        "smtp_port": port, **more,
    }  # fmt: skip
    ref = {"to": INES, "message_id": "j1@mail.test", "subject": "My machine leaks"}

    async def act() -> None:
        asking = SimpleNamespace(dial=Dialer(rule, seconds=10))
        one = build("email", options, Wiring(asking, clock, lambda _: PASSWORD))  # type: ignore[arg-type]  # stands in for the fetcher
        assert isinstance(one, Responder)
        await one.send(Outgoing("We are sorry.", ref, "earmark-1", clock()))

    asyncio.run(act())
