"""A mailbox: what the contract suite cannot say. The server is `tests.peers.post_office`."""

import asyncio
import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from earmark_core.address import AllowRule
from earmark_core.clock import FixedClock
from earmark_core.dial import Dialer
from earmark_core.errors import (
    ConfigError,
    ListenerError,
    Malformed,
    Rejected,
    ReplyRefused,
    ReplyUnknown,
    Unavailable,
)
from earmark_core.fetch import make_fetcher
from earmark_core.model import AUTOMATIC, Cursor, Item, WindowState
from earmark_listeners.channels.email import EmailListener
from earmark_listeners.channels.email.content import decoded, header_text
from earmark_listeners.channels.email.imap import folder_name, quoted
from earmark_listeners.channels.email.quoting import said
from earmark_listeners.channels.email.reading import Fetched, read_mail
from earmark_listeners.channels.email.writing import written
from earmark_listeners.contract import Batch, Gone, Outgoing, Sent, Target, Wiring
from earmark_listeners.registry import build, responder
from tests.peers.certificate import make_certificate
from tests.peers.post_office import PostOffice

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
OPTIONS = {
    "address": "care@acme.example", "imap_host": "imap.acme.example", "password": "env:P",
    "smtp_host": "smtp.acme.example",
}  # fmt: skip
PASSWORD = 'a "difficult" \\pass'


def mailbox(office: PostOffice, **options: Any) -> EmailListener:
    made = build("email", {**OPTIONS, **options}, wiring(office))
    assert isinstance(made, EmailListener)
    return made


def wiring(office: PostOffice) -> Wiring:
    def never(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"access_token": "tok-en", "expires_in": 3600})

    clock = FixedClock(NOW)
    fetch = make_fetcher(user_agent="t", transport=httpx.MockTransport(never), clock=clock)
    asking = SimpleNamespace(dial=office, request=fetch.request)
    return Wiring(asking, clock, lambda _: PASSWORD)  # type: ignore[arg-type]  # stands in for the fetcher


def mail(number: int | str, text: str = "It leaks.", **headers: str) -> bytes:
    given = {
        "From": "Ines <ines@mail.example>", "To": "care@acme.example",
        "Date": "Sun, 01 Mar 2026 10:00:00 +0000", "Message-ID": f"<m{number}@mail.example>",
        "Subject": f"mail {number}",
    }  # fmt: skip
    given |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = [f"{name}: {value}" for name, value in given.items() if value]
    return "\r\n".join([*lines, "", *text.split("\n"), ""]).encode()


def polled(listener: EmailListener, since: Cursor | None = None) -> list[Batch]:
    async def body() -> list[Batch]:
        async with aclosing(listener.poll(since)) as pages:  # type: ignore[type-var]  # a generator
            return [batch async for batch in pages]

    return asyncio.run(body())


def polled_until_broken(listener: EmailListener, since: Cursor | None = None) -> list[Batch]:
    batches: list[Batch] = []

    async def body() -> None:
        async with aclosing(listener.poll(since)) as pages:  # type: ignore[type-var]  # a generator
            async for batch in pages:
                batches.append(batch)  # noqa: PERF401 (what came before it breaks counts)

    with pytest.raises(Unavailable):
        asyncio.run(body())
    return batches


def subjects(batches: list[Batch]) -> list[str]:
    return [item.title for batch in batches for item in batch.items]


def cursor(batches: list[Batch]) -> Cursor:
    found = [batch.cursor for batch in batches if batch.cursor is not None]
    return found[-1]


def read(raw: bytes, **options: Any) -> Item:
    listener = mailbox(PostOffice(), **options)
    return read_mail(Fetched(1, raw), listener.options, 77)


# Hearing


def test_the_last_mail_is_not_heard_again_though_the_server_gives_it() -> None:
    """`UID SEARCH n:*` answers with the last mail even where none is as high as n."""
    office = PostOffice()
    office.put(mail(1), 8)
    first = polled(mailbox(office))
    again = polled(mailbox(office), cursor(first))
    assert (subjects(first), subjects(again)) == (["mail 1"], [])
    assert len(office.commands("FETCH")) == 1


def test_nothing_in_the_mailbox_is_marked() -> None:
    office = PostOffice()
    office.put(mail(1))
    polled(mailbox(office))
    assert office.commands("EXAMINE")
    assert not [word for word in ("SELECT", "STORE", "EXPUNGE") if office.commands(word)]
    assert all("BODY.PEEK[]" in line for line in office.commands("FETCH"))


