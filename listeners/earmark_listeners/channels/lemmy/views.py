"""What a Lemmy server sends, and how it becomes an item.

Servers before 1.0 say `published`, `updated` and `actor_id` and put the figures apart under
`counts`; from 1.0 on it is `published_at`, `updated_at` and `ap_id`, and the figures stand in the
object. Both are read. A time may lack its zone; it is UTC.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from pydantic import AliasChoices, Field

from earmark_core.clock import as_utc
from earmark_core.errors import Malformed
from earmark_core.model import Author, Item
from earmark_core.text import clean, safe_link
from earmark_listeners.newest_first import Deleted
from earmark_listeners.wire import Id, Wire, Word, raw_text, read_as

_FIGURES = {
    "score": "score",
    "upvotes": "upvotes",
    "downvotes": "downvotes",
    "comments": "replies",
    "child_count": "replies",
}
_MADE = AliasChoices("published_at", "published")
_CHANGED = AliasChoices("updated_at", "updated")


class Person(Wire):
    """Who wrote."""

    id: Id
    name: Word = ""
    display_name: Word = ""
    address: Word = Field(default="", validation_alias=AliasChoices("ap_id", "actor_id"))


class _Written(Wire):
    id: Id
    ap_id: Id
    published: datetime = Field(validation_alias=_MADE)
    updated: datetime | None = Field(default=None, validation_alias=_CHANGED)
    deleted: bool = False
    removed: bool = False

    @property
    def is_gone(self) -> bool:
        """Tells that its author took it away, or a moderator did."""
        return self.deleted or self.removed


class Post(_Written):
    """What begins a thread; `locked` takes no more comments."""

    name: Word = ""
    body: Word = ""
    locked: bool = False


class Comment(_Written):
    """An answer; `path` names all above it by their ids, "0" first and itself last."""

    content: Word = ""
    path: Word = ""

    @property
    def above(self) -> str:
        """Gives the id of the comment it answers, "" for an answer to the post."""
        steps = self.path.split(".")
        return steps[-2] if len(steps) > 2 else ""


class View(Wire):
    """A post or a comment with its surroundings."""

    post: Post
    creator: Person
    comment: Comment | None = None

    @property
    def written(self) -> Post | Comment:
        """Gives what it is about."""
        return self.comment or self.post

    @property
    def text(self) -> str:
        """Gives its words, as Markdown."""
        return self.comment.content if self.comment else self.post.body

    @property
    def plain(self) -> str:
        """Gives title and words as the store has them."""
        title = "" if self.comment else clean(self.post.name)
        return f"{title}\n{clean(self.text)}".strip()


def read_view(raw: object) -> View:
    """Gives the view, or raises `Malformed` with the first thing that is wrong in it."""
    return read_as(View, raw)


def to_item(raw: Any, *, base_url: str, own_id: str) -> Item | Deleted:
    """Gives the item, or that it was taken away; it has the same id on all servers."""
    if not isinstance(raw, dict):
        raise Malformed("This is no object.")
    view = read_view(raw)
    written, comment = view.written, view.comment
    if written.is_gone:
        return Deleted(written.ap_id)
    return Item(
        external_id=written.ap_id,
        kind="comment" if comment else "post",
        title="" if comment else view.post.name,
        text=view.text,
        url=safe_link(written.ap_id),
        uri=written.ap_id,
        author=_author(view.creator),
        published_at=as_utc(written.published),
        edited_at=as_utc(written.updated) if written.updated else None,
        thread_id=view.post.ap_id,
        parent_id=_parent(view, base_url),
        metrics=_metrics(raw),
        reply_ref={
            "base_url": base_url,
            "post_id": view.post.id,
            "comment_id": comment.id if comment else "",
            "ap_id": written.ap_id,
        },
        is_own=bool(own_id) and view.creator.id == own_id,
        raw=raw_text(raw),
    )


def _parent(view: View, base_url: str) -> str:
    if view.comment is None:
        return ""
    return f"{base_url}/comment/{view.comment.above}" if view.comment.above else view.post.ap_id


def _author(person: Person) -> Author:
    server = urlsplit(person.address).netloc
    return Author(
        id=person.address or person.id,
        handle=f"{person.name}@{server}" if server else person.name,
        name=person.display_name or person.name,
        url=safe_link(person.address),
    )


def _metrics(raw: Mapping[str, Any]) -> Mapping[str, int]:
    kind = "comment" if raw.get("comment") else "post"
    apart = raw.get("counts")
    figures = apart if isinstance(apart, dict) else raw[kind]
    found = {ours: figures.get(theirs) for theirs, ours in _FIGURES.items() if theirs in figures}
    return {
        name: count
        for name, count in found.items()
        if isinstance(count, int) and not isinstance(count, bool)
    }
