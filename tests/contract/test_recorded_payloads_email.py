"""Mails that were recorded elsewhere, read to items that were checked by hand."""

import pytest

from earmark_core.model import Author
from earmark_listeners.channels.email.options import EmailOptions
from earmark_listeners.channels.email.reading import Fetched, read_mail

OPTIONS = EmailOptions(address="jane.doe@example.com", imap_host="i.example", password="env:P")


def test_a_mail_of_two_forms(payloads, item_as_json) -> None:
    path = payloads / "email" / "email_imap1.eml"
    if not path.is_file():
        pytest.skip("no recorded mails here")
    found = read_mail(Fetched(12, path.read_bytes()), OPTIONS, 3)
    assert found.author == Author(
        "nanashi.gombeh@example.jp", handle="nanashi.gombeh@example.jp", name="Nanashi"
    )
    assert item_as_json(found) == {
        "external_id": "foo.123@mail.example.jp/nanashi.gombeh@example.jp",
        "kind": "mail",
        "title": "some subject",
        "text": "Some plain text\nSome second line",
        "uri": "mid:foo.123@mail.example.jp/nanashi.gombeh@example.jp",
        "author": {
            "id": "nanashi.gombeh@example.jp",
            "handle": "nanashi.gombeh@example.jp",
            "name": "Nanashi",
        },
        "published_at": "2014-05-09T07:00:00+00:00",
        "thread_id": found.thread_id,
        "reply_ref": {
            "message_id": "foo.123@mail.example.jp",
            "to": "nanashi.gombeh@example.jp",
            "subject": "some subject",
            "references": "",
            "thread": found.thread_id,
            "uid": "12",
            "validity": "3",
        },
    }