def test_an_empty_mailbox_begins_at_its_end() -> None:
    office = PostOffice(next_uid=501)
    begun = cursor(polled(mailbox(office)))
    assert json.loads(begun)["last"] == 500
    office.next_uid = None
    office.put(mail(1), 501)
    assert subjects(polled(mailbox(office), begun)) == ["mail 1"]


def test_a_mailbox_that_is_numbered_anew_is_read_again_and_nothing_is_another() -> None:
    office = PostOffice()
    for number in range(1, 4):
        office.put(mail(number), number * 10)
    first = polled(mailbox(office))
    known = {item.external_id for batch in first for item in batch.items}
    office.validity, office.folders["INBOX"] = 78, []
    for number in range(1, 5):
        office.put(mail(number), number)
    again = polled(mailbox(office), cursor(first))
    assert "numbered the mailbox anew" in again[0].note
    assert {item.external_id for batch in again for item in batch.items} > known
    assert subjects(polled(mailbox(office), cursor(again))) == []


def test_a_mailbox_that_was_emptied_under_the_same_name_loses_nothing() -> None:
    office = PostOffice()
    office.put(mail(1), 90)
    first = polled(mailbox(office))
    office.folders["INBOX"] = []
    office.put(mail(2), 1)
    assert subjects(polled(mailbox(office), cursor(first))) == ["mail 2"]


def test_more_than_a_poll_may_fetch_is_said_and_follows() -> None:
    office = PostOffice()
    for number in range(130):
        office.put(mail(number))
    first = polled(mailbox(office, max_mails=100))
    assert [len(batch.items) for batch in first] == [50, 50]
    assert {batch.state for batch in first} == {WindowState.truncated}
    rest = polled(mailbox(office, max_mails=100), cursor(first))
    assert subjects([*first, *rest]) == [f"mail {number}" for number in range(130)]


def test_a_mail_that_cannot_be_read_is_kept_apart_and_blocks_nothing() -> None:
    office = PostOffice()
    for raw in (mail(1), b"\x00\xff no mail", mail(2)):
        office.put(raw)
    batches = polled(mailbox(office))
    assert subjects(batches) == ["mail 1", "mail 2"]
    assert [bad.reason for bad in batches[0].bad_items] == ["It has none of the headers of a mail."]
    assert polled(mailbox(office), cursor(batches))[0].bad_items == ()


def test_a_mail_at_which_the_line_breaks_each_time_is_left_at_last() -> None:
    office = PostOffice(breaks_at={2})
    for number in range(1, 4):
        office.put(mail(number), number)
    heard: list[Batch] = []
    since: Cursor | None = None
    for _ in range(3):
        heard += polled_until_broken(mailbox(office), since)
        since = cursor(heard)
    last = polled(mailbox(office), since)
    assert subjects([*heard, *last]) == ["mail 1", "mail 3"]
    assert [bad.raw for bad in last[0].bad_items] == ["UID 2"]


def test_a_line_that_breaks_once_loses_nothing() -> None:
    office = PostOffice(breaks_at={2})
    for number in range(1, 4):
        office.put(mail(number), number)
    broken = polled_until_broken(mailbox(office))
    office.breaks_at.clear()
    rest = polled(mailbox(office), cursor(broken))
    assert subjects([*broken, *rest]) == ["mail 1", "mail 2", "mail 3"]


def test_a_large_mail_is_read_as_far_as_it_is_fetched() -> None:
    office = PostOffice()
    office.put(mail(1, "It leaks.\n" + "x" * 70 + "\n" + "y\n" * 40_000))
    (item,) = polled(mailbox(office, max_kilobytes=16))[0].items
    assert item.text.startswith("It leaks.")
    assert "<0.16384>" in office.commands("FETCH")[0]


def test_a_wrong_password_waits_for_a_person_and_is_not_repeated() -> None:
    office = PostOffice(password="another")
    with pytest.raises(Rejected, match="does not accept the login") as caught:
        polled(mailbox(office))
    assert PASSWORD not in str(caught.value) + repr(caught.value.__context__)


def test_a_folder_that_is_not_there_is_named() -> None:
    with pytest.raises(Rejected, match="no folder 'Kummer'"):
        polled(mailbox(PostOffice(), folder="Kummer"))


