"""Media and comments as the Graph API gives them, and as items."""

from datetime import datetime
from typing import Any, NamedTuple

from pydantic import Field

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed
from earmark_core.model import Author, Item
from earmark_listeners.wire import Id, Wire, Word, raw_text, read_as

COMMENT_FIELDS = "id,text,username,from{id,username},timestamp,like_count,parent_id,hidden"
TAGGED_FIELDS = "id,caption,media_type,permalink,timestamp,username,comments_count,like_count"
HASHTAG_FIELDS = "id,caption,media_type,permalink,timestamp,comments_count,like_count"


class _Person(Wire):
    id: Word = ""
    username: Word = ""


class _Thing(Wire):
    id: Word = ""


class Comment(Wire):
    """A comment, or an answer to one."""

    id: Id
    text: Word = ""
    username: Word = ""
    writer: _Person | None = Field(default=None, alias="from")
    timestamp: datetime | None = None
    like_count: int | None = None
    parent_id: Word = ""
    hidden: bool | None = None
    media: _Thing | None = None

    @property
    def author(self) -> Author | None:
        """Gives who wrote it; few tokens are given the number, else the name stands for it."""
        name = self.username or (self.writer.username if self.writer else "")
        number = self.writer.id if self.writer else ""
        return _author(name, number)


class _Media(Wire):
    id: Id
    caption: Word = ""
    media_type: Word = ""
    permalink: Word = ""
    timestamp: datetime | None = None
    username: Word = ""
    comments_count: int | None = None
    like_count: int | None = None


class Found(NamedTuple):
    """A comment as it came: below which media, at which address, and below which comment."""

    media_id: str
    url: str
    parent_id: str
    raw: Any


class Named(NamedTuple):
    """A comment below another's media, or that media itself, that names us."""

    raw: Any
    is_comment: bool


def made_at(raw: Any) -> datetime | None:
    """Gives when an entry was made; None if it does not say so in a way that can be read."""
    if not isinstance(raw, dict):
        return None
    try:
        moment = read_as(Comment, {"id": "1", "timestamp": raw.get("timestamp")}).timestamp
    except Malformed:
        return None
    return as_utc(moment) if moment else None


def comment_item(found: Found, own: str) -> Item:
    """Gives a comment below our media as an item; only one at the top takes answers."""
    comment = read_as(Comment, found.raw)
    top = found.parent_id or comment.parent_id or comment.id
    author = comment.author
    ref = {"comment_id": top, "item_id": comment.id}
    if top != comment.id and author:
        ref["username"] = author.handle
    return Item(
        external_id=comment.id,
        kind="comment",
        text=comment.text,
        url=found.url,
        uri=f"instagram:{comment.id}",  # its link is that of the media
        author=author,
        published_at=as_utc(comment.timestamp) if comment.timestamp else None,
        thread_id=found.media_id,
        parent_id=found.media_id if top == comment.id else top,
        metrics={} if comment.like_count is None else {"likes": comment.like_count},
        reply_ref=ref,
        is_own=bool(author) and _is_same(author, own),
        raw=raw_text(found.raw),
    )


def named_item(found: Named, own: str) -> Item:
    """Gives what names us below or in another's media as an item."""
    if not found.is_comment:
        return media_item(found.raw, own, ref={"media_id": read_as(_Media, found.raw).id})
    comment = read_as(Comment, found.raw)
    media_id = comment.media.id if comment.media else ""
    return Item(
        external_id=comment.id,
        kind="comment",
        text=comment.text,
        author=comment.author,
        published_at=as_utc(comment.timestamp) if comment.timestamp else None,
        thread_id=media_id,
        parent_id=media_id,
        metrics={} if comment.like_count is None else {"likes": comment.like_count},
        reply_ref={"media_id": media_id, "mention_id": comment.id} if media_id else {},
        is_own=bool(comment.author) and _is_same(comment.author, own),
        raw=raw_text(found.raw),
    )


def media_item(raw: Any, own: str, *, ref: dict[str, str] | None = None) -> Item:
    """Gives a photo or film as an item; without *ref* it cannot be answered by a program."""
    media = read_as(_Media, raw)
    counts = {"comments": media.comments_count, "likes": media.like_count}
    author = _author(media.username, "")
    return Item(
        external_id=media.id,
        text=media.caption,
        url=media.permalink,
        author=author,
        published_at=as_utc(media.timestamp) if media.timestamp else None,
        thread_id=media.id,
        metrics={name: count for name, count in counts.items() if count is not None},
        reply_ref=ref or {},
        is_own=bool(author) and _is_same(author, own),
        raw=raw_text(raw),
    )


def _author(name: str, number: str) -> Author | None:
    if not name and not number:
        return None
    url = f"https://www.instagram.com/{name}/" if name else ""
    return Author(number or name, name, name, url)


def _is_same(author: Author | None, own: str) -> bool:
    return author is not None and bool(own) and author.handle.casefold() == own.casefold()
