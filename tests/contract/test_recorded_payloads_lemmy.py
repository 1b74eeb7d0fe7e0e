"""ActivityPub objects of a real Lemmy server; they are no part of the project.

There is no recording of the REST API. These prove what both have in common: names that are the
same on all servers, and times.
"""

import json
from datetime import datetime

import pytest

from earmark_listeners.channels.lemmy.views import to_item

BASE = "https://enterprise.lemmy.ml"


@pytest.fixture
def view(payloads):
    """A comment of the recording in the form in which the REST API would tell of it."""
    found = {
        name: json.loads((payloads / "lemmy" / f"activitypub_{name}.json").read_text("utf-8"))
        for name in ("person", "page", "comment")
    }
    person, page, comment = found["person"], found["page"], found["comment"]
    return {
        "creator": {
            "id": 1, "name": person["preferredUsername"], "display_name": person["name"],
            "actor_id": person["id"],
        },
        "post": {
            "id": 55143, "name": page["name"], "body": page["source"]["content"],
            "ap_id": page["id"], "published": page["published"],
        },
        "comment": {
            "id": 38741, "content": comment["source"]["content"], "ap_id": comment["id"],
            "published": comment["published"], "updated": comment["updated"], "path": "0.38741",
        },
        "counts": {"score": 1},
    }  # fmt: skip


def test_comment(view):
    item = to_item(view, base_url=BASE, own_id="")
    assert item.external_id == item.uri == item.url == f"{BASE}/comment/38741"
    assert item.thread_id == item.parent_id == f"{BASE}/post/55143"
    assert (item.text, item.kind, item.title) == ("first comment!", "comment", "")
    assert item.published_at == datetime.fromisoformat("2021-03-01T13:42:43.966208Z")
    assert item.edited_at == datetime.fromisoformat("2021-03-01T13:43:03.955787Z")
    assert item.author.id == f"{BASE}/u/picard"
    assert (item.author.handle, item.author.name) == (
        "picard@enterprise.lemmy.ml",
        "Jean-Luc Picard",
    )


def test_post(view):
    item = to_item(view | {"comment": None}, base_url=BASE, own_id="1")
    assert (item.external_id, item.title) == (f"{BASE}/post/55143", "Post title")
    assert item.text == "This is a post in the /c/tenforward community"
    assert item.published_at == datetime.fromisoformat("2021-02-26T12:35:34.292626Z")
    assert (item.edited_at, item.is_own) == (None, True)