def test_a_password_is_quoted_and_a_token_is_not_a_password() -> None:
    office = PostOffice()
    polled(mailbox(office))
    assert office.commands("LOGIN") == [r'LOGIN "care@acme.example" "a \"difficult\" \\pass"']
    with pytest.raises(ConfigError, match="refresh_token"):
        mailbox(office, password="")


def test_a_cursor_of_another_make_is_refused() -> None:
    with pytest.raises(Rejected):
        polled(mailbox(PostOffice()), Cursor('{"page": 3}'))


# Reading


@pytest.mark.parametrize(
    ("headers", "sign"),
    [
        ({"Auto_Submitted": "auto-replied; owner-email=x@y.example"}, True),
        ({"Auto_Submitted": "auto-generated (rejected)"}, True),
        ({"Auto_Submitted": "No"}, False),
        ({"Precedence": "bulk"}, True),
        ({"Precedence": "first-class"}, False),
        ({"List_Id": "<news.example>"}, True),
        ({"List_Unsubscribe": "<mailto:off@news.example>"}, True),
        ({"X_Auto_Response_Suppress": "All"}, True),
        ({"Return_Path": "<>"}, True),
        ({"Return_Path": "<ines@mail.example>"}, False),
        ({"From": "MAILER-DAEMON@mail.example"}, True),
        ({"From": "no-reply@mail.example"}, True),
        ({"From": "noreplay@mail.example"}, False),
        ({"Content_Type": "multipart/report; report-type=delivery-status; boundary=b"}, True),
    ],
)
def test_mail_that_a_machine_wrote_is_marked(headers: Mapping[str, str], sign: bool) -> None:
    item = read(mail(1, **headers))
    assert (item.kind == AUTOMATIC) is sign
    assert bool(item.reply_ref) is not sign


def test_automatic_mail_that_is_awaited_is_heard_like_any_other() -> None:
    raw = mail(1, From="Stars <no-reply@stars.example>", List_Id="<x>")
    assert read(raw, notifications_from=["stars.example"]).kind == "mail"
    assert read(raw, notifications_from=["other.example"]).kind == AUTOMATIC


def test_our_own_mail_is_our_own() -> None:
    raw = mail(1, From="Hello <HELLO@acme.example>")
    assert read(raw, aliases=["hello@acme.example"]).is_own
    assert not read(raw).is_own


def test_who_a_form_on_our_site_writes_for_is_the_customer() -> None:
    item = read(mail(1, From="care@acme.example", Reply_To="Ines <ines@mail.example>"))
    assert not item.is_own
    assert item.author is not None
    assert (item.author.id, item.author.name) == ("ines@mail.example", "Ines")


def test_reply_to_is_answered_and_from_is_who_said_it() -> None:
    item = read(mail(1, Reply_To="Desk <desk@other.example>"))
    assert item.author is not None
    assert (item.author.id, item.reply_ref["to"]) == ("ines@mail.example", "desk@other.example")


def test_a_thread_is_one_through_every_mail_program() -> None:
    """Some name the whole chain, some only the last mail: ours, which knows its thread."""
    first = read(mail(1))
    reply = Outgoing("Sorry.", first.reply_ref, "earmark-3", NOW)
    ours = message_from_bytes(written(reply, mailbox(PostOffice()).options, NOW))
    whole = read(mail(2, References=f"<m1@mail.example> {ours['Message-ID']}"))
    last_only = read(mail(3, In_Reply_To=ours["Message-ID"]))
    other = read(mail(4))
    assert first.thread_id == whole.thread_id == last_only.thread_id != other.thread_id


def test_a_message_id_that_somebody_else_used_does_not_take_its_place() -> None:
    one, other = read(mail(1)), read(mail(1, From="eve@evil.example"))
    assert one.external_id != other.external_id


@pytest.mark.parametrize("gone", ["Message_ID", "Date", "Subject", "From"])
def test_a_header_may_be_missing(gone: str) -> None:
    one, again = (read(mail(1, **{gone: ""})) for _ in range(2))
    assert one == again
    assert one.external_id
    assert one.text == "It leaks."


