"""What a Mastodon server sends, and how it becomes an item.

Ids are opaque text that belongs to one server. They are compared by length, then text, and never
made numbers: servers of other makes use letters.
"""

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import urlsplit

from earmark_core.clock import as_utc
from earmark_core.model import Author, Item
from earmark_core.text import clean, safe_link
from earmark_listeners.wire import Id, Wire, Word, raw_text, read_as


class Account(Wire):
    """Who posted."""

    id: Id
    acct: Word = ""
    username: Word = ""
    display_name: Word = ""
    url: Word = ""
    uri: Word = ""
    followers_count: int | None = None
    discoverable: bool | None = None
    indexable: bool | None = None


class Named(Wire):
    """Somebody who is named in a post."""

    acct: Word = ""


class Status(Wire):
    """One post."""

    id: Id
    account: Account
    created_at: datetime
    uri: Word = ""
    url: Word = ""
    edited_at: datetime | None = None
    in_reply_to_id: Word = ""
    content: Word = ""
    spoiler_text: Word = ""
    visibility: Word = ""
    language: Word = ""
    replies_count: int | None = None
    reblogs_count: int | None = None
    favourites_count: int | None = None
    quotes_count: int | None = None
    reblog: dict[str, Any] | None = None
    mentions: tuple[Named, ...] = ()


def order(identifier: str) -> tuple[int, str]:
    """Gives the key by which ids are sorted, oldest first."""
    return len(identifier), identifier


def read_status(raw: object) -> Status:
    """Gives the post, or raises `Malformed` with the first thing that is wrong in it."""
    return read_as(Status, raw)


def place_of(entry: object) -> str:
    """Gives the id by which a page's entry is paged, "" if it has none."""
    value = entry.get("id") if isinstance(entry, dict) else None
    is_id = isinstance(value, str | int) and not isinstance(value, bool)
    return str(value) if is_id else ""


def full_acct(acct: str, base_url: str) -> str:
    """Gives `name@server`; people of the server itself come without the server."""
    if not acct or "@" in acct:
        return acct
    return f"{acct}@{urlsplit(base_url).netloc.rpartition('@')[2]}"


def text_of(status: Status) -> str:
    """Gives the post as HTML, a content warning first."""
    if not status.spoiler_text:
        return status.content
    return f"<p>{escape(status.spoiler_text, quote=False)}</p>{status.content}"


def plain_text(status: Status) -> str:
    """Gives the post as the store has it."""
    return clean(text_of(status), is_html=True)


def global_id(status: Status, base_url: str) -> str:
    """Gives the name of the post that is the same on all servers."""
    return status.uri or status.url or f"{base_url}/statuses/{status.id}"


def to_item(status: Status, raw: object, *, base_url: str, thread_id: str, is_own: bool) -> Item:
    """Gives the item; `thread_id` is the global id of the thread's first post."""
    account = status.account
    handle = full_acct(account.acct or account.username, base_url)
    return Item(
        external_id=global_id(status, base_url),
        kind="comment" if status.in_reply_to_id else "post",
        text=text_of(status),
        is_html=True,
        url=safe_link(status.url or status.uri),
        uri=status.uri,
        author=Author(
            id=account.uri or account.url or handle or account.id,
            handle=handle,
            name=account.display_name or account.username,
            url=safe_link(account.url),
            followers=account.followers_count,
        ),
        lang=status.language,
        published_at=as_utc(status.created_at),
        edited_at=as_utc(status.edited_at) if status.edited_at else None,
        thread_id=thread_id,
        parent_id=status.in_reply_to_id,
        metrics=_metrics(status),
        reply_ref=_reply_ref(status, handle, base_url),
        is_own=is_own,
        raw=raw_text(raw),
    )


def _metrics(status: Status) -> Mapping[str, int]:
    counts = {
        "replies": status.replies_count,
        "reblogs": status.reblogs_count,
        "favourites": status.favourites_count,
        "quotes": status.quotes_count,
    }
    return {name: count for name, count in counts.items() if count is not None}


def _reply_ref(status: Status, handle: str, base_url: str) -> Mapping[str, str]:
    named = (full_acct(each.acct, base_url) for each in status.mentions)
    return {
        "base_url": base_url,
        "status_id": status.id,
        "acct": handle,
        "visibility": status.visibility,
        "mentions": " ".join(acct for acct in named if acct),
        "uri": status.uri,
    }