@pytest.mark.parametrize("date", ["yesterday", "Sun, 99 Mar 2026 10:00:00", "", "1" * 5000])
def test_a_date_that_is_none_gives_way_to_when_it_arrived(date: str) -> None:
    listener = mailbox(PostOffice())
    raw = mail(1, Date=date)
    assert read_mail(Fetched(1, raw, NOW), listener.options, 1).published_at == NOW


@pytest.mark.parametrize(
    ("raw", "charset", "text"),
    [
        ("Grüße".encode(), "utf-8", "Grüße"), ("Grüße".encode("cp1252"), "", "Grüße"),
        ("Grüße".encode(), "us-ascii", "Grüße"), (b"\x93so\x94", "iso-8859-1", "“so”"),
        ("你好".encode("gb18030"), "gb2312", "你好"), ("да".encode("koi8-r"), "KOI8-R", "да"),
        ("日本".encode("iso-2022-jp"), "iso-2022-jp", "日本"), (b"plain", "x-nobody", "plain"),
        (b"plain", "base64", "plain"), (b"plain", "punycode", "plain"), (b"\xff", "utf-8", "�"),
    ],
)  # fmt: skip
def test_charsets(raw: bytes, charset: str, text: str) -> None:
    assert decoded(raw, charset) == text


def test_headers_as_people_read_them() -> None:
    assert header_text("=?utf-8?b?w7w=?= =?iso-8859-1?q?=E9?=") == "üé"
    assert header_text("=?utf-8?b?w7?=") != ""
    assert header_text("one\r\n two\x00") == "one two"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=2_000))
def test_whatever_lies_in_a_mailbox_is_an_item_or_is_malformed(noise: bytes) -> None:
    listener = mailbox(PostOffice())
    for raw in (noise, b"From: a@b.example\r\n" + noise, mail(1) + noise):
        try:
            item = read_mail(Fetched(1, raw), listener.options, 1)
        except Malformed:
            continue
        assert item.external_id


def test_parts_within_parts_do_not_end_the_reading() -> None:
    raw = b"From: a@b.example\r\nMessage-ID: <x@y>\r\n"
    for number in range(150):
        raw += f"Content-Type: multipart/mixed; boundary=b{number}\r\n\r\n--b{number}\r\n".encode()
    assert read(raw + b"\r\nhello").external_id


# What is new in it


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("It leaks.\n\nOn 1 Mar 2026, at 10:00, Care <care@acme.example> wrote:\n\n> Hello\n> you",
         "It leaks."),
        ("Hi,\n\nAm 01.03.2026 um 10:00 schrieb Care <care@acme.example>:\n> Hallo\nDoch nicht.",
         "Hi,\n\nDoch nicht."),
        ("Merci\n\nLe lun. 2 mars 2026 à 10:00, Care\n<care@acme.example> a écrit :\n\nBonjour",
         "Merci"),
        ("No.\n\n-----Original Message-----\nFrom: Care\nSent: Monday\nHello", "No."),
        ("Nein.\n\nVon: Care <care@acme.example>\nGesendet: Montag, 2. März\nAn: Ines\nBetreff: x",
         "Nein."),
        ("From: the very start it leaked.\nSent it back twice.",
         "From: the very start it leaked.\nSent it back twice."),
        ("On your remote host you can run:\n\n     telnet 127.0.0.1",
         "On your remote host you can run:\n\ntelnet 127.0.0.1"),
        ("What a day\n-- \nInes\nSales of angry words", "What a day"),
        ("Here it is\n\nSent from my iPhone", "Here it is"),
        ("机器漏水。\n\n在 2026年3月2日 10:00，Care <care@acme.example>写道：\n你好", "机器漏水。"),
        ("> only\n> a quote", "> only\n> a quote"),
        ("", ""),
    ],
)  # fmt: skip
def test_only_what_is_new_is_heard(text: str, new: str) -> None:
    assert said(text) == new


VECTORS = {
    "reply_correct_sig.txt": "this is an email with a correct -- signature.",
    "reply_email_1_4.txt": "Awesome! I haven't had another problem with it.",
    "reply_email_gmail.txt": "This is a test for inbox replying to a github message.",
    "reply_email_iPhone.txt": "Here is another email",
}


@pytest.mark.parametrize("name", VECTORS)
def test_recorded_replies(payloads, name: str) -> None:
    path = payloads / "email" / name
    if not path.is_file():
        pytest.skip("no recorded mails here")
    assert said(path.read_text("utf-8").replace("\r\n", "\n")) == VECTORS[name]


def test_a_long_line_is_quick() -> None:
    assert said("On " * 100_000 + "\n" + "From: " * 100_000) != ""
    assert said("\n".join(["On 1 2 3 wrote"] * 20_000)) != ""


# Answering


def reply(ref: Mapping[str, Any] | None = None, **more: Any) -> Outgoing:
    made = ref if ref is not None else read(mail(1)).reply_ref
    return replace(Outgoing("Sorry, Ines – it is on its way.", made, "earmark-17", NOW), **more)


def send(office: PostOffice, outgoing: Outgoing | None = None, **options: Any) -> Sent:
    return asyncio.run(mailbox(office, **options).send(outgoing or reply()))


def test_a_reply_as_it_goes_out() -> None:
    office = PostOffice(folders={"INBOX": [], "Sent": []})
    sent = send(office, from_name="Acme, Care")
    said = message_from_bytes(office.sent[0], policy=policy.default)
    assert said["From"] == '"Acme, Care" <care@acme.example>'
    assert (said["To"], said["Subject"]) == ("ines@mail.example", "Re: mail 1")
    assert said["In-Reply-To"] == said["References"] == "<m1@mail.example>"
    assert said["Message-ID"] == f"<{sent.remote_id}>"
    assert said["Auto-Submitted"] is None, "a person wrote it"
    assert said.get_content().strip() == "Sorry, Ines – it is on its way."
    assert office.envelopes[0].startswith("MAIL FROM:<care@acme.example>")
    assert office.envelopes[1] == "RCPT TO:<ines@mail.example>"
    assert [kept.raw for kept in office.folders["Sent"]] == [office.sent[0]]


def test_the_same_reply_has_the_same_id_and_another_has_another() -> None:
    made = {send(PostOffice(), reply(key=key)).remote_id for key in ("a-1", "a-1", "a-2")}
    assert len(made) == 2


def test_a_dot_alone_on_a_line_does_not_end_the_mail() -> None:
    office = PostOffice()
    send(office, reply(text="one\n.\n.two\nthree"))
    said = message_from_bytes(office.sent[0], policy=policy.default)
    assert said.get_content().split() == ["one", ".", ".two", "three"]


EVIL = "x\r\nBcc: all@evil.example\r\n\r\nBody"


@pytest.mark.parametrize("name", ["subject", "message_id", "references", "to", "thread"])
def test_no_header_can_be_smuggled_in(name: str) -> None:
    office = PostOffice()
    ref = {**read(mail(1)).reply_ref, name: EVIL}
    if name == "to":
        with pytest.raises(ReplyRefused):
            send(office, reply(ref))
        assert office.sent == []
        return
    try:
        send(office, reply(ref))
    except ValueError:
        assert office.sent == []
        return
    said = message_from_bytes(office.sent[0], policy=policy.default)
    assert "Bcc" not in said
    assert said["To"] == "ines@mail.example"
    assert office.envelopes[1:] == ["RCPT TO:<ines@mail.example>"]


def test_a_name_with_a_line_end_is_refused_as_an_option() -> None:
    with pytest.raises(ConfigError, match="from_name"):
        mailbox(PostOffice(), from_name="Care\r\nBcc: x@evil.example")


def test_ids_longer_than_a_line_stay_what_they_are() -> None:
    long = "a" * 200 + "@mail.example"
    office = PostOffice()
    send(
        office, reply({**read(mail(1)).reply_ref, "message_id": long, "references": f"b@c {long}"})
    )
    assert f"In-Reply-To: <{long}>".encode() in office.sent[0]
    said = message_from_bytes(office.sent[0])
    assert said["References"].split() == ["<b@c>", f"<{long}>", f"<{long}>"]


def test_re_stands_once() -> None:
    office = PostOffice()
    send(office, reply({**read(mail(1)).reply_ref, "subject": "AW: Re: RE[2]: It leaks"}))
    assert message_from_bytes(office.sent[0])["Subject"] == "Re: It leaks"


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"RCPT": "550 5.1.1 no such user"}, ReplyRefused),
        ({"RCPT": "451 4.7.1 greylisted, come back"}, Unavailable),
        ({"MAIL": "421 closing"}, Unavailable),
        ({"MAIL": "530 5.7.0 log in first"}, Rejected),
        ({"AUTH": "535 5.7.8 no"}, Rejected),
        ({"AUTH": "454 4.7.0 later"}, Unavailable),
        ({"DATA": "554 5.5.1 no"}, ReplyRefused),
        ({".": "554 5.7.1 looks like spam"}, ReplyRefused),
        ({".": "452 4.2.2 full"}, Unavailable),
        ({".": "drop"}, ReplyUnknown),
        ({"EHLO": "drop"}, Unavailable),
        ({"MAIL": "drop"}, Unavailable),
        ({"RCPT": "drop"}, Unavailable),
        ({"DATA": "drop"}, Unavailable),
    ],
    ids=lambda one: " ".join(f"{k} {v}" for k, v in one.items()) if isinstance(one, dict) else "",
)
def test_what_an_answer_means_depends_on_when_it_comes(
    answers: dict[str, str], error: type[Exception]
) -> None:
    office = PostOffice(answers=answers)
    with pytest.raises(error) as caught:
        send(office)
    assert type(caught.value) is error
    assert office.folders == {"INBOX": []}, "nothing is filed that was not taken"
    assert len(office.sent) == (1 if error is ReplyUnknown else 0)


def test_greylisting_is_waited_for() -> None:
    with pytest.raises(Unavailable) as caught:
        send(PostOffice(answers={"RCPT": "451 4.7.1 greylisted"}))
    assert caught.value.retry_after == timedelta(minutes=15)


def test_a_dropped_line_is_settled_by_the_sent_folder_where_the_server_files_it() -> None:
    """D6: the server took it, and the line broke before it could say so."""
    office = PostOffice(folders={"INBOX": [], "Sent": []}, answers={".": "drop"}, files_sent="Sent")
    listener = mailbox(office, server_files_sent=True)
    with pytest.raises(ReplyUnknown):
        asyncio.run(listener.send(reply()))
    found = asyncio.run(listener.find(reply()))
    assert found is not None
    assert f"<{found.remote_id}>".encode() in office.sent[0]
    office.folders["Sent"].clear()
    assert asyncio.run(listener.find(reply())) is None


def test_where_only_we_file_what_was_sent_its_absence_proves_nothing() -> None:
    """Else a reply that is out would be sent again."""
    office = PostOffice(folders={"INBOX": [], "Sent": []}, answers={".": "drop"})
    listener = mailbox(office)
    with pytest.raises(ReplyUnknown):
        asyncio.run(listener.send(reply()))
    with pytest.raises(ReplyUnknown, match="keeps no copy"):
        asyncio.run(listener.find(reply()))
    office.answers.clear()
    sent = asyncio.run(listener.send(reply()))
    assert asyncio.run(listener.find(reply())) == sent


def test_a_copy_that_cannot_be_filed_does_not_undo_the_reply(caplog) -> None:
    office = PostOffice(password="another")
    assert send(office, smtp_login=False).remote_id
    assert len(office.sent) == 1
    assert "could not be filed" in caplog.text
    assert PASSWORD not in caplog.text


def test_the_folder_for_sent_mail_is_the_one_the_server_marks_so() -> None:
    listed = (
        r'* LIST (\HasNoChildren) "/" INBOX',
        r'* LIST (\HasNoChildren \Sent) "/" "Gesendete &AOQ-"',
    )
    office = PostOffice(folders={"INBOX": [], "Gesendete &AOQ-": []}, listed=listed)
    send(office)
    assert len(office.folders["Gesendete &AOQ-"]) == 1


def test_a_folder_for_sent_mail_is_made_where_there_is_none() -> None:
    office = PostOffice()
    send(office)
    assert len(office.folders["Sent"]) == 1


def target(office: PostOffice, ref: Mapping[str, Any]) -> Target | Gone:
    return asyncio.run(mailbox(office).target(ref))


def test_the_target_is_found_though_the_server_numbered_anew() -> None:
    office = PostOffice()
    office.put(mail(1), 5)
    ref = read(mail(1)).reply_ref
    assert target(office, {**ref, "uid": "5", "validity": "77"}) == Target("It leaks.")
    assert target(office, {**ref, "uid": "99", "validity": "12"}) == Target("It leaks.")
    office.folders["INBOX"].clear()
    with pytest.raises(ReplyRefused, match="deleted it"):
        target(office, {**ref, "uid": "5", "validity": "77"})


def test_a_mail_that_was_filed_away_can_be_answered_and_one_thrown_away_not() -> None:
    office = PostOffice(listed=(r'* LIST (\Trash) "/" Bin', r'* LIST () "/" "2026/Done"'))
    ref = {**read(mail(1)).reply_ref, "uid": "5", "validity": "77"}
    office.put(mail(1), folder="Bin")
    office.folders["2026/Done"] = []
    with pytest.raises(ReplyRefused):
        target(office, ref)
    office.put(mail(1), folder="2026/Done")
    assert target(office, ref) == Target("It leaks.")


def test_what_a_colleague_answered_in_a_mail_program_is_not_answered_again() -> None:
    office = PostOffice()
    office.put(mail(1), 1, flags="\\Seen \\Answered")
    with pytest.raises(ReplyRefused, match="Somebody answered"):
        target(office, read(mail(1)).reply_ref)


def test_a_mailbox_without_a_way_out_only_hears() -> None:
    assert responder(mailbox(PostOffice(), smtp_host="")) is None
    assert responder(mailbox(PostOffice())) is not None


@pytest.mark.parametrize("text", ["a\r\nb", "ä", "a\x00"])
def test_nothing_is_asked_of_a_server_that_would_be_another_command(text: str) -> None:
    with pytest.raises(ListenerError):
        quoted(text)


def test_folder_names_as_imap_writes_them() -> None:
    assert folder_name("Entwürfe") == '"Entw&APw-rfe"'
    assert folder_name("Q&A") == '"Q&-A"'
    assert folder_name("台北") == '"&U,BTFw-"'
    assert folder_name('a"b') == '"a\\"b"'


def test_oauth_in_place_of_a_password() -> None:
    office = PostOffice()
    office.answers["AUTH"] = "235 in"
    listener = mailbox(
        office, password="", refresh_token="env:R", client_id="c", token_url="https://login.example"
    )
    outgoing = reply()
    asyncio.run(listener.account.deliver("ines@mail.example", written(outgoing, listener.options,
                NOW), SimpleNamespace(may_be_taken=False)))  # type: ignore[arg-type]  # fmt: skip
    assert office.commands("AUTH XOAUTH2")


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_mail_is_sent_over_tls(tmp_path: Path, security: str) -> None:
    """What was said in clear before TLS began is not believed."""
    certificate = make_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.cert, certificate.key)
    office = PostOffice()
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]

    def serve() -> None:
        with contextlib.suppress(OSError):
            office.serve_tls(listening.accept()[0], context, begin=security == "starttls")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    trusting = ssl.create_default_context(cafile=str(certificate.cert))
    rule = AllowRule([f"127.0.0.1:{port}"])
    asking = SimpleNamespace(dial=Dialer(rule, seconds=10, context=trusting))
    options = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": security}
    made = build(
        "email", {**OPTIONS, **options, "server_files_sent": True},
        Wiring(asking, FixedClock(NOW), lambda _: PASSWORD),  # type: ignore[arg-type]  # stands in for the fetcher
    )  # fmt: skip
    assert isinstance(made, EmailListener)
    assert asyncio.run(made.send(reply())).remote_id
    thread.join(10)
    listening.close()
    assert len(office.sent) == 1
    in_clear = office.said[:2] if security == "starttls" else []
    assert not [line for line in in_clear if "AUTH" in line]
    assert office.commands("AUTH PLAIN")


@pytest.mark.parametrize("security", ["tls", "starttls"])
def test_a_handshake_that_fails_before_the_mail_leaves_nothing_in_doubt(security: str) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]

    def serve() -> None:
        with contextlib.suppress(OSError), listening.accept()[0] as sock:
            sock.sendall(b"220 ready\r\n250 STARTTLS\r\n220 go on\r\nno TLS at all\r\n")
            sock.recv(10_000)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    asking = SimpleNamespace(dial=Dialer(AllowRule([f"127.0.0.1:{port}"]), seconds=5))
    options = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_security": security}
    wired = Wiring(asking, FixedClock(NOW), lambda _: PASSWORD)  # type: ignore[arg-type]  # stands in for the fetcher
    made = build("email", {**OPTIONS, **options}, wired)
    assert isinstance(made, EmailListener)
    with pytest.raises(Unavailable):
        asyncio.run(made.send(reply()))
    thread.join(10)
    listening.close()
